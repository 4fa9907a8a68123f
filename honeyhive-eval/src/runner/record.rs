//! The run as the server keeps it: created before anything runs, completed when all has run.

use std::collections::BTreeMap;
use std::sync::Arc;

use honeyhive_core::HoneyHiveTracer;
use honeyhive_core::api::{ApiError, CreateRun, RunStatus, UpdateRun};
use serde_json::{Map, Value, json};

use crate::error::EvalError;
use crate::evaluate::Settings;
use crate::result::Outcome;
use crate::run_evaluator::recorded;
use crate::stats::aggregate_name;

/// What names the run and what it says of itself.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) run_id: String,
    pub(super) name: Arc<str>,
    pub(super) dataset_id: String,
    /// The same at the beginning and at the end, whether the server merges it or replaces it.
    metadata: Map<String, Value>,
    /// Whether the server holds the dataset.
    managed: bool,
}

/// What is run, as the run's configuration names it.
pub(super) struct Described<'a> {
    pub(super) function: &'a str,
    pub(super) evaluators: &'a [String],
    /// Those that are not 1.
    pub(super) weights: &'a BTreeMap<String, f64>,
    pub(super) datapoint_ids: Vec<String>,
}

/// What a run had, in dataset order.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    pub(super) event_ids: Vec<String>,
    /// Only if the run could not be created with them.
    pub(super) datapoint_ids: Vec<String>,
}

impl Record {
    pub(super) fn new(
        name: Option<&str>,
        dataset_id: &str,
        managed: bool,
        settings: &Settings,
        git: Option<Map<String, Value>>,
    ) -> Self {
        let run_id = settings.run_id.unwrap_or_else(uuid::Uuid::new_v4).to_string();
        let name = match name.map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => name.to_owned(),
            None => format!("experiment-{}", &run_id[..8]),
        };
        let mut metadata = settings.metadata.clone();
        metadata.extend(git.map(|git| ("git".to_owned(), git.into())));
        if !managed {
            metadata.insert("offline_dataset_id".into(), dataset_id.into());
        }
        Self {
            run_id,
            name: name.into(),
            dataset_id: dataset_id.to_owned(),
            metadata,
            managed,
        }
    }

    /// Creates the run. Its id is the server's choice.
    pub(super) async fn create(
        &mut self,
        tracer: &HoneyHiveTracer,
        settings: &Settings,
        described: Described<'_>,
    ) -> Result<(), EvalError> {
        let mut configuration = settings.configuration.clone();
        let ours = json!({
            "function": described.function,
            "evaluators": described.evaluators,
            "max_workers": settings.max_workers,
            "aggregate_function": aggregate_name(settings.aggregate),
        });
        configuration.extend(ours.as_object().cloned().unwrap_or_default());
        if !described.weights.is_empty() {
            configuration.insert("evaluator_weights".into(), json!(described.weights));
        }
        if settings.trials > 1 {
            configuration.insert("trials".into(), settings.trials.into());
        }
        let run = CreateRun {
            run_id: self.run_id.clone(),
            name: self.name.to_string(),
            metadata: self.metadata.clone(),
            dataset_id: self.managed.then(|| self.dataset_id.clone()),
            configuration,
            datapoint_ids: described.datapoint_ids,
            ..CreateRun::default()
        };
        self.run_id = tracer.api().runs().create(&run).await.map_err(EvalError::CreateRun)?;
        Ok(())
    }

    /// Says how the run ended, which sessions it has, and how it was scored as a whole.
    pub(super) async fn complete(
        &self,
        tracer: &HoneyHiveTracer,
        status: RunStatus,
        sessions: Sessions,
        run_scores: &[(String, Outcome)],
    ) -> Result<(), ApiError> {
        let mut metadata = self.metadata.clone();
        if !run_scores.is_empty() {
            metadata.insert("run_scores".into(), recorded(run_scores).into());
        }
        let update = UpdateRun {
            name: Some(self.name.to_string()),
            status: Some(status),
            metadata,
            event_ids: sessions.event_ids,
            datapoint_ids: sessions.datapoint_ids,
            ..UpdateRun::default()
        };
        tracer.api().runs().update(&self.run_id, &update).await
    }
}

/// Says on the server that the run was given up, when the future that awaits it is dropped.
pub(super) struct Unfinished {
    run: Option<(HoneyHiveTracer, Record)>,
}

impl Unfinished {
    pub(super) fn new(tracer: &HoneyHiveTracer, record: &Record) -> Self {
        Self {
            run: Some((tracer.clone(), record.clone())),
        }
    }

    /// The run has come to its end.
    pub(super) fn settle(mut self) {
        self.run = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some((tracer, record)) = self.run.take() else {
            return;
        };
        let run_id = &record.run_id;
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            tracing::warn!(%run_id, "evaluate() was dropped before its end: the run stays pending");
            return;
        };
        tracing::warn!(%run_id, "evaluate() was dropped before its end: the run is being marked as cancelled");
        runtime.spawn(async move {
            let told = record
                .complete(&tracer, RunStatus::Cancelled, Sessions::default(), &[])
                .await;
            if let Err(error) = told {
                tracing::warn!(%error, run_id = %record.run_id, "the run stays pending");
            }
            // Closing a pipeline may wait for the backend, which must not stop other tasks.
            let _ = tokio::task::spawn_blocking(move || drop(tracer)).await;
        });
    }
}
