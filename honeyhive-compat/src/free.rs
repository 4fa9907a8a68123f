//! The free functions that make, find, flush and release a tracer.

use std::time::Duration;

use honeyhive_core::{ConfigError, HoneyHiveTracer, SessionId};

use crate::active;
use crate::error::CompatError;
use crate::options::InitOptions;

const FLUSH: Duration = Duration::from_secs(30);

/// Makes a tracer and keeps it: code without one of its own finds it for the rest of the program, as long as it is the
/// only tracer alive. Does not touch the network.
///
/// Called again it lets go of the tracer before, which delivers what it has queued, for at most five seconds. Where that
/// one is still held, two are alive, and the free functions say so instead of guessing, until [`set_default_tracer`] or a
/// scope decides.
///
/// Nothing runs when the program ends, so call [`flush`] last: what is still queued then is lost.
///
/// # Errors
///
/// [`ConfigError`] when a setting is missing or malformed.
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// use honeyhive_compat::{self as honeyhive, InitOptions};
///
/// honeyhive::init(InitOptions::new("hh_example").project("support").server_url("http://127.0.0.1:9"))?;
/// # Ok::<(), honeyhive_core::ConfigError>(())
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "build a tracer with `HoneyHiveTracer::builder()`, keep it and pass it on")
)]
pub fn init(options: InitOptions) -> Result<HoneyHiveTracer, ConfigError> {
    let tracer = options.into_builder().build()?;
    active::keep(tracer.clone());
    Ok(tracer)
}

/// As [`init`], to go on in a session that exists. The backend is not told of the session again.
///
/// # Errors
///
/// [`ConfigError`] when a setting is missing or malformed, such as an id that is no UUID.
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// use honeyhive_compat as honeyhive;
///
/// let id = "0a4e8a1c-5d5e-4d0b-9d3e-0d9c6a1f2b3c";
/// let tracer = honeyhive::init_from_session_id("hh_example", id, "http://127.0.0.1:9")?;
/// assert_eq!(tracer.session_id().to_string(), id);
/// # Ok::<(), honeyhive_core::ConfigError>(())
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "call `tracer.resume_session(id).start()`")
)]
pub fn init_from_session_id(
    api_key: impl Into<String>,
    session_id: impl Into<String>,
    server_url: impl Into<String>,
) -> Result<HoneyHiveTracer, ConfigError> {
    let builder = InitOptions::new(api_key)
        .session_id(session_id)
        .server_url(server_url)
        .into_builder();
    let tracer = builder.skip_session_start().build()?;
    active::keep(tracer.clone());
    Ok(tracer)
}

/// The tracer the free functions use here: the active one of the context, else the default, else the only one alive.
///
/// # Errors
///
/// [`CompatError::NoTracer`] and [`CompatError::SeveralTracers`].
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// # use honeyhive_compat::{self as honeyhive, InitOptions};
/// # honeyhive::init(InitOptions::new("hh_example").server_url("http://127.0.0.1:9"))?;
/// let tracer = honeyhive::get_tracer()?;
/// println!("{}", tracer.session_name());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "pass the tracer on, or call `HoneyHiveTracer::current()`")
)]
pub fn get_tracer() -> Result<HoneyHiveTracer, CompatError> {
    active::current("get_tracer")
}

/// Makes this the tracer of all code without an active one, until another is chosen or [`reset`] is called: the way to
/// say which of several is meant.
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// # use honeyhive_compat::{self as honeyhive, InitOptions};
/// # let options = |name: &str| InitOptions::new("hh_example").server_url("http://127.0.0.1:9").session_name(name);
/// let first = honeyhive::init(options("first"))?;
/// let second = honeyhive::init(options("second"))?;
/// assert!(honeyhive::session_id().is_err());
///
/// honeyhive::set_default_tracer(&first);
/// assert_eq!(honeyhive::session_id()?, first.session_id());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "call `tracer.set_default()` and keep the guard")
)]
pub fn set_default_tracer(tracer: &HoneyHiveTracer) {
    active::choose(tracer);
}

/// Id of the session the free functions write into here.
///
/// # Errors
///
/// [`CompatError::NoTracer`] and [`CompatError::SeveralTracers`].
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// # use honeyhive_compat::{self as honeyhive, InitOptions};
/// let tracer = honeyhive::init(InitOptions::new("hh_example").server_url("http://127.0.0.1:9"))?;
/// assert_eq!(honeyhive::session_id()?, tracer.session_id());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "call `tracer.session_id()`")
)]
pub fn session_id() -> Result<SessionId, CompatError> {
    active::current("session_id").map(|tracer| tracer.session_id())
}

/// Waits until everything recorded so far is delivered, for at most 30 seconds. Where several tracers are alive and none
/// is active, it is the one of the last [`init`] that is flushed.
///
/// # Errors
///
/// [`CompatError::NoTracer`] without a tracer, [`CompatError::Flush`] when something is undelivered or was lost.
///
/// # Examples
///
/// ```no_run
/// # #![allow(deprecated)]
/// honeyhive_compat::flush()?;
/// # Ok::<(), honeyhive_compat::CompatError>(())
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "call `tracer.flush(timeout).await` or `tracer.flush_blocking(timeout)`")
)]
pub fn flush() -> Result<(), CompatError> {
    let tracer = active::current("flush").or_else(|error| active::made().ok_or(error))?;
    Ok(tracer.flush_blocking(FLUSH)?)
}

/// Lets go of the tracers that [`init`] and [`set_default_tracer`] keep, as if neither had been called. What those no one
/// else holds have queued is delivered first, for at most five seconds.
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// # use honeyhive_compat::{self as honeyhive, CompatError};
/// honeyhive::reset();
/// assert!(matches!(honeyhive::get_tracer(), Err(CompatError::NoTracer { .. })));
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "drop the tracer, or the guard of `tracer.set_default()`")
)]
pub fn reset() {
    active::release();
}
