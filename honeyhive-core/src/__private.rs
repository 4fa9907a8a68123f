//! What the expansion of `#[trace]` may touch, and nothing else. Not covered by any promise of stability.

use std::panic::{self, AssertUnwindSafe};

use opentelemetry::trace::SpanBuilder;
use opentelemetry::{Context, KeyValue};

pub use crate::capture::{Capture, CaptureDebug, CaptureOpaque, CaptureScalar, CaptureSerialize, Captured};
pub use crate::span::{
    ErrorReport, ReportBoxed, ReportDebug, ReportError, ReportOpaque, ReportText, Span, Split, SplitPlain, SplitResult,
    keys, simple_name,
};
pub use core;

pub use crate::EventType;
use crate::capture::PANICKED;
use crate::context::is_gone;
use crate::{HoneyHiveTracer, discovery};

/// Says on a span that an argument could not be recorded.
const CAPTURE_ERROR: &str = "honeyhive_metadata.capture_error";

/// What the attribute says about a function.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Name of the span.
    pub name: &'static str,
    /// Whether the name was chosen, and is not the function's.
    pub renamed: bool,
    /// Kind of event.
    pub event_type: EventType,
    /// Number of arguments captured.
    pub inputs: usize,
}

/// Collects captured arguments.
#[derive(Debug)]
pub struct Inputs(Vec<KeyValue>);

impl Inputs {
    /// Adds one argument under its attribute key.
    pub fn push(&mut self, key: &'static str, value: Captured) {
        if let Some(value) = value.into_input() {
            self.0.push(KeyValue::new(key, value));
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

/// Starts the span of a call on the tracer the code should use.
pub fn start(function: &Function, capture: impl FnOnce(&mut Inputs)) -> Span {
    if is_gone() {
        return Span::disabled();
    }
    let cx = Context::current();
    if cx.is_telemetry_suppressed() {
        return Span::disabled();
    }
    match discovery::of_or_warn(&cx) {
        Some(tracer) => start_on(tracer, cx, function, capture),
        None => Span::disabled(),
    }
}

/// Starts the span of a call on a given tracer; without one as [`start`].
pub fn start_with(tracer: &impl AsTracer, function: &Function, capture: impl FnOnce(&mut Inputs)) -> Span {
    match tracer.as_tracer() {
        Some(_) if is_gone() => Span::disabled(),
        Some(tracer) => start_on(tracer, Context::current(), function, capture),
        None => start(function, capture),
    }
}

fn start_on(tracer: HoneyHiveTracer, cx: Context, function: &Function, capture: impl FnOnce(&mut Inputs)) -> Span {
    let builder = SpanBuilder::from_name(function.name);
    if !tracer.records(function.name) {
        return Span::start(tracer, cx, builder, false);
    }
    // Room for the type, a name, the arguments and a result.
    let mut inputs = Inputs(Span::attributes(&tracer, function.inputs + 3));
    inputs
        .0
        .push(KeyValue::new(keys::EVENT_TYPE, function.event_type.as_str()));
    if function.renamed {
        inputs.0.push(KeyValue::new(keys::EVENT_NAME, function.name));
    }
    // What a value does to show itself is code of the user's; when it panics the call goes on without it.
    if panic::catch_unwind(AssertUnwindSafe(|| capture(&mut inputs))).is_err() {
        inputs.0.push(KeyValue::new(
            CAPTURE_ERROR,
            "an argument panicked while it was recorded",
        ));
    }
    Span::start(tracer, cx, builder.with_attributes(inputs.0), true)
}

/// Runs a body. A closure passed here may give away what it captured, which one called in place may not.
pub fn call<T>(body: impl FnOnce() -> T) -> T {
    body()
}

/// Records the value a call returned.
pub fn succeed(span: &mut Span, output: impl FnOnce() -> Captured) {
    if span.is_recording() {
        let output = panic::catch_unwind(AssertUnwindSafe(output));
        span.settle_with_output(output.unwrap_or_else(|_| Captured::Text(PANICKED.to_owned())));
    }
}

/// Records the error a call returned.
pub fn fail(span: &mut Span, report: impl FnOnce() -> ErrorReport) {
    if span.is_recording() {
        let report = panic::catch_unwind(AssertUnwindSafe(report));
        let unknown = |_| ErrorReport::new("Error", PANICKED);
        span.settle_with_error(&report.unwrap_or_else(unknown));
    }
}
