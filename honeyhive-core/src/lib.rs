//! Tracing for LLM applications on OpenTelemetry.

#[doc(hidden)]
pub mod __private;
pub mod api;
mod capture;
mod config;
mod context;
mod delivery;
mod discovery;
pub mod event;
pub mod prelude;
mod session;
mod span;
mod tracer;

pub use honeyhive_macros::trace;
pub use opentelemetry;

pub use config::{ConfigError, DEFAULT_SERVER_URL, TracerBuilder};
pub use context::{ActiveGuard, InContext};
pub use delivery::{DeliveryStats, FlushError};
pub use discovery::DefaultGuard;
pub use event::{Event, EventType};
pub use session::{SessionBuilder, SessionId};
pub use span::{Enrichment, Span, SpanBuilder, keys};
pub use tracer::HoneyHiveTracer;
