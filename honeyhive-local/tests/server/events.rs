//! Events over REST.

use serde_json::{Value, json};

use crate::support::{Api, SESSION, accepted, refused};

const EVENT: &str = "11111111-1111-4111-8111-111111111111";

fn event(changes: &Value) -> Value {
    let mut event = json!({
        "event_id": EVENT, "session_id": SESSION, "event_type": "model", "event_name": "answer", "inputs": {"i": 1},
    });
    for (key, value) in changes.as_object().unwrap() {
        event[key] = value.clone();
    }
    event
}

#[test]
fn an_event_lands_in_its_session_and_what_was_ignored_is_said() {
    let api = Api::start();
    api.start_session(SESSION);
    let sent = event(&json!({"outputs": [1, 2], "error": "err", "start_time": 10, "duration": 2.5, "extra": "kw"}));
    let answer = api.ok("/events", &json!({"event": sent}));
    assert_eq!(
        answer,
        json!({"success": true, "event_id": EVENT, "session_id": SESSION, "ignored": ["extra"]})
    );
    assert_eq!(
        api.tree(SESSION).to_string(),
        "session test\n└─ model answer\n     inputs: i=1\n     outputs: value=[1,2]\n     error: err\n"
    );
    let stored = &api.export(&json!([{"field": "event_id", "operator": "is", "value": EVENT}]))[0];
    assert_eq!(stored["end_time"], 12.5);
    assert_eq!(stored["parent_id"], SESSION);
}

#[test]
fn an_event_without_a_session_opens_one() {
    let api = Api::start();
    let mut sent = event(&json!({}));
    sent.as_object_mut().unwrap().remove("session_id");
    let answer = api.ok("/events", &json!({"event": sent}));
    assert_eq!(api.tree(answer["session_id"].as_str().unwrap()).len(), 2);
}

#[test]
fn a_change_merges_and_names_what_it_cannot_change() {
    let api = Api::start();
    api.ok(
        "/events",
        &json!({"event": event(&json!({"metadata": {"a": {"b": 1}}}))}),
    );
    let answer = accepted(api.put(
        "/events",
        &json!({
            "event_id": EVENT, "metadata": {"a": {"c": null}}, "feedback": {"rating": 5}, "metrics": {"s": 0.5},
            "outputs": {"o": 1}, "config": {"m": 1}, "user_properties": {"u": 1}, "inputs": {"no": 1}, "error": "no",
        }),
    ));
    assert_eq!(answer, json!({"success": true, "ignored": ["error", "inputs"]}));
    let stored = &api.export(&json!([]))[0];
    assert_eq!(stored["metadata"], json!({"a": {"b": 1, "c": null}}));
    assert_eq!(stored["inputs"], json!({"i": 1}));
    assert_eq!(stored["error"], Value::Null);
    for (bucket, value) in [
        ("feedback", json!({"rating": 5})),
        ("metrics", json!({"s": 0.5})),
        ("outputs", json!({"o": 1})),
        ("config", json!({"m": 1})),
        ("user_properties", json!({"u": 1})),
    ] {
        assert_eq!(stored[bucket], value, "{bucket}");
    }
}

#[test]
fn bad_events_and_changes_are_refused_by_field() {
    let api = Api::start();
    let create = |changes| api.post("/events", &json!({"event": event(&changes)}));
    refused(create(json!({"event_type": "demo"})), "event.event_type");
    refused(create(json!({"event_type": null})), "event.event_type");
    refused(create(json!({"inputs": null})), "event.inputs");
    refused(create(json!({"outputs": "text"})), "event.outputs");
    refused(create(json!({"event_id": "e"})), "event.event_id");
    refused(create(json!({"parent_id": 7})), "event.parent_id");
    refused(api.put("/events", &json!({})), "event_id");
    refused(
        api.put("/events", &json!({"event_id": EVENT, "outputs": [1]})),
        "outputs",
    );
    refused(
        api.put("/events", &json!({"event_id": EVENT, "duration": "1"})),
        "duration",
    );
    let (status, body) = api.put("/events", &json!({"event_id": EVENT}));
    assert_eq!((status, &body["error"]), (404, &json!("not_found")));
    assert!(body["message"].as_str().unwrap().contains(EVENT));
    assert!(api.export(&json!([])).is_empty());
}

#[test]
fn a_batch_is_stored_whole_or_not_at_all() {
    let api = Api::start();
    let good = json!({"event_type": "tool", "event_name": "a", "inputs": {}});
    refused(
        api.post(
            "/events/batch",
            &json!({"events": [good, {"event_type": "x", "inputs": {}}]}),
        ),
        "events[1].event_type",
    );
    refused(api.post("/events/batch", &json!({"events": [1]})), "events[0]");
    refused(api.post("/events/batch", &json!({})), "events");
    assert!(api.export(&json!([])).is_empty());

    let answer = api.ok(
        "/events/batch",
        &json!({"events": [good, good], "single_session": true, "session_properties": {"session_name": "batch"}}),
    );
    assert_eq!(answer["event_ids"].as_array().unwrap().len(), 2);
    assert_eq!(
        api.tree(answer["session_id"].as_str().unwrap()).to_string(),
        "session batch\n├─ tool a\n└─ tool a\n"
    );
    let apart = api.ok("/events/batch", &json!({"events": [good, good]}));
    assert_eq!(apart["session_id"], Value::Null);
    assert_eq!(api.export(&json!([])).len(), 3 + 4);
}

#[test]
fn an_event_delivered_again_opens_no_further_session() {
    let api = Api::start();
    let mut sent = event(&json!({}));
    sent.as_object_mut().unwrap().remove("session_id");
    let once = api.ok("/events", &json!({"event": sent}));
    assert_eq!(api.ok("/events", &json!({"event": sent})), once);
    for single in [false, true] {
        api.ok("/events/batch", &json!({"events": [sent], "single_session": single}));
    }
    let again = api.ok("/events/batch", &json!({"events": [sent], "single_session": true}));
    assert_eq!(again["session_id"], once["session_id"]);
    assert_eq!(api.export(&json!([])).len(), 2);
}

#[test]
fn times_no_date_can_hold_and_values_no_reader_can_read_are_refused() {
    let api = Api::start();
    let create = |changes| api.post("/events", &json!({"event": event(&changes)}));
    refused(create(json!({"start_time": 1e308})), "event.start_time");
    refused(create(json!({"start_time": 1, "duration": 1e308})), "event.duration");
    refused(
        api.post("/session/start", &json!({"session": {"end_time": -1e300}})),
        "session.end_time",
    );
    let nested = |depth: usize| (1..depth).fold(json!([]), |value, _| json!([value]));
    refused(create(json!({"inputs": {"deep": nested(100)}})), "event.inputs");
    refused(create(json!({"outputs": nested(100)})), "event.outputs");
    accepted(create(json!({"inputs": {"deep": nested(99)}, "outputs": nested(99)})));
    api.start_session(SESSION);
    assert_eq!(api.tree(SESSION).len(), 2);
    assert_eq!(api.export(&json!([])).len(), 2);
}
