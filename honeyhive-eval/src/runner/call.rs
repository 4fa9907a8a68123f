//! A call inside a span that may be given up when its time is over.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use honeyhive_core::Span;
use tokio::task::JoinSet;

use crate::call::{Call, outcome, spawn, spawn_detached};
use crate::evaluate::Settings;
use crate::output::TaskError;

/// What a cancelled async function gets to end its spans before those around it end.
const GRACE: Duration = Duration::from_millis(50);

/// A call that runs. Dropping it stops an async function where it waits and leaves a blocking one behind.
pub(super) struct Running<T> {
    set: JoinSet<Result<T, TaskError>>,
    blocks: bool,
    limit: Option<Duration>,
    began: Beginning,
}

/// When a call began: at once, or when there was a thread for it.
#[derive(Clone, Default)]
pub(super) struct Beginning(Arc<OnceLock<Instant>>);

impl Beginning {
    fn now(&self) {
        let _ = self.0.set(Instant::now());
    }

    /// How long ago that was; no time at all if the call never began.
    pub(super) fn elapsed(&self) -> Duration {
        self.0.get().map(Instant::elapsed).unwrap_or_default()
    }
}

/// Starts a call inside a span: an async one as a task, a sync one on a thread that may block. It is given up when it
/// takes longer than `limit`.
pub(super) fn start<T: Send + 'static>(
    call: Call<T>,
    span: &Span,
    settings: &Settings,
    limit: Option<Duration>,
) -> Running<T> {
    let began = Beginning::default();
    let blocks = matches!(call, Call::Sync(_));
    let call = match call {
        Call::Sync(function) => {
            let began = began.clone();
            Call::Sync(Box::new(move || {
                began.now();
                function()
            }))
        }
        Call::Async(_) => {
            began.now();
            call
        }
    };
    let set = match settings.may_give_up(limit) {
        true => spawn_detached(call, span.context()),
        false => spawn(call, span.context()),
    };
    Running {
        set,
        blocks,
        limit,
        began,
    }
}

impl<T: 'static> Running<T> {
    pub(super) fn beginning(&self) -> Beginning {
        self.began.clone()
    }

    /// Waits for the call, for as long as it may take.
    pub(super) async fn outcome(mut self) -> Result<T, TaskError> {
        let Some(limit) = self.limit else {
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
