//! Exceptions of the Python programs, and values that show nothing of themselves: neither `Debug` nor `Serialize`.

use std::fmt;

use honeyhive_core::trace;

macro_rules! exceptions {
    ($($name:ident)*) => {$(
        #[derive(Debug)]
        pub(crate) struct $name(pub(crate) String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::error::Error for $name {}
    )*};
}

exceptions!(ValueError KeyError RuntimeError TimeoutError);

pub(crate) struct Opaque;

/// What a Python generator is here.
pub(crate) struct Generator {
    pub(crate) left: i64,
}

impl Iterator for Generator {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        self.left -= 1;
        (self.left >= 0).then_some(self.left)
    }
}

/// The class that the Python program hands to `trace_class`.
pub(crate) struct Service {
    base: i64,
}

#[trace]
impl Service {
    pub(crate) fn make(base: i64) -> Self {
        Self { base }
    }

    pub(crate) fn add(&self, x: i64) -> i64 {
        self.base + x
    }

    pub(crate) async fn aadd(&self, x: i64) -> i64 {
        self.base + x
    }

    pub(crate) fn twice(x: i64) -> i64 {
        2 * x
    }

    #[trace(skip)]
    pub(crate) const fn new(base: i64) -> Self {
        Self { base }
    }
}
