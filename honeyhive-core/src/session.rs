//! Sessions: their ids, the identity every span of a session carries, and how a new one is opened.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::capture::to_json;
use crate::tracer::HoneyHiveTracer;

/// Id of a session: a UUID, shown in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(Uuid);

impl SessionId {
    /// A fresh random id (UUID version 4).
    #[must_use]
    pub fn random() -> Self {
        Self(random_uuid())
    }
}

impl From<Uuid> for SessionId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl FromStr for SessionId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A random UUID from the thread's generator: no system call per id.
pub(crate) fn random_uuid() -> Uuid {
    uuid::Builder::from_random_bytes(RandomIdGenerator::default().new_trace_id().to_bytes()).into_uuid()
}

/// Which session a span belongs to. Shared by all spans and handles of one session.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Process-wide number; the marker that travels on a span while it is open.
    pub(crate) number: u64,
    pub(crate) session_id: SessionId,
    pub(crate) session_name: Arc<str>,
    pub(crate) project: Option<Arc<str>>,
    pub(crate) source: Arc<str>,
    /// Further attributes of every span of the session, such as the ids of an experiment.
    pub(crate) attributes: Box<[(&'static str, Arc<str>)]>,
}

impl Identity {
    pub(crate) fn new(
        session_id: SessionId,
        session_name: Arc<str>,
        project: Option<Arc<str>>,
        source: Arc<str>,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            session_id,
            session_name,
            project,
            source,
            attributes: Box::default(),
        }
    }
}

/// The announcement of a session, sent by the worker as `POST /session/start`.
#[derive(Debug)]
pub(crate) struct SessionStart {
    pub(crate) identity: Arc<Identity>,
    pub(crate) details: SessionDetails,
    /// When the session was opened; the server hears of it later.
    pub(crate) at: SystemTime,
}

/// What a session starts with.
#[derive(Debug, Default)]
pub(crate) struct SessionDetails {
    pub(crate) inputs: Map<String, Value>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) user_properties: Map<String, Value>,
}

impl SessionStart {
    /// The request's body. Empty objects are left out, as the Python SDK leaves them out.
    pub(crate) fn into_body(self) -> Value {
        let identity = &self.identity;
        let mut session = Map::new();
        session.insert("session_id".into(), identity.session_id.to_string().into());
        session.insert("session_name".into(), identity.session_name.as_ref().into());
        session.insert("source".into(), identity.source.as_ref().into());
        if let Some(project) = &identity.project {
            session.insert("project".into(), project.as_ref().into());
        }
        let at = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        session.insert("start_time".into(), (at.as_secs_f64() * 1e3).into());
        let details = self.details;
        for (key, bucket) in [
            ("inputs", details.inputs),
            ("metadata", details.metadata),
            ("user_properties", details.user_properties),
        ] {
            if !bucket.is_empty() {
                session.insert(key.into(), Value::Object(bucket));
            }
        }
        serde_json::json!({ "session": session })
    }
}

/// Opens a session on the pipeline of an existing tracer. Made by [`HoneyHiveTracer::new_session`].
#[must_use = "call .start() to open the session"]
#[derive(Debug)]
pub struct SessionBuilder {
    tracer: HoneyHiveTracer,
    name: Arc<str>,
    id: Option<SessionId>,
    source: Option<Arc<str>>,
    details: SessionDetails,
    attributes: Vec<(&'static str, Arc<str>)>,
}

impl SessionBuilder {
    pub(crate) fn new(tracer: HoneyHiveTracer, name: Arc<str>) -> Self {
        Self {
            tracer,
            name,
            id: None,
            source: None,
            details: SessionDetails::default(),
            attributes: Vec::new(),
        }
    }

    /// Continues the session of this id, or chooses the id. Default: a fresh one.
    pub fn id(mut self, id: SessionId) -> Self {
        self.id = Some(id);
        self
    }

    /// Environment tag of this session. Default: the tracer's.
    pub fn source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds one input of the session.
    pub fn input(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.details.inputs.insert(key.into(), to_json(&value));
        self
    }

    /// Adds one piece of metadata.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.details.metadata.insert(key.into(), to_json(&value));
        self
    }

    /// Adds one property of the user on whose behalf the session runs.
    pub fn user_property(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.details.user_properties.insert(key.into(), to_json(&value));
        self
    }

    /// Ties the session to a datapoint of an experiment: the ids go into the session's metadata and onto every span.
    pub fn experiment(mut self, run_id: &str, dataset_id: &str, datapoint_id: &str) -> Self {
        let ids = [
            ("run_id", crate::keys::RUN_ID, run_id),
            ("dataset_id", crate::keys::DATASET_ID, dataset_id),
            ("datapoint_id", crate::keys::DATAPOINT_ID, datapoint_id),
        ];
        for (name, key, id) in ids {
            self.details.metadata.insert(name.to_owned(), id.into());
            self.attributes.push((key, id.into()));
        }
        self
    }

    /// Opens the session and returns its tracer. Costs no thread and no socket: the start is sent in the background.
    pub fn start(self) -> HoneyHiveTracer {
        let parent = self.tracer.identity();
        let mut identity = Identity::new(
            self.id.unwrap_or_else(SessionId::random),
            self.name,
            parent.project.clone(),
            self.source.unwrap_or_else(|| parent.source.clone()),
        );
        identity.attributes = self.attributes.into_boxed_slice();
        self.tracer.with_identity(identity, Some(self.details))
    }
}
