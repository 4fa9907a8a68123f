//! What a span becomes, fact by fact.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use opentelemetry_proto::tonic::trace::v1::{Status, span, status::StatusCode};
use serde_json::json;

use super::*;

const SESSION: &str = "0a0a0a0a-0b0b-4c0c-8d0d-0e0e0e0e0e0e";

fn pair(key: &str, value: impl Into<Value>) -> KeyValue {
    let any = match value.into() {
        Value::String(text) => any_value::Value::StringValue(text),
        Value::Bool(flag) => any_value::Value::BoolValue(flag),
        Value::Number(number) => number.as_i64().map_or_else(
            || any_value::Value::DoubleValue(number.as_f64().unwrap_or_default()),
            any_value::Value::IntValue,
        ),
        other => any_value::Value::StringValue(other.to_string()),
    };
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(any) }),
        ..KeyValue::default()
    }
}

fn span(attributes: Vec<KeyValue>) -> Span {
    Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: "work".to_owned(),
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_012_500_000,
        attributes: [vec![pair(keys::SESSION_ID, SESSION)], attributes].concat(),
        ..Span::default()
    }
}

fn event(attributes: Vec<KeyValue>) -> Event {
    Event::from_span(&span(attributes), None, None).unwrap()
}

fn failed(message: &str) -> Option<Status> {
    Some(Status {
        message: message.to_owned(),
        code: StatusCode::Error.into(),
    })
}

#[test]
fn only_a_session_has_the_id_of_its_session() {
    let own = pair(keys::EVENT_ID, SESSION.to_uppercase());
    let error = Event::from_span(&span(vec![own.clone()]), None, None).unwrap_err();
    assert!(matches!(error, SpanError::TakesSessionId { .. }), "{error}");
    let session = event(vec![own, pair(keys::EVENT_TYPE, "session")]);
    assert_eq!(session.event_id, session.session_id);
}

#[test]
fn a_duration_nothing_can_have_is_that_of_the_span() {
    assert_eq!(event(vec![pair(keys::DURATION_MS, 1e308)]).duration, 12.5);
    assert_eq!(event(vec![pair(keys::DURATION_MS, 7.5)]).duration, 7.5);
}

#[test]
fn prefixes_route_into_the_buckets_and_values_keep_their_types() {
    let event = event(vec![
        pair("honeyhive_event_type", "model"),
        pair("honeyhive_event_name", "answer"),
        pair("honeyhive_inputs.question", r#"{"looks": "like JSON"}"#),
        pair("honeyhive_outputs.result.items.0", 1),
        pair("honeyhive_outputs.result.items.1", 2.5),
        pair("honeyhive_config.temperature", 0.1),
        pair("honeyhive_metrics.ok", true),
        pair("honeyhive_feedback.rating", 5),
        pair("honeyhive_user_properties.plan", "pro"),
        pair("honeyhive_metadata.run_id", "r1"),
        pair("http.method", "GET"),
    ]);
    assert_eq!(event.event_type, EventType::Model);
    assert_eq!(event.event_name, "answer");
    assert_eq!(
        Value::from(event.inputs),
        json!({"question": r#"{"looks": "like JSON"}"#})
    );
    assert_eq!(Value::from(event.outputs), json!({"result": {"items": [1, 2.5]}}));
    assert_eq!(Value::from(event.config), json!({"temperature": 0.1}));
    assert_eq!(Value::from(event.metrics), json!({"ok": true}));
    assert_eq!(Value::from(event.feedback), json!({"rating": 5}));
    assert_eq!(Value::from(event.user_properties), json!({"plan": "pro"}));
    assert_eq!(
        Value::from(event.metadata),
        json!({
            "run_id": "r1",
            "http": {"method": "GET"},
            "trace_id": "01010101010101010101010101010101",
            "span_id": "0202020202020202",
            "has_otlp_lineage": true,
        })
    );
}

#[test]
fn routing_facts_become_fields_and_the_session_name_stays_visible() {
    let event = event(vec![
        pair("honeyhive.project", "p"),
        pair("traceloop.association.properties.source", "prod"),
        pair("traceloop.association.properties.run_id", "r"),
        pair("honeyhive.session_auto_create", true),
        pair("honeyhive.session_name", "chat"),
        pair("honeyhive_duration_ms", 7.25),
        pair("honeyhive_error_type", "ValueError"),
    ]);
    assert_eq!(event.session_id, SESSION);
    assert_eq!(event.parent_id.as_deref(), Some(SESSION));
    assert_eq!(event.project.as_deref(), Some("p"));
    assert_eq!(event.source, "prod");
    assert_eq!(event.duration, 7.25);
    let mut metadata = event.metadata;
    metadata.retain(|key, _| !["trace_id", "span_id", "has_otlp_lineage"].contains(&key.as_str()));
    assert_eq!(
        Value::from(metadata),
        json!({"session_name": "chat", "run_id": "r", "error_type": "ValueError"})
    );
}

#[test]
fn without_payload_attributes_the_span_itself_speaks() {
    let event = event(vec![]);
    assert_eq!(event.event_name, "work");
    assert_eq!(event.event_type, EventType::Tool);
    assert_eq!(event.source, "otlp");
    assert_eq!(event.start_time, 1_700_000_000_000.0);
    assert_eq!(event.duration, 12.5);
    assert_eq!(event.error, None);
}

#[test]
fn the_session_is_looked_up_in_order_on_the_span_then_on_the_resource() {
    let other = "11111111-1111-4111-8111-111111111111";
    let resource = Resource {
        attributes: vec![pair(keys::OTEL_SESSION_ID, other.to_uppercase().replace('-', ""))],
        ..Resource::default()
    };
    let mut span = span(vec![]);
    assert_eq!(
        Event::from_span(&span, Some(&resource), None).unwrap().session_id,
        SESSION
    );
    span.attributes.clear();
    assert_eq!(
        Event::from_span(&span, Some(&resource), None).unwrap().session_id,
        other
    );
    assert!(matches!(
        Event::from_span(&span, None, None),
        Err(SpanError::MissingSessionId { .. })
    ));
}

#[test]
fn one_span_is_one_event_and_its_children_know_its_id() {
    let parent = event(vec![]);
    let child = Event::from_span(
        &Span {
            span_id: vec![3; 8],
            parent_span_id: vec![2; 8],
            ..span(vec![])
        },
        None,
        None,
    )
    .unwrap();
    assert_eq!(parent.event_id, event(vec![]).event_id);
    assert_eq!(child.parent_id.as_deref(), Some(parent.event_id.as_str()));
    assert_ne!(child.event_id, parent.event_id);
    assert_eq!(Uuid::try_parse(&child.event_id).unwrap().get_version_num(), 8);
}

#[test]
fn a_given_event_id_counts_only_when_it_is_a_uuid() {
    let given = "33333333-3333-4333-8333-333333333333";
    assert_eq!(event(vec![pair(keys::EVENT_ID, given)]).event_id, given);
    assert_eq!(
        event(vec![pair(keys::EVENT_ID, "mine")]).event_id,
        event(vec![]).event_id
    );
}

#[test]
fn the_type_comes_from_the_first_convention_that_knows_it() {
    for (attributes, expected) in [
        (vec![pair("gen_ai.operation.name", "Chat")], EventType::Model),
        (vec![pair("gen_ai.operation.name", "invoke_agent")], EventType::Chain),
        (
            vec![
                pair("gen_ai.operation.name", "new"),
                pair("openinference.span.kind", "AGENT"),
            ],
            EventType::Chain,
        ),
        (vec![pair("openinference.span.kind", "RERANKER")], EventType::Tool),
        (
            vec![
                pair("honeyhive_event_type", "tool"),
                pair("gen_ai.operation.name", "chat"),
            ],
            EventType::Tool,
        ),
    ] {
        assert_eq!(event(attributes.clone()).event_type, expected, "{attributes:?}");
    }
}

#[test]
fn the_error_attribute_beats_the_status_which_beats_the_exception_and_http() {
    let exception = span::Event {
        name: "exception".to_owned(),
        attributes: vec![pair("exception.type", "Timeout"), pair("exception.message", "too slow")],
        ..span::Event::default()
    };
    let mut span = span(vec![pair("http.response.status_code", 503)]);
    let error = |span: &Span| Event::from_span(span, None, None).unwrap().error;
    assert_eq!(error(&span).as_deref(), Some("HTTP 503"));
    span.status = failed("");
    assert_eq!(error(&span).as_deref(), Some("HTTP 503"));
    span.events = vec![exception];
    assert_eq!(error(&span).as_deref(), Some("Timeout: too slow"));
    span.status = failed("status says");
    assert_eq!(error(&span).as_deref(), Some("status says"));
    span.attributes.push(pair(keys::ERROR, "attribute says"));
    assert_eq!(error(&span).as_deref(), Some("attribute says"));
}

#[test]
fn llm_conventions_use_the_platforms_names_and_explicit_values_win() {
    let event = event(vec![
        pair("honeyhive_config.model", "explicit"),
        pair("gen_ai.request.model", "gpt-x"),
        pair("gen_ai.request.temperature", 0.5),
        pair("gen_ai.provider.name", "acme"),
        pair("gen_ai.usage.input_tokens", 3),
        pair("gen_ai.usage.output_tokens", 4),
    ]);
    assert_eq!(
        Value::from(event.config),
        json!({"model": "explicit", "temperature": 0.5, "provider": "acme"})
    );
    assert_eq!(event.metadata["prompt_tokens"], 3);
    assert_eq!(event.metadata["completion_tokens"], 4);
    assert_eq!(event.metadata["total_tokens"], 7);
}

#[test]
fn ground_truth_moves_from_the_metadata_to_the_feedback() {
    let event = event(vec![pair("honeyhive_metadata.ground_truth.a", "b")]);
    assert_eq!(Value::from(event.feedback), json!({"ground_truth": {"a": "b"}}));
    assert!(!event.metadata.contains_key("ground_truth"));
}

#[test]
fn a_foreign_scope_is_named_as_the_instrumentor() {
    let scope = |name: &str| InstrumentationScope {
        name: name.to_owned(),
        ..InstrumentationScope::default()
    };
    let metadata = |name| {
        Event::from_span(&span(vec![]), None, Some(&scope(name)))
            .unwrap()
            .metadata
    };
    assert_eq!(metadata("openinference.openai")["instrumentor"], "openinference.openai");
    assert!(!metadata("honeyhive.1234").contains_key("instrumentor"));
}

#[test]
fn malformed_spans_are_refused_with_the_value_and_the_fix() {
    let mut bad_trace = span(vec![]);
    bad_trace.trace_id = vec![0; 16];
    let mut bad_span = span(vec![]);
    bad_span.span_id = vec![1; 3];
    let mut bad_parent = span(vec![]);
    bad_parent.parent_span_id = vec![0; 8];
    let cases = [
        (bad_trace, "trace id \"00000000000000000000000000000000\""),
        (bad_span, "span id \"010101\""),
        (bad_parent, "parent span id \"0000000000000000\""),
        (
            span(vec![pair(keys::SESSION_ID, "mine")]),
            "session id \"mine\" in \"honeyhive.session_id\" is not a UUID",
        ),
        (
            span(vec![pair(keys::EVENT_TYPE, "demo")]),
            "event type \"demo\" is unknown",
        ),
    ];
    for (span, expected) in cases {
        let message = Event::from_span(&span, None, None).unwrap_err().to_string();
        assert!(
            message.contains(expected) && message.contains("\"work\""),
            "{message:?} should contain {expected:?}"
        );
    }
}

#[test]
fn a_session_hint_is_read_only_when_asked_for() {
    let hint = |attributes| SessionHint::from_span(&span(attributes), None);
    assert_eq!(hint(vec![pair(keys::SESSION_NAME, "chat")]), None);
    assert_eq!(hint(vec![pair(keys::SESSION_AUTO_CREATE, false)]), None);
    let asked = hint(vec![
        pair(keys::SESSION_AUTO_CREATE, true),
        pair(keys::SESSION_NAME, "chat"),
    ]);
    assert_eq!(asked.unwrap().name.as_deref(), Some("chat"));
}
