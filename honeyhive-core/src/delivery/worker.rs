//! The worker: one thread with a small runtime of its own, so that delivery works from any program, async or not.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::encode;
use super::queue::{BATCH, Batch, FinishedSpan, Queue, Urgency};
use super::stats::Loss;
use super::transport::{Method, Reply, SendError, SharedTransport};

/// How long a span waits for others to share its request.
const LINGER: Duration = Duration::from_secs(1);
/// Bytes of spans in one request, roughly, before encoding.
const REQUEST_BYTES: usize = 4 << 20;
/// Session starts or updates under way at once.
const IN_FLIGHT: usize = 32;
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// Attempts for a session start or update, and for spans that a live server answers with an error.
const ATTEMPTS: u32 = 8;

pub(super) struct Worker {
    pub(super) queue: Arc<Queue>,
    pub(super) transport: SharedTransport,
    pub(super) resource: Resource,
    /// Number of the youngest item whose fate is decided.
    pub(super) settled: watch::Sender<u64>,
    /// When to give up, once the pipeline is closing.
    pub(super) deadline: watch::Receiver<Option<Instant>>,
}

impl Worker {
    /// Runs until the pipeline is closed and its queue is empty or its time is over.
    pub(super) async fn run(mut self) {
        loop {
            self.wait().await;
            let batch = self.queue.take();
            let upto = batch.upto;
            self.deliver(batch).await;
            self.settled.send_replace(upto);
            if self.queue.is_closed() && self.queue.urgency() == Urgency::Idle {
                return;
            }
        }
    }

    async fn wait(&self) {
        let mut linger_until = None;
        loop {
            match self.queue.urgency() {
                Urgency::Now => return,
                Urgency::Idle if self.queue.is_closed() => return,
                Urgency::Idle => self.queue.wake.notified().await,
                Urgency::Waiting => {
                    let until = *linger_until.get_or_insert_with(|| Instant::now() + LINGER);
                    tokio::select! {
                        () = self.queue.wake.notified() => {}
                        () = sleep_until(until) => return,
                    }
                }
            }
        }
    }

    /// Sends starts, then spans, then updates, so that each finds on the server what it refers to.
    async fn deliver(&mut self, batch: Batch) {
        let this = &*self;
        stream::iter(batch.starts)
            .for_each_concurrent(IN_FLIGHT, |start| async move {
                let body = start.body().to_string().into_bytes();
                this.request(Method::POST, "/session/start", body).await;
            })
            .await;
        for chunk in chunks(batch.spans) {
            this.export(chunk).await;
        }
        stream::iter(batch.updates)
            .for_each_concurrent(IN_FLIGHT, |update| async move {
                let body = update.body().to_string().into_bytes();
                this.request(Method::PUT, "/events", body).await;
            })
            .await;
    }

    async fn request(&self, method: Method, path: &str, body: Vec<u8>) {
        let outcome = self.retry(
            |_, attempt| attempt < ATTEMPTS,
            || self.transport.ingest(method.clone(), path, body.clone()),
        );
        match outcome.await {
            Ok(_) => self.queue.counters.request_delivered(),
            Err(error) => self.queue.counters.request_lost(&format!("{method} {path}: {error}")),
        }
    }

    async fn export(&self, spans: Vec<FinishedSpan>) {
        let count = spans.len() as u64;
        let body = encode::request(spans, &self.resource).encode_to_vec();
        // While nobody answers, spans are kept: the queue bounds what that may cost.
        let keep = |error: &SendError, attempt| matches!(error, SendError::NoAnswer { .. }) || attempt < ATTEMPTS;
        let outcome = self.retry(keep, || self.transport.export(body.clone())).await;
        let counters = &self.queue.counters;
        match outcome {
            Ok(reply) => {
                let (rejected, why) = rejected(&reply);
                let rejected = rejected.min(count);
                counters.spans_exported(count - rejected);
                counters.spans_lost(Loss::Rejected, rejected, &why);
            }
            Err(error) => {
                let loss = if error.is_transient() && self.is_over() {
                    Loss::UnsentAtExit
                } else {
                    Loss::Rejected
                };
                counters.spans_lost(loss, count, &error.to_string());
            }
        }
    }

    /// Repeats an attempt while its failure may pass, `again` allows it and there is time.
    async fn retry<F>(
        &self,
        again: impl Fn(&SendError, u32) -> bool,
        mut attempt: impl FnMut() -> F,
    ) -> Result<Reply, SendError>
    where
        F: Future<Output = Result<Reply, SendError>>,
    {
        let mut backoff = FIRST_BACKOFF;
        let mut tries = 1;
        loop {
            let error = match self.until_deadline(attempt()).await {
                Some(Ok(reply)) => return Ok(reply),
                Some(Err(error)) => error,
                None => {
                    return Err(SendError::NoAnswer {
                        problem: "the program ended first".into(),
                    });
                }
            };
            if !error.is_transient() || !again(&error, tries) {
                return Err(error);
            }
            self.queue.counters.retried(&error.to_string());
            if self.until_deadline(tokio::time::sleep(backoff)).await.is_none() {
                return Err(error);
            }
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
            tries += 1;
        }
    }

    /// Runs `work` unless the pipeline closes and its time is over first.
    async fn until_deadline<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut deadline = self.deadline.clone();
        let over = async move {
            // Waits for a deadline to be set; a closed channel means none ever will be.
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

fn chunks(spans: Vec<FinishedSpan>) -> impl Iterator<Item = Vec<FinishedSpan>> {
    let mut spans = spans.into_iter().peekable();
    std::iter::from_fn(move || {
        let mut chunk = vec![spans.next()?];
        let mut bytes = chunk[0].bytes;
        while chunk.len() < BATCH
            && let Some(span) = spans.next_if(|span| bytes + span.bytes <= REQUEST_BYTES)
        {
            bytes += span.bytes;
            chunk.push(span);
        }
        Some(chunk)
    })
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
