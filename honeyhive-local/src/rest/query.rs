//! Query strings: single values, and lists written `ids[]=a&ids[]=b`.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde_json::Value;

use super::fields::{Fields, bad};
use super::filter::Filter;
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

    /// A list; `None` when the parameter is not there at all.
    pub(crate) fn list(&self, key: &str) -> Option<Vec<String>> {
        let items: Vec<String> = self
            .0
            .iter()
            .filter(|(name, _)| name == key || name.strip_suffix("[]") == Some(key))
            .map(|(_, value)| value.clone())
            .collect();
        (!items.is_empty()).then_some(items)
    }

    /// A value of JSON, or one as Python shows it, which its SDK sends; `null` when the parameter is not there.
    pub(crate) fn json(&self, key: &str, expected: &'static str) -> Result<Value, ApiError> {
        self.text(key)
            .map_or(Ok(Value::Null), |text| parse(key, text, expected))
    }

    /// Filters of events: each a parameter of its own, or all in an array.
    pub(crate) fn filters(&self) -> Result<Vec<Filter>, ApiError> {
        const KEY: &str = "filters";
        const EXPECTED: &str = "an object with field, operator, value and type, or an array of them";
        let mut filters = Vec::new();
        for text in self.list(KEY).unwrap_or_default() {
            match parse(KEY, &text, EXPECTED)? {
                Value::Array(items) => filters.extend(items),
                other => filters.push(other),
            }
        }
        let read = |(index, filter)| Filter::read(Fields::of(filter, &format!("{KEY}[{index}]"))?);
        filters.into_iter().enumerate().map(read).collect()
    }

    pub(crate) fn number(&self, key: &str, expected: &'static str, default: u32, max: u32) -> Result<u32, ApiError> {
        let Some(text) = self.text(key) else { return Ok(default) };
        text.parse()
            .ok()
            .filter(|number| (1..=max).contains(number))
            .ok_or_else(|| bad(key, expected, &text.into()))
    }
}

fn parse(key: &str, text: &str, expected: &'static str) -> Result<Value, ApiError> {
    let json = || serde_json::from_str(text);
    let python = |_| serde_json::from_str(&text.replace('\'', "\""));
    json().or_else(python).map_err(|_| bad(key, expected, &text.into()))
}
