//! Writing the headers of a request.

use std::fmt;
use std::vec;

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{Injector, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{BAGGAGE, MAX_BAGGAGE_BYTES, MAX_BAGGAGE_ENTRIES, PROJECT, SESSION_ID, SOURCE};
use crate::context::{self, Active};
use crate::tracer::HoneyHiveTracer;

/// What is encoded in keys and values: all that some reader takes for something else. Python reads `+` as a space.
const TEXT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What is encoded in the properties of an entry, where `;` and `=` have their meaning.
const PROPERTIES: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b',').add(b'\\').add(b'%');

/// The headers that tell another service where the calling code is: `traceparent`, `tracestate` and the program's own
/// baggage, of the current OpenTelemetry context.
///
/// Nothing of the session is among them: baggage under its keys (`session_id`, `project`, `source`, each also with
/// `honeyhive_` or `honeyhive.` in front) stays behind, unless [`Headers::with_session`] asks for it.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
///
/// use honeyhive_core::propagation;
/// use opentelemetry::baggage::BaggageExt;
/// use opentelemetry::{Context, KeyValue};
///
/// let _baggage = Context::current_with_baggage([KeyValue::new("tier", "gold")]).attach();
/// let headers: HashMap<_, _> = propagation::headers().into_iter().collect();
/// assert_eq!(headers["baggage"], "tier=gold");
/// ```
pub fn headers() -> Headers {
    let cx = context::current();
    Headers {
        // A span of another session is not where the calling code is.
        cx: match Active::of(&cx).cloned() {
            Some(tracer) if Active::is_outside(&cx) => Active::in_context(&tracer, cx),
            _ => cx,
        },
        session: Vec::new(),
    }
}

/// Headers to send, as pairs of a name and a value of visible ASCII. Made by [`headers`].
#[must_use = "add the headers to the request"]
#[derive(Clone)]
pub struct Headers {
    cx: Context,
    /// The entries of the session, as they stand in the header.
    session: Vec<String>,
}

impl Headers {
    /// Adds the session of the active tracer to the baggage, so that the service called can go on in it: its id and
    /// source, and its project if it has one. Without a tracer nothing is added.
    ///
    /// Only for services of your own: who knows the id and has a key of the project can write into the session.
    ///
    /// # Examples
    ///
    /// ```
    /// # use honeyhive_core::{HoneyHiveTracer, propagation};
    /// # let tracer = HoneyHiveTracer::builder().api_key("hh_x").server_url("http://127.0.0.1:9")
    /// #     .skip_session_start().source("prod").build()?;
    /// let headers = tracer.in_scope(|| propagation::headers().with_session());
    /// let baggage = headers.into_iter().find(|(name, _)| *name == "baggage").unwrap().1;
    /// assert_eq!(baggage, format!("session_id={},source=prod", tracer.session_id()));
    /// # Ok::<(), honeyhive_core::ConfigError>(())
    /// ```
    pub fn with_session(mut self) -> Self {
        if let Some(tracer) = Active::of(&self.cx).cloned().or_else(HoneyHiveTracer::current) {
            let identity = tracer.identity();
            let project = identity.project.as_deref().map(|project| entry(PROJECT[0], project));
            self.session = [
                entry(SESSION_ID[0], &identity.session_id.to_string()),
                entry(SOURCE[0], &identity.source),
            ]
            .into_iter()
            .chain(project)
            .collect();
        }
        self
    }

    fn baggage(&self) -> String {
        let mut own: Vec<_> = self.cx.baggage().iter().collect();
        own.retain(|(key, _)| ![SESSION_ID, PROJECT, SOURCE].as_flattened().contains(&key.as_str()));
        own.sort_by_key(|(key, _)| key.as_str());
        let own = own.into_iter().map(|(key, (value, properties))| {
            let mut entry = entry(key.as_str(), value.as_str());
            if !properties.as_str().is_empty() {
                entry.push(';');
                entry.extend(utf8_percent_encode(properties.as_str(), PROPERTIES));
            }
            entry
        });
        let mut list = String::new();
        for entry in self.session.iter().cloned().chain(own).take(MAX_BAGGAGE_ENTRIES) {
            if list.len() + 1 + entry.len() <= MAX_BAGGAGE_BYTES {
                if !list.is_empty() {
                    list.push(',');
                }
                list.push_str(&entry);
            }
        }
        list
    }
}

impl IntoIterator for Headers {
    type Item = (&'static str, String);
    type IntoIter = vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        let mut fields = Fields(Vec::with_capacity(3));
        TraceContextPropagator::new().inject_context(&self.cx, &mut fields);
        fields.set(BAGGAGE, self.baggage());
        fields.0.into_iter()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// An entry of baggage. The SDK's propagator leaves `%` as it is, so that `100%25` would arrive as `100%`.
fn entry(key: &str, value: &str) -> String {
    let encoded = utf8_percent_encode(key, TEXT).chain(["="]);
    encoded.chain(utf8_percent_encode(value, TEXT)).collect()
}

struct Fields(Vec<(&'static str, String)>);

impl Injector for Fields {
    /// Leaves out what is empty, and what no header may hold: a `tracestate` is passed on as it came.
    fn set(&mut self, key: &str, value: String) {
        let name = [super::TRACEPARENT, super::TRACESTATE, BAGGAGE]
            .into_iter()
            .find(|name| *name == key);
        let valid = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if let Some(name) = name
            && valid
            && !value.is_empty()
        {
            self.0.push((name, value));
        }
    }
}
