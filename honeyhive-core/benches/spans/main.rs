//! What a span costs the code that opens it, next to the same span written by hand and next to `tracing`.
//!
//! Run with `cargo bench -p honeyhive-core --features tracing --bench spans`.
//!
//! Every call runs below an active span of its session. A call with two arguments records five things: event type, both
//! arguments, result, and which session it belongs to. The peers end in a processor that drops the span. Ours ends in
//! its real queue, served by the real worker, which sends to a listener in this process that answers 200; it is flushed
//! between samples, so that a sample times the caller's path and neither overflows the queue nor waits for encoding or
//! the network. `two_arguments_queued` queues too and compares like with like; `delivered_4000_spans` times everything,
//! the worker included. `fastrace` records text in place of types and neither inputs nor results by itself.
//!
//! Last results (2026-11-24, two cores with a load of ten, Linux, rustc 1.95; fastest of 500 samples, two runs):
//!
//! ```text
//!                          ours             SDK by hand      tracing-otel      fastrace    ours/SDK  ours/tracing
//! no argument            368, 372 ns  3 a   292, 300 ns  3 a   939,  988 ns  8 a    51 ns   1.26, 1.24   0.39, 0.38
//! two arguments          417, 433 ns  4 a   357, 352 ns  4 a  1063, 1082 ns 11 a   142 ns   1.17, 1.23   0.39, 0.40
//! two arguments, async   445, 439 ns  4 a   369, 369 ns  4 a  1300, 1314 ns 11 a   253 ns   1.21, 1.19   0.34, 0.33
//! five arguments         463, 476 ns  5 a   400, 403 ns  5 a  1178, 1191 ns 12 a   285 ns   1.16, 1.18   0.39, 0.40
//! two, SDK queued                           364, 373 ns  4 a                               1.15, 1.16
//! two, tracing bare                                            796,  795 ns  8 a                        0.52, 0.54
//!
//! three nested           1.30, 1.29 us  12 a (allocations)
//! no tracer              26, 26 ns       0 a    async 43, 42 ns
//! telemetry suppressed   28, 20 ns       0 a
//! prompt of 4 KiB        565, 679 ns     4 a    0.17, 0.27 us more than a short one
//! document of 1 KiB      1.47, 1.46 us   4 a
//! million floats         0.43, 0.83 ms   5 a    median 1.9, 1.5 ms under that load
//! new_session            186, 197 ns     3 a
//! global tracer, routed  289, 282 ns     2 a    150 ns on the SDK alone, without attributes
//! tracing layer, routed  1.00, 1.01 us  11 a
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
