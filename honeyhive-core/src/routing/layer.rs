//! Spans of the `tracing` crate.

use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::registry::LookupSpan;

use super::provider::RoutingTracer;

/// A layer for `tracing-subscriber` that records spans up to level INFO, each in the session it belongs to.
///
/// Fields become attributes; `otel.name`, `otel.kind` and `otel.status_code` mean what they mean to
/// [`tracing-opentelemetry`](https://docs.rs/tracing-opentelemetry), which does the work. The target of a span is its
/// instrumentation scope.
///
/// # Examples
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// tracing_subscriber::registry().with(honeyhive_core::routing::layer()).init();
/// ```
#[must_use]
pub fn layer<S>() -> impl Layer<S> + Send + Sync
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    layer_at(LevelFilter::INFO)
}

/// As [`layer`], up to another level.
#[must_use]
pub fn layer_at<S>(level: LevelFilter) -> impl Layer<S> + Send + Sync
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    tracing_opentelemetry::layer()
        .with_tracer(RoutingTracer::for_tracing())
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_level(false)
        .with_target(true)
        .with_filter(level)
}
