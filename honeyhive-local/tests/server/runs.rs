//! Experiment runs, their results, and two of them compared.

use serde_json::{Value, json};

use crate::support::{Api, accepted, refused};

const OLD: &str = "cccccccc-cccc-4ccc-8ccc-cccccccccccc";
const NEW: &str = "dddddddd-dddd-4ddd-8ddd-dddddddddddd";

/// A datapoint of a run: a session with one event that carries the metrics.
fn datapoint(api: &Api, run: &str, id: &str, metrics: &Value, error: Option<&str>) -> String {
    let session = api.ok(
        "/session/start",
        &json!({"session": {"session_name": "run", "metadata": {"run_id": run, "datapoint_id": id}}}),
    );
    api.ok(
        "/events",
        &json!({"event": {
            "event_type": "chain", "event_name": "answer", "session_id": session["session_id"], "inputs": {},
            "metrics": metrics, "error": error,
        }}),
    );
    session["session_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_is_made_changed_listed_and_deleted() {
    let api = Api::start();
    let made = api.ok(
        "/v1/runs",
        &json!({
            "run_id": OLD, "name": " first ", "status": "pending", "metadata": {"git": {"branch": "main"}},
            "event_ids": [], "configuration": {"function": "f"}, "datapoint_ids": ["EXT-1"], "dataset_id": "ds",
        }),
    );
    assert_eq!(made["run_id"], OLD);
    let run = &made["evaluation"];
    for (key, value) in [
        ("id", json!(OLD)),
        ("name", json!("first")),
        ("description", Value::Null),
        ("results", json!({})),
        ("is_active", json!(true)),
        ("scope_type", json!("project")),
        ("dataset_id", json!("ds")),
        ("datapoint_ids", json!(["EXT-1"])),
    ] {
        assert_eq!(run[key], value, "{key}");
    }
    assert!(run["created_at"].as_str().unwrap().ends_with('Z'));

    let changed = accepted(api.put(
        &format!("/v1/runs/{OLD}"),
        &json!({"status": "completed", "metadata": {"offline_dataset_id": "EXT-d"}, "event_ids": ["s"]}),
    ));
    assert_eq!(
        changed["evaluation"]["metadata"],
        json!({"git": {"branch": "main"}, "offline_dataset_id": "EXT-d"})
    );
    let (_, read) = api.get(&format!("/v1/runs/{OLD}"));
    assert_eq!(read, changed);

    api.ok("/v1/runs", &json!({"run_id": NEW, "name": "second"}));
    let names = |query: &str| -> Vec<Value> {
        let list = accepted(api.get(&format!("/v1/runs{query}")));
        let runs = list["evaluations"].as_array().cloned().unwrap();
        runs.into_iter().map(|run| run["name"].clone()).collect()
    };
    assert_eq!(names(""), ["second", "first"]);
    assert_eq!(names("?status=completed"), ["first"]);
    assert_eq!(names("?name=second"), ["second"]);
    assert_eq!(names("?dataset_id=ds"), ["first"]);
    assert_eq!(names(&format!("?run_ids[]={OLD}&run_ids[]=x")), ["first"]);
    assert_eq!(names(&format!("?run_ids[]={}", OLD.to_uppercase())), ["first"]);
    assert_eq!(names("?limit=1&page=2"), ["first"]);
    assert_eq!(names("?sort_order=asc"), ["first", "second"]);
    assert_eq!(names("?sort_by=name&sort_order=asc"), ["first", "second"]);
    assert_eq!(names("?sort_by=name"), ["second", "first"]);
    assert_eq!(names("?sort_by=status&sort_order=asc"), ["first", "second"]);
    accepted(api.put(&format!("/v1/runs/{OLD}"), &json!({"metadata": {"later": true}})));
    assert_eq!(names("?sort_by=updated_at").len(), 2);
    assert_eq!(names("?dateRange={\"$gte\":\"2020-01-01\"}").len(), 2);
    assert_eq!(names("?dateRange={'$gte':'2020-01-01','$lte':'2020-01-02'}").len(), 0);
    let (_, page) = api.get("/v1/runs?limit=1");
    assert_eq!(
        page["pagination"],
        json!({
            "page": 1, "limit": 1, "total": 2, "total_unfiltered": 2, "total_pages": 2,
            "has_next": true, "has_prev": false,
        })
    );
    let deleted = api.http.delete(api.path(&format!("/v1/runs/{NEW}"))).send().unwrap();
    assert_eq!(deleted.status(), 200);
    assert_eq!(api.get(&format!("/v1/runs/{NEW}")).0, 404);
}

#[test]
fn bad_runs_are_refused_by_field() {
    let api = Api::start();
    refused(api.post("/v1/runs", &json!({"name": "  "})), "name");
    refused(api.post("/v1/runs", &json!({"run_id": "mine"})), "run_id");
    refused(api.post("/v1/runs", &json!({"status": "done"})), "status");
    refused(api.post("/v1/runs", &json!({"event_ids": [1]})), "event_ids");
    refused(api.post("/v1/runs", &json!({"metadata": 1})), "metadata");
    refused(api.get("/v1/runs?limit=101"), "limit");
    refused(api.get("/v1/runs?page=0"), "page");
    refused(api.get("/v1/runs?status=done"), "status");
    refused(api.get("/v1/runs?sort_by=size"), "sort_by");
    refused(api.get("/v1/runs?sort_order=up"), "sort_order");
    refused(api.get("/v1/runs?dateRange=today"), "dateRange");
    refused(api.get("/v1/runs?dateRange={\"$gt\":1}"), "dateRange.$gt");
    refused(api.get(&format!("/v1/runs/{OLD}/result?filters=all")), "filters");
    refused(
        api.get(&format!(
            "/v1/runs/{OLD}/result?filters=[{{\"field\":\"a\",\"operator\":\"like\"}}]"
        )),
        "filters[0].operator",
    );
    assert_eq!(api.put(&format!("/v1/runs/{OLD}"), &json!({})).0, 404);
    assert_eq!(api.get(&format!("/v1/runs/{OLD}/result")).0, 404);
}

#[test]
fn the_result_aggregates_metrics_and_says_which_datapoints_passed() {
    let api = Api::start();
    api.ok(
        "/v1/runs",
        &json!({"run_id": NEW, "name": "n", "status": "completed", "datapoint_ids": ["a", "b", "c"]}),
    );
    let c = datapoint(&api, NEW, "c", &json!({"score": 4, "ok": true}), Some("boom"));
    datapoint(&api, NEW, "b", &json!({"score": 2, "ok": false, "why": "text"}), None);
    datapoint(&api, NEW, "a", &json!({"score": 3, "ok": true}), None);
    let result = accepted(api.get(&format!("/v1/runs/{NEW}/result?aggregate_function=median")));
    assert_eq!(result["status"], "completed");
    assert_eq!(result["success"], false);
    assert_eq!(result["passed"], json!(["a"]));
    assert_eq!(result["failed"], json!(["b", "c"]));
    assert_eq!(result["metrics"]["aggregation_function"], "median");
    assert_eq!(
        result["metrics"]["details"],
        json!([
            {
                "metric_name": "ok", "metric_type": "boolean", "event_name": "answer", "event_type": "chain",
                "aggregate": 1.0, "values": [1.0, 0.0, 1.0], "datapoints": {"passed": ["a"], "failed": ["b", "c"]},
            },
            {
                "metric_name": "score", "metric_type": "numeric", "event_name": "answer", "event_type": "chain",
                "aggregate": 3.0, "values": [3.0, 2.0, 4.0], "datapoints": {"passed": ["a"], "failed": ["b", "c"]},
            },
        ])
    );
    assert_eq!(result["datapoints"][2]["session_id"], json!(c));
    assert_eq!(
        result["datapoints"][1]["metrics"],
        json!([
            {"name": "ok", "event_name": "answer", "event_type": "chain", "value": false, "passed": false},
            {"name": "score", "event_name": "answer", "event_type": "chain", "value": 2, "passed": true},
        ])
    );
    assert_eq!(
        result["event_details"],
        json!([{"event_name": "answer", "event_type": "chain"}])
    );
    assert_eq!(result["run_object"]["run_id"], NEW);
    for (function, expected) in [("sum", 9.0), ("count", 3.0), ("max", 4.0), ("min", 2.0), ("p90", 3.8)] {
        let result = accepted(api.get(&format!("/v1/runs/{NEW}/result?aggregate_function={function}")));
        let found = result["metrics"]["details"][1]["aggregate"].as_f64().unwrap();
        assert!((found - expected).abs() < 1e-9, "{function}: {found}");
    }
    let only = "{'field':'metadata.datapoint_id','operator':'is','value':'a','type':'string'}";
    for query in [format!("filters[]={only}"), format!("filters=[{only}]")] {
        let result = accepted(api.get(&format!("/v1/runs/{NEW}/result?{query}")));
        assert_eq!(result["passed"], json!(["a"]), "{query}");
        assert_eq!(result["failed"], json!([]), "{query}");
        assert_eq!(result["success"], true, "{query}");
    }
    refused(
        api.get(&format!("/v1/runs/{NEW}/result?aggregate_function=mode")),
        "aggregate_function",
    );
}

#[test]
fn a_comparison_pairs_the_datapoints_both_runs_have() {
    let api = Api::start();
    for run in [OLD, NEW] {
        api.ok("/v1/runs", &json!({"run_id": run, "name": run}));
    }
    for (id, score) in [("a", 1.0), ("b", 2.0), ("c", 3.0), ("only-old", 100.0)] {
        datapoint(&api, OLD, id, &json!({"score": score}), None);
    }
    for (id, score) in [("a", 2.0), ("b", 1.0), ("c", 3.0), ("only-new", 100.0)] {
        datapoint(&api, NEW, id, &json!({"score": score, "fresh": true}), None);
    }
    let comparison = accepted(api.get(&format!("/v1/runs/{NEW}/compare-with/{OLD}?aggregate_function=average")));
    assert_eq!(comparison["commonDatapoints"], json!(["a", "b", "c"]));
    assert_eq!(comparison["old_run"]["run_id"], OLD);
    assert_eq!(comparison["new_run"]["run_id"], NEW);
    assert_eq!(
        comparison["event_details"],
        json!([{"event_name": "answer", "event_type": "chain", "presence": "both"}])
    );
    assert_eq!(
        comparison["metrics"],
        json!([
            {
                "metric_name": "fresh", "metric_type": "boolean", "event_name": "answer", "event_type": "chain",
                "old_aggregate": null, "new_aggregate": 1.0, "found_count": 0, "improved_count": 0,
                "degraded_count": 0, "same_count": 0, "improved": [], "degraded": [], "same": [],
                "old_values": [], "new_values": [1.0, 1.0, 1.0],
            },
            {
                "metric_name": "score", "metric_type": "numeric", "event_name": "answer", "event_type": "chain",
                "old_aggregate": 2.0, "new_aggregate": 2.0, "found_count": 3, "improved_count": 1,
                "degraded_count": 1, "same_count": 1, "improved": ["a"], "degraded": ["b"], "same": ["c"],
                "old_values": [1.0, 2.0, 3.0], "new_values": [2.0, 1.0, 3.0],
            },
        ])
    );
}

#[test]
fn a_run_succeeds_when_it_is_completed_and_everything_it_lists_is_there_and_passed() {
    let api = Api::start();
    let success = |changes: Value| {
        accepted(api.put(&format!("/v1/runs/{NEW}"), &changes));
        accepted(api.get(&format!("/v1/runs/{NEW}/result")))["success"].clone()
    };
    api.ok("/v1/runs", &json!({"run_id": NEW, "name": "n"}));
    assert_eq!(success(json!({"status": "completed"})), false, "nothing in it");
    let session = datapoint(&api, NEW, "a", &json!({"ok": true}), None);
    assert_eq!(success(json!({})), true);
    assert_eq!(success(json!({"datapoint_ids": ["a", "b"]})), false, "b is missing");
    assert_eq!(success(json!({"datapoint_ids": ["a"]})), true);
    assert_eq!(
        success(json!({"event_ids": [session, OLD]})),
        false,
        "a session is missing"
    );
    assert_eq!(success(json!({"event_ids": [session.to_uppercase()]})), true);
    for status in ["pending", "running", "failed", "cancelled"] {
        assert_eq!(success(json!({"status": status})), false, "{status}");
    }
    assert_eq!(success(json!({"status": "completed"})), true);
    datapoint(&api, NEW, "c", &json!({"ok": false}), None);
    assert_eq!(success(json!({})), false, "c failed");
}

#[test]
fn run_ids_in_paths_are_read_in_either_case() {
    let api = Api::start();
    api.ok("/v1/runs", &json!({"run_id": OLD, "name": "n"}));
    let upper = OLD.to_uppercase();
    accepted(api.get(&format!("/v1/runs/{upper}")));
    accepted(api.get(&format!("/v1/runs/{upper}/result")));
    accepted(api.get(&format!("/v1/runs/{upper}/compare-with/{upper}")));
    accepted(api.put(&format!("/v1/runs/{upper}"), &json!({"status": "failed"})));
    let deleted = api.http.delete(api.path(&format!("/v1/runs/{upper}"))).send().unwrap();
    assert_eq!(deleted.status(), 200);
}
