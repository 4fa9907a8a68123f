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

#[test]
fn a_session_begins_with_its_first_event_and_ends_with_its_last_whenever_its_start_arrives() {
    let api = Api::start();
    for (start, duration) in [(2_000, 10), (1_000, 5_000), (3_000, 10)] {
        api.ok(
            "/events",
            &json!({"event": {
                "event_type": "tool", "session_id": SESSION, "inputs": {}, "start_time": start, "duration": duration,
            }}),
        );
    }
    let shown = |start: serde_json::Value| {
        api.ok("/session/start", &json!({"session": start}));
        let session = api.get(&format!("/v1/sessions/{SESSION}")).1;
        ["start_time", "end_time", "duration"].map(|key| session[key].as_f64().unwrap())
    };
    let [start, end, duration] = shown(json!({"session_id": SESSION}));
    // The start arrived without a time, long after the events.
    assert!(start == 1_000.0 && end > 6_000.0 && duration == end - start);
    let stated = json!({"session_id": SESSION, "start_time": 1_500, "duration": 100});
    assert_eq!(shown(stated), [1_000.0, 6_000.0, 5_000.0]);
    let wider = json!({"session_id": SESSION, "start_time": 500, "duration": 9_000});
    assert_eq!(shown(wider), [500.0, 9_500.0, 9_000.0]);
}

#[test]
fn an_event_that_is_its_own_parent_stays_in_its_session() {
    let api = Api::start();
    api.start_session(SESSION);
    let own = "22222222-2222-4222-8222-222222222222";
    api.ok(
        "/events",
        &json!({"event": {
            "event_type": "tool", "event_name": "loop", "event_id": own, "parent_id": own, "session_id": SESSION,
            "inputs": {},
        }}),
    );
    assert_eq!(api.tree(SESSION).to_string(), "session test\n└─ tool loop\n");
}

#[test]
fn only_a_session_has_the_id_of_a_session() {
    let api = Api::start();
    let event = |id: &str, session: &str, kind: &str| json!({"event": {"event_type": kind, "event_id": id, "session_id": session, "inputs": {}}});
    refused(
        api.post("/events", &event(SESSION, SESSION, "tool")),
        "event.event_type",
    );
    api.start_session(SESSION);
    let other = "22222222-2222-4222-8222-222222222222";
    refused(api.post("/events", &event(SESSION, other, "tool")), "event_type");
    assert_eq!(api.tree(SESSION).to_string(), "session test\n");
    api.ok("/events", &event(other, SESSION, "tool"));
    refused(
        api.post("/session/start", &json!({"session": {"session_id": other}})),
        "session.session_id",
    );
    let batch = |session: &str, event: &str| {
        json!({
            "session_properties": {"session_id": session},
            "events": [{"event_type": "tool", "event_id": event, "inputs": {}}],
        })
    };
    refused(
        api.post("/events/batch", &batch(SESSION, SESSION)),
        "events[0].event_type",
    );
    let third = "33333333-3333-4333-8333-333333333333";
    refused(api.post("/events/batch", &batch(other, third)), "session.session_id");
    assert_eq!(api.tree(SESSION).to_string(), "session test\n└─ tool unknown\n");
}

#[test]
fn a_path_that_is_no_text_is_refused_in_json() {
    let (status, body) = Api::start().get("/v1/sessions/%ff");
    assert_eq!((status, &body["error"]), (400, &json!("invalid_path")));
}

#[test]
fn what_an_older_version_stored_is_not_found_or_bounded_and_never_null() {
    let file = crate::life::TempFile::new();
    let open = || Api::of(honeyhive_local::Server::builder().database(&file.0).start().unwrap());
    open().start_session(SESSION);
    rusqlite::Connection::open(&file.0)
        .unwrap()
        .execute_batch("UPDATE events SET event_type = 'tool', end_time = 9e999, duration = 9e999")
        .unwrap();
    let api = open();
    assert_eq!(api.get(&format!("/v1/sessions/{SESSION}")).0, 404);
    api.start_session(SESSION);
    let session = api.get(&format!("/v1/sessions/{SESSION}")).1;
    assert_eq!(session["end_time"], 8.64e15);
}
