//! Which values are boxed futures or streams, whatever their type is called: the compiler picks, as in
//! [`capture`](crate::capture), and what comes out has the type of what went in.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use futures_util::Stream;

use super::{Seen, Span, watch_future, watch_stream};

/// A borrowed value on its way to its kind.
#[derive(Debug)]
pub struct Kind<'v, T: ?Sized>(pub &'v T);

/// First rung: a boxed future or stream.
pub trait KindBoxed {
    /// What it is.
    type Tag;
    /// Says it.
    fn __honeyhive_kind(&self) -> Self::Tag;
}

/// Last rung: anything else.
pub trait KindPlain {
    /// What it is.
    type Tag;
    /// Says it.
    fn __honeyhive_kind(&self) -> Self::Tag;
}

/// A boxed future or stream.
#[derive(Debug)]
pub struct Boxed<T>(PhantomData<fn() -> T>);

/// A value whose work is done.
#[derive(Debug)]
pub struct Plain<T>(PhantomData<fn() -> T>);

impl<T> KindPlain for Kind<'_, T> {
    type Tag = Plain<T>;

    fn __honeyhive_kind(&self) -> Plain<T> {
        Plain(PhantomData)
    }
}

impl<T> Plain<T> {
    /// Ends the span with the value.
    pub fn __honeyhive_end(self, mut span: Span, value: T, see: impl FnOnce(&T, bool) -> Seen) -> T {
        if span.is_recording() {
            match see(&value, true) {
                Seen::Value(output) => span.settle_with_output(output),
                Seen::Failed(report) => span.settle_with_error(&report),
            }
        }
        value
    }
}

macro_rules! boxed {
    ($(($($auto:ident)*))*) => {$(
        impl<'a, O> KindBoxed for &Kind<'_, Pin<Box<dyn Future<Output = O> $(+ $auto)* + 'a>>> {
            type Tag = Boxed<Pin<Box<dyn Future<Output = O> $(+ $auto)* + 'a>>>;

            fn __honeyhive_kind(&self) -> Self::Tag {
                Boxed(PhantomData)
            }
        }

        impl<'a, O: 'a> Boxed<Pin<Box<dyn Future<Output = O> $(+ $auto)* + 'a>>> {
            /// Ends the span with the output of the future.
            pub fn __honeyhive_end(
                self,
                span: Span,
                value: Pin<Box<dyn Future<Output = O> $(+ $auto)* + 'a>>,
                see: impl FnOnce(&O, bool) -> Seen $(+ $auto)* + 'a,
            ) -> Pin<Box<dyn Future<Output = O> $(+ $auto)* + 'a>> {
                self.__honeyhive_end_future(span, value, |span, output| {
                    Plain(PhantomData).__honeyhive_end(span, output, see)
                })
            }

            /// Ends the span as the output of the future says.
            pub fn __honeyhive_end_future(
                self,
                span: Span,
                value: Pin<Box<dyn Future<Output = O> $(+ $auto)* + 'a>>,
                conclude: impl FnOnce(Span, O) -> O $(+ $auto)* + 'a,
            ) -> Pin<Box<dyn Future<Output = O> $(+ $auto)* + 'a>> {
                if span.is_disabled() {
                    return value;
                }
                Box::pin(watch_future(span, value, conclude))
            }
        }

        impl<'a, T> KindBoxed for &Kind<'_, Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>>> {
            type Tag = Boxed<Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>>>;

            fn __honeyhive_kind(&self) -> Self::Tag {
                Boxed(PhantomData)
            }
        }

        impl<'a, T: 'a> Boxed<Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>>> {
            /// Ends the span with the stream.
            pub fn __honeyhive_end(
                self,
                span: Span,
                value: Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>>,
                see: impl FnMut(&T, bool) -> Seen $(+ $auto)* + 'a,
            ) -> Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>> {
                if span.is_disabled() {
                    return value;
                }
                Box::pin(watch_stream(span, value, see))
            }
        }
    )*};
}

boxed!(() (Send) (Send Sync));
