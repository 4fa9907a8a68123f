//! `s03_enrich_span.py`: what can be added to a span, and to an event by its id.

use std::collections::BTreeSet;

use honeyhive_compat as honeyhive;
use honeyhive_core::{Enrichment, HoneyHiveTracer, trace};
use serde_json::{Value, json};

use crate::differences::{sessions, values};
use crate::{Scenario, Setting, flush};

pub(crate) const S03: Scenario = Scenario {
    capture: "s03",
    differences: &[&values::TEXT_OF_VALUES, &sessions::EVENT_UPDATE],
    program: s03,
};

const EVENT: &str = "22222222-2222-4222-8222-222222222222";
const OTHER: &str = "33333333-3333-4333-8333-333333333333";

/// The `VALUE` of the Python program.
fn value(enrichment: Enrichment) -> Enrichment {
    enrichment
        .metadata("str", "text")
        .metadata("empty", "")
        .metadata("unicode", "é ∑ 😀")
        .metadata("int", 7)
        .metadata("neg", -1)
        .metadata("big", (1_i64 << 53) + 1)
        .metadata("float", 1.5)
        .metadata("whole", 2.0)
        .metadata("inf", f64::INFINITY)
        .metadata("true", true)
        .metadata("false", false)
        .metadata("none", Value::Null)
        .metadata("list", json!([1, "two", 3.0, true, null, [4, [5]], {"six": 6}]))
        .metadata("empty_list", json!([]))
        .metadata("dict", json!({"x": {"y": {"z": "deep"}}, "n": null}))
        .metadata("empty_dict", json!({}))
        .metadata("tuple", (1, 2))
        .metadata("set", BTreeSet::from([1]))
        .metadata("bytes", b"raw")
        .metadata("dotted.key", 1)
        .metadata("9", "int key")
}

#[trace(event_type = "tool")]
fn all_namespaces(tracer: &HoneyHiveTracer) -> bool {
    tracer.enrich_span(
        value(Enrichment::new())
            .metric("score", 0.75)
            .metric("count", 3)
            .metric("ok", true)
            .metric("none", Value::Null)
            .feedback("rating", 5)
            .feedback("comment", "fine")
            .feedback("tags", ["a", "b"])
            .input("q", "hello")
            .input("opts", json!({"k": 3}))
            .output("answer", "world")
            .output("n", [1, 2])
            .config("model", "gpt-x")
            .config("temperature", 0.0)
            .user_property("user_id", "u1")
            .user_property("plan", Value::Null)
            .error("boom: described")
            .metadata("attr_a", 1)
            .metadata("loose_kwarg", "kw")
            .metadata("opaque", "opaque!"),
    )
}

#[trace(event_type = "tool")]
fn event_id_puts_an_event(tracer: &HoneyHiveTracer) -> bool {
    let enrichment = Enrichment::new()
        .metadata("m", 1)
        .metric("s", 0.5)
        .feedback("f", true)
        .input("dropped", "?")
        .output("o", "x")
        .config("c", 1)
        .user_property("u", 1)
        .error("dropped?")
        .metadata("a", 2)
        .metadata("extra", "kw");
    tracer.enrich_event(EVENT.parse().unwrap(), enrichment);
    true
}

#[trace(event_type = "tool")]
fn update_event_id_sets_an_attribute(tracer: &HoneyHiveTracer) -> bool {
    let id = OTHER.parse().unwrap();
    tracer.enrich_span(Enrichment::new().event_id(id).metadata("m", 2))
}

#[trace(event_type = "tool")]
fn override_inputs_and_outputs(tracer: &HoneyHiveTracer, q: &str) -> Value {
    let _ = q;
    let first = Enrichment::new().input("q", "first");
    tracer.enrich_span(first.output("result", "from enrich").output("extra", 1));
    let second = Enrichment::new().input("q", "second");
    tracer.enrich_span(second.metadata("k", json!({"was": "dict"})));
    tracer.enrich_span(Enrichment::new().metadata("k", "now scalar"));
    json!({"returned": true})
}

/// `with enrich_span(…) as span` is a plain call here.
#[trace(event_type = "tool")]
fn free_function() -> &'static str {
    honeyhive::enrich_span(honeyhive::metadata! { "positional": "attributes", "a": 1, "user_id": "kw-u1" }).unwrap();
    honeyhive::enrich_span(honeyhive::metadata! { "from_with": true }).unwrap();
    "_Span"
}

#[trace(event_type = "tool")]
fn session_id_kwarg(tracer: &HoneyHiveTracer) -> bool {
    tracer.enrich_span(
        Enrichment::new()
            .metadata("session_id", "nope")
            .metadata("event_type", "model")
            .metadata("event_name", "renamed")
            .metadata("source", "x"),
    )
}

fn s03(setting: &Setting) {
    let tracer = setting.tracer("s03 session");
    tracer.in_scope(|| {
        assert!(all_namespaces(&tracer));
        event_id_puts_an_event(&tracer);
        update_event_id_sets_an_attribute(&tracer);
        override_inputs_and_outputs(&tracer, "captured");
        free_function();
        session_id_kwarg(&tracer);
        let lost = || Enrichment::new().metadata("lost", true);
        assert!(!tracer.enrich_span(lost()), "no span is active");
        honeyhive::enrich_span(lost()).unwrap_err();
    });
    flush(&tracer);
}
