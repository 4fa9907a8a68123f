//! Datasets the server holds.

use std::collections::HashMap;

use honeyhive_core::api::{self, Client, DatapointQuery};
use serde_json::Value;

use super::{Datapoint, Dataset, DatasetError};

impl Dataset {
    /// A dataset the server holds, with its datapoints in its order and under the server's ids. They are fetched by
    /// lists of ids, a hundred at a time.
    ///
    /// [`dataset_id`](crate::Evaluation::dataset_id) does this when the experiment starts.
    ///
    /// # Errors
    ///
    /// [`DatasetError`] when the server does not answer, has no such dataset, or lacks one of its datapoints: an experiment
    /// on fewer datapoints than there are would be compared as if it were whole.
    pub async fn managed(client: &Client, id: &str) -> Result<Self, DatasetError> {
        let failed = |source| DatasetError::Server {
            dataset: id.to_owned(),
            source,
        };
        let dataset = client.datasets().get(id).await.map_err(failed)?;
        let query = DatapointQuery {
            datapoint_ids: Some(dataset.datapoints.clone()),
            ..DatapointQuery::default()
        };
        let found = client.datapoints().list(&query).await.map_err(failed)?;
        let mut by_id: HashMap<String, api::Datapoint> = found
            .into_iter()
            .map(|datapoint| (datapoint.id.clone(), datapoint))
            .collect();
        let mut datapoints = Vec::with_capacity(dataset.datapoints.len());
        let mut missing = Vec::new();
        for datapoint_id in dataset.datapoints {
            match by_id.remove(&datapoint_id) {
                Some(found) => datapoints.push(datapoint(datapoint_id, found)),
                None => missing.push(datapoint_id),
            }
        }
        if !missing.is_empty() {
            return Err(DatasetError::Missing {
                dataset: id.to_owned(),
                datapoints: missing,
            });
        }
        Ok(Self {
            id: id.to_owned(),
            datapoints,
            managed: true,
        })
    }
}

fn datapoint(id: String, found: api::Datapoint) -> Datapoint {
    Datapoint {
        id,
        inputs: Value::Object(found.inputs),
        ground_truth: Some(found.ground_truth).filter(|truth| !truth.is_null()),
        metadata: found.metadata,
    }
}
