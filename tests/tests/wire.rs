//! What goes over the wire, request by request: the routes, headers, keys and types of the Python SDK's captures.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::time::Duration;

use honeyhive_core::{Enrichment, HoneyHiveTracer, trace};
use honeyhive_tests::KEY;
use honeyhive_tests::scripted::{ScriptedServer, ok};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;

#[trace]
fn add(a: i64, b: i64) -> i64 {
    a + b
}

#[trace(event_type = "model", name = "llm")]
fn fails(_prompt: &str) -> Result<(), std::num::ParseIntError> {
    "x".parse::<u8>().map(|_| ())
}

fn on(server: &ScriptedServer) -> HoneyHiveTracer {
    HoneyHiveTracer::builder()
        .environment([
            ("HH_API_KEY", KEY),
            ("HH_PROJECT", "proj-alpha"),
            ("HH_SOURCE", "golden"),
        ])
        .server_url(server.url())
        .session_name("s01 session")
        .undiscoverable()
        .build()
        .unwrap()
}

fn flush(tracer: &HoneyHiveTracer) {
    tracer.flush_blocking(Duration::from_secs(30)).unwrap();
}

fn attributes(span: &Span) -> BTreeMap<String, Value> {
    by_key(&span.attributes)
}

/// Attributes by key; a key that is there twice is an error.
fn by_key(attributes: &[KeyValue]) -> BTreeMap<String, Value> {
    let mut map = BTreeMap::new();
    for attribute in attributes {
        let value = attribute.value.clone().unwrap().value.unwrap();
        assert_eq!(
            map.insert(attribute.key.clone(), value),
            None,
            "{} twice",
            attribute.key
        );
    }
    map
}

fn text(value: &str) -> Value {
    Value::StringValue(value.to_owned())
}

#[test]
fn a_traced_call_is_a_session_start_and_an_export_with_the_keys_of_the_python_sdk() {
    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(&server);
    tracer.in_scope(|| add(2, 3));
    flush(&tracer);

    let start = &server.arrived("POST /session/start")[0];
    let mut body = start.json();
    let at = body["session"].as_object_mut().unwrap().remove("start_time").unwrap();
    assert!(at.as_f64().unwrap() > 1.7e12, "milliseconds since the epoch: {at}");
    let id = tracer.session_id().to_string();
    let expected = json!({"session": {
        "session_id": id, "session_name": "s01 session", "source": "golden", "project": "proj-alpha",
    }});
    assert_eq!(body, expected);

    let export = &server.arrived("POST /opentelemetry/v1/traces")[0];
    for (request, content_type) in [(start, "application/json"), (export, "application/x-protobuf")] {
        assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
        assert_eq!(request.headers["content-type"], content_type);
        assert_eq!(request.headers["hh-client-language"], "rust");
        assert_eq!(request.headers["hh-client-package"], "honeyhive-core");
        assert_eq!(request.headers["hh-client-version"], env!("CARGO_PKG_VERSION"));
    }
    let timestamp = start.headers["hh-client-timestamp"].to_str().unwrap();
    assert!(
        timestamp.parse::<u128>().unwrap() > 1_700_000_000_000_000_000,
        "nanoseconds: {timestamp}"
    );
    assert_eq!(export.headers["x-source"], "golden");

    let spans = export.spans();
    assert_eq!(spans.len(), 1);
    assert_eq!((spans[0].name.as_str(), spans[0].parent_span_id.len()), ("add", 0));
    let mut found = attributes(&spans[0]);
    assert!(matches!(found.remove("honeyhive_duration_ms"), Some(Value::DoubleValue(ms)) if ms >= 0.0));
    let expected = BTreeMap::from([
        ("honeyhive.session_id".to_owned(), text(&id)),
        ("traceloop.association.properties.session_id".to_owned(), text(&id)),
        ("honeyhive.session_auto_create".to_owned(), Value::BoolValue(true)),
        ("honeyhive.session_name".to_owned(), text("s01 session")),
        ("honeyhive.project".to_owned(), text("proj-alpha")),
        (
            "traceloop.association.properties.project".to_owned(),
            text("proj-alpha"),
        ),
        ("honeyhive.source".to_owned(), text("golden")),
        ("traceloop.association.properties.source".to_owned(), text("golden")),
        ("honeyhive_event_type".to_owned(), text("tool")),
        ("honeyhive_inputs.a".to_owned(), Value::IntValue(2)),
        ("honeyhive_inputs.b".to_owned(), Value::IntValue(3)),
        ("honeyhive_outputs.result".to_owned(), Value::IntValue(5)),
    ]);
    assert_eq!(found, expected);
}

#[test]
fn an_error_is_on_its_span_once() {
    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(&server);
    tracer.in_scope(|| fails("why?")).unwrap_err();
    flush(&tracer);
    let spans = server.arrived("POST /opentelemetry/v1/traces")[0].spans();
    assert_eq!(spans.len(), 1, "no span for the error alone");
    let found = attributes(&spans[0]);
    assert_eq!(found["honeyhive_event_name"], text("llm"));
    assert_eq!(found["honeyhive_event_type"], text("model"));
    assert_eq!(found["honeyhive_error"], text("invalid digit found in string"));
    assert_eq!(found["honeyhive_error_type"], text("ParseIntError"));
    let status = spans[0].status.as_ref().unwrap();
    assert_eq!(
        (status.code, status.message.as_str()),
        (2, "ParseIntError: invalid digit found in string")
    );
    let events: Vec<&str> = spans[0].events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(events, ["exception"]);
}

#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct NoAnswer(#[source] NoPassage);

#[derive(Debug, thiserror::Error)]
#[error("no passage")]
struct NoPassage(#[source] std::io::Error);

#[trace]
fn fails_for_a_reason() -> Result<(), NoAnswer> {
    Err(NoAnswer(NoPassage(std::io::Error::other("no index"))))
}

#[test]
fn an_error_says_what_it_was_caused_by() {
    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(&server);
    tracer.in_scope(fails_for_a_reason).unwrap_err();
    flush(&tracer);
    let spans = server.arrived("POST /opentelemetry/v1/traces")[0].spans();
    let expected = [
        ("exception.message", "no answer"),
        ("exception.stacktrace", "caused by: no passage\ncaused by: no index"),
        ("exception.type", "NoAnswer"),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), text(value)));
    assert_eq!(by_key(&spans[0].events[0].attributes), BTreeMap::from(expected));
}

#[test]
fn nothing_set_on_a_span_moves_it_to_another_session() {
    use honeyhive_core::opentelemetry::KeyValue;
    use honeyhive_core::opentelemetry::trace::TraceContextExt;

    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(&server);
    let span = tracer.span("s").start();
    span.context()
        .span()
        .set_attribute(KeyValue::new("honeyhive.session_id", "another"));
    span.context()
        .span()
        .set_attribute(KeyValue::new("honeyhive.source", "another"));
    span.end();
    flush(&tracer);
    let found = attributes(&server.arrived("POST /opentelemetry/v1/traces")[0].spans()[0]);
    assert_eq!(found["honeyhive.session_id"], text(&tracer.session_id().to_string()));
    assert_eq!(found["honeyhive.source"], text("golden"));
}

#[test]
fn an_update_of_a_session_carries_only_what_is_given() {
    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(&server);
    tracer.enrich_session(
        Enrichment::new()
            .feedback("ground_truth", json!({"a": null}))
            .output("answer", "ONE"),
    );
    flush(&tracer);
    let update = &server.arrived("PUT /events")[0];
    let expected = json!({
        "event_id": tracer.session_id().to_string(),
        "feedback": {"ground_truth": {"a": null}},
        "outputs": {"answer": "ONE"},
    });
    assert_eq!(update.json(), expected);
    tracer.enrich_session(Enrichment::new());
    flush(&tracer);
    assert_eq!(server.arrived("PUT /events").len(), 1, "nothing to say is no request");
}
