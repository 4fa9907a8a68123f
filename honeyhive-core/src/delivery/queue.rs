//! The bounded queue between the program and the worker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::Value;
use opentelemetry_sdk::trace::SpanData;
use tokio::sync::Notify;

use super::stats::{Counters, DeliveryStats, Loss};
use crate::session::{Identity, SessionStart};
use crate::span::EventUpdate;

/// Spans kept while they wait to be sent.
const MAX_SPANS: usize = 16_384;
/// Bytes of them, roughly.
const MAX_BYTES: usize = 64 << 20;
/// Session starts and updates kept while they wait. They are small and few; past this something is wrong.
const MAX_REQUESTS: usize = 100_000;
/// A batch of this many spans is sent without waiting for more.
pub(super) const BATCH: usize = 512;

/// A span that ended, and the session it belongs to.
#[derive(Debug)]
pub(super) struct FinishedSpan {
    pub(super) identity: Arc<Identity>,
    pub(super) data: SpanData,
    pub(super) bytes: usize,
}

/// Everything that waits, in the order it is to be sent: starts, then spans, then updates.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) starts: Vec<SessionStart>,
    pub(super) spans: Vec<FinishedSpan>,
    pub(super) updates: Vec<EventUpdate>,
    /// Number of the youngest item inside.
    pub(super) upto: u64,
}

/// What the worker should do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Nothing waits.
    Idle,
    /// Spans wait, but more may join them.
    Waiting,
    /// Send now.
    Now,
}

#[derive(Debug, Default)]
struct State {
    batch: Batch,
    span_bytes: usize,
    flush_requested: bool,
    closed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    pub(super) wake: Notify,
    pub(super) counters: Counters,
}

impl Queue {
    pub(crate) fn stats(&self) -> DeliveryStats {
        self.counters.snapshot()
    }

    pub(crate) fn push_start(&self, start: SessionStart) {
        self.push_request(|batch| {
            (batch.starts.len() < MAX_REQUESTS)
                .then(|| batch.starts.push(start))
                .is_some()
        });
    }

    pub(crate) fn push_update(&self, update: EventUpdate) {
        self.push_request(|batch| {
            (batch.updates.len() < MAX_REQUESTS)
                .then(|| batch.updates.push(update))
                .is_some()
        });
    }

    /// Takes a span; one that finds the queue full is counted and dropped.
    pub(super) fn push_span(&self, identity: Arc<Identity>, data: SpanData) {
        let bytes = size(&data);
        self.counters.span_ended();
        let mut state = self.lock();
        let full = state.batch.spans.len() >= MAX_SPANS || state.span_bytes.saturating_add(bytes) > MAX_BYTES;
        if full || state.closed {
            let loss = if state.closed {
                Loss::UnsentAtExit
            } else {
                Loss::QueueFull
            };
            drop(state);
            self.counters
                .spans_lost(loss, 1, "a span ended while nothing could take it");
            return;
        }
        state.span_bytes += bytes;
        state.batch.upto += 1;
        state.batch.spans.push(FinishedSpan { identity, data, bytes });
        let waiting = state.batch.spans.len();
        drop(state);
        // The first span starts the worker's clock, a full batch ends its wait; between them it need not wake.
        if waiting == 1 || waiting == BATCH {
            self.wake.notify_one();
        }
    }

    /// Counts a span that belongs to no session any more.
    pub(super) fn refuse_span(&self) {
        self.counters.span_ended();
        self.counters.spans_lost(
            Loss::WithoutSession,
            1,
            "a span ended after the last handle of its session was dropped",
        );
    }

    /// Number of the youngest item; a flush waits until it is settled.
    pub(super) fn request_flush(&self) -> u64 {
        let mut state = self.lock();
        state.flush_requested = true;
        let upto = state.batch.upto;
        drop(state);
        self.wake.notify_one();
        upto
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    pub(super) fn urgency(&self) -> Urgency {
        let state = self.lock();
        let batch = &state.batch;
        if batch.starts.is_empty() && batch.spans.is_empty() && batch.updates.is_empty() {
            Urgency::Idle
        } else if state.flush_requested
            || state.closed
            || !batch.starts.is_empty()
            || !batch.updates.is_empty()
            || batch.spans.len() >= BATCH
        {
            Urgency::Now
        } else {
            Urgency::Waiting
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Takes all that waits.
    pub(super) fn take(&self) -> Batch {
        let mut state = self.lock();
        state.flush_requested = false;
        state.span_bytes = 0;
        let upto = state.batch.upto;
        std::mem::replace(
            &mut state.batch,
            Batch {
                upto,
                ..Batch::default()
            },
        )
    }

    fn push_request(&self, push: impl FnOnce(&mut Batch) -> bool) {
        let mut state = self.lock();
        let taken = !state.closed && push(&mut state.batch);
        if taken {
            state.batch.upto += 1;
        }
        drop(state);
        if taken {
            self.wake.notify_one();
        } else {
            self.counters
                .request_lost("too many session starts or updates are waiting");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Roughly what a span occupies.
fn size(data: &SpanData) -> usize {
    let attributes = |list: &[opentelemetry::KeyValue]| -> usize {
        list.iter()
            .map(|kv| {
                let value = match &kv.value {
                    Value::String(text) => text.as_str().len(),
                    Value::Array(_) => 64,
                    _ => 8,
                };
                48 + kv.key.as_str().len() + value
            })
            .sum()
    };
    let events: usize = data.events.iter().map(|event| 64 + attributes(&event.attributes)).sum();
    400 + data.name.len() + attributes(&data.attributes) + events
}
