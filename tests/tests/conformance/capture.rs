//! A capture of the Python SDK, as `tests/captures/` holds them, in normal form.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::Value;

use crate::normal::{self, Normal, Request, session_label};

/// Headers that are compared.
pub(crate) const HEADERS: [&str; 7] = [
    "accept",
    "content-type",
    "hh-client-language",
    "hh-client-package",
    "hh-client-timestamp",
    "hh-client-version",
    "x-source",
];

/// Where spans go.
pub(crate) const EXPORT: &str = "POST /opentelemetry/v1/traces";

/// A capture.
pub(crate) struct Capture {
    pub(crate) normal: Normal,
    /// The environment the Python program had, with `<port>` in its address.
    pub(crate) environment: BTreeMap<String, String>,
    /// What the routes under `/v1` answered, by line and in order.
    pub(crate) answers: BTreeMap<String, Vec<(StatusCode, Value)>>,
    /// The file: an id that stands in it was chosen by the program.
    pub(crate) text: String,
}

/// Stands for half a surrogate pair, which Rust text cannot hold.
pub(crate) const HALF_PAIR: char = '\u{e000}';

pub(crate) fn read(name: &str) -> Capture {
    let path = format!("{}/captures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let text = text.replace("\\ud800", "\\ue000");
    let capture: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    let script = capture["script"].as_str().unwrap_or_default().trim_end_matches(".py");
    let mut normal = Normal::default();
    let mut answers: BTreeMap<String, Vec<(StatusCode, Value)>> = BTreeMap::new();
    for mut request in capture["requests"].as_array().cloned().unwrap_or_default() {
        if request["body_kind"] == "otlp-json" {
            normal::note_shapes(&mut request["body"]);
        }
        let headers = headers(&request);
        let (method, path) = (text_of(&request["method"]), text_of(&request["path"]));
        if format!("{method} {path}") == EXPORT {
            normal.spans.extend(normal::spans(&request["body"], &headers));
            continue;
        }
        if path.starts_with("/v1/") {
            let response = &request["response"];
            let status = response["status"]
                .as_u64()
                .and_then(|status| u16::try_from(status).ok());
            let status = status
                .and_then(|status| StatusCode::from_u16(status).ok())
                .expect("a status");
            let of_line = answers.entry(format!("{method} {path}")).or_default();
            of_line.push((status, response["body"].clone()));
        }
        let mut body = request["body"].clone();
        normal::hide_commit(&mut body);
        normal.requests.push(Request {
            method,
            path,
            query: query(&request["query"]),
            headers,
            body,
            answer: request["response"]["body"]["session_id"].as_str().map(str::to_owned),
        });
    }
    place_holders(&mut normal, script);
    let environment = capture["env"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), text_of(value)))
        .collect();
    Capture {
        normal,
        environment,
        answers,
        text,
    }
}

fn headers(request: &Value) -> BTreeMap<String, String> {
    let authorization = &request["authorization"];
    let credentials = format!(
        "{} {}",
        text_of(&authorization["scheme"]),
        text_of(&authorization["key"])
    );
    let mut headers = BTreeMap::from([("authorization".to_owned(), credentials)]);
    for name in HEADERS {
        if let Some(value) = request["headers"][name].as_str() {
            headers.insert(name.to_owned(), value.to_owned());
        }
    }
    headers
}

fn query(query: &Value) -> String {
    let pair = |(name, values): (&String, &Value)| {
        let values: Vec<String> = values.as_array().into_iter().flatten().map(text_of).collect();
        format!("{name}={}", values.join(","))
    };
    query
        .as_object()
        .into_iter()
        .flatten()
        .map(pair)
        .collect::<Vec<_>>()
        .join("&")
}

/// The capture numbers its ids; sessions are known by their names instead. The script's name, the default name of its
/// session, is `<program>`.
fn place_holders(normal: &mut Normal, script: &str) {
    let mut names = BTreeMap::from([(script.to_owned(), "<program>".to_owned())]);
    normal::rename(normal, &names);
    names.clear();
    for request in &normal.requests {
        if let (Some(session), Some(id)) = (request.session(), &request.answer)
            && id.starts_with('<')
        {
            names.insert(id.clone(), session_label(session));
        }
    }
    normal::rename(normal, &names);
    for span in &mut normal.spans {
        if let Some(version) = span.resource.get_mut("telemetry.sdk.version") {
            *version = normal::string("<version>");
        }
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
