//! What the attributes of other libraries say, in HoneyHive's words: OpenTelemetry's GenAI conventions (rig, genai),
//! OpenInference and Traceloop (OpenLLMetry).
//!
//! The exporter adds the translation to each span, and [`Event::from_span`](crate::Event::from_span) reads spans of
//! foreign senders through it. The original attributes stay where they are.

mod messages;
mod names;
mod payload;

use std::collections::HashSet;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use serde_json::Value;

pub(crate) use names::{event_type, is_model, kind_of_work, place, second_place};
use payload::Payload;

use super::nested::json;
use crate::keys;

/// What the conventions add to a span.
#[derive(Debug, Default)]
pub(crate) struct Translation<'a> {
    /// None of them is on the span already.
    pub(crate) attributes: Vec<KeyValue>,
    repeated: HashSet<&'a str>,
}

impl Translation<'_> {
    /// Whether an attribute with HoneyHive's name says what this one says.
    pub(crate) fn repeats(&self, key: &str) -> bool {
        self.repeated.contains(key)
    }
}

/// Translates the attributes and events of a span. What the span says under HoneyHive's own names stands: single
/// facts by key, inputs and outputs as a whole. Nothing is allocated for a span that follows no convention.
pub(crate) fn translate(span: &Span) -> Translation<'_> {
    let mut translation = Translation::default();
    if !span.attributes.iter().any(|pair| names::is_known(&pair.key))
        && !span.events.iter().any(|event| event.name.starts_with(payload::EVENTS))
        && !failed(span)
    {
        return translation;
    }
    if last(&span.attributes, keys::EVENT_TYPE).is_none()
        && let Some(event_type) = event_type(span)
    {
        let text = any_value::Value::StringValue(event_type.as_str().to_owned());
        translation.attributes.push(attribute(keys::EVENT_TYPE, text));
    }
    if last(&span.attributes, keys::ERROR).is_none()
        && let Some(message) = error(span)
    {
        let text = any_value::Value::StringValue(message);
        translation.attributes.push(attribute(keys::ERROR, text));
    }
    for place in [place, second_place] {
        for KeyValue { key, value, .. } in span.attributes.iter().rev() {
            if let (Some((bucket, path)), Some(value)) = (place(key), value) {
                translation.fact(span, format!("{bucket}.{path}"), value.clone(), Some(key));
            }
        }
    }
    translation.invocation_parameters(span);
    if let Some(payload) = Payload::inputs(span) {
        translation.payload(span, keys::INPUTS, payload);
    }
    let outputs = Payload::outputs(span);
    let said_last = outputs.as_ref().and_then(|payload| payload.finish_reason.clone());
    translation.finish_reason(span, said_last);
    if let Some(payload) = outputs {
        translation.payload(span, keys::OUTPUTS, payload);
    }
    translation
}

impl<'a> Translation<'a> {
    /// Adds one fact, unless the span or an earlier fact has the key.
    fn fact(&mut self, span: &'a Span, key: String, value: AnyValue, source: Option<&'a str>) {
        let known = last(&span.attributes, &key).or_else(|| last(&self.attributes, &key));
        if known.is_none_or(|known| *known == value) {
            self.repeated.extend(source);
        }
        if known.is_none() && !has_members(&span.attributes, &key) {
            self.attributes.push(KeyValue {
                key,
                value: Some(value),
                ..KeyValue::default()
            });
        }
    }

    /// Request parameters given as one JSON object.
    fn invocation_parameters(&mut self, span: &'a Span) {
        let key = "llm.invocation_parameters";
        let Some(said) = last(&span.attributes, key) else {
            return;
        };
        let mut flat = Vec::new();
        match messages::parsed(json(Some(said))) {
            Value::Object(parameters) => {
                for (name, value) in parameters {
                    crate::capture::flatten(format!("{}.{name}", keys::CONFIG), value, &mut flat);
                }
                self.repeated.insert(key);
            }
            other => crate::capture::flatten(format!("{}.invocation_parameters", keys::CONFIG), other, &mut flat),
        }
        for pair in flat {
            self.fact(span, pair.key.into(), pair.value.into(), None);
        }
    }

    /// The first finish reason, of the response or of its messages.
    fn finish_reason(&mut self, span: &'a Span, of_message: Option<String>) {
        let key = format!("{}.finish_reason", keys::METADATA);
        let of_response = names::FINISH_REASONS.iter().find_map(|source| {
            let reasons = messages::list(json(Some(last(&span.attributes, source)?)));
            let first = reasons.first()?.as_str()?.to_owned();
            Some((first, (reasons.len() == 1).then_some(*source)))
        });
        if let Some((reason, source)) = of_response.or_else(|| Some((of_message?, None))) {
            let text = any_value::Value::StringValue(reason);
            self.fact(span, key, AnyValue { value: Some(text) }, source);
        }
    }

    /// Adds inputs or outputs, unless the span has its own.
    fn payload(&mut self, span: &'a Span, bucket: &str, payload: Payload<'a>) {
        let own = last(&span.attributes, bucket).is_some() || has_members(&span.attributes, bucket);
        // A span that was translated before it was sent has all of them.
        if !own || payload.attributes.iter().all(|pair| span.attributes.contains(pair)) {
            self.repeated.extend(payload.sources);
        }
        if !own {
            self.attributes.extend(payload.attributes);
        }
    }
}

fn failed(span: &Span) -> bool {
    span.status
        .as_ref()
        .is_some_and(|status| status.code() == StatusCode::Error)
}

/// The error message of a span: the attribute, else the status, else the recorded exception, else an HTTP status of
/// 400 or more, else the type of error the conventions have an attribute for, else the error logged last.
pub(crate) fn error(span: &Span) -> Option<String> {
    let own = |key| text(last(&span.attributes, key)).map(str::to_owned);
    if let Some(message) = own(keys::ERROR) {
        return Some(message);
    }
    let of_status = span.status.as_ref().filter(|_| failed(span));
    if let Some(status) = of_status.filter(|status| !status.message.is_empty()) {
        return Some(status.message.clone());
    }
    let code = |key| json(last(&span.attributes, key)).as_i64();
    let of_http = || {
        code("http.response.status_code")
            .or_else(|| code("http.status_code"))
            .filter(|code| *code >= 400)
            .map(|code| format!("HTTP {code}"))
    };
    of_status
        .and_then(|_| exception(span))
        .or_else(of_http)
        .or_else(|| own("gen_ai.tool.error.type"))
        .or_else(|| own("error.type"))
        .or_else(|| of_status.and_then(|_| logged(span)))
        .or_else(|| of_status.map(|_| "error".to_owned()))
}

/// `Type: message` of the exception recorded last.
fn exception(span: &Span) -> Option<String> {
    let event = span.events.iter().rev().find(|event| event.name == "exception")?;
    let parts = ["exception.type", "exception.message"].map(|key| text(last(&event.attributes, key)));
    match parts {
        [Some(kind), Some(message)] => Some(format!("{kind}: {message}")),
        [kind, message] => kind.or(message).map(str::to_owned),
    }
}

/// What was logged last as an error: an event of the `tracing` crate inside a span makes the span fail, without a word.
fn logged(span: &Span) -> Option<String> {
    let is_error = |pairs: &[KeyValue]| text(last(pairs, "level")) == Some("ERROR");
    let event = span.events.iter().rev().find(|event| is_error(&event.attributes))?;
    Some(event.name.clone())
}

pub(crate) fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// The value of a key; of a repeated key the one set last.
pub(crate) fn last<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a AnyValue> {
    attributes.iter().rev().find(|pair| pair.key == key)?.value.as_ref()
}

/// The text of a value; an empty one counts as absent.
pub(crate) fn text(value: Option<&AnyValue>) -> Option<&str> {
    match value?.value.as_ref()? {
        any_value::Value::StringValue(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// Whether there are attributes below a key.
fn has_members(attributes: &[KeyValue], key: &str) -> bool {
    attributes
        .iter()
        .any(|pair| pair.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
}

#[cfg(test)]
mod tests;
