//! Functions that block: waiting for a thread is not their time, and one that hangs does not keep the program from ending.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::time::Duration;

use honeyhive_core::api::RunStatus;
use honeyhive_eval::prelude::*;
use honeyhive_eval::{CancelHandle, Evaluation, ExperimentResult};
use honeyhive_tests::{PATIENCE, server, settings};
use serde_json::json;

fn numbers(count: usize) -> Dataset {
    Dataset::new((0..count).map(|n| json!({"inputs": {"n": n}}))).unwrap()
}

fn n(datapoint: &Datapoint) -> u64 {
    datapoint.inputs["n"].as_u64().unwrap()
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

/// Runs an experiment and ends its runtime, as `#[tokio::main]` does at the end: that waits for what runs on tokio's threads
/// that may block.
fn run_to_the_end_of_the_program(evaluation: impl FnOnce() -> Evaluation + Send + 'static) -> ExperimentResult {
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let result = runtime.block_on(evaluation().into_future()).unwrap();
        drop(runtime);
        ended.send(result).unwrap();
    });
    end.recv_timeout(PATIENCE).expect("the runtime ends")
}

#[test]
fn a_blocking_function_that_hangs_does_not_keep_the_program_from_ending() {
    let server = server();
    let settings = settings(&server);
    let result = run_to_the_end_of_the_program(|| {
        evaluate(|datapoint: Datapoint| {
            if n(&datapoint) == 0 {
                hang()
            }
        })
        .dataset(numbers(2))
        .connection(settings)
        .timeout(Duration::from_millis(50))
        .evaluator("hangs", |_: Datapoint| -> bool { hang() })
        .evaluator_timeout(Duration::from_millis(50))
    });
    let error = result.rows[0].output.as_ref().unwrap_err();
    assert!(
        error
            .message
            .ends_with("it blocks, so it could not be stopped and was left behind")
    );
    assert_eq!((result.succeeded(), result.rows[1].scores.len()), (1, 1));
}

#[test]
fn aborting_a_blocking_function_that_hangs_lets_the_program_end() {
    let server = server();
    let settings = settings(&server);
    let result = run_to_the_end_of_the_program(|| {
        let cancel = CancelHandle::new();
        let handle = cancel.clone();
        evaluate(move |_: Datapoint| -> bool {
            handle.abort();
            hang()
        })
        .dataset(numbers(1))
        .connection(settings)
        .cancel(&cancel)
    });
    assert_eq!((result.status, result.not_run), (RunStatus::Cancelled, 1));
}

/// Ten workers and a runtime with one thread for what blocks: nine calls wait for it, which is not their time.
#[test]
fn waiting_for_a_thread_is_no_latency() {
    let server = server();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(1)
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let run = evaluate(|_: Datapoint| std::thread::sleep(Duration::from_millis(50)))
        .dataset(numbers(10))
        .connection(settings(&server))
        .git(false)
        .into_future();
    let result = runtime.block_on(run).unwrap();
    let longest = result.rows.iter().map(|row| row.latency).max().unwrap();
    assert!(
        result.duration >= Duration::from_millis(500),
        "one at a time: {:?}",
        result.duration
    );
    assert!(
        (Duration::from_millis(50)..Duration::from_millis(300)).contains(&longest),
        "{longest:?}"
    );
}
