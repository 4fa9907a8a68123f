//! Filters on events: one condition on one field, compared as its type says.

use std::cmp::Ordering;

use honeyhive_core::event::Event;
use serde_json::Value;

use super::fields::{Fields, bad};
use super::ids::canonical;
use super::time::{self, millis};
use crate::error::ApiError;

/// One condition on one field of an event.
#[derive(Debug)]
pub(super) struct Filter {
    field: String,
    operator: Operator,
    wanted: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Is,
    IsNot,
    Contains,
    NotContains,
    Exists,
    NotExists,
    Greater,
    Less,
}

/// The value of a filter, in the type it is compared as.
#[derive(Debug)]
enum Wanted {
    Text(String),
    Number(f64),
    Flag(bool),
    Millis(f64),
}

impl Filter {
    pub(super) fn read(mut fields: Fields) -> Result<Self, ApiError> {
        const NAMES: [&str; 10] = [
            "is",
            "is not",
            "contains",
            "not contains",
            "exists",
            "not exists",
            "greater than",
            "less than",
            "after",
            "before",
        ];
        const EXPECTED: &str = "is, is not, contains, not contains, exists, not exists, greater than, less than, \
                                after or before";
        const TYPES: &str = "string, number, boolean or datetime";
        let field = fields.name("field")?;
        let field = fields.required("field", "a field such as \"metadata.run_id\"", field)?;
        let operator = fields.one_of("operator", EXPECTED, &NAMES)?;
        let name = fields.required("operator", EXPECTED, operator)?;
        let operator = match name.as_str() {
            "is not" => Operator::IsNot,
            "contains" => Operator::Contains,
            "not contains" => Operator::NotContains,
            "exists" => Operator::Exists,
            "not exists" => Operator::NotExists,
            "greater than" | "after" => Operator::Greater,
            "less than" | "before" => Operator::Less,
            _ => Operator::Is,
        };
        let kind = fields.one_of("type", TYPES, &["string", "number", "boolean", "datetime"])?;
        let value = fields.any("value").unwrap_or_default();
        let wanted = match operator {
            Operator::Exists | Operator::NotExists => Wanted::Text(String::new()),
            // These are of times, whatever type a client thinks they have.
            _ if matches!(name.as_str(), "after" | "before") => Wanted::read("datetime", value, &fields)?,
            Operator::Contains | Operator::NotContains if kind.is_none() => Wanted::read("string", value, &fields)?,
            _ => {
                let guessed = || Wanted::guess(&value, operator);
                let kind = kind.as_deref().unwrap_or_else(guessed);
                Wanted::read(kind, value, &fields)?
            }
        };
        let wanted = match wanted {
            Wanted::Text(id) if matches!(field.as_str(), "event_id" | "session_id" | "parent_id") => {
                Wanted::Text(canonical(id))
            }
            other => other,
        };
        Ok(Self {
            field,
            operator,
            wanted,
        })
    }

    /// The text this field must be.
    pub(super) fn exact(&self, field: &str) -> Option<&str> {
        match &self.wanted {
            Wanted::Text(text) if self.field == field && self.operator == Operator::Is => Some(text),
            _ => None,
        }
    }

    pub(super) fn accepts(&self, event: &Event) -> bool {
        let found = look_up(event, &self.field);
        let found = found.as_ref().filter(|value| !value.is_null());
        let compared = |wanted: Ordering| found.is_some_and(|found| self.wanted.compare(found) == Some(wanted));
        match self.operator {
            Operator::Exists => found.is_some(),
            Operator::NotExists => found.is_none(),
            Operator::Is => compared(Ordering::Equal),
            Operator::IsNot => !compared(Ordering::Equal),
            Operator::Contains => found.is_some_and(|found| self.wanted.is_in(found)),
            Operator::NotContains => !found.is_some_and(|found| self.wanted.is_in(found)),
            Operator::Greater => compared(Ordering::Greater),
            Operator::Less => compared(Ordering::Less),
        }
    }
}

impl Wanted {
    /// The type of a value that names none. Only a comparison of sizes takes text for the number it spells.
    fn guess(value: &Value, operator: Operator) -> &'static str {
        let sizes = matches!(operator, Operator::Greater | Operator::Less);
        match value {
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            other if sizes && number(other).is_some() => "number",
            _ => "string",
        }
    }

    fn read(kind: &str, value: Value, fields: &Fields) -> Result<Self, ApiError> {
        let (wanted, expected) = match kind {
            "number" => (
                number(&value).map(Self::Number).or_else(|| non_finite(&value)),
                "a number",
            ),
            "boolean" => (flag(&value).map(Self::Flag), "true or false"),
            "datetime" => (millis(&value).map(Self::Millis), time::EXPECTED),
            _ => (plain(&value).map(Self::Text), "a string, a number or a boolean"),
        };
        wanted.ok_or_else(|| bad(&fields.place("value"), expected, &value))
    }

    /// How the value found compares to this one; `None` when it is of another type.
    fn compare(&self, found: &Value) -> Option<Ordering> {
        match self {
            Self::Text(wanted) => Some(shown(found).cmp(wanted)),
            Self::Number(wanted) => number(found)?.partial_cmp(wanted),
            Self::Flag(wanted) => Some(flag(found)?.cmp(wanted)),
            Self::Millis(wanted) => millis(found)?.partial_cmp(wanted),
        }
    }

    fn is_in(&self, found: &Value) -> bool {
        match (found, self) {
            (Value::Array(items), _) => items.iter().any(|item| self.compare(item) == Some(Ordering::Equal)),
            (other, Self::Text(wanted)) => shown(other).contains(wanted.as_str()),
            (other, _) => self.compare(other) == Some(Ordering::Equal),
        }
    }
}

/// The value at a dotted path: a field of the event, or an object of it and keys or indexes inside.
fn look_up(event: &Event, path: &str) -> Option<Value> {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    let bucket = match head {
        "event_id" => return Some(event.event_id.as_str().into()),
        "session_id" => return Some(event.session_id.as_str().into()),
        "parent_id" => return event.parent_id.as_deref().map(Value::from),
        "event_type" => return Some(event.event_type.as_str().into()),
        "event_name" => return Some(event.event_name.as_str().into()),
        "project" => return event.project.as_deref().map(Value::from),
        "source" => return Some(event.source.as_str().into()),
        "error" => return event.error.as_deref().map(Value::from),
        "start_time" => return Some(event.start_time.into()),
        "end_time" => return Some(event.end_time.into()),
        "duration" => return Some(event.duration.into()),
        "inputs" => &event.inputs,
        "outputs" => &event.outputs,
        "config" => &event.config,
        "metadata" => &event.metadata,
        "metrics" => &event.metrics,
        "feedback" => &event.feedback,
        "user_properties" => &event.user_properties,
        _ => return None,
    };
    if rest.is_empty() {
        // Every event has the objects; one exists when something is in it.
        return (!bucket.is_empty()).then(|| Value::Object(bucket.clone()));
    }
    if let Some(dotted) = bucket.get(rest) {
        return Some(dotted.clone());
    }
    let mut keys = rest.split('.');
    let first = bucket.get(keys.next()?)?;
    let found = keys.try_fold(first, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    })?;
    Some(found.clone())
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    number.filter(|number| number.is_finite())
}

/// Numbers JSON cannot hold are stored as text, so they are looked for as text.
fn non_finite(value: &Value) -> Option<Wanted> {
    let text = value.as_str()?;
    text.parse::<f64>().is_ok().then(|| Wanted::Text(text.to_owned()))
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_bool(),
    }
}

/// A scalar as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    plain(value).unwrap_or_else(|| value.to_string())
}
