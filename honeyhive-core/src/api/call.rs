//! A call that is described but not made yet: awaited, or waited for.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::ApiError;
use super::link::Link;

/// A call of the REST API. Nothing is sent before it is awaited, on any executor, or [waited for](Self::wait).
#[must_use = "a call does nothing until it is awaited, or waited for with .wait()"]
pub struct Call<T> {
    operation: &'static str,
    link: Arc<Link>,
    future: Pin<Box<dyn Future<Output = Result<T, ApiError>> + Send>>,
}

impl<T> Call<T> {
    pub(super) fn new(
        operation: &'static str,
        link: Arc<Link>,
        future: impl Future<Output = Result<T, ApiError>> + Send + 'static,
    ) -> Self {
        Self {
            operation,
            link,
            future: Box::pin(future),
        }
    }

    /// The same call with another answer.
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U + Send + 'static) -> Call<U>
    where
        T: 'static,
    {
        let Self {
            operation,
            link,
            future,
        } = self;
        Call::new(operation, link, async move { future.await.map(change) })
    }
}

impl<T: Send + 'static> Call<T> {
    /// Makes the call and blocks this thread until it is answered. Works everywhere, since the call runs on a thread of
    /// its own; inside async code prefer `.await`, which leaves the thread to others.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub fn wait(self) -> Result<T, ApiError> {
        let Self {
            operation,
            link,
            future,
        } = self;
        link.wait(future).unwrap_or_else(|| {
            Err(ApiError::Request {
                operation,
                problem:
                    "a function called by the delivery thread cannot wait for that thread; make the call elsewhere"
                        .into(),
            })
        })
    }
}

impl<T> Future for Call<T> {
    type Output = Result<T, ApiError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().future.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}
