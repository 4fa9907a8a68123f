//! Roughly what waits in the queue occupies, in bytes.

use opentelemetry::trace::{Event, Link, Status};
use opentelemetry::{Array, KeyValue, Value as AttributeValue};
use opentelemetry_sdk::trace::SpanData;
use serde_json::{Map, Value};

use super::queue::FinishedSpan;

/// What a JSON object occupies.
pub(super) fn object_size(members: &Map<String, Value>) -> usize {
    members
        .iter()
        .map(|(key, member)| 32 + key.len() + value_size(member))
        .sum()
}

fn value_size(value: &Value) -> usize {
    32 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(value_size).sum(),
        Value::Object(members) => object_size(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// What a span occupies: the room its lists have taken, used or not, and its texts.
pub(super) fn span_size(data: &SpanData) -> usize {
    let status = match &data.status {
        Status::Error { description } => description.len(),
        Status::Unset | Status::Ok => 0,
    };
    let events: usize = data
        .events
        .iter()
        .map(|event| event.name.len() + attributes_size(&event.attributes))
        .sum();
    let links: usize = data.links.iter().map(|link| attributes_size(&link.attributes)).sum();
    size_of::<FinishedSpan>()
        + data.name.len()
        + status
        + attributes_size(&data.attributes)
        + data.events.len() * size_of::<Event>()
        + events
        + data.links.len() * size_of::<Link>()
        + links
}

fn attributes_size(attributes: &Vec<KeyValue>) -> usize {
    let texts: usize = attributes
        .iter()
        .map(|attribute| attribute.key.as_str().len() + attribute_size(&attribute.value))
        .sum();
    attributes.capacity() * size_of::<KeyValue>() + texts
}

fn attribute_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::String(text) => text.as_str().len(),
        AttributeValue::Array(Array::String(texts)) => texts.iter().map(|text| 24 + text.as_str().len()).sum(),
        AttributeValue::Array(Array::I64(numbers)) => 8 * numbers.len(),
        AttributeValue::Array(Array::F64(numbers)) => 8 * numbers.len(),
        AttributeValue::Array(Array::Bool(flags)) => flags.len(),
        _ => 0,
    }
}
