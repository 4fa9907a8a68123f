//! The free functions that add to a span or a session.

use honeyhive_core::Enrichment;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::active;
use crate::error::CompatError;

/// Adds to the active span.
///
/// # Errors
///
/// [`CompatError::NoTracer`] and [`CompatError::SeveralTracers`], and [`CompatError::NoSpan`] outside traced code.
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// use honeyhive_compat::{self as honeyhive, CompatError, Enrichment};
///
/// #[honeyhive::trace]
/// fn rank(query: &str) -> Result<usize, CompatError> {
///     honeyhive::enrich_span(Enrichment::new().metadata("query", query).metric("score", 0.5))?;
///     Ok(1)
/// }
/// # assert!(rank("bees").is_err());
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "call `tracer.enrich_span(enrichment)`")
)]
pub fn enrich_span(enrichment: Enrichment) -> Result<(), CompatError> {
    let tracer = active::current("enrich_span")?;
    if tracer.enrich_span(enrichment) {
        Ok(())
    } else {
        Err(CompatError::NoSpan)
    }
}

/// Adds to the session of the active tracer, else of the default one, in the background. Inputs of a session cannot be
/// changed: they go to `metadata.inputs`.
///
/// # Errors
///
/// [`CompatError::NoTracer`] and [`CompatError::SeveralTracers`].
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// # use honeyhive_compat::{self as honeyhive, Enrichment, InitOptions};
/// # honeyhive::init(InitOptions::new("hh_example").server_url("http://127.0.0.1:9"))?;
/// honeyhive::enrich_session(Enrichment::new().feedback("rating", 5).user_property("plan", "pro"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "call `tracer.enrich_session(enrichment)`")
)]
pub fn enrich_session(enrichment: Enrichment) -> Result<(), CompatError> {
    active::current("enrich_session")?.enrich_session(enrichment);
    Ok(())
}

/// As [`enrich_session`], of a session named by its id: the first argument of 0.x, where it is given. The id may be in
/// any case.
///
/// # Errors
///
/// As [`enrich_session`], and [`CompatError::InvalidSessionId`].
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// # use honeyhive_compat::{self as honeyhive, InitOptions};
/// # honeyhive::init(InitOptions::new("hh_example").server_url("http://127.0.0.1:9"))?;
/// let earlier = "0A4E8A1C-5D5E-4D0B-9D3E-0D9C6A1F2B3C";
/// honeyhive::enrich_session_with_id(earlier, honeyhive::metadata! { "resolved": true })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "call `tracer.resume_session(id).start().enrich_session(enrichment)`")
)]
pub fn enrich_session_with_id(session_id: impl ToString, enrichment: Enrichment) -> Result<(), CompatError> {
    let tracer = active::current("enrich_session")?;
    let text = session_id.to_string();
    let id = Uuid::try_parse(text.trim()).map_err(|_| CompatError::InvalidSessionId {
        found: text.chars().take(64).collect(),
    })?;
    tracer.enrich_event(id, enrichment);
    Ok(())
}

/// Adds metrics to the session of the active tracer, in the background: the members of an object.
///
/// # Errors
///
/// As [`enrich_session`], and [`CompatError::NoObject`].
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// # use honeyhive_compat::{self as honeyhive, InitOptions};
/// # honeyhive::init(InitOptions::new("hh_example").server_url("http://127.0.0.1:9"))?;
/// honeyhive::set_metric(serde_json::json!({"latency_ms": 120, "cached": false}))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "call `tracer.enrich_session(Enrichment::new().metric(key, value))`")
)]
pub fn set_metric(metrics: impl Serialize) -> Result<(), CompatError> {
    set("set_metric", &metrics, Enrichment::metric)
}

/// As [`set_metric`], for metadata.
///
/// # Errors
///
/// As [`set_metric`].
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// # use honeyhive_compat::{self as honeyhive, InitOptions};
/// # honeyhive::init(InitOptions::new("hh_example").server_url("http://127.0.0.1:9"))?;
/// honeyhive::set_metadata(serde_json::json!({"region": "eu"}))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "call `tracer.enrich_session(Enrichment::new().metadata(key, value))`")
)]
pub fn set_metadata(metadata: impl Serialize) -> Result<(), CompatError> {
    set("set_metadata", &metadata, Enrichment::metadata)
}

/// As [`set_metric`], for feedback.
///
/// # Errors
///
/// As [`set_metric`].
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// # use honeyhive_compat::{self as honeyhive, InitOptions};
/// # honeyhive::init(InitOptions::new("hh_example").server_url("http://127.0.0.1:9"))?;
/// honeyhive::set_feedback(serde_json::json!({"rating": 5}))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(
    not(feature = "silence-deprecations"),
    deprecated(note = "call `tracer.enrich_session(Enrichment::new().feedback(key, value))`")
)]
pub fn set_feedback(feedback: impl Serialize) -> Result<(), CompatError> {
    set("set_feedback", &feedback, Enrichment::feedback)
}

fn set(
    function: &'static str,
    given: &impl Serialize,
    add: fn(Enrichment, String, Value) -> Enrichment,
) -> Result<(), CompatError> {
    let members = members(function, given)?;
    let enrichment = members.into_iter().fold(Enrichment::new(), |enrichment, (key, value)| {
        add(enrichment, key, value)
    });
    active::current(function)?.enrich_session(enrichment);
    Ok(())
}

fn members(function: &'static str, given: &impl Serialize) -> Result<Map<String, Value>, CompatError> {
    let found = match serde_json::to_value(given) {
        Ok(Value::Object(members)) => return Ok(members),
        Ok(Value::Null) => "null",
        Ok(Value::Bool(_)) => "a boolean",
        Ok(Value::Number(_)) => "a number",
        Ok(Value::String(_)) => "a text",
        Ok(Value::Array(_)) => "an array",
        Err(_) => "something that cannot be serialised",
    };
    Err(CompatError::NoObject { function, found })
}
