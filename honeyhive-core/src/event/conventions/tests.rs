//! The spans other libraries make, as HoneyHive's attributes and as events.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use opentelemetry_proto::tonic::trace::v1::span;
use serde_json::json;

use super::*;
use crate::event::nested::Nested;

mod rules;

fn any(value: Value) -> any_value::Value {
    match value {
        Value::String(text) => any_value::Value::StringValue(text),
        Value::Bool(flag) => any_value::Value::BoolValue(flag),
        Value::Number(number) => number.as_i64().map_or_else(
            || any_value::Value::DoubleValue(number.as_f64().unwrap_or_default()),
            any_value::Value::IntValue,
        ),
        Value::Array(items) => any_value::Value::ArrayValue(opentelemetry_proto::tonic::common::v1::ArrayValue {
            values: items
                .into_iter()
                .map(|item| AnyValue { value: Some(any(item)) })
                .collect(),
        }),
        other => any_value::Value::StringValue(other.to_string()),
    }
}

fn pairs<const N: usize>(pairs: [(&str, Value); N]) -> Vec<KeyValue> {
    pairs
        .into_iter()
        .map(|(key, value)| attribute(key, any(value)))
        .collect()
}

fn span<const N: usize>(attributes: [(&str, Value); N]) -> Span {
    Span {
        attributes: pairs(attributes),
        ..Span::default()
    }
}

/// The translation as nested JSON.
fn translated(span: &Span) -> Value {
    let mut nested = Nested::default();
    for KeyValue { key, value, .. } in translate(span).attributes {
        nested.set(key.strip_prefix("honeyhive_").unwrap(), json(value.as_ref()));
    }
    nested.into_object().into()
}

#[test]
fn a_chat_of_rig_has_its_history_answer_and_tokens() {
    let input = json!([
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [{"type": "text", "content": "How far"}, {"type": "text", "content": "is it?"}]},
        {"role": "assistant", "parts": [
            {"type": "reasoning", "content": "look it up"},
            {"type": "tool_call", "id": "c1", "name": "distance", "arguments": {"to": "hive"}},
        ]},
        {"role": "user", "parts": [{"type": "tool_call_response", "id": "c1", "response": {"m": 120}}]},
    ]);
    let output = json!([
        {"role": "assistant", "parts": [{"type": "text", "content": "120 m"}], "finish_reason": "unknown"},
    ]);
    let chat = span([
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.provider.name", json!("openai")),
        ("gen_ai.request.model", json!("gpt-4o")),
        ("gen_ai.request.stream", json!(false)),
        (
            "gen_ai.system_instructions",
            json!(r#"[{"type":"text","content":"Be brief."}]"#),
        ),
        ("gen_ai.input.messages", json!(input.to_string())),
        ("gen_ai.output.messages", json!(output.to_string())),
        ("gen_ai.response.model", json!("gpt-4o-2024-08-06")),
        ("gen_ai.usage.input_tokens", json!(40)),
        ("gen_ai.usage.output_tokens", json!(7)),
        ("gen_ai.usage.cache_read.input_tokens", json!(20)),
        ("gen_ai.usage.cache_creation.input_tokens", json!(5)),
        ("gen_ai.usage.reasoning_tokens", json!(3)),
        ("busy_ns", json!(1)),
    ]);
    assert_eq!(
        translated(&chat),
        json!({
            "event_type": "model",
            "config": {"provider": "openai", "model": "gpt-4o", "stream": false},
            "metadata": {
                "prompt_tokens": 40,
                "completion_tokens": 7,
                "cache_read_input_tokens": 20,
                "cache_write_input_tokens": 5,
                "reasoning_tokens": 3,
                "response_model": "gpt-4o-2024-08-06",
            },
            "inputs": {"chat_history": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "How far\nis it?"},
                {
                    "role": "assistant",
                    "reasoning": "look it up",
                    "tool_calls": [
                        {"id": "c1", "type": "function",
                         "function": {"name": "distance", "arguments": r#"{"to":"hive"}"#}},
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": r#"{"m":120}"#},
            ]},
            "outputs": {"role": "assistant", "content": "120 m"},
        })
    );
}

#[test]
fn an_agent_of_rig_is_a_chain_with_question_and_answer() {
    let agent = span([
        ("gen_ai.operation.name", json!("invoke_agent")),
        ("gen_ai.agent.name", json!("bee")),
        ("gen_ai.system_instructions", json!("Be brief.")),
        ("gen_ai.prompt", json!("How far?")),
        ("gen_ai.completion", json!("120 m")),
        ("gen_ai.usage.input_tokens", json!(40)),
    ]);
    assert_eq!(
        translated(&agent),
        json!({
            "event_type": "chain",
            "inputs": {"chat_history": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "How far?"},
            ]},
            "outputs": {"role": "assistant", "content": "120 m"},
            "metadata": {"agent_name": "bee", "prompt_tokens": 40},
        })
    );
}

#[test]
fn a_tool_of_rig_has_its_arguments_as_inputs_and_its_failure_as_error() {
    let tool = span([
        ("gen_ai.operation.name", json!("execute_tool")),
        ("gen_ai.tool.type", json!("function")),
        ("gen_ai.tool.name", json!("distance")),
        ("gen_ai.tool.call.id", json!("c1")),
        (
            "gen_ai.tool.call.arguments",
            json!(r#"{"to":"hive","unit":{"name":"m"}}"#),
        ),
        ("gen_ai.tool.call.result", json!(r#"{"m": 120}"#)),
        ("gen_ai.tool.error.type", json!("timeout")),
    ]);
    assert_eq!(
        translated(&tool),
        json!({
            "event_type": "tool",
            "error": "timeout",
            "inputs": {"to": "hive", "unit": {"name": "m"}},
            "outputs": {"result": {"m": 120}},
            "metadata": {"tool_name": "distance", "tool_call_id": "c1"},
        })
    );
}

#[test]
fn a_chat_of_genai_spells_reasoning_tokens_and_finish_reasons_its_way() {
    let chat = span([
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.provider.name", json!("anthropic")),
        ("gen_ai.request.model", json!("claude")),
        ("gen_ai.request.max_tokens", json!(100)),
        ("gen_ai.response.finish_reasons", json!(r#"["length"]"#)),
        ("gen_ai.usage.reasoning.output_tokens", json!(9)),
        ("gen_ai.conversation.id", json!("k7")),
        ("server.address", json!("api.anthropic.com")),
        ("error.type", json!("overloaded")),
    ]);
    assert_eq!(
        translated(&chat),
        json!({
            "event_type": "model",
            "error": "overloaded",
            "config": {"provider": "anthropic", "model": "claude", "max_tokens": 100},
            "metadata": {"finish_reason": "length", "reasoning_tokens": 9, "conversation_id": "k7"},
        })
    );
}

#[test]
fn openinference_flattens_messages_and_packs_parameters() {
    let llm = span([
        ("openinference.span.kind", json!("LLM")),
        ("llm.model_name", json!("gpt-4o")),
        ("llm.provider", json!("azure")),
        ("llm.system", json!("openai")),
        (
            "llm.invocation_parameters",
            json!(r#"{"model":"other","temperature":0.5,"stop":["x"]}"#),
        ),
        ("llm.input_messages.0.message.role", json!("user")),
        (
            "llm.input_messages.0.message.contents.0.message_content.type",
            json!("text"),
        ),
        (
            "llm.input_messages.0.message.contents.0.message_content.text",
            json!("hi"),
        ),
        ("llm.input_messages.10.message.role", json!("tool")),
        ("llm.input_messages.10.message.tool_call_id", json!("c0")),
        ("llm.input_messages.10.message.content", json!("ok")),
        ("llm.output_messages.0.message.role", json!("assistant")),
        ("llm.output_messages.0.message.tool_calls.0.tool_call.id", json!("c1")),
        (
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.name",
            json!("f"),
        ),
        (
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments",
            json!("{}"),
        ),
        ("llm.token_count.prompt", json!(1)),
        ("llm.token_count.completion", json!(2)),
        ("llm.token_count.total", json!(3)),
        ("llm.token_count.completion_details.reasoning", json!(1)),
        ("input.value", json!(r#"{"messages":[]}"#)),
        ("input.mime_type", json!("application/json")),
        ("user.id", json!("u1")),
    ]);
    assert_eq!(
        translated(&llm),
        json!({
            "event_type": "model",
            "config": {"model": "gpt-4o", "provider": "azure", "temperature": 0.5, "stop": ["x"]},
            "inputs": {"chat_history": [
                {"role": "user", "content": "hi"},
                {"role": "tool", "tool_call_id": "c0", "content": "ok"},
            ]},
            "outputs": {"role": "assistant", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            ]},
            "metadata": {
                "prompt_tokens": 1,
                "completion_tokens": 2,
                "total_tokens": 3,
                "reasoning_tokens": 1,
                "user_id": "u1",
            },
        })
    );
}

#[test]
fn plain_values_are_read_as_the_format_they_say_they_have() {
    let tool = |format: &str, value: &str| {
        translated(&span([
            ("openinference.span.kind", json!("TOOL")),
            ("input.value", json!(value)),
            ("input.mime_type", json!(format)),
            ("output.value", json!(value)),
            ("output.mime_type", json!(format)),
        ]))
    };
    assert_eq!(
        tool("application/json", r#"{"q":["a"]}"#),
        json!({"event_type": "tool", "inputs": {"q": ["a"]}, "outputs": {"result": {"q": ["a"]}}})
    );
    assert_eq!(
        tool("text/plain", r#"{"q":1}"#),
        json!({"event_type": "tool", "inputs": {"input": r#"{"q":1}"#}, "outputs": {"result": r#"{"q":1}"#}})
    );
    assert_eq!(
        tool("application/json", r#"{"q":"#),
        json!({"event_type": "tool", "inputs": {"input": r#"{"q":"#}, "outputs": {"result": r#"{"q":"#}})
    );
}

#[test]
fn traceloop_numbers_prompts_and_completions() {
    let chat = span([
        ("llm.request.type", json!("chat")),
        ("gen_ai.system", json!("OpenAI")),
        ("gen_ai.request.model", json!("gpt-4o")),
        ("gen_ai.prompt.0.role", json!("user")),
        ("gen_ai.prompt.0.content", json!(r#"[{"type": "text", "text": "hi"}]"#)),
        ("gen_ai.completion.0.role", json!("assistant")),
        ("gen_ai.completion.0.content", json!("hello")),
        ("gen_ai.completion.0.finish_reason", json!("stop")),
        ("gen_ai.completion.1.content", json!("hey")),
        ("gen_ai.completion.1.tool_calls.0.id", json!("c1")),
        ("gen_ai.completion.1.tool_calls.0.name", json!("f")),
        ("gen_ai.completion.1.tool_calls.0.arguments", json!(r#"{"a":1}"#)),
        ("gen_ai.usage.prompt_tokens", json!(4)),
        ("gen_ai.usage.completion_tokens", json!(5)),
        ("llm.usage.total_tokens", json!(9)),
        ("llm.is_streaming", json!(true)),
        ("traceloop.association.properties.session_id", json!("s")),
    ]);
    assert_eq!(
        translated(&chat),
        json!({
            "event_type": "model",
            "config": {"provider": "OpenAI", "model": "gpt-4o", "stream": true},
            "inputs": {"chat_history": [{"role": "user", "content": "hi"}]},
            "outputs": {"chat_history": [
                {"role": "assistant", "content": "hello"},
                {"role": "assistant", "content": "hey", "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": r#"{"a":1}"#}},
                ]},
            ]},
            "metadata": {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9, "finish_reason": "stop"},
        })
    );
    let task = span([
        ("traceloop.span.kind", json!("task")),
        (
            "traceloop.entity.input",
            json!(r#"{"args": [1], "kwargs": {"q": "why"}}"#),
        ),
        ("traceloop.entity.output", json!(r#""because""#)),
    ]);
    assert_eq!(
        translated(&task),
        json!({
            "event_type": "chain",
            "inputs": {"args": [1], "kwargs": {"q": "why"}},
            "outputs": {"result": "because"},
        })
    );
}

#[test]
fn messages_in_span_events_count_when_no_attribute_has_any() {
    let told = |name: &str, attributes: Vec<KeyValue>| span::Event {
        name: name.to_owned(),
        attributes,
        ..span::Event::default()
    };
    let mut chat = span([("gen_ai.operation.name", json!("chat"))]);
    chat.events = vec![
        told(
            "gen_ai.system.message",
            pairs([("content", json!("Be brief.")), ("gen_ai.system", json!("openai"))]),
        ),
        told(
            "gen_ai.user.message",
            pairs([("gen_ai.event.content", json!(r#"{"content":"hi"}"#))]),
        ),
        told(
            "gen_ai.tool.message",
            pairs([("id", json!("c1")), ("content", json!("ok"))]),
        ),
        told("other", pairs([("content", json!("no message"))])),
        told(
            "gen_ai.choice",
            pairs([
                ("index", json!(0)),
                ("finish_reason", json!("stop")),
                ("message", json!(r#"{"role":"assistant","content":"hello"}"#)),
            ]),
        ),
    ];
    let expected = json!({
        "event_type": "model",
        "inputs": {"chat_history": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hi"},
            {"role": "tool", "tool_call_id": "c1", "content": "ok"},
        ]},
        "outputs": {"role": "assistant", "content": "hello"},
        "metadata": {"finish_reason": "stop"},
    });
    assert_eq!(translated(&chat), expected);
    chat.attributes.push(attribute(
        "gen_ai.input.messages",
        any(json!(r#"[{"role":"user","content":"other"}]"#)),
    ));
    assert_eq!(
        translated(&chat)["inputs"],
        json!({"chat_history": [{"role": "user", "content": "other"}]})
    );
}
