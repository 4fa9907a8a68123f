//! Values that are one attribute by themselves.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use opentelemetry::Value;

use super::limit::cut_text;
use crate::tracer::HoneyHiveTracer;

/// A value with a form of its own as an attribute; `None` when there is nothing to record.
pub trait Scalar {
    /// The attribute value.
    fn scalar(&self) -> Option<Value>;
}

macro_rules! integers {
    ($($t:ty)*) => {$(
        impl Scalar for $t {
            fn scalar(&self) -> Option<Value> {
                // OTLP integers are 64 bits signed: what does not fit keeps its digits as text.
                Some(i64::try_from(*self).map_or_else(|_| self.to_string().into(), Value::I64))
            }
        }
    )*};
}

integers!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

impl Scalar for bool {
    fn scalar(&self) -> Option<Value> {
        Some((*self).into())
    }
}

impl Scalar for f64 {
    fn scalar(&self) -> Option<Value> {
        Some((*self).into())
    }
}

impl Scalar for f32 {
    fn scalar(&self) -> Option<Value> {
        // Through the shortest decimal text, so that 0.1f32 is recorded as 0.1.
        Some(
            self.to_string()
                .parse::<f64>()
                .unwrap_or_else(|_| f64::from(*self))
                .into(),
        )
    }
}

impl Scalar for str {
    fn scalar(&self) -> Option<Value> {
        Some(cut_text(self).into())
    }
}

impl Scalar for String {
    fn scalar(&self) -> Option<Value> {
        self.as_str().scalar()
    }
}

impl Scalar for char {
    fn scalar(&self) -> Option<Value> {
        Some(self.to_string().into())
    }
}

impl Scalar for () {
    fn scalar(&self) -> Option<Value> {
        None
    }
}

impl Scalar for HoneyHiveTracer {
    fn scalar(&self) -> Option<Value> {
        None
    }
}

impl<T: Scalar> Scalar for Option<T> {
    fn scalar(&self) -> Option<Value> {
        self.as_ref().and_then(Scalar::scalar)
    }
}

macro_rules! through {
    ($($t:ty)*) => {$(
        impl<T: Scalar + ?Sized> Scalar for $t {
            fn scalar(&self) -> Option<Value> {
                (**self).scalar()
            }
        }
    )*};
}

through!(&T &mut T Box<T> Rc<T> Arc<T>);

impl<T: Scalar + ToOwned + ?Sized> Scalar for Cow<'_, T> {
    fn scalar(&self) -> Option<Value> {
        (**self).scalar()
    }
}

macro_rules! locks {
    ($($lock:ident)*) => {$(
        /// Never locked: the code that calls may hold it.
        impl<T: ?Sized> Scalar for std::sync::$lock<T> {
            fn scalar(&self) -> Option<Value> {
                Some(concat!("<", stringify!($lock), ">").into())
            }
        }
    )*};
}

locks!(Mutex RwLock);
