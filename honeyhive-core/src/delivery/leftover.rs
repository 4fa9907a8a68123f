//! What cannot be delivered: it is written to the spool where there is one, or counted as lost.

use prost::bytes::Bytes;
use tokio::time::Instant;

use super::backlog::{Backlog, Start};
use super::export::Export;
use super::recovery::Recovery;
use super::spool::Kind;
use super::stats::Loss;
use super::update::Update;
use super::worker::Worker;

const WHY_UNSENT: &str = "the program ended before it could be sent";

impl Worker {
    /// Writes what waits longest to the spool when the queue gets full.
    pub(super) fn spill(&self, backlog: &mut Backlog, recovery: &mut Recovery, now: Instant) {
        let counters = &self.queue.counters;
        let mut written = Vec::new();
        while recovery.keeps() && self.queue.is_crowded() {
            if backlog.exports.waiting().next().is_none() {
                backlog.encode_next(|_| true, &self.encoder, &self.queue);
            }
            let Some((number, export)) = backlog.exports.take_oldest() else {
                let (starts, updates) = backlog.take_requests(now);
                self.keep_starts(starts, recovery);
                self.keep_updates(updates, recovery);
                break;
            };
            if recovery.keep(Kind::Spans, export.spans, &export.body, counters) {
                self.queue.release(export.spans, 0, export.bytes());
                written.push(export.spans);
            } else {
                backlog.exports.push(number, export);
            }
        }
        self.commit(written.iter().sum(), recovery);
    }

    /// Counts spans that were written to the spool, once they are safe.
    fn commit(&self, spans: usize, recovery: &mut Recovery) {
        let counters = &self.queue.counters;
        if spans > 0 {
            if recovery.commit(counters) {
                counters.spans_spooled(spans as u64);
            } else {
                counters.spans_lost(Loss::UnsentAtExit, spans as u64, "the spool could not be written");
            }
        }
    }

    /// Writes starts or updates to the spool, or counts them as lost; `told` hears which of both, for each.
    fn keep_requests<T>(
        &self,
        kind: Kind,
        requests: Vec<T>,
        body: impl Fn(&T) -> Bytes,
        recovery: &mut Recovery,
        told: impl Fn(&T, bool),
    ) {
        let counters = &self.queue.counters;
        let (kept, lost) = recovery.keep_lines(kind, requests, body, counters);
        let committed = !kept.is_empty() && recovery.commit(counters);
        kept.iter().for_each(|request| told(request, committed));
        lost.iter().for_each(|request| told(request, false));
    }

    fn keep_starts(&self, starts: Vec<Start>, recovery: &mut Recovery) {
        let body = |start: &Start| start.body.clone();
        self.keep_requests(Kind::Starts, starts, body, recovery, |start, kept| {
            if !kept {
                start.identity.settle_announcement(Err(WHY_UNSENT));
            }
            self.count_kept(1, start.bytes(), kept);
        });
    }

    fn keep_updates(&self, updates: Vec<Update>, recovery: &mut Recovery) {
        self.keep_requests(Kind::Updates, updates, Update::body, recovery, |update, kept| {
            self.count_kept(update.requests, update.bytes, kept);
        });
    }

    fn count_kept(&self, requests: usize, bytes: usize, kept: bool) {
        if kept {
            self.queue.counters.requests_spooled(requests as u64);
        } else {
            self.queue.counters.requests_lost(requests as u64, WHY_UNSENT);
        }
        self.queue.release(0, requests, bytes);
    }

    /// Writes all that is left to the spool, or counts it as lost. In the order in which it is to be sent.
    pub(super) fn give_up(&self, backlog: &mut Backlog, recovery: &mut Recovery, end: Instant) {
        let counters = &self.queue.counters;
        let starts = backlog.starts.drain().collect();
        let updates = backlog.drain_updates();
        self.keep_starts(starts, recovery);
        let mut exports: Vec<Export> = backlog.exports.drain().collect();
        let mut kept = 0;
        loop {
            for export in exports.drain(..) {
                let in_time = Instant::now() < end;
                if in_time && recovery.keep(Kind::Spans, export.spans, &export.body, counters) {
                    kept += export.spans;
                } else {
                    counters.spans_lost(Loss::UnsentAtExit, export.spans as u64, WHY_UNSENT);
                }
                self.queue.release(export.spans, 0, export.bytes());
            }
            if backlog.spans.is_empty() || !recovery.keeps() || Instant::now() >= end {
                break;
            }
            backlog.encode_next(|_| true, &self.encoder, &self.queue);
            exports.extend(backlog.exports.drain());
        }
        self.commit(kept, recovery);
        for span in backlog.spans.drain(..) {
            counters.spans_lost(Loss::UnsentAtExit, 1, WHY_UNSENT);
            self.queue.release(1, 0, span.bytes);
        }
        self.keep_updates(updates, recovery);
    }
}
