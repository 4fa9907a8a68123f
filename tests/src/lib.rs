//! Shared parts of the whole-system tests: a real backend, a tracer on it that no environment variable touches, and
//! reading back what arrived.
#![allow(clippy::expect_used, reason = "a test that cannot be set up should stop")]

pub mod child;
pub mod scripted;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use honeyhive_core::event::{Event, EventTree};
use honeyhive_core::{HoneyHiveTracer, SessionId, TracerBuilder};
use honeyhive_local::Server;
use serde_json::{Value, json};

/// The key of every test; it must never show up anywhere.
pub const KEY: &str = "hh_test_key_that_must_not_leak";

/// How long anything may take before a test gives up. Never waited for when things work.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A backend of its own, on a free port.
#[must_use]
pub fn server() -> Server {
    Server::builder()
        .listen("127.0.0.1:0")
        .start()
        .expect("the backend starts")
}

/// Settings for a tracer on this backend, untouched by the environment and by other tests in the process.
pub fn settings(server: &Server) -> TracerBuilder {
    settings_for(server.url())
}

/// The same for the backend of another process.
pub fn settings_for(url: &str) -> TracerBuilder {
    HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", KEY)])
        .server_url(url)
        .source("test")
        .session_name("a session")
        .undiscoverable()
}

/// A tracer on this backend.
#[must_use]
pub fn tracer(server: &Server) -> HoneyHiveTracer {
    settings(server).build().expect("the settings are valid")
}

/// The event tree of a session, after flushing the tracer. Every parent in it must be there: the backend hangs what it
/// cannot place under the session, which no picture of the tree shows.
pub async fn session(tracer: &HoneyHiveTracer, id: SessionId) -> EventTree {
    tracer.flush(PATIENCE).await.expect("everything is delivered");
    let tree = tracer
        .api()
        .sessions()
        .get(id)
        .await
        .expect("the session can be read back");
    let events = tree.clone().into_events();
    let ids: HashSet<&str> = events.iter().map(|event| event.event_id.as_str()).collect();
    for event in &events {
        let parent = event.parent_id.as_deref();
        assert!(
            parent.is_none_or(|parent| ids.contains(parent)),
            "the parent of {} is elsewhere",
            event.event_name
        );
    }
    tree
}

/// Waits until something holds that other threads bring about.
///
/// # Panics
///
/// When it does not come to hold.
pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

/// Everything the backend holds, read over its API.
pub async fn all_events(server: &Server) -> Vec<Event> {
    let mut events = Vec::new();
    for page in 1.. {
        let answer = post(
            server,
            "/v1/events/export",
            &json!({"filters": [], "limit": 1000, "page": page}),
        )
        .await;
        let batch: Vec<Event> = serde_json::from_value(answer["events"].clone()).expect("events");
        if batch.is_empty() {
            break;
        }
        events.extend(batch);
    }
    events
}

/// Posts JSON and returns the JSON answer.
pub async fn post(server: &Server, path: &str, body: &Value) -> Value {
    let url = format!("{}{path}", server.url());
    let response = client()
        .post(url)
        .bearer_auth(KEY)
        .json(body)
        .send()
        .await
        .expect("an answer");
    assert!(
        response.status().is_success(),
        "{}: {:?}",
        response.status(),
        response.text().await
    );
    response.json().await.expect("JSON")
}

/// Gets JSON.
pub async fn get(server: &Server, path: &str) -> Value {
    let url = format!("{}{path}", server.url());
    let response = client().get(url).bearer_auth(KEY).send().await.expect("an answer");
    assert!(
        response.status().is_success(),
        "{}: {:?}",
        response.status(),
        response.text().await
    );
    response.json().await.expect("JSON")
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

/// The code of the README and the guides compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[doc = include_str!("../../docs/delivery.md")]
#[doc = include_str!("../../docs/tracing.md")]
#[doc = include_str!("../../docs/evaluators.md")]
#[doc = include_str!("../../docs/comparing-runs.md")]
#[doc = include_str!("../../docs/experiments.md")]
#[doc = include_str!("../../docs/rest-client.md")]
struct Documents;

/// So does the code of the migration, before and after.
#[cfg(doctest)]
#[doc = include_str!("../../MIGRATION.md")]
struct Migration;

#[cfg(doctest)]
#[doc = include_str!("../../docs/breaks.md")]
struct Breaks;

/// And that of the guides.
#[cfg(doctest)]
#[doc = include_str!("../../docs/architecture.md")]
#[doc = include_str!("../../docs/evaluation-patterns.md")]
#[doc = include_str!("../../docs/troubleshooting.md")]
struct Guides;
