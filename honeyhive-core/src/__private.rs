//! What the expansion of `#[trace]` and the other crates of the SDK may touch, and nothing else. Not covered by any promise of stability.

use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use opentelemetry::trace::SpanBuilder;
use opentelemetry::{Context, KeyValue};

pub use core;

pub use crate::EventType;
pub use crate::capture::{Capture, Captured};
/// For `evaluate` of 0.x.
pub use crate::discovery::NoGuess;
pub use crate::span::{ErrorReport, Kind, Seen, Span, Split, run, run_future, simple_name, watch_future, watch_stream};

use crate::capture::PANICKED;
use crate::context::{Active, is_gone, is_writable};
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
    /// Empty when nothing is recorded.
    attributes: Vec<KeyValue>,
}

/// The context a span starts in, with its tracer active.
#[derive(Debug)]
enum Parent {
    /// There is no tracer.
    None,
    /// The call is left out, and runs where it was made.
    Inherited,
    /// The current one, which costs nothing to keep.
    Current,
    Other(Context),
}

impl Call {
    /// A call of which nothing is recorded so far.
    #[inline]
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            parent: Parent::None,
            attributes: Vec::new(),
        }
    }

    /// Lets its span go to the tracer the code should use. `renamed` says whether its name is not the function's, `values`
    /// how many follow.
    pub fn begin(&mut self, renamed: bool, event_type: EventType, values: usize) {
        if is_gone() {
            return;
        }
        let found = Context::map_current(|cx| {
            if cx.is_telemetry_suppressed() {
                return None;
            }
            match Active::of(cx) {
                Some(tracer) => self.begin_in(cx, tracer, renamed, event_type, values),
                None if discovery::is_idle(cx) => None,
                None => Some(discovery::find(cx)),
            }
        });
        if let Some(found) = found {
            self.begin_for(found, renamed, event_type, values);
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
        let found = Context::map_current(|cx| match Active::of(cx) {
            Some(tracer) if Arc::ptr_eq(&tracer.inner, &given.inner) => {
                self.begin_in(cx, tracer, renamed, event_type, values)
            }
            _ => Some(Found::Named(given)),
        });
        if let Some(found) = found {
            self.begin_for(found, renamed, event_type, values);
        }
    }

    /// Begins in the current context as it is; where that takes another one, its active tracer.
    fn begin_in(
        &mut self,
        cx: &Context,
        tracer: &HoneyHiveTracer,
        renamed: bool,
        event_type: EventType,
        values: usize,
    ) -> Option<Found> {
        if !tracer.records(self.name) && !is_writable(cx) {
            self.parent = Parent::Inherited;
        } else if Active::is_settled(cx) {
            self.parent = Parent::Current;
            self.describe(tracer, renamed, event_type, values);
        } else {
            return Some(Found::Named(tracer.clone()));
        }
        None
    }

    /// Begins with what was found. The current context is not borrowed here: a tracer may be dropped, and a warning be
    /// heard by code that attaches another.
    fn begin_for(&mut self, found: Found, renamed: bool, event_type: EventType, values: usize) {
        match found {
            Found::Fallback(tracer) if tracer.records_nothing() => self.parent = Parent::Inherited,
            found => {
                if let Some(tracer) = found.or_warn() {
                    self.parent = Parent::Other(Active::in_context(&tracer, Context::current()));
                    self.describe(&tracer, renamed, event_type, values);
                }
            }
        }
    }

    fn describe(&mut self, tracer: &HoneyHiveTracer, renamed: bool, event_type: EventType, values: usize) {
        if !tracer.records(self.name) {
            return;
        }
        // Room for the type, a name and a result as well.
        self.attributes = Span::attributes(tracer, values + 3);
        self.attributes
            .push(KeyValue::new(keys::EVENT_TYPE, event_type.as_str()));
        if renamed {
            self.attributes.push(KeyValue::new(keys::EVENT_NAME, self.name));
        }
    }

    /// Whether anything said of the call will be recorded.
    #[inline]
    #[must_use]
    pub const fn is_recording(&self) -> bool {
        !self.attributes.is_empty()
    }

    /// Adds an argument.
    #[inline]
    pub fn input(&mut self, key: &'static str, value: Captured) {
        if let Some(value) = value.into_input() {
            self.attributes.push(KeyValue::new(key, value));
        }
    }

    /// Adds a value of the user's; when the code that makes it panics the call goes on without it.
    pub fn field(&mut self, key: &'static str, value: impl FnOnce() -> Captured) {
        guarded(value).write(key, &mut self.attributes);
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
        let attributes = mem::take(&mut self.attributes);
        let start = |parent: &Context| {
            if attributes.is_empty() {
                return Span::passed_over(parent);
            }
            let mut builder = SpanBuilder::from_name(self.name);
            builder.attributes = Some(attributes);
            Span::start(parent, builder, true)
        };
        match &self.parent {
            Parent::Other(parent) => start(parent),
            _ => Context::map_current(start),
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

/// Whether the call goes on as if the function was not annotated.
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
