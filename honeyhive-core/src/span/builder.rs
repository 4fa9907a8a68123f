//! The builder of a span, for code that has no function to annotate.

use std::borrow::Cow;

use opentelemetry::KeyValue;
use serde::Serialize;

use super::{Enrichment, Span, keys};
use crate::event::EventType;
use crate::tracer::HoneyHiveTracer;

/// Describes a span before it starts. Made by [`HoneyHiveTracer::span`].
///
/// # Examples
///
/// ```no_run
/// # let tracer = honeyhive_core::HoneyHiveTracer::builder().api_key("hh_x").server_url("http://127.0.0.1:9").build()?;
/// use honeyhive_core::EventType;
///
/// let mut span = tracer.span("rank").event_type(EventType::Tool).input("query", "bees").start();
/// let best = span.in_scope(|| "waggle dance");
/// span.record_output(best);
/// # Ok::<(), honeyhive_core::ConfigError>(())
/// ```
#[must_use = "call .start() to start the span"]
#[derive(Debug)]
pub struct SpanBuilder {
    tracer: HoneyHiveTracer,
    name: Cow<'static, str>,
    event_type: EventType,
    enrichment: Enrichment,
}

impl SpanBuilder {
    pub(crate) fn new(tracer: HoneyHiveTracer, name: Cow<'static, str>) -> Self {
        Self {
            tracer,
            name,
            event_type: EventType::default(),
            enrichment: Enrichment::new(),
        }
    }

    /// What kind of work the span describes. Default: [`EventType::Tool`].
    pub fn event_type(mut self, event_type: EventType) -> Self {
        self.event_type = event_type;
        self
    }

    /// Adds one input.
    pub fn input(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.enrichment = self.enrichment.input(key, value);
        self
    }

    /// Adds one piece of metadata.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.enrichment = self.enrichment.metadata(key, value);
        self
    }

    /// Starts the span, below the active span of the same session.
    pub fn start(self) -> Span {
        let mut attributes = Span::attributes(&self.tracer, 8);
        attributes.push(KeyValue::new(keys::EVENT_TYPE, self.event_type.as_str()));
        self.enrichment.write(&mut attributes);
        Span::start(self.tracer, self.name, attributes, false)
    }
}
