//! Running an experiment: the run's record, a session per datapoint, the function and its evaluators inside it.

use std::collections::{BTreeMap, HashSet};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use honeyhive_core::api::{CreateRun, RunStatus, UpdateRun};
use honeyhive_core::{Enrichment, EventType, FlushError, HoneyHiveTracer, Span};
use serde_json::{Map, Value, json};

use crate::call::{join, spawn};
use crate::dataset::{Datapoint, Dataset};
use crate::error::EvalError;
use crate::evaluate::{Destination, Evaluation};
use crate::evaluator::{metrics, outcomes, score_names};
use crate::extract::{OutcomeContext, TaskContext};
use crate::function::{AnyEvaluator, AnyTask};
use crate::output::TaskError;
use crate::result::{ExperimentResult, Outcome, Row, Usage};
use crate::run_evaluator::{recorded, score_run};

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
    /// Those that are not 1.
    weights: BTreeMap<String, f64>,
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
        run_evaluators,
        max_workers,
        destination,
    } = evaluation;
    let weights = evaluators
        .iter()
        .filter_map(|(name, evaluator)| Some((name.clone(), evaluator.weight_set()?)))
        .collect();
    let evaluators = evaluators
        .into_iter()
        .map(|(name, evaluator)| {
            let call = evaluator.into_any(&name);
            (name, call)
        })
        .collect();
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
        weights,
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
    let names: Vec<String> = experiment.evaluators.iter().map(|(name, _)| name.clone()).collect();
    let result = ExperimentResult {
        run_id: experiment.run_id.clone(),
        name: experiment.name.clone(),
        status,
        dataset_id: experiment.dataset_id.clone(),
        evaluators: score_names(&names, rows.iter().map(|row| row.scores.as_slice())),
        weights: std::mem::take(&mut experiment.weights),
        rows,
        run_scores: Vec::new(),
        duration: started.elapsed(),
        warnings,
    };
    let mut result = score_run(&run_evaluators, result).await;
    let completed = experiment.complete_run(&result).await;
    result.warnings.extend(
        completed
            .err()
            .map(|error| format!("the run could not be completed: {error}")),
    );
    // Closing a pipeline of its own may wait for the backend, which must not stop other tasks.
    let tracer = experiment.tracer;
    let _ = tokio::task::spawn_blocking(move || drop(tracer)).await;
    result.duration = started.elapsed();
    Ok(result)
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
    for (name, evaluator) in &evaluation.evaluators {
        if let Some(problem) = evaluator.problem() {
            return Err(EvalError::Evaluator {
                name: name.clone(),
                problem,
            });
        }
    }
    let of_rows = evaluation.evaluators.iter().map(|(name, _)| name);
    for name in of_rows.chain(evaluation.run_evaluators.iter().map(|(name, _)| name)) {
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
        let mut configuration = object(json!({
            "function": self.function_name,
            "evaluators": evaluators,
            "max_workers": workers,
            "aggregate_function": "average",
        }));
        if !self.weights.is_empty() {
            configuration.insert("evaluator_weights".to_owned(), json!(self.weights));
        }
        let create = CreateRun {
            run_id: proposed,
            name: self.name.clone(),
            status: RunStatus::Pending,
            metadata: self.metadata(),
            dataset_id: None,
            event_ids: Vec::new(),
            configuration,
            datapoint_ids: dataset
                .datapoints
                .iter()
                .map(|datapoint| datapoint.id.clone())
                .collect(),
        };
        self.run_id = self
            .tracer
            .api()
            .create_run(&create)
            .await
            .map_err(EvalError::CreateRun)?;
        Ok(())
    }

    async fn complete_run(&self, result: &ExperimentResult) -> Result<(), honeyhive_core::api::ApiError> {
        let mut metadata = self.metadata();
        if !result.run_scores.is_empty() {
            metadata.insert("run_scores".to_owned(), recorded(&result.run_scores).into());
        }
        let update = UpdateRun {
            name: self.name.clone(),
            status: result.status,
            metadata,
            event_ids: result.rows.iter().map(|row| row.session_id.to_string()).collect(),
        };
        self.tracer.api().update_run(&self.run_id, &update).await
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
            trial: 0,
        };

        let started = Instant::now();
        let output = join(spawn((self.task)(task.clone()), span.context())).await;
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
            .map(|(name, evaluator)| (name, spawn(evaluator(outcome.clone()), span.context())))
            .collect();
        let mut evaluated = Vec::with_capacity(running.len());
        for (name, evaluator) in running {
            evaluated.push((name.clone(), join(evaluator).await));
        }
        let scores = outcomes(evaluated);
        span.enrich(metrics(&scores));
        scores
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

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
