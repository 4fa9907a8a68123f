//! A thousand sessions at once, each with every way to make a span: none mixed, none lost, parents right.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::{BTreeMap, HashMap, HashSet};

use honeyhive_core::event::Event;
use honeyhive_core::opentelemetry::global;
use honeyhive_core::opentelemetry::trace::Tracer as _;
use honeyhive_core::{Enrichment, EventType, HoneyHiveTracer, routing, task, trace};
use honeyhive_tests::scripted::{ScriptedServer, ok};
use honeyhive_tests::{PATIENCE, all_events, server, settings};
use rig_agent::prelude::*;
use rig_core::test_utils::{MockCompletionModel, MockTurn};
use tracing::Instrument as _;
use tracing_subscriber::prelude::*;

const SESSIONS: usize = 1_000;

#[trace(event_type = "tool")]
fn step(number: usize) -> usize {
    number
}

#[trace(event_type = "tool")]
async fn waits(number: usize) -> usize {
    tokio::task::yield_now().await;
    step(number)
}

async fn asks_an_agent(number: usize) {
    let model = MockCompletionModel::from_turns([MockTurn::text("hello")]);
    let agent = AgentBuilder::new(model).name("assistant").preamble("be brief").build();
    let reply = agent.prompt(format!("question {number}")).await.unwrap();
    assert_eq!(reply.output(), "hello");
}

#[trace(event_type = "chain")]
async fn request(number: usize) {
    waits(number).await;
    asks_an_agent(number).await;
    async {
        tokio::task::yield_now().await;
        step(number);
    }
    .instrument(tracing::info_span!("library", number))
    .await;
    // An explicit root, as some libraries open one.
    async { waits(number).await }
        .instrument(tracing::info_span!(parent: None, "root", number))
        .await;
    global::tracer("a library").in_span("global", |_| step(number));
    task::spawn(async move { waits(number).await }).await.unwrap();
    task::spawn_blocking(move || step(number)).await.unwrap();
    task::spawn_thread(move || {
        tracing::info_span!("on a thread", number).in_scope(|| step(number));
    })
    .join()
    .unwrap();
}

/// Each event of one session as `parent > event`.
const EXPECTED: [(&str, usize); 14] = [
    ("session > request", 1),
    ("request > waits", 2),
    ("waits > step", 3),
    ("request > invoke_agent", 1),
    ("invoke_agent > chat", 1),
    ("request > library", 1),
    ("library > step", 1),
    ("request > root", 1),
    ("root > waits", 1),
    ("request > global", 1),
    ("global > step", 1),
    ("request > step", 1),
    ("request > on a thread", 1),
    ("on a thread > step", 1),
];

fn listen() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        routing::install_global();
        tracing_subscriber::registry().with(routing::layer()).init();
    });
}

async fn run(server: &honeyhive_local::Server, tracer: &HoneyHiveTracer) {
    let mut sessions = HashMap::new();
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..SESSIONS {
        let session = tracer.new_session(format!("session {number}")).start();
        sessions.insert(session.session_id().to_string(), number);
        requests.spawn(async move { session.scope(request(number)).await });
    }
    while let Some(done) = requests.join_next().await {
        done.unwrap();
    }
    tracer.flush(PATIENCE).await.unwrap();
    check(&all_events(server).await, &sessions, tracer);
}

fn check(events: &[Event], sessions: &HashMap<String, usize>, tracer: &HoneyHiveTracer) {
    let by_id: HashMap<&str, &Event> = events.iter().map(|event| (event.event_id.as_str(), event)).collect();
    assert_eq!(by_id.len(), events.len(), "no event twice");
    let mut shapes: BTreeMap<usize, BTreeMap<String, usize>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.event_type != EventType::Session) {
        let number = sessions[&event.session_id];
        let said = event.inputs.get("number").or_else(|| event.metadata.get("number"));
        if let Some(said) = said {
            // The bridge from `tracing` makes unsigned numbers texts.
            let said = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
            assert_eq!(said, number.to_string(), "{event:?}");
        }
        let parent = by_id[event.parent_id.as_deref().unwrap()];
        assert_eq!(parent.session_id, event.session_id, "{event:?}");
        let above = if parent.event_type == EventType::Session {
            "session"
        } else {
            &parent.event_name
        };
        let edge = format!("{above} > {}", event.event_name);
        *shapes.entry(number).or_default().entry(edge).or_default() += 1;
    }
    let expected: BTreeMap<String, usize> = EXPECTED
        .iter()
        .map(|(edge, count)| ((*edge).to_owned(), *count))
        .collect();
    assert_eq!(shapes.len(), SESSIONS);
    for (number, shape) in shapes {
        assert_eq!(shape, expected, "session {number}");
    }
    let stats = tracer.stats();
    assert_eq!((stats.lost(), stats.pending()), (0, 0), "{stats:?}");
    assert_eq!(
        stats.spans_exported as usize,
        SESSIONS * expected.values().sum::<usize>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_sessions_on_many_threads() {
    listen();
    let server = server();
    let tracer = settings(&server).max_queue_size(100_000).build().unwrap();
    run(&server, &tracer).await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_thousand_sessions_on_one_thread() {
    listen();
    let server = server();
    let tracer = settings(&server).max_queue_size(100_000).build().unwrap();
    run(&server, &tracer).await;
}

#[trace(event_type = "chain", tracer = tracer)]
fn outer(tracer: &HoneyHiveTracer, other: &HoneyHiveTracer, number: usize) {
    tracer.enrich_span(Enrichment::new().metadata("of", tracer.server_url()));
    inner(number);
    across(other, number);
    inner(number);
}

#[trace(tracer = tracer)]
fn across(tracer: &HoneyHiveTracer, number: usize) {
    inner(number);
}

#[trace]
fn inner(number: usize) {
    let _ = number;
}

#[test]
fn two_tracers_with_keys_and_servers_of_their_own_know_nothing_of_each_other() {
    let keys = ["hh_of_the_first", "hh_of_the_second"];
    let servers = keys.map(|_| ScriptedServer::start(|_, _| ok()));
    let on = |index: usize| {
        HoneyHiveTracer::builder()
            .environment([("HH_API_KEY", keys[index])])
            .server_url(servers[index].url())
            .session_name(keys[index])
            .undiscoverable()
            .build()
            .unwrap()
    };
    let tracers = [on(0), on(1)];
    std::thread::scope(|scope| {
        for (mine, other) in [(0, 1), (1, 0), (0, 1), (1, 0)] {
            let (mine, other) = (&tracers[mine], &tracers[other]);
            scope.spawn(move || (0..50).for_each(|number| outer(mine, other, number)));
        }
    });
    for (index, tracer) in tracers.iter().enumerate() {
        tracer.flush_blocking(PATIENCE).unwrap();
        let mut spans = Vec::new();
        for line in ["POST /session/start", "POST /opentelemetry/v1/traces"] {
            let arrived = servers[index].arrived(line);
            assert!(!arrived.is_empty());
            for request in arrived {
                assert_eq!(request.headers["authorization"], format!("Bearer {}", keys[index]));
                if line.ends_with("traces") {
                    spans.extend(request.spans());
                }
            }
        }
        // 100 calls of its own with two inner ones each, and 100 calls from the other's with one.
        assert_eq!(spans.len(), 100 * 3 + 100 * 2);
        let ids: HashSet<Vec<u8>> = spans.iter().map(|span| span.span_id.clone()).collect();
        for span in &spans {
            let routed = span
                .attributes
                .iter()
                .find(|kv| kv.key == "honeyhive.session_id")
                .unwrap();
            let text = format!("{:?}", routed.value);
            assert!(text.contains(&tracer.session_id().to_string()), "{text}");
            let root = matches!(span.name.as_str(), "outer" | "across");
            assert_eq!(span.parent_span_id.is_empty(), root, "{}", span.name);
            assert!(root || ids.contains(&span.parent_span_id));
        }
    }
}
