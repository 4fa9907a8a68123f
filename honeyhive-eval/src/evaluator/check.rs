//! Checks: functions that say of a score whether it is good enough, with or without a target.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::output::TaskError;
use crate::score::{FromScore, IntoScore, Score, Scores};

/// A function over a score, or over a score and a target. `M` only tells the two apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "this cannot check a score",
    label = "not a check",
    note = "write `|score: f64| score >= 0.7`, or with a target `|score: f64, target: f64| score >= target`",
    note = "the score can be read as `f64`, `i64`, `bool`, `String`, `ScoreValue` or `Score`, the target as any type that deserialises"
)]
pub trait Check<M>: Send + Sync + 'static {
    /// Whether there must be a target.
    const NEEDS_TARGET: bool;

    /// What the score is replaced by.
    ///
    /// # Errors
    ///
    /// [`TaskError`] when score or target cannot be read as the function takes them, or the function fails.
    fn check(&self, score: &Score, target: Option<&Value>) -> Result<Scores, TaskError>;
}

impl<F, T, R> Check<(T,)> for F
where
    F: Fn(T) -> R + Send + Sync + 'static,
    T: FromScore,
    R: IntoScore,
{
    const NEEDS_TARGET: bool = false;

    fn check(&self, score: &Score, _: Option<&Value>) -> Result<Scores, TaskError> {
        self(T::from_score(score)?).into_score()
    }
}

impl<F, T, U, R> Check<(T, U)> for F
where
    F: Fn(T, U) -> R + Send + Sync + 'static,
    T: FromScore,
    U: DeserializeOwned,
    R: IntoScore,
{
    const NEEDS_TARGET: bool = true;

    fn check(&self, score: &Score, target: Option<&Value>) -> Result<Scores, TaskError> {
        let target = target.unwrap_or(&Value::Null);
        let read = U::deserialize(target).map_err(|error| {
            TaskError::new("Target", format!("the target {target} does not fit the check: {error}"))
        })?;
        self(T::from_score(score)?, read).into_score()
    }
}
