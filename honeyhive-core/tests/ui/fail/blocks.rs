//! `impl` blocks: what may stand on them, and on their methods.
#![allow(unused)]
use honeyhive_core::trace;

struct Service;

#[trace(name = "one for all")]
impl Service {
    fn named(&self) {}
}

#[trace(skip(user))]
impl Service {
    fn skips(&self, user: &str) {}
}

#[trace(skip)]
impl Service {
    fn skipped(&self) {}
}

#[trace]
impl Service {
    const fn at_compile_time(&self) {}

    #[trace(level = "info")]
    fn unknown_argument(&self) {}

    #[trace(skip(nobody))]
    fn skips_what_is_not_there(&self, user: &str) {}

    fn forever(&self) -> ! {
        loop {}
    }
}

fn main() {}
