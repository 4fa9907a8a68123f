//! Each argument, given twice.
#![allow(unused)]
use honeyhive_core::trace;

#[trace(event_type = "model", event_type = "tool")]
fn event_type() {}

#[trace(name = "a", name = "b")]
fn name() {}

#[trace(tracer = a, tracer = b)]
fn tracer() {}

#[trace(skip(a), skip(b))]
fn skip(a: u8, b: u8) {}

#[trace(skip_all, skip_all)]
fn skip_all() {}

#[trace(metadata(key = 1), metadata(key = 2))]
fn metadata() {}

#[trace(inputs(a, "a" = 2))]
fn inputs(a: u8) {}

#[trace(output = false, output = |a| a)]
fn output() {}

#[trace(error = |a| a, error = |a| a)]
fn error() -> Result<(), ()> {
    Ok(())
}

#[trace(crate = a, crate = b)]
fn path() {}

#[trace(event_name = "a", name = "b")]
fn both_names() {}

fn main() {}
