//! Writing a journal: one line at a time, whole, by one experiment.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Contents, End, Entry, Header, JournalError};

/// An open journal. No other experiment can write to the file while this is.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    began: Instant,
    /// How long the run had been under way before.
    before: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// Why a line could not be written; then none is any more, for it could follow half a line.
    problem: Option<String>,
}

impl Journal {
    /// Opens a file for a new run. One that holds a run is refused; an empty one, or one whose first line was never
    /// finished, is not.
    pub(crate) fn create(path: &Path) -> Result<Self, JournalError> {
        let (journal, contents) = Self::open(path)?;
        match contents.header {
            Some(_) => Err(JournalError::Exists { path: path.to_owned() }),
            None => Ok(journal),
        }
    }

    /// Opens a file to go on with what it holds, which may be nothing.
    pub(crate) fn open(path: &Path) -> Result<(Self, Contents), JournalError> {
        let failed = |source| JournalError::File {
            path: path.to_owned(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let contents = Contents::read(path)?;
        file.set_len(contents.whole).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let journal = Self {
            path: path.to_owned(),
            began: Instant::now(),
            before: contents.elapsed(),
            state: Mutex::new(State { file, problem: None }),
        };
        Ok((journal, contents))
    }

    /// Writes the first line and forces it to the disk.
    pub(crate) fn begin(&self, header: &Header) -> Result<(), JournalError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let written = write_line(&mut state.file, header).and_then(|()| state.file.sync_all());
        written.map_err(|source| JournalError::File {
            path: self.path.clone(),
            source,
        })
    }

    /// Writes a finished execution. What cannot be written is said by [`end`](Self::end): the experiment goes on, for its
    /// results are in memory.
    pub(crate) fn append(&self, entry: &Entry) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.problem.is_some() {
            return;
        }
        if let Err(error) = write_line(&mut state.file, entry) {
            let path = self.path.display();
            tracing::warn!(%error, %path, "the journal cannot be written: what runs from now on cannot be resumed");
            state.problem = Some(format!(
                "journal {path}: {error}; it lacks datapoint {} and what came after",
                entry.index
            ));
        }
    }

    /// Writes the number of datapoints if only now it is known, forces all lines to the disk, and says why some are
    /// missing.
    pub(crate) fn end(&self, datapoints: Option<usize>) -> Option<String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match datapoints {
            Some(datapoints) if state.problem.is_none() => write_line(&mut state.file, &End { datapoints }),
            _ => Ok(()),
        };
        let synced = written.and_then(|()| state.file.sync_all());
        state
            .problem
            .take()
            .or_else(|| Some(format!("journal {}: {}", self.path.display(), synced.err()?)))
    }

    /// How long the run has been under way, in all its parts.
    pub(crate) fn elapsed(&self) -> Duration {
        self.before + self.began.elapsed()
    }
}

/// In one call, so that a process that is killed leaves at most one torn line.
fn write_line(file: &mut File, line: &impl Serialize) -> std::io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    file.write_all(&bytes)
}
