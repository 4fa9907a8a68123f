//! `evaluate()`: describing an experiment.

mod rescore;
mod settings;

use std::fmt;

use honeyhive_core::{HoneyHiveTracer, TracerBuilder};

use crate::dataset::{Dataset, DatasetStream, Source};
use crate::evaluator::{ConfiguredEvaluator, Evaluators};
use crate::function::{AnyTask, Evaluator, Task, any_task, name_of};
use crate::run_evaluator::{AnyRunEvaluator, RunEvaluator, any_run_evaluator};

pub use rescore::rescore;
pub(crate) use settings::Settings;

/// Describes an experiment: `function` over a dataset. Await it to run it, inside a tokio runtime of either kind; time
/// limits, pauses and Ctrl-C need one with time and IO enabled, as that of `#[tokio::main]` is.
///
/// The function may be sync or async, plain or `Result`, and takes what it needs by type: [`Datapoint`],
/// [`HoneyHiveTracer`], [`Inputs`], [`GroundTruth`], in any order.
///
/// [`Datapoint`]: crate::Datapoint
/// [`Inputs`]: crate::Inputs
/// [`GroundTruth`]: crate::GroundTruth
///
/// # Examples
///
/// ```no_run
/// use honeyhive_eval::prelude::*;
/// use serde_json::json;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let dataset = Dataset::new([json!({"inputs": {"text": "bee"}, "ground_truth": "BEE"})])?;
/// let result = evaluate(|datapoint: Datapoint| datapoint.inputs["text"].to_string().to_uppercase())
///     .name("upper case")
///     .dataset(dataset)
///     .evaluator("exact", |Outputs(found): Outputs<String>, GroundTruth(wanted): GroundTruth<String>| found == wanted)
///     .await?;
/// println!("{result}");
/// # Ok(())
/// # }
/// ```
pub fn evaluate<M, F: Task<M>>(function: F) -> Evaluation {
    Evaluation {
        task: any_task(function),
        function_name: name_of::<F>().to_owned(),
        name: None,
        dataset: Source::None,
        evaluators: Vec::new(),
        run_evaluators: Vec::new(),
        destination: Destination::Own(Box::new(HoneyHiveTracer::builder())),
        settings: Settings::default(),
    }
}

/// An experiment that has not run yet. Made by [`evaluate`].
#[must_use = "await it to run the experiment"]
pub struct Evaluation {
    pub(crate) task: AnyTask,
    pub(crate) function_name: String,
    pub(crate) name: Option<String>,
    pub(crate) dataset: Source,
    pub(crate) evaluators: Vec<(String, ConfiguredEvaluator)>,
    pub(crate) run_evaluators: Vec<(String, AnyRunEvaluator)>,
    pub(crate) destination: Destination,
    pub(crate) settings: Settings,
}

/// Where an experiment reports.
pub(crate) enum Destination {
    /// A pipeline of its own, closed when the experiment ends.
    Own(Box<TracerBuilder>),
    /// The pipeline of a tracer the caller has.
    Shared(HoneyHiveTracer),
}

impl Evaluation {
    /// Name of the run and of its sessions. Default: `experiment-` and eight characters of the run's id.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What to run the function on.
    pub fn dataset(mut self, dataset: Dataset) -> Self {
        self.dataset.give(Source::Items(dataset));
        self
    }

    /// Runs the function on a dataset the server holds, with the datapoints it has when the experiment starts.
    pub fn dataset_id(mut self, id: impl Into<String>) -> Self {
        self.dataset.give(Source::Managed(id.into()));
        self
    }

    /// Runs the function on datapoints that come while it runs.
    pub fn dataset_stream(mut self, stream: DatasetStream) -> Self {
        self.dataset.give(Source::Stream(stream));
        self
    }

    /// Scores every output. An evaluator runs inside the datapoint's event, next to the others; one that fails or
    /// panics leaves an error in its place and nothing else.
    pub fn evaluator<M>(mut self, name: impl Into<String>, evaluator: impl Evaluator<M>) -> Self {
        self.evaluators.push((name.into(), evaluator.configure()));
        self
    }

    /// Scores every output by several evaluators, each under its own name: functions with `#[evaluator]`, built-ins of
    /// [`evaluators`](crate::evaluators), [`evaluator(…).name(…)`](crate::evaluator()).
    ///
    /// # Examples
    ///
    /// ```
    /// use honeyhive_eval::evaluators::{exact_match, f1};
    /// use honeyhive_eval::prelude::*;
    ///
    /// #[evaluator(weight = 2.0)]
    /// fn is_short(Outputs(answer): Outputs<String>) -> bool {
    ///     answer.len() < 100
    /// }
    ///
    /// let experiment = evaluate(|_: Datapoint| "yes").evaluators((is_short, exact_match(), f1()));
    /// # let _ = experiment;
    /// ```
    pub fn evaluators<M>(mut self, evaluators: impl Evaluators<M>) -> Self {
        let named = evaluators.into_vec().into_iter();
        self.evaluators
            .extend(named.map(|evaluator| (evaluator.name.clone().unwrap_or_default(), evaluator)));
        self
    }

    /// Scores the run as a whole, when every datapoint has been evaluated: `|result: &ExperimentResult| …`, sync or async.
    /// Its score is in [`run_scores`](crate::ExperimentResult::run_scores) and in the run's metadata, as `run_scores`.
    ///
    /// # Examples
    ///
    /// ```
    /// use honeyhive_eval::ExperimentResult;
    /// use honeyhive_eval::prelude::*;
    ///
    /// let experiment = evaluate(|_: Datapoint| "yes").run_evaluator("reliable", |result: &ExperimentResult| {
    ///     (result.failed() == 0, format!("{} rows failed", result.failed()))
    /// });
    /// # let _ = experiment;
    /// ```
    pub fn run_evaluator<M>(mut self, name: impl Into<String>, evaluator: impl RunEvaluator<M>) -> Self {
        self.run_evaluators.push((name.into(), any_run_evaluator(evaluator)));
        self
    }

    /// Name of the event that stands for a call of the function. Default: the function's own name, `function` for a
    /// closure.
    pub fn function_name(mut self, name: impl Into<String>) -> Self {
        self.function_name = name.into();
        self
    }

    /// Reports through the pipeline of this tracer. Default: one of its own, configured by the `HH_*` variables.
    pub fn tracer(mut self, tracer: &HoneyHiveTracer) -> Self {
        self.destination = Destination::Shared(tracer.clone());
        self
    }

    /// Reports through a pipeline of its own with these settings.
    pub fn connection(mut self, settings: TracerBuilder) -> Self {
        self.destination = Destination::Own(Box::new(settings));
        self
    }
}

impl fmt::Debug for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluation")
            .field("name", &self.name)
            .field("function", &self.function_name)
            .field("dataset", &self.dataset)
            .field(
                "evaluators",
                &self.evaluators.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            )
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
