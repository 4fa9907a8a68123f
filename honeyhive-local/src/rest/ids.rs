//! Ids in paths and queries.

use axum::extract::{FromRequestParts, Path as AxumPath};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// The parameters of the path, or a refusal in JSON when they are no text.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match AxumPath::from_request_parts(parts, state).await {
            Ok(AxumPath(found)) => Ok(Self(found)),
            Err(rejection) => Err(ApiError::BadPath(rejection.body_text())),
        }
    }
}

/// A UUID in lower case with hyphens, as ids are stored; other text as it is.
pub(crate) fn canonical(id: String) -> String {
    uuid::Uuid::try_parse(&id).map_or(id, |id| id.to_string())
}
