//! Functions that make one score of several, for [`ConfiguredEvaluator::aggregate`](crate::ConfiguredEvaluator::aggregate).

use crate::score::ScoreValue;

/// The mean; a flag is 1 or 0. `None` of nothing.
///
/// # Examples
///
/// ```
/// assert_eq!(honeyhive_eval::aggregate::mean(&[0.5, 1.0]), Some(0.75));
/// ```
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "nobody repeats 2^53 times")]
    let count = values.len() as f64;
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / count)
}

/// The median: of an even number of values the mean of the two in the middle. `None` of nothing.
///
/// # Examples
///
/// ```
/// assert_eq!(honeyhive_eval::aggregate::median(&[3.0, 1.0, 2.0, 10.0]), Some(2.5));
/// ```
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*sorted.get(middle - 1)?, upper))
}

/// The most frequent value, a label as well as a number; of equally frequent ones the first. `None` of nothing.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::ScoreValue;
///
/// let votes = ["no", "yes", "yes"].map(ScoreValue::from);
/// assert_eq!(honeyhive_eval::aggregate::mode(&votes), Some("yes".into()));
/// ```
#[must_use]
pub fn mode(values: &[ScoreValue]) -> Option<ScoreValue> {
    let frequency = |value: &ScoreValue| values.iter().filter(|other| *other == value).count();
    let mut best: Option<(&ScoreValue, usize)> = None;
    for value in values {
        let count = frequency(value);
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((value, count));
        }
    }
    best.map(|(value, _)| value.clone())
}

/// The smallest value. `None` of nothing.
#[must_use]
pub fn min(values: &[f64]) -> Option<f64> {
    values.iter().copied().min_by(f64::total_cmp)
}

/// The largest value. `None` of nothing.
#[must_use]
pub fn max(values: &[f64]) -> Option<f64> {
    values.iter().copied().max_by(f64::total_cmp)
}

/// The sum; 0 of nothing.
#[must_use]
pub fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}
