//! Work on other tasks and threads that belongs to the session and the span of the code that hands it over.
//!
//! The active tracer and the active span live in the OpenTelemetry context, and a context belongs to one thread or one
//! [`scope`](crate::HoneyHiveTracer::scope). What is spawned starts without one. The functions here take the context of
//! the calling code along; nothing stays behind on the thread that ran the work, not even after a panic.
//!
//! | Instead of | Write |
//! |---|---|
//! | `tokio::spawn(future)` | [`task::spawn(future)`](spawn) |
//! | `tokio::task::spawn_blocking(f)` | [`task::spawn_blocking(f)`](spawn_blocking) |
//! | `std::thread::spawn(f)` | [`task::spawn_thread(f)`](spawn_thread) |
//! | `scope.spawn(f)` in `std::thread::scope`, `pool.execute(f)` | `scope.spawn(`[`task::carry(f)`](carry)`)` |
//! | `set.spawn(future)` of a `JoinSet` | `set.spawn(`[`task::carry_future(future)`](carry_future)`)` |
//! | `items.par_iter().map(f)` | `items.par_iter().map(`[`task::carry_each(f)`](carry_each)`)` |
//! | `rayon::join(a, b)`, `rayon::spawn(f)` | `task::rayon::join(a, b)`, `task::rayon::spawn(f)`, with feature `rayon` |
//!
//! Futures that are polled where they were made need none of it: `join!`, `select!`, and `FuturesUnordered` inside a
//! traced function run in that function's context.
//!
//! # Examples
//!
//! ```
//! use honeyhive_core::{HoneyHiveTracer, task, trace};
//!
//! #[trace]
//! async fn fetch(page: u32) -> u32 {
//!     page
//! }
//!
//! #[trace(event_type = "chain")]
//! async fn crawl() -> u32 {
//!     let first = task::spawn(fetch(1)); // an event below `crawl`
//!     let mut others = tokio::task::JoinSet::new();
//!     others.spawn(task::carry_future(fetch(2))); // and another
//!     first.await.unwrap_or(0) + others.join_all().await.len() as u32
//! }
//! ```

#[cfg(feature = "rayon")]
pub mod rayon;

use std::future::Future;
use std::thread;

use tokio::task::JoinHandle;

use crate::context::{self, Attached, InContext};

/// As [`tokio::spawn`], in the context of the calling code.
///
/// # Panics
///
/// Outside a tokio runtime, as [`tokio::spawn`] does.
///
/// # Examples
///
/// ```
/// # use honeyhive_core::{HoneyHiveTracer, task};
/// # async fn summarize(text: String) {}
/// # async fn handler(text: String) {
/// // Goes on after the answer was sent, and is recorded in the session of the request.
/// task::spawn(async move { summarize(text).await });
/// # }
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(carry_future(future))
}

/// As [`tokio::task::spawn_blocking`], in the context of the calling code.
///
/// # Panics
///
/// Outside a tokio runtime, as [`tokio::task::spawn_blocking`] does.
///
/// # Examples
///
/// ```
/// # use honeyhive_core::task;
/// # fn embed(text: &str) -> Vec<f32> { Vec::new() }
/// # async fn handler(text: String) -> Result<(), tokio::task::JoinError> {
/// let vector = task::spawn_blocking(move || embed(&text)).await?;
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn spawn_blocking<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    tokio::task::spawn_blocking(carry(f))
}

/// As [`std::thread::spawn`], in the context of the calling code.
///
/// # Panics
///
/// When the system cannot start a thread, as [`std::thread::spawn`] does.
///
/// # Examples
///
/// ```
/// use honeyhive_core::task;
///
/// let sum = task::spawn_thread(|| 1 + 1).join();
/// assert_eq!(sum.ok(), Some(2));
/// ```
#[track_caller]
pub fn spawn_thread<F, T>(f: F) -> thread::JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    thread::spawn(carry(f))
}

/// A closure that runs in the context this was called in, for a thread pool, a scoped thread or a callback.
///
/// # Examples
///
/// ```
/// use honeyhive_core::task;
///
/// let pages = ["a", "b"];
/// std::thread::scope(|scope| {
///     for page in &pages {
///         scope.spawn(task::carry(move || page.len()));
///     }
/// });
/// ```
pub fn carry<F, T>(f: F) -> impl FnOnce() -> T
where
    F: FnOnce() -> T,
{
    let cx = context::carried();
    move || {
        let _attached = Attached::new(cx);
        f()
    }
}

/// As [`carry`], for a closure with an argument that is called many times, such as that of a parallel iterator.
///
/// # Examples
///
/// ```
/// use honeyhive_core::task;
///
/// let length = task::carry_each(|page: &str| page.len());
/// // With rayon: pages.par_iter().map(task::carry_each(|page| …))
/// assert_eq!(["a", "bc"].map(length), [1, 2]);
/// ```
pub fn carry_each<F, A, R>(f: F) -> impl Fn(A) -> R
where
    F: Fn(A) -> R,
{
    let cx = context::carried();
    move |argument| {
        let _attached = Attached::new(cx.clone());
        f(argument)
    }
}

/// A future that runs in the context this was called in, wherever it is polled: in a `JoinSet`, a `LocalSet`, on
/// another executor.
///
/// # Examples
///
/// ```
/// use honeyhive_core::task;
/// use tokio::task::JoinSet;
///
/// # async fn fetch(page: u32) -> u32 { page }
/// # async fn crawl() {
/// let mut pages = JoinSet::new();
/// for page in 0..10 {
///     pages.spawn(task::carry_future(fetch(page)));
/// }
/// # }
/// ```
pub fn carry_future<F: Future>(future: F) -> InContext<F> {
    InContext::new(future, Some(context::carried()))
}
