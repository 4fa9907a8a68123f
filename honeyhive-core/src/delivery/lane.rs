//! A lane: requests of one kind, tried in order, many at once, with pauses of their own when they fail.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::Backoff;

/// What is to be sent, by its number in the queue.
#[derive(Debug)]
pub(super) struct Lane<T> {
    waiting: BTreeMap<u64, T>,
    under_way: BTreeMap<u64, (T, Instant)>,
    /// Where to go on, so that one that always fails is not the only one that is tried.
    next: u64,
    /// Most that are under way at once.
    width: usize,
    /// Nobody answers: one at a time finds out whether somebody does again.
    away: bool,
    pub(super) backoff: Backoff,
}

impl<T> Lane<T> {
    pub(super) fn new(width: usize) -> Self {
        Self {
            waiting: BTreeMap::new(),
            under_way: BTreeMap::new(),
            next: 0,
            width,
            away: false,
            backoff: Backoff::default(),
        }
    }

    pub(super) fn push(&mut self, number: u64, item: T) {
        self.waiting.insert(number, item);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty()
    }

    /// How many there are, waiting and under way.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.under_way.len()
    }

    /// Number of the oldest that is not settled.
    pub(super) fn oldest(&self) -> Option<u64> {
        let first = |number: Option<&u64>| number.copied();
        match (first(self.waiting.keys().next()), first(self.under_way.keys().next())) {
            (Some(waiting), Some(under_way)) => Some(waiting.min(under_way)),
            (one, other) => one.or(other),
        }
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = (u64, &T)> {
        self.waiting.iter().map(|(number, item)| (*number, item))
    }

    pub(super) fn waiting_mut(&mut self, number: u64) -> Option<&mut T> {
        self.waiting.get_mut(&number)
    }

    /// Those under way, with when they set out.
    pub(super) fn under_way(&self) -> impl Iterator<Item = (u64, &T, Instant)> {
        self.under_way
            .iter()
            .map(|(number, (item, begun))| (*number, item, *begun))
    }

    /// Whether another may set out now.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        let width = if self.away { 1 } else { self.width };
        self.under_way.len() < width && self.backoff.until(now).is_none()
    }

    /// The number of the next to set out, of those before `upto` that may.
    pub(super) fn next(&self, upto: u64, may: impl Fn(u64, &T) -> bool) -> Option<u64> {
        let from = self.next.min(upto);
        let (after, before) = (self.waiting.range(from..upto), self.waiting.range(..from));
        after
            .chain(before)
            .find(|(number, item)| may(**number, item))
            .map(|(number, _)| *number)
    }

    /// Sends one on its way.
    pub(super) fn set_out(&mut self, number: u64, now: Instant) -> Option<&mut T> {
        let item = self.waiting.remove(&number)?;
        self.next = number + 1;
        let (item, _) = self.under_way.entry(number).or_insert((item, now));
        Some(item)
    }

    /// Notes that a server took one, or refused it for good; its fate is the caller's to count.
    pub(super) fn settle(&mut self, number: u64) -> Option<T> {
        self.away = false;
        self.backoff.succeeded();
        self.under_way.remove(&number).map(|(item, _)| item)
    }

    /// Puts one back that failed in a way that may pass.
    pub(super) fn fail(&mut self, number: u64, away: bool, asked: Option<Duration>, now: Instant) {
        self.away = away;
        if let Some((item, begun)) = self.under_way.remove(&number) {
            self.backoff.failed(begun, asked, now);
            self.waiting.insert(number, item);
        }
    }

    /// Takes the oldest that waits.
    pub(super) fn take_oldest(&mut self) -> Option<(u64, T)> {
        self.waiting.pop_first()
    }

    /// Takes all that wait, in order.
    pub(super) fn take_waiting(&mut self) -> impl Iterator<Item = T> + use<T> {
        std::mem::take(&mut self.waiting).into_values()
    }

    /// Whether there is something, and the last attempt since `begin` failed.
    pub(super) fn fails_since(&self, begin: Instant) -> bool {
        !self.is_empty() && self.backoff.failed_since(begin)
    }

    /// Takes everything, in order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> + use<T> {
        let mut all = std::mem::take(&mut self.waiting);
        let under_way = std::mem::take(&mut self.under_way);
        all.extend(under_way.into_iter().map(|(number, (item, _))| (number, item)));
        all.into_values()
    }
}
