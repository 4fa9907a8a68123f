//! How fast the function may be called: a rate, and a number of calls at once that shrinks when a service says that it is
//! too much. Waiting here is no part of a row's latency.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::output::TaskError;

/// How many calls of the function may begin in a time: a bucket that fills with one token per `per / calls` and holds
/// [`burst`](Self::burst) of them. Each attempt of a retried call takes one.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::RateLimit;
///
/// let limit = RateLimit::per_minute(500).burst(10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    calls: u32,
    per: Duration,
    burst: u32,
}

impl RateLimit {
    /// This many calls in this time, evenly spaced. No call at all is read as one.
    #[must_use]
    pub fn new(calls: u32, per: Duration) -> Self {
        Self {
            calls: calls.max(1),
            per,
            burst: 1,
        }
    }

    /// This many calls a second.
    #[must_use]
    pub fn per_second(calls: u32) -> Self {
        Self::new(calls, Duration::from_secs(1))
    }

    /// This many calls a minute.
    #[must_use]
    pub fn per_minute(calls: u32) -> Self {
        Self::new(calls, Duration::from_secs(60))
    }

    /// How many calls may begin at once after a quiet time. Default: 1. A burst adds to what fits into the time, so
    /// keep it well below the limit of the service.
    #[must_use]
    pub fn burst(mut self, calls: u32) -> Self {
        self.burst = calls.max(1);
        self
    }

    fn interval(self) -> Duration {
        self.per / self.calls
    }
}

/// Says of an error whether the service asked for fewer calls.
pub(crate) type IsThrottled = Arc<dyn Fn(&TaskError) -> bool + Send + Sync>;

/// Status 429 and what services say along with it.
pub(crate) fn is_throttled(error: &TaskError) -> bool {
    const WORDS: [&str; 5] = [
        "too many requests",
        "rate limit",
        "rate_limit",
        "ratelimit",
        "overloaded",
    ];
    let text = format!("{} {}", error.kind, error.message).to_lowercase();
    let mut numbers = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    numbers.any(|word| word == "429") || WORDS.iter().any(|word| text.contains(word))
}

/// The limits of one experiment.
pub(crate) struct Limits {
    rate: Option<Rate>,
    adaptive: Option<Adaptive>,
}

struct Rate {
    limit: RateLimit,
    /// When the bucket would be full again.
    full_at: Mutex<Instant>,
}

struct Adaptive {
    is_throttled: IsThrottled,
    most: f64,
    state: Mutex<Concurrency>,
    room: Notify,
}

/// Additive increase, multiplicative decrease: half as many calls after a complaint, one more after each round without.
struct Concurrency {
    limit: f64,
    running: usize,
    cut_at: Instant,
}

impl Limits {
    pub(crate) fn new(rate: Option<RateLimit>, is_throttled: Option<IsThrottled>, workers: usize) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "nobody has 2^53 workers")]
        let most = workers as f64;
        let now = Instant::now();
        Self {
            rate: rate.map(|limit| Rate {
                limit,
                full_at: Mutex::new(now),
            }),
            adaptive: is_throttled.map(|is_throttled| Adaptive {
                is_throttled,
                most,
                state: Mutex::new(Concurrency {
                    limit: most,
                    running: 0,
                    cut_at: now,
                }),
                room: Notify::new(),
            }),
        }
    }

    /// Waits until a call may begin.
    pub(crate) async fn enter(self: &Arc<Self>) -> Permit {
        if let Some(adaptive) = &self.adaptive {
            adaptive.enter().await;
        }
        // Dropped while it waits for the rate, it gives its place back.
        let mut permit = Permit {
            limits: self.clone(),
            began: Instant::now(),
        };
        if let Some(rate) = &self.rate {
            let turn = rate.turn();
            if turn > Instant::now() {
                tokio::time::sleep_until(turn).await;
            }
            permit.began = Instant::now();
        }
        permit
    }
}

impl Rate {
    /// Takes the next token and says when it is there.
    fn turn(&self) -> Instant {
        let mut full_at = lock(&self.full_at);
        let now = Instant::now();
        let interval = self.limit.interval();
        let full = (*full_at).max(now);
        *full_at = full + interval;
        // With `burst` tokens in the bucket, this many intervals of debt are free.
        full.checked_sub(interval * (self.limit.burst - 1))
            .map_or(now, |turn| turn.max(now))
    }
}

impl Adaptive {
    async fn enter(&self) {
        loop {
            let room = self.room.notified();
            {
                let mut state = lock(&self.state);
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between one and the workers"
                )]
                let limit = state.limit.max(1.0) as usize;
                if state.running < limit {
                    state.running += 1;
                    return;
                }
            }
            room.await;
        }
    }
}

/// A call under way, as the limits count it.
pub(crate) struct Permit {
    limits: Arc<Limits>,
    began: Instant,
}

impl Permit {
    /// Says what came of the call.
    pub(crate) fn settle(self, error: Option<&TaskError>) {
        let Some(adaptive) = &self.limits.adaptive else { return };
        let mut state = lock(&adaptive.state);
        match error {
            // Calls that began before the last cut complain about what was before it.
            Some(error) if (adaptive.is_throttled)(error) => {
                if self.began >= state.cut_at {
                    state.limit = (state.limit / 2.0).max(1.0);
                    state.cut_at = Instant::now();
                }
            }
            _ => state.limit = (state.limit + 1.0 / state.limit).min(adaptive.most),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(adaptive) = &self.limits.adaptive {
            let mut state = lock(&adaptive.state);
            state.running = state.running.saturating_sub(1);
            drop(state);
            // The limit may have grown: whoever waits looks again.
            adaptive.room.notify_waiters();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_are_spaced_evenly_after_the_burst() {
        let limits = Arc::new(Limits::new(Some(RateLimit::per_second(10).burst(3)), None, 8));
        let started = Instant::now();
        let mut at = Vec::new();
        for _ in 0..6 {
            let permit = limits.enter().await;
            permit.settle(None);
            at.push(started.elapsed().as_millis());
        }
        assert_eq!(at, [0, 0, 0, 100, 200, 300]);
    }

    #[tokio::test]
    async fn a_complaint_halves_the_calls_at_once_and_success_brings_them_back() {
        let limits = Arc::new(Limits::new(None, Some(Arc::new(is_throttled)), 8));
        let limit = || {
            let adaptive = limits.adaptive.as_ref();
            adaptive.map_or(f64::NAN, |adaptive| lock(&adaptive.state).limit)
        };
        let complaint = TaskError::new("ApiError", "status 429: slow down");
        let both = (limits.enter().await, limits.enter().await);
        both.0.settle(Some(&complaint));
        both.1.settle(Some(&complaint));
        assert!(
            (limit() - 4.0).abs() < 1e-9,
            "one round of complaints is one cut: {}",
            limit()
        );
        for _ in 0..64 {
            limits.enter().await.settle(None);
        }
        assert!((limit() - 8.0).abs() < 1e-9, "{}", limit());
    }

    #[tokio::test]
    async fn no_more_calls_run_than_the_limit_allows() {
        let limits = Arc::new(Limits::new(None, Some(Arc::new(is_throttled)), 2));
        let first = limits.enter().await;
        first.settle(Some(&TaskError::new("E", "Too Many Requests")));
        let held = limits.enter().await;
        let second = limits.enter();
        tokio::pin!(second);
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(held);
        assert!(futures_util::poll!(&mut second).is_ready());
    }

    #[test]
    fn what_services_say_when_it_is_too_much() {
        for (text, throttled) in [
            ("HTTP status 429", true),
            ("Rate limit reached for requests", true),
            ("error 4290", false),
            ("not found", false),
        ] {
            assert_eq!(is_throttled(&TaskError::new("E", text)), throttled, "{text}");
        }
    }
}
