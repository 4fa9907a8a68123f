//! Running an experiment: the run's record, a session per datapoint, the function and its evaluators inside it.

mod call;
mod cancel;
mod collect;
mod execution;
mod isolation;
mod limits;
mod prepare;
mod record;
mod retry;
mod schedule;
mod scoring;
mod trials;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use honeyhive_core::__private::NoGuess;
use honeyhive_core::api::RunStatus;
use honeyhive_core::{FlushError, HoneyHiveTracer};

pub use cancel::CancelHandle;
pub use isolation::Isolation;
pub use limits::RateLimit;
pub(crate) use limits::{IsThrottled, is_throttled};
pub(crate) use prepare::JournalMode;
pub use retry::Retry;
pub use trials::Reducer;
pub(crate) use trials::row;

use self::collect::Collected;
use self::limits::Limits;
use self::prepare::{Earlier, check, open_journal};
use self::record::{Described, Record, Sessions, Unfinished};
use self::schedule::Ended;
use crate::error::EvalError;
use crate::evaluate::{Destination, Evaluation, Settings};
use crate::evaluator::score_names;
use crate::function::{AnyEvaluator, AnyTask};
use crate::journal::{Header, Journal};
use crate::result::ExperimentResult;
use crate::run_evaluator::{AnyRunEvaluator, score_run};

/// How long the results may take to reach the server once everything has run.
const DELIVERY: Duration = Duration::from_secs(30);
/// Spans waiting to be sent at which no further datapoint starts: a fast function must not outrun delivery.
const HIGH_WATER: u64 = 8_192;

/// What all datapoints of an experiment share.
struct Experiment {
    tracer: HoneyHiveTracer,
    record: Record,
    task: AnyTask,
    function_name: String,
    evaluators: Vec<(String, AnyEvaluator)>,
    run_evaluators: Vec<(String, AnyRunEvaluator)>,
    /// Weights of the evaluators, those that are not 1.
    weights: BTreeMap<String, f64>,
    settings: Settings,
    limits: Arc<Limits>,
    journal: Option<Journal>,
    /// Whether the number of datapoints was unknown at the beginning.
    is_stream: bool,
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
    // What a datapoint spawns without its context must not take the only session of the program for its own.
    let _no_guess = NoGuess::begin();
    let Evaluation {
        task,
        function_name,
        name,
        dataset,
        evaluators,
        run_evaluators,
        destination,
        mut settings,
    } = evaluation;
    let weights: BTreeMap<String, f64> = evaluators
        .iter()
        .filter_map(|(name, evaluator)| Some((name.clone(), evaluator.weight_set()?)))
        .collect();
    let evaluators: Vec<(String, AnyEvaluator)> = evaluators
        .into_iter()
        .map(|(name, evaluator)| {
            let call = evaluator.into_any(&name);
            (name, call)
        })
        .collect();
    let tracer = match destination {
        Destination::Shared(tracer) => tracer,
        Destination::Own(settings) => settings
            .source("evaluation")
            .skip_session_start()
            .undiscoverable()
            .build()?,
    };
    let wants_git = settings.git && !crate::git::is_unwanted();
    let git = async { if wants_git { crate::git::describe().await } else { None } };
    let (dataset, git) = tokio::join!(dataset.resolve(&tracer), git);
    let dataset = dataset?;

    let mut record = Record::new(name.as_deref(), dataset.id(), dataset.is_managed(), &settings, git);
    let mut header = Header::new(&record.run_id, &record.name);
    dataset.id().clone_into(&mut header.dataset_id);
    header.datapoints = dataset.len();
    header.function.clone_from(&function_name);
    header.evaluators = evaluators.iter().map(|(name, _)| name.clone()).collect();
    header.weights.clone_from(&weights);
    header.trials = settings.trials;
    header.reducer = settings.reducer;
    let (journal, mut earlier) = open_journal(&settings, &header)?;
    if let Some(earlier) = &earlier {
        earlier.check(&dataset.ids())?;
    }
    if let Some(Earlier { header, unscored, .. }) = &mut earlier {
        if !unscored.is_empty() {
            settings.replay = Arc::new(std::mem::take(unscored));
        }
        record.run_id.clone_from(&header.run_id);
        record.name = header.name.as_str().into();
    } else {
        let described = Described {
            function: &function_name,
            evaluators: &header.evaluators,
            weights: &weights,
            datapoint_ids: dataset.ids(),
        };
        record.create(&tracer, &settings, described).await?;
    }
    let unfinished = Unfinished::new(&tracer, &record);
    if let (Some(journal), None) = (&journal, &earlier) {
        header.run_id.clone_from(&record.run_id);
        journal.begin(&header)?;
    }

    let lost_before = tracer.stats().lost();
    let experiment = Arc::new(Experiment {
        limits: Arc::new(Limits::new(
            settings.rate_limit,
            settings.throttled.clone(),
            settings.max_workers,
        )),
        tracer,
        record,
        task,
        function_name,
        evaluators,
        run_evaluators,
        weights,
        settings,
        journal,
        is_stream: header.datapoints.is_none(),
        stalled: AtomicBool::new(false),
    });
    let mut collected = Collected::new(experiment.settings.trials, experiment.settings.reducer);
    let entries = earlier.map(|earlier| earlier.entries).unwrap_or_default();
    let known = entries.iter().map(|(at, entry)| (*at, entry.datapoint.id.clone()));
    let known: schedule::Earlier = known.collect();
    collected.resume(entries.into_values());
    let ended = schedule::run_all(&experiment, dataset, known, &mut collected).await;
    let result = experiment.conclude(collected, ended, lost_before, started).await;
    unfinished.settle();
    // Closing a pipeline of its own may wait for the backend, which must not stop other tasks.
    let _ = tokio::task::spawn_blocking(move || drop(experiment)).await;
    result
}

impl Experiment {
    /// Delivers what is left, completes the run and makes the result.
    async fn conclude(
        &self,
        collected: Collected,
        ended: Ended,
        lost_before: u64,
        started: Instant,
    ) -> Result<ExperimentResult, EvalError> {
        let mut warnings = Vec::new();
        // How long a stream is, only its end tells.
        let end = (self.is_stream && ended.is_whole()).then_some(ended.datapoint_ids.len());
        warnings.extend(self.journal.as_ref().and_then(|journal| journal.end(end)));
        // Whether a loss was reported by this flush or by another does not matter: what counts is what was lost since
        // the start.
        let _ = self.tracer.flush(DELIVERY).await;
        let stats = self.tracer.stats();
        let (lost, pending) = (stats.lost().saturating_sub(lost_before), stats.pending());
        if lost > 0 || pending > 0 {
            let why = stats.last_error.map(|error| format!(": {error}")).unwrap_or_default();
            warnings.push(format!(
                "{lost} spans or session records were lost and {pending} have not reached the server{why}"
            ));
        }
        let (rows, sessions) = collected.into_rows();
        let status = ended.status(&rows);
        let names: Vec<String> = self.evaluators.iter().map(|(name, _)| name.clone()).collect();
        let result = ExperimentResult {
            run_id: self.record.run_id.clone(),
            name: self.record.name.to_string(),
            status,
            dataset_id: self.record.dataset_id.clone(),
            not_run: ended.not_run + self.settings.unscorable,
            function: self.function_name.clone(),
            reducer: self.settings.reducer,
            evaluators: score_names(&names, rows.iter().map(|row| row.scores.as_slice())),
            weights: self.weights.clone(),
            rows,
            run_scores: Vec::new(),
            duration: Duration::ZERO,
            warnings,
        };
        let mut result = score_run(&self.run_evaluators, result, self.settings.evaluator_timeout).await;
        let sessions = Sessions {
            event_ids: sessions,
            datapoint_ids: ended.datapoint_ids,
        };
        let completed = self.record.complete(&self.tracer, status, sessions, &result.run_scores);
        if let Err(error) = completed.await {
            result.warnings.push(format!("the run could not be completed: {error}"));
        }
        result.duration = self
            .journal
            .as_ref()
            .map_or_else(|| started.elapsed(), Journal::elapsed);
        match ended.error {
            Some(source) => Err(EvalError::CutShort {
                source: Box::new(source),
                result: Box::new(result),
            }),
            None => Ok(result),
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
}

impl Ended {
    /// Whether every datapoint was run, also in earlier parts of the run.
    fn is_whole(&self) -> bool {
        self.error.is_none() && !self.cancelled && !self.failed_fast && self.not_run == 0
    }

    fn status(&self, rows: &[crate::Row]) -> RunStatus {
        let failed = rows.iter().all(|row| row.output.is_err());
        if self.cancelled {
            RunStatus::Cancelled
        } else if failed || self.failed_fast || self.error.is_some() {
            RunStatus::Failed
        } else {
            RunStatus::Completed
        }
    }
}
