//! Extractors: what the arguments of a function or an evaluator can be, chosen by their types.

use std::sync::Arc;

use honeyhive_core::HoneyHiveTracer;
use serde::Deserializer;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::dataset::Datapoint;

/// What a function under evaluation can ask for.
#[derive(Clone, Debug)]
pub struct TaskContext {
    pub(crate) datapoint: Arc<Datapoint>,
    pub(crate) tracer: HoneyHiveTracer,
    pub(crate) trial: u32,
}

/// What an evaluator can ask for.
#[derive(Clone, Debug)]
pub struct OutcomeContext {
    pub(crate) task: TaskContext,
    pub(crate) output: Arc<Value>,
}

/// An argument cannot be made from the datapoint; the row fails with this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("argument `{argument}`: {problem}")]
pub struct ExtractError {
    argument: &'static str,
    problem: String,
}

/// A type an argument of a function under evaluation can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a function under evaluation",
    note = "use `Datapoint`, `HoneyHiveTracer`, `Inputs<T>`, `GroundTruth<T>`, `Option<GroundTruth<T>>`, `Metadata<T>` or `Trial`"
)]
pub trait FromTask: Sized + Send + 'static {
    /// Makes the argument.
    ///
    /// # Errors
    ///
    /// [`ExtractError`] when the datapoint does not hold it.
    fn from_task(context: &TaskContext) -> Result<Self, ExtractError>;
}

/// A type an argument of an evaluator can have: everything a function can ask for, and `Outputs<T>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of an evaluator",
    note = "use `Outputs<T>`, `Inputs<T>`, `GroundTruth<T>`, `Option<GroundTruth<T>>`, `Metadata<T>`, `Datapoint`, `HoneyHiveTracer` or `Trial`"
)]
pub trait FromOutcome: Sized + Send + 'static {
    /// Makes the argument.
    ///
    /// # Errors
    ///
    /// [`ExtractError`] when the outcome does not hold it.
    fn from_outcome(context: &OutcomeContext) -> Result<Self, ExtractError>;
}

#[diagnostic::do_not_recommend]
impl<T: FromTask> FromOutcome for T {
    fn from_outcome(context: &OutcomeContext) -> Result<Self, ExtractError> {
        T::from_task(&context.task)
    }
}

impl FromTask for Datapoint {
    fn from_task(context: &TaskContext) -> Result<Self, ExtractError> {
        Ok((*context.datapoint).clone())
    }
}

/// The tracer of the datapoint's session.
impl FromTask for HoneyHiveTracer {
    fn from_task(context: &TaskContext) -> Result<Self, ExtractError> {
        Ok(context.tracer.clone())
    }
}

/// The datapoint's inputs, as any type that deserialises from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs<T>(pub T);

impl<T: DeserializeOwned + Send + 'static> FromTask for Inputs<T> {
    fn from_task(context: &TaskContext) -> Result<Self, ExtractError> {
        read("Inputs", &context.datapoint.inputs).map(Self)
    }
}

/// The datapoint's ground truth, as any type that deserialises from it. A datapoint without one fails the row, or the
/// evaluator, that asks for it; ask for `Option<GroundTruth<T>>` to allow that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroundTruth<T>(pub T);

impl<T: DeserializeOwned + Send + 'static> FromTask for GroundTruth<T> {
    fn from_task(context: &TaskContext) -> Result<Self, ExtractError> {
        let absent = || ExtractError {
            argument: "GroundTruth",
            problem: "the datapoint has no `ground_truth`".into(),
        };
        read(
            "GroundTruth",
            context.datapoint.ground_truth.as_ref().ok_or_else(absent)?,
        )
        .map(Self)
    }
}

impl<T: DeserializeOwned + Send + 'static> FromTask for Option<GroundTruth<T>> {
    fn from_task(context: &TaskContext) -> Result<Self, ExtractError> {
        context
            .datapoint
            .ground_truth
            .is_some()
            .then(|| GroundTruth::from_task(context))
            .transpose()
    }
}

/// The datapoint's metadata, as any type that deserialises from an object; one without metadata has an empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata<T>(pub T);

impl<T: DeserializeOwned + Send + 'static> FromTask for Metadata<T> {
    fn from_task(context: &TaskContext) -> Result<Self, ExtractError> {
        read("Metadata", &context.datapoint.metadata).map(Self)
    }
}

/// Which run of the function on this datapoint it is, from 0; always 0 unless the experiment has several trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial(pub u32);

impl FromTask for Trial {
    fn from_task(context: &TaskContext) -> Result<Self, ExtractError> {
        Ok(Self(context.trial))
    }
}

/// What the function returned, as any type that deserialises from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outputs<T>(pub T);

impl<T: DeserializeOwned + Send + 'static> FromOutcome for Outputs<T> {
    fn from_outcome(context: &OutcomeContext) -> Result<Self, ExtractError> {
        read("Outputs", &*context.output).map(Self)
    }
}

fn read<'a, T, S>(argument: &'static str, source: S) -> Result<T, ExtractError>
where
    T: DeserializeOwned,
    S: Deserializer<'a, Error = serde_json::Error>,
{
    T::deserialize(source).map_err(|error| ExtractError {
        argument,
        problem: error.to_string(),
    })
}
