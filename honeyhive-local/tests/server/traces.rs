//! OTLP over both encodings.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use reqwest::blocking::Response;
use serde_json::{Value, json};

use crate::support::{Api, SESSION, read};

const TRACES: &str = "/opentelemetry/v1/traces";

fn pair(key: &str, value: Any) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Any::StringValue(value.to_owned()))
}

fn span(id: u8, parent: Option<u8>, attributes: Vec<KeyValue>) -> Span {
    Span {
        trace_id: vec![7; 16],
        span_id: vec![id; 8],
        parent_span_id: parent.map(|parent| vec![parent; 8]).unwrap_or_default(),
        name: format!("span-{id}"),
        start_time_unix_nano: 1_700_000_000_000_000_000 + u64::from(id) * 1_000_000,
        end_time_unix_nano: 1_700_000_001_000_000_000,
        attributes: [vec![text("honeyhive.session_id", SESSION)], attributes].concat(),
        ..Span::default()
    }
}

fn request(spans: Vec<Span>) -> Vec<u8> {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
}

fn send(api: &Api, content_type: &str, body: Vec<u8>, gzip: bool) -> Response {
    let mut request = api.http.post(api.path(TRACES)).header("content-type", content_type);
    if gzip {
        request = request.header("content-encoding", "gzip");
    }
    request.body(body).send().unwrap()
}

fn send_spans(api: &Api, spans: Vec<Span>) -> ExportTraceServiceResponse {
    let response = send(api, "application/x-protobuf", request(spans), false);
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-protobuf");
    ExportTraceServiceResponse::decode(response.bytes().unwrap()).unwrap()
}

fn zip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn as_json() -> Value {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [
        {
            "traceId": "07070707070707070707070707070707", "spanId": "0101010101010101", "parentSpanId": null,
            "name": "span-1", "kind": "SPAN_KIND_INTERNAL", "startTimeUnixNano": "1700000000001000000",
            "endTimeUnixNano": 1_700_000_001_000_000_000_u64,
            "status": {"code": "STATUS_CODE_ERROR", "message": "boom"},
            "attributes": [
                {"key": "honeyhive.session_id", "value": {"stringValue": SESSION}},
                {"key": "honeyhive_inputs.n", "value": {"intValue": "3"}},
                {"key": "honeyhive_inputs.x", "value": {"doubleValue": "NaN"}},
                {"key": "honeyhive_outputs.raw", "value": {"bytesValue": "AQI="}},
                {"key": "honeyhive_outputs.list", "value": {"arrayValue": {"values": [{"boolValue": true}]}}},
            ],
            "somethingNew": {"a": 1},
        },
        {
            "traceId": "07070707070707070707070707070707", "spanId": "0202020202020202",
            "parentSpanId": "0101010101010101", "name": "span-2", "kind": 1,
            "startTimeUnixNano": "1700000000002000000", "endTimeUnixNano": "1700000001000000000",
            "attributes": [{"key": "honeyhive.session_id", "value": {"stringValue": SESSION}}],
        },
    ]}]}]})
}

#[test]
fn json_protobuf_and_gzip_of_the_same_spans_give_the_same_events() {
    let mut first = span(
        1,
        None,
        vec![
            pair("honeyhive_inputs.n", Any::IntValue(3)),
            pair("honeyhive_inputs.x", Any::DoubleValue(f64::NAN)),
            pair("honeyhive_outputs.raw", Any::BytesValue(vec![1, 2])),
            pair(
                "honeyhive_outputs.list",
                Any::ArrayValue(ArrayValue {
                    values: vec![AnyValue {
                        value: Some(Any::BoolValue(true)),
                    }],
                }),
            ),
        ],
    );
    first.status = Some(Status {
        message: "boom".to_owned(),
        code: 2,
    });
    let protobuf = request(vec![first, span(2, Some(1), vec![])]);
    let json = as_json().to_string().into_bytes();
    let stored = [
        ("application/x-protobuf", protobuf.clone(), false),
        ("application/json; charset=utf-8", json.clone(), false),
        ("application/x-protobuf", zip(&protobuf), true),
        ("application/json", zip(&json), true),
    ]
    .map(|(content_type, body, gzip)| {
        let api = Api::start();
        assert_eq!(send(&api, content_type, body, gzip).status(), 200);
        api.export(&json!([]))
    });
    assert_eq!(stored[0].len(), 2);
    assert_eq!(stored[0][0]["inputs"], json!({"n": 3, "x": "nan"}));
    assert_eq!(stored[0][0]["outputs"], json!({"raw": "0102", "list": [true]}));
    assert_eq!(stored[0][0]["error"], "boom");
    assert_eq!(stored[0][1]["parent_id"], stored[0][0]["event_id"]);
    for other in &stored[1..] {
        assert_eq!(*other, stored[0]);
    }
}

#[test]
fn a_span_that_asks_makes_its_session_which_a_later_start_fills_in() {
    let api = Api::start();
    let ask = vec![
        pair("honeyhive.session_auto_create", Any::BoolValue(true)),
        text("honeyhive.session_name", "chat"),
        text("honeyhive.source", "prod"),
    ];
    send_spans(&api, vec![span(1, None, ask.clone()), span(2, Some(1), ask)]);
    let tree = api.tree(SESSION);
    assert_eq!(tree.to_string(), "session chat\n└─ tool span-1\n   └─ tool span-2\n");
    let root = tree.roots().next().unwrap();
    assert_eq!(root.event().source, "prod");
    assert_eq!(root.event().duration, 999.0);
    api.ok(
        "/session/start",
        &json!({"session": {"session_id": SESSION, "inputs": {"q": 1}}}),
    );
    assert!(
        api.tree(SESSION)
            .to_string()
            .starts_with("session chat\n│ inputs: q=1\n└─ tool span-1")
    );
}

#[test]
fn spans_of_an_unknown_session_wait_for_its_start() {
    let api = Api::start();
    send_spans(&api, vec![span(1, None, vec![])]);
    let (status, body) = api.get(&format!("/v1/sessions/{SESSION}"));
    assert_eq!(status, 404);
    assert!(
        body["message"].as_str().unwrap().contains("1 events wait for it"),
        "{body}"
    );
    assert_eq!(api.export(&json!([])).len(), 1);
    api.start_session(SESSION);
    assert_eq!(api.tree(SESSION).to_string(), "session test\n└─ tool span-1\n");
}

#[test]
fn a_span_delivered_again_changes_nothing_and_keeps_what_was_added_since() {
    let api = Api::start();
    api.start_session(SESSION);
    send_spans(&api, vec![span(1, None, vec![])]);
    let event_id = api.export(&json!([]))[1]["event_id"].clone();
    api.put("/events", &json!({"event_id": event_id, "metrics": {"score": 1}}));
    let before = api.export(&json!([]));
    send_spans(&api, vec![span(1, None, vec![]), span(1, None, vec![])]);
    assert_eq!(api.export(&json!([])), before);
}

#[test]
fn two_spans_given_one_event_id_merge_and_neither_is_lost() {
    let api = Api::start();
    api.start_session(SESSION);
    let id = text("honeyhive_event_id", "33333333-3333-4333-8333-333333333333");
    send_spans(
        &api,
        vec![
            span(1, None, vec![id.clone(), pair("honeyhive_metrics.a", Any::IntValue(1))]),
            span(2, None, vec![id, pair("honeyhive_metrics.b", Any::IntValue(2))]),
            span(3, Some(2), vec![]),
        ],
    );
    assert_eq!(
        api.tree(SESSION).to_string(),
        "session test\n└─ tool span-2\n   │ metrics: a=1 b=2\n   └─ tool span-3\n"
    );
}

#[test]
fn bad_spans_are_counted_and_explained_and_the_good_ones_stored() {
    let api = Api::start();
    let spans = || {
        let mut nameless = span(2, None, vec![]);
        nameless.attributes.clear();
        let unknown = span(3, None, vec![text("honeyhive_event_type", "demo")]);
        vec![span(1, None, vec![]), nameless, unknown]
    };
    let partial = send_spans(&api, spans()).partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 2);
    assert!(
        partial.error_message.contains("names no session"),
        "{}",
        partial.error_message
    );
    assert!(partial.error_message.contains("\"demo\""), "{}", partial.error_message);
    assert_eq!(api.export(&json!([])).len(), 1);

    let mut json = as_json();
    json["resourceSpans"][0]["scopeSpans"][0]["spans"][1]["spanId"] = json!("zz");
    let (status, body) = read(send(&api, "application/json", json.to_string().into_bytes(), false));
    assert_eq!(status, 200);
    assert_eq!(body["partialSuccess"]["rejectedSpans"], "1");
    assert_eq!(send_spans(&api, vec![]).partial_success, None);
}

#[test]
fn bodies_that_are_not_otlp_are_refused_with_the_place() {
    let api = Api::start();
    let wrong_place = json!({"resourceSpans": [{"scopeSpans": [{"spans": {}}]}]}).to_string();
    let cases = [
        ("application/json", b"{".to_vec(), false, 400, "EOF"),
        (
            "application/json",
            wrong_place.into_bytes(),
            false,
            400,
            "resourceSpans[0].scopeSpans[0].spans",
        ),
        ("application/x-protobuf", vec![0xff; 9], false, 400, "protobuf"),
        ("application/json", b"plain".to_vec(), true, 400, "gzip"),
        ("text/plain", vec![], false, 415, "text/plain"),
        ("application/json", b"{} {}".to_vec(), false, 400, "trailing"),
        ("application/json", b"[]".to_vec(), false, 400, "resourceSpans"),
        (
            "application/json",
            br#"{"spans": []}"#.to_vec(),
            false,
            400,
            "resourceSpans",
        ),
        (
            "application/x-protobuf",
            zip(&vec![0; 64 * 1024 * 1024 + 1]),
            true,
            413,
            "67108864 bytes",
        ),
    ];
    for (content_type, body, gzip, expected, said) in cases {
        let (status, answer) = read(send(&api, content_type, body, gzip));
        assert_eq!(status, expected, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(said), "{answer}");
    }
    assert!(api.export(&json!([])).is_empty());
}

#[test]
fn half_a_character_in_json_is_replaced_and_the_rest_kept() {
    let api = Api::start();
    let json = as_json().to_string().replace("boom", r"boom \ud83d \ud83d\ude00");
    let (status, body) = read(send(&api, "Application/JSON", json.into_bytes(), false));
    assert_eq!((status, body), (200, json!({})));
    assert_eq!(api.export(&json!([]))[0]["error"], "boom \u{fffd} \u{1f600}");
    assert_eq!(read(send(&api, "application/json", b"{}".to_vec(), false)).0, 200);
}

#[test]
fn a_span_with_the_id_of_its_session_is_refused_and_the_session_stays() {
    let api = Api::start();
    api.start_session(SESSION);
    let partial = send_spans(&api, vec![span(1, None, vec![text("honeyhive_event_id", SESSION)])]);
    let partial = partial.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(
        partial.error_message.contains("is the id of its session"),
        "{}",
        partial.error_message
    );
    assert_eq!(api.tree(SESSION).to_string(), "session test\n");
}
