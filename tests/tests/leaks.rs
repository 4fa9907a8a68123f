//! What a tracer leaves behind: nothing. One test, since threads and sockets belong to the whole process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;

use honeyhive_core::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use honeyhive_core::routing::{HoneyHiveProcessor, RoutingProvider};
use honeyhive_core::{HoneyHiveTracer, task, trace};
use honeyhive_tests::{PATIENCE, eventually, server, settings};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::prelude::*;

#[trace]
fn step(number: usize) -> usize {
    number
}

fn delivery_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "honeyhive").count()
}

fn sockets() -> usize {
    let open = fs::read_dir("/proc/self/fd").unwrap();
    let targets = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

/// Every way a tracer is held, and let go: as default, in contexts, by spans of libraries, by work handed over, by the
/// REST client, and by what was cut short.
fn every_hold(tracer: HoneyHiveTracer, mine: &SdkTracerProvider) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let default = tracer.set_default();
    let session = tracer.new_session("held").start();
    runtime.block_on(session.scope(async {
        let span = tracing::info_span!("of tracing");
        let root = tracing::info_span!(parent: None, "a root");
        span.in_scope(|| step(1));
        root.in_scope(|| step(2));
        mine.tracer("mine").in_span("of mine", |_| step(3));
        RoutingProvider::new().tracer("routed").in_span("routed", |_| step(4));
        task::spawn_thread(|| step(5)).join().unwrap();
        let cut_short = task::spawn(session.span("cut short").scope(std::future::pending::<()>()));
        tokio::task::yield_now().await;
        cut_short.abort();
        assert!(cut_short.await.unwrap_err().is_cancelled());
        session.flush(PATIENCE).await.unwrap();
        session.api().sessions().get(session.session_id()).await.unwrap();
    }));
    drop(default);
}

#[test]
fn ten_thousand_sessions_take_one_thread_and_leave_neither_thread_nor_socket() {
    let server = server();
    let before = sockets();
    assert_eq!(delivery_threads(), 0);
    let tracer = settings(&server).build().unwrap();
    let mut sessions: Vec<_> = (0..10_000)
        .map(|n| tracer.new_session(format!("s{n}")).start())
        .collect();
    for (number, session) in sessions.iter().enumerate() {
        session.in_scope(|| step(number));
    }
    assert_eq!(delivery_threads(), 1);
    // Twenty thousand requests and spans, in a debug build.
    tracer.flush_blocking(PATIENCE * 6).unwrap();
    assert!(sockets() > before, "it did speak to the backend");
    assert_eq!(tracer.stats().spans_exported, 10_000);
    let last = sessions.pop();
    drop(sessions);
    drop(tracer);
    assert_eq!(delivery_threads(), 1, "a session is a handle on the pipeline too");
    drop(last);
    eventually("the thread has ended", || delivery_threads() == 0);
    eventually("the sockets are closed", || sockets() == before);

    tracing_subscriber::registry()
        .with(honeyhive_core::routing::layer())
        .init();
    let mine = SdkTracerProvider::builder()
        .with_span_processor(HoneyHiveProcessor::new())
        .build();
    every_hold(settings(&server).build().unwrap(), &mine);
    eventually("no thread is held", || delivery_threads() == 0);
    eventually("no socket is held", || sockets() == before);
}
