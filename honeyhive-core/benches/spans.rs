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

use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use divan::{AllocProfiler, Bencher};
use futures_util::FutureExt as _;
use honeyhive_core::routing::RoutingProvider;
use honeyhive_core::{HoneyHiveTracer, trace};
use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter,
    SpanProcessor,
};
use tracing_subscriber::prelude::*;

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
        .server_url(listener())
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

#[trace]
fn add(number: u64, query: &str) -> u64 {
    black_box(number + query.len() as u64)
}

#[trace]
async fn add_async(number: u64, query: &str) -> u64 {
    black_box(number + query.len() as u64)
}

#[trace]
fn ask(prompt: &str) -> u64 {
    black_box(prompt.len() as u64)
}

#[trace]
fn embed(vector: &Vec<f32>) -> u64 {
    black_box(vector.len() as u64)
}

fn arguments() -> (u64, &'static str) {
    black_box((42, "what do bees dance about"))
}

/// `#[trace]`.
mod ours {
    use super::*;

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn two_scalars(bencher: Bencher<'_, '_>) {
        below_a_span(bencher, SAMPLE, || {
            let (number, query) = arguments();
            add(number, query);
        });
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn two_scalars_async(bencher: Bencher<'_, '_>) {
        below_a_span(bencher, SAMPLE, || {
            let (number, query) = arguments();
            add_async(number, query).now_or_never();
        });
    }

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

    #[divan::bench(sample_size = FEW, sample_count = 100)]
    fn million_floats(bencher: Bencher<'_, '_>) {
        #[expect(clippy::cast_precision_loss, reason = "any numbers do")]
        let vector: Vec<f32> = (0..1_000_000).map(|index| (index as f32).sin()).collect();
        below_a_span(bencher, FEW, || {
            embed(black_box(&vector));
        });
    }

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
}

/// `#[trace]` where nothing is recorded.
mod off {
    use super::*;

    #[divan::bench(sample_size = 1000, sample_count = SAMPLES)]
    fn no_tracer() -> u64 {
        let (number, query) = arguments();
        add(number, query)
    }

    #[divan::bench(sample_size = 1000, sample_count = SAMPLES)]
    fn suppressed(bencher: Bencher<'_, '_>) {
        let _active = TRACER.activate();
        let _quiet = Context::enter_telemetry_suppressed_scope();
        bencher.bench_local(|| {
            let (number, query) = arguments();
            add(number, query)
        });
    }
}

/// The same span by other means.
mod peers {
    use super::*;

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn sdk_span(bencher: Bencher<'_, '_>) {
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_span_processor(Dropping)
            .build();
        by_hand(bencher, &provider);
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn sdk_span_without_attributes(bencher: Bencher<'_, '_>) {
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_span_processor(Dropping)
            .build();
        let tracer = provider.tracer("bench");
        let root = Context::new().with_span(tracer.start("root"));
        let _below = root.attach();
        bencher.bench_local(|| drop(black_box(tracer.start("work"))));
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn sdk_span_batched(bencher: Bencher<'_, '_>) {
        let config = BatchConfigBuilder::default().with_max_queue_size(1 << 16).build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_span_processor(BatchSpanProcessor::builder(Dropping).with_batch_config(config).build())
            .build();
        by_hand(bencher, &provider);
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn tracing_opentelemetry(bencher: Bencher<'_, '_>) {
        through_tracing(bencher, |layer| layer);
    }

    /// Without the attributes it adds by itself: location, thread, target, busy and idle time.
    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn tracing_opentelemetry_bare(bencher: Bencher<'_, '_>) {
        through_tracing(bencher, |layer| {
            layer
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false)
        });
    }
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

fn by_hand(bencher: Bencher<'_, '_>, provider: &SdkTracerProvider) {
    let tracer = provider.tracer("bench");
    let _root = Context::current_with_span(tracer.start("root")).attach();
    let call = || {
        let (number, query) = arguments();
        let attributes = vec![
            KeyValue::new("honeyhive_event_type", "tool"),
            KeyValue::new("honeyhive_inputs.number", number.cast_signed()),
            KeyValue::new("honeyhive_inputs.query", query.to_owned()),
        ];
        let builder = tracer.span_builder("add").with_attributes(attributes);
        let cx = Context::current_with_span(builder.start(&tracer));
        let result = {
            let _active = cx.clone().attach();
            black_box(number + query.len() as u64)
        };
        let span = cx.span();
        span.set_attribute(KeyValue::new("honeyhive_outputs.result", result.cast_signed()));
        span.end();
    };
    in_samples(bencher, SAMPLE, || provider.force_flush().unwrap(), call);
}

type Layer = tracing_opentelemetry::OpenTelemetryLayer<tracing_subscriber::Registry, SdkTracer>;

fn through_tracing(bencher: Bencher<'_, '_>, settings: impl FnOnce(Layer) -> Layer) {
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::AlwaysOn)
        .with_span_processor(Dropping)
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    let subscriber = tracing_subscriber::registry().with(settings(layer));
    tracing::subscriber::with_default(subscriber, || {
        let root = tracing::info_span!("root");
        let _root = root.enter();
        bencher.bench_local(|| {
            let (number, query) = arguments();
            let span = tracing::info_span!("add", number, query);
            let _active = span.enter();
            black_box(number + query.len() as u64)
        });
    });
}

/// Spans of libraries, given to the tracer of the code that makes them; `peers` has what they cost without.
mod routed {
    use super::*;

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn global_tracer(bencher: Bencher<'_, '_>) {
        let tracer = RoutingProvider::new().tracer("bench");
        below_a_span(bencher, SAMPLE, || drop(black_box(tracer.start("work"))));
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    #[cfg(feature = "tracing")]
    fn tracing_layer(bencher: Bencher<'_, '_>) {
        let subscriber = tracing_subscriber::registry().with(honeyhive_core::routing::layer());
        tracing::subscriber::with_default(subscriber, || {
            below_a_span(bencher, SAMPLE, || {
                let (number, query) = arguments();
                let span = tracing::info_span!("add", number, query);
                let _active = span.enter();
                black_box(number + query.len() as u64);
            });
        });
    }
}

/// Drops what it is given.
#[derive(Debug)]
struct Dropping;

impl SpanProcessor for Dropping {
    fn on_start(&self, _span: &mut Span, _cx: &Context) {}

    fn on_end(&self, span: SpanData) {
        black_box(&span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl SpanExporter for Dropping {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        black_box(&batch);
        Ok(())
    }
}

/// A backend that reads requests and answers each with 200 and nothing else.
fn listener() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            thread::spawn(move || answer(&connection));
        }
    });
    url
}

fn answer(mut connection: &TcpStream) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 << 10, connection);
    let mut body = Vec::new();
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
    }
}
