//! The evaluators of a datapoint: all at once, each on its own, their scores as metrics on the function's event.

use std::time::Duration;

use honeyhive_core::Span;

use super::call::start;
use crate::evaluator::{metrics, outcomes};
use crate::extract::OutcomeContext;
use crate::function::AnyEvaluator;
use crate::result::Outcome;

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
        .map(|(name, evaluator)| (name, start(evaluator(outcome.clone()), span, limit)))
        .collect();
    // Each has the same time from the same moment, however long one before it takes.
    let evaluated = running
        .into_iter()
        .map(|(name, running)| async move { (name.clone(), running.outcome().await) });
    let scores = outcomes(futures_util::future::join_all(evaluated).await);
    span.enrich(metrics(&scores));
    scores
}
