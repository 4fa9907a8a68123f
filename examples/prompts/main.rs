//! Which of two prompts is better: the same cases with both, three times each, and whether the difference means anything.
//!
//! ```text
//! cargo run -p honeyhive-examples --example prompts
//! ```
#![allow(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::error::Error;

use honeyhive_eval::evaluators::exact_match;
use honeyhive_eval::prelude::*;
use honeyhive_eval::{EvalError, ExperimentResult, Reducer};
use honeyhive_local::Server;
use serde::Deserialize;
use serde_json::json;

const PLAIN: &str = "Is this review good or bad?";
const CAREFUL: &str = "Is this review good or bad? Mind words like \"not\".";

#[derive(Deserialize)]
struct Review {
    text: String,
}

/// Stands where a language model would. It answers by single words, unless it is told to mind what stands before them,
/// and it is not always of the same opinion.
#[trace(event_type = "model")]
async fn ask(prompt: &str, review: &str, trial: u32) -> &'static str {
    let praise = ["lovely", "great", "happy"].iter().any(|word| review.contains(word));
    let negated = prompt.contains("not") && review.contains("not ");
    let wavers = review.contains("fine") && trial == 1;
    if (praise != negated) || wavers { "good" } else { "bad" }
}

async fn measure(prompt: &'static str, name: &str, tracer: &HoneyHiveTracer) -> Result<ExperimentResult, EvalError> {
    let reviews = [
        ("a lovely place", "good"),
        ("great food, great people", "good"),
        ("not great at all", "bad"),
        ("we were not happy", "bad"),
        ("not lovely, but fine", "bad"),
        ("never again", "bad"),
        ("happy to return", "good"),
        ("not bad", "good"),
    ];
    let cases = reviews.map(|(text, verdict)| json!({"id": text, "inputs": {"text": text}, "ground_truth": verdict}));
    evaluate(move |Inputs(review): Inputs<Review>, Trial(trial): Trial| async move {
        ask(prompt, &review.text, trial).await
    })
    .name(name)
    .function_name("classify")
    .configuration("prompt", prompt)
    .dataset(Dataset::new(cases)?)
    .trials(3, Reducer::Majority)
    .evaluators((exact_match(),))
    .tracer(tracer)
    .await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().start()?;
    let settings = HoneyHiveTracer::builder().api_key("hh_local").server_url(server.url());
    let tracer = settings.skip_session_start().build()?;

    let plain = measure(PLAIN, "plain prompt", &tracer).await?;
    let careful = measure(CAREFUL, "careful prompt", &tracer).await?;
    println!("{careful}\n");
    println!("{}", careful.compare_with(&plain)?);
    Ok(())
}
