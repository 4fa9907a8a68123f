//! Datasets: what a function is evaluated on.

mod csv;
mod error;
mod item;
mod jsonl;
mod managed;
mod source;
mod stream;
mod upload;

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub use error::DatasetError;
pub(crate) use source::{Resolved, Source};
pub use stream::DatasetStream;

use item::datapoint;

/// One item of a dataset: what goes in, and what should come out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Datapoint {
    /// Id under which runs are compared: `EXT-` and 16 hex digits, or the item's own `id` after `EXT-`.
    pub id: String,
    /// Inputs of the function; a JSON object.
    pub inputs: Value,
    /// Expected result, if known.
    pub ground_truth: Option<Value>,
    /// What else it says of itself: the item's `metadata`, an object.
    pub metadata: Map<String, Value>,
}

/// Datapoints in order, with the ids the HoneyHive SDKs give them.
///
/// Each item is a JSON object with `inputs` (an object), `ground_truth` (anything, optional) and `id` (optional).
/// Without an `id` of its own, a datapoint is known by its content and position: the same dataset has the same ids in
/// every run and in the Python SDK, but a reordered one does not.
#[derive(Clone)]
pub struct Dataset {
    pub(crate) id: String,
    pub(crate) datapoints: Vec<Datapoint>,
    /// Whether the server holds it under its id.
    managed: bool,
}

impl Dataset {
    /// A dataset of values in memory: `serde_json::json!` objects or any type that serialises to such objects.
    ///
    /// # Errors
    ///
    /// [`DatasetError`] when an item has another shape; it names the item.
    ///
    /// # Examples
    ///
    /// ```
    /// use honeyhive_eval::Dataset;
    /// use serde_json::json;
    ///
    /// let dataset = Dataset::new([json!({"inputs": {"question": "2 + 2"}, "ground_truth": {"answer": 4}})])?;
    /// assert_eq!(dataset.len(), 1);
    /// # Ok::<(), honeyhive_eval::DatasetError>(())
    /// ```
    pub fn new<T: Serialize>(items: impl IntoIterator<Item = T>) -> Result<Self, DatasetError> {
        let place = |index: usize| format!("item {index}");
        let items = items.into_iter().enumerate().map(|(index, item)| {
            serde_json::value::to_raw_value(&item)
                .map(|raw| (place(index), raw))
                .map_err(|source| DatasetError::Json {
                    place: place(index),
                    source,
                })
        });
        Self::from_raw(items)
    }

    /// Gives the dataset an id of its own: `EXT-` and this text. Runs of one id are compared with each other, also when
    /// the content has changed.
    #[must_use]
    pub fn with_id(mut self, id: impl AsRef<str>) -> Self {
        self.id = crate::ids::named(id.as_ref());
        self
    }

    /// Id of the dataset, from its content unless it was given.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Number of datapoints.
    #[must_use]
    pub fn len(&self) -> usize {
        self.datapoints.len()
    }

    /// Whether there is no datapoint.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.datapoints.is_empty()
    }

    /// The datapoints, in order.
    #[must_use]
    pub fn datapoints(&self) -> &[Datapoint] {
        &self.datapoints
    }

    /// Datapoints that have their ids already. What the server holds has an id without our prefix.
    pub(crate) fn known(id: String, datapoints: Vec<Datapoint>) -> Self {
        let managed = !id.starts_with(crate::ids::PREFIX);
        Self {
            id,
            datapoints,
            managed,
        }
    }

    fn from_raw(
        items: impl Iterator<Item = Result<(String, Box<RawValue>), DatasetError>>,
    ) -> Result<Self, DatasetError> {
        let mut raw_items = Vec::new();
        let mut datapoints: Vec<Datapoint> = Vec::new();
        let mut ids = HashSet::new();
        for (index, item) in items.enumerate() {
            let (place, raw) = item?;
            let datapoint = datapoint(&raw, index, &place)?;
            if !ids.insert(datapoint.id.clone()) {
                return Err(DatasetError::given_twice(place, &datapoint.id));
            }
            datapoints.push(datapoint);
            raw_items.push(raw);
        }
        let id = crate::ids::dataset_id(&raw_items).map_err(|error| DatasetError::Shape {
            place: "as a whole".into(),
            problem: error.to_string(),
        })?;
        Ok(Self {
            id,
            datapoints,
            managed: false,
        })
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("id", &self.id)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn datapoints_keep_their_order_inputs_and_truth() {
        let dataset = Dataset::new([
            json!({"inputs": {"q": 1}, "ground_truth": {"a": 2}}),
            json!({"id": "two", "inputs": {}}),
        ])
        .unwrap();
        assert_eq!(dataset.datapoints()[0].inputs, json!({"q": 1}));
        assert_eq!(dataset.datapoints()[0].ground_truth, Some(json!({"a": 2})));
        assert_eq!(dataset.datapoints()[1].id, "EXT-two");
        assert_eq!(dataset.datapoints()[1].ground_truth, None);
    }

    #[test]
    fn a_wrong_item_is_named_with_what_was_expected() {
        let cases = [
            (json!(["x"]), "item 0: expected an object with `inputs`, found an array"),
            (
                json!({"inputs": "x"}),
                "item 0: `inputs` must be an object, found a text",
            ),
            (
                json!({"inputs": {}, "ground_truths": {}}),
                "rename it to `ground_truth`",
            ),
        ];
        for (item, expected) in cases {
            let message = Dataset::new([item]).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
