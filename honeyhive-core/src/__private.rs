//! What the expansion of `#[trace]` and the other crates of the SDK may touch, and nothing else. Not covered by any promise
//! of stability.

use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use opentelemetry::trace::SpanBuilder;
use opentelemetry::{Context, KeyValue};

pub use core;

pub use crate::EventType;
pub use crate::capture::{Capture, Captured};
/// For experiments, while they run.
pub use crate::discovery::NoGuess;
pub use crate::span::{ErrorReport, Kind, Seen, Span, Split, run, run_future, simple_name, watch_future, watch_stream};

use crate::capture::PANICKED;
use crate::context::{Active, has_span_of_this_sdk, is_gone};
use crate::discovery::Found;
use crate::span::keys;
use crate::{HoneyHiveTracer, discovery};

/// The traits whose methods the expansion calls.
pub mod ladder {
    pub use crate::capture::{CaptureDebug as _, CaptureOpaque as _, CaptureScalar as _, CaptureSerialize as _};
    pub use crate::span::{
        KindBoxed as _, KindPlain as _, ReportBoxed as _, ReportDebug as _, ReportError as _, ReportOpaque as _,
        ReportText as _, SplitPlain as _, SplitResult as _,
    };
}

/// A call of an annotated function, before its span starts.
#[derive(Debug)]
pub struct Call {
    name: &'static str,
    parent: Parent,
    /// `None` when nothing is recorded.
    attributes: Option<Vec<KeyValue>>,
}

/// Where the span of a call starts.
#[derive(Debug)]
enum Parent {
    /// Nowhere: there is no tracer, or telemetry is suppressed.
    None,
    /// The call is left out and runs where it was made.
    Inherited,
    /// In the current context as it is, which costs nothing to keep.
    Current,
    /// In this context, in which its tracer is active.
    Other(Context),
}

/// What the current context, while it is borrowed, says of a call that cannot begin in it.
enum Answer {
    /// Its tracer, which is to be active in another context.
    Tracer(Found),
    /// That its tracer is yet to be found.
    Search,
}

impl Call {
    /// A call of which nothing is recorded so far.
    #[inline]
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            parent: Parent::None,
            attributes: None,
        }
    }

    /// Lets its span go to the tracer the code should use. `renamed` says whether its name is not the function's, `values`
    /// how many follow.
    pub fn begin(&mut self, renamed: bool, event_type: EventType, values: usize) {
        if is_gone() {
            return;
        }
        let answer = Context::map_current(|cx| self.begin_here(cx, renamed, event_type, values));
        if let Some(answer) = answer {
            self.begin_elsewhere(answer, renamed, event_type, values);
        }
    }

    /// Lets its span go to a given tracer; without one as [`begin`](Self::begin).
    pub fn begin_with(&mut self, tracer: &impl AsTracer, renamed: bool, event_type: EventType, values: usize) {
        let Some(given) = tracer.as_tracer() else {
            return self.begin(renamed, event_type, values);
        };
        if is_gone() {
            return;
        }
        let answer = Context::map_current(|cx| match Active::of(cx) {
            Some(active) if Arc::ptr_eq(&active.inner, &given.inner) => {
                self.begin_in(cx, active, renamed, event_type, values)
            }
            _ => Some(Answer::Tracer(Found::Named(given))),
        });
        if let Some(answer) = answer {
            self.begin_elsewhere(answer, renamed, event_type, values);
        }
    }

    /// Begins in the current context as it is, if it can.
    // Apart from it, what `begin` borrows the context with is small enough to be inlined.
    #[inline(never)]
    fn begin_here(&mut self, cx: &Context, renamed: bool, event_type: EventType, values: usize) -> Option<Answer> {
        if cx.is_telemetry_suppressed() {
            return None;
        }
        match Active::of(cx) {
            Some(tracer) => self.begin_in(cx, tracer, renamed, event_type, values),
            None if discovery::is_idle(cx) => None,
            None => Some(discovery::find_in_borrowed(cx).map_or(Answer::Search, Answer::Tracer)),
        }
    }

    /// As [`begin_here`](Self::begin_here), with the tracer that is active there.
    fn begin_in(
        &mut self,
        cx: &Context,
        tracer: &HoneyHiveTracer,
        renamed: bool,
        event_type: EventType,
        values: usize,
    ) -> Option<Answer> {
        let is_recorded = tracer.records(self.name);
        if !is_recorded && !has_span_of_this_sdk(cx) {
            self.parent = Parent::Inherited;
        } else if is_recorded && Active::is_settled(cx) {
            self.parent = Parent::Current;
            self.describe(tracer, renamed, event_type, values);
        } else {
            return Some(Answer::Tracer(Found::Named(tracer.clone())));
        }
        None
    }

    /// Begins in another context than the current one, which is not borrowed here: a tracer may be dropped, and a warning
    /// be heard by code that attaches a context.
    fn begin_elsewhere(&mut self, answer: Answer, renamed: bool, event_type: EventType, values: usize) {
        let found = match answer {
            Answer::Tracer(Found::Fallback(tracer)) if tracer.records_nothing() => {
                self.parent = Parent::Inherited;
                return;
            }
            Answer::Tracer(found) => found,
            Answer::Search => discovery::find(&Context::current()),
        };
        let Some(tracer) = found.or_warn() else { return };
        let cx = Context::current();
        self.parent = Parent::Other(if tracer.records(self.name) {
            self.describe(&tracer, renamed, event_type, values);
            Active::in_context(&tracer, cx)
        } else {
            Active::around(&tracer, cx)
        });
    }

    fn describe(&mut self, tracer: &HoneyHiveTracer, renamed: bool, event_type: EventType, values: usize) {
        // Room for the type, a name and a result as well.
        let attributes = self.attributes.insert(Span::attributes(tracer, values + 3));
        attributes.push(KeyValue::new(keys::EVENT_TYPE, event_type.as_str()));
        if renamed {
            attributes.push(KeyValue::new(keys::EVENT_NAME, self.name));
        }
    }

    /// Whether anything said of the call will be recorded.
    #[inline]
    #[must_use]
    pub const fn is_recording(&self) -> bool {
        self.attributes.is_some()
    }

    /// Adds an argument.
    #[inline]
    pub fn input(&mut self, key: &'static str, value: Captured) {
        if let Some(value) = value.into_input()
            && let Some(attributes) = &mut self.attributes
        {
            attributes.push(KeyValue::new(key, value));
        }
    }

    /// Adds a value of the user's; when the code that makes it panics the call goes on without it.
    pub fn field(&mut self, key: &'static str, value: impl FnOnce() -> Captured) {
        if let Some(attributes) = &mut self.attributes {
            guarded(value).write(key, attributes);
        }
    }

    /// Starts the span.
    #[inline]
    pub fn start(&mut self) -> Span {
        match self.parent {
            Parent::None => Span::disabled(),
            Parent::Inherited => Span::inherited(),
            Parent::Current | Parent::Other(_) => self.start_below(),
        }
    }

    fn start_below(&mut self) -> Span {
        let parent = mem::replace(&mut self.parent, Parent::None);
        let Some(attributes) = self.attributes.take() else {
            return match parent {
                Parent::Other(cx) => Span::passed_over(cx),
                _ => Span::disabled(),
            };
        };
        let mut builder = SpanBuilder::from_name(self.name);
        builder.attributes = Some(attributes);
        match parent {
            Parent::Other(cx) => Span::start(&cx, builder, true),
            _ => Context::map_current(|cx| Span::start(cx, builder, true)),
        }
    }
}

/// What `tracer = …` may be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no tracer",
    label = "the value of `tracer = …` is a `HoneyHiveTracer`, or a reference, `Option` or `Arc` of one"
)]
pub trait AsTracer {
    /// The tracer.
    fn as_tracer(&self) -> Option<HoneyHiveTracer>;
}

impl AsTracer for HoneyHiveTracer {
    fn as_tracer(&self) -> Option<HoneyHiveTracer> {
        Some(self.clone())
    }
}

impl<T: AsTracer> AsTracer for Option<T> {
    fn as_tracer(&self) -> Option<HoneyHiveTracer> {
        self.as_ref().and_then(AsTracer::as_tracer)
    }
}

impl<T: AsTracer + ?Sized> AsTracer for &T {
    fn as_tracer(&self) -> Option<HoneyHiveTracer> {
        (**self).as_tracer()
    }
}

impl<T: AsTracer + ?Sized> AsTracer for Arc<T> {
    fn as_tracer(&self) -> Option<HoneyHiveTracer> {
        (**self).as_tracer()
    }
}

/// A value of a type, in code that never runs: it tells the compiler the type.
#[must_use]
pub fn any<T>() -> T {
    unreachable!("only its type is used")
}

/// Runs code of the user's that says something about a call; when it panics the call goes on.
pub fn guarded(value: impl FnOnce() -> Captured) -> Captured {
    panic::catch_unwind(AssertUnwindSafe(value)).unwrap_or_else(|_| Captured::Text(PANICKED.to_owned()))
}

/// What a function of the user's makes of a result.
pub fn project<'v, T: ?Sized, R>(value: &'v T, function: impl FnOnce(&'v T) -> R) -> R {
    function(value)
}

/// The report of an error of which the user has chosen what is said.
pub fn report_as<E: ?Sized>(_error: &E, message: Captured) -> ErrorReport {
    ErrorReport::new(simple_name::<E>(), &message.into_text())
}

/// Whether there is nothing to record for, nor a context to stay in.
#[inline]
#[must_use]
pub const fn is_disabled(span: &Span) -> bool {
    span.is_disabled()
}

/// Records the value a call returned.
pub fn succeed(span: &mut Span, output: Captured) {
    span.settle_with_output(output);
}

/// Records the error a call returned.
pub fn fail(span: &mut Span, report: ErrorReport) {
    span.settle_with_error(&report);
}
