//! Evaluators of a run as a whole: they see its result when every datapoint has been evaluated.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::call::{Call, join, spawn, spawn_detached};
use crate::evaluator::outcomes;
use crate::function::{AsyncShape, SyncShape};
use crate::output::TaskError;
use crate::result::{ExperimentResult, Outcome};
use crate::score::{IntoScore, Scores};

/// A function over the result of a run: `|result: &ExperimentResult| …` or `async |result: &ExperimentResult| …`, that
/// returns what any evaluator may. `M` only tells the shapes apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "this is no evaluator of a run",
    label = "not an evaluator of a run",
    note = "write `|result: &ExperimentResult| …`, sync or `async |result: &ExperimentResult| …`",
    note = "result: a bool, a number, a text, `Score`, `(score, \"why\")`, a map with `score`, `Scores`, or `Option` or `Result` of these"
)]
pub trait RunEvaluator<M>: Send + Sync + 'static {
    /// Prepares a call.
    fn call(self: Arc<Self>, result: Arc<ExperimentResult>) -> Call<Scores>;
}

impl<F, R> RunEvaluator<SyncShape> for F
where
    F: Fn(&ExperimentResult) -> R + Send + Sync + 'static,
    R: IntoScore,
{
    fn call(self: Arc<Self>, result: Arc<ExperimentResult>) -> Call<Scores> {
        Call::Sync(Box::new(move || self(&result).into_score()))
    }
}

/// The future borrows the result and need not be `Send`: it has a thread of its own.
impl<F, R> RunEvaluator<(AsyncShape, R)> for F
where
    F: AsyncFn(&ExperimentResult) -> R + Send + Sync + 'static,
    R: IntoScore,
{
    fn call(self: Arc<Self>, result: Arc<ExperimentResult>) -> Call<Scores> {
        Call::Sync(Box::new(move || {
            tokio::runtime::Handle::current().block_on(self(&result)).into_score()
        }))
    }
}

/// An evaluator of a run whose shape has been forgotten.
pub(crate) type AnyRunEvaluator = Arc<dyn Fn(Arc<ExperimentResult>) -> Call<Scores> + Send + Sync>;

pub(crate) fn any_run_evaluator<M>(evaluator: impl RunEvaluator<M>) -> AnyRunEvaluator {
    let evaluator = Arc::new(evaluator);
    Arc::new(move |result| evaluator.clone().call(result))
}

/// Runs them all at once on the result, which then has their scores.
pub(crate) async fn score_run(
    evaluators: &[(String, AnyRunEvaluator)],
    result: ExperimentResult,
    limit: Option<Duration>,
) -> ExperimentResult {
    if evaluators.is_empty() {
        return result;
    }
    let result = Arc::new(result);
    let cx = honeyhive_core::opentelemetry::Context::current();
    let running: Vec<_> = evaluators
        .iter()
        .map(|(name, evaluator)| {
            let call = evaluator(result.clone());
            let running = match limit {
                Some(_) => spawn_detached(call, cx.clone()),
                None => spawn(call, cx.clone()),
            };
            (name.clone(), running)
        })
        .collect();
    // Each has the same time from the same moment.
    let evaluated = running.into_iter().map(|(name, call)| async move {
        let outcome = match limit {
            None => join(call).await,
            Some(limit) => match tokio::time::timeout(limit, join(call)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(TaskError::new("Timeout", format!("it took longer than {limit:?}"))),
            },
        };
        (name, outcome)
    });
    let evaluated = futures_util::future::join_all(evaluated).await;
    let mut result = Arc::unwrap_or_clone(result);
    result.run_scores = outcomes(evaluated);
    result
}

/// The scores as the run's metadata has them, by name: the value alone, or an object with `score`, `explanation` and
/// extras, or with `error`.
pub(crate) fn recorded(scores: &[(String, Outcome)]) -> Map<String, Value> {
    let entries = scores.iter().filter_map(|(name, outcome)| {
        let value = match outcome {
            Ok(None) => return None,
            Err(error) => json!({"error": error.to_string()}),
            Ok(Some(score)) if score.explanation.is_none() && score.extras.is_empty() => json!(score.value),
            Ok(Some(score)) => {
                let mut members = score.extras.clone();
                members.insert("score".into(), json!(score.value));
                members.extend(
                    score
                        .explanation
                        .clone()
                        .map(|text| ("explanation".into(), text.into())),
                );
                Value::Object(members)
            }
        };
        Some((name.clone(), value))
    });
    entries.collect()
}
