//! Bodies of requests: bounded, decompressed, parsed, with refusals as JSON.

use std::io::Read;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use flate2::read::GzDecoder;
use serde_json::Value;

use super::fields::Fields;
use crate::error::ApiError;
use crate::surrogates;

/// Bytes of an OTLP body at most, before and after decompression.
pub(crate) const MAX_TRACES: usize = 64 * 1024 * 1024;
/// Bytes of any other body at most, before and after decompression.
pub(crate) const MAX_JSON: usize = 16 * 1024 * 1024;
/// Bodies larger than this are read on threads where blocking is allowed, so that other requests go on.
const LARGE: usize = 64 * 1024;

/// A body as it arrived.
pub(crate) struct Raw<const LIMIT: usize> {
    bytes: Bytes,
    gzip: bool,
}

impl<S: Send + Sync, const LIMIT: usize> FromRequest<S> for Raw<LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let gzip = is_gzip(request.headers())?;
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                ApiError::TooLarge { limit: LIMIT }
            } else {
                ApiError::BadBody {
                    expected: "complete",
                    reason: rejection.to_string(),
                }
            }
        })?;
        Ok(Self { bytes, gzip })
    }
}

impl<const LIMIT: usize> Raw<LIMIT> {
    /// Decompresses and parses the body.
    pub(crate) async fn parse<T: Send + 'static>(
        self,
        parse: impl FnOnce(Bytes) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        // A small body may be large once it is decompressed.
        let large = self.gzip || self.bytes.len() > LARGE;
        let work = move || {
            let plain = if self.gzip {
                unzip::<LIMIT>(&self.bytes)?
            } else {
                self.bytes
            };
            parse(plain)
        };
        if large {
            tokio::task::spawn_blocking(work)
                .await
                .unwrap_or(Err(ApiError::Closing))
        } else {
            work()
        }
    }
}

/// A body that is a JSON object.
pub(crate) struct Json(pub(crate) Fields);

impl<S: Send + Sync> FromRequest<S> for Json {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        const JSON: &str = "application/json";
        let found = content_type(request.headers());
        if found != JSON {
            return Err(ApiError::ContentType { found, expected: JSON });
        }
        let body = Raw::<MAX_JSON>::from_request(request, state).await?;
        let value: Value = body
            .parse(|bytes| {
                surrogates::tolerant(&bytes, |bytes| serde_json::from_slice(bytes)).map_err(|error| ApiError::BadBody {
                    expected: "JSON",
                    reason: error.to_string(),
                })
            })
            .await?;
        Fields::of(value, "").map(Self)
    }
}

/// The content type in lower case, without its parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> String {
    let found = headers.get(header::CONTENT_TYPE);
    let text = found.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, ApiError> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else {
        return Ok(false);
    };
    match value.to_str().map(|text| text.trim().to_ascii_lowercase()).as_deref() {
        Ok("identity") => Ok(false),
        Ok("gzip") => Ok(true),
        other => Err(ApiError::BadBody {
            expected: "compressed with gzip or not at all",
            reason: format!("Content-Encoding is {:?}", other.unwrap_or("not text")),
        }),
    }
}

fn unzip<const LIMIT: usize>(body: &[u8]) -> Result<Bytes, ApiError> {
    let mut plain = Vec::with_capacity(body.len().saturating_mul(4).min(LIMIT));
    let limit = u64::try_from(LIMIT).unwrap_or(u64::MAX);
    GzDecoder::new(body)
        .take(limit.saturating_add(1))
        .read_to_end(&mut plain)
        .map_err(|error| ApiError::BadBody {
            expected: "gzip",
            reason: error.to_string(),
        })?;
    if plain.len() > LIMIT {
        return Err(ApiError::TooLarge { limit: LIMIT });
    }
    Ok(plain.into())
}
