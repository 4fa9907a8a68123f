//! What the rows of an experiment amount to, metric by metric.

use serde_json::Value;

use crate::result::{ExperimentResult, Outcome, Row};
use crate::score::{Score, ScoreValue};
use crate::stats::{Aggregate, Interval, aggregate, mean, mean_interval, rate_interval};

/// What the scores of one evaluator amount to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScoreSummary {
    /// Name of the evaluator; `<evaluator>_<key>` for a number it gave beside its score.
    pub evaluator: String,
    /// Mean of its numbers, with a flag as 1 or 0. `None` when there are only labels or nothing.
    pub mean: Option<f64>,
    /// Where the true mean lies with a confidence of 95 %: by Wilson's method for a rate, else by the bootstrap, from a
    /// fixed seed. `None` when the numbers do not vary or are fewer than two.
    pub interval: Option<Interval>,
    /// Whether all its scores are flags, so that the mean is a rate.
    pub is_rate: bool,
    /// Its labels and how many rows have each, the most frequent first.
    pub labels: Vec<(String, usize)>,
    /// Rows it scored.
    pub scored: usize,
    /// Rows on which it failed.
    pub failed: usize,
    values: Vec<f64>,
}

impl ScoreSummary {
    /// Another aggregate than the mean; of no numbers there is none.
    #[must_use]
    pub fn aggregate(&self, how: Aggregate) -> Option<f64> {
        aggregate(how, &self.values)
    }

    /// Its numbers in dataset order, with a flag as 1 or 0.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    fn of(metric: &str, rows: &[Row]) -> Self {
        let mut labels: Vec<(String, usize)> = Vec::new();
        let (mut flags, mut scored, mut failed, mut values) = (0, 0, 0, Vec::new());
        for value in rows.iter().filter_map(|row| measured(row, metric)) {
            let Some(value) = value else {
                failed += 1;
                continue;
            };
            scored += 1;
            flags += usize::from(matches!(value, ScoreValue::Flag(_)));
            values.extend(value.as_number());
            if let ScoreValue::Label(label) = value {
                match labels.iter_mut().find(|(known, _)| *known == label) {
                    Some((_, count)) => *count += 1,
                    None => labels.push((label, 1)),
                }
            }
        }
        labels.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
        let is_rate = scored > 0 && flags == scored;
        let passed = values.iter().filter(|value| **value > 0.0).count();
        Self {
            evaluator: metric.to_owned(),
            mean: mean(&values),
            interval: if is_rate {
                rate_interval(passed, scored)
            } else {
                mean_interval(&values)
            },
            is_rate,
            labels,
            scored,
            failed,
            values,
        }
    }
}

impl ExperimentResult {
    /// One summary per evaluator, in the order they were given; each followed by one per number that the evaluator gave
    /// beside its score.
    #[must_use]
    pub fn summary(&self) -> Vec<ScoreSummary> {
        let metrics = self.metrics();
        metrics
            .iter()
            .map(|metric| ScoreSummary::of(metric, &self.rows))
            .collect()
    }

    /// Names of everything the evaluators measured.
    pub(crate) fn metrics(&self) -> Vec<String> {
        let mut metrics: Vec<String> = Vec::new();
        for evaluator in &self.evaluators {
            metrics.push(evaluator.clone());
            let scores = self.rows.iter().flat_map(|row| row.scores.iter());
            for (key, value) in scores
                .filter(|(name, _)| name == evaluator)
                .flat_map(|(_, outcome)| extras(outcome))
            {
                let metric = format!("{evaluator}_{key}");
                if beside(value).is_some() && !metrics.contains(&metric) && !self.evaluators.contains(&metric) {
                    metrics.push(metric);
                }
            }
        }
        metrics
    }

    /// How long the function took on the rows where it succeeded, in milliseconds, in dataset order.
    pub(crate) fn latencies(&self) -> Vec<f64> {
        let succeeded = self.rows.iter().filter(|row| row.output.is_ok());
        succeeded.map(Row::milliseconds).collect()
    }
}

impl Row {
    pub(crate) fn milliseconds(&self) -> f64 {
        self.latency.as_secs_f64() * 1e3
    }

    /// What an evaluator came to, if it ran.
    pub(crate) fn outcome(&self, evaluator: &str) -> Option<&Outcome> {
        let found = self.scores.iter().find(|(name, _)| name == evaluator);
        found.map(|(_, outcome)| outcome)
    }

    /// Whether the function or an evaluator failed on it.
    pub(crate) fn is_broken(&self) -> bool {
        self.output.is_err() || self.scores.iter().any(|(_, outcome)| outcome.is_err())
    }
}

/// What a row has of a metric: nothing, a failure (`Some(None)`), or a value.
#[allow(clippy::option_option, reason = "nothing to say and failed to say are different")]
pub(crate) fn measured(row: &Row, metric: &str) -> Option<Option<ScoreValue>> {
    if let Some(outcome) = row.outcome(metric) {
        return match outcome {
            Ok(score) => score.as_ref().map(|score| Some(score.value().clone())),
            Err(_) => Some(None),
        };
    }
    row.scores.iter().find_map(|(name, outcome)| {
        let key = metric.strip_prefix(name.as_str())?.strip_prefix('_')?;
        let (_, value) = extras(outcome).find(|(known, _)| *known == key)?;
        beside(value).map(Some)
    })
}

fn extras(outcome: &Outcome) -> impl Iterator<Item = (&String, &Value)> {
    let score = outcome.as_ref().ok().and_then(Option::as_ref);
    score.into_iter().flat_map(Score::extras)
}

/// A value beside a score, where it can be aggregated.
fn beside(value: &Value) -> Option<ScoreValue> {
    match value {
        Value::Bool(flag) => Some(ScoreValue::Flag(*flag)),
        Value::Number(number) => number.as_f64().map(ScoreValue::Number),
        _ => None,
    }
}

/// Tokens and cost of all rows together, as far as rows have them: name and total.
pub(crate) fn total_usage(rows: &[Row]) -> Vec<(&'static str, f64)> {
    type Amount = fn(&Row) -> Option<f64>;
    let kinds: [(_, Amount); 4] = [
        ("tokens in", |row| tokens(row.usage.input_tokens)),
        ("tokens out", |row| tokens(row.usage.output_tokens)),
        ("tokens", |row| tokens(row.usage.total_tokens)),
        ("cost (USD)", |row| row.usage.cost),
    ];
    let totals = kinds.into_iter().filter_map(|(name, value)| {
        let values: Vec<f64> = rows.iter().filter_map(value).collect();
        Some((name, aggregate(Aggregate::Sum, &values)?))
    });
    totals.collect()
}

#[allow(clippy::cast_precision_loss, reason = "nobody pays for 2^53 tokens")]
pub(crate) fn tokens(count: Option<u64>) -> Option<f64> {
    count.map(|count| count as f64)
}
