//! Describing one operation: method, path, query, body, key; and what its answer is.

use std::sync::Arc;
use std::time::Duration;

use prost::bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::link::Link;
use super::{ApiError, Call, KeyKind};
use crate::delivery::{Method, RestCall};

/// Reads that search or aggregate may take longer than other calls.
const LONG: Duration = Duration::from_secs(300);

/// An operation under construction.
pub(super) struct Operation {
    link: Arc<Link>,
    name: &'static str,
    method: Method,
    path: String,
    query: String,
    body: Option<Bytes>,
    key: KeyKind,
    repeatable: bool,
    timeout: Option<Duration>,
    /// What makes it impossible.
    problem: Option<String>,
}

impl Operation {
    /// `path` by its segments, so that an id never names another route.
    pub(super) fn new(link: &Arc<Link>, name: &'static str, method: Method, path: &[&str]) -> Self {
        let blank = path.iter().any(|part| part.trim().is_empty());
        Self {
            link: link.clone(),
            name,
            path: path.iter().map(|part| format!("/{}", escaped(part))).collect(),
            query: String::new(),
            body: None,
            key: KeyKind::Project,
            // A read, or a write that does the same when it is done twice.
            repeatable: method != Method::POST && method != Method::PATCH,
            method,
            timeout: None,
            // A path without its id would name the whole collection.
            problem: blank.then(|| "an id or a name is empty".to_owned()),
        }
    }

    pub(super) fn get(link: &Arc<Link>, name: &'static str, path: &[&str]) -> Self {
        Self::new(link, name, Method::GET, path)
    }

    pub(super) fn post(link: &Arc<Link>, name: &'static str, path: &[&str], body: &impl Serialize) -> Self {
        Self::new(link, name, Method::POST, path).body(body)
    }

    pub(super) fn put(link: &Arc<Link>, name: &'static str, path: &[&str], body: &impl Serialize) -> Self {
        Self::new(link, name, Method::PUT, path).body(body)
    }

    pub(super) fn delete(link: &Arc<Link>, name: &'static str, path: &[&str]) -> Self {
        Self::new(link, name, Method::DELETE, path)
    }

    pub(super) fn body(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = Some(bytes.into()),
            Err(error) => self.problem = Some(error.to_string()),
        }
        self
    }

    /// Adds a parameter, unless there is none. One that says nothing would choose everything, and is refused.
    pub(super) fn query(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value.map(|value| value.to_string()) {
            if value.trim().is_empty() {
                self.problem = Some(format!("{name} is empty; leave it out to choose all"));
            }
            let before = if self.query.is_empty() { '?' } else { '&' };
            self.query.push(before);
            self.query.push_str(&escaped(name));
            self.query.push('=');
            self.query.push_str(&escaped(&value));
        }
        self
    }

    /// Adds a list: `ids[]=a&ids[]=b`.
    pub(super) fn list<'a>(self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let name = format!("{name}[]");
        values
            .into_iter()
            .fold(self, |operation, value| operation.query(&name, Some(value)))
    }

    /// Adds a parameter that is written as JSON: an object, an array or a plain word.
    pub(super) fn json(mut self, name: &str, value: Option<impl Serialize>) -> Self {
        match value.map(|value| serde_json::to_value(value)).transpose() {
            Ok(None) => self,
            Ok(Some(Value::String(word))) => self.query(name, Some(word)),
            Ok(Some(value)) => self.query(name, Some(value)),
            Err(error) => {
                self.problem = Some(error.to_string());
                self
            }
        }
    }

    pub(super) fn key(mut self, kind: KeyKind) -> Self {
        self.key = kind;
        self
    }

    /// Doing it twice does no harm, though it is a `POST`.
    pub(super) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// It may take minutes.
    pub(super) fn patient(mut self) -> Self {
        self.timeout = Some(LONG);
        self
    }

    /// The answer: what stands in the first of these fields that it has, else all of it.
    pub(super) fn answer<T: DeserializeOwned + Send + 'static>(self, inside: &'static [&'static str]) -> Call<T> {
        self.call(|body| {
            let mut answer: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            let field = inside.iter().find(|name| answer.get(name).is_some());
            if let Some(field) = field {
                answer = answer[*field].take();
            }
            serde_json::from_value(answer).map_err(|error| error.to_string())
        })
    }

    /// An answer that says nothing but success.
    pub(super) fn done(self) -> Call<()> {
        self.call(|_| Ok(()))
    }

    fn call<T: Send + 'static>(self, read: impl FnOnce(&[u8]) -> Result<T, String> + Send + 'static) -> Call<T> {
        let (name, link) = (self.name, self.link.clone());
        Call::new(name, link, self.run(read))
    }

    async fn run<T>(self, read: impl FnOnce(&[u8]) -> Result<T, String>) -> Result<T, ApiError> {
        let operation = self.name;
        if !self.link.has(self.key) {
            let kind = self.key;
            return Err(ApiError::MissingApiKey { operation, kind });
        }
        if let Some(problem) = self.problem {
            return Err(ApiError::Request { operation, problem });
        }
        let route = format!("{} {}", self.method, self.path);
        let call = RestCall {
            method: self.method,
            path: self.path + &self.query,
            body: self.body,
            key: self.key,
            timeout: self.timeout,
        };
        match self.link.call(call, self.repeatable).await {
            Ok(reply) => read(&reply.body).map_err(|problem| ApiError::Answer {
                operation,
                route,
                // It quotes what it cannot read.
                problem: self.link.showable(problem),
            }),
            Err(error) => Err(ApiError::from_send(operation, route, error)),
        }
    }
}

/// Text as one segment of a path, or one part of a query.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        // A segment of dots alone would climb.
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') || (byte == b'.' && text.len() > 2) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn an_id_stays_one_segment_of_the_path() {
        assert_eq!(escaped("EXT-a_1~b.c"), "EXT-a_1~b.c");
        assert_eq!(escaped("a/b?x=1#é"), "a%2Fb%3Fx%3D1%23%C3%A9");
        assert_eq!(escaped(".."), "%2E%2E");
    }
}
