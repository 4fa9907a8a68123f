//! What can be wrong with a journal.

use std::fmt;
use std::path::PathBuf;

/// A journal cannot be used. Nothing has run.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("journal {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The file is there already.
    #[error(
        "journal {} is there already: go on with .resume(…), or name another file; nothing is overwritten",
        path.display()
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Another experiment is writing to the file.
    #[error("journal {} is in use by another experiment", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file begins with no run.
    #[error("journal {} holds no run: the experiment was stopped before its run was created", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A line other than a torn last one is not what this version writes.
    #[error("journal {} line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The journal is of another experiment.
    #[error("the journal is of another experiment: its {what} is {found:?}, this one's is {wanted:?}{}", hint(.what))]
    Other {
        /// What differs.
        what: &'static str,
        /// In the journal.
        found: String,
        /// In this experiment.
        wanted: String,
    },
}

impl JournalError {
    /// At this position the journal has one datapoint and the dataset another.
    pub(crate) fn another_datapoint(index: usize, found: &str, wanted: &str) -> Self {
        Self::Other {
            what: "datapoint",
            found: format!("{found} at position {index}"),
            wanted: wanted.to_owned(),
        }
    }
}

fn hint(what: &str) -> &'static str {
    match what {
        "evaluators" => "; score finished rows anew with rescore(…)",
        "function" => "; name it with .function_name(…) if it is the same",
        _ => "",
    }
}

/// As the error displays: a `main` that returns it prints this.
impl fmt::Debug for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
