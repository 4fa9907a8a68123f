//! Libraries that bring spans of their own, inside an experiment: each span lands in the session of its datapoint, and
//! a call of a model becomes an event of type `model` with its messages and tokens.
//!
//! ```text
//! cargo run -p honeyhive-examples --example libraries
//! ```
//!
//! It starts an embedded backend, runs three datapoints at once, prints one session, and exits.
#![allow(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::time::Duration;

use honeyhive_core::opentelemetry::global;
use honeyhive_core::opentelemetry::trace::Tracer as _;
use honeyhive_core::routing;
use honeyhive_eval::prelude::*;
use honeyhive_local::Server;
use serde::Deserialize;
use serde_json::json;
use tracing_subscriber::prelude::*;

/// Stands for a library such as rig or genai: it speaks `tracing`, with fields of OpenTelemetry's GenAI conventions.
mod model_library {
    use tracing::{Instrument, field, info_span};

    pub(crate) async fn chat(prompt: &str) -> String {
        let messages = serde_json::json!([{"role": "user", "parts": [{"type": "text", "content": prompt}]}]);
        let span = info_span!(
            "chat",
            gen_ai.operation.name = "chat",
            gen_ai.provider.name = "example",
            gen_ai.request.model = "m-1",
            gen_ai.input.messages = %messages,
            gen_ai.output.messages = field::Empty,
            gen_ai.usage.input_tokens = 12,
            gen_ai.usage.output_tokens = 7,
        );
        async {
            tokio::task::yield_now().await;
            let answer = format!("an answer to {prompt:?}");
            let reply = serde_json::json!([{"role": "assistant", "parts": [{"type": "text", "content": answer}]}]);
            tracing::Span::current().record("gen_ai.output.messages", field::display(reply));
            answer
        }
        .instrument(span)
        .await
    }
}

/// Stands for a library that speaks OpenTelemetry, through the global tracer.
fn look_up(question: &str) -> usize {
    global::tracer("vector store").in_span("vector search", |_| question.len())
}

#[trace(event_type = "chain")]
async fn answer(question: String) -> String {
    let passages = look_up(&question);
    model_library::chat(&format!("{question} ({passages} passages)")).await
}

#[derive(Deserialize)]
struct Row {
    question: String,
}

async fn task(Inputs(row): Inputs<Row>) -> String {
    answer(row.question).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Once, at start: spans of `tracing` and of the global tracer find the session of the code that makes them.
    tracing_subscriber::registry().with(routing::layer()).init();
    routing::install_global();

    let backend = Server::builder().start()?;
    let tracer = HoneyHiveTracer::builder()
        .api_key("hh_local")
        .server_url(backend.url())
        .exclude_scopes("hyper")
        .build()?;
    let questions = ["Why do bees dance?", "What is honey?", "Who watches the dance?"];
    let dataset = Dataset::new(questions.map(|question| json!({"inputs": {"question": question}})))?;
    let run = evaluate(task)
        .name("libraries")
        .dataset(dataset)
        .tracer(&tracer)
        .max_workers(3)
        .await?;
    println!("{run}");
    tracer.flush(Duration::from_secs(5)).await?;
    println!("{}", tracer.api().sessions().get(run.session_ids()[1]).await?);
    Ok(())
}
