//! Finished spans as OTLP: each with the routing attributes of its session, each key once.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::queue::FinishedSpan;
use crate::session::Identity;
use crate::span::{IDENTITY_MARK, keys};

const NANOS_PER_MILLI: f64 = 1_000_000.0;

/// One export request, spans grouped by the scope that made them.
pub(super) fn request(spans: Vec<FinishedSpan>, resource: &Resource) -> ExportTraceServiceRequest {
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
        scopes[position].spans.push(encode(span));
    }
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource.clone()),
            scope_spans: scopes,
            schema_url: String::new(),
        }],
    }
}

fn encode(finished: FinishedSpan) -> Span {
    let mut span = Span::from(finished.data);
    let nanos = span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano);
    #[allow(
        clippy::cast_precision_loss,
        reason = "a duration in nanoseconds fits 53 bits for 104 days"
    )]
    let duration = nanos as f64 / NANOS_PER_MILLI;
    span.attributes
        .push(attribute(keys::DURATION_MS, Value::DoubleValue(duration)));
    span.attributes = fold(routing(&finished.identity), std::mem::take(&mut span.attributes));
    span
}

/// The attributes that say where a span belongs.
fn routing(identity: &Identity) -> Vec<KeyValue> {
    let text = |key: &str, value: &str| attribute(key, Value::StringValue(value.to_owned()));
    let session_id = identity.session_id.to_string();
    let mut attributes = Vec::with_capacity(32);
    attributes.push(text(keys::SESSION_ID, &session_id));
    attributes.push(text(keys::TRACELOOP_SESSION_ID, &session_id));
    attributes.push(attribute(keys::SESSION_AUTO_CREATE, Value::BoolValue(true)));
    attributes.push(text(keys::SESSION_NAME, &identity.session_name));
    if let Some(project) = &identity.project {
        attributes.push(text(keys::PROJECT, project));
        attributes.push(text(keys::TRACELOOP_PROJECT, project));
    }
    attributes.push(text(keys::SOURCE, &identity.source));
    attributes.push(text(keys::TRACELOOP_SOURCE, &identity.source));
    attributes.extend(identity.attributes.iter().map(|(key, value)| text(key, value)));
    attributes
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// Each key once. The SDK keeps every value ever set: what was set last is meant, except that nothing set on a span
/// moves it to another session.
fn fold(mut routing: Vec<KeyValue>, attributes: Vec<KeyValue>) -> Vec<KeyValue> {
    let mut seen: HashSet<&str> = routing.iter().map(|kv| kv.key.as_str()).collect();
    seen.insert(IDENTITY_MARK);
    let mut kept: Vec<bool> = attributes.iter().rev().map(|kv| seen.insert(kv.key.as_str())).collect();
    routing.extend(attributes.into_iter().filter(|_| kept.pop().unwrap_or(true)));
    routing
}
