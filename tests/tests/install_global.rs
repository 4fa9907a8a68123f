//! Routing behind the global provider is put back after somebody has set another one. One test, since the global
//! provider belongs to the whole process.
#![allow(clippy::unwrap_used, missing_docs)]

use honeyhive_core::opentelemetry::global;
use honeyhive_core::opentelemetry::trace::Tracer as _;
use honeyhive_core::routing;
use honeyhive_tests::{PATIENCE, server, tracer};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

#[test]
fn routing_goes_behind_the_provider_that_is_there_each_time_it_is_asked_for() {
    let server = server();
    let tracer = tracer(&server);
    let span = |name: &'static str| global::tracer("a library").in_span(name, |_| ());
    routing::install_global();
    tracer.in_scope(|| span("routed"));
    assert_eq!(tracer.stats().spans_ended, 1);

    let exporter = InMemorySpanExporter::default();
    let theirs = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    global::set_tracer_provider(theirs);
    tracer.in_scope(|| span("taken over"));
    assert_eq!(tracer.stats().spans_ended, 1);

    routing::install_global();
    routing::install_global();
    tracer.in_scope(|| span("routed again"));
    span("outside");
    assert_eq!(tracer.stats().spans_ended, 2);
    let spans = exporter.get_finished_spans().unwrap();
    let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
    assert_eq!(names, ["taken over", "outside"]);
    tracer.flush_blocking(PATIENCE).unwrap();
}
