//! The builder of a span, for code that has no function to annotate.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::trace::{Link, SpanBuilder as OtelSpanBuilder, SpanContext, SpanKind};
use opentelemetry::{Context, Key, KeyValue, Value};
use serde::Serialize;
use uuid::Uuid;

use super::{Enrichment, Span, keys};
use crate::context::{Active, is_gone};
use crate::event::EventType;
use crate::tracer::HoneyHiveTracer;

/// Describes a span before it starts. Made by [`HoneyHiveTracer::span`].
///
/// # Examples
///
/// As a guard, around a closure, around a future:
///
/// ```no_run
/// # let tracer = honeyhive_core::HoneyHiveTracer::builder().api_key("hh_x").server_url("http://127.0.0.1:9").build()?;
/// # async fn answer() {}
/// use honeyhive_core::EventType;
///
/// let mut span = tracer.span("rank").event_type(EventType::Tool).input("query", "bees").start();
/// let best = span.in_scope(|| "waggle dance");
/// span.record_output(best);
///
/// let best = tracer.span("rank").input("query", "bees").in_scope(|| "waggle dance");
/// let answered = tracer.span("answer").event_type(EventType::Chain).scope(answer());
/// # Ok::<(), honeyhive_core::ConfigError>(())
/// ```
#[must_use = "call .start() to start the span"]
#[derive(Debug)]
pub struct SpanBuilder {
    tracer: HoneyHiveTracer,
    otel: OtelSpanBuilder,
    attributes: Vec<KeyValue>,
    enrichment: Enrichment,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        pub fn $name(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
            self.enrichment = self.enrichment.$name(key, value);
            self
        }
    )*};
}

impl SpanBuilder {
    pub(crate) fn new(tracer: HoneyHiveTracer, name: Cow<'static, str>) -> Self {
        Self {
            attributes: Span::attributes(&tracer, 8),
            tracer,
            otel: OtelSpanBuilder::from_name(name),
            enrichment: Enrichment::new(),
        }
    }

    /// What kind of work the span describes. Default: what its attributes say in a convention for LLM calls, else
    /// [`EventType::Tool`]. A span of type [`EventType::Session`] is shown as a session inside of its session, and opens
    /// none: [`new_session`](HoneyHiveTracer::new_session) does.
    pub fn event_type(self, event_type: EventType) -> Self {
        self.attribute(keys::EVENT_TYPE, event_type.as_str())
    }

    /// Name of the event, when it is not the span's.
    pub fn event_name(self, name: impl Into<String>) -> Self {
        self.attribute(keys::EVENT_NAME, name.into())
    }

    /// Id of the event the span becomes, to find it by an id of your own: later feedback, say, with
    /// [`enrich_event`](HoneyHiveTracer::enrich_event). Default: one made of trace and span id.
    pub fn event_id(mut self, id: Uuid) -> Self {
        self.enrichment = self.enrichment.event_id(id);
        self
    }

    setters! {
        /// Adds one input.
        input
        /// Adds one output.
        output
        /// Adds one piece of configuration, such as the model's name.
        config
        /// Adds one piece of metadata.
        metadata
        /// Adds one metric: a number, a flag or a text.
        metric
        /// Adds one piece of feedback.
        feedback
        /// Adds one property of the user on whose behalf the work is done.
        user_property
    }

    /// Sets the error message, without changing the span's status.
    pub fn error(mut self, message: impl Into<String>) -> Self {
        self.enrichment = self.enrichment.error(message);
        self
    }

    /// Sets an OpenTelemetry attribute under its own key, such as `gen_ai.request.model`.
    pub fn attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    /// OpenTelemetry kind of the span. Default: internal.
    pub fn kind(mut self, kind: SpanKind) -> Self {
        self.otel = self.otel.with_kind(kind);
        self
    }

    /// When the work began. Default: when the span is started.
    pub fn start_time(mut self, at: impl Into<SystemTime>) -> Self {
        self.otel = self.otel.with_start_time(at);
        self
    }

    /// Links the span to another one that is not its parent, such as the one that queued the work.
    pub fn link(mut self, to: SpanContext) -> Self {
        self.otel.links.get_or_insert_default().push(Link::with_context(to));
        self
    }

    /// Starts the span, below the active span of the same session.
    pub fn start(self) -> Span {
        self.open(false)
    }

    /// Starts the span, runs a closure inside and ends the span. What the closure returns is not recorded; a panic is the
    /// span's error, and unwinds on.
    pub fn in_scope<T>(self, run: impl FnOnce() -> T) -> T {
        let mut span = self.open(true);
        let value = super::run(&mut span, run);
        span.end();
        value
    }

    /// Runs a future inside the span, which starts with the first poll and ends with the future. Dropped before it has
    /// finished, the span says it was cancelled. What the future returns is not recorded.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        let mut span = self.open(true);
        let value = super::run_future(&mut span, future).await;
        span.end();
        value
    }

    fn open(mut self, must_settle: bool) -> Span {
        if is_gone() {
            return Span::disabled();
        }
        if !self.tracer.records(&self.otel.name) {
            return Span::passed_over(Active::around(&self.tracer, Context::current()));
        }
        let parent = Active::in_context(&self.tracer, Context::current());
        self.enrichment.write(&mut self.attributes);
        Span::start(&parent, self.otel.with_attributes(self.attributes), must_settle)
    }
}
