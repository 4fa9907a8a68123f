//! One call of an evaluator with settings: repetitions at once, then what becomes of their scores.

use std::sync::Arc;

use honeyhive_core::{Enrichment, EventType, Span};
use serde_json::{Value, json};

use super::Settings;
use crate::call::{join, spawn};
use crate::extract::OutcomeContext;
use crate::function::AnyEvaluator;
use crate::output::TaskError;
use crate::score::{Score, Scores};

pub(super) struct Pipeline {
    pub(super) name: String,
    pub(super) call: AnyEvaluator,
    pub(super) settings: Box<Settings>,
}

impl Pipeline {
    /// Runs inside an event of its own, which has the scores or the error.
    pub(super) async fn run(self: Arc<Self>, context: OutcomeContext) -> Result<Scores, TaskError> {
        let tracer = &context.task.tracer;
        let mut span = tracer.span(self.name.clone()).event_type(EventType::Chain);
        if self.settings.repeat > 1 {
            span = span.config("repeat", self.settings.repeat);
        }
        if let Some(Ok(target)) = &self.settings.target {
            span = span.config("target", target);
        }
        let mut span = span.input("outputs", &*context.output).start();
        let scores = self.scores(&context, &span).await;
        match &scores {
            Ok(scores) => record(&mut span, scores),
            Err(error) => span.record_failure(&error.kind, &error.message),
        }
        span.end();
        scores
    }

    async fn scores(&self, context: &OutcomeContext, span: &Span) -> Result<Scores, TaskError> {
        let running: Vec<_> = (0..self.settings.repeat)
            .map(|_| spawn((self.call)(context.clone()), span.context()))
            .collect();
        let mut repetitions = Vec::with_capacity(running.len());
        for call in running {
            repetitions.push(self.transformed(join(call).await?)?);
        }
        if self.settings.aggregate.is_none() {
            let only = repetitions.pop().unwrap_or_default();
            return only.map(|score| self.concluded(score));
        }
        self.aggregated(&repetitions)?.map(|score| self.concluded(score))
    }

    fn transformed(&self, scores: Scores) -> Result<Scores, TaskError> {
        match &self.settings.transform {
            Some(transform) => scores.map(|score| replaced(&score, transform(&score)?)),
            None => Ok(scores),
        }
    }

    /// The score after the check and the assertion.
    fn concluded(&self, score: Score) -> Result<Option<Score>, TaskError> {
        let target = match &self.settings.target {
            Some(Ok(target)) => Some(target),
            _ => None,
        };
        let concluded = match &self.settings.check {
            Some(check) => replaced(&score, check(&score, target)?)?,
            None => Some(score.clone()),
        };
        let holds = concluded.as_ref().is_none_or(|score| score.value().is_truthy());
        if self.settings.asserts && !holds {
            let range = target
                .map(|target| format!(" is not in range {target}"))
                .unwrap_or_default();
            return Err(TaskError::new(
                "AssertionError",
                format!("Assertion failed: score {}{range}", score.value().text()),
            ));
        }
        Ok(concluded)
    }

    /// One of each score the repetitions have, in the order in which they first appear.
    fn aggregated(&self, repetitions: &[Scores]) -> Result<Scores, TaskError> {
        let mut slots: Vec<(Option<&str>, Vec<Score>)> = Vec::new();
        for (name, score) in repetitions.iter().flat_map(Scores::all) {
            match slots.iter_mut().find(|(known, _)| *known == name) {
                Some((_, scores)) => scores.push(score.clone()),
                None => slots.push((name, vec![score.clone()])),
            }
        }
        let mut aggregated = Scores::new();
        for (name, scores) in slots {
            let Some(score) = self.one_of(&scores)? else { continue };
            match name {
                None => aggregated.main = Some(score),
                Some(name) => aggregated = aggregated.with(name, score),
            }
        }
        Ok(aggregated)
    }

    fn one_of(&self, scores: &[Score]) -> Result<Option<Score>, TaskError> {
        let (Some(aggregate), Some(last)) = (&self.settings.aggregate, scores.last()) else {
            return Ok(scores.last().cloned());
        };
        let mut together = last.clone();
        let reasons: Vec<&str> = scores.iter().filter_map(Score::explanation).collect();
        together.explanation = (!reasons.is_empty()).then(|| reasons.join("\n"));
        for (key, extra) in &mut together.extras {
            let values = scores.iter().filter_map(|score| score.extras.get(key));
            let numbers: Option<Vec<Score>> = values.map(|value| value.as_f64().map(Score::new)).collect();
            if let Some(numbers) = numbers.filter(|_| extra.is_number()) {
                *extra = aggregate(&numbers)?
                    .main
                    .map_or(Value::Null, |score| score.value.into());
            }
        }
        replaced(&together, aggregate(scores)?)
    }
}

/// The score with a new value; it keeps its explanation and extras unless the new one brings its own.
fn replaced(old: &Score, new: Scores) -> Result<Option<Score>, TaskError> {
    if let Some((name, _)) = new.named.first() {
        return Err(TaskError::new(
            "Score",
            format!("a transform, check or aggregate gives one score, and this gave `{name}` by name"),
        ));
    }
    Ok(new.main.map(|mut new| {
        new.explanation = new.explanation.or_else(|| old.explanation.clone());
        for (key, extra) in &old.extras {
            new.extras.entry(key.clone()).or_insert_with(|| extra.clone());
        }
        new
    }))
}

fn record(span: &mut Span, scores: &Scores) {
    let shown = |score: &Score| match &score.explanation {
        None => json!(score.value),
        Some(explanation) => json!({"score": score.value, "explanation": explanation}),
    };
    match (&scores.main, scores.named.as_slice()) {
        (Some(score), []) => span.record_output(&shown(score)),
        (None, []) => span.enrich(Enrichment::new().metadata("no_score", true)),
        (_, _) => {
            let named = scores
                .all()
                .map(|(name, score)| (name.unwrap_or("score").to_owned(), shown(score)));
            span.record_output(&named.collect::<serde_json::Map<_, _>>());
        }
    }
}
