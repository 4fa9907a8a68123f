//! The server's life: addresses, keys, files, shutting down.

use std::net::TcpListener;
use std::path::PathBuf;

use honeyhive_local::{Server, ServerError};
use serde_json::json;

use crate::support::{Api, SESSION};

/// A file name nobody else uses, removed at the end.
pub(crate) struct TempFile(pub(crate) PathBuf);

impl TempFile {
    pub(crate) fn new() -> Self {
        Self(std::env::temp_dir().join(format!("honeyhive-local-{}.db", uuid::Uuid::new_v4())))
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            // Not every run leaves all three.
            let _absent = std::fs::remove_file(format!("{}{suffix}", self.0.display()));
        }
    }
}

#[test]
fn a_restart_on_a_file_keeps_everything() {
    let file = TempFile::new();
    let start = || Api::of(Server::builder().database(&file.0).start().unwrap());
    let before = {
        let api = start();
        api.start_session(SESSION);
        api.ok(
            "/events",
            &json!({"event": {"event_type": "tool", "session_id": SESSION, "inputs": {"ä": "ö\n"}}}),
        );
        api.ok("/v1/runs", &json!({"name": "kept"}));
        api.ok("/v1/datasets", &json!({"name": "kept"}));
        (api.export(&json!([])), api.get("/v1/runs").1, api.get("/v1/datasets").1)
    };
    let api = start();
    assert_eq!(before.0.len(), 2);
    assert_eq!(
        before,
        (api.export(&json!([])), api.get("/v1/runs").1, api.get("/v1/datasets").1)
    );
}

#[test]
fn files_that_are_not_ours_are_refused_and_left_alone() {
    let text = TempFile::new();
    std::fs::write(
        &text.0,
        "a diary, not a database, long enough to have a header of its own",
    )
    .unwrap();
    let started = Server::builder().database(&text.0).start();
    assert!(matches!(started, Err(ServerError::NotADatabase { .. })), "{started:?}");

    let other = TempFile::new();
    rusqlite::Connection::open(&other.0)
        .unwrap()
        .execute_batch("CREATE TABLE diary (day TEXT)")
        .unwrap();
    let message = Server::builder().database(&other.0).start().unwrap_err().to_string();
    assert!(message.contains("the tables of another program"), "{message}");

    let newer = TempFile::new();
    drop(Server::builder().database(&newer.0).start().unwrap());
    rusqlite::Connection::open(&newer.0)
        .unwrap()
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    let message = Server::builder().database(&newer.0).start().unwrap_err().to_string();
    assert!(
        message.contains("schema 99") && message.contains("schema 2"),
        "{message}"
    );

    let nowhere = Server::builder().database("/no/such/directory/x.db").start();
    assert!(matches!(nowhere, Err(ServerError::Database { .. })), "{nowhere:?}");
}

#[test]
fn addresses_are_checked_before_anything_is_served() {
    let refused = |address: &str| Server::builder().listen(address).start().unwrap_err();
    assert!(matches!(refused("here"), ServerError::BadAddress { .. }));
    assert!(matches!(refused("0.0.0.0:0"), ServerError::OpenToNetwork { .. }));
    assert!(matches!(refused("[::]:0"), ServerError::OpenToNetwork { .. }));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = refused(&address);
    assert!(matches!(error, ServerError::AddressInUse { .. }));
    assert!(error.to_string().contains(&address));
}

#[test]
fn with_a_key_every_request_needs_it_and_it_is_never_shown() {
    let builder = Server::builder().listen("0.0.0.0:0").api_key("hh_secret");
    assert!(!format!("{builder:?}").contains("hh_secret"));
    let server = builder.start().unwrap();
    let url = format!("http://127.0.0.1:{}", server.address().port());
    let api = Api::at(url);
    for (path, key, expected) in [
        ("/v1/runs", None, 401),
        ("/v1/runs", Some("hh_other"), 401),
        ("/nowhere", None, 401),
        ("/v1/runs", Some("hh_secret"), 200),
    ] {
        let mut request = api.http.get(api.path(path)).header("host", "honeyhive.example");
        if let Some(key) = key {
            request = request.header("authorization", format!("bearer {key}"));
        }
        let response = request.send().unwrap();
        assert_eq!(response.status(), expected);
        let body = response.text().unwrap();
        assert!(!body.contains("hh_secret"));
        assert!(expected == 200 || body.contains("unauthorized"), "{body}");
    }
}

#[test]
fn without_a_key_any_key_is_accepted() {
    let api = Api::start();
    let request = api.http.get(api.path("/v1/runs"));
    assert_eq!(request.bearer_auth("anything").send().unwrap().status(), 200);
}

#[test]
fn unknown_routes_methods_and_bodies_are_refused_in_json() {
    let api = Api::start();
    let (status, body) = api.get("/v2/nothing");
    assert_eq!((status, &body["error"]), (404, &json!("no_route")));
    assert!(body["message"].as_str().unwrap().contains("GET /v2/nothing"));
    let (status, body) = api.get("/session/start");
    assert_eq!((status, &body["error"]), (405, &json!("method_not_allowed")));
    let request = api
        .http
        .post(api.path("/events"))
        .header("content-type", "application/json");
    let response = request.body("{\"event\":").send().unwrap();
    assert_eq!(response.status(), 400);
    assert!(response.text().unwrap().contains("the body is not JSON"));
}

#[test]
fn the_server_runs_inside_any_runtime_and_serves_while_its_owner_blocks() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let server = Server::builder().start().unwrap();
        let url = server.url().to_owned();
        // This join blocks the only thread of the runtime.
        let answered = std::thread::spawn(move || Api::at(url).get("/v1/runs").0)
            .join()
            .unwrap();
        assert_eq!(answered, 200);
        server.shutdown();
    });
}

#[test]
fn after_shutdown_the_port_is_free_and_idle_connections_do_not_hold_it_up() {
    let server = Server::builder().start().unwrap();
    let address = server.address();
    let api = Api::at(server.url().to_owned());
    assert_eq!(api.get("/v1/runs").0, 200);
    let begun = std::time::Instant::now();
    server.shutdown();
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
    assert!(api.http.get(api.path("/v1/runs")).send().is_err());
    drop(Server::builder().listen(address.to_string()).start().unwrap());
}

#[test]
fn the_name_of_memory_is_memory_and_no_name_is_refused() {
    let api = Api::of(Server::builder().database(":memory:").start().unwrap());
    api.start_session(SESSION);
    assert_eq!(api.export(&json!([])).len(), 1);
    let empty = Server::builder().database("").start();
    assert!(matches!(empty, Err(ServerError::EmptyPath)), "{empty:?}");
}

#[cfg(unix)]
#[test]
fn a_file_whose_name_looks_like_a_uri_is_that_file() {
    // As a URI this would be a database in memory, one for each connection.
    let path = format!("file:{}?mode=memory", uuid::Uuid::new_v4());
    drop(Server::builder().database(&path).start().unwrap());
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn without_a_key_only_this_machine_is_answered_and_no_foreign_web_page() {
    let api = Api::start();
    let own = api.url.strip_prefix("http://").unwrap();
    let own_origin = api.url.as_str();
    for (host, origin, expected) in [
        (own, None, 200),
        ("localhost", None, 200),
        ("[::1]:1", None, 200),
        (own, Some(own_origin), 200),
        ("rebound.example", None, 403),
        ("rebound.example:4483", Some("http://rebound.example:4483"), 403),
        (own, Some("https://foreign.example"), 403),
        (own, Some("null"), 403),
    ] {
        let mut request = api.http.get(api.path("/v1/runs")).header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let (status, body) = crate::support::read(request.send().unwrap());
        assert_eq!(status, expected, "{host} {origin:?}: {body}");
        assert!(expected == 200 || body["error"].as_str().unwrap().starts_with("foreign_"));
    }
}

#[test]
fn bodies_must_say_that_they_are_json_and_stay_within_16_mib() {
    let api = Api::start();
    let send = |content_type: Option<&str>, encoding: &str, body: Vec<u8>| {
        let mut request = api.http.post(api.path("/session/start"));
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        crate::support::read(request.header("content-encoding", encoding).body(body).send().unwrap())
    };
    let body = || br#"{"session": {"session_name": "cut \ud83d"}}"#.to_vec();
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let (status, answer) = send(content_type, "identity", body());
        assert_eq!(status, 415, "{answer}");
        let message = answer["message"].as_str().unwrap();
        assert!(message.contains(content_type.unwrap_or_default()) && message.contains("application/json"));
    }
    let (status, answer) = send(Some("Application/JSON; charset=utf-8"), "Identity", body());
    assert_eq!((status, &answer["event_name"]), (200, &json!("cut \u{fffd}")));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &vec![b' '; 16 * 1024 * 1024 + 1]).unwrap();
    let (status, answer) = send(Some("application/json"), "GZIP", encoder.finish().unwrap());
    assert_eq!(status, 413, "{answer}");
}
