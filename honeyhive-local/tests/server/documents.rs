//! Charts, metrics, configurations, queues and projects: what is refused, and that they are still there after a restart.

use honeyhive_local::Server;
use serde_json::json;

use crate::support::{Api, accepted, refused};

#[test]
fn what_a_new_one_lacks_is_named() {
    let api = Api::start();
    refused(api.post("/v1/charts", &json!({"name": "c"})), "metric");
    refused(
        api.post("/v1/metrics", &json!({"name": "m", "type": "LLM"})),
        "criteria",
    );
    refused(
        api.post("/v1/configurations", &json!({"name": "c", "provider": "p"})),
        "parameters",
    );
    refused(api.post("/v1/queues", &json!({"name": " "})), "name");
    refused(api.post("/v1/projects", &json!({})), "name");
    api.ok("/v1/projects", &json!({"name": "p"}));
    refused(api.post("/v1/projects", &json!({"name": "p"})), "name");
}

#[test]
fn what_is_not_there_is_not_found_under_another_kind_either() {
    let api = Api::start();
    let chart = api.ok("/v1/charts", &json!({"name": "c", "metric": "duration"}));
    let id = chart["data"]["id"].as_str().unwrap();
    assert_eq!(api.get(&format!("/v1/charts/{id}")).0, 200);
    for path in [
        format!("/v1/queues/{id}"),
        "/v1/charts/none".to_owned(),
        format!("/v1/metrics/{id}/versions"),
    ] {
        assert_eq!(api.get(&path).0, 404, "{path}");
    }
    assert_eq!(
        api.put(&format!("/v1/configurations/{id}"), &json!({"name": "n"})).0,
        404
    );
}

#[test]
fn a_change_merges_and_cannot_touch_the_id() {
    let api = Api::start();
    let body = json!({"name": "c", "provider": "p", "parameters": {"model": "m", "hyperparameters": {"top_p": 1}}});
    let made = api.ok("/v1/configurations", &body);
    let id = made["insertedId"].as_str().unwrap();
    let change = json!({"id": "other", "parameters": {"hyperparameters": {"temperature": 0}}});
    accepted(api.put(&format!("/v1/configurations/{id}"), &change));
    let found = &accepted(api.get("/v1/configurations"))["configurations"][0];
    assert_eq!(found["id"], id);
    assert_eq!(
        found["parameters"],
        json!({"model": "m", "hyperparameters": {"top_p": 1, "temperature": 0}})
    );
}

#[test]
fn documents_outlive_the_server() {
    let path = std::env::temp_dir().join(format!("honeyhive-local-{}.db", uuid::Uuid::new_v4()));
    let start = || Api::of(Server::builder().database(&path).start().unwrap());
    start().ok("/v1/charts", &json!({"name": "c", "metric": "duration"}));
    let found = accepted(start().get("/v1/charts"));
    for end in ["", "-wal", "-shm"] {
        let _gone = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    assert_eq!(found["data"][0]["name"], "c");
}
