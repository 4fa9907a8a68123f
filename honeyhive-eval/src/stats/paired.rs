//! Whether two runs over the same rows differ by more than chance.

use std::fmt;

use serde::Serialize;

use super::random::Random;
use super::{SEED, float, resamples};

/// Rows with a difference up to which every assignment of signs is tried; beyond it signs are drawn.
const ENUMERABLE: usize = 18;

/// How likely a difference at least this large is by chance alone, either way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Significance {
    /// The probability, 0 to 1.
    pub p_value: f64,
    /// Which test says so.
    pub test: Test,
}

/// A test for paired rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Test {
    /// McNemar's, exact: for flags, over the rows that flipped.
    McNemar,
    /// Signs of the differences permuted, all of them.
    Permutation,
    /// Signs of the differences permuted, ten thousand times at random.
    SampledPermutation,
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::McNemar => "McNemar, exact",
            Self::Permutation => "paired permutation, exact",
            Self::SampledPermutation => "paired permutation, sampled",
        })
    }
}

/// McNemar's exact test: of the flags that flipped, whether more flipped one way than a coin would explain.
pub(crate) fn mcnemar(gained: usize, lost: usize) -> Significance {
    let flipped = gained + lost;
    // Binomial probabilities with an even coin, each from the one before; in logarithms, since 2^-flipped is too small.
    let mut log_term = -float(flipped) * std::f64::consts::LN_2;
    let mut one_side = 0.0;
    for k in 0..=gained.min(lost) {
        one_side += log_term.exp();
        log_term += (float(flipped - k) / float(k + 1)).ln();
    }
    Significance {
        p_value: (2.0 * one_side).min(1.0),
        test: Test::McNemar,
    }
}

/// Fisher's permutation test for pairs: how often the sum of the differences is as far from zero when each could as
/// well have gone the other way.
pub(crate) fn permutation(differences: &[f64]) -> Significance {
    let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).filter(|size| *size > 0.0).collect();
    let observed = differences.iter().sum::<f64>().abs();
    // Sums that are equal but for rounding count as equal.
    let reached = observed - 1e-12 * sizes.iter().sum::<f64>();
    if sizes.len() <= ENUMERABLE {
        let all = f64::from(1_u32 << sizes.len());
        return Significance {
            p_value: f64::from(reaching(&sizes, 0.0, reached)) / all,
            test: Test::Permutation,
        };
    }
    let mut random = Random::seeded(SEED);
    let draws = resamples(sizes.len());
    let hits = (0..draws)
        .filter(|_| flipped(&sizes, &mut random).abs() >= reached)
        .count();
    Significance {
        // The observed assignment is one of those possible, so the probability is never 0.
        p_value: float(hits + 1) / float(draws + 1),
        test: Test::SampledPermutation,
    }
}

/// How many assignments of signs bring the sum as far from zero.
fn reaching(sizes: &[f64], sum: f64, reached: f64) -> u32 {
    match sizes.split_first() {
        Some((size, rest)) => reaching(rest, sum + size, reached) + reaching(rest, sum - size, reached),
        None => u32::from(sum.abs() >= reached),
    }
}

/// The sum with signs drawn at random.
fn flipped(sizes: &[f64], random: &mut Random) -> f64 {
    let mut sum = 0.0;
    for group in sizes.chunks(64) {
        let mut signs = random.bits();
        for size in group {
            sum += if signs & 1 == 1 { *size } else { -size };
            signs >>= 1;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::assert_close;
    use super::*;

    /// Darwin's maize, crossed minus self-fertilised, in eighths of an inch: Fisher, The Design of Experiments (1935),
    /// section 21, who counts 1,726 of 32,768 assignments.
    const MAIZE: [f64; 15] = [
        49.0, -67.0, 8.0, 16.0, 6.0, 23.0, 28.0, 41.0, 14.0, 29.0, 56.0, 24.0, 75.0, 60.0, -48.0,
    ];

    #[test]
    fn the_permutation_test_counts_what_fisher_counted() {
        let found = permutation(&MAIZE);
        assert_close(found.p_value, 1_726.0 / 32_768.0);
        assert_eq!(found.test, Test::Permutation);
        // Equal pairs carry no evidence either way.
        let with_equal_pairs = [&MAIZE[..], &[0.0; 50]].concat();
        assert_close(permutation(&with_equal_pairs).p_value, found.p_value);
        assert_close(permutation(&[]).p_value, 1.0);
    }

    #[test]
    fn many_rows_are_sampled_close_to_the_exact_probability() {
        // Twenty differences of one size make a binomial test: 15 up and 5 down is 0.04138947 by scipy's binomtest.
        let mut differences = [1.0; 20];
        differences[..5].fill(-1.0);
        let found = permutation(&differences);
        assert_eq!(found.test, Test::SampledPermutation);
        assert!((found.p_value - 0.041_389_47).abs() < 0.006, "{}", found.p_value);
        assert_eq!(found, permutation(&differences), "the seed is fixed");
    }

    #[test]
    fn mcnemars_test_gives_the_published_probabilities() {
        // Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13:91 (2013), table 1: airway
        // hyper-responsiveness before and after transplantation, 1 and 7 discordant; exact conditional P = 0.070.
        assert_close(mcnemar(1, 7).p_value, 0.070_312_5);
        // The further ones by `statsmodels.stats.contingency_tables.mcnemar(…, exact=True)` of statsmodels 0.15.
        assert_close(mcnemar(9, 2).p_value, 0.065_429_687_5);
        assert_close(mcnemar(0, 5).p_value, 0.062_5);
        assert_close(mcnemar(86, 150).p_value, 0.000_037_159_361_4);
        assert_close(mcnemar(6, 6).p_value, 1.0);
        assert_close(mcnemar(0, 0).p_value, 1.0);
        let many = mcnemar(5_000, 5_300).p_value;
        assert!((many - 0.003_215_82).abs() < 1e-6, "{many}");
    }
}
