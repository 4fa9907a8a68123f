//! Errors in the user's code are the compiler's own, at the user's code.
use honeyhive_core::trace;

#[trace]
fn another_type() -> u8 {
    "text"
}

#[trace]
async fn another_type_later() -> u8 {
    "text"
}

#[trace]
fn no_value() -> u8 {}

#[trace]
fn other_error(text: &str) -> Result<u8, std::fmt::Error> {
    Ok(text.parse::<u8>()?)
}

#[trace]
fn unknown_method(text: &str) -> usize {
    text.length()
}

#[trace]
fn unknown_type(text: Text) {}

#[trace]
fn early_return(flag: bool) -> String {
    if flag {
        return 1;
    }
    String::new()
}

fn main() {}
