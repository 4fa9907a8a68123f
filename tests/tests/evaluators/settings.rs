//! `evaluator(…)`: repetition, aggregates, transforms, checks, weights.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use honeyhive_eval::aggregate::{max, mean, median, min, mode, sum};
use honeyhive_eval::prelude::*;
use honeyhive_eval::{ConfiguredEvaluator, EvalError, ScoreValue};
use honeyhive_tests::{get, server, session, tracer};
use serde_json::json;

use super::{cases, echo, line, lines, outcomes};

async fn scored(evaluator: ConfiguredEvaluator) -> String {
    line(&outcomes(evaluator, [(json!("out"), json!("truth"))]).await[0])
}

/// Gives 1, 2, 3, … one per call.
fn counting() -> ConfiguredEvaluator {
    let calls = AtomicU32::new(0);
    evaluator(move |_: Datapoint| calls.fetch_add(1, Ordering::Relaxed) + 1)
}

/// The cases measured with the Python SDK 0.2.57: there the scores are scalars.
#[tokio::test]
async fn each_setting_gives_what_it_gave_in_0_2_57() {
    let four = || evaluator(|_: Datapoint| 4);
    assert_eq!(scored(four()).await, "4");
    assert_eq!(scored(four().repeat(3).aggregate(mean)).await, "4.0");
    let own = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert_eq!(scored(four().repeat(3).aggregate(own)).await, "4.0");
    assert_eq!(scored(four().transform(|value: i64| value * 10)).await, "40");
    let among = |value: i64, target: Vec<i64>| target.contains(&value);
    assert_eq!(
        scored(four().transform(|value: i64| value * 10).check(among).target([40, 50])).await,
        "true"
    );
    let all = four()
        .repeat(3)
        .aggregate(mean)
        .transform(|value: f64| value * 2.0)
        .check(|value: f64, target: f64| value >= target)
        .target(8);
    assert_eq!(scored(all).await, "true");
    // Wrapping another: its score goes through its own settings, then through these.
    assert_eq!(
        scored(evaluator(four().transform(|value: i64| value + 17)).transform(|value: i64| value * 2)).await,
        "42"
    );
}

#[tokio::test]
async fn every_named_aggregate_is_over_all_repetitions() {
    assert_eq!(scored(counting().repeat(4).aggregate(mean)).await, "2.5");
    assert_eq!(scored(counting().repeat(4).aggregate(median)).await, "2.5");
    assert_eq!(scored(counting().repeat(4).aggregate(min)).await, "1.0");
    assert_eq!(scored(counting().repeat(4).aggregate(max)).await, "4.0");
    assert_eq!(scored(counting().repeat(4).aggregate(sum)).await, "10.0");
    let vote = counting().transform(|n: i64| if n == 2 { "no" } else { "yes" });
    assert_eq!(scored(vote.repeat(3).aggregate(mode)).await, "\"yes\"");
    let all = |values: &[ScoreValue]| values.len();
    assert_eq!(scored(counting().repeat(4).aggregate(all)).await, "4");
}

#[tokio::test]
async fn the_check_is_per_repetition_without_an_aggregate_and_once_with_one() {
    let checks = Arc::new(AtomicU32::new(0));
    let counted = checks.clone();
    let check = move |value: f64| {
        counted.fetch_add(1, Ordering::Relaxed);
        value > 2.0
    };
    assert_eq!(scored(counting().repeat(4).aggregate(mean).check(check)).await, "true");
    assert_eq!(checks.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn explanations_extras_and_named_scores_survive() {
    let calls = AtomicU32::new(0);
    let explained = evaluator(move |_: Datapoint| {
        let call = calls.fetch_add(1, Ordering::Relaxed) + 1;
        Score::new(call)
            .because(format!("call {call}"))
            .with("words", call * 10)
            .with("topic", "bees")
    });
    let outcome = scored(explained.repeat(2).aggregate(mean).check(|mean: f64| mean > 1.0)).await;
    let lines: Vec<&str> = outcome.split(" (").collect();
    assert_eq!(lines[0], "true topic=\"bees\" words=15.0");
    assert!(lines[1].contains("call 1") && lines[1].contains("call 2"), "{outcome}");

    let server = server();
    let named = evaluator(|_: Datapoint| Scores::new().with("a", 1).with("b", 3));
    let result = echo(&server, cases([(json!(1), json!(1))]))
        .evaluator("it", named.repeat(2).aggregate(sum).transform(|n: i64| n + 1))
        .await
        .unwrap();
    assert_eq!(super::lines(&result, 0), ["it_a: 4.0", "it_b: 8.0"]);
}

#[tokio::test]
async fn assertions_fail_the_evaluator_on_that_row() {
    let four = || evaluator(|_: Datapoint| 4);
    assert_eq!(scored(four().asserts()).await, "4");
    assert_eq!(
        scored(evaluator(|_: Datapoint| 0).asserts()).await,
        "error AssertionError: Assertion failed: score 0"
    );
    let least = |value: f64, least: f64| value >= least;
    assert_eq!(
        scored(four().check(least).target(5).asserts()).await,
        "error AssertionError: Assertion failed: score 4 is not in range 5"
    );
    assert_eq!(scored(four().check(least).target(3).asserts()).await, "true");
}

#[tokio::test]
async fn a_repetition_or_a_function_that_fails_is_the_evaluators_error() {
    let calls = AtomicU32::new(0);
    let third_fails = evaluator(move |_: Datapoint| {
        assert!(calls.fetch_add(1, Ordering::Relaxed) < 2, "out of luck");
        1
    });
    assert_eq!(
        scored(third_fails.repeat(3).aggregate(mean)).await,
        "error Panic: out of luck"
    );
    let label = || evaluator(|_: Datapoint| "good");
    assert_eq!(
        scored(label().transform(|value: f64| value)).await,
        "error Score: the score \"good\" is not a number"
    );
    assert_eq!(
        scored(label().check(|_: String, _: f64| true).target("text")).await,
        "error Target: the target \"text\" does not fit the check: invalid type: string \"text\", expected f64"
    );
    let panics = label().transform(|_: String| -> bool { panic!("in the transform") });
    assert_eq!(scored(panics).await, "error Panic: in the transform");
    assert_eq!(
        scored(label().transform(|_: String| Scores::new().with("a", 1))).await,
        "error Score: a transform, check or aggregate gives one score, and this gave `a` by name"
    );
}

#[tokio::test]
async fn settings_that_contradict_each_other_stop_the_run_before_it_starts() {
    let server = server();
    let problem = async |evaluator: ConfiguredEvaluator| {
        let run = echo(&server, cases([(json!(1), json!(1))]))
            .evaluator("it", evaluator)
            .await;
        let EvalError::Evaluator { name, problem } = run.unwrap_err() else {
            panic!("another error")
        };
        assert_eq!(name, "it");
        problem
    };
    let one = || evaluator(|_: Datapoint| 1);
    assert_eq!(
        problem(one().repeat(0)).await,
        "it is repeated 0 times: it would never run"
    );
    assert_eq!(
        problem(one().repeat(3)).await,
        "it is repeated 3 times, and nothing makes one score of them: add an aggregate, such as the mean"
    );
    assert_eq!(
        problem(one().check(|_: f64, _: f64| true)).await,
        "its check takes a target, and there is none: add `target`"
    );
    assert_eq!(
        problem(one().weight(-1.0)).await,
        "its weight is -1: use a finite number from 0 up"
    );
    // Also of one that is wrapped.
    assert!(
        problem(evaluator(one().repeat(3)))
            .await
            .starts_with("it is repeated 3 times")
    );
    let runs = get(&server, "/v1/runs").await;
    assert_eq!(runs["evaluations"].as_array().map(Vec::len), Some(0), "{runs}");
}

#[trace(event_type = "tool")]
fn look_up(text: &str) -> usize {
    text.len()
}

#[tokio::test]
async fn each_call_is_an_event_of_its_own_with_what_it_calls_inside() {
    let server = server();
    let length = evaluator(|Outputs(text): Outputs<String>| Score::new(look_up(&text)).because("its letters"));
    let failing = evaluator(|_: Datapoint| Err::<bool, _>("no model"));
    let result = echo(&server, cases([(json!("out"), json!("truth"))]))
        .evaluator(
            "length",
            length.weight(2.0).check(|n: f64, least: f64| n >= least).target(3),
        )
        .evaluator("plain", |_: Datapoint| look_up("four"))
        .evaluator("failing", failing)
        .max_workers(1)
        .await
        .unwrap();
    assert_eq!(
        lines(&result, 0),
        [
            "length: true (its letters)",
            "plain: 4",
            "failing: error Error: no model"
        ]
    );
    let tree = session(&tracer(&server), result.rows[0].session_id).await.to_string();
    // Evaluators run at once, so their events come in any order; each has its own place in the tree.
    for expected in [
        "chain length",
        "config: target=3",
        "inputs: outputs=\"out\"",
        "outputs: result={\"explanation\":\"its letters\",\"score\":true}",
        "tool look_up",
        "inputs: text=\"four\"",
        "chain failing",
        "error: no model",
        "metrics: length=true length_explanation=\"its letters\" plain=4",
    ] {
        assert!(tree.contains(expected), "{expected} is missing:\n{tree}");
    }
    let run = get(&server, &format!("/v1/runs/{}", result.run_id)).await["evaluation"].clone();
    assert_eq!(run["configuration"]["evaluator_weights"], json!({"length": 2.0}));
    assert_eq!(result.weights["length"], 2.0);
    assert!(result.to_string().contains("of 1 scored, weight 2"), "{result}");
}
