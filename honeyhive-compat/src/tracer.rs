//! What 0.x called on the class `HoneyHiveTracer` and on its instances.
#![allow(deprecated, reason = "0.x calls 0.x")]

use honeyhive_core::{ConfigError, HoneyHiveTracer};

use crate::free;
use crate::link::{self, LinkToken};
use crate::options::InitOptions;

/// Gives [`HoneyHiveTracer`] the methods it had in 0.x, where they have a meaning of their own: bring the trait into
/// scope. `enrich_span`, `enrich_session` and `session_id` are methods of the tracer anyway; the static `flush()` is
/// the free function [`flush`](crate::flush).
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// use std::collections::HashMap;
///
/// use honeyhive_compat::{HoneyHiveTracer, InitOptions, LegacyTracer as _};
///
/// let tracer = HoneyHiveTracer::init(InitOptions::new("hh_example").server_url("http://127.0.0.1:9"))?;
/// let second = tracer.session_start();
/// assert_ne!(second.session_id(), tracer.session_id());
///
/// let mut headers = HashMap::new();
/// tracer.inject(&mut headers);
///
/// let token = tracer.link(&headers);
/// assert!(token.is_linked());
/// HoneyHiveTracer::unlink(token);
/// HoneyHiveTracer::reset();
/// # Ok::<(), honeyhive_core::ConfigError>(())
/// ```
pub trait LegacyTracer: Sized {
    /// As [`init`](crate::init).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a setting is missing or malformed.
    #[cfg_attr(
        not(feature = "silence-deprecations"),
        deprecated(note = "call `HoneyHiveTracer::builder()`, keep the tracer and pass it on")
    )]
    fn init(options: InitOptions) -> Result<Self, ConfigError>;

    /// As [`init_from_session_id`](crate::init_from_session_id).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a setting is missing or malformed, such as an id that is no UUID.
    #[cfg_attr(
        not(feature = "silence-deprecations"),
        deprecated(note = "call `tracer.resume_session(id).start()`")
    )]
    fn init_from_session_id(
        api_key: impl Into<String>,
        session_id: impl Into<String>,
        server_url: impl Into<String>,
    ) -> Result<Self, ConfigError>;

    /// Starts another session with the settings of this tracer. 0.x moved the tracer over to it and returned its id; here
    /// the tracer keeps its session, and the one that is returned is of the new one.
    #[cfg_attr(
        not(feature = "silence-deprecations"),
        deprecated(note = "call `tracer.new_session(name).start()`")
    )]
    #[must_use = "the new session is written into through this tracer"]
    fn session_start(&self) -> Self;

    /// As [`reset`](crate::reset).
    #[cfg_attr(not(feature = "silence-deprecations"), deprecated(note = "drop the tracer"))]
    fn reset();

    /// Writes the session of this tracer, and its open span, into the headers of a request, as
    /// [`inject`](crate::inject).
    #[cfg_attr(
        not(feature = "silence-deprecations"),
        deprecated(note = "add `propagation::headers().with_session()` to the request")
    )]
    fn inject(&self, carrier: &mut impl Extend<(String, String)>);

    /// As [`link`](crate::link), through the pipeline of this tracer.
    #[cfg_attr(
        not(feature = "silence-deprecations"),
        deprecated(note = "call `tracer.new_session(name).continue_from(&propagation::extract(headers)).start()`")
    )]
    fn link<K: AsRef<str>, V: AsRef<[u8]>>(&self, carrier: impl IntoIterator<Item = (K, V)>) -> LinkToken;

    /// As [`unlink`](crate::unlink).
    #[cfg_attr(
        not(feature = "silence-deprecations"),
        deprecated(note = "a scope of the session's tracer ends by itself")
    )]
    fn unlink(token: LinkToken);
}

impl LegacyTracer for HoneyHiveTracer {
    fn init(options: InitOptions) -> Result<Self, ConfigError> {
        free::init(options)
    }

    fn init_from_session_id(
        api_key: impl Into<String>,
        session_id: impl Into<String>,
        server_url: impl Into<String>,
    ) -> Result<Self, ConfigError> {
        free::init_from_session_id(api_key, session_id, server_url)
    }

    fn session_start(&self) -> Self {
        self.new_session(self.session_name()).start()
    }

    fn reset() {
        free::reset();
    }

    fn inject(&self, carrier: &mut impl Extend<(String, String)>) {
        link::inject_of(self, carrier);
    }

    fn link<K: AsRef<str>, V: AsRef<[u8]>>(&self, carrier: impl IntoIterator<Item = (K, V)>) -> LinkToken {
        link::link_to(self, carrier)
    }

    fn unlink(token: LinkToken) {
        drop(token);
    }
}
