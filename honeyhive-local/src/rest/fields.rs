//! Reading JSON bodies field by field: every refusal names the field and what was expected there.

use honeyhive_core::event::Bucket;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::ApiError;
use crate::store::events::Patch;

/// What a date can hold in most languages: the year 275760.
pub(crate) const MAX_MILLIS: f64 = 8.64e15;
/// Objects and arrays inside one another in a bucket of an event at most, so that every answer stays within the 128 that
/// readers of JSON allow.
const MAX_DEPTH: usize = 100;

/// An object of a body. Reading a field takes it out, so what is left was not understood.
#[derive(Debug)]
pub(crate) struct Fields {
    path: String,
    map: Map<String, Value>,
}

impl Fields {
    pub(crate) fn of(value: Value, path: &str) -> Result<Self, ApiError> {
        match value {
            Value::Object(map) => Ok(Self {
                path: path.to_owned(),
                map,
            }),
            other => Err(bad(if path.is_empty() { "body" } else { path }, "an object", &other)),
        }
    }

    /// The field as it is; `null` counts as absent.
    pub(crate) fn any(&mut self, key: &str) -> Option<Value> {
        self.map.remove(key).filter(|value| !value.is_null())
    }

    pub(crate) fn object(&mut self, key: &str) -> Result<Option<Map<String, Value>>, ApiError> {
        self.read(key, "an object", |value| match value {
            Value::Object(map) => Ok(map),
            other => Err(other),
        })
    }

    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>, ApiError> {
        self.read(key, "a string", |value| match value {
            Value::String(text) => Ok(text),
            other => Err(other),
        })
    }

    /// A text that is not blank, without the space around it.
    pub(crate) fn name(&mut self, key: &str) -> Result<Option<String>, ApiError> {
        self.read(key, "a string that is not blank", |value| {
            match value.as_str().map(str::trim) {
                Some(name) if !name.is_empty() => Ok(name.to_owned()),
                _ => Err(value),
            }
        })
    }

    /// A UUID, in lower case with hyphens.
    pub(crate) fn uuid(&mut self, key: &str) -> Result<Option<String>, ApiError> {
        self.read(key, "a UUID", |value| {
            let parsed = value.as_str().and_then(|text| Uuid::try_parse(text).ok());
            parsed.map(|id| id.to_string()).ok_or(value)
        })
    }

    /// Milliseconds since 1970, as far as dates reach.
    pub(crate) fn time(&mut self, key: &str) -> Result<Option<f64>, ApiError> {
        self.millis(key, "milliseconds since 1970, between -8.64e15 and 8.64e15")
    }

    fn millis(&mut self, key: &str, expected: &'static str) -> Result<Option<f64>, ApiError> {
        self.read(key, expected, |value| {
            value.as_f64().filter(|millis| millis.abs() <= MAX_MILLIS).ok_or(value)
        })
    }

    pub(crate) fn flag(&mut self, key: &str) -> Result<Option<bool>, ApiError> {
        self.read(key, "true or false", |value| value.as_bool().ok_or(value))
    }

    pub(crate) fn one_of(
        &mut self,
        key: &str,
        expected: &'static str,
        names: &[&str],
    ) -> Result<Option<String>, ApiError> {
        self.read(key, expected, |value| match value {
            Value::String(text) if names.contains(&text.as_str()) => Ok(text),
            other => Err(other),
        })
    }

    pub(crate) fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>, ApiError> {
        self.read(key, "an array of strings", |value| {
            let texts: Option<Vec<String>> = value
                .as_array()
                .and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
            texts.ok_or(value)
        })
    }

    /// An array of objects, each with its own place in the error messages.
    pub(crate) fn objects(&mut self, key: &str) -> Result<Option<Vec<Self>>, ApiError> {
        let Some(items) = self.read(key, "an array of objects", |value| match value {
            Value::Array(items) => Ok(items),
            other => Err(other),
        })?
        else {
            return Ok(None);
        };
        let path = self.place(key);
        let objects = items
            .into_iter()
            .enumerate()
            .map(|(index, item)| Self::of(item, &format!("{path}[{index}]")));
        objects.collect::<Result<_, _>>().map(Some)
    }

    /// An object, or an array, which is kept as `{"value": […]}`.
    pub(crate) fn object_or_array(&mut self, key: &str) -> Result<Option<Map<String, Value>>, ApiError> {
        self.read(key, "an object", |value| match value {
            Value::Object(map) => Ok(map),
            Value::Array(_) => Ok(Map::from_iter([("value".to_owned(), value)])),
            other => Err(other),
        })
    }

    /// An object that can be answered, which puts it into objects and arrays of its own.
    pub(crate) fn shallow(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Self, &str) -> Result<Option<Map<String, Value>>, ApiError>,
    ) -> Result<Option<Map<String, Value>>, ApiError> {
        let object = read(self, key)?;
        match object
            .as_ref()
            .is_some_and(|object| object.values().any(|value| deeper_than(value, MAX_DEPTH - 1)))
        {
            false => Ok(object),
            true => Err(ApiError::BadField {
                field: self.place(key),
                expected: "at most 100 objects and arrays inside one another",
                found: "more".to_owned(),
            }),
        }
    }

    /// The object a request is wrapped in.
    pub(crate) fn wrapped(&mut self, key: &str) -> Result<Self, ApiError> {
        let object = self.object(key)?;
        let map = self.required(key, "an object", object)?;
        Ok(Self {
            path: self.place(key),
            map,
        })
    }

    /// The value of a field that must be there.
    pub(crate) fn required<T>(&self, key: &str, expected: &'static str, value: Option<T>) -> Result<T, ApiError> {
        value.ok_or_else(|| ApiError::BadField {
            field: self.place(key),
            expected,
            found: "nothing".to_owned(),
        })
    }

    /// The event type, one of those in `names`.
    pub(crate) fn event_type(&mut self) -> Result<honeyhive_core::event::EventType, ApiError> {
        const EXPECTED: &str = "\"model\", \"tool\", \"chain\" or \"session\"";
        let parsed = self.read("event_type", EXPECTED, |value| {
            value.as_str().and_then(|text| text.parse().ok()).ok_or(value)
        })?;
        self.required("event_type", EXPECTED, parsed)
    }

    /// The fields sessions, events and updates have in common. `buckets` are the objects this request may change.
    pub(crate) fn patch(&mut self, buckets: &[Bucket]) -> Result<Patch, ApiError> {
        let mut patch = Patch {
            end_time: self.time("end_time")?,
            duration: self.millis("duration", "a number of milliseconds, at most 8.64e15")?,
            ..Patch::default()
        };
        for bucket in buckets {
            if let Some(object) = self.shallow(bucket.name(), Self::object)? {
                patch.buckets.push((*bucket, object));
            }
        }
        Ok(patch)
    }

    /// The fields nobody asked for.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.map
    }

    /// Names of the fields nobody asked for.
    pub(crate) fn ignored(self) -> Vec<String> {
        self.map.into_iter().map(|(key, _)| key).collect()
    }

    /// Refuses what nobody asked for.
    pub(crate) fn nothing_else(&self, expected: &'static str) -> Result<(), ApiError> {
        match self.map.iter().next() {
            None => Ok(()),
            Some((key, value)) => Err(bad(&self.place(key), expected, value)),
        }
    }

    fn read<T>(
        &mut self,
        key: &str,
        expected: &'static str,
        convert: impl FnOnce(Value) -> Result<T, Value>,
    ) -> Result<Option<T>, ApiError> {
        let Some(value) = self.any(key) else { return Ok(None) };
        convert(value)
            .map(Some)
            .map_err(|found| bad(&self.place(key), expected, &found))
    }

    pub(crate) fn place(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

/// Whether a value has more objects and arrays inside one another than this.
fn deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| deeper_than(item, levels - 1)),
        Value::Object(object) => levels == 0 || object.values().any(|value| deeper_than(value, levels - 1)),
        _ => false,
    }
}

/// A refusal that shows the start of the value found.
pub(crate) fn bad(field: &str, expected: &'static str, found: &Value) -> ApiError {
    let mut found = found.to_string();
    if let Some((at, _)) = found.char_indices().nth(60) {
        found.truncate(at);
        found.push('…');
    }
    ApiError::BadField {
        field: field.to_owned(),
        expected,
        found,
    }
}
