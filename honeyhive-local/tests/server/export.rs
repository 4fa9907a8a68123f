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
        (filter("metadata", "exists", Value::Null), vec!["one", "two", "three"]),
        (filter("outputs", "exists", Value::Null), vec![]),
        (
            filter("session_id", "is", json!(SESSION.to_uppercase())),
            vec!["one", "two", "three"],
        ),
    ] {
        assert_eq!(names(&api, &filter), expected, "{filter}");
    }
}

#[test]
fn values_are_compared_as_the_type_of_the_filter_says() {
    let api = Api::start();
    for (name, metadata) in [
        (
            "a",
            json!({"v": "10", "n": 10, "ok": true, "score": "nan", "day": "2026-01-02T00:00:00+01:00"}),
        ),
        (
            "b",
            json!({"v": "9", "n": 9, "ok": "false", "score": 1, "day": "2026-01-03", "zip": "01"}),
        ),
    ] {
        api.ok(
            "/events",
            &json!({"event": {
                "event_type": "model", "event_name": name, "session_id": SESSION, "inputs": {}, "metadata": metadata,
                "start_time": if name == "a" { 1_000 } else { 2_000 }, "duration": 1,
            }}),
        );
    }
    for (field, operator, kind, value, expected) in [
        ("metadata.v", "greater than", "string", json!("5"), vec!["b"]),
        ("metadata.v", "greater than", "number", json!("5"), vec!["a", "b"]),
        ("metadata.n", "less than", "number", json!(9.5), vec!["b"]),
        ("metadata.zip", "is", "string", json!("1"), vec![]),
        ("metadata.zip", "is", "string", json!("01"), vec!["b"]),
        ("metadata.ok", "is", "boolean", json!(true), vec!["a"]),
        ("metadata.ok", "is", "boolean", json!("false"), vec!["b"]),
        ("metadata.score", "is", "string", json!("nan"), vec!["a"]),
        ("metadata.score", "is", "number", json!("nan"), vec!["a"]),
        ("metadata.score", "is not", "string", json!("nan"), vec!["b"]),
        (
            "start_time",
            "after",
            "datetime",
            json!("1970-01-01T00:00:01.500Z"),
            vec!["b"],
        ),
        (
            "end_time",
            "is",
            "datetime",
            json!("1970-01-01T01:00:01.001+01:00"),
            vec!["a"],
        ),
        ("start_time", "before", "datetime", json!("1500"), vec!["a"]),
        (
            "metadata.day",
            "before",
            "datetime",
            json!("2026-01-01T23:00:00.001Z"),
            vec!["a"],
        ),
    ] {
        let filter = json!({"field": field, "operator": operator, "type": kind, "value": value});
        assert_eq!(names(&api, &filter), expected, "{filter}");
    }
}

#[test]
fn projections_choose_the_fields_of_the_answer() {
    let api = filled();
    let answer = api.ok(
        "/v1/events/export",
        &json!({"filters": [], "project": "p", "limit": 1, "projections": ["event_name", "metadata.n"]}),
    );
    assert_eq!(answer["events"], json!([{"event_name": "test", "metadata": {}}]));
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
    refused(search(json!({"filters": [], "dateRange": {"$gt": 1}})), "dateRange.$gt");
    refused(search(json!({"filters": [], "sort": "asc"})), "sort");
    let filter = |kind: &str, value: Value| {
        search(json!({"filters": [{"field": "a", "operator": "is", "type": kind, "value": value}]}))
    };
    refused(filter("number", json!("many")), "filters[0].value");
    refused(filter("boolean", json!(1)), "filters[0].value");
    refused(filter("datetime", json!("soon")), "filters[0].value");
    refused(filter("string", Value::Null), "filters[0].value");
}
