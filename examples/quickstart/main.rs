//! The main job in one program: answer questions from a set of documents, trace every step, and evaluate the answers
//! against what is known to be right.
//!
//! ```text
//! cargo run -p honeyhive-examples --example quickstart
//! ```
//!
//! With `HH_API_KEY` set it reports to HoneyHive, else to an embedded backend that it starts itself.
#![allow(clippy::print_stdout, reason = "an example talks to the person who runs it")]

mod evaluators;
mod pipeline;
mod search;

use std::error::Error;
use std::path::{Path, PathBuf};

use honeyhive_eval::prelude::*;
use honeyhive_local::Server;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let backend = Backend::choose()?;
    // The experiment opens a session for each question, so the tracer needs none of its own.
    let tracer = backend.settings().skip_session_start().build()?;

    let result = evaluate(pipeline::answer_question)
        .name("honey bees, extractive reader")
        .dataset(Dataset::jsonl(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("quickstart/questions.jsonl"),
        )?)
        .evaluator("correct", evaluators::correct)
        .evaluator("right_document", evaluators::right_document)
        .evaluator("brevity", evaluators::brevity)
        .tracer(&tracer)
        .await?;

    let session = result.rows[0].session_id;
    println!("The session of the first question, as the backend stored it:\n");
    match tracer.api().sessions().get(session).await {
        Ok(tree) => println!("{}", tree.text().durations(true)),
        Err(error) => println!("  it cannot be read back yet: {error}\n"),
    }
    println!("The experiment:\n\n{result}\n");
    backend.say_where_to_look(&result.run_id, &session.to_string());
    Ok(())
}

/// Where the experiment reports.
enum Backend {
    HoneyHive,
    Embedded { server: Server, database: PathBuf },
}

impl Backend {
    fn choose() -> Result<Self, Box<dyn Error>> {
        if std::env::var("HH_API_KEY").is_ok_and(|key| !key.trim().is_empty()) {
            return Ok(Self::HoneyHive);
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target");
        std::fs::create_dir_all(&folder)?;
        let database = folder.join("honeyhive-quickstart.db");
        let server = Server::builder().listen("127.0.0.1:0").database(&database).start()?;
        Ok(Self::Embedded { server, database })
    }

    fn settings(&self) -> honeyhive_core::TracerBuilder {
        match self {
            Self::HoneyHive => HoneyHiveTracer::builder(),
            Self::Embedded { server, .. } => HoneyHiveTracer::builder().api_key("hh_local").server_url(server.url()),
        }
    }

    fn say_where_to_look(&self, run_id: &str, session_id: &str) {
        match self {
            Self::HoneyHive => {
                println!("Look further: open your project in HoneyHive and go to Experiments, run {run_id}.");
            }
            Self::Embedded { database, .. } => println!(
                "Look further: all of it is kept in {}. Serve it and ask:\n\n  \
                 cargo run -p honeyhive-local -- --db {0}\n  \
                 curl http://127.0.0.1:4483/v1/runs/{run_id}/result\n  \
                 curl http://127.0.0.1:4483/v1/sessions/{session_id}",
                database.display(),
            ),
        }
    }
}
