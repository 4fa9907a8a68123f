//! What a function under evaluation may return, and how it may fail.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt;

use honeyhive_core::__private::simple_name;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::extract::ExtractError;

/// Why a function or an evaluator gave no result. Data of its row, not an error of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskError {
    /// Simple name of the error's type, or `Panic`.
    pub kind: String,
    /// The error's message.
    pub message: String,
}

impl TaskError {
    pub(crate) fn new(kind: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            message: message.into(),
        }
    }

    pub(crate) fn of<E: Into<Box<dyn Error + Send + Sync>>>(error: E) -> Self {
        let error = error.into();
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            message.push_str(": ");
            message.push_str(&inner.to_string());
            cause = inner.source();
        }
        Self::new(simple_name::<E>(), message)
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl Error for TaskError {}

impl From<ExtractError> for TaskError {
    fn from(error: ExtractError) -> Self {
        Self::new("ExtractError", error.to_string())
    }
}

/// Something a function under evaluation can return: scalars, text, JSON values, vectors, maps and options of them,
/// [`Json`] around any `Serialize` type, and `Result` of these with any error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the output of a function under evaluation",
    note = "wrap a type of your own in `Json(…)`; fail with `Result<_, E>` of any error type"
)]
pub trait IntoOutput {
    /// The output as JSON.
    ///
    /// # Errors
    ///
    /// [`TaskError`] when the function failed.
    fn into_output(self) -> Result<Value, TaskError>;
}

/// Any `Serialize` type as an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoOutput for Json<T> {
    fn into_output(self) -> Result<Value, TaskError> {
        serde_json::to_value(self.0).map_err(|error| TaskError::new("Unserialisable", error.to_string()))
    }
}

impl<T: IntoOutput, E: Into<Box<dyn Error + Send + Sync>>> IntoOutput for Result<T, E> {
    fn into_output(self) -> Result<Value, TaskError> {
        self.map_err(TaskError::of)?.into_output()
    }
}

macro_rules! values {
    ($($t:ty)*) => {$(
        impl IntoOutput for $t {
            fn into_output(self) -> Result<Value, TaskError> {
                Ok(self.into())
            }
        }
    )*};
}

values!(Value bool i8 i16 i32 i64 isize u8 u16 u32 u64 usize f32 f64 String &'static str Map<String, Value>);

impl IntoOutput for () {
    fn into_output(self) -> Result<Value, TaskError> {
        Ok(Value::Null)
    }
}

impl<T: IntoOutput> IntoOutput for Option<T> {
    fn into_output(self) -> Result<Value, TaskError> {
        self.map_or(Ok(Value::Null), T::into_output)
    }
}

impl<T: IntoOutput> IntoOutput for Vec<T> {
    fn into_output(self) -> Result<Value, TaskError> {
        self.into_iter().map(T::into_output).collect()
    }
}

macro_rules! maps {
    ($($map:ident)*) => {$(
        #[allow(clippy::implicit_hasher, reason = "an output is made by the function itself")]
        impl<T: IntoOutput> IntoOutput for $map<String, T> {
            fn into_output(self) -> Result<Value, TaskError> {
                self.into_iter().map(|(key, value)| Ok((key, value.into_output()?))).collect()
            }
        }
    )*};
}

maps!(BTreeMap HashMap);
