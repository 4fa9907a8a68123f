//! Several trials of one datapoint, and the row they reduce to.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::dataset::Datapoint;
use crate::output::TaskError;
use crate::result::{Outcome, Row, Trial, Usage};
use crate::score::{Score, ScoreValue};

/// What the scores of several trials amount to in their row.
///
/// A trial passes an evaluator with `true` or a number of at least 1. One whose function or evaluator failed does not
/// pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reducer {
    /// The mean of the numbers there are, with a flag as 1 or 0; of labels the most frequent.
    #[default]
    Mean,
    /// The most frequent score, of equally frequent ones the first.
    Majority,
    /// How likely one of `k` trials passes, estimated without bias from all of them: `1 - C(n-c, k) / C(n, k)` with `c`
    /// of `n` passed.
    PassAtK(u32),
    /// Whether at least this many trials passed.
    AtLeast(u32),
}

/// The row of a datapoint. There is at least one trial.
pub(crate) fn row(datapoint: Datapoint, mut trials: Vec<Trial>, reducer: Reducer) -> Option<Row> {
    let first = trials.first()?;
    let session_id = first.session_id;
    let (output, scores, latency) = if trials.len() == 1 {
        (first.output.clone(), first.scores.clone(), first.latency)
    } else {
        let count = u32::try_from(trials.len()).unwrap_or(u32::MAX);
        let latency: Duration = trials.iter().map(|trial| trial.latency).sum();
        (output(&trials, reducer), scores(&trials, reducer), latency / count)
    };
    let attempts = trials.iter().map(|trial| trial.attempts).sum();
    let usage = trials
        .iter()
        .fold(Usage::default(), |sum, trial| sum.plus(&trial.usage));
    if trials.len() == 1 {
        trials.clear();
    }
    Some(Row {
        datapoint_id: datapoint.id,
        session_id,
        inputs: datapoint.inputs,
        ground_truth: datapoint.ground_truth,
        metadata: datapoint.metadata,
        output,
        scores,
        latency,
        attempts,
        usage,
        trials,
    })
}

/// The most frequent output for [`Reducer::Majority`], else the first there is; an error when all trials failed.
fn output(trials: &[Trial], reducer: Reducer) -> Result<serde_json::Value, TaskError> {
    let outputs: Vec<_> = trials.iter().filter_map(|trial| trial.output.as_ref().ok()).collect();
    let chosen = match reducer {
        Reducer::Majority => most_frequent(&outputs),
        _ => outputs.first(),
    };
    match (chosen, trials.first()) {
        (Some(chosen), _) => Ok((*chosen).clone()),
        (None, Some(first)) => first.output.clone(),
        (None, None) => Err(TaskError::new("Cancelled", "nothing has run")),
    }
}

fn scores(trials: &[Trial], reducer: Reducer) -> Vec<(String, Outcome)> {
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in trials.iter().flat_map(|trial| &trial.scores) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let reduced = names.into_iter().map(|name| {
        let of_trial = |trial: &'_ Trial| {
            let scores = trial.scores.iter();
            scores
                .clone()
                .find(|(other, _)| other == name)
                .map(|(_, outcome)| outcome.clone())
        };
        (
            name.clone(),
            reduce(&trials.iter().map(of_trial).collect::<Vec<_>>(), reducer),
        )
    });
    reduced.collect()
}

/// One evaluator's outcomes; `None` for a trial whose function failed.
fn reduce(outcomes: &[Option<Outcome>], reducer: Reducer) -> Outcome {
    let given: Vec<&ScoreValue> = outcomes
        .iter()
        .filter_map(|outcome| Some(outcome.as_ref()?.as_ref().ok()?.as_ref()?.value()))
        .collect();
    if given.is_empty() {
        let failed = outcomes.iter().flatten().find(|outcome| outcome.is_err());
        return failed.cloned().unwrap_or(Ok(None));
    }
    let passed = given.iter().filter(|value| passes(value)).count();
    let value = match reducer {
        Reducer::Mean => mean(&given),
        Reducer::Majority => most_frequent(&given).map(|value| (*value).clone()),
        Reducer::PassAtK(k) => Some(ScoreValue::Number(pass_at(outcomes.len(), passed, k))),
        Reducer::AtLeast(k) => Some(ScoreValue::Flag(u32::try_from(passed).is_ok_and(|passed| passed >= k))),
    };
    Ok(value.map(|value| match reducer {
        Reducer::Mean | Reducer::Majority => Score::new(value),
        Reducer::PassAtK(_) | Reducer::AtLeast(_) => {
            Score::new(value).because(format!("{passed} of {} trials passed", outcomes.len()))
        }
    }))
}

fn passes(value: &ScoreValue) -> bool {
    value.as_number().is_some_and(|number| number >= 1.0)
}

fn mean(given: &[&ScoreValue]) -> Option<ScoreValue> {
    let numbers: Vec<f64> = given.iter().filter_map(|value| value.as_number()).collect();
    if numbers.is_empty() {
        return most_frequent(given).map(|value| (*value).clone());
    }
    Some(ScoreValue::Number(numbers.iter().sum::<f64>() / size(numbers.len())))
}

/// As a product, whose factors are all at most one, so that nothing overflows.
fn pass_at(trials: usize, passed: usize, k: u32) -> f64 {
    let k = usize::try_from(k).unwrap_or(usize::MAX).clamp(1, trials);
    if trials - passed < k {
        return 1.0;
    }
    let missed: f64 = (trials - passed + 1..=trials)
        .map(|n| 1.0 - size(k) / size(n))
        .product();
    1.0 - missed
}

#[allow(clippy::cast_precision_loss, reason = "nobody runs 2^53 trials")]
fn size(count: usize) -> f64 {
    count as f64
}

fn most_frequent<'a, T: PartialEq>(values: &'a [&'a T]) -> Option<&'a &'a T> {
    let count = |value: &&T| values.iter().filter(|other| *other == value).count();
    let mut best: Option<(&&T, usize)> = None;
    for value in values {
        let count = count(value);
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((value, count));
        }
    }
    best.map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(values: &[ScoreValue]) -> Vec<Option<Outcome>> {
        values
            .iter()
            .map(|value| Some(Ok(Some(Score::new(value.clone())))))
            .collect()
    }

    fn reduced(values: &[ScoreValue], reducer: Reducer) -> Option<ScoreValue> {
        let outcome = reduce(&outcomes(values), reducer).ok().flatten();
        outcome.map(|score| score.value().clone())
    }

    #[test]
    fn flags_reduce_to_a_rate_a_vote_or_a_threshold() {
        let flags = [true, false, true, false, false].map(ScoreValue::Flag);
        assert_eq!(reduced(&flags, Reducer::Mean), Some(ScoreValue::Number(0.4)));
        assert_eq!(reduced(&flags, Reducer::Majority), Some(ScoreValue::Flag(false)));
        assert_eq!(reduced(&flags, Reducer::AtLeast(2)), Some(ScoreValue::Flag(true)));
        assert_eq!(reduced(&flags, Reducer::AtLeast(3)), Some(ScoreValue::Flag(false)));
    }

    /// The worked values of the estimator: c of n passed, k drawn.
    #[test]
    fn pass_at_k_is_the_unbiased_estimate() {
        for (n, c, k, expected) in [
            (5, 2, 1, 0.4),
            (5, 2, 2, 0.7),
            (5, 2, 4, 1.0),
            (10, 1, 5, 0.5),
            (3, 0, 2, 0.0),
        ] {
            assert!(
                (pass_at(n, c, k) - expected).abs() < 1e-12,
                "{n} {c} {k}: {}",
                pass_at(n, c, k)
            );
        }
    }

    #[test]
    fn a_trial_that_failed_counts_against_passing_and_is_no_number() {
        let mut outcomes = outcomes(&[ScoreValue::Flag(true)]);
        outcomes.push(None);
        outcomes.push(Some(Err(TaskError::new("Panic", "no opinion"))));
        let value = |reducer| {
            reduce(&outcomes, reducer)
                .ok()
                .flatten()
                .map(|score| score.value().clone())
        };
        assert_eq!(value(Reducer::Mean), Some(ScoreValue::Number(1.0)));
        let Some(ScoreValue::Number(rate)) = value(Reducer::PassAtK(1)) else {
            unreachable!("a number")
        };
        assert!((rate - 1.0 / 3.0).abs() < 1e-12, "{rate}");
        assert!(reduce(&[Some(Err(TaskError::new("Panic", "x")))], Reducer::Mean).is_err());
        assert_eq!(reduce(&[None, Some(Ok(None))], Reducer::Mean), Ok(None));
    }

    #[test]
    fn labels_reduce_to_the_most_frequent_and_the_first_of_equals() {
        let labels = ["a", "b", "b", "a"].map(|label| ScoreValue::Label(label.into()));
        assert_eq!(reduced(&labels, Reducer::Mean), Some(ScoreValue::Label("a".into())));
        assert_eq!(
            reduced(&labels[1..], Reducer::Majority),
            Some(ScoreValue::Label("b".into()))
        );
    }
}
