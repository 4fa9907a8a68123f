//! Where a datapoint runs: as tasks of the program's runtime, or on a thread and a runtime of its own.

use std::cell::RefCell;

use honeyhive_core::opentelemetry::{Context, ContextGuard};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::output::TaskError;

/// How datapoints that run at once are kept apart.
///
/// What a function calls, awaits, or spawns with [`honeyhive_core::task`] is in its datapoint's session in either mode.
/// The mode decides about code that spawns by itself and carries no context along, such as a library.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// Tasks of the program's own runtime. Spans of a bare `tokio::spawn` inside the function are in no datapoint's session.
    #[default]
    Task,
    /// Each datapoint has a thread and a current-thread runtime of its own, on which its session is active: what is
    /// spawned there by `tokio::spawn` or `spawn_blocking` is in its session too. Only a bare `std::thread::spawn` is not.
    ///
    /// When the datapoint is done, its runtime ends and with it the tasks that are still running there. Things that live
    /// on a runtime, such as the pooled connections of an HTTP client, do not outlive it either: they are opened anew.
    /// Costs some 50 µs for each datapoint.
    Thread,
}

thread_local! {
    /// Keeps the context of a thread of such a runtime attached until the thread ends.
    static ATTACHED: RefCell<Option<ContextGuard>> = const { RefCell::new(None) };
}

/// Runs a future on a thread and a runtime of its own, on which `cx` is active. Dropped, it stops the future where it
/// waits.
pub(super) async fn on_own_thread<T, F>(cx: Context, work: F) -> Result<T, TaskError>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    // Hung up when nobody waits any more.
    let (waiting, gone) = oneshot::channel::<()>();
    let thread = tokio::task::spawn_blocking(move || run(cx, work, gone));
    let done = thread.await;
    drop(waiting);
    match done {
        Ok(Ok(Some(done))) => Ok(done),
        Ok(Ok(None)) | Err(_) => Err(TaskError::new("Cancelled", "the thread of the datapoint has ended")),
        Ok(Err(error)) => Err(TaskError::of(error)),
    }
}

fn run<T>(cx: Context, work: impl Future<Output = T>, gone: oneshot::Receiver<()>) -> std::io::Result<Option<T>> {
    let of_threads = cx.clone();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .on_thread_start(move || {
            let guard = of_threads.clone().attach();
            let _ = ATTACHED.try_with(|attached| attached.replace(Some(guard)));
        })
        .on_thread_stop(|| {
            let _ = ATTACHED.try_with(|attached| attached.take());
        })
        .build()?;
    let done = {
        let _active = cx.attach();
        runtime.block_on(async {
            tokio::select! {
                done = work => Some(done),
                _ = gone => None,
            }
        })
    };
    // A blocking function that was left behind must not be waited for.
    runtime.shutdown_background();
    Ok(done)
}
