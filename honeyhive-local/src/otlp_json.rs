//! OTLP in JSON, as the standard writes it and as the Python SDK does: identifiers in hexadecimal, numbers as numbers
//! or text, enumerations as numbers or names, `null` for what is absent.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span, status::StatusCode};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::error::ApiError;
use crate::surrogates;

/// Reads a request. What it cannot read it refuses with the place in the body.
pub(crate) fn read(body: &[u8]) -> Result<ExportTraceServiceRequest, ApiError> {
    let request = surrogates::tolerant(body, parse).map_err(|reason| ApiError::BadBody {
        expected: "an OTLP trace export request in JSON",
        reason,
    })?;
    Ok(ExportTraceServiceRequest {
        resource_spans: request.resource_spans.into_iter().map(Into::into).collect(),
    })
}

fn parse(body: &[u8]) -> Result<JsonRequest, String> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let request =
        serde_path_to_error::deserialize(&mut json).map_err(|error| format!("{}: {}", error.path(), error.inner()))?;
    json.end().map_err(|error| error.to_string())?;
    Ok(request)
}

struct JsonRequest {
    resource_spans: Vec<JsonResourceSpans>,
}

impl<'de> Deserialize<'de> for JsonRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RequestVisitor)
    }
}

/// Reads an object with resource spans, or an empty one, which is a request without spans.
struct RequestVisitor;

impl<'de> Visitor<'de> for RequestVisitor {
    type Value = JsonRequest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with resourceSpans")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonRequest, A::Error> {
        let mut resource_spans: Option<Vec<JsonResourceSpans>> = None;
        let mut others = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "resourceSpans" {
                resource_spans = Some(map.next_value::<Option<_>>()?.unwrap_or_default());
            } else {
                others = true;
                map.next_value::<IgnoredAny>()?;
            }
        }
        if resource_spans.is_none() && others {
            return Err(serde::de::Error::missing_field("resourceSpans"));
        }
        Ok(JsonRequest {
            resource_spans: resource_spans.unwrap_or_default(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonResourceSpans {
    resource: Option<JsonAttributes>,
    #[serde(default, deserialize_with = "nullable")]
    scope_spans: Vec<JsonScopeSpans>,
}

#[derive(Deserialize)]
struct JsonAttributes {
    #[serde(default, deserialize_with = "nullable")]
    attributes: Vec<JsonKeyValue>,
}

#[derive(Deserialize)]
struct JsonScopeSpans {
    scope: Option<JsonScope>,
    #[serde(default, deserialize_with = "nullable")]
    spans: Vec<JsonSpan>,
}

#[derive(Deserialize)]
struct JsonScope {
    #[serde(default, deserialize_with = "nullable")]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonSpan {
    #[serde(default, deserialize_with = "nullable")]
    trace_id: HexId,
    #[serde(default, deserialize_with = "nullable")]
    span_id: HexId,
    #[serde(default, deserialize_with = "nullable")]
    parent_span_id: HexId,
    #[serde(default, deserialize_with = "nullable")]
    name: String,
    #[serde(default, deserialize_with = "unsigned")]
    start_time_unix_nano: u64,
    #[serde(default, deserialize_with = "unsigned")]
    end_time_unix_nano: u64,
    #[serde(default, deserialize_with = "nullable")]
    attributes: Vec<JsonKeyValue>,
    #[serde(default, deserialize_with = "nullable")]
    events: Vec<JsonSpanEvent>,
    status: Option<JsonStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonSpanEvent {
    #[serde(default, deserialize_with = "unsigned")]
    time_unix_nano: u64,
    #[serde(default, deserialize_with = "nullable")]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    attributes: Vec<JsonKeyValue>,
}

#[derive(Deserialize)]
struct JsonStatus {
    #[serde(default)]
    code: Value,
    #[serde(default, deserialize_with = "nullable")]
    message: String,
}

#[derive(Deserialize)]
struct JsonKeyValue {
    key: String,
    #[serde(default, deserialize_with = "nullable")]
    value: JsonValue,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonValue {
    string_value: Option<String>,
    bool_value: Option<bool>,
    int_value: Option<Value>,
    double_value: Option<Value>,
    bytes_value: Option<String>,
    array_value: Option<JsonArray>,
    kvlist_value: Option<JsonList>,
}

#[derive(Deserialize)]
struct JsonArray {
    #[serde(default, deserialize_with = "nullable")]
    values: Vec<JsonValue>,
}

#[derive(Deserialize)]
struct JsonList {
    #[serde(default, deserialize_with = "nullable")]
    values: Vec<JsonKeyValue>,
}

/// Bytes from hexadecimal text. Other text becomes bytes of no valid length, so that the span alone is refused.
#[derive(Default)]
struct HexId(Vec<u8>);

impl<'de> Deserialize<'de> for HexId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        Ok(Self(match digits {
            Some(digits) if digits.len().is_multiple_of(2) => {
                digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
            }
            _ => vec![0],
        }))
    }
}

fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn unsigned<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = match Value::deserialize(deserializer)? {
        Value::Null => Some(0),
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    number.ok_or_else(|| serde::de::Error::custom("expected an unsigned integer, as a number or as text"))
}

impl From<JsonResourceSpans> for ResourceSpans {
    fn from(json: JsonResourceSpans) -> Self {
        Self {
            resource: json.resource.map(|resource| Resource {
                attributes: pairs(resource.attributes),
                ..Resource::default()
            }),
            scope_spans: json.scope_spans.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }
}

impl From<JsonScopeSpans> for ScopeSpans {
    fn from(json: JsonScopeSpans) -> Self {
        Self {
            scope: json.scope.map(|scope| InstrumentationScope {
                name: scope.name,
                version: scope.version,
                ..InstrumentationScope::default()
            }),
            spans: json.spans.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }
}

impl From<JsonSpan> for Span {
    fn from(json: JsonSpan) -> Self {
        Self {
            trace_id: json.trace_id.0,
            span_id: json.span_id.0,
            parent_span_id: json.parent_span_id.0,
            name: json.name,
            start_time_unix_nano: json.start_time_unix_nano,
            end_time_unix_nano: json.end_time_unix_nano,
            attributes: pairs(json.attributes),
            events: json
                .events
                .into_iter()
                .map(|event| span::Event {
                    time_unix_nano: event.time_unix_nano,
                    name: event.name,
                    attributes: pairs(event.attributes),
                    ..span::Event::default()
                })
                .collect(),
            status: json.status.map(|status| Status {
                code: status_code(&status.code).into(),
                message: status.message,
            }),
            ..Self::default()
        }
    }
}

fn status_code(code: &Value) -> StatusCode {
    match code {
        Value::String(name) => StatusCode::from_str_name(name).unwrap_or_default(),
        other => other
            .as_i64()
            .and_then(|number| i32::try_from(number).ok())
            .and_then(|number| StatusCode::try_from(number).ok())
            .unwrap_or_default(),
    }
}

fn pairs(json: Vec<JsonKeyValue>) -> Vec<KeyValue> {
    json.into_iter()
        .map(|JsonKeyValue { key, value }| KeyValue {
            key,
            value: Some(value.into()),
            ..KeyValue::default()
        })
        .collect()
}

impl From<JsonValue> for AnyValue {
    fn from(json: JsonValue) -> Self {
        use any_value::Value as Any;
        let text = json.string_value.map(Any::StringValue);
        let value = text
            .or_else(|| json.bool_value.map(Any::BoolValue))
            .or_else(|| json.int_value.map(integer))
            .or_else(|| json.double_value.map(double))
            .or_else(|| json.bytes_value.map(bytes))
            .or_else(|| {
                json.array_value.map(|array| {
                    Any::ArrayValue(ArrayValue {
                        values: array.values.into_iter().map(Into::into).collect(),
                    })
                })
            })
            .or_else(|| {
                json.kvlist_value.map(|list| {
                    Any::KvlistValue(KeyValueList {
                        values: pairs(list.values),
                    })
                })
            });
        Self { value }
    }
}

/// A number too large for 64 bits, which Python sends, stays text.
fn integer(json: Value) -> any_value::Value {
    let parsed = match &json {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    };
    parsed.map_or_else(
        || any_value::Value::StringValue(plain(json)),
        any_value::Value::IntValue,
    )
}

/// JSON has no NaN or infinity; the standard spells them as text, in the words Rust parses.
fn double(json: Value) -> any_value::Value {
    let parsed = match &json {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    };
    parsed.map_or_else(
        || any_value::Value::StringValue(plain(json)),
        any_value::Value::DoubleValue,
    )
}

fn bytes(text: String) -> any_value::Value {
    STANDARD
        .decode(&text)
        .map_or(any_value::Value::StringValue(text), any_value::Value::BytesValue)
}

fn plain(json: Value) -> String {
    match json {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
