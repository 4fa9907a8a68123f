//! Calling a function again after it failed, when that is asked for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::output::TaskError;

/// When and how often a function that failed is called again. Nothing is retried unless asked for.
///
/// Between attempts there is a pause that doubles each time, shortened at random by up to half of it so that datapoints
/// that failed together do not come back together. All attempts belong to the datapoint's one session.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use honeyhive_eval::Retry;
///
/// let retry = Retry::times(3).pause(Duration::from_millis(500)).only_if(|error| error.message.contains("429"));
/// ```
#[derive(Clone)]
pub struct Retry {
    pub(crate) times: u32,
    pause: Duration,
    longest: Duration,
    only_if: Arc<dyn Fn(&TaskError) -> bool + Send + Sync>,
}

impl Retry {
    /// Up to this many further attempts, after pauses of 1 s, 2 s, 4 s … of at most 60 s. What cannot succeed by being
    /// repeated is not: a panic, and an argument the datapoint does not hold.
    #[must_use]
    pub fn times(times: u32) -> Self {
        Self {
            times,
            pause: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            only_if: Arc::new(|error| !matches!(error.kind.as_str(), "Panic" | "ExtractError")),
        }
    }

    /// The first pause.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// What no pause exceeds.
    #[must_use]
    pub fn longest_pause(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// Retries only after these errors. A timeout is the kind `Timeout`, a panic the kind `Panic`.
    #[must_use]
    pub fn only_if(mut self, only_if: impl Fn(&TaskError) -> bool + Send + Sync + 'static) -> Self {
        self.only_if = Arc::new(only_if);
        self
    }

    /// Whether the function is called again after this many attempts, of which the last failed so.
    pub(crate) fn again(&self, attempts: u32, error: &TaskError) -> bool {
        attempts <= self.times && (self.only_if)(error)
    }

    /// The pause after this many attempts.
    pub(crate) fn pause_after(&self, attempts: u32) -> Duration {
        let doubled = self.pause.saturating_mul(1 << attempts.saturating_sub(1).min(20));
        // The random half of an id is as good as any generator for this.
        let random = uuid::Uuid::new_v4().as_bytes()[15];
        doubled.min(self.longest).mul_f64(1.0 - f64::from(random) / 512.0)
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("times", &self.times)
            .field("pause", &self.pause)
            .field("longest", &self.longest)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_are_shortened_by_half_at_most_and_are_bounded() {
        let retry = Retry::times(9)
            .pause(Duration::from_millis(100))
            .longest_pause(Duration::from_millis(300));
        for (attempts, whole) in [(1, 100), (2, 200), (3, 300), (60, 300)] {
            let pause = retry.pause_after(attempts).as_millis();
            assert!((whole / 2..=whole).contains(&pause), "{attempts}: {pause} ms");
        }
    }

    #[test]
    fn only_so_many_attempts_and_nothing_that_cannot_succeed() {
        let retry = Retry::times(2);
        let error = TaskError::new("Timeout", "");
        assert!(retry.again(1, &error) && retry.again(2, &error) && !retry.again(3, &error));
        assert!(!retry.again(1, &TaskError::new("Panic", "")));
    }
}
