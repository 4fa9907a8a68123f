//! What `evaluate` of 0.x gives back.

use std::fmt;
use std::io;
use std::path::PathBuf;

use honeyhive_core::SessionId;
use honeyhive_core::api::RunStatus;
use honeyhive_eval::{ExperimentResult, Outcome, Row};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The outcome of an evaluation, with the attributes of 0.2.57. Prints as the table of the new result, which is in
/// [`experiment`](Self::experiment).
///
/// # Examples
///
/// ```
/// use honeyhive_compat::{EvaluationData, EvaluationResult, EvaluationStats};
///
/// fn report(result: &EvaluationResult) -> String {
///     let EvaluationStats { duration_s, .. } = result.stats;
///     let EvaluationData { output, metrics, .. } = &result.data;
///     format!("{} of {}: {output:?} {metrics:?} in {duration_s} s", result.run_id, result.dataset_id)
/// }
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EvaluationResult {
    /// Id of the run on the server.
    pub run_id: String,
    /// How long the evaluation took.
    pub stats: EvaluationStats,
    /// Id of the dataset.
    pub dataset_id: String,
    /// Sessions of the run, in dataset order.
    pub session_ids: Vec<SessionId>,
    /// `Completed`, or `Failed` when every row failed.
    pub status: RunStatus,
    /// Name of the suite.
    pub suite: String,
    /// What went in and came out.
    pub data: EvaluationData,
    /// The same as the new runner gives it: rows with latency, errors and scores, and what could not be reported.
    #[serde(skip)]
    pub experiment: ExperimentResult,
}

/// How long an evaluation took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EvaluationStats {
    /// Seconds, to the millisecond.
    pub duration_s: f64,
}

/// Columns of an evaluation: one entry per datapoint in each, in dataset order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EvaluationData {
    /// Inputs.
    pub input: Vec<Value>,
    /// What the function returned; null where it failed.
    pub output: Vec<Value>,
    /// Scores by evaluator; null for an evaluator that failed or had nothing to say.
    pub metrics: Vec<Map<String, Value>>,
    /// What went wrong: `error` of the function, and by evaluator.
    pub metadata: Vec<Map<String, Value>>,
    /// Ground truth; an empty object where there is none.
    pub ground_truth: Vec<Value>,
}

impl EvaluationResult {
    pub(super) fn new(suite: String, experiment: ExperimentResult) -> Self {
        let mut data = EvaluationData::default();
        for row in &experiment.rows {
            data.push(row);
        }
        Self {
            run_id: experiment.run_id.clone(),
            stats: EvaluationStats {
                duration_s: (experiment.duration.as_secs_f64() * 1e3).round() / 1e3,
            },
            dataset_id: experiment.dataset_id.clone(),
            session_ids: experiment.session_ids(),
            status: experiment.status,
            suite,
            data,
            experiment,
        }
    }

    /// Writes [`data`](Self::data) as JSON to `<suite>.json` in the current directory, and returns the path.
    ///
    /// # Errors
    ///
    /// When the file cannot be written, or the suite's name is no name of a file.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn example(result: honeyhive_compat::EvaluationResult) -> std::io::Result<()> {
    /// println!("written to {}", result.to_json()?.display());
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_json(&self) -> io::Result<PathBuf> {
        if self.suite.contains(['/', '\\']) {
            let problem = format!("suite {:?} is no name of a file: leave out the slash", self.suite);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        let path = PathBuf::from(format!("{}.json", self.suite));
        std::fs::write(&path, serde_json::to_vec_pretty(&self.data)?)?;
        Ok(path)
    }
}

impl EvaluationData {
    fn push(&mut self, row: &Row) {
        let mut metadata = Map::new();
        if let Err(error) = &row.output {
            metadata.insert("error".to_owned(), error.to_string().into());
        }
        let mut metrics = Map::new();
        for (name, outcome) in &row.scores {
            metrics.insert(name.clone(), score(outcome));
            if let Err(error) = outcome {
                metadata.insert(name.clone(), json!({ "error": error.to_string() }));
            }
        }
        self.input.push(row.inputs.clone());
        self.output.push(row.output.as_ref().ok().cloned().unwrap_or_default());
        self.metrics.push(metrics);
        self.metadata.push(metadata);
        self.ground_truth
            .push(row.ground_truth.clone().unwrap_or_else(|| json!({})));
    }
}

fn score(outcome: &Outcome) -> Value {
    match outcome {
        Ok(Some(score)) => json!(score.value()),
        Ok(None) | Err(_) => Value::Null,
    }
}

impl fmt::Display for EvaluationResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.experiment.fmt(f)
    }
}
