//! The free functions.

use std::fmt;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use honeyhive_core::{ConfigError, DefaultGuard, Enrichment, FlushError, HoneyHiveTracer};

use crate::options::InitOptions;

const FLUSH: Duration = Duration::from_secs(30);

/// The guard of the tracer that [`init`] made the default, kept for the rest of the program.
static DEFAULT: Mutex<Option<DefaultGuard>> = Mutex::new(None);

/// A free function found nothing to work on.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CompatError {
    /// There is no tracer to use: none was made, or several were and none is default.
    #[error(
        "{function}() found no tracer: call honeyhive_compat::init(InitOptions::new(\"hh_…\"))? first, \
         or run the code inside tracer.scope(…)"
    )]
    NoTracer {
        /// The function that was called.
        function: &'static str,
    },
    /// No traced code is running here.
    #[error("enrich_span() found no active span: call it inside a function with #[trace]")]
    NoSpan,
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

/// Makes a tracer and lets all code without one of its own use it, for the rest of the program. Called again it
/// replaces the tracer; what the one before still held is delivered first.
///
/// Nothing runs when the program ends, so call [`flush`] last: what is still queued then is lost.
///
/// # Errors
///
/// [`ConfigError`] when a setting is missing or malformed.
pub fn init(options: InitOptions) -> Result<HoneyHiveTracer, ConfigError> {
    let tracer = options.into_builder().build()?;
    let before = DEFAULT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .replace(tracer.set_default());
    drop(before);
    Ok(tracer)
}

/// Adds to the active span.
///
/// # Errors
///
/// [`CompatError::NoTracer`] without a tracer, [`CompatError::NoSpan`] outside traced code.
pub fn enrich_span(enrichment: Enrichment) -> Result<(), CompatError> {
    let tracer = current("enrich_span")?;
    if tracer.enrich_span(enrichment) {
        Ok(())
    } else {
        Err(CompatError::NoSpan)
    }
}

/// Adds to the session of the active tracer, else of the default one, in the background.
///
/// # Errors
///
/// [`CompatError::NoTracer`] without a tracer.
pub fn enrich_session(enrichment: Enrichment) -> Result<(), CompatError> {
    current("enrich_session")?.enrich_session(enrichment);
    Ok(())
}

/// Waits until everything recorded so far is delivered, for at most 30 seconds.
///
/// # Errors
///
/// [`CompatError::NoTracer`] without a tracer, [`CompatError::Flush`] when something is undelivered or was lost.
pub fn flush() -> Result<(), CompatError> {
    Ok(current("flush")?.flush_blocking(FLUSH)?)
}

fn current(function: &'static str) -> Result<HoneyHiveTracer, CompatError> {
    HoneyHiveTracer::current().ok_or(CompatError::NoTracer { function })
}
