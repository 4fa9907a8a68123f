//! Asking a model until its answer has a choice in it, each time as a `model` event.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use honeyhive_core::{EventType, HoneyHiveTracer};

use super::answer::{Choices, Verdict};
use crate::output::TaskError;

/// Characters of an unreadable answer that go into the next question and into the error.
const SHOWN: usize = 400;

type Answer = Pin<Box<dyn Future<Output = Result<String, TaskError>> + Send>>;

/// A model function whose type has been forgotten.
#[derive(Clone)]
pub(super) struct Model(Arc<dyn Fn(String) -> Answer + Send + Sync>);

impl Model {
    pub(super) fn new<F, Fut, E>(model: F) -> Self
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let model = Arc::new(model);
        Self(Arc::new(move |prompt| {
            let model = model.clone();
            Box::pin(async move { model(prompt).await.map_err(TaskError::of) })
        }))
    }

    /// The model's choice. An error of the model is the end of it: whether to ask again is the model function's to know.
    pub(super) async fn choose(
        &self,
        tracer: &HoneyHiveTracer,
        event: &'static str,
        prompt: String,
        choices: &Choices,
        retries: u32,
    ) -> Result<Verdict, TaskError> {
        let mut question = prompt.clone();
        let mut attempt = 1;
        loop {
            let answer = self.ask(tracer, event, question, attempt).await?;
            match choices.read(&answer) {
                Ok(verdict) => return Ok(verdict),
                Err(problem) if attempt > retries => {
                    return Err(TaskError::new(
                        "UnreadableAnswer",
                        format!("{problem}, asked {attempt} times; the last answer: {}", end_of(&answer)),
                    ));
                }
                Err(problem) => {
                    question = format!(
                        "{prompt}\n\nYour last answer could not be used: {problem}. It ended:\n{}",
                        end_of(&answer)
                    );
                    attempt += 1;
                }
            }
        }
    }

    async fn ask(
        &self,
        tracer: &HoneyHiveTracer,
        event: &'static str,
        question: String,
        attempt: u32,
    ) -> Result<String, TaskError> {
        let mut span = tracer
            .span(event)
            .event_type(EventType::Model)
            .input("prompt", &question);
        if attempt > 1 {
            span = span.metadata("attempt", attempt);
        }
        let mut span = span.start();
        let answer = span.scope((self.0)(question)).await;
        match &answer {
            Ok(answer) => span.record_output(answer),
            Err(error) => span.record_failure(&error.kind, &error.message),
        }
        span.end();
        answer
    }
}

fn end_of(answer: &str) -> String {
    let answer = answer.trim();
    let skipped = answer.chars().count().saturating_sub(SHOWN);
    if skipped == 0 {
        return answer.to_owned();
    }
    ['…'].into_iter().chain(answer.chars().skip(skipped)).collect()
}
