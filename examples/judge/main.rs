//! A dataset of your own types, and a model that judges the answers.
//!
//! ```text
//! cargo run -p honeyhive-examples --example judge
//! ```
//!
//! The judge here is a function that looks for the expected words, where yours asks a model.
#![allow(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::convert::Infallible;
use std::error::Error;

use honeyhive_eval::evaluators::Judge;
use honeyhive_eval::prelude::*;
use honeyhive_local::Server;
use serde::{Deserialize, Serialize};

/// One case: what a datapoint looks like in this program.
#[derive(Serialize)]
struct Case {
    /// Keeps the case comparable when others are put before it.
    id: &'static str,
    inputs: Ticket,
    ground_truth: &'static str,
}

#[derive(Serialize, Deserialize)]
struct Ticket {
    subject: String,
    urgent: bool,
}

fn cases() -> Vec<Case> {
    let case = |id, subject: &str, urgent, ground_truth| Case {
        id,
        inputs: Ticket {
            subject: subject.to_owned(),
            urgent,
        },
        ground_truth,
    };
    vec![
        case("refund", "I was charged twice", false, "refund within five days"),
        case("outage", "Nothing loads since noon", true, "engineer called"),
        case("invoice", "Where is my invoice?", false, "under Billing"),
    ]
}

/// The function under evaluation asks for its inputs by type.
#[trace(event_type = "model")]
async fn reply(ticket: &Ticket) -> String {
    match (ticket.urgent, ticket.subject.contains("charged")) {
        (true, _) => "We are sorry. An engineer was called and will write to you.".to_owned(),
        (false, true) => "You will get a refund within five days.".to_owned(),
        (false, false) => "Please look at our documentation.".to_owned(),
    }
}

/// Stands where a language model would. It is given the whole prompt and answers as the prompt asks.
async fn model(prompt: String) -> Result<String, Infallible> {
    let part = |from: &str, to: &str| {
        let (_, rest) = prompt.split_once(from).unwrap_or_default();
        rest.split(to).next().unwrap_or_default().to_lowercase()
    };
    let (reply, expected) = (part("Reply: ", "\n"), part("It should say: ", "\n"));
    let missing = expected.split_whitespace().find(|word| !reply.contains(word));
    Ok(match missing {
        None => "Everything that was expected is there.\n[[good]]".to_owned(),
        Some(word) => format!("The word \"{word}\" is missing.\n[[poor]]"),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().start()?;
    let judge = Judge::new(model)
        .prompt(
            "Ticket: {{inputs.subject}}\nReply: {{outputs}}\nIt should say: {{ground_truth}}\nHow good is the reply?",
        )
        .choices([("good", 1.0), ("poor", 0.0)]);

    let result = evaluate(|Inputs(ticket): Inputs<Ticket>| async move { reply(&ticket).await })
        .name("support replies")
        .dataset(Dataset::new(cases())?)
        .evaluator("judge", judge)
        .evaluator("polite", |Outputs(reply): Outputs<String>| {
            reply.contains("sorry") || reply.contains("Please")
        })
        .connection(HoneyHiveTracer::builder().api_key("hh_local").server_url(server.url()))
        .await?;

    println!("{result}\n");
    for row in &result.rows {
        let judged = row.scores.iter().find(|(name, _)| name == "judge");
        if let Some((_, Ok(Some(score)))) = judged {
            println!(
                "{}: {}",
                row.datapoint_id,
                score.explanation().unwrap_or("no reason given")
            );
        }
    }
    Ok(())
}
