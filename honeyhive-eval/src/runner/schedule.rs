//! Which datapoint runs when: so many at once, until all are done, one fails or somebody stops it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Experiment;
use super::cancel::Stop;
use super::collect::Collected;
use super::execution::{Done, Unit};
use crate::dataset::Resolved;
use crate::error::EvalError;
use crate::journal::JournalError;
use crate::progress::Reporter;

/// How the scheduling came to its end.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) cancelled: bool,
    pub(super) failed_fast: bool,
    /// Datapoints that have no row.
    pub(super) not_run: usize,
    /// Datapoints that were not known beforehand, in order.
    pub(super) datapoint_ids: Vec<String>,
    /// The dataset could not be read to its end, or is not the journal's.
    pub(super) error: Option<EvalError>,
}

/// Executions that need not be done again, by position and trial, with the id of their datapoint.
pub(super) type Earlier = HashMap<(usize, u32), String>;

/// Runs every datapoint but for what was done before, `max_workers` at a time.
pub(super) async fn run_all(
    experiment: &Arc<Experiment>,
    dataset: Resolved,
    earlier: Earlier,
    collected: &mut Collected,
) -> Ended {
    let settings = &experiment.settings;
    let total = dataset.len();
    let progress = Reporter::new(settings.progress, &experiment.record.name, total, collected.len());
    let cancel = settings.cancel.clone().unwrap_or_default();
    let _listener = settings.on_ctrl_c.then(|| cancel.on_ctrl_c());
    let mut stop = cancel.watch();

    let mut ended = Ended::default();
    let mut datapoints = dataset.into_datapoints();
    let mut seen = 0;
    let mut waiting: VecDeque<Unit> = VecDeque::new();
    let mut running: JoinSet<Done> = JoinSet::new();
    let mut more = true;
    let mut level = Stop::No;
    loop {
        while running.len() < settings.max_workers
            && let Some(unit) = waiting.pop_front()
        {
            running.spawn(experiment.clone().execute(unit));
        }
        if !more && waiting.is_empty() && running.is_empty() {
            break;
        }
        tokio::select! {
            biased;
            raised = raised(&mut stop, level), if level < Stop::Abort => {
                level = raised;
                ended.cancelled |= more || !waiting.is_empty();
                more = false;
                waiting.clear();
                if level == Stop::Abort {
                    ended.cancelled |= !running.is_empty();
                    running.abort_all();
                }
            }
            Some(joined) = running.join_next(), if !running.is_empty() => {
                let Some(done) = joined_or_panic(joined) else { continue };
                let failed = done.trial.output.is_err();
                if let Some(row) = collected.add(done) {
                    progress.row(row.output.is_err());
                }
                if failed && settings.fail_fast && (more || !waiting.is_empty()) {
                    ended.failed_fast = true;
                    more = false;
                    waiting.clear();
                }
            }
            next = datapoints.next(), if more && waiting.is_empty() && running.len() < settings.max_workers => match next {
                Some(Ok(datapoint)) => {
                    if total.is_none() {
                        ended.datapoint_ids.push(datapoint.id.clone());
                    }
                    let datapoint = Arc::new(datapoint);
                    for number in 0..settings.trials {
                        match earlier.get(&(seen, number)) {
                            None => waiting.push_back(Unit { index: seen, number, datapoint: datapoint.clone() }),
                            Some(id) if *id == datapoint.id => {}
                            Some(id) => {
                                ended.error = Some(JournalError::another_datapoint(seen, id, &datapoint.id).into());
                                more = false;
                            }
                        }
                    }
                    seen += 1;
                }
                Some(Err(error)) => {
                    // A datapoint there is, although nobody can read it.
                    seen += 1;
                    ended.error = Some(error.into());
                    more = false;
                }
                None => more = false,
            },
        }
    }
    progress.end();
    ended.not_run = total.unwrap_or(seen).saturating_sub(collected.len());
    ended
}

/// Waits until somebody asks for more than `level`.
async fn raised(stop: &mut watch::Receiver<Stop>, level: Stop) -> Stop {
    // The sender lives as long as the run.
    stop.wait_for(|stop| *stop > level)
        .await
        .map_or(Stop::Abort, |stop| *stop)
}

/// What a user's code does is caught where it is called; a panic here is ours.
fn joined_or_panic(joined: Result<Done, tokio::task::JoinError>) -> Option<Done> {
    match joined {
        Ok(done) => Some(done),
        Err(error) => match error.try_into_panic() {
            Ok(payload) => std::panic::resume_unwind(payload),
            Err(_) => None,
        },
    }
}
