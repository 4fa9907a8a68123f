//! What is under evaluation: which team a message to support belongs to. Two versions, as two prompts would be.

use std::time::Duration;

use honeyhive_eval::prelude::*;
use serde::Deserialize;

/// The inputs of a line of `messages.jsonl`.
#[derive(Deserialize)]
pub(crate) struct Message {
    text: String,
}

/// The version in production: it looks for the obvious words.
pub(crate) async fn current(Inputs(message): Inputs<Message>) -> Result<String, NoText> {
    let text = read(&message)?;
    think(2).await;
    Ok(first_match(
        &text,
        &[("invoice", "billing"), ("crash", "technical"), ("password", "account")],
        "other",
    ))
}

/// The version to release: it knows more words, and thinks longer.
pub(crate) async fn candidate(Inputs(message): Inputs<Message>) -> Result<String, NoText> {
    const WORDS: [(&str, &str); 9] = [
        ("refund", "billing"),
        ("invoice", "billing"),
        ("charged", "billing"),
        ("crash", "technical"),
        ("error", "technical"),
        ("slow", "technical"),
        ("password", "account"),
        ("log in", "account"),
        ("delete my", "account"),
    ];
    let text = read(&message)?;
    think(4).await;
    Ok(first_match(&text, &WORDS, "other"))
}

/// A change that went wrong: everything is a technical problem.
pub(crate) async fn worse(Inputs(message): Inputs<Message>) -> Result<String, NoText> {
    let text = read(&message)?;
    think(1).await;
    Ok(first_match(&text, &[("invoice", "billing")], "technical"))
}

#[derive(Debug, thiserror::Error)]
#[error("the message has no text")]
pub(crate) struct NoText;

fn read(message: &Message) -> Result<String, NoText> {
    let text = message.text.trim().to_lowercase();
    if text.is_empty() { Err(NoText) } else { Ok(text) }
}

/// Stands for the model's time.
async fn think(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

fn first_match(text: &str, words: &[(&str, &str)], otherwise: &str) -> String {
    let found = words.iter().find(|(word, _)| text.contains(word));
    found.map_or(otherwise, |(_, team)| team).to_owned()
}
