//! How an OTLP span becomes an event: the mapping the platform applies, in one place.

use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::conventions::{self, Translation, error, last, text};
use super::nested::{Nested, hex, json};
use super::{Event, EventType, UnknownEventType};
use crate::keys;

const ASSOCIATION: &str = "traceloop.association.properties.";
const NANOS_PER_MS: f64 = 1_000_000.0;
/// What a date can hold in most languages, the year 275760; nothing that was measured is longer.
const MAX_MILLIS: f64 = 8.64e15;

/// Why a span cannot become an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpanError {
    /// The trace id is not 16 bytes, or all zero.
    #[error("span {span:?}: trace id {found:?} is not 32 hexadecimal digits with at least one that is not zero")]
    InvalidTraceId {
        /// Name of the span.
        span: String,
        /// The id found, as hexadecimal text.
        found: String,
    },
    /// The span id, or the id of the parent, is not 8 bytes or all zero.
    #[error("span {span:?}: {role} id {found:?} is not 16 hexadecimal digits with at least one that is not zero")]
    InvalidSpanId {
        /// Name of the span.
        span: String,
        /// `span` or `parent span`.
        role: &'static str,
        /// The id found, as hexadecimal text.
        found: String,
    },
    /// Neither the span nor its resource names a session.
    #[error(
        "span {span:?} names no session: set the attribute \"{}\" to a UUID on the span or its resource",
        keys::SESSION_ID
    )]
    MissingSessionId {
        /// Name of the span.
        span: String,
    },
    /// The session id is not a UUID.
    #[error("span {span:?}: session id {found:?} in \"{key}\" is not a UUID")]
    InvalidSessionId {
        /// Name of the span.
        span: String,
        /// Attribute the id came from.
        key: &'static str,
        /// The text found.
        found: String,
    },
    /// The event id is the id of the session, which only the session itself has.
    #[error("span {span:?}: event id {event_id:?} is the id of its session, and its type is {event_type}, not session")]
    TakesSessionId {
        /// Name of the span.
        span: String,
        /// The id found.
        event_id: String,
        /// The type of the event.
        event_type: EventType,
    },
    /// The event type attribute names no event type.
    #[error("span {span:?}: {source}")]
    UnknownEventType {
        /// Name of the span.
        span: String,
        /// The text found.
        source: UnknownEventType,
    },
}

/// The request on a span to make its session when the session start has not arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionHint {
    /// Name for the session; `None` leaves it to the backend.
    pub name: Option<String>,
}

impl SessionHint {
    /// Reads the request from a span or its resource; `None` when the span does not ask for its session to be made.
    #[must_use]
    pub fn from_span(span: &Span, resource: Option<&Resource>) -> Option<Self> {
        let asked = match find(span, resource, keys::SESSION_AUTO_CREATE)?.value.as_ref()? {
            any_value::Value::BoolValue(asked) => *asked,
            any_value::Value::StringValue(text) => text.eq_ignore_ascii_case("true"),
            _ => false,
        };
        asked.then(|| Self {
            name: find_text(span, resource, keys::SESSION_NAME).map(str::to_owned),
        })
    }
}

impl Event {
    /// The event a span becomes.
    ///
    /// - **Session**: `honeyhive.session_id`, else the Traceloop association property, else `session.id`; the span
    ///   first, then its resource. Always a UUID.
    /// - **Ids**: `honeyhive_event_id` when it is a UUID, else a UUID computed from trace and span id, so that a span
    ///   delivered twice is one event. The parent is computed the same way; a root span's parent is the session.
    /// - **Type**: `honeyhive_event_type`, else `gen_ai.operation.name`, else `openinference.span.kind`, else
    ///   `traceloop.span.kind`, else `model` for a span that names a model, else `tool`.
    /// - **Buckets**: `honeyhive_inputs.a.b` is `{"a": {"b": …}}` in `inputs`, likewise the other six; indexes `0..n`
    ///   make arrays; where `a` and `a.b` are both set, `a`'s own value moves to `a.value`. Texts stay texts even when
    ///   they look like JSON. Ground truth in the metadata moves to the feedback.
    /// - **Other conventions**: messages, plain inputs and outputs, request parameters, token counts and names that
    ///   OpenTelemetry's GenAI conventions, OpenInference or Traceloop have an attribute for land in the buckets under
    ///   the platform's names, such as `inputs.chat_history`. What the span says with a prefix of ours stands.
    /// - **Error**: `honeyhive_error`, else the message of an error status, else the recorded exception, else an HTTP
    ///   status of 400 or more, else `gen_ai.tool.error.type` or `error.type`, else the error
    ///   logged last.
    /// - **The rest** lands in the metadata, `a.b` as `{"a": {"b": …}}` there too, with `trace_id`, `span_id`,
    ///   `parent_span_id` and `has_otlp_lineage`.
    ///
    /// # Errors
    ///
    /// [`SpanError`] when an id is missing or malformed, the event type is unknown, or an event that is no session has
    /// the id of one.
    pub fn from_span(
        span: &Span,
        resource: Option<&Resource>,
        scope: Option<&InstrumentationScope>,
    ) -> Result<Self, SpanError> {
        let trace_id = trace_id(span)?;
        let span_id = span_id(span, "span", &span.span_id)?;
        let session_id = session_id(span, resource)?;
        let event_type = event_type(span)?;
        let parent = if span.parent_span_id.is_empty() {
            None
        } else {
            Some(self::span_id(span, "parent span", &span.parent_span_id)?)
        };

        let own_text = |key| find_text(span, None, key);
        let event_id = own_text(keys::EVENT_ID)
            .and_then(|text| Uuid::try_parse(text).ok())
            .unwrap_or_else(|| event_id(trace_id, span_id))
            .to_string();
        if event_id == session_id && event_type != EventType::Session {
            return Err(SpanError::TakesSessionId {
                span: span.name.clone(),
                event_id,
                event_type,
            });
        }

        let mut buckets = Buckets::read(span, &conventions::translate(span));
        for (key, value) in lineage(span, scope) {
            buckets.metadata.set(key, value);
        }
        let mut metadata = buckets.metadata.into_object();
        let mut feedback = buckets.feedback.into_object();
        if let Some(truth) = metadata.remove("ground_truth") {
            feedback.entry("ground_truth").or_insert(truth);
        }
        sum_tokens(&mut metadata);

        let parent_id = parent.map_or_else(
            || session_id.clone(),
            |parent| self::event_id(trace_id, parent).to_string(),
        );
        let start_time = millis(span.start_time_unix_nano);
        let end_time = millis(span.end_time_unix_nano).max(start_time);
        Ok(Self {
            event_id,
            parent_id: Some(parent_id),
            session_id,
            event_type,
            event_name: own_text(keys::EVENT_NAME).unwrap_or(&span.name).to_owned(),
            project: first_text(span, resource, &[keys::PROJECT, keys::TRACELOOP_PROJECT]).map(str::to_owned),
            source: first_text(span, resource, &[keys::SOURCE, keys::TRACELOOP_SOURCE])
                .unwrap_or("otlp")
                .to_owned(),
            inputs: buckets.inputs.into_object(),
            outputs: buckets.outputs.into_object(),
            config: buckets.config.into_object(),
            metrics: buckets.metrics.into_object(),
            user_properties: buckets.user_properties.into_object(),
            metadata,
            feedback,
            error: error(span),
            start_time,
            end_time,
            duration: find(span, None, keys::DURATION_MS)
                .and_then(|value| json(Some(value)).as_f64())
                .filter(|duration| duration.abs() <= MAX_MILLIS)
                .unwrap_or(end_time - start_time),
        })
    }
}

/// The seven objects of an event, under construction.
#[derive(Default)]
struct Buckets {
    inputs: Nested,
    outputs: Nested,
    config: Nested,
    metadata: Nested,
    metrics: Nested,
    feedback: Nested,
    user_properties: Nested,
}

impl Buckets {
    fn read(span: &Span, translation: &Translation<'_>) -> Self {
        let mut buckets = Self::default();
        let own = span.attributes.iter().filter(|pair| !translation.repeats(&pair.key));
        for KeyValue { key, value, .. } in translation.attributes.iter().chain(own) {
            if !is_routing(key) {
                let (bucket, path) = buckets.place(key);
                bucket.set(path, json(value.as_ref()));
            }
        }
        buckets
    }

    fn place<'k>(&mut self, key: &'k str) -> (&mut Nested, &'k str) {
        let (head, path) = key.split_once('.').unwrap_or((key, ""));
        match head {
            keys::INPUTS => (&mut self.inputs, path),
            keys::OUTPUTS => (&mut self.outputs, path),
            keys::CONFIG => (&mut self.config, path),
            keys::METADATA => (&mut self.metadata, path),
            keys::METRICS => (&mut self.metrics, path),
            keys::FEEDBACK => (&mut self.feedback, path),
            keys::USER_PROPERTIES => (&mut self.user_properties, path),
            "honeyhive" => (&mut self.metadata, path),
            _ => (
                &mut self.metadata,
                key.strip_prefix(ASSOCIATION).unwrap_or(match key {
                    keys::ERROR_TYPE => "error_type",
                    _ => key,
                }),
            ),
        }
    }
}

/// Attributes that say where the event goes or how it is typed; they are fields of the event, not its metadata.
fn is_routing(key: &str) -> bool {
    matches!(
        key,
        keys::SESSION_ID
            | keys::TRACELOOP_SESSION_ID
            | keys::OTEL_SESSION_ID
            | keys::SESSION_AUTO_CREATE
            | keys::PROJECT
            | keys::TRACELOOP_PROJECT
            | keys::SOURCE
            | keys::TRACELOOP_SOURCE
            | keys::EVENT_TYPE
            | keys::EVENT_NAME
            | keys::EVENT_ID
            | keys::ERROR
            | keys::DURATION_MS
    )
}

fn trace_id(span: &Span) -> Result<[u8; 16], SpanError> {
    <[u8; 16]>::try_from(span.trace_id.as_slice())
        .ok()
        .filter(|id| id.iter().any(|byte| *byte != 0))
        .ok_or_else(|| SpanError::InvalidTraceId {
            span: span.name.clone(),
            found: hex(&span.trace_id),
        })
}

fn span_id(span: &Span, role: &'static str, id: &[u8]) -> Result<[u8; 8], SpanError> {
    <[u8; 8]>::try_from(id)
        .ok()
        .filter(|id| id.iter().any(|byte| *byte != 0))
        .ok_or_else(|| SpanError::InvalidSpanId {
            span: span.name.clone(),
            role,
            found: hex(id),
        })
}

/// A UUID (version 8) that only this span has, the same on every delivery.
///
/// Within a trace no two spans share one: the lower half is the span id masked with the trace id, and the bits the
/// variant overwrites there survive in the upper half, which mixes the span id once more so that small or repeated
/// ids, as tests use them, do not meet across traces.
fn event_id(trace_id: [u8; 16], span_id: [u8; 8]) -> Uuid {
    let trace = u128::from_be_bytes(trace_id);
    let span = u64::from_be_bytes(span_id);
    let mixed = span.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let id = trace ^ (u128::from(mixed) << 64 | u128::from(span));
    uuid::Builder::from_custom_bytes(id.to_be_bytes()).into_uuid()
}

fn session_id(span: &Span, resource: Option<&Resource>) -> Result<String, SpanError> {
    let (key, found) = [keys::SESSION_ID, keys::TRACELOOP_SESSION_ID, keys::OTEL_SESSION_ID]
        .into_iter()
        .find_map(|key| Some((key, find_text(span, resource, key)?)))
        .ok_or_else(|| SpanError::MissingSessionId {
            span: span.name.clone(),
        })?;
    match Uuid::try_parse(found) {
        Ok(id) => Ok(id.to_string()),
        Err(_) => Err(SpanError::InvalidSessionId {
            span: span.name.clone(),
            key,
            found: found.to_owned(),
        }),
    }
}

fn event_type(span: &Span) -> Result<EventType, SpanError> {
    if let Some(text) = find_text(span, None, keys::EVENT_TYPE) {
        return text.parse().map_err(|source| SpanError::UnknownEventType {
            span: span.name.clone(),
            source,
        });
    }
    Ok(conventions::event_type(span).unwrap_or_default())
}

/// What ties an event to its span, and to the library that made it.
fn lineage(span: &Span, scope: Option<&InstrumentationScope>) -> impl Iterator<Item = (&'static str, Value)> {
    // The scopes of HoneyHive's own SDKs say nothing about what was instrumented.
    let instrumentor = scope
        .map(|scope| scope.name.as_str())
        .filter(|name| !name.is_empty() && !name.starts_with("honeyhive"))
        .map(|name| ("instrumentor", Value::from(name)));
    let parent = (!span.parent_span_id.is_empty()).then(|| ("parent_span_id", hex(&span.parent_span_id).into()));
    [
        ("trace_id", hex(&span.trace_id).into()),
        ("span_id", hex(&span.span_id).into()),
        ("has_otlp_lineage", true.into()),
    ]
    .into_iter()
    .chain(parent)
    .chain(instrumentor)
}

fn sum_tokens(metadata: &mut Map<String, Value>) {
    let count = |key| metadata.get(key).and_then(Value::as_i64);
    if let (Some(prompt), Some(completion), None) = (
        count("prompt_tokens"),
        count("completion_tokens"),
        metadata.get("total_tokens"),
    ) {
        let total = prompt.saturating_add(completion);
        metadata.insert("total_tokens".to_owned(), total.into());
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a quarter of a microsecond is enough for a time in milliseconds"
)]
fn millis(unix_nanos: u64) -> f64 {
    unix_nanos as f64 / NANOS_PER_MS
}

/// The attribute on the span, else on its resource; of a repeated key the last one set.
fn find<'a>(span: &'a Span, resource: Option<&'a Resource>, key: &str) -> Option<&'a AnyValue> {
    last(&span.attributes, key).or_else(|| last(&resource?.attributes, key))
}

fn find_text<'a>(span: &'a Span, resource: Option<&'a Resource>, key: &str) -> Option<&'a str> {
    text(last(&span.attributes, key)).or_else(|| text(last(&resource?.attributes, key)))
}

fn first_text<'a>(span: &'a Span, resource: Option<&'a Resource>, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| find_text(span, resource, key))
}

#[cfg(test)]
#[path = "from_span_tests.rs"]
mod tests;
