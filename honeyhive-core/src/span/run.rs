//! Running the body of a call inside its span: a panic is the span's error, and unwinds on.

use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::Span;
use crate::context::InContext;

/// Runs a body inside the span.
pub fn run<T>(span: &mut Span, body: impl FnOnce() -> T) -> T {
    if span.is_disabled() {
        return body();
    }
    let active = span.activate();
    let ran = panic::catch_unwind(AssertUnwindSafe(body));
    drop(active);
    ran.unwrap_or_else(|payload| {
        span.settle_with_panic(&*payload);
        panic::resume_unwind(payload)
    })
}

/// Runs a future inside the span.
pub fn run_future<F: Future>(span: &mut Span, future: F) -> Running<'_, F> {
    Running {
        inner: span.scope(future),
        span,
    }
}

/// A future that ends the span when it is done. `conclude` sees the output, settles the span and gives the output back.
pub fn watch_future<F, C, O>(span: Span, future: F, conclude: C) -> WatchedFuture<F, C>
where
    F: Future<Output = O>,
    C: FnOnce(Span, O) -> O,
{
    WatchedFuture {
        inner: span.scope(future),
        end: Some((span, conclude)),
    }
}

/// Polls; a panic is recorded on the span, and unwinds on.
fn poll_recorded<T>(span: Option<&mut Span>, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
    let polled = panic::catch_unwind(AssertUnwindSafe(poll));
    polled.unwrap_or_else(|payload| {
        if let Some(span) = span {
            span.settle_with_panic(&*payload);
        }
        panic::resume_unwind(payload)
    })
}

pin_project! {
    /// Made by [`run_future`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Running<'s, F> {
        #[pin]
        inner: InContext<F>,
        span: &'s mut Span,
    }
}

impl<F: Future> Future for Running<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if this.span.is_disabled() {
            return this.inner.poll(task);
        }
        poll_recorded(Some(this.span), || this.inner.poll(task))
    }
}

pin_project! {
    /// Made by [`watch_future`].
    #[must_use = "futures do nothing unless polled"]
    pub struct WatchedFuture<F, C> {
        // Dropped first: an unfinished future before the span it belongs to.
        #[pin]
        inner: InContext<F>,
        end: Option<(Span, C)>,
    }
}

impl<F, C> Future for WatchedFuture<F, C>
where
    F: Future,
    C: FnOnce(Span, F::Output) -> F::Output,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let span = this.end.as_mut().map(|(span, _)| span);
        let polled = poll_recorded(span, || this.inner.poll(task));
        polled.map(|output| match this.end.take() {
            Some((span, conclude)) => conclude(span, output),
            None => output,
        })
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
