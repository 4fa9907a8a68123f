//! Projects, and the keys of one.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Call;
use super::lenient::null_is_default;
use super::link::Link;
use super::operation::Operation;

/// A project as the server returns it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Project {
    /// Id of the project.
    #[serde(alias = "_id", deserialize_with = "null_is_default")]
    pub id: String,
    /// Name of the project.
    #[serde(deserialize_with = "null_is_default")]
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// Organisation it belongs to.
    pub org_id: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A new project, or a change of the one of this name.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ProjectSettings {
    /// Name of the project.
    pub name: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A data plane key to be made.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CreateDataPlaneKey {
    /// Name of the key.
    pub name: String,
    /// What it may do.
    pub permissions: Vec<String>,
    /// Until when it may, RFC 3339.
    pub expires_at: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A key that was made. The server shows it this once; here it is not printed.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct CreatedKey {
    // Any JSON: an error about its shape would show it.
    answer: Value,
}

impl CreatedKey {
    /// The key itself.
    #[must_use]
    pub fn expose(&self) -> Option<&str> {
        const NAMES: [&str; 5] = ["key", "api_key", "apiKey", "value", "token"];
        let named = || NAMES.into_iter().find_map(|name| self.answer.get(name)?.as_str());
        let values = || self.answer.as_object().into_iter().flat_map(Map::values);
        let shaped = || values().filter_map(Value::as_str).find(|text| text.starts_with("hh_"));
        self.answer.as_str().or_else(named).or_else(shaped)
    }

    /// Everything the server says of it, the key included.
    #[must_use]
    pub fn answer(&self) -> &Value {
        &self.answer
    }
}

impl fmt::Debug for CreatedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CreatedKey(redacted)")
    }
}

/// Operations on projects; see [`Client::projects`](super::Client::projects).
#[derive(Clone, Debug)]
pub struct Projects {
    pub(super) link: Arc<Link>,
}

impl Projects {
    /// Lists projects, all or those of a name.
    pub fn list(&self, name: Option<&str>) -> Call<Vec<Project>> {
        let operation = Operation::get(&self.link, "getProjects", &["v1", "projects"]);
        operation.query("name", name).answer(&["projects"])
    }

    /// Creates a project.
    pub fn create(&self, project: &ProjectSettings) -> Call<Project> {
        Operation::post(&self.link, "createProject", &["v1", "projects"], project).answer(&["project"])
    }

    /// Changes the project of this name.
    pub fn update(&self, project: &ProjectSettings) -> Call<()> {
        Operation::put(&self.link, "updateProject", &["v1", "projects"], project).done()
    }

    /// Deletes the project of this name, with all it holds.
    pub fn delete(&self, name: &str) -> Call<()> {
        let operation = Operation::delete(&self.link, "deleteProject", &["v1", "projects"]);
        operation.query("name", Some(name)).done()
    }

    /// Makes an ingestion key, which can only write sessions, events and traces.
    pub fn create_ingestion_key(&self, project_id: &str, name: &str) -> Call<CreatedKey> {
        let path = ["v1", "projects", project_id, "ingestion_api_keys"];
        let body = Map::from_iter([("name".to_owned(), Value::from(name))]);
        Operation::post(&self.link, "createIngestionApiKey", &path, &body).answer(&["data"])
    }

    /// Makes a data plane key.
    pub fn create_data_plane_key(&self, project_id: &str, key: &CreateDataPlaneKey) -> Call<CreatedKey> {
        let path = ["v1", "projects", project_id, "fine_grained_api_keys"];
        Operation::post(&self.link, "createDataPlaneApiKey", &path, key).answer(&["data"])
    }
}
