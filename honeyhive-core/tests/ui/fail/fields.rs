//! Keys and values of the parts of an event.
use honeyhive_core::trace;

#[trace(metadata("" = 1))]
fn empty_key() {}

#[trace(metadata("key"))]
fn no_value() {}

#[trace(metadata(1))]
fn no_key() {}

#[trace(metrics(count: 1))]
fn colon() {}

#[trace(inputs(a.b))]
fn expression_without_a_key() {}

fn main() {}
