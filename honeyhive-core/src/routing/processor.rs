//! For programs with a tracer provider of their own: a span processor that also gives their spans to HoneyHive.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry::trace::{Span as _, SpanContext, SpanId, TraceId};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use crate::context::table::{Kept, Known};
use crate::delivery::Pipeline;
use crate::tracer::HoneyHiveTracer;
use crate::{context, discovery};

/// How long a flush of the provider waits.
const FLUSH: Duration = Duration::from_secs(5);

/// Gives the spans of your own `SdkTracerProvider` to HoneyHive too, each to the session it belongs to. What else the
/// provider does with them stays as it is: exporters, sampler, limits and span ids are yours.
///
/// The parent of a span is decided before a processor sees it, so an explicit root stays one; it is in the session of
/// the code that made it all the same. For the same reason what runs below a span that a filter of the tracer leaves out
/// keeps that span as its parent. Spans that belong to no session of ours are not taken, unless there is a
/// [default tracer](crate::HoneyHiveTracer::set_default) or only one was built.
///
/// # Examples
///
/// ```
/// use honeyhive_core::opentelemetry::trace::{Tracer, TracerProvider};
/// use honeyhive_core::{HoneyHiveTracer, routing::HoneyHiveProcessor};
/// use opentelemetry_sdk::trace::SdkTracerProvider;
///
/// let mine = SdkTracerProvider::builder().with_span_processor(HoneyHiveProcessor::new()).build();
/// let tracer = HoneyHiveTracer::builder().test_mode(true).build()?;
/// tracer.in_scope(|| mine.tracer("my library").in_span("work", |_| {})); // recorded by both
/// # Ok::<(), honeyhive_core::ConfigError>(())
/// ```
#[derive(Default)]
pub struct HoneyHiveProcessor {
    open: Mutex<HashMap<(TraceId, SpanId), OpenSpan>>,
    /// Those that spans were given to, to flush them.
    pipelines: Mutex<Vec<Weak<Pipeline>>>,
}

struct OpenSpan {
    tracer: HoneyHiveTracer,
    /// What is its parent in the session, when that is not what the provider has chosen.
    parent: Option<SpanContext>,
    _kept: Kept,
}

impl HoneyHiveProcessor {
    /// A processor for [`with_span_processor`](opentelemetry_sdk::trace::TracerProviderBuilder::with_span_processor).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Flushes all pipelines, within the limit; the first failure is the answer.
    fn flush(&self, limit: Duration) -> OTelSdkResult {
        let pipelines: Vec<_> = lock(&self.pipelines).iter().filter_map(Weak::upgrade).collect();
        let start = Instant::now();
        let mut result = Ok(());
        for pipeline in pipelines {
            let flushed = pipeline.flush_blocking(limit.saturating_sub(start.elapsed()));
            result = result.and(flushed.map_err(|error| OTelSdkError::InternalFailure(error.to_string())));
        }
        result
    }

    fn remember(&self, pipeline: &Arc<Pipeline>) {
        let mut pipelines = lock(&self.pipelines);
        if !pipelines
            .iter()
            .any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(pipeline)))
        {
            pipelines.retain(|known| known.strong_count() > 0);
            pipelines.push(Arc::downgrade(pipeline));
        }
    }
}

impl SpanProcessor for HoneyHiveProcessor {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        let here = context::current();
        // The SDK looks at the parent's context alone.
        if here.is_telemetry_suppressed() {
            return;
        }
        let tracer = discovery::owner(cx)
            .or_else(|| discovery::owner(&here))
            .or_else(|| discovery::by_baggage(cx))
            .or_else(discovery::fallback_unless_ambiguous);
        let Some(tracer) = tracer else { return };
        let known = if tracer.inner.identity.recorded {
            Known::Taken
        } else {
            Known::Below(SpanContext::NONE)
        };
        self.remember(&tracer.inner.pipeline);
        let context = span.span_context();
        let open = OpenSpan {
            // Also where the context names the tracer: that is how `enrich_span` knows the span for one of ours. And
            // where the session is not recorded: what runs below is in it all the same.
            _kept: Kept::new(context.span_id(), &tracer, known),
            parent: context::parent_instead(&tracer, cx),
            tracer,
        };
        lock(&self.open).insert((context.trace_id(), context.span_id()), open);
    }

    fn on_end(&self, mut data: SpanData) {
        let ids = (data.span_context.trace_id(), data.span_context.span_id());
        let Some(open) = lock(&self.open).remove(&ids) else {
            return;
        };
        let tracer = &open.tracer;
        // What the provider's sampler has left out is for nobody's eyes.
        let sampled = data.span_context.is_sampled();
        if sampled && tracer.records(&data.name) && tracer.takes(data.instrumentation_scope.name()) {
            // A span of another session, or one that was not taken, is nobody's parent.
            if let Some(parent) = open.parent {
                let same_trace = parent.trace_id() == data.span_context.trace_id();
                data.parent_span_id = if same_trace { parent.span_id() } else { SpanId::INVALID };
            }
            tracer.inner.pipeline.push_span(tracer.inner.identity.clone(), data);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.flush(FLUSH)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        // The provider reports the end of none that is still open: they must not keep their tracers.
        let open = std::mem::take(&mut *lock(&self.open));
        drop(open);
        self.flush(timeout)
    }
}

impl fmt::Debug for HoneyHiveProcessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HoneyHiveProcessor").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
