//! What a REST call can fail with.

use std::fmt;

use reqwest::StatusCode;

use super::KeyKind;
use crate::delivery::SendError;

/// A call of the REST API failed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The operation needs a key that is not configured; nothing was sent.
    #[error("{operation} needs {}", needed(*.kind))]
    MissingApiKey {
        /// The operation.
        operation: &'static str,
        /// Which kind of key it takes.
        kind: KeyKind,
    },
    /// The request could not be written; nothing was sent.
    #[error("{operation}: the request cannot be written: {problem}")]
    Request {
        /// The operation.
        operation: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The server did not answer.
    #[error("{operation} ({route}): {problem}")]
    NoAnswer {
        /// The operation.
        operation: &'static str,
        /// Method and path.
        route: String,
        /// What happened.
        problem: String,
    },
    /// The server answered with an error.
    #[error("{operation} failed with status {status}{}{} ({route}{})", said(.message.as_deref()), hint(*.status), request(.request_id.as_deref()))]
    Status {
        /// The operation.
        operation: &'static str,
        /// Method and path.
        route: String,
        /// HTTP status.
        status: u16,
        /// What the server said, at most 500 characters.
        message: Option<Box<str>>,
        /// What the server calls the error, for programs.
        code: Option<Box<str>>,
        /// The server's name for this request (`x-request-id`), to tell its support.
        request_id: Option<Box<str>>,
    },
    /// The server's answer is not what the operation returns. What was asked for has been done.
    #[error("{operation} ({route}): the answer cannot be read: {problem}")]
    Answer {
        /// The operation.
        operation: &'static str,
        /// Method and path.
        route: String,
        /// What is wrong.
        problem: String,
    },
}

/// As the error displays: a `main` that returns it prints this.
impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ApiError {
    /// The operation, by the name it has in the API's description, such as `getRun`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        match self {
            Self::MissingApiKey { operation, .. }
            | Self::Request { operation, .. }
            | Self::NoAnswer { operation, .. }
            | Self::Status { operation, .. }
            | Self::Answer { operation, .. } => operation,
        }
    }

    /// The HTTP status, when the server answered with an error.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the same call may succeed later: the server did not answer, or answered 408, 429, 500, 502, 503 or 504.
    /// Calls that may be repeated have been, as often as configured, before the error is returned. Of a call that
    /// creates something, the first may have been carried out.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NoAnswer { .. } => true,
            Self::Status { status, .. } => StatusCode::from_u16(*status).is_ok_and(super::retry::may_pass),
            _ => false,
        }
    }

    pub(super) fn from_send(operation: &'static str, route: String, error: SendError) -> Self {
        match error {
            SendError::Refused {
                status,
                message,
                code,
                request_id,
                ..
            } => Self::Status {
                operation,
                route,
                status: status.as_u16(),
                message: message.map(Into::into),
                code: code.map(Into::into),
                request_id: request_id.map(Into::into),
            },
            SendError::TooLarge => Self::Answer {
                operation,
                route,
                problem: error.to_string(),
            },
            SendError::NoRequest { problem } => Self::Request { operation, problem },
            SendError::NoAnswer { .. } => Self::NoAnswer {
                operation,
                route,
                problem: error.to_string(),
            },
        }
    }
}

fn needed(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Project => "a project key: call .api_key(\"…\") or set HH_API_KEY",
        KeyKind::Ingestion => {
            "an ingestion or project key: call .ingestion_api_key(\"…\") or .api_key(\"…\"), or set \
             HH_INGESTION_API_KEY or HH_API_KEY"
        }
        KeyKind::DataPlane => "a data plane key: call .data_plane_api_key(\"…\") or set HH_DATA_PLANE_API_KEY",
    }
}

fn said(message: Option<&str>) -> String {
    message.map(|message| format!(": {message}")).unwrap_or_default()
}

/// The server answers 404 also where a key has no access.
fn hint(status: u16) -> &'static str {
    if status == 404 {
        "; it does not exist, or the key has no access to it"
    } else {
        ""
    }
}

fn request(id: Option<&str>) -> String {
    id.map(|id| format!(", request {id}")).unwrap_or_default()
}
