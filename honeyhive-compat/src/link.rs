//! One session across services, by the names of 0.x: `inject`, `link` and `unlink`.

use honeyhive_core::{ActiveGuard, HoneyHiveTracer, propagation};

use crate::active;
use crate::error::CompatError;

/// Keeps the session of a caller active on this thread. Made by [`link`].
#[derive(Debug)]
#[must_use = "the link lasts while the token lives; pass it to unlink"]
pub struct LinkToken {
    guard: Option<ActiveGuard>,
}

impl LinkToken {
    /// Whether the carrier named a session.
    ///
    /// # Examples
    ///
    /// ```
    /// # #![allow(deprecated)]
    /// # use honeyhive_compat::{self as honeyhive, InitOptions};
    /// # honeyhive::init(InitOptions::new("hh_example").server_url("http://127.0.0.1:9"))?;
    /// let token = honeyhive::link([("accept", "*/*")])?;
    /// assert!(!token.is_linked());
    /// honeyhive::unlink(token);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.guard.is_some()
    }
}

/// Writes where the calling code is into the headers of a request: `traceparent`, and `baggage` with the session.
///
/// Only for services of your own: who knows the id and has a key of the project can write into the session.
///
/// # Errors
///
/// [`CompatError::NoTracer`] and [`CompatError::SeveralTracers`].
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// use std::collections::HashMap;
///
/// use honeyhive_compat::{self as honeyhive, InitOptions};
///
/// let tracer = honeyhive::init(InitOptions::new("hh_example").server_url("http://127.0.0.1:9"))?;
/// let mut headers = HashMap::new();
/// honeyhive::inject(&mut headers)?;
/// assert!(headers["baggage"].starts_with(&format!("session_id={}", tracer.session_id())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "add `propagation::headers().with_session()` to the request")
)]
pub fn inject(carrier: &mut impl Extend<(String, String)>) -> Result<(), CompatError> {
    inject_of(&active::current("inject")?, carrier);
    Ok(())
}

/// Goes on in the session that the headers of a request name, below the caller's span, until the token is dropped or
/// given to [`unlink`]. Headers that name no session change nothing. In async code use a scope instead: the token is
/// bound to its thread.
///
/// **Only for callers you trust**: whoever sends the headers chooses the session that is written into.
///
/// # Errors
///
/// [`CompatError::NoTracer`] and [`CompatError::SeveralTracers`].
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// use honeyhive_compat::{self as honeyhive, InitOptions};
///
/// honeyhive::init(InitOptions::new("hh_example").server_url("http://127.0.0.1:9"))?;
/// let token = honeyhive::link([("baggage", "session_id=0a4e8a1c-5d5e-4d0b-9d3e-0d9c6a1f2b3c")])?;
/// assert_eq!(honeyhive::session_id()?.to_string(), "0a4e8a1c-5d5e-4d0b-9d3e-0d9c6a1f2b3c");
/// honeyhive::unlink(token);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "call `tracer.new_session(name).continue_from(&propagation::extract(headers)).start()`")
)]
pub fn link<K: AsRef<str>, V: AsRef<[u8]>>(
    carrier: impl IntoIterator<Item = (K, V)>,
) -> Result<LinkToken, CompatError> {
    let tracer = active::current("link")?;
    Ok(link_to(&tracer, carrier))
}

/// Ends what [`link`] began.
///
/// # Examples
///
/// See [`link`].
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "a scope of the session's tracer ends by itself")
)]
pub fn unlink(token: LinkToken) {
    drop(token);
}

/// With the tracer active, so that the session is its own; a span of the session that is open stays the parent.
pub(crate) fn inject_of(tracer: &HoneyHiveTracer, carrier: &mut impl Extend<(String, String)>) {
    let headers = tracer.in_scope(|| propagation::headers().with_session()).into_iter();
    carrier.extend(headers.map(|(name, value)| (name.to_owned(), value)));
}

pub(crate) fn link_to<K: AsRef<str>, V: AsRef<[u8]>>(
    tracer: &HoneyHiveTracer,
    carrier: impl IntoIterator<Item = (K, V)>,
) -> LinkToken {
    let incoming = propagation::extract(carrier);
    let guard = incoming.session_id().is_some().then(|| {
        let session = tracer.new_session(tracer.session_name()).continue_from(&incoming);
        session.start().activate()
    });
    LinkToken { guard }
}
