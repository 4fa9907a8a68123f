//! When the backend is not there or says no: clear errors, exact counts, nothing hangs, user code runs once.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use honeyhive_core::{FlushError, HoneyHiveTracer, trace};
use honeyhive_eval::prelude::{Datapoint, Dataset, evaluate};
use honeyhive_local::Server;
use honeyhive_tests::{KEY, settings};
use serde_json::json;

/// An address of this machine on which nothing listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn on(url: &str) -> honeyhive_core::TracerBuilder {
    HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", KEY)])
        .server_url(url)
        .undiscoverable()
}

#[trace(skip(calls))]
fn count(calls: &AtomicU32) -> u32 {
    calls.fetch_add(1, Ordering::SeqCst)
}

#[trace]
fn counted() {}

#[tokio::test]
async fn with_the_server_gone_the_program_runs_once_and_nothing_hangs() {
    let tracer = on(&nowhere()).build().unwrap();
    let calls = AtomicU32::new(0);
    tracer.in_scope(|| count(&calls));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    let limit = Duration::from_millis(300);
    let started = Instant::now();
    let error = tracer.flush(limit).await.unwrap_err();
    assert!(started.elapsed() < limit * 10, "flush kept its limit");
    let FlushError::Timeout { pending, last_error } = &error else {
        panic!("{error}")
    };
    assert_eq!(*pending, 2, "the session start and the span wait");
    assert!(last_error.as_ref().unwrap().contains("refused"), "{error}");
    assert!(!error.to_string().contains(KEY));
    let started = Instant::now();
    drop(tracer);
    assert!(started.elapsed() < Duration::from_secs(8), "exit is bounded");
}

#[tokio::test]
async fn an_experiment_without_a_server_fails_before_it_runs_anything() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let error = evaluate(|_: Datapoint| RUNS.fetch_add(1, Ordering::SeqCst))
        .dataset(Dataset::new([json!({"inputs": {}})]).unwrap())
        .connection(on(&nowhere()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("the run could not be created"), "{error}");
    assert_eq!(RUNS.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_server_that_refuses_the_key_is_reported_and_counted_not_retried() {
    let server = Server::builder()
        .listen("127.0.0.1:0")
        .api_key("another key")
        .start()
        .unwrap();
    let tracer = settings(&server).build().unwrap();
    tracer.in_scope(counted);
    let error = tracer.flush(Duration::from_secs(30)).await.unwrap_err();
    assert!(matches!(error, FlushError::Lost { lost: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("401"), "{error}");
    let stats = tracer.stats();
    assert_eq!(
        (
            stats.spans_ended,
            stats.spans_rejected,
            stats.requests_lost,
            stats.retries
        ),
        (1, 1, 1, 0)
    );
    assert_eq!(
        tracer.flush(Duration::from_secs(30)).await,
        Ok(()),
        "a loss is reported once"
    );
    let error = tracer.api().get_run("x").await.unwrap_err();
    assert!(error.to_string().contains("getRun failed with status 401"), "{error}");
}

#[tokio::test]
async fn what_waited_while_the_server_was_away_is_delivered_when_it_comes() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let tracer = on(&format!("http://{address}")).build().unwrap();
    tracer.in_scope(counted);
    assert!(tracer.flush(Duration::from_millis(50)).await.is_err());
    let server = Server::builder().listen(&address).start().unwrap();
    tracer.flush(Duration::from_secs(30)).await.unwrap();
    let stats = tracer.stats();
    assert_eq!(
        (stats.spans_exported, stats.requests_delivered, stats.spans_lost()),
        (1, 1, 0)
    );
    assert!(stats.retries > 0);
    let tree = tracer.api().get_session(tracer.session_id()).await.unwrap();
    assert_eq!(tree.len(), 2);
    drop(server);
}

#[test]
fn a_full_queue_drops_and_counts_and_the_counts_add_up() {
    let tracer = on(&nowhere()).build().unwrap();
    let spans = 20_000;
    for _ in 0..spans {
        tracer.span("s").start().end();
    }
    let stats = tracer.stats();
    assert_eq!(stats.spans_ended, spans);
    assert!(stats.spans_queue_full > 0, "{stats:?}");
    assert_eq!(
        stats.spans_ended,
        stats.spans_exported + stats.spans_lost() + stats.spans_pending,
        "{stats:?}"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn flushing_inside_a_current_thread_runtime_does_not_deadlock() {
    let server = honeyhive_tests::server();
    let tracer = settings(&server).build().unwrap();
    tracer.in_scope(counted);
    tracer.flush(honeyhive_tests::PATIENCE).await.unwrap();
    tracer.in_scope(counted);
    tracer.flush_blocking(honeyhive_tests::PATIENCE).unwrap();
    assert_eq!(tracer.stats().spans_exported, 2);
}
