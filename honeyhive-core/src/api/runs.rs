//! Runs: the records of experiments.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ApiError, Client, segment};
use crate::delivery::Method;

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
}

/// A new run, as `POST /v1/runs` takes it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CreateRun {
    /// Id proposed by the client; the server's answer decides.
    pub run_id: String,
    /// Name of the run.
    pub name: String,
    /// Usually [`RunStatus::Pending`].
    pub status: RunStatus,
    /// Free metadata; `offline_dataset_id` names a dataset the server does not hold.
    pub metadata: Map<String, Value>,
    /// A dataset the server holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset_id: Option<String>,
    /// Sessions of the run; none yet.
    pub event_ids: Vec<String>,
    /// What was run: function, evaluators, number of workers.
    pub configuration: Map<String, Value>,
    /// Datapoints of the run, in dataset order.
    pub datapoint_ids: Vec<String>,
}

/// A change of a run, as `PUT /v1/runs/{run_id}` takes it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UpdateRun {
    /// Name of the run.
    pub name: String,
    /// How far it is.
    pub status: RunStatus,
    /// Metadata to set.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Sessions of the run, in dataset order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub event_ids: Vec<String>,
}

/// A run as the server returns it. What this version does not name is in `other`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Run {
    /// Id of the run.
    pub run_id: String,
    /// Name of the run.
    pub name: Option<String>,
    /// How far it is.
    pub status: RunStatus,
    /// Free metadata.
    pub metadata: Map<String, Value>,
    /// Sessions of the run.
    pub event_ids: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

#[derive(Deserialize)]
struct Created {
    run_id: String,
}

#[derive(Deserialize)]
struct Wrapped {
    evaluation: Run,
}

impl Client {
    /// Creates a run and returns its id, which is the server's choice.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub async fn create_run(&self, run: &CreateRun) -> Result<String, ApiError> {
        let created: Created = self
            .call("createRun", Method::POST, "/v1/runs".into(), Some(run))
            .await?;
        Ok(created.run_id)
    }

    /// Changes a run.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub async fn update_run(&self, run_id: &str, update: &UpdateRun) -> Result<(), ApiError> {
        let path = format!("/v1/runs/{}", segment(run_id));
        let _: Value = self.call("updateRun", Method::PUT, path, Some(update)).await?;
        Ok(())
    }

    /// Returns a run.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub async fn get_run(&self, run_id: &str) -> Result<Run, ApiError> {
        let path = format!("/v1/runs/{}", segment(run_id));
        let wrapped: Wrapped = self.call("getRun", Method::GET, path, None::<&()>).await?;
        Ok(wrapped.evaluation)
    }
}
