//! How an experiment runs: how much at once, how long, how often, what is kept and what is said meanwhile.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Evaluation;
use crate::output::TaskError;
use crate::progress::Progress;
use crate::result::Trial;
use crate::runner::{CancelHandle, IsThrottled, Isolation, JournalMode, RateLimit, Reducer, Retry, is_throttled};
use crate::stats::Aggregate;

/// Everything about a run that is not its function, dataset and evaluators.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) max_workers: usize,
    pub(crate) timeout: Option<Duration>,
    pub(crate) evaluator_timeout: Option<Duration>,
    pub(crate) retry: Option<Retry>,
    pub(crate) trials: u32,
    pub(crate) reducer: Reducer,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) throttled: Option<IsThrottled>,
    pub(crate) fail_fast: bool,
    pub(crate) cancel: Option<CancelHandle>,
    pub(crate) on_ctrl_c: bool,
    pub(crate) isolation: Isolation,
    pub(crate) git: bool,
    pub(crate) run_id: Option<uuid::Uuid>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) configuration: Map<String, Value>,
    pub(crate) aggregate: Aggregate,
    pub(crate) journal: Option<(PathBuf, JournalMode)>,
    pub(crate) progress: Progress,
    /// Outputs that are not made anew, only scored, by datapoint and trial.
    pub(crate) replay: Arc<HashMap<(String, u32), Trial>>,
    /// Datapoints of an earlier run that have no row to score.
    pub(crate) unscorable: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_workers: 10,
            timeout: None,
            evaluator_timeout: None,
            retry: None,
            trials: 1,
            reducer: Reducer::default(),
            rate_limit: None,
            throttled: None,
            fail_fast: false,
            cancel: None,
            on_ctrl_c: false,
            isolation: Isolation::default(),
            git: true,
            run_id: None,
            metadata: Map::new(),
            configuration: Map::new(),
            aggregate: Aggregate::default(),
            journal: None,
            progress: Progress::default(),
            replay: Arc::default(),
            unscorable: 0,
        }
    }
}

impl Settings {
    /// Whether a call may be given up while it runs, for its time or by somebody.
    pub(crate) fn may_give_up(&self, limit: Option<Duration>) -> bool {
        limit.is_some() || self.on_ctrl_c || self.cancel.is_some()
    }
}

/// How much at once, how long, how often.
impl Evaluation {
    /// How many datapoints run at once. Default: 10.
    pub fn max_workers(mut self, workers: usize) -> Self {
        self.settings.max_workers = workers;
        self
    }

    /// How long one call of the function may take; a longer one is a row with an error of kind `Timeout`. Default: no
    /// limit.
    ///
    /// An async function is dropped where it waits. A sync one cannot be stopped: it is left behind on its thread, and
    /// spans it still makes stay in its datapoint's session.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.settings.timeout = Some(limit);
        self
    }

    /// How long each evaluator may take on one output, or one of the run on the result; a longer one leaves an error in
    /// place of its score. Default: no limit.
    pub fn evaluator_timeout(mut self, limit: Duration) -> Self {
        self.settings.evaluator_timeout = Some(limit);
        self
    }

    /// Calls a function that failed up to this many times more, as [`Retry::times`] says. Default: never.
    pub fn retries(self, times: u32) -> Self {
        self.retry(Retry::times(times))
    }

    /// Calls a function that failed again, as the argument says. All attempts are in the datapoint's one session, and
    /// the function's event tells their errors under `metadata.attempt_errors`.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.settings.retry = Some(retry);
        self
    }

    /// Runs each datapoint this many times, each in a session of its own, and reduces the scores to one row. Default: 1;
    /// 0 is read as 1.
    pub fn trials(mut self, trials: u32, reducer: Reducer) -> Self {
        self.settings.trials = trials.max(1);
        self.settings.reducer = reducer;
        self
    }

    /// How many calls of the function may begin in a time. Waiting is no part of a row's latency. Evaluators are not
    /// counted. Default: no limit.
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.settings.rate_limit = Some(limit);
        self
    }

    /// Halves the number of calls at once when the function fails with something like status 429, and lets it grow again
    /// while calls succeed. A call that failed so is not repeated unless [`retries`](Self::retries) asks for it.
    pub fn adaptive(self) -> Self {
        self.adaptive_on(is_throttled)
    }

    /// As [`adaptive`](Self::adaptive), on the errors for which `throttled` holds.
    pub fn adaptive_on(mut self, throttled: impl Fn(&TaskError) -> bool + Send + Sync + 'static) -> Self {
        self.settings.throttled = Some(Arc::new(throttled));
        self
    }

    /// Starts no further datapoint once one has failed; those under way are finished, and the run ends as failed.
    pub fn fail_fast(mut self) -> Self {
        self.settings.fail_fast = true;
        self
    }

    /// Lets the experiment be stopped from elsewhere.
    pub fn cancel(mut self, handle: &CancelHandle) -> Self {
        self.settings.cancel = Some(handle.clone());
        self
    }

    /// Lets Ctrl-C stop the experiment: after the first what is under way is finished, the second gives it up, and the
    /// run ends as cancelled with the rows there are.
    ///
    /// Once this was used, Ctrl-C does not end the program by itself any more, also after the experiment.
    pub fn cancel_on_ctrl_c(mut self) -> Self {
        self.settings.on_ctrl_c = true;
        self
    }

    /// How datapoints that run at once are kept apart. Default: [`Isolation::Task`].
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.settings.isolation = isolation;
        self
    }
}

/// What is kept of the run, and what is said meanwhile.
impl Evaluation {
    /// Proposes the id of the run. Default: a fresh one.
    pub fn run_id(mut self, id: uuid::Uuid) -> Self {
        self.settings.run_id = Some(id);
        self
    }

    /// Adds to the run's metadata. `git` and `offline_dataset_id` are written by the experiment.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.settings.metadata.insert(key.into(), json(&value));
        self
    }

    /// Adds to the run's configuration, such as the model or the version of a prompt. `function`, `evaluators`,
    /// `max_workers`, `aggregate_function` and `trials` are written by the experiment.
    pub fn configuration(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.settings.configuration.insert(key.into(), json(&value));
        self
    }

    /// How the server sums up the scores of the run. Default: the average.
    pub fn aggregate_function(mut self, aggregate: Aggregate) -> Self {
        self.settings.aggregate = aggregate;
        self
    }

    /// Whether the run's metadata tell the commit the program runs from: hash, branch, subject, author's name, remote
    /// without credentials, whether there are changes. Default: yes, in a git repository, unless `HONEYHIVE_TELEMETRY` is
    /// `false`.
    pub fn git(mut self, tell: bool) -> Self {
        self.settings.git = tell;
        self
    }

    /// Keeps a journal in a new file: every finished datapoint is in it before it is reported, so that a killed run can
    /// be resumed. A file that holds a run is refused.
    ///
    /// Lines are handed to the operating system one by one, which survives the end of the process; the disk has them for
    /// certain when the run has ended.
    pub fn journal(self, path: impl Into<PathBuf>) -> Self {
        self.with_journal(path, JournalMode::New)
    }

    /// Goes on with the run in a journal: the same run id, and what the journal has is not executed again, failed or
    /// not. What was under way when the run was killed is. Where there is no journal yet, one is begun.
    ///
    /// The journal must be of the same dataset, function, evaluators and number of trials.
    pub fn resume(self, path: impl Into<PathBuf>) -> Self {
        self.with_journal(path, JournalMode::Resume)
    }

    /// As [`resume`](Self::resume), and executes again what failed. Where only an evaluator failed, the function is not
    /// called again: all evaluators get the output there is, in a session of its own.
    pub fn retry_failed(self, path: impl Into<PathBuf>) -> Self {
        self.with_journal(path, JournalMode::RetryFailed)
    }

    /// How the experiment says how far it is. Default: [`Progress::Auto`].
    pub fn progress(mut self, progress: Progress) -> Self {
        self.settings.progress = progress;
        self
    }

    fn with_journal(mut self, path: impl Into<PathBuf>, mode: JournalMode) -> Self {
        self.settings.journal = Some((path.into(), mode));
        self
    }
}

/// What cannot be written as JSON says so.
fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| format!("not JSON: {error}").into())
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("max_workers", &self.max_workers)
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .field("trials", &self.trials)
            .field("rate_limit", &self.rate_limit)
            .field("isolation", &self.isolation)
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}
