//! Datasets: named lists of datapoints.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::null_is_default;
use super::link::Link;
use super::operation::Operation;
use super::{ApiError, Call};

/// Where the list stands in the answer.
const LISTED: &[&str] = &["datasets", "testcases"];
/// Rows of data in one request at most.
const BATCH: usize = 1_000;

/// A dataset as the server returns it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Dataset {
    /// Id of the dataset.
    #[serde(alias = "_id", deserialize_with = "null_is_default")]
    pub id: String,
    /// Name of the dataset.
    #[serde(deserialize_with = "null_is_default")]
    pub name: String,
    /// What it holds.
    pub description: Option<String>,
    /// Ids of its datapoints, in order.
    #[serde(deserialize_with = "null_is_default")]
    pub datapoints: Vec<String>,
    /// When it was created, RFC 3339.
    pub created_at: Option<String>,
    /// When it was last changed, RFC 3339.
    pub updated_at: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A new dataset.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CreateDataset {
    /// Name of the dataset.
    pub name: String,
    /// What it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Ids of datapoints that are there, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub datapoints: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A change of a dataset. What is `None` stays as it is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UpdateDataset {
    /// Name of the dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Ids of its datapoints from now on, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datapoints: Option<Vec<String>>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Which datasets a list has. Default: all.
#[derive(Clone, Debug, Default)]
pub struct DatasetQuery {
    /// The dataset of this id.
    pub dataset_id: Option<String>,
    /// Datasets of this name.
    pub name: Option<String>,
}

/// Which columns of a row go where. Columns not named become metadata.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ColumnMapping {
    /// Inputs.
    pub inputs: Vec<String>,
    /// Messages of the conversation before.
    pub history: Vec<String>,
    /// The answer expected.
    pub ground_truth: Vec<String>,
}

/// Rows of data that become datapoints of a dataset.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AddDatapoints {
    /// The rows, an object each. More than 1,000 are sent in several requests.
    pub data: Vec<Map<String, Value>>,
    /// Which columns go where.
    pub mapping: ColumnMapping,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Operations on datasets; see [`Client::datasets`](super::Client::datasets).
#[derive(Clone, Debug)]
pub struct Datasets {
    pub(super) link: Arc<Link>,
}

#[derive(Deserialize)]
struct Inserted {
    #[serde(rename = "insertedId")]
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Added {
    #[serde(deserialize_with = "null_is_default")]
    datapoint_ids: Vec<String>,
}

impl Datasets {
    /// Lists datasets.
    pub fn list(&self, query: &DatasetQuery) -> Call<Vec<Dataset>> {
        Operation::get(&self.link, "getDatasets", &["v1", "datasets"])
            .query("dataset_id", query.dataset_id.as_ref())
            .query("name", query.name.as_ref())
            .answer(LISTED)
    }

    /// Returns a dataset. That there is none is the error a 404 would be: the API has no operation for one.
    pub fn get(&self, dataset_id: &str) -> Call<Dataset> {
        const OPERATION: &str = "getDatasets";
        let found: Call<Vec<Dataset>> = Operation::get(&self.link, OPERATION, &["v1", "datasets"])
            .query("dataset_id", Some(dataset_id))
            .answer(LISTED);
        let dataset_id = dataset_id.to_owned();
        Call::new(OPERATION, self.link.clone(), async move {
            let found = found.await?.into_iter().find(|dataset| dataset.id == dataset_id);
            found.ok_or_else(|| ApiError::Status {
                operation: OPERATION,
                route: "GET /v1/datasets".into(),
                status: 404,
                message: Some(format!("no dataset {dataset_id:?}").into()),
                code: None,
                request_id: None,
            })
        })
    }

    /// Creates a dataset and returns its id.
    pub fn create(&self, dataset: &CreateDataset) -> Call<String> {
        let operation = Operation::post(&self.link, "createDataset", &["v1", "datasets"], dataset);
        operation.answer(&["result"]).map(|inserted: Inserted| inserted.id)
    }

    /// Changes a dataset.
    pub fn update(&self, dataset_id: &str, update: &UpdateDataset) -> Call<()> {
        Operation::put(&self.link, "updateDataset", &["v1", "datasets", dataset_id], update).done()
    }

    /// Deletes a dataset; its datapoints stay.
    pub fn delete(&self, dataset_id: &str) -> Call<()> {
        Operation::delete(&self.link, "deleteDataset", &["v1", "datasets", dataset_id]).done()
    }

    /// Makes datapoints of rows of data, adds them to a dataset and returns their ids, in the order of the rows. Of
    /// several requests, those before one that failed have been carried out.
    pub fn add_datapoints(&self, dataset_id: &str, rows: &AddDatapoints) -> Call<Vec<String>> {
        let calls: Vec<Call<Added>> = rows
            .data
            .chunks(BATCH)
            .map(|data| {
                let part = AddDatapoints {
                    data: data.to_vec(),
                    ..rows.clone_without_data()
                };
                let path = ["v1", "datasets", dataset_id, "datapoints"];
                Operation::post(&self.link, "addDatapoints", &path, &part).answer(&[])
            })
            .collect();
        super::in_order("addDatapoints", &self.link, calls, |added| added.datapoint_ids)
    }

    /// Takes a datapoint out of a dataset; the datapoint itself stays.
    pub fn remove_datapoint(&self, dataset_id: &str, datapoint_id: &str) -> Call<()> {
        let path = ["v1", "datasets", dataset_id, "datapoints", datapoint_id];
        Operation::delete(&self.link, "removeDatapoint", &path).done()
    }
}

impl AddDatapoints {
    fn clone_without_data(&self) -> Self {
        Self {
            data: Vec::new(),
            mapping: self.mapping.clone(),
            other: self.other.clone(),
        }
    }
}
