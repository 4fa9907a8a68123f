//! `s13_manual.py`: methods, spans made by hand, filters.

use honeyhive_core::opentelemetry::trace::{SpanKind, TraceContextExt};
use honeyhive_core::opentelemetry::{Array, Context, KeyValue, Value};
use honeyhive_core::{Enrichment, EventType, trace};

use crate::differences::{delivery, spans, values};
use crate::objects::{Service, ValueError};
use crate::{Scenario, Setting, flush};

pub(crate) const S13: Scenario = Scenario {
    capture: "s13",
    differences: &[
        &spans::WRONG_CALL,
        &spans::ATTRIBUTES_TWICE,
        &spans::TRACER_VERSION,
        &values::TEXT_OF_VALUES,
        &values::TYPE_NAMES,
        &delivery::CREATE_EVENT,
    ],
    program: s13,
};

#[trace(event_type = "chain")]
async fn legacy_async(x: i64) -> i64 {
    x
}

/// `trace_class` is `#[trace]` on the `impl`. Left out: the call of a static method on an instance, which does not
/// compile, and `create_event`.
fn s13(setting: &Setting) {
    let tracer = setting.tracer("s13 session");
    let _active = tracer.activate();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

    let service = Service::new(10);
    service.add(1);
    runtime.block_on(service.aadd(2));
    Service::twice(4);
    let _ = Service::make(1);

    let parent = tracer
        .span("manual parent")
        .kind(SpanKind::Client)
        .attribute("plain", 1)
        .attribute("dotted.key", "v")
        .attribute("list", Value::Array(Array::I64(vec![1, 2])))
        .start();
    parent.in_scope(|| {
        Context::current()
            .span()
            .set_attribute(KeyValue::new("set.later", true));
        tracer.enrich_span(Enrichment::new().input("q", "manual").output("a", "manual"));
        tracer.span("manual child").start().end();
        let via = tracer.span("via tracer.trace").event_type(EventType::Model);
        via.attribute("extra", "kw").start().end();
    });
    parent.end();

    let mut raising = tracer.span("manual raising").start();
    raising.record_error(&ValueError("in a with block".to_owned()));
    raising.end();

    runtime.block_on(legacy_async(1));

    let helper = tracer
        .span("context helper")
        .input("i", 1)
        .output("o", 2)
        .metadata("m", 3);
    let helper = helper.metric("s", 0.5).feedback("f", 1).config("c", 1).error("e");
    helper.start().end();

    for name in [
        "chat step",
        "modelling clay",
        "generate_report",
        "plain name",
        "email_sender",
        "ai_helper",
    ] {
        tracer.span(name).start().end();
    }
    let gen_ai = tracer.span("gen_ai").attribute("gen_ai.operation.name", "invoke_agent");
    gen_ai.start().end();
    let openinference = tracer
        .span("openinference")
        .attribute("openinference.span.kind", "RETRIEVER");
    openinference.start().end();
    flush(&tracer);

    let filtered = setting.builder().project("proj-alpha").session_name("filtered");
    let filtered = filtered
        .include_spans("keep")
        .exclude_spans("keep.not")
        .build()
        .unwrap();
    for name in ["keep.this", "keep.not.this", "other"] {
        filtered.span(name).start().end();
    }
    flush(&filtered);
}
