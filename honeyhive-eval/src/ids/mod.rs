//! External ids: the names HoneyHive gives to datasets and datapoints that live in code, equal to those of the
//! Python SDK, so that a run made from Rust pairs with a run made from Python.

mod python_json;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use self::python_json::{NotCanonical, write_canonical};

/// What the id of everything that lives in code begins with.
pub(crate) const PREFIX: &str = "EXT-";

/// Why a dataset or a datapoint has no external id. `index` is the datapoint's position, counted from 0.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdError {
    #[error("datapoint {index} cannot be hashed into an external id: {problem}")]
    NotCanonical { index: usize, problem: NotCanonical },
    #[error("datapoint {index}: `{field}` must be a string or a number to serve as its id, but it is {found}")]
    CustomId {
        index: usize,
        field: &'static str,
        found: &'static str,
    },
}

/// The id of a whole dataset: `EXT-` and 16 hexadecimal digits.
///
/// It covers every field of every item, and their order. The items are hashed one at a time, so memory use is bounded
/// by the largest item.
///
/// # Errors
///
/// [`IdError::NotCanonical`] if an item has no canonical text.
pub(crate) fn dataset_id(items: &[Box<RawValue>]) -> Result<String, IdError> {
    let mut hash = Sha256::new();
    let mut text = String::new();
    hash.update("[");
    for (index, item) in items.iter().enumerate() {
        text.clear();
        if index > 0 {
            text.push_str(", ");
        }
        write_canonical(item, &mut text).map_err(|problem| IdError::NotCanonical { index, problem })?;
        hash.update(&text);
    }
    hash.update("]");
    Ok(external(hash))
}

/// The id of the datapoint at position `index`, counted from 0.
///
/// A datapoint that names itself, in `id` or else in `datapoint_id`, keeps that name with `EXT-` in front, and so keeps
/// its id wherever it stands in the dataset. As in Python, an empty value (`null`, `false`, `0`, `""`, `[]`, `{}`) does
/// not count as a name. A number is taken as the text Python prints for it, where the Python SDK would fail.
///
/// Any other datapoint gets `EXT-` and 16 hexadecimal digits, made from all its fields and its position: moving it
/// changes its id.
///
/// # Errors
///
/// [`IdError::CustomId`] if the name is `true`, an array or an object, and [`IdError::NotCanonical`] if the item has no
/// canonical text.
pub(crate) fn datapoint_id(item: &RawValue, index: usize) -> Result<String, IdError> {
    let not_canonical = |problem| IdError::NotCanonical { index, problem };
    if item.get().starts_with('{') {
        let fields: BTreeMap<String, &RawValue> =
            serde_json::from_str(item.get()).map_err(|error| not_canonical(error.into()))?;
        for field in ["id", "datapoint_id"] {
            let Some(value) = fields.get(field) else { continue };
            match custom_id(value).map_err(not_canonical)? {
                CustomId::Empty => {}
                CustomId::Name(name) if name.starts_with(PREFIX) => return Ok(name),
                CustomId::Name(name) => return Ok(format!("{PREFIX}{name}")),
                CustomId::Unusable(found) => return Err(IdError::CustomId { index, field, found }),
            }
        }
    }
    let mut text = String::new();
    write_canonical(item, &mut text).map_err(not_canonical)?;
    // No separator between the item and its position.
    text.push_str(&index.to_string());
    Ok(external(Sha256::new_with_prefix(text)))
}

enum CustomId {
    /// False in Python's sense: the next field is asked.
    Empty,
    Name(String),
    /// What was found instead of a name.
    Unusable(&'static str),
}

fn custom_id(value: &RawValue) -> Result<CustomId, NotCanonical> {
    // In canonical form each of Python's false values has one spelling, except for the sign of zero.
    let mut text = String::new();
    write_canonical(value, &mut text)?;
    Ok(match text.as_str() {
        "null" | "false" | "0" | "0.0" | "-0.0" | "\"\"" | "[]" | "{}" => CustomId::Empty,
        "true" => CustomId::Unusable("true"),
        other if other.starts_with('"') => CustomId::Name(serde_json::from_str(value.get())?),
        other if other.starts_with('[') => CustomId::Unusable("an array"),
        other if other.starts_with('{') => CustomId::Unusable("an object"),
        _ => CustomId::Name(text),
    })
}

/// `EXT-` and the first 8 bytes of the hash.
fn external(hash: Sha256) -> String {
    let head = hash
        .finalize()
        .iter()
        .take(8)
        .fold(0, |head: u64, byte| head << 8 | u64::from(*byte));
    format!("{PREFIX}{head:016x}")
}
