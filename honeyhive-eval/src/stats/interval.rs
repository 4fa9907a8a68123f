//! Confidence intervals, and the one of a rate.

use std::fmt;

use serde::Serialize;

use super::{LEVEL, float, normal};

/// Where the true value lies in 95 of 100 experiments like this one, given how few rows there are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// As `low … high`, with at most four decimals.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |number: f64| (number * 1e4).round() / 1e4;
        write!(f, "{} … {}", short(self.low), short(self.high))
    }
}

/// The interval of a rate, by Wilson's score method: right for few rows and for rates near 0 and 1, where the usual
/// formula is not. `None` without trials.
pub(crate) fn rate_interval(successes: usize, trials: usize) -> Option<Interval> {
    if trials == 0 {
        return None;
    }
    let (count, rate) = (float(trials), float(successes) / float(trials));
    let z = normal::quantile(0.5 + LEVEL / 2.0);
    let scale = 1.0 + z * z / count;
    let centre = (rate + z * z / (2.0 * count)) / scale;
    let reach = z / scale * (rate * (1.0 - rate) / count + z * z / (4.0 * count * count)).sqrt();
    // At the ends the formula is exact, its rounding is not.
    let low = if successes == 0 { 0.0 } else { (centre - reach).max(0.0) };
    let high = if successes == trials {
        1.0
    } else {
        (centre + reach).min(1.0)
    };
    Some(Interval { low, high })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::super::assert_close;
    use super::*;

    /// Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), table I,
    /// method 3. It prints four digits; the others are from
    /// `statsmodels.stats.proportion.proportion_confint(k, n, 0.05, "wilson")` of statsmodels 0.15.
    #[test]
    fn intervals_of_rates_are_those_newcombe_published() {
        for (successes, trials, printed, low, high) in [
            (81, 263, "0.2553 … 0.3662", 0.255_288_519_9, 0.366_209_577_0),
            (15, 148, "0.0624 … 0.1605", 0.062_386_399_5, 0.160_487_241_7),
            (0, 20, "0 … 0.1611", 0.0, 0.161_125_158_1),
            (1, 29, "0.0061 … 0.1718", 0.006_113_214_3, 0.171_755_218_8),
            (29, 29, "0.883 … 1", 0.883_030_201_5, 1.0),
        ] {
            let interval = rate_interval(successes, trials).unwrap();
            assert_eq!(interval.to_string(), printed);
            assert_close(interval.low, low);
            assert_close(interval.high, high);
        }
        assert_eq!(rate_interval(0, 0), None);
    }
}
