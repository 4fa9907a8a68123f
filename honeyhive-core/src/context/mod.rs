//! The one entry this SDK keeps in the OpenTelemetry context: which tracer is active.

pub(crate) mod table;

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use futures_util::Stream;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt};
use opentelemetry::{Context, ContextGuard};
use table::Known;

use crate::discovery::{self, Found};
use crate::span::is_ours;
use crate::tracer::HoneyHiveTracer;

thread_local! {
    /// Made after OpenTelemetry's own, and therefore dropped before it.
    static ALIVE: Alive = {
        Context::map_current(|_| ());
        Alive
    };
}

struct Alive;

impl Drop for Alive {
    fn drop(&mut self) {}
}

/// Whether this thread is ending and its context is, or may be, gone: asking OpenTelemetry for it would panic, in a
/// destructor, which ends the program.
pub(crate) fn is_gone() -> bool {
    ALIVE.try_with(|_| ()).is_err()
}

/// The current context; on a thread that is ending, an empty one.
pub(crate) fn current() -> Context {
    if is_gone() { Context::new() } else { Context::current() }
}

/// The current context, for code that goes on in it elsewhere, or later. Where the tracer found for it records nothing a
/// call makes none active: that one is here, lest another one be found then.
pub(crate) fn carried() -> Context {
    let cx = current();
    match discovery::find(&cx) {
        Found::Fallback(tracer) if tracer.records_nothing() => Active::around(&tracer, cx),
        _ => cx,
    }
}

/// A context that is the current one until this is dropped; on a thread that is ending, it is not.
pub(crate) struct Attached(Option<ManuallyDrop<ContextGuard>>);

impl Attached {
    pub(crate) fn new(cx: Context) -> Self {
        Self((!is_gone()).then(|| ManuallyDrop::new(cx.attach())))
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // On a thread that is ending there is nothing left to detach from.
        if let Some(guard) = self.0.take().filter(|_| !is_gone()) {
            drop(ManuallyDrop::into_inner(guard));
        }
    }
}

/// Marks a tracer as the active one of a context.
pub(crate) struct Active {
    tracer: HoneyHiveTracer,
    /// The span that was active where the tracer became it, when spans of the tracer must not have it as their parent.
    /// It stays active: another vendor's spans go on below it.
    outside: Option<SpanId>,
}

impl Active {
    /// The active tracer of a context.
    pub(crate) fn of(cx: &Context) -> Option<&HoneyHiveTracer> {
        cx.get::<Self>().map(|active| &active.tracer)
    }

    /// Whether a span of the active tracer can start in this context as it is.
    pub(crate) fn is_settled(cx: &Context) -> bool {
        Self::of(cx).is_some() && is_span_of_ours(cx.span().span_context()) && !Self::is_outside(cx)
    }

    /// Whether the active span of a context is none of its active tracer's session.
    pub(crate) fn is_outside(cx: &Context) -> bool {
        let outside = cx.get::<Self>().and_then(|active| active.outside);
        outside.is_some_and(|outside| outside == cx.span().span_context().span_id())
    }

    /// `cx` with `tracer` active, to run code in: what is active for others stays so.
    pub(crate) fn around(tracer: &HoneyHiveTracer, cx: Context) -> Context {
        let span = cx.span().span_context().clone();
        match parent_instead(tracer, &cx) {
            Some(_) if span.is_valid() && !span.is_remote() => cx.with_value(Self {
                tracer: tracer.clone(),
                outside: Some(span.span_id()),
            }),
            _ => Self::in_context(tracer, cx),
        }
    }

    /// `cx` with `tracer` active, and no span in it that a span of the tracer must not have as its parent.
    pub(crate) fn in_context(tracer: &HoneyHiveTracer, cx: Context) -> Context {
        let active = Self::of(&cx).is_some_and(|active| Arc::ptr_eq(&active.inner, &tracer.inner));
        if active && Self::is_settled(&cx) {
            return cx;
        }
        let cx = match parent_instead(tracer, &cx) {
            None => cx,
            Some(parent) => cx.with_remote_span_context(parent),
        };
        if active {
            cx
        } else {
            cx.with_value(Self {
                tracer: tracer.clone(),
                outside: None,
            })
        }
    }
}

/// Whether this process made the span.
fn is_span_of_ours(span: &SpanContext) -> bool {
    span.span_id() != SpanId::INVALID && !span.is_remote() && is_ours(span.span_id())
}

/// Whether the active span of a context was made or taken over by this SDK, for the session that is active.
pub(crate) fn has_span_of_ours(cx: &Context) -> bool {
    !Active::is_outside(cx) && has_span_of_this_sdk(cx)
}

/// Whether the active span of a context was made or taken over by this SDK, for whichever session.
pub(crate) fn has_span_of_this_sdk(cx: &Context) -> bool {
    cx.has_active_span()
        && (is_span_of_ours(cx.span().span_context()) || matches!(table::known_as(cx), Some(Known::Taken)))
}

/// What is to be the parent of a span of this tracer instead of the active span of a context; `None` when that one is.
///
/// A session is a tree of its own, so its spans have parents of the same session: spans this SDK made or took over, and
/// the span of another process when the session came from there. Below a span that goes to another vendor alone it is
/// the span around that one, where it is known.
pub(crate) fn parent_instead(tracer: &HoneyHiveTracer, cx: &Context) -> Option<SpanContext> {
    let remote_parent = tracer.identity().remote_parent.as_deref();
    let span = cx.span();
    let active = span.span_context();
    if !active.is_valid() {
        return remote_parent.cloned();
    }
    let root = || Some(remote_parent.cloned().unwrap_or(SpanContext::NONE));
    if active.is_remote() {
        let continued = remote_parent.is_some_and(|parent| parent.span_id() == active.span_id())
            || discovery::session_in_baggage(cx) == Some(tracer.session_id());
        return if continued { None } else { root() };
    }
    let same_session = match Active::of(cx) {
        Some(_) if Active::is_outside(cx) => false,
        Some(owner) => Arc::ptr_eq(&owner.inner, &tracer.inner) || owner.same_session(tracer),
        None => table::find(cx).is_some_and(|owner| owner.same_session(tracer)),
    };
    if !same_session {
        return root();
    }
    if is_span_of_ours(active) {
        return None;
    }
    match table::known_as(cx) {
        Some(Known::Taken) => None,
        Some(Known::Below(around)) => Some(around),
        None => root(),
    }
}

/// Keeps a tracer or a span active on this thread until dropped. Bound to its thread: it cannot be held across an
/// `.await` of a task that may move to another one. Use [`scope`](HoneyHiveTracer::scope) there.
///
/// # Examples
///
/// ```compile_fail,E0277
/// # use honeyhive_core::HoneyHiveTracer;
/// fn handle(tracer: HoneyHiveTracer) -> impl Future<Output = ()> + Send {
///     async move {
///         let _active = tracer.activate();
///         std::future::ready(()).await; // the rest might run elsewhere, and others here
///     }
/// }
/// ```
#[must_use = "active only while the guard lives"]
pub struct ActiveGuard {
    _attached: Attached,
    _bound_to_thread: PhantomData<*const ()>,
}

impl ActiveGuard {
    pub(crate) fn new(cx: Context) -> Self {
        Self {
            _attached: Attached::new(cx),
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
    /// A future that runs with a tracer or span active: attached for each poll, so it may move between threads, and
    /// while it is dropped unfinished, so that what its destructors trace is in the right place.
    #[must_use = "futures do nothing unless polled"]
    pub struct InContext<F> {
        #[pin]
        inner: Option<F>,
        cx: Option<Context>,
        finished: bool,
    }

    impl<F> PinnedDrop for InContext<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if !*this.finished {
                let _attached = this.cx.take().map(Attached::new);
                this.inner.set(None);
            }
        }
    }
}

impl<F> InContext<F> {
    pub(crate) fn new(inner: F, cx: Option<Context>) -> Self {
        Self {
            inner: Some(inner),
            cx,
            finished: false,
        }
    }

    fn poll_inner<T>(
        self: Pin<&mut Self>,
        poll: impl FnOnce(Pin<&mut F>) -> Poll<T>,
        is_last: impl FnOnce(&T) -> bool,
    ) -> Poll<T> {
        let this = self.project();
        let _attached = this.cx.clone().map(Attached::new);
        // There until it is dropped.
        let polled = this.inner.as_pin_mut().map_or(Poll::Pending, poll);
        if let Poll::Ready(value) = &polled {
            *this.finished = is_last(value);
        }
        polled
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        self.poll_inner(|future| future.poll(task), |_| true)
    }
}

impl<S: Stream> Stream for InContext<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Option<S::Item>> {
        self.poll_inner(|stream| stream.poll_next(task), Option::is_none)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.as_ref().map_or((0, None), Stream::size_hint)
    }
}

impl<F> fmt::Debug for InContext<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InContext").finish_non_exhaustive()
    }
}
