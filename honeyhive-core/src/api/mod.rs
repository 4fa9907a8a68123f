//! The REST client of a tracer's backend.

mod error;
mod runs;
mod sessions;

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::ApiError;
pub use runs::{CreateRun, Run, RunStatus, UpdateRun};

use crate::delivery::{Method, Pipeline};

/// Calls the REST API with the project key. Made by [`HoneyHiveTracer::api`](crate::HoneyHiveTracer::api); shares the
/// tracer's connections and works on any executor.
#[derive(Clone, Debug)]
pub struct Client {
    pipeline: Arc<Pipeline>,
}

impl Client {
    pub(crate) fn new(pipeline: Arc<Pipeline>) -> Self {
        Self { pipeline }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        method: Method,
        path: String,
        body: Option<&(impl Serialize + ?Sized)>,
    ) -> Result<T, ApiError> {
        if !self.pipeline.has_project_key() {
            return Err(ApiError::MissingApiKey { operation });
        }
        let body = body
            .map(serde_json::to_vec)
            .transpose()
            .map_err(|error| ApiError::Request {
                operation,
                problem: error.to_string(),
            })?;
        let reply = self
            .pipeline
            .call(method, path, body)
            .await
            .map_err(|error| ApiError::from_send(operation, error))?;
        serde_json::from_slice(&reply.body).map_err(|error| ApiError::Answer {
            operation,
            problem: error.to_string(),
        })
    }
}

/// One segment of a path, so that an id can never name another route.
fn segment(id: &str) -> String {
    let mut path = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') || (byte == b'.' && id.len() > 2) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn an_id_stays_one_segment_of_the_path() {
        assert_eq!(segment("EXT-a_1~b.c"), "EXT-a_1~b.c");
        assert_eq!(segment("a/b?x=1#é"), "a%2Fb%3Fx%3D1%23%C3%A9");
        assert_eq!(segment(".."), "%2E%2E");
    }
}
