//! The 0.x way of using HoneyHive: free functions that find their tracer, for code that was written around one global
//! tracer.
//!
//! There is no singleton underneath. Each function uses the tracer that is active where it is called (so inside
//! `evaluate()` it reaches the session of the datapoint at hand) and else the one [`init`] made the default. New code
//! passes a [`HoneyHiveTracer`] instead.
//!
//! ```no_run
//! use honeyhive_compat as honeyhive;
//!
//! #[honeyhive::trace]
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

mod free;
mod options;

#[doc(hidden)]
pub use honeyhive_core;
pub use honeyhive_core::{Enrichment, HoneyHiveTracer};
/// As [`honeyhive_core::trace`].
pub use honeyhive_macros::trace_in_compat as trace;

pub use free::{CompatError, enrich_session, enrich_span, flush, init};
pub use options::InitOptions;

/// An [`Enrichment`] of metadata: `metadata! { "region": "eu", "retries": 2 }`.
#[macro_export]
macro_rules! metadata {
    ($($key:literal : $value:expr),* $(,)?) => {
        $crate::Enrichment::new()$(.metadata($key, &$value))*
    };
}
