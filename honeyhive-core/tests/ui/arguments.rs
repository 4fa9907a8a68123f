use honeyhive_core::trace;

#[trace(event_type = "demo")]
fn unknown_type() {}

#[trace(event_type = "session")]
fn session() {}

#[trace(level = "info")]
fn unknown_argument() {}

#[trace(name = "a", name = "b")]
fn twice() {}

#[trace(name = "")]
fn no_name() {}

#[trace(skip(password))]
fn skips_what_is_not_there(_user: &str) {}

#[trace("model")]
fn no_argument_name() {}

fn main() {}
