//! How a further session is opened.

use std::sync::Arc;

use opentelemetry::trace::SpanContext;
use serde::Serialize;

use super::{Experiment, Identity, SessionDetails, SessionId, Tally};
use crate::capture::to_json;
use crate::propagation::Incoming;
use crate::tracer::HoneyHiveTracer;

/// Opens a session on the pipeline of an existing tracer. Made by [`HoneyHiveTracer::new_session`] and
/// [`HoneyHiveTracer::resume_session`].
#[must_use = "call .start() to open the session"]
#[derive(Debug)]
pub struct SessionBuilder {
    tracer: HoneyHiveTracer,
    name: Arc<str>,
    id: Option<SessionId>,
    source: Option<Arc<str>>,
    details: SessionDetails,
    experiment: Experiment,
    /// Whether the backend is told of it.
    announce: bool,
    remote_parent: Option<Box<SpanContext>>,
    count_usage: bool,
}

impl SessionBuilder {
    pub(crate) fn new(tracer: HoneyHiveTracer, name: Arc<str>) -> Self {
        Self {
            tracer,
            name,
            id: None,
            source: None,
            details: SessionDetails::default(),
            experiment: Experiment::default(),
            announce: true,
            remote_parent: None,
            count_usage: false,
        }
    }

    pub(crate) fn resume(tracer: HoneyHiveTracer, id: SessionId) -> Self {
        let name = tracer.identity().session_name.clone();
        Self {
            id: Some(id),
            announce: false,
            ..Self::new(tracer, name)
        }
    }

    /// Chooses the id. Default: a fresh one. Of this and [`continue_from`](Self::continue_from) the last call counts.
    pub fn id(mut self, id: SessionId) -> Self {
        self.id = Some(id);
        self.announce = true;
        self.remote_parent = None;
        self
    }

    /// Derives the id from a key of your own; see [`SessionId::from_key`]. A blank key counts as none: whoever has none
    /// must not share a session with all others.
    pub fn key(self, key: impl AsRef<str>) -> Self {
        match key.as_ref().trim() {
            "" => self,
            _ => self.id(SessionId::from_key(key)),
        }
    }

    /// Goes on in the session of the caller, below the caller's span, when the headers of its request name a session;
    /// else changes nothing, for a span of another session is never a parent.
    ///
    /// The session exists already, so its start is not sent again: the name and what this builder says of inputs,
    /// metadata and user properties are the caller's to say. Add to the session with
    /// [`enrich_session`](HoneyHiveTracer::enrich_session). Project and source of the events stay this service's own.
    ///
    /// **Only for callers you trust**: whoever sends the headers chooses the session that is written into. At the edge
    /// of your system, where anybody may call, leave it out.
    ///
    /// # Examples
    ///
    /// ```
    /// use honeyhive_core::{HoneyHiveTracer, propagation};
    ///
    /// fn for_request(tracer: &HoneyHiveTracer, headers: &[(&str, &str)]) -> HoneyHiveTracer {
    ///     let incoming = propagation::extract(headers.iter().copied());
    ///     tracer.new_session("request").continue_from(&incoming).start()
    /// }
    /// ```
    pub fn continue_from(mut self, incoming: &Incoming) -> Self {
        if let Some(id) = incoming.session_id() {
            self.id = Some(id);
            self.announce = false;
            self.remote_parent = incoming.span_context().cloned().map(Box::new);
        }
        self
    }

    /// Names the session. A blank name counts as none. Default: the name given to [`new_session`](HoneyHiveTracer::new_session); of a resumed session
    /// the tracer's own, which counts only if the backend has never heard of it.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into()).filter(is_given).unwrap_or(self.name);
        self
    }

    /// Environment tag of this session. Default, also of a blank one: the tracer's.
    pub fn source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.source = Some(source.into()).filter(is_given);
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
    /// Such a session is always recorded, whatever the [sample rate](crate::TracerBuilder::sample_rate).
    pub fn experiment(mut self, run_id: &str, dataset_id: &str, datapoint_id: &str) -> Self {
        self.experiment = Experiment {
            run_id: Some(run_id.into()),
            dataset_id: Some(dataset_id.into()),
            datapoint_id: Some(datapoint_id.into()),
        };
        self
    }

    /// Counts the tokens and the cost of the session's model calls as they end, for
    /// [`HoneyHiveTracer::usage`].
    pub fn count_usage(mut self) -> Self {
        self.count_usage = true;
        self
    }

    /// Opens the session and returns its tracer. Costs no thread and no socket: the start is sent in the background.
    #[must_use = "the session's tracer is what its spans are made with"]
    pub fn start(self) -> HoneyHiveTracer {
        let parent = self.tracer.identity();
        let mut identity = Identity::new(
            self.id.unwrap_or_else(SessionId::random),
            Some(self.name)
                .filter(is_given)
                .unwrap_or_else(|| parent.session_name.clone()),
            parent.project.clone(),
            self.source.unwrap_or_else(|| parent.source.clone()),
        );
        identity.experiment = self.experiment;
        identity.resumed = !self.announce;
        identity.remote_parent = self.remote_parent;
        identity.tally = self.count_usage.then(Tally::default);
        self.tracer
            .with_identity(identity, self.announce.then_some(self.details))
    }
}

/// Blank counts as not given.
fn is_given(text: &Arc<str>) -> bool {
    !text.trim().is_empty()
}
