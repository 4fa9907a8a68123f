//! What can be wrong with a dataset.

use std::fmt;

use honeyhive_core::api::ApiError;

/// A dataset cannot be read.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The file cannot be read.
    #[error("dataset {path}: {source}")]
    File {
        /// The path as given.
        path: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// A line or item is not JSON, or cannot be turned into it.
    #[error("dataset {place}: not JSON: {source}")]
    Json {
        /// File and line, or position in the dataset.
        place: String,
        /// What went wrong.
        source: serde_json::Error,
    },
    /// An item does not have the shape of a datapoint.
    #[error("dataset {place}: {problem}")]
    Shape {
        /// File and line, or position in the dataset.
        place: String,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// The server did not give the dataset, or did not take it.
    #[error("dataset {dataset:?}: {source}")]
    Server {
        /// Id or name of the dataset.
        dataset: String,
        /// What went wrong.
        source: ApiError,
    },
    /// The server lists datapoints it does not have.
    #[error(
        "dataset {dataset:?} lists {} the server does not have: {}",
        if datapoints.len() == 1 { "a datapoint".to_owned() } else { format!("{} datapoints", datapoints.len()) },
        datapoints.join(", ")
    )]
    Missing {
        /// Id of the dataset.
        dataset: String,
        /// Ids of the datapoints.
        datapoints: Vec<String>,
    },
    /// The stream that gives the items failed.
    #[error("dataset {place}: {source}")]
    Source {
        /// Position in the dataset.
        place: String,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// As the error displays: a `main` that returns it prints this.
impl fmt::Debug for DatasetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl DatasetError {
    pub(crate) fn given_twice(place: String, id: &str) -> Self {
        let problem = format!("id {id:?} is given twice: rows are told apart by it");
        Self::Shape { place, problem }
    }
}
