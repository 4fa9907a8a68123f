//! `evaluate()`: describing an experiment.

mod rescore;
mod settings;

use std::fmt;

use honeyhive_core::{HoneyHiveTracer, TracerBuilder};

use crate::dataset::{Dataset, DatasetStream, Source};
use crate::function::{AnyEvaluator, AnyTask, Evaluator, Task, any_evaluator, any_task, name_of};

pub use rescore::rescore;
pub(crate) use settings::Settings;

/// Describes an experiment: `function` over a dataset. Await it to run it.
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
    pub(crate) evaluators: Vec<(String, AnyEvaluator)>,
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
        self.evaluators.push((name.into(), any_evaluator(evaluator)));
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
