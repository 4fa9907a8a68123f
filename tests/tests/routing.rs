//! Spans that other libraries make: whose they are, what becomes of them, and what is left alone.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use honeyhive_core::opentelemetry::baggage::BaggageExt as _;
use honeyhive_core::opentelemetry::trace::{Span as _, TraceContextExt, Tracer as _, TracerProvider as _};
use honeyhive_core::opentelemetry::{Context, KeyValue, global};
use honeyhive_core::routing::{HoneyHiveProcessor, RoutingProvider};
use honeyhive_core::{Enrichment, HoneyHiveTracer, routing, trace};
use honeyhive_tests::{PATIENCE, server, session, settings, tracer};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

#[trace]
fn step() {}

fn provider_of_a_vendor() -> (SdkTracerProvider, InMemorySpanExporter) {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    (provider, exporter)
}

/// What the provider that was global before ours has got.
fn before() -> &'static InMemorySpanExporter {
    static BEFORE: OnceLock<InMemorySpanExporter> = OnceLock::new();
    BEFORE.get_or_init(|| {
        let (provider, exporter) = provider_of_a_vendor();
        global::set_tracer_provider(provider);
        routing::install_global();
        routing::install_global();
        exporter
    })
}

fn names(exporter: &InMemorySpanExporter) -> Vec<String> {
    let spans = exporter.get_finished_spans().unwrap();
    spans.into_iter().map(|span| span.name.into_owned()).collect()
}

#[tokio::test]
async fn a_global_span_goes_to_the_session_it_is_made_in_and_elsewhere_to_the_provider_before() {
    let before = before();
    let server = server();
    let tracer = tracer(&server);
    let cached = global::tracer("a library");
    cached.in_span("outside", |_| ());
    tracer.in_scope(|| cached.in_span("inside", |_| step()));
    let other = tracer.new_session("other").start();
    other.in_scope(|| cached.in_span("inside too", |_| ()));
    let found = names(before);
    assert!(found.contains(&"outside".to_owned()), "{found:?}");
    assert!(!found.iter().any(|name| name.starts_with("inside")), "{found:?}");
    insta::assert_snapshot!(session(&tracer, tracer.session_id()).await, @r#"
    session a session
    └─ tool inside
       └─ tool step
    "#);
    insta::assert_snapshot!(session(&tracer, other.session_id()).await, @r#"
    session other
    └─ tool inside too
    "#);
}

#[tokio::test]
async fn an_explicit_root_is_adopted_and_what_runs_below_finds_the_tracer() {
    let server = server();
    let tracer = tracer(&server);
    let library = RoutingProvider::new().tracer("a library");
    tracer.in_scope(|| {
        let request = tracer.span("request").start();
        let _active = request.activate();
        let root = library.build_with_context(library.span_builder("root"), &Context::new());
        let below = Context::new().with_span(root);
        let _attached = below.clone().attach();
        step();
        library.in_span("nested", |_| step());
        assert!(tracer.enrich_span(Enrichment::new().metadata("enriched", true)));
        let late = library.build_with_context(library.span_builder("late"), &below);
        below.span().end();
        drop(late);
        drop(library.build_with_context(library.span_builder("later"), &below));
    });
    insta::assert_snapshot!(session(&tracer, tracer.session_id()).await, @r#"
    session a session
    └─ tool request
       └─ tool root
          │ metadata: enriched=true
          ├─ tool step
          ├─ tool nested
          │  └─ tool step
          ├─ tool late
          └─ tool later
    "#);
}

#[tokio::test]
async fn a_provider_of_your_own_gives_its_spans_to_both() {
    let server = server();
    let tracer = tracer(&server);
    let exporter = InMemorySpanExporter::default();
    let mine = SdkTracerProvider::builder()
        .with_span_processor(HoneyHiveProcessor::new())
        .with_simple_exporter(exporter.clone())
        .build();
    let library = mine.tracer("a library");
    library.in_span("outside", |_| ());
    tracer.in_scope(|| {
        library.in_span("inside", |cx| {
            assert!(tracer.enrich_span(Enrichment::new().output("answer", 42)));
            step();
            cx.span().set_attribute(KeyValue::new("gen_ai.operation.name", "chat"));
        });
    });
    mine.force_flush().unwrap();
    assert_eq!(names(&exporter), ["outside", "inside"]);
    assert_eq!(tracer.stats().spans_exported, 2, "delivered by the provider's flush");
    insta::assert_snapshot!(session(&tracer, tracer.session_id()).await, @r#"
    session a session
    └─ model inside
       │ outputs: answer=42
       │ metadata: gen_ai={"operation":{"name":"chat"}}
       └─ tool step
    "#);
}

#[tokio::test]
async fn a_session_inside_a_span_of_another_leaves_the_trace_of_your_own_provider_whole() {
    let server = server();
    let tracer = tracer(&server);
    let other = tracer.new_session("other").start();
    let exporter = InMemorySpanExporter::default();
    let mine = SdkTracerProvider::builder()
        .with_span_processor(HoneyHiveProcessor::new())
        .with_simple_exporter(exporter.clone())
        .build();
    let library = mine.tracer("a library");
    library.in_span("request", |_| {
        tracer.in_scope(|| {
            library.in_span("handler", |_| {
                step();
                other.in_scope(|| {
                    assert!(!tracer.enrich_span(Enrichment::new().metadata("of", "the other session")));
                    library.in_span("inner", |_| step());
                    step();
                });
            });
            step();
        });
    });
    let spans = exporter.get_finished_spans().unwrap();
    let found = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    for (name, parent) in [("handler", "request"), ("inner", "handler")] {
        assert_eq!(found(name).parent_span_id, found(parent).span_context.span_id());
    }
    insta::assert_snapshot!(session(&tracer, tracer.session_id()).await, @r#"
    session a session
    ├─ tool handler
    │  └─ tool step
    └─ tool step
    "#);
    insta::assert_snapshot!(session(&other, other.session_id()).await, @r#"
    session other
    ├─ tool inner
    │  └─ tool step
    └─ tool step
    "#);
}

#[test]
fn the_shutdown_of_a_provider_waits_no_longer_than_it_was_told() {
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let tracer = HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", honeyhive_tests::KEY)])
        .server_url(format!("http://{nowhere}"))
        .undiscoverable()
        .build()
        .unwrap();
    let mine = SdkTracerProvider::builder()
        .with_span_processor(HoneyHiveProcessor::new())
        .build();
    tracer.in_scope(|| mine.tracer("a library").in_span("undelivered", |_| ()));
    let started = Instant::now();
    mine.shutdown_with_timeout(Duration::from_millis(100)).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[tokio::test]
async fn nothing_is_written_onto_a_span_of_another_vendor() {
    let server = server();
    let tracer = tracer(&server);
    let (vendor, exporter) = provider_of_a_vendor();
    tracer.in_scope(|| {
        let _ours = tracer.span("ours").start();
        vendor.tracer("theirs").in_span("theirs", |_| {
            assert!(!tracer.enrich_span(Enrichment::new().input("prompt", "a secret")));
        });
    });
    assert_eq!(exporter.get_finished_spans().unwrap()[0].attributes, []);
    tracer.flush(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn filters_leave_out_spans_by_scope_and_by_name_and_their_children_move_up() {
    let server = server();
    let tracer = settings(&server)
        .exclude_scopes("noisy")
        .include_spans("keep")
        .include_spans("step")
        .exclude_spans("keep.not")
        .build()
        .unwrap();
    let provider = RoutingProvider::new();
    tracer.in_scope(|| {
        tracer.span("keep.this").in_scope(|| {
            provider.tracer("noisy.cache").in_span("keep.get", |_| step());
            provider.tracer("quiet").in_span("keep.ask", |_| {
                tracer.span("keep.not.this").in_scope(|| {
                    assert!(!tracer.enrich_span(Enrichment::new().metadata("lost", true)));
                    step();
                });
                tracer.span("other").in_scope(step);
            });
        });
    });
    insta::assert_snapshot!(session(&tracer, tracer.session_id()).await, @r#"
    session a session
    └─ tool keep.this
       ├─ tool step
       └─ tool keep.ask
          ├─ tool step
          └─ tool step
    "#);
}

#[tokio::test]
async fn the_baggage_names_the_session_only_where_this_process_has_it_open() {
    let server = server();
    let discoverable = || {
        HoneyHiveTracer::builder()
            .environment([("HH_API_KEY", honeyhive_tests::KEY)])
            .server_url(server.url())
            .build()
            .unwrap()
    };
    let (one, two) = (discoverable(), discoverable());
    let chosen = two.new_session("chosen").start();
    for key in ["session_id", "honeyhive_session_id", "honeyhive.session_id"] {
        let carried = KeyValue::new(key, chosen.session_id().to_string().to_uppercase());
        let _attached = Context::new().with_baggage([carried]).attach();
        assert_eq!(HoneyHiveTracer::current().unwrap().session_id(), chosen.session_id());
        step();
        RoutingProvider::new().tracer("a library").in_span("library", |_| ());
    }
    let elsewhere = honeyhive_core::SessionId::random();
    for unknown in [elsewhere.to_string(), "no id".to_owned()] {
        let _attached = Context::new()
            .with_baggage([KeyValue::new("session_id", unknown)])
            .attach();
        assert!(HoneyHiveTracer::current().is_none(), "two tracers, and no guess");
        step();
        let span = RoutingProvider::new().tracer("a library").start("not recorded");
        assert!(!span.is_recording());
    }
    // The same session open on two pipelines: which credentials are meant is not known.
    let twin = one.resume_session(chosen.session_id()).start();
    let carried = KeyValue::new("session_id", chosen.session_id().to_string());
    let _attached = Context::new().with_baggage([carried]).attach();
    assert!(HoneyHiveTracer::current().is_none());
    drop(twin);
    assert_eq!(HoneyHiveTracer::current().unwrap().session_id(), chosen.session_id());
    insta::assert_snapshot!(session(&chosen, chosen.session_id()).await, @r#"
    session chosen
    ├─ tool step
    ├─ tool library
    ├─ tool step
    ├─ tool library
    ├─ tool step
    └─ tool library
    "#);
    assert_eq!((one.stats().spans_ended, two.stats().spans_ended), (0, 6));
}

#[tokio::test]
async fn below_a_span_that_goes_elsewhere_alone_the_parent_is_the_span_around_it() {
    before();
    let server = server();
    let tracer = settings(&server).exclude_scopes("noisy").build().unwrap();
    let (vendor, _) = provider_of_a_vendor();
    tracer.in_scope(|| {
        tracer.span("around").in_scope(|| {
            global::tracer("noisy").in_span("to the provider before", |_| {
                step();
                global::tracer("quiet").in_span("taken", |_| step());
            });
        });
        // Of a provider that does not know us the span around is not known: what runs below is at the top.
        tracer
            .span("around too")
            .in_scope(|| vendor.tracer("theirs").in_span("theirs", |_| step()));
    });
    insta::assert_snapshot!(session(&tracer, tracer.session_id()).await, @r#"
    session a session
    ├─ tool around
    │  ├─ tool step
    │  └─ tool taken
    │     └─ tool step
    ├─ tool around too
    └─ tool step
    "#);
}

#[tokio::test]
async fn a_span_of_another_process_is_a_parent_only_where_the_baggage_names_the_session() {
    use honeyhive_core::opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

    let server = server();
    let tracer = tracer(&server);
    let remote = |id: u64| {
        let sampled = TraceFlags::SAMPLED;
        SpanContext::new(TraceId::from(7), SpanId::from(id), sampled, true, TraceState::NONE)
    };
    let library = RoutingProvider::new().tracer("a library");
    let mut parents = Vec::new();
    for id in [tracer.session_id(), honeyhive_core::SessionId::random()] {
        let cx = Context::new()
            .with_remote_span_context(remote(9))
            .with_baggage([KeyValue::new("session_id", id.to_string())]);
        let _attached = cx.attach();
        tracer.in_scope(|| {
            let ours = tracer.span("ours").start();
            parents.push(ours.context().span().span_context().trace_id());
            parents.push(library.start("theirs").span_context().trace_id());
        });
    }
    let same: Vec<bool> = parents.iter().map(|trace| *trace == TraceId::from(7)).collect();
    assert_eq!(same, [true, true, false, false]);
    tracer.flush(PATIENCE).await.unwrap();
}
