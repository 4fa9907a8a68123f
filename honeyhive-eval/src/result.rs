//! What an experiment gives back: a row per datapoint, in dataset order, and what they amount to.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use honeyhive_core::api::{ApiError, Client, ResultQuery, RunResult, RunStatus};
use honeyhive_core::{SessionId, TokenUsage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::evaluator::score_names;
use crate::journal::{Contents, JournalError};
use crate::output::TaskError;
use crate::runner::Reducer;
use crate::score::{Score, ScoreValue};

/// The outcome of an experiment. Prints as a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExperimentResult {
    /// Id of the run on the server.
    pub run_id: String,
    /// Name of the run.
    pub name: String,
    /// [`RunStatus::Failed`] when every row failed or the experiment stopped at a failure, [`RunStatus::Cancelled`] when
    /// it was stopped, else [`RunStatus::Completed`].
    pub status: RunStatus,
    /// Id of the dataset.
    pub dataset_id: String,
    /// One row per datapoint, in dataset order.
    pub rows: Vec<Row>,
    /// Datapoints that have no row, since the experiment was stopped before its end.
    #[serde(default)]
    pub not_run: usize,
    /// Name of the function, as its events have it.
    #[serde(default)]
    pub function: String,
    /// How trials became the scores of their row.
    #[serde(default)]
    pub reducer: Reducer,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// How long the function took, without waiting for a worker or a rate limit; of several attempts the last.
    pub latency: Duration,
    /// How often the function was called, retries included.
    pub attempts: u32,
    /// Tokens and cost of the function, without its evaluators, as far as the events of the session tell.
    pub usage: Usage,
    /// With several trials, each of them; then `output`, `scores` and `latency` are what they reduce to, and
    /// `session_id` is the session of the first.
    pub trials: Vec<Trial>,
}

/// One of several runs of the function on the same datapoint, in a session of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

impl Usage {
    pub(crate) fn plus(self, other: &Self) -> Self {
        let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (known, None) | (None, known) => known,
        };
        Self {
            input_tokens: sum(self.input_tokens, other.input_tokens),
            output_tokens: sum(self.output_tokens, other.output_tokens),
            total_tokens: sum(self.total_tokens, other.total_tokens),
            cost: match (self.cost, other.cost) {
                (Some(one), Some(other)) => Some(one + other),
                (known, None) | (None, known) => known,
            },
        }
    }
}

impl From<TokenUsage> for Usage {
    fn from(counted: TokenUsage) -> Self {
        Self {
            input_tokens: counted.input_tokens,
            output_tokens: counted.output_tokens,
            total_tokens: counted.total_tokens,
            cost: counted.cost,
        }
    }
}

impl Row {
    /// The score of an evaluator, if it gave one.
    #[must_use]
    pub fn score(&self, evaluator: &str) -> Option<&ScoreValue> {
        let (_, outcome) = self.scores.iter().find(|(name, _)| name == evaluator)?;
        outcome.as_ref().ok()?.as_ref().map(Score::value)
    }
}

impl ExperimentResult {
    /// What a journal holds, also that of a run that was killed: the rows that were finished. Its status is
    /// [`RunStatus::Running`] when some are missing, as far as the journal can tell: of a stream, when its end was not
    /// reached.
    ///
    /// # Errors
    ///
    /// [`JournalError`] when the file cannot be read or is no journal of a run.
    pub fn from_journal(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        let path = path.as_ref();
        let contents = Contents::read(path)?;
        let header = contents.header(path)?.clone();
        let duration = contents.elapsed();
        let datapoints = header.datapoints.or(contents.end.map(|end| end.datapoints));
        let rows = contents.rows(&header);
        let not_run = datapoints.unwrap_or(0).saturating_sub(rows.len());
        Ok(Self {
            run_id: header.run_id,
            name: header.name,
            status: if not_run > 0 || datapoints.is_none() {
                RunStatus::Running
            } else if rows.iter().all(|row| row.output.is_err()) {
                RunStatus::Failed
            } else {
                RunStatus::Completed
            },
            dataset_id: header.dataset_id,
            not_run,
            function: header.function,
            reducer: header.reducer,
            evaluators: score_names(&header.evaluators, rows.iter().map(|row| row.scores.as_slice())),
            weights: header.weights,
            rows,
            run_scores: Vec::new(),
            duration,
            warnings: Vec::new(),
        })
    }

    /// What the server makes of the run: its metrics, and which datapoints passed. It counts what has arrived and been
    /// processed there, so ask again when something is missing; evaluators that run on the server take minutes.
    ///
    /// # Errors
    ///
    /// [`ApiError`]. The rows here are whole whatever the server says.
    pub async fn server_summary(&self, client: &Client) -> Result<RunResult, ApiError> {
        client.runs().result(&self.run_id, &ResultQuery::default()).await
    }

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
}
