//! Spans of the `tracing` crate, through the layer: whose they are and what is written onto them, wherever they go.
#![allow(clippy::unwrap_used, missing_docs)]

use std::time::Duration;

use honeyhive_core::opentelemetry::global;
use honeyhive_core::opentelemetry::trace::Tracer as _;
use honeyhive_core::{Enrichment, HoneyHiveTracer, routing, task, trace};
use honeyhive_local::Server;
use honeyhive_tests::{all_events, server, session, tracer};
use serde_json::json;
use tracing::Instrument as _;
use tracing_subscriber::prelude::*;

#[trace]
fn step(number: u32) -> u32 {
    number
}

fn listen() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        routing::install_global();
        tracing_subscriber::registry().with(routing::layer()).init();
    });
}

fn everything() -> Enrichment {
    Enrichment::new()
        .input("question", json!({"words": ["why", "dance"]}))
        .output("answered", true)
        .config("model", "m-1")
        .metadata("of", "the first call")
        .metric("score", 0.5)
        .feedback("rating", 5)
        .user_property("plan", "pro")
        .error("half of it failed")
}

#[tokio::test]
async fn enrich_span_adds_to_the_active_span_of_a_library_whoever_made_it() {
    listen();
    let server = server();
    let tracer = tracer(&server);
    let enrich = || {
        assert!(tracer.enrich_span(everything()));
        assert!(tracer.enrich_span(Enrichment::new().metadata("of", "the last call")));
    };
    let in_tracing = async {
        tokio::task::yield_now().await;
        enrich();
    };
    tracer
        .scope(in_tracing.instrument(tracing::info_span!("by tracing")))
        .await;
    tracer.in_scope(|| {
        tracing::info_span!(parent: None, "a root").in_scope(enrich);
        global::tracer("a library").in_span("by the global tracer", |_| enrich());
    });
    let tree = session(&tracer, tracer.session_id()).await;
    assert_eq!(tree.len(), 4, "{tree}");
    for name in ["by tracing", "a root", "by the global tracer"] {
        let event = tree.find(name).unwrap().event();
        assert_eq!(event.inputs["question"], json!({"words": ["why", "dance"]}));
        assert_eq!(event.outputs["answered"], true);
        assert_eq!(event.config["model"], "m-1");
        assert_eq!(event.metadata["of"], "the last call");
        assert_eq!(event.metrics["score"], 0.5);
        assert_eq!(event.feedback["rating"], 5);
        assert_eq!(event.user_properties["plan"], "pro");
        assert_eq!(event.error.as_deref(), Some("half of it failed"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_stays_where_it_was_opened_however_it_is_entered_and_ends() {
    listen();
    let server = server();
    let tracer = tracer(&server);
    let other = tracer.new_session("other").start();
    let work = async {
        let outer = tracer.span("outer").start();
        let inner = outer.in_scope(|| tracing::info_span!("on another thread"));
        std::thread::spawn(move || inner.in_scope(|| step(1))).join().unwrap();
        drop(outer);
        let span = tracing::info_span!("in another session");
        other.scope(async { step(2) }.instrument(span)).await;
        let waits = std::future::pending::<()>().instrument(tracing::info_span!("cancelled"));
        tokio::time::timeout(Duration::ZERO, waits).await.unwrap_err();
        let fails = async { assert!(step(3) == 0, "on purpose") };
        let failed = task::spawn(fails.instrument(tracing::info_span!("panicked"))).await;
        assert!(failed.unwrap_err().is_panic());
        async { tracing::error!("it broke") }
            .instrument(tracing::info_span!("logs an error"))
            .await;
        step(4);
    };
    tracer.scope(work).await;
    assert!(HoneyHiveTracer::current().is_none(), "nothing stays behind");
    insta::assert_snapshot!(session(&tracer, tracer.session_id()).await, @r#"
    session a session
    ├─ tool outer
    │  └─ tool on another thread
    │     └─ tool step
    │          inputs: number=1
    │          outputs: result=1
    ├─ tool in another session
    │  └─ tool step
    │       inputs: number=2
    │       outputs: result=2
    ├─ tool cancelled
    ├─ tool panicked
    │  └─ tool step
    │       inputs: number=3
    │       outputs: result=3
    ├─ tool logs an error
    │    error: it broke
    └─ tool step
         inputs: number=4
         outputs: result=4
    "#);
    assert_eq!(session(&other, other.session_id()).await.len(), 1);
}

/// A tracer that code can find, on a server of its own.
fn discoverable(server: &Server, key: &str) -> HoneyHiveTracer {
    let settings = HoneyHiveTracer::builder().environment([("HH_API_KEY", key)]);
    settings
        .server_url(server.url())
        .session_name(key.to_owned())
        .build()
        .unwrap()
}

#[tokio::test]
async fn two_tracers_with_servers_of_their_own_share_no_span_of_a_library() {
    listen();
    let servers = [server(), server()];
    let (one, two) = (discoverable(&servers[0], "hh_one"), discoverable(&servers[1], "hh_two"));
    tracing::info_span!("of neither").in_scope(|| global::tracer("a library").in_span("of neither", |_| step(0)));
    let mut all = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (mine, theirs) = match number % 2 {
            0 => (one.clone(), two.clone()),
            _ => (two.clone(), one.clone()),
        };
        let inner = async move {
            theirs.in_scope(|| global::tracer("a library").in_span("inner", |_| step(number)));
            global::tracer("a library").in_span("outer too", |_| step(number));
        };
        all.spawn(async move { mine.scope(inner.instrument(tracing::info_span!("outer"))).await });
    }
    all.join_all().await;
    for (server, tracer) in servers.iter().zip([&one, &two]) {
        let tree = session(tracer, tracer.session_id()).await;
        // The session; ten outer spans with two below each; ten inner ones with one below.
        assert_eq!((tree.len(), all_events(server).await.len()), (51, 51), "{tree}");
        let roots: Vec<_> = tree.find(tracer.session_name()).unwrap().children().collect();
        assert_eq!(roots.len(), 20, "{tree}");
    }
}
