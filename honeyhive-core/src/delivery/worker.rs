//! The worker: one thread with a small runtime of its own, so that delivery works from any program, async or not.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::backlog::{Backlog, Export, Send};
use super::encode::Encoder;
use super::queue::{Queue, Urgency};
use super::stats::Loss;
use super::transport::{Method, Reply, SendError, SharedTransport};

const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// The longest pause a server can ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

pub(super) struct Worker {
    pub(super) queue: Arc<Queue>,
    pub(super) transport: SharedTransport,
    pub(super) encoder: Encoder,
    /// How long a span waits for others to share its request.
    pub(super) flush_interval: Duration,
    /// Session starts or updates under way at once.
    pub(super) max_connections: usize,
    /// Number of the youngest item whose fate, and that of all before it, is decided.
    pub(super) settled: watch::Sender<u64>,
    /// When to give up, once the pipeline is closing.
    pub(super) deadline: watch::Receiver<Option<Instant>>,
}

/// What became of an attempt.
enum Outcome<T> {
    /// Its fate is decided and counted.
    Settled,
    /// It failed in a way that may pass; after how long the server wants to see it again, if it said so.
    Later(T, Option<Duration>),
}

impl Worker {
    /// Runs until the pipeline is closed and everything is delivered or its time is over.
    pub(super) async fn run(self) {
        let mut backlog = Backlog::default();
        let mut backoff = FIRST_BACKOFF;
        loop {
            if backlog.is_empty() {
                self.wait_for_work().await;
            }
            let (batch, upto) = self.queue.take();
            backlog.absorb(batch, &self.encoder);
            let pause = self.deliver(&mut backlog).await;
            if self.is_over() {
                self.give_up(std::mem::take(&mut backlog));
            }
            if backlog.is_empty() {
                self.settled.send_replace(upto);
                backoff = FIRST_BACKOFF;
                if self.queue.is_closed() && self.queue.urgency() == Urgency::Idle {
                    return;
                }
            } else {
                let pause = pause.unwrap_or(backoff).min(LONGEST_RETRY_AFTER);
                backoff = if self.pause(pause).await {
                    (backoff * 2).min(LONGEST_BACKOFF)
                } else {
                    FIRST_BACKOFF
                };
            }
        }
    }

    async fn wait_for_work(&self) {
        let mut linger_until = None;
        loop {
            match self.queue.urgency() {
                Urgency::Now => return,
                Urgency::Idle if self.queue.is_closed() => return,
                Urgency::Idle => self.queue.wake.notified().await,
                Urgency::Waiting => {
                    let until = *linger_until.get_or_insert_with(|| Instant::now() + self.flush_interval);
                    tokio::select! {
                        () = self.queue.wake.notified() => {}
                        () = sleep_until(until) => return,
                    }
                }
            }
        }
    }

    /// Tries everything once: starts, then spans, then updates, so that each finds on the server what it refers to.
    /// What fails in a way that may pass stays in the backlog; returns the pause the server asked for.
    async fn deliver(&self, backlog: &mut Backlog) -> Option<Duration> {
        let mut pause = None;
        let starts = std::mem::take(&mut backlog.starts);
        backlog.starts = self.send_all(starts, Method::POST, "/session/start", &mut pause).await;

        let mut exports = std::mem::take(&mut backlog.exports).into_iter();
        while let Some(export) = exports.next() {
            if let Outcome::Later(export, asked) = self.export(export).await {
                pause = pause.max(asked);
                backlog.exports.push(export);
                // The others would fail in the same way.
                backlog.exports.extend(exports.by_ref());
            }
        }

        // An update needs its session to be there.
        let unstarted: HashSet<&str> = backlog.starts.iter().map(|start| start.event_id.as_str()).collect();
        let updates = std::mem::take(&mut backlog.updates);
        let (early, ready) = updates
            .into_iter()
            .partition(|update| unstarted.contains(update.event_id.as_str()));
        backlog.updates = early;
        backlog
            .updates
            .extend(self.send_all(ready, Method::PUT, "/events", &mut pause).await);
        pause
    }

    /// Sends each once, many at a time; returns those to try again. When nobody answers, the rest is not tried: each
    /// would wait for its own time to run out.
    async fn send_all(&self, all: Vec<Send>, method: Method, path: &str, pause: &mut Option<Duration>) -> Vec<Send> {
        let away = AtomicBool::new(false);
        let (away, method) = (&away, &method);
        let attempts = stream::iter(all).map(|send| async move {
            if away.load(Ordering::Relaxed) {
                return Outcome::Later(send, None);
            }
            self.send(send, method.clone(), path, away).await
        });
        let outcomes: Vec<Outcome<Send>> = attempts.buffer_unordered(self.max_connections).collect().await;
        let mut again = Vec::new();
        for outcome in outcomes {
            if let Outcome::Later(send, asked) = outcome {
                *pause = (*pause).max(asked);
                again.push(send);
            }
        }
        again
    }

    async fn send(&self, send: Send, method: Method, path: &str, away: &AtomicBool) -> Outcome<Send> {
        let body = match (&send.body, method == Method::PUT) {
            (Value::Object(fields), true) => {
                let mut fields = fields.clone();
                fields.insert("event_id".into(), send.event_id.clone().into());
                Value::Object(fields).to_string()
            }
            (body, _) => body.to_string(),
        };
        let attempt = self.transport.ingest(method.clone(), path, body.into_bytes());
        let counters = &self.queue.counters;
        match self.until_deadline(attempt).await {
            None => return Outcome::Later(send, None),
            Some(Ok(_)) => {
                counters.requests_delivered(send.requests as u64);
                send.announced(Ok(()));
            }
            Some(Err(error)) if error.is_transient() => {
                counters.retried(&error.to_string());
                away.fetch_or(matches!(error, SendError::NoAnswer { .. }), Ordering::Relaxed);
                return Outcome::Later(send, error.retry_after());
            }
            Some(Err(error)) => {
                let why = format!("{method} {path}: {error}");
                counters.requests_lost(send.requests as u64, &why);
                send.announced(Err(&why));
            }
        }
        self.queue.release(0, send.requests, send.bytes);
        Outcome::Settled
    }

    async fn export(&self, export: Export) -> Outcome<Export> {
        let counters = &self.queue.counters;
        let mut parts = vec![export];
        while let Some(part) = parts.pop() {
            match self.until_deadline(self.transport.export(part.body.clone())).await {
                None => return Outcome::Later(join(part, parts), None),
                Some(Ok(reply)) => {
                    let (rejected, why) = rejected(&reply);
                    let rejected = rejected.min(part.spans as u64);
                    counters.spans_exported(part.spans as u64 - rejected);
                    counters.spans_lost(Loss::Rejected, rejected, &why);
                }
                Some(Err(error)) if error.is_transient() => {
                    counters.retried(&error.to_string());
                    return Outcome::Later(join(part, parts), error.retry_after());
                }
                Some(Err(error)) => {
                    // One span too large or malformed must not cost its neighbours.
                    let halves = if is_about_the_body(&error) { part.halves() } else { None };
                    if let Some(halves) = halves {
                        parts.extend(halves.into_iter().rev());
                        continue;
                    }
                    counters.spans_lost(Loss::Rejected, part.spans as u64, &error.to_string());
                }
            }
            self.queue.release(part.spans, 0, part.bytes);
        }
        Outcome::Settled
    }

    /// Counts all that is left as lost.
    fn give_up(&self, backlog: Backlog) {
        const WHY: &str = "the program ended before it could be sent";
        let counters = &self.queue.counters;
        for export in backlog.exports {
            counters.spans_lost(Loss::UnsentAtExit, export.spans as u64, WHY);
            self.queue.release(export.spans, 0, export.bytes);
        }
        for send in backlog.starts.into_iter().chain(backlog.updates) {
            counters.requests_lost(send.requests as u64, WHY);
            send.announced(Err(WHY));
            self.queue.release(0, send.requests, send.bytes);
        }
    }

    /// Runs `work` unless the pipeline closes and its time is over first.
    async fn until_deadline<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut deadline = self.deadline.clone();
        let over = async move {
            // A closed channel means that no deadline will ever be set.
            let at = deadline.wait_for(Option::is_some).await.ok().and_then(|at| *at);
            match at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = over => None,
        }
    }

    /// Waits; cut short, with `false`, when the pipeline begins to close: then what is left deserves another try at once.
    async fn pause(&self, pause: Duration) -> bool {
        let mut closing = self.deadline.clone();
        if closing.borrow_and_update().is_some() {
            return self
                .until_deadline(tokio::time::sleep(pause.min(LONGEST_BACKOFF)))
                .await
                .is_some();
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            _ = closing.changed() => false,
        }
    }

    fn is_over(&self) -> bool {
        self.deadline.borrow().is_some_and(|at| at <= Instant::now())
    }
}

/// Waits until item `upto` is settled, for at most `limit`.
pub(super) async fn wait_settled(mut settled: watch::Receiver<u64>, upto: u64, limit: Duration) -> bool {
    timeout(limit, settled.wait_for(|done| *done >= upto))
        .await
        .is_ok_and(|seen| seen.is_ok())
}

/// The parts of a request that was being split, as one to try again: what is left of it.
fn join(part: Export, rest: Vec<Export>) -> Export {
    rest.into_iter().rev().fold(part, Export::with)
}

/// Whether the server objects to what was sent, not to who sent it.
fn is_about_the_body(error: &SendError) -> bool {
    use StatusCode as Status;

    let about_the_body = [
        Status::PAYLOAD_TOO_LARGE,
        Status::BAD_REQUEST,
        Status::UNPROCESSABLE_ENTITY,
    ];
    matches!(error, SendError::Refused { status, .. } if about_the_body.contains(status))
}

/// Spans the server says it did not take, and why.
fn rejected(reply: &Reply) -> (u64, String) {
    // An answer that is no OTLP message comes from a server that is content with everything.
    let partial = ExportTraceServiceResponse::decode(reply.body.as_slice())
        .ok()
        .and_then(|answer| answer.partial_success);
    partial.map_or((0, String::new()), |partial| {
        (
            u64::try_from(partial.rejected_spans).unwrap_or(0),
            partial.error_message,
        )
    })
}
