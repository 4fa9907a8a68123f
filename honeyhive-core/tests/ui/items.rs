use honeyhive_core::trace;

#[trace]
const fn at_compile_time() {}

#[trace]
struct NoFunction;

trait Tool {
    #[trace]
    fn without_a_body(&self);
}

fn main() {}
