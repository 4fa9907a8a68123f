//! Tracing for LLM applications, directly on OpenTelemetry.
//!
//! Build a [`HoneyHiveTracer`], annotate functions with [`trace`](macro@trace), and each call becomes an event in the
//! tracer's session: inputs, outputs, errors and time, as a tree. Further sessions, one for each request or
//! conversation, cost microseconds ([`HoneyHiveTracer::new_session`]).
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use honeyhive_core::prelude::*;
//!
//! #[trace(event_type = "tool")]
//! fn search(query: &str, top_k: usize) -> Vec<String> {
//!     vec![format!("{top_k} results for {query}")]
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let tracer = HoneyHiveTracer::builder().source("prod").session_name("search").build()?; // HH_API_KEY
//!     search("waggle dance", 3);
//!     tracer.flush_blocking(Duration::from_secs(5))?;
//!     Ok(())
//! }
//! ```
//!
//! # Which tracer a call uses
//!
//! The one in `#[trace(tracer = …)]`; else the active one of the OpenTelemetry context, which
//! [`HoneyHiveTracer::scope`], [`in_scope`](HoneyHiveTracer::in_scope) and every open span make active; else the
//! [default](HoneyHiveTracer::set_default); else the only one built. With several and no hint the function runs
//! unrecorded, and one warning says what to write: a span in the wrong session would be worse.
//!
//! # What it costs, what it never does
//!
//! A traced call makes one span and never touches the network: one thread per pipeline sends, retries while the
//! backend is away, and counts what is lost ([`HoneyHiveTracer::stats`]). Queues are bounded. Dropping the last handle
//! of a pipeline waits for delivery, for at most five seconds.

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
pub mod propagation;
pub mod routing;
mod session;
mod span;
pub mod task;
mod tracer;

#[doc = include_str!("trace.md")]
pub use honeyhive_macros::trace;
pub use opentelemetry;

pub use config::{ConfigError, DEFAULT_SERVER_URL, OtlpCompression, OtlpProtocol, TracerBuilder};
pub use context::{ActiveGuard, InContext};
pub use delivery::{DeliveryStats, FlushError};
pub use discovery::DefaultGuard;
pub use event::{Event, EventType};
pub use session::{InvalidSessionId, SessionBuilder, SessionId, SessionStatus, TokenUsage};
pub use span::{Enrichment, Span, SpanBuilder, keys};
pub use tracer::HoneyHiveTracer;
pub use uuid::Uuid;
