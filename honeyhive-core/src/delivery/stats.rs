//! Counting what was delivered and what was lost.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a pipeline has done so far. At rest `spans_ended = spans_exported + spans_discarded +
/// spans_lost() + spans_spooled + spans_pending`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryStats {
    /// Spans that ended.
    pub spans_ended: u64,
    /// Spans the backend has accepted.
    pub spans_exported: u64,
    /// Spans not sent, as [test mode](crate::TracerBuilder::test_mode) asks.
    pub spans_discarded: u64,
    /// Spans lost because the queue was full.
    pub spans_queue_full: u64,
    /// Spans lost because their session was gone before they ended.
    pub spans_without_session: u64,
    /// Spans the backend refused.
    pub spans_rejected: u64,
    /// Spans the backend refused as too large, each alone.
    pub spans_too_large: u64,
    /// Spans given up when the pipeline was closed before they could be sent.
    pub spans_unsent_at_exit: u64,
    /// Spans written to the [spool](crate::TracerBuilder::spool_dir). They are safe there, and neither pending nor lost.
    pub spans_spooled: u64,
    /// Spans waiting to be sent.
    pub spans_pending: u64,
    /// Session starts and updates the backend has accepted.
    pub requests_delivered: u64,
    /// Session starts and updates that were lost.
    pub requests_lost: u64,
    /// Session starts and updates written to the spool.
    pub requests_spooled: u64,
    /// Session starts and updates waiting to be sent.
    pub requests_pending: u64,
    /// Spans, session starts and updates of the spool that the backend has accepted since, whichever process wrote them.
    pub spool_delivered: u64,
    /// Spans, session starts and updates of the spool that were given up: refused, too old, or the oldest when it was full.
    pub spool_lost: u64,
    /// Attempts that failed and were repeated.
    pub retries: u64,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
}

impl DeliveryStats {
    /// Spans lost, for whatever reason.
    #[must_use]
    pub fn spans_lost(&self) -> u64 {
        self.spans_queue_full
            + self.spans_without_session
            + self.spans_rejected
            + self.spans_too_large
            + self.spans_unsent_at_exit
    }

    /// Spans, session starts and updates lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.spans_lost() + self.requests_lost + self.spool_lost
    }

    /// Spans, session starts and updates waiting to be sent.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.spans_pending + self.requests_pending
    }
}

/// Why something was lost.
#[derive(Clone, Copy, Debug)]
pub(super) enum Loss {
    QueueFull,
    WithoutSession,
    Rejected,
    TooLarge,
    UnsentAtExit,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    exported: AtomicU64,
    discarded: AtomicU64,
    queue_full: AtomicU64,
    without_session: AtomicU64,
    rejected: AtomicU64,
    too_large: AtomicU64,
    unsent_at_exit: AtomicU64,
    requests_queued: AtomicU64,
    requests_delivered: AtomicU64,
    requests_lost: AtomicU64,
    spans_spooled: AtomicU64,
    requests_spooled: AtomicU64,
    spool_delivered: AtomicU64,
    spool_lost: AtomicU64,
    retries: AtomicU64,
    spool_fails: AtomicBool,
    /// Losses that flushes have reported.
    reported: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl Counters {
    pub(super) fn spans_exported(&self, count: u64) {
        self.exported.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn span_discarded(&self) {
        self.discarded.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn request_queued(&self) {
        self.requests_queued.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn requests_delivered(&self, count: u64) {
        self.requests_delivered.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn retried(&self, error: &str) {
        // Noted first, so that who sees the count finds the reason.
        self.note(error);
        self.retries.fetch_add(1, Ordering::Release);
    }

    /// Counts lost spans; warns once per reason.
    pub(super) fn spans_lost(&self, loss: Loss, count: u64, why: &str) {
        if count == 0 {
            return;
        }
        let (counter, reason) = match loss {
            Loss::QueueFull => (&self.queue_full, "the queue is full"),
            Loss::WithoutSession => (&self.without_session, "their session was gone before they ended"),
            Loss::Rejected => (&self.rejected, "the backend refused them"),
            Loss::TooLarge => (&self.too_large, "the backend refused them as too large"),
            Loss::UnsentAtExit => (&self.unsent_at_exit, "they could not be sent before exit"),
        };
        self.note(why);
        if counter.fetch_add(count, Ordering::Relaxed) == 0 {
            tracing::warn!(
                why,
                "spans are being lost: {reason} (said once; see HoneyHiveTracer::stats)"
            );
        }
    }

    /// Counts lost session starts or updates; warns once.
    pub(super) fn requests_lost(&self, count: u64, why: &str) {
        self.note(why);
        if self.requests_lost.fetch_add(count, Ordering::Relaxed) == 0 {
            tracing::warn!(
                why,
                "a session start or update was lost (said once; see HoneyHiveTracer::stats)"
            );
        }
    }

    /// Counts what the worker held when it died.
    pub(super) fn abandoned(&self, spans: u64, requests: u64) {
        self.unsent_at_exit.fetch_add(spans, Ordering::Relaxed);
        self.requests_lost.fetch_add(requests, Ordering::Relaxed);
        self.note("the delivery thread panicked");
        // Last, since what listens may be what panicked.
        tracing::error!(
            spans,
            requests,
            "the delivery thread panicked: what it held is lost, and nothing is sent any more"
        );
    }

    pub(super) fn spans_spooled(&self, count: u64) {
        self.spans_spooled.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn requests_spooled(&self, count: u64) {
        self.requests_spooled.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn spool_delivered(&self, count: u64) {
        self.spool_delivered.fetch_add(count, Ordering::Relaxed);
    }

    /// Notes that the spool cannot be used; warns once.
    pub(super) fn spool_failed(&self, why: &str) {
        self.note(why);
        if !self.spool_fails.swap(true, Ordering::Relaxed) {
            tracing::warn!(why, "the spool cannot be read or written (said once)");
        }
    }

    /// Counts what the spool gave up; warns once.
    pub(super) fn spool_lost(&self, count: u64, why: &str) {
        if count == 0 {
            return;
        }
        self.note(why);
        if self.spool_lost.fetch_add(count, Ordering::Relaxed) == 0 {
            tracing::warn!(
                why,
                "the spool gives up what it kept (said once; see HoneyHiveTracer::stats)"
            );
        }
    }

    /// Losses that a flush which begins now has to report: those no flush before it has.
    pub(super) fn reported(&self) -> u64 {
        self.reported.load(Ordering::Relaxed)
    }

    /// Notes that a flush has reported this many losses in all.
    pub(super) fn set_reported(&self, losses: u64) {
        self.reported.fetch_max(losses, Ordering::Relaxed);
    }

    pub(super) fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `ended` counts the spans that have ended. It is read last, so that nothing can be counted as done before it is
    /// counted as ended.
    pub(super) fn snapshot(&self, ended: impl FnOnce() -> u64) -> DeliveryStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        let mut stats = DeliveryStats {
            spans_exported: load(&self.exported),
            spans_discarded: load(&self.discarded),
            spans_queue_full: load(&self.queue_full),
            spans_without_session: load(&self.without_session),
            spans_rejected: load(&self.rejected),
            spans_too_large: load(&self.too_large),
            spans_unsent_at_exit: load(&self.unsent_at_exit),
            requests_delivered: load(&self.requests_delivered),
            requests_lost: load(&self.requests_lost),
            spans_spooled: load(&self.spans_spooled),
            requests_spooled: load(&self.requests_spooled),
            spool_delivered: load(&self.spool_delivered),
            spool_lost: load(&self.spool_lost),
            retries: load(&self.retries),
            last_error: self.last_error(),
            ..DeliveryStats::default()
        };
        stats.spans_ended = ended();
        let settled = stats.requests_delivered + stats.requests_lost + stats.requests_spooled;
        stats.requests_pending = load(&self.requests_queued).saturating_sub(settled);
        stats.spans_pending = stats
            .spans_ended
            .saturating_sub(stats.spans_exported + stats.spans_discarded + stats.spans_lost() + stats.spans_spooled);
        stats
    }

    fn note(&self, error: &str) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_owned());
    }
}
