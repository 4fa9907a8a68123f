//! Ending a program, from everywhere it can end: what was traced is delivered, and it takes no longer than it may.
#![allow(clippy::unwrap_used, missing_docs)]

use std::process::Output;
use std::time::{Duration, Instant};

use honeyhive_core::{HoneyHiveTracer, TracerBuilder};
use honeyhive_tests::scripted::{ScriptedServer, hang, ok, status};
use honeyhive_tests::{KEY, PATIENCE, child, eventually};

const TRACES: &str = "POST /opentelemetry/v1/traces";
/// The time a drain gets here, and with it what the machine may take besides.
const DRAIN: Duration = Duration::from_secs(1);
const BOUND: Duration = Duration::from_secs(4);

fn on(url: &str) -> TracerBuilder {
    HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", KEY)])
        .server_url(url)
        .drain_timeout(DRAIN)
        .undiscoverable()
}

/// Gives `end` a tracer with a span that has ended, on a server that answers and on one that never does.
fn ends_in_time(end: impl Fn(HoneyHiveTracer)) {
    let answering = ScriptedServer::start(|_, _| ok());
    let silent = ScriptedServer::start(|_, _| hang());
    for server in [&answering, &silent] {
        let tracer = on(server.url()).build().unwrap();
        tracer.span("s").start().end();
        let begun = Instant::now();
        end(tracer);
        assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    }
    eventually("the span is delivered", || answering.arrived(TRACES).len() == 1);
}

/// Every way to wait for delivery, then the end.
fn all_ways(tracer: HoneyHiveTracer) {
    let begun = Instant::now();
    let delivered = tracer.flush_blocking(Duration::from_millis(300)).is_ok();
    assert!(begun.elapsed() < BOUND);
    assert_eq!(tracer.shutdown_blocking(Duration::from_millis(300)).is_ok(), delivered);
    assert_eq!(tracer.flush_blocking(DRAIN), Ok(()), "what was lost has been said");
    drop(tracer);
}

async fn all_async_ways(tracer: HoneyHiveTracer) {
    let delivered = tracer.flush(Duration::from_millis(300)).await.is_ok();
    assert_eq!(tracer.shutdown(Duration::from_millis(300)).await.is_ok(), delivered);
    assert_eq!(tracer.flush(DRAIN).await, Ok(()), "what was lost has been said");
    drop(tracer);
}

#[test]
fn from_plain_threads() {
    ends_in_time(drop);
    ends_in_time(all_ways);
    ends_in_time(|tracer| std::thread::spawn(|| drop(tracer)).join().unwrap());
    ends_in_time(|tracer| drop(tracer.set_default()));
}

#[test]
fn from_a_current_thread_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    ends_in_time(|tracer| runtime.block_on(async { drop(tracer) }));
    ends_in_time(|tracer| runtime.block_on(async { all_ways(tracer) }));
    ends_in_time(|tracer| runtime.block_on(all_async_ways(tracer)));
}

#[test]
fn from_a_multi_thread_runtime_and_its_blocking_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    ends_in_time(|tracer| runtime.block_on(async { tokio::spawn(async { drop(tracer) }).await.unwrap() }));
    ends_in_time(|tracer| runtime.block_on(async { tokio::spawn(all_async_ways(tracer)).await.unwrap() }));
    ends_in_time(|tracer| {
        runtime
            .block_on(async { tokio::task::spawn_blocking(|| all_ways(tracer)).await })
            .unwrap();
    });
}

#[test]
fn without_any_runtime_also_async() {
    ends_in_time(|tracer| block_on(all_async_ways(tracer)));
}

/// Polls a future on this thread, with nothing else there.
fn block_on(future: impl Future<Output = ()>) {
    struct Unpark(std::thread::Thread);

    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    while future
        .as_mut()
        .poll(&mut std::task::Context::from_waker(&waker))
        .is_pending()
    {
        std::thread::park();
    }
}

#[test]
fn while_a_panic_unwinds() {
    struct Held(HoneyHiveTracer);

    impl Drop for Held {
        fn drop(&mut self) {
            assert!(std::thread::panicking());
            self.0.span("last words").start().end();
            let _ = self.0.flush_blocking(Duration::from_millis(300));
        }
    }

    ends_in_time(|tracer| {
        let held = Held(tracer);
        std::thread::spawn(move || {
            let _held = held;
            std::panic::resume_unwind(Box::new("as planned"));
        })
        .join()
        .unwrap_err();
    });
}

/// Runs this test again as a process that traces to the server.
fn run(test: &str, server: &ScriptedServer) -> Output {
    child::start(test, server.url()).wait_with_output().unwrap()
}

#[test]
fn a_process_that_ends_delivers_and_one_that_is_started_anew_delivers_too() {
    const NAME: &str = "a_process_that_ends_delivers_and_one_that_is_started_anew_delivers_too";
    if let Some(url) = child::part() {
        let tracer = on(&url).build().unwrap();
        tracer.span("s").start().end();
        return;
    }
    let server = ScriptedServer::start(|_, _| ok());
    for number in 1..=2 {
        assert!(run(NAME, &server).status.success());
        assert_eq!(server.arrived(TRACES).len(), number);
    }
}

/// A subscriber of the program runs on the worker's thread, and may panic there.
#[test]
#[allow(clippy::print_stdout, reason = "what is printed is what is looked at")]
fn what_the_worker_held_when_it_died_is_counted_and_told() {
    const NAME: &str = "what_the_worker_held_when_it_died_is_counted_and_told";
    if let Some(url) = child::part() {
        use tracing_subscriber::layer::SubscriberExt as _;
        use tracing_subscriber::util::SubscriberInitExt as _;

        tracing_subscriber::registry().with(Panicking).init();
        let tracer = on(&url).build().unwrap();
        (0..5).for_each(|_| tracer.span("s").start().end());
        let error = tracer.shutdown_blocking(DRAIN).unwrap_err();
        let stats = tracer.stats();
        assert_eq!((stats.spans_ended, stats.spans_unsent_at_exit), (5, 5), "{stats:?}");
        assert_eq!(stats.pending(), 0, "{stats:?}");
        println!("told: {error}");
        return;
    }
    let server = ScriptedServer::start(|_, _| ok());
    let Output { stdout, stderr, .. } = run(NAME, &server);
    let said = String::from_utf8_lossy(&stdout);
    assert!(
        said.contains("told: ") && said.contains("delivery thread"),
        "{said}{}",
        String::from_utf8_lossy(&stderr)
    );
}

/// Panics on the worker's thread, whatever the event.
struct Panicking;

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Panicking {
    fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        assert_ne!(std::thread::current().name(), Some("honeyhive"), "as planned");
    }
}

/// Everything that may be printed, logged or shown, on a server that repeats the key in all it says.
#[test]
#[allow(clippy::print_stdout, reason = "what is printed is what is looked at")]
fn the_key_is_in_nothing_that_is_logged_shown_or_thrown() {
    const NAME: &str = "the_key_is_in_nothing_that_is_logged_shown_or_thrown";
    if let Some(url) = child::part() {
        use tracing_subscriber::layer::SubscriberExt as _;
        use tracing_subscriber::util::SubscriberInitExt as _;

        tracing_subscriber::registry().with(Printing).init();
        let builder = on(&url).verbose(true).otlp_header("x-other", KEY);
        println!("{builder:?}");
        let tracer = builder.build().unwrap();
        tracer.span("s").start().end();
        println!("{:?} {:?}", tracer.flush_blocking(PATIENCE), tracer.stats());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let call = runtime.block_on(tracer.api().runs().get("x")).unwrap_err();
        println!("{call} {call:?} {:?} {tracer:?}", tracer.api());
        let wrong = HoneyHiveTracer::builder().environment([("HH_INGESTION_API_KEY", KEY)]);
        println!("{:?}", wrong.build().unwrap_err());
        let spaced = HoneyHiveTracer::builder().environment([("HH_API_KEY", format!("{KEY} {KEY}"))]);
        println!("{:?}", spaced.build().unwrap_err());
        tracer.shutdown_blocking(DRAIN).unwrap();
        panic!("the end: {tracer:?}");
    }
    let server = ScriptedServer::start(|_, request| {
        use axum::response::IntoResponse as _;

        let said = format!("no access for {:?}", request.headers);
        (status(403).status(), said).into_response()
    });
    let Output { stdout, stderr, .. } = run(NAME, &server);
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    for expected in [
        "403",
        "no access for",
        "the end: HoneyHiveTracer",
        "POST /",
        "spans are being lost",
    ] {
        assert!(said.contains(expected), "{expected} is missing in {said}");
    }
    assert!(!said.contains(KEY), "{said}");
    // Nor is any part of it that would do.
    assert!(!said.contains(&KEY[4..]), "{said}");
}

/// Prints every event, whatever its level.
struct Printing;

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Printing {
    #[allow(clippy::print_stdout, reason = "what is printed is what is looked at")]
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        println!("{event:?}");
    }
}
