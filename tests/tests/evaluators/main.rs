//! Functions and evaluators of every shape, in experiments against a real backend.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod annotated;
mod built_ins;
mod functions;
mod judges;
mod run_level;
mod scores;
mod settings;

use honeyhive_eval::prelude::*;
use honeyhive_eval::{Evaluation, Evaluator, ExperimentResult, Outcome};
use honeyhive_local::Server;
use honeyhive_tests::{server, settings as connection};
use serde_json::{Value, json};

/// A dataset of outputs that are right there in the inputs, with what was wanted.
fn cases<const N: usize>(cases: [(Value, Value); N]) -> Dataset {
    let item = |(found, wanted)| json!({"inputs": {"found": found}, "ground_truth": wanted});
    Dataset::new(cases.map(item)).unwrap()
}

/// An experiment whose function returns what its input says.
fn echo(server: &Server, dataset: Dataset) -> Evaluation {
    evaluate(|datapoint: Datapoint| datapoint.inputs["found"].clone())
        .name("echo")
        .dataset(dataset)
        .connection(connection(server))
}

/// What an evaluator makes of pairs of an output and a ground truth.
async fn outcomes<M, const N: usize>(evaluator: impl Evaluator<M>, pairs: [(Value, Value); N]) -> Vec<Outcome> {
    let server = server();
    let result = echo(&server, cases(pairs)).evaluator("it", evaluator).await.unwrap();
    result.rows.into_iter().map(|row| row.scores[0].1.clone()).collect()
}

/// Value and explanation of a score, or what went wrong, as one line of text.
fn line(outcome: &Outcome) -> String {
    match outcome {
        Ok(Some(score)) => {
            let extras: std::collections::BTreeMap<_, _> = score.extras().iter().collect();
            let extras: String = extras.iter().map(|(key, value)| format!(" {key}={value}")).collect();
            let why = score.explanation().map(|why| format!(" ({why})")).unwrap_or_default();
            format!("{}{extras}{why}", json!(score.value()))
        }
        Ok(None) => "none".to_owned(),
        Err(error) => format!("error {error}"),
    }
}

/// One line per score of a row.
fn lines(result: &ExperimentResult, row: usize) -> Vec<String> {
    let scores = result.rows[row].scores.iter();
    scores
        .map(|(name, outcome)| format!("{name}: {}", line(outcome)))
        .collect()
}
