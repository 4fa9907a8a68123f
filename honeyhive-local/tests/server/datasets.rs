//! Datasets and datapoints.

use serde_json::{Value, json};

use crate::support::{Api, accepted, refused};

#[test]
fn datapoints_and_datasets_know_each_other_in_order() {
    let api = Api::start();
    let first = api.ok(
        "/v1/datapoints",
        &json!({"inputs": {"q": 1}, "ground_truth": "a", "metadata": {"m": 1}}),
    );
    let first = first["result"]["insertedIds"][0].clone();
    let dataset = api.ok(
        "/v1/datasets",
        &json!({"name": "qa", "description": "d", "datapoints": [first]}),
    );
    let dataset = dataset["result"]["insertedId"].as_str().unwrap().to_owned();
    let second = api.ok("/v1/datapoints", &json!({"inputs": {}, "linked_datasets": [dataset]}));
    let second = second["result"]["insertedIds"][0].clone();
    let added = api.ok(
        &format!("/v1/datasets/{dataset}/datapoints"),
        &json!({
            "data": [{"question": "x", "answer": 1, "note": "n"}],
            "mapping": {"inputs": ["question"], "ground_truth": ["answer"], "history": []},
        }),
    );
    let third = added["datapoint_ids"][0].clone();

    for query in [format!("?dataset_id={dataset}"), "?name=qa".to_owned(), String::new()] {
        let list = accepted(api.get(&format!("/v1/datasets{query}")));
        assert_eq!(list["datasets"][0]["id"], json!(dataset));
        assert_eq!(list["datasets"][0]["datapoints"], json!([first, second, third]));
    }
    assert_eq!(
        accepted(api.get("/v1/datasets?dataset_id=none")),
        json!({"datasets": []})
    );

    let read = |id: &Value| accepted(api.get(&format!("/v1/datapoints/{}", id.as_str().unwrap())))["datapoint"].clone();
    let one = read(&first);
    assert_eq!(one.as_array().unwrap().len(), 1);
    assert_eq!(one[0]["inputs"], json!({"q": 1}));
    assert_eq!(one[0]["ground_truth"], "a");
    assert_eq!(one[0]["history"], json!([]));
    assert_eq!(one[0]["linked_datasets"], json!([dataset]));
    let mapped = &read(&third)[0];
    assert_eq!(mapped["inputs"], json!({"question": "x"}));
    assert_eq!(mapped["ground_truth"], json!({"answer": 1}));
    assert_eq!(mapped["metadata"], json!({"note": "n"}));

    let some = accepted(api.get(&format!("/v1/datapoints?datapoint_ids[]={}", second.as_str().unwrap())));
    assert_eq!(some["datapoints"].as_array().unwrap().len(), 1);
    let of_dataset = accepted(api.get("/v1/datapoints?dataset_name=qa"));
    assert_eq!(of_dataset["datapoints"].as_array().unwrap().len(), 3);
}

#[test]
fn a_batch_of_datapoints_is_stored_whole_or_not_at_all() {
    let api = Api::start();
    refused(
        api.post(
            "/v1/datapoints/batch",
            &json!({"datapoints": [{"inputs": {}}, {"inputs": 1}]}),
        ),
        "datapoints[1].inputs",
    );
    assert_eq!(accepted(api.get("/v1/datapoints")), json!({"datapoints": []}));
    let answer = api.ok("/v1/datapoints/batch", &json!({"datapoints": [{"inputs": {}}, {}]}));
    assert_eq!(answer["insertedIds"].as_array().unwrap().len(), 2);
}

#[test]
fn bad_datasets_are_refused_and_leave_nothing_behind() {
    let api = Api::start();
    refused(api.post("/v1/datasets", &json!({})), "name");
    refused(
        api.post("/v1/datasets", &json!({"name": "n", "datapoints": ["nope"]})),
        "datapoints[0]",
    );
    assert_eq!(accepted(api.get("/v1/datasets")), json!({"datasets": []}));
    let (status, _) = api.post("/v1/datapoints", &json!({"linked_datasets": ["nope"]}));
    assert_eq!(status, 404);
    assert_eq!(accepted(api.get("/v1/datapoints")), json!({"datapoints": []}));
    let add = |body| api.post("/v1/datasets/nope/datapoints", &body);
    refused(add(json!({"mapping": {}})), "data");
    refused(add(json!({"data": []})), "mapping");
    refused(
        add(json!({"data": [{}], "mapping": {"inputs": ["missing"]}})),
        "data[0].missing",
    );
    assert_eq!(add(json!({"data": [], "mapping": {}})).0, 404);
    assert_eq!(api.get("/v1/datapoints/nope").0, 404);
}
