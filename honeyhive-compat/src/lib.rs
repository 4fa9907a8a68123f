//! The 0.x way of using HoneyHive: free functions that find their tracer, for code that was written around one global
//! tracer.
//!
//! There is no singleton underneath. Each function uses the tracer that is active where it is called (so inside
//! [`evaluate`] it reaches the session of the datapoint at hand), else the one chosen with [`set_default_tracer`], else
//! the only one alive. With none, or with several, it is an error that says what to write. New code passes a
//! [`HoneyHiveTracer`] instead; the page `MIGRATION.md` of the repository has every name and its successor.
//!
//! ```no_run
//! #![allow(deprecated)] // the 0.x style, for this crate
//! use honeyhive_compat as honeyhive;
//!
//! #[honeyhive::trace(event_type = "tool", config(index = "orders"), metadata(team = "support"))]
//! fn lookup(id: u64) -> String {
//!     let _ = honeyhive::enrich_span(honeyhive::metadata! { "region": "eu" });
//!     format!("order {id}")
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     honeyhive::init(honeyhive::InitOptions::new("hh_…").project("support"))?;
//!     lookup(7);
//!     honeyhive::flush()?;
//!     Ok(())
//! }
//! ```
//!
//! # Deprecation
//!
//! Every function is deprecated, and its note names what replaces it: the compiler's warnings are the list of what is
//! left to migrate. Two ways to silence them:
//!
//! - `#![allow(deprecated)]` at the top of a crate's `main.rs` or `lib.rs`, for that crate;
//! - the feature `silence-deprecations` of this crate, for all crates of a build, and without hiding other
//!   deprecations.
#![allow(deprecated, reason = "the functions are defined and exported here")]

mod active;
mod enrich;
mod error;
mod evaluate;
mod free;
mod link;
mod options;
mod tracer;

#[doc(hidden)]
pub use honeyhive_core;
pub use honeyhive_core::{Enrichment, HoneyHiveTracer};
pub use honeyhive_eval::Datapoint;
/// For async functions of 0.x. [`trace`](macro@trace) takes both.
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// use honeyhive_compat as honeyhive;
///
/// #[honeyhive::atrace(event_type = "model", config(model = "m-1"))]
/// async fn complete(prompt: &str) -> String {
///     prompt.to_owned()
/// }
/// ```
pub use honeyhive_macros::atrace_in_compat as atrace;
/// As [`honeyhive_core::trace`], which has all its arguments; those of 0.x are `event_type`, `event_name`, `config` and
/// `metadata`.
///
/// # Examples
///
/// ```
/// use honeyhive_compat as honeyhive;
///
/// #[honeyhive::trace(event_type = "tool", event_name = "find an order", metadata(team = "support"))]
/// fn lookup(id: u64) -> String {
///     format!("order {id}")
/// }
/// assert_eq!(lookup(7), "order 7");
/// ```
pub use honeyhive_macros::trace_in_compat as trace;

pub use enrich::{enrich_session, enrich_session_with_id, enrich_span, set_feedback, set_metadata, set_metric};
pub use error::CompatError;
pub use evaluate::{
    EvaluateError, EvaluateOptions, EvaluationData, EvaluationResult, EvaluationStats, LegacyEvaluator, LegacyFunction,
    evaluate,
};
pub use free::{flush, get_tracer, init, init_from_session_id, reset, session_id, set_default_tracer};
pub use link::{LinkToken, inject, link, unlink};
pub use options::{InitOptions, LEGACY_SERVER_URL};
pub use tracer::LegacyTracer;

/// An [`Enrichment`] of metadata.
///
/// # Examples
///
/// ```
/// let enrichment = honeyhive_compat::metadata! { "region": "eu", "retries": 2 };
/// # drop(enrichment);
/// ```
#[macro_export]
macro_rules! metadata {
    ($($key:literal : $value:expr),* $(,)?) => {
        $crate::Enrichment::new()$(.metadata($key, &$value))*
    };
}
