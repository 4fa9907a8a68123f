//! Values that are wrong, and arguments that do not exist or do not go together.
#![allow(unused)]
use honeyhive_core::trace;

#[trace(event_type = "demo")]
fn unknown_type() {}

#[trace(event_type = 1)]
fn number_for_a_type() {}

#[trace(level = "info")]
fn unknown_argument() {}

#[trace("model")]
fn no_argument_name() {}

#[trace(name = "a" skip_all)]
fn no_comma() {}

#[trace(name = "")]
fn no_name() {}

#[trace(name = 1)]
fn number_for_a_name() {}

#[trace(skip(password))]
fn skips_what_is_not_there(_user: &str) {}

#[trace(skip(user), skip_all)]
fn skips_all_and_one(user: &str) {}

#[trace(skip)]
fn skips_itself(user: &str) {}

#[trace(error = |error| error)]
fn cannot_fail() {}

#[trace(error = |error| error)]
fn cannot_fail_either() -> Option<u8> {
    None
}

fn main() {}
