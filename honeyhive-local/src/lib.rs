//! An embedded backend for the SDK: the routes of the platform for sessions, events, traces, experiments and datasets, on
//! a database of its own, so that tracing and experiments run without an account, in tests and offline.
//!
//! [`Server`] runs it inside a program, the binary `honeyhive-local` beside one. Point the SDK at
//! [`Server::url`] with `HH_API_URL` or the builder.
//!
//! # Where it is stricter than the platform
//!
//! Bad requests are refused with the field and what was expected, where the platform replaces or drops silently: a
//! session id that is no UUID, an update of an unknown event, an unknown event type. Fields an update cannot change
//! are listed in its answer as `ignored`. Spans that cannot become events are counted and explained in the partial
//! success of the trace export's answer.
//!
//! # What is kept
//!
//! - Every answer of success is given after the commit, so what was acknowledged survives a crash of the process.
//! - Spans of a session that was never started are stored, and appear once it is started; spans that carry
//!   `honeyhive.session_auto_create` start it themselves.
//! - One span delivered twice is one event.

mod error;
mod otlp_json;
mod rest;
mod server;
mod store;
mod surrogates;

pub use error::ServerError;
pub use server::{Server, ServerBuilder};
