//! How many scores become one number.

use honeyhive_core::api::Aggregate;

use super::{float, mean, quantile};

/// The aggregates HoneyHive knows, by the names its API has for them.
pub(crate) const AGGREGATES: [(Aggregate, &str); 9] = [
    (Aggregate::Average, "average"),
    (Aggregate::Min, "min"),
    (Aggregate::Max, "max"),
    (Aggregate::Median, "median"),
    (Aggregate::P90, "p90"),
    (Aggregate::P95, "p95"),
    (Aggregate::P99, "p99"),
    (Aggregate::Sum, "sum"),
    (Aggregate::Count, "count"),
];

/// The name of an aggregate.
pub(crate) fn name(aggregate: Aggregate) -> &'static str {
    let found = AGGREGATES.iter().find(|(known, _)| *known == aggregate);
    found.map_or("aggregate", |(_, name)| name)
}

/// Many values as one; of no values there is none. Percentiles interpolate linearly between the two nearest values.
pub(crate) fn aggregate(how: Aggregate, values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let at = |share| {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        Some(quantile(&sorted, share))
    };
    match how {
        Aggregate::Average => mean(values),
        Aggregate::Min => values.iter().copied().reduce(f64::min),
        Aggregate::Max => values.iter().copied().reduce(f64::max),
        Aggregate::Median => at(0.5),
        Aggregate::P90 => at(0.9),
        Aggregate::P95 => at(0.95),
        Aggregate::P99 => at(0.99),
        Aggregate::Sum => Some(values.iter().sum()),
        Aggregate::Count => Some(float(values.len())),
        // One that a later version of the API knows.
        _ => None,
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
        for ((how, name), number) in AGGREGATES.into_iter().zip(expected) {
            assert_close(aggregate(how, &[4.0, 1.0, 3.0, 2.0]).unwrap(), number);
            assert_eq!(aggregate(how, &[]), None);
            assert_eq!(serde_json::to_value(how).unwrap(), name);
        }
    }

    #[test]
    fn means_are_those_nist_certifies() {
        // NIST Statistical Reference Datasets, univariate: NumAcc2 (certified mean 1.2), NumAcc3 (1000000.2) and
        // NumAcc4 (10000000.2): one value in the middle, then 500 times 0.1 below and above it.
        for middle in [1.2, 1_000_000.2, 10_000_000.2] {
            let pairs = std::iter::repeat_n([middle - 0.1, middle + 0.1], 500).flatten();
            let values: Vec<f64> = std::iter::once(middle).chain(pairs).collect();
            assert_eq!(values.len(), 1001);
            assert_close(aggregate(Aggregate::Average, &values).unwrap(), middle);
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
        for (how, number) in [
            (Aggregate::P90, 95.195_68),
            (Aggregate::P95, 95.197_295),
            (Aggregate::P99, 95.198_659),
            (Aggregate::Median, 95.157_9),
        ] {
            assert_close(aggregate(how, &gauge).unwrap(), number);
        }
    }
}
