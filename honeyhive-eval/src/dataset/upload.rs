//! Handing a local dataset to the server.

use honeyhive_core::api::{Client, CreateDataset, NewDatapoint};
use serde_json::Map;

use super::{Datapoint, Dataset, DatasetError};

impl Dataset {
    /// Stores the datapoints on the server as a new dataset of this name, and returns that: the same datapoints in the
    /// same order, under the server's ids. Called again it makes another one.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Server`]. Datapoints that were stored before the failure stay, in no dataset.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use honeyhive_eval::prelude::*;
    ///
    /// # async fn example(tracer: HoneyHiveTracer) -> Result<(), Box<dyn std::error::Error>> {
    /// let questions = Dataset::csv("questions.csv")?.upload(&tracer.api(), "questions").await?;
    /// println!("from now on: .dataset_id({:?})", questions.id());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn upload(&self, client: &Client, name: &str) -> Result<Self, DatasetError> {
        let failed = |source| DatasetError::Server {
            dataset: name.to_owned(),
            source,
        };
        let rows = self.datapoints.iter().map(|datapoint| NewDatapoint {
            inputs: datapoint.inputs.as_object().cloned().unwrap_or_else(Map::new),
            ground_truth: datapoint.ground_truth.clone(),
            metadata: datapoint.metadata.clone(),
            ..NewDatapoint::default()
        });
        let ids = client.datapoints().create_batch(rows.collect()).await.map_err(failed)?;
        let dataset = CreateDataset {
            name: name.to_owned(),
            datapoints: ids.clone(),
            ..CreateDataset::default()
        };
        let id = client.datasets().create(&dataset).await.map_err(failed)?;
        let datapoints = self.datapoints.iter().zip(ids);
        Ok(Self {
            id,
            datapoints: datapoints
                .map(|(datapoint, id)| Datapoint {
                    id,
                    ..datapoint.clone()
                })
                .collect(),
            managed: true,
        })
    }
}
