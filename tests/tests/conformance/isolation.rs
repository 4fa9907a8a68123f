//! `s06_isolation.py` and `s12_compat.py`: two tracers with keys of their own, next to and inside each other, and which
//! of them code without a tracer finds.

use std::sync::Barrier;

use honeyhive_compat as honeyhive;
use honeyhive_core::{Enrichment, HoneyHiveTracer, trace};

use crate::differences::sessions;
use crate::{Scenario, Setting, flush};

pub(crate) const S06: Scenario = Scenario {
    capture: "s06",
    differences: &[&sessions::NO_TRACER_GIVEN, &sessions::TRACER_GIVEN],
    program: s06,
};

pub(crate) const S12: Scenario = Scenario {
    capture: "s12",
    differences: &[&sessions::NO_TRACER_GIVEN],
    program: s12,
};

/// The functions that `make()` of the Python program makes.
macro_rules! make {
    ($module:ident, $label:literal, $inner:literal, $outer:literal) => {
        mod $module {
            use super::*;

            #[trace(event_type = "tool", name = $inner, tracer = tracer)]
            pub(super) fn inner(tracer: &HoneyHiveTracer, i: i64) -> String {
                format!("{}{i}", $label)
            }

            #[trace(event_type = "tool", name = $inner, tracer = tracer)]
            pub(super) fn inner_of_text(tracer: &HoneyHiveTracer, i: &str) -> String {
                format!("{}{i}", $label)
            }

            #[trace(event_type = "chain", name = $outer, tracer = tracer)]
            pub(super) fn outer(tracer: &HoneyHiveTracer, i: i64) -> String {
                tracer.enrich_span(Enrichment::new().metadata("label", $label));
                inner(tracer, i)
            }
        }
    };
}

make!(a, "a", "a.inner", "a.outer");
make!(b, "b", "b.inner", "b.outer");

#[trace(event_type = "chain", name = "cross.a_calls_b", tracer = alpha)]
fn a_calls_b(alpha: &HoneyHiveTracer, beta: &HoneyHiveTracer) -> String {
    b::inner_of_text(beta, "from-a")
}

#[trace(event_type = "chain", name = "cross.b_calls_a", tracer = beta)]
fn b_calls_a(alpha: &HoneyHiveTracer, beta: &HoneyHiveTracer) -> String {
    a::inner_of_text(alpha, "from-b")
}

#[trace(event_type = "tool")]
fn undirected(r#where: &str) -> String {
    r#where.to_owned()
}

#[trace(event_type = "chain", name = "a.calls_undirected", tracer = alpha)]
fn a_calls_undirected(alpha: &HoneyHiveTracer) -> String {
    undirected("inside a")
}

fn s06(setting: &Setting) {
    let build = |key: &str, project: &str, source: &str, name: &str| {
        let settings = setting.builder().api_key(key).project(project).source(source);
        settings.session_name(name).build().unwrap()
    };
    let alpha = build("hh_fake_alpha", "proj-alpha", "src-a", "alpha");
    let beta = build("hh_fake_beta", "proj-beta", "src-b", "beta");

    let barrier = Barrier::new(2);
    let work = |run: fn(&HoneyHiveTracer, i64) -> String, tracer: &HoneyHiveTracer| {
        barrier.wait();
        for i in 0..5 {
            run(tracer, i);
        }
    };
    std::thread::scope(|threads| {
        threads.spawn(|| work(a::outer, &alpha));
        threads.spawn(|| work(b::outer, &beta));
    });

    a_calls_b(&alpha, &beta);
    b_calls_a(&alpha, &beta);

    undirected("main thread");
    a_calls_undirected(&alpha);
    std::thread::spawn(|| undirected("new thread")).join().unwrap();

    alpha.span("a.start_span").start().end();
    beta.span("b.start_span").start().end();
    flush(&alpha);
    flush(&beta);
}

#[honeyhive::trace(event_type = "tool")]
fn work(label: &str) -> String {
    // Without a tracer there is nothing to add to.
    let _ = honeyhive::enrich_span(honeyhive::metadata! { "label": label }.metric("m", 1));
    let _ = honeyhive::enrich_span(honeyhive::metadata! { "positional": label });
    label.to_owned()
}

#[honeyhive::trace(event_type = "tool")]
fn event_id_free() {
    let tracer = HoneyHiveTracer::current().unwrap();
    tracer.enrich_event(
        "88888888-8888-4888-8888-888888888888".parse().unwrap(),
        honeyhive::metadata! { "m": 1 },
    );
}

/// Left out: the calls that are a `TypeError` in Python and do not compile here, and `flush_all`.
fn s12(setting: &Setting) {
    let build = |key: &str, project: &str, name: &str| {
        let settings = setting.builder().api_key(key).project(project);
        settings.session_name(name).build().unwrap()
    };
    let first = build("hh_fake_alpha", "proj-first", "first");
    let second = build("hh_fake_beta", "proj-second", "second");
    let in_thread = |label: &'static str| {
        std::thread::spawn(move || work(label)).join().unwrap();
    };

    let first_is_default = first.set_default();
    work("main thread, default=first");
    in_thread("new thread, default=first");
    let second_is_default = second.set_default();
    work("main thread, default=second");
    in_thread("new thread, default=second");
    drop(second_is_default);

    honeyhive::enrich_session(honeyhive::metadata! { "by": "free function, default=first" }).unwrap();
    let of_second = Enrichment::new().metadata("by", "free function, second's id, default=first");
    HoneyHiveTracer::current()
        .unwrap()
        .enrich_event(second.session_id().to_string().parse().unwrap(), of_second);
    second.enrich_session(Enrichment::new().metadata("by", "free function, tracer=second"));

    event_id_free();
    honeyhive::flush().unwrap();
    drop(first_is_default);
    in_thread("new thread, no default");
    flush(&first);
    flush(&second);
}
