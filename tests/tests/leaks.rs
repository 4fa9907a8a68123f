//! What a tracer leaves behind: nothing. One test, since threads and sockets belong to the whole process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;

use honeyhive_core::trace;
use honeyhive_tests::{PATIENCE, eventually, server, settings};

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
    tracer.flush_blocking(PATIENCE).unwrap();
    assert!(sockets() > before, "it did speak to the backend");
    assert_eq!(tracer.stats().spans_exported, 10_000);
    let last = sessions.pop();
    drop(sessions);
    drop(tracer);
    assert_eq!(delivery_threads(), 1, "a session is a handle on the pipeline too");
    drop(last);
    eventually("the thread has ended", || delivery_threads() == 0);
    eventually("the sockets are closed", || sockets() == before);
}
