//! Sessions: their ids, the identity every span of a session carries, and how a new one is opened.

mod builder;
mod id;
mod usage;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::SpanContext;
use serde_json::{Map, Value};

pub use builder::SessionBuilder;
pub use id::{InvalidSessionId, SessionId};
pub(crate) use usage::Tally;
pub use usage::TokenUsage;

use crate::capture::cut_at;
use crate::span::keys;

/// Bytes of a session's name.
const NAME_LIMIT: usize = 1_024;

/// Which session a span belongs to. Shared by all spans and handles of one session.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Process-wide number; the marker that travels on a span while it is open.
    pub(crate) number: u64,
    pub(crate) session_id: SessionId,
    pub(crate) session_name: Arc<str>,
    pub(crate) project: Option<Arc<str>>,
    pub(crate) source: Arc<str>,
    pub(crate) experiment: Experiment,
    /// The span of another process below which this one's part of the session goes on.
    pub(crate) remote_parent: Option<Box<SpanContext>>,
    /// When this handle on the session was made.
    pub(crate) opened: SystemTime,
    /// Whether the session began before that.
    pub(crate) resumed: bool,
    /// Whether its spans are recorded.
    pub(crate) recorded: bool,
    /// What its model calls used so far, when that is to be counted.
    pub(crate) tally: Option<Tally>,
    announced: bool,
    /// What became of the announcement, once that is known.
    announcement: OnceLock<Result<(), Box<str>>>,
}

/// The datapoint of an experiment a session belongs to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Experiment {
    pub(crate) run_id: Option<Arc<str>>,
    pub(crate) dataset_id: Option<Arc<str>>,
    pub(crate) datapoint_id: Option<Arc<str>>,
}

impl Experiment {
    /// The ids there are, with their attribute key.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&'static str, &Arc<str>)> {
        [
            (keys::RUN_ID, &self.run_id),
            (keys::DATASET_ID, &self.dataset_id),
            (keys::DATAPOINT_ID, &self.datapoint_id),
        ]
        .into_iter()
        .filter_map(|(key, id)| Some((key, id.as_ref()?)))
    }

    /// Writes the ids there are into the metadata of a session.
    fn write(&self, metadata: &mut Map<String, Value>) {
        for (key, id) in self.attributes() {
            let name = key.rsplit('.').next().unwrap_or(key);
            metadata.insert(name.to_owned(), id.as_ref().into());
        }
    }
}

/// What the backend knows of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionStatus {
    /// It was not announced: it was resumed, the announcement was skipped, or nothing is sent. Its row is made from
    /// its first span.
    Unannounced,
    /// The announcement is on its way.
    Starting,
    /// The backend has accepted it.
    Started,
    /// The announcement was lost, for this reason. Spans still reach the session: its row is made from the first one.
    Failed(String),
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
            // It is on every span.
            session_name: if session_name.len() > NAME_LIMIT {
                cut_at(&session_name, NAME_LIMIT).into()
            } else {
                session_name
            },
            project,
            source,
            experiment: Experiment::default(),
            remote_parent: None,
            opened: SystemTime::now(),
            resumed: false,
            recorded: true,
            tally: None,
            announced: false,
            announcement: OnceLock::new(),
        }
    }

    /// Notes that the session is being announced.
    pub(crate) fn announcing(mut self) -> Self {
        self.announced = true;
        self
    }

    /// Notes what became of the announcement.
    pub(crate) fn settle_announcement(&self, outcome: Result<(), &str>) {
        // Only the first outcome counts, and there is only one.
        let _ = self.announcement.set(outcome.map_err(Into::into));
    }

    pub(crate) fn status(&self) -> SessionStatus {
        match self.announcement.get() {
            Some(Ok(())) => SessionStatus::Started,
            Some(Err(reason)) => SessionStatus::Failed(reason.to_string()),
            None if self.announced => SessionStatus::Starting,
            None => SessionStatus::Unannounced,
        }
    }
}

/// The announcement of a session, sent by the worker as `POST /session/start`.
#[derive(Debug)]
pub(crate) struct SessionStart {
    pub(crate) identity: Arc<Identity>,
    pub(crate) details: SessionDetails,
}

/// What a session starts with.
#[derive(Clone, Debug, Default)]
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
        // The server hears of it later than it was opened.
        let at = identity.opened.duration_since(UNIX_EPOCH).unwrap_or_default();
        session.insert("start_time".into(), (at.as_secs_f64() * 1e3).into());
        let mut details = self.details;
        identity.experiment.write(&mut details.metadata);
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
