//! Datasets in the shapes of 0.x.

use honeyhive_eval::{Dataset, DatasetError};
use serde_json::{Map, Value};

use super::EvaluateError;

/// A dataset, and the name it was given.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) dataset: Dataset,
    pub(super) name: Option<String>,
}

/// Reads a list of items, or an object of `id`, `name` and `data`.
pub(super) fn read(given: Value) -> Result<Given, EvaluateError> {
    match given {
        Value::Array(items) => Ok(Given {
            dataset: of_items(items)?,
            name: None,
        }),
        Value::Object(mut members) => {
            let Some(Value::Array(items)) = members.remove("data") else {
                return Err(EvaluateError::DatasetShape);
            };
            let mut text = |key: &str| match members.remove(key) {
                Some(Value::String(text)) => Some(text).filter(|text| !text.trim().is_empty()),
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => None,
            };
            let (id, name) = (text("id"), text("name"));
            let dataset = of_items(items)?;
            Ok(Given {
                dataset: match id {
                    Some(id) => dataset.with_id(id),
                    None => dataset,
                },
                name,
            })
        }
        _ => Err(EvaluateError::DatasetShape),
    }
}

fn of_items(items: Vec<Value>) -> Result<Dataset, DatasetError> {
    Dataset::new(items.into_iter().map(|item| match item {
        Value::Object(members) => Value::Object(singular(members)),
        other => other,
    }))
}

/// `ground_truths` is `ground_truth` now; where both are given, the new name counts.
fn singular(mut item: Map<String, Value>) -> Map<String, Value> {
    if let Some(truth) = item.remove("ground_truths") {
        item.entry("ground_truth").or_insert(truth);
    }
    item
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use serde_json::json;

    use super::*;

    #[test]
    fn ground_truths_have_the_ids_of_the_same_dataset_in_the_new_spelling() {
        let old = read(json!([{"inputs": {"q": 1}, "ground_truths": {"a": 2}}])).unwrap();
        let new = Dataset::new([json!({"inputs": {"q": 1}, "ground_truth": {"a": 2}})]).unwrap();
        assert_eq!(old.dataset.id(), new.id());
        assert_eq!(old.dataset.datapoints(), new.datapoints());
        assert_eq!(old.dataset.datapoints()[0].ground_truth, Some(json!({"a": 2})));
    }

    #[test]
    fn a_dataset_that_names_itself_keeps_its_name() {
        let given = read(json!({"id": "faq", "name": "Questions", "data": [{"id": "one", "inputs": {}}]})).unwrap();
        assert_eq!(given.dataset.id(), "EXT-faq");
        assert_eq!(given.dataset.datapoints()[0].id, "EXT-one");
        assert_eq!(given.name.as_deref(), Some("Questions"));
    }

    #[test]
    fn what_is_no_dataset_is_refused_with_both_shapes_in_the_message() {
        for wrong in [json!("faq.json"), json!({"id": "faq"}), json!(null)] {
            let message = read(wrong).unwrap_err().to_string();
            assert!(
                message.contains("a list of objects") && message.contains("`data`"),
                "{message}"
            );
        }
        let message = read(json!(["x"])).unwrap_err().to_string();
        assert!(message.contains("item 0: expected an object"), "{message}");
    }
}
