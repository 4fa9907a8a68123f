//! Spans that are left out, by a filter or with their session: what runs below stays in the session it is in, although
//! another tracer is the default. In a file of its own, since the default tracer is everybody's.
#![allow(clippy::unwrap_used, missing_docs)]

use std::time::{Duration, Instant};

use honeyhive_core::opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _, TracerProvider as _,
};
use honeyhive_core::opentelemetry::{Context, global};
use honeyhive_core::routing::{self, HoneyHiveProcessor, RoutingProvider};
use honeyhive_core::{DefaultGuard, HoneyHiveTracer, trace};
use honeyhive_tests::{PATIENCE, server, session, settings, tracer};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample};
use tracing_subscriber::prelude::*;

/// One test at a time has a default tracer.
static DEFAULT: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[trace]
fn step() {}

fn default_of(tracer: &HoneyHiveTracer) -> DefaultGuard {
    tracer.set_default()
}

/// A library that opens a span as an explicit root, and another below it.
fn agent() {
    let subscriber = tracing_subscriber::registry().with(routing::layer());
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!(parent: None, "invoke_agent").in_scope(|| tracing::info_span!("chat").in_scope(step));
    });
}

#[tokio::test]
async fn what_runs_below_an_explicit_root_that_a_filter_leaves_out_moves_up() {
    let _alone = DEFAULT.lock().await;
    let server = server();
    let default = tracer(&server);
    let _default = default_of(&default);
    let mine = settings(&server).exclude_spans("invoke_agent").build().unwrap();
    mine.in_scope(|| {
        mine.span("request").in_scope(agent);
        agent();
    });
    insta::assert_snapshot!(session(&mine, mine.session_id()).await, @r#"
    session a session
    ├─ tool request
    │  └─ tool chat
    │     └─ tool step
    └─ tool chat
       └─ tool step
    "#);
    assert_eq!(default.stats().spans_ended, 0);
}

#[tokio::test]
async fn what_runs_in_a_session_that_is_not_recorded_goes_to_no_other() {
    let _alone = DEFAULT.lock().await;
    let server = server();
    let default = tracer(&server);
    let _default = default_of(&default);
    let unsampled = settings(&server).sample_rate(0.0).build().unwrap();
    unsampled.in_scope(agent);
    let mine = SdkTracerProvider::builder()
        .with_span_processor(HoneyHiveProcessor::new())
        .build();
    let library = mine.tracer("a library");
    unsampled.in_scope(|| {
        let root = library.build_with_context(library.span_builder("root"), &Context::new());
        let _below = Context::new().with_span(root).attach();
        library.in_span("nested", |_| step());
    });
    assert_eq!((unsampled.stats().spans_ended, default.stats().spans_ended), (0, 0));
}

#[tokio::test]
async fn the_span_around_one_that_is_left_out_is_no_parent_in_another_session() {
    let server = server();
    let (mine, other) = (
        settings(&server).exclude_spans("root").build().unwrap(),
        tracer(&server),
    );
    let library = RoutingProvider::new().tracer("a library");
    mine.span("request").in_scope(|| {
        let root = library.build_with_context(library.span_builder("root"), &Context::new());
        let _below = Context::new().with_span(root).attach();
        let around = Context::current().span().span_context().trace_id();
        let span = other.span("elsewhere").start();
        assert_ne!(span.context().span().span_context().trace_id(), around);
    });
}

#[tokio::test]
async fn with_no_other_provider_the_default_tracer_also_takes_what_a_remote_caller_began() {
    let _alone = DEFAULT.lock().await;
    routing::install_global();
    let server = server();
    let tracer = tracer(&server);
    let _default = default_of(&tracer);
    let caller = SpanContext::new(
        TraceId::from(7_u128),
        SpanId::from(9_u64),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    let _request = Context::new().with_remote_span_context(caller).attach();
    global::tracer("a library").in_span("in the request", |cx| assert!(cx.span().is_recording()));
}

#[derive(Clone, Debug)]
struct RecordOnly;

impl ShouldSample for RecordOnly {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &opentelemetry::trace::SpanKind,
        attributes: &[opentelemetry::KeyValue],
        links: &[opentelemetry::trace::Link],
    ) -> SamplingResult {
        let result = Sampler::AlwaysOff.should_sample(parent, trace_id, name, kind, attributes, links);
        SamplingResult {
            decision: SamplingDecision::RecordOnly,
            ..result
        }
    }
}

#[tokio::test]
async fn what_the_providers_own_sampler_leaves_out_is_left_out() {
    let server = server();
    let tracer = tracer(&server);
    let mine = SdkTracerProvider::builder()
        .with_sampler(RecordOnly)
        .with_span_processor(HoneyHiveProcessor::new())
        .build();
    tracer.in_scope(|| mine.tracer("a library").in_span("left out", |_| ()));
    assert_eq!(tracer.stats().spans_ended, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_shut_down_keeps_no_tracer_and_its_time() {
    let server = server();
    let dead = settings(&server).server_url("http://127.0.0.1:1").build().unwrap();
    let live = tracer(&server);
    let mine = SdkTracerProvider::builder()
        .with_span_processor(HoneyHiveProcessor::new())
        .build();
    let library = mine.tracer("a library");
    dead.in_scope(|| library.in_span("not delivered", |_| ()));
    live.in_scope(|| library.in_span("delivered", |_| ()));
    let open = dead.in_scope(|| library.start("still open"));
    let began = Instant::now();
    let down = mine.clone();
    let result = tokio::task::spawn_blocking(move || down.shutdown_with_timeout(Duration::from_millis(500))).await;
    assert!(result.unwrap().is_err());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    live.flush(PATIENCE).await.unwrap();
    assert_eq!(live.stats().spans_exported, 1);
    drop(open);
}
