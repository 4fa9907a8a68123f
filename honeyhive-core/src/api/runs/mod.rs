//! Runs: the records of experiments.

mod results;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::lenient::null_is_default;
use super::link::Link;
use super::operation::Operation;
use super::pages::Page;
use super::{Call, DateRange, Pages};

pub use results::{
    ComparedEvents, ComparedMetric, Comparison, DatapointResult, EventPresence, MetricDetail, MetricDetails,
    PassingDatapoints, ResultQuery, RunResult,
};

/// Runs in one page, and ids in one request, at most.
const LIMIT: u32 = 100;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RunStatus {
    /// Created, nothing has run.
    #[default]
    Pending,
    /// Under way.
    Running,
    /// Done.
    Completed,
    /// Done, and no datapoint succeeded.
    Failed,
    /// Stopped before its end.
    Cancelled,
    /// A status this version does not know; only ever answered.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// A new run, as `POST /v1/runs` takes it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CreateRun {
    /// Id proposed by the client, a UUID; the server's answer decides. Empty: one is made.
    pub run_id: String,
    /// Name of the run.
    pub name: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Usually [`RunStatus::Pending`].
    pub status: RunStatus,
    /// Free metadata; `offline_dataset_id` names a dataset the server does not hold.
    pub metadata: Map<String, Value>,
    /// Free results.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub results: Map<String, Value>,
    /// A dataset the server holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset_id: Option<String>,
    /// Sessions of the run; none yet.
    pub event_ids: Vec<String>,
    /// What was run: function, evaluators, number of workers.
    pub configuration: Map<String, Value>,
    /// Datapoints of the run, in dataset order.
    pub datapoint_ids: Vec<String>,
    /// By metric, the values that pass.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub passing_ranges: Map<String, Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A change of a run, as `PUT /v1/runs/{run_id}` takes it. What is `None` or empty stays as it is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UpdateRun {
    /// Name of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<RunStatus>,
    /// Metadata to set.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Results to set.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub results: Map<String, Value>,
    /// Sessions of the run, in dataset order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub event_ids: Vec<String>,
    /// Configuration to set.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub configuration: Map<String, Value>,
    /// Datapoints of the run, in dataset order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub datapoint_ids: Vec<String>,
    /// By metric, the values that pass.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub passing_ranges: Map<String, Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A run as the server returns it. What this version does not name is in `other`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Run {
    /// Id of the run.
    #[serde(deserialize_with = "null_is_default")]
    pub run_id: String,
    /// Name of the run.
    pub name: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// How far it is.
    #[serde(deserialize_with = "null_is_default")]
    pub status: RunStatus,
    /// Free metadata.
    #[serde(deserialize_with = "null_is_default")]
    pub metadata: Map<String, Value>,
    /// Free results.
    #[serde(deserialize_with = "null_is_default")]
    pub results: Map<String, Value>,
    /// What was run.
    #[serde(deserialize_with = "null_is_default")]
    pub configuration: Map<String, Value>,
    /// Sessions of the run.
    #[serde(deserialize_with = "null_is_default")]
    pub event_ids: Vec<String>,
    /// Datapoints of the run.
    #[serde(deserialize_with = "null_is_default")]
    pub datapoint_ids: Vec<String>,
    /// The dataset it ran on, where the server holds it.
    pub dataset_id: Option<String>,
    /// When it was created, RFC 3339.
    pub created_at: Option<String>,
    /// When it was last changed, RFC 3339.
    pub updated_at: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Which runs a list has, and in which order. Default: all, newest first.
#[derive(Clone, Debug, Default)]
pub struct RunQuery {
    /// These runs only. An empty list is an empty answer; a long one is split.
    pub run_ids: Option<Vec<String>>,
    /// Runs on this dataset.
    pub dataset_id: Option<String>,
    /// Runs of this name.
    pub name: Option<String>,
    /// Runs that are this far.
    pub status: Option<RunStatus>,
    /// Runs created in this time.
    pub created: Option<DateRange>,
    /// `created_at` (the default), `updated_at`, `name` or `status`.
    pub sort_by: Option<String>,
    /// Whether the order is reversed: oldest first, or A before Z.
    pub ascending: bool,
    /// Runs fetched at once, 1 to 100. Default: 100.
    pub page_size: Option<u32>,
}

/// Operations on runs; see [`Client::runs`](super::Client::runs).
#[derive(Clone, Debug)]
pub struct Runs {
    pub(super) link: Arc<Link>,
}

#[derive(Deserialize)]
struct Created {
    run_id: String,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Listed {
    #[serde(deserialize_with = "null_is_default")]
    evaluations: Vec<Run>,
    #[serde(deserialize_with = "null_is_default")]
    pagination: Pagination,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pagination {
    has_next: Option<bool>,
}

/// Where a list of runs goes on.
#[derive(Clone)]
struct Next {
    /// Number of the group of ids.
    group: usize,
    page: u32,
}

impl Runs {
    /// Creates a run and returns its id, which is the server's choice.
    pub fn create(&self, run: &CreateRun) -> Call<String> {
        let mut run = run.clone();
        if run.run_id.is_empty() {
            run.run_id = Uuid::new_v4().to_string();
        }
        let operation = Operation::post(&self.link, "createRun", &["v1", "runs"], &run);
        operation
            .repeatable()
            .answer(&[])
            .map(|created: Created| created.run_id)
    }

    /// Changes a run.
    pub fn update(&self, run_id: &str, update: &UpdateRun) -> Call<()> {
        Operation::put(&self.link, "updateRun", &["v1", "runs", run_id], update).done()
    }

    /// Returns a run.
    pub fn get(&self, run_id: &str) -> Call<Run> {
        Operation::get(&self.link, "getRun", &["v1", "runs", run_id]).answer(&["evaluation"])
    }

    /// Lists runs, page by page.
    pub fn list(&self, query: &RunQuery) -> Pages<Run> {
        let groups: Option<Vec<Vec<String>>> = query.run_ids.as_ref().map(|ids| super::groups(ids));
        let first = groups.as_ref().is_none_or(|groups| !groups.is_empty());
        let first = first.then_some(Next { group: 0, page: 1 });
        let link = self.link.clone();
        let query = query.clone();
        Pages::new("getRuns", self.link.clone(), first, move |at: Next| {
            let ids = groups.as_ref().and_then(|groups| groups.get(at.group));
            let more_groups = groups.as_ref().is_some_and(|groups| at.group + 1 < groups.len());
            let limit = query.page_size.unwrap_or(LIMIT).clamp(1, LIMIT);
            let call = page(&link, &query, ids, at.page, limit);
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            async move {
                let listed = call.await?;
                let full = listed.evaluations.len() == limit;
                // A server that does not say whether there is more has more when the page is full.
                let more = listed.pagination.has_next.unwrap_or(full) && !listed.evaluations.is_empty();
                let next = if more {
                    Some(Next {
                        page: at.page.saturating_add(1),
                        ..at
                    })
                } else {
                    more_groups.then_some(Next {
                        group: at.group + 1,
                        page: 1,
                    })
                };
                Ok(Page {
                    items: listed.evaluations,
                    next,
                })
            }
        })
    }

    /// Deletes a run; its sessions stay.
    pub fn delete(&self, run_id: &str) -> Call<()> {
        Operation::delete(&self.link, "deleteRun", &["v1", "runs", run_id]).done()
    }

    /// Returns what the runs, or those of a time, can be searched by.
    pub fn schema(&self, created: Option<&DateRange>) -> Call<Map<String, Value>> {
        let operation = Operation::get(&self.link, "getExperimentRunsSchema", &["v1", "runs", "schema"]);
        operation.json("dateRange", created).answer(&[])
    }

    /// Returns what the events of a run can be searched by.
    pub fn run_schema(&self, run_id: &str) -> Call<Map<String, Value>> {
        Operation::get(&self.link, "getRunSchema", &["v1", "runs", run_id, "schema"]).answer(&[])
    }
}

/// One page of a list.
fn page(link: &Arc<Link>, query: &RunQuery, ids: Option<&Vec<String>>, page: u32, limit: u32) -> Call<Listed> {
    Operation::get(link, "getRuns", &["v1", "runs"])
        .query("dataset_id", query.dataset_id.as_ref())
        .query("page", (page > 1).then_some(page))
        .query("limit", Some(limit))
        .list("run_ids", ids.into_iter().flatten().map(String::as_str))
        .query("name", query.name.as_ref())
        .json("status", query.status)
        .json("dateRange", query.created.as_ref())
        .query("sort_by", query.sort_by.as_ref())
        .query("sort_order", query.ascending.then_some("asc"))
        .answer(&[])
}
