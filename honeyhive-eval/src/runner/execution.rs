//! One execution: a datapoint in a session of its own, the function as its chain event, its evaluators inside, and what
//! the session learns of it.

use std::sync::Arc;
use std::time::Duration;

use honeyhive_core::{Enrichment, EventType, HoneyHiveTracer, Span};
use serde_json::Value;

use super::Experiment;
use super::call::start;
use super::isolation::{Isolation, on_own_thread};
use super::limits::Permit;
use super::scoring::score;
use crate::dataset::Datapoint;
use crate::extract::{OutcomeContext, TaskContext};
use crate::journal::Entry;
use crate::output::TaskError;
use crate::result::{Trial, Usage};

const SOURCE: &str = "evaluation";

/// What is to be executed.
#[derive(Debug)]
pub(super) struct Unit {
    /// Position of the datapoint in the dataset.
    pub(super) index: usize,
    /// Which trial of it, from 0.
    pub(super) number: u32,
    pub(super) datapoint: Arc<Datapoint>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) unit: Unit,
    pub(super) trial: Trial,
}

/// What calling the function gave.
struct Answer {
    output: Result<Value, TaskError>,
    latency: Duration,
    attempts: u32,
    usage: Usage,
}

impl Experiment {
    /// Executes one unit. When this returns, the journal has it and delivery is under way.
    pub(super) async fn execute(self: Arc<Self>, unit: Unit) -> Done {
        let permit = self.limits.enter().await;
        self.wait_for_delivery().await;
        let session = self.open_session(&unit.datapoint);
        let span = self.open_span(&session, &unit.datapoint);
        let task = TaskContext {
            datapoint: unit.datapoint.clone(),
            tracer: session.clone(),
            trial: unit.number,
        };
        let work = self.clone().work(task, span, permit);
        let (trial, span) = match self.settings.isolation {
            Isolation::Task => work.await,
            Isolation::Thread => self.work_on_own_thread(&session, work).await,
        };
        if let Some(journal) = &self.journal {
            journal.append(&Entry {
                index: unit.index,
                trial: unit.number,
                elapsed_ms: u64::try_from(journal.elapsed().as_millis()).unwrap_or(u64::MAX),
                datapoint: (*unit.datapoint).clone(),
                outcome: trial.clone(),
            });
        }
        close(span, &trial.output);
        session.enrich_session(summary(&trial.output, unit.datapoint.ground_truth.as_ref()));
        Done { unit, trial }
    }

    /// The function, then its evaluators. The span is given back open, for it ends after the journal has the outcome.
    async fn work(self: Arc<Self>, task: TaskContext, span: Span, permit: Permit) -> (Trial, Option<Span>) {
        let answer = match self.replayed(&task.datapoint.id, task.trial) {
            Some(answer) => answer,
            None => self.call(&task, &span, permit).await,
        };
        let session_id = task.tracer.session_id();
        let scores = match &answer.output {
            Ok(output) => {
                let outcome = OutcomeContext {
                    task,
                    output: Arc::new(output.clone()),
                };
                score(&self.evaluators, &outcome, &span, &self.settings).await
            }
            Err(_) => Vec::new(),
        };
        let trial = Trial {
            session_id,
            output: answer.output,
            scores,
            latency: answer.latency,
            attempts: answer.attempts,
            usage: answer.usage,
        };
        (trial, Some(span))
    }

    async fn work_on_own_thread(
        &self,
        session: &HoneyHiveTracer,
        work: impl Future<Output = (Trial, Option<Span>)> + Send + 'static,
    ) -> (Trial, Option<Span>) {
        let cx = session.in_scope(honeyhive_core::opentelemetry::Context::current);
        match on_own_thread(cx, work).await {
            Ok(done) => done,
            Err(error) => {
                let trial = Trial {
                    session_id: session.session_id(),
                    output: Err(error),
                    scores: Vec::new(),
                    latency: Duration::ZERO,
                    attempts: 0,
                    usage: Usage::default(),
                };
                (trial, None)
            }
        }
    }

    /// Calls the function, again if it fails and that is asked for.
    async fn call(&self, task: &TaskContext, span: &Span, first: Permit) -> Answer {
        let mut permit = first;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let running = start((self.task)(task.clone()), span, &self.settings, self.settings.timeout);
            let began = running.beginning();
            let output = running.outcome().await;
            let latency = began.elapsed();
            permit.settle(output.as_ref().err());
            let again = output.as_ref().err().filter(|error| {
                let retry = self.settings.retry.as_ref();
                retry.is_some_and(|retry| retry.again(attempts, error))
            });
            let (Some(error), Some(retry)) = (again, &self.settings.retry) else {
                if attempts > 1 {
                    span.enrich(Enrichment::new().metadata("attempts", attempts));
                }
                return Answer {
                    output,
                    latency,
                    attempts,
                    usage: task.tracer.usage().into(),
                };
            };
            let key = format!("attempt_errors.{attempts}");
            span.enrich(Enrichment::new().metadata(key, error.to_string()));
            tokio::time::sleep(retry.pause_after(attempts)).await;
            permit = self.limits.enter().await;
        }
    }

    /// What was given before, where only the scores are made anew.
    fn replayed(&self, datapoint_id: &str, number: u32) -> Option<Answer> {
        let trial = self.settings.replay.get(&(datapoint_id.to_owned(), number))?;
        Some(Answer {
            output: trial.output.clone(),
            latency: trial.latency,
            attempts: trial.attempts,
            usage: trial.usage,
        })
    }

    fn open_session(&self, datapoint: &Datapoint) -> HoneyHiveTracer {
        let mut session = self
            .tracer
            .new_session(self.record.name.clone())
            .source(SOURCE)
            .experiment(&self.record.run_id, &self.record.dataset_id, &datapoint.id)
            .count_usage();
        for (key, value) in datapoint.inputs.as_object().into_iter().flatten() {
            session = session.input(key, value);
        }
        session.start()
    }

    fn open_span(&self, session: &HoneyHiveTracer, datapoint: &Datapoint) -> Span {
        let mut span = session.span(self.function_name.clone()).event_type(EventType::Chain);
        for (key, value) in datapoint.inputs.as_object().into_iter().flatten() {
            span = span.input(key, value);
        }
        span.start()
    }
}

fn close(span: Option<Span>, output: &Result<Value, TaskError>) {
    let Some(mut span) = span else { return };
    match output {
        Ok(output) => span.record_output(output),
        Err(error) => span.record_failure(&error.kind, &error.message),
    }
    span.end();
}

/// What the session learns of its datapoint: the output as an object, the ground truth, the error.
fn summary(output: &Result<Value, TaskError>, ground_truth: Option<&Value>) -> Enrichment {
    let mut summary = Enrichment::new();
    match output {
        Ok(Value::Object(members)) => {
            for (key, value) in members {
                summary = summary.output(key, value);
            }
        }
        Ok(Value::Null) => {}
        Ok(other) => summary = summary.output("output", other),
        Err(error) => summary = summary.error(error.to_string()),
    }
    match ground_truth {
        Some(truth) => summary.feedback("ground_truth", truth),
        None => summary,
    }
}
