//! Searching events.

use serde_json::{Value, json};

use crate::support::{Api, SESSION, refused};

fn filled() -> Api {
    let api = Api::start();
    api.start_session(SESSION);
    for (name, start, metadata) in [
        ("one", 1_000, json!({"run_id": "r1", "tags": ["x", "y"], "n": 1})),
        (
            "two",
            2_000,
            json!({"run_id": "r2", "deep": {"k": "needle in hay"}, "n": 2}),
        ),
        ("three", 3_000, json!({"n": 10})),
    ] {
        api.ok(
            "/events",
            &json!({"event": {
                "event_type": "model", "event_name": name, "session_id": SESSION, "inputs": {}, "metadata": metadata,
                "start_time": start, "duration": 1,
            }}),
        );
    }
    api
}

fn names(api: &Api, filter: &Value) -> Vec<String> {
    let filters = json!([{"field": "event_type", "operator": "is", "value": "model", "type": "string"}, filter]);
    let names = api
        .export(&filters)
        .into_iter()
        .map(|event| event["event_name"].clone());
    names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

#[test]
fn every_operator_selects_what_it_says() {
    let api = filled();
    let filter =
        |field: &str, operator: &str, value: Value| json!({"field": field, "operator": operator, "value": value});
    for (filter, expected) in [
        (filter("metadata.run_id", "is", json!("r1")), vec!["one"]),
        (filter("metadata.run_id", "is not", json!("r1")), vec!["two", "three"]),
        (filter("metadata.run_id", "exists", Value::Null), vec!["one", "two"]),
        (filter("metadata.run_id", "not exists", Value::Null), vec!["three"]),
        (filter("metadata.deep.k", "contains", json!("needle")), vec!["two"]),
        (filter("metadata.tags", "contains", json!("x")), vec!["one"]),
        (filter("metadata.tags.1", "is", json!("y")), vec!["one"]),
        (filter("event_name", "not contains", json!("o")), vec!["three"]),
        (filter("metadata.n", "greater than", json!("9")), vec!["three"]),
        (filter("metadata.n", "less than", json!(2)), vec!["one"]),
        (filter("start_time", "after", json!(1_500)), vec!["two", "three"]),
        (filter("start_time", "before", json!(1_500)), vec!["one"]),
        (filter("session_id", "is", json!(SESSION)), vec!["one", "two", "three"]),
        (filter("nothing.like.it", "exists", Value::Null), vec![]),
    ] {
        assert_eq!(names(&api, &filter), expected, "{filter}");
    }
}

#[test]
fn pages_and_ranges_of_time_cut_the_answer_but_not_the_total() {
    let api = filled();
    let page = |page: u32| {
        let answer = api.ok("/v1/events/export", &json!({"filters": [], "limit": 3, "page": page}));
        let count = answer["events"].as_array().unwrap().len();
        (count, answer["totalEvents"].clone(), answer["count"].clone())
    };
    assert_eq!(page(1), (3, json!(4), json!(4)));
    assert_eq!(page(2), (1, json!(4), json!(4)));
    assert_eq!(page(3), (0, json!(4), json!(4)));
    let range =
        |range: Value| api.ok("/v1/events/export", &json!({"filters": [], "dateRange": range}))["totalEvents"].clone();
    assert_eq!(range(json!({"$gte": 1_000, "$lte": "2000"})), 2);
    assert_eq!(range(json!({"$lte": "1970-01-01T00:00:01.000Z"})), 1);
}

#[test]
fn bad_searches_are_refused_by_field() {
    let api = Api::start();
    let search = |body| api.post("/v1/events/export", &body);
    refused(search(json!({})), "filters");
    refused(
        search(json!({"filters": [{"field": "a", "operator": "like"}]})),
        "filters[0].operator",
    );
    refused(search(json!({"filters": [{"operator": "is"}]})), "filters[0].field");
    refused(
        search(json!({"filters": [{"field": "a", "operator": "is", "type": "id"}]})),
        "filters[0].type",
    );
    refused(search(json!({"filters": [], "limit": 7501})), "limit");
    refused(search(json!({"filters": [], "page": 0})), "page");
    refused(
        search(json!({"filters": [], "dateRange": {"$gte": "yesterday"}})),
        "dateRange.$gte",
    );
}
