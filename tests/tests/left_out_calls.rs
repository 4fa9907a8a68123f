//! Calls of annotated functions that are left out, by a filter or with their session: they run where they were made, and
//! touch nothing that is there.
#![allow(clippy::unwrap_used, missing_docs)]

use std::future::{Future, pending};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc;
use std::time::Duration;

use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use honeyhive_core::opentelemetry::trace::{Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use honeyhive_core::opentelemetry::{Context, KeyValue, global};
use honeyhive_core::routing::{self, HoneyHiveProcessor};
use honeyhive_core::{Enrichment, HoneyHiveTracer, task, trace};
use honeyhive_tests::{PATIENCE, server, session, settings, tracer};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, Span, SpanData, SpanProcessor};
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

/// Begins an async function, a future of each kind and a stream in `begin`, and finishes them after `then`.
async fn begun_and_finished<T>(begin: impl FnOnce(&mut dyn FnMut()), then: impl FnOnce() -> T) -> T {
    let (go, gone) = oneshot::channel();
    let mut waits = Box::pin(waits(gone));
    let mut for_ever = Box::pin(waits_for_ever());
    let mut made = None;
    begin(&mut || {
        assert_eq!(waits.as_mut().now_or_never(), None);
        assert_eq!(for_ever.as_mut().now_or_never(), None);
        made = Some((later(), boxed(), items()));
    });
    let kept = then();
    go.send(()).unwrap();
    waits.await;
    drop(for_ever);
    let (later, boxed, items) = made.unwrap();
    later.await;
    boxed.await;
    assert_eq!(items.collect::<Vec<_>>().await, [1, 2]);
    kept
}

#[trace]
fn spawns(go: oneshot::Receiver<()>) -> [Pin<Box<dyn Future<Output = ()>>>; 2] {
    let work = task::spawn(async {
        go.await.unwrap();
        step();
    });
    let carried = task::carry(step);
    [Box::pin(work.map(Result::unwrap)), Box::pin(async { carried() })]
}

#[tokio::test]
async fn what_a_call_starts_stays_in_the_session_that_is_left_out() {
    let _alone = DEFAULT.lock().await;
    let server = server();
    let unsampled = settings(&server).sample_rate(0.0).build().unwrap();
    let recorded = tracer(&server);
    let first = unsampled.set_default();
    let (go, gone) = oneshot::channel();
    let started = spawns(gone);
    drop(first);
    let _second = recorded.set_default();
    go.send(()).unwrap();
    futures_util::future::join_all(started).await;
    assert_eq!((unsampled.stats().spans_ended, recorded.stats().spans_ended), (0, 0));
}

#[tokio::test]
async fn what_a_call_goes_on_with_elsewhere_stays_in_the_session_that_is_left_out() {
    let _alone = DEFAULT.lock().await;
    let server = server();
    let unsampled = settings(&server).sample_rate(0.0).build().unwrap();
    let default = tracer(&server);
    let guard = default.set_default();
    begun_and_finished(|begin| unsampled.in_scope(begin), || ()).await;
    assert_eq!((unsampled.stats().spans_ended, default.stats().spans_ended), (0, 0));
    step();
    assert_eq!(default.stats().spans_ended, 1, "where nothing is active");
    drop(guard);

    let first = unsampled.set_default();
    let _second = begun_and_finished(
        |begin| begin(),
        || {
            drop(first);
            default.set_default()
        },
    )
    .await;
    assert_eq!((unsampled.stats().spans_ended, default.stats().spans_ended), (0, 1));
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
    let failed = fails();
    tokio::task::yield_now().await;
    failed
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

#[tokio::test]
async fn a_span_of_others_ends_when_it_would_and_keeps_what_is_below_it() {
    #[trace]
    fn asks(vendor: &SdkTracerProvider) {
        vendor.tracer("theirs").in_span("answer", |_| ());
    }
    #[trace(tracer = tracer)]
    fn asks_in(tracer: &HoneyHiveTracer, vendor: &SdkTracerProvider) {
        vendor.tracer("theirs").in_span("answer", |_| ());
    }
    let _alone = DEFAULT.lock().await;
    let server = server();
    let names = ["asks", "items", "boxed", "waits", "by hand"];
    let filtering = names
        .into_iter()
        .fold(settings(&server), honeyhive_core::TracerBuilder::exclude_spans);
    let filtering = filtering.build().unwrap();
    let unsampled = settings(&server).sample_rate(0.0).build().unwrap();
    for mine in [&filtering, &unsampled] {
        for is_default in [true, false] {
            let _default = is_default.then(|| mine.set_default());
            let run = |call: &mut dyn FnMut()| if is_default { call() } else { mine.in_scope(call) };
            let exporter = InMemorySpanExporter::default();
            let vendor = vendor(&exporter);
            let theirs = vendor.tracer("theirs");

            let mut waits = Box::pin(waits_for_ever());
            let mut made = None;
            theirs.in_span("request", |_| {
                run(&mut || {
                    assert_eq!(waits.as_mut().now_or_never(), None);
                    made = Some((later(), boxed(), items()));
                });
            });
            let ended = exporter.get_finished_spans().unwrap();
            assert_eq!(ended.len(), 1, "while a future that was begun below it waits");
            drop((waits, made));

            exporter.reset();
            theirs.in_span("request", |_| {
                run(&mut || asks(&vendor));
                asks_in(mine, &vendor);
                mine.span("by hand").in_scope(|| theirs.in_span("answer", |_| ()));
            });
            let spans = exporter.get_finished_spans().unwrap();
            let (request, answers) = spans.split_last().unwrap();
            assert_eq!(answers.len(), 3);
            let below = |answer: &SpanData| answer.parent_span_id == request.span_context.span_id();
            assert!(answers.iter().all(below), "{answers:?}");
        }
    }
}

#[tokio::test]
async fn a_session_that_is_left_out_writes_nothing_on_the_span_of_another_around_it() {
    let server = server();
    let mine = tracer(&server);
    let unsampled = settings(&server).sample_rate(0.0).build().unwrap();
    mine.span("request").in_scope(|| unsampled.in_scope(helper));
    insta::assert_snapshot!(session(&mine, mine.session_id()).await, @r#"
    session a session
    └─ tool request
    "#);
}

/// Calls an annotated function while the span is locked by its end.
#[derive(Debug)]
struct CallsHelper;

impl SpanProcessor for CallsHelper {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {
        helper();
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[test]
fn a_call_that_is_left_out_waits_for_no_span() {
    let server = server();
    let mine = settings(&server)
        .exclude_spans("helper")
        .exclude_spans("nested")
        .build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(HoneyHiveProcessor::new())
        .with_span_processor(CallsHelper)
        .build();
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        let work = || provider.tracer("a library").in_span("work", |cx| cx.span().end());
        mine.unwrap().in_scope(work);
        done.send(()).unwrap();
    });
    is_done.recv_timeout(PATIENCE).unwrap();
}
