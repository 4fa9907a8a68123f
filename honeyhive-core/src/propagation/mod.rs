//! One session across several services: W3C `traceparent` and `baggage`, read from and written to any header map.
//!
//! The calling service adds [`headers`] to its request. The called one reads them with [`extract`] and, when it trusts
//! the caller, goes on in the caller's session, below the caller's span
//! ([`SessionBuilder::continue_from`](crate::SessionBuilder::continue_from)).
//!
//! Ids of a session leave the process only when asked for, with [`Headers::with_session`]: headers go to every host a
//! program calls, and most of them are none of HoneyHive's business. The keys are those of the Python SDK, so services
//! in both languages can share a session.
//!
//! # Examples
//!
//! ```
//! use honeyhive_core::{HoneyHiveTracer, propagation};
//! use reqwest::header::HeaderMap;
//!
//! // The calling service, inside a traced function.
//! fn request(client: &reqwest::Client) -> reqwest::RequestBuilder {
//!     let mut request = client.get("http://ranking.internal/best");
//!     for (name, value) in propagation::headers().with_session() {
//!         request = request.header(name, value);
//!     }
//!     request
//! }
//!
//! // The called service, for each request.
//! fn session(tracer: &HoneyHiveTracer, headers: &HeaderMap) -> HoneyHiveTracer {
//!     let incoming = propagation::extract(headers);
//!     tracer.new_session("ranking").continue_from(&incoming).start()
//! }
//! ```

mod incoming;
mod outgoing;

pub use incoming::{Incoming, extract};
pub use outgoing::{Headers, headers};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const BAGGAGE: &str = "baggage";

/// The W3C limit of a `baggage` header, in bytes; what is longer is dropped by those who read it.
const MAX_BAGGAGE_BYTES: usize = 8192;
/// The W3C limit of the entries in it.
const MAX_BAGGAGE_ENTRIES: usize = 64;

/// What the keys of the session may be called in baggage: the first is the one sent, all are read.
pub(crate) const SESSION_ID: Spellings = ["session_id", "honeyhive_session_id", "honeyhive.session_id"];
const PROJECT: Spellings = ["project", "honeyhive_project", "honeyhive.project"];
const SOURCE: Spellings = ["source", "honeyhive_source", "honeyhive.source"];

type Spellings = [&'static str; 3];
