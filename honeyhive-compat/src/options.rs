//! What `init` takes, under the names of 0.x.

use honeyhive_core::{HoneyHiveTracer, TracerBuilder};

/// Settings of [`init`](crate::init). What is not given comes from `HH_API_KEY`, `HH_PROJECT`, `HH_SOURCE`,
/// `HH_SESSION_NAME` and `HH_API_URL`.
#[derive(Debug, Default)]
#[must_use = "pass it to init"]
pub struct InitOptions {
    builder: TracerBuilder,
}

impl InitOptions {
    /// Settings with this API key.
    pub fn new(api_key: impl Into<String>) -> Self {
        Self {
            builder: HoneyHiveTracer::builder().api_key(api_key),
        }
    }

    /// Settings from the environment alone.
    pub fn from_env() -> Self {
        Self::default()
    }

    /// Project name. The key decides the project, so this is rarely needed.
    pub fn project(self, project: impl Into<String>) -> Self {
        Self {
            builder: self.builder.project(project),
        }
    }

    /// Name of the session.
    pub fn session_name(self, name: impl Into<String>) -> Self {
        Self {
            builder: self.builder.session_name(name),
        }
    }

    /// Environment tag on every event.
    pub fn source(self, source: impl Into<String>) -> Self {
        Self {
            builder: self.builder.source(source),
        }
    }

    /// Where to send.
    pub fn server_url(self, url: impl Into<String>) -> Self {
        Self {
            builder: self.builder.server_url(url),
        }
    }

    /// Continues a session: its UUID.
    pub fn session_id(self, id: impl Into<String>) -> Self {
        Self {
            builder: self.builder.session_id(id),
        }
    }

    pub(crate) fn into_builder(self) -> TracerBuilder {
        self.builder
    }
}
