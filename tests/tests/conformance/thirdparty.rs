//! `s14_thirdparty.py`: spans of a library that knows OpenTelemetry alone, inside `evaluate()`.

use std::sync::Barrier;

use honeyhive_core::opentelemetry::trace::{TraceContextExt, Tracer};
use honeyhive_core::opentelemetry::{Context, KeyValue, global};
use honeyhive_core::routing;
use honeyhive_eval::prelude::*;
use serde_json::{Value, json};

use crate::differences::{delivery, evaluation, sessions};
use crate::{Scenario, Setting, flush};

pub(crate) const S14_A: Scenario = Scenario {
    capture: "s14_a",
    differences: &[
        &evaluation::CHAIN_INPUT,
        &evaluation::CHAIN_NAME,
        &delivery::NO_READ_BACK,
    ],
    program: |setting| run(setting, "thirdparty a"),
};

pub(crate) const S14_B: Scenario = Scenario {
    capture: "s14_b",
    differences: &[
        &sessions::LIBRARY_SPANS,
        &evaluation::CHAIN_INPUT,
        &evaluation::CHAIN_NAME,
        &delivery::NO_READ_BACK,
    ],
    program: s14_b,
};

/// The library.
fn agent(n: i64) -> i64 {
    let tracer = global::tracer("thirdparty");
    let span = |name: &'static str, operation: &'static str| {
        let about = [
            KeyValue::new("tp.datapoint", format!("dp-{n}")),
            KeyValue::new("gen_ai.operation.name", operation),
        ];
        tracer.span_builder(name).with_attributes(about).start(&tracer)
    };
    let _agent = Context::current_with_span(span("agent.invoke", "invoke_agent")).attach();
    let _chat = Context::current_with_span(span("chat gpt-x", "chat")).attach();
    n * 2
}

static THREE_AT_ONCE: Barrier = Barrier::new(3);

fn work(datapoint: Datapoint) -> Value {
    THREE_AT_ONCE.wait();
    json!({"out": agent(datapoint.inputs["n"].as_i64().unwrap())})
}

fn run(setting: &Setting, name: &str) {
    routing::install_global();
    let dataset = Dataset::new((0..6).map(|i| json!({"id": format!("dp-{i}"), "inputs": {"n": i}}))).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let evaluation = evaluate(work).name(name).dataset(dataset).max_workers(3).git(false);
    let result = runtime
        .block_on(async { evaluation.connection(setting.builder()).await })
        .unwrap();
    assert_eq!(result.warnings, Vec::<String>::new());
}

fn s14_b(setting: &Setting) {
    let application = setting
        .builder()
        .api_key("hh_fake_beta")
        .project("proj-app")
        .source("app-source");
    let application = application.session_name("application").build().unwrap();
    let default = application.set_default();
    run(setting, "thirdparty b");
    flush(&application);
    drop(default);
}
