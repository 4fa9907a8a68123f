//! The seven objects of an event.

use serde_json::{Map, Value};

use super::Event;

/// One of the objects of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// What went in.
    Inputs,
    /// What came out.
    Outputs,
    /// Configuration, such as the model and its parameters.
    Config,
    /// Everything else.
    Metadata,
    /// Scores and measures.
    Metrics,
    /// Feedback, ground truth included.
    Feedback,
    /// Properties of the user on whose behalf the work was done.
    UserProperties,
}

impl Bucket {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Inputs,
        Self::Outputs,
        Self::Config,
        Self::Metadata,
        Self::Metrics,
        Self::Feedback,
        Self::UserProperties,
    ];

    /// Name of the event's field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Outputs => "outputs",
            Self::Config => "config",
            Self::Metadata => "metadata",
            Self::Metrics => "metrics",
            Self::Feedback => "feedback",
            Self::UserProperties => "user_properties",
        }
    }

    /// The object of this event.
    pub fn of(self, event: &mut Event) -> &mut Map<String, Value> {
        match self {
            Self::Inputs => &mut event.inputs,
            Self::Outputs => &mut event.outputs,
            Self::Config => &mut event.config,
            Self::Metadata => &mut event.metadata,
            Self::Metrics => &mut event.metrics,
            Self::Feedback => &mut event.feedback,
            Self::UserProperties => &mut event.user_properties,
        }
    }
}
