//! Sessions: how they are opened, continued and ended, what the backend is told, and who does not hear of them.
#![allow(clippy::unwrap_used, missing_docs)]

use std::time::{Duration, SystemTime};

use honeyhive_core::opentelemetry::trace::{SpanKind, TraceContextExt};
use honeyhive_core::{Enrichment, EventType, HoneyHiveTracer, SessionId, SessionStatus, trace};
use honeyhive_tests::scripted::{ScriptedServer, ok, status};
use honeyhive_tests::{KEY, PATIENCE, all_events, server, session, tracer};
use serde_json::json;

#[trace]
fn step(name: &str) -> String {
    name.to_owned()
}

fn on(server: &ScriptedServer) -> honeyhive_core::TracerBuilder {
    HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", KEY)])
        .server_url(server.url())
        .undiscoverable()
}

#[tokio::test]
async fn a_conversation_goes_on_in_the_session_of_its_key() {
    let server = server();
    let tracer = tracer(&server);
    let first = tracer
        .new_session("chat")
        .key("user-42")
        .input("topic", "bees")
        .user_property("plan", "pro")
        .start();
    first.in_scope(|| step("first turn"));
    first.flush(PATIENCE).await.unwrap();
    assert_eq!(first.session_status(), SessionStatus::Started);
    let requests = tracer.stats().requests_delivered;

    let second = tracer.resume_session(SessionId::from_key("user-42")).start();
    second.in_scope(|| step("second turn"));
    second.enrich_session(Enrichment::new().output("reply", "dance").feedback("rating", 5));
    second.end_session();
    first.end_session();
    let tree = session(&second, first.session_id()).await;
    insta::assert_snapshot!(tree, @r#"
    session chat
    │ inputs: topic="bees"
    │ outputs: reply="dance"
    │ feedback: rating=5
    │ user_properties: plan="pro"
    ├─ tool step
    │    inputs: name="first turn"
    │    outputs: result="first turn"
    └─ tool step
         inputs: name="second turn"
         outputs: result="second turn"
    "#);
    assert_eq!(second.session_status(), SessionStatus::Unannounced);
    assert_eq!(
        tracer.stats().requests_delivered,
        requests + 2,
        "two updates, no second start"
    );
    let events = all_events(&server).await;
    let row = events.iter().find(|event| event.event_name == "chat").unwrap();
    assert!(row.duration > 0.0, "{row:?}");
}

#[test]
fn a_blank_name_or_source_counts_as_none() {
    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(&server).session_name("own").source("prod").build().unwrap();
    let blank = tracer.new_session(" ").source("\t").start();
    let renamed = tracer.new_session("named").name("").source("").start();
    for session in [&blank, &renamed] {
        session.in_scope(|| step("x"));
    }
    tracer.flush_blocking(PATIENCE).unwrap();
    for (session, name) in [(&blank, "own"), (&renamed, "named")] {
        let starts = server.arrived("POST /session/start");
        let mut starts = starts.iter().map(|start| start.json()["session"].clone());
        let started = starts
            .find(|start| start["session_id"] == json!(session.session_id()))
            .unwrap();
        assert_eq!(
            (&started["session_name"], &started["source"]),
            (&json!(name), &json!("prod"))
        );
    }
}

#[test]
fn a_session_that_could_not_be_announced_says_why() {
    let server = ScriptedServer::start(|_, request| match request.line.as_str() {
        "POST /session/start" => status(401),
        _ => ok(),
    });
    let tracer = on(&server).build().unwrap();
    tracer.flush_blocking(PATIENCE).unwrap_err();
    let SessionStatus::Failed(reason) = tracer.session_status() else {
        panic!("{:?}", tracer.session_status())
    };
    assert!(
        reason.contains("POST /session/start") && reason.contains("401"),
        "{reason}"
    );
    let skipped = on(&server).skip_session_start().build().unwrap();
    assert_eq!(skipped.session_status(), SessionStatus::Unannounced);
}

#[test]
fn the_ids_of_a_run_and_the_inputs_of_the_first_session_come_from_the_settings() {
    let server = ScriptedServer::start(|_, _| ok());
    let id = "ABCDEF12-3456-4789-8ABC-DEF012345678";
    let tracer = HoneyHiveTracer::builder()
        .environment([
            ("HH_API_KEY", KEY),
            ("HH_SESSION_ID", id),
            ("HH_SESSION_NAME", "named"),
            ("HH_RUN_ID", "run"),
            ("HH_DATAPOINT_ID", "datapoint"),
            ("HH_INPUTS", r#"{"q": 1}"#),
            // These belong to the program around us.
            ("RUN_ID", "ci"),
            ("SESSION_ID", "ci"),
            ("INPUTS", "ci"),
            ("SESSION_NAME", "ci"),
        ])
        .server_url(server.url())
        .metadata("team", "core")
        .undiscoverable()
        .build()
        .unwrap();
    tracer.in_scope(|| step("x"));
    tracer.flush_blocking(PATIENCE).unwrap();
    let mut start = server.arrived("POST /session/start")[0].json();
    start["session"].as_object_mut().unwrap().remove("start_time");
    let expected = json!({"session": {
        "session_id": id.to_lowercase(), "session_name": "named", "source": "dev", "inputs": {"q": 1},
        "metadata": {"run_id": "run", "datapoint_id": "datapoint", "team": "core"},
    }});
    assert_eq!(start, expected);
}

#[test]
fn what_is_sampled_out_is_neither_announced_nor_recorded_nor_recorded_elsewhere() {
    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(&server).sample_rate(0.5).build().unwrap();
    let sessions: Vec<_> = (0..200)
        .map(|n| tracer.new_session("s").key(n.to_string()).start())
        .collect();
    for session in &sessions {
        session.in_scope(|| tracer_of_the_code(session));
        session.enrich_session(Enrichment::new().metadata("a", 1));
    }
    let always = tracer.new_session("row").key("0").experiment("r", "d", "p").start();
    always.span("row").start().end();
    assert!(always.span("row").start().is_recording());
    tracer.flush_blocking(PATIENCE).unwrap();
    let kept = sessions
        .iter()
        .filter(|session| session.session_status() == SessionStatus::Started)
        .count();
    assert!((60..140).contains(&kept), "{kept} of 200");
    let own = usize::from(tracer.session_status() == SessionStatus::Started);
    assert_eq!(server.arrived("POST /session/start").len(), kept + 1 + own);
    assert_eq!(tracer.stats().spans_exported as usize, kept + 2);
}

fn tracer_of_the_code(session: &HoneyHiveTracer) {
    let found = HoneyHiveTracer::current().unwrap();
    assert_eq!(found.session_id(), session.session_id());
    step("inside");
}

#[test]
fn with_tracing_off_or_in_test_mode_nothing_leaves_and_no_key_is_needed() {
    let server = ScriptedServer::start(|_, _| ok());
    let keyless = || {
        HoneyHiveTracer::builder()
            .environment([("HH_API_URL", server.url())])
            .undiscoverable()
    };
    for (tracer, ended) in [
        (keyless().disable_tracing(true).build().unwrap(), 0),
        (off_by_variable(&server), 0),
        (keyless().test_mode(true).build().unwrap(), 2),
    ] {
        assert_eq!(tracer.in_scope(|| step("x")), "x");
        tracer.span("by hand").start().end();
        tracer
            .new_session("another")
            .start()
            .enrich_session(Enrichment::new().metadata("a", 1));
        tracer.flush_blocking(PATIENCE).unwrap();
        let stats = tracer.stats();
        assert_eq!(
            (stats.spans_ended, stats.spans_discarded, stats.pending()),
            (ended, ended, 0)
        );
    }
    let sessions_only = on(&server).otlp_enabled(false).build().unwrap();
    sessions_only.in_scope(|| step("x"));
    sessions_only.flush_blocking(PATIENCE).unwrap();
    assert_eq!(server.arrived("POST /session/start").len(), 1);
    assert!(server.arrived("POST /opentelemetry/v1/traces").is_empty());
}

#[tokio::test]
async fn a_span_by_hand_carries_whatever_a_span_can() {
    let server = server();
    let tracer = tracer(&server);
    let earlier = SystemTime::now() - Duration::from_secs(60);
    let queued = tracer.span("queued").start();
    let linked = queued.context().span().span_context().clone();
    let event_id = "22222222-2222-4222-8222-222222222222";
    let span = tracer
        .span("rank")
        .event_type(EventType::Model)
        .event_name("ranking")
        .input("q", "bees")
        .output("best", 1)
        .config("model", "m-1")
        .metadata("a", json!({"b": [1, 2]}))
        .metric("score", 0.5)
        .feedback("rating", 5)
        .user_property("plan", "pro")
        .error("half of it failed")
        .attribute("gen_ai.request.temperature", 0.5)
        .kind(SpanKind::Client)
        .start_time(earlier)
        .link(linked)
        .start();
    span.enrich(
        Enrichment::new()
            .metric("score", 0.75)
            .event_id(event_id.parse().unwrap()),
    );
    span.end_at(earlier + Duration::from_millis(250));
    queued.end();
    tracer
        .span("future")
        .scope(async {
            tokio::task::yield_now().await;
            tracer.span("closure").in_scope(|| step("inner"));
        })
        .await;
    let cut_short = tracer.span("cut short").scope(std::future::pending::<()>());
    tokio::time::timeout(Duration::ZERO, cut_short).await.unwrap_err();
    let panicked = std::panic::catch_unwind(|| tracer.span("panics").in_scope(|| panic!("on purpose")));
    assert!(panicked.is_err());
    insta::assert_snapshot!(session(&tracer, tracer.session_id()).await, @r#"
    session a session
    ├─ model ranking
    │    inputs: q="bees"
    │    outputs: best=1
    │    metrics: score=0.75
    │    feedback: rating=5
    │    config: model="m-1" temperature=0.5
    │    metadata: a={"b":[1,2]}
    │    user_properties: plan="pro"
    │    error: half of it failed
    ├─ tool queued
    ├─ tool future
    │  └─ tool closure
    │     └─ tool step
    │          inputs: name="inner"
    │          outputs: result="inner"
    ├─ tool cut short
    │    metadata: error_type="Cancelled"
    │    error: dropped before it finished
    └─ tool panics
         metadata: error_type="Panic"
         error: on purpose
    "#);
    let ranked = all_events(&server).await;
    let ranked = ranked.iter().find(|event| event.event_id == event_id).unwrap();
    assert!((ranked.duration - 250.0).abs() < 1.0, "{}", ranked.duration);
}

fn off_by_variable(server: &ScriptedServer) -> HoneyHiveTracer {
    HoneyHiveTracer::builder()
        .environment([("HH_API_URL", server.url()), ("HH_DISABLE_TRACING", "true")])
        .undiscoverable()
        .build()
        .unwrap()
}
