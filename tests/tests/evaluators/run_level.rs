//! Evaluators of the run as a whole.

use honeyhive_eval::prelude::*;
use honeyhive_eval::{EvalError, ExperimentResult, ScoreValue};
use honeyhive_tests::{get, server};
use serde_json::json;

use super::{cases, echo, line};

/// Borrows the result over an await.
async fn mean_of(result: &ExperimentResult, evaluator: &str) -> Option<f64> {
    tokio::task::yield_now().await;
    let summaries = result.summary();
    summaries.iter().find(|summary| summary.evaluator == evaluator)?.mean
}

#[tokio::test]
async fn they_see_every_row_and_their_scores_reach_the_run() {
    let server = server();
    let result = echo(&server, cases([(json!(1), json!(1)), (json!(2), json!(4))]))
        .evaluator(
            "exact",
            |Outputs(found): Outputs<i64>, GroundTruth(wanted): GroundTruth<i64>| found == wanted,
        )
        .run_evaluator("rows", |result: &ExperimentResult| result.rows.len())
        .run_evaluator("rate", async |result: &ExperimentResult| mean_of(result, "exact").await)
        .run_evaluator("good", |result: &ExperimentResult| {
            (result.failed() == 0, "no row failed")
        })
        .run_evaluator("parts", |_: &ExperimentResult| Scores::new().with("a", 1).with("b", 2))
        .run_evaluator("silent", |_: &ExperimentResult| None::<bool>)
        .run_evaluator("broken", |_: &ExperimentResult| -> bool { panic!("no opinion") })
        .await
        .unwrap();
    let lines: Vec<String> = result
        .run_scores
        .iter()
        .map(|(name, outcome)| format!("{name}: {}", line(outcome)))
        .collect();
    assert_eq!(
        lines,
        [
            "rows: 2",
            "rate: 0.5",
            "good: true (no row failed)",
            "parts_a: 1",
            "parts_b: 2",
            "silent: none",
            "broken: error Panic: no opinion"
        ]
    );
    assert_eq!(result.rows[1].score("exact"), Some(&ScoreValue::Flag(false)));
    let run = get(&server, &format!("/v1/runs/{}", result.run_id)).await["evaluation"].clone();
    assert_eq!(
        run["metadata"]["run_scores"],
        json!({
            "rows": 2,
            "rate": 0.5,
            "good": {"score": true, "explanation": "no row failed"},
            "parts_a": 1,
            "parts_b": 2,
            "broken": {"error": "Panic: no opinion"},
        })
    );
    assert_eq!(run["metadata"]["offline_dataset_id"], json!(result.dataset_id));
    assert!(result.to_string().contains("good: ✓ of the run"), "{result}");
}

#[tokio::test]
async fn names_are_unique_also_between_the_two_kinds() {
    let server = server();
    let dataset = || cases([(json!(1), json!(1))]);
    let twice = echo(&server, dataset())
        .run_evaluator("a", |_: &ExperimentResult| 1)
        .run_evaluator("a", |_: &ExperimentResult| 1)
        .await;
    assert!(matches!(twice, Err(EvalError::DuplicateEvaluator { name }) if name == "a"));
    let both = echo(&server, dataset())
        .evaluator("a", |_: Datapoint| 1)
        .run_evaluator("a", |_: &ExperimentResult| 1)
        .await;
    assert!(matches!(both, Err(EvalError::DuplicateEvaluator { name }) if name == "a"));
    let dotted = echo(&server, dataset())
        .run_evaluator("a.b", |_: &ExperimentResult| 1)
        .await;
    assert!(matches!(dotted, Err(EvalError::EvaluatorName { name }) if name == "a.b"));
}

#[tokio::test]
async fn one_that_takes_too_long_leaves_an_error_and_the_run_ends() {
    let server = server();
    let result = echo(&server, cases([(json!(1), json!(1))]))
        .run_evaluator("hangs", async |_: &ExperimentResult| {
            std::future::pending::<()>().await;
            1
        })
        .run_evaluator("rows", |result: &ExperimentResult| result.rows.len())
        .evaluator_timeout(std::time::Duration::from_millis(50))
        .await
        .unwrap();
    let said: Vec<String> = result
        .run_scores
        .iter()
        .map(|(name, outcome)| match outcome {
            Ok(score) => format!("{name}: {}", score.as_ref().unwrap().value()),
            Err(error) => format!("{name}: {error}"),
        })
        .collect();
    assert_eq!(said, ["hangs: Timeout: it took longer than 50ms", "rows: 1"]);
}
