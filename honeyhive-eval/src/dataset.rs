//! Datasets: what a function is evaluated on.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// One item of a dataset: what goes in, and what should come out.
#[derive(Clone, Debug, PartialEq)]
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
}

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
}

/// As the error displays: a `main` that returns it prints this.
impl fmt::Debug for DatasetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
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

    /// A dataset in a JSON Lines file: one object a line. Blank lines are skipped.
    ///
    /// # Errors
    ///
    /// [`DatasetError`] when the file cannot be read or a line is no datapoint; it names the line.
    pub fn jsonl(path: impl AsRef<Path>) -> Result<Self, DatasetError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| DatasetError::File {
            path: path.display().to_string(),
            source,
        })?;
        let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
        Self::from_raw(lines.filter(|(_, line)| !line.trim().is_empty()).map(|(number, line)| {
            let place = format!("{} line {}", path.display(), number + 1);
            match RawValue::from_string(line.to_owned()) {
                Ok(raw) => Ok((place, raw)),
                Err(source) => Err(DatasetError::Json { place, source }),
            }
        }))
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
                let problem = format!("id {:?} is given twice: rows are told apart by it", datapoint.id);
                return Err(DatasetError::Shape { place, problem });
            }
            datapoints.push(datapoint);
            raw_items.push(raw);
        }
        let id = crate::ids::dataset_id(&raw_items).map_err(|error| DatasetError::Shape {
            place: "as a whole".into(),
            problem: error.to_string(),
        })?;
        Ok(Self { id, datapoints })
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

fn datapoint(raw: &RawValue, index: usize, place: &str) -> Result<Datapoint, DatasetError> {
    let item: Value = match serde_json::from_str(raw.get()) {
        Ok(item) => item,
        Err(source) => {
            return Err(DatasetError::Json {
                place: place.to_owned(),
                source,
            });
        }
    };
    let shape = |problem: String| DatasetError::Shape {
        place: place.to_owned(),
        problem,
    };
    let Value::Object(mut item) = item else {
        return Err(shape(format!(
            "expected an object with `inputs`, found {}",
            kind(&item)
        )));
    };
    let inputs = match item.remove("inputs") {
        None if item.contains_key("input") => return Err(shape("`inputs` is missing; `input` is not read".into())),
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(inputs @ Value::Object(_)) => inputs,
        Some(other) => return Err(shape(format!("`inputs` must be an object, found {}", kind(&other)))),
    };
    if item.contains_key("ground_truths") {
        return Err(shape(
            "`ground_truths` is the old spelling: rename it to `ground_truth`".into(),
        ));
    }
    let id = crate::ids::datapoint_id(raw, index).map_err(|error| shape(error.to_string()))?;
    let ground_truth = item.remove("ground_truth").filter(|truth| !truth.is_null());
    let metadata = match item.remove("metadata") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(metadata)) => metadata,
        Some(other) => return Err(shape(format!("`metadata` must be an object, found {}", kind(&other)))),
    };
    Ok(Datapoint {
        id,
        inputs,
        ground_truth,
        metadata,
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
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

    #[test]
    fn a_file_is_read_line_by_line_and_a_wrong_line_is_named() {
        let path = std::env::temp_dir().join(format!("honeyhive-eval-{}.jsonl", std::process::id()));
        std::fs::write(&path, "{\"inputs\": {\"q\": 1}}\n\n{\"inputs\": {\"q\": 2}}\n").unwrap();
        assert_eq!(Dataset::jsonl(&path).unwrap().len(), 2);
        std::fs::write(&path, "{\"inputs\": {}}\n{oops}\n").unwrap();
        let message = Dataset::jsonl(&path).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert!(message.contains("line 2: not JSON"), "{message}");
    }
}
