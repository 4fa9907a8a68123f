//! The bounded queue between the program and the worker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::trace::{Event, Status};
use opentelemetry::{Array, Value as AttributeValue};
use opentelemetry_sdk::trace::SpanData;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::stats::{Counters, DeliveryStats, Loss};
use crate::session::{Identity, SessionStart};
use crate::span::EventUpdate;

/// Spans kept until they are delivered.
const MAX_SPANS: usize = 65_536;
/// Session starts and updates kept until they are delivered.
const MAX_REQUESTS: usize = 100_000;
const CROWDED: &str = "too many session starts or updates are waiting, or too large ones";
/// Bytes of all of them, roughly.
const MAX_BYTES: usize = 64 << 20;
/// A span that ended, and the session it belongs to.
#[derive(Debug)]
pub(super) struct FinishedSpan {
    pub(super) identity: Arc<Identity>,
    pub(super) data: SpanData,
    pub(super) bytes: usize,
}

/// A session start or an update, and what it occupies.
#[derive(Debug)]
pub(super) struct Request<T> {
    pub(super) request: T,
    pub(super) bytes: usize,
}

/// Everything that waits, in the order it is to be sent: starts, then spans, then updates.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) starts: Vec<Request<SessionStart>>,
    pub(super) spans: Vec<FinishedSpan>,
    pub(super) updates: Vec<Request<EventUpdate>>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.starts.is_empty() && self.spans.is_empty() && self.updates.is_empty()
    }
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
    /// What the worker has not taken yet.
    batch: Batch,
    /// What waits or is with the worker, and what it occupies.
    spans: usize,
    requests: usize,
    bytes: usize,
    /// Spans that have ended, counted here because the lock is held anyway.
    ended: u64,
    /// Items taken so far.
    pushed: u64,
    flush_requested: bool,
    closed: bool,
}

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    pub(super) wake: Notify,
    pub(super) counters: Counters,
    /// Waiting spans that are sent without waiting for more.
    batch: usize,
    /// Whether nothing is to be sent.
    discards: bool,
}

impl Queue {
    pub(super) fn new(batch: usize, discards: bool) -> Self {
        Self {
            state: Mutex::default(),
            wake: Notify::new(),
            counters: Counters::default(),
            batch,
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
        if !self.push_request(start, bytes, |batch| &mut batch.starts) {
            identity.settle_announcement(Err(CROWDED));
        }
    }

    pub(crate) fn push_update(&self, update: EventUpdate) {
        let bytes = 64 + object_size(&update.fields);
        self.push_request(update, bytes, |batch| &mut batch.updates);
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
        let full = state.spans >= MAX_SPANS || state.bytes.saturating_add(bytes) > MAX_BYTES;
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
        state.spans += 1;
        state.pushed += 1;
        state.bytes += bytes;
        state.batch.spans.push(FinishedSpan { identity, data, bytes });
        let waiting = state.batch.spans.len();
        drop(state);
        // The first span starts the worker's clock, a full batch ends its wait; between them it need not wake.
        if waiting == 1 || waiting == self.batch {
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
        state.flush_requested = true;
        let pushed = state.pushed;
        drop(state);
        self.wake.notify_one();
        pushed
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    pub(super) fn urgency(&self) -> Urgency {
        let state = self.lock();
        let batch = &state.batch;
        if batch.is_empty() {
            Urgency::Idle
        } else if state.flush_requested
            || state.closed
            || !batch.starts.is_empty()
            || !batch.updates.is_empty()
            || batch.spans.len() >= self.batch
        {
            Urgency::Now
        } else {
            Urgency::Waiting
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Takes all that waits, and the number of its youngest item. It counts against the bound until it is [released](Self::release).
    pub(super) fn take(&self) -> (Batch, u64) {
        let mut state = self.lock();
        state.flush_requested = false;
        let batch = std::mem::take(&mut state.batch);
        // As many may follow: room for them is made here and not by the code that ends a span.
        state.batch.spans = Vec::with_capacity(batch.spans.len().min(self.batch));
        (batch, state.pushed)
    }

    /// Makes room: the fate of these is decided.
    pub(super) fn release(&self, spans: usize, requests: usize, bytes: usize) {
        let mut state = self.lock();
        state.spans -= spans.min(state.spans);
        state.requests -= requests.min(state.requests);
        state.bytes -= bytes.min(state.bytes);
    }

    /// `false` when it was lost.
    fn push_request<T>(&self, request: T, bytes: usize, list: impl FnOnce(&mut Batch) -> &mut Vec<Request<T>>) -> bool {
        if self.discards {
            return true;
        }
        self.counters.request_queued();
        let mut state = self.lock();
        let full = state.requests >= MAX_REQUESTS || state.bytes.saturating_add(bytes) > MAX_BYTES;
        if full || state.closed {
            drop(state);
            self.counters.requests_lost(1, CROWDED);
            return false;
        }
        state.requests += 1;
        state.pushed += 1;
        state.bytes += bytes;
        list(&mut state.batch).push(Request { request, bytes });
        drop(state);
        self.wake.notify_one();
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Roughly what a JSON object occupies.
fn object_size(members: &Map<String, Value>) -> usize {
    members
        .iter()
        .map(|(key, member)| 32 + key.len() + value_size(member))
        .sum()
}

fn value_size(value: &Value) -> usize {
    32 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(value_size).sum(),
        Value::Object(members) => object_size(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Roughly what a span occupies.
fn span_size(data: &SpanData) -> usize {
    let attributes = |list: &[opentelemetry::KeyValue]| -> usize {
        let one = |kv: &opentelemetry::KeyValue| 48 + kv.key.as_str().len() + attribute_size(&kv.value);
        list.iter().map(one).sum()
    };
    let event = |event: &Event| 64 + event.name.len() + attributes(&event.attributes);
    let status = match &data.status {
        Status::Error { description } => description.len(),
        Status::Unset | Status::Ok => 0,
    };
    let links: usize = data.links.iter().map(|link| 96 + attributes(&link.attributes)).sum();
    let events: usize = data.events.iter().map(event).sum();
    400 + data.name.len() + status + attributes(&data.attributes) + events + links
}

fn attribute_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::String(text) => text.as_str().len(),
        AttributeValue::Array(Array::String(texts)) => texts.iter().map(|text| 24 + text.as_str().len()).sum(),
        AttributeValue::Array(Array::I64(numbers)) => 8 * numbers.len(),
        AttributeValue::Array(Array::F64(numbers)) => 8 * numbers.len(),
        AttributeValue::Array(Array::Bool(flags)) => flags.len(),
        _ => 8,
    }
}
