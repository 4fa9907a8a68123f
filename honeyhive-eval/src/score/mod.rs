//! A score: a value, and optionally the reason for it.

mod from;
mod into;
mod scores;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use from::FromScore;
pub use into::IntoScore;
pub use scores::Scores;

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

    /// The value as JSON writes it, a label without quotes.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Integer(count) => count.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Label(label) => label.clone(),
        }
    }

    /// Whether it stands for a yes: a flag that is set, a number other than zero, a label with text.
    pub(crate) fn is_truthy(&self) -> bool {
        match self {
            Self::Flag(flag) => *flag,
            Self::Integer(count) => *count != 0,
            Self::Number(number) => *number != 0.0,
            Self::Label(label) => !label.is_empty(),
        }
    }
}

impl From<ScoreValue> for Value {
    fn from(value: ScoreValue) -> Self {
        match value {
            ScoreValue::Flag(flag) => flag.into(),
            ScoreValue::Integer(count) => count.into(),
            ScoreValue::Number(number) => number.into(),
            ScoreValue::Label(label) => label.into(),
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

/// The value, and in parentheses the reason for it.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value)?;
        match &self.explanation {
            Some(explanation) => write!(f, " ({explanation})"),
            None => Ok(()),
        }
    }
}

macro_rules! values {
    ($($t:ty => |$value:ident| $score:expr;)*) => {$(
        impl From<$t> for ScoreValue {
            fn from($value: $t) -> Self {
                $score
            }
        }

        impl From<$t> for Score {
            fn from(value: $t) -> Self {
                Self::new(value)
            }
        }

        impl IntoScore for $t {
            fn into_score(self) -> Result<Scores, TaskError> {
                Ok(Score::new(self).into())
            }
        }
    )*};
}

values! {
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

impl From<ScoreValue> for Score {
    fn from(value: ScoreValue) -> Self {
        Self::new(value)
    }
}

impl IntoScore for ScoreValue {
    fn into_score(self) -> Result<Scores, TaskError> {
        Ok(Score::new(self).into())
    }
}

/// An integer that may not fit 64 bits signed; its text is then a number still.
fn wide<T: Copy + TryInto<i64> + fmt::Display>(value: T) -> ScoreValue {
    value.try_into().map_or_else(
        |_| ScoreValue::Number(value.to_string().parse().unwrap_or(f64::INFINITY)),
        ScoreValue::Integer,
    )
}

/// The number that a short float shows: 0.1, not 0.10000000149.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}
