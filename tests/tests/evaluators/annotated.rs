//! `#[evaluator]`.

use honeyhive_eval::prelude::*;
use honeyhive_tests::{get, server};
use serde_json::json;

use super::{cases, echo, lines};

/// Letters of the output.
#[evaluator]
fn letters(Outputs(text): Outputs<String>) -> usize {
    text.len()
}

#[evaluator(name = "thrice", repeat = 3, aggregate = "sum", weight = 0.5)]
async fn asynchronous(Outputs(text): Outputs<String>, truth: Option<GroundTruth<String>>) -> Result<usize, String> {
    tokio::task::yield_now().await;
    let truth = truth.ok_or("no truth")?;
    Ok(text.len() + truth.0.len())
}

#[evaluator(
    transform = |letters: i64| letters * 10,
    check = |letters: i64, (least, most): (i64, i64)| (least..=most).contains(&letters),
    target = (20, 30),
    asserts
)]
fn checked(output: Outputs<String>) -> usize {
    *letters(output)
}

fn largest(scores: &[f64]) -> f64 {
    scores.iter().copied().fold(0.0, f64::max)
}

#[evaluator(repeat = 2, aggregate = largest)]
fn by_path(_: Datapoint) -> f64 {
    0.25
}

#[evaluator(wraps = asynchronous, check = |score: f64| score > 1.0)]
fn wrapping(score: f64) -> f64 {
    score / 18.0
}

mod hygiene {
    //! The expansion uses no name that a user's can stand in for.
    #![deny(warnings)]
    #![allow(dead_code, non_camel_case_types)]

    pub(super) struct Box;
    pub(super) struct Arc;
    pub(super) struct Option;
    pub(super) struct String;
    pub(super) trait Clone {}
    pub(super) trait From {}
    pub(super) mod core {}

    /// Documented.
    #[honeyhive_eval::evaluator(repeat = 2, aggregate = "mean")]
    pub(super) async fn shadowed(_: honeyhive_eval::Datapoint) -> f64 {
        1.0
    }
}

#[tokio::test]
async fn a_function_keeps_its_name_and_carries_its_settings() {
    let server = server();
    let result = echo(
        &server,
        cases([(json!("abc"), json!("xyz")), (json!("a"), json!("xyz"))]),
    )
    .evaluators((letters, asynchronous, checked, by_path, wrapping, hygiene::shadowed))
    .evaluator("again", letters)
    .await
    .unwrap();
    assert_eq!(
        lines(&result, 0),
        [
            "letters: 3",
            "thrice: 18.0",
            "checked: true",
            "by_path: 0.25",
            "wrapping: false",
            "shadowed: 1.0",
            "again: 3"
        ]
    );
    assert_eq!(
        lines(&result, 1)[2],
        "checked: error AssertionError: Assertion failed: score 10 is not in range [20,30]"
    );
    let run = get(&server, &format!("/v1/runs/{}", result.run_id)).await["evaluation"].clone();
    assert_eq!(run["configuration"]["evaluator_weights"], json!({"thrice": 0.5}));
}

#[tokio::test]
async fn the_name_is_called_like_the_function_it_was() {
    assert_eq!(letters(Outputs("abc".into())), 3);
    let judged = asynchronous(Outputs("abc".into()), None).await;
    assert_eq!(judged, Err("no truth".to_owned()));
    assert_eq!(judged.into_inner().unwrap_err().len(), 8);
    // It takes no name away from a variable.
    let letters = letters(Outputs("abcd".into())).into_inner();
    assert_eq!(letters, 4);
}

#[tokio::test]
async fn evaluators_may_be_declared_where_they_are_used() {
    #[evaluator(check = |value: f64| value >= 2.0)]
    fn local(Outputs(text): Outputs<String>) -> usize {
        text.len()
    }

    let server = server();
    let result = echo(&server, cases([(json!("abc"), json!(""))]))
        .evaluators([local])
        .await
        .unwrap();
    assert_eq!(lines(&result, 0), ["local: true"]);
}
