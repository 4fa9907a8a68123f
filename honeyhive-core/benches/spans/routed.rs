//! Spans of libraries, given to the tracer of the code that makes them; `peers` has what they cost without.

use std::hint::black_box;

use divan::Bencher;
use honeyhive_core::routing::RoutingProvider;
use opentelemetry::trace::{Tracer, TracerProvider};

use crate::{SAMPLE, SAMPLES, arguments, below_a_span};

#[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
fn global_tracer(bencher: Bencher<'_, '_>) {
    let tracer = RoutingProvider::new().tracer("bench");
    below_a_span(bencher, SAMPLE, || drop(black_box(tracer.start("work"))));
}

#[divan::bench(sample_size = SAMPLE, sample_count = SAMPLES)]
#[cfg(feature = "tracing")]
fn tracing_layer(bencher: Bencher<'_, '_>) {
    use tracing_subscriber::prelude::*;

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
