//! Adding to a span or a session: one value for both.

use std::collections::BTreeMap;
use std::time::Duration;

use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, KeyValue};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::keys;
use crate::capture::{flatten, to_json};
use crate::event::Bucket;

/// Something to add to a span or a session, by bucket. Of one key given twice the last value counts.
///
/// On a span objects and arrays are flattened (`metadata("a", json!({"b": 1}))` is `honeyhive_metadata.a.b`); on a
/// session they are sent whole and merged by the server. A value that cannot be serialised becomes a text that says so.
///
/// # Examples
///
/// ```
/// use honeyhive_core::Enrichment;
///
/// let enrichment = Enrichment::new().metadata("model", "m-1").metric("tokens", 42).feedback("rating", 5);
/// ```
#[must_use = "pass it to enrich_span or enrich_session"]
#[derive(Clone, Debug, Default)]
pub struct Enrichment {
    entries: Vec<(Bucket, String, Value)>,
    error: Option<String>,
    event_id: Option<Uuid>,
    duration: Option<Duration>,
}

/// Prefix of the attributes that become this object of the event.
const fn prefix(bucket: Bucket) -> &'static str {
    match bucket {
        Bucket::Inputs => keys::INPUTS,
        Bucket::Outputs => keys::OUTPUTS,
        Bucket::Config => keys::CONFIG,
        Bucket::Metadata => keys::METADATA,
        Bucket::Metrics => keys::METRICS,
        Bucket::Feedback => keys::FEEDBACK,
        Bucket::UserProperties => keys::USER_PROPERTIES,
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// A change of an event that exists, sent as `PUT /events`.
#[derive(Debug)]
pub(crate) struct EventUpdate {
    pub(crate) event_id: String,
    pub(crate) fields: Map<String, Value>,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident => $bucket:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(self, key: impl Into<String>, value: impl Serialize) -> Self {
            self.entry(Bucket::$bucket, key, value)
        }
    )*};
}

impl Enrichment {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Adds one input.
        input => Inputs;
        /// Adds one output.
        output => Outputs;
        /// Adds one piece of configuration, such as the model's name.
        config => Config;
        /// Adds one piece of metadata.
        metadata => Metadata;
        /// Adds one metric: a number, a flag or a text.
        metric => Metrics;
        /// Adds one piece of feedback.
        feedback => Feedback;
        /// Adds one property of the user on whose behalf the work is done.
        user_property => UserProperties;
    }

    /// Sets the error message. On a span this does not change its status.
    pub fn error(mut self, message: impl Into<String>) -> Self {
        self.error = Some(message.into());
        self
    }

    /// Chooses the id of the event a span becomes, to find it by an id of your own. Of no effect on what exists.
    pub fn event_id(mut self, id: Uuid) -> Self {
        self.event_id = Some(id);
        self
    }

    /// Sets the duration, when it is not the time between start and end.
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    fn entry(mut self, bucket: Bucket, key: impl Into<String>, value: impl Serialize) -> Self {
        self.entries.push((bucket, key.into(), to_json(&value)));
        self
    }

    pub(crate) fn write(self, attributes: &mut Vec<KeyValue>) {
        for (bucket, key, value) in self.entries {
            flatten(format!("{}.{key}", prefix(bucket)), value, attributes);
        }
        if let Some(error) = self.error {
            attributes.push(KeyValue::new(keys::ERROR, error));
        }
        if let Some(id) = self.event_id {
            attributes.push(KeyValue::new(keys::EVENT_ID, id.to_string()));
        }
        if let Some(duration) = self.duration {
            attributes.push(KeyValue::new(keys::DURATION_MS, millis(duration)));
        }
    }

    /// Writes onto the active span of a context; `false` when none is recording.
    pub(crate) fn apply_to(self, cx: &Context) -> bool {
        let span = cx.span();
        if !span.is_recording() {
            return false;
        }
        let mut attributes = Vec::with_capacity(self.entries.len());
        self.write(&mut attributes);
        span.set_attributes(attributes);
        true
    }

    /// The update of an event; `None` when there is nothing to send.
    pub(crate) fn into_update(self, event_id: String) -> Option<EventUpdate> {
        let mut buckets: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        let mut inputs = Map::new();
        for (bucket, key, value) in self.entries {
            match bucket {
                Bucket::Inputs => inputs.insert(key, value),
                bucket => buckets.entry(bucket.name()).or_default().insert(key, value),
            };
        }
        // The server lets neither inputs nor error change: they are kept where it takes anything.
        let inputs = (!inputs.is_empty()).then_some(("inputs", Value::Object(inputs)));
        let error = self.error.map(|error| ("error", error.into()));
        for (key, value) in inputs.into_iter().chain(error) {
            buckets.entry("metadata").or_default().insert(key.to_owned(), value);
        }
        let duration = self
            .duration
            .map(|duration| ("duration".to_owned(), millis(duration).into()));
        let fields: Map<_, _> = buckets
            .into_iter()
            .map(|(field, members)| (field.to_owned(), Value::Object(members)))
            .chain(duration)
            .collect();
        (!fields.is_empty()).then_some(EventUpdate { event_id, fields })
    }
}
