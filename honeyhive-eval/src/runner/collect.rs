//! What is done so far: executions come in any order, rows go out in dataset order.

use std::collections::BTreeMap;
use std::sync::Arc;

use honeyhive_core::SessionId;

use super::execution::Done;
use super::trials::{Reducer, row};
use crate::dataset::Datapoint;
use crate::journal::Entry;
use crate::result::{Row, Trial};

/// Gathers the executions of an experiment.
#[derive(Debug)]
pub(super) struct Collected {
    trials: u32,
    reducer: Reducer,
    /// Datapoints of which some trials are done, by position.
    open: BTreeMap<usize, (Datapoint, BTreeMap<u32, Trial>)>,
    rows: BTreeMap<usize, Row>,
}

impl Collected {
    pub(super) fn new(trials: u32, reducer: Reducer) -> Self {
        Self {
            trials,
            reducer,
            open: BTreeMap::new(),
            rows: BTreeMap::new(),
        }
    }

    /// Takes what a journal holds.
    pub(super) fn resume(&mut self, entries: impl Iterator<Item = Entry>) {
        for entry in entries {
            self.insert(entry.index, entry.trial, entry.datapoint, entry.outcome);
        }
    }

    /// Takes an execution; the row, when it was the last of its datapoint.
    pub(super) fn add(&mut self, done: Done) -> Option<&Row> {
        let unit = done.unit;
        let datapoint = Arc::unwrap_or_clone(unit.datapoint);
        self.insert(unit.index, unit.number, datapoint, done.trial)
    }

    fn insert(&mut self, index: usize, number: u32, datapoint: Datapoint, trial: Trial) -> Option<&Row> {
        let (_, trials) = self.open.entry(index).or_insert((datapoint, BTreeMap::new()));
        trials.insert(number, trial);
        if u32::try_from(trials.len()).is_ok_and(|count| count < self.trials) {
            return None;
        }
        let (datapoint, trials) = self.open.remove(&index)?;
        let row = row(datapoint, trials.into_values().collect(), self.reducer)?;
        self.rows.insert(index, row);
        self.rows.get(&index)
    }

    /// Rows that are complete.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows in dataset order, and the sessions in that order: of each trial one, also of datapoints whose last trial
    /// never ran.
    pub(super) fn into_rows(self) -> (Vec<Row>, Vec<String>) {
        let mut sessions: BTreeMap<usize, Vec<SessionId>> = BTreeMap::new();
        for (index, row) in &self.rows {
            let of_trials = row.trials.iter().map(|trial| trial.session_id);
            let of_row = row.trials.is_empty().then_some(row.session_id);
            sessions.insert(*index, of_row.into_iter().chain(of_trials).collect());
        }
        for (index, (_, trials)) in &self.open {
            sessions.insert(*index, trials.values().map(|trial| trial.session_id).collect());
        }
        let sessions = sessions.into_values().flatten().map(|session| session.to_string());
        (self.rows.into_values().collect(), sessions.collect())
    }
}
