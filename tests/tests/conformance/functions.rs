//! `s05_functions.py`: failing and async functions, methods, arguments of every kind.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use honeyhive_core::{Enrichment, HoneyHiveTracer, trace};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::differences::{spans, values};
use crate::objects::{Generator, KeyError, Opaque, RuntimeError, TimeoutError, ValueError};
use crate::{Scenario, Setting, flush};

pub(crate) const S05: Scenario = Scenario {
    capture: "s05",
    differences: &[
        &spans::DECLARED_ERROR,
        &spans::UNKNOWN_TYPE,
        &spans::WRONG_CALL,
        &values::TEXT_OF_VALUES,
        &values::UNSERIALISABLE,
        &values::TYPE_NAMES,
        &values::WIDE_INTEGERS,
        &values::NOT_FINITE,
        &values::HALF_PAIRS,
        &values::SECRETS,
    ],
    program: s05,
};

#[trace(event_type = "tool")]
fn raises(x: i64) -> Result<(), ValueError> {
    Err(ValueError(format!("bad value: {x}")))
}

#[trace(event_type = "chain", name = "outer_of_raising")]
fn outer() -> Result<(), ValueError> {
    raises(2)
}

#[trace(event_type = "tool")]
fn raises_with_declared_error(tracer: &HoneyHiveTracer) -> Result<(), KeyError> {
    tracer.enrich_span(Enrichment::new().error("declared"));
    Err(KeyError("'k'".to_owned()))
}

#[trace(event_type = "tool")]
fn raises_tracer_error(x: u32) -> Result<(), RuntimeError> {
    CALLS.fetch_add(x, Ordering::Relaxed);
    Err(RuntimeError("Tracer error: from user code".to_owned()))
}

static CALLS: AtomicU32 = AtomicU32::new(0);

#[trace(event_type = "model")]
async fn async_fn(prompt: &str, n: usize) -> Vec<String> {
    tokio::task::yield_now().await;
    vec![prompt.to_owned(); n]
}

#[trace(event_type = "tool")]
async fn async_raises() -> Result<(), TimeoutError> {
    tokio::task::yield_now().await;
    Err(TimeoutError("late".to_owned()))
}

#[trace(event_type = "chain")]
async fn gather_two() -> (Vec<String>, Vec<String>) {
    tokio::join!(async_fn("a", 1), async_fn("b", 2))
}

struct Service {
    base: i64,
}

impl Service {
    #[trace(event_type = "tool")]
    fn method(&self, x: i64, y: i64) -> i64 {
        self.base + x + y
    }

    #[trace(event_type = "tool")]
    fn klass(x: i64) -> i64 {
        x
    }

    #[trace(event_type = "tool")]
    fn r#static(x: i64) -> i64 {
        x
    }
}

#[trace]
fn bare(x: i64) -> (i64, i64) {
    (x, x)
}

#[trace()]
fn empty_parens(x: i64) -> Value {
    json!({"x": x, "none": null})
}

#[trace(event_type = "tool")]
fn generator(n: i64) -> Generator {
    Generator { left: n }
}

#[trace(event_type = "tool")]
fn named_tracer_argument(tracer: &HoneyHiveTracer, password: &str, api_key: &str, token: &str) -> &'static str {
    let _ = (tracer, password, api_key, token);
    "ok"
}

#[trace(event_type = "tool")]
fn big(text: String) -> Value {
    json!({"big": text, "list": (0..50).collect::<Vec<_>>()})
}

/// Calls `signature` or `odd_values` with arguments of these types, as a Python function takes any.
macro_rules! signature {
    ($b:ty, $args:ty, $c:ty; $($value:expr),*) => {{
        #[trace(event_type = "tool")]
        fn signature(a: i64, b: $b, args: $args, c: $c, d: f64, kwargs: Value) {
            let _ = (a, b, args, c, d, kwargs);
        }
        signature($($value),*);
    }};
}

macro_rules! odd_values {
    ($($type:ty: $value:expr;)*) => {$({
        #[trace(event_type = "tool")]
        fn odd_values(value: $type) -> $type {
            value
        }
        let _ = odd_values($value);
    })*};
}

/// A value with a text of its own: what `str()` is in Python is `Debug` here.
struct Shown(&'static str);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A value that is serialised as its text, as dates are.
struct Written(&'static str);

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

struct Unprintable;

impl fmt::Debug for Unprintable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no repr")
    }
}

/// Left out: `unknown_event_type` and the bad call of `signature`, which do not compile.
fn s05(setting: &Setting) {
    let tracer = setting.tracer("s05 session");
    let _active = tracer.activate();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

    raises(1).unwrap_err();
    outer().unwrap_err();
    raises_with_declared_error(&tracer).unwrap_err();
    let calls = CALLS.load(Ordering::Relaxed);
    raises_tracer_error(1).unwrap_err();
    assert_eq!(CALLS.load(Ordering::Relaxed), calls + 1, "user code runs once");
    runtime.block_on(async_fn("p", 2));
    runtime.block_on(async_raises()).unwrap_err();
    runtime.block_on(gather_two());
    Service { base: 10 }.method(1, 5);
    Service::klass(1);
    Service::r#static(1);
    signature!(i64, (i64, &str), Value; 1, 2, (3, "four"), json!([null, {"k": "v"}]), 1.5, json!({"extra": true, "nested": {"a": 1}}));
    signature!(&str, Vec<i64>, Option<i64>; 1, "default", Vec::new(), None, 1.5, json!({}));
    bare(1);
    empty_parens(1);
    assert_eq!(generator(2).count(), 2);
    named_tracer_argument(&tracer, "hunter2", "sk-secret", "tok");
    odd_values! {
        Option<i64>: None;
        Shown: Shown("Color.RED");
        Shown: Shown("Point(x=1, y=2)");
        Opaque: Opaque;
        Unprintable: Unprintable;
        BTreeMap<&str, Value>: BTreeMap::from([("ok", json!(1)), ("bad", json!(Written("<Opaque>")))]);
        Vec<Written>: vec![Written("2026-01-02 03:04:05")];
        (i64, &str, Option<i64>): (1, "a", None);
        BTreeSet<i64>: BTreeSet::from([1]);
        Vec<u8>: b"\x00\xff".to_vec();
        Shown: Shown("1.10");
        f64: f64::NAN;
        i128: 1 << 70;
        Value: json!({"a": {"b": [1, {"c": null}]}});
        Value: json!({});
        Value: json!([]);
        &str: "a\0b\u{fffd}c";
    }
    big("x".repeat(100_000));
    flush(&tracer);
}
