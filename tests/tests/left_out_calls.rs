//! Calls of annotated functions that are left out, by a filter or with their session: they run where they were made, and
//! touch nothing that is there.
#![allow(clippy::unwrap_used, missing_docs)]

use std::future::{Future, pending};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use honeyhive_core::opentelemetry::trace::{Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use honeyhive_core::opentelemetry::{Context, KeyValue, global};
use honeyhive_core::{Enrichment, HoneyHiveTracer, routing, trace};
use honeyhive_tests::{server, session, settings, tracer};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tokio::sync::oneshot;

/// One test at a time has a default tracer.
static DEFAULT: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[trace]
fn step() {}

#[trace]
async fn waits(go: oneshot::Receiver<()>) {
    go.await.unwrap();
    step();
}

#[trace]
async fn waits_for_ever() {
    struct StepsAtTheEnd;
    impl Drop for StepsAtTheEnd {
        fn drop(&mut self) {
            step();
        }
    }
    let _end = StepsAtTheEnd;
    pending::<()>().await;
}

#[trace]
fn later() -> impl Future<Output = ()> {
    async { step() }
}

#[trace]
fn boxed() -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async { step() })
}

#[trace]
fn items() -> impl Stream<Item = u8> {
    stream::iter([1, 2]).inspect(|_| step())
}

#[tokio::test]
async fn what_a_call_goes_on_with_elsewhere_stays_in_the_session_that_is_left_out() {
    let _alone = DEFAULT.lock().await;
    let server = server();
    let default = tracer(&server);
    let _default = default.set_default();
    let unsampled = settings(&server).sample_rate(0.0).build().unwrap();

    let (go, gone) = oneshot::channel();
    let mut waits = Box::pin(waits(gone));
    let mut for_ever = Box::pin(waits_for_ever());
    let (later, boxed, items) = unsampled.in_scope(|| {
        assert_eq!(waits.as_mut().now_or_never(), None);
        assert_eq!(for_ever.as_mut().now_or_never(), None);
        (later(), boxed(), items())
    });
    go.send(()).unwrap();
    waits.await;
    drop(for_ever);
    later.await;
    boxed.await;
    assert_eq!(items.collect::<Vec<_>>().await, [1, 2]);
    assert_eq!((unsampled.stats().spans_ended, default.stats().spans_ended), (0, 0));

    step();
    assert_eq!(default.stats().spans_ended, 1, "where nothing is active");
}

fn enrich(text: &str) -> bool {
    HoneyHiveTracer::current()
        .unwrap()
        .enrich_span(Enrichment::new().metadata("from", text))
}

#[trace]
fn fails() -> io::Result<()> {
    Context::current()
        .span()
        .set_attribute(KeyValue::new("of the program", true));
    assert!(!enrich("a call"));
    Err(io::Error::other("broken"))
}

#[trace]
fn panics() {
    panic!("on purpose")
}

#[trace]
async fn panics_later() {
    tokio::task::yield_now().await;
    panic!("on purpose, later")
}

#[trace]
async fn fails_later() -> io::Result<()> {
    tokio::task::yield_now().await;
    fails()
}

fn vendor(exporter: &InMemorySpanExporter) -> SdkTracerProvider {
    let builder = SdkTracerProvider::builder();
    builder.with_simple_exporter(exporter.clone()).build()
}

#[tokio::test]
async fn a_span_of_others_that_is_open_around_it_is_as_if_the_call_was_not_annotated() {
    let exporter = InMemorySpanExporter::default();
    let vendor = vendor(&exporter);
    let server = server();
    let unsampled = settings(&server).sample_rate(0.0).build().unwrap();
    let filtering = settings(&server).exclude_spans("f").exclude_spans("p").build().unwrap();
    for mine in [&unsampled, &filtering] {
        let request = vendor.tracer("theirs").start("request");
        let cx = Context::current_with_span(request);
        let _request = cx.clone().attach();
        mine.in_scope(|| {
            fails().unwrap_err();
            catch_unwind(panics).unwrap_err();
        });
        mine.scope(fails_later()).await.unwrap_err();
        mine.scope(AssertUnwindSafe(panics_later()).catch_unwind())
            .await
            .unwrap_err();
        by_hand(mine);
        assert!(cx.span().is_recording(), "still open");
        cx.span().end();
    }
    let spans = exporter.get_finished_spans().unwrap();
    assert_eq!(spans.len(), 2);
    for request in spans {
        assert_eq!(request.status, Status::Unset);
        assert_eq!(request.events.len(), 0);
        let of_the_program = KeyValue::new("of the program", true);
        assert_eq!(request.attributes, [of_the_program.clone(), of_the_program]);
    }
}

/// A span that is left out, in every way it can end.
fn by_hand(tracer: &HoneyHiveTracer) {
    let mut span = tracer.span("by hand, left out").start();
    span.enrich(Enrichment::new().metadata("not", "theirs"));
    span.record_output(&1);
    span.record_error(&io::Error::other("broken"));
    span.end();
    tracer
        .span("by hand, left out")
        .start()
        .end_at(std::time::SystemTime::now());
    drop(tracer.span("by hand, left out").start());
}

#[trace]
fn helper() {
    assert!(!enrich("helper"));
    Context::current()
        .span()
        .set_attribute(KeyValue::new("honeyhive_metadata.from", "helper"));
    nested_helper();
    step();
}

#[trace]
fn nested_helper() {
    assert!(!enrich("a nested helper"));
    step();
}

#[tokio::test]
async fn what_a_filter_leaves_out_writes_nothing_on_the_span_around_it() {
    let server = server();
    let mine = settings(&server)
        .exclude_spans("helper")
        .exclude_spans("nested")
        .build()
        .unwrap();
    mine.span("request").in_scope(|| {
        helper();
        assert!(enrich("request"));
    });
    insta::assert_snapshot!(session(&mine, mine.session_id()).await, @r#"
    session a session
    └─ tool request
       │ metadata: from="request"
       ├─ tool step
       └─ tool step
    "#);
}

#[trace]
fn answers() {
    global::tracer("a library").in_span("chat", |_| step());
}

#[tokio::test]
async fn what_a_library_does_below_a_call_a_filter_leaves_out_stays_in_the_session() {
    let _alone = DEFAULT.lock().await;
    let exporter = InMemorySpanExporter::default();
    global::set_tracer_provider(vendor(&exporter));
    routing::install_global();
    let server = server();
    let mine = settings(&server).exclude_spans("answers").build().unwrap();
    let _default = mine.set_default();
    answers();
    insta::assert_snapshot!(session(&mine, mine.session_id()).await, @r#"
    session a session
    └─ tool chat
       └─ tool step
    "#);
    assert_eq!(exporter.get_finished_spans().unwrap().len(), 0);
}
