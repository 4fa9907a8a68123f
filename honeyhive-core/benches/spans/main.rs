//! What a span costs the code that opens it, next to the same span written by hand and next to `tracing`.
//!
//! Run with `cargo bench -p honeyhive-core --features tracing --bench spans`.
//!
//! Every call runs below an active span of its session. `add` takes two arguments and records five things: event type,
//! both arguments, result, and which session it belongs to. The peers end in a processor that drops the span. Ours
//! ends in its real queue, served by the real worker, which sends to a listener in this process that answers 200; it is
//! flushed between samples, so that a sample times the caller's path and neither overflows the queue nor waits for
//! encoding or the network. `sdk_span_batched` queues too and compares like with like; `delivered` times everything,
//! the worker included.
//!
//! Last results (2026-11-23, two shared cores, Linux, rustc 1.95; fastest of 500 samples):
//!
//! ```text
//! two_scalars            435 ns   4 allocations     1.19 x sdk_span, 0.39 x tracing_opentelemetry
//! two_scalars_async      463 ns
//! sdk_span               367 ns
//! tracing_opentelemetry 1113 ns
//! no_tracer               22 ns   0 allocations
//! prompt_of_4_kib        653 ns   0.23 us more than short_prompt
//! million_floats         482 us
//! new_session            205 ns   3 allocations
//! global_tracer          304 ns   routed; 149 ns on the SDK alone
//! tracing_layer         1075 ns   routed
//! ```
#![allow(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

mod listener;
mod ours;
mod peers;
mod routed;

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Duration;

use divan::{AllocProfiler, Bencher};
use honeyhive_core::HoneyHiveTracer;

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

/// Spans per sample: with the untimed ones before it fewer than fill a batch, so that the worker sleeps meanwhile.
const SAMPLE: u32 = 400;
/// Values per sample where one takes a while.
const FEW: u32 = 20;
const SAMPLES: u32 = 500;
const PATIENCE: Duration = Duration::from_secs(30);

static TRACER: LazyLock<HoneyHiveTracer> = LazyLock::new(|| {
    HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", "hh_bench")])
        .server_url(listener::listener())
        .undiscoverable()
        .build()
        .unwrap()
});

fn main() {
    divan::main();
    let stats = TRACER.stats();
    assert_eq!(
        stats.spans_lost(),
        0,
        "the figures above are of spans that were lost: {stats:?}"
    );
}

fn arguments() -> (u64, &'static str) {
    black_box((42, "what do bees dance about"))
}

fn five_arguments() -> (u64, &'static str, bool, f64, &'static str) {
    black_box((42, "what do bees dance about", true, 0.5, "m-1"))
}

fn sum(number: u64, query: &str, flag: bool, ratio: f64, model: &str) -> u64 {
    number + query.len() as u64 + u64::from(flag) + u64::from(ratio > 0.0) + model.len() as u64
}

fn below_a_span(bencher: Bencher<'_, '_>, sample: u32, call: impl Fn()) {
    let root = TRACER.span("root").start();
    let _active = root.activate();
    flushed_between_samples(bencher, sample, call);
}

fn flushed_between_samples(bencher: Bencher<'_, '_>, sample: u32, call: impl Fn()) {
    in_samples(bencher, sample, || TRACER.flush_blocking(PATIENCE).unwrap(), call);
}

/// Times `call`. Before each sample, untimed, everything of the last one is delivered, and a few calls warm up what
/// that has cooled down.
fn in_samples(bencher: Bencher<'_, '_>, sample: u32, flush: impl Fn(), call: impl Fn()) {
    let mut prepared = 0;
    let prepare = || {
        if prepared % sample == 0 {
            flush();
            (0..sample / 4).for_each(|_| call());
        }
        prepared += 1;
        prepared
    };
    bencher.with_inputs(prepare).bench_local_values(|_| call());
}
