//! Configurations: prompts and model settings by name and environment.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Call;
use super::lenient::null_is_default;
use super::link::Link;
use super::operation::Operation;

/// A configuration as the server returns it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Configuration {
    /// Id of the configuration.
    #[serde(alias = "_id", deserialize_with = "null_is_default")]
    pub id: String,
    /// Name of the configuration.
    #[serde(deserialize_with = "null_is_default")]
    pub name: String,
    /// Provider of the model.
    #[serde(deserialize_with = "null_is_default")]
    pub provider: String,
    /// `LLM` or `pipeline`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Model, prompt and settings.
    #[serde(deserialize_with = "null_is_default")]
    pub parameters: Map<String, Value>,
    /// Environments it is for: `dev`, `staging`, `prod`.
    #[serde(deserialize_with = "null_is_default")]
    pub env: Vec<String>,
    /// Tags.
    #[serde(deserialize_with = "null_is_default")]
    pub tags: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A new configuration.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CreateConfiguration {
    /// Name of the configuration, at most 200 characters.
    pub name: String,
    /// Provider of the model.
    pub provider: String,
    /// Model, prompt and settings; `call_type` (`chat` or `completion`) and `model` are required.
    pub parameters: Map<String, Value>,
    /// `LLM` or `pipeline`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Environments it is for: `dev`, `staging`, `prod`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Properties of who made it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub user_properties: Map<String, Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A change of a configuration, which needs its name. What is `None` or empty stays as it is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UpdateConfiguration {
    /// Name of the configuration.
    pub name: String,
    /// Provider of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Model, prompt and settings.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
    /// `LLM` or `pipeline`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Environments it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<String>>,
    /// Tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Which configurations a list has. Default: all.
#[derive(Clone, Debug, Default)]
pub struct ConfigurationQuery {
    /// Those of this name.
    pub name: Option<String>,
    /// Those for this environment.
    pub env: Option<String>,
    /// Those with these tags.
    pub tags: Vec<String>,
}

#[derive(Deserialize)]
struct Inserted {
    #[serde(rename = "insertedId")]
    id: String,
}

/// Operations on configurations; see [`Client::configurations`](super::Client::configurations).
#[derive(Clone, Debug)]
pub struct Configurations {
    pub(super) link: Arc<Link>,
}

impl Configurations {
    /// Lists configurations.
    pub fn list(&self, query: &ConfigurationQuery) -> Call<Vec<Configuration>> {
        Operation::get(&self.link, "getConfigurations", &["v1", "configurations"])
            .query("name", query.name.as_ref())
            .query("env", query.env.as_ref())
            .list("tags", query.tags.iter().map(String::as_str))
            .answer(&["configurations"])
    }

    /// Creates a configuration and returns its id.
    pub fn create(&self, configuration: &CreateConfiguration) -> Call<String> {
        let path = ["v1", "configurations"];
        let operation = Operation::post(&self.link, "createConfiguration", &path, configuration);
        operation.answer(&[]).map(|inserted: Inserted| inserted.id)
    }

    /// Changes a configuration.
    pub fn update(&self, configuration_id: &str, update: &UpdateConfiguration) -> Call<()> {
        let path = ["v1", "configurations", configuration_id];
        Operation::put(&self.link, "updateConfiguration", &path, update).done()
    }

    /// Deletes a configuration.
    pub fn delete(&self, configuration_id: &str) -> Call<()> {
        let path = ["v1", "configurations", configuration_id];
        Operation::delete(&self.link, "deleteConfiguration", &path).done()
    }
}
