//! Metrics: definitions of what is measured, their versions, and measuring an event.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Call;
use super::lenient::null_is_default;
use super::link::Link;
use super::operation::Operation;

/// Who measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum MetricType {
    /// Python code on the platform. The default.
    #[default]
    Python,
    /// A language model.
    Llm,
    /// A person.
    Human,
    /// Other metrics together.
    Composite,
    /// The program itself; only ever answered.
    #[serde(skip_serializing)]
    ClientSide,
    /// A type this version does not know; only ever answered.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// What a metric measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ReturnType {
    /// A number. The default.
    #[default]
    Float,
    /// Whether something holds.
    Boolean,
    /// Text.
    String,
    /// One of some categories.
    Categorical,
    /// A type this version does not know; only ever answered.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// A metric as the server returns it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Metric {
    /// Id of the metric.
    #[serde(alias = "_id", deserialize_with = "null_is_default")]
    pub id: String,
    /// Name of the metric.
    #[serde(deserialize_with = "null_is_default")]
    pub name: String,
    /// Who measures.
    #[serde(rename = "type", deserialize_with = "null_is_default")]
    pub kind: MetricType,
    /// Code, prompt or instruction.
    #[serde(deserialize_with = "null_is_default")]
    pub criteria: String,
    /// What it is about.
    pub description: Option<String>,
    /// What it measures.
    #[serde(deserialize_with = "null_is_default")]
    pub return_type: ReturnType,
    /// Whether it measures events as they come.
    pub enabled_in_prod: Option<bool>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A new metric.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CreateMetric {
    /// Name of the metric.
    pub name: String,
    /// Who measures.
    #[serde(rename = "type")]
    pub kind: MetricType,
    /// Code, prompt or instruction.
    pub criteria: String,
    /// All that may be changed later, too.
    #[serde(flatten)]
    pub settings: MetricSettings,
}

/// A change of a metric. What is `None` stays as it is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UpdateMetric {
    /// Name of the metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who measures.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<MetricType>,
    /// Code, prompt or instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub criteria: Option<String>,
    /// Everything else that may be changed.
    #[serde(flatten)]
    pub settings: MetricSettings,
}

/// How a metric measures.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MetricSettings {
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it measures. Default: a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_type: Option<ReturnType>,
    /// Whether it measures events as they come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled_in_prod: Option<bool>,
    /// Share of the events it measures, 0 to 100. Default: 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling_percentage: Option<f64>,
    /// Provider of the model that measures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_provider: Option<String>,
    /// The model that measures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_name: Option<String>,
    /// Highest rating.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// What passes: `min`, `max`, `pass_when`, `passing_categories`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Value>,
    /// The categories of a categorical one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<Value>,
    /// Whether it needs the answer expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs_ground_truth: Option<bool>,
    /// The metrics of a composite one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub child_metrics: Vec<Value>,
    /// Which events it measures: `{"filterArray": […]}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A version of a metric.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MetricVersion {
    /// Name of the version.
    #[serde(alias = "name", deserialize_with = "null_is_default")]
    pub version_name: String,
    /// What changed.
    pub message: Option<String>,
    /// What it consists of.
    pub content: Value,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a metric measured on an event.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Measured {
    /// Whether it measured.
    #[serde(deserialize_with = "null_is_default")]
    pub success: bool,
    /// Whether it is still at it.
    #[serde(deserialize_with = "null_is_default")]
    pub loading: bool,
    /// The number, truth value or text.
    pub result: Value,
    /// Why.
    pub explanation: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

#[derive(Deserialize)]
struct Created {
    metric_id: String,
}

/// Operations on metrics; see [`Client::metrics`](super::Client::metrics).
#[derive(Clone, Debug)]
pub struct Metrics {
    pub(super) link: Arc<Link>,
}

impl Metrics {
    /// Lists metrics, all or those of a type.
    pub fn list(&self, kind: Option<MetricType>) -> Call<Vec<Metric>> {
        let operation = Operation::get(&self.link, "getMetrics", &["v1", "metrics"]);
        operation.json("type", kind).answer(&["metrics"])
    }

    /// Returns a metric; `None` when there is none of this id.
    pub fn get(&self, metric_id: &str) -> Call<Option<Metric>> {
        let id = metric_id.to_owned();
        Operation::get(&self.link, "getMetrics", &["v1", "metrics"])
            .query("id", Some(metric_id))
            .answer(&["metrics"])
            .map(move |found: Vec<Metric>| found.into_iter().find(|metric| metric.id == id))
    }

    /// Creates a metric and returns its id.
    pub fn create(&self, metric: &CreateMetric) -> Call<String> {
        let operation = Operation::post(&self.link, "createMetric", &["v1", "metrics"], metric);
        operation.answer(&[]).map(|created: Created| created.metric_id)
    }

    /// Changes a metric.
    pub fn update(&self, metric_id: &str, update: &UpdateMetric) -> Call<()> {
        Operation::put(&self.link, "updateMetric", &["v1", "metrics", metric_id], update).done()
    }

    /// Deletes a metric.
    pub fn delete(&self, metric_id: &str) -> Call<()> {
        Operation::delete(&self.link, "deleteMetric", &["v1", "metrics", metric_id]).done()
    }

    /// Measures an event, such as to try a metric that is not created yet. Made once: a model may be paid for.
    pub fn run(&self, metric: &impl Serialize, event: &impl Serialize) -> Call<Measured> {
        #[derive(Serialize)]
        struct Run<'a, M, E> {
            metric: &'a M,
            event: &'a E,
        }
        let body = Run { metric, event };
        let operation = Operation::post(&self.link, "runMetric", &["v1", "metrics", "run"], &body);
        operation.patient().answer(&[])
    }

    /// Lists the versions of a metric.
    pub fn versions(&self, metric_id: &str) -> Call<Vec<MetricVersion>> {
        let path = ["v1", "metrics", metric_id, "versions"];
        Operation::get(&self.link, "getMetricVersions", &path).answer(&["data", "versions"])
    }

    /// Makes a version of a metric.
    pub fn create_version(&self, metric_id: &str, message: &str, content: &impl Serialize) -> Call<MetricVersion> {
        #[derive(Serialize)]
        struct New<'a, C> {
            message: &'a str,
            content: &'a C,
        }
        let path = ["v1", "metrics", metric_id, "versions"];
        let body = New { message, content };
        Operation::post(&self.link, "createMetricVersion", &path, &body).answer(&["data"])
    }

    /// Makes a version the one that measures.
    pub fn deploy_version(&self, metric_id: &str, version_name: &str) -> Call<MetricVersion> {
        let path = ["v1", "metrics", metric_id, "versions", version_name, "deploy"];
        let operation = Operation::new(&self.link, "deployMetricVersion", crate::delivery::Method::POST, &path);
        operation.repeatable().answer(&["data"])
    }
}
