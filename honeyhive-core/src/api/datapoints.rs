//! Datapoints: inputs, and the answers expected.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::null_is_default;
use super::link::Link;
use super::operation::Operation;
use super::{ApiError, Call};

/// Datapoints created in one request at most.
const BATCH: usize = 1_000;

/// A datapoint as the server returns it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Datapoint {
    /// Id of the datapoint.
    #[serde(alias = "_id", deserialize_with = "null_is_default")]
    pub id: String,
    /// What goes in.
    #[serde(deserialize_with = "null_is_default")]
    pub inputs: Map<String, Value>,
    /// The answer expected; any JSON, usually an object.
    pub ground_truth: Value,
    /// Messages of the conversation before.
    #[serde(deserialize_with = "null_is_default")]
    pub history: Vec<Value>,
    /// Everything about it.
    #[serde(deserialize_with = "null_is_default")]
    pub metadata: Map<String, Value>,
    /// The event it was made from.
    pub linked_event: Option<String>,
    /// Datasets it is in.
    #[serde(deserialize_with = "null_is_default")]
    pub linked_datasets: Vec<String>,
    /// When it was created, RFC 3339.
    pub created_at: Option<String>,
    /// When it was last changed, RFC 3339.
    pub updated_at: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A new datapoint, or a change of one: what is empty or `None` is not sent, and stays as it is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewDatapoint {
    /// What goes in.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub inputs: Map<String, Value>,
    /// The answer expected; any JSON, usually an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ground_truth: Option<Value>,
    /// Messages of the conversation before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Value>,
    /// Everything about it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// The event it is made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linked_event: Option<String>,
    /// Datasets it is to be in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub linked_datasets: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Which datapoints a list has. Default: all.
#[derive(Clone, Debug, Default)]
pub struct DatapointQuery {
    /// These only. An empty list is an empty answer; a long one is split.
    pub datapoint_ids: Option<Vec<String>>,
    /// Those of the dataset of this name.
    pub dataset_name: Option<String>,
}

/// Operations on datapoints; see [`Client::datapoints`](super::Client::datapoints).
#[derive(Clone, Debug)]
pub struct Datapoints {
    pub(super) link: Arc<Link>,
}

#[derive(Deserialize)]
struct Inserted {
    #[serde(rename = "insertedIds")]
    ids: Vec<String>,
}

#[derive(Serialize)]
struct Batch<'a> {
    datapoints: &'a [NewDatapoint],
}

/// The server answers one as a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Datapoint>),
    One(Box<Datapoint>),
}

impl Datapoints {
    /// Lists datapoints.
    pub fn list(&self, query: &DatapointQuery) -> Call<Vec<Datapoint>> {
        const OPERATION: &str = "getDatapoints";
        let page = |ids: &[String]| -> Call<Vec<Datapoint>> {
            Operation::get(&self.link, OPERATION, &["v1", "datapoints"])
                .list("datapoint_ids", ids.iter().map(String::as_str))
                .query("dataset_name", query.dataset_name.as_ref())
                .answer(&["datapoints"])
        };
        match &query.datapoint_ids {
            None => page(&[]),
            Some(ids) => {
                let calls = ids.chunks(super::IDS).map(page).collect();
                super::in_order(OPERATION, &self.link, calls, |found| found)
            }
        }
    }

    /// Returns a datapoint.
    pub fn get(&self, datapoint_id: &str) -> Call<Datapoint> {
        const OPERATION: &str = "getDatapoint";
        let path = ["v1", "datapoints", datapoint_id];
        let found = Operation::get(&self.link, OPERATION, &path).answer(&["datapoint"]);
        Call::new(OPERATION, self.link.clone(), async move {
            let found = match found.await? {
                OneOrMany::One(found) => Some(*found),
                OneOrMany::Many(found) => found.into_iter().next(),
            };
            found.ok_or_else(|| ApiError::Answer {
                operation: OPERATION,
                route: "GET /v1/datapoints".into(),
                problem: "it has no datapoint".into(),
            })
        })
    }

    /// Creates a datapoint and returns its id.
    pub fn create(&self, datapoint: &NewDatapoint) -> Call<String> {
        const OPERATION: &str = "createDatapoint";
        let made = Operation::post(&self.link, OPERATION, &["v1", "datapoints"], datapoint).answer(&["result"]);
        Call::new(OPERATION, self.link.clone(), async move {
            let made: Inserted = made.await?;
            made.ids.into_iter().next().ok_or_else(|| ApiError::Answer {
                operation: OPERATION,
                route: "POST /v1/datapoints".into(),
                problem: "it has no id".into(),
            })
        })
    }

    /// Creates datapoints and returns their ids, in order; more than 1,000 in several requests. Of several requests,
    /// those before one that failed have been carried out.
    pub fn create_batch(&self, datapoints: Vec<NewDatapoint>) -> Call<Vec<String>> {
        const OPERATION: &str = "batchCreateDatapoints";
        let batch = |datapoints| -> Call<Inserted> {
            let body = Batch { datapoints };
            Operation::post(&self.link, OPERATION, &["v1", "datapoints", "batch"], &body).answer(&[])
        };
        let calls = datapoints.chunks(BATCH).map(batch).collect();
        super::in_order(OPERATION, &self.link, calls, |made| made.ids)
    }

    /// Changes a datapoint.
    pub fn update(&self, datapoint_id: &str, update: &NewDatapoint) -> Call<()> {
        Operation::put(
            &self.link,
            "updateDatapoint",
            &["v1", "datapoints", datapoint_id],
            update,
        )
        .done()
    }

    /// Deletes a datapoint.
    pub fn delete(&self, datapoint_id: &str) -> Call<()> {
        Operation::delete(&self.link, "deleteDatapoint", &["v1", "datapoints", datapoint_id]).done()
    }
}
