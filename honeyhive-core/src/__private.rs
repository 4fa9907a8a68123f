//! What the expansion of `#[trace]` may touch, and nothing else. Not covered by any promise of stability.

use std::panic::{self, AssertUnwindSafe};

use opentelemetry::trace::SpanBuilder;
use opentelemetry::{Context, KeyValue};

pub use core;

pub use crate::EventType;
pub use crate::capture::{Capture, Captured};
pub use crate::span::{ErrorReport, Kind, Seen, Span, Split, run, run_future, simple_name, watch_future, watch_stream};

use crate::capture::PANICKED;
use crate::context::is_gone;
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
    /// Where the span goes; `None` when there is nowhere.
    to: Option<(HoneyHiveTracer, Context)>,
    recording: bool,
    attributes: Vec<KeyValue>,
}

impl Call {
    /// A call whose span goes to the tracer the code should use.
    #[must_use]
    pub fn begin(name: &'static str) -> Self {
        if is_gone() {
            return Self::to(name, None);
        }
        let cx = Context::current();
        if cx.is_telemetry_suppressed() {
            return Self::to(name, None);
        }
        Self::to(name, discovery::of_or_warn(&cx).map(|tracer| (tracer, cx)))
    }

    /// A call whose span goes to a given tracer; without one as [`begin`](Self::begin).
    pub fn begin_with(tracer: &impl AsTracer, name: &'static str) -> Self {
        match tracer.as_tracer() {
            Some(_) if is_gone() => Self::to(name, None),
            Some(tracer) => Self::to(name, Some((tracer, Context::current()))),
            None => Self::begin(name),
        }
    }

    fn to(name: &'static str, to: Option<(HoneyHiveTracer, Context)>) -> Self {
        Self {
            name,
            recording: to.as_ref().is_some_and(|(tracer, _)| tracer.records(name)),
            to,
            attributes: Vec::new(),
        }
    }

    /// Whether anything said of the call will be recorded.
    #[must_use]
    pub const fn is_recording(&self) -> bool {
        self.recording
    }

    /// Says what kind of call it is, whether its name is not the function's, and how many values follow.
    pub fn describe(&mut self, event_type: EventType, renamed: bool, values: usize) {
        if let Some((tracer, _)) = &self.to {
            // Room for the type, a name and a result as well.
            self.attributes = Span::attributes(tracer, values + 3);
        }
        self.attributes
            .push(KeyValue::new(keys::EVENT_TYPE, event_type.as_str()));
        if renamed {
            self.attributes.push(KeyValue::new(keys::EVENT_NAME, self.name));
        }
    }

    /// Adds an argument.
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
    pub fn start(self) -> Span {
        let Some((tracer, cx)) = self.to else {
            return Span::disabled();
        };
        let builder = SpanBuilder::from_name(self.name);
        if self.recording {
            Span::start(tracer, cx, builder.with_attributes(self.attributes), true)
        } else {
            Span::start(tracer, cx, builder, false)
        }
    }
}

/// What `tracer = …` may be.
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

impl<T: AsTracer + ?Sized> AsTracer for std::sync::Arc<T> {
    fn as_tracer(&self) -> Option<HoneyHiveTracer> {
        (**self).as_tracer()
    }
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

/// Records the value a call returned.
pub fn succeed(span: &mut Span, output: Captured) {
    span.settle_with_output(output);
}

/// Records the error a call returned.
pub fn fail(span: &mut Span, report: ErrorReport) {
    span.settle_with_error(&report);
}
