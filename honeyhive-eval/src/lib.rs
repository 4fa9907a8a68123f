//! Experiments for LLM applications: run a function over a dataset, score what it returns, report to HoneyHive.
//!
//! [`evaluate`] takes a function of any shape, sync or async, plain or `Result`; its argument types say what it needs of
//! a datapoint ([`Datapoint`], [`Inputs`], [`GroundTruth`], the session's tracer). Evaluators are functions too, and may
//! ask for [`Outputs`]. Each datapoint runs in a session of its own, named after the run, with the function as its chain
//! event, the scores as metrics on that event, and outputs and ground truth on the session.
//!
//! A failure is data: an error, a panic or a missing argument makes a row with an error, and the run goes on. Rows are in
//! dataset order. [`ExperimentResult`] prints as a table.

#[doc(hidden)]
pub mod __private;
mod call;
mod compare;
mod dataset;
mod error;
mod evaluate;
mod evaluator;
pub mod evaluators;
mod extract;
#[cfg(test)]
mod fixture;
mod function;
mod gate;
mod git;
mod ids;
mod journal;
mod judge;
mod output;
pub mod prelude;
mod progress;
mod report;
mod result;
mod run_evaluator;
mod runner;
mod score;
mod stats;
mod summary;

/// The tracing crate this one builds on.
pub use honeyhive_core;
/// Gives an evaluator settings, as [`evaluator()`] does, where it is written.
///
/// | Argument | Means | Default |
/// |---|---|---|
/// | `name = "…"` | name of the score | the function's |
/// | `weight = 2.0` | how much it counts; recorded, not computed with | 1 |
/// | `repeat = 3` | calls it three times at once | 1 |
/// | `aggregate = "mean"` | makes one score of them: `mean`, `median`, `mode`, `min`, `max`, `sum`, or a function of your own over `&[f64]`, `&[bool]`, … | none |
/// | `transform = \|score: f64\| …` | changes each score | none |
/// | `check = \|score: f64, target: f64\| …` | replaces the score, after the aggregate if there is one | none |
/// | `target = 0.7` | what `check` compares with, if it takes one | none |
/// | `asserts` | a score that is false, zero or empty is an error of the evaluator on that row | off |
/// | `wraps = other` | the function takes the score of another evaluator, and returns its own | none |
/// | `crate = path` | where this crate is, if not at `::honeyhive_eval` | |
///
/// The function may be sync or async, and stays a function: it is given to an experiment by its name, and can be called, as
/// a test of it will do. What it returns then is its result, marked with the settings: it compares and dereferences as the
/// result, and `into_inner()` is it.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::prelude::*;
///
/// /// How many words of the question the answer takes up.
/// #[evaluator(transform = |share: f64| share.min(1.0), weight = 0.5)]
/// fn overlap(Outputs(answer): Outputs<String>, Inputs(question): Inputs<Vec<String>>) -> f64 {
///     let taken_up = question.iter().filter(|word| answer.contains(word.as_str())).count();
///     taken_up as f64 / question.len() as f64
/// }
///
/// #[evaluator(wraps = overlap, check = |share: f64, least: f64| share >= least, target = 0.5)]
/// fn on_topic(share: f64) -> f64 {
///     share
/// }
///
/// #[evaluator(repeat = 3, aggregate = "mean")]
/// async fn judge(Outputs(answer): Outputs<String>) -> (f64, &'static str) {
///     if answer.is_empty() { (0.0, "no answer") } else { (1.0, "an answer") } // ask a model
/// }
///
/// let experiment = evaluate(|_: Datapoint| "yes")
///     .evaluators((overlap, on_topic))
///     .evaluator("helpful", judge);
/// # let _ = experiment;
///
/// // As a function, in a test of it: the settings play no part.
/// assert_eq!(overlap(Outputs("yes".into()), Inputs(vec!["yes".into(), "no".into()])), 0.5);
/// ```
pub use honeyhive_macros::evaluator;
/// As [`honeyhive_core::trace`], for crates that depend on this one alone.
pub use honeyhive_macros::trace_in_eval as trace;

pub use call::Call;
pub use compare::{CompareError, Comparison, Metric, MetricComparison, RowChange, RunName};
pub use dataset::{Datapoint, Dataset, DatasetError, DatasetStream};
pub use error::EvalError;
pub use evaluate::{Evaluation, evaluate, rescore};
pub use evaluator::annotated::Annotated;
pub use evaluator::evaluator;
pub use evaluator::{Check, ConfiguredEvaluator, ConfiguredShape, Evaluators, aggregate};
pub use extract::{
    ExtractError, FromOutcome, FromTask, GroundTruth, Inputs, Metadata, OutcomeContext, Outputs, TaskContext, Trial,
};
pub use function::{
    AnnotatedShape, Arguments, AsyncShape, Evaluator, Function, Returned, SyncShape, Task, WrappingShape,
};
pub use gate::{Check as GateCheck, Gate, GateFailed, GateReport, Measure, Regression};
pub use journal::JournalError;
pub use output::{IntoOutput, Json, TaskError};
pub use progress::Progress;
pub use report::{Report, ReportError};
pub use result::{ExperimentResult, Outcome, Row, Trial as TrialRow, Usage};
pub use run_evaluator::RunEvaluator;
pub use runner::{CancelHandle, Isolation, RateLimit, Reducer, Retry};
pub use score::{FromScore, IntoScore, Score, ScoreValue, Scores};
pub use stats::{Aggregate, Interval, Significance, Test};
pub use summary::ScoreSummary;
