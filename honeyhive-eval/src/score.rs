//! Scores: what an evaluator may return.

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::output::TaskError;

/// The value of a score. Flags and numbers can be compared between runs; a text is a label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ScoreValue {
    /// Passed or not.
    Flag(bool),
    /// A count.
    Integer(i64),
    /// A measure.
    Number(f64),
    /// A label.
    Label(String),
}

impl ScoreValue {
    /// The score as a number, with a flag as 1 or 0; `None` for a label.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Flag(flag) => Some(f64::from(u8::from(*flag))),
            #[allow(
                clippy::cast_precision_loss,
                reason = "a count beyond 2^53 has no meaning in its last digits"
            )]
            Self::Integer(count) => Some(*count as f64),
            Self::Number(number) => Some(*number),
            Self::Label(_) => None,
        }
    }
}

impl fmt::Display for ScoreValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(if *flag { "✓" } else { "✗" }),
            Self::Integer(count) => write!(f, "{count}"),
            // At most four decimals, and no zeros at their end.
            Self::Number(number) => write!(f, "{}", (number * 1e4).round() / 1e4),
            Self::Label(label) => f.write_str(label),
        }
    }
}

/// A score, optionally with the reason for it.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::Score;
///
/// let score = Score::new(0.5).because("half of the words match");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    pub(crate) value: ScoreValue,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) explanation: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) extras: Map<String, Value>,
}

impl Score {
    /// A score of this value: a flag, a number or a label.
    pub fn new(value: impl Into<ScoreValue>) -> Self {
        Self {
            value: value.into(),
            explanation: None,
            extras: Map::new(),
        }
    }

    /// Gives the reason.
    #[must_use]
    pub fn because(mut self, explanation: impl Into<String>) -> Self {
        self.explanation = Some(explanation.into());
        self
    }

    /// Adds a measure of its own beside the value: it becomes the metric `<evaluator>_<key>`.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extras.insert(key.into(), value.into());
        self
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &ScoreValue {
        &self.value
    }

    /// The reason, where the evaluator gave one.
    #[must_use]
    pub fn explanation(&self) -> Option<&str> {
        self.explanation.as_deref()
    }

    /// Further measures, by key.
    #[must_use]
    pub fn extras(&self) -> &Map<String, Value> {
        &self.extras
    }
}

/// Something an evaluator can return: a flag, a number, a label, a [`Score`], an option of these (`None` is no score),
/// and `Result` of them with any error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the score of an evaluator",
    note = "return a bool, a number, a text or `Score`, or `Option` or `Result` of these"
)]
pub trait IntoScore {
    /// The score; `None` for an evaluator that has nothing to say here.
    ///
    /// # Errors
    ///
    /// [`TaskError`] when the evaluator failed.
    fn into_score(self) -> Result<Option<Score>, TaskError>;
}

impl IntoScore for Score {
    fn into_score(self) -> Result<Option<Score>, TaskError> {
        Ok(Some(self))
    }
}

impl<T: IntoScore> IntoScore for Option<T> {
    fn into_score(self) -> Result<Option<Score>, TaskError> {
        self.map_or(Ok(None), T::into_score)
    }
}

impl<T: IntoScore, E: Into<Box<dyn Error + Send + Sync>>> IntoScore for Result<T, E> {
    fn into_score(self) -> Result<Option<Score>, TaskError> {
        self.map_err(TaskError::of)?.into_score()
    }
}

macro_rules! scores {
    ($($t:ty => |$value:ident| $score:expr;)*) => {$(
        impl From<$t> for ScoreValue {
            fn from($value: $t) -> Self {
                $score
            }
        }

        impl IntoScore for $t {
            fn into_score(self) -> Result<Option<Score>, TaskError> {
                Ok(Some(Score::new(self)))
            }
        }
    )*};
}

scores! {
    bool => |value| Self::Flag(value);
    f64 => |value| Self::Number(value);
    f32 => |value| Self::Number(shortest(value));
    i64 => |value| Self::Integer(value);
    i32 => |value| Self::Integer(value.into());
    i16 => |value| Self::Integer(value.into());
    i8 => |value| Self::Integer(value.into());
    u16 => |value| Self::Integer(value.into());
    isize => |value| wide(value);
    u32 => |value| Self::Integer(value.into());
    u8 => |value| Self::Integer(value.into());
    usize => |value| wide(value);
    u64 => |value| wide(value);
    String => |value| Self::Label(value);
    &'static str => |value| Self::Label(value.to_owned());
}

/// An integer that may not fit 64 bits signed.
fn wide<T: Copy + TryInto<i64> + fmt::Display>(value: T) -> ScoreValue {
    value
        .try_into()
        .map_or_else(|_| ScoreValue::Label(value.to_string()), ScoreValue::Integer)
}

/// The number that a short float shows: 0.1, not 0.10000000149.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}
