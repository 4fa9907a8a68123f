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
//! Last results (2026-11-25, two cores, nothing else running, Linux, rustc 1.95; fastest of 500 samples, two runs):
//!
//! ```text
//!                          ours             SDK by hand      tracing-otel      fastrace    ours/SDK  ours/tracing
//! no argument            375, 376 ns  3 a   291, 291 ns  3 a   939,  960 ns  8 a    50 ns   1.29, 1.29   0.40, 0.39
//! two arguments          422, 420 ns  4 a   352, 382 ns  4 a  1079, 1124 ns 11 a   136 ns   1.20, 1.10   0.39, 0.37
//! two arguments, async   433, 435 ns  4 a   367, 367 ns  4 a  1305, 1357 ns 11 a   246 ns   1.18, 1.18   0.33, 0.32
//! five arguments         476, 477 ns  5 a   376, 373 ns  5 a  1191, 1202 ns 12 a   273 ns   1.27, 1.28   0.40, 0.40
//! two, SDK queued                           396, 410 ns  4 a                               1.07, 1.03
//! two, tracing bare                                            785,  801 ns  8 a                        0.54, 0.52
//!
//! three nested           1.27, 1.28 us  12 a (allocations)
//! prompt of 4 KiB        529, 525 ns     4 a    0.14, 0.13 us more than a short one
//! document of 1 KiB      1.22, 1.23 us   4 a
//! million floats         0.40, 0.40 ms   5 a    median 0.41, 0.40 ms
//! new_session            192, 190 ns     3 a
//! global tracer, routed  319, 284 ns     2 a    150 ns on the SDK alone, without attributes
//! tracing layer, routed  1.04, 1.03 us  11 a
//!
//! not recording, no allocation (seven runs)
//! no tracer              14 ns           async 21 to 22 ns, measuring takes 1.4 of it
//! session not sampled    19 to 20 ns     async 28 to 29 ns, once 37
//! tracing disabled       23 ns           the only tracer, found anew by each call
//! telemetry suppressed   11 to 12 ns
//!
//! not recording, but the context changes (seven runs)
//! left out by a filter   148 to 161 ns   1 a    below a recorded span, which it keeps writes from
//! tracer = not sampled   144 to 149 ns   3 a    it was not active before
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
