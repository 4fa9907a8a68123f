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
    let Some(active) = span.activate() else {
        return body();
    };
    let ran = panic::catch_unwind(AssertUnwindSafe(body));
    drop(active);
    ran.unwrap_or_else(|payload| {
        span.settle_with_panic(&*payload);
        panic::resume_unwind(payload)
    })
}

/// Runs a future inside the span. For one that is awaited where it is made.
pub const fn run_future<F: Future>(span: &mut Span, future: F) -> Running<'_, F> {
    Running {
        future: Some(future),
        span,
    }
}

/// A future that ends the span when it is done. `conclude` sees the output, settles the span and gives the output back.
pub fn watch_future<F, C, O>(mut span: Span, future: F, conclude: C) -> WatchedFuture<F, C>
where
    F: Future<Output = O>,
    C: FnOnce(Span, O) -> O,
{
    span.keep_context();
    WatchedFuture {
        inner: span.scope(future),
        end: Some((span, conclude)),
    }
}

pin_project! {
    /// Made by [`run_future`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Running<'s, F> {
        // `None` once it is done.
        #[pin]
        future: Option<F>,
        span: &'s mut Span,
    }

    impl<'s, F> PinnedDrop for Running<'s, F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                let _active = this.span.activate();
                this.future.set(None);
            }
        }
    }
}

impl<F: Future> Future for Running<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let polled = run(this.span, || future.poll(task));
        if polled.is_ready() {
            this.future.set(None);
        } else {
            this.span.keep_context();
        }
        polled
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
        let polled = panic::catch_unwind(AssertUnwindSafe(|| this.inner.poll(task)));
        let polled = polled.unwrap_or_else(|payload| {
            if let Some((span, _)) = this.end {
                span.settle_with_panic(&*payload);
            }
            panic::resume_unwind(payload)
        });
        polled.map(|output| match this.end.take() {
            Some((span, conclude)) => conclude(span, output),
            None => output,
        })
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
