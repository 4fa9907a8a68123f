//! `l01_legacy.py` and `l02_legacy_evaluate.py`, line by line.

use std::collections::HashMap;
use std::io;

use honeyhive_compat as honeyhive;
use honeyhive_compat::{Enrichment, EvaluateOptions, HoneyHiveTracer, InitOptions, LegacyTracer as _};
use honeyhive_core::api::RunStatus;
use honeyhive_tests::KEY;
use serde_json::{Value, json};

const EVENT: &str = "22222222-2222-4222-8222-222222222222";

#[honeyhive::trace(
    event_type = "tool",
    config(model = "gpt-x", p = json!({"t": 0.1})),
    metadata(m = json!([1, {"b": null}])),
    name = "adder"
)]
fn add(a: i64, b: i64, args: (&str,), kwargs: Value) -> Value {
    let enrichment = Enrichment::new()
        .metadata("k", 1)
        .metadata("none", Value::Null)
        .metadata("list", json!([1, null]))
        .metric("score", 0.5)
        .metric("ok", true)
        .feedback("rating", 5)
        .input("extra", "in")
        .output("extra", "out")
        .config("c", json!({"d": 1}))
        .error("described");
    honeyhive::enrich_span(enrichment).unwrap();
    json!({"sum": a + b, "none": null})
}

#[honeyhive::trace]
fn bare(x: i64) -> i64 {
    honeyhive::enrich_span(Enrichment::new().event_id(EVENT.parse().unwrap())).unwrap();
    x
}

#[honeyhive::trace(event_type = "chain")]
fn outer(x: i64) -> Value {
    add(x, 4, ("extra-arg",), json!({"kw": {"n": 1}}))
}

#[honeyhive::trace(event_type = "tool")]
fn raises() -> io::Result<()> {
    Err(io::Error::other("bad"))
}

#[honeyhive::atrace(event_type = "model")]
async fn amodel(p: &str) -> String {
    p.to_owned()
}

struct S;

impl S {
    #[honeyhive::trace(event_type = "tool")]
    fn method(&self, x: i64) -> i64 {
        x
    }
}

#[honeyhive::trace(event_type = "model")]
fn lambda(prompt_template: Value) -> i64 {
    1
}

pub(crate) fn l01(url: &str) {
    let tracer = HoneyHiveTracer::init(
        InitOptions::new(KEY)
            .project("proj-alpha")
            .source("golden")
            .session_name("l01 session")
            .server_url(url)
            .inputs([("q", "hi")]),
    )
    .unwrap();

    assert_eq!(outer(1), json!({"sum": 5, "none": null}));
    assert_eq!(bare(1), 1);
    assert_eq!(raises().unwrap_err().to_string(), "bad");
    assert_eq!(crate::runtime().block_on(amodel("p")), "p");
    assert_eq!(S.method(7), 7);
    let prompt_template = json!({
        "template": [{"role": "user", "content": "Hi {{name}}"}],
        "prompt": [{"role": "user", "content": "Hi Bob"}],
    });
    assert_eq!(lambda(prompt_template), 1);
    tracer.enrich_session(
        Enrichment::new()
            .metadata("m", 1)
            .feedback("f", 1)
            .metric("s", 0.5)
            .config("c", 1)
            .input("dropped", 1)
            .output("o", 1)
            .user_property("u", 1),
    );
    honeyhive::enrich_session(honeyhive::metadata! { "free": true }).unwrap();
    honeyhive::flush().unwrap();
    let mut carrier = HashMap::new();
    tracer.inject(&mut carrier);
    let baggage = format!("session_id={},source=golden,project=proj-alpha", tracer.session_id());
    assert_eq!(carrier, HashMap::from([("baggage".to_owned(), baggage)]));
    honeyhive::reset();
}

#[honeyhive::trace(event_type = "model", name = "nested_model")]
fn nested_model(q: &str) -> String {
    honeyhive::enrich_span(honeyhive::metadata! { "in": q }).unwrap();
    q.to_uppercase()
}

fn answer(inputs: Value, _ground_truths: Value) -> Value {
    honeyhive::enrich_session(honeyhive::metadata! { "free": inputs["q"] }).unwrap();
    json!({"answer": nested_model(inputs["q"].as_str().unwrap())})
}

fn exact(outputs: Value, _inputs: Value, ground_truths: Value) -> bool {
    outputs["answer"] == ground_truths["a"]
}

fn length(outputs: Value, _inputs: Value, _ground_truths: Value) -> usize {
    outputs["answer"].as_str().unwrap().len()
}

pub(crate) fn l02(url: &str) {
    let dataset: Vec<Value> = (0..5)
        .map(|i| json!({"inputs": {"q": format!("q{i}"), "n": i}, "ground_truths": {"a": format!("Q{i}")}}))
        .collect();
    let result = honeyhive::evaluate(
        EvaluateOptions::new(answer)
            .api_key(KEY)
            .project("proj-alpha")
            .name("legacy run")
            .dataset(dataset)
            .evaluator("exact", exact)
            .evaluator("length", length)
            .server_url(url)
            .max_workers(2)
            .print_results(false),
    )
    .unwrap();
    assert_eq!(result.session_ids.len(), 5);
    assert_eq!(result.status, RunStatus::Completed);
}
