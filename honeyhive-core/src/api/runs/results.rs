//! What a run measured, and two runs side by side.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Run, RunStatus, Runs};
use crate::api::lenient::null_is_default;
use crate::api::operation::Operation;
use crate::api::pages::Page;
use crate::api::{Aggregate, Call, Filter, Pages};
use crate::event::{Event, EventType};

/// How a result is made.
#[derive(Clone, Debug, Default)]
pub struct ResultQuery {
    /// How the values of a metric become one. Default: the server's, the mean.
    pub aggregate: Option<Aggregate>,
    /// Datapoints whose sessions meet all of these.
    pub filters: Vec<Filter>,
}

/// The result of a run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RunResult {
    /// How far the run is.
    #[serde(deserialize_with = "null_is_default")]
    pub status: RunStatus,
    /// Whether everything passed.
    #[serde(deserialize_with = "null_is_default")]
    pub success: bool,
    /// Datapoints that passed.
    #[serde(deserialize_with = "null_is_default")]
    pub passed: Vec<String>,
    /// Datapoints that did not.
    #[serde(deserialize_with = "null_is_default")]
    pub failed: Vec<String>,
    /// What was measured.
    #[serde(deserialize_with = "null_is_default")]
    pub metrics: MetricDetails,
    /// Each datapoint.
    #[serde(deserialize_with = "null_is_default")]
    pub datapoints: Vec<DatapointResult>,
    /// The run itself.
    pub run_object: Option<Run>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The metrics of a run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MetricDetails {
    /// How values became one, such as `average`.
    #[serde(deserialize_with = "null_is_default")]
    pub aggregation_function: String,
    /// Each metric.
    #[serde(deserialize_with = "null_is_default")]
    pub details: Vec<MetricDetail>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One metric of a run: one name measured on two events is two metrics.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MetricDetail {
    /// Name of the metric.
    #[serde(deserialize_with = "null_is_default")]
    pub metric_name: String,
    /// Who measured it, such as `CLIENT_SIDE`.
    pub metric_type: Option<String>,
    /// Name of the events it was measured on.
    pub event_name: Option<String>,
    /// Their type.
    pub event_type: Option<String>,
    /// All values as one; a number, or what else the server makes of truth values and text.
    pub aggregate: Option<Value>,
    /// The values.
    #[serde(deserialize_with = "null_is_default")]
    pub values: Vec<Value>,
    /// Where it passed and where not.
    #[serde(deserialize_with = "null_is_default")]
    pub datapoints: PassingDatapoints,
    /// Everything else, such as `passing_range`.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Datapoints by whether they passed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PassingDatapoints {
    /// Those that did.
    #[serde(deserialize_with = "null_is_default")]
    pub passed: Vec<String>,
    /// Those that did not.
    #[serde(deserialize_with = "null_is_default")]
    pub failed: Vec<String>,
}

/// One datapoint of a run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DatapointResult {
    /// Id of the datapoint.
    pub datapoint_id: Option<String>,
    /// Its session.
    pub session_id: Option<String>,
    /// Whether it passed.
    pub passed: Option<bool>,
    /// Its metrics.
    #[serde(deserialize_with = "null_is_default")]
    pub metrics: Vec<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Two runs side by side.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Comparison {
    /// Each metric in both.
    #[serde(deserialize_with = "null_is_default")]
    pub metrics: Vec<ComparedMetric>,
    /// Datapoints both ran on.
    #[serde(rename = "commonDatapoints", deserialize_with = "null_is_default")]
    pub common_datapoints: Vec<String>,
    /// Which events happened in which run.
    #[serde(deserialize_with = "null_is_default")]
    pub event_details: Vec<EventPresence>,
    /// The run compared with.
    pub old_run: Option<Run>,
    /// The run compared.
    pub new_run: Option<Run>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One metric in two runs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ComparedMetric {
    /// Name of the metric.
    #[serde(deserialize_with = "null_is_default")]
    pub metric_name: String,
    /// Name of the events it was measured on.
    pub event_name: Option<String>,
    /// Their type.
    pub event_type: Option<String>,
    /// Who measured it.
    pub metric_type: Option<String>,
    /// All values of the old run as one.
    pub old_aggregate: Option<Value>,
    /// All values of the new run as one.
    pub new_aggregate: Option<Value>,
    /// Datapoints of both with values.
    pub found_count: Option<u64>,
    /// Datapoints where the new run is better.
    pub improved_count: Option<u64>,
    /// Datapoints where the new run is worse.
    pub degraded_count: Option<u64>,
    /// Datapoints where nothing changed.
    pub same_count: Option<u64>,
    /// Ids of the datapoints where the new run is better.
    #[serde(deserialize_with = "null_is_default")]
    pub improved: Vec<String>,
    /// Ids of the datapoints where it is worse.
    #[serde(deserialize_with = "null_is_default")]
    pub degraded: Vec<String>,
    /// Ids of the datapoints where nothing changed.
    #[serde(deserialize_with = "null_is_default")]
    pub same: Vec<String>,
    /// Values of the old run.
    #[serde(deserialize_with = "null_is_default")]
    pub old_values: Vec<Value>,
    /// Values of the new run.
    #[serde(deserialize_with = "null_is_default")]
    pub new_values: Vec<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// In which of two runs events of a name happened.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EventPresence {
    /// Name of the events.
    #[serde(deserialize_with = "null_is_default")]
    pub event_name: String,
    /// Their type.
    pub event_type: Option<String>,
    /// `old`, `new` or `both`.
    #[serde(deserialize_with = "null_is_default")]
    pub presence: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The same event in two runs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ComparedEvents {
    /// The datapoint both ran on.
    pub datapoint_id: Option<String>,
    /// What happened in the first run named.
    #[serde(alias = "new_event")]
    pub event_1: Option<Event>,
    /// What happened in the second.
    #[serde(alias = "old_event")]
    pub event_2: Option<Event>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Events {
    #[serde(deserialize_with = "null_is_default")]
    events: Vec<ComparedEvents>,
}

/// Pairs of events fetched at once.
const LIMIT: usize = 1_000;

impl Runs {
    /// Returns the result of a run: what passed, and its metrics.
    pub fn result(&self, run_id: &str, query: &ResultQuery) -> Call<RunResult> {
        let operation = Operation::get(&self.link, "getExperimentResult", &["v1", "runs", run_id, "result"]);
        with(operation, query).answer(&[])
    }

    /// Returns the result of a run without its datapoints, on backends that make one.
    pub fn summary(&self, run_id: &str, query: &ResultQuery) -> Call<RunResult> {
        let operation = Operation::get(&self.link, "getExperimentSummary", &["v1", "runs", run_id, "summary"]);
        with(operation, query).answer(&[])
    }

    /// Returns the metrics of the events of a run.
    pub fn metrics(&self, run_id: &str, filters: &[Filter]) -> Call<Value> {
        let path = ["v1", "runs", run_id, "metrics"];
        let operation = Operation::get(&self.link, "getExperimentRunMetrics", &path);
        operation.json("filters", some(filters)).answer(&[])
    }

    /// Compares a run with an older one, over the datapoints both ran on.
    pub fn compare(&self, new_run_id: &str, old_run_id: &str, query: &ResultQuery) -> Call<Comparison> {
        let path = ["v1", "runs", new_run_id, "compare-with", old_run_id];
        let operation = Operation::get(&self.link, "getExperimentComparison", &path);
        with(operation, query).answer(&[])
    }

    /// Lists the events of a name, or of a type, that two runs have in common, in pairs.
    pub fn compare_events(
        &self,
        new_run_id: &str,
        old_run_id: &str,
        event_name: Option<&str>,
        event_type: Option<EventType>,
    ) -> Pages<ComparedEvents> {
        let link = self.link.clone();
        let (new_run_id, old_run_id) = (new_run_id.to_owned(), old_run_id.to_owned());
        let event_name = event_name.map(str::to_owned);
        Pages::new(
            "getExperimentCompareEvents",
            self.link.clone(),
            Some(1),
            move |page: u32| {
                let path = ["v1", "runs", &new_run_id, "compare", &old_run_id, "events"];
                let call: Call<Events> = Operation::get(&link, "getExperimentCompareEvents", &path)
                    .query("event_name", event_name.as_ref())
                    .query("event_type", event_type)
                    .query("limit", Some(LIMIT))
                    .query("page", Some(page))
                    .patient()
                    .answer(&[]);
                async move {
                    let items = call.await?.events;
                    let next = (items.len() >= LIMIT).then_some(page.saturating_add(1));
                    Ok(Page { items, next })
                }
            },
        )
    }
}

fn with(operation: Operation, query: &ResultQuery) -> Operation {
    let operation = operation.json("aggregate_function", query.aggregate);
    operation.json("filters", some(&query.filters)).patient()
}

/// No filters at all are not sent.
fn some(filters: &[Filter]) -> Option<&[Filter]> {
    (!filters.is_empty()).then_some(filters)
}
