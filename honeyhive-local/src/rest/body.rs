//! Bodies of requests: bounded, decompressed, parsed, with refusals as JSON.

use std::io::Read;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use flate2::read::GzDecoder;
use serde_json::Value;

use super::fields::Fields;
use crate::error::ApiError;

/// Bytes of a body at most, before and after decompression.
pub(crate) const MAX_BODY: usize = 64 * 1024 * 1024;

/// A body, decompressed.
pub(crate) struct Plain(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Plain {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let gzip = is_gzip(request.headers())?;
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                ApiError::TooLarge { limit: MAX_BODY }
            } else {
                ApiError::BadBody {
                    expected: "complete",
                    reason: rejection.to_string(),
                }
            }
        })?;
        Ok(Self(if gzip { unzip(&body)? } else { body }))
    }
}

/// A body that is a JSON object.
pub(crate) struct Json(pub(crate) Fields);

impl<S: Send + Sync> FromRequest<S> for Json {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Plain(body) = Plain::from_request(request, state).await?;
        let value: Value = serde_json::from_slice(&body).map_err(|error| ApiError::BadBody {
            expected: "JSON",
            reason: error.to_string(),
        })?;
        Fields::of(value, "").map(Self)
    }
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, ApiError> {
    match headers.get(header::CONTENT_ENCODING).map(|value| value.to_str()) {
        None | Some(Ok("identity")) => Ok(false),
        Some(Ok("gzip")) => Ok(true),
        Some(other) => Err(ApiError::BadBody {
            expected: "compressed with gzip or not at all",
            reason: format!("Content-Encoding is {:?}", other.unwrap_or("not text")),
        }),
    }
}

fn unzip(body: &[u8]) -> Result<Bytes, ApiError> {
    let mut plain = Vec::with_capacity(body.len().saturating_mul(4).min(MAX_BODY));
    let limit = u64::try_from(MAX_BODY).unwrap_or(u64::MAX);
    GzDecoder::new(body)
        .take(limit.saturating_add(1))
        .read_to_end(&mut plain)
        .map_err(|error| ApiError::BadBody {
            expected: "gzip",
            reason: error.to_string(),
        })?;
    if plain.len() > MAX_BODY {
        return Err(ApiError::TooLarge { limit: MAX_BODY });
    }
    Ok(plain.into())
}
