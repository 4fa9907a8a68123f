//! Metrics, and one metric in two runs.

use std::collections::HashMap;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::stats::{Interval, Significance, mcnemar, mean, mean_interval, permutation};

use super::measured::Values;

/// Something measured on the rows of a run.
///
/// A text names the score of an evaluator: `"exact"`, or `"judge_confidence"` for a number that the evaluator `judge`
/// gave beside its score.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Metric {
    /// A score.
    Score {
        /// Name of the evaluator.
        name: String,
        /// Name of the event it was measured on; `None` for the event of the function itself.
        event: Option<String>,
    },
    /// How long the function took, in milliseconds.
    Latency,
    /// Tokens in and out.
    Tokens,
    /// Cost, in US dollars.
    Cost,
}

impl Metric {
    /// A score measured on an event of this name.
    pub fn on_event(name: impl Into<String>, event: impl Into<String>) -> Self {
        Self::Score {
            name: name.into(),
            event: Some(event.into()),
        }
    }

    /// Whether it is a score, not a resource.
    #[must_use]
    pub fn is_score(&self) -> bool {
        matches!(self, Self::Score { .. })
    }
}

impl<T: Into<String>> From<T> for Metric {
    fn from(name: T) -> Self {
        Self::Score {
            name: name.into(),
            event: None,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Score { name, event: None } => f.write_str(name),
            Self::Score {
                name,
                event: Some(event),
            } => write!(f, "{name} of {event}"),
            Self::Latency => f.write_str("latency (ms)"),
            Self::Tokens => f.write_str("tokens"),
            Self::Cost => f.write_str("cost (USD)"),
        }
    }
}

/// As it displays.
impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One metric in two runs, over the rows that have it in both.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MetricComparison {
    /// The metric.
    pub metric: Metric,
    /// Whether it is a flag on every row, so that the means are rates.
    pub is_rate: bool,
    /// Whether less of it is better. Default: only for latency, tokens and cost.
    pub lower_is_better: bool,
    /// Rows that have it in both runs.
    pub pairs: usize,
    /// Mean over these rows in the baseline.
    pub baseline: f64,
    /// Mean over these rows in the run.
    pub current: f64,
    /// `current - baseline`.
    pub delta: f64,
    /// Where the true difference lies with a confidence of 95 %, by the bootstrap over the pairs. `None` when all pairs
    /// differ by the same.
    #[serde(rename = "confidence_95")]
    pub interval: Option<Interval>,
    /// How likely such a difference is by chance: McNemar's exact test for flags, a paired permutation test for numbers.
    pub significance: Significance,
    /// Rows that got better, in the order of the run.
    pub improved: Vec<RowChange>,
    /// Rows that got worse, in the order of the run.
    pub degraded: Vec<RowChange>,
    /// Rows on which nothing changed.
    pub same: usize,
    /// Common rows that have it only in the run.
    pub only_in_run: Vec<String>,
    /// Common rows that have it only in the baseline.
    pub only_in_baseline: Vec<String>,
}

/// A row whose value changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RowChange {
    /// Id of the datapoint.
    pub datapoint_id: String,
    /// Its value in the baseline.
    pub baseline: f64,
    /// Its value in the run.
    pub current: f64,
}

impl MetricComparison {
    /// Whether the mean got better.
    #[must_use]
    pub fn is_improvement(&self) -> bool {
        self.gain() > 0.0
    }

    /// Whether the mean got worse.
    #[must_use]
    pub fn is_regression(&self) -> bool {
        self.gain() < 0.0
    }

    /// By how much the mean got better.
    pub(crate) fn gain(&self) -> f64 {
        if self.lower_is_better { -self.delta } else { self.delta }
    }

    /// The metric over the datapoints both runs have, or `None` where no row has it in both.
    pub(super) fn of(metric: &Metric, common: &[&str], baseline: &Values, current: &Values) -> Option<Self> {
        let (before, now): (HashMap<&str, f64>, HashMap<&str, f64>) = (baseline.by_row(), current.by_row());
        let mut pairs = Vec::new();
        let (mut only_in_run, mut only_in_baseline) = (Vec::new(), Vec::new());
        for id in common.iter().copied() {
            match (before.get(id), now.get(id)) {
                (Some(before), Some(now)) => pairs.push(RowChange {
                    datapoint_id: id.to_owned(),
                    baseline: *before,
                    current: *now,
                }),
                (Some(_), None) => only_in_baseline.push(id.to_owned()),
                (None, Some(_)) => only_in_run.push(id.to_owned()),
                (None, None) => {}
            }
        }
        let differences: Vec<f64> = pairs.iter().map(|pair| pair.current - pair.baseline).collect();
        let side = |value: fn(&RowChange) -> f64| mean(&pairs.iter().map(value).collect::<Vec<f64>>());
        let is_rate = baseline.flags && current.flags;
        let count = pairs.len();
        let (baseline, current) = (side(|pair| pair.baseline)?, side(|pair| pair.current)?);
        let (mut changed, same): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|pair| pair.current != pair.baseline);
        let raised = changed
            .extract_if(.., |pair| pair.current > pair.baseline)
            .collect::<Vec<_>>();
        let significance = if is_rate {
            mcnemar(raised.len(), changed.len())
        } else {
            permutation(&differences)
        };
        let comparison = Self {
            metric: metric.clone(),
            is_rate,
            lower_is_better: false,
            pairs: count,
            baseline,
            current,
            delta: current - baseline,
            interval: mean_interval(&differences),
            significance,
            improved: raised,
            degraded: changed,
            same: same.len(),
            only_in_run,
            only_in_baseline,
        };
        Some(if metric.is_score() {
            comparison
        } else {
            comparison.turned()
        })
    }

    /// The same, read the other way: less is better, or no longer.
    pub(super) fn turned(mut self) -> Self {
        self.lower_is_better = !self.lower_is_better;
        std::mem::swap(&mut self.improved, &mut self.degraded);
        self
    }
}
