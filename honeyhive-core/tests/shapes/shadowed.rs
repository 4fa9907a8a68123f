//! Traced functions in a module whose own items have the names the expansion needs.
#![allow(dead_code, unused_macros, non_camel_case_types, non_upper_case_globals)]

use honeyhive_core::trace;

mod core {}
mod std {}
mod alloc {}
mod opentelemetry {}
struct Result;
struct Some;
struct None;
struct Ok;
struct Err;
struct Option;
struct Box;
struct Vec;
struct String;
struct Span;
struct Call;
struct Capture;
struct EventType;
struct never;
struct value;
struct call;
trait Send {}
trait Sync {}
trait Sized {}
trait Fn {}
trait FnOnce {}
trait Future {}
trait Drop {}
trait Clone {}
const span: u8 = 1;
const result: u8 = 1;

macro_rules! vec {
    () => {};
}

macro_rules! unreachable {
    () => {};
}

macro_rules! panic {
    () => {};
}

macro_rules! matches {
    () => {};
}

#[trace(event_type = "model", metadata(twice = a * 2), output = |sum| sum + 1)]
fn add(a: u8, b: u8) -> u8 {
    a + b
}

#[trace(error = |error| error)]
fn fails() -> ::std::result::Result<u8, &'static str> {
    ::std::result::Result::Err("no")
}

#[trace]
async fn later(text: &str) -> ::std::option::Option<&str> {
    ::std::option::Option::Some(text)
}

#[trace]
async fn fails_later(text: &str) -> ::std::result::Result<&str, &str> {
    ::std::result::Result::Err(text)
}

#[trace]
fn boxed(a: u8) -> ::std::pin::Pin<::std::boxed::Box<dyn ::std::future::Future<Output = u8>>> {
    ::std::boxed::Box::pin(async move { a })
}

#[trace]
fn opaque(a: u8) -> impl ::std::future::Future<Output = u8> {
    async move { a }
}

#[trace]
fn stream() -> impl futures_util::Stream<Item = u8> {
    futures_util::stream::iter([1, 2])
}

/// Nothing of the standard library is in scope here.
pub(crate) mod bare {
    #![no_implicit_prelude]

    #[::honeyhive_core::trace]
    fn add(a: u8) -> u8 {
        a
    }

    #[::honeyhive_core::trace(output = |sum| sum)]
    async fn later(a: u8) -> ::std::result::Result<u8, u8> {
        ::std::result::Result::Ok(a)
    }

    pub(crate) async fn everything() {
        ::std::assert_eq!(add(1), 1);
        ::std::assert_eq!(later(1).await, ::std::result::Result::Ok(1));
    }
}

pub(crate) async fn everything() {
    use futures_util::StreamExt as _;

    assert_eq!(add(1, 2), 3);
    assert!(fails().is_err());
    assert_eq!(later("text").await, ::std::option::Option::Some("text"));
    assert!(fails_later("text").await.is_err());
    assert_eq!(boxed(1).await + opaque(2).await, 3);
    assert_eq!(stream().count().await, 2);
    bare::everything().await;
}
