//! What a REST call can fail with.

use std::fmt;

use crate::delivery::SendError;

/// A call of the REST API failed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The operation needs a project key and none is configured; nothing was sent.
    #[error("{operation} needs a project key: call .api_key(\"…\") or set HH_API_KEY")]
    MissingApiKey {
        /// The operation.
        operation: &'static str,
    },
    /// The request could not be written.
    #[error("{operation}: the request cannot be written: {problem}")]
    Request {
        /// The operation.
        operation: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The server did not answer.
    #[error("{operation}: {problem}")]
    NoAnswer {
        /// The operation.
        operation: &'static str,
        /// What happened.
        problem: String,
    },
    /// The server answered with an error.
    #[error("{operation} failed with status {status}{}{}", .message.as_ref().map(|m| format!(": {m}")).unwrap_or_default(), hint(*.status))]
    Status {
        /// The operation.
        operation: &'static str,
        /// HTTP status.
        status: u16,
        /// What the server said.
        message: Option<String>,
    },
    /// The server's answer is not what the operation returns.
    #[error("{operation}: the answer cannot be read: {problem}")]
    Answer {
        /// The operation.
        operation: &'static str,
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
    pub(super) fn from_send(operation: &'static str, error: SendError) -> Self {
        match error {
            SendError::Refused { status, message, .. } => Self::Status {
                operation,
                status: status.as_u16(),
                message,
            },
            SendError::TooLarge => Self::Answer {
                operation,
                problem: error.to_string(),
            },
            SendError::NoAnswer { .. } | SendError::NoRequest { .. } => Self::NoAnswer {
                operation,
                problem: error.to_string(),
            },
        }
    }
}

/// The server answers 404 also where a key has no access.
fn hint(status: u16) -> &'static str {
    if status == 404 {
        " (it does not exist, or the key has no access to it)"
    } else {
        ""
    }
}
