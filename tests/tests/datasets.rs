//! Datasets the server holds: handed to it, read back, run on.
#![allow(clippy::unwrap_used, missing_docs)]

use honeyhive_eval::prelude::*;
use honeyhive_eval::{DatasetError, EvalError};
use honeyhive_tests::scripted::ScriptedServer;
use honeyhive_tests::{KEY, get, server, settings, tracer};
use serde_json::json;

#[tokio::test]
async fn an_uploaded_dataset_is_run_on_by_its_id() {
    let server = server();
    let tracer = tracer(&server);
    let local = Dataset::new(
        (0..250).map(|n| json!({"inputs": {"n": n}, "ground_truth": n * 2, "metadata": {"topic": "numbers"}})),
    )
    .unwrap();
    let uploaded = local.upload(&tracer.api(), "doubles").await.unwrap();
    assert_eq!(
        Dataset::managed(&tracer.api(), uploaded.id())
            .await
            .unwrap()
            .datapoints(),
        uploaded.datapoints()
    );

    let result = evaluate(|datapoint: Datapoint| datapoint.inputs["n"].as_i64().unwrap_or_default() * 2)
        .dataset_id(uploaded.id())
        .connection(settings(&server))
        .evaluator("right", |Outputs(o): Outputs<i64>, GroundTruth(t): GroundTruth<i64>| {
            o == t
        })
        .await
        .unwrap();
    assert_eq!((result.rows.len(), result.dataset_id.as_str()), (250, uploaded.id()));
    for ((row, before), local) in result.rows.iter().zip(uploaded.datapoints()).zip(local.datapoints()) {
        assert_eq!((&row.datapoint_id, &row.inputs), (&before.id, &local.inputs));
        assert_eq!(row.score("right").unwrap().as_number(), Some(1.0));
        assert_eq!(row.metadata["topic"], "numbers");
    }
    let run = get(&server, &format!("/v1/runs/{}", result.run_id)).await["evaluation"].clone();
    assert_eq!(run["dataset_id"], json!(uploaded.id()));
    assert!(run["metadata"]["offline_dataset_id"].is_null());
    let summary = result.server_summary(&tracer.api()).await.unwrap();
    assert_eq!(summary.passed.len(), 250);
}

#[tokio::test]
async fn a_datapoint_the_server_lacks_is_an_error_before_anything_runs() {
    let server = ScriptedServer::start(|_, request| {
        let answer = match request.line.as_str() {
            "GET /v1/datasets" => json!({"datasets": [{"id": "d", "datapoints": ["a", "b", "c"]}]}),
            _ => json!({"datapoints": [{"id": "b", "inputs": {}}]}),
        };
        axum::response::IntoResponse::into_response(axum::Json(answer))
    });
    let connection = HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", KEY)])
        .server_url(server.url())
        .undiscoverable();
    let error = evaluate(|_: Datapoint| 1)
        .dataset_id("d")
        .connection(connection)
        .await
        .unwrap_err();
    assert!(
        matches!(error, EvalError::Dataset(DatasetError::Missing { .. })),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "dataset \"d\" lists 2 datapoints the server does not have: a, c"
    );
    assert!(server.arrived("POST /v1/runs").is_empty());
}

#[tokio::test]
async fn a_dataset_the_server_does_not_have_is_named() {
    let server = server();
    let error = evaluate(|_: Datapoint| 1)
        .dataset_id("nowhere")
        .connection(settings(&server))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no dataset \"nowhere\""), "{error}");
    let two = evaluate(|_: Datapoint| 1)
        .dataset_id("nowhere")
        .dataset(Dataset::new([json!({})]).unwrap())
        .connection(settings(&server));
    assert!(matches!(two.await, Err(EvalError::SeveralDatasets)));
}
