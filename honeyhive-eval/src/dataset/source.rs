//! What an experiment was given as its dataset, and what that is once it runs.

use std::pin::Pin;

use futures_util::{Stream, stream};
use honeyhive_core::HoneyHiveTracer;

use super::{Datapoint, Dataset, DatasetError, DatasetStream};
use crate::error::EvalError;

/// What was given.
#[derive(Debug, Default)]
pub(crate) enum Source {
    #[default]
    None,
    Items(Dataset),
    Stream(DatasetStream),
    /// Id of a dataset the server holds.
    Managed(String),
    /// More than one.
    Several,
}

impl Source {
    /// Gives one, which must be the only one.
    pub(crate) fn give(&mut self, source: Self) {
        *self = match std::mem::take(self) {
            Self::None => source,
            _ => Self::Several,
        };
    }

    /// Gets hold of the datapoints.
    pub(crate) async fn resolve(self, tracer: &HoneyHiveTracer) -> Result<Resolved, EvalError> {
        match self {
            Self::Items(dataset) => Ok(Resolved::Items(dataset)),
            Self::Stream(stream) => Ok(Resolved::Stream(stream)),
            Self::Managed(id) => {
                let dataset = Dataset::managed(&tracer.api(), &id).await?;
                if dataset.is_empty() {
                    return Err(EvalError::EmptyDataset);
                }
                Ok(Resolved::Items(dataset))
            }
            Self::None => Err(EvalError::NoDataset),
            Self::Several => Err(EvalError::SeveralDatasets),
        }
    }
}

/// What is run.
#[derive(Debug)]
pub(crate) enum Resolved {
    Items(Dataset),
    Stream(DatasetStream),
}

impl Resolved {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Items(dataset) => &dataset.id,
            Self::Stream(stream) => &stream.id,
        }
    }

    /// Whether the server holds it under its id.
    pub(crate) fn is_managed(&self) -> bool {
        match self {
            Self::Items(dataset) => dataset.managed,
            Self::Stream(_) => false,
        }
    }

    /// How many datapoints, as far as that is known.
    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Self::Items(dataset) => Some(dataset.len()),
            Self::Stream(_) => None,
        }
    }

    /// Their ids, as far as they are known.
    pub(crate) fn ids(&self) -> Vec<String> {
        match self {
            Self::Items(dataset) => dataset
                .datapoints
                .iter()
                .map(|datapoint| datapoint.id.clone())
                .collect(),
            Self::Stream(_) => Vec::new(),
        }
    }

    pub(crate) fn into_datapoints(self) -> Pin<Box<dyn Stream<Item = Result<Datapoint, DatasetError>> + Send>> {
        match self {
            Self::Items(dataset) => Box::pin(stream::iter(dataset.datapoints.into_iter().map(Ok))),
            Self::Stream(stream) => Box::pin(stream.into_datapoints()),
        }
    }
}
