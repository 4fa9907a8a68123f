//! Running an experiment: the run's record, a session per datapoint, the function and its evaluators inside it.

use std::any::Any;
use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use honeyhive_core::api::{CreateRun, RunStatus, UpdateRun};
use honeyhive_core::opentelemetry::trace::FutureExt as _;
use honeyhive_core::{Enrichment, EventType, FlushError, HoneyHiveTracer, Span};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::dataset::{Datapoint, Dataset};
use crate::error::EvalError;
use crate::evaluate::{Destination, Evaluation};
use crate::extract::{OutcomeContext, TaskContext};
use crate::function::{AnyEvaluator, AnyTask, Call};
use crate::output::TaskError;
use crate::result::{ExperimentResult, Outcome, Row, Usage};
use crate::score::Score;

const SOURCE: &str = "evaluation";
/// How long the results may take to reach the server once everything has run.
const DELIVERY: Duration = Duration::from_secs(30);
/// Spans waiting to be sent at which no further datapoint starts: a fast function must not outrun delivery.
const HIGH_WATER: u64 = 8_192;

/// What all datapoints of an experiment share.
struct Experiment {
    tracer: HoneyHiveTracer,
    run_id: String,
    name: String,
    dataset_id: String,
    task: AnyTask,
    function_name: String,
    evaluators: Vec<(String, AnyEvaluator)>,
    /// Whether waiting for delivery was in vain once: the backend is away, and no further datapoint waits for it.
    stalled: AtomicBool,
}

/// Awaiting an evaluation runs it.
impl IntoFuture for Evaluation {
    type Output = Result<ExperimentResult, EvalError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(run(self))
    }
}

async fn run(evaluation: Evaluation) -> Result<ExperimentResult, EvalError> {
    let started = Instant::now();
    check(&evaluation)?;
    let Evaluation {
        task,
        function_name,
        name,
        dataset,
        evaluators,
        max_workers,
        destination,
    } = evaluation;
    let dataset = dataset.ok_or(EvalError::NoDataset)?;
    if dataset.is_empty() {
        return Err(EvalError::EmptyDataset);
    }
    let tracer = match destination {
        Destination::Shared(tracer) => tracer,
        Destination::Own(settings) => settings.source(SOURCE).skip_session_start().undiscoverable().build()?,
    };
    let mut experiment = Experiment {
        tracer,
        run_id: String::new(),
        name: String::new(),
        dataset_id: dataset.id.clone(),
        task,
        function_name,
        evaluators,
        stalled: AtomicBool::new(false),
    };
    experiment.create_run(name, &dataset, max_workers).await?;

    let lost_before = experiment.tracer.stats().lost();
    let rows = experiment.run_all(dataset.datapoints, max_workers).await;
    let mut warnings = Vec::new();
    // Whether a loss was reported by this flush or by another does not matter: what counts is what was lost since the
    // start.
    let _ = experiment.tracer.flush(DELIVERY).await;
    let stats = experiment.tracer.stats();
    let (lost, pending) = (stats.lost() - lost_before, stats.pending());
    if lost > 0 || pending > 0 {
        let why = stats.last_error.map(|error| format!(": {error}")).unwrap_or_default();
        warnings.push(format!(
            "{lost} spans or session records were lost and {pending} have not reached the server{why}"
        ));
    }
    let failed = rows.iter().all(|row| row.output.is_err());
    let status = if failed {
        RunStatus::Failed
    } else {
        RunStatus::Completed
    };
    let completed = experiment.complete_run(status, &rows).await;
    warnings.extend(
        completed
            .err()
            .map(|error| format!("the run could not be completed: {error}")),
    );
    // Closing a pipeline of its own may wait for the backend, which must not stop other tasks.
    let tracer = experiment.tracer;
    let _ = tokio::task::spawn_blocking(move || drop(tracer)).await;
    Ok(ExperimentResult {
        run_id: experiment.run_id,
        name: experiment.name,
        status,
        dataset_id: experiment.dataset_id,
        rows,
        evaluators: experiment.evaluators.into_iter().map(|(name, _)| name).collect(),
        run_scores: Vec::new(),
        duration: started.elapsed(),
        warnings,
    })
}

/// Everything that can be wrong before anything is sent.
fn check(evaluation: &Evaluation) -> Result<(), EvalError> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(EvalError::NoRuntime);
    }
    if evaluation.max_workers == 0 {
        return Err(EvalError::NoWorkers);
    }
    let mut names = HashSet::new();
    for (name, _) in &evaluation.evaluators {
        if name.trim().is_empty() || name.trim() != name || name.contains('.') {
            return Err(EvalError::EvaluatorName { name: name.clone() });
        }
        if !names.insert(name) {
            return Err(EvalError::DuplicateEvaluator { name: name.clone() });
        }
    }
    Ok(())
}

impl Experiment {
    async fn create_run(&mut self, name: Option<String>, dataset: &Dataset, workers: usize) -> Result<(), EvalError> {
        let proposed = uuid::Uuid::new_v4().to_string();
        let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        self.name = name.unwrap_or_else(|| format!("experiment-{}", &proposed[..8]));
        let evaluators: Vec<&str> = self.evaluators.iter().map(|(name, _)| name.as_str()).collect();
        let configuration = object(json!({
            "function": self.function_name,
            "evaluators": evaluators,
            "max_workers": workers,
            "aggregate_function": "average",
        }));
        let create = CreateRun {
            run_id: proposed,
            name: self.name.clone(),
            metadata: self.metadata(),
            configuration,
            datapoint_ids: dataset
                .datapoints
                .iter()
                .map(|datapoint| datapoint.id.clone())
                .collect(),
            ..CreateRun::default()
        };
        self.run_id = self
            .tracer
            .api()
            .runs()
            .create(&create)
            .await
            .map_err(EvalError::CreateRun)?;
        Ok(())
    }

    async fn complete_run(&self, status: RunStatus, rows: &[Row]) -> Result<(), honeyhive_core::api::ApiError> {
        let update = UpdateRun {
            name: Some(self.name.clone()),
            status: Some(status),
            metadata: self.metadata(),
            event_ids: rows.iter().map(|row| row.session_id.to_string()).collect(),
            ..UpdateRun::default()
        };
        self.tracer.api().runs().update(&self.run_id, &update).await
    }

    /// The server does not hold the dataset, so the run names it in its metadata.
    fn metadata(&self) -> Map<String, Value> {
        object(json!({ "offline_dataset_id": self.dataset_id }))
    }

    /// Runs every datapoint, `workers` at a time; rows come back in dataset order.
    async fn run_all(&self, datapoints: Vec<Datapoint>, workers: usize) -> Vec<Row> {
        let mut rows: Vec<(usize, Row)> = stream::iter(datapoints.into_iter().enumerate())
            .map(|(index, datapoint)| async move { (index, self.run_one(datapoint).await) })
            .buffer_unordered(workers)
            .collect()
            .await;
        rows.sort_unstable_by_key(|(index, _)| *index);
        rows.into_iter().map(|(_, row)| row).collect()
    }

    async fn run_one(&self, datapoint: Datapoint) -> Row {
        self.wait_for_delivery().await;
        let session = self.open_session(&datapoint);
        let mut span = self.open_span(&session, &datapoint);
        let task = TaskContext {
            datapoint: Arc::new(datapoint),
            tracer: session.clone(),
        };

        let started = Instant::now();
        let output = join(spawn((self.task)(task.clone()), &span)).await;
        let latency = started.elapsed();
        let scores = match &output {
            Ok(output) => {
                let outcome = OutcomeContext {
                    task: task.clone(),
                    output: Arc::new(output.clone()),
                };
                self.score(&outcome, &span).await
            }
            Err(_) => Vec::new(),
        };
        match &output {
            Ok(output) => span.record_output(output),
            Err(error) => span.record_failure(&error.kind, &error.message),
        }
        span.end();

        let TaskContext { datapoint, .. } = task;
        session.enrich_session(summary(&output, datapoint.ground_truth.as_ref()));
        let datapoint = Arc::unwrap_or_clone(datapoint);
        Row {
            datapoint_id: datapoint.id,
            session_id: session.session_id(),
            inputs: datapoint.inputs,
            ground_truth: datapoint.ground_truth,
            metadata: datapoint.metadata,
            output,
            scores,
            latency,
            attempts: 1,
            usage: Usage::default(),
            trials: Vec::new(),
        }
    }

    /// Lets delivery catch up with a fast function, unless the backend has shown that it is away.
    async fn wait_for_delivery(&self) {
        if self.tracer.stats().spans_pending > HIGH_WATER && !self.stalled.load(Ordering::Relaxed) {
            let flushed = self.tracer.flush(DELIVERY).await;
            if matches!(flushed, Err(FlushError::Timeout { .. })) {
                self.stalled.store(true, Ordering::Relaxed);
            }
        }
    }

    fn open_session(&self, datapoint: &Datapoint) -> HoneyHiveTracer {
        let mut session = self.tracer.new_session(self.name.as_str()).source(SOURCE).experiment(
            &self.run_id,
            &self.dataset_id,
            &datapoint.id,
        );
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

    /// Runs all evaluators at once, each on its own, and writes their scores on the span.
    async fn score(&self, outcome: &OutcomeContext, span: &Span) -> Vec<(String, Outcome)> {
        let running: Vec<_> = self
            .evaluators
            .iter()
            .map(|(name, evaluator)| (name, spawn(evaluator(outcome.clone()), span)))
            .collect();
        let mut scores = Vec::with_capacity(running.len());
        let mut metrics = Enrichment::new();
        for (name, evaluator) in running {
            let score = join(evaluator).await.and_then(finite);
            metrics = match &score {
                Ok(Some(score)) => with_metric(metrics, name, score),
                Ok(None) => metrics,
                Err(error) => metrics.metadata(format!("evaluator_errors.{name}"), error.to_string()),
            };
            scores.push((name.clone(), score));
        }
        span.enrich(metrics);
        scores
    }
}

/// A score that is no number cannot be stored or compared.
fn finite(score: Option<Score>) -> Result<Option<Score>, TaskError> {
    match score.as_ref().and_then(|score| score.value().as_number()) {
        Some(number) if !number.is_finite() => Err(TaskError::new(
            "Score",
            format!("the score is {number}, not a finite number"),
        )),
        _ => Ok(score),
    }
}

fn with_metric(metrics: Enrichment, name: &str, score: &Score) -> Enrichment {
    let metrics = score
        .extras()
        .iter()
        .fold(metrics.metric(name, score.value()), |metrics, (key, extra)| {
            metrics.metric(format!("{name}_{key}"), extra)
        });
    match score.explanation() {
        Some(explanation) => metrics.metric(format!("{name}_explanation"), explanation),
        None => metrics,
    }
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

/// Starts a call inside a span: an async one as a task, a sync one on a thread that may block. Dropping the set stops
/// a task that is still running.
fn spawn<T: Send + 'static>(call: Call<T>, span: &Span) -> JoinSet<Result<T, TaskError>> {
    let cx = span.context();
    let mut set = JoinSet::new();
    match call {
        Call::Async(future) => {
            set.spawn(future.with_context(cx));
        }
        Call::Sync(function) => {
            set.spawn_blocking(move || {
                let _active = cx.attach();
                function()
            });
        }
    }
    set
}

/// Waits for the call; a panic is an error like any other.
async fn join<T: 'static>(mut set: JoinSet<Result<T, TaskError>>) -> Result<T, TaskError> {
    match set.join_next().await {
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) => Err(match error.try_into_panic() {
            Ok(payload) => TaskError::new("Panic", panic_message(payload.as_ref())),
            Err(_) => TaskError::new("Cancelled", "the runtime was shut down"),
        }),
        None => Err(TaskError::new("Cancelled", "the call was never started")),
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.map(str::to_owned)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
