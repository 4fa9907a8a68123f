//! Events: writing them, changing them, reading one.

mod search;

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::lenient::null_is_default;
use super::link::Link;
use super::operation::Operation;
use super::{Call, DateRange, KeyKind};
use crate::event::{Event, EventType};

pub use search::{ChartQuery, EventQuery};

/// A new event.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewEvent {
    /// What kind of work it was.
    pub event_type: EventType,
    /// Name shown in the tree.
    pub event_name: String,
    /// Id of the event, a UUID. Default: the server's choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Session it belongs to. Default: a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Event above it. Default: the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Environment tag, such as `prod`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Project name. The key decides the project, so this is rarely needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// What went in.
    pub inputs: Map<String, Value>,
    /// What came out.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub outputs: Map<String, Value>,
    /// Configuration, such as the model and its parameters.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    /// Everything about it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Scores and measures.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metrics: Map<String, Value>,
    /// Feedback.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub feedback: Map<String, Value>,
    /// Properties of the user on whose behalf the work was done.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub user_properties: Map<String, Value>,
    /// Error message, when the work failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Start, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<f64>,
    /// End, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<f64>,
    /// Duration, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A change of an event: objects merge, what is `None` or empty stays as it is. Inputs and errors cannot be changed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UpdateEvent {
    /// Which event.
    pub event_id: String,
    /// Metadata to set.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Feedback to set.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub feedback: Map<String, Value>,
    /// Metrics to set.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metrics: Map<String, Value>,
    /// Outputs to set.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub outputs: Map<String, Value>,
    /// Configuration to set.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    /// User properties to set.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub user_properties: Map<String, Value>,
    /// End, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<f64>,
    /// Duration, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Events written together.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EventBatch {
    /// The events.
    pub events: Vec<NewEvent>,
    /// Whether those without a session go into one new session.
    #[serde(rename = "is_single_session", skip_serializing_if = "Option::is_none")]
    pub single_session: Option<bool>,
    /// What that session is like.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub session_properties: Map<String, Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Where an event went.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CreatedEvent {
    /// Its id.
    #[serde(deserialize_with = "null_is_default")]
    pub event_id: String,
    /// Its session, where the server says so.
    pub session_id: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Where the events of a batch went.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CreatedEvents {
    /// Their ids, in order.
    #[serde(deserialize_with = "null_is_default")]
    pub event_ids: Vec<String>,
    /// Their session, where it is one.
    pub session_id: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// An event as the server holds it: an [`Event`], and what that does not name.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FoundEvent {
    /// The event.
    pub event: Event,
    /// Everything else, such as `org_id` and `children_ids`.
    pub other: Map<String, Value>,
}

impl Deref for FoundEvent {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

impl<'de> Deserialize<'de> for FoundEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            #[serde(flatten)]
            event: Event,
            #[serde(flatten)]
            other: Map<String, Value>,
        }
        let mut fields = Map::deserialize(deserializer)?;
        fields.retain(|_, value| !value.is_null());
        let Parts { event, other } = serde_json::from_value(fields.into()).map_err(serde::de::Error::custom)?;
        Ok(Self { event, other })
    }
}

#[derive(Serialize)]
struct One<'a> {
    event: &'a NewEvent,
}

#[derive(Serialize)]
struct Model<'a, T> {
    model_event: &'a T,
}

#[derive(Serialize)]
struct Models<'a, T> {
    model_events: &'a [T],
}

/// Operations on events; see [`Client::events`](super::Client::events).
#[derive(Clone, Debug)]
pub struct Events {
    pub(super) link: Arc<Link>,
}

impl Events {
    /// Writes an event. Made once, not repeated: see [`ApiError::is_retryable`](super::ApiError::is_retryable).
    pub fn create(&self, event: &NewEvent) -> Call<CreatedEvent> {
        let operation = Operation::post(&self.link, "createEvent", &["events"], &One { event });
        operation.key(KeyKind::Ingestion).answer(&[])
    }

    /// Writes events together.
    pub fn create_batch(&self, batch: &EventBatch) -> Call<CreatedEvents> {
        let operation = Operation::post(&self.link, "createEventBatch", &["events", "batch"], batch);
        operation.key(KeyKind::Ingestion).answer(&[])
    }

    /// Writes a call of a model as its provider answered it; `event` is sent as it is.
    pub fn create_model(&self, event: &impl Serialize) -> Call<CreatedEvent> {
        let body = Model { model_event: event };
        let operation = Operation::post(&self.link, "createModelEvent", &["events", "model"], &body);
        operation.key(KeyKind::Ingestion).answer(&[])
    }

    /// Writes several calls of models.
    pub fn create_model_batch(&self, events: &[impl Serialize]) -> Call<CreatedEvents> {
        let path = ["events", "model", "batch"];
        let body = Models { model_events: events };
        let operation = Operation::post(&self.link, "createModelEventBatch", &path, &body);
        operation.key(KeyKind::Ingestion).answer(&[])
    }

    /// Changes an event.
    pub fn update(&self, update: &UpdateEvent) -> Call<()> {
        let operation = Operation::put(&self.link, "updateEvent", &["events"], update);
        operation.key(KeyKind::Ingestion).done()
    }

    /// Returns an event.
    pub fn get(&self, event_id: &str) -> Call<FoundEvent> {
        Operation::get(&self.link, "getEvent", &["v1", "events", event_id]).answer(&["event"])
    }

    /// Deletes an event.
    pub fn delete(&self, event_id: &str) -> Call<()> {
        Operation::delete(&self.link, "deleteEvent", &["v1", "events", event_id]).done()
    }

    /// Returns what events, or those of a time and a run, can be searched by.
    pub fn schema(&self, range: Option<&DateRange>, run_id: Option<&str>) -> Call<Map<String, Value>> {
        Operation::get(&self.link, "getEventsSchema", &["v1", "events", "schema"])
            .json("dateRange", range)
            .query("evaluation_id", run_id)
            .answer(&[])
    }
}
