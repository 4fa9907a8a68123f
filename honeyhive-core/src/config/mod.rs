//! Configuration: builder values over `HH_*` variables over defaults, parsed once into values that cannot be invalid.

mod builder;
mod error;
mod key;

use std::sync::Arc;

use reqwest::Url;

pub use builder::TracerBuilder;
pub use error::ConfigError;
pub(crate) use key::ApiKey;

use crate::session::SessionId;

/// Where HoneyHive listens unless `HH_API_URL` or [`TracerBuilder::server_url`] says otherwise.
pub const DEFAULT_SERVER_URL: &str = "https://api.dp1.us.honeyhive.ai";

const DEFAULT_SOURCE: &str = "dev";

/// A resolved configuration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) project_key: Option<ApiKey>,
    pub(crate) ingestion_key: Option<ApiKey>,
    pub(crate) server_url: Url,
    pub(crate) project: Option<Arc<str>>,
    pub(crate) source: Arc<str>,
    pub(crate) session_name: Arc<str>,
    pub(crate) session_id: Option<SessionId>,
}

/// Settings as given, before they are checked: each the builder's value, if any.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) api_key: Option<String>,
    pub(crate) ingestion_api_key: Option<String>,
    pub(crate) server_url: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) session_name: Option<String>,
    pub(crate) session_id: Option<String>,
}

/// A text together with the setting it came from, for error messages.
struct Setting {
    origin: &'static str,
    text: String,
}

/// Reads an environment variable; a map in tests.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Config {
    pub(crate) fn resolve(given: Given, environment: Environment<'_>) -> Result<Self, ConfigError> {
        let pick = |value: Option<String>, method: &'static str, variable: &'static str| {
            setting(value, method).or_else(|| setting(environment(variable), variable))
        };
        let project_key = pick(given.api_key, "api_key", "HH_API_KEY")
            .map(|s| ApiKey::project(s.origin, s.text))
            .transpose()?;
        let ingestion_key = pick(given.ingestion_api_key, "ingestion_api_key", "HH_INGESTION_API_KEY")
            .map(|s| ApiKey::ingestion(s.origin, s.text))
            .transpose()?;
        if project_key.is_none() && ingestion_key.is_none() {
            return Err(ConfigError::MissingKey);
        }
        let server_url = pick(given.server_url, "server_url", "HH_API_URL").unwrap_or_else(|| Setting {
            origin: "default",
            text: DEFAULT_SERVER_URL.to_owned(),
        });
        let text = |value, method, variable| pick(value, method, variable).map(printable).transpose();
        let session_id = setting(given.session_id, "session_id")
            .map(|s| {
                s.text.parse().map_err(|_| ConfigError::InvalidSessionId {
                    setting: s.origin,
                    value: showable(&s.text),
                })
            })
            .transpose()?;
        Ok(Self {
            project_key,
            ingestion_key,
            server_url: parse_url(&server_url)?,
            project: text(given.project, "project", "HH_PROJECT")?,
            source: text(given.source, "source", "HH_SOURCE")?.unwrap_or_else(|| DEFAULT_SOURCE.into()),
            session_name: text(given.session_name, "session_name", "HH_SESSION_NAME")?.unwrap_or_else(program_name),
            session_id,
        })
    }

    /// The key for session starts, event writes and traces.
    pub(crate) fn key_for_ingestion(&self) -> Option<&ApiKey> {
        self.ingestion_key.as_ref().or(self.project_key.as_ref())
    }
}

/// Trims; blank counts as unset.
fn setting(value: Option<String>, origin: &'static str) -> Option<Setting> {
    let value = value?;
    let text = value.trim();
    (!text.is_empty()).then(|| Setting {
        origin,
        text: text.to_owned(),
    })
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
    let url = Url::parse(setting.text.trim_end_matches('/')).map_err(|error| invalid(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("it must start with http:// or https://"));
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
    let suspicious = text.contains(['@', '?', '#']) || text.starts_with("hh_");
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
