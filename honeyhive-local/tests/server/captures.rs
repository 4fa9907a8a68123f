//! What the Python SDK 1.7.0 really sent, replayed.
//!
//! The captures hold placeholders such as `<session-1>` for ids and times, and attributes as maps; both are turned
//! back into what goes over the wire.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::support::{Api, accepted};

/// Replays a capture; answers the ids its session and run placeholders stand for.
fn replay(api: &Api, capture: &str) -> BTreeMap<String, String> {
    let capture: Value = serde_json::from_str(capture).unwrap();
    let mut ids = BTreeMap::new();
    let mut clock = 1_700_000_000_000_000_000_u64;
    for request in capture["requests"].as_array().unwrap() {
        let path = fill(&request["path"], &mut ids, &mut clock);
        let path = path.as_str().unwrap();
        let mut body = fill(&request["body"], &mut ids, &mut clock);
        if path.ends_with("/traces") {
            to_otlp(&mut body);
        }
        let fresh_session = path == "/session/start" && body["session"]["session_id"].is_null();
        if fresh_session {
            body["session"]["session_id"] = fill(&request["response"]["body"]["session_id"], &mut ids, &mut clock);
        }
        match request["method"].as_str().unwrap() {
            "POST" => {
                let answer = api.ok(path, &body);
                assert_eq!(answer.get("partialSuccess"), None, "{answer}");
            }
            // Scenarios also enrich events that were never sent; the recorder accepts that.
            "PUT" => {
                let (status, answer) = api.put(path, &body);
                assert!([200, 404].contains(&status), "{answer}");
            }
            _ => {}
        }
    }
    ids
}

/// Replaces placeholders: times by a clock, ids by an id of the right kind, always the same one.
fn fill(value: &Value, ids: &mut BTreeMap<String, String>, clock: &mut u64) -> Value {
    match value {
        Value::String(text) if text == "<time>" => {
            *clock += 1_000_000;
            json!(clock.to_string())
        }
        Value::String(text) if text == "<duration>" => json!(1.5),
        Value::String(text) => {
            let mut text = text.clone();
            while let Some((start, end)) = text.find('<').zip(text.find('>')).filter(|(start, end)| start < end) {
                let name = &text[start + 1..end];
                let number = ids.len() + 1;
                let id = ids
                    .entry(name.to_owned())
                    .or_insert_with(|| match name.split('-').next() {
                        Some("trace") => format!("{number:032x}"),
                        Some("span") => format!("{number:016x}"),
                        _ => format!("00000000-0000-4000-8000-{number:012x}"),
                    });
                text = format!("{}{id}{}", &text[..start], &text[end + 1..]);
            }
            json!(text)
        }
        Value::Array(items) => items.iter().map(|item| fill(item, ids, clock)).collect(),
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), fill(value, ids, clock)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// Turns every map of attributes back into a list of keys and values.
fn to_otlp(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(to_otlp),
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                match value.as_object() {
                    Some(map) if key == "attributes" => {
                        *value = map
                            .iter()
                            .map(|(key, value)| json!({"key": key, "value": value}))
                            .collect();
                    }
                    _ => to_otlp(value),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn nested_functions_form_one_tree() {
    let api = Api::start();
    let ids = replay(&api, include_str!("captures/s02.json"));
    let tree = api.tree(&ids["session-1"]).to_string();
    insta::assert_snapshot!(tree);
}

#[test]
fn enriched_spans_keep_every_value_and_its_type() {
    let api = Api::start();
    let ids = replay(&api, include_str!("captures/s03.json"));
    let tree = api.tree(&ids["session-1"]).text().max_value_chars(400).to_string();
    insta::assert_snapshot!(tree);
}

/// The parts of a result two backends must agree on.
fn essence(result: &Value) -> Value {
    let details = result["metrics"]["details"].as_array().cloned().unwrap_or_default();
    let details: BTreeMap<String, Vec<String>> = details
        .iter()
        .map(|detail| {
            let mut values: Vec<String> = detail["values"]
                .as_array()
                .into_iter()
                .flatten()
                .map(ToString::to_string)
                .collect();
            values.sort();
            (format!("{} of {}", detail["metric_name"], detail["event_name"]), values)
        })
        .collect();
    let mut datapoints: Vec<String> = result["datapoints"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|datapoint| format!("{} {}", datapoint["datapoint_id"], datapoint["session_id"]))
        .collect();
    datapoints.sort();
    json!({"status": result["status"], "details": details, "datapoints": datapoints})
}

/// Asserts the types the models of the Python SDK demand of a result, where any other value is an exception.
fn assert_types(result: &Value) {
    let measured = |value: &Value| value.is_number() || value.is_boolean();
    assert!(
        result["status"].is_string() && result["success"].is_boolean(),
        "{result}"
    );
    for detail in result["metrics"]["details"].as_array().unwrap() {
        assert!(measured(&detail["aggregate"]), "{detail}");
        assert!(detail["values"].as_array().unwrap().iter().all(measured), "{detail}");
    }
    for datapoint in result["datapoints"].as_array().unwrap() {
        for metric in datapoint["metrics"].as_array().unwrap() {
            assert!(metric["name"].is_string() && metric["passed"].is_boolean(), "{metric}");
            assert!(measured(&metric["value"]), "{metric}");
        }
    }
}

#[test]
fn an_experiment_gives_the_metrics_and_datapoints_the_sdk_saw() {
    for text in [include_str!("captures/s07.json"), include_str!("captures/s10.json")] {
        let api = Api::start();
        let mut ids = replay(&api, text);
        let capture: Value = serde_json::from_str(text).unwrap();
        let asked = capture["requests"].as_array().unwrap().iter();
        let recorded = asked
            .filter(|request| request["path"].as_str().is_some_and(|path| path.ends_with("/result")))
            .map(|request| fill(&request["response"]["body"], &mut ids, &mut 0))
            .next_back()
            .unwrap();
        let run = ids["run-1"].clone();
        let result = accepted(api.get(&format!("/v1/runs/{run}/result?aggregate_function=average")));
        assert_eq!(essence(&result), essence(&recorded));
        assert_types(&result);
        assert_eq!(result["run_object"]["event_ids"], recorded["run_object"]["event_ids"]);
    }
}

#[test]
fn what_the_client_of_the_sdk_sends_for_sessions_events_exports_and_runs_is_accepted() {
    let api = Api::start();
    let mut capture: Value = serde_json::from_str(include_str!("captures/s22.json")).unwrap();
    // It names datasets and datapoints that were never made, which is refused here.
    let requests = capture["requests"].as_array_mut().unwrap();
    requests.retain(|request| !["/v1/datasets", "/v1/datapoints"].contains(&request["path"].as_str().unwrap()));
    replay(&api, &capture.to_string());
    assert!(!api.export(&json!([])).is_empty());
}
