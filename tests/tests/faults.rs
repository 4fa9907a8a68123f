//! When the backend is not there or says no: clear errors, exact counts, nothing hangs, user code runs once.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::response::IntoResponse;
use honeyhive_core::{Enrichment, FlushError, HoneyHiveTracer, trace};
use honeyhive_eval::prelude::{Datapoint, Dataset, evaluate};
use honeyhive_local::Server;
use honeyhive_tests::eventually;
use honeyhive_tests::scripted::{self, ScriptedServer, ok, status};
use honeyhive_tests::{KEY, settings};
use serde_json::json;

fn nowhere() -> String {
    format!("http://{}", scripted::nowhere())
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
    let error = tracer.api().runs().get("x").await.unwrap_err();
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
    let tree = tracer.api().sessions().get(tracer.session_id()).await.unwrap();
    assert_eq!(tree.len(), 2);
    drop(server);
}

#[test]
fn a_full_queue_drops_and_counts_and_the_counts_add_up() {
    let tracer = on(&nowhere()).build().unwrap();
    let spans = 70_000;
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

#[test]
fn updates_of_one_session_that_wait_become_one_in_which_the_last_value_counts() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let server = ScriptedServer::start(move |_, request| {
        if request.line == "POST /session/start" {
            held.lock().unwrap().recv().unwrap();
        }
        ok()
    });
    let tracer = on(server.url()).build().unwrap();
    eventually("the start holds the worker", || {
        !server.arrived("POST /session/start").is_empty()
    });
    for rating in 0..8 {
        tracer.enrich_session(
            Enrichment::new()
                .feedback("rating", rating)
                .metadata(format!("m{rating}"), rating),
        );
    }
    release.send(()).unwrap();
    tracer.flush_blocking(Duration::from_secs(30)).unwrap();
    let updates = server.arrived("PUT /events");
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0].json()["feedback"], json!({"rating": 7}));
    assert_eq!(updates[0].json()["metadata"].as_object().unwrap().len(), 8);
    assert_eq!(tracer.stats().requests_delivered, 9, "a start and eight updates");
}

#[tokio::test]
async fn spans_are_delivered_though_the_start_of_their_session_is_not() {
    let server = ScriptedServer::start(|_, request| match request.line.as_str() {
        "POST /session/start" => status(503),
        _ => ok(),
    });
    let tracer = on(server.url()).build().unwrap();
    tracer.in_scope(counted);
    let error = tracer.flush(Duration::from_secs(2)).await.unwrap_err();
    assert!(
        matches!(error, FlushError::Timeout { pending: 1, .. }),
        "only the start waits: {error:?}"
    );
    assert_eq!(tracer.stats().spans_exported, 1);
    let starts = server.arrived("POST /session/start").len();
    assert!(starts > 1, "the start is tried again");
    assert_eq!(
        server.arrived("POST /opentelemetry/v1/traces").len(),
        1,
        "the spans are not"
    );
}

#[tokio::test]
async fn what_a_busy_server_refuses_is_sent_again_when_it_says() {
    let server = ScriptedServer::start(|before, request| match (request.line.as_str(), before) {
        ("POST /opentelemetry/v1/traces", 0) => (status(429).status(), [("retry-after", "1")]).into_response(),
        ("POST /opentelemetry/v1/traces", 1..3) => status(500),
        _ => ok(),
    });
    let tracer = on(server.url()).build().unwrap();
    tracer.in_scope(counted);
    let started = Instant::now();
    tracer.flush(Duration::from_secs(30)).await.unwrap();
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "the server asked for a second"
    );
    let stats = tracer.stats();
    assert_eq!(
        (stats.spans_exported, stats.retries, stats.spans_lost()),
        (1, 3, 0),
        "{stats:?}"
    );
}

#[tokio::test]
async fn one_span_too_large_for_the_server_does_not_cost_its_neighbours() {
    let server = ScriptedServer::start(|_, request| {
        if request.body.len() > 100_000 {
            status(413)
        } else {
            ok()
        }
    });
    let tracer = on(server.url()).build().unwrap();
    for n in 0..100 {
        let text = if n == 50 { "x".repeat(200_000) } else { n.to_string() };
        tracer.span("s").input("text", text).start().end();
    }
    let error = tracer.flush(Duration::from_secs(30)).await.unwrap_err();
    assert!(matches!(error, FlushError::Lost { lost: 1, .. }), "{error:?}");
    let stats = tracer.stats();
    assert_eq!((stats.spans_exported, stats.spans_too_large), (99, 1), "{stats:?}");
}

#[tokio::test]
async fn a_key_that_a_server_repeats_goes_no_further() {
    let server = ScriptedServer::start(|_, request| {
        let key = request.headers["authorization"].to_str().unwrap().to_owned();
        (
            status(403).status(),
            format!("{{\"message\": \"no access for {key}\"}}"),
        )
            .into_response()
    });
    let tracer = on(server.url()).build().unwrap();
    let error = tracer.flush(Duration::from_secs(30)).await.unwrap_err();
    let text = format!("{error} {error:?} {:?}", tracer.stats());
    assert!(
        text.contains("no access for Bearer [key]") && !text.contains(KEY),
        "{text}"
    );
}

#[tokio::test]
async fn nor_does_one_it_repeats_with_a_success_or_one_of_a_collector() {
    const OTHER: &str = "of-the-collector-0123";
    let server = ScriptedServer::start(|_, request| {
        let said = format!("left out for {:?} {}", request.headers, "x".repeat(5_000));
        axum::Json(serde_json::json!({"partialSuccess": {"rejectedSpans": 1, "errorMessage": said}})).into_response()
    });
    let tracer = on(server.url())
        .otlp_protocol(honeyhive_core::OtlpProtocol::HttpJson)
        .otlp_header("x-collector", format!("Token {OTHER}"))
        .build()
        .unwrap();
    tracer.span("s").start().end();
    let error = tracer.flush(Duration::from_secs(30)).await.unwrap_err();
    let text = format!("{error} {:?}", tracer.stats());
    assert!(text.contains("left out for"), "{text}");
    assert!(!text.contains(KEY) && !text.contains(OTHER), "{text}");
    assert!(text.len() < 2_500, "{text}");
}

#[test]
fn a_server_that_is_away_or_fails_is_not_asked_all_the_time() {
    let failing = ScriptedServer::start(|_, _| status(503));
    for url in [&nowhere(), failing.url()] {
        let tracer = on(url).build().unwrap();
        tracer.span("s").start().end();
        // Long enough for the pauses to have grown: no condition tells that nothing comes.
        std::thread::sleep(Duration::from_secs(4));
        let retries = tracer.stats().retries;
        assert!((4..30).contains(&retries), "{retries} in 4 s");
        tracer.shutdown_blocking(Duration::ZERO).unwrap_err();
    }
}

#[test]
fn each_flush_is_another_try() {
    let tracer = on(&nowhere()).build().unwrap();
    tracer.span("s").start().end();
    for _ in 0..30 {
        tracer.flush_blocking(Duration::from_millis(50)).unwrap_err();
    }
    let stats = tracer.stats();
    assert!(stats.retries > 20, "{stats:?}");
    tracer.shutdown_blocking(Duration::ZERO).unwrap_err();
}

#[tokio::test]
async fn a_flush_and_the_end_are_in_time_though_a_function_of_the_program_is_slow() {
    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(server.url())
        .redact(|_, _| {
            std::thread::sleep(Duration::from_millis(300));
            None
        })
        .build()
        .unwrap();
    for _ in 0..20 {
        tracer.span("s").start().end();
    }
    let begun = Instant::now();
    tracer.flush(Duration::from_millis(200)).await.unwrap_err();
    tracer.flush_blocking(Duration::from_millis(200)).unwrap_err();
    tracer.shutdown(Duration::from_millis(200)).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn the_delivery_thread_does_not_wait_for_itself() {
    use std::sync::{Arc, OnceLock};

    let server = ScriptedServer::start(|_, _| ok());
    let own: Arc<OnceLock<HoneyHiveTracer>> = Arc::default();
    let of_redact = own.clone();
    let tracer = on(server.url())
        .redact(move |_, _| {
            if let Some(tracer) = of_redact.get() {
                tracer.flush_blocking(Duration::from_secs(60)).unwrap_err();
            }
            None
        })
        .build()
        .unwrap();
    own.set(tracer.clone()).unwrap();
    tracer.span("s").start().end();
    let begun = Instant::now();
    tracer.flush_blocking(Duration::from_secs(120)).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_limit_without_end_is_a_limit_too() {
    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(server.url()).build().unwrap();
    tracer.span("s").start().end();
    tracer.flush(Duration::MAX).await.unwrap();
    tracer.flush_blocking(Duration::MAX).unwrap();
    tracer.shutdown(Duration::MAX).await.unwrap();
    tracer.shutdown_blocking(Duration::MAX).unwrap();
}

#[test]
fn what_comes_after_the_end_says_that_this_is_why_it_is_lost() {
    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(server.url()).build().unwrap();
    tracer.shutdown_blocking(Duration::from_secs(30)).unwrap();
    tracer.enrich_session(Enrichment::new().metadata("a", 1));
    let stats = tracer.stats();
    assert_eq!(stats.requests_lost, 1);
    assert!(
        stats.last_error.as_ref().is_some_and(|why| why.contains("ended")),
        "{stats:?}"
    );
}

#[tokio::test]
async fn an_experiment_says_what_it_lost() {
    let server = ScriptedServer::start(|_, request| match request.line.as_str() {
        "POST /opentelemetry/v1/traces" => status(400),
        _ => ok(),
    });
    let dataset = Dataset::new((0..20).map(|n| json!({"inputs": {"n": n}}))).unwrap();
    let result = evaluate(|_: Datapoint| 1)
        .dataset(dataset)
        .connection(on(server.url()))
        .await
        .unwrap();
    assert_eq!(result.succeeded(), 20);
    assert!(
        result.warnings[0].contains("20 spans or session records were lost"),
        "{:?}",
        result.warnings
    );
}

#[tokio::test]
async fn a_hiccup_of_the_server_does_not_end_an_experiment() {
    let server = ScriptedServer::start(|before, request| {
        let run = request.line.contains("/v1/runs");
        if run && before == 0 { status(503) } else { ok() }
    });
    let dataset = Dataset::new([json!({"inputs": {}})]).unwrap();
    let result = evaluate(|_: Datapoint| 1)
        .dataset(dataset)
        .connection(on(server.url()))
        .await
        .unwrap();
    assert_eq!(result.warnings, [""; 0]);
}

#[test]
fn a_full_queue_of_updates_is_bounded_in_bytes_and_counted() {
    let tracer = on(&nowhere()).build().unwrap();
    let megabyte = "x".repeat(1 << 20);
    for _ in 0..100 {
        tracer.enrich_session(Enrichment::new().metadata("big", &megabyte));
    }
    let stats = tracer.stats();
    assert!((30..70).contains(&stats.requests_lost), "64 MiB fit: {stats:?}");
    assert_eq!(stats.requests_lost + stats.requests_pending, 101, "{stats:?}");
}
