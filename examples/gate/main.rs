//! A gate for a pipeline: run the version in production and the one to release over the same messages, compare them,
//! and let the exit code say whether it may go out.
//!
//! ```text
//! cargo run -p honeyhive-examples --example gate             # exit code 0
//! cargo run -p honeyhive-examples --example gate -- --worse  # exit code 1
//! ```
//!
//! Both runs go to an embedded backend. The reports are in `target/gate`: a page to read, JUnit XML for the CI system,
//! Markdown for the pull request.
#![allow(clippy::print_stdout, reason = "an example talks to the person who runs it")]

mod triage;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use honeyhive_eval::prelude::*;
use honeyhive_eval::{Aggregate, EvalError, Evaluation, ExperimentResult, Measure, Metric, Regression};
use honeyhive_local::Server;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let server = Server::builder().listen("127.0.0.1:0").start()?;
    let tracer = HoneyHiveTracer::builder()
        .api_key("hh_local")
        .server_url(server.url())
        .skip_session_start()
        .build()?;

    let baseline = measure(evaluate(triage::current).name("triage, in production"), &tracer).await?;
    let run = match std::env::args().any(|argument| argument == "--worse") {
        false => measure(evaluate(triage::candidate).name("triage, more words"), &tracer).await?,
        true => measure(evaluate(triage::worse).name("triage, gone wrong"), &tracer).await?,
    };

    let comparison = run.compare_with(&baseline)?;
    let gate = comparison.check(
        &Gate::new()
            .at_least("right_team", 0.8)
            .at_most(Measure::of(Metric::Latency).by(Aggregate::P95), 1_000.0)
            .no_regression("right_team")
            .no_regression(Regression::of(Metric::Latency).tolerance(50.0).significance(0.05)),
    );
    println!("{comparison}\n\n{gate}\n");

    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .with_file_name("target")
        .join("gate");
    let report = run.report().comparison(&comparison).gate(&gate);
    for file in ["report.html", "junit.xml", "comment.md", "report.json"] {
        report.write(folder.join(file))?;
    }
    println!("Read on in {}", folder.join("report.html").display());
    // In a `main` without reports, `comparison.gate(…)?` does the same.
    Ok(gate.exit_code())
}

/// Runs one version over the messages.
async fn measure(version: Evaluation, tracer: &HoneyHiveTracer) -> Result<ExperimentResult, Box<dyn Error>> {
    let messages = Path::new(env!("CARGO_MANIFEST_DIR")).join("gate/messages.jsonl");
    let run: Result<ExperimentResult, EvalError> = version
        .dataset(Dataset::jsonl(messages)?)
        .evaluator("right_team", right_team)
        .evaluator("team", |Outputs(found): Outputs<String>| found)
        .tracer(tracer)
        .await;
    Ok(run?)
}

/// The message went to the team that could help.
fn right_team(Outputs(found): Outputs<String>, GroundTruth(expected): GroundTruth<String>) -> Score {
    let right = found == expected;
    Score::new(right).because(format!("expected {expected}, found {found}"))
}
