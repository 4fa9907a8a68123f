//! Settings seen on what is sent: labels of every span, limits, retries, and who is listened to.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use honeyhive_core::opentelemetry::Context;
use honeyhive_core::opentelemetry::trace::{SpanContext, SpanId, Tracer as _, TracerProvider as _};
use honeyhive_core::opentelemetry::trace::{TraceFlags, TraceId, TraceState};
use honeyhive_core::routing::{HoneyHiveProcessor, RoutingProvider};
use honeyhive_core::{Enrichment, HoneyHiveTracer, SessionId, TracerBuilder};
use honeyhive_tests::scripted::{ScriptedServer, ok, status};
use honeyhive_tests::{KEY, PATIENCE, eventually};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prost::Message as _;

const TRACES: &str = "POST /opentelemetry/v1/traces";

fn on(server: &ScriptedServer) -> TracerBuilder {
    HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", KEY)])
        .server_url(server.url())
        .undiscoverable()
}

#[test]
fn every_span_says_which_program_and_which_experiment_it_is_of() {
    let server = ScriptedServer::start(|_, _| ok());
    let by_method = on(&server)
        .service_name("ranking")
        .service_version("1.2.3")
        .experiment_id("e-1")
        .experiment_name("prompts")
        .experiment_variant("short")
        .experiment_group("control")
        .experiment_metadata("seed", "7")
        .session_key("user-42");
    let by_variable = HoneyHiveTracer::builder()
        .environment([
            ("HH_API_KEY", KEY),
            ("HH_API_URL", server.url()),
            ("HH_SERVICE_NAME", "ranking"),
            ("HH_SERVICE_VERSION", "1.2.3"),
            ("HH_EXPERIMENT_ID", "e-1"),
            ("HH_EXPERIMENT_NAME", "prompts"),
            ("HH_EXPERIMENT_VARIANT", "short"),
            ("HH_EXPERIMENT_GROUP", "control"),
            ("HH_EXPERIMENT_METADATA", r#"{"seed": 7}"#),
        ])
        .session_key("user-42")
        .undiscoverable();
    for (number, settings) in [by_method, by_variable].into_iter().enumerate() {
        let tracer = settings.build().unwrap();
        assert_eq!(tracer.session_id(), SessionId::from_key("user-42"));
        tracer.span("s").start().end();
        tracer.flush_blocking(PATIENCE).unwrap();
        let request = server.arrived(TRACES)[number].clone();
        let resource = ExportTraceServiceRequest::decode(request.body.clone()).unwrap();
        let resource = format!("{:?}", resource.resource_spans[0].resource);
        assert!(
            resource.contains("\"ranking\"") && resource.contains("\"1.2.3\""),
            "{resource}"
        );
        for (key, value) in [
            ("experiment_id", "e-1"),
            ("experiment_name", "prompts"),
            ("experiment_variant", "short"),
            ("experiment_group", "control"),
            ("experiment_metadata.seed", "7"),
        ] {
            let spans = request.spans();
            let key = format!("honeyhive.{key}");
            let found = spans[0].attributes.iter().find(|kv| kv.key == key).unwrap();
            assert!(
                format!("{:?}", found.value).contains(&format!("\"{value}\"")),
                "{found:?}"
            );
        }
    }
    let anonymous = on(&server).session_key(" ").build().unwrap();
    assert_ne!(anonymous.session_id(), SessionId::from_key(" "));
    assert_ne!(
        anonymous.new_session("a").key("").start().session_id(),
        anonymous.new_session("b").key("").start().session_id()
    );
}

#[test]
fn a_span_keeps_as_many_events_and_links_as_it_may() {
    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(&server).max_events(2).max_links(3).build().unwrap();
    let mut span = tracer.span("s");
    for number in 1..=5 {
        let (trace, id) = (TraceId::from(7), SpanId::from(number));
        span = span.link(SpanContext::new(
            trace,
            id,
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ));
    }
    let span = span.start();
    for number in 0..5 {
        use honeyhive_core::opentelemetry::trace::TraceContextExt as _;
        span.context().span().add_event(format!("event {number}"), Vec::new());
    }
    span.end();
    tracer.flush_blocking(PATIENCE).unwrap();
    let span = &server.arrived(TRACES)[0].spans()[0];
    assert_eq!((span.events.len(), span.dropped_events_count), (2, 3));
    assert_eq!((span.links.len(), span.dropped_links_count), (3, 2));
}

#[tokio::test]
async fn a_call_is_repeated_as_often_as_configured_and_waits_no_longer() {
    let server = ScriptedServer::start(|_, _| status(503));
    for (retries, attempts) in [(0, 1), (2, 3)] {
        let before = server.arrived("GET /v1/runs/r").len();
        let tracer = on(&server).skip_session_start().max_retries(retries).build().unwrap();
        tracer.api().runs().get("r").await.unwrap_err();
        assert_eq!(server.arrived("GET /v1/runs/r").len() - before, attempts);
    }
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let tracer = HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", KEY), ("HH_API_TIMEOUT", "0.05"), ("HH_TIMEOUT", "600")])
        .server_url(url)
        .max_retries(0)
        .skip_session_start()
        .undiscoverable()
        .build()
        .unwrap();
    let failed = tokio::time::timeout(PATIENCE, tracer.api().runs().get("r")).await;
    let why = failed.unwrap().unwrap_err().to_string();
    assert!(why.contains("timed out"), "{why}");
}

#[test]
fn no_more_requests_are_under_way_than_connections_are_allowed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let [now, most, done] = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let app = axum::Router::new().fallback({
        let all = (now.clone(), most.clone(), done.clone(), gate.clone());
        move || {
            let (now, most, done, gate) = all.clone();
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                now.fetch_sub(1, Ordering::SeqCst);
                done.fetch_add(1, Ordering::SeqCst);
                "{}"
            }
        }
    });
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(async move { axum::serve(listener, app).await });
    let tracer = HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", KEY)])
        .server_url(url)
        .max_connections(3)
        .undiscoverable()
        .build()
        .unwrap();
    // The first session goes alone; the others queue behind it meanwhile.
    eventually("the first waits at the gate", || now.load(Ordering::SeqCst) == 1);
    let sessions: Vec<_> = (0..20).map(|_| tracer.new_session("s").start()).collect();
    gate.add_permits(1);
    // One of the twenty is let through at a time: time enough for all others to come, were they not held back.
    for left in (1..=20).rev() {
        eventually("those that may wait at the gate", || {
            now.load(Ordering::SeqCst) >= left.min(3)
        });
        gate.add_permits(1);
        eventually("one has passed", || done.load(Ordering::SeqCst) == 22 - left);
    }
    tracer.flush_blocking(PATIENCE).unwrap();
    assert_eq!(most.load(Ordering::SeqCst), 3);
    drop(sessions);
}

#[test]
fn of_other_libraries_only_those_asked_for_are_listened_to_and_none_that_is_silenced() {
    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(&server).include_scopes("rig").include_scopes("").build().unwrap();
    let mine = SdkTracerProvider::builder()
        .with_span_processor(HoneyHiveProcessor::new())
        .build();
    let routed = RoutingProvider::new();
    tracer.in_scope(|| {
        for scope in ["rig::completions", "hyper"] {
            mine.tracer(scope).in_span(format!("{scope} of mine"), |_| ());
            routed.tracer(scope).in_span(format!("{scope} routed"), |_| ());
        }
        let _silent = Context::enter_telemetry_suppressed_scope();
        mine.tracer("rig").in_span("silenced", |_| ());
        routed.tracer("rig").in_span("silenced", |_| ());
        let (mine, routed) = (mine.tracer("rig"), routed.tracer("rig"));
        drop(mine.build_with_context(mine.span_builder("silenced root"), &Context::new()));
        drop(routed.build_with_context(routed.span_builder("silenced root"), &Context::new()));
        tracer.enrich_session(Enrichment::new().metadata("a", 1));
    });
    tracer.flush_blocking(PATIENCE).unwrap();
    let mut names: Vec<String> = server
        .arrived(TRACES)
        .iter()
        .flat_map(|request| request.spans())
        .map(|span| span.name)
        .collect();
    names.sort();
    assert_eq!(names, ["rig::completions of mine", "rig::completions routed"]);
}
