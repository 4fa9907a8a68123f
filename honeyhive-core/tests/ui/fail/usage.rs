//! Arguments that are written in another way than they are meant.
#![allow(unused)]
use honeyhive_core::trace;

#[trace(event_type)]
fn event_type() {}

#[trace(name("a"))]
fn name() {}

#[trace(tracer(t))]
fn tracer() {}

#[trace(skip = a)]
fn skip(a: u8) {}

#[trace(skip())]
fn skip_nothing(a: u8) {}

#[trace(skip_all = true)]
fn skip_all(a: u8) {}

#[trace(inputs = 1)]
fn inputs() {}

#[trace(metadata())]
fn metadata() {}

#[trace(metrics)]
fn metrics() {}

#[trace(config: 1)]
fn config() {}

#[trace(feedback)]
fn feedback() {}

#[trace(output = true)]
fn output() {}

#[trace(output(false))]
fn output_in_parentheses() {}

#[trace(error = "text")]
fn error() -> Result<(), ()> {
    Ok(())
}

#[trace(crate("hh"))]
fn path() {}

fn main() {}
