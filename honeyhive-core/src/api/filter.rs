//! What chooses events: conditions on their fields, and a range of time.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A condition on one field of an event, such as `metadata.run_id`.
///
/// # Examples
///
/// ```
/// use honeyhive_core::api::Filter;
///
/// let slow = Filter::greater_than("duration", 1_000);
/// assert_eq!(
///     serde_json::to_string(&slow)?,
///     r#"{"field":"duration","operator":"greater than","value":1000,"type":"number"}"#,
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Filter {
    /// The field; a dot leads into an object.
    pub field: String,
    /// `is`, `contains`, `greater than`, …
    pub operator: String,
    /// What the field is compared with.
    pub value: Value,
    /// How it is compared: `string`, `number`, `boolean` or `datetime`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl Filter {
    /// Any condition: `kind` is `string`, `number`, `boolean` or `datetime`.
    #[must_use]
    pub fn new(
        field: impl Into<String>,
        operator: impl Into<String>,
        value: impl Into<Value>,
        kind: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            operator: operator.into(),
            value: value.into(),
            kind: kind.into(),
        }
    }

    /// The field is this text, number or truth value.
    #[must_use]
    pub fn is(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::of(field, "is", value)
    }

    /// The field is anything but this.
    #[must_use]
    pub fn is_not(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::of(field, "is not", value)
    }

    /// The field has this text in it.
    #[must_use]
    pub fn contains(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self::of(field, "contains", text.into())
    }

    /// The field is a greater number.
    #[must_use]
    pub fn greater_than(field: impl Into<String>, number: impl Into<Value>) -> Self {
        Self::of(field, "greater than", number)
    }

    /// The field is a smaller number.
    #[must_use]
    pub fn less_than(field: impl Into<String>, number: impl Into<Value>) -> Self {
        Self::of(field, "less than", number)
    }

    /// The field is there.
    #[must_use]
    pub fn exists(field: impl Into<String>) -> Self {
        Self::of(field, "exists", "")
    }

    /// The field is a later time than this: milliseconds since 1970, or RFC 3339.
    #[must_use]
    pub fn after(field: impl Into<String>, time: impl Into<Value>) -> Self {
        Self::new(field, "after", time, "datetime")
    }

    /// The field is an earlier time than this: milliseconds since 1970, or RFC 3339.
    #[must_use]
    pub fn before(field: impl Into<String>, time: impl Into<Value>) -> Self {
        Self::new(field, "before", time, "datetime")
    }

    fn of(field: impl Into<String>, operator: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let kind = match value {
            Value::Number(_) => "number",
            Value::Bool(_) => "boolean",
            _ => "string",
        };
        Self::new(field, operator, value, kind)
    }
}

/// A range of time, both ends included: RFC 3339 text, or milliseconds since 1970. An end that is missing is open.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DateRange {
    /// From this time on.
    #[serde(rename = "$gte", skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// Up to this time.
    #[serde(rename = "$lte", skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

/// How the values of a metric become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Aggregate {
    /// The mean. The default.
    #[default]
    Average,
    /// The smallest.
    Min,
    /// The greatest.
    Max,
    /// The middle one.
    Median,
    /// The 90th percentile.
    P90,
    /// The 95th percentile.
    P95,
    /// The 99th percentile.
    P99,
    /// All together.
    Sum,
    /// How many there are.
    Count,
}
