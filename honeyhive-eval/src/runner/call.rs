//! A call inside a span that may be given up when its time is over.

use std::time::Duration;

use honeyhive_core::Span;
use tokio::task::JoinSet;

use crate::call::{Call, outcome, spawn};
use crate::output::TaskError;

/// What a cancelled async function gets to end its spans before those around it end.
const GRACE: Duration = Duration::from_millis(50);

/// A call that runs. Dropping it stops an async function where it waits and leaves a blocking one behind.
pub(super) struct Running<T> {
    set: JoinSet<Result<T, TaskError>>,
    blocks: bool,
}

/// Starts a call inside a span: an async one as a task, a sync one on a thread that may block.
pub(super) fn start<T: Send + 'static>(call: Call<T>, span: &Span) -> Running<T> {
    let blocks = matches!(call, Call::Sync(_));
    let set = spawn(call, span.context());
    Running { set, blocks }
}

impl<T: 'static> Running<T> {
    /// Waits for the call, for at most `limit`.
    pub(super) async fn outcome(mut self, limit: Option<Duration>) -> Result<T, TaskError> {
        let Some(limit) = limit else {
            return outcome(&mut self.set).await;
        };
        match tokio::time::timeout(limit, outcome(&mut self.set)).await {
            Ok(done) => done,
            Err(_) => {
                self.give_up().await;
                let what_now = if self.blocks {
                    "; it blocks, so it could not be stopped and was left behind"
                } else {
                    ""
                };
                Err(TaskError::new(
                    "Timeout",
                    format!("it took longer than {limit:?}{what_now}"),
                ))
            }
        }
    }

    async fn give_up(&mut self) {
        self.set.abort_all();
        if !self.blocks {
            let _ = tokio::time::timeout(GRACE, self.set.join_next()).await;
        }
    }
}
