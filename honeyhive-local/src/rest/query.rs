//! Query strings: single values, and lists written `ids[]=a&ids[]=b`.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde_json::Value;

use super::fields::bad;
use crate::error::ApiError;

/// The parameters of a request, in the order given.
#[derive(Debug)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Any query string parses as pairs.
        let pairs = Query::try_from_uri(&parts.uri).map(|Query(pairs)| pairs);
        Ok(Self(pairs.unwrap_or_default()))
    }
}

impl Parameters {
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        let pair = self.0.iter().rev().find(|(name, _)| name == key)?;
        Some(pair.1.as_str()).filter(|text| !text.is_empty())
    }

    /// A list as JSON text; `None` when the parameter is not there at all.
    pub(crate) fn list(&self, key: &str) -> Option<String> {
        let items: Vec<&str> = self
            .0
            .iter()
            .filter(|(name, _)| name == key || name.strip_suffix("[]") == Some(key))
            .map(|(_, value)| value.as_str())
            .collect();
        (!items.is_empty()).then(|| Value::from(items).to_string())
    }

    pub(crate) fn number(&self, key: &str, expected: &'static str, default: u32, max: u32) -> Result<u32, ApiError> {
        let Some(text) = self.text(key) else { return Ok(default) };
        text.parse()
            .ok()
            .filter(|number| (1..=max).contains(number))
            .ok_or_else(|| bad(key, expected, &text.into()))
    }
}
