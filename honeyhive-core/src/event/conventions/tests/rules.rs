//! What holds whatever the convention: precedence, types, and that nothing is lost or panics.

use opentelemetry_proto::tonic::trace::v1::{Status, span};
use proptest::prelude::*;
use serde_json::{Map, json};

use super::{any as wire, *};
use crate::{Event, EventType};

#[test]
fn what_the_span_says_in_our_words_stands() {
    let own = span([
        ("honeyhive_event_type", json!("tool")),
        ("honeyhive_inputs.question", json!("mine")),
        ("honeyhive_outputs", json!("mine")),
        ("honeyhive_config.model", json!("mine")),
        ("honeyhive_error", json!("mine")),
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.prompt", json!("theirs")),
        ("gen_ai.completion", json!("theirs")),
        ("gen_ai.request.model", json!("theirs")),
        ("gen_ai.request.top_p", json!(1)),
        ("error.type", json!("theirs")),
    ]);
    assert_eq!(translated(&own), json!({"config": {"top_p": 1}}));
    for untold in ["gen_ai.prompt", "gen_ai.completion", "gen_ai.request.model"] {
        assert!(!translate(&own).repeats(untold), "{untold}");
    }
}

#[test]
fn a_span_without_conventions_is_left_alone() {
    let own = span([
        ("honeyhive_event_type", json!("model")),
        ("honeyhive_inputs.gen_ai", json!("x")),
        ("traceloop.association.properties.session_id", json!("s")),
        ("session.id", json!("s")),
        ("busy_ns", json!(3)),
    ]);
    assert_eq!(translate(&own).attributes, []);
}

#[test]
fn a_failed_span_says_why() {
    let mut failed = span([]);
    failed.status = Some(Status {
        message: "too slow".to_owned(),
        code: StatusCode::Error.into(),
    });
    assert_eq!(translated(&failed), json!({"error": "too slow"}));
}

#[test]
fn a_span_that_failed_by_what_was_logged_says_that() {
    let logged = |level: &str, message: &str| span::Event {
        name: message.to_owned(),
        attributes: vec![attribute("level", wire(json!(level)))],
        ..span::Event::default()
    };
    let mut failed = span([]);
    failed.events = vec![logged("ERROR", "it broke: 42"), logged("INFO", "going on")];
    assert_eq!(translated(&failed), json!({}), "it has not failed");
    failed.status = Some(Status {
        code: StatusCode::Error.into(),
        ..Status::default()
    });
    assert_eq!(translated(&failed), json!({"error": "it broke: 42"}));
}

#[test]
fn types_come_from_the_first_attribute_that_knows_one_and_never_from_the_name() {
    use EventType::{Chain, Model, Tool};

    for (attributes, expected) in [
        (vec![("gen_ai.operation.name", "Image_Generation")], Some(Model)),
        (vec![("gen_ai.operation.name", "plan")], Some(Chain)),
        (vec![("gen_ai.operation.name", "retrieval")], Some(Tool)),
        (
            vec![("gen_ai.operation.name", "new"), ("openinference.span.kind", "agent")],
            Some(Chain),
        ),
        (
            vec![("openinference.span.kind", "EVALUATOR"), ("model_name", "m")],
            Some(Tool),
        ),
        (vec![("traceloop.span.kind", "workflow")], Some(Chain)),
        (vec![("traceloop.span.kind", "tool")], Some(Tool)),
        (vec![("llm.request.type", "rerank")], Some(Model)),
        (vec![("bedrock.model_id", "m")], Some(Model)),
        (vec![("llm.top_k", "3")], None),
    ] {
        let span = Span {
            name: "chat".to_owned(),
            attributes: attributes
                .iter()
                .map(|(key, value)| attribute(key, wire(json!(value))))
                .collect(),
            ..Span::default()
        };
        assert_eq!(event_type(&span), expected, "{attributes:?}");
    }
}

fn event(mut span: Span) -> Event {
    span.trace_id = vec![1; 16];
    span.span_id = vec![2; 8];
    let session = wire(json!("0a0a0a0a-0b0b-4c0c-8d0d-0e0e0e0e0e0e"));
    span.attributes.push(attribute(keys::SESSION_ID, session));
    Event::from_span(&span, None, None).unwrap()
}

fn beyond_lineage(metadata: Map<String, Value>) -> Value {
    let lineage = ["trace_id", "span_id", "has_otlp_lineage"];
    let kept = metadata.into_iter().filter(|(key, _)| !lineage.contains(&key.as_str()));
    Value::Object(kept.collect())
}

#[test]
fn a_foreign_span_and_its_translation_are_the_same_event() {
    let mut chat = span([
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.system", json!("openai")),
        ("gen_ai.request.stop_sequences", json!(["x", "y"])),
        (
            "gen_ai.input.messages",
            json!(r#"[{"role":"user","parts":[{"type":"text","content":"hi"}]}]"#),
        ),
        ("gen_ai.completion", json!("{not JSON")),
        ("gen_ai.usage.input_tokens", json!(4)),
        ("input.value", json!("kept")),
        ("honeyhive_metrics.ok", json!(true)),
    ]);
    let foreign = event(chat.clone());
    assert_eq!(foreign.event_type, EventType::Model);
    assert_eq!(
        Value::from(foreign.inputs.clone()),
        json!({"chat_history": [{"role": "user", "content": "hi"}]})
    );
    assert_eq!(
        Value::from(foreign.outputs.clone()),
        json!({"role": "assistant", "content": "{not JSON"})
    );
    assert_eq!(
        beyond_lineage(foreign.metadata.clone()),
        json!({"gen_ai": {"operation": {"name": "chat"}}, "input": {"value": "kept"}, "prompt_tokens": 4})
    );
    let added = translate(&chat).attributes;
    chat.attributes.extend(added);
    assert_eq!(translate(&chat).attributes, []);
    assert_eq!(event(chat), foreign);
}

proptest! {
    #[test]
    fn any_text_in_any_place_is_taken_without_a_panic(
        texts in prop::collection::vec("(\\[|\\{|\"|,|:|\\}|\\]|role|parts|type|text|content|message|[a-z0é]){0,24}", 14),
    ) {
        const KEYS: [&str; 14] = [
            "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.prompt",
            "gen_ai.completion", "gen_ai.prompt.0", "gen_ai.prompt.0.content", "llm.input_messages.0.message",
            "llm.output_messages.1.message.tool_calls", "gen_ai.tool.call.arguments", "output.value",
            "llm.invocation_parameters", "gen_ai.response.finish_reasons", "gen_ai.completion.0.tool_calls.0",
        ];
        for start in 0..KEYS.len() {
            let attributes = KEYS[start..].iter().zip(&texts);
            let span = Span {
                attributes: attributes.map(|(key, value)| attribute(key, wire(json!(value)))).collect(),
                ..Span::default()
            };
            let translation = translate(&span);
            prop_assert!(translation.attributes.iter().all(|pair| pair.key.starts_with("honeyhive_")));
        }
    }

    #[test]
    fn text_that_is_no_message_is_the_content_of_one(text in "[^\\[{\"].{0,40}") {
        let span = span([("gen_ai.input.messages", json!(text))]);
        prop_assert_eq!(translated(&span)["inputs"].clone(), json!({"chat_history": [{"role": "user", "content": text}]}));
    }
}
