//! What can go wrong: starting the server, and answering one request.

use std::io;
use std::path::PathBuf;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The text is not an address to listen on.
    #[error("cannot listen on {address:?}: {source}. Use HOST:PORT, such as 127.0.0.1:4483 (port 0 picks a free one)")]
    BadAddress {
        /// The text given.
        address: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// Somebody else listens there.
    #[error("{address} is in use: stop what listens there, or choose another port (port 0 picks a free one)")]
    AddressInUse {
        /// The address asked for.
        address: String,
    },
    /// The address can be reached from other machines and there is no API key.
    #[error(
        "{address} can be reached from other machines: set an API key (--api-key KEY, or `ServerBuilder::api_key`), or \
         listen on 127.0.0.1"
    )]
    OpenToNetwork {
        /// The address asked for.
        address: String,
    },
    /// The database file cannot be opened or created.
    #[error("cannot open the database {path:?}: {source}. Check that its directory exists and can be written")]
    Database {
        /// The file, or `:memory:`.
        path: PathBuf,
        /// What the database library said.
        source: rusqlite::Error,
    },
    /// The path of the database is empty.
    #[error("the path of the database is empty: name a file, or :memory: to keep everything in memory")]
    EmptyPath,
    /// The file is something else.
    #[error("{path:?} is not a database: choose another file, one that is not there yet is made")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file can be read but not written.
    #[error("{path:?} cannot be written: change its permissions and those of its directory, or choose another file")]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The file belongs to another program, or to another version of this one.
    #[error("{path:?} holds {found}, this version reads schema {expected}: use another file, or delete this one")]
    WrongSchema {
        /// The file.
        path: PathBuf,
        /// What is in the file.
        found: String,
        /// The schema version this build reads.
        expected: i64,
    },
    /// The operating system gave no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}

/// Why a request was not served; answered as `{"message": …, "error": …}`, with `field` where one is to blame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("{field}: expected {expected}, found {found}")]
    BadField {
        field: String,
        expected: &'static str,
        found: String,
    },
    #[error("the body is not {expected}: {reason}")]
    BadBody { expected: &'static str, reason: String },
    #[error("content type {found:?} is not served here: send {expected}")]
    ContentType { found: String, expected: &'static str },
    #[error("host {0:?} is not this machine: without an API key this server answers localhost and 127.0.0.1 only")]
    ForeignHost(String),
    #[error("origin {0:?} is not this server: without an API key it answers no other web pages")]
    ForeignOrigin(String),
    #[error("the body was not read to its end: the server is shutting down or failed at it")]
    Closing,
    #[error("{what} {id:?} is unknown{hint}")]
    NotFound {
        what: &'static str,
        id: String,
        hint: String,
    },
    #[error("the path cannot be read: {0}")]
    BadPath(String),
    #[error("there is no route {0}")]
    NoRoute(String),
    #[error("{0} is not allowed on this route")]
    WrongMethod(String),
    #[error("the body is larger than {limit} bytes: send smaller batches")]
    TooLarge { limit: usize },
    #[error("the Authorization header does not carry this server's API key as \"Bearer <key>\"")]
    Unauthorized,
    #[error("the database failed: {0}")]
    Storage(String),
}

impl ApiError {
    pub(crate) fn not_found(what: &'static str, id: impl Into<String>) -> Self {
        Self::NotFound {
            what,
            id: id.into(),
            hint: String::new(),
        }
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadField { .. } => (StatusCode::BAD_REQUEST, "invalid_field"),
            Self::BadBody { .. } => (StatusCode::BAD_REQUEST, "invalid_body"),
            Self::BadPath(_) => (StatusCode::BAD_REQUEST, "invalid_path"),
            Self::ContentType { .. } => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::ForeignHost(_) => (StatusCode::FORBIDDEN, "foreign_host"),
            Self::ForeignOrigin(_) => (StatusCode::FORBIDDEN, "foreign_origin"),
            Self::Closing => (StatusCode::SERVICE_UNAVAILABLE, "closing"),
            Self::NotFound { .. } => (StatusCode::NOT_FOUND, "not_found"),
            Self::NoRoute(_) => (StatusCode::NOT_FOUND, "no_route"),
            Self::WrongMethod(_) => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Storage(_) => (StatusCode::INTERNAL_SERVER_ERROR, "storage"),
        }
    }
}

impl From<rusqlite::Error> for ApiError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<serde_json::Error> for ApiError {
    /// Only for JSON of our own making; bodies are read with their own error.
    fn from(error: serde_json::Error) -> Self {
        Self::Storage(format!("stored JSON does not read back: {error}"))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        let mut body = json!({"success": false, "message": self.to_string(), "error": code});
        if let Self::BadField { field, .. } = self {
            body["field"] = field.into();
        }
        (status, Json(body)).into_response()
    }
}
