//! Expressions of the user's in the attribute that have another type than they should.
use honeyhive_core::trace;

#[trace(tracer = "default")]
fn tracer() {}

#[trace(event_type = KIND)]
fn event_type() {}

const KIND: &str = "model";

#[trace(name = name)]
fn name(name: String) {}

#[trace(metadata(length = text.length()))]
fn metadata(text: &str) {}

#[trace(metadata(size = missing))]
fn no_such_variable(text: &str) {}

#[trace(output = |text| text.length())]
fn output() -> String {
    String::new()
}

#[trace(output = |text: &u8| *text)]
fn output_of_another_type() -> String {
    String::new()
}

#[trace(error = |error| error.reason())]
fn error() -> Result<u8, std::fmt::Error> {
    Ok(1)
}

fn main() {}
