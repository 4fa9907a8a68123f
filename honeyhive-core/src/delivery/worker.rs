//! The worker: one thread with a small runtime of its own, so that delivery works from any program, async or not.
//!
//! It never waits for one thing alone: while requests are under way or pause after a failure it goes on taking what the
//! program hands over. Each kind of request fails and pauses by itself.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use prost::bytes::Bytes;
use reqwest::StatusCode;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::backlog::Backlog;
use super::encode::Encoder;
use super::export::{Export, about_the_body, rejected};
use super::queue::{Queue, Waiting};
use super::recovery::{Recovery, Resent, resend};
use super::spool::{self, Spool};
use super::stats::Loss;
use super::transport::{Method, Reply, SendError, SharedTransport};

/// How often it is looked whether spans still have to wait for the start of their session.
const LOOK: Duration = Duration::from_millis(100);

pub(super) struct Worker {
    pub(super) queue: Arc<Queue>,
    pub(super) transport: SharedTransport,
    pub(super) encoder: Encoder,
    pub(super) spool: Option<Spool>,
    /// How long a span waits for others to share its request.
    pub(super) flush_interval: Duration,
    /// Session starts under way at once, and updates.
    pub(super) max_connections: usize,
    /// Whether spans go to another server than starts and updates.
    pub(super) apart: bool,
    /// Number of the youngest item whose fate, and that of all before it, is decided.
    pub(super) settled: watch::Sender<u64>,
    /// When to give up, once the pipeline is closing.
    pub(super) deadline: watch::Receiver<Option<Closing>>,
}

/// The pipeline is closing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    pub(super) begun: Instant,
    /// From when on nothing waits for anything else any more.
    pub(super) eager: Instant,
    /// When what is left is given up.
    pub(super) deadline: Instant,
    /// When the last of it must be on disk.
    pub(super) end: Instant,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Start,
    Export,
    Update,
}

/// What became of an attempt.
enum Done {
    Sent(Kind, u64, Result<Reply, SendError>),
    /// A file of the spool.
    Resent(Result<Resent, SendError>),
}

/// What sets out: a request, or a file of the spool.
enum Load {
    Request(Kind, u64, Bytes),
    File(spool::Kind, usize, Bytes),
}

impl Worker {
    /// Runs until the pipeline is closed and everything is delivered or its time is over.
    pub(super) async fn run(mut self) {
        let mut recovery = Recovery::new(self.spool.take(), &self.queue.counters);
        let mut deadline = self.deadline.clone();
        let mut backlog = Backlog::new(self.max_connections, self.apart);
        let mut under_way = FuturesUnordered::new();
        let mut linger = None;
        let mut hurried = 0;
        loop {
            let now = Instant::now();
            let closing = *deadline.borrow_and_update();
            let waiting = self.take(&mut backlog, &mut linger, now);
            // A flush and the end deserve another try at once.
            let hurry = if closing.is_some() { u64::MAX } else { waiting.flushes };
            if hurry > hurried {
                hurried = hurry;
                backlog.hurry();
            }
            let over = closing.is_some_and(|closing| {
                // What is safe on disk need not wait for the deadline.
                let fails = !backlog.is_empty() && backlog.fails_since(closing.begun);
                closing.deadline <= now || (fails && recovery.keeps())
            });
            if let Some(closing) = closing.filter(|_| over) {
                under_way.clear();
                self.give_up(&mut backlog, &mut recovery, closing.end);
            }
            if let Some((kind, items, body)) = recovery.sets_out(&self.queue.counters, now).filter(|_| !over) {
                under_way.push(attempt(&self.transport, Load::File(kind, items, body)));
            }
            let eager = closing.is_some_and(|closing| closing.eager <= now);
            // Of spans on disk there may be updates.
            let untaken = if recovery.is_busy() {
                Some(0)
            } else {
                waiting.oldest_span
            };
            let holds = self.launch(&mut backlog, untaken, eager, now, |kind, number, body| {
                under_way.push(attempt(&self.transport, Load::Request(kind, number, body)));
            });
            self.spill(&mut backlog, &mut recovery, now);
            let unsettled = [backlog.oldest(), waiting.oldest_span].into_iter().flatten().min();
            self.settle(unsettled.map_or(waiting.pushed, |oldest| oldest - 1));
            if backlog.is_empty() && waiting.closed && (over || !recovery.is_busy()) {
                return;
            }
            let wake = [
                linger,
                holds.then(|| now + LOOK),
                backlog.pause_ends(now),
                recovery.pause_ends(now),
                closing.map(|closing| if eager { closing.deadline } else { closing.eager }),
            ];
            let wake = wake.into_iter().flatten().min();
            tokio::select! {
                biased;
                Some(done) = under_way.next() => {
                    self.finish(&mut backlog, &mut recovery, done);
                    while let Some(Some(done)) = under_way.next().now_or_never() {
                        self.finish(&mut backlog, &mut recovery, done);
                    }
                }
                () = self.queue.wake.notified() => {}
                Ok(()) = deadline.changed() => {}
                () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {}
            }
        }
    }

    fn settle(&self, number: u64) {
        self.settled.send_if_modified(|settled| {
            let before = std::mem::replace(settled, number);
            before != number
        });
    }

    /// Takes from the queue: starts and updates at once, spans when they are many or have waited long enough.
    fn take(&self, backlog: &mut Backlog, linger: &mut Option<Instant>, now: Instant) -> Waiting {
        let long_enough = linger.is_some_and(|until| until <= now);
        let due = |waiting: &Waiting| {
            let asked = waiting.oldest_span.is_some_and(|oldest| oldest <= waiting.flush_upto);
            waiting.full || asked || waiting.closed || long_enough || self.flush_interval.is_zero()
        };
        let (requests, spans, waiting) = self.queue.take(due);
        backlog.absorb(requests, &self.encoder, &self.queue, now);
        backlog.spans.extend(spans);
        *linger = waiting.oldest_span.map(|_| linger.unwrap_or(now + self.flush_interval));
        waiting
    }

    /// Sends on its way whatever may go; says whether spans wait for a start. `untaken` is the oldest span that is
    /// still in the queue.
    fn launch(
        &self,
        backlog: &mut Backlog,
        untaken: Option<u64>,
        eager: bool,
        now: Instant,
        mut send: impl FnMut(Kind, u64, Bytes),
    ) -> bool {
        // When the server may be back, starts go first again: once, else they would never pause.
        let exports = &backlog.exports;
        if backlog.has_spans() && exports.is_open(now) && exports.backoff.outlasts(&backlog.starts.backoff, now) {
            backlog.starts.backoff.hurry();
        }
        while let Some((number, body)) = backlog.start_sets_out(now) {
            send(Kind::Start, number, body);
        }
        let held = if eager { None } else { backlog.held_from(now) };
        while let Some((number, body)) = backlog.export_sets_out(held, &self.encoder, &self.queue, now) {
            send(Kind::Export, number, body);
        }
        while let Some((number, body)) = backlog.update_sets_out(untaken, eager, now) {
            send(Kind::Update, number, body);
        }
        held.is_some() && backlog.has_spans()
    }

    /// Counts what became of an attempt, or puts it back to be tried again.
    fn finish(&self, backlog: &mut Backlog, recovery: &mut Recovery, done: Done) {
        let (counters, now) = (&self.queue.counters, Instant::now());
        let (kind, number, outcome) = match done {
            Done::Sent(kind, number, outcome) => (kind, number, outcome),
            Done::Resent(outcome) => return recovery.finish(outcome, counters, now),
        };
        let outcome = match outcome {
            Err(error) if error.is_transient() => {
                counters.retried(&format!("{}: {error}", kind.line()));
                let (away, asked) = (error.is_no_answer(), error.retry_after());
                match kind {
                    Kind::Start => backlog.starts.fail(number, away, asked, now),
                    Kind::Export => backlog.exports.fail(number, away, asked, now),
                    Kind::Update => backlog.updates.lane.fail(number, away, asked, now),
                }
                return;
            }
            outcome => outcome.map_err(|error| (format!("{}: {error}", kind.line()), error)),
        };
        match kind {
            Kind::Start => {
                let Some(start) = backlog.settle_start(number, now) else {
                    return;
                };
                let outcome = outcome.map_err(|(why, _)| why);
                start
                    .identity
                    .settle_announcement(outcome.as_ref().map(|_| ()).map_err(String::as_str));
                self.count_requests(1, start.bytes(), outcome.map(|_| ()));
            }
            Kind::Update => {
                if let Some(update) = backlog.updates.settle(number) {
                    self.count_requests(
                        update.requests,
                        update.bytes,
                        outcome.map(|_| ()).map_err(|(why, _)| why),
                    );
                }
            }
            Kind::Export => self.finish_export(backlog, number, outcome),
        }
    }

    fn count_requests(&self, requests: usize, bytes: usize, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.queue.counters.requests_delivered(requests as u64),
            Err(why) => self.queue.counters.requests_lost(requests as u64, &why),
        }
        self.queue.release(0, requests, bytes);
    }

    fn finish_export(&self, backlog: &mut Backlog, number: u64, outcome: Result<Reply, (String, SendError)>) {
        let counters = &self.queue.counters;
        let Some(export) = backlog.exports.settle(number) else {
            return;
        };
        let spans = export.spans as u64;
        match outcome {
            Ok(reply) => {
                let (rejected, why) = rejected(&reply.body);
                let rejected = rejected.min(spans);
                counters.spans_exported(spans - rejected);
                counters.spans_lost(Loss::Rejected, rejected, &self.transport.showable(why));
            }
            Err((why, error)) => {
                // One span too large or malformed must not cost its neighbours.
                if let Some(halves) = about_the_body(&error).then(|| export.halves()).flatten() {
                    self.queue
                        .recount(export.bytes(), halves.iter().map(Export::bytes).sum());
                    for half in halves {
                        backlog.exports.push(half.first, half);
                    }
                    return;
                }
                let loss = match error.status() {
                    Some(StatusCode::PAYLOAD_TOO_LARGE) => Loss::TooLarge,
                    _ => Loss::Rejected,
                };
                counters.spans_lost(loss, spans, &why);
            }
        }
        self.queue.release(export.spans, 0, export.bytes());
    }
}

impl Kind {
    /// What is asked of the server.
    const fn line(self) -> &'static str {
        match self {
            Self::Start => "POST /session/start",
            Self::Export => "POST of spans",
            Self::Update => "PUT /events",
        }
    }
}

async fn attempt(transport: &SharedTransport, load: Load) -> Done {
    let (kind, number, body) = match load {
        Load::Request(kind, number, body) => (kind, number, body),
        Load::File(kind, items, body) => return Done::Resent(resend(transport, kind, items, body).await),
    };
    let outcome = match kind {
        Kind::Start => transport.ingest(Method::POST, "/session/start", body).await,
        Kind::Export => transport.export(body).await,
        Kind::Update => transport.ingest(Method::PUT, "/events", body).await,
    };
    Done::Sent(kind, number, outcome)
}

/// Waits until item `upto` is settled, for at most `limit`.
pub(super) async fn wait_settled(mut settled: watch::Receiver<u64>, upto: u64, limit: Duration) -> bool {
    timeout(limit, settled.wait_for(|done| *done >= upto))
        .await
        .is_ok_and(|seen| seen.is_ok())
}
