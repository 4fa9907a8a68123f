//! What each rung of the ladder takes, and that nothing is taken without bound.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use opentelemetry::KeyValue;
use serde_json::json;

use super::limit::JSON_LIMIT;
use super::*;

macro_rules! capture {
    ($value:expr) => {{
        #[allow(unused_imports)]
        use super::{CaptureDebug as _, CaptureOpaque as _, CaptureScalar as _, CaptureSerialize as _};
        (&&&&Capture(&$value)).__honeyhive_capture()
    }};
}

#[derive(Serialize)]
struct Question {
    text: &'static str,
    limit: u8,
}

#[derive(Debug)]
struct OnlyDebug;

struct Opaque;

fn plain(value: impl Into<Value>) -> Captured {
    Captured::Plain(value.into())
}

#[test]
fn scalars_are_taken_as_themselves() {
    assert_eq!(capture!(7u8), plain(7i64));
    assert_eq!(capture!(&-7i64), plain(-7i64));
    assert_eq!(capture!(true), plain(true));
    assert_eq!(capture!(1.5f64), plain(1.5));
    assert_eq!(capture!(0.1f32), plain(0.1));
    assert_eq!(capture!("text"), plain("text"));
    assert_eq!(capture!(String::from("text")), plain("text"));
    assert_eq!(capture!(Arc::<str>::from("text")), plain("text"));
    assert_eq!(capture!(Some(&3)), plain(3i64));
    assert_eq!(capture!(u64::MAX), plain("18446744073709551615"));
}

#[test]
fn absent_values_record_nothing() {
    assert_eq!(capture!(None::<u8>), Captured::Nothing);
    assert_eq!(capture!(()), Captured::Nothing);
}

#[test]
fn structures_become_json_then_debug_then_the_type_name() {
    assert_eq!(
        capture!(Question { text: "why?", limit: 2 }),
        Captured::Json(r#"{"text":"why?","limit":2}"#.into())
    );
    assert_eq!(capture!(OnlyDebug), Captured::Text("OnlyDebug".into()));
    assert_eq!(
        capture!(Opaque),
        Captured::Text("<honeyhive_core::capture::tests::Opaque>".into())
    );
}

#[test]
fn generic_values_use_what_their_bounds_allow() {
    fn serialise<T: Serialize>(value: T) -> Captured {
        capture!(value)
    }
    fn nothing<T>(value: T) -> Captured {
        capture!(value)
    }
    assert_eq!(serialise(5), Captured::Json("5".into()));
    assert_eq!(nothing(5), Captured::Text("<i32>".into()));
}

#[test]
fn long_text_is_cut_with_the_number_of_bytes_left_out() {
    let text = "é".repeat(TEXT_LIMIT);
    let Captured::Plain(Value::String(cut)) = capture!(text) else {
        panic!("no text")
    };
    assert!(
        cut.as_str().ends_with("…[+1048576 bytes]"),
        "{}",
        &cut.as_str()[cut.as_str().len() - 30..]
    );
}

#[test]
fn long_structures_are_cut_while_they_are_written() {
    let Captured::Text(text) = capture!(vec!["é"; JSON_LIMIT]) else {
        panic!("not cut")
    };
    assert!(text.len() <= JSON_LIMIT + 16 && text.ends_with("…[cut]"));
}

#[test]
fn a_value_that_cannot_be_serialised_says_so() {
    let map = std::collections::HashMap::from([((1, 2), 3)]);
    let Captured::Text(text) = capture!(map) else {
        panic!("serialised")
    };
    assert!(text.starts_with("<not serialisable: "), "{text}");
}

#[test]
fn nested_values_flatten_with_typed_leaves() {
    let mut attributes = Vec::new();
    flatten(
        "r".into(),
        json!({"a": {"b": [1, null, "x"]}, "e": {}, "n": null, "f": 1.5, "t": true}),
        &mut attributes,
    );
    let expected = vec![
        KeyValue::new("r.a.b.0", 1),
        KeyValue::new("r.a.b.2", "x"),
        KeyValue::new("r.f", 1.5),
        KeyValue::new("r.t", true),
    ];
    assert_eq!(attributes, expected);
}

#[test]
fn a_long_array_is_one_attribute() {
    let mut attributes = Vec::new();
    flatten("r".into(), json!(vec![0; 1536]), &mut attributes);
    assert_eq!(attributes.len(), 1);
}

#[test]
fn a_value_with_too_many_leaves_is_one_attribute() {
    let mut attributes = Vec::new();
    flatten("r".into(), json!(vec![vec![vec![0; 64]; 64]; 4]), &mut attributes);
    assert_eq!(attributes.len(), 1);
}

#[test]
fn a_lock_is_never_taken_to_record_it() {
    let lock = std::sync::Mutex::new(7);
    let _held = lock.lock().unwrap();
    assert_eq!(capture!(lock), plain("<Mutex>"));
    assert_eq!(capture!(Arc::new(std::sync::RwLock::new(7))), plain("<RwLock>"));
}

#[test]
fn a_number_that_is_not_finite_is_text_and_nothing_stays_nothing() {
    assert_eq!(to_json(&f64::NAN), "nan");
    assert_eq!(to_json(&f32::NEG_INFINITY), "-inf");
    assert_eq!(to_json(&None::<f64>), serde_json::Value::Null);
    assert_eq!(to_json(&()), serde_json::Value::Null);
    assert_eq!(to_json(&1.5), 1.5);
}

#[test]
fn what_is_added_is_cut_before_it_is_serialised_whole() {
    let long = to_json(&vec![0.5_f32; 1_000_000]);
    let text = long.as_str().unwrap();
    assert!(
        text.starts_with("[0.5,0.5") && text.ends_with("…[cut]"),
        "{}",
        &text[..20]
    );
    assert!(text.len() <= TEXT_LIMIT + 16);
    let text = to_json(&"x".repeat(TEXT_LIMIT + 1));
    assert!(text.as_str().unwrap().starts_with("xxx"), "without the quotation mark");
    assert_eq!(to_json(&"x".repeat(100)), "x".repeat(100));
}
