//! Flat attributes to nested JSON: dotted paths become objects, consecutive indexes become arrays.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use serde_json::{Map, Value};

/// Path parts past this many stay together as one dotted key, so that a hostile key cannot exhaust the stack.
const MAX_DEPTH: usize = 32;

/// An object under construction from `path = value` pairs.
///
/// A path set twice keeps the last value. When both `a` and `a.b` are set, `a` becomes an object and its own value
/// moves to `a.value` (`a._value`, `a.__value`… when that is taken), so neither is lost. Children named exactly
/// `0..n` make an array; with a gap, or beside an own value, they stay an object.
#[derive(Debug, Default)]
pub(crate) struct Nested {
    own: Option<Value>,
    children: BTreeMap<String, Self>,
}

impl Nested {
    /// Sets the value at a dotted path; the empty path is the object itself.
    pub(crate) fn set(&mut self, path: &str, value: Value) {
        let mut node = self;
        if !path.is_empty() {
            for part in path.splitn(MAX_DEPTH, '.') {
                // Two lookups only for a new key: the usual path allocates nothing for the parts it shares.
                if !node.children.contains_key(part) {
                    node.children.insert(part.to_owned(), Self::default());
                }
                let Some(next) = node.children.get_mut(part) else {
                    return;
                };
                node = next;
            }
        }
        node.own = Some(value);
    }

    /// The finished object. The outermost level is always an object, never an array.
    pub(crate) fn into_object(self) -> Map<String, Value> {
        let Self { own, children } = self;
        let mut object: Map<String, Value> = children
            .into_iter()
            .map(|(key, child)| (key, child.into_value()))
            .collect();
        match own {
            Some(Value::Object(own)) => {
                for (key, value) in own {
                    object.entry(key).or_insert(value);
                }
            }
            Some(own) => {
                let mut key = "value".to_owned();
                while object.contains_key(&key) {
                    key.insert(0, '_');
                }
                object.insert(key, own);
            }
            None => {}
        }
        object
    }

    fn into_value(self) -> Value {
        if self.children.is_empty() {
            return self.own.unwrap_or_default();
        }
        if self.own.is_none() && self.is_list() {
            let mut items: Vec<(usize, Value)> = self
                .children
                .into_iter()
                .map(|(key, child)| (key.parse().unwrap_or_default(), child.into_value()))
                .collect();
            items.sort_unstable_by_key(|(index, _)| *index);
            return items.into_iter().map(|(_, value)| value).collect();
        }
        Value::Object(self.into_object())
    }

    /// Whether the keys are the canonical numerals of `0..len`.
    fn is_list(&self) -> bool {
        self.children.keys().all(|key| {
            key.parse::<usize>()
                .is_ok_and(|index| index < self.children.len() && index.to_string() == *key)
        })
    }
}

/// An attribute value as JSON. Doubles JSON cannot hold become the texts `nan`, `inf` and `-inf`, bytes lower-case
/// hexadecimal text.
pub(crate) fn json(value: Option<&AnyValue>) -> Value {
    use any_value::Value as Any;
    match value.and_then(|value| value.value.as_ref()) {
        None => Value::Null,
        Some(Any::StringValue(text)) => Value::from(text.as_str()),
        Some(Any::BoolValue(flag)) => Value::from(*flag),
        Some(Any::IntValue(number)) => Value::from(*number),
        Some(Any::DoubleValue(number)) => double(*number),
        Some(Any::ArrayValue(array)) => array.values.iter().map(|item| json(Some(item))).collect(),
        Some(Any::KvlistValue(list)) => list
            .values
            .iter()
            .map(|pair| (pair.key.clone(), json(pair.value.as_ref())))
            .collect::<Map<_, _>>()
            .into(),
        Some(Any::BytesValue(bytes)) => Value::from(hex(bytes)),
        // A reference into a string table that trace requests do not have.
        Some(Any::StringValueStrindex(index)) => Value::from(*index),
    }
}

fn double(number: f64) -> Value {
    if number.is_finite() {
        Value::from(number)
    } else if number.is_nan() {
        Value::from("nan")
    } else {
        Value::from(if number > 0.0 { "inf" } else { "-inf" })
    }
}

/// Lower-case hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn nested(pairs: &[(&str, Value)]) -> Value {
        let mut nested = Nested::default();
        for (path, value) in pairs {
            nested.set(path, value.clone());
        }
        Value::Object(nested.into_object())
    }

    #[test]
    fn paths_become_objects_and_consecutive_indexes_arrays() {
        let built = nested(&[
            ("stop.1", json!("b")),
            ("stop.0", json!("a")),
            ("deep.x.y", json!(1)),
            ("list.0.k", json!(true)),
        ]);
        assert_eq!(
            built,
            json!({"stop": ["a", "b"], "deep": {"x": {"y": 1}}, "list": [{"k": true}]})
        );
    }

    #[test]
    fn a_gap_or_a_padded_index_keeps_an_object_and_the_outermost_level_is_never_an_array() {
        let built = nested(&[
            ("gap.0", json!(0)),
            ("gap.2", json!(2)),
            ("pad.00", json!(0)),
            ("0", json!("top")),
        ]);
        assert_eq!(built, json!({"gap": {"0": 0, "2": 2}, "pad": {"00": 0}, "0": "top"}));
    }

    #[test]
    fn a_value_beside_its_own_children_moves_to_value() {
        let built = nested(&[
            ("a", json!("own")),
            ("a.b", json!(1)),
            ("c.value", json!("taken")),
            ("c", json!(2)),
        ]);
        assert_eq!(
            built,
            json!({"a": {"value": "own", "b": 1}, "c": {"value": "taken", "_value": 2}})
        );
        assert_eq!(nested(&[("", json!(3)), ("x", json!(1))]), json!({"value": 3, "x": 1}));
    }

    #[test]
    fn a_key_of_very_many_parts_is_kept_without_deep_nesting() {
        let path = vec!["a"; 100_000].join(".");
        let built = nested(&[(&path, json!(1))]);
        assert!(built.to_string().len() > 200_000);
    }

    #[test]
    fn list_order_is_numeric_past_ten() {
        let pairs: Vec<(String, Value)> = (0..12).map(|i| (format!("l.{i}"), json!(i))).collect();
        let mut built = Nested::default();
        for (path, value) in pairs {
            built.set(&path, value);
        }
        assert_eq!(
            Value::Object(built.into_object()),
            json!({"l": (0..12).collect::<Vec<_>>()})
        );
    }

    #[test]
    fn numbers_json_cannot_hold_become_text() {
        for (number, text) in [(f64::NAN, "nan"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
            assert_eq!(double(number), json!(text));
        }
    }

    fn flatten(prefix: &str, value: &Value, out: &mut Vec<(String, Value)>) {
        let join = |key: &str| {
            if prefix.is_empty() {
                key.to_owned()
            } else {
                format!("{prefix}.{key}")
            }
        };
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| flatten(&join(key), value, out)),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(i, value)| flatten(&join(&i.to_string()), value, out)),
            leaf => out.push((prefix.to_owned(), leaf.clone())),
        }
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..12).prop_map(Value::from),
                prop::collection::btree_map("[a-z_]{1,6}", inner, 1..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn unflattening_undoes_flattening(
            object in prop::collection::btree_map("[a-z_]{1,6}", tree(), 0..5),
            reverse in any::<bool>(),
        ) {
            let object = Value::Object(object.into_iter().collect());
            let mut flat = Vec::new();
            flatten("", &object, &mut flat);
            if reverse {
                flat.reverse();
            }
            let mut built = Nested::default();
            for (path, value) in flat {
                built.set(&path, value);
            }
            prop_assert_eq!(Value::Object(built.into_object()), object);
        }

        #[test]
        fn no_leaf_is_lost_whatever_the_paths(paths in prop::collection::btree_set("[a0-2]{1}(\\.[a0-2]{1}){0,3}", 1..20)) {
            let mut built = Nested::default();
            for (number, path) in paths.iter().enumerate() {
                built.set(path, Value::from(number));
            }
            let mut leaves = Vec::new();
            flatten("", &Value::Object(built.into_object()), &mut leaves);
            let mut numbers: Vec<u64> = leaves.iter().filter_map(|(_, leaf)| leaf.as_u64()).collect();
            numbers.sort_unstable();
            prop_assert_eq!(numbers, (0..paths.len() as u64).collect::<Vec<_>>());
        }
    }
}
