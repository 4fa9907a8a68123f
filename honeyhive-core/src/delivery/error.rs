//! What a flush can report.

use std::fmt;

/// Not everything was delivered.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// The time is over and something still waits; it stays queued.
    #[error("{pending} spans, session starts or updates are still undelivered{}", last(.last_error.as_deref()))]
    Timeout {
        /// Spans, session starts and updates not delivered yet.
        pending: u64,
        /// The last thing that went wrong, if anything did.
        last_error: Option<String>,
    },
    /// Everything is settled, but something was lost since the last flush.
    #[error("{lost} spans, session starts or updates were lost{}", last(.last_error.as_deref()))]
    Lost {
        /// Spans, session starts and updates lost since the last flush.
        lost: u64,
        /// The last thing that went wrong, if anything did.
        last_error: Option<String>,
    },
}

/// As the error displays: a `main` that returns it prints this.
impl fmt::Debug for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn last(error: Option<&str>) -> String {
    error.map(|error| format!("; last error: {error}")).unwrap_or_default()
}
