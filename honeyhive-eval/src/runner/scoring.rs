//! The evaluators of a datapoint: all at once, each on its own, their scores as metrics on the function's event.

use honeyhive_core::Span;

use super::call::start;
use crate::evaluate::Settings;
use crate::evaluator::{metrics, outcomes};
use crate::extract::OutcomeContext;
use crate::function::AnyEvaluator;
use crate::result::Outcome;

/// Runs the evaluators and writes their scores on the span.
pub(super) async fn score(
    evaluators: &[(String, AnyEvaluator)],
    outcome: &OutcomeContext,
    span: &Span,
    settings: &Settings,
) -> Vec<(String, Outcome)> {
    if evaluators.is_empty() {
        return Vec::new();
    }
    let limit = settings.evaluator_timeout;
    let running: Vec<_> = evaluators
        .iter()
        .map(|(name, evaluator)| (name, start(evaluator(outcome.clone()), span, settings, limit)))
        .collect();
    // Each has the same time from the same moment, however long one before it takes.
    let evaluated = running
        .into_iter()
        .map(|(name, running)| async move { (name.clone(), running.outcome().await) });
    let scores = outcomes(futures_util::future::join_all(evaluated).await);
    span.enrich(metrics(&scores));
    scores
}
