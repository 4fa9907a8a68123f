//! `evaluate` of 0.x on the new runner: each datapoint in a session of its own, whatever the number of workers.

mod dataset;
mod function;
mod options;
mod result;

use std::fmt;
use std::io::{self, Write as _};

use honeyhive_eval::{DatasetError, EvalError, ExperimentResult, Progress};

use dataset::Given;
pub use function::{LegacyEvaluator, LegacyFunction};
pub use options::EvaluateOptions;
pub use result::{EvaluationData, EvaluationResult, EvaluationStats};

/// An evaluation could not run. What goes wrong with one datapoint is in its row instead.
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// use honeyhive_compat::{Datapoint, EvaluateError, EvaluateOptions, evaluate};
///
/// let without_a_dataset = evaluate(EvaluateOptions::new(|datapoint: Datapoint| datapoint.inputs));
/// assert!(matches!(without_a_dataset, Err(EvaluateError::NoDataset)));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// No dataset was given.
    #[error("evaluate() has no dataset: call .dataset(json!([{{\"inputs\": …, \"ground_truths\": …}}]))")]
    NoDataset,
    /// The dataset is neither of the two shapes.
    #[error(
        "the dataset must be a list of objects with `inputs` and `ground_truths`, or an object of `id`, `name` and \
         such a list as `data`"
    )]
    DatasetShape,
    /// The dataset cannot be serialised.
    #[error("the dataset cannot be turned into JSON: {0}")]
    DatasetJson(#[source] serde_json::Error),
    /// An item of the dataset is no datapoint.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// `HH_MAX_WORKERS` is no number.
    #[error("HH_MAX_WORKERS {found:?} is no number of workers: set it to a whole number, or call .max_workers(…)")]
    Workers {
        /// What was found.
        found: String,
    },
    /// The experiment could not run: a setting is missing or malformed, an evaluator's name is taken, the run could not
    /// be created.
    #[error(transparent)]
    Experiment(#[from] EvalError),
    /// The system gave no thread.
    #[error("evaluate() could not start its thread: {0}")]
    Thread(#[source] io::Error),
}

/// As the error displays: a `main` that returns it prints this.
impl fmt::Debug for EvaluateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Runs a function over a dataset, scores what it returns, and waits for the end. Each datapoint has a session of its
/// own, and the free functions called inside reach that session.
///
/// Meanwhile the tracer of `init` is not taken for being the only one: code that has no context, such as a thread that was
/// spawned without `honeyhive_core::task`, gets an error from the free functions, unless `set_default_tracer` decides.
///
/// Blocks its thread, as in 0.x. Called inside an async runtime, give it a thread that may block
/// (`tokio::task::spawn_blocking`).
///
/// # Errors
///
/// [`EvaluateError`] when nothing could run. A row that fails does not stop the others; what it failed with is in
/// `data.metadata`.
///
/// # Examples
///
/// ```no_run
/// # #![allow(deprecated)]
/// use honeyhive_compat::{self as honeyhive, EvaluateOptions};
/// use serde_json::{Value, json};
///
/// fn answer(inputs: Value, _ground_truths: Value) -> Value {
///     json!({"answer": inputs["q"].as_str().unwrap_or_default().to_uppercase()})
/// }
///
/// fn exact(outputs: Value, _inputs: Value, ground_truths: Value) -> bool {
///     outputs["answer"] == ground_truths["a"]
/// }
///
/// let result = honeyhive::evaluate(
///     EvaluateOptions::new(answer)
///         .name("upper case")
///         .dataset(json!([{"inputs": {"q": "bee"}, "ground_truths": {"a": "BEE"}}]))
///         .evaluator("exact", exact),
/// )?;
/// println!("{:?} in {} s", result.status, result.stats.duration_s);
/// # Ok::<(), honeyhive_compat::EvaluateError>(())
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "await `honeyhive_eval::evaluate(function)`, whose arguments say by their types what they are")
)]
pub fn evaluate(options: EvaluateOptions) -> Result<EvaluationResult, EvaluateError> {
    let (suite, print_results) = (options.suite.clone(), options.print_results);
    // A thread of its own: a runtime cannot be started where another one is at work.
    let experiment = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("honeyhive-evaluate".to_owned());
        let running = thread
            .spawn_scoped(scope, || run(options))
            .map_err(EvaluateError::Thread)?;
        running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    let result = EvaluationResult::new(suite, experiment);
    if print_results {
        // Nobody to show it to is no failure of the evaluation.
        let _ = writeln!(io::stdout().lock(), "{result}");
    }
    Ok(result)
}

fn run(options: EvaluateOptions) -> Result<ExperimentResult, EvaluateError> {
    let workers = options.workers_from_env()?;
    let evaluation = if options.print_results {
        options.evaluation
    } else {
        options.evaluation.progress(Progress::Silent)
    };
    let mut evaluation = evaluation
        .name(options.name)
        .max_workers(workers)
        .connection(options.connection);
    let given = options.dataset.map_err(EvaluateError::DatasetJson)?;
    if given.is_none() && options.dataset_id.is_none() {
        return Err(EvaluateError::NoDataset);
    }
    if let Some(given) = given {
        let Given { dataset, name } = dataset::read(given)?;
        evaluation = evaluation.dataset(dataset);
        evaluation = name
            .into_iter()
            .fold(evaluation, |all, name| all.metadata("dataset_name", name));
    }
    if let Some(id) = options.dataset_id {
        evaluation = evaluation.dataset_id(id);
    }
    for (key, value) in options.metadata {
        evaluation = evaluation.metadata(key, value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(EvaluateError::Thread)?;
    Ok(runtime.block_on(evaluation.into_future())?)
}
