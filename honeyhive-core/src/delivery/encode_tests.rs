//! What a span is when it leaves.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::KeyValue as Pair;
use opentelemetry::trace::{SpanContext, SpanKind, Status};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::*;
use crate::Event;
use crate::config::Given;
use crate::session::SessionId;

fn finished(name: &'static str, attributes: Vec<Pair>) -> FinishedSpan {
    let start_time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    FinishedSpan {
        number: 0,
        identity: Arc::new(Identity::new(SessionId::random(), "s".into(), None, "dev".into())),
        data: SpanData {
            span_context: SpanContext::NONE,
            parent_span_id: opentelemetry::SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time,
            end_time: start_time + Duration::from_millis(5),
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: opentelemetry::InstrumentationScope::default(),
        },
        bytes: 0,
    }
}

/// An encoder with these settings.
pub(in crate::delivery) fn encoder(variables: &[(&str, &str)]) -> Encoder {
    let lookup = |name: &str| match name {
        "HH_API_KEY" => Some("hh_x".to_owned()),
        _ => variables.iter().find(|(k, _)| *k == name).map(|(_, v)| (*v).to_owned()),
    };
    let config = Config::resolve(Given::default(), &lookup).unwrap();
    Encoder::new(&config, &opentelemetry_sdk::Resource::builder_empty().build())
}

fn encoded(name: &'static str, attributes: Vec<Pair>) -> Span {
    encoder(&[]).encode(finished(name, attributes))
}

fn text<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    match last(&span.attributes, key)?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

#[test]
fn every_span_has_a_type_and_the_name_is_not_what_decides_it() {
    assert_eq!(text(&encoded("chat", vec![]), keys::EVENT_TYPE), Some("tool"));
    let chat = encoded("work", vec![Pair::new("gen_ai.operation.name", "chat")]);
    assert_eq!(text(&chat, keys::EVENT_TYPE), Some("model"));
    let own = vec![
        Pair::new(keys::EVENT_TYPE, "chain"),
        Pair::new("gen_ai.operation.name", "chat"),
    ];
    assert_eq!(text(&encoded("work", own), keys::EVENT_TYPE), Some("chain"));
}

#[test]
fn what_other_libraries_say_is_added_and_stays() {
    let chat = encoded(
        "chat",
        vec![
            Pair::new("gen_ai.operation.name", "chat"),
            Pair::new("gen_ai.request.model", "m-1"),
            Pair::new("gen_ai.prompt", "why?"),
            Pair::new("honeyhive_outputs.result", "mine"),
            Pair::new("gen_ai.completion", "theirs"),
            Pair::new("busy_ns", 3),
        ],
    );
    assert_eq!(text(&chat, "honeyhive_config.model"), Some("m-1"));
    assert_eq!(text(&chat, "honeyhive_inputs.chat_history.0.content"), Some("why?"));
    assert_eq!(text(&chat, "honeyhive_outputs.content"), None);
    for kept in ["gen_ai.request.model", "gen_ai.prompt", "gen_ai.completion", "busy_ns"] {
        assert!(last(&chat.attributes, kept).is_some(), "{kept}");
    }
    let keys: HashSet<&str> = chat.attributes.iter().map(|pair| pair.key.as_str()).collect();
    assert_eq!(keys.len(), chat.attributes.len());
}

#[test]
fn the_backend_reads_the_translation_and_not_the_original_too() {
    let mut span = encoded(
        "chat",
        vec![
            Pair::new("gen_ai.operation.name", "chat"),
            Pair::new("gen_ai.request.model", "m-1"),
            Pair::new("gen_ai.prompt", "why?"),
        ],
    );
    (span.trace_id, span.span_id) = (vec![1; 16], vec![2; 8]);
    let event = Event::from_span(&span, None, None).unwrap();
    assert_eq!(
        serde_json::Value::from(event.inputs),
        serde_json::json!({"chat_history": [{"role": "user", "content": "why?"}]})
    );
    let gen_ai = &event.metadata["gen_ai"];
    assert_eq!(*gen_ai, serde_json::json!({"operation": {"name": "chat"}}));
}

#[test]
fn secrets_are_taken_out_of_the_original_and_of_the_translation() {
    let span = encoded(
        "tool",
        vec![
            Pair::new("honeyhive_metadata.api_key", "HUNTER2"),
            Pair::new("gen_ai.tool.call.arguments", r#"{"user":"x","password":"HUNTER2"}"#),
        ],
    );
    assert_eq!(text(&span, "honeyhive_inputs.password"), Some("[redacted]"));
    assert_eq!(text(&span, "honeyhive_inputs.user"), Some("x"));
    assert!(!format!("{span:?}").contains("HUNTER2"));
    let session = text(&span, keys::SESSION_ID);
    assert!(session.is_some_and(|id| id.parse::<SessionId>().is_ok()));
}

#[test]
fn the_labels_of_every_span_are_redacted_and_cut_like_its_own_attributes() {
    let metadata = format!(
        r#"{{"api_key": "HUNTER2", "note": "password=HUNTER2", "long": "{}"}}"#,
        "x".repeat(200)
    );
    let variables = [("HH_EXPERIMENT_METADATA", &*metadata), ("HH_MAX_VALUE_SIZE", "64")];
    let own = vec![
        Pair::new("traceloop.association.properties.password", "HUNTER2"),
        Pair::new("honeyhive.experiment_metadata.note", "moved"),
    ];
    let span = encoder(&variables).encode(finished("work", own));
    assert!(!format!("{span:?}").contains("HUNTER2"), "{span:?}");
    let label = |name: &str| text(&span, &format!("honeyhive.experiment_metadata.{name}"));
    assert_eq!(label("api_key"), Some("[redacted]"));
    assert_eq!(label("note"), Some("password=[redacted]"));
    assert_eq!(label("long"), Some(&*format!("{}…[+136 bytes]", "x".repeat(64))));
}

#[test]
fn the_limit_of_attributes_drops_neither_what_routes_a_span_nor_its_outcome() {
    let many = (0..20).map(|n| Pair::new(format!("honeyhive_inputs.a{n}"), n));
    let outcome = [
        Pair::new(keys::ERROR, "failed"),
        Pair::new(keys::RESULT, 42),
        Pair::new("honeyhive_inputs.a3", 99),
    ];
    let finished = finished("work", many.chain(outcome).collect());
    let session = finished.identity.session_id.to_string();
    let variables = [("HH_MAX_ATTRIBUTES", "4"), ("HH_EXPERIMENT_METADATA", r#"{"seed": 7}"#)];
    let span = encoder(&variables).encode(finished);
    assert_eq!(text(&span, keys::SESSION_ID), Some(session.as_str()));
    assert_eq!(text(&span, "honeyhive.experiment_metadata.seed"), Some("7"));
    assert_eq!(text(&span, keys::ERROR), Some("failed"));
    assert!(last(&span.attributes, keys::RESULT).is_some());
    let inputs = span
        .attributes
        .iter()
        .filter(|kv| kv.key.starts_with("honeyhive_inputs"));
    assert_eq!(inputs.count(), 4);
    assert_eq!(span.dropped_attributes_count, 16);
    let keys: HashSet<&str> = span.attributes.iter().map(|kv| kv.key.as_str()).collect();
    assert_eq!(keys.len(), span.attributes.len(), "each key once");
}
