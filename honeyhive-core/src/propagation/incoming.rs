//! Reading the headers of a request.

use std::borrow::Cow;

use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use super::{BAGGAGE, MAX_BAGGAGE_BYTES, PROJECT, SESSION_ID, SOURCE, Spellings, TRACEPARENT, TRACESTATE};
use crate::session::SessionId;

/// Reads `traceparent`, `tracestate` and `baggage` from the headers of a request.
///
/// Takes what iterates over names and values: an `http::HeaderMap`, a `&HashMap<String, String>`, a `Vec` of pairs.
/// Names may be in any case. Several `baggage` headers count as one. What is malformed is left out: a request with
/// broken headers is a request without them.
///
/// # Examples
///
/// ```
/// use honeyhive_core::propagation;
///
/// let incoming = propagation::extract([
///     ("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
///     ("Baggage", "session_id=0a4e8a1c-5d5e-4d0b-9d3e-0d9c6a1f2b3c,project=Honey%20Bees,tier=gold;ttl=60"),
/// ]);
/// assert_eq!(incoming.session_id().unwrap().to_string(), "0a4e8a1c-5d5e-4d0b-9d3e-0d9c6a1f2b3c");
/// assert_eq!(incoming.project(), Some("Honey Bees"));
/// assert_eq!(incoming.span_context().unwrap().span_id().to_string(), "00f067aa0ba902b7");
/// assert_eq!(incoming.baggage().get("tier").unwrap().as_str(), "gold");
/// ```
pub fn extract<K, V>(headers: impl IntoIterator<Item = (K, V)>) -> Incoming
where
    K: AsRef<str>,
    V: AsRef<[u8]>,
{
    let mut fields = Fields::default();
    for (name, value) in headers {
        if let Ok(value) = str::from_utf8(value.as_ref()) {
            fields.add(name.as_ref(), value);
        }
    }
    let cx = TraceContextPropagator::new().extract_with_context(&Context::new(), &fields);
    let span_context = Some(cx.span().span_context().clone()).filter(SpanContext::is_valid);
    Incoming {
        span_context,
        baggage: BaggagePropagator::new().extract_with_context(&Context::new(), &fields),
    }
}

/// What the headers of a request say about the code that sent it. Made by [`extract`].
#[derive(Clone, Debug, Default)]
pub struct Incoming {
    span_context: Option<SpanContext>,
    /// A context, because baggage alone cannot be cloned.
    baggage: Context,
}

impl Incoming {
    /// The session the caller works in, from the first of the baggage keys `session_id`, `honeyhive_session_id` and
    /// `honeyhive.session_id` that holds a UUID.
    #[must_use]
    pub fn session_id(&self) -> Option<SessionId> {
        self.values(&SESSION_ID).find_map(|value| value.parse().ok())
    }

    /// The caller's project, from the first of `project`, `honeyhive_project` and `honeyhive.project` with a value.
    #[must_use]
    pub fn project(&self) -> Option<&str> {
        self.values(&PROJECT).next()
    }

    /// The caller's environment tag, from the first of `source`, `honeyhive_source` and `honeyhive.source` with a value.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.values(&SOURCE).next()
    }

    /// The span the caller made the request in, when `traceparent` names a valid one.
    #[must_use]
    pub const fn span_context(&self) -> Option<&SpanContext> {
        self.span_context.as_ref()
    }

    /// All baggage, percent-decoded.
    #[must_use]
    pub fn baggage(&self) -> &Baggage {
        self.baggage.baggage()
    }

    fn values<'a>(&'a self, keys: &'a Spellings) -> impl Iterator<Item = &'a str> {
        let values = keys.iter().filter_map(|key| self.baggage().get(key));
        values.map(|value| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// The three headers, as the propagators look them up.
#[derive(Default)]
struct Fields {
    traceparent: Option<String>,
    tracestate: String,
    baggage: String,
}

impl Fields {
    fn add(&mut self, name: &str, value: &str) {
        if name.eq_ignore_ascii_case(TRACEPARENT) {
            self.traceparent.get_or_insert_with(|| value.to_owned());
        } else if name.eq_ignore_ascii_case(TRACESTATE) {
            append(&mut self.tracestate, value);
        } else if name.eq_ignore_ascii_case(BAGGAGE) {
            let value = keep_equals_signs(value);
            // The propagator would drop all of a header that is too long, with what other headers said.
            if self.baggage.len() + 1 + value.len() <= MAX_BAGGAGE_BYTES {
                append(&mut self.baggage, &value);
            }
        }
    }
}

impl Extractor for Fields {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            TRACEPARENT => self.traceparent.as_deref(),
            TRACESTATE => Some(&*self.tracestate),
            BAGGAGE => Some(&*self.baggage),
            _ => None,
        }
        .filter(|value| !value.is_empty())
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE, BAGGAGE]
    }
}

/// Several headers of one name mean the list of all their values.
fn append(list: &mut String, value: &str) {
    if !list.is_empty() {
        list.push(',');
    }
    list.push_str(value);
}

/// Percent-encodes `=` inside values. W3C allows it there, as in base64, but the SDK's propagator cuts the value off.
fn keep_equals_signs(list: &str) -> Cow<'_, str> {
    let value = |entry: &str| {
        let pair = entry.split(';').next().unwrap_or(entry);
        pair.split_once('=')
            .map(|(key, value)| (key.len() + 1, pair.len(), value.contains('=')))
    };
    if !list.split(',').any(|entry| matches!(value(entry), Some((_, _, true)))) {
        return Cow::Borrowed(list);
    }
    let mut kept = String::with_capacity(list.len() + 16);
    for entry in list.split(',') {
        let entry = match value(entry) {
            Some((start, end, true)) => {
                let encoded = entry[start..end].replace('=', "%3D");
                Cow::Owned([&entry[..start], &encoded, &entry[end..]].concat())
            }
            _ => Cow::Borrowed(entry),
        };
        append(&mut kept, &entry);
    }
    Cow::Owned(kept)
}
