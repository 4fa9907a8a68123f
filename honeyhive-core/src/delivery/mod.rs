//! Delivery: everything between a finished span and the backend, off the caller's path.
//!
//! A *pipeline* is one destination: a queue with a bound, one worker thread that encodes and sends, and the SDK tracer
//! whose spans end in that queue. Any number of sessions share it.

mod backlog;
mod backoff;
mod body;
mod client;
mod cut;
mod encode;
mod error;
mod export;
mod lane;
mod leftover;
mod pipeline;
mod processor;
mod queue;
mod recovery;
mod redact;
mod retry_after;
mod size;
mod spool;
mod stats;
mod transport;
mod update;
mod worker;

pub use error::FlushError;
pub(crate) use pipeline::Pipeline;
pub(crate) use processor::end_as;
pub(crate) use redact::{RedactFn, Redaction};
pub use stats::DeliveryStats;
pub(crate) use transport::{Method, Reply, RestCall, SendError, SharedTransport, Transport, transport};
