//! What can be wrong with a configuration.

use std::fmt;

/// A setting is missing or malformed. Returned by [`build`](crate::TracerBuilder::build); never prints a key.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Neither a project key nor an ingestion key was given.
    #[error("no API key: call .api_key(\"…\") or set HH_API_KEY (HH_INGESTION_API_KEY is enough to send traces)")]
    MissingKey,
    /// A key has the wrong shape or is of the wrong kind.
    #[error("{setting}: the key {problem}")]
    InvalidKey {
        /// The builder method or the environment variable.
        setting: &'static str,
        /// What is wrong, without the value.
        problem: String,
    },
    /// The server's URL cannot be used.
    #[error("{setting}: {value:?} is no usable server URL: {problem}; expected something like https://api.example.com")]
    InvalidUrl {
        /// The builder method or the environment variable.
        setting: &'static str,
        /// What was given, without credentials.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A session id is not a UUID.
    #[error("{setting}: {value:?} is no UUID; pass one, or leave it out and one is made")]
    InvalidSessionId {
        /// The builder method or the environment variable.
        setting: &'static str,
        /// What was given.
        value: String,
    },
    /// A text has characters that cannot be sent in a header.
    #[error("{setting}: {value:?} has a control character; use printable text")]
    InvalidText {
        /// The builder method or the environment variable.
        setting: &'static str,
        /// What was given.
        value: String,
    },
    /// A setting has a value it cannot have.
    #[error("{setting}: {value:?} {rule}")]
    InvalidValue {
        /// The builder method or the environment variable.
        setting: &'static str,
        /// What was given; of a header its name.
        value: String,
        /// What is wrong with it, and what may be given.
        rule: String,
    },
    /// The worker thread could not be started.
    #[error("the delivery thread could not be started: {0}")]
    Worker(#[source] std::io::Error),
}

/// As the error displays: a `main` that returns it prints this.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
