//! Starting sessions and reading them back.

use serde_json::json;

use crate::support::{Api, SESSION, refused};

#[test]
fn a_started_session_is_answered_whole_and_read_back() {
    let api = Api::start();
    let answer = api.ok(
        "/session/start",
        &json!({"session": {
            "session_id": SESSION.to_uppercase(), "session_name": "chat", "source": "dev", "project": "p",
            "inputs": {"q": null}, "metadata": {"run_id": "r"}, "start_time": 5, "duration": 2,
        }}),
    );
    let expected = json!({
        "event_id": SESSION, "session_id": SESSION, "parent_id": null, "children_ids": [], "event_type": "session",
        "event_name": "chat", "project": "p", "source": "dev", "config": {}, "inputs": {"q": null}, "outputs": {},
        "error": null, "user_properties": {}, "metrics": {}, "feedback": {}, "metadata": {"run_id": "r"},
        "org_id": "local", "workspace_id": "local", "project_id": "local",
        "start_time": 5.0, "end_time": 7.0, "duration": 2.0,
    });
    assert_eq!(answer, expected);
    let (_, read) = api.get(&format!("/v1/sessions/{SESSION}"));
    assert_eq!(read["children"], json!([]));
    assert_eq!(read["project_id"], "local");
    assert_eq!(read["inputs"], json!({"q": null}));
}

#[test]
fn without_an_id_a_new_session_is_made() {
    let api = Api::start();
    let answer = api.ok("/session/start", &json!({"session": {}}));
    assert_eq!(answer["event_name"], "Session");
    assert_eq!(answer["event_id"], answer["session_id"]);
    assert_eq!(api.tree(answer["session_id"].as_str().unwrap()).len(), 1);
}

#[test]
fn starting_twice_merges() {
    let api = Api::start();
    let start = |session| api.ok("/session/start", &json!({"session": session}));
    start(json!({"session_id": SESSION, "session_name": "a", "metadata": {"x": {"y": 1}}, "source": "dev"}));
    let second = start(json!({"session_id": SESSION, "metadata": {"x": {"z": 2}}, "user_properties": {"u": 1}}));
    assert_eq!(second["event_name"], "a");
    assert_eq!(second["source"], "dev");
    assert_eq!(second["metadata"], json!({"x": {"y": 1, "z": 2}}));
    assert_eq!(second["user_properties"], json!({"u": 1}));
    assert_eq!(api.tree(SESSION).len(), 1);
}

#[test]
fn bad_bodies_are_refused_by_field_and_leave_nothing_behind() {
    let api = Api::start();
    let start = |body| api.post("/session/start", &body);
    refused(start(json!({})), "session");
    refused(start(json!({"session": "{}"})), "session");
    refused(
        start(json!({"session": {"session_id": "user-1"}})),
        "session.session_id",
    );
    refused(start(json!({"session": {"inputs": []}})), "session.inputs");
    refused(start(json!({"session": {"start_time": "now"}})), "session.start_time");
    refused(start(json!({"session": {"session_name": 7}})), "session.session_name");
    let (status, body) = start(json!([]));
    assert_eq!((status, body["field"].as_str()), (400, Some("body")));
    assert!(api.export(&json!([])).is_empty());
}

#[test]
fn an_unknown_session_is_not_found() {
    let (status, body) = Api::start().get(&format!("/v1/sessions/{SESSION}"));
    assert_eq!(status, 404);
    assert_eq!(body["message"], format!("session {SESSION:?} is unknown"));
}
