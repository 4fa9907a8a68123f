//! The evaluators of a datapoint: all at once, each on its own, their scores as metrics on the function's event.

use std::time::Duration;

use honeyhive_core::{Enrichment, Span};

use super::call::start;
use crate::extract::OutcomeContext;
use crate::function::AnyEvaluator;
use crate::output::TaskError;
use crate::result::Outcome;
use crate::score::Score;

/// Runs the evaluators and writes their scores on the span. `limit` is for each of them.
pub(super) async fn score(
    evaluators: &[(String, AnyEvaluator)],
    outcome: &OutcomeContext,
    span: &Span,
    limit: Option<Duration>,
) -> Vec<(String, Outcome)> {
    if evaluators.is_empty() {
        return Vec::new();
    }
    let running: Vec<_> = evaluators
        .iter()
        .map(|(name, evaluator)| (name, start(evaluator(outcome.clone()), span)))
        .collect();
    // Each has the same time from the same moment, however long one before it takes.
    let outcomes = running.into_iter().map(|(name, running)| async move {
        let score = running.outcome(limit).await.and_then(finite);
        (name.clone(), score)
    });
    let scores = futures_util::future::join_all(outcomes).await;
    let metrics = scores
        .iter()
        .fold(Enrichment::new(), |metrics, (name, outcome)| match outcome {
            Ok(Some(score)) => with_metric(metrics, name, score),
            Ok(None) => metrics,
            Err(error) => metrics.metadata(format!("evaluator_errors.{name}"), error.to_string()),
        });
    span.enrich(metrics);
    scores
}

/// A score that is no number cannot be stored or compared.
fn finite(score: Option<Score>) -> Result<Option<Score>, TaskError> {
    match score.as_ref().and_then(|score| score.value().as_number()) {
        Some(number) if !number.is_finite() => Err(TaskError::new(
            "Score",
            format!("the score is {number}, not a finite number"),
        )),
        _ => Ok(score),
    }
}

fn with_metric(metrics: Enrichment, name: &str, score: &Score) -> Enrichment {
    let metrics = score
        .extras()
        .iter()
        .fold(metrics.metric(name, score.value()), |metrics, (key, extra)| {
            metrics.metric(format!("{name}_{key}"), extra)
        });
    match score.explanation() {
        Some(explanation) => metrics.metric(format!("{name}_explanation"), explanation),
        None => metrics,
    }
}
