//! Ctrl-C, as a terminal sends it: what runs is finished, the run ends as cancelled, the program goes on.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

use std::process::{Command, Stdio};
use std::time::Duration;

use honeyhive_core::api::RunStatus;
use honeyhive_eval::prelude::*;
use honeyhive_tests::{KEY, PATIENCE, get, server};
use serde_json::{Value, json};

/// What the process runs that is interrupted: this test alone, started by the ones below.
#[tokio::test]
#[ignore = "run by the other tests"]
async fn the_process_that_is_interrupted() {
    let (url, calls) = (std::env::var("TEST_URL").unwrap(), std::env::var("TEST_CALLS").unwrap());
    let hangs = std::env::var_os("TEST_HANGS").is_some();
    let work = move |datapoint: Datapoint| {
        let calls = calls.clone();
        async move {
            let n = datapoint.inputs["n"].as_u64().unwrap();
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(calls)
                .unwrap();
            std::io::Write::write_all(&mut file, b"call\n").unwrap();
            if hangs && n > 0 {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            n
        }
    };
    let result = evaluate(work)
        .dataset(Dataset::new((0..5_000).map(|n| json!({"inputs": {"n": n}}))).unwrap())
        .connection(
            HoneyHiveTracer::builder()
                .environment([("HH_API_KEY", KEY)])
                .server_url(url)
                .undiscoverable(),
        )
        .max_workers(2)
        .cancel_on_ctrl_c()
        .git(false)
        .await
        .unwrap();
    assert_eq!((result.status, result.failed()), (RunStatus::Cancelled, 0));
    assert!(result.not_run > 0 && result.rows.len() + result.not_run == 5_000);
}

/// Starts the process, interrupts it `times` once it has called its function, and returns the run as the server has it.
async fn interrupted(times: usize, hangs: bool) -> Value {
    let server = server();
    let calls = std::env::temp_dir().join(format!("honeyhive-ctrl-c-{}", honeyhive_core::Uuid::new_v4()));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "the_process_that_is_interrupted", "--ignored"])
        .env("TEST_URL", server.url())
        .env("TEST_CALLS", &calls)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if hangs {
        command.env("TEST_HANGS", "1");
    }
    let mut child = command.spawn().unwrap();
    let made = || std::fs::read_to_string(&calls).map_or(0, |text| text.lines().count());
    let process = child.id().to_string();
    let end = async {
        while made() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for _ in 0..times {
            assert!(
                Command::new("kill")
                    .args(["-INT", &process])
                    .status()
                    .unwrap()
                    .success()
            );
            // Two signals at once are one.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let status = tokio::time::timeout(PATIENCE, end).await.unwrap();
    assert!(
        status.success(),
        "the program ends by itself, with the result it expects: {status}"
    );
    std::fs::remove_file(&calls).unwrap();
    get(&server, "/v1/runs").await["evaluations"][0].clone()
}

#[tokio::test]
async fn the_first_finishes_what_runs() {
    let run = interrupted(1, false).await;
    assert_eq!(run["status"], "cancelled");
    let sessions = run["event_ids"].as_array().unwrap().len();
    assert!((3..500).contains(&sessions), "{sessions}");
}

#[tokio::test]
async fn the_second_gives_up_what_hangs() {
    let run = interrupted(2, true).await;
    assert_eq!(
        (&run["status"], run["event_ids"].as_array().unwrap().len()),
        (&json!("cancelled"), 1)
    );
}
