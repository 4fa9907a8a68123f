//! The tables: which attribute of which convention says what.

use opentelemetry_proto::tonic::trace::v1::Span;

use super::{last, text};
use crate::event::EventType;
use crate::keys::{CONFIG, METADATA};

/// Attributes of a model call in one convention or another.
const MODELS: [&str; 13] = [
    "llm.request.model",
    "llm.response.model",
    "llm.model.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "openai.model",
    "anthropic.model",
    "bedrock.model_id",
    "google.model",
    "model_name",
    "model_id",
    "model_type",
    "ai_model",
];

/// Why the model stopped, best first: a list or one text.
pub(super) const FINISH_REASONS: [&str; 5] = [
    "gen_ai.response.finish_reasons",
    "gen_ai.response.finish_reason",
    "gen_ai.response.stop_reason",
    "llm.response.finish_reason",
    "llm.finish_reason",
];

const PREFIXES: [&str; 11] = [
    "gen_ai.",
    "llm.",
    "openinference.",
    "traceloop.span.",
    "traceloop.entity.",
    "input.",
    "output.",
    "embedding.",
    "reranker.",
    "agent.",
    "tool",
];

/// Whether an attribute may say something the tables know.
pub(super) fn is_known(key: &str) -> bool {
    !key.starts_with("honeyhive")
        && (PREFIXES.iter().any(|prefix| key.starts_with(prefix))
            || matches!(
                key,
                "user.id" | "error.type" | "http.response.status_code" | "http.status_code"
            )
            || MODELS.contains(&key))
}

/// The bucket and the path in it of a fact.
pub(crate) fn place(key: &str) -> Option<(&'static str, &str)> {
    Some(match key {
        "gen_ai.provider.name" | "llm.provider" => (CONFIG, "provider"),
        "gen_ai.usage.input_tokens" | "llm.token_count.prompt" => (METADATA, "prompt_tokens"),
        "gen_ai.usage.output_tokens" | "llm.token_count.completion" => (METADATA, "completion_tokens"),
        "llm.usage.total_tokens" | "llm.token_count.total" => (METADATA, "total_tokens"),
        "gen_ai.usage.cache_read.input_tokens" | "llm.token_count.prompt_details.cache_read" => {
            (METADATA, "cache_read_input_tokens")
        }
        "gen_ai.usage.cache_creation.input_tokens"
        | "gen_ai.usage.cache_creation_input_tokens"
        | "llm.token_count.prompt_details.cache_write" => (METADATA, "cache_write_input_tokens"),
        "gen_ai.usage.reasoning.output_tokens"
        | "llm.usage.reasoning_tokens"
        | "llm.token_count.completion_details.reasoning" => (METADATA, "reasoning_tokens"),
        "gen_ai.response.model" => (METADATA, "response_model"),
        "gen_ai.agent.name" | "agent.name" => (METADATA, "agent_name"),
        "gen_ai.agent.id" => (METADATA, "agent_id"),
        "gen_ai.tool.name" | "tool.name" => (METADATA, "tool_name"),
        "gen_ai.tool.call.id" | "tool_call.id" => (METADATA, "tool_call_id"),
        "gen_ai.conversation.id" => (METADATA, "conversation_id"),
        "user.id" => (METADATA, "user_id"),
        "llm.top_p" | "llm.top_k" | "llm.temperature" | "llm.frequency_penalty" | "llm.presence_penalty" => {
            (CONFIG, key.strip_prefix("llm.")?)
        }
        "llm.is_streaming" => (CONFIG, "stream"),
        "llm.chat.stop_sequences" => (CONFIG, "stop_sequences"),
        _ => {
            return key
                .strip_prefix("gen_ai.request.")
                .map(|path| (CONFIG, path))
                // `prompt_tokens` and `completion_tokens` are the names before 2024.
                .or_else(|| key.strip_prefix("gen_ai.usage.").map(|path| (METADATA, path)));
        }
    })
}

/// The place of a fact that counts when no attribute of [`place`] has said it.
pub(crate) fn second_place(key: &str) -> Option<(&'static str, &str)> {
    Some(match key {
        "llm.model_name"
        | "llm.model.name"
        | "llm.request.model"
        | "embedding.model_name"
        | "reranker.model_name"
        | "openai.model"
        | "anthropic.model"
        | "bedrock.model_id"
        | "google.model" => (CONFIG, "model"),
        "gen_ai.system" | "llm.system" => (CONFIG, "provider"),
        "llm.usage.prompt_tokens" => (METADATA, "prompt_tokens"),
        "llm.usage.completion_tokens" => (METADATA, "completion_tokens"),
        _ => return None,
    })
}

/// What kind of work a span is, when an attribute says so. The span's name is never asked.
pub(crate) fn event_type(span: &Span) -> Option<EventType> {
    kind_of_work(
        |key| text(last(&span.attributes, key)),
        || span.attributes.iter().any(|pair| is_model(&pair.key)),
    )
}

/// As [`event_type`], of attributes in any form.
pub(crate) fn kind_of_work<'a>(
    said: impl Fn(&str) -> Option<&'a str>,
    names_a_model: impl FnOnce() -> bool,
) -> Option<EventType> {
    said("gen_ai.operation.name")
        .and_then(of_operation)
        .or_else(|| said("openinference.span.kind").and_then(of_openinference))
        .or_else(|| match said("traceloop.span.kind")? {
            "workflow" | "agent" | "task" => Some(EventType::Chain),
            "tool" => Some(EventType::Tool),
            _ => None,
        })
        .or_else(|| said("llm.request.type").map(|_| EventType::Model))
        .or_else(|| names_a_model().then_some(EventType::Model))
}

/// Whether an attribute is one that a model call has.
pub(crate) fn is_model(key: &str) -> bool {
    MODELS.contains(&key)
}

fn of_operation(name: &str) -> Option<EventType> {
    const OPERATIONS: [(&str, EventType); 14] = [
        ("chat", EventType::Model),
        ("text_completion", EventType::Model),
        ("generate_content", EventType::Model),
        ("embeddings", EventType::Model),
        ("rerank", EventType::Model),
        ("transcription", EventType::Model),
        ("image_generation", EventType::Model),
        ("audio_generation", EventType::Model),
        ("invoke_agent", EventType::Chain),
        ("create_agent", EventType::Chain),
        ("invoke_workflow", EventType::Chain),
        ("plan", EventType::Chain),
        ("execute_tool", EventType::Tool),
        ("retrieval", EventType::Tool),
    ];
    find(&OPERATIONS, name)
}

fn of_openinference(kind: &str) -> Option<EventType> {
    const KINDS: [(&str, EventType); 9] = [
        ("LLM", EventType::Model),
        ("CHAIN", EventType::Chain),
        ("AGENT", EventType::Chain),
        ("TOOL", EventType::Tool),
        ("RETRIEVER", EventType::Tool),
        ("EMBEDDING", EventType::Tool),
        ("RERANKER", EventType::Tool),
        ("GUARDRAIL", EventType::Tool),
        ("EVALUATOR", EventType::Tool),
    ];
    find(&KINDS, kind)
}

fn find(table: &[(&str, EventType)], name: &str) -> Option<EventType> {
    let (_, event_type) = table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(*event_type)
}
