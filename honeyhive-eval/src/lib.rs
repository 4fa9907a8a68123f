//! Experiments for LLM applications: run a function over a dataset, score what it returns, report to HoneyHive.
//!
//! [`evaluate`] takes a function of any shape, sync or async, plain or `Result`; its argument types say what it needs of
//! a datapoint ([`Datapoint`], [`Inputs`], [`GroundTruth`], the session's tracer). Evaluators are functions too, and may
//! ask for [`Outputs`]. Each datapoint runs in a session of its own, named after the run, with the function as its chain
//! event, the scores as metrics on that event, and outputs and ground truth on the session.
//!
//! A failure is data: an error, a panic or a missing argument makes a row with an error, and the run goes on. Rows are in
//! dataset order. [`ExperimentResult`] prints as a table.

mod compare;
mod dataset;
mod error;
mod evaluate;
mod extract;
#[cfg(test)]
mod fixture;
mod function;
mod gate;
mod git;
mod ids;
mod journal;
mod output;
pub mod prelude;
mod progress;
mod report;
mod result;
mod runner;
mod score;
mod stats;
mod summary;

/// The tracing crate this one builds on.
pub use honeyhive_core;
/// As [`honeyhive_core::trace`], for crates that depend on this one alone.
pub use honeyhive_macros::trace_in_eval as trace;

pub use compare::{CompareError, Comparison, Metric, MetricComparison, RowChange, RunName};
pub use dataset::{Datapoint, Dataset, DatasetError, DatasetStream};
pub use error::EvalError;
pub use evaluate::{Evaluation, evaluate, rescore};
pub use extract::{ExtractError, FromOutcome, FromTask, GroundTruth, Inputs, OutcomeContext, Outputs, TaskContext};
pub use function::{AsyncShape, Call, Evaluator, SyncShape, Task};
pub use gate::{Check, Gate, GateFailed, GateReport, Measure, Regression};
pub use journal::JournalError;
pub use output::{IntoOutput, Json, TaskError};
pub use progress::Progress;
pub use report::{Report, ReportError};
pub use result::{ExperimentResult, Outcome, Row, Trial, Usage};
pub use runner::{CancelHandle, Isolation, RateLimit, Reducer, Retry};
pub use score::{IntoScore, Score, ScoreValue};
pub use stats::{Aggregate, Interval, Significance, Test, UnknownAggregate};
pub use summary::ScoreSummary;
