//! How good is an answer? Three evaluators; each asks for what it needs by type.

use honeyhive_eval::prelude::*;
use serde::Deserialize;

use crate::pipeline::Answer;

/// The ground truth of a line of `questions.jsonl`.
#[derive(Deserialize)]
pub(crate) struct Expected {
    answer: String,
    document: String,
}

/// The answer contains what is known to be right.
pub(crate) fn correct(Outputs(found): Outputs<Answer>, GroundTruth(expected): GroundTruth<Expected>) -> bool {
    found.answer.to_lowercase().contains(&expected.answer.to_lowercase())
}

/// The answer was read from the document that holds it.
pub(crate) fn right_document(Outputs(found): Outputs<Answer>, GroundTruth(expected): GroundTruth<Expected>) -> Score {
    let right = found.document == expected.document;
    Score::new(right).because(format!("expected {}, read {}", expected.document, found.document))
}

/// How much of the answer is the answer: the share of its words that are expected. An evaluator may be async.
pub(crate) async fn brevity(Outputs(found): Outputs<Answer>, GroundTruth(expected): GroundTruth<Expected>) -> f64 {
    let count = |text: &str| u32::try_from(text.split_whitespace().count()).map_or(f64::INFINITY, f64::from);
    (count(&expected.answer) / count(&found.answer)).min(1.0)
}
