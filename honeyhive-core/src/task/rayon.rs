//! [`rayon::join`] and [`rayon::spawn`] in the context of the calling code. For parallel iterators there is
//! [`carry_each`](super::carry_each).
//!
//! A rayon thread that waits for one piece of work runs another meanwhile, inside the first. Work that does not carry
//! its own context then finds the one of the work it interrupts, which may be of another session: where several
//! sessions share a pool, carry the context into everything that records.

use super::carry;

/// As [`rayon::join`], both sides in the context of the calling code.
///
/// # Examples
///
/// ```
/// use honeyhive_core::task;
///
/// let (words, lines) = task::rayon::join(|| "a b".split(' ').count(), || "a b".lines().count());
/// assert_eq!((words, lines), (2, 1));
/// ```
pub fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    ::rayon::join(carry(a), carry(b))
}

/// As [`rayon::spawn`], in the context of the calling code.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
///
/// use honeyhive_core::task;
///
/// let (done, wait) = mpsc::channel();
/// task::rayon::spawn(move || done.send(1 + 1).unwrap_or_default());
/// assert_eq!(wait.recv(), Ok(2));
/// ```
pub fn spawn<F>(f: F)
where
    F: FnOnce() + Send + 'static,
{
    ::rayon::spawn(carry(f));
}
