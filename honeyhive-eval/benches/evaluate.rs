//! What an experiment costs: 10,000 datapoints that do nothing, against the embedded backend in this process; and
//! what an open session costs in memory.
//!
//! Run with `cargo bench -p honeyhive-eval --bench evaluate`. With `BENCH_URL` it runs 200 datapoints against the server
//! there and nothing else, to stand beside another SDK in front of the same server.
//!
//! Client, server and its database share the process and its cores, so the seconds are those of both together.
//!
//! Last results (2026-11-24, two cores that did nothing else, Linux, rustc 1.95): 1.44 to 1.69 s without evaluators, 1.37
//! to 1.47 s with two; CPU of runner and function 0.4 to 0.7 s, of delivery 0.7 to 1.0 s, of the server 1.0 to 1.4 s; no
//! thread left; a live session whose start waits to be sent 677 bytes.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and stops at the first surprise"
)]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use honeyhive_eval::prelude::*;
use honeyhive_local::Server;
use serde_json::{Value, json};

const DATAPOINTS: usize = 10_000;

fn main() {
    if let Ok(url) = std::env::var("BENCH_URL") {
        for _ in 0..3 {
            beside(&url);
        }
        return;
    }
    sessions();
    for evaluators in [0, 2] {
        for _ in 0..3 {
            experiment(evaluators);
        }
    }
}

/// Opens as many sessions as an experiment has datapoints and keeps them.
fn sessions() {
    let server = Server::builder().start().unwrap();
    let tracer = settings(&server).build().unwrap();
    tracer.flush_blocking(Duration::from_secs(30)).unwrap();
    let (threads, memory) = (status("Threads"), status("VmRSS"));
    let started = Instant::now();
    let sessions: Vec<_> = (0..DATAPOINTS).map(|_| tracer.new_session("x").start()).collect();
    let opened = started.elapsed();
    let opened_memory = status("VmRSS");
    tracer.flush_blocking(Duration::from_secs(30)).unwrap();
    println!(
        "{} sessions opened: {:.2} µs each, threads {threads} -> {}, {:.0} bytes each at once (start waiting to be sent), \
         delivered after {:.2} s",
        sessions.len(),
        opened.as_secs_f64() * 1e6 / sessions.len() as f64,
        status("Threads"),
        opened_memory.saturating_sub(memory) as f64 * 1024.0 / sessions.len() as f64,
        started.elapsed().as_secs_f64(),
    );
}

/// Runs 200 datapoints against a server of somebody else.
fn beside(url: &str) {
    const DATAPOINTS: u32 = 200;
    let (threads, memory) = (status("Threads"), status("VmRSS"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dataset = Dataset::new((0..DATAPOINTS).map(|index| json!({"inputs": {"n": index}}))).unwrap();
    let started = Instant::now();
    let connection = HoneyHiveTracer::builder().environment([("HH_API_KEY", "hh_bench")]);
    let run = evaluate(|_: Datapoint| json!({"out": 1}))
        .name("cost")
        .dataset(dataset)
        .connection(connection.server_url(url).undiscoverable())
        .into_future();
    let result = runtime.block_on(run).unwrap();
    let taken = started.elapsed();
    println!(
        "{DATAPOINTS} datapoints: {:.3} s, {:.2} ms each; threads {threads} -> {}; RSS {:.1} -> {:.1} MiB; {} warnings",
        taken.as_secs_f64(),
        taken.as_secs_f64() * 1e3 / f64::from(DATAPOINTS),
        status("Threads"),
        memory as f64 / 1024.0,
        status("VmRSS") as f64 / 1024.0,
        result.warnings.len(),
    );
}

/// Runs the experiment on a runtime, a backend and a pipeline of its own.
fn experiment(evaluators: usize) {
    let idle = status("Threads");
    let server = Server::builder().start().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("program")
        .enable_all()
        .build()
        .unwrap();
    let tracer = settings(&server).build().unwrap();
    let items = (0..DATAPOINTS).map(|index| json!({"inputs": {"question": index}, "ground_truth": 1}));
    let dataset = Dataset::new(items).unwrap();
    let mut evaluation = evaluate(|_: Datapoint| 1)
        .name("bench")
        .dataset(dataset)
        .git(false)
        .tracer(&tracer);
    if evaluators == 2 {
        evaluation = evaluation
            .evaluator("exact", |Outputs(a): Outputs<i64>, GroundTruth(t): GroundTruth<i64>| {
                a == t
            })
            .evaluator("length", |_: Datapoint| 0.5);
    }
    let (threads, memory, cpu) = (status("Threads"), status("VmRSS"), cpu_by_thread());
    let started = Instant::now();
    let result = runtime.block_on(async { evaluation.await }).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let (threads_after, memory_after) = (status("Threads"), status("VmRSS"));
    let used: Vec<_> = cpu_by_thread()
        .into_iter()
        .map(|(name, now)| (now - cpu.get(&name).copied().unwrap_or(0.0), name))
        .filter(|(seconds, _)| *seconds > 0.005)
        .map(|(seconds, name)| format!("{name} {seconds:.2} s"))
        .collect();
    let sessions = json!([{"field": "event_type", "operator": "is", "value": "session", "type": "string"}]);
    println!(
        "{DATAPOINTS} datapoints, {evaluators} evaluators: {seconds:.2} s, {:.0} datapoints/s; \
         threads {threads} -> {threads_after}; RSS {:.1} -> {:.1} MiB; {} sessions, {} events arrived",
        DATAPOINTS as f64 / seconds,
        memory as f64 / 1024.0,
        memory_after as f64 / 1024.0,
        count(&server, &sessions),
        count(&server, &json!([])),
    );
    println!("    CPU: {}", used.join(", "));
    for warning in &result.warnings {
        println!("    {warning}");
    }
    drop((tracer, runtime, server));
    println!("    threads left: {}", status("Threads") - idle);
}

fn settings(server: &Server) -> honeyhive_core::TracerBuilder {
    HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", "hh_bench")])
        .server_url(server.url())
        .undiscoverable()
}

/// A number of `/proc/self/status`.
fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// Seconds each thread of this process has computed, by name.
fn cpu_by_thread() -> BTreeMap<String, f64> {
    let mut seconds = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let read = |name| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let nanos = read("schedstat").split(' ').next().and_then(|nanos| nanos.parse().ok());
        *seconds.entry(read("comm").trim().to_owned()).or_default() += nanos.unwrap_or(0.0) / 1e9;
    }
    seconds
}

/// Number of events on the server that pass the filters.
fn count(server: &Server, filters: &Value) -> u64 {
    let body = json!({"filters": filters, "limit": 1, "page": 1}).to_string();
    let mut connection = TcpStream::connect(server.address()).unwrap();
    write!(
        connection,
        "POST /v1/events/export HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let answer: Value = serde_json::from_str(body).unwrap();
    answer["totalEvents"].as_u64().unwrap()
}
