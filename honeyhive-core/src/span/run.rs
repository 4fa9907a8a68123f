//! Running the body of a call inside its span: a panic is the span's error, and unwinds on.

use std::borrow::BorrowMut;
use std::future::Future;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::Span;

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

/// Runs a future inside the span.
pub const fn run_future<F: Future>(span: &mut Span, future: F) -> Running<F, &mut Span> {
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
    let future = Some(future);
    WatchedFuture {
        inner: Running { future, span },
        conclude: Some(conclude),
    }
}

pin_project! {
    /// Made by [`run_future`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Running<F, S>
    where
        S: BorrowMut<Span>,
    {
        // `None` once it is done. Dropped inside the span, and before it.
        #[pin]
        future: Option<F>,
        span: S,
    }

    impl<F, S> PinnedDrop for Running<F, S>
    where
        S: BorrowMut<Span>,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                let _active = (*this.span).borrow().activate();
                this.future.set(None);
            }
        }
    }
}

impl<F: Future, S: BorrowMut<Span>> Future for Running<F, S> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let span = this.span.borrow_mut();
        let polled = run(span, || future.poll(task));
        if polled.is_ready() {
            this.future.set(None);
        } else {
            span.keep_context();
        }
        polled
    }
}

pin_project! {
    /// Made by [`watch_future`].
    #[must_use = "futures do nothing unless polled"]
    pub struct WatchedFuture<F, C> {
        #[pin]
        inner: Running<F, Span>,
        conclude: Option<C>,
    }
}

impl<F, C> Future for WatchedFuture<F, C>
where
    F: Future,
    C: FnOnce(Span, F::Output) -> F::Output,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let output = ready!(this.inner.as_mut().poll(task));
        let span = mem::replace(this.inner.project().span, Span::disabled());
        Poll::Ready(match this.conclude.take() {
            Some(conclude) => conclude(span, output),
            None => output,
        })
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
