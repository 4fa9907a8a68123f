//! A thousand datapoints on 64 workers, each with every way to make a span: none mixed, none lost, order kept.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;

use honeyhive_core::event::Event;
use honeyhive_core::opentelemetry::global;
use honeyhive_core::opentelemetry::trace::Tracer as _;
use honeyhive_core::{EventType, routing, task};
use honeyhive_eval::prelude::*;
use honeyhive_eval::{Isolation, ScoreValue};
use honeyhive_tests::{all_events, server, tracer};
use serde_json::json;
use tracing::Instrument as _;
use tracing_subscriber::prelude::*;

const DATAPOINTS: u64 = 1_000;

#[trace(event_type = "tool")]
fn step(number: u64) -> u64 {
    number
}

#[trace(event_type = "model")]
async fn waits(number: u64) -> u64 {
    tokio::task::yield_now().await;
    step(number)
}

/// Nested traced calls, spans of a library, helpers that spawn, and the session enriched.
async fn work(datapoint: Datapoint, tracer: HoneyHiveTracer) -> u64 {
    let number = datapoint.inputs["number"].as_u64().unwrap();
    waits(number).await;
    async {
        tokio::task::yield_now().await;
        step(number);
    }
    .instrument(tracing::info_span!("library", number))
    .await;
    async { waits(number).await }
        .instrument(tracing::info_span!(parent: None, "root", number))
        .await;
    global::tracer("a library").in_span("global", |_| step(number));
    task::spawn(async move { waits(number).await }).await.unwrap();
    task::spawn_blocking(move || step(number)).await.unwrap();
    tracer.enrich_span(Enrichment::new().metadata("number", number));
    tracer.enrich_session(Enrichment::new().user_property("number", number));
    number
}

async fn judge(Outputs(output): Outputs<u64>, datapoint: Datapoint) -> bool {
    waits(output).await == datapoint.inputs["number"].as_u64().unwrap()
}

/// Events of one datapoint, by name.
const EXPECTED: [(&str, usize); 7] = [
    ("isolation", 1),
    ("work", 1),
    // In the function, below an explicit root, in a task, in the evaluator.
    ("waits", 4),
    // Below each of those, in the two spans of libraries, on a thread, in the other evaluator.
    ("step", 8),
    ("library", 1),
    ("root", 1),
    ("global", 1),
];

fn listen() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        routing::install_global();
        tracing_subscriber::registry().with(routing::layer()).init();
    });
}

async fn run(isolation: Isolation) {
    listen();
    let server = server();
    let tracer = tracer(&server);
    let dataset = Dataset::new((0..DATAPOINTS).map(|n| json!({"inputs": {"number": n}}))).unwrap();
    let result = evaluate(work)
        .name("isolation")
        .dataset(dataset)
        .tracer(&tracer)
        .max_workers(64)
        .isolation(isolation)
        .evaluator("judge", judge)
        .evaluator("sync", |Outputs(output): Outputs<u64>| step(output))
        .await
        .unwrap();
    let stats = tracer.stats();
    assert_eq!(
        (stats.lost(), stats.pending(), result.warnings.as_slice()),
        (0, 0, &[][..])
    );

    let mut sessions: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in all_events(&server).await {
        sessions.entry(event.session_id.clone()).or_default().push(event);
    }
    // The tracer has a session of its own, and nothing of the experiment is in it.
    assert_eq!(
        sessions.remove(&tracer.session_id().to_string()).map(|own| own.len()),
        Some(1)
    );
    assert_eq!(sessions.len() as u64, DATAPOINTS);
    let expected: BTreeMap<String, usize> = EXPECTED
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect();
    for (number, row) in (0..DATAPOINTS).zip(&result.rows) {
        assert_eq!(row.inputs["number"], number, "rows are in dataset order");
        assert_eq!(row.output, Ok(json!(number)));
        assert_eq!(row.score("judge"), Some(&ScoreValue::Flag(true)));
        let events = &sessions[&row.session_id.to_string()];
        check(number, events, &expected);
        let session = events
            .iter()
            .find(|event| event.event_type == EventType::Session)
            .unwrap();
        assert_eq!(session.user_properties["number"], number);
    }
}

fn check(number: u64, events: &[Event], expected: &BTreeMap<String, usize>) {
    let by_id: BTreeMap<&str, &Event> = events.iter().map(|event| (event.event_id.as_str(), event)).collect();
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for event in events {
        *found.entry(event.event_name.clone()).or_default() += 1;
        let said = event.inputs.get("number").or_else(|| event.metadata.get("number"));
        // The bridge from `tracing` makes unsigned numbers texts; a span through the API of OpenTelemetry says nothing.
        let said = said.map(|said| said.as_str().map_or_else(|| said.to_string(), str::to_owned));
        assert_eq!(
            said.unwrap_or_else(|| number.to_string()),
            number.to_string(),
            "{event:?}"
        );
        if let Some(parent) = event.parent_id.as_deref().filter(|parent| *parent != event.session_id) {
            assert!(by_id.contains_key(parent), "the parent of {event:?} is elsewhere");
        }
    }
    assert_eq!(&found, expected, "datapoint {number}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_datapoints_on_many_threads() {
    run(Isolation::Task).await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_thousand_datapoints_on_one_thread() {
    run(Isolation::Task).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_datapoints_on_threads_of_their_own() {
    run(Isolation::Thread).await;
}
