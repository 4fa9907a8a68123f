//! Going on after a crash: an experiment whose process dies in the middle, and the same command once more.
//!
//! ```text
//! cargo run -p honeyhive-examples --example resume
//! ```
//!
//! The program starts itself as the process that dies. Both name the same journal, and that is all there is to it.
#![allow(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use honeyhive_eval::prelude::*;
use honeyhive_eval::{Evaluation, ExperimentResult};
use honeyhive_local::Server;
use serde_json::json;

/// Calls of the function in this process: each would be paid for.
static CALLS: AtomicUsize = AtomicUsize::new(0);

fn experiment(server_url: &str, journal: &Path, dies_after: usize) -> Result<Evaluation, Box<dyn Error>> {
    let double = move |datapoint: Datapoint| async move {
        if CALLS.fetch_add(1, Ordering::Relaxed) == dies_after {
            // As the kernel does when memory runs out: no destructor, no word to the server.
            std::process::abort();
        }
        tokio::task::yield_now().await;
        datapoint.inputs["number"].as_i64().unwrap_or_default() * 2
    };
    Ok(evaluate(double)
        .name("doubles")
        .function_name("double")
        .dataset(Dataset::new(
            (0..100).map(|n| json!({"inputs": {"number": n}, "ground_truth": 2 * n})),
        )?)
        .evaluator(
            "right",
            |Outputs(found): Outputs<i64>, GroundTruth(wanted): GroundTruth<i64>| found == wanted,
        )
        .connection(HoneyHiveTracer::builder().api_key("hh_local").server_url(server_url))
        .resume(journal))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target");
    let journal = folder.join("honeyhive-resume.jsonl");
    if let Some(server_url) = std::env::args().nth(1) {
        experiment(&server_url, &journal, 60)?.await?;
        return Ok(());
    }

    std::fs::create_dir_all(&folder)?;
    if journal.exists() {
        std::fs::remove_file(&journal)?;
    }
    let server = Server::builder().start()?;
    let first = Command::new(std::env::current_exe()?).arg(server.url()).status()?;
    let left = ExperimentResult::from_journal(&journal)?;
    println!(
        "The first process: {first}. Its journal has {} rows, {} are missing.",
        left.rows.len(),
        left.not_run
    );

    let result = experiment(server.url(), &journal, usize::MAX)?.await?;
    let called = CALLS.load(Ordering::Relaxed);
    println!(
        "The second one called the function {called} times and has {} rows.\n",
        result.rows.len()
    );
    println!(
        "{} of {} right, run {}",
        result.succeeded(),
        result.rows.len(),
        result.run_id
    );
    if result.run_id != left.run_id || called != left.not_run {
        return Err("the run was not continued".into());
    }
    Ok(())
}
