//! A program of 0.x, `original.py`, translated line by line with `honeyhive-compat`. `examples/migrated` is the same
//! program with tracers passed on; both print the events they left in the backend, and these are the same.
//!
//! ```text
//! cargo run -p honeyhive-examples --example legacy
//! ```
#![allow(deprecated, reason = "the 0.x style, for the whole program")]
#![allow(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::error::Error;

use honeyhive_compat as honeyhive;
use honeyhive_compat::{CompatError, Enrichment, EvaluateOptions, InitOptions, enrich_session, enrich_span};
use honeyhive_local::Server;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const ANSWERS: [(&str, &str); 2] = [
    ("Why do bees dance?", "To tell where food is."),
    ("What is honey?", "Nectar, ripened."),
];

#[honeyhive::trace(event_type = "tool", metadata(index = "faq"))]
fn retrieve(question: &str) -> Result<Vec<String>, CompatError> {
    let known = ANSWERS.iter().find(|(asked, _)| *asked == question);
    let passages = vec![known.map_or("", |(_, answer)| answer).to_owned()];
    enrich_span(Enrichment::new().metric("passages", passages.len()))?;
    Ok(passages)
}

#[honeyhive::trace(event_type = "model", config(model = "m-1"))]
fn generate(question: &str, passages: Vec<String>) -> Result<String, CompatError> {
    enrich_span(Enrichment::new().feedback("grounded", !passages[0].is_empty()))?;
    Ok(match passages[0].as_str() {
        "" => format!("Nobody knows: {question}"),
        passage => passage.to_owned(),
    })
}

#[honeyhive::trace(event_type = "chain", event_name = "support")]
fn answer(question: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let passages = retrieve(question)?;
    Ok(generate(question, passages)?)
}

fn evaluated(inputs: Value, _ground_truths: Value) -> Result<Value, Box<dyn Error + Send + Sync>> {
    enrich_session(honeyhive::metadata! { "asked": inputs["question"] })?;
    let answer = answer(inputs["question"].as_str().unwrap_or_default())?;
    Ok(json!({ "answer": answer }))
}

fn exact(outputs: Value, _inputs: Value, ground_truths: Value) -> bool {
    outputs["answer"] == ground_truths["answer"]
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let backend = Server::builder().listen("127.0.0.1:0").start()?;
    let tracer = honeyhive::init(
        InitOptions::new("hh_example")
            .project("support")
            .source("script")
            .session_name("a script")
            .server_url(backend.url()),
    )?;
    println!("{}\n", answer("What is honey?")?);
    enrich_session(Enrichment::new().user_property("plan", "pro").feedback("rating", 5))?;
    honeyhive::flush()?;

    let known = ANSWERS
        .iter()
        .map(|(q, a)| json!({"inputs": {"question": q}, "ground_truths": {"answer": a}}));
    let mut dataset: Vec<Value> = known.collect();
    dataset
        .push(json!({"inputs": {"question": "Who was the first bee?"}, "ground_truths": {"answer": "Nobody knows"}}));
    let result = honeyhive::evaluate(
        EvaluateOptions::new(evaluated)
            .api_key("hh_example")
            .project("support")
            .server_url(backend.url())
            .dataset(dataset)
            .evaluator("exact", exact)
            .name("a run")
            .max_workers(1)
            .print_results(false),
    )?;

    // What the backend holds now: the session of the script, then those of the run.
    let show = Runtime::new()?;
    for id in [tracer.session_id()].iter().chain(&result.session_ids) {
        println!("{}", show.block_on(tracer.api().sessions().get(*id))?);
    }
    Ok(())
}
