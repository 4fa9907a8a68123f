//! Why a free function could not do its work.

use std::fmt;

use honeyhive_core::FlushError;

/// A free function found nothing to work on, or could not use what it was given.
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// let error = honeyhive_compat::session_id().unwrap_err();
/// assert!(error.to_string().contains("honeyhive_compat::init(InitOptions::new(\"hh_…\"))?;"));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CompatError {
    /// There is no tracer to use: none was made here, and none, or several, elsewhere.
    #[error(
        "{function}() found no tracer: call honeyhive_compat::init(InitOptions::new(\"hh_…\"))?; first, or where \
         tracers exist, run the code in tracer.scope(…) or call set_default_tracer(&tracer)"
    )]
    NoTracer {
        /// The function that was called.
        function: &'static str,
    },
    /// Several tracers are alive, those of a running [`evaluate`](crate::evaluate) included, and nothing says which one is
    /// meant.
    #[error(
        "{function}() found several tracers and none is active here: run the code in tracer.scope(…), spawn it through \
         honeyhive_core::task, or call honeyhive_compat::set_default_tracer(&tracer)"
    )]
    SeveralTracers {
        /// The function that was called.
        function: &'static str,
    },
    /// No traced code is running here.
    #[error("enrich_span() found no active span: call it inside a function with #[trace]")]
    NoSpan,
    /// The text is no session id.
    #[error("{found:?} is no session id: pass the UUID that session_id() gave, or leave it out for the active session")]
    InvalidSessionId {
        /// What was found instead, at most 64 characters.
        found: String,
    },
    /// What was to be set has no keys.
    #[error("{function}() takes an object, found {found}: write {function}(json!({{\"key\": …}}))?")]
    NoObject {
        /// The function that was called.
        function: &'static str,
        /// Which kind of value it was given.
        found: &'static str,
    },
    /// Not everything was delivered.
    #[error(transparent)]
    Flush(#[from] FlushError),
}

/// As the error displays: a `main` that returns it prints this.
impl fmt::Debug for CompatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
