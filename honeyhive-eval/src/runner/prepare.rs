//! What is settled before a run begins: that it can run at all, and what its journal holds of an earlier part of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use crate::dataset::Source;
use crate::error::EvalError;
use crate::evaluate::{Evaluation, Settings};
use crate::journal::{Entry, Header, Journal, JournalError};
use crate::result::Trial;

/// Everything that can be wrong before anything is sent.
pub(super) fn check(evaluation: &Evaluation) -> Result<(), EvalError> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(EvalError::NoRuntime);
    }
    if evaluation.settings.max_workers == 0 {
        return Err(EvalError::NoWorkers);
    }
    match &evaluation.dataset {
        Source::None => return Err(EvalError::NoDataset),
        Source::Several => return Err(EvalError::SeveralDatasets),
        Source::Items(dataset) if dataset.is_empty() => return Err(EvalError::EmptyDataset),
        Source::Items(_) | Source::Stream(_) | Source::Managed(_) => {}
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

/// How an experiment uses its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JournalMode {
    /// For a run of its own.
    New,
    /// Going on with the run it holds.
    Resume,
    /// The same, and what failed runs again.
    RetryFailed,
}

/// An earlier part of the run.
pub(super) struct Earlier {
    pub(super) header: Header,
    pub(super) entries: BTreeMap<(usize, u32), Entry>,
    /// What was executed and is to be scored anew, by datapoint and trial.
    pub(super) unscored: HashMap<(String, u32), Trial>,
}

impl Earlier {
    /// Refuses a dataset that has other datapoints than when the run began, which one on the server may have.
    pub(super) fn check(&self, ids: &[String]) -> Result<(), JournalError> {
        for ((index, _), entry) in &self.entries {
            let (found, wanted) = (&entry.datapoint.id, ids.get(*index));
            if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
                return Err(JournalError::another_datapoint(*index, found, wanted));
            }
        }
        Ok(())
    }
}

/// Opens the journal there is to be, and with it what an earlier part of the run has left.
pub(super) fn open_journal(
    settings: &Settings,
    header: &Header,
) -> Result<(Option<Journal>, Option<Earlier>), EvalError> {
    let Some((path, mode)) = &settings.journal else {
        return Ok((None, None));
    };
    let path: &Path = path;
    if *mode == JournalMode::New {
        return Ok((Some(Journal::create(path)?), None));
    }
    let (journal, mut contents) = Journal::open(path)?;
    let Some(found) = contents.header.take() else {
        return Ok((Some(journal), None));
    };
    if let Some(difference) = found.difference(header) {
        return Err(difference.into());
    }
    let mut earlier = Earlier {
        header: found,
        entries: contents.entries,
        unscored: HashMap::new(),
    };
    if *mode == JournalMode::RetryFailed {
        earlier.entries.retain(|_, entry| entry.outcome.output.is_ok());
        let broken = |entry: &mut Entry| entry.outcome.scores.iter().any(|(_, outcome)| outcome.is_err());
        let broken = earlier.entries.extract_if(.., |_, entry| broken(entry));
        let unscored = broken.map(|((_, trial), entry)| ((entry.datapoint.id, trial), entry.outcome));
        earlier.unscored = unscored.collect();
    }
    Ok((Some(journal), Some(earlier)))
}
