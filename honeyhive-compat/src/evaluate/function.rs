//! Functions and evaluators of 0.x, which take what they need by position.

use honeyhive_eval::{Datapoint, IntoOutput, IntoScore, Scores, TaskError};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A function that `evaluate` of 0.x can run: `Fn(inputs, ground_truths)` with arguments of any type that deserialises
/// from them, or `Fn(Datapoint)`; sync, plain or `Result`. `M` only tells the shapes apart and is always inferred.
///
/// # Examples
///
/// ```
/// use honeyhive_compat::{Datapoint, EvaluateOptions};
/// use serde_json::Value;
///
/// fn by_parts(inputs: Value, _ground_truths: Value) -> String {
///     inputs["q"].to_string()
/// }
///
/// fn of_a_datapoint(datapoint: Datapoint) -> String {
///     datapoint.inputs["q"].to_string()
/// }
///
/// let options = [EvaluateOptions::new(by_parts), EvaluateOptions::new(of_a_datapoint)];
/// # drop(options);
/// ```
#[diagnostic::on_unimplemented(
    message = "this is no function that `evaluate` of 0.x can run",
    note = "write `fn(inputs: Value, ground_truths: Value) -> Value` or `fn(datapoint: Datapoint) -> Value`; \
            async functions and functions with a tracer go to `honeyhive_eval::evaluate`"
)]
pub trait LegacyFunction<M>: Send + Sync + 'static {
    /// Calls the function with what the datapoint holds; a ground truth that is not there is an empty object.
    ///
    /// # Errors
    ///
    /// [`TaskError`] when an argument cannot be made, or the function failed.
    fn call(&self, datapoint: Datapoint) -> Result<Value, TaskError>;
}

/// An evaluator of 0.x: `Fn(outputs, inputs, ground_truths)` with arguments of any type that deserialises from them. `M`
/// is always inferred.
///
/// # Examples
///
/// ```
/// # use honeyhive_compat::{Datapoint, EvaluateOptions};
/// use serde_json::Value;
///
/// fn exact(outputs: Value, _inputs: Value, ground_truths: Value) -> bool {
///     outputs == ground_truths["a"]
/// }
/// # let options = EvaluateOptions::new(|datapoint: Datapoint| datapoint.inputs);
/// let options = options.evaluator("exact", exact);
/// # drop(options);
/// ```
#[diagnostic::on_unimplemented(
    message = "this is no evaluator of 0.x",
    note = "write `fn(outputs: Value, inputs: Value, ground_truths: Value) -> bool`, or a number, a text or `Score`, \
            or `Option` or `Result` of these"
)]
pub trait LegacyEvaluator<M>: Send + Sync + 'static {
    /// Calls the evaluator.
    ///
    /// # Errors
    ///
    /// [`TaskError`] when an argument cannot be made, or the evaluator failed.
    fn call(&self, outputs: &Value, datapoint: Datapoint) -> Result<Scores, TaskError>;
}

/// An argument cannot be made from the datapoint; the row fails with this.
#[derive(Debug, thiserror::Error)]
#[error("argument `{argument}`: {problem}")]
struct ArgumentError {
    argument: &'static str,
    problem: serde_json::Error,
}

impl<F, I, G, R> LegacyFunction<(I, G)> for F
where
    F: Fn(I, G) -> R + Send + Sync + 'static,
    I: DeserializeOwned,
    G: DeserializeOwned,
    R: IntoOutput,
{
    fn call(&self, datapoint: Datapoint) -> Result<Value, TaskError> {
        match parts(&datapoint) {
            Ok((inputs, ground_truths)) => self(inputs, ground_truths).into_output(),
            Err(error) => Err::<Value, _>(error).into_output(),
        }
    }
}

impl<F, R> LegacyFunction<(Datapoint,)> for F
where
    F: Fn(Datapoint) -> R + Send + Sync + 'static,
    R: IntoOutput,
{
    fn call(&self, datapoint: Datapoint) -> Result<Value, TaskError> {
        self(datapoint).into_output()
    }
}

impl<F, O, I, G, R> LegacyEvaluator<(O, I, G)> for F
where
    F: Fn(O, I, G) -> R + Send + Sync + 'static,
    O: DeserializeOwned,
    I: DeserializeOwned,
    G: DeserializeOwned,
    R: IntoScore,
{
    fn call(&self, outputs: &Value, datapoint: Datapoint) -> Result<Scores, TaskError> {
        let arguments = argument("outputs", outputs).and_then(|outputs| Ok((outputs, parts(&datapoint)?)));
        match arguments {
            Ok((outputs, (inputs, ground_truths))) => self(outputs, inputs, ground_truths).into_score(),
            Err(error) => Err::<bool, _>(error).into_score(),
        }
    }
}

fn parts<I: DeserializeOwned, G: DeserializeOwned>(datapoint: &Datapoint) -> Result<(I, G), ArgumentError> {
    let none = Value::Object(Map::new());
    Ok((
        argument("inputs", &datapoint.inputs)?,
        argument("ground_truths", datapoint.ground_truth.as_ref().unwrap_or(&none))?,
    ))
}

fn argument<T: DeserializeOwned>(argument: &'static str, value: &Value) -> Result<T, ArgumentError> {
    T::deserialize(value).map_err(|problem| ArgumentError { argument, problem })
}
