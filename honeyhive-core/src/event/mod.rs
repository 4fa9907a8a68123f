//! The event: the one record type of the platform. A span becomes an event, and a session is one too.

mod bucket;
pub(crate) mod conventions;
mod from_span;
mod nested;
mod render;
mod tree;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

pub use bucket::Bucket;
pub use from_span::{SessionHint, SpanError};
pub use render::TreeText;
pub use tree::{EventNode, EventTree};

/// What kind of work an event describes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventType {
    /// A call of a language model.
    Model,
    /// Any other piece of work: retrieval, a lookup, a computation. The default.
    #[default]
    Tool,
    /// A composition of other events: an agent, a pipeline, a request.
    Chain,
    /// The root of a session.
    Session,
}

impl EventType {
    /// The name on the wire: `model`, `tool`, `chain` or `session`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Tool => "tool",
            Self::Chain => "chain",
            Self::Session => "session",
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no event type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event type {found:?} is unknown: use \"model\", \"tool\", \"chain\" or \"session\"")]
pub struct UnknownEventType {
    /// What was found instead.
    pub found: String,
}

impl FromStr for EventType {
    type Err = UnknownEventType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "model" => Ok(Self::Model),
            "tool" => Ok(Self::Tool),
            "chain" => Ok(Self::Chain),
            "session" => Ok(Self::Session),
            other => Err(UnknownEventType {
                found: other.to_owned(),
            }),
        }
    }
}

/// One event as the platform stores and returns it.
///
/// Times are milliseconds since the Unix epoch, the duration is milliseconds; read from JSON, `null` is 0. The seven buckets are JSON objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Event {
    /// UUID text; for a session event equal to `session_id`.
    pub event_id: String,
    /// Session the event belongs to.
    pub session_id: String,
    /// Event above this one; `None` for a session.
    pub parent_id: Option<String>,
    /// What kind of work it was.
    pub event_type: EventType,
    /// Name shown in the tree.
    pub event_name: String,
    /// Project, where the sender named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Environment tag of the sender.
    pub source: String,
    /// What went in.
    pub inputs: Map<String, Value>,
    /// What came out.
    pub outputs: Map<String, Value>,
    /// Configuration, such as the model and its parameters.
    pub config: Map<String, Value>,
    /// Everything else.
    pub metadata: Map<String, Value>,
    /// Scores and measures.
    pub metrics: Map<String, Value>,
    /// Feedback, ground truth included.
    pub feedback: Map<String, Value>,
    /// Properties of the user on whose behalf the work was done.
    pub user_properties: Map<String, Value>,
    /// Error message; `None` when the work succeeded.
    pub error: Option<String>,
    /// Start, milliseconds since the Unix epoch.
    #[serde(deserialize_with = "null_is_zero")]
    pub start_time: f64,
    /// End, milliseconds since the Unix epoch.
    #[serde(deserialize_with = "null_is_zero")]
    pub end_time: f64,
    /// Duration in milliseconds.
    #[serde(deserialize_with = "null_is_zero")]
    pub duration: f64,
}

/// JSON has no number for a time that is not finite; it is written as `null`.
fn null_is_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
