//! What the worker has taken and not yet delivered, and in which order it may go: of each session the start, then its
//! spans, then its updates.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use prost::bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use super::encode::Encoder;
use super::export::Export;
use super::lane::Lane;
use super::queue::{FinishedSpan, Queue, Request, Requests};
use super::update::{Update, Updates};
use crate::session::{Identity, SessionStart};

/// How long spans wait for a session start that does not get through. They find their session without it: each says
/// what it takes to make its row.
const PATIENCE: Duration = Duration::from_secs(1);
/// Export requests that are encoded at once, under way or waiting to be tried again.
const EXPORTS: usize = 4;

/// A session start.
#[derive(Debug)]
pub(super) struct Start {
    /// The session this announces.
    pub(super) identity: Arc<Identity>,
    pub(super) body: Bytes,
    taken: Instant,
    tried: bool,
}

impl Start {
    /// What it occupies in the queue.
    pub(super) fn bytes(&self) -> usize {
        256 + self.body.len()
    }
}

#[derive(Debug)]
pub(super) struct Backlog {
    pub(super) starts: Lane<Start>,
    /// Not encoded yet.
    pub(super) spans: VecDeque<FinishedSpan>,
    pub(super) exports: Lane<Export>,
    pub(super) updates: Updates,
    /// Sessions whose start is not settled, each with what its updates come to.
    unstarted: HashMap<String, Option<Update>>,
    /// Whether spans go to another server, so that no update needs to wait for them.
    apart: bool,
}

impl Backlog {
    pub(super) fn new(width: usize, apart: bool) -> Self {
        Self {
            starts: Lane::new(width),
            spans: VecDeque::new(),
            exports: Lane::new(EXPORTS),
            updates: Updates::new(width),
            unstarted: HashMap::new(),
            apart,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        // Updates that wait for a start are gone when the starts are.
        self.starts.is_empty() && self.spans.is_empty() && self.exports.is_empty() && self.updates.lane.is_empty()
    }

    /// Adds starts and updates from the queue.
    pub(super) fn absorb(&mut self, requests: Requests, encoder: &Encoder, queue: &Queue, now: Instant) {
        for start in requests.starts {
            let (number, bytes) = (start.number, start.bytes);
            let start = encode_start(start, encoder, now);
            queue.recount(bytes, start.bytes());
            self.unstarted
                .entry(start.identity.session_id.to_string())
                .or_insert(None);
            self.starts.push(number, start);
        }
        for mut update in requests.updates {
            encoder.clean(&mut update.request.fields);
            let update = Update::new(update, now);
            match self.unstarted.get_mut(&update.event_id) {
                Some(Some(earlier)) => earlier.merge(update),
                Some(none) => *none = Some(update),
                None => self.updates.push(update, now),
            }
        }
    }

    /// Number of the oldest item that is not settled.
    pub(super) fn oldest(&self) -> Option<u64> {
        let all = [self.starts.oldest(), self.oldest_span(), self.updates.lane.oldest()];
        all.into_iter().flatten().min()
    }

    fn oldest_span(&self) -> Option<u64> {
        let waiting = self.spans.front().map(|span| span.number);
        [waiting, self.exports.oldest()].into_iter().flatten().min()
    }

    /// Notes that a start is settled: the updates of its session may go.
    pub(super) fn settle_start(&mut self, number: u64, now: Instant) -> Option<Start> {
        let start = self.starts.settle(number)?;
        if let Some(Some(update)) = self.unstarted.remove(&start.identity.session_id.to_string()) {
            self.updates.push(update, now);
        }
        Some(start)
    }

    pub(super) fn start_sets_out(&mut self, now: Instant) -> Option<(u64, Bytes)> {
        let number = self
            .starts
            .is_open(now)
            .then(|| self.starts.next(u64::MAX, |_, _| true))??;
        let start = self.starts.set_out(number, now)?;
        start.tried = true;
        Some((number, start.body.clone()))
    }

    /// `untaken` is the number of the oldest span the queue still has.
    pub(super) fn update_sets_out(&mut self, untaken: Option<u64>, eager: bool, now: Instant) -> Option<(u64, Bytes)> {
        if !self.updates.lane.is_open(now) {
            return None;
        }
        let upto = if self.apart || eager {
            None
        } else {
            [self.oldest_span(), untaken].into_iter().flatten().min()
        };
        let number = self.updates.next(upto.unwrap_or(u64::MAX))?;
        let update = self.updates.lane.set_out(number, now)?;
        Some((number, update.body()))
    }

    /// The next request with spans before number `upto`: one to try again, else a new one.
    pub(super) fn export_sets_out(
        &mut self,
        upto: Option<u64>,
        encoder: &Encoder,
        queue: &Queue,
        now: Instant,
    ) -> Option<(u64, Bytes)> {
        if !self.exports.is_open(now) {
            return None;
        }
        let upto = upto.unwrap_or(u64::MAX);
        let may = |number: u64| number < upto;
        let again = |backlog: &Self| backlog.exports.next(upto, |_, export| may(export.last));
        let number = match again(self) {
            Some(number) => number,
            None if self.exports.len() >= EXPORTS => return None,
            None => {
                self.encode_next(may, encoder, queue);
                again(self)?
            }
        };
        let export = self.exports.set_out(number, now)?;
        Some((number, export.body.clone()))
    }

    /// Makes the next request, or more where it turns out too large; none when no span may go.
    pub(super) fn encode_next(&mut self, may: impl Fn(u64) -> bool, encoder: &Encoder, queue: &Queue) {
        let (mut count, mut bytes) = (0, 0);
        for span in &self.spans {
            if count == encoder.max_batch() || !may(span.number) {
                break;
            }
            bytes += span.bytes;
            if count > 0 && bytes > encoder.max_bytes() {
                bytes -= span.bytes;
                break;
            }
            count += 1;
        }
        if count == 0 {
            return;
        }
        let spans: Vec<FinishedSpan> = self.spans.drain(..count).collect();
        if self.spans.is_empty() {
            // What an outage has piled up is given back.
            self.spans.shrink_to(4 * encoder.max_batch());
        }
        let parts = Export::of(spans, encoder).within(encoder.max_bytes());
        queue.recount(bytes, parts.iter().map(Export::bytes).sum());
        for part in parts {
            self.exports.push(part.first, part);
        }
    }

    /// The number from which on spans wait, because the start of their session may still come first.
    pub(super) fn held_from(&self, now: Instant) -> Option<u64> {
        let fresh = |since: Instant| now.saturating_duration_since(since) < PATIENCE;
        let starts = &self.starts;
        let under_way = starts.under_way().find(|(_, _, begun)| fresh(*begun)).map(|(n, ..)| n);
        let stuck = starts.under_way().any(|(_, _, begun)| !fresh(begun));
        let waiting = if stuck || starts.backoff.failing_for(now) >= PATIENCE {
            None
        } else {
            let holds = |start: &Start| !start.tried || fresh(start.taken);
            starts.waiting().find(|(_, start)| holds(start)).map(|(n, _)| n)
        };
        [under_way, waiting].into_iter().flatten().min()
    }

    /// Whether spans wait to set out.
    pub(super) fn has_spans(&self) -> bool {
        !self.spans.is_empty() || self.exports.waiting().next().is_some()
    }

    /// Ends the pauses that no server asked for.
    pub(super) fn hurry(&mut self) {
        self.starts.backoff.hurry();
        self.exports.backoff.hurry();
        self.updates.lane.backoff.hurry();
    }

    /// When the first of the pauses is over in which something waits.
    pub(super) fn pause_ends(&self, now: Instant) -> Option<Instant> {
        let (starts, exports, updates) = (&self.starts, &self.exports, &self.updates.lane);
        let waits = |lane_waits: bool, until: Option<Instant>| until.filter(|_| lane_waits);
        [
            waits(starts.waiting().next().is_some(), starts.backoff.until(now)),
            waits(self.has_spans(), exports.backoff.until(now)),
            waits(updates.waiting().next().is_some(), updates.backoff.until(now)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Whether everything that is left has failed since `begin`.
    pub(super) fn fails_since(&self, begin: Instant) -> bool {
        let fails = |empty: bool, fails: bool| empty || fails;
        let (starts, exports, updates) = (&self.starts, &self.exports, &self.updates.lane);
        fails(starts.is_empty(), starts.fails_since(begin))
            && fails(
                exports.is_empty() && self.spans.is_empty(),
                exports.fails_since(begin),
            )
            // Updates wait for the others.
            && (fails(updates.is_empty(), updates.fails_since(begin)) || !(starts.is_empty() && exports.is_empty()))
    }

    /// Takes starts and updates that wait, with the updates of those sessions.
    pub(super) fn take_requests(&mut self, now: Instant) -> (Vec<Start>, Vec<Update>) {
        let starts: Vec<Start> = self.starts.take_waiting().collect();
        for start in &starts {
            if let Some(Some(update)) = self.unstarted.remove(&start.identity.session_id.to_string()) {
                self.updates.push(update, now);
            }
        }
        (starts, self.updates.take_waiting())
    }

    /// Takes all updates, those that wait for a start too.
    pub(super) fn drain_updates(&mut self) -> Vec<Update> {
        let parked = std::mem::take(&mut self.unstarted).into_values().flatten();
        let mut updates: Vec<Update> = self.updates.drain().chain(parked).collect();
        updates.sort_by_key(|update| update.first);
        updates
    }
}

fn encode_start(Request { request, .. }: Request<SessionStart>, encoder: &Encoder, now: Instant) -> Start {
    let identity = request.identity.clone();
    let mut body = request.into_body();
    if let Value::Object(body) = &mut body {
        encoder.clean(body);
    }
    Start {
        identity,
        body: body.to_string().into(),
        taken: now,
        tried: false,
    }
}
