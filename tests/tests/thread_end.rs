//! A thread that ends: what its destructors trace, and what it held. A panic in one of them would end the program.
#![allow(clippy::unwrap_used, missing_docs)]

use std::cell::RefCell;

use honeyhive_core::opentelemetry::Context;
use honeyhive_core::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use honeyhive_core::routing::RoutingProvider;
use honeyhive_core::{ActiveGuard, Enrichment, HoneyHiveTracer, Span, propagation, task, trace};
use honeyhive_tests::{server, tracer};

#[trace]
fn step() {}

struct Late(HoneyHiveTracer);

impl Drop for Late {
    fn drop(&mut self) {
        let tracer = &self.0;
        step();
        tracer.in_scope(step);
        tracer.span("late").in_scope(step);
        drop(tracer.activate());
        drop(propagation::headers().with_session());
        task::carry(step)();
        let library = RoutingProvider::new().tracer("a library");
        drop(library.build_with_context(library.span_builder("late"), &Context::new()));
        tracer.enrich_span(Enrichment::new().metadata("late", true));
        drop(HoneyHiveTracer::current());
    }
}

thread_local! {
    static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
    static HELD: RefCell<Option<(Span, ActiveGuard)>> = const { RefCell::new(None) };
}

#[test]
fn destructors_may_trace_and_drop_guards_before_and_after_the_context_is_gone() {
    let server = server();
    let tracer = tracer(&server);
    for late_first in [true, false] {
        let tracer = tracer.clone();
        let thread = std::thread::spawn(move || {
            let hold = || {
                let held = (tracer.span("held").start(), tracer.activate());
                HELD.with(|slot| slot.replace(Some(held)));
            };
            let late = || LATE.with(|slot| slot.replace(Some(Late(tracer.clone()))));
            if late_first {
                late();
                HELD.with(|_| ());
                hold();
            } else {
                hold();
                late();
            }
        });
        thread.join().unwrap();
    }
}
