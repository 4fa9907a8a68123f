//! The one entry this SDK keeps in the OpenTelemetry context: which tracer is active.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{self, Poll};

use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry::{Context, ContextGuard};

use crate::tracer::HoneyHiveTracer;

/// Marks a tracer as the active one of a context.
pub(crate) struct Active(HoneyHiveTracer);

impl Active {
    /// The active tracer of a context.
    pub(crate) fn of(cx: &Context) -> Option<&HoneyHiveTracer> {
        cx.get::<Self>().map(|active| &active.0)
    }

    /// `cx` with `tracer` active. A span of another session stays behind: it must not become the parent of a span
    /// here, since a session is a tree of its own.
    pub(crate) fn in_context(tracer: &HoneyHiveTracer, cx: Context) -> Context {
        match Self::of(&cx) {
            Some(active) if active.same_session(tracer) => cx,
            Some(_) if cx.has_active_span() => cx
                .with_remote_span_context(SpanContext::empty_context())
                .with_value(Self(tracer.clone())),
            _ => cx.with_value(Self(tracer.clone())),
        }
    }
}

/// Keeps a tracer or a span active on this thread until dropped. Bound to its thread.
#[must_use = "active only while the guard lives"]
pub struct ActiveGuard {
    _attached: ContextGuard,
    _bound_to_thread: PhantomData<*const ()>,
}

impl ActiveGuard {
    pub(crate) fn new(cx: Context) -> Self {
        Self {
            _attached: cx.attach(),
            _bound_to_thread: PhantomData,
        }
    }
}

impl fmt::Debug for ActiveGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActiveGuard")
    }
}

pin_project_lite::pin_project! {
    /// A future that runs with a tracer or span active: attached for each poll, so it may move between threads.
    #[must_use = "futures do nothing unless polled"]
    pub struct InContext<F> {
        #[pin]
        future: F,
        cx: Option<Context>,
    }
}

impl<F> InContext<F> {
    pub(crate) fn new(future: F, cx: Option<Context>) -> Self {
        Self { future, cx }
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _attached = this.cx.clone().map(Context::attach);
        this.future.poll(task)
    }
}

impl<F> fmt::Debug for InContext<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InContext").finish_non_exhaustive()
    }
}
