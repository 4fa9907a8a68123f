//! What the runner of experiments promises: time limits, retries, trials, limits of pace, stopping, and that a datapoint
//! stays in its session however its function is run.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use honeyhive_core::EventType;
use honeyhive_core::api::RunStatus;
use honeyhive_eval::prelude::*;
use honeyhive_eval::{CancelHandle, Isolation, RateLimit, Reducer, Retry, ScoreValue, Trial};
use honeyhive_local::Server;
use honeyhive_tests::{PATIENCE, all_events, get, server, session, settings, tracer};
use serde_json::{Value, json};

fn numbers(count: usize) -> Dataset {
    Dataset::new((0..count).map(|n| json!({"inputs": {"n": n}}))).unwrap()
}

fn n(datapoint: &Datapoint) -> u64 {
    datapoint.inputs["n"].as_u64().unwrap()
}

async fn run_of(server: &Server, id: &str) -> Value {
    get(server, &format!("/v1/runs/{id}")).await["evaluation"].clone()
}

#[trace(event_type = "tool")]
async fn never_returns() {
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn an_async_function_over_its_time_is_dropped_and_its_spans_end() {
    let server = server();
    let result = evaluate(|_: Datapoint| async { never_returns().await })
        .name("slow")
        .dataset(numbers(1))
        .connection(settings(&server))
        .timeout(Duration::from_millis(20))
        .await
        .unwrap();
    let error = result.rows[0].output.as_ref().unwrap_err();
    assert_eq!(error.to_string(), "Timeout: it took longer than 20ms");
    let tree = session(&tracer(&server), result.rows[0].session_id).await;
    insta::assert_snapshot!(tree.to_string(), @r#"
    session slow
    │ inputs: n=0
    │ metadata: error="Timeout: it took longer than 20ms"
    └─ chain function
       │ inputs: n=0
       │ metadata: error_type="Timeout"
       │ error: it took longer than 20ms
       └─ tool never_returns
            metadata: error_type="Cancelled"
            error: dropped before it finished
    "#);
}

#[tokio::test]
async fn a_blocking_function_over_its_time_is_left_behind_and_its_late_spans_stay_in_its_session() {
    let server = server();
    let tracer = tracer(&server);
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let (late, done) = std::sync::mpsc::channel();
    #[trace(event_type = "tool")]
    fn late_call() {}
    let function = move |_: Datapoint| {
        let _ = wait.lock().unwrap().recv();
        late_call();
        late.send(()).unwrap();
    };
    let result = evaluate(function)
        .name("blocked")
        .dataset(numbers(1))
        .tracer(&tracer)
        .timeout(Duration::from_millis(20))
        .await
        .unwrap();
    let error = result.rows[0].output.as_ref().unwrap_err();
    assert!(
        error.message.ends_with("could not be stopped and was left behind"),
        "{error}"
    );
    go_on.send(()).unwrap();
    done.recv_timeout(PATIENCE).unwrap();
    let tree = session(&tracer, result.rows[0].session_id).await;
    assert_eq!(tree.find("late_call").unwrap().event().event_type, EventType::Tool);
}

#[tokio::test]
async fn a_function_is_called_once_unless_retries_are_asked_for() {
    let server = server();
    for (retries, expected) in [(None, 1), (Some(2), 3)] {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = calls.clone();
        let mut evaluation = evaluate(move |_: Datapoint| {
            let call = counted.fetch_add(1, Ordering::Relaxed);
            if call < 2 {
                Err(format!("attempt {call}"))
            } else {
                Ok("at last")
            }
        })
        .dataset(numbers(1))
        .connection(settings(&server));
        if let Some(times) = retries {
            evaluation = evaluation.retry(Retry::times(times).pause(Duration::from_millis(1)));
        }
        let result = evaluation.await.unwrap();
        assert_eq!(calls.load(Ordering::Relaxed), expected);
        assert_eq!(result.rows[0].attempts, expected);
        assert_eq!(result.rows[0].output.is_ok(), retries.is_some());
        let events = all_events(&server).await;
        let function = events
            .iter()
            .find(|event| event.session_id == result.rows[0].session_id.to_string() && event.event_name == "function")
            .unwrap();
        if retries.is_some() {
            assert_eq!(function.metadata["attempts"], 3);
            assert_eq!(function.metadata["attempt_errors"]["1"], "Error: attempt 0");
        }
    }
}

#[tokio::test]
async fn trials_have_sessions_of_their_own_and_reduce_to_a_row() {
    let server = server();
    let result = evaluate(|Trial(trial): Trial| trial % 2)
        .name("trials")
        .dataset(numbers(2))
        .connection(settings(&server))
        .trials(4, Reducer::AtLeast(2))
        .evaluator("odd", |Outputs(o): Outputs<u32>| o == 1)
        .await
        .unwrap();
    for row in &result.rows {
        assert_eq!(row.trials.len(), 4);
        assert_eq!(row.session_id, row.trials[0].session_id);
        assert_eq!(row.score("odd"), Some(&ScoreValue::Flag(true)));
        let odd: Vec<_> = row.trials.iter().map(|trial| trial.output.clone().unwrap()).collect();
        assert_eq!(odd, [0, 1, 0, 1]);
        assert_eq!(row.attempts, 4);
    }
    let run = run_of(&server, &result.run_id).await;
    let sessions: Vec<String> = result
        .rows
        .iter()
        .flat_map(|row| &row.trials)
        .map(|trial| trial.session_id.to_string())
        .collect();
    assert_eq!(run["event_ids"], json!(sessions), "every session, in dataset order");
    assert_eq!(run["configuration"]["trials"], 4);
}

#[tokio::test]
async fn waiting_for_the_rate_is_no_latency() {
    let server = server();
    let started = Instant::now();
    let result = evaluate(async |datapoint: Datapoint| datapoint.inputs)
        .dataset(numbers(6))
        .connection(settings(&server))
        .rate_limit(RateLimit::new(1, Duration::from_millis(100)))
        .await
        .unwrap();
    assert!(
        started.elapsed() >= Duration::from_millis(500),
        "six calls, one each 100 ms"
    );
    let slowest = result.rows.iter().map(|row| row.latency).max().unwrap();
    assert!(
        slowest < Duration::from_millis(250),
        "one of them waited for half a second: {slowest:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn complaints_of_too_many_requests_reduce_the_calls_at_once() {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static REFUSED: AtomicUsize = AtomicUsize::new(0);

    /// Serves two at a time.
    async fn service(_: Datapoint) -> Result<&'static str, String> {
        let running = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
        let answer = if running > 2 {
            REFUSED.fetch_add(1, Ordering::SeqCst);
            Err("status 429".to_owned())
        } else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Ok("served")
        };
        RUNNING.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    let mut refused = [0, 0];
    for (adaptive, refused) in [false, true].into_iter().zip(&mut refused) {
        let server = server();
        let mut evaluation = evaluate(service)
            .dataset(numbers(64))
            .connection(settings(&server))
            .max_workers(16)
            .retry(
                Retry::times(50)
                    .pause(Duration::from_millis(1))
                    .longest_pause(Duration::from_millis(4)),
            );
        if adaptive {
            evaluation = evaluation.adaptive();
        }
        let result = evaluation.await.unwrap();
        assert_eq!(result.succeeded(), 64);
        *refused = REFUSED.swap(0, Ordering::SeqCst);
    }
    assert!(refused[1] * 2 < refused[0], "refused without and with: {refused:?}");
}

#[tokio::test]
async fn fail_fast_starts_nothing_after_a_failure() {
    let server = server();
    let result = evaluate(async |datapoint: Datapoint| if n(&datapoint) == 3 { Err("three") } else { Ok(1) })
        .dataset(numbers(50))
        .connection(settings(&server))
        .max_workers(2)
        .fail_fast()
        .await
        .unwrap();
    assert_eq!((result.failed(), result.status), (1, RunStatus::Failed));
    assert!(result.rows.len() <= 10, "{} rows", result.rows.len());
    assert_eq!(result.rows.len() + result.not_run, 50);
    assert_eq!(run_of(&server, &result.run_id).await["status"], "failed");
}

#[tokio::test]
async fn cancelling_finishes_what_runs_and_ends_the_run_as_cancelled() {
    let server = server();
    let cancel = CancelHandle::new();
    let canceller = cancel.clone();
    let result = evaluate(move |datapoint: Datapoint| {
        let canceller = canceller.clone();
        async move {
            if n(&datapoint) == 4 {
                canceller.cancel();
            }
            tokio::task::yield_now().await;
            n(&datapoint)
        }
    })
    .dataset(numbers(100))
    .connection(settings(&server))
    .max_workers(3)
    .cancel(&cancel)
    .await
    .unwrap();
    assert!(cancel.is_cancelled());
    assert_eq!((result.status, result.failed()), (RunStatus::Cancelled, 0));
    assert!(result.rows.len() < 12, "{} rows", result.rows.len());
    assert_eq!(result.rows.len() + result.not_run, 100);
    let run = run_of(&server, &result.run_id).await;
    assert_eq!(
        (&run["status"], run["event_ids"].as_array().unwrap().len()),
        (&json!("cancelled"), result.rows.len())
    );
}

#[tokio::test]
async fn aborting_gives_up_what_runs() {
    for isolation in [Isolation::Task, Isolation::Thread] {
        let server = server();
        let cancel = CancelHandle::new();
        let aborter = cancel.clone();
        let result = evaluate(move |datapoint: Datapoint| {
            let aborter = aborter.clone();
            async move {
                if n(&datapoint) == 2 {
                    aborter.abort();
                }
                if n(&datapoint) > 0 {
                    std::future::pending::<()>().await;
                }
            }
        })
        .dataset(numbers(9))
        .connection(settings(&server))
        .max_workers(2)
        .isolation(isolation)
        .cancel(&cancel)
        .await
        .unwrap();
        assert_eq!(
            (result.rows.len(), result.status),
            (1, RunStatus::Cancelled),
            "{isolation:?}"
        );
    }
}

#[tokio::test]
async fn a_run_whose_future_is_dropped_is_marked_as_cancelled() {
    let server = server();
    let run = evaluate(|_: Datapoint| std::future::pending::<()>())
        .dataset(numbers(3))
        .connection(settings(&server))
        .into_future();
    assert!(tokio::time::timeout(Duration::from_millis(300), run).await.is_err());
    let status = async {
        loop {
            let runs = get(&server, "/v1/runs").await;
            if runs["evaluations"][0]["status"] == "cancelled" {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, status).await.unwrap();
}

#[tokio::test]
async fn an_evaluator_over_its_time_leaves_an_error_and_the_others_their_scores() {
    let server = server();
    let result = evaluate(|_: Datapoint| 1)
        .dataset(numbers(1))
        .connection(settings(&server))
        .evaluator("hangs", async |_: Datapoint| -> bool { std::future::pending().await })
        .evaluator("quick", |_: Datapoint| true)
        .evaluator_timeout(Duration::from_millis(20))
        .await
        .unwrap();
    let [(_, hangs), (_, quick)] = result.rows[0].scores.as_slice() else {
        panic!("{:?}", result.rows[0].scores)
    };
    assert_eq!(hangs.as_ref().unwrap_err().kind, "Timeout");
    assert!(quick.is_ok());
}

#[trace(event_type = "tool")]
async fn spawned(number: u64) {
    let _ = number;
    tokio::task::yield_now().await;
}

#[trace(event_type = "tool")]
fn blocking(number: u64) {
    let _ = number;
}

/// As a library does that knows nothing of contexts.
async fn spawns_by_itself(datapoint: Datapoint) -> u64 {
    let number = n(&datapoint);
    tokio::spawn(spawned(number)).await.unwrap();
    tokio::task::spawn_blocking(move || blocking(number)).await.unwrap();
    tokio::spawn(async move { tokio::spawn(spawned(number)).await.unwrap() })
        .await
        .unwrap();
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_a_thread_of_its_own_a_datapoint_keeps_what_is_spawned_without_context() {
    let server = server();
    let result = evaluate(spawns_by_itself)
        .name("threads")
        .dataset(numbers(100))
        .connection(settings(&server))
        .max_workers(16)
        .isolation(Isolation::Thread)
        .evaluator("same", |Outputs(o): Outputs<u64>, datapoint: Datapoint| {
            o == n(&datapoint)
        })
        .await
        .unwrap();
    assert_eq!((result.succeeded(), result.warnings.as_slice()), (100, &[][..]));
    let events = all_events(&server).await;
    for (number, row) in (0_u64..).zip(&result.rows) {
        assert_eq!(row.score("same"), Some(&ScoreValue::Flag(true)));
        let own: Vec<_> = events
            .iter()
            .filter(|event| event.session_id == row.session_id.to_string())
            .collect();
        assert_eq!(own.len(), 5, "session, function, three spawned calls");
        for event in own.iter().filter(|event| event.event_type == EventType::Tool) {
            assert_eq!(event.inputs["number"], json!(number));
        }
    }
}

#[trace(event_type = "model")]
fn asks_a_model(tracer: &HoneyHiveTracer, tokens: u64) {
    tracer.enrich_span(
        Enrichment::new()
            .metadata("prompt_tokens", tokens)
            .metadata("completion_tokens", 1)
            .metadata("cost", 0.5),
    );
}

#[tokio::test]
async fn rows_know_the_tokens_and_cost_of_their_function() {
    let server = server();
    let result = evaluate(|datapoint: Datapoint, tracer: HoneyHiveTracer| {
        for _ in 0..n(&datapoint) {
            asks_a_model(&tracer, 10);
        }
    })
    .dataset(numbers(3))
    .connection(settings(&server))
    .evaluator("judge", |tracer: HoneyHiveTracer| {
        asks_a_model(&tracer, 1_000);
        true
    })
    .await
    .unwrap();
    let usage = |row: usize| result.rows[row].usage;
    assert_eq!(usage(0).total_tokens, None, "nothing is known of it");
    assert_eq!((usage(2).input_tokens, usage(2).output_tokens), (Some(20), Some(2)));
    assert_eq!((usage(2).total_tokens, usage(2).cost), (Some(22), Some(1.0)));
}

#[tokio::test]
async fn the_run_tells_the_commit_and_what_the_user_adds() {
    let server = server();
    let id = honeyhive_core::Uuid::new_v4();
    let run = |git: bool| {
        evaluate(|_: Datapoint| 1)
            .dataset(numbers(1))
            .connection(settings(&server))
            .git(git)
            .metadata("team", "core")
            .configuration("model", json!({"name": "m-1"}))
    };
    let result = run(true).run_id(id).await.unwrap();
    assert_eq!(result.run_id, id.to_string());
    let record = run_of(&server, &result.run_id).await;
    let git = &record["metadata"]["git"];
    assert!(
        git.is_null() || git["commit_hash"].as_str().unwrap().len() == 40,
        "{git}"
    );
    assert!(!record.to_string().contains("email"));
    assert_eq!(record["metadata"]["team"], "core");
    assert_eq!(record["configuration"]["model"]["name"], "m-1");
    assert_eq!(record["configuration"]["function"], "function");
    let without = run(false).await.unwrap();
    assert!(run_of(&server, &without.run_id).await["metadata"]["git"].is_null());
}

#[test]
fn a_runtime_without_time_and_io_is_enough() {
    let server = server();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let run = evaluate(async |datapoint: Datapoint| datapoint.inputs)
        .dataset(numbers(3))
        .connection(settings(&server))
        .evaluator("any", |_: Datapoint| true)
        .into_future();
    assert_eq!(runtime.block_on(run).unwrap().succeeded(), 3);
}
