//! Taking secrets out of what is sent, on the worker: nothing of it costs the caller.

mod escape;
mod flat;
mod names;
mod prose;
mod shape;
mod text;

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Map, Value};

use crate::event::Bucket;
use crate::keys;
use shape::{
    is_definitions, is_label, is_labelled, is_logprobs, is_of_logprob, is_schema_word, labels_secret, lists_names,
    lists_secret,
};

const REDACTED: &str = "[redacted]";
const PANICKED: &str = "[redacted: the redaction function panicked]";
const TOO_DEEP: &str = "[redacted: nested too deep]";
/// Levels of objects and lists that are looked into.
const MAX_DEPTH: usize = 128;
/// Says what kind of token was counted.
const TOKEN_TYPE: &str = "gen_ai.token.type";
/// What the functions of the program see as the key of the name of a span or of an event.
const NAME: &str = "name";

/// Sees the key path of a text (`honeyhive_inputs.query`) and the text; returns what to send instead, `None` to keep it.
pub(crate) type RedactFn = Arc<dyn Fn(&str, &str) -> Option<String> + Send + Sync>;

/// What is taken out.
#[derive(Clone)]
pub(crate) struct Redaction {
    /// Whether values whose key names a secret are replaced, also inside texts.
    pub(crate) defaults: bool,
    /// Functions called in order for each text that is left.
    pub(crate) custom: Vec<RedactFn>,
}

impl Default for Redaction {
    fn default() -> Self {
        Self {
            defaults: true,
            custom: Vec::new(),
        }
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("defaults", &self.defaults)
            .field("custom", &self.custom.len())
            .finish()
    }
}

impl Redaction {
    /// Redacts a span: its name and attributes, those of its events, the attributes of its links, and its status.
    pub(crate) fn span(&self, span: &mut Span) {
        if self.is_off() {
            return;
        }
        self.name(NAME, &mut span.name);
        // An event of the `tracing` crate is named by what was logged.
        span.events
            .iter_mut()
            .for_each(|event| self.name(NAME, &mut event.name));
        let events = span.events.iter_mut().map(|event| &mut event.attributes);
        let links = span.links.iter_mut().map(|link| &mut link.attributes);
        for attributes in std::iter::once(&mut span.attributes).chain(events).chain(links) {
            let secrets = flat::secrets(attributes);
            for (KeyValue { key, value, .. }, secret) in attributes.iter_mut().zip(secrets) {
                match value {
                    Some(AnyValue {
                        value: Some(any_value::Value::StringValue(name)),
                    }) if key == keys::EVENT_NAME => self.name(NAME, name),
                    Some(value) if !is_routing(key) => self.attribute(key, secret, value),
                    _ => {}
                }
            }
        }
        if let Some(status) = &mut span.status {
            self.text(keys::ERROR, &mut status.message);
        }
    }

    /// Redacts the name of a span, an event or a session, which the functions of the program see under `key`.
    pub(crate) fn name(&self, key: &str, text: &mut String) {
        if !text.is_empty() {
            self.text(key, text);
        }
    }

    /// Redacts an object whose key path is `prefix`. Without a prefix it is the body of a session start or an update:
    /// its names, its buckets and its error are redacted, and what says which event it is about is left alone.
    pub(crate) fn object(&self, prefix: &str, object: &mut Map<String, Value>) {
        if self.is_off() {
            return;
        }
        if !prefix.is_empty() {
            self.members(&mut prefix.to_owned(), object, Within::Anything, 0);
            return;
        }
        for (name, value) in object {
            match value {
                Value::Object(inner) if matches!(name.as_str(), "session" | "event") => self.object("", inner),
                Value::Object(inner) if Bucket::ALL.iter().any(|bucket| bucket.name() == name) => {
                    self.members(&mut format!("honeyhive_{name}"), inner, Within::Anything, 0);
                }
                Value::String(message) if name == "error" => self.text(keys::ERROR, message),
                Value::String(text) if matches!(name.as_str(), "session_name" | "event_name") => self.name(name, text),
                _ => {}
            }
        }
    }

    fn is_off(&self) -> bool {
        !self.defaults && self.custom.is_empty()
    }

    /// Attributes set through the SDK are no deeper than a list.
    fn attribute(&self, path: &str, secret: bool, value: &mut AnyValue) {
        use any_value::Value as Any;

        if self.defaults && secret {
            value.value = Some(Any::StringValue(REDACTED.to_owned()));
            return;
        }
        match &mut value.value {
            Some(Any::StringValue(text)) => self.text(path, text),
            Some(Any::ArrayValue(list)) => {
                let is_pair = list.values.len() == 2
                    && label(&list.values[0]).is_some_and(labels_secret)
                    && !label(&list.values[1]).is_some_and(lists_secret)
                    && !lists_names(last_segment(path));
                for (place, item) in list.values.iter_mut().enumerate() {
                    self.attribute(path, is_pair && place == 1, item);
                }
            }
            Some(Any::KvlistValue(list)) => {
                let labelled = list
                    .values
                    .iter()
                    .any(|pair| is_label(&pair.key) && pair.value.as_ref().and_then(label).is_some_and(labels_secret));
                for KeyValue { key, value, .. } in &mut list.values {
                    if let Some(value) = value {
                        let secret = names_secret(key) || labelled && is_labelled(key);
                        self.attribute(&format!("{path}.{key}"), secret, value);
                    }
                }
            }
            _ => {}
        }
    }

    fn members(&self, path: &mut String, object: &mut Map<String, Value>, within: Within, depth: usize) {
        let text_names_secret = |value: &Value| value.as_str().is_some_and(labels_secret);
        let labelled = object
            .iter()
            .any(|(key, value)| is_label(key) && text_names_secret(value));
        let of_logprob = object.iter().any(|(key, value)| is_of_logprob(key, value.is_array()));
        for (key, value) in object {
            let above = path.len();
            let is_leaf = !value.is_object() && !value.is_array();
            let of_model = key == "token" && (of_logprob && is_leaf || is_logprobs(path));
            let named = names_secret(key) && !of_model;
            let defines = named && within == Within::Definitions && value.is_object();
            let secret = named && !defines
                || labelled && is_labelled(key)
                || within == Within::DefinitionOfSecret && !is_schema_word(key);
            path.push('.');
            path.push_str(key);
            if is_routing(path) || value.is_null() {
            } else if self.defaults && secret {
                *value = REDACTED.into();
            } else {
                let within = match key {
                    _ if defines => Within::DefinitionOfSecret,
                    key if is_definitions(key) => Within::Definitions,
                    _ => Within::Anything,
                };
                self.value(path, value, within, depth);
            }
            path.truncate(above);
        }
    }

    fn value(&self, path: &mut String, value: &mut Value, within: Within, depth: usize) {
        match value {
            Value::String(text) => self.text(path, text),
            Value::Array(_) | Value::Object(_) if depth == MAX_DEPTH => *value = TOO_DEEP.into(),
            Value::Array(items) => {
                if self.defaults
                    && let [Value::String(name), paired] = items.as_mut_slice()
                    && labels_secret(name)
                    && !paired.as_str().is_some_and(lists_secret)
                    && !lists_names(last_segment(path))
                {
                    *paired = REDACTED.into();
                }
                for item in items {
                    self.value(path, item, Within::Anything, depth + 1);
                }
            }
            Value::Object(members) => self.members(path, members, within, depth + 1),
            _ => {}
        }
    }

    fn text(&self, path: &str, text: &mut String) {
        if self.defaults
            && let Cow::Owned(redacted) = text::redact(text)
        {
            *text = redacted;
        }
        for custom in &self.custom {
            match catch_unwind(AssertUnwindSafe(|| custom(path, text))) {
                Ok(Some(redacted)) => *text = redacted,
                Ok(None) => {}
                Err(_) => {
                    PANICKED.clone_into(text);
                    return;
                }
            }
        }
    }
}

/// Whether the name of a member names a secret. It may be a path itself.
fn names_secret(name: &str) -> bool {
    name != TOKEN_TYPE && name.split('.').any(names::is_secret)
}

/// What an object is, by the name it has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Anything,
    /// The `properties` of a JSON schema.
    Definitions,
    /// The property of a JSON schema that is a secret.
    DefinitionOfSecret,
}

fn label(value: &AnyValue) -> Option<&str> {
    match value.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn last_segment(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// What the SDK writes to say where a span belongs, or what it is: never touched. Other keys with these prefixes are of
/// the program, or of a library, and are looked at like any.
fn is_routing(key: &str) -> bool {
    matches!(
        key,
        keys::SESSION_ID
            | keys::TRACELOOP_SESSION_ID
            | keys::OTEL_SESSION_ID
            | keys::SESSION_AUTO_CREATE
            | keys::SESSION_NAME
            | keys::PROJECT
            | keys::TRACELOOP_PROJECT
            | keys::SOURCE
            | keys::TRACELOOP_SOURCE
            | keys::EVENT_TYPE
            | keys::EVENT_ID
            | keys::ERROR_TYPE
            | keys::DURATION_MS
            | keys::RUN_ID
            | keys::DATASET_ID
            | keys::DATAPOINT_ID
    )
}

#[cfg(test)]
mod tests;
