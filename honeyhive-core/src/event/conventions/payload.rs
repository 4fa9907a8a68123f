//! Inputs and outputs: a conversation where the span tells one, else the plain value.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{Span, span::Event};
use serde_json::{Map, Value};

use super::{last, messages, text};
use crate::capture::flatten;
use crate::event::nested::{Nested, json};
use crate::keys::{INPUTS, OUTPUTS};

/// How the names of events begin that carry messages.
pub(super) const EVENTS: &str = "gen_ai.";

/// What went in, or came out, as attributes.
pub(super) struct Payload<'a> {
    pub(super) attributes: Vec<KeyValue>,
    /// The attributes it was read from.
    pub(super) sources: Vec<&'a str>,
    pub(super) finish_reason: Option<String>,
}

/// Where one side of a conversation is told.
pub(super) struct Side {
    /// A list of messages.
    messages: &'static str,
    /// Prefixes of messages flattened into attributes.
    indexed: &'static [&'static str],
    /// One text, or messages.
    text: &'static str,
    /// Who speaks when nobody is named.
    role: &'static str,
    /// Whether events with this name belong to this side, and the role of those that name none.
    event: fn(&str) -> Option<&'static str>,
    /// Values without messages, best first, with the attribute that says what format they have.
    plain: &'static [(&'static str, &'static str)],
}

const INPUT: Side = Side {
    messages: "gen_ai.input.messages",
    indexed: &["llm.input_messages.", "gen_ai.prompt.", "llm.prompts."],
    text: "gen_ai.prompt",
    role: "user",
    event: |name| match name {
        "gen_ai.system.message" => Some("system"),
        "gen_ai.user.message" => Some("user"),
        "gen_ai.assistant.message" => Some("assistant"),
        "gen_ai.tool.message" => Some("tool"),
        _ => None,
    },
    plain: &[
        ("gen_ai.tool.call.arguments", ""),
        ("input.value", "input.mime_type"),
        ("traceloop.entity.input", ""),
    ],
};

const OUTPUT: Side = Side {
    messages: "gen_ai.output.messages",
    indexed: &["llm.output_messages.", "gen_ai.completion.", "llm.completions."],
    text: "gen_ai.completion",
    role: "assistant",
    event: |name| (name == "gen_ai.choice").then_some("assistant"),
    plain: &[
        ("gen_ai.tool.call.result", ""),
        ("output.value", "output.mime_type"),
        ("traceloop.entity.output", ""),
    ],
};

impl<'a> Payload<'a> {
    /// `chat_history`, or the fields of a plain object, or `input`.
    pub(super) fn inputs(span: &'a Span) -> Option<Self> {
        const INSTRUCTIONS: &str = "gen_ai.system_instructions";

        let (mut history, mut sources) = INPUT.conversation(span);
        if let Some(said) = told(span, INSTRUCTIONS) {
            let system = messages::from_parts("system", json(Some(said)));
            if !history.starts_with(&system) {
                history.splice(0..0, system);
            }
            sources.push(INSTRUCTIONS);
        }
        if !history.is_empty() {
            return Self::new(format!("{INPUTS}.chat_history"), history.into(), sources);
        }
        let (said, sources) = INPUT.plain(span)?;
        let key = if said.is_object() {
            INPUTS.to_owned()
        } else {
            format!("{INPUTS}.input")
        };
        Self::new(key, said, sources)
    }

    /// One message's `role` and `content`, or the `chat_history` of several, or a plain `result`.
    pub(super) fn outputs(span: &'a Span) -> Option<Self> {
        let (mut history, sources) = OUTPUT.conversation(span);
        let mut finish_reason = None;
        for message in history.iter_mut().filter_map(Value::as_object_mut) {
            let said = message.remove("finish_reason");
            let said = said.as_ref().and_then(Value::as_str);
            // rig says "unknown" where the provider's reason is not kept.
            let said = said.filter(|reason| !matches!(*reason, "" | "unknown"));
            finish_reason = finish_reason.or_else(|| said.map(str::to_owned));
        }
        let payload = match history.len() {
            0 => {
                let (said, sources) = OUTPUT.plain(span)?;
                Self::new(format!("{OUTPUTS}.result"), said, sources)
            }
            1 => Self::new(OUTPUTS.to_owned(), history.remove(0), sources),
            _ => Self::new(format!("{OUTPUTS}.chat_history"), history.into(), sources),
        };
        payload.map(|payload| Self {
            finish_reason,
            ..payload
        })
    }

    fn new(key: String, said: Value, sources: Vec<&'a str>) -> Option<Self> {
        let mut flat = Vec::new();
        flatten(key, said, &mut flat);
        let attributes: Vec<KeyValue> = flat
            .into_iter()
            .map(|pair| KeyValue {
                key: pair.key.into(),
                value: Some(pair.value.into()),
                ..KeyValue::default()
            })
            .collect();
        (!attributes.is_empty()).then_some(Self {
            attributes,
            sources,
            finish_reason: None,
        })
    }
}

impl Side {
    fn conversation<'a>(&self, span: &'a Span) -> (Vec<Value>, Vec<&'a str>) {
        if let Some((key, said)) = told_by(span, self.messages) {
            return (messages::messages(json(said), self.role), vec![key]);
        }
        for prefix in self.indexed {
            let mut sources = Vec::new();
            let mut flat = Nested::default();
            for KeyValue { key, value, .. } in &span.attributes {
                if let Some(path) = key.strip_prefix(prefix).filter(|path| is_indexed(path)) {
                    flat.set(path, json(value.as_ref()));
                    sources.push(key.as_str());
                }
            }
            if !sources.is_empty() {
                let items = messages::list(flat.into_object().into());
                let said = items.into_iter().flat_map(|item| messages::message(item, self.role));
                return (said.collect(), sources);
            }
        }
        let said: Vec<Value> = span
            .events
            .iter()
            .filter_map(|event| Some(of_event(event, (self.event)(&event.name)?)))
            .flatten()
            .collect();
        if !said.is_empty() {
            return (said, Vec::new());
        }
        told_by(span, self.text).map_or_else(Default::default, |(key, said)| {
            (messages::messages(json(said), self.role), vec![key])
        })
    }

    /// The best value without messages. Text that is JSON is taken as what it says unless its format is another.
    fn plain<'a>(&self, span: &'a Span) -> Option<(Value, Vec<&'a str>)> {
        self.plain.iter().find_map(|(key, format)| {
            let (key, said) = told_by(span, key)?;
            let mut sources = vec![key];
            let said = json(said);
            let format = told_by(span, format);
            sources.extend(format.map(|(key, _)| key));
            let said = match format.and_then(|(_, value)| text(value)) {
                Some(format) if !format.contains("json") => said,
                _ => messages::parsed(said),
            };
            (!said.is_null()).then_some((said, sources))
        })
    }
}

/// `0.role`: a message's number, then its member.
fn is_indexed(path: &str) -> bool {
    path.split('.').next().is_some_and(|index| index.parse::<u64>().is_ok())
}

/// A message told by an event of its own.
fn of_event(event: &Event, role: &str) -> Vec<Value> {
    let mut flat = Nested::default();
    for KeyValue { key, value, .. } in &event.attributes {
        if !key.starts_with(EVENTS) && key != "event.name" {
            flat.set(key, json(value.as_ref()));
        }
    }
    let mut message = flat.into_object();
    message.remove("index");
    let body = last(&event.attributes, "gen_ai.event.content").map(|said| json(Some(said)));
    for said in [body, message.remove("message")].into_iter().flatten() {
        match messages::parsed(said) {
            Value::Object(mut said) => {
                if let Some(Value::Object(inner)) = said.remove("message") {
                    said.extend(inner);
                }
                said.remove("index");
                message.extend(said);
            }
            other => {
                message.insert("content".into(), other);
            }
        }
    }
    if role == "tool" {
        rename(&mut message, "id", "tool_call_id");
    }
    messages::message(message.into(), role)
}

fn rename(members: &mut Map<String, Value>, from: &str, to: &str) {
    if !members.contains_key(to)
        && let Some(value) = members.remove(from)
    {
        members.insert(to.to_owned(), value);
    }
}

fn told<'a>(span: &'a Span, key: &str) -> Option<&'a AnyValue> {
    told_by(span, key)?.1
}

/// An attribute of the span, else of an event of the conventions, with its key.
fn told_by<'a>(span: &'a Span, key: &str) -> Option<(&'a str, Option<&'a AnyValue>)> {
    let events = span.events.iter().filter(|event| event.name.starts_with(EVENTS));
    std::iter::once(&span.attributes)
        .chain(events.map(|event| &event.attributes))
        .find_map(|attributes| attributes.iter().rev().find(|pair| pair.key == key))
        .map(|pair| (pair.key.as_str(), pair.value.as_ref()))
        .filter(|(_, value)| value.is_some())
}
