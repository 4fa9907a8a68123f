//! One call of a function or an evaluator: on a task or a thread of its own, inside its span, with panics caught and time
//! measured.

use std::any::Any;
use std::time::Duration;

use honeyhive_core::Span;
use honeyhive_core::opentelemetry::trace::FutureExt as _;
use tokio::task::JoinSet;

use crate::function::Call;
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
    let cx = span.context();
    let mut set = JoinSet::new();
    let blocks = matches!(call, Call::Sync(_));
    match call {
        Call::Async(future) => {
            set.spawn(future.with_context(cx));
        }
        Call::Sync(function) => {
            set.spawn_blocking(move || {
                let _active = cx.attach();
                function()
            });
        }
    }
    Running { set, blocks }
}

impl<T: 'static> Running<T> {
    /// Waits for the call, for at most `limit`.
    pub(super) async fn outcome(mut self, limit: Option<Duration>) -> Result<T, TaskError> {
        let Some(limit) = limit else {
            return self.join().await;
        };
        match tokio::time::timeout(limit, self.join()).await {
            Ok(outcome) => outcome,
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

    /// A panic is an error like any other.
    async fn join(&mut self) -> Result<T, TaskError> {
        match self.set.join_next().await {
            Some(Ok(outcome)) => outcome,
            Some(Err(error)) => Err(match error.try_into_panic() {
                Ok(payload) => TaskError::new("Panic", panic_message(payload.as_ref())),
                Err(_) => TaskError::new("Cancelled", "the runtime was shut down"),
            }),
            None => Err(TaskError::new("Cancelled", "the call was never started")),
        }
    }

    async fn give_up(&mut self) {
        self.set.abort_all();
        if !self.blocks {
            let _ = tokio::time::timeout(GRACE, self.set.join_next()).await;
        }
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.map(str::to_owned)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
