//! The bounded queue between the program and the worker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_sdk::trace::SpanData;
use tokio::sync::Notify;

use super::size::{object_size, span_size};
use super::stats::{Counters, DeliveryStats, Loss};
use crate::session::{Identity, SessionStart};
use crate::span::EventUpdate;

/// Session starts and updates kept until they are delivered.
const MAX_REQUESTS: usize = 100_000;
const ENDED: &str = "delivery has ended: its tracer was shut down or dropped";
const CROWDED: &str = "too many session starts or updates are waiting, or too large ones";

/// A span that ended, and the session it belongs to.
#[derive(Debug)]
pub(super) struct FinishedSpan {
    pub(super) identity: Arc<Identity>,
    pub(super) data: SpanData,
    /// Its number among all that was queued.
    pub(super) number: u64,
    pub(super) bytes: usize,
}

/// A session start or an update, its number among all that was queued, and what it occupies.
#[derive(Debug)]
pub(super) struct Request<T> {
    pub(super) request: T,
    pub(super) number: u64,
    pub(super) bytes: usize,
}

/// Session starts and updates, each in the order they came.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pub(super) starts: Vec<Request<SessionStart>>,
    pub(super) updates: Vec<Request<EventUpdate>>,
}

/// What the queue holds for the worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// Number of the oldest span that is not taken.
    pub(super) oldest_span: Option<u64>,
    /// Whether the spans that are not taken fill a request.
    pub(super) full: bool,
    /// Number up to which everything is to be sent without waiting for more.
    pub(super) flush_upto: u64,
    /// Flushes asked for so far.
    pub(super) flushes: u64,
    /// Number of the youngest item.
    pub(super) pushed: u64,
    pub(super) closed: bool,
}

/// A number of spans and of bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amount {
    pub(super) spans: usize,
    pub(super) bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    /// What the worker has not taken yet.
    waiting_spans: Vec<FinishedSpan>,
    waiting_bytes: usize,
    waiting_requests: Requests,
    /// What waits or is with the worker, and what it occupies.
    spans: usize,
    requests: usize,
    bytes: usize,
    /// Spans that have ended, counted here because the lock is held anyway.
    ended: u64,
    /// Items taken so far.
    pushed: u64,
    flush_upto: u64,
    flushes: u64,
    closed: bool,
}

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    pub(super) wake: Notify,
    pub(super) counters: Counters,
    /// How much may wait, what is with the worker included.
    bounds: Amount,
    /// Waiting spans that are sent without waiting for more.
    batch: Amount,
    /// Whether nothing is to be sent.
    discards: bool,
}

impl Queue {
    pub(super) fn new(bounds: Amount, batch: Amount, discards: bool) -> Self {
        Self {
            state: Mutex::default(),
            wake: Notify::new(),
            counters: Counters::default(),
            bounds,
            // A queue that is full must not wait for a batch that never becomes so.
            batch: Amount {
                spans: batch.spans.min(bounds.spans),
                bytes: batch.bytes.min(bounds.bytes / 2),
            },
            discards,
        }
    }

    pub(crate) fn stats(&self) -> DeliveryStats {
        self.counters.snapshot(|| self.lock().ended)
    }

    pub(crate) fn push_start(&self, start: SessionStart) {
        let identity = start.identity.clone();
        let details = &start.details;
        let buckets = [&details.inputs, &details.metadata, &details.user_properties];
        let bytes = 256 + buckets.into_iter().map(object_size).sum::<usize>();
        if let Err(why) = self.push_request(start, bytes, |waiting| &mut waiting.starts) {
            identity.settle_announcement(Err(why));
        }
    }

    pub(crate) fn push_update(&self, update: EventUpdate) {
        let bytes = 64 + object_size(&update.fields);
        // That it was lost has been counted.
        let _ = self.push_request(update, bytes, |waiting| &mut waiting.updates);
    }

    /// Takes a span; one that finds the queue full is counted and dropped.
    pub(super) fn push_span(&self, identity: Arc<Identity>, data: SpanData) {
        if let Some(tally) = &identity.tally {
            tally.add(&data.attributes);
        }
        let bytes = span_size(&data);
        let mut state = self.lock();
        state.ended += 1;
        if self.discards {
            drop(state);
            self.counters.span_discarded();
            return;
        }
        let Amount { spans, bytes: room } = self.bounds;
        let full = state.spans >= spans || state.bytes.saturating_add(bytes) > room;
        if full || state.closed {
            let (loss, why) = if state.closed {
                (Loss::UnsentAtExit, ENDED)
            } else {
                (Loss::QueueFull, "a span ended while the queue was full")
            };
            drop(state);
            self.counters.spans_lost(loss, 1, why);
            return;
        }
        state.spans += 1;
        state.pushed += 1;
        state.bytes += bytes;
        let number = state.pushed;
        state.waiting_spans.push(FinishedSpan {
            identity,
            data,
            number,
            bytes,
        });
        let waiting = state.waiting_spans.len();
        let before = state.waiting_bytes;
        state.waiting_bytes += bytes;
        let filled =
            waiting == self.batch.spans || (before < self.batch.bytes && state.waiting_bytes >= self.batch.bytes);
        drop(state);
        // The first span starts the worker's clock, a full batch ends its wait; between them it need not wake.
        if waiting == 1 || filled {
            self.wake.notify_one();
        }
    }

    /// Counts a span that belongs to no session any more.
    pub(super) fn refuse_span(&self) {
        self.lock().ended += 1;
        self.counters.spans_lost(
            Loss::WithoutSession,
            1,
            "a span ended after the last handle of its session was dropped",
        );
    }

    /// Asks the worker to send now. Returns the number of the youngest item; a flush waits until it is settled.
    pub(super) fn request_flush(&self) -> u64 {
        let mut state = self.lock();
        state.flush_upto = state.pushed;
        state.flushes += 1;
        let pushed = state.pushed;
        drop(state);
        self.wake.notify_one();
        pushed
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// Counts all that is not delivered as lost: the worker died.
    pub(super) fn abandon(&self) {
        self.close();
        let stats = self.stats();
        self.counters.abandoned(stats.spans_pending, stats.requests_pending);
    }

    /// Takes the starts and updates that wait, and the spans if `now` says so; and what the queue holds then. What is
    /// taken counts against the bound until it is [released](Self::release).
    pub(super) fn take(&self, now: impl FnOnce(&Waiting) -> bool) -> (Requests, Vec<FinishedSpan>, Waiting) {
        let mut state = self.lock();
        let mut waiting = Waiting {
            oldest_span: state.waiting_spans.first().map(|span| span.number),
            full: state.waiting_spans.len() >= self.batch.spans || state.waiting_bytes >= self.batch.bytes,
            flush_upto: state.flush_upto,
            flushes: state.flushes,
            pushed: state.pushed,
            closed: state.closed,
        };
        let requests = std::mem::take(&mut state.waiting_requests);
        let mut spans = Vec::new();
        if waiting.oldest_span.is_some() && now(&waiting) {
            // As many may follow: room for them is made here and not by the code that ends a span.
            let room = state.waiting_spans.len().min(self.batch.spans);
            spans = std::mem::replace(&mut state.waiting_spans, Vec::with_capacity(room));
            state.waiting_bytes = 0;
            waiting.oldest_span = None;
        }
        (requests, spans, waiting)
    }

    /// Whether three quarters of the room are taken.
    pub(super) fn is_crowded(&self) -> bool {
        let state = self.lock();
        let most = |bound: usize| bound - bound / 4;
        state.spans >= most(self.bounds.spans)
            || state.bytes >= most(self.bounds.bytes)
            || state.requests >= most(MAX_REQUESTS)
    }

    /// Counts what the worker holds as what it occupies now, encoded.
    pub(super) fn recount(&self, before: usize, now: usize) {
        let mut state = self.lock();
        state.bytes = (state.bytes + now).saturating_sub(before);
    }

    /// Makes room: the fate of these is decided.
    pub(super) fn release(&self, spans: usize, requests: usize, bytes: usize) {
        let mut state = self.lock();
        state.spans -= spans.min(state.spans);
        state.requests -= requests.min(state.requests);
        state.bytes -= bytes.min(state.bytes);
    }

    /// Why it was lost, if it was.
    fn push_request<T>(
        &self,
        request: T,
        bytes: usize,
        list: impl FnOnce(&mut Requests) -> &mut Vec<Request<T>>,
    ) -> Result<(), &'static str> {
        if self.discards {
            return Ok(());
        }
        self.counters.request_queued();
        let mut state = self.lock();
        let full = state.requests >= MAX_REQUESTS || state.bytes.saturating_add(bytes) > self.bounds.bytes;
        if full || state.closed {
            let why = if state.closed { ENDED } else { CROWDED };
            drop(state);
            self.counters.requests_lost(1, why);
            return Err(why);
        }
        state.requests += 1;
        state.pushed += 1;
        state.bytes += bytes;
        let number = state.pushed;
        list(&mut state.waiting_requests).push(Request { request, number, bytes });
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
