//! How many scores become one number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{float, mean, quantile};

/// How many values become one: the functions HoneyHive knows. Percentiles interpolate linearly between the two nearest
/// values.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::Aggregate;
///
/// assert_eq!(Aggregate::P90.of(&[4.0, 1.0, 3.0, 2.0]), Some(3.7));
/// assert_eq!("median".parse(), Ok(Aggregate::Median));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Aggregate {
    /// The arithmetic mean.
    #[default]
    Average,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The one in the middle.
    Median,
    /// What 90 % do not exceed.
    P90,
    /// What 95 % do not exceed.
    P95,
    /// What 99 % do not exceed.
    P99,
    /// All of them together.
    Sum,
    /// How many there are.
    Count,
}

impl Aggregate {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Average,
        Self::Min,
        Self::Max,
        Self::Median,
        Self::P90,
        Self::P95,
        Self::P99,
        Self::Sum,
        Self::Count,
    ];

    /// The name the API has for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Average => "average",
            Self::Min => "min",
            Self::Max => "max",
            Self::Median => "median",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Sum => "sum",
            Self::Count => "count",
        }
    }

    /// The aggregate; of no values there is none.
    #[must_use]
    pub fn of(self, values: &[f64]) -> Option<f64> {
        if values.is_empty() {
            return None;
        }
        let at = |share| {
            let mut sorted = values.to_vec();
            sorted.sort_unstable_by(f64::total_cmp);
            quantile(&sorted, share)
        };
        match self {
            Self::Average => mean(values),
            Self::Min => values.iter().copied().reduce(f64::min),
            Self::Max => values.iter().copied().reduce(f64::max),
            Self::Median => Some(at(0.5)),
            Self::P90 => Some(at(0.9)),
            Self::P95 => Some(at(0.95)),
            Self::P99 => Some(at(0.99)),
            Self::Sum => Some(values.iter().sum()),
            Self::Count => Some(float(values.len())),
        }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no [`Aggregate`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no aggregate is called {0:?}: average, min, max, median, p90, p95, p99, sum and count are")]
pub struct UnknownAggregate(String);

impl FromStr for Aggregate {
    type Err = UnknownAggregate;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|aggregate| aggregate.as_str() == name);
        found.ok_or_else(|| UnknownAggregate(name.to_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::super::assert_close;
    use super::*;

    #[test]
    fn every_aggregate_is_the_one_of_the_server() {
        // As honeyhive-local computes them, and numpy.percentile.
        let expected = [2.5, 1.0, 4.0, 2.5, 3.7, 3.85, 3.97, 10.0, 4.0];
        for (aggregate, number) in Aggregate::ALL.into_iter().zip(expected) {
            assert_close(aggregate.of(&[4.0, 1.0, 3.0, 2.0]).unwrap(), number);
            assert_eq!(aggregate.of(&[]), None);
            assert_eq!(aggregate.as_str().parse(), Ok(aggregate));
        }
        assert!("mode".parse::<Aggregate>().is_err());
    }

    #[test]
    fn means_are_those_nist_certifies() {
        // NIST Statistical Reference Datasets, univariate: NumAcc2 (certified mean 1.2), NumAcc3 (1000000.2) and
        // NumAcc4 (10000000.2): one value in the middle, then 500 times 0.1 below and above it.
        for middle in [1.2, 1_000_000.2, 10_000_000.2] {
            let pairs = std::iter::repeat_n([middle - 0.1, middle + 0.1], 500).flatten();
            let values: Vec<f64> = std::iter::once(middle).chain(pairs).collect();
            assert_eq!(values.len(), 1001);
            assert_close(Aggregate::Average.of(&values).unwrap(), middle);
        }
    }

    #[test]
    fn percentiles_are_those_of_spreadsheets() {
        // Worked examples of the variant C = 1 (PERCENTILE.INC, numpy.percentile) in Wikipedia, "Percentile".
        assert_close(quantile(&[15.0, 20.0, 35.0, 40.0, 50.0], 0.4), 29.0);
        assert_close(quantile(&[1.0, 2.0, 3.0, 4.0], 0.75), 3.25);
        // The 12 gauge readings of NIST's e-Handbook 7.2.6.2, by numpy.percentile 2.4.6.
        let gauge = [
            95.1772, 95.1567, 95.1937, 95.1959, 95.1442, 95.0610, 95.1591, 95.1195, 95.1065, 95.0925, 95.1990, 95.1682,
        ];
        assert_close(Aggregate::P90.of(&gauge).unwrap(), 95.195_68);
        assert_close(Aggregate::P95.of(&gauge).unwrap(), 95.197_295);
        assert_close(Aggregate::P99.of(&gauge).unwrap(), 95.198_659);
        assert_close(Aggregate::Median.of(&gauge).unwrap(), 95.157_9);
    }
}
