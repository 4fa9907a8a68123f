//! How long a request that failed waits until it is tried again.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
/// The longest pause a server can ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// Pauses between attempts: each up to twice as long as the one before, cut at random so that the clients of a server
/// that comes back do not all come at once. A pause the server asks for is kept.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    /// Failures since the last success. What was under way together fails once.
    failures: u32,
    /// When the first and the last of them were noted.
    first: Option<Instant>,
    last: Option<Instant>,
    until: Option<Instant>,
    asked: bool,
}

impl Backoff {
    /// Notes that an attempt failed, when it was begun, and the pause the server asked for.
    pub(super) fn failed(&mut self, begun: Instant, asked: Option<Duration>, now: Instant) {
        if self.last.is_none_or(|last| begun >= last) {
            let pause = pause(self.failures);
            self.failures = self.failures.saturating_add(1);
            self.first.get_or_insert(now);
            self.last = Some(now);
            self.until = Some(now + pause);
            self.asked = false;
        }
        if let Some(asked) = asked {
            let until = now + asked.min(LONGEST_ASKED);
            self.until = self.until.max(Some(until));
            self.asked = true;
        }
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Ends a pause that the server did not ask for.
    pub(super) fn hurry(&mut self) {
        if !self.asked {
            self.until = None;
        }
    }

    pub(super) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    pub(super) fn failed_since(&self, begin: Instant) -> bool {
        self.last.is_some_and(|last| last >= begin)
    }

    pub(super) fn failing_for(&self, now: Instant) -> Duration {
        self.first
            .map_or(Duration::ZERO, |first| now.saturating_duration_since(first))
    }

    /// Whether the last pause is over and nothing has failed since in `other`.
    pub(super) fn outlasts(&self, other: &Self, now: Instant) -> bool {
        let end = self.until.filter(|until| *until <= now);
        end.is_some_and(|end| !other.failed_since(end))
    }

    /// When the pause is over, if there is one.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now)
    }
}

/// The pause after this many failures: between a half and the whole of what it has doubled to.
pub(super) fn pause(failures: u32) -> Duration {
    let whole = FIRST.saturating_mul(1 << failures.min(16)).min(LONGEST);
    // A hasher of the standard library is keyed at random.
    let random = RandomState::new().hash_one(failures) >> 32;
    #[allow(clippy::cast_precision_loss, reason = "32 bits")]
    let share = 0.5 + random as f64 / f64::from(u32::MAX) / 2.0;
    whole.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_differ() {
        for failures in 0..40 {
            let whole = FIRST.saturating_mul(1 << failures.min(16)).min(LONGEST);
            let pauses: Vec<Duration> = (0..20).map(|_| pause(failures)).collect();
            assert!(pauses.iter().all(|pause| *pause >= whole / 2 && *pause <= whole));
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
        }
    }

    #[test]
    fn what_failed_together_counts_once_and_what_the_server_asks_is_kept() {
        let start = Instant::now();
        let mut backoff = Backoff::default();
        for _ in 0..32 {
            backoff.failed(start, None, start + Duration::from_secs(1));
        }
        assert_eq!(backoff.failures, 1);
        let later = start + Duration::from_secs(2);
        backoff.failed(later, Some(Duration::from_secs(7)), later);
        backoff.hurry();
        assert_eq!(backoff.until(later), Some(later + Duration::from_secs(7)));
        assert_eq!(backoff.failing_for(later), Duration::from_secs(1));
        backoff.succeeded();
        assert_eq!((backoff.until(later), backoff.is_failing()), (None, false));
    }
}
