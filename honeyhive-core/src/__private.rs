//! What the expansion of `#[trace]` and the other crates of the SDK may touch, and nothing else. Not covered by any promise of stability.

use std::panic::{self, AssertUnwindSafe};

use opentelemetry::trace::SpanBuilder;
use opentelemetry::{Context, KeyValue};

pub use core;

pub use crate::EventType;
pub use crate::capture::{Capture, Captured};
/// For `evaluate` of 0.x.
pub use crate::discovery::NoGuess;
pub use crate::span::{ErrorReport, Kind, Seen, Span, Split, run, run_future, simple_name, watch_future, watch_stream};

use crate::capture::PANICKED;
use crate::context::{Active, is_gone};
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
    /// The current one, which costs nothing to keep.
    Current,
    Other(Context),
}

impl Call {
    /// A call whose span goes to the tracer the code should use. `renamed` says whether its name is not the function's,
    /// `values` how many follow.
    #[must_use]
    pub fn begin(name: &'static str, renamed: bool, event_type: EventType, values: usize) -> Self {
        let mut call = Self {
            name,
            parent: Parent::None,
            attributes: Vec::new(),
        };
        if is_gone() {
            return call;
        }
        let is_settled = Context::map_current(|cx| {
            let is_settled = Active::is_settled(cx);
            if is_settled && !cx.is_telemetry_suppressed() {
                call.parent = Parent::Current;
                call.describe(cx, renamed, event_type, values);
            }
            is_settled || cx.is_telemetry_suppressed()
        });
        if !is_settled {
            let cx = Context::current();
            if let Some(tracer) = discovery::of_or_warn(&cx) {
                call.begin_below(Active::in_context(&tracer, cx), renamed, event_type, values);
            }
        }
        call
    }

    /// A call whose span goes to a given tracer; without one as [`begin`](Self::begin).
    pub fn begin_with(
        tracer: &impl AsTracer,
        name: &'static str,
        renamed: bool,
        event_type: EventType,
        values: usize,
    ) -> Self {
        let Some(tracer) = tracer.as_tracer() else {
            return Self::begin(name, renamed, event_type, values);
        };
        let mut call = Self {
            name,
            parent: Parent::None,
            attributes: Vec::new(),
        };
        if !is_gone() {
            let parent = Active::in_context(&tracer, Context::current());
            call.begin_below(parent, renamed, event_type, values);
        }
        call
    }

    fn begin_below(&mut self, parent: Context, renamed: bool, event_type: EventType, values: usize) {
        self.describe(&parent, renamed, event_type, values);
        self.parent = Parent::Other(parent);
    }

    fn describe(&mut self, parent: &Context, renamed: bool, event_type: EventType, values: usize) {
        let Some(tracer) = Active::of(parent).filter(|tracer| tracer.records(self.name)) else {
            return;
        };
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
    pub fn start(self) -> Span {
        let Self {
            name,
            parent,
            attributes,
        } = self;
        let start = |parent: &Context| {
            if attributes.is_empty() {
                return Span::passed_over(parent);
            }
            let mut builder = SpanBuilder::from_name(name);
            builder.attributes = Some(attributes);
            Span::start(parent, builder, true)
        };
        match parent {
            Parent::None => Span::disabled(),
            Parent::Current => Context::map_current(start),
            Parent::Other(parent) => start(&parent),
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

impl<T: AsTracer + ?Sized> AsTracer for std::sync::Arc<T> {
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

/// Records the value a call returned.
pub fn succeed(span: &mut Span, output: Captured) {
    span.settle_with_output(output);
}

/// Records the error a call returned.
pub fn fail(span: &mut Span, report: ErrorReport) {
    span.settle_with_error(&report);
}
