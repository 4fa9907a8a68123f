//! The tracer: a cheap handle on a shared pipeline and the identity of one session.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::Context;

use crate::api;
use crate::config::TracerBuilder;
use crate::context::{Active, ActiveGuard, InContext};
use crate::delivery::{DeliveryStats, FlushError, Pipeline};
use crate::discovery::{self, DefaultGuard};
use crate::session::{Identity, SessionBuilder, SessionDetails, SessionId, SessionStart};
use crate::span::{Enrichment, SpanBuilder};

/// Traces into one session. Clone it freely: a clone is the same tracer.
///
/// Tracers are independent of each other. One built with [`builder`](Self::builder) owns a delivery pipeline;
/// [`new_session`](Self::new_session) opens further sessions on the same pipeline. When the last handle of a pipeline
/// is dropped, what is still queued is sent, for at most five seconds.
#[derive(Clone)]
pub struct HoneyHiveTracer {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) identity: Arc<Identity>,
    pub(crate) pipeline: Arc<Pipeline>,
}

// A panic in the program leaves no state of ours half-written: every lock is taken over from a thread that panicked,
// and what the HTTP client keeps is touched by the worker only.
impl std::panic::UnwindSafe for Inner {}
impl std::panic::RefUnwindSafe for Inner {}

impl HoneyHiveTracer {
    /// Starts configuring a tracer.
    pub fn builder() -> TracerBuilder {
        TracerBuilder::default()
    }

    /// The tracer the calling code should use: the active one of the OpenTelemetry context, else the default, else
    /// the only one built. `None` when there is none, or when several were built and none is default.
    #[must_use]
    pub fn current() -> Option<Self> {
        discovery::current()
    }

    /// Id of the session this tracer traces into.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.inner.identity.session_id
    }

    /// Name of that session.
    #[must_use]
    pub fn session_name(&self) -> &str {
        &self.inner.identity.session_name
    }

    /// Address of the backend, without a slash at the end.
    #[must_use]
    pub fn server_url(&self) -> &str {
        self.inner.pipeline.server_url()
    }

    /// Opens another session on the same pipeline: microseconds, no thread, no socket.
    pub fn new_session(&self, name: impl Into<Arc<str>>) -> SessionBuilder {
        SessionBuilder::new(self.clone(), name.into())
    }

    /// Makes this the tracer that code without an active one finds, until the guard is dropped. Dropping the guard
    /// also sends what is queued, for at most five seconds.
    #[must_use = "the tracer is the default only while the guard lives"]
    pub fn set_default(&self) -> DefaultGuard {
        discovery::set_default(self.clone())
    }

    /// Runs a future with this tracer active: every span inside belongs to its session, and nothing leaks after.
    pub fn scope<F: Future>(&self, future: F) -> InContext<F> {
        InContext::new(future, Some(self.context()))
    }

    /// Runs a closure with this tracer active.
    pub fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
        let _guard = self.activate();
        run()
    }

    /// Makes this tracer active on the current thread until the guard is dropped. In async code use
    /// [`scope`](Self::scope).
    #[must_use = "the tracer is active only while the guard lives"]
    pub fn activate(&self) -> ActiveGuard {
        ActiveGuard::new(self.context())
    }

    /// Starts describing a span, for code that has no function to annotate.
    pub fn span(&self, name: impl Into<std::borrow::Cow<'static, str>>) -> SpanBuilder {
        SpanBuilder::new(self.clone(), name.into())
    }

    /// Adds to the active span of the calling code. Returns `false` when there is none to add to: no span is active, or
    /// the active one reports through another pipeline than this tracer.
    pub fn enrich_span(&self, enrichment: Enrichment) -> bool {
        let cx = Context::current();
        let ours = Active::of(&cx).is_some_and(|active| Arc::ptr_eq(&active.inner.pipeline, &self.inner.pipeline));
        ours && enrichment.apply_to(&cx)
    }

    /// Adds to this tracer's session, in the background (`PUT /events`). Objects merge on the server; only what is
    /// given changes. Inputs go to `metadata.inputs`, since the inputs of a session cannot be changed, and an error to
    /// `metadata.error`.
    pub fn enrich_session(&self, enrichment: Enrichment) {
        let update = enrichment.into_update(self.session_id().to_string());
        if let Some(update) = update {
            self.inner.pipeline.queue().push_update(update);
        }
    }

    /// Waits until everything handed over before this call is delivered, for at most `timeout`. Awaits on any
    /// executor.
    ///
    /// # Errors
    ///
    /// [`FlushError`] when something is still undelivered, or was lost since the last flush.
    pub async fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        self.inner.pipeline.flush(timeout).await
    }

    /// As [`flush`](Self::flush), for synchronous code.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub fn flush_blocking(&self, timeout: Duration) -> Result<(), FlushError> {
        self.inner.pipeline.flush_blocking(timeout)
    }

    /// What has been delivered and what was lost, for the whole pipeline.
    #[must_use]
    pub fn stats(&self) -> DeliveryStats {
        self.inner.pipeline.queue().stats()
    }

    /// The REST client of this tracer's backend.
    #[must_use]
    pub fn api(&self) -> api::Client {
        api::Client::new(self.inner.pipeline.clone())
    }

    pub(crate) fn root(pipeline: Pipeline, announce: bool) -> Self {
        let config = pipeline.config();
        let identity = Identity::new(
            config.session_id.unwrap_or_else(SessionId::random),
            config.session_name.clone(),
            config.project.clone(),
            config.source.clone(),
        );
        Self::attach(Arc::new(pipeline), identity, announce.then(SessionDetails::default))
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.inner.identity
    }

    pub(crate) fn with_identity(&self, identity: Identity, details: Option<SessionDetails>) -> Self {
        Self::attach(self.inner.pipeline.clone(), identity, details)
    }

    fn attach(pipeline: Arc<Pipeline>, identity: Identity, details: Option<SessionDetails>) -> Self {
        let identity = Arc::new(identity);
        pipeline.identities().insert(&identity);
        if let Some(details) = details {
            pipeline.queue().push_start(SessionStart {
                identity: identity.clone(),
                details,
                at: SystemTime::now(),
            });
        }
        Self {
            inner: Arc::new(Inner { identity, pipeline }),
        }
    }

    /// The current context with this tracer active in it.
    fn context(&self) -> Context {
        Active::in_context(self, Context::current())
    }

    /// Whether both trace into the same session of the same pipeline.
    pub(crate) fn same_session(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner) || self.inner.identity.number == other.inner.identity.number
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.pipeline.identities().remove(self.identity.number);
    }
}

impl fmt::Debug for HoneyHiveTracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HoneyHiveTracer")
            .field("session_id", &self.session_id())
            .field("session_name", &self.session_name())
            .field("server_url", &self.server_url())
            .finish_non_exhaustive()
    }
}
