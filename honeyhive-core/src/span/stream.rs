//! A stream as one span: open until the stream is exhausted, fails, or is dropped.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use opentelemetry::KeyValue;
use pin_project_lite::pin_project;

use super::{ErrorReport, Span, keys};
use crate::capture::{Captured, Joined};
use crate::context::InContext;

/// What a value, or an item of a stream, says.
#[derive(Debug)]
pub enum Seen {
    /// What there is to record of it; of an item, a part of the text the stream makes.
    Value(Captured),
    /// It is a failure.
    Failed(ErrorReport),
}

/// A stream that ends the span when it is done. `see` looks at each item.
pub fn watch_stream<S, I, T>(mut span: Span, stream: S, see: I) -> WatchedStream<S, I>
where
    S: Stream<Item = T>,
    I: FnMut(&T, bool) -> Seen,
{
    span.keep_context();
    WatchedStream {
        inner: span.with_context(stream),
        see,
        open: (!span.is_disabled()).then(|| Open {
            span,
            items: 0,
            text: None,
            end: "dropped",
        }),
    }
}

pin_project! {
    /// Made by [`watch_stream`].
    #[must_use = "streams do nothing unless polled"]
    pub struct WatchedStream<S, I> {
        // Dropped first: an unfinished stream before the span it belongs to.
        #[pin]
        inner: InContext<S>,
        see: I,
        open: Option<Open>,
    }
}

impl<S, I> Stream for WatchedStream<S, I>
where
    S: Stream,
    I: FnMut(&S::Item, bool) -> Seen,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let Some(open) = this.open else {
            return this.inner.poll_next(task);
        };
        let polled = match catch_unwind(AssertUnwindSafe(|| this.inner.poll_next(task))) {
            Ok(polled) => polled,
            Err(payload) => {
                open.end = "panicked";
                open.span.settle_with_panic(&*payload);
                *this.open = None;
                resume_unwind(payload)
            }
        };
        match &polled {
            Poll::Pending => {}
            Poll::Ready(None) => {
                open.end = "exhausted";
                *this.open = None;
            }
            Poll::Ready(Some(item)) => {
                if open.has_failed(item, this.see) {
                    *this.open = None;
                }
            }
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

/// The span of a stream and what was seen so far.
struct Open {
    span: Span,
    items: i64,
    text: Option<Joined>,
    /// How it ends if it ends now.
    end: &'static str,
}

impl Open {
    fn has_failed<T>(&mut self, item: &T, see: &mut impl FnMut(&T, bool) -> Seen) -> bool {
        if !self.span.is_recording() {
            return false;
        }
        self.items += 1;
        // When it panics the item is one of which nothing is said.
        let seen = catch_unwind(AssertUnwindSafe(|| see(item, false)));
        match seen.unwrap_or(Seen::Value(Captured::Nothing)) {
            Seen::Value(Captured::Nothing) => {}
            Seen::Value(part) => self.text.get_or_insert_default().push(&part.into_text()),
            Seen::Failed(report) => {
                self.span.settle_with_error(&report);
                self.end = "failed";
                return true;
            }
        }
        false
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.span.is_recording() {
            let mut attributes = vec![
                KeyValue::new(keys::STREAM_ITEMS, self.items),
                KeyValue::new(keys::STREAM_END, self.end),
            ];
            if let Some(text) = self.text.take() {
                attributes.push(KeyValue::new(keys::RESULT, text.finish()));
            }
            self.span.set_attributes(attributes);
        }
        self.span.settle();
    }
}
