//! Turning any value into something that can be sent, without asking its type for anything.
//!
//! The ladder below is resolved by the compiler where the macro expands (autoref specialisation): a scalar is taken as
//! itself, text is cut and copied, anything `Serialize` becomes capped JSON, anything `Debug` capped text, and the rest
//! the name of its type.

mod flatten;
mod limit;
mod scalar;

use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry::{Key, KeyValue, Value};
use serde::Serialize;

pub(crate) use flatten::flatten;
pub(crate) use limit::{Joined, cut_at, cut_text};
use scalar::Scalar;

use limit::{JSON_LIMIT, TEXT_LIMIT, capped_debug, capped_json};

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
        catch_unwind(AssertUnwindSafe(|| capped_json(value, JSON_LIMIT)))
            .unwrap_or_else(|_| Self::Text(PANICKED.to_owned()))
    }

    /// Writes the value under `key`: JSON as one attribute a leaf.
    pub(crate) fn write(self, key: impl Into<Key>, attributes: &mut Vec<KeyValue>) {
        let key = key.into();
        match self {
            Self::Nothing => {}
            Self::Plain(value) => attributes.push(KeyValue::new(key, value)),
            Self::Text(text) => attributes.push(KeyValue::new(key, text)),
            Self::Json(text) => match serde_json::from_str(&text) {
                Ok(value) => flatten(key.as_str().to_owned(), value, attributes),
                // Nested deeper than can be read back: the text says it all.
                Err(_) => attributes.push(KeyValue::new(key, text)),
            },
        }
    }

    /// The value as a text.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Plain(value) => value.as_str().into_owned(),
            Self::Json(text) | Self::Text(text) => text,
        }
    }

    /// The attribute of a captured argument: JSON stays one text.
    #[inline]
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
        Captured::from_json(self.0)
    }
}

/// Third rung: the `Debug` text.
pub trait CaptureDebug {
    /// Takes the value.
    fn __honeyhive_capture(&self) -> Captured;
}

impl<T: fmt::Debug + ?Sized> CaptureDebug for &Capture<'_, T> {
    fn __honeyhive_capture(&self) -> Captured {
        // How a value shows itself is code of the user's; when it panics the program goes on without the value.
        let text = catch_unwind(AssertUnwindSafe(|| capped_debug(self.0)));
        Captured::Text(text.unwrap_or_else(|_| PANICKED.to_owned()))
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

/// Stands for a value whose own code panicked.
pub(crate) const PANICKED: &str = "<panicked while it was recorded>";

/// A value as JSON; what cannot be serialised becomes a text that says why, and what is too long one that is cut.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> serde_json::Value {
    let json = || {
        if let Captured::Text(cut) = capped_json(value, TEXT_LIMIT) {
            return cut.strip_prefix('"').unwrap_or(&cut).into();
        }
        match serde_json::to_value(value) {
            Ok(serde_json::Value::Null) => not_finite(value),
            Ok(json) => json,
            Err(error) => format!("<not serialisable: {error}>").into(),
        }
    };
    // How a value is serialised is code of the user's; when it panics the program goes on without the value.
    catch_unwind(AssertUnwindSafe(json)).unwrap_or_else(|_| PANICKED.into())
}

/// JSON has no number that is not finite, and makes it `null`: it becomes text, as the Python SDK writes it.
fn not_finite<T: Serialize + ?Sized>(value: &T) -> serde_json::Value {
    struct Scalar<'a, T: ?Sized>(&'a T);

    impl<T: Serialize + ?Sized> fmt::Display for Scalar<'_, T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.serialize(f)
        }
    }

    // Of what became `null`, only numbers can be displayed.
    let mut text = String::new();
    match write!(text, "{}", Scalar(value)) {
        Ok(()) if !text.is_empty() => text.to_lowercase().into(),
        _ => serde_json::Value::Null,
    }
}

#[cfg(test)]
mod tests;
