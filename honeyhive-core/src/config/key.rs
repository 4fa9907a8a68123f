//! API keys: what shape each kind has, and a container that never shows one.

use std::fmt;

use zeroize::Zeroizing;

use super::error::ConfigError;

const INGESTION_PREFIX: &str = "hh_ingst_";
/// Kinds of HoneyHive key that cannot send traces or run experiments.
const OTHER_KINDS: [(&str, &str); 2] = [("hh_fgdp_", "a data plane key"), ("hh_fgcp_", "a control plane key")];

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
        let key = Self::printable(setting, text)?;
        let problem = match key.expose().strip_prefix(INGESTION_PREFIX) {
            Some(rest) if is_id_and_secret(rest) => return Ok(key),
            Some(_) => "begins with hh_ingst_ but is not a complete ingestion key",
            None if key.expose().starts_with("hh_") => {
                "is another kind of HoneyHive key; an ingestion key begins with hh_ingst_"
            }
            None => "is not a HoneyHive key; an ingestion key begins with hh_ingst_",
        };
        Err(ConfigError::InvalidKey {
            setting,
            problem: problem.into(),
        })
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
