//! API keys: what shape each kind has, and a container that never shows one.

use std::fmt;

use zeroize::Zeroizing;

use super::error::ConfigError;

const INGESTION_PREFIX: &str = "hh_ingst_";
const DATA_PLANE_PREFIX: &str = "hh_fgdp_";
/// Kinds of HoneyHive key that cannot send traces or run experiments.
const OTHER_KINDS: [(&str, &str); 2] = [
    (DATA_PLANE_PREFIX, "a data plane key"),
    ("hh_fgcp_", "a control plane key"),
];

/// A kind of API key. Which one an operation takes is the platform's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// The key of a project (`HH_API_KEY`): everything that does not need one of the others.
    Project,
    /// The ingestion key (`HH_INGESTION_API_KEY`), else the project key: writing sessions and events.
    Ingestion,
    /// The data plane key (`HH_DATA_PLANE_API_KEY`): charts of a named project.
    DataPlane,
}

/// An API key. Never printed, and wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// A project key: any printable ASCII text that is not another kind of HoneyHive key.
    pub(crate) fn project(setting: &'static str, text: String) -> Result<Self, ConfigError> {
        let key = Self::printable(setting, text)?;
        if key.expose().starts_with(INGESTION_PREFIX) {
            return Err(ConfigError::InvalidKey {
                setting,
                problem: "is an ingestion key; pass it as .ingestion_api_key(…) or HH_INGESTION_API_KEY".into(),
            });
        }
        for (prefix, kind) in OTHER_KINDS {
            if key.expose().starts_with(prefix) {
                return Err(ConfigError::InvalidKey {
                    setting,
                    problem: format!("is {kind}; a project key is needed here"),
                });
            }
        }
        Ok(key)
    }

    /// An ingestion key: `hh_ingst_`, 24 letters or digits, `_`, 64 letters, digits, `-` or `_`.
    pub(crate) fn ingestion(setting: &'static str, text: String) -> Result<Self, ConfigError> {
        Self::typed(setting, text, "an ingestion key", INGESTION_PREFIX)
    }

    /// A data plane key: `hh_fgdp_`, and on as an ingestion key.
    pub(crate) fn data_plane(setting: &'static str, text: String) -> Result<Self, ConfigError> {
        Self::typed(setting, text, "a data plane key", DATA_PLANE_PREFIX)
    }

    fn typed(setting: &'static str, text: String, kind: &str, prefix: &str) -> Result<Self, ConfigError> {
        let key = Self::printable(setting, text)?;
        // "an ingestion key" as "ingestion key".
        let bare = kind.split_once(' ').map_or(kind, |(_, name)| name);
        let problem = match key.expose().strip_prefix(prefix) {
            Some(rest) if is_id_and_secret(rest) => return Ok(key),
            Some(_) => format!("begins with {prefix} but is not a complete {bare}"),
            None if key.expose().starts_with("hh_") => {
                format!("is another kind of HoneyHive key; {kind} begins with {prefix}")
            }
            None => format!("is not a HoneyHive key; {kind} begins with {prefix}"),
        };
        Err(ConfigError::InvalidKey { setting, problem })
    }

    /// The key itself, for an `Authorization` header and nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    fn printable(setting: &'static str, text: String) -> Result<Self, ConfigError> {
        let key = Self(Zeroizing::new(text));
        if key.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(key)
        } else {
            Err(ConfigError::InvalidKey {
                setting,
                problem: "contains a space, a control character or a letter outside ASCII; copy the key again".into(),
            })
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(redacted)")
    }
}

fn is_id_and_secret(rest: &str) -> bool {
    let Some((id, secret)) = rest.split_at_checked(24) else {
        return false;
    };
    let Some(secret) = secret.strip_prefix('_') else {
        return false;
    };
    id.bytes().all(|b| b.is_ascii_alphanumeric())
        && secret.len() == 64
        && secret
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
