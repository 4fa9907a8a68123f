//! Finished spans as OTLP: each with the routing attributes of its session, each key once.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;

use super::cut::{cut, cut_texts};
use super::queue::FinishedSpan;
use super::redact::Redaction;
use crate::config::{Config, Limits};
use crate::event::EventType;
use crate::event::conventions::{attribute, last, translate};
use crate::session::Identity;
use crate::span::{IDENTITY_MARK, keys};

const NANOS_PER_MILLI: f64 = 1_000_000.0;

/// Makes export requests of finished spans.
#[derive(Debug)]
pub(super) struct Encoder {
    resource: Resource,
    limits: Limits,
    redaction: Redaction,
    max_batch: usize,
    max_bytes: usize,
    /// Further attributes of every span: facts about an experiment.
    labels: Box<[KeyValue]>,
}

impl Encoder {
    pub(super) fn new(config: &Config, resource: &opentelemetry_sdk::Resource) -> Self {
        Self {
            resource: Resource {
                attributes: ResourceAttributesWithSchema::from(resource).attributes.0,
                ..Default::default()
            },
            limits: config.content.limits,
            redaction: config.content.redaction.clone(),
            max_batch: config.export.max_batch,
            max_bytes: config.export.max_batch_bytes,
            labels: config
                .content
                .attributes
                .iter()
                .map(|(key, value)| text(key, value))
                .collect(),
        }
    }

    /// Cuts the body of a session start or an update to size and takes secrets out.
    pub(super) fn clean(&self, body: &mut serde_json::Map<String, serde_json::Value>) {
        self.redaction.object("", body);
        cut_texts(body, &self.limits);
    }

    /// Most spans in one request.
    pub(super) fn max_batch(&self) -> usize {
        self.max_batch
    }

    /// Most bytes of one request with more than one span.
    pub(super) fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// One export request, spans grouped by the scope that made them.
    pub(super) fn request(&self, spans: Vec<FinishedSpan>) -> ExportTraceServiceRequest {
        let mut scopes: Vec<ScopeSpans> = Vec::new();
        let mut index = HashMap::new();
        for span in spans {
            let position = match index.entry(span.data.instrumentation_scope.clone()) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => {
                    let scope = new.key();
                    scopes.push(ScopeSpans {
                        scope: Some(InstrumentationScope::from((scope, None))),
                        schema_url: scope.schema_url().unwrap_or_default().to_owned(),
                        spans: Vec::new(),
                    });
                    *new.insert(scopes.len() - 1)
                }
            };
            scopes[position].spans.push(self.encode(span));
        }
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(self.resource.clone()),
                scope_spans: scopes,
                schema_url: String::new(),
            }],
        }
    }

    fn encode(&self, finished: FinishedSpan) -> Span {
        let mut span = Span::from(finished.data);
        let translation = translate(&span).attributes;
        span.attributes.extend(translation);
        if last(&span.attributes, keys::EVENT_TYPE).is_none() {
            // Without a type the backend guesses one from the span's name.
            let default = EventType::default().as_str().to_owned();
            span.attributes
                .push(attribute(keys::EVENT_TYPE, Value::StringValue(default)));
        }
        if last(&span.attributes, keys::DURATION_MS).is_none() {
            span.attributes.push(duration(&span));
        }
        let mut routing = self.routing(&finished.identity);
        let own = std::mem::take(&mut span.attributes);
        let (own, dropped) = fold(routing.iter().chain(&self.labels), own, self.limits.attributes);
        span.attributes = own;
        span.dropped_attributes_count += dropped;
        span.attributes.extend_from_slice(&self.labels);
        // What routes the span is neither counted, nor cut, nor redacted; the labels are not counted.
        self.redaction.span(&mut span);
        cut(&mut span, &self.limits);
        routing.append(&mut span.attributes);
        span.attributes = routing;
        span
    }

    /// The attributes that say where a span belongs.
    fn routing(&self, identity: &Identity) -> Vec<KeyValue> {
        let session_id = identity.session_id.to_string();
        let mut attributes = Vec::with_capacity(32);
        attributes.push(text(keys::SESSION_ID, &session_id));
        attributes.push(text(keys::TRACELOOP_SESSION_ID, &session_id));
        attributes.push(attribute(keys::SESSION_AUTO_CREATE, Value::BoolValue(true)));
        let mut session_name = identity.session_name.to_string();
        self.redaction.name("session_name", &mut session_name);
        attributes.push(attribute(keys::SESSION_NAME, Value::StringValue(session_name)));
        if let Some(project) = &identity.project {
            attributes.push(text(keys::PROJECT, project));
            attributes.push(text(keys::TRACELOOP_PROJECT, project));
        }
        attributes.push(text(keys::SOURCE, &identity.source));
        attributes.push(text(keys::TRACELOOP_SOURCE, &identity.source));
        attributes.extend(identity.experiment.attributes().map(|(key, id)| text(key, id)));
        attributes
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn duration(span: &Span) -> KeyValue {
    let nanos = span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano);
    #[allow(
        clippy::cast_precision_loss,
        reason = "a duration in nanoseconds fits 53 bits for 104 days"
    )]
    let millis = nanos as f64 / NANOS_PER_MILLI;
    attribute(keys::DURATION_MS, Value::DoubleValue(millis))
}

/// Each key once, and of those that are not needed to understand the span at most `limit`; how many were dropped. The
/// SDK keeps every value ever set: what was set last is meant, except that nothing set on a span replaces what is
/// `given`, so that nothing moves it to another session.
fn fold<'a>(
    given: impl Iterator<Item = &'a KeyValue>,
    attributes: Vec<KeyValue>,
    limit: usize,
) -> (Vec<KeyValue>, u32) {
    let mut seen: HashSet<&str> = given.map(|kv| kv.key.as_str()).collect();
    seen.insert(IDENTITY_MARK);
    let mut last: Vec<bool> = attributes.iter().rev().map(|kv| seen.insert(kv.key.as_str())).collect();
    let (mut room, mut dropped) = (limit, 0);
    let mut kept = attributes;
    kept.retain(|attribute| {
        if !last.pop().unwrap_or(true) {
            return false;
        }
        if is_outcome(&attribute.key) {
            return true;
        }
        if room == 0 {
            dropped += 1;
            return false;
        }
        room -= 1;
        true
    });
    (kept, dropped)
}

/// Attributes without which a span is not understood; no limit drops them.
fn is_outcome(key: &str) -> bool {
    matches!(
        key,
        keys::EVENT_TYPE
            | keys::EVENT_NAME
            | keys::EVENT_ID
            | keys::ERROR
            | keys::ERROR_TYPE
            | keys::DURATION_MS
            | keys::RESULT
    )
}

#[cfg(test)]
#[path = "encode_tests.rs"]
pub(super) mod tests;
