//! What delivery costs: the caller, who hands a finished span over, and the worker, who encodes and sends it.
//!
//! Run with `cargo bench -p honeyhive-core --bench delivery`.
//!
//! `hand_over` times the end of a span that has two attributes, with 1, 2 and 4 threads on one tracer; a flush between
//! samples, not timed, keeps the queue from being full. The stock `BatchSpanProcessor` gets the same span, and an
//! exporter that drops it. `throughput` is printed first: 200,000 spans to a server in this process that answers 200;
//! the worker is one thread, and what it computes is told apart from what the others do.
//!
//! Last results (2026-11-24, two cores shared with a load of ten, Linux, rustc 1.95):
//!
//! ```text
//! throughput, protobuf        4.76 us of the worker a span    46,000 spans/s beside that load
//! throughput, protobuf, gzip  6.08 us
//! throughput, JSON            9.16 us
//! hand_over                   179 ns, 187 ns, 207 ns fastest with 1, 2, 4 threads; median 202, 223, 353
//! hand_over_stock             102 ns,  97 ns,  98 ns                               112, 112, 108
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and stops at the first surprise"
)]

#[path = "../spans/listener.rs"]
mod listener;

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use divan::Bencher;
use honeyhive_core::{HoneyHiveTracer, OtlpCompression, OtlpProtocol, TracerBuilder};
use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanExporter,
};

const PATIENCE: Duration = Duration::from_secs(60);
const NEVER: Duration = Duration::from_secs(86_400);
const QUEUE: usize = 1 << 16;
/// Spans of one thread after which it flushes: with four threads no more than the queue holds.
const FLUSH: u32 = 8_000;

fn main() {
    for (name, protocol, compression) in [
        ("protobuf", OtlpProtocol::HttpProtobuf, OtlpCompression::None),
        ("protobuf, gzip", OtlpProtocol::HttpProtobuf, OtlpCompression::Gzip),
        ("JSON", OtlpProtocol::HttpJson, OtlpCompression::None),
    ] {
        throughput(name, builder().otlp_protocol(protocol).otlp_compression(compression));
    }
    divan::main();
    assert_eq!(TRACER.stats().lost(), 0, "the figures are of spans that were lost");
}

fn builder() -> TracerBuilder {
    HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", "hh_bench")])
        .server_url(listener::listener())
        .max_queue_size(QUEUE)
        .max_queue_bytes(1 << 30)
        .undiscoverable()
}

/// Spans as they are in a program: a few attributes, one of them a prompt of 200 bytes.
fn throughput(name: &str, builder: TracerBuilder) {
    const WAVE: usize = 20_000;
    const WAVES: usize = 10;
    let tracer = builder.build().unwrap();
    let prompt = "what do bees dance about? ".repeat(8);
    let wave = || {
        for number in 0..WAVE {
            let span = tracer.span("answer").input("prompt", &prompt).input("number", number);
            span.start().end();
        }
        let started = Instant::now();
        tracer.flush_blocking(PATIENCE).unwrap();
        started.elapsed()
    };
    wave();
    let computed = worker_seconds();
    let waited: Duration = (0..WAVES).map(|_| wave()).sum();
    let computed = worker_seconds() - computed;
    let spans = (WAVE * WAVES) as f64;
    println!(
        "throughput, {name}: {:.0} spans/s, {:.2} µs of the worker each",
        spans / waited.as_secs_f64().max(computed),
        computed * 1e6 / spans
    );
}

/// Seconds the delivery threads of this process have computed.
fn worker_seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let read = |task: &std::fs::DirEntry, name| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
    tasks
        .filter(|task| read(task, "comm").trim() == "honeyhive")
        .map(|task| {
            read(&task, "schedstat")
                .split(' ')
                .next()
                .unwrap_or_default()
                .parse()
                .unwrap_or(0.0)
                / 1e9
        })
        .sum()
}

static TRACER: LazyLock<HoneyHiveTracer> = LazyLock::new(|| {
    // The worker sleeps while a sample is timed.
    let quiet = builder().batch_size(16_384).flush_interval(NEVER);
    quiet.build().unwrap()
});

thread_local! {
    static SINCE_FLUSH: Cell<u32> = const { Cell::new(0) };
}

/// Flushes now and then.
fn now_and_then(flush: impl FnOnce()) {
    let since = SINCE_FLUSH.get() + 1;
    SINCE_FLUSH.set(since % FLUSH);
    if since == FLUSH {
        flush();
    }
}

#[divan::bench(threads = [1, 2, 4], sample_size = 100, sample_count = 400)]
fn hand_over(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(|| {
            now_and_then(|| TRACER.flush_blocking(PATIENCE).unwrap());
            TRACER.span("work").input("a", 42).input("b", "bees").start()
        })
        .bench_values(|span| span.end());
}

static STOCK: LazyLock<(SdkTracerProvider, SdkTracer)> = LazyLock::new(|| {
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(16_384)
        .with_scheduled_delay(NEVER)
        .build();
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::AlwaysOn)
        .with_span_processor(BatchSpanProcessor::builder(Dropping).with_batch_config(config).build())
        .build();
    let tracer = provider.tracer("bench");
    (provider, tracer)
});

#[divan::bench(threads = [1, 2, 4], sample_size = 100, sample_count = 400)]
fn hand_over_stock(bencher: Bencher<'_, '_>) {
    let (provider, tracer) = &*STOCK;
    bencher
        .with_inputs(|| {
            now_and_then(|| provider.force_flush().unwrap());
            let attributes = vec![
                KeyValue::new("honeyhive_inputs._params_.a", 42),
                KeyValue::new("honeyhive_inputs._params_.b", "bees"),
                KeyValue::new("honeyhive_event_type", "tool"),
                KeyValue::new("session", 7),
            ];
            tracer.span_builder("work").with_attributes(attributes).start(tracer)
        })
        .bench_values(|mut span| span.end());
}

#[derive(Debug)]
struct Dropping;

impl SpanExporter for Dropping {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}
