//! The builder of a tracer.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use super::{Config, ConfigError, Given};
use crate::capture::to_json;
use crate::delivery::Pipeline;
use crate::session::SessionId;
use crate::tracer::HoneyHiveTracer;

/// Configures a [`HoneyHiveTracer`]. Every setting may also come from an `HH_*` environment variable; a value given
/// here wins. Blank values count as not given. A value that cannot be used is an error that names the setting.
///
/// # Examples
///
/// ```no_run
/// use honeyhive_core::HoneyHiveTracer;
///
/// let tracer = HoneyHiveTracer::builder()
///     .api_key("hh_example")
///     .server_url("http://127.0.0.1:4483")
///     .source("docs")
///     .session_name("support chat")
///     .build()?;
/// # Ok::<(), honeyhive_core::ConfigError>(())
/// ```
#[must_use = "call .build() to get a tracer"]
#[derive(Default)]
pub struct TracerBuilder {
    pub(super) given: Given,
    environment: Option<HashMap<String, String>>,
    session_start: Switch,
    discovery: Switch,
}

/// A switch that is on unless turned off.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Switch {
    #[default]
    On,
    Off,
}

impl TracerBuilder {
    /// Project key (`HH_API_KEY`, else `HH_PROJECT_API_KEY`), for everything but data plane operations. Never printed.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.given.api_key = Some(key.into());
        self
    }

    /// Ingestion key (`HH_INGESTION_API_KEY`), preferred over the project key for sessions, events and traces. Shape:
    /// `hh_ingst_`, 24 letters or digits, `_`, 64 letters, digits, `-` or `_`. Never printed.
    pub fn ingestion_api_key(mut self, key: impl Into<String>) -> Self {
        self.given.ingestion_api_key = Some(key.into());
        self
    }

    /// Data plane key (`HH_DATA_PLANE_API_KEY`), for the REST operations that need one. Shape: `hh_fgdp_`, and on as an
    /// ingestion key. Never printed.
    pub fn data_plane_api_key(mut self, key: impl Into<String>) -> Self {
        self.given.data_plane_api_key = Some(key.into());
        self
    }

    /// Where to send (`HH_API_URL`, else `HH_DATA_PLANE_URL`): an `http` or `https` URL. Default:
    /// [`DEFAULT_SERVER_URL`](crate::DEFAULT_SERVER_URL).
    pub fn server_url(mut self, url: impl Into<String>) -> Self {
        self.given.server_url = Some(url.into());
        self
    }

    /// Project name (`HH_PROJECT`). The key decides the project, so this is rarely needed.
    pub fn project(mut self, name: impl Into<String>) -> Self {
        self.given.project = Some(name.into());
        self
    }

    /// Environment tag on every event (`HH_SOURCE`), such as `prod`. Default: `dev`.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.given.source = Some(source.into());
        self
    }

    /// Name of the session (`HH_SESSION_NAME`). Default: the program's file name.
    pub fn session_name(mut self, name: impl Into<String>) -> Self {
        self.given.session_name = Some(name.into());
        self
    }

    /// Id of the session (`HH_SESSION_ID`), a UUID, to continue one or to choose it. Default: a fresh one.
    pub fn session_id(mut self, id: impl Into<String>) -> Self {
        self.given.session_id = Some(id.into());
        self
    }

    /// Continues or chooses the session a key of your own stands for, such as a user or a ticket: the id is derived
    /// from it, always the same. A blank key counts as none. See [`SessionId::from_key`].
    pub fn session_key(mut self, key: impl AsRef<str>) -> Self {
        let key = key.as_ref();
        self.given.session_id = (!key.trim().is_empty()).then(|| SessionId::from_key(key).to_string());
        self
    }

    /// Adds one input of the session (`HH_INPUTS`, a JSON object).
    pub fn input(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.given.session.inputs.insert(key.into(), to_json(&value));
        self
    }

    /// Adds one piece of metadata of the session.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.given.session.metadata.insert(key.into(), to_json(&value));
        self
    }

    /// Adds one property of the user on whose behalf the session runs.
    pub fn user_property(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.given.session.user_properties.insert(key.into(), to_json(&value));
        self
    }

    /// Run of an experiment the session belongs to (`HH_RUN_ID`).
    pub fn run_id(mut self, id: impl Into<String>) -> Self {
        self.given.run_id = Some(id.into());
        self
    }

    /// Dataset of that run (`HH_DATASET_ID`).
    pub fn dataset_id(mut self, id: impl Into<String>) -> Self {
        self.given.dataset_id = Some(id.into());
        self
    }

    /// Datapoint of that run (`HH_DATAPOINT_ID`).
    pub fn datapoint_id(mut self, id: impl Into<String>) -> Self {
        self.given.datapoint_id = Some(id.into());
        self
    }

    /// Name of the program (`HH_SERVICE_NAME`). Default: `OTEL_SERVICE_NAME`, else the program's file name.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.given.service_name = Some(name.into());
        self
    }

    /// Version of the program (`HH_SERVICE_VERSION`).
    pub fn service_version(mut self, version: impl Into<String>) -> Self {
        self.given.service_version = Some(version.into());
        self
    }

    /// Does not announce the session to the backend; its row is made from its first span. For programs that only open
    /// sessions of their own with [`HoneyHiveTracer::new_session`].
    pub fn skip_session_start(mut self) -> Self {
        self.session_start = Switch::Off;
        self
    }

    /// Keeps the tracer out of discovery: code finds it only when it is passed, set as default or active in the
    /// context, never because it is the only tracer built.
    pub fn undiscoverable(mut self) -> Self {
        self.discovery = Switch::Off;
        self
    }

    /// Reads variables from here instead of the process's environment.
    pub fn environment<K, V>(mut self, variables: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        self.environment = Some(variables.into_iter().map(|(k, v)| (k.into(), v.into())).collect());
        self
    }

    /// Makes the tracer. Does not touch the network: the session starts in the background.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a setting is missing or malformed; it names the setting and the fix, and never a key.
    pub fn build(self) -> Result<HoneyHiveTracer, ConfigError> {
        let discovery = self.discovery;
        let session_start = self.session_start;
        let config = self.resolve()?.for_tracing()?;
        let pipeline = Pipeline::start(config, discovery == Switch::On)?;
        let tracer = HoneyHiveTracer::root(pipeline, session_start == Switch::On);
        if discovery == Switch::On {
            crate::discovery::register(&tracer);
        }
        Ok(tracer)
    }

    /// Looks the settings up and checks them.
    pub(crate) fn resolve(self) -> Result<Config, ConfigError> {
        match &self.environment {
            Some(variables) => Config::resolve(self.given, &|name| variables.get(name).cloned()),
            None => Config::resolve(self.given, &|name| {
                std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
            }),
        }
    }
}

impl fmt::Debug for TracerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracerBuilder")
            .field("api_key", &self.given.api_key.as_ref().map(|_| "redacted"))
            .field(
                "ingestion_api_key",
                &self.given.ingestion_api_key.as_ref().map(|_| "redacted"),
            )
            .field(
                "data_plane_api_key",
                &self.given.data_plane_api_key.as_ref().map(|_| "redacted"),
            )
            .field("source", &self.given.source)
            .field("session_name", &self.given.session_name)
            .field("session_id", &self.given.session_id)
            .finish_non_exhaustive()
    }
}
