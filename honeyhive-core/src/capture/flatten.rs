//! Nested values as attributes: `{"a": {"b": [1]}}` under `honeyhive_outputs` is `honeyhive_outputs.a.b.0 = 1`.

use opentelemetry::KeyValue;
use serde_json::Value;

use super::cut_text;

/// Elements of an array written one by one; a longer array is one JSON text, so that an embedding is one attribute.
const ARRAY_LIMIT: usize = 64;

/// Leaves of one value written one by one; a value with more is one JSON text, so that none is dropped by a limit.
const LEAF_LIMIT: usize = 1_024;

/// Writes `value` under `key`: objects and arrays recurse, `null` and empty containers write nothing.
pub(crate) fn flatten(key: String, value: Value, attributes: &mut Vec<KeyValue>) {
    if leaves(&value) > LEAF_LIMIT {
        attributes.push(KeyValue::new(key, cut_text(&value.to_string())));
    } else {
        write(key, value, attributes);
    }
}

fn leaves(value: &Value) -> usize {
    match value {
        Value::Array(items) if items.len() <= ARRAY_LIMIT => items.iter().map(leaves).sum(),
        Value::Object(members) => members.values().map(leaves).sum(),
        _ => 1,
    }
}

fn write(key: String, value: Value, attributes: &mut Vec<KeyValue>) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => attributes.push(KeyValue::new(key, flag)),
        Value::Number(number) => attributes.push(match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => KeyValue::new(key, integer),
            (None, Some(double)) if !number.is_u64() => KeyValue::new(key, double),
            // Beyond 64 bits signed the digits stay as text.
            _ => KeyValue::new(key, number.to_string()),
        }),
        Value::String(text) if text.len() <= super::limit::TEXT_LIMIT => attributes.push(KeyValue::new(key, text)),
        Value::String(text) => attributes.push(KeyValue::new(key, cut_text(&text))),
        Value::Array(items) if items.len() > ARRAY_LIMIT => {
            attributes.push(KeyValue::new(key, cut_text(&Value::Array(items).to_string())));
        }
        Value::Array(items) => {
            for (index, item) in items.into_iter().enumerate() {
                write(format!("{key}.{index}"), item, attributes);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                write(format!("{key}.{name}"), member, attributes);
            }
        }
    }
}
