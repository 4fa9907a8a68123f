//! A call that is ready to run, and running it so that a panic is an error like any other.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;

use honeyhive_core::opentelemetry::Context;
use honeyhive_core::opentelemetry::trace::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::output::TaskError;

/// A call that is ready to run.
pub enum Call<T> {
    /// An async function: a task of its own.
    Async(Pin<Box<dyn Future<Output = Result<T, TaskError>> + Send>>),
    /// A sync function: it may block, so it gets a thread that may.
    Sync(Box<dyn FnOnce() -> Result<T, TaskError> + Send>),
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Async(_) => "Call::Async",
            Self::Sync(_) => "Call::Sync",
        })
    }
}

/// Starts a call in a context: an async one as a task, a sync one on a thread that may block. Dropping the set stops
/// a task that is still running.
pub(crate) fn spawn<T: Send + 'static>(call: Call<T>, cx: Context) -> JoinSet<Result<T, TaskError>> {
    let mut set = JoinSet::new();
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
    set
}

/// As [`spawn`], for a call that may be given up: a sync one gets a thread of its own. Tokio waits at its end for what
/// runs on its own threads, so a function that hangs there would keep the program from ending.
pub(crate) fn spawn_detached<T: Send + 'static>(call: Call<T>, cx: Context) -> JoinSet<Result<T, TaskError>> {
    let function = match call {
        Call::Sync(function) => function,
        call @ Call::Async(_) => return spawn(call, cx),
    };
    let (done, wait) = oneshot::channel();
    let runtime = Handle::current();
    let thread = std::thread::Builder::new().name("evaluate".to_owned()).spawn(move || {
        let _runtime = runtime.enter();
        let _active = cx.attach();
        // Nobody waits any more if it took too long.
        let _ = done.send(catch_unwind(AssertUnwindSafe(function)));
    });
    let mut set = JoinSet::new();
    set.spawn(async move {
        thread.map_err(TaskError::of)?;
        match wait.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(payload)) => resume_unwind(payload),
            Err(_) => Err(TaskError::new("Cancelled", "its thread has ended")),
        }
    });
    set
}

/// Waits for the call; a panic is an error like any other.
pub(crate) async fn join<T: 'static>(mut set: JoinSet<Result<T, TaskError>>) -> Result<T, TaskError> {
    outcome(&mut set).await
}

/// As [`join`], and the call can still be stopped when this is dropped.
pub(crate) async fn outcome<T: 'static>(set: &mut JoinSet<Result<T, TaskError>>) -> Result<T, TaskError> {
    match set.join_next().await {
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) => Err(match error.try_into_panic() {
            Ok(payload) => TaskError::new("Panic", panic_message(payload.as_ref())),
            Err(_) => TaskError::new("Cancelled", "the runtime was shut down"),
        }),
        None => Err(TaskError::new("Cancelled", "the call was never started")),
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.map(str::to_owned)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
