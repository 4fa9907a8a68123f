//! External ids against values computed by the Python SDK, and the properties they must have on any input.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::python_json::{MAX_DEPTH, write_canonical};
use super::{datapoint_id, dataset_id};

fn raw(json: impl Into<String>) -> Box<RawValue> {
    RawValue::from_string(json.into()).unwrap()
}

fn canonical(json: &str) -> String {
    let mut out = String::new();
    write_canonical(&raw(json), &mut out).unwrap();
    out
}

/// Checks a dataset, given as one JSON array, against the ids the Python SDK 1.7.0 computed for it.
#[track_caller]
fn assert_python_ids(dataset: &str, expected_dataset: &str, expected_datapoints: &[&str]) {
    let items: Vec<Box<RawValue>> = serde_json::from_str(dataset).unwrap();
    let datapoints: Vec<String> = items
        .iter()
        .enumerate()
        .map(|(index, item)| datapoint_id(item, index).unwrap())
        .collect();
    assert_eq!(dataset_id(&items).unwrap(), expected_dataset);
    assert_eq!(datapoints, expected_datapoints);
}

#[test]
fn plain_items_have_python_ids() {
    assert_python_ids(
        r#"[{"inputs":{"query":"test1"}},{"inputs":{"query":"test2"}}]"#,
        "EXT-3c4fbeeb82f20149",
        &["EXT-429f79eece43dbc4", "EXT-45806a1eba4e5357"],
    );
    assert_eq!(
        datapoint_id(&raw(r#"{"inputs":{"q":"one","n":1},"ground_truth":{"a":"ONE"}}"#), 0).unwrap(),
        "EXT-50435f4863052363"
    );
}

#[test]
fn mixed_values_have_python_ids() {
    let item = r#"{"inputs":{"z":"café 😀","a":[1,2.0,1e16,1e-7,true,null]},"ground_truth":{"b":{"y":1,"x":2}}}"#;
    assert_eq!(
        canonical(item),
        r#"{"ground_truth": {"b": {"x": 2, "y": 1}}, "inputs": {"a": [1, 2.0, 1e+16, 1e-07, true, null], "z": "caf\u00e9 \ud83d\ude00"}}"#
    );
    assert_python_ids(&format!("[{item}]"), "EXT-71b82fa08565f6df", &["EXT-e6345c100dee0021"]);
}

#[test]
fn custom_ids_are_prefixed_once_and_do_not_depend_on_position() {
    assert_python_ids(
        r#"[{"id":"dp-1","inputs":{"q":"hi"}},{"datapoint_id":"EXT-two","inputs":{"q":"hi"}},{"inputs":{"q":"hi"}},{"inputs":{"q":"hi"}}]"#,
        "EXT-282dd8be45b459b6",
        &["EXT-dp-1", "EXT-two", "EXT-b6f5874b421006fc", "EXT-66847b978bdd2136"],
    );
    assert_eq!(datapoint_id(&raw(r#"{"id":"dp-1"}"#), 7).unwrap(), "EXT-dp-1");
    assert_eq!(datapoint_id(&raw(r#"{"id":"ext-1"}"#), 0).unwrap(), "EXT-ext-1");
    assert_eq!(datapoint_id(&raw(r#"{"id":"caf\u00e9"}"#), 0).unwrap(), "EXT-café");
}

#[test]
fn an_empty_dataset_has_the_python_id() {
    assert_python_ids("[]", "EXT-4f53cda18c2baa0c", &[]);
}

#[test]
fn empty_values_have_python_ids() {
    assert_python_ids(
        r#"[{}, {"inputs":{}}, {"inputs":{"l":[],"o":{},"n":null,"t":true,"f":false}}]"#,
        "EXT-19be70967ed67c35",
        &["EXT-4a87bb9d804304a9", "EXT-3048f55c9cb3ef1c", "EXT-11f8982809d6117a"],
    );
}

#[test]
fn floats_are_printed_as_python_prints_them() {
    let floats =
        "[1e15,1e16,123456789012345680.0,0.0001,0.00001,5e-324,1.7976931348623157e308,0.1,1.0,-0.0,0.3333333333333333]";
    assert_eq!(
        canonical(floats),
        "[1000000000000000.0, 1e+16, 1.2345678901234568e+17, 0.0001, 1e-05, 5e-324, 1.7976931348623157e+308, 0.1, 1.0, -0.0, 0.3333333333333333]"
    );
    assert_python_ids(
        &format!(r#"[{{"inputs":{{"f":{floats}}}}}]"#),
        "EXT-944211a4c574a9a0",
        &["EXT-05af1c08c8b3af84"],
    );
    // Halfway between two shortest candidates, and a power of two whose nearest candidate reads back as another float.
    assert_eq!(
        canonical("[1957229105206497.25, 1957229105206497.75, 5.684341886080801486968994140625e-14]"),
        "[1957229105206497.2, 1957229105206497.8, 5.684341886080802e-14]"
    );
    assert_eq!(canonical("[1e400, -1e400, 1e-400]"), "[Infinity, -Infinity, 0.0]");
}

#[test]
fn integers_of_any_size_keep_their_digits() {
    assert_python_ids(
        r#"[{"inputs":{"i":[0,-1,9223372036854775807,18446744073709551615,12345678901234567890123]}}]"#,
        "EXT-27a9df272c25b470",
        &["EXT-9844d640b6d30d30"],
    );
    assert_eq!(
        canonical("[12345678901234567890123, -0]"),
        "[12345678901234567890123, 0]"
    );
}

#[test]
fn strings_are_escaped_as_python_escapes_them() {
    let escapes = r#""\"\\/\b\f\n\r\t\u0000\u001f\u007f\u0080\u2028\ud83d\ude00""#;
    assert_eq!(canonical(escapes), escapes);
    assert_python_ids(
        &format!(r#"[{{"inputs":{{"s":{escapes}}}}}]"#),
        "EXT-bbc78ecc9071c1f8",
        &["EXT-2ce595da9df30406"],
    );
    assert_eq!(canonical(r#""\/\u0041\u00E9""#), r#""/A\u00e9""#);
}

#[test]
fn keys_are_sorted_by_code_point() {
    let object = r#"{"b":1,"a":2,"B":3,"_":4,"é":5,"😀":6,"\uffff":7,"":0,"aa":1}"#;
    assert_eq!(
        canonical(object),
        r#"{"": 0, "B": 3, "_": 4, "a": 2, "aa": 1, "b": 1, "\u00e9": 5, "\uffff": 7, "\ud83d\ude00": 6}"#
    );
    assert_python_ids(
        &format!(r#"[{{"inputs":{object}}}]"#),
        "EXT-27ee5fae3bf7717e",
        &["EXT-171f0ab60fa4eb60"],
    );
}

#[test]
fn the_last_of_two_equal_keys_wins() {
    assert_eq!(canonical(r#"{"a":1,"b":2,"\u0061":3}"#), r#"{"a": 3, "b": 2}"#);
    assert_eq!(
        datapoint_id(&raw(r#"{"id":"first","id":"last"}"#), 0).unwrap(),
        "EXT-last"
    );
}

#[test]
fn the_first_true_custom_id_wins() {
    assert_python_ids(
        r#"[{"id":"","datapoint_id":"b","inputs":{}},{"id":"a","datapoint_id":"b","inputs":{}},{"id":null,"inputs":{}}]"#,
        "EXT-eb14443f9d5214a3",
        &["EXT-b", "EXT-a", "EXT-bf09dcdb3af9f435"],
    );
    for falsy in ["null", "false", "0", "-0", "0.0", "-0.0", "0e3", "\"\"", "[ ]", "{ }"] {
        let item = format!(r#"{{"id":{falsy},"datapoint_id":"b"}}"#);
        assert_eq!(datapoint_id(&raw(item), 0).unwrap(), "EXT-b", "{falsy}");
    }
}

#[test]
fn a_number_as_custom_id_is_its_python_text() {
    for (number, id) in [
        ("7", "EXT-7"),
        ("-12345678901234567890123", "EXT--12345678901234567890123"),
        ("1.50", "EXT-1.5"),
        ("1e16", "EXT-1e+16"),
    ] {
        assert_eq!(datapoint_id(&raw(format!(r#"{{"id":{number}}}"#)), 0).unwrap(), id);
    }
}

#[test]
fn a_custom_id_that_is_no_name_is_an_error_with_its_field_and_type() {
    for (item, field, found) in [
        (r#"{"id":true,"datapoint_id":"b"}"#, "id", "true"),
        (r#"{"id":["a"]}"#, "id", "an array"),
        (r#"{"id":"","datapoint_id":{"a":1}}"#, "datapoint_id", "an object"),
    ] {
        assert_eq!(
            datapoint_id(&raw(item), 3).unwrap_err().to_string(),
            format!("datapoint 3: `{field}` must be a string or a number to serve as its id, but it is {found}")
        );
    }
}

#[test]
fn half_a_surrogate_pair_is_an_error_with_the_position_of_its_item() {
    let broken = raw(r#"{"inputs":"\ud83d"}"#);
    let expected = "datapoint 1 cannot be hashed into an external id: its JSON text is not readable";
    assert!(datapoint_id(&broken, 1).unwrap_err().to_string().starts_with(expected));
    assert!(
        dataset_id(&[raw("{}"), broken])
            .unwrap_err()
            .to_string()
            .starts_with(expected)
    );
}

#[test]
fn nesting_is_bounded_before_a_small_stack_is() {
    let nested = |depth| format!("{}1{}", r#"{"a":["#.repeat(depth / 2), "]}".repeat(depth / 2));
    let in_small_stack = move || {
        assert_eq!(canonical(&nested(MAX_DEPTH)).matches('[').count(), MAX_DEPTH / 2);
        // Far deeper than the stack could hold if the limit were not kept.
        for item in [format!("[{}]", nested(MAX_DEPTH)), nested(10_000)] {
            assert_eq!(
                datapoint_id(&raw(item), 0).unwrap_err().to_string(),
                "datapoint 0 cannot be hashed into an external id: \
                 its arrays and objects are nested more than 256 deep; flatten it"
            );
        }
    };
    std::thread::Builder::new()
        .stack_size(512 * 1024)
        .spawn(in_small_stack)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn python_vectors_match() {
    /// A line of the file that `python_ids.py`, beside it, printed.
    #[derive(Deserialize)]
    struct Vector {
        json: String,
        canonical: String,
        id: String,
    }
    let lines = include_str!("../../tests/vectors/python_ids.jsonl").lines();
    let vectors: Vec<Vector> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(vectors.len() > 150, "the file is cut short");
    for vector in vectors {
        assert_eq!(canonical(&vector.json), vector.canonical);
        assert_eq!(datapoint_id(&raw(vector.json), 0).unwrap(), vector.id);
    }
}

/// A JSON tree that remembers the order of its keys and the spelling of its numbers.
#[derive(Clone, Debug)]
enum Tree {
    Scalar(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    /// JSON text with `gap` around every token.
    fn text(&self, gap: &str) -> String {
        match self {
            Self::Scalar(text) => text.clone(),
            Self::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| item.text(gap)).collect();
                format!("[{gap}{}{gap}]", items.join(&format!("{gap},{gap}")))
            }
            Self::Object(fields) => {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|(key, value)| format!("{}{gap}:{gap}{}", quoted(key), value.text(gap)))
                    .collect();
                format!("{{{gap}{}{gap}}}", fields.join(&format!("{gap},{gap}")))
            }
        }
    }

    fn reversed_keys(&self) -> Self {
        match self {
            Self::Scalar(text) => Self::Scalar(text.clone()),
            Self::Array(items) => Self::Array(items.iter().map(Self::reversed_keys).collect()),
            Self::Object(fields) => Self::Object(
                fields
                    .iter()
                    .rev()
                    .map(|(key, value)| (key.clone(), value.reversed_keys()))
                    .collect(),
            ),
        }
    }

    /// Whether `json` holds this tree. `serde_json` alone cannot tell: it rounds integers beyond 64 bits, and the
    /// last bit of floats.
    fn is(&self, json: &RawValue) -> bool {
        let json = json.get();
        match self {
            Self::Array(items) => {
                let found: Vec<&RawValue> = serde_json::from_str(json).unwrap();
                items.len() == found.len() && items.iter().zip(found).all(|(item, found)| item.is(found))
            }
            Self::Object(fields) => {
                let found: BTreeMap<String, &RawValue> = serde_json::from_str(json).unwrap();
                fields.len() == found.len() && fields.iter().all(|(key, value)| value.is(found[key]))
            }
            Self::Scalar(text) if text.starts_with('"') => {
                serde_json::from_str::<String>(text).unwrap() == serde_json::from_str::<String>(json).unwrap()
            }
            Self::Scalar(text) if text.contains(['.', 'e']) && text.parse::<f64>().is_ok() => {
                json.contains(['.', 'e'])
                    && text.parse::<f64>().unwrap().to_bits() == json.parse::<f64>().unwrap().to_bits()
            }
            Self::Scalar(text) => text == json,
        }
    }
}

fn quoted(string: &str) -> String {
    serde_json::to_string(string).unwrap()
}

fn trees() -> impl Strategy<Value = Tree> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|bool| bool.to_string()),
        any::<i128>().prop_map(|integer| integer.to_string()),
        proptest::num::f64::ANY
            .prop_filter("JSON has finite floats only", |float| float.is_finite())
            .prop_map(|float| format!("{float:e}")),
        any::<String>().prop_map(|string| quoted(&string)),
    ];
    scalar.prop_map(Tree::Scalar).prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Tree::Array),
            proptest::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|fields| Tree::Object(fields.into_iter().collect())),
        ]
    })
}

/// A datapoint without a name of its own.
fn items() -> impl Strategy<Value = Tree> {
    trees().prop_map(|inputs| Tree::Object(vec![("inputs".to_owned(), inputs)]))
}

proptest! {
    #[test]
    fn canonical_text_holds_the_same_value_in_ascii(tree in trees()) {
        let text = canonical(&tree.text(""));
        prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        prop_assert!(tree.is(&raw(text.as_str())), "{}", text);
        prop_assert_eq!(canonical(&text), text);
    }

    #[test]
    fn key_order_and_white_space_do_not_change_ids(item in items(), index: usize) {
        let (one, other) = (raw(item.text("")), raw(item.reversed_keys().text(" \n")));
        prop_assert_eq!(datapoint_id(&one, index).unwrap(), datapoint_id(&other, index).unwrap());
        prop_assert_eq!(dataset_id(&[one]).unwrap(), dataset_id(&[other]).unwrap());
    }

    #[test]
    fn the_position_of_an_unnamed_item_changes_its_id(item in items(), index in 0_usize..10_000, other in 0_usize..10_000) {
        prop_assume!(index != other);
        let item = raw(item.text(""));
        prop_assert_ne!(datapoint_id(&item, index).unwrap(), datapoint_id(&item, other).unwrap());
    }

    #[test]
    fn the_order_of_items_changes_the_dataset(one in items(), other in items()) {
        let (one, other) = (raw(one.text("")), raw(other.text("")));
        prop_assume!(canonical(one.get()) != canonical(other.get()));
        prop_assert_ne!(dataset_id(&[one.clone(), other.clone()]).unwrap(), dataset_id(&[other, one]).unwrap());
    }
}
