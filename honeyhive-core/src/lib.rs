//! Tracing for LLM applications on OpenTelemetry.

pub mod event;
mod span;

pub use span::keys;
