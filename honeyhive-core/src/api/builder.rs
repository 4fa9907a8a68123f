//! Configuring a client that belongs to no tracer.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Client;
use super::link::Link;
use crate::config::{ConfigError, TracerBuilder};

/// Configures a [`Client`] of its own. The settings are those of a tracer, from the same `HH_*` variables and checked
/// the same way; a value given here wins.
///
/// No key is needed to build one: an operation whose key is missing says so instead of being sent.
#[must_use = "call .build() to get a client"]
#[derive(Debug, Default)]
pub struct ClientBuilder {
    settings: TracerBuilder,
}

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident($value:ident: $type:ty);)*) => {
        $(
            $(#[$doc])*
            pub fn $name(mut self, $value: $type) -> Self {
                self.settings = self.settings.$name($value);
                self
            }
        )*
    };
}

impl ClientBuilder {
    settings! {
        /// Project key (`HH_API_KEY`), for everything the others are not for. Never printed.
        api_key(key: impl Into<String>);
        /// Ingestion key (`HH_INGESTION_API_KEY`), preferred over the project key to write sessions and events. Never
        /// printed.
        ingestion_api_key(key: impl Into<String>);
        /// Data plane key (`HH_DATA_PLANE_API_KEY`), for [charts of a named project](super::Charts::in_project). Never
        /// printed.
        data_plane_api_key(key: impl Into<String>);
        /// Address of the backend (`HH_API_URL`). Default: [`DEFAULT_SERVER_URL`](crate::DEFAULT_SERVER_URL).
        server_url(url: impl Into<String>);
        /// Time for one request (`HH_API_TIMEOUT`, else `HH_TIMEOUT`, seconds). Default: 10 s. Searching and exporting
        /// events has five minutes.
        timeout(timeout: Duration);
        /// How often a call is repeated (`HH_MAX_RETRIES`), 0 to 100. Default: 3.
        max_retries(retries: u32);
        /// Proxy for an `http` server (`HH_HTTP_PROXY`). Default: the system's.
        http_proxy(url: impl Into<String>);
        /// Proxy for an `https` server (`HH_HTTPS_PROXY`). Default: the system's.
        https_proxy(url: impl Into<String>);
        /// Hosts the proxies above are not used for (`HH_NO_PROXY`): names or addresses, separated by commas.
        no_proxy(hosts: impl Into<String>);
        /// Whether the server's certificate is checked (`HH_VERIFY_SSL`). Default: true.
        verify_ssl(verify: bool);
        /// A file with certificates in PEM to trust besides the platform's (`HH_CA_FILE`).
        ca_certificate(path: impl Into<PathBuf>);
        /// Logs each request and what became of it at level INFO instead of DEBUG (`HH_VERBOSE`). Default: false.
        verbose(verbose: bool);
    }

    /// Reads variables from here instead of the process's environment.
    pub fn environment<K, V>(mut self, variables: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        self.settings = self.settings.environment(variables);
        self
    }

    /// Makes the client. Does not touch the network.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a setting is malformed; it names the setting and the fix, and never a key.
    pub fn build(self) -> Result<Client, ConfigError> {
        let link = Link::start(self.settings.resolve()?)?;
        Ok(Client { link: Arc::new(link) })
    }
}
