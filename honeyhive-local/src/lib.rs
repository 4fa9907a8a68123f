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
//! - No event but the session itself has the id of a session; times lie within what a date can hold; the values of an
//!   event nest 100 objects and arrays deep at most.
//! - Bodies are `application/json`, 16 MiB at most; traces may be protobuf too, and 64 MiB.
//! - Searches name only what is understood: an unknown field of the body, an unknown key of `dateRange` or a value that
//!   is not of its filter's type is refused. `string` compares text, `number` numbers and the text of one, `datetime`
//!   milliseconds since 1970 or RFC 3339; `after` and `before` are always of times. Where a filter names no type, it is
//!   that of its value.
//! - The filters of a run's result and of a comparison choose datapoints by their sessions.
//!
//! # Who is served
//!
//! With an API key, whoever sends it. Without one, programs on this machine only: the server does not listen elsewhere,
//! and refuses requests for another host than `localhost` or a loopback address, as a web page whose name was pointed at
//! this machine sends them, and requests from web pages of any other origin.
//!
//! # Results of runs
//!
//! A run's metrics are numbers and truth values; text an evaluator leaves beside them stays on the event. A run has
//! succeeded when it is completed, every datapoint and session it lists is there, and all of them passed.
//!
//! # What is stored and no more
//!
//! Charts are not drawn, metrics not run, configurations, queues and projects not acted upon: they are kept, changed,
//! listed and deleted. Projects separate nothing, and no keys are made.
//!
//! # What is kept
//!
//! - Every answer of success is given after the commit, so what was acknowledged survives a crash of the process.
//! - Spans of a session that was never started are stored, and appear once it is started; spans that carry
//!   `honeyhive.session_auto_create` start it themselves.
//! - One span delivered twice is one event, and so is one event sent twice under one id: it opens no second session.
//! - A session is shown from its first event to its last, even when its start arrives late.

mod error;
mod otlp_json;
mod rest;
mod server;
mod store;
mod surrogates;

pub use error::ServerError;
pub use server::{Server, ServerBuilder};
