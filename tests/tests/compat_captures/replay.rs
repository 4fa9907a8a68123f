//! Sends the embedded backend what the Python SDK sent when the capture was made.

use std::collections::BTreeMap;

use honeyhive_tests::KEY;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span, status};
use prost::Message;
use serde_json::Value;

pub(crate) async fn play(capture: &str, url: &str) {
    let path = format!("{}/captures/{capture}.json", env!("CARGO_MANIFEST_DIR"));
    let capture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    // Ids the server chose then, and what it chooses now.
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for request in capture["requests"].as_array().unwrap() {
        let with_ids = |text: &str| {
            ids.iter()
                .fold(text.to_owned(), |text, (then, now)| text.replace(then, now))
        };
        let body: Value = serde_json::from_str(&with_ids(&request["body"].to_string())).unwrap();
        // 0.2.57 still called the routes of runs without `/v1`.
        let path = with_ids(request["path"].as_str().unwrap()).replacen("/runs", "/v1/runs", 1);
        let method: reqwest::Method = request["method"].as_str().unwrap().parse().unwrap();
        let send = client.request(method, format!("{url}{path}")).bearer_auth(KEY);
        let send = if request["body_kind"] == "otlp-protobuf" {
            let send = send.header("content-type", "application/x-protobuf");
            send.body(export(&body).encode_to_vec())
        } else {
            send.json(&body)
        };
        let response = send.send().await.unwrap();
        let answered = response.status();
        let answer = response.bytes().await.unwrap();
        assert!(
            answered.is_success(),
            "{path}: {answered} {}",
            String::from_utf8_lossy(&answer)
        );
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        for key in ["session_id", "run_id"] {
            let then = &request["response"]["body"];
            let then = then[key].as_str().or_else(|| then["evaluation"][key].as_str());
            if let (Some(then), Some(now)) = (then, answer[key].as_str()) {
                ids.insert(then.to_owned(), now.to_owned());
            }
        }
    }
}

fn export(body: &Value) -> ExportTraceServiceRequest {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let spans = list(&body["resourceSpans"])
        .iter()
        .flat_map(|resource| list(&resource["scopeSpans"]))
        .flat_map(|scope| list(&scope["spans"]))
        .map(|span| of_json(&span))
        .collect();
    let scope = InstrumentationScope {
        name: "honeyhive.tracer.custom".to_owned(),
        ..InstrumentationScope::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                scope: Some(scope),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn of_json(span: &Value) -> Span {
    let events = span["events"].as_array().into_iter().flatten();
    Span {
        trace_id: number(&span["traceId"]).to_be_bytes().to_vec(),
        span_id: short(&span["spanId"]),
        parent_span_id: short(&span["parentSpanId"]),
        name: span["name"].as_str().unwrap().to_owned(),
        kind: span::SpanKind::Internal.into(),
        start_time_unix_nano: 1_000_000_000,
        end_time_unix_nano: 2_000_000_000,
        attributes: attributes(&span["attributes"]),
        events: events
            .map(|event| span::Event {
                name: event["name"].as_str().unwrap().to_owned(),
                attributes: attributes(&event["attributes"]),
                ..span::Event::default()
            })
            .collect(),
        status: Some(Status {
            message: span["status"]["message"].as_str().unwrap_or_default().to_owned(),
            code: match span["status"]["code"].as_str() {
                Some("STATUS_CODE_ERROR") => status::StatusCode::Error.into(),
                _ => status::StatusCode::Unset.into(),
            },
        }),
        ..Span::default()
    }
}

/// The number in a place holder: `<trace-3>`.
fn number(place_holder: &Value) -> u128 {
    let text = place_holder.as_str().unwrap_or_default();
    text.trim_end_matches('>').rsplit('-').next().unwrap().parse().unwrap()
}

fn short(id: &Value) -> Vec<u8> {
    if id.is_null() {
        return Vec::new();
    }
    u64::try_from(number(id)).unwrap().to_be_bytes().to_vec()
}

fn attributes(map: &Value) -> Vec<KeyValue> {
    let pair = |(key, value): (&String, &Value)| KeyValue {
        key: key.clone(),
        value: Some(AnyValue {
            value: Some(any_value(value)),
        }),
        ..KeyValue::default()
    };
    map.as_object().into_iter().flatten().map(pair).collect()
}

fn any_value(value: &Value) -> any_value::Value {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "stringValue" => any_value::Value::StringValue(value.as_str().unwrap().to_owned()),
        "boolValue" => any_value::Value::BoolValue(value.as_bool().unwrap()),
        "intValue" => any_value::Value::IntValue(value.as_str().unwrap().parse().unwrap()),
        "doubleValue" => any_value::Value::DoubleValue(value.as_f64().unwrap()),
        other => panic!("{other} {value}"),
    }
}
