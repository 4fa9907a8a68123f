//! Datasets that come while they are run: in order, each datapoint once, and what is left when they break.
#![allow(clippy::unwrap_used, missing_docs)]

use honeyhive_core::api::RunStatus;
use honeyhive_eval::prelude::*;
use honeyhive_eval::{ExperimentResult, Progress};
use honeyhive_tests::{get, server, settings};
use serde_json::json;

fn numbers(count: usize) -> Dataset {
    Dataset::new((0..count).map(|n| json!({"inputs": {"n": n}}))).unwrap()
}

#[tokio::test]
async fn a_stream_is_run_while_it_comes_and_its_failure_is_the_runs() {
    let server = server();
    let items = futures_util::stream::iter((0..20).map(|n| {
        if n < 10 {
            Ok(json!({"inputs": {"n": n}}))
        } else {
            Err("the database is gone")
        }
    }));
    let error = evaluate(|datapoint: Datapoint| datapoint.inputs)
        .dataset_stream(honeyhive_eval::DatasetStream::new("numbers", items))
        .connection(settings(&server))
        .max_workers(2)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "dataset item 10: the database is gone; 10 rows were finished before"
    );
    let honeyhive_eval::EvalError::CutShort { result, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(
        (result.status, result.succeeded(), result.not_run),
        (RunStatus::Failed, 10, 1)
    );
    assert!(!result.check(&Gate::new()).passed());
    let runs = get(&server, "/v1/runs").await;
    assert_eq!(runs["evaluations"][0]["status"], "failed");
    assert_eq!(runs["evaluations"][0]["event_ids"].as_array().unwrap().len(), 10);

    let stream = honeyhive_eval::DatasetStream::from_items("numbers", (0..500).map(|n| json!({"inputs": {"n": n}})));
    let result = evaluate(|datapoint: Datapoint| datapoint.inputs)
        .dataset_stream(stream)
        .connection(settings(&server))
        .progress(Progress::Silent)
        .await
        .unwrap();
    assert_eq!((result.dataset_id.as_str(), result.rows.len()), ("EXT-numbers", 500));
    assert_eq!(result.rows[499].inputs, json!({"n": 499}));
    let same = numbers(500);
    assert_eq!(result.rows[7].datapoint_id, same.datapoints()[7].id);
}

#[tokio::test]
async fn a_stream_that_gives_an_id_twice_ends_there() {
    let server = server();
    let items = ["a", "b", "a", "c"].map(|id| json!({"id": id, "inputs": {}}));
    let error = evaluate(|_: Datapoint| 1)
        .dataset_stream(honeyhive_eval::DatasetStream::from_items("letters", items))
        .connection(settings(&server))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("item 2: id \"EXT-a\" is given twice"),
        "{error}"
    );
}

/// How long a stream is shows at its end: a journal without it is that of a run that was killed.
#[tokio::test]
async fn a_journal_of_a_stream_tells_whether_the_stream_came_to_its_end() {
    let server = server();
    let path = std::env::temp_dir().join(format!("honeyhive-stream-{}.jsonl", honeyhive_core::Uuid::new_v4()));
    let run = || {
        let items = (0..5).map(|n| json!({"inputs": {"n": n}}));
        evaluate(|datapoint: Datapoint| datapoint.inputs)
            .dataset_stream(honeyhive_eval::DatasetStream::from_items("numbers", items))
            .connection(settings(&server))
            .resume(&path)
    };
    let status = || ExperimentResult::from_journal(&path).unwrap().status;
    run().await.unwrap();
    assert_eq!(
        (status(), std::fs::read_to_string(&path).unwrap().lines().count()),
        (RunStatus::Completed, 7)
    );
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().take(4).collect();
    std::fs::write(&path, kept.join("\n") + "\n").unwrap();
    assert_eq!(status(), RunStatus::Running);
    let killed = ExperimentResult::from_journal(&path).unwrap();
    assert!(!killed.check(&Gate::new()).passed());
    assert_eq!(run().await.unwrap().rows.len(), 5);
    assert_eq!(status(), RunStatus::Completed);
    assert_eq!(run().await.unwrap().rows.len(), 5);
    std::fs::remove_file(&path).unwrap();
}
