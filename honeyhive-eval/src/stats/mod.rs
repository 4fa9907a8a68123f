//! Statistics of scores: aggregates, confidence intervals, and whether two runs differ.
//!
//! What is drawn at random is drawn from a fixed seed: the same scores give the same numbers, on every machine.

mod aggregate;
mod bootstrap;
mod interval;
mod normal;
mod paired;
mod random;

pub(crate) use aggregate::{AGGREGATES, aggregate, name as aggregate_name};
pub(crate) use bootstrap::mean_interval;
pub use honeyhive_core::api::Aggregate;
pub use interval::Interval;
pub(crate) use interval::rate_interval;
pub use paired::{Significance, Test};
pub(crate) use paired::{mcnemar, permutation};

/// Share of repetitions in which an interval would hold the true value.
const LEVEL: f64 = 0.95;
/// Seed of everything random.
const SEED: u64 = 0x48_4f4e_4559;

#[allow(clippy::cast_precision_loss, reason = "nobody holds 2^53 values in memory")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}

/// The mean; of no values there is none.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / float(values.len()))
}

/// How many times `size` values may be redrawn: ten thousand times, fewer for large samples, whose limits settle
/// sooner.
fn resamples(size: usize) -> usize {
    (20_000_000 / size.max(1)).clamp(1_000, 10_000)
}

/// The value below which `share` of the sorted values lie, interpolated between its two neighbours: the definition of
/// spreadsheets, NumPy and R's type 7. Not for an empty slice.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the position is within the slice"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len() - 1;
    let position = share.clamp(0.0, 1.0) * float(last);
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * position.fract()
}

/// Asserts that a statistic is what others publish.
#[cfg(test)]
#[track_caller]
fn assert_close(found: f64, published: f64) {
    assert!((found - published).abs() <= 1e-6, "{found} is not {published}");
}
