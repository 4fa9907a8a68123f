//! The program of `examples/legacy` after the migration of `MIGRATION.md`: the tracer is made by a builder and found in
//! the context, `evaluate` is awaited, and the types of a function's arguments say what they are. It leaves the same
//! events in the backend.
//!
//! ```text
//! cargo run -p honeyhive-examples --example migrated
//! ```
#![allow(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use honeyhive_core::prelude::*;
use honeyhive_eval::{Dataset, GroundTruth, Inputs, Outputs, evaluate};
use honeyhive_local::Server;
use serde::{Deserialize, Serialize};
use serde_json::json;

const ANSWERS: [(&str, &str); 2] = [
    ("Why do bees dance?", "To tell where food is."),
    ("What is honey?", "Nectar, ripened."),
];

#[derive(Serialize, Deserialize)]
struct Question {
    question: String,
}

#[derive(Deserialize, PartialEq)]
struct Answer {
    answer: String,
}

#[trace(event_type = "tool", metadata(index = "faq"), metrics(passages = 1))]
fn retrieve(question: &str) -> Vec<String> {
    let known = ANSWERS.iter().find(|(asked, _)| *asked == question);
    vec![known.map_or("", |(_, answer)| answer).to_owned()]
}

#[trace(event_type = "model", config(model = "m-1"), feedback(grounded = !passages[0].is_empty()))]
async fn generate(question: &str, passages: Vec<String>) -> String {
    match passages[0].as_str() {
        "" => format!("Nobody knows: {question}"),
        passage => passage.to_owned(),
    }
}

#[trace(event_type = "chain", name = "support")]
async fn answer(question: &str) -> String {
    generate(question, retrieve(question)).await
}

async fn evaluated(Inputs(input): Inputs<Question>, session: HoneyHiveTracer) -> HashMap<String, String> {
    session.enrich_session(Enrichment::new().metadata("asked", &input.question));
    HashMap::from([("answer".to_owned(), answer(&input.question).await)])
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let backend = Server::builder().listen("127.0.0.1:0").start()?;
    let settings = || {
        let settings = HoneyHiveTracer::builder().api_key("hh_example").project("support");
        settings.server_url(backend.url())
    };
    let tracer = settings().source("script").session_name("a script").build()?;
    println!("{}\n", tracer.scope(answer("What is honey?")).await);
    tracer.enrich_session(Enrichment::new().user_property("plan", "pro").feedback("rating", 5));
    tracer.flush(Duration::from_secs(30)).await?;

    let known = ANSWERS
        .iter()
        .map(|(q, a)| json!({"inputs": {"question": q}, "ground_truth": {"answer": a}}));
    let unknown = json!({"inputs": {"question": "Who was the first bee?"}, "ground_truth": {"answer": "Nobody knows"}});
    let result = evaluate(evaluated)
        .name("a run")
        .dataset(Dataset::new(known.chain([unknown]))?)
        .evaluator(
            "exact",
            |Outputs(found): Outputs<Answer>, GroundTruth(wanted): GroundTruth<Answer>| found == wanted,
        )
        .max_workers(3)
        .connection(settings())
        .await?;

    // What the backend holds now: the session of the script, then those of the run.
    for id in [tracer.session_id()].into_iter().chain(result.session_ids()) {
        println!("{}", tracer.api().sessions().get(id).await?);
    }
    Ok(())
}
