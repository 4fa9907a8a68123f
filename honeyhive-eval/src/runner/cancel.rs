//! Stopping an experiment before its end, from elsewhere in the program or by Ctrl-C.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

/// How far an experiment has been asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// Not at all.
    No,
    /// Nothing further starts; what runs is finished.
    Drain,
    /// What runs is given up too.
    Abort,
}

/// Stops an experiment from elsewhere in the program. A clone stops the same one; given to several experiments, it
/// stops all of them.
///
/// # Examples
///
/// ```no_run
/// use honeyhive_eval::CancelHandle;
/// use honeyhive_eval::prelude::*;
///
/// # async fn example(dataset: Dataset) -> Result<(), Box<dyn std::error::Error>> {
/// let cancel = CancelHandle::new();
/// let run = evaluate(|datapoint: Datapoint| datapoint.inputs).dataset(dataset).cancel(&cancel);
/// let run = tokio::spawn(run.into_future());
/// cancel.cancel();
/// let result = run.await??;
/// println!("{} datapoints did not run", result.not_run);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CancelHandle {
    stop: Arc<watch::Sender<Stop>>,
}

impl CancelHandle {
    /// A handle that has stopped nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            stop: Arc::new(watch::Sender::new(Stop::No)),
        }
    }

    /// Starts no further datapoint. Those under way are finished, since they are paid for, and the run ends as
    /// cancelled with the rows there are.
    pub fn cancel(&self) {
        self.raise(Stop::Drain);
    }

    /// As [`cancel`](Self::cancel), and gives up what is under way: async functions are dropped where they wait, blocking
    /// ones are left behind. Their datapoints have no row.
    pub fn abort(&self) {
        self.raise(Stop::Abort);
    }

    /// Whether either was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.stop.borrow() != Stop::No
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Stop> {
        self.stop.subscribe()
    }

    fn raise(&self, to: Stop) {
        self.stop.send_if_modified(|stop| {
            let further = to > *stop;
            *stop = to.max(*stop);
            further
        });
    }

    /// Listens for Ctrl-C until the set is dropped: the first cancels, the second aborts.
    pub(crate) fn on_ctrl_c(&self) -> JoinSet<()> {
        let handle = self.clone();
        let mut listener = JoinSet::new();
        listener.spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                tracing::warn!("stopping: datapoints under way are finished, Ctrl-C again gives them up");
                handle.cancel();
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                handle.abort();
            }
        });
        listener
    }
}

impl Default for CancelHandle {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelHandle").field(&*self.stop.borrow()).finish()
    }
}
