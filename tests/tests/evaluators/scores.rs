//! What evaluators can return, and what comes of it.

use std::collections::{BTreeMap, HashMap};

use honeyhive_eval::prelude::*;
use honeyhive_eval::{Evaluator, ScoreValue};
use honeyhive_tests::{get, server, session, tracer};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{cases, echo, line, lines, outcomes};

#[derive(Serialize)]
struct Rubric {
    score: f64,
    explanation: &'static str,
    words: u32,
    aside: Option<bool>,
}

/// What an evaluator comes to, as one line.
async fn scored<M>(evaluator: impl Evaluator<M>) -> String {
    line(&outcomes(evaluator, [(json!("out"), json!("truth"))]).await[0])
}

#[tokio::test]
async fn scalars_and_scores_keep_their_kind() {
    assert_eq!(scored(|_: Datapoint| true).await, "true");
    assert_eq!(scored(|_: Datapoint| 3_u8).await, "3");
    assert_eq!(scored(|_: Datapoint| 0.1_f32).await, "0.1");
    assert_eq!(scored(async |_: Datapoint| "good").await, "\"good\"");
    assert_eq!(scored(|_: Datapoint| ScoreValue::from(2)).await, "2");
    // An integer beyond 64 bits is a number still, not a label.
    assert_eq!(scored(|_: Datapoint| u64::MAX).await, "1.8446744073709552e+19");
    let score = |_: Datapoint| Score::new(0.5).because("half").with("words", 7).with("topic", "bees");
    assert_eq!(scored(score).await, "0.5 topic=\"bees\" words=7 (half)");
}

#[tokio::test]
async fn tuples_explain_themselves() {
    assert_eq!(scored(|_: Datapoint| (true, "because")).await, "true (because)");
    assert_eq!(
        scored(|_: Datapoint| (0.5, format!("{} of 2", 1))).await,
        "0.5 (1 of 2)"
    );
    let with_extras = |_: Datapoint| (1, "why", Map::from_iter([("words".to_owned(), json!(7))]));
    assert_eq!(scored(with_extras).await, "1 words=7 (why)");
}

#[tokio::test]
async fn maps_with_a_score_are_one_score_with_extras() {
    let value = |_: Datapoint| json!({"score": 0.5, "explanation": "half", "words": 7, "aside": null});
    assert_eq!(scored(value).await, "0.5 words=7 (half)");
    let own = |_: Datapoint| {
        Json(Rubric {
            score: 1.0,
            explanation: "fine",
            words: 3,
            aside: None,
        })
    };
    assert_eq!(scored(own).await, "1.0 words=3 (fine)");
    let numbers = |_: Datapoint| BTreeMap::from([("score".to_owned(), 1.0), ("recall".to_owned(), 0.5)]);
    assert_eq!(scored(numbers).await, "1.0 recall=0.5");
}

#[tokio::test]
async fn options_results_nulls_and_lists_of_one_are_what_they_hold() {
    assert_eq!(scored(|_: Datapoint| None::<bool>).await, "none");
    assert_eq!(scored(|_: Datapoint| Value::Null).await, "none");
    assert_eq!(scored(|_: Datapoint| Ok::<_, String>(Some(2))).await, "2");
    assert_eq!(
        scored(|_: Datapoint| json!([{"score": 1, "explanation": "one"}])).await,
        "1 (one)"
    );
    assert_eq!(scored(|_: Datapoint| vec![0.25]).await, "0.25");
}

#[tokio::test]
async fn what_is_no_score_is_an_error_of_the_evaluator_never_silent() {
    assert_eq!(
        scored(|_: Datapoint| vec![1, 2]).await,
        "error Score: a list of 2 is no score: return one, or a map with a name for each"
    );
    assert_eq!(
        scored(|_: Datapoint| json!([])).await,
        "error Score: a list of 0 is no score: return one, or a map with a name for each"
    );
    assert_eq!(
        scored(|_: Datapoint| json!({})).await,
        "error Score: an empty map is no score: return `None` for none"
    );
    assert_eq!(
        scored(|_: Datapoint| json!({"score": 1, "parts": {"a": 1}})).await,
        "error Score: `parts` is an object: a metric is a flag, a number or a text"
    );
    assert_eq!(
        scored(|_: Datapoint| json!({"score": [1]})).await,
        "error Score: `score` is a list: a metric is a flag, a number or a text"
    );
    assert_eq!(
        scored(|_: Datapoint| f64::NAN).await,
        "error Score: the score is NaN, not a finite number"
    );
    let infinite = |_: Datapoint| BTreeMap::from([("score".to_owned(), 1.0), ("x".to_owned(), f64::INFINITY)]);
    assert_eq!(scored(infinite).await, "error Score: `x` is inf, not a finite number");
    assert_eq!(
        scored(|_: Datapoint| Score::new(1).with("where", json!({"line": 1}))).await,
        "error Score: the score has `where` beside it, which is an object: a metric is a flag, a number or a text"
    );
    assert_eq!(
        scored(|_: Datapoint| Scores::new().with("a.b", 1)).await,
        "error Score: the score `a.b` has a name that has a dot, which would nest it"
    );
    assert_eq!(
        scored(|_: Datapoint| Err::<bool, _>("no key")).await,
        "error Error: no key"
    );
}

#[tokio::test]
async fn several_scores_have_names_columns_and_metrics_of_their_own() {
    let server = server();
    let quality = |_: Datapoint| {
        Scores::new()
            .with("fluent", 0.5)
            .with("grounded", Score::new(false).because("no source"))
    };
    let tones =
        |Outputs(text): Outputs<String>| HashMap::from([("warm".to_owned(), text.len()), ("cold".to_owned(), 0)]);
    let result = echo(&server, cases([(json!("out"), json!(""))]))
        .evaluator("first", |_: Datapoint| true)
        .evaluator("quality", quality)
        .evaluator("tone", tones)
        .await
        .unwrap();
    assert_eq!(
        lines(&result, 0),
        [
            "first: true",
            "quality_fluent: 0.5",
            "quality_grounded: false (no source)",
            "tone_cold: 0",
            "tone_warm: 3"
        ]
    );
    assert_eq!(
        result.evaluators,
        ["first", "quality_fluent", "quality_grounded", "tone_cold", "tone_warm"]
    );
    assert_eq!(result.rows[0].score("quality_fluent"), Some(&ScoreValue::Number(0.5)));
    let run = get(&server, &format!("/v1/runs/{}", result.run_id)).await["evaluation"].clone();
    assert_eq!(run["configuration"]["evaluators"], json!(["first", "quality", "tone"]));
    let tree = session(&tracer(&server), result.rows[0].session_id).await;
    insta::assert_snapshot!(tree.to_string(), @r#"
    session echo
    │ inputs: found="out"
    │ outputs: output="out"
    │ feedback: ground_truth=""
    └─ chain function
         inputs: found="out"
         outputs: result="out"
         metrics: first=true quality_fluent=0.5 quality_grounded=false quality_grounded_explanation="no source" tone_cold=0 tone_warm=3
    "#);
}

#[tokio::test]
async fn two_scores_of_one_name_are_never_mixed() {
    let server = server();
    let result = echo(&server, cases([(json!(1), json!(1))]))
        .evaluator("a", |_: Datapoint| Scores::new().with("b", 1))
        .evaluator("a_b", |_: Datapoint| 2)
        .await
        .unwrap();
    assert_eq!(
        lines(&result, 0),
        [
            "a: error Score: it gives a score of the name `a_b`, which another one has",
            "a_b: 2"
        ]
    );
}
