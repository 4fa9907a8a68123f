//! Spans that other libraries make, each in the session it belongs to.
//!
//! | Libraries that use | Call |
//! |---|---|
//! | `opentelemetry::global` | [`install_global`] |
//! | the `tracing` crate, such as rig and genai | `layer`, feature `tracing` |
//! | your own `SdkTracerProvider` | add a [`HoneyHiveProcessor`] to it |
//! | a provider passed as an argument | pass a [`RoutingProvider`] |
//!
//! # Which session a span belongs to
//!
//! Decided when the span is built, and never changed:
//!
//! 1. The tracer that is active in the context of the span's parent.
//! 2. The tracer the parent span was given to, when its context does not say.
//! 3. The tracer that is active where the span is built. A span its library opened as a root of its own, or below a span
//!    that is none of ours, is adopted: its parent is the active span there.
//! 4. The tracer whose session id the baggage carries.
//! 5. What was global before [`install_global`]; else the default tracer; else the only one built. With several and no
//!    hint the span is not recorded.
//!
//! What a span carries in the conventions for LLM calls (OpenTelemetry's `gen_ai.*`, OpenInference, Traceloop) becomes
//! the event's type, inputs, outputs, configuration and token counts. Which libraries are listened to is up to
//! [`include_scopes`](crate::TracerBuilder::include_scopes) and [`exclude_scopes`](crate::TracerBuilder::exclude_scopes).

#[cfg(feature = "tracing")]
mod layer;
mod processor;
mod provider;

use std::sync::{Mutex, PoisonError};

use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;

#[cfg(feature = "tracing")]
pub use layer::{layer, layer_at};
pub use processor::HoneyHiveProcessor;
pub use provider::{RoutedSpan, RoutingProvider, RoutingTracer};

/// Puts a [`RoutingProvider`] behind `opentelemetry::global`. The provider that is there goes on to get the spans that
/// belong to no tracer of ours; inside a session spans go to the session alone. Where both should have them, add a
/// [`HoneyHiveProcessor`] to your provider instead.
///
/// Call it after a provider of your own was set, and again if another one was set since; where ours is the global one
/// already it does nothing.
///
/// # Examples
///
/// ```
/// use honeyhive_core::opentelemetry::{global, trace::Tracer};
/// use honeyhive_core::{HoneyHiveTracer, routing};
///
/// routing::install_global();
/// let tracer = HoneyHiveTracer::builder().test_mode(true).build()?;
/// tracer.in_scope(|| global::tracer("some library").in_span("work", |_| {}));
/// # Ok::<(), honeyhive_core::ConfigError>(())
/// ```
pub fn install_global() {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let provider = global::tracer_provider();
    if !provider::is_ours(|probe| drop(provider.tracer(probe))) {
        global::set_tracer_provider(RoutingProvider::before(provider));
    }
}
