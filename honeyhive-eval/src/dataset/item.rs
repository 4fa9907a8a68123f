//! One item of a dataset: from JSON to a datapoint.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Datapoint, DatasetError};

/// The datapoint an item describes. `place` names the item in errors.
pub(super) fn datapoint(raw: &RawValue, index: usize, place: &str) -> Result<Datapoint, DatasetError> {
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
