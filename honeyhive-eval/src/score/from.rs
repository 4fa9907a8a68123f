//! What functions that work on scores can take: a number, a flag, a text, the value, or the whole score.

use super::scores::unusable;
use super::{Score, ScoreValue};
use crate::output::TaskError;

/// A type that a score can be read as, by a function that transforms, checks or aggregates scores.
#[diagnostic::on_unimplemented(
    message = "a score cannot be read as `{Self}`",
    note = "use `f64`, `i64`, `bool`, `String`, `ScoreValue` or `Score`"
)]
pub trait FromScore: Sized {
    /// Reads the score.
    ///
    /// # Errors
    ///
    /// [`TaskError`] when it is of another kind.
    fn from_score(score: &Score) -> Result<Self, TaskError>;
}

impl FromScore for Score {
    fn from_score(score: &Score) -> Result<Self, TaskError> {
        Ok(score.clone())
    }
}

impl FromScore for ScoreValue {
    fn from_score(score: &Score) -> Result<Self, TaskError> {
        Ok(score.value.clone())
    }
}

/// A flag is 1 or 0.
impl FromScore for f64 {
    fn from_score(score: &Score) -> Result<Self, TaskError> {
        score.value.as_number().ok_or_else(|| no(score, "a number"))
    }
}

/// A flag is 1 or 0, a number must be whole.
impl FromScore for i64 {
    fn from_score(score: &Score) -> Result<Self, TaskError> {
        match score.value {
            ScoreValue::Integer(count) => Ok(count),
            ScoreValue::Flag(flag) => Ok(flag.into()),
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                reason = "the bounds are what a double can be exact to"
            )]
            ScoreValue::Number(number) if number.fract() == 0.0 && number.abs() <= 2f64.powi(53) => Ok(number as Self),
            _ => Err(no(score, "a whole number")),
        }
    }
}

impl FromScore for bool {
    fn from_score(score: &Score) -> Result<Self, TaskError> {
        match score.value {
            ScoreValue::Flag(flag) => Ok(flag),
            _ => Err(no(score, "a flag")),
        }
    }
}

/// Any value has a text.
impl FromScore for String {
    fn from_score(score: &Score) -> Result<Self, TaskError> {
        Ok(score.value.text())
    }
}

fn no(score: &Score, wanted: &str) -> TaskError {
    unusable(format!("the score {:?} is not {wanted}", score.value.text()))
}
