//! How a piece of work ended: what its result is, and what an error says about itself.
//!
//! As in [`capture`](crate::capture), the compiler picks the richest description where the macro expands.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry::KeyValue;

use crate::capture::{Capture, PANICKED, cut_text};

/// What is recorded of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReport {
    /// Simple name of the error's type.
    pub(crate) kind: String,
    /// Its message.
    pub(crate) message: String,
    /// Messages of the errors beneath it, outermost first.
    sources: Vec<String>,
}

/// More causes than anybody reads, and an end for a chain that has none.
const SOURCE_LIMIT: usize = 32;

impl ErrorReport {
    pub(crate) fn new(kind: &str, message: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            message: cut_text(message),
            sources: Vec::new(),
        }
    }

    pub(crate) fn of<E: Error>(error: &E) -> Self {
        Self::with_sources(simple_name::<E>(), error)
    }

    pub(crate) fn of_unknown(error: &(dyn Error + '_)) -> Self {
        Self::with_sources("Error", error)
    }

    fn with_sources(kind: &str, error: &(dyn Error + '_)) -> Self {
        let mut report = Self::new(kind, &text_of(&error));
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let mut source = error.source();
            while let Some(cause) = source.filter(|_| report.sources.len() < SOURCE_LIMIT) {
                report.sources.push(cut_text(&text_of(&cause)));
                source = cause.source();
            }
        }));
        report
    }

    /// The report of code that panicked with this.
    pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let message = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::new("Panic", message.unwrap_or("the code inside panicked"))
    }

    /// The report of a span that was dropped before its outcome was known.
    pub(crate) fn unsettled() -> Self {
        if std::thread::panicking() {
            Self::new("Panic", "the code inside panicked")
        } else {
            Self::new("Cancelled", "dropped before it finished")
        }
    }

    /// Attributes of the `exception` event.
    pub(crate) fn exception_attributes(&self) -> Vec<KeyValue> {
        let mut attributes = vec![
            KeyValue::new("exception.type", self.kind.clone()),
            KeyValue::new("exception.message", self.message.clone()),
        ];
        if !self.sources.is_empty() {
            attributes.push(KeyValue::new(
                "exception.stacktrace",
                format!("caused by: {}", self.sources.join("\ncaused by: ")),
            ));
        }
        attributes
    }
}

/// What a value displays. `to_string` would panic where `Display` fails, and where it panics.
fn text_of(value: &impl fmt::Display) -> String {
    text(format_args!("{value}"))
}

fn text(shown: fmt::Arguments<'_>) -> String {
    let written = catch_unwind(AssertUnwindSafe(|| {
        let mut text = String::new();
        if fmt::write(&mut text, shown).is_err() {
            text.push_str("<its Display failed>");
        }
        text
    }));
    written.unwrap_or_else(|_| PANICKED.to_owned())
}

/// Simple name of a type: no path, no parameters. Boxed, borrowed and textual errors are an `Error`.
pub fn simple_name<T: ?Sized>() -> &'static str {
    let full = std::any::type_name::<T>();
    let bare = full.split('<').next().unwrap_or(full);
    match bare.rsplit([':', ' ', '&']).next() {
        Some("Box" | "str" | "String") | None => "Error",
        Some(name) => name,
    }
}

/// First rung: an error.
pub trait ReportError {
    /// Describes it.
    fn __honeyhive_report(&self) -> ErrorReport;
}

impl<E: Error> ReportError for &&&&Capture<'_, E> {
    fn __honeyhive_report(&self) -> ErrorReport {
        ErrorReport::of(self.0)
    }
}

/// Second rung: a boxed error, which is no error to the compiler.
pub trait ReportBoxed {
    /// Describes it.
    fn __honeyhive_report(&self) -> ErrorReport;
}

macro_rules! boxed {
    ($($t:ty)*) => {$(
        impl ReportBoxed for &&&Capture<'_, Box<$t>> {
            fn __honeyhive_report(&self) -> ErrorReport {
                ErrorReport::with_sources("Error", &**self.0)
            }
        }
    )*};
}

boxed!(dyn Error dyn Error + Send dyn Error + Send + Sync);

/// Third rung: anything that can be displayed, such as `String` or `anyhow::Error`.
pub trait ReportText {
    /// Describes it.
    fn __honeyhive_report(&self) -> ErrorReport;
}

impl<E: fmt::Display + ?Sized> ReportText for &&Capture<'_, E> {
    fn __honeyhive_report(&self) -> ErrorReport {
        ErrorReport::new(simple_name::<E>(), &text_of(&self.0))
    }
}

/// Fourth rung: the `Debug` text.
pub trait ReportDebug {
    /// Describes it.
    fn __honeyhive_report(&self) -> ErrorReport;
}

impl<E: fmt::Debug + ?Sized> ReportDebug for &Capture<'_, E> {
    fn __honeyhive_report(&self) -> ErrorReport {
        ErrorReport::new(simple_name::<E>(), &text(format_args!("{:?}", self.0)))
    }
}

/// Last rung: the type's name.
pub trait ReportOpaque {
    /// Describes it.
    fn __honeyhive_report(&self) -> ErrorReport;
}

impl<E: ?Sized> ReportOpaque for Capture<'_, E> {
    fn __honeyhive_report(&self) -> ErrorReport {
        ErrorReport::new(simple_name::<E>(), std::any::type_name::<E>())
    }
}

/// A result seen as value or error; a value that is no `Result` has no error.
#[derive(Debug)]
pub enum Split<'a, T: ?Sized, E> {
    /// The work succeeded with this.
    Value(&'a T),
    /// The work failed with this.
    Failure(&'a E),
}

/// The error of a value that is no `Result`: there is none.
#[derive(Debug)]
pub enum NotAResult {}

/// First rung: a `Result`.
pub trait SplitResult<'a> {
    /// Type of the value.
    type Value;
    /// Type of the error.
    type Failure;
    /// Looks inside.
    fn __honeyhive_split(&self) -> Split<'a, Self::Value, Self::Failure>;
}

impl<'a, T, E> SplitResult<'a> for &Capture<'a, Result<T, E>> {
    type Value = T;
    type Failure = E;

    fn __honeyhive_split(&self) -> Split<'a, T, E> {
        match self.0 {
            Ok(value) => Split::Value(value),
            Err(error) => Split::Failure(error),
        }
    }
}

/// Last rung: anything else.
pub trait SplitPlain<'a> {
    /// Type of the value.
    type Value: ?Sized;
    /// The value.
    fn __honeyhive_split(&self) -> Split<'a, Self::Value, NotAResult>;
}

impl<'a, T: ?Sized> SplitPlain<'a> for Capture<'a, T> {
    type Value = T;

    fn __honeyhive_split(&self) -> Split<'a, T, NotAResult> {
        Split::Value(self.0)
    }
}
