//! Items that cannot be traced.
use honeyhive_core::trace;

#[trace]
const fn at_compile_time() {}

#[trace]
struct NoFunction;

#[trace]
mod no_function {}

#[trace]
trait NoBlock {}

trait Tool {
    #[trace]
    fn without_a_body(&self);
}

#[trace]
fn forever() -> ! {
    loop {}
}

#[trace]
async fn forever_later() -> ! {
    loop {}
}

fn main() {}
