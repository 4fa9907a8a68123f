//! What a person sees while an experiment runs: a bar on a terminal, a line now and then in CI, nothing elsewhere.

use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a line is written.
const EVERY: Duration = Duration::from_secs(10);

/// How an experiment says how far it is. Always on the standard error stream, so that what a program prints stays its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A bar when standard error is a terminal, lines when the variable `CI` is set, else nothing.
    #[default]
    Auto,
    /// A bar: datapoints done and failed, rate, time left.
    Bar,
    /// A line every ten seconds and one at the end.
    Lines,
    /// Nothing.
    Silent,
}

/// Says how far one experiment is.
pub(crate) struct Reporter {
    shown: Shown,
}

enum Shown {
    Bar(ProgressBar, Mutex<Counts>),
    Lines(Mutex<Counts>),
    Nothing,
}

struct Counts {
    name: String,
    /// Unknown for a stream.
    total: Option<usize>,
    done: usize,
    failed: usize,
    /// Rows of an earlier part of the run: they say nothing of its speed.
    before: usize,
    began: Instant,
    said: Instant,
}

impl Reporter {
    pub(crate) fn new(progress: Progress, name: &str, total: Option<usize>, before: usize) -> Self {
        let now = Instant::now();
        let counts = Mutex::new(Counts {
            name: name.to_owned(),
            total,
            done: before,
            failed: 0,
            before,
            began: now,
            said: now,
        });
        let shown = match progress.resolved() {
            Progress::Bar => Shown::Bar(bar(name, total, before), counts),
            Progress::Lines => Shown::Lines(counts),
            Progress::Auto | Progress::Silent => Shown::Nothing,
        };
        Self { shown }
    }

    /// A row is there.
    pub(crate) fn row(&self, failed: bool) {
        let (Shown::Bar(_, counts) | Shown::Lines(counts)) = &self.shown else {
            return;
        };
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.done += 1;
        counts.failed += usize::from(failed);
        if let Shown::Bar(bar, _) = &self.shown {
            bar.set_message(format!("{} failed", counts.failed));
            bar.set_position(counts.done as u64);
        } else if counts.said.elapsed() >= EVERY {
            counts.said = Instant::now();
            say(&counts);
        }
    }

    /// Nothing more will come.
    pub(crate) fn end(&self) {
        match &self.shown {
            Shown::Bar(bar, _) => bar.finish_and_clear(),
            Shown::Lines(counts) => say(&counts.lock().unwrap_or_else(PoisonError::into_inner)),
            Shown::Nothing => {}
        }
    }
}

impl Progress {
    fn resolved(self) -> Self {
        match self {
            Self::Auto if std::io::stderr().is_terminal() => Self::Bar,
            Self::Auto if std::env::var_os("CI").is_some_and(|ci| !ci.is_empty()) => Self::Lines,
            Self::Auto => Self::Silent,
            chosen => chosen,
        }
    }
}

fn bar(name: &str, total: Option<usize>, before: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total.map(|total| total as u64), ProgressDrawTarget::stderr());
    let template = match total {
        Some(_) => "{prefix} {wide_bar} {pos}/{len}, {msg}, {per_sec}, {eta} left",
        None => "{prefix} {spinner} {pos} done, {msg}, {per_sec}",
    };
    // The template is ours, and without it the bar has its own.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(name.to_owned());
    bar.set_message("0 failed");
    bar.set_position(before as u64);
    bar.reset_eta();
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A standard error stream that is closed is nobody's loss.
fn say(counts: &Counts) {
    let _ = writeln!(std::io::stderr(), "{counts}");
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.done)?;
        if let Some(total) = self.total {
            write!(f, "/{total}")?;
        }
        #[allow(clippy::cast_precision_loss, reason = "nobody counts to 2^53 here")]
        let rate = (self.done - self.before) as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
        write!(f, " done, {} failed, {rate:.1}/s", self.failed)?;
        if let Some(left) = self
            .total
            .and_then(|total| total.checked_sub(self.done))
            .filter(|left| *left > 0)
            && rate > 0.0
        {
            #[allow(clippy::cast_precision_loss, reason = "nobody counts to 2^53 here")]
            let seconds = left as f64 / rate;
            write!(f, ", {seconds:.0} s left")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").finish_non_exhaustive()
    }
}
