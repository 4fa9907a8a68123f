//! A chat whose model streams its answers: a traced `impl`, a provider behind `#[async_trait]`, and streams that are one
//! span until the last chunk.
//!
//! ```text
//! cargo run -p honeyhive-examples --example streaming
//! ```
//!
//! It starts an embedded backend, asks some questions, prints what was recorded, and exits.
#![allow(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use honeyhive_core::prelude::*;
use honeyhive_local::Server;

type Chunks = Pin<Box<dyn Stream<Item = Result<Chunk, ModelError>> + Send>>;

#[derive(Debug)]
struct Chunk {
    text: String,
}

#[derive(Debug, thiserror::Error)]
enum ModelError {
    #[error("the model knows nothing of {0}")]
    Unknown(String),
    #[error("the connection was lost")]
    ConnectionLost,
}

/// What every provider of models offers.
#[async_trait::async_trait]
trait Model: Send + Sync {
    async fn stream(&self, prompt: &str) -> Result<Chunks, ModelError>;
}

/// A model that needs no network.
struct Canned;

#[async_trait::async_trait]
impl Model for Canned {
    // The texts of the chunks are the result; the call is over when the stream is.
    #[trace(event_type = "model", name = "canned model", config(model = "canned-1"), output = |chunk| &chunk.text)]
    async fn stream(&self, prompt: &str) -> Result<Chunks, ModelError> {
        let words = match prompt {
            "bees" => ["Bees ", "dance ", "to ", "tell."].map(Some),
            "ants" => [Some("Ants "), Some("follow "), None, None],
            _ => return Err(ModelError::Unknown(prompt.to_owned())),
        };
        let chunks = words.map(|word| match word {
            Some(word) => Ok(Chunk { text: word.to_owned() }),
            None => Err(ModelError::ConnectionLost),
        });
        Ok(Box::pin(stream::iter(chunks)))
    }
}

struct Chat<M> {
    model: M,
    tracer: HoneyHiveTracer,
}

/// Each method is an event: `Chat.answer`, `Chat.first_word`.
#[trace(event_type = "chain", tracer = self.tracer)]
impl<M: Model> Chat<M> {
    async fn answer(&self, question: &str) -> Result<String, ModelError> {
        let mut answer = String::new();
        let mut chunks = self.model.stream(question).await?;
        while let Some(chunk) = chunks.next().await {
            answer.push_str(&chunk?.text);
        }
        Ok(answer)
    }

    /// Stops listening after one chunk, which is no error.
    #[trace(output = |word| word.as_ref().map(|word| word.trim()))]
    async fn first_word(&self, question: &str) -> Option<String> {
        let mut chunks = self.model.stream(question).await.ok()?;
        chunks.next().await?.ok().map(|chunk| chunk.text)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder().listen("127.0.0.1:0").start()?;
    let tracer = HoneyHiveTracer::builder()
        .api_key("hh_local")
        .server_url(server.url())
        .session_name("a chat")
        .build()?;
    let chat = Chat {
        model: Canned,
        tracer: tracer.clone(),
    };

    for question in ["bees", "ants", "wasps"] {
        match chat.answer(question).await {
            Ok(answer) => println!("{question}: {answer}"),
            Err(error) => println!("{question}: {error}"),
        }
    }
    println!("first word: {:?}", chat.first_word("bees").await);

    tracer.flush(Duration::from_secs(10)).await?;
    println!("\n{}", tracer.api().sessions().get(tracer.session_id()).await?);
    Ok(())
}
