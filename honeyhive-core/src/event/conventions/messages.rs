//! Messages of a conversation: from the shapes the conventions give them to `{role, content, tool_calls?}`.
//!
//! Nothing is dropped: what has no place in that shape keeps its name in the message, and text that is no JSON where
//! JSON is expected is the content of one message.

use serde_json::{Map, Value, json};

/// The messages of a conversation. `role` is that of messages that name none.
pub(super) fn messages(said: Value, role: &str) -> Vec<Value> {
    let one = |content: String| vec![json!({"role": role, "content": content})];
    match said {
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        // Text stays as it was written unless it tells messages.
        Value::String(text) => parse(&text)
            .and_then(|said| conversation(said, role).ok())
            .unwrap_or_else(|| one(text)),
        other => conversation(other, role).unwrap_or_else(|other| one(text(other))),
    }
}

fn conversation(said: Value, role: &str) -> Result<Vec<Value>, Value> {
    match said {
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
            Ok(items.into_iter().flat_map(|item| message(item, role)).collect())
        }
        Value::Object(mut members) if members.len() == 1 && members.contains_key("messages") => {
            conversation(members.remove("messages").unwrap_or_default(), role)
        }
        Value::Object(members)
            if ["role", "parts", "content"]
                .iter()
                .any(|key| members.contains_key(*key)) =>
        {
            Ok(message(Value::Object(members), role))
        }
        other => Err(other),
    }
}

/// A message given by its parts alone, as system instructions are.
pub(super) fn from_parts(role: &str, parts: Value) -> Vec<Value> {
    match parsed(parts) {
        Value::Array(parts) => message(json!({ "parts": parts }), role),
        other => message(json!({ "content": other }), role),
    }
}

/// One message; the results of tools it reports become messages of their own.
pub(super) fn message(said: Value, role: &str) -> Vec<Value> {
    let mut message = match sole(said, "message") {
        Value::Object(members) => members,
        other => return vec![json!({"role": role, "content": text(other)})],
    };
    let mut parts = Parts::default();
    if let Some(said) = message.remove("parts") {
        list(said).into_iter().for_each(|part| parts.add(part));
    }
    // OpenInference: `contents.0.message_content.type`.
    if let Some(said) = message.remove("contents") {
        let items = list(said).into_iter().map(|item| sole(item, "message_content"));
        items.for_each(|part| parts.add(part));
    }
    let mut calls: Vec<Value> = message.remove("tool_calls").map(list).unwrap_or_default();
    calls.append(&mut parts.calls);
    if !calls.is_empty() {
        message.insert("tool_calls".into(), calls.into_iter().map(tool_call).collect());
    }
    if let Some(said) = message.remove("content").map(content).or_else(|| parts.content()) {
        message.insert("content".into(), said);
    }
    if !parts.reasoning.is_empty() {
        message
            .entry("reasoning")
            .or_insert_with(|| parts.reasoning.join("\n").into());
    }
    let mut all = parts.responses;
    if all.is_empty() || message.keys().any(|key| key != "role") {
        message.entry("role").or_insert_with(|| role.into());
        all.push(Value::Object(message));
    }
    all
}

/// The parts of a message, sorted.
#[derive(Default)]
struct Parts {
    content: Vec<Value>,
    calls: Vec<Value>,
    responses: Vec<Value>,
    reasoning: Vec<String>,
}

impl Parts {
    fn add(&mut self, part: Value) {
        let Value::Object(mut members) = part else {
            self.content.push(text_part(text(part)));
            return;
        };
        let kind = members
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let mut take = |names: &[&str]| names.iter().find_map(|name| members.remove(*name));
        match kind.as_str() {
            "text" => match take(&["content", "text"]) {
                Some(said) => self.content.push(text_part(text(said))),
                None => self.content.push(Value::Object(members)),
            },
            "reasoning" | "thinking" => match take(&["content", "thinking"]) {
                Some(said) => self.reasoning.push(text(said)),
                None => self.content.push(Value::Object(members)),
            },
            "tool_call" => {
                members.remove("type");
                self.calls.push(Value::Object(members));
            }
            "tool_call_response" => {
                let said = take(&["response", "result"]).unwrap_or_default();
                if let Some(id) = take(&["id"]) {
                    members.insert("tool_call_id".into(), id);
                }
                members.remove("type");
                members.insert("role".into(), "tool".into());
                members.insert("content".into(), text(said).into());
                self.responses.push(Value::Object(members));
            }
            _ => self.content.push(Value::Object(members)),
        }
    }

    fn content(&mut self) -> Option<Value> {
        (!self.content.is_empty()).then(|| content(Value::Array(std::mem::take(&mut self.content))))
    }
}

fn text_part(text: String) -> Value {
    json!({"type": "text", "text": text})
}

/// Content made of texts alone is one text; images and the like keep the list.
fn content(said: Value) -> Value {
    let said = match said {
        // Traceloop writes lists as JSON text.
        Value::String(text) if text.starts_with("[{") => match parse(&text) {
            Some(Value::Array(items)) if items.iter().all(|item| item.get("type").is_some()) => Value::Array(items),
            _ => Value::String(text),
        },
        other => other,
    };
    let Value::Array(items) = &said else { return said };
    let texts: Option<Vec<&str>> = items
        .iter()
        .map(|item| match item.get("type").and_then(Value::as_str) {
            Some("text" | "input_text" | "output_text") => item.get("text").and_then(Value::as_str),
            _ => None,
        })
        .collect();
    match texts {
        Some(texts) if !texts.is_empty() => texts.join("\n").into(),
        _ => said,
    }
}

/// `{id, type, function: {name, arguments}}`, the arguments as JSON text.
fn tool_call(said: Value) -> Value {
    let mut call = match sole(said, "tool_call") {
        Value::Object(members) => members,
        other => return other,
    };
    let mut function = match call.remove("function") {
        Some(Value::Object(members)) => members,
        Some(name @ Value::String(_)) => Map::from_iter([("name".to_owned(), name)]),
        _ => Map::new(),
    };
    for key in ["name", "arguments"] {
        if let Some(said) = call.remove(key) {
            function.entry(key).or_insert(said);
        }
    }
    if let Some(arguments) = function.get_mut("arguments") {
        *arguments = text(arguments.take()).into();
    }
    call.insert("function".into(), function.into());
    call.entry("type").or_insert_with(|| "function".into());
    call.into()
}

/// The items of a list. A list of flat attributes with a gap is an object with numbers as keys.
pub(super) fn list(said: Value) -> Vec<Value> {
    match parsed(said) {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        Value::Object(members) if members.keys().all(|key| key.parse::<u64>().is_ok()) => {
            let mut items: Vec<(u64, Value)> = members
                .into_iter()
                .map(|(key, item)| (key.parse().unwrap_or_default(), item))
                .collect();
            items.sort_by_key(|(index, _)| *index);
            items.into_iter().map(|(_, item)| item).collect()
        }
        other => vec![other],
    }
}

/// The member of an object that has only this one, else the value.
fn sole(said: Value, key: &str) -> Value {
    match said {
        Value::Object(mut members) if members.len() == 1 => match members.remove(key) {
            Some(inner) => inner,
            None => Value::Object(members),
        },
        other => other,
    }
}

/// Text that is a JSON object, list or text becomes that; anything else stays, numbers in texts too.
pub(super) fn parsed(said: Value) -> Value {
    match &said {
        Value::String(text) => parse(text).unwrap_or(said),
        _ => said,
    }
}

fn parse(text: &str) -> Option<Value> {
    let structured = text.trim_start().starts_with(['{', '[', '"']);
    structured.then(|| serde_json::from_str(text).ok()).flatten()
}

fn text(said: Value) -> String {
    match said {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
