//! What this SDK sends to a server that is content with everything, in normal form.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use honeyhive_tests::scripted::{Arrived, ScriptedServer, ok};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1 as otlp;
use prost::Message;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::capture::{Capture, EXPORT, HEADERS};
use crate::normal::{self, Normal, Request, session_label};

/// A text longer than this is written as its length and digest, as in the captures.
const LONG: usize = 2_000;

/// A server as the captures were made against: a run gets the id it asks for, and what is read is what was read then.
pub(crate) fn server(capture: &Capture) -> ScriptedServer {
    let answers = capture.answers.clone();
    ScriptedServer::start(move |before, request| match request.line.as_str() {
        "POST /v1/runs" => same_run(request),
        line => match answers.get(line).and_then(|answers| answers.get(before)) {
            Some((status, body)) => (*status, axum::Json(body.clone())).into_response(),
            // Python asks for them one by one.
            None if line == "GET /v1/datapoints" => axum::Json(managed_datapoints()).into_response(),
            None => ok(),
        },
    })
}

fn same_run(request: &Arrived) -> Response {
    axum::Json(json!({ "run_id": request.json()["run_id"] })).into_response()
}

/// The datapoints of the dataset of s10.
fn managed_datapoints() -> Value {
    let datapoint = |n: u32| {
        let truth = (n < 3).then(|| json!({"answer": format!("managed answer {n}")}));
        json!({
            "id": format!("dp-000{n}"),
            "inputs": {"question": format!("managed question {n}"), "n": n},
            "ground_truth": truth,
            "metadata": {"origin": "recorder"},
        })
    };
    // In another order than the dataset's.
    let datapoints = [3, 1, 2].map(datapoint);
    json!({"datapoints": datapoints})
}

/// What arrived, with the ids the program did not choose named as in the capture.
pub(crate) fn normal(server: &ScriptedServer, capture: &Capture) -> Normal {
    let mut normal = Normal::default();
    for request in server.everything() {
        let headers = headers(&request);
        if request.line == EXPORT {
            normal.spans.extend(normal::spans(&export(&request), &headers));
            continue;
        }
        let (method, path) = request.line.split_once(' ').unwrap_or_default();
        let mut body = if request.body.is_empty() {
            Value::Null
        } else {
            request.json()
        };
        if let Some(at) = body.pointer_mut("/session/start_time") {
            assert!(
                at.as_f64().is_some_and(|ms| ms > 1.7e12),
                "milliseconds since 1970: {at}"
            );
            *at = "<time>".into();
        }
        normal::hide_commit(&mut body);
        normal.requests.push(Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query(&request.query.unwrap_or_default()),
            headers,
            body,
            answer: None,
        });
    }
    normal::rename(&mut normal, &BTreeMap::from([(program(), "<program>".to_owned())]));
    let ids = ids(&normal, capture);
    normal::rename(&mut normal, &ids);
    for span in &mut normal.spans {
        for value in span.attributes.values_mut().chain(span.resource.values_mut()) {
            place_holder(value);
        }
        if let Some(duration) = span.attributes.get_mut("honeyhive_duration_ms")
            && duration["doubleValue"].as_f64().is_some_and(|ms| ms >= 0.0)
        {
            *duration = json!({ "doubleValue": "<duration>" });
        }
        if span.resource.contains_key("telemetry.sdk.version") {
            span.resource
                .insert("telemetry.sdk.version".to_owned(), normal::string("<version>"));
        }
    }
    normal
}

/// A query as the captures have it: names in order, with all their values.
fn query(text: &str) -> String {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let address = reqwest::Url::parse(&format!("http://server/?{text}")).expect("a query");
    for (name, value) in address.query_pairs() {
        values.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    let pairs = values
        .into_iter()
        .map(|(name, values)| format!("{name}={}", values.join(",")));
    pairs.collect::<Vec<_>>().join("&")
}

/// The program's file name, the default name of a session and a service.
fn program() -> String {
    let path = std::env::current_exe().expect("the path of this program");
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn ids(normal: &Normal, capture: &Capture) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for request in &normal.requests {
        let id = |value: &Value| {
            value
                .as_str()
                .filter(|id| !capture.text.contains(*id))
                .map(str::to_owned)
        };
        if let Some(session) = request.session()
            && let Some(id) = id(&session["session_id"])
        {
            names.insert(id, session_label(session));
        }
        if request.is("POST /v1/runs")
            && let Some(id) = id(&request.body["run_id"])
        {
            names.insert(
                id,
                format!(
                    "<run-{}>",
                    names.values().filter(|name| name.starts_with("<run")).count() + 1
                ),
            );
        }
    }
    names
}

fn place_holder(value: &mut Value) {
    let Some(text) = value["stringValue"].as_str() else {
        return;
    };
    if text == program() {
        *value = normal::string("<program>");
    } else if text.len() > LONG {
        let digest = Sha256::digest(text.as_bytes());
        let mut hex = String::new();
        for byte in &digest[..8] {
            let _ = write!(hex, "{byte:02x}");
        }
        *value = normal::string(&format!("<string len={} sha256={hex}>", text.chars().count()));
    }
}

fn headers(request: &Arrived) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for name in HEADERS.into_iter().chain(["authorization"]) {
        let Some(value) = request.headers.get(name) else {
            continue;
        };
        let value = value.to_str().expect("a printable header");
        let value = match name {
            "hh-client-timestamp" => {
                assert!(
                    value.parse::<u128>().is_ok_and(|ns| ns > 1_700_000_000_000_000_000),
                    "nanoseconds: {value}"
                );
                "<time>"
            }
            _ => value,
        };
        headers.insert(name.to_owned(), value.to_owned());
    }
    headers
}

/// The body of an export as OTLP/JSON whose attributes are maps, from either encoding.
fn export(request: &Arrived) -> Value {
    if request.headers["content-type"] == "application/json" {
        let mut body = request.json();
        normal::note_shapes(&mut body);
        map_attributes(&mut body);
        return body;
    }
    let export = ExportTraceServiceRequest::decode(request.body.clone()).expect("an export");
    let resources = export.resource_spans.iter().map(|resource_spans| {
        let resource = resource_spans
            .resource
            .as_ref()
            .map_or(&[][..], |resource| &resource.attributes);
        let scopes = resource_spans.scope_spans.iter().map(|scope_spans| {
            let scope = scope_spans.scope.clone().unwrap_or_default();
            json!({
                "scope": {"name": scope.name, "version": scope.version},
                "spans": scope_spans.spans.iter().map(span).collect::<Vec<_>>(),
            })
        });
        json!({"resource": {"attributes": attributes(resource)}, "scopeSpans": scopes.collect::<Vec<_>>()})
    });
    json!({ "resourceSpans": resources.collect::<Vec<_>>() })
}

fn span(span: &otlp::Span) -> Value {
    let status = span.status.clone().unwrap_or_default();
    json!({
        "traceId": hex(&span.trace_id),
        "spanId": hex(&span.span_id),
        "parentSpanId": hex(&span.parent_span_id),
        "name": span.name,
        "kind": span.kind().as_str_name(),
        "attributes": attributes(&span.attributes),
        "events": span.events.iter().map(|event| json!({
            "name": event.name, "attributes": attributes(&event.attributes),
        })).collect::<Vec<_>>(),
        "status": {"code": status.code().as_str_name(), "message": status.message},
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attributes(list: &[KeyValue]) -> Value {
    let mut map = Map::new();
    for attribute in list {
        let value = attribute.value.as_ref().map_or(Value::Null, any_value);
        let before = map.insert(attribute.key.clone(), value);
        assert_eq!(before, None, "{} is there twice", attribute.key);
    }
    Value::Object(map)
}

fn any_value(value: &AnyValue) -> Value {
    match &value.value {
        Some(any_value::Value::StringValue(text)) => json!({ "stringValue": text }),
        Some(any_value::Value::BoolValue(flag)) => json!({ "boolValue": flag }),
        Some(any_value::Value::IntValue(integer)) => json!({ "intValue": integer.to_string() }),
        Some(any_value::Value::DoubleValue(double)) if double.is_finite() => json!({ "doubleValue": double }),
        Some(any_value::Value::DoubleValue(double)) => json!({ "doubleValue": double.to_string() }),
        Some(any_value::Value::ArrayValue(array)) => {
            json!({ "arrayValue": {"values": array.values.iter().map(any_value).collect::<Vec<_>>()} })
        }
        other => json!({ "other": format!("{other:?}") }),
    }
}

/// Turns the lists of attributes of OTLP/JSON into maps, and numbers of kinds and codes into their names.
fn map_attributes(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(map_attributes),
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), &*member) {
                    ("attributes", Value::Array(list)) => {
                        let mut map = Map::new();
                        for attribute in list {
                            let key = attribute["key"].as_str().unwrap_or_default().to_owned();
                            assert_eq!(
                                map.insert(key.clone(), attribute["value"].clone()),
                                None,
                                "{key} is there twice"
                            );
                        }
                        *member = Value::Object(map);
                    }
                    ("kind", Value::Number(kind)) => {
                        *member = name_of(kind, otlp::span::SpanKind::try_from, |k| k.as_str_name());
                    }
                    ("code", Value::Number(code)) => {
                        *member = name_of(code, otlp::status::StatusCode::try_from, |c| c.as_str_name());
                    }
                    _ => map_attributes(member),
                }
            }
        }
        _ => {}
    }
}

fn name_of<T, E>(number: &serde_json::Number, from: fn(i32) -> Result<T, E>, name: fn(&T) -> &'static str) -> Value {
    let number = number.as_i64().and_then(|number| i32::try_from(number).ok());
    number
        .and_then(|number| from(number).ok())
        .map_or(Value::Null, |known| name(&known).into())
}
