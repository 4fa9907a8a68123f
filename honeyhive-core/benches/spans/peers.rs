//! The same span by other means.

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use futures_util::FutureExt as _;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue, StringValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter,
    SpanProcessor,
};
use tracing::Instrument as _;
use tracing_subscriber::prelude::*;

use crate::{SAMPLE, SAMPLES, arguments, five_arguments, in_samples, sum};

/// By hand on `opentelemetry_sdk`, with the attributes of the traced function: type, session, arguments, result.
mod sdk {
    use super::*;

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn no_argument(bencher: Bencher<'_, '_>) {
        by_hand(bencher, &dropping(), || (Vec::new(), 1));
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn two_arguments(bencher: Bencher<'_, '_>) {
        by_hand(bencher, &dropping(), two);
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn five_arguments(bencher: Bencher<'_, '_>) {
        by_hand(bencher, &dropping(), five);
    }

    /// Queued, as ours is.
    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn two_arguments_queued(bencher: Bencher<'_, '_>) {
        let config = BatchConfigBuilder::default().with_max_queue_size(1 << 16).build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_span_processor(BatchSpanProcessor::builder(Dropping).with_batch_config(config).build())
            .build();
        by_hand(bencher, &provider, two);
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn two_arguments_async(bencher: Bencher<'_, '_>) {
        let provider = dropping();
        let tracer = provider.tracer("bench");
        let _root = Context::current_with_span(tracer.start("root")).attach();
        let session = session();
        let call = || {
            let (arguments, result) = two();
            let cx = Context::current_with_span(start(&tracer, &session, arguments));
            let result = async { black_box(result) }.with_context(cx.clone()).now_or_never();
            end(&cx, result.unwrap_or_default());
        };
        in_samples(bencher, SAMPLE, || (), call);
    }

    /// The least a span can cost.
    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn without_attributes(bencher: Bencher<'_, '_>) {
        let provider = dropping();
        let tracer = provider.tracer("bench");
        let root = Context::new().with_span(tracer.start("root"));
        let _below = root.attach();
        bencher.bench_local(|| drop(black_box(tracer.start("work"))));
    }

    fn two() -> (Vec<KeyValue>, u64) {
        let (number, query) = arguments();
        let attributes = vec![
            KeyValue::new("honeyhive_inputs.number", number.cast_signed()),
            KeyValue::new("honeyhive_inputs.query", query.to_owned()),
        ];
        (attributes, number + query.len() as u64)
    }

    fn five() -> (Vec<KeyValue>, u64) {
        let (number, query, flag, ratio, model) = super::five_arguments();
        let attributes = vec![
            KeyValue::new("honeyhive_inputs.number", number.cast_signed()),
            KeyValue::new("honeyhive_inputs.query", query.to_owned()),
            KeyValue::new("honeyhive_inputs.flag", flag),
            KeyValue::new("honeyhive_inputs.ratio", ratio),
            KeyValue::new("honeyhive_inputs.model", model.to_owned()),
        ];
        (attributes, sum(number, query, flag, ratio, model))
    }

    fn dropping() -> SdkTracerProvider {
        SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_span_processor(Dropping)
            .build()
    }

    fn session() -> StringValue {
        Arc::<str>::from("0197a2f4-5a86-7c11-9c5e-2f1f4a6f9d10").into()
    }

    fn start(tracer: &SdkTracer, session: &StringValue, mut attributes: Vec<KeyValue>) -> Span {
        attributes.reserve_exact(3);
        attributes.push(KeyValue::new("honeyhive_event_type", "tool"));
        attributes.push(KeyValue::new("honeyhive.session_id", session.clone()));
        tracer.span_builder("add").with_attributes(attributes).start(tracer)
    }

    fn end(cx: &Context, result: u64) {
        let span = cx.span();
        span.set_attribute(KeyValue::new("honeyhive_outputs.result", result.cast_signed()));
        span.end();
    }

    fn by_hand(bencher: Bencher<'_, '_>, provider: &SdkTracerProvider, work: impl Fn() -> (Vec<KeyValue>, u64)) {
        let tracer = provider.tracer("bench");
        let _root = Context::current_with_span(tracer.start("root")).attach();
        let session = session();
        let call = || {
            let (arguments, result) = work();
            let cx = Context::current_with_span(start(&tracer, &session, arguments));
            let result = {
                let _active = cx.clone().attach();
                black_box(result)
            };
            end(&cx, result);
        };
        in_samples(bencher, SAMPLE, || provider.force_flush().unwrap(), call);
    }
}

/// `tracing` with `tracing-opentelemetry`, the arguments as fields.
mod tracing_opentelemetry {
    use super::*;

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn no_argument(bencher: Bencher<'_, '_>) {
        with_layer(
            |layer| layer,
            || bencher.bench_local(|| tracing::info_span!("add").in_scope(|| black_box(1))),
        );
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn two_arguments(bencher: Bencher<'_, '_>) {
        with_layer(|layer| layer, || bencher.bench_local(two));
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn five_arguments(bencher: Bencher<'_, '_>) {
        let call = || {
            let (number, query, flag, ratio, model) = super::five_arguments();
            let span = tracing::info_span!("add", number, query, flag, ratio, model);
            span.in_scope(|| black_box(sum(number, query, flag, ratio, model)))
        };
        with_layer(|layer| layer, || bencher.bench_local(call));
    }

    /// Without the attributes the layer adds by itself: location, thread, target, busy and idle time.
    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn two_arguments_bare(bencher: Bencher<'_, '_>) {
        let bare = |layer: Layer| {
            layer
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false)
        };
        with_layer(bare, || bencher.bench_local(two));
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn two_arguments_async(bencher: Bencher<'_, '_>) {
        let call = || {
            let (number, query) = arguments();
            let span = tracing::info_span!("add", number, query);
            async { black_box(number + query.len() as u64) }
                .instrument(span)
                .now_or_never()
        };
        with_layer(|layer| layer, || bencher.bench_local(call));
    }

    fn two() -> u64 {
        let (number, query) = arguments();
        let span = tracing::info_span!("add", number, query);
        span.in_scope(|| black_box(number + query.len() as u64))
    }

    type Layer = ::tracing_opentelemetry::OpenTelemetryLayer<tracing_subscriber::Registry, SdkTracer>;

    fn with_layer(settings: impl FnOnce(Layer) -> Layer, run: impl FnOnce()) {
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_span_processor(Dropping)
            .build();
        let layer = ::tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
        let subscriber = tracing_subscriber::registry().with(settings(layer));
        tracing::subscriber::with_default(subscriber, || tracing::info_span!("root").in_scope(run));
    }
}

/// `fastrace`, the arguments as properties, which are text.
mod fast {
    use super::*;

    #[fastrace::trace]
    fn nothing() -> u64 {
        black_box(1)
    }

    #[fastrace::trace(properties = { "number": "{number}", "query": "{query}" })]
    fn add(number: u64, query: &str) -> u64 {
        black_box(number + query.len() as u64)
    }

    #[fastrace::trace(properties = { "number": "{number}", "query": "{query}" })]
    async fn add_later(number: u64, query: &str) -> u64 {
        black_box(number + query.len() as u64)
    }

    #[fastrace::trace(properties = {
        "number": "{number}", "query": "{query}", "flag": "{flag}", "ratio": "{ratio}", "model": "{model}",
    })]
    fn add_five(number: u64, query: &str, flag: bool, ratio: f64, model: &str) -> u64 {
        black_box(sum(number, query, flag, ratio, model))
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn no_argument(bencher: Bencher<'_, '_>) {
        below_a_root(bencher, || {
            nothing();
        });
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn two_arguments(bencher: Bencher<'_, '_>) {
        below_a_root(bencher, || {
            let (number, query) = arguments();
            add(number, query);
        });
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn five_arguments(bencher: Bencher<'_, '_>) {
        below_a_root(bencher, || {
            let (number, query, flag, ratio, model) = super::five_arguments();
            add_five(number, query, flag, ratio, model);
        });
    }

    #[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
    fn two_arguments_async(bencher: Bencher<'_, '_>) {
        below_a_root(bencher, || {
            let (number, query) = arguments();
            add_later(number, query).now_or_never();
        });
    }

    /// The spans of a sample are handed over between samples, as ours are.
    fn below_a_root(bencher: Bencher<'_, '_>, call: impl Fn()) {
        fastrace::set_reporter(Forgetting, Config::default());
        let root = RefCell::new(None);
        let renew = || {
            // The guard of the old root goes before it.
            drop(root.take());
            let new = fastrace::Span::root("root", SpanContext::random());
            root.replace(Some((new.set_local_parent(), new)));
        };
        in_samples(bencher, SAMPLE, renew, call);
        drop(root.take());
        fastrace::flush();
    }

    struct Forgetting;

    impl Reporter for Forgetting {
        fn report(&mut self, spans: Vec<SpanRecord>) {
            black_box(spans);
        }
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
