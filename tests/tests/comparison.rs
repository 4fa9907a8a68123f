//! Runs beside a baseline: the rows of two results, and what a real server holds of them, say the same.

#![allow(clippy::unwrap_used, missing_docs)]

use honeyhive_eval::prelude::*;
use honeyhive_eval::{CompareError, Comparison, Evaluation, ExperimentResult, Metric, RowChange};
use honeyhive_local::Server;
use honeyhive_tests::{server, settings, tracer};
use serde_json::json;

/// How well the documents fit, measured on an event below the function.
#[trace(event_type = "tool", skip(tracer))]
fn retrieve(tracer: &HoneyHiveTracer, fit: f64) {
    tracer.enrich_span(Enrichment::new().metric("fit", fit));
}

fn number(datapoint: &Datapoint) -> i64 {
    datapoint.inputs["n"].as_i64().unwrap()
}

fn doubled_below_four(datapoint: Datapoint, tracer: HoneyHiveTracer) -> i64 {
    retrieve(&tracer, 0.25);
    let number = number(&datapoint);
    if number < 4 { number * 2 } else { 0 }
}

fn doubled_but_for_one(datapoint: Datapoint, tracer: HoneyHiveTracer) -> Result<i64, String> {
    retrieve(&tracer, 0.75);
    match number(&datapoint) {
        1 => Ok(0),
        7 => Err("seven is too many".to_owned()),
        other => Ok(other * 2),
    }
}

async fn run(server: &Server, name: &str, evaluation: Evaluation) -> ExperimentResult {
    let items = (0..8).map(|n| json!({"id": format!("n{n}"), "inputs": {"n": n}, "ground_truth": n * 2}));
    evaluation
        .name(name)
        .dataset(Dataset::new(items).unwrap())
        .evaluator(
            "exact",
            |Outputs(found): Outputs<i64>, GroundTruth(truth): GroundTruth<i64>| found == truth,
        )
        .evaluator("size", |Outputs(found): Outputs<i64>| {
            Score::new(found).with("half", found / 2)
        })
        .connection(settings(server))
        .await
        .unwrap()
}

async fn two_runs(server: &Server) -> (ExperimentResult, ExperimentResult) {
    let before = run(server, "before", evaluate(doubled_below_four)).await;
    let now = run(server, "now", evaluate(doubled_but_for_one)).await;
    assert_eq!((before.warnings.len(), now.warnings.len()), (0, 0));
    (before, now)
}

/// What a comparison says of the metric `exact`.
fn holds_what_happened(comparison: &Comparison) {
    let exact = comparison.metric("exact").unwrap();
    // Row 7 failed now, so it has no score to compare.
    assert_eq!((exact.pairs, exact.same, exact.is_rate), (7, 3, true));
    assert!((exact.baseline - 4.0 / 7.0).abs() < 1e-12 && (exact.current - 6.0 / 7.0).abs() < 1e-12);
    let ids = |rows: &[RowChange]| -> Vec<String> { rows.iter().map(|row| row.datapoint_id.clone()).collect() };
    assert_eq!(ids(&exact.improved), ["EXT-n4", "EXT-n5", "EXT-n6"]);
    assert_eq!(ids(&exact.degraded), ["EXT-n1"]);
    assert_eq!(exact.only_in_baseline, ["EXT-n7"]);
    assert!((exact.significance.p_value - 0.625).abs() < 1e-12);
    let half = comparison.metric("size_half").unwrap();
    assert_eq!((half.pairs, half.is_rate, half.same), (7, false, 3));
    assert_eq!(comparison.newly_failed, ["EXT-n7"]);
    assert_eq!(comparison.common.len(), 8);
    assert_eq!(
        (comparison.run.name.as_str(), comparison.baseline.name.as_str()),
        ("now", "before")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn results_and_what_the_server_holds_of_them_compare_alike() {
    let server = server();
    let (before, now) = two_runs(&server).await;
    let client = tracer(&server).api();

    let local = now.compare_with(&before).unwrap();
    holds_what_happened(&local);
    assert!(local.metric(Metric::Latency).is_some());
    holds_what_happened(&now.compare_with_run(&client, &before.run_id).await.unwrap());
    let on_server = Comparison::of_runs(&client, &now.run_id, &before.run_id).await.unwrap();
    holds_what_happened(&on_server);

    let fit = on_server.metric(Metric::on_event("fit", "retrieve")).unwrap();
    assert_eq!((fit.pairs, fit.delta, fit.significance.p_value), (8, 0.5, 2.0 / 256.0));
    assert_eq!(
        local.metric(Metric::on_event("fit", "retrieve")),
        None,
        "rows know their function's event alone"
    );
    let gate = |metric: Metric| on_server.check(&Gate::new().max_failed_rows(1).no_regression(metric));
    assert!(gate("exact".into()).passed() && gate(Metric::on_event("fit", "retrieve")).passed());
    let allows_none = on_server.check(&Gate::new());
    assert!(
        !allows_none.passed(),
        "the server knows that a row failed: {allows_none}"
    );
}

#[tokio::test]
async fn a_run_the_server_does_not_hold_is_an_error_that_names_it() {
    let server = server();
    let now = run(&server, "now", evaluate(doubled_below_four)).await;
    let client = tracer(&server).api();
    let unknown = "00000000-0000-4000-8000-000000000000";
    let error = now.compare_with_run(&client, unknown).await.unwrap_err();
    assert!(matches!(error, CompareError::Server { .. }));
    assert!(
        error.to_string().contains(&format!("run {unknown} cannot be read: ")),
        "{error}"
    );
}
