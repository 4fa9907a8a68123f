//! What an experiment gives back: a row per datapoint, in dataset order, and what they amount to.

use std::collections::BTreeMap;
use std::time::Duration;

use honeyhive_core::SessionId;
use honeyhive_core::api::RunStatus;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::output::TaskError;
use crate::score::{Score, ScoreValue};

/// The outcome of an experiment. Prints as a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExperimentResult {
    /// Id of the run on the server.
    pub run_id: String,
    /// Name of the run.
    pub name: String,
    /// [`RunStatus::Failed`] when every row failed, else [`RunStatus::Completed`].
    pub status: RunStatus,
    /// Id of the dataset.
    pub dataset_id: String,
    /// One row per datapoint, in dataset order.
    pub rows: Vec<Row>,
    /// Names of the scores: of the evaluators in the order they were given, and behind each of its named scores.
    pub evaluators: Vec<String>,
    /// Weights of the evaluators that have another than 1, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, f64>,
    /// Scores of the run as a whole, by the evaluators that look at all its rows.
    pub run_scores: Vec<(String, Outcome)>,
    /// How long the experiment took.
    pub duration: Duration,
    /// What could not be reported to the server. The rows are whole nevertheless.
    pub warnings: Vec<String>,
}

/// What an evaluator came to: a score, nothing to say, or why it failed.
pub type Outcome = Result<Option<Score>, TaskError>;

/// What came of one datapoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Row {
    /// Id of the datapoint.
    pub datapoint_id: String,
    /// Session of the datapoint.
    pub session_id: SessionId,
    /// What went in.
    pub inputs: Value,
    /// What should have come out.
    pub ground_truth: Option<Value>,
    /// What else the datapoint says of itself.
    pub metadata: Map<String, Value>,
    /// What came out, or why nothing did.
    pub output: Result<Value, TaskError>,
    /// One entry per evaluator, in the order they were given, and per named score as `<evaluator>_<name>`; `Ok(None)` for
    /// one that had nothing to say. Empty when the function failed: there was nothing to score.
    pub scores: Vec<(String, Outcome)>,
    /// How long the function took, without waiting for a worker or a rate limit.
    pub latency: Duration,
    /// How often the function was called, retries included.
    pub attempts: u32,
    /// Tokens and cost, as far as the events of the session tell.
    pub usage: Usage,
    /// With several trials, each of them; then `output`, `scores` and `latency` are what they reduce to, and
    /// `session_id` is the session of the first.
    pub trials: Vec<Trial>,
}

/// One of several runs of the function on the same datapoint, in a session of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Trial {
    /// Session of the trial.
    pub session_id: SessionId,
    /// What came out, or why nothing did.
    pub output: Result<Value, TaskError>,
    /// One entry per evaluator.
    pub scores: Vec<(String, Outcome)>,
    /// How long the function took.
    pub latency: Duration,
    /// How often the function was called, retries included.
    pub attempts: u32,
    /// Tokens and cost.
    pub usage: Usage,
}

/// Tokens and cost of a row, summed over its model events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens that went in.
    pub input_tokens: Option<u64>,
    /// Tokens that came out.
    pub output_tokens: Option<u64>,
    /// All tokens.
    pub total_tokens: Option<u64>,
    /// Cost, in US dollars.
    pub cost: Option<f64>,
}

impl Row {
    /// The score of an evaluator, if it gave one.
    #[must_use]
    pub fn score(&self, evaluator: &str) -> Option<&ScoreValue> {
        let (_, outcome) = self.scores.iter().find(|(name, _)| name == evaluator)?;
        outcome.as_ref().ok()?.as_ref().map(Score::value)
    }
}

/// What the scores of one evaluator amount to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScoreSummary {
    /// Name of the evaluator.
    pub evaluator: String,
    /// Mean of its numbers, with a flag as 1 or 0. `None` when there are only labels or nothing.
    pub mean: Option<f64>,
    /// Whether all its scores are flags, so that the mean is a rate.
    pub is_rate: bool,
    /// Rows it scored.
    pub scored: usize,
    /// Rows on which it failed.
    pub failed: usize,
}

impl ExperimentResult {
    /// Rows whose function gave an output.
    #[must_use]
    pub fn succeeded(&self) -> usize {
        self.rows.iter().filter(|row| row.output.is_ok()).count()
    }

    /// Rows whose function failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.rows.len() - self.succeeded()
    }

    /// Sessions of the run, in dataset order.
    #[must_use]
    pub fn session_ids(&self) -> Vec<SessionId> {
        self.rows.iter().map(|row| row.session_id).collect()
    }

    /// One summary per evaluator, in the order they were given.
    #[must_use]
    pub fn summary(&self) -> Vec<ScoreSummary> {
        self.evaluators
            .iter()
            .map(|evaluator| self.summarise(evaluator))
            .collect()
    }

    fn summarise(&self, evaluator: &str) -> ScoreSummary {
        let mut summary = ScoreSummary {
            evaluator: evaluator.to_owned(),
            mean: None,
            is_rate: true,
            scored: 0,
            failed: 0,
        };
        let mut numbers = Vec::new();
        let outcomes = self
            .rows
            .iter()
            .flat_map(|row| &row.scores)
            .filter(|(name, _)| name == evaluator);
        for (_, outcome) in outcomes {
            let score = match outcome {
                Ok(Some(score)) => score,
                Ok(None) => continue,
                Err(_) => {
                    summary.failed += 1;
                    continue;
                }
            };
            summary.scored += 1;
            summary.is_rate &= matches!(score.value(), ScoreValue::Flag(_));
            numbers.extend(score.value().as_number());
        }
        if !numbers.is_empty() {
            #[allow(clippy::cast_precision_loss, reason = "no dataset has 2^53 rows")]
            let count = numbers.len() as f64;
            summary.mean = Some(numbers.iter().sum::<f64>() / count);
        }
        summary
    }
}
