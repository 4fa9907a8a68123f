//! Which tracer code without one of its own finds. One test, since the default belongs to the whole process.
#![allow(clippy::unwrap_used, missing_docs)]

use honeyhive_core::opentelemetry::baggage::BaggageExt as _;
use honeyhive_core::opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use honeyhive_core::opentelemetry::{Context, KeyValue};
use honeyhive_core::routing::RoutingProvider;
use honeyhive_core::{HoneyHiveTracer, task, trace};
use honeyhive_tests::{KEY, server, settings};

#[trace]
fn work() -> u8 {
    7
}

#[test]
fn the_active_tracer_then_the_default_then_the_only_one_and_never_a_guess() {
    let server = server();
    let build = |name: &str| {
        let builder = HoneyHiveTracer::builder()
            .environment([("HH_API_KEY", KEY)])
            .server_url(server.url());
        builder.session_name(name).build().unwrap()
    };
    let found = || HoneyHiveTracer::current().map(|tracer| tracer.session_name().to_owned());
    let ended = |tracer: &HoneyHiveTracer| tracer.stats().spans_ended;

    assert_eq!(work(), 7, "without a tracer the function runs");
    assert_eq!(work(), 7, "with nothing left to say of it");
    assert_eq!(found(), None);

    let hidden = settings(&server).build().unwrap();
    hidden.in_scope(|| {
        let library = RoutingProvider::new().tracer("a library");
        let root = library.build_with_context(library.span_builder("root"), &Context::new());
        let _below = Context::new().with_span(root).attach();
        work();
    });
    assert_eq!(ended(&hidden), 2, "known by the span of the library");

    let first = build("first");
    assert_eq!(found().as_deref(), Some("first"), "the only one built");
    work();
    assert_eq!(ended(&first), 1);

    let second = build("second");
    assert_eq!(found(), None, "two, and nothing says which");
    assert_eq!(work(), 7);
    assert_eq!(
        (ended(&first), ended(&second)),
        (1, 0),
        "not recorded rather than guessed"
    );

    second.in_scope(|| {
        assert_eq!(found().as_deref(), Some("second"), "the active one");
        work();
    });
    assert_eq!((ended(&first), ended(&second)), (1, 1));

    {
        let named = KeyValue::new("session_id", second.session_id().to_string());
        let _request = Context::new().with_baggage([named]).attach();
        work();
    }
    assert_eq!((ended(&first), ended(&second)), (1, 2), "the one the baggage names");

    let runtime = tokio::runtime::Runtime::new().unwrap();
    second.in_scope(|| {
        let _runtime = runtime.enter();
        let plain = tokio::spawn(async { work() });
        assert_eq!(runtime.block_on(plain).unwrap(), 7);
        assert_eq!(
            (ended(&first), ended(&second)),
            (1, 2),
            "a task starts without a tracer, and there are two"
        );
        let carried = task::spawn(async { work() });
        assert_eq!(runtime.block_on(carried).unwrap(), 7);
    });
    assert_eq!((ended(&first), ended(&second)), (1, 3));

    let outer = first.set_default();
    let inner = second.set_default();
    assert_eq!(found().as_deref(), Some("second"), "the youngest default");
    first.in_scope(|| {
        assert_eq!(
            found().as_deref(),
            Some("first"),
            "the active one comes before the default"
        );
    });
    drop(outer);
    assert_eq!(found().as_deref(), Some("second"), "guards go in any order");
    drop(inner);
    assert_eq!(found(), None);

    drop(second);
    assert_eq!(found().as_deref(), Some("first"), "one left");
    let session = first.new_session("session").start();
    assert_eq!(
        found().as_deref(),
        Some("first"),
        "a session is not found by being there"
    );
    drop(first);
    assert_eq!(found(), None);
    drop(session);
}
