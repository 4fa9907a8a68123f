//! The confidence interval of a mean, by the bootstrap: no distribution is assumed.

use super::interval::Interval;
use super::random::Random;
use super::{LEVEL, SEED, float, mean, normal, quantile, resamples};

/// The interval of the mean, bias-corrected and accelerated (Efron 1987). `None` where the values do not vary or there
/// are fewer than two: they say nothing about the spread.
pub(crate) fn mean_interval(values: &[f64]) -> Option<Interval> {
    let observed = mean(values)?;
    if !observed.is_finite() || values.iter().all(|value| value.total_cmp(&values[0]).is_eq()) {
        return None;
    }
    let means = resampled_means(values);
    let tail = (1.0 - LEVEL) / 2.0;
    let bias = bias(&means, observed);
    let acceleration = acceleration(values, observed);
    let at = |share: f64| {
        let z = bias + normal::quantile(share);
        let corrected = normal::share_below(bias + z / (1.0 - acceleration * z));
        quantile(&means, if corrected.is_nan() { share } else { corrected })
    };
    Some(Interval {
        low: at(tail),
        high: at(1.0 - tail),
    })
}

/// Means of as many rows drawn with replacement, sorted.
fn resampled_means(values: &[f64]) -> Vec<f64> {
    let mut random = Random::seeded(SEED);
    let mut one = || -> f64 { values.iter().map(|_| values[random.below(values.len())]).sum() };
    let mut means: Vec<f64> = (0..resamples(values.len()))
        .map(|_| one() / float(values.len()))
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    means
}

/// How far the middle of the resampled means is from the observed mean, in standard deviations.
fn bias(sorted: &[f64], observed: f64) -> f64 {
    let below = sorted.partition_point(|mean| *mean < observed);
    let up_to = sorted.partition_point(|mean| *mean <= observed);
    normal::quantile(float(below + up_to) / float(2 * sorted.len()))
}

/// How fast the spread changes with the mean: the skewness of the means that leave out one value each.
fn acceleration(values: &[f64], observed: f64) -> f64 {
    let others = float(values.len() - 1);
    let (mut squares, mut cubes) = (0.0, 0.0);
    for value in values {
        let distance = (value - observed) / others;
        squares += distance * distance;
        cubes += distance * distance * distance;
    }
    cubes / (6.0 * squares.powf(1.5))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::super::assert_close;
    use super::*;

    /// Survival of the treated mice, Efron and Tibshirani, An Introduction to the Bootstrap (1993), table 2.1.
    const MICE: [f64; 7] = [94.0, 197.0, 16.0, 38.0, 99.0, 141.0, 23.0];

    #[test]
    fn the_spread_of_resampled_means_is_the_one_efron_published() {
        let means = resampled_means(&MICE);
        let centre = mean(&means).unwrap();
        let squares: f64 = means.iter().map(|mean| (mean - centre).powi(2)).sum();
        let spread = (squares / float(means.len())).sqrt();
        // Table 2.2: 23.36 for infinitely many resamples; ten thousand are within 2 % of it.
        assert!((spread - 23.36).abs() < 0.4, "{spread}");
    }

    #[test]
    fn the_interval_is_the_one_scipy_makes_of_the_same_resamples() {
        // scipy 1.17: `scipy.stats._resampling._bca_interval` and `numpy.percentile` over 10,000 resamples drawn by
        // SplitMix64 from the same seed.
        let interval = mean_interval(&MICE).unwrap();
        assert_close(interval.low, 47.0);
        assert_close(interval.high, 137.571_428_571_4);
        let scores = [0.1, 0.9, 0.8, 0.75, 0.95, 0.3, 0.99, 0.85];
        let interval = mean_interval(&scores).unwrap();
        assert_close(interval.low, 0.425);
        assert_close(interval.high, 0.871_25);
    }

    #[test]
    fn values_without_spread_have_no_interval() {
        assert_eq!(mean_interval(&[]), None);
        assert_eq!(mean_interval(&[0.5]), None);
        assert_eq!(mean_interval(&[0.5; 20]), None);
        assert!(mean_interval(&[0.5, 0.6]).is_some());
    }
}
