//! Sessions: starting one, adding to it, reading it back.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::lenient::null_is_default;
use super::link::Link;
use super::operation::Operation;
use super::{Call, KeyKind, NewEvent};
use crate::event::EventTree;

/// A session to start. Its id is made here when it has none, so that starting it twice is starting it once.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StartSession {
    /// Id of the session, a UUID. Empty: one is made.
    pub session_id: String,
    /// Name of the session.
    pub session_name: String,
    /// Environment tag, such as `prod`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What the session is about.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub inputs: Map<String, Value>,
    /// What came out.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub outputs: Map<String, Value>,
    /// Configuration.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    /// Everything about it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Properties of the user on whose behalf it runs.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub user_properties: Map<String, Value>,
    /// Start, milliseconds since 1970. Default: now.
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

/// A session as it was started.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StartedSession {
    /// Id of the session.
    #[serde(deserialize_with = "null_is_default")]
    pub session_id: String,
    /// Name of the session.
    pub event_name: Option<String>,
    /// Project of the key.
    pub project_id: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

#[derive(Serialize)]
struct Wrapped<'a> {
    session: &'a StartSession,
}

#[derive(Serialize)]
struct Batch<'a> {
    events: &'a [NewEvent],
}

/// Operations on sessions; see [`Client::sessions`](super::Client::sessions).
#[derive(Clone, Debug)]
pub struct Sessions {
    pub(super) link: Arc<Link>,
}

impl Sessions {
    /// Starts a session, or merges into the one of that id. A tracer does this in the background
    /// ([`HoneyHiveTracer::new_session`](crate::HoneyHiveTracer::new_session)).
    pub fn start(&self, session: &StartSession) -> Call<StartedSession> {
        let mut session = session.clone();
        if session.session_id.is_empty() {
            session.session_id = Uuid::new_v4().to_string();
        }
        // Sent again, it starts at the same time.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        session.start_time.get_or_insert(now.as_secs_f64() * 1_000.0);
        let body = Wrapped { session: &session };
        let proposed = session.session_id.clone();
        Operation::post(&self.link, "startSession", &["session", "start"], &body)
            .key(KeyKind::Ingestion)
            .repeatable()
            .answer(&[])
            .map(|mut started: StartedSession| {
                if started.session_id.is_empty() {
                    started.session_id = proposed;
                }
                started
            })
    }

    /// Returns a session with all its events as a tree. Events arrive in the background, so flush the tracer first.
    pub fn get(&self, session_id: impl ToString) -> Call<EventTree> {
        let path = ["v1", "sessions", &session_id.to_string()];
        Operation::get(&self.link, "getSession", &path).answer(&[])
    }

    /// Deletes a session and its events.
    pub fn delete(&self, session_id: impl ToString) -> Call<()> {
        let path = ["v1", "sessions", &session_id.to_string()];
        Operation::delete(&self.link, "deleteSession", &path).done()
    }

    /// Adds events to a session, which decides theirs.
    pub fn add_events(&self, session_id: impl ToString, events: &[NewEvent]) -> Call<()> {
        let path = ["v1", "sessions", &session_id.to_string(), "events", "batch"];
        Operation::post(&self.link, "createSessionEventBatch", &path, &Batch { events })
            .key(KeyKind::Ingestion)
            .done()
    }

    /// Adds traces to a session as a framework logged them; `body` is sent as it is.
    pub fn add_traces(&self, session_id: impl ToString, body: &impl Serialize) -> Call<()> {
        let path = ["session", &session_id.to_string(), "traces"];
        let operation = Operation::post(&self.link, "addSessionTraces", &path, body);
        operation.key(KeyKind::Ingestion).done()
    }
}
