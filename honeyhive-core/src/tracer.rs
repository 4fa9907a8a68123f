//! The tracer: a cheap handle on a shared pipeline and the identity of one session.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::Context;
use uuid::Uuid;

use crate::api;
use crate::config::{Mode, TracerBuilder};
use crate::context::{self, Active, ActiveGuard, InContext, is_gone};
use crate::delivery::{DeliveryStats, FlushError, Pipeline};
use crate::discovery::{self, DefaultGuard};
use crate::session::{Identity, SessionBuilder, SessionDetails, SessionId, SessionStart, SessionStatus, TokenUsage};
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
    keeps: Keeps,
}

/// Which spans of a session are recorded; decided once, asked for each.
#[derive(Clone, Copy)]
enum Keeps {
    All,
    ByName,
    None,
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

    /// What the backend knows of the session. Settled after a [`flush`](Self::flush) that succeeded.
    #[must_use]
    pub fn session_status(&self) -> SessionStatus {
        self.inner.identity.status()
    }

    /// Tokens and cost of the session's model calls that have ended in this process. All `None` unless the session was
    /// opened with [`count_usage`](SessionBuilder::count_usage).
    #[must_use]
    pub fn usage(&self) -> TokenUsage {
        let tally = self.inner.identity.tally.as_ref();
        tally.map(crate::session::Tally::sum).unwrap_or_default()
    }

    /// Address of the backend, without a slash at the end.
    #[must_use]
    pub fn server_url(&self) -> &str {
        self.inner.pipeline.server_url()
    }

    /// Opens another session on the same pipeline: microseconds, no thread, no socket. Without a name, that is with a
    /// blank one, it has the name of this session.
    pub fn new_session(&self, name: impl Into<Arc<str>>) -> SessionBuilder {
        SessionBuilder::new(self.clone(), name.into())
    }

    /// Continues a session that exists, such as the one of a conversation's earlier turns: the backend is not told of
    /// it again, and spans join those it has. The builder's inputs, metadata and user properties are not sent; add to
    /// the session with [`enrich_session`](Self::enrich_session).
    pub fn resume_session(&self, id: SessionId) -> SessionBuilder {
        SessionBuilder::resume(self.clone(), id)
    }

    /// Says that the session is over: its duration, from when it was opened until now, goes to the backend in the
    /// background. Spans may still follow; called again, the later end counts. Of a session that was
    /// [resumed](Self::resume_session) only the one who opened it knows the duration, and nothing is sent.
    pub fn end_session(&self) {
        let identity = &self.inner.identity;
        if !identity.resumed {
            let open = SystemTime::now().duration_since(identity.opened);
            self.enrich_session(Enrichment::new().duration(open.unwrap_or_default()));
        }
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

    /// Adds to the active span of the calling code, also one that an instrumented library opened and the SDK
    /// [routed](crate::routing). Returns `false` when there is none to add to: no span is active, or the active one
    /// reports through another pipeline than this tracer, or to another vendor.
    pub fn enrich_span(&self, enrichment: Enrichment) -> bool {
        if is_gone() {
            return false;
        }
        let cx = Context::current();
        let ours = discovery::owner(&cx).is_some_and(|owner| Arc::ptr_eq(&owner.inner.pipeline, &self.inner.pipeline));
        ours && context::has_span_of_ours(&cx) && enrichment.apply_to(&cx)
    }

    /// Adds to this tracer's session, in the background (`PUT /events`). Objects merge on the server; only what is
    /// given changes. Inputs go to `metadata.inputs`, since the inputs of a session cannot be changed, and an error to
    /// `metadata.error`.
    pub fn enrich_session(&self, enrichment: Enrichment) {
        if self.inner.identity.recorded {
            self.update(self.session_id().to_string(), enrichment);
        }
    }

    /// Adds to any event that exists, in the background, as [`enrich_session`](Self::enrich_session) does to the
    /// session.
    pub fn enrich_event(&self, event_id: Uuid, enrichment: Enrichment) {
        self.update(event_id.to_string(), enrichment);
    }

    fn update(&self, event_id: String, enrichment: Enrichment) {
        let update = enrichment.into_update(event_id);
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

    /// Ends delivery of the whole pipeline, for every handle and session on it: what waits is sent within `timeout`, what
    /// is left then is written to the [spool](TracerBuilder::spool_dir) or given up. Spans that end later are counted
    /// as lost. A program that ends by dropping its last handle needs no call of this.
    ///
    /// # Errors
    ///
    /// [`FlushError`] when something was lost since the last flush.
    pub async fn shutdown(&self, timeout: Duration) -> Result<(), FlushError> {
        self.inner.pipeline.shutdown(timeout).await
    }

    /// As [`shutdown`](Self::shutdown), for synchronous code.
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown).
    pub fn shutdown_blocking(&self, timeout: Duration) -> Result<(), FlushError> {
        self.inner.pipeline.shutdown_blocking(timeout)
    }

    /// What has been delivered and what was lost, for the whole pipeline.
    #[must_use]
    pub fn stats(&self) -> DeliveryStats {
        self.inner.pipeline.queue().stats()
    }

    /// The REST client of this tracer's backend.
    #[must_use]
    pub fn api(&self) -> api::Client {
        api::Client::of(self.inner.pipeline.clone())
    }

    pub(crate) fn root(pipeline: Pipeline, announce: bool) -> Self {
        let config = pipeline.config();
        let mut identity = Identity::new(
            config.session_id.unwrap_or_else(SessionId::random),
            config.session_name.clone(),
            config.project.clone(),
            config.source.clone(),
        );
        identity.experiment = config.experiment.clone();
        let details = announce.then(|| config.session.clone());
        Self::attach(Arc::new(pipeline), identity, details)
    }

    /// Whether a span of this name is recorded in this session.
    pub(crate) fn records(&self, name: &str) -> bool {
        match self.inner.keeps {
            Keeps::All => true,
            Keeps::None => false,
            Keeps::ByName => self.inner.pipeline.config().content.filter.spans.keeps(name),
        }
    }

    /// Whether no span is recorded in this session, whatever its name.
    pub(crate) fn records_nothing(&self) -> bool {
        matches!(self.inner.keeps, Keeps::None)
    }

    /// Whether spans of this instrumentation scope, which is not ours, are taken.
    pub(crate) fn takes(&self, scope: &str) -> bool {
        self.inner.pipeline.config().content.filter.scopes.keeps(scope)
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.inner.identity
    }

    pub(crate) fn with_identity(&self, identity: Identity, details: Option<SessionDetails>) -> Self {
        Self::attach(self.inner.pipeline.clone(), identity, details)
    }

    /// `details` when the backend is to be told.
    fn attach(pipeline: Arc<Pipeline>, mut identity: Identity, details: Option<SessionDetails>) -> Self {
        let content = &pipeline.config().content;
        identity.recorded = content.mode != Mode::Off
            && (identity.experiment.run_id.is_some() || identity.session_id.is_sampled(content.sample_rate));
        let keeps = if !identity.recorded || !pipeline.config().export.enabled {
            Keeps::None
        } else if content.filter.spans.is_empty() {
            Keeps::All
        } else {
            Keeps::ByName
        };
        let details = details.filter(|_| identity.recorded && content.mode == Mode::On);
        let identity = Arc::new(match details {
            Some(_) => identity.announcing(),
            None => identity,
        });
        let inner = Arc::new(Inner {
            identity: identity.clone(),
            pipeline,
            keeps,
        });
        inner.pipeline.identities().insert(&identity);
        discovery::know(&inner);
        if let Some(details) = details {
            inner.pipeline.queue().push_start(SessionStart { identity, details });
        }
        Self { inner }
    }

    /// The current context with this tracer active in it.
    fn context(&self) -> Context {
        Active::around(self, context::current())
    }

    /// Whether both trace into the same session of the same pipeline.
    pub(crate) fn same_session(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner.pipeline, &other.inner.pipeline) && self.session_id() == other.session_id()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.pipeline.identities().remove(self.identity.number);
        discovery::forget(self);
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
