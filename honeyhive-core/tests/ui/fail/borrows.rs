//! Errors of the borrow checker are the compiler's own, at the user's code.
#![deny(unused_must_use)]
use honeyhive_core::trace;

#[trace]
fn moved_twice(text: String) -> String {
    drop(text);
    text
}

#[trace]
fn not_mutable(text: String) {
    text.push('!');
}

#[trace]
fn returns_a_local() -> &'static str {
    let text = String::new();
    &text
}

#[trace]
fn lifetimes<'a>(first: &'a str, second: &str) -> &'a str {
    if first.is_empty() { second } else { first }
}

#[trace]
async fn moved_twice_later(text: String) -> String {
    drop(text);
    text
}

#[trace]
#[must_use]
fn must_be_used() -> u8 {
    1
}

#[trace(metadata(text = text.into_bytes()))]
fn moved_by_the_attribute(text: String) -> String {
    text
}

fn main() {
    must_be_used();
}
