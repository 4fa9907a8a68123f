//! The journal of an experiment: a file that holds every finished datapoint, so that a killed run can go on.
//!
//! JSON Lines, only ever appended to. The first line says which run it is and of what; each further line is one finished
//! execution of the function with its scores. A line is handed to the operating system before the execution is reported
//! anywhere, so what was reported is in the file even when the process is killed; it is forced to the disk when the file
//! is begun and when the run ends, so a power failure can cost the lines of the last seconds. The last line may be torn:
//! it does not count.

mod error;
mod reader;
mod writer;

pub use error::JournalError;
pub(crate) use reader::Contents;
pub(crate) use writer::Journal;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dataset::Datapoint;
use crate::result::Trial;
use crate::runner::Reducer;

/// The version of the format; a file of another one is refused.
const VERSION: u32 = 1;

/// What a journal is of. A run goes on only if all of it is still so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Version of the format.
    pub(crate) journal: u32,
    pub(crate) run_id: String,
    pub(crate) name: String,
    /// Fingerprint of the dataset.
    pub(crate) dataset_id: String,
    /// Number of datapoints; unknown for a stream.
    pub(crate) datapoints: Option<usize>,
    pub(crate) function: String,
    pub(crate) evaluators: Vec<String>,
    /// Those that are not 1.
    #[serde(default)]
    pub(crate) weights: BTreeMap<String, f64>,
    pub(crate) trials: u32,
    pub(crate) reducer: Reducer,
    /// Milliseconds since 1970.
    pub(crate) started_at: u64,
}

impl Header {
    pub(crate) fn new(run_id: &str, name: &str) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.unwrap_or_default().as_millis();
        Self {
            journal: VERSION,
            run_id: run_id.to_owned(),
            name: name.to_owned(),
            dataset_id: String::new(),
            datapoints: None,
            function: String::new(),
            evaluators: Vec::new(),
            weights: BTreeMap::new(),
            trials: 1,
            reducer: Reducer::default(),
            started_at: u64::try_from(now).unwrap_or(u64::MAX),
        }
    }

    /// What `wanted` has that this journal has not; `None` when the run can go on.
    pub(crate) fn difference(&self, wanted: &Self) -> Option<JournalError> {
        let differs = |what, found: String, wanted: String| JournalError::Other { what, found, wanted };
        if self.dataset_id != wanted.dataset_id {
            return Some(differs("dataset", self.dataset_id.clone(), wanted.dataset_id.clone()));
        }
        if self.function != wanted.function {
            return Some(differs("function", self.function.clone(), wanted.function.clone()));
        }
        if self.evaluators != wanted.evaluators {
            let list = |header: &Self| header.evaluators.join(", ");
            return Some(differs("evaluators", list(self), list(wanted)));
        }
        if self.trials != wanted.trials {
            return Some(differs("trials", self.trials.to_string(), wanted.trials.to_string()));
        }
        None
    }
}

/// The last line of a run over a stream: how many datapoints it had, which the first line could not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    pub(crate) datapoints: usize,
}

/// One finished execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Position of the datapoint in the dataset, from 0.
    pub(crate) index: usize,
    /// Which trial of it, from 0.
    pub(crate) trial: u32,
    /// How long the run had been under way, in all its parts.
    pub(crate) elapsed_ms: u64,
    pub(crate) datapoint: Datapoint,
    pub(crate) outcome: Trial,
}
