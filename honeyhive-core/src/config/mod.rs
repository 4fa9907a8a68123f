//! Configuration: builder values over `HH_*` variables over defaults, parsed once into values that cannot be invalid.

mod builder;
mod content;
mod error;
mod export;
mod filter;
mod key;
mod reader;
mod spool;

use std::sync::Arc;

use reqwest::Url;

pub use builder::TracerBuilder;
pub(crate) use content::{Content, Limits, Mode};
pub use error::ConfigError;
pub(crate) use export::Export;
pub use export::{OtlpCompression, OtlpProtocol};
pub(crate) use key::ApiKey;
pub use key::KeyKind;
use reader::{Environment, Reader, Setting, names};
pub(crate) use spool::SpoolSettings;

use crate::session::{Experiment, SessionDetails, SessionId};

/// Where HoneyHive listens unless `HH_API_URL` or [`TracerBuilder::server_url`] says otherwise.
pub const DEFAULT_SERVER_URL: &str = "https://api.dp1.us.honeyhive.ai";

const DEFAULT_SOURCE: &str = "dev";

/// A resolved configuration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) project_key: Option<ApiKey>,
    pub(crate) ingestion_key: Option<ApiKey>,
    pub(crate) data_plane_key: Option<ApiKey>,
    pub(crate) server_url: Url,
    pub(crate) project: Option<Arc<str>>,
    pub(crate) source: Arc<str>,
    pub(crate) session_name: Arc<str>,
    pub(crate) session_id: Option<SessionId>,
    pub(crate) session: SessionDetails,
    pub(crate) experiment: Experiment,
    pub(crate) service_name: Option<String>,
    pub(crate) service_version: Option<String>,
    pub(crate) export: Export,
    pub(crate) spool: Option<SpoolSettings>,
    pub(crate) content: Content,
}

/// Settings as given, before they are checked: each the builder's value, if any.
#[derive(Clone, Default)]
pub(crate) struct Given {
    pub(crate) api_key: Option<String>,
    pub(crate) ingestion_api_key: Option<String>,
    pub(crate) data_plane_api_key: Option<String>,
    pub(crate) server_url: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) session_name: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) run_id: Option<String>,
    pub(crate) dataset_id: Option<String>,
    pub(crate) datapoint_id: Option<String>,
    pub(crate) session: SessionDetails,
    pub(crate) service_name: Option<String>,
    pub(crate) service_version: Option<String>,
    export: export::Given,
    spool: spool::Given,
    content: content::Given,
}

impl Config {
    pub(crate) fn resolve(given: Given, environment: Environment<'_>) -> Result<Self, ConfigError> {
        let reader = Reader::new(environment);
        let content = Content::resolve(given.content, &reader)?;
        let project_key = reader
            .renamed(
                given.api_key,
                names("api_key", "HH_API_KEY"),
                "HH_PROJECT_API_KEY",
                &["HONEYHIVE_API_KEY"],
            )
            .map(|s| ApiKey::project(s.origin, s.text))
            .transpose()?;
        let ingestion_key = reader
            .text(
                given.ingestion_api_key,
                names("ingestion_api_key", "HH_INGESTION_API_KEY"),
            )
            .map(|s| ApiKey::ingestion(s.origin, s.text))
            .transpose()?;
        let data_plane_key = reader
            .text(
                given.data_plane_api_key,
                names("data_plane_api_key", "HH_DATA_PLANE_API_KEY"),
            )
            .map(|s| ApiKey::data_plane(s.origin, s.text))
            .transpose()?;
        let server_url = reader
            .renamed(
                given.server_url,
                names("server_url", "HH_API_URL"),
                "HH_DATA_PLANE_URL",
                &["HONEYHIVE_SERVER_URL", "HH_SERVER_URL"],
            )
            .unwrap_or_else(|| Setting {
                origin: "default",
                text: DEFAULT_SERVER_URL.to_owned(),
            });
        let text = |value, names| reader.text(value, names).map(printable).transpose();
        let session_id = reader
            .text(given.session_id, names("session_id", "HH_SESSION_ID"))
            .map(|s| {
                s.text.parse().map_err(|_| ConfigError::InvalidSessionId {
                    setting: s.origin,
                    value: showable(&s.text),
                })
            })
            .transpose()?;
        let mut session = given.session;
        for (key, value) in reader.object("HH_INPUTS")?.unwrap_or_default() {
            session.inputs.entry(key).or_insert(value);
        }
        Ok(Self {
            project_key,
            ingestion_key,
            data_plane_key,
            server_url: parse_url(&server_url)?,
            project: text(given.project, names("project", "HH_PROJECT"))?,
            source: text(given.source, names("source", "HH_SOURCE"))?.unwrap_or_else(|| DEFAULT_SOURCE.into()),
            session_name: text(given.session_name, names("session_name", "HH_SESSION_NAME"))?
                .unwrap_or_else(program_name),
            session_id,
            session,
            experiment: Experiment {
                run_id: text(given.run_id, names("run_id", "HH_RUN_ID"))?,
                dataset_id: text(given.dataset_id, names("dataset_id", "HH_DATASET_ID"))?,
                datapoint_id: text(given.datapoint_id, names("datapoint_id", "HH_DATAPOINT_ID"))?,
            },
            service_name: reader
                .text(given.service_name, names("service_name", "HH_SERVICE_NAME"))
                .map(|setting| setting.text),
            service_version: reader
                .text(given.service_version, names("service_version", "HH_SERVICE_VERSION"))
                .map(|setting| setting.text),
            export: Export::resolve(given.export, &reader)?,
            spool: SpoolSettings::resolve(given.spool, &reader)?,
            content,
        })
    }

    /// Refuses a configuration that could not send a trace.
    pub(crate) fn for_tracing(self) -> Result<Self, ConfigError> {
        if self.key_for_ingestion().is_none() && self.content.mode == Mode::On {
            return Err(ConfigError::MissingKey);
        }
        Ok(self)
    }

    pub(crate) fn key(&self, kind: KeyKind) -> Option<&ApiKey> {
        match kind {
            KeyKind::Project => self.project_key.as_ref(),
            KeyKind::Ingestion => self.key_for_ingestion(),
            KeyKind::DataPlane => self.data_plane_key.as_ref(),
        }
    }

    /// The key for session starts, event writes and traces.
    pub(crate) fn key_for_ingestion(&self) -> Option<&ApiKey> {
        self.ingestion_key.as_ref().or(self.project_key.as_ref())
    }
}

fn printable(setting: Setting) -> Result<Arc<str>, ConfigError> {
    if setting.text.chars().any(char::is_control) {
        return Err(ConfigError::InvalidText {
            setting: setting.origin,
            value: showable(&setting.text),
        });
    }
    Ok(setting.text.into())
}

fn parse_url(setting: &Setting) -> Result<Url, ConfigError> {
    let invalid = |problem: &str| ConfigError::InvalidUrl {
        setting: setting.origin,
        value: showable(&setting.text),
        problem: problem.to_owned(),
    };
    let scheme = || invalid("it must start with http:// or https://");
    if !setting.text.contains("://") {
        return Err(scheme());
    }
    let url = Url::parse(setting.text.trim_end_matches('/')).map_err(|error| invalid(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(scheme());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it carries a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it must end with the path, without ? or #"));
    }
    Ok(url)
}

/// A value as an error may show it: nothing that could be a credential or a key.
fn showable(text: &str) -> String {
    let keyed = ["hh_", "sk-", "Bearer ", "Basic "]
        .iter()
        .any(|start| text.trim_start().starts_with(start));
    let suspicious = keyed || text.contains(['@', '?', '#']);
    if suspicious {
        "(not shown: it may hold a secret)".to_owned()
    } else {
        text.to_owned()
    }
}

/// The program's file name without its extension, the default name of a session.
pub(crate) fn program_name() -> Arc<str> {
    let path = std::env::args_os().next().map(std::path::PathBuf::from);
    path.as_deref()
        .and_then(std::path::Path::file_stem)
        .and_then(std::ffi::OsStr::to_str)
        .unwrap_or("unknown")
        .into()
}

#[cfg(test)]
mod tests;
