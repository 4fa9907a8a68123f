//! Turning any value into something that can be sent, without asking its type for anything.
//!
//! The ladder below is resolved by the compiler where the macro expands (autoref specialisation): a scalar is taken as
//! itself, text is cut and copied, anything `Serialize` becomes capped JSON, anything `Debug` capped text, and the rest
//! the name of its type.

mod flatten;
mod limit;
mod scalar;

use std::fmt::{self, Write as _};

use opentelemetry::Value;
use serde::Serialize;

pub(crate) use flatten::flatten;
pub(crate) use limit::cut_text;
use scalar::Scalar;

use limit::{capped_debug, capped_json};

/// A borrowed value on its way through the ladder.
#[derive(Debug)]
pub struct Capture<'a, T: ?Sized>(pub &'a T);

/// A captured value.
#[derive(Debug, PartialEq)]
pub enum Captured {
    /// Nothing to record: `None`, `()`, a tracer.
    Nothing,
    /// A scalar or a text.
    Plain(Value),
    /// JSON text of a structured value, whole.
    Json(String),
    /// Text of a value that could not be taken whole or has no structure to keep.
    Text(String),
}

impl Captured {
    /// A value known to be serialisable.
    pub(crate) fn from_json<T: Serialize + ?Sized>(value: &T) -> Self {
        capped_json(value)
    }

    /// The attribute of a captured argument: JSON stays one text.
    pub(crate) fn into_input(self) -> Option<Value> {
        match self {
            Self::Nothing => None,
            Self::Plain(value) => Some(value),
            Self::Json(text) | Self::Text(text) => Some(text.into()),
        }
    }
}

/// First rung: values with a form of their own.
pub trait CaptureScalar {
    /// Takes the value.
    fn __honeyhive_capture(&self) -> Captured;
}

impl<T: Scalar + ?Sized> CaptureScalar for &&&Capture<'_, T> {
    fn __honeyhive_capture(&self) -> Captured {
        self.0.scalar().map_or(Captured::Nothing, Captured::Plain)
    }
}

/// Second rung: JSON.
pub trait CaptureSerialize {
    /// Takes the value.
    fn __honeyhive_capture(&self) -> Captured;
}

impl<T: Serialize + ?Sized> CaptureSerialize for &&Capture<'_, T> {
    fn __honeyhive_capture(&self) -> Captured {
        capped_json(self.0)
    }
}

/// Third rung: the `Debug` text.
pub trait CaptureDebug {
    /// Takes the value.
    fn __honeyhive_capture(&self) -> Captured;
}

impl<T: fmt::Debug + ?Sized> CaptureDebug for &Capture<'_, T> {
    fn __honeyhive_capture(&self) -> Captured {
        Captured::Text(capped_debug(self.0))
    }
}

/// Last rung: the type's name.
pub trait CaptureOpaque {
    /// Takes the value.
    fn __honeyhive_capture(&self) -> Captured;
}

impl<T: ?Sized> CaptureOpaque for Capture<'_, T> {
    fn __honeyhive_capture(&self) -> Captured {
        let mut text = String::with_capacity(64);
        let _ = write!(text, "<{}>", std::any::type_name::<T>());
        Captured::Text(text)
    }
}

/// A value as JSON; what cannot be serialised becomes a text that says why.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_else(|error| format!("<not serialisable: {error}>").into())
}

#[cfg(test)]
mod tests;
