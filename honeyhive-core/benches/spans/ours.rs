//! `#[trace]`, and sessions.

use std::hint::black_box;

use divan::Bencher;
use futures_util::FutureExt as _;
use honeyhive_core::trace;
use serde::Serialize;

use crate::{
    FEW, PATIENCE, SAMPLE, SAMPLES, TRACER, arguments, below_a_span, five_arguments, flushed_between_samples, sum,
};

#[trace]
fn nothing() -> u64 {
    black_box(1)
}

#[trace]
fn add(number: u64, query: &str) -> u64 {
    black_box(number + query.len() as u64)
}

#[trace]
fn add_five(number: u64, query: &str, flag: bool, ratio: f64, model: &str) -> u64 {
    black_box(sum(number, query, flag, ratio, model))
}

#[trace]
async fn nothing_later() -> u64 {
    black_box(1)
}

#[trace]
async fn add_later(number: u64, query: &str) -> u64 {
    black_box(number + query.len() as u64)
}

#[trace]
async fn add_five_later(number: u64, query: &str, flag: bool, ratio: f64, model: &str) -> u64 {
    black_box(sum(number, query, flag, ratio, model))
}

#[trace]
fn ask(prompt: &str) -> u64 {
    black_box(prompt.len() as u64)
}

#[trace]
fn embed(vector: &Vec<f32>) -> u64 {
    black_box(vector.len() as u64)
}

/// About 1 KiB as JSON.
#[derive(Serialize)]
struct Document {
    title: String,
    score: f64,
    passages: Vec<String>,
}

#[trace]
fn rank(document: &Document) -> u64 {
    black_box(document.passages.len() as u64)
}

#[trace(event_type = "chain")]
fn outer(number: u64, query: &str) -> u64 {
    middle(number, query)
}

#[trace]
fn middle(number: u64, query: &str) -> u64 {
    add(number, query)
}

mod sync {
    use super::*;

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn no_argument(bencher: Bencher<'_, '_>) {
        below_a_span(bencher, SAMPLE, || {
            nothing();
        });
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn two_arguments(bencher: Bencher<'_, '_>) {
        below_a_span(bencher, SAMPLE, || {
            let (number, query) = arguments();
            add(number, query);
        });
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn five_arguments(bencher: Bencher<'_, '_>) {
        below_a_span(bencher, SAMPLE, || {
            let (number, query, flag, ratio, model) = super::five_arguments();
            add_five(number, query, flag, ratio, model);
        });
    }

    /// Three spans, one in the other.
    #[divan::bench(sample_size = SAMPLE / 4, sample_count = SAMPLES)]
    fn three_nested(bencher: Bencher<'_, '_>) {
        below_a_span(bencher, SAMPLE / 4, || {
            let (number, query) = arguments();
            outer(number, query);
        });
    }
}

mod later {
    use super::*;

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn no_argument(bencher: Bencher<'_, '_>) {
        below_a_span(bencher, SAMPLE, || {
            nothing_later().now_or_never();
        });
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn two_arguments(bencher: Bencher<'_, '_>) {
        below_a_span(bencher, SAMPLE, || {
            let (number, query) = arguments();
            add_later(number, query).now_or_never();
        });
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn five_arguments(bencher: Bencher<'_, '_>) {
        below_a_span(bencher, SAMPLE, || {
            let (number, query, flag, ratio, model) = super::five_arguments();
            add_five_later(number, query, flag, ratio, model).now_or_never();
        });
    }
}

mod big {
    use super::*;

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn short_prompt(bencher: Bencher<'_, '_>) {
        below_a_span(bencher, SAMPLE, || {
            ask(black_box("what do bees dance about"));
        });
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn prompt_of_4_kib(bencher: Bencher<'_, '_>) {
        let prompt = "The quick brown fox \"jumps\" over the lazy dog.\n".repeat(88);
        let prompt = &prompt[..4096];
        below_a_span(bencher, SAMPLE, || {
            ask(black_box(prompt));
        });
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn document_of_1_kib(bencher: Bencher<'_, '_>) {
        let document = Document {
            title: "The waggle dance".to_owned(),
            score: 0.5,
            passages: vec!["Bees tell each other where flowers are, and how far. ".repeat(3); 6],
        };
        below_a_span(bencher, SAMPLE, || {
            rank(black_box(&document));
        });
    }

    #[divan::bench(sample_size = FEW, sample_count = 100)]
    fn million_floats(bencher: Bencher<'_, '_>) {
        #[expect(clippy::cast_precision_loss, reason = "any numbers do")]
        let vector: Vec<f32> = (0..1_000_000).map(|index| (index as f32).sin()).collect();
        below_a_span(bencher, FEW, || {
            embed(black_box(&vector));
        });
    }
}

/// Where nothing is recorded.
mod off {
    use std::sync::LazyLock;

    use honeyhive_core::{HoneyHiveTracer, TracerBuilder};
    use opentelemetry::Context;

    use super::*;

    static LEFT_OUT: LazyLock<HoneyHiveTracer> = LazyLock::new(|| built(|builder| builder.sample_rate(0.0)));
    static FILTERING: LazyLock<HoneyHiveTracer> = LazyLock::new(|| built(|builder| builder.exclude_spans("add")));

    fn built(configure: impl FnOnce(TracerBuilder) -> TracerBuilder) -> HoneyHiveTracer {
        let builder = HoneyHiveTracer::builder().environment([("HH_API_KEY", "hh_bench")]);
        let builder = builder.project("bench").test_mode(true).undiscoverable();
        configure(builder).build().unwrap()
    }

    #[trace(tracer = &*LEFT_OUT)]
    fn add_to_given(number: u64, query: &str) -> u64 {
        black_box(number + query.len() as u64)
    }

    fn call() -> u64 {
        let (number, query) = arguments();
        add(number, query)
    }

    fn call_later() -> Option<u64> {
        let (number, query) = arguments();
        add_later(number, query).now_or_never()
    }

    #[divan::bench(sample_size = 1000, sample_count = SAMPLES)]
    fn no_tracer() -> u64 {
        call()
    }

    #[divan::bench(sample_size = 1000, sample_count = SAMPLES)]
    fn no_tracer_async() -> Option<u64> {
        call_later()
    }

    /// What of that the way to measure a future takes.
    #[divan::bench(sample_size = 1000, sample_count = SAMPLES)]
    fn not_annotated_async() -> Option<u64> {
        async fn add_later(number: u64, query: &str) -> u64 {
            black_box(number + query.len() as u64)
        }
        let (number, query) = arguments();
        add_later(number, query).now_or_never()
    }

    #[divan::bench(sample_size = 1000, sample_count = SAMPLES)]
    fn suppressed(bencher: Bencher<'_, '_>) {
        let _active = TRACER.activate();
        let _quiet = Context::enter_telemetry_suppressed_scope();
        bencher.bench_local(call);
    }

    /// In a session that is not sampled.
    #[divan::bench(sample_size = 1000, sample_count = SAMPLES)]
    fn session_left_out(bencher: Bencher<'_, '_>) {
        let _active = LEFT_OUT.activate();
        bencher.bench_local(call);
    }

    #[divan::bench(sample_size = 1000, sample_count = SAMPLES)]
    fn session_left_out_async(bencher: Bencher<'_, '_>) {
        let _active = LEFT_OUT.activate();
        bencher.bench_local(call_later);
    }

    /// The function names the tracer, which is not active.
    #[divan::bench(sample_size = 1000, sample_count = SAMPLES)]
    fn session_left_out_given(bencher: Bencher<'_, '_>) {
        bencher.bench_local(|| {
            let (number, query) = arguments();
            add_to_given(number, query)
        });
    }

    /// Below a span of that session.
    #[divan::bench(sample_size = 1000, sample_count = SAMPLES)]
    fn session_left_out_nested(bencher: Bencher<'_, '_>) {
        let root = LEFT_OUT.span("root").start();
        let _active = root.activate();
        bencher.bench_local(call);
    }

    /// The only tracer of the program does not trace, and is found anew by each call.
    #[divan::bench(sample_size = 1000, sample_count = SAMPLES)]
    fn tracing_disabled(bencher: Bencher<'_, '_>) {
        let builder = HoneyHiveTracer::builder().environment([("HH_API_KEY", "hh_bench"), ("HH_DISABLE_TRACING", "1")]);
        let _only = builder.project("bench").build().unwrap();
        bencher.bench_local(call);
    }

    /// A filter leaves the function out, below a span that is recorded.
    #[divan::bench(sample_size = 1000, sample_count = SAMPLES)]
    fn name_left_out(bencher: Bencher<'_, '_>) {
        let root = FILTERING.span("root").start();
        let _active = root.activate();
        bencher.bench_local(call);
    }
}

mod sessions {
    use super::*;

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn new_session(bencher: Bencher<'_, '_>) {
        flushed_between_samples(bencher, SAMPLE, || {
            black_box(TRACER.new_session("x").start());
        });
    }

    /// Ten thousand at once: `max alloc` is what they take while their start waits to be sent.
    #[divan::bench(sample_size = 1, sample_count = 20)]
    fn ten_thousand_live_sessions(bencher: Bencher<'_, '_>) {
        flushed_between_samples(bencher, 1, || {
            let live: Vec<_> = (0..10_000).map(|_| TRACER.new_session("s").start()).collect();
            black_box(live);
        });
    }
}

/// Caller and worker together: until everything has been sent and acknowledged.
#[divan::bench(sample_size = 1, sample_count = 100)]
fn delivered_4000_spans(bencher: Bencher<'_, '_>) {
    let root = TRACER.span("root").start();
    let _active = root.activate();
    bencher.bench_local(|| {
        for _ in 0..4000 {
            let (number, query) = arguments();
            add(number, query);
        }
        TRACER.flush_blocking(PATIENCE).unwrap();
    });
}
