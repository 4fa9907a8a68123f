//! Keeping on disk what cannot be delivered, and sending what is kept.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use prost::bytes::Bytes;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::export::{Export, about_the_body, rejected};
use super::spool::{Claimed, GivenUp, Kind, Spool};
use super::stats::Counters;
use super::transport::{Method, Reply, SendError, SharedTransport};

/// Bytes of one file with session starts or updates.
const FILE_BYTES: usize = 1 << 20;
/// How long nothing is written after a write that failed.
const SICK: Duration = Duration::from_secs(10);
/// Session starts of one file under way at once.
const WIDTH: usize = 16;

/// The spool as the worker uses it: one file at a time is on its way to the server.
#[derive(Debug)]
pub(super) struct Recovery {
    spool: Option<Spool>,
    claimed: Option<Claimed>,
    under_way: bool,
    sick_until: Option<Instant>,
    backoff: Backoff,
}

/// What became of the items of a file.
#[derive(Debug, Default)]
pub(super) struct Resent {
    accepted: usize,
    refused: usize,
    why: String,
    /// What of a parted file is still to be sent, and what went wrong with it.
    left: Option<(Vec<Export>, SendError)>,
}

impl Recovery {
    /// Looks for what earlier processes left.
    pub(super) fn new(spool: Option<Spool>, counters: &Counters) -> Self {
        let mut recovery = Self {
            spool,
            claimed: None,
            under_way: false,
            sick_until: None,
            backoff: Backoff::default(),
        };
        if let Some(Err(error)) = recovery.spool.as_mut().map(Spool::look) {
            recovery.is_sick(&error.to_string(), counters);
        }
        recovery
    }

    /// Whether there is a spool, and it takes what is written.
    pub(super) fn keeps(&self) -> bool {
        self.spool.is_some() && self.sick_until.is_none_or(|until| until <= Instant::now())
    }

    /// Whether files wait for a server that, as far as is known, answers.
    pub(super) fn is_busy(&self) -> bool {
        let waits = self.claimed.is_some() || self.spool.as_ref().is_some_and(|spool| !spool.is_empty());
        waits && !self.backoff.is_failing()
    }

    /// When the pause after a failure is over.
    pub(super) fn pause_ends(&self, now: Instant) -> Option<Instant> {
        self.backoff.until(now)
    }

    /// Writes a file; `false` when that is not possible.
    pub(super) fn keep(&mut self, kind: Kind, items: usize, body: &[u8], counters: &Counters) -> bool {
        if !self.keeps() {
            return false;
        }
        match self.spool.as_mut().map(|spool| spool.write(kind, items, body)) {
            Some(Ok(given_up)) => {
                count(&given_up, counters);
                true
            }
            Some(Err(error)) => {
                self.is_sick(&error.to_string(), counters);
                false
            }
            None => false,
        }
    }

    /// Writes requests, one a line; returns those that could be written and those that could not.
    pub(super) fn keep_lines<T>(
        &mut self,
        kind: Kind,
        items: Vec<T>,
        body: impl Fn(&T) -> Bytes,
        counters: &Counters,
    ) -> (Vec<T>, Vec<T>) {
        let (mut kept, mut lost) = (Vec::new(), Vec::new());
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            let (mut lines, mut file) = (Vec::new(), Vec::new());
            while let Some(item) = items.next_if(|_| lines.len() < FILE_BYTES) {
                lines.extend_from_slice(&body(&item));
                lines.push(b'\n');
                file.push(item);
            }
            let fate = if self.keep(kind, file.len(), &lines, counters) {
                &mut kept
            } else {
                &mut lost
            };
            fate.append(&mut file);
        }
        (kept, lost)
    }

    /// Sees to it that what was written outlives the machine.
    pub(super) fn commit(&mut self, counters: &Counters) -> bool {
        match self.spool.as_ref().map(Spool::commit) {
            Some(Err(error)) => {
                self.is_sick(&error.to_string(), counters);
                false
            }
            committed => committed.is_some(),
        }
    }

    /// The next file to send.
    pub(super) fn sets_out(&mut self, counters: &Counters, now: Instant) -> Option<(Kind, usize, Bytes)> {
        if self.under_way || self.backoff.until(now).is_some() {
            return None;
        }
        if self.claimed.is_none() {
            let mut given_up = Vec::new();
            self.claimed = self.spool.as_mut()?.claim(&mut given_up);
            count(&given_up, counters);
        }
        let claimed = self.claimed.as_ref()?;
        self.under_way = true;
        Some((claimed.kind, claimed.items, claimed.body.clone()))
    }

    /// Counts what became of a file, or waits to try it again.
    pub(super) fn finish(&mut self, outcome: Result<Resent, SendError>, counters: &Counters, now: Instant) {
        self.under_way = false;
        match outcome {
            Ok(resent) => {
                counters.spool_delivered(resent.accepted as u64);
                counters.spool_lost(resent.refused as u64, &resent.why);
                let left = match resent.left {
                    Some((left, error)) => {
                        self.failed(&error, counters, now);
                        left
                    }
                    None => {
                        self.backoff.succeeded();
                        Vec::new()
                    }
                };
                // What is left gets files of its own, so that what was taken is not sent again.
                let kept = left
                    .iter()
                    .all(|part| self.keep(Kind::Spans, part.spans, &part.body, counters))
                    && (left.is_empty() || self.commit(counters));
                if let (Some(spool), Some(claimed)) = (&mut self.spool, self.claimed.take()) {
                    if kept {
                        spool.remove(&claimed);
                    } else {
                        spool.defer(claimed);
                    }
                }
            }
            Err(error) => {
                self.failed(&error, counters, now);
                // One that a server fails on must not keep the others here.
                if !error.is_no_answer()
                    && let (Some(spool), Some(claimed)) = (&mut self.spool, self.claimed.take())
                {
                    spool.defer(claimed);
                }
            }
        }
    }

    fn failed(&mut self, error: &SendError, counters: &Counters, now: Instant) {
        counters.retried(&format!("sending a file of the spool: {error}"));
        self.backoff.failed(now, error.retry_after(), now);
    }

    fn is_sick(&mut self, why: &str, counters: &Counters) {
        self.sick_until = Some(Instant::now() + SICK);
        counters.spool_failed(why);
    }
}

fn count(given_up: &[GivenUp], counters: &Counters) {
    for given_up in given_up {
        counters.spool_lost(given_up.items as u64, &given_up.why);
    }
}

/// Sends what a file holds. A failure that may pass is one of the whole file.
pub(super) async fn resend(
    transport: &SharedTransport,
    kind: Kind,
    items: usize,
    body: Bytes,
) -> Result<Resent, SendError> {
    match kind {
        Kind::Spans => resend_spans(transport, items, body).await,
        Kind::Starts => resend_lines(transport, Method::POST, "/session/start", body, WIDTH).await,
        // In their order.
        Kind::Updates => resend_lines(transport, Method::PUT, "/events", body, 1).await,
    }
}

async fn resend_spans(transport: &SharedTransport, spans: usize, body: Bytes) -> Result<Resent, SendError> {
    let mut resent = Resent::default();
    let mut parts = vec![Export {
        body,
        spans,
        first: 0,
        last: 0,
    }];
    while let Some(part) = parts.pop() {
        match transport.export(part.body.clone()).await {
            Ok(reply) => {
                let (refused, why) = rejected(&reply.body);
                let refused = usize::try_from(refused).unwrap_or(usize::MAX).min(part.spans);
                resent.note(part.spans - refused, refused, transport.showable(why));
            }
            Err(error) if error.is_transient() && resent.is_empty() => return Err(error),
            Err(error) if error.is_transient() => {
                parts.push(part);
                resent.left = Some((parts, error));
                break;
            }
            Err(error) => match about_the_body(&error).then(|| part.halves()).flatten() {
                Some(halves) => parts.extend(halves),
                None => resent.note(0, part.spans, error.to_string()),
            },
        }
    }
    Ok(resent)
}

async fn resend_lines(
    transport: &SharedTransport,
    method: Method,
    path: &str,
    body: Bytes,
    width: usize,
) -> Result<Resent, SendError> {
    let lines: Vec<Bytes> = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| body.slice_ref(line))
        .collect();
    let outcomes: Vec<Result<Reply, SendError>> = stream::iter(lines)
        .map(|line| transport.ingest(method.clone(), path, line))
        .buffer_unordered(width)
        .map(|outcome| match outcome {
            Err(error) if error.is_transient() => Err(error),
            settled => Ok(settled),
        })
        .try_collect()
        .await?;
    let mut resent = Resent::default();
    for outcome in outcomes {
        match outcome {
            Ok(_) => resent.note(1, 0, String::new()),
            Err(error) => resent.note(0, 1, error.to_string()),
        }
    }
    Ok(resent)
}

impl Resent {
    fn is_empty(&self) -> bool {
        self.accepted + self.refused == 0
    }

    fn note(&mut self, accepted: usize, refused: usize, why: String) {
        self.accepted += accepted;
        self.refused += refused;
        if refused > 0 {
            self.why = why;
        }
    }
}
