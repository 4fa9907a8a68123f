//! `#[trace]` in the crate of a user who renamed the dependency, denies every warning and traces unsafe code.
//!
//! Of clippy it denies what is on by default and what is pedantic, so that the attribute may cause none of it.
#![deny(
    warnings,
    missing_docs,
    rust_2018_idioms,
    unused_qualifications,
    unused_results,
    let_underscore_drop
)]
#![deny(clippy::all, clippy::pedantic)]

use std::fmt::Display;
use std::future::Future;

use hh::trace;

/// Adds one.
#[trace(crate = hh)]
#[must_use]
pub fn next(number: u8) -> u8 {
    number + 1
}

/// Asks a model, which may refuse.
///
/// # Errors
///
/// When it does.
#[trace(crate = hh, event_type = "model", skip(key), output = String::len, error = String::len)]
pub fn ask(question: &str, key: &str) -> Result<String, String> {
    if key.is_empty() {
        return Err("no key".to_owned());
    }
    Ok(question.to_owned())
}

/// Waits, and shows what it got.
#[trace(crate = hh, tracer = None::<hh::HoneyHiveTracer>, event_type = hh::EventType::Chain)]
pub async fn show(value: impl Display + Send) -> String {
    std::future::ready(()).await;
    value.to_string()
}

/// A future.
#[trace(crate = hh)]
pub fn later(text: &str) -> impl Future<Output = Result<u8, std::num::ParseIntError>> + '_ {
    async move { text.parse() }
}

/// Reads what is behind a pointer, in the older style: without a block.
///
/// # Safety
///
/// The pointer is valid.
#[trace(crate = hh)]
#[must_use]
pub unsafe fn read(pointer: *const u8) -> u8 {
    *pointer
}

/// The same with an await in it.
///
/// # Safety
///
/// The pointer is valid.
#[trace(crate = hh)]
pub async unsafe fn read_later(pointer: *const u8) -> u8 {
    std::future::ready(()).await;
    *pointer
}

/// For C.
///
/// # Safety
///
/// The pointer is valid.
#[no_mangle]
#[trace(crate = hh)]
pub unsafe extern "C" fn honeyhive_downstream_read(pointer: *const u8) -> u8 {
    read(pointer)
}

/// A service.
#[derive(Debug)]
pub struct Service {
    name: String,
}

#[trace(crate = hh, metadata(name = self.name))]
impl Service {
    /// Makes one.
    #[trace(skip)]
    #[must_use]
    pub const fn new(name: String) -> Self {
        Self { name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives it another.
    pub fn rename(&mut self, name: &str) -> &mut Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Its name, later.
    pub async fn name_later(&self) -> Option<&str> {
        std::future::ready(Some(self.name.as_str())).await
    }

    /// Nothing.
    #[trace(output = false)]
    pub async fn nothing(&self) {
        std::future::ready(()).await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_renamed_dependency_and_unsafe_code_can_be_traced() {
        assert_eq!(next(1), 2);
        assert_eq!(ask("why?", "key"), Ok("why?".to_owned()));
        assert_eq!(ask("why?", ""), Err("no key".to_owned()));
        assert_eq!(show(1).now_or_never().as_deref(), Some("1"));
        assert_eq!(later("7").now_or_never(), Some(Ok(7)));
        let byte = 3;
        // SAFETY: the pointer is one of a value that lives.
        unsafe {
            assert_eq!(read(&raw const byte), 3);
            assert_eq!(read_later(&raw const byte).now_or_never(), Some(3));
            assert_eq!(honeyhive_downstream_read(&raw const byte), 3);
        }
        let mut service = Service::new("bees".to_owned());
        assert_eq!(service.rename("wasps").name(), "wasps");
        assert_eq!(service.name_later().now_or_never(), Some(Some("wasps")));
        assert_eq!(service.nothing().now_or_never(), Some(()));
    }
}
