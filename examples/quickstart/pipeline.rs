//! The pipeline under evaluation: retrieve passages, read the answer out of them. Each step is annotated, nothing else
//! was done to trace it.

use honeyhive_eval::prelude::*;
use serde::{Deserialize, Serialize};

use crate::search::{LIBRARY, Passage, words};

/// Passages the reader gets to see.
const TOP_K: usize = 3;

/// The inputs of a line of `questions.jsonl`.
#[derive(Deserialize)]
pub(crate) struct Question {
    question: String,
}

/// What the pipeline returns.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) answer: String,
    pub(crate) document: String,
}

/// The function that is evaluated: it asks for the inputs of a datapoint as its own type.
pub(crate) async fn answer_question(Inputs(input): Inputs<Question>) -> Result<Json<Answer>, NoAnswer> {
    answer(&input.question).await.map(Json)
}

#[trace(event_type = "chain")]
async fn answer(question: &str) -> Result<Answer, NoAnswer> {
    let passages = retrieve(question, TOP_K);
    read(question, &passages).await
}

#[trace(event_type = "tool")]
fn retrieve(query: &str, top_k: usize) -> Vec<Passage> {
    LIBRARY.search(query, top_k)
}

/// Stands where a language model would: it picks the sentence that says most about the question.
#[trace(event_type = "model", name = "extractive reader")]
async fn read(question: &str, passages: &[Passage]) -> Result<Answer, NoAnswer> {
    let wanted = words(question);
    let sentences = passages
        .iter()
        .flat_map(|passage| passage.sentences().map(move |sentence| (sentence, passage)));
    let best = sentences
        .map(|(sentence, passage)| (LIBRARY.overlap(&wanted, sentence), sentence, passage))
        .fold(None, |best: Option<(f64, &str, &Passage)>, candidate| match best {
            Some(best) if best.0 >= candidate.0 => Some(best),
            _ => Some(candidate),
        });
    let (confidence, sentence, passage) = best.ok_or(NoAnswer)?;
    if let Some(tracer) = HoneyHiveTracer::current() {
        let enrichment = Enrichment::new()
            .config("model", "extractive-v1")
            .metric("confidence", confidence);
        tracer.enrich_span(enrichment.metric("passages", passages.len()));
    }
    Ok(Answer {
        answer: sentence.to_owned(),
        document: passage.document.to_owned(),
    })
}

/// No passage matched the question.
#[derive(Debug)]
pub(crate) struct NoAnswer;

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no passage matches the question")
    }
}

impl std::error::Error for NoAnswer {}
