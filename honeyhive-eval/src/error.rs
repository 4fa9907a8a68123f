//! Why an experiment could not run. What goes wrong with one datapoint is data of its row instead.

use std::fmt;

use honeyhive_core::ConfigError;
use honeyhive_core::api::ApiError;

use crate::dataset::DatasetError;
use crate::journal::JournalError;
use crate::result::ExperimentResult;

/// An experiment could not run, or could not be reported at all.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// No dataset was given.
    #[error("evaluate() has no dataset: call .dataset(Dataset::new(…)?) or .dataset(Dataset::jsonl(…)?)")]
    NoDataset,
    /// The dataset has no datapoint.
    #[error("evaluate() has an empty dataset: there is nothing to run")]
    EmptyDataset,
    /// More than one dataset was given.
    #[error("evaluate() has several datasets: give it one .dataset(…), .dataset_id(…) or .dataset_stream(…)")]
    SeveralDatasets,
    /// The dataset could not be read; nothing has run.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The journal cannot be used; nothing has run.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// `max_workers` is zero.
    #[error("max_workers is 0: at least one datapoint must be able to run")]
    NoWorkers,
    /// Two evaluators have one name.
    #[error("evaluator {name:?} is given twice: scores are told apart by their evaluator's name")]
    DuplicateEvaluator {
        /// The name.
        name: String,
    },
    /// An evaluator's name cannot be part of an attribute's name.
    #[error(
        "evaluator name {name:?} is blank, has a dot, or has spaces around it: use .evaluator(\"name\", …), or .name(\"…\") on the evaluator itself"
    )]
    EvaluatorName {
        /// The name.
        name: String,
    },
    /// The settings of an evaluator contradict each other.
    #[error("evaluator {name:?}: {problem}")]
    Evaluator {
        /// The name.
        name: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The function is awaited outside a tokio runtime.
    #[error("evaluate() must be awaited inside a tokio runtime, for instance in #[tokio::main] async fn main()")]
    NoRuntime,
    /// The tracer could not be configured.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The dataset could not be read to its end, or is not the journal's. What ran before is here, and on the server.
    #[error("{source}; {} rows were finished before", result.rows.len())]
    CutShort {
        /// What went wrong.
        source: Box<EvalError>,
        /// The rows there are, with a status of failed.
        result: Box<ExperimentResult>,
    },
    /// The run could not be created on the server; nothing has run.
    #[error("the run could not be created: {0}")]
    CreateRun(#[source] ApiError),
}

/// As the error displays: a `main` that returns it prints this.
impl fmt::Debug for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
