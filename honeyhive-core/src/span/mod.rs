//! Spans: describing one, running code inside it, adding to it, and how it ends.

mod builder;
mod enrich;
mod id;
pub mod keys;
mod kind;
mod outcome;
mod run;
mod stream;

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::time::SystemTime;

use opentelemetry::trace::{Span as _, SpanBuilder as OtelSpanBuilder, SpanRef, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};

pub use builder::SpanBuilder;
pub use enrich::Enrichment;
pub(crate) use enrich::EventUpdate;
pub(crate) use id::{Ids, is_ours};
pub use kind::{Kind, KindBoxed, KindPlain};
pub use outcome::{
    ErrorReport, ReportBoxed, ReportDebug, ReportError, ReportOpaque, ReportText, Split, SplitPlain, SplitResult,
    simple_name,
};
pub use run::{run, run_future, watch_future};
pub use stream::{Seen, watch_stream};

use crate::capture::Captured;
use crate::context::{self, Active, ActiveGuard, InContext};
use crate::delivery::end_as;
use crate::tracer::HoneyHiveTracer;

/// Marks an open span with the number of its session's identity; replaced by the routing attributes on export.
pub(crate) const IDENTITY_MARK: &str = "honeyhive.identity";

pub(crate) fn identity_mark(tracer: &HoneyHiveTracer) -> KeyValue {
    KeyValue::new(IDENTITY_MARK, tracer.identity().number.cast_signed())
}

/// An open span. It ends when [`end`](Self::end) is called or it is dropped; dropped by a panic it says so.
///
/// It is not active by itself: run code inside with [`in_scope`](Self::in_scope), [`scope`](Self::scope) or
/// [`activate`](Self::activate).
#[must_use = "the span ends when this value is dropped"]
pub struct Span(State);

enum State {
    /// Nothing is recorded, wherever what runs inside goes on.
    Disabled,
    /// Nothing is recorded, and what runs inside runs in the context that is current where the span is made.
    Inherited,
    Open(Open),
}

struct Open {
    /// Has the span's tracer active, which keeps the identity alive until the span has ended.
    cx: Context,
    /// Whether the SDK records the span; known from the start, so that asking costs no lock.
    recording: bool,
    settled: bool,
    /// Whether a span that is dropped before its outcome is recorded was cancelled.
    must_settle: bool,
}

impl Span {
    /// A span that records nothing.
    #[inline]
    pub(crate) const fn disabled() -> Self {
        Self(State::Disabled)
    }

    /// A span that records nothing and stands in the current context.
    #[inline]
    pub(crate) const fn inherited() -> Self {
        Self(State::Inherited)
    }

    /// What runs inside is about to go on later or elsewhere: from now on it takes the current context along.
    pub(crate) fn keep_context(&mut self) {
        if matches!(self.0, State::Inherited) {
            *self = Self::passed_over(context::carried());
        }
    }

    /// Attributes to start a span of this tracer's session with; the mark comes first and with it the session.
    pub(crate) fn attributes(tracer: &HoneyHiveTracer, room: usize) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(room + 1);
        attributes.push(identity_mark(tracer));
        attributes
    }

    /// Starts a span of the tracer that is active in a context, below its active span. Its attributes begin as
    /// [`Span::attributes`] made them. With `must_settle` a span that is dropped before its outcome is recorded counts
    /// as cancelled.
    pub(crate) fn start(parent: &Context, builder: OtelSpanBuilder, must_settle: bool) -> Self {
        let Some(tracer) = Active::of(parent) else {
            return Self::disabled();
        };
        let span = tracer.inner.pipeline.sdk().build_with_context(builder, parent);
        let recording = span.is_recording();
        Self::open(parent.with_span(span), recording, must_settle)
    }

    /// Stands for a span of the tracer that is active in a context and does not record it: what runs inside attaches to
    /// the span around it, and neither writes there nor keeps that one open.
    pub(crate) fn passed_over(parent: Context) -> Self {
        let cx = if parent.has_active_span() {
            parent.with_remote_span_context(parent.span().span_context().clone())
        } else {
            parent
        };
        Self::open(cx, false, false)
    }

    const fn open(cx: Context, recording: bool, must_settle: bool) -> Self {
        Self(State::Open(Open {
            cx,
            recording,
            settled: false,
            must_settle,
        }))
    }

    #[inline]
    const fn place(&self) -> Option<&Context> {
        match &self.0 {
            State::Open(open) => Some(&open.cx),
            State::Disabled | State::Inherited => None,
        }
    }

    #[inline]
    const fn recorded(&self) -> Option<&Open> {
        match &self.0 {
            State::Open(open) if open.recording => Some(open),
            _ => None,
        }
    }

    const fn recorded_mut(&mut self) -> Option<&mut Open> {
        match &mut self.0 {
            State::Open(open) if open.recording => Some(open),
            _ => None,
        }
    }

    /// Whether anything written to the span will be sent.
    #[inline]
    #[must_use]
    pub const fn is_recording(&self) -> bool {
        self.recorded().is_some()
    }

    /// The context in which this span is the active one, to carry it elsewhere.
    #[must_use]
    pub fn context(&self) -> Context {
        self.place().cloned().unwrap_or_else(context::current)
    }

    /// Runs a closure inside the span.
    pub fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
        let _guard = self.activate();
        run()
    }

    /// Runs a future inside the span.
    pub fn scope<F: Future>(&self, future: F) -> InContext<F> {
        self.with_context(future)
    }

    pub(crate) fn with_context<T>(&self, inner: T) -> InContext<T> {
        InContext::new(inner, self.place().cloned())
    }

    /// Makes the span active on this thread until the guard is dropped. Not for code that awaits.
    #[inline]
    #[must_use = "the span is active only while the guard lives"]
    pub fn activate(&self) -> Option<ActiveGuard> {
        self.place().cloned().map(ActiveGuard::new)
    }

    /// Adds inputs, outputs, metadata and more.
    pub fn enrich(&self, enrichment: Enrichment) {
        if let Some(open) = self.recorded() {
            enrichment.apply_to(&open.cx);
        }
    }

    /// Records the result of the work under `honeyhive_outputs.result` and the span as succeeded.
    pub fn record_output(&mut self, output: &(impl serde::Serialize + ?Sized)) {
        self.settle_with_output(Captured::from_json(output));
    }

    /// Records the work as failed: status, one `exception` event, message and type of the error.
    pub fn record_error<E: std::error::Error>(&mut self, error: &E) {
        self.settle_with_error(&ErrorReport::of(error));
    }

    /// As [`record_error`](Self::record_error), for an error whose type is not known, such as `&*boxed`.
    pub fn record_dyn_error(&mut self, error: &(dyn std::error::Error + '_)) {
        self.settle_with_error(&ErrorReport::of_unknown(error));
    }

    /// Records a failure known only by its text.
    pub fn record_failure(&mut self, kind: &str, message: &str) {
        self.settle_with_error(&ErrorReport::new(kind, message));
    }

    /// Ends the span as succeeded unless an error was recorded.
    pub fn end(mut self) {
        self.settle();
    }

    /// As [`end`](Self::end), at a time that has passed.
    pub fn end_at(mut self, at: impl Into<SystemTime>) {
        if let Some(open) = self.recorded_mut() {
            open.settled = true;
            open.cx.span().end_with_timestamp(at.into());
        }
    }

    pub(crate) fn settle_with_output(&mut self, output: Captured) {
        let Some(open) = self.recorded_mut() else { return };
        open.settled = true;
        write_result(&open.cx.span(), output);
    }

    /// Records that the code inside panicked with this.
    pub(crate) fn settle_with_panic(&mut self, payload: &(dyn Any + Send)) {
        self.settle_with_error(&ErrorReport::of_panic(payload));
    }

    /// Records that nothing more is to come, and that nothing was wrong.
    pub(crate) fn settle(&mut self) {
        if let Some(open) = self.recorded_mut() {
            open.settled = true;
        }
    }

    /// Whether there is nothing to record for, nor a context to stay in.
    #[inline]
    pub(crate) const fn is_disabled(&self) -> bool {
        matches!(self.0, State::Disabled)
    }

    pub(crate) fn set_attributes(&self, attributes: Vec<KeyValue>) {
        if let Some(open) = self.recorded() {
            open.cx.span().set_attributes(attributes);
        }
    }

    pub(crate) fn settle_with_error(&mut self, error: &ErrorReport) {
        let Some(open) = self.recorded_mut() else { return };
        open.settled = true;
        write_error(&open.cx.span(), error);
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        if let Some(open) = self.recorded() {
            open.end();
        }
    }
}

impl Open {
    fn end(&self) {
        let span = self.cx.span();
        if !self.settled && (self.must_settle || std::thread::panicking()) {
            write_error(&span, &ErrorReport::unsettled());
        }
        match Active::of(&self.cx) {
            Some(tracer) => end_as(&tracer.inner.identity, || span.end()),
            None => span.end(),
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Span")
            .field("recording", &self.is_recording())
            .finish_non_exhaustive()
    }
}

fn write_result(span: &SpanRef<'_>, output: Captured) {
    match output {
        Captured::Nothing => {}
        Captured::Plain(value) => span.set_attribute(KeyValue::new(keys::RESULT, value)),
        structured => {
            let mut attributes = Vec::new();
            structured.write(keys::RESULT, &mut attributes);
            span.set_attributes(attributes);
        }
    }
}

fn write_error(span: &SpanRef<'_>, error: &ErrorReport) {
    if !span.is_recording() {
        return;
    }
    span.set_attribute(KeyValue::new(keys::ERROR, error.message.clone()));
    span.set_attribute(KeyValue::new(keys::ERROR_TYPE, error.kind.clone()));
    span.add_event("exception", error.exception_attributes());
    span.set_status(Status::error(format!("{}: {}", error.kind, error.message)));
}
