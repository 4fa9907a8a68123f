//! Results made by hand, for the tests of what is made of results.

use std::time::Duration;

use honeyhive_core::SessionId;
use honeyhive_core::api::RunStatus;
use serde_json::{Map, Value, json};

use crate::output::TaskError;
use crate::result::{ExperimentResult, Outcome, Row, Usage};
use crate::runner::Reducer;
use crate::score::{Score, ScoreValue};

/// A run of these rows.
pub(crate) fn run(name: &str, evaluators: &[&str], rows: Vec<Row>) -> ExperimentResult {
    ExperimentResult {
        run_id: format!("id of {name}"),
        name: name.to_owned(),
        status: RunStatus::Completed,
        dataset_id: "EXT-0123456789abcdef".to_owned(),
        rows,
        not_run: 0,
        function: "answer".to_owned(),
        reducer: Reducer::default(),
        evaluators: evaluators.iter().map(|name| (*name).to_owned()).collect(),
        weights: std::collections::BTreeMap::new(),
        run_scores: Vec::new(),
        duration: Duration::from_millis(1_234),
        warnings: Vec::new(),
    }
}

/// A run of one evaluator, `score`, that gave these to the datapoints d0, d1, …
pub(crate) fn scored<T: Into<ScoreValue>>(name: &str, scores: impl IntoIterator<Item = T>) -> ExperimentResult {
    let rows = scores.into_iter().enumerate();
    let rows = rows.map(|(index, value)| row(index, json!("an answer"), vec![("score", Ok(Some(Score::new(value))))]));
    run(name, &["score"], rows.collect())
}

/// Row number `index`, whose datapoint is `d<index>`.
pub(crate) fn row(index: usize, output: Value, scores: Vec<(&str, Outcome)>) -> Row {
    Row {
        datapoint_id: format!("d{index}"),
        session_id: SessionId::from_key(format!("row {index}")),
        inputs: json!({"question": format!("what is {index}?")}),
        ground_truth: None,
        metadata: Map::new(),
        output: Ok(output),
        scores: scores
            .into_iter()
            .map(|(name, outcome)| (name.to_owned(), outcome))
            .collect(),
        latency: Duration::from_millis(100 + 10 * index as u64),
        attempts: 1,
        usage: Usage::default(),
        trials: Vec::new(),
    }
}

/// Row number `index`, whose function failed.
pub(crate) fn failed(index: usize, message: &str) -> Row {
    Row {
        output: Err(TaskError::new("Refused", message)),
        ..row(index, Value::Null, Vec::new())
    }
}
