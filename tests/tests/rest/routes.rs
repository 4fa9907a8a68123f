//! What the embedded backend does not have, against a server that answers as the API documents it: which request is
//! made, with which key, and how the answer reads.

use axum::response::IntoResponse;
use honeyhive_core::api::{
    Aggregate, ApiError, ChartQuery, CreateDataPlaneKey, DateRange, Filter, MetricType, ReturnType, RunStatus,
    UpdateRun,
};
use honeyhive_core::event::EventType;
use honeyhive_tests::scripted::{Arrived, ScriptedServer};
use serde_json::{Value, json};

use super::client;

fn answering(answer: Value) -> ScriptedServer {
    ScriptedServer::start(move |_, _| axum::Json(answer.clone()).into_response())
}

fn only(server: &ScriptedServer) -> Arrived {
    let mut arrived = server.everything();
    assert_eq!(arrived.len(), 1);
    arrived.remove(0)
}

/// The parameters of a query, decoded.
fn parameters(arrived: &Arrived) -> Vec<(String, String)> {
    let query = arrived.query.clone().unwrap_or_default();
    let address = reqwest::Url::parse(&format!("http://server/?{query}")).unwrap();
    address.query_pairs().into_owned().collect()
}

fn key(arrived: &Arrived) -> &str {
    let text = arrived.headers["authorization"].to_str().unwrap();
    text.split('_').nth(1).unwrap()
}

#[test]
fn a_metric_measures_an_event() {
    let server = answering(json!({"success": true, "loading": false, "result": true, "explanation": "so", "cost": 1}));
    let metric = json!({"type": "LLM", "criteria": "c"});
    let measured = client(server.url())
        .metrics()
        .run(&metric, &json!({"outputs": {}}))
        .wait()
        .unwrap();
    assert_eq!(
        (measured.success, measured.result, &measured.other["cost"]),
        (true, json!(true), &json!(1))
    );
    let arrived = only(&server);
    assert_eq!(arrived.line, "POST /v1/metrics/run");
    assert_eq!(arrived.json(), json!({"metric": metric, "event": {"outputs": {}}}));
}

#[test]
fn a_key_that_is_made_is_not_printed() {
    let secret = "hh_fgdp_secret";
    let server = answering(json!({"success": true, "data": {"id": "i", "key": secret}}));
    let client = client(server.url());
    let ingestion = client.projects().create_ingestion_key("p/1", "ci").wait().unwrap();
    let new = CreateDataPlaneKey {
        name: "charts".into(),
        permissions: vec!["charts:read".into()],
        ..Default::default()
    };
    let made = client.projects().create_data_plane_key("p/1", &new).wait().unwrap();
    assert_eq!((ingestion.expose(), made.expose()), (Some(secret), Some(secret)));
    assert_eq!(format!("{made:?}"), "CreatedKey(redacted)");
    let lines: Vec<String> = server.everything().into_iter().map(|arrived| arrived.line).collect();
    assert_eq!(lines[0], "POST /v1/projects/p%2F1/ingestion_api_keys");
    assert_eq!(lines[1], "POST /v1/projects/p%2F1/fine_grained_api_keys");
    assert_eq!(server.everything()[1].json()["expires_at"], Value::Null);
}

#[test]
fn charts_of_events_send_filters_and_ranges_as_json() {
    let server = answering(json!({"events": [], "totalEvents": 0}));
    let query = ChartQuery {
        filters: vec![Filter::greater_than("duration", 5)],
        range: Some(DateRange {
            from: Some(json!("2026-01-01")),
            to: None,
        }),
        group_by: Some("source".into()),
        aggregation: Some(Aggregate::P95),
        ..Default::default()
    };
    client(server.url()).events().chart(&query).wait().unwrap();
    let arrived = only(&server);
    assert_eq!(arrived.line, "GET /v1/events/chart");
    let names_and_values = parameters(&arrived);
    let names: Vec<&str> = names_and_values.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["dateRange", "filters", "groupBy", "aggregation"]);
    let json = |at: usize| serde_json::from_str::<Value>(&names_and_values[at].1).unwrap();
    assert_eq!(json(0), json!({"$gte": "2026-01-01"}));
    let filter = json!({"field": "duration", "operator": "greater than", "value": 5, "type": "number"});
    assert_eq!(json(1), json!([filter]));
    let plain: Vec<&str> = names_and_values[2..].iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(plain, ["source", "p95"], "a word is no JSON text");
}

#[test]
fn events_of_two_runs_come_in_pairs() {
    let pair = json!({"datapoint_id": "d", "event_1": {"event_name": "a", "inputs": {}}, "event_2": null});
    let server = answering(json!({"events": [pair], "totalEvents": 1}));
    let pairs = client(server.url())
        .runs()
        .compare_events("n", "o", Some("a"), Some(EventType::Model));
    let pairs = pairs.all().wait().unwrap();
    assert_eq!(pairs[0].event_1.as_ref().unwrap().event_name, "a");
    assert!(pairs[0].event_2.is_none());
    assert_eq!(only(&server).line, "GET /v1/runs/n/compare/o/events");
}

#[test]
fn schemas_and_metrics_of_runs() {
    let server = answering(json!({"fields": [], "datasets": [], "mappings": {}}));
    let client = client(server.url());
    client.runs().schema(None).wait().unwrap();
    client.runs().run_schema("r").wait().unwrap();
    client.events().schema(None, Some("r")).wait().unwrap();
    client
        .runs()
        .metrics("r", &[Filter::exists("metrics.exact")])
        .wait()
        .unwrap();
    let lines: Vec<String> = server.everything().into_iter().map(|arrived| arrived.line).collect();
    let expected = [
        "GET /v1/runs/schema",
        "GET /v1/runs/r/schema",
        "GET /v1/events/schema",
        "GET /v1/runs/r/metrics",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn what_frameworks_log_is_sent_as_it_is() {
    let server = answering(json!({"success": true, "event_id": "e", "event_ids": ["e"]}));
    let client = client(server.url());
    let call = json!({"model": "m", "messages": []});
    assert_eq!(client.events().create_model(&call).wait().unwrap().event_id, "e");
    assert_eq!(
        client.events().create_model_batch(&[&call]).wait().unwrap().event_ids,
        ["e"]
    );
    client.sessions().add_traces("s", &json!({"logs": []})).wait().unwrap();
    let arrived = server.everything();
    assert_eq!(arrived[0].json(), json!({"model_event": call}));
    assert_eq!(arrived[1].json(), json!({"model_events": [call]}));
    assert_eq!(
        (arrived[2].line.as_str(), key(&arrived[2])),
        ("POST /session/s/traces", "ingst")
    );
}

#[test]
fn each_operation_has_its_kind_of_key() {
    let server = answering(json!({"data": []}));
    let client = client(server.url());
    client.charts().list().wait().unwrap();
    client.charts().in_project("p").list().wait().unwrap();
    client.sessions().start(&Default::default()).wait().unwrap();
    let keys: Vec<String> = server
        .everything()
        .iter()
        .map(|arrived| key(arrived).to_owned())
        .collect();
    assert_eq!(keys, ["test", "fgdp", "ingst"]);
}

#[test]
fn both_shapes_of_an_answer_read_the_same() {
    let item = json!({"id": "i", "name": "n", "type": "LLM", "new field": 1});
    for answer in [
        json!([item]),
        json!({"metrics": [item]}),
        json!({"configurations": [item]}),
        json!({"projects": [item]}),
    ] {
        let server = answering(answer.clone());
        let client = client(server.url());
        let of_kind = |name: &str| answer.is_array() || answer.get(name).is_some();
        if of_kind("metrics") {
            assert_eq!(client.metrics().list(None).wait().unwrap()[0].other["new field"], 1);
        }
        if of_kind("configurations") {
            assert_eq!(
                client.configurations().list(&Default::default()).wait().unwrap()[0].id,
                "i"
            );
        }
        if of_kind("projects") {
            assert_eq!(client.projects().list(None).wait().unwrap()[0].name, "n");
        }
    }
}

#[test]
fn words_this_version_does_not_know_and_fields_that_are_null_or_missing_are_read() {
    let run = json!({"run_id": "r", "status": "archived", "metadata": null, "event_ids": null, "new field": {"a": 1}});
    let event = json!({"event_id": "e", "inputs": null, "outputs": {"o": 1}, "org_id": "o", "start_time": null});
    let metrics = json!([{"id": "m", "type": "ORACLE", "return_type": "tensor"}, {}]);
    let server = ScriptedServer::start(move |_, request| {
        let answer = match request.line.as_str() {
            "GET /v1/runs/r" => json!({ "evaluation": run }),
            "GET /v1/events/e" => json!({ "event": event }),
            _ => metrics.clone(),
        };
        axum::Json(answer).into_response()
    });
    let client = client(server.url());
    let run = client.runs().get("r").wait().unwrap();
    assert_eq!(
        (run.status, &run.other["new field"]["a"]),
        (RunStatus::Unknown, &json!(1))
    );
    let event = client.events().get("e").wait().unwrap();
    assert_eq!(
        (event.outputs["o"].clone(), &event.other["org_id"]),
        (json!(1), &json!("o"))
    );
    let metrics = client.metrics().list(None).wait().unwrap();
    assert_eq!(
        (metrics[0].kind, metrics[0].return_type),
        (MetricType::Unknown, ReturnType::Unknown)
    );
    assert_eq!(metrics[1].name, "");

    let never_sent = client.runs().update(
        "r",
        &UpdateRun {
            status: Some(RunStatus::Unknown),
            ..Default::default()
        },
    );
    assert!(matches!(never_sent.wait(), Err(ApiError::Request { .. })));
}
