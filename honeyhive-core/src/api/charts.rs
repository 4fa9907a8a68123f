//! Charts: what is drawn of events, of the key's project or of a named one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::null_is_default;
use super::link::Link;
use super::operation::Operation;
use super::{Call, KeyKind};
use crate::delivery::Method;

/// A chart as the server returns it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Chart {
    /// Id of the chart.
    #[serde(alias = "_id", alias = "chart_id", deserialize_with = "null_is_default")]
    pub id: String,
    /// Name of the chart.
    #[serde(deserialize_with = "null_is_default")]
    pub name: String,
    /// What it draws.
    pub metric: Value,
    /// What it is about.
    pub description: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A new chart, or a change of one, of which `None` stays as it is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChartSettings {
    /// Name of the chart; a new one needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it draws; a new one needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How values become one, such as `average`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub func: Option<String>,
    /// The field that makes the groups.
    #[serde(rename = "groupBy", skip_serializing_if = "Option::is_none")]
    pub group_by: Option<String>,
    /// Length of a step, such as `day`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucketing: Option<String>,
    /// The time it covers.
    #[serde(rename = "dateRange", skip_serializing_if = "Option::is_none")]
    pub range: Option<Value>,
    /// Which events it draws.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<Value>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Operations on charts; see [`Client::charts`](super::Client::charts).
#[derive(Clone, Debug)]
pub struct Charts {
    pub(super) link: Arc<Link>,
    pub(super) project_id: Option<String>,
}

impl Charts {
    /// The charts of this project, with the data plane key, instead of those of the project key's.
    #[must_use]
    pub fn in_project(self, project_id: impl Into<String>) -> Self {
        Self {
            project_id: Some(project_id.into()),
            ..self
        }
    }

    /// Lists charts.
    pub fn list(&self) -> Call<Vec<Chart>> {
        self.operation("getCharts", Method::GET, None)
            .answer(&["data", "charts"])
    }

    /// Returns a chart.
    pub fn get(&self, chart_id: &str) -> Call<Chart> {
        self.operation("getChart", Method::GET, Some(chart_id))
            .answer(&["data"])
    }

    /// Creates a chart.
    pub fn create(&self, chart: &ChartSettings) -> Call<Chart> {
        let operation = self.operation("createChart", Method::POST, None);
        operation.body(chart).answer(&["data"])
    }

    /// Changes a chart.
    pub fn update(&self, chart_id: &str, update: &ChartSettings) -> Call<Chart> {
        let method = match self.project_id {
            Some(_) => Method::PATCH,
            None => Method::PUT,
        };
        // The same change twice is the same chart, whichever method the route has.
        let operation = self.operation("updateChart", method, Some(chart_id)).repeatable();
        operation.body(update).answer(&["data"])
    }

    /// Deletes a chart.
    pub fn delete(&self, chart_id: &str) -> Call<()> {
        self.operation("deleteChart", Method::DELETE, Some(chart_id)).done()
    }

    fn operation(&self, name: &'static str, method: Method, chart_id: Option<&str>) -> Operation {
        let (mut path, key) = match &self.project_id {
            Some(project_id) => (vec!["v1", "projects", project_id, "charts"], KeyKind::DataPlane),
            None => (vec!["v1", "charts"], KeyKind::Project),
        };
        path.extend(chart_id);
        Operation::new(&self.link, name, method, &path).key(key)
    }
}
