//! What `evaluate` takes, under the names of 0.x.

use std::fmt;
use std::panic::Location;
use std::path::Path;

use honeyhive_core::__private::simple_name;
use honeyhive_core::{HoneyHiveTracer, TracerBuilder};
use honeyhive_eval::{Datapoint, Evaluation, Evaluators, IntoOutput, IntoScore, Outputs, Scores, TaskError};
use serde::Serialize;
use serde_json::{Map, Value};

use super::EvaluateError;
use super::function::{LegacyEvaluator, LegacyFunction};

const MAX_WORKERS: &str = "HH_MAX_WORKERS";

/// Settings of [`evaluate`](crate::evaluate): the parameters of 0.2.57. Key and host that are not given come from
/// `HH_API_KEY` and `HH_API_URL`, the number of workers from `HH_MAX_WORKERS`.
///
/// # Examples
///
/// ```
/// use honeyhive_compat::{EvaluateOptions, HoneyHiveTracer};
/// use serde_json::{Value, json};
///
/// let options = EvaluateOptions::new(|inputs: Value, _ground_truths: Value| inputs["q"].clone())
///     .name("echo")
///     .dataset(json!([{"inputs": {"q": "bee"}, "ground_truths": {"a": "bee"}}]))
///     .evaluator("exact", |outputs: Value, _inputs: Value, truths: Value| outputs == truths["a"])
///     .max_workers(4);
///
/// // The rest of what 0.2.57 took. A dataset of the server goes by its id, in place of `dataset`.
/// let options = options
///     .api_key("hh_example")
///     .project("support")
///     .server_url("http://127.0.0.1:4483")
///     .suite("nightly")
///     .metadata([("commit", "4f2a")])
///     .run_concurrently(false)
///     .print_results(false)
///     .disable_http_tracing(true)
///     .verbose(true);
/// let managed = EvaluateOptions::new(|inputs: Value, _ground_truths: Value| inputs)
///     .connection(HoneyHiveTracer::builder().api_key("hh_example"))
///     .dataset_id("67d0a1");
/// # drop((options, managed));
/// ```
#[must_use = "pass it to evaluate"]
pub struct EvaluateOptions {
    pub(super) evaluation: Evaluation,
    pub(super) connection: TracerBuilder,
    pub(super) name: String,
    pub(super) suite: String,
    pub(super) dataset: Result<Option<Value>, serde_json::Error>,
    pub(super) dataset_id: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) print_results: bool,
    max_workers: usize,
    run_concurrently: bool,
}

/// What a function of 0.x came to, handed on as it is.
struct Done(Result<Value, TaskError>);

impl IntoOutput for Done {
    fn into_output(self) -> Result<Value, TaskError> {
        self.0
    }
}

/// What an evaluator of 0.x came to, handed on as it is.
struct Scored(Result<Scores, TaskError>);

impl IntoScore for Scored {
    fn into_score(self) -> Result<Scores, TaskError> {
        self.0
    }
}

impl EvaluateOptions {
    /// An evaluation of this function. Its name is the one of the file that makes it, unless [`name`](Self::name) says
    /// otherwise.
    #[track_caller]
    pub fn new<M, F: LegacyFunction<M>>(function: F) -> Self {
        let is_closure = std::any::type_name::<F>().contains("{{closure}}");
        let function_name = if is_closure { "function" } else { simple_name::<F>() };
        let file = Path::new(Location::caller().file()).file_stem();
        let evaluation = honeyhive_eval::evaluate(move |datapoint: Datapoint| Done(function.call(datapoint)));
        Self {
            evaluation: evaluation.function_name(function_name),
            connection: HoneyHiveTracer::builder(),
            name: file.map_or_else(|| "evaluation".to_owned(), |stem| stem.to_string_lossy().into_owned()),
            suite: "evaluation".to_owned(),
            dataset: Ok(None),
            dataset_id: None,
            metadata: Map::new(),
            print_results: true,
            max_workers: 0,
            run_concurrently: true,
        }
    }

    /// Project key.
    pub fn api_key(self, key: impl Into<String>) -> Self {
        self.connect(|connection| connection.api_key(key))
    }

    /// Project name. The key decides the project, so this is rarely needed.
    pub fn project(self, project: impl Into<String>) -> Self {
        self.connect(|connection| connection.project(project))
    }

    /// Where to send.
    pub fn server_url(self, url: impl Into<String>) -> Self {
        self.connect(|connection| connection.server_url(url))
    }

    /// Logs requests and their outcome at INFO.
    pub fn verbose(self, verbose: bool) -> Self {
        self.connect(|connection| connection.verbose(verbose))
    }

    /// Name of the run and of its sessions.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Name of the file that [`to_json`](super::EvaluationResult::to_json) writes. Default: `evaluation`.
    pub fn suite(mut self, suite: impl Into<String>) -> Self {
        self.suite = suite.into();
        self
    }

    /// What to run the function on: a list of objects with `inputs` and `ground_truths` (or `ground_truth`), or an
    /// object of `id`, `name` and such a list as `data`.
    pub fn dataset(mut self, dataset: impl Serialize) -> Self {
        self.dataset = serde_json::to_value(dataset).map(Some);
        self
    }

    /// Runs the function on a dataset the server holds, in place of one that is given.
    pub fn dataset_id(mut self, id: impl Into<String>) -> Self {
        self.dataset_id = Some(id.into());
        self
    }

    /// Scores every output.
    pub fn evaluator<M>(mut self, name: impl Into<String>, evaluator: impl LegacyEvaluator<M>) -> Self {
        let call =
            move |Outputs(outputs): Outputs<Value>, datapoint: Datapoint| Scored(evaluator.call(&outputs, datapoint));
        self.evaluation = self.evaluation.evaluator(name, call);
        self
    }

    /// Evaluators of `honeyhive_eval` besides: those with settings, which 0.x gave by `@evaluator(repeat=…)`, and built-in
    /// ones.
    ///
    /// # Examples
    ///
    /// ```
    /// # use honeyhive_compat::{Datapoint, EvaluateOptions};
    /// use honeyhive_eval::prelude::*;
    ///
    /// #[evaluator(repeat = 3, aggregate = "mean", check = |score: f64, target: f64| score > target, target = 0.5)]
    /// fn helpful(Outputs(answer): Outputs<String>) -> f64 {
    ///     if answer.is_empty() { 0.0 } else { 1.0 } // ask a model
    /// }
    /// # let options = EvaluateOptions::new(|datapoint: Datapoint| datapoint.inputs);
    /// let options = options.evaluators((helpful,));
    /// # drop(options);
    /// ```
    pub fn evaluators<M>(mut self, evaluators: impl Evaluators<M>) -> Self {
        self.evaluation = self.evaluation.evaluators(evaluators);
        self
    }

    /// How many datapoints run at once. Default, and for 0: `HH_MAX_WORKERS`, else 1.
    pub fn max_workers(mut self, workers: usize) -> Self {
        self.max_workers = workers;
        self
    }

    /// Off: one datapoint after the other, whatever the number of workers.
    pub fn run_concurrently(mut self, concurrently: bool) -> Self {
        self.run_concurrently = concurrently;
        self
    }

    /// Metadata of the run, by key.
    pub fn metadata<K: Into<String>, V: Into<Value>>(mut self, metadata: impl IntoIterator<Item = (K, V)>) -> Self {
        let members = metadata.into_iter().map(|(key, value)| (key.into(), value.into()));
        self.metadata.extend(members);
        self
    }

    /// Whether the table is printed to standard output at the end, and progress shown meanwhile where someone watches.
    /// Default: yes.
    pub fn print_results(mut self, print: bool) -> Self {
        self.print_results = print;
        self
    }

    /// Of no effect: HTTP calls are not traced by themselves.
    pub fn disable_http_tracing(self, _: bool) -> Self {
        self
    }

    /// Reports with these settings, in place of those given before: for what 0.x did not have.
    pub fn connection(self, settings: TracerBuilder) -> Self {
        self.connect(|_| settings)
    }

    fn connect(mut self, change: impl FnOnce(TracerBuilder) -> TracerBuilder) -> Self {
        self.connection = change(self.connection);
        self
    }

    /// The number of workers, with what the environment says of it.
    pub(super) fn workers(&self, variable: Option<&str>) -> Result<usize, EvaluateError> {
        if !self.run_concurrently {
            return Ok(1);
        }
        match (
            self.max_workers,
            variable.map(str::trim).filter(|text| !text.is_empty()),
        ) {
            (0, Some(text)) => match text.parse() {
                Ok(workers) => Ok(std::cmp::max(1, workers)),
                Err(_) => Err(EvaluateError::Workers { found: text.to_owned() }),
            },
            (0, None) => Ok(1),
            (workers, _) => Ok(workers),
        }
    }

    pub(super) fn workers_from_env(&self) -> Result<usize, EvaluateError> {
        self.workers(std::env::var(MAX_WORKERS).ok().as_deref())
    }
}

impl fmt::Debug for EvaluateOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EvaluateOptions")
            .field("name", &self.name)
            .field("suite", &self.suite)
            .field("evaluation", &self.evaluation)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    fn options() -> EvaluateOptions {
        EvaluateOptions::new(|datapoint: Datapoint| datapoint.inputs)
    }

    #[test]
    fn workers_come_from_the_call_then_the_environment_and_are_one_otherwise() {
        assert_eq!(options().workers(None).unwrap(), 1);
        assert_eq!(options().workers(Some("")).unwrap(), 1);
        assert_eq!(options().workers(Some(" 8 ")).unwrap(), 8);
        assert_eq!(options().workers(Some("0")).unwrap(), 1);
        assert_eq!(options().max_workers(3).workers(Some("8")).unwrap(), 3);
        assert_eq!(
            options()
                .max_workers(3)
                .run_concurrently(false)
                .workers(Some("8"))
                .unwrap(),
            1
        );
        let message = options().workers(Some("many")).unwrap_err().to_string();
        assert!(
            message.contains("HH_MAX_WORKERS") && message.contains("many"),
            "{message}"
        );
    }

    #[test]
    fn an_evaluation_without_a_name_has_the_one_of_its_file() {
        assert_eq!(options().name, "options");
    }
}
