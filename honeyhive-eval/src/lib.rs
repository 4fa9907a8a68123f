//! Experiments for LLM applications: run a function over a dataset, score what it returns, report to HoneyHive.

mod dataset;
mod error;
mod evaluate;
mod extract;
mod function;
mod ids;
mod output;
pub mod prelude;
mod report;
mod result;
mod runner;
mod score;

pub use honeyhive_core;
pub use honeyhive_macros::trace_in_eval as trace;

pub use dataset::{Datapoint, Dataset, DatasetError};
pub use error::EvalError;
pub use evaluate::{Evaluation, evaluate};
pub use extract::{ExtractError, FromOutcome, FromTask, GroundTruth, Inputs, OutcomeContext, Outputs, TaskContext};
pub use function::{AsyncShape, Call, Evaluator, SyncShape, Task};
pub use output::{IntoOutput, Json, TaskError};
pub use result::{ExperimentResult, Row, ScoreSummary};
pub use score::{IntoScore, Score, ScoreValue};
