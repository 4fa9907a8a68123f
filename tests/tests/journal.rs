//! The journal: a killed run goes on where it was, nothing is paid for twice, and what is in the file can be scored anew.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use honeyhive_core::api::RunStatus;
use honeyhive_eval::prelude::*;
use honeyhive_eval::{Evaluation, ExperimentResult, JournalError, Reducer, ScoreValue, rescore};
use honeyhive_local::Server;
use honeyhive_tests::scripted::{ScriptedServer, ok, status};
use honeyhive_tests::{KEY, get, server, settings};
use serde_json::{Value, json};

/// A directory that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("honeyhive-journal-{}", honeyhive_core::Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn numbers(count: usize) -> Dataset {
    Dataset::new((0..count).map(|n| json!({"inputs": {"n": n}, "ground_truth": n * n}))).unwrap()
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap().lines().count()
}

/// Squares a number and counts its calls; odd ones fail while `fails` is set.
fn squares(server: &Server, calls: &Arc<AtomicUsize>, fails: bool) -> Evaluation {
    let calls = calls.clone();
    let square = move |datapoint: Datapoint| {
        calls.fetch_add(1, Ordering::SeqCst);
        let n = datapoint.inputs["n"].as_u64().unwrap();
        if fails && n % 2 == 1 { Err("odd") } else { Ok(n * n) }
    };
    evaluate(square)
        .name("squares")
        .function_name("square")
        .dataset(numbers(10))
        .connection(settings(server))
        .evaluator("right", |Outputs(o): Outputs<u64>, GroundTruth(t): GroundTruth<u64>| {
            o == t
        })
}

#[tokio::test]
async fn a_finished_journal_is_the_result_and_resuming_it_calls_nothing() {
    let (server, directory, calls) = (server(), Directory::new(), Arc::new(AtomicUsize::new(0)));
    let path = directory.file("run.jsonl");
    let first = squares(&server, &calls, true).journal(&path).await.unwrap();
    assert_eq!((calls.load(Ordering::SeqCst), lines(&path)), (10, 11));
    let read = ExperimentResult::from_journal(&path).unwrap();
    assert_eq!(
        (&read.rows, &read.run_id, read.status),
        (&first.rows, &first.run_id, RunStatus::Completed)
    );
    assert_eq!(
        (read.evaluators.as_slice(), read.dataset_id),
        (&["right".to_owned()][..], first.dataset_id.clone())
    );

    let again = squares(&server, &calls, true).resume(&path).await.unwrap();
    assert_eq!(
        calls.load(Ordering::SeqCst),
        10,
        "a failed row is not executed again either"
    );
    assert_eq!((again.rows, again.run_id), (first.rows, first.run_id));
    assert!(again.duration > read.duration, "times add up");
    assert_eq!(
        get(&server, "/v1/runs").await["evaluations"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_torn_line_does_not_count_and_is_written_anew() {
    let (server, directory, calls) = (server(), Directory::new(), Arc::new(AtomicUsize::new(0)));
    let path = directory.file("run.jsonl");
    let whole = squares(&server, &calls, false).journal(&path).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    // The header, three lines and half a line.
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
    std::fs::write(&path, &text[..(ends[3] + ends[4]) / 2]).unwrap();
    let torn = ExperimentResult::from_journal(&path).unwrap();
    assert_eq!((torn.rows.len(), torn.not_run, torn.status), (3, 7, RunStatus::Running));

    let resumed = squares(&server, &calls, false).resume(&path).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 10 + 7);
    assert_eq!((resumed.run_id, lines(&path)), (whole.run_id, 11));
    for (index, (row, before)) in resumed.rows.iter().zip(&whole.rows).enumerate() {
        assert_eq!((&row.output, &row.scores), (&before.output, &before.scores));
        let kept = torn.rows.iter().any(|kept| kept.session_id == row.session_id);
        assert_eq!(
            kept,
            row.session_id == before.session_id,
            "row {index} is either kept or new"
        );
    }
    assert_eq!(ExperimentResult::from_journal(&path).unwrap().rows, resumed.rows);
}

#[tokio::test]
async fn only_what_failed_is_executed_again_on_request() {
    let (server, directory, calls) = (server(), Directory::new(), Arc::new(AtomicUsize::new(0)));
    let path = directory.file("run.jsonl");
    let first = squares(&server, &calls, true).journal(&path).await.unwrap();
    assert_eq!(first.failed(), 5);
    let second = squares(&server, &calls, false).retry_failed(&path).await.unwrap();
    assert_eq!((calls.load(Ordering::SeqCst), second.failed()), (15, 0));
    assert_eq!(
        (&second.run_id, second.rows[2].session_id),
        (&first.run_id, first.rows[2].session_id)
    );
    assert_eq!(
        ExperimentResult::from_journal(&path).unwrap().rows,
        second.rows,
        "the later line counts"
    );
    let run = get(&server, &format!("/v1/runs/{}", first.run_id)).await["evaluation"].clone();
    let sessions: Vec<String> = second.session_ids().iter().map(ToString::to_string).collect();
    assert_eq!(run["event_ids"], json!(sessions));
}

/// A judge that was out of reach must not cost the answers a second time.
#[tokio::test]
async fn where_only_an_evaluator_failed_the_output_is_scored_again_without_calling_the_function() {
    let (server, directory, calls) = (server(), Directory::new(), Arc::new(AtomicUsize::new(0)));
    let path = directory.file("run.jsonl");
    let run = |judge_works: bool| {
        squares(&server, &calls, !judge_works).evaluator("judge", move |Outputs(o): Outputs<u64>| {
            if o == 16 && !judge_works { Err("429") } else { Ok(o) }
        })
    };
    let first = run(false).journal(&path).await.unwrap();
    assert!(first.rows[4].output.is_ok() && first.rows[4].score("judge").is_none());
    let second = run(true).retry_failed(&path).await.unwrap();
    assert_eq!(
        calls.load(Ordering::SeqCst),
        10 + 5,
        "the five that failed, not the one that was not judged"
    );
    assert_eq!(second.rows[4].score("judge"), Some(&ScoreValue::Integer(16)));
    assert_eq!(second.rows[4].latency, first.rows[4].latency);
    assert_eq!(second.rows[2], first.rows[2]);
    assert_eq!(ExperimentResult::from_journal(&path).unwrap().rows, second.rows);
}

#[tokio::test]
async fn trials_that_were_finished_are_not_paid_for_again() {
    let (server, directory, calls) = (server(), Directory::new(), Arc::new(AtomicUsize::new(0)));
    let path = directory.file("run.jsonl");
    let run = || squares(&server, &calls, false).trials(3, Reducer::Mean);
    run().journal(&path).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().take(1 + 17).collect();
    std::fs::write(&path, kept.join("\n") + "\n").unwrap();
    let resumed = run().resume(&path).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 30 + 13);
    assert!(resumed.rows.iter().all(|row| row.trials.len() == 3));
}

#[tokio::test]
async fn a_journal_of_another_experiment_is_refused_and_none_is_overwritten() {
    let (server, directory, calls) = (server(), Directory::new(), Arc::new(AtomicUsize::new(0)));
    let path = directory.file("run.jsonl");
    let new = || squares(&server, &calls, false);
    new().journal(&path).await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = |result: Result<ExperimentResult, honeyhive_eval::EvalError>| result.unwrap_err().to_string();
    let other = evaluate(|_: Datapoint| 1)
        .function_name("square")
        .connection(settings(&server));
    for (message, expected) in [
        (
            refused(new().journal(&path).await),
            "is there already: go on with .resume",
        ),
        (
            refused(other.dataset(numbers(11)).resume(&path).await),
            "its dataset is \"EXT-",
        ),
        (
            refused(new().function_name("cube").resume(&path).await),
            "its function is \"square\", this one's is \"cube\"",
        ),
        (
            refused(new().evaluator("new", |_: Datapoint| 1).resume(&path).await),
            "score finished rows anew with rescore",
        ),
        (
            refused(new().trials(2, Reducer::Mean).resume(&path).await),
            "its trials is \"1\"",
        ),
    ] {
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(
        (calls.load(Ordering::SeqCst), std::fs::read(&path).unwrap()),
        (10, before.clone())
    );

    std::fs::write(&path, [&before[..], b"{\"index\": oops}\n"].concat()).unwrap();
    let message = refused(new().resume(&path).await);
    assert!(message.contains("line 12: expected value"), "{message}");
    std::fs::write(&path, "").unwrap();
    assert!(matches!(
        ExperimentResult::from_journal(&path),
        Err(JournalError::Empty { .. })
    ));
}

/// A stream is known by its name alone, so its datapoints are compared one by one.
#[tokio::test]
async fn a_stream_that_gives_other_datapoints_than_before_does_not_go_on() {
    let (server, directory) = (server(), Directory::new());
    let path = directory.file("run.jsonl");
    let run = |from: u32| {
        let items = (from..from + 5).map(|n| json!({"inputs": {"n": n}}));
        evaluate(|datapoint: Datapoint| datapoint.inputs)
            .dataset_stream(honeyhive_eval::DatasetStream::from_items("numbers", items))
            .connection(settings(&server))
            .resume(&path)
    };
    let first = run(0).await.unwrap();
    assert_eq!(run(0).await.unwrap().rows, first.rows);
    let error = run(1).await.unwrap_err().to_string();
    assert!(
        error.contains("its datapoint is \"EXT-") && error.contains("at position 0"),
        "{error}"
    );
}

#[tokio::test]
async fn two_experiments_do_not_write_to_one_journal() {
    let (server, directory, calls) = (server(), Directory::new(), Arc::new(AtomicUsize::new(0)));
    let path = directory.file("run.jsonl");
    let second = squares(&server, &calls, false).resume(&path);
    let second = std::sync::Mutex::new(Some(second));
    let result = evaluate(move |_: Datapoint| {
        let second = second.lock().unwrap().take();
        async move {
            match second {
                Some(second) => second.await.unwrap_err().to_string(),
                None => String::new(),
            }
        }
    })
    .dataset(numbers(1))
    .connection(settings(&server))
    .journal(&path)
    .await
    .unwrap();
    let said = result.rows[0].output.clone().unwrap();
    assert!(
        said.as_str().unwrap().ends_with("is in use by another experiment"),
        "{said}"
    );
}

#[tokio::test]
async fn outputs_are_scored_anew_without_calling_the_function() {
    let (server, directory, calls) = (server(), Directory::new(), Arc::new(AtomicUsize::new(0)));
    let path = directory.file("run.jsonl");
    let first = squares(&server, &calls, true).journal(&path).await.unwrap();
    let earlier = ExperimentResult::from_journal(&path).unwrap();
    let result = rescore(&earlier)
        .connection(settings(&server))
        .evaluator("small", |Outputs(o): Outputs<u64>| o < 10)
        .await
        .unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 10);
    assert_eq!(
        (result.name.as_str(), &result.dataset_id),
        ("squares rescored", &first.dataset_id)
    );
    for (row, before) in result.rows.iter().zip(&first.rows) {
        assert_eq!(
            (&row.output, row.latency, &row.datapoint_id),
            (&before.output, before.latency, &before.datapoint_id)
        );
        assert_ne!(row.session_id, before.session_id);
        let expected = before
            .output
            .as_ref()
            .ok()
            .map(|o| ScoreValue::Flag(o.as_u64().unwrap() < 10));
        assert_eq!(row.score("small"), expected.as_ref());
    }
    let run = get(&server, &format!("/v1/runs/{}", result.run_id)).await["evaluation"].clone();
    assert_eq!(run["metadata"]["rescored_from"], json!(first.run_id));
    assert_eq!(run["configuration"]["function"], "square");
}

/// Half a run must not pass a gate by being scored anew.
#[tokio::test]
async fn what_the_earlier_run_lacked_is_lacking_when_it_is_scored_anew() {
    let (server, directory, calls) = (server(), Directory::new(), Arc::new(AtomicUsize::new(0)));
    let path = directory.file("run.jsonl");
    squares(&server, &calls, false).journal(&path).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().take(5).collect();
    std::fs::write(&path, kept.join("\n") + "\n").unwrap();
    let result = rescore(&ExperimentResult::from_journal(&path).unwrap())
        .connection(settings(&server))
        .await
        .unwrap();
    assert_eq!((result.rows.len(), result.not_run), (4, 6));
    assert!(!result.check(&Gate::new()).passed());
}

const ROWS: usize = 500;

/// One call a line, in a file that outlives the process.
fn note(path: &str, n: u64) {
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(format!("{n}\n").as_bytes()).unwrap();
}

fn long_run(url: &str, journal: &str, calls: &str) -> Evaluation {
    let (url, calls) = (url.to_owned(), calls.to_owned());
    let work = move |datapoint: Datapoint| {
        let calls = calls.clone();
        async move {
            let n = datapoint.inputs["n"].as_u64().unwrap();
            note(&calls, n);
            tokio::time::sleep(Duration::from_millis(n % 3)).await;
            if n % 50 == 7 {
                Err(format!("no square of {n}"))
            } else {
                Ok(n * n)
            }
        }
    };
    evaluate(work)
        .name("long")
        .function_name("square")
        .dataset(numbers(ROWS))
        .connection(
            HoneyHiveTracer::builder()
                .environment([("HH_API_KEY", KEY)])
                .server_url(url)
                .undiscoverable(),
        )
        .max_workers(8)
        .git(false)
        .evaluator("right", |Outputs(o): Outputs<u64>, GroundTruth(t): GroundTruth<u64>| {
            o == t
        })
        .evaluator("share", |Outputs(o): Outputs<u64>| o as f64 / 250_000.0)
        .resume(journal)
}

/// What the killed process runs: this test alone, started by the one below.
#[tokio::test]
#[ignore = "run by a_run_that_is_killed_at_any_moment_goes_on_where_it_was"]
async fn the_process_that_is_killed() {
    let [url, journal, calls] = ["TEST_URL", "TEST_JOURNAL", "TEST_CALLS"].map(|name| std::env::var(name).unwrap());
    long_run(&url, &journal, &calls).await.unwrap();
}

#[tokio::test]
async fn what_the_server_is_told_is_in_the_journal_already() {
    let directory = Directory::new();
    let path = directory.file("run.jsonl");
    let journal = path.clone();
    let server = ScriptedServer::start(move |_, request| {
        if request.line == "PUT /events" {
            let session = request.json()["event_id"].as_str().unwrap().to_owned();
            let there = std::fs::read_to_string(&journal).unwrap().contains(&session);
            return if there { ok() } else { status(418) };
        }
        ok()
    });
    let result = evaluate(|datapoint: Datapoint| datapoint.inputs)
        .dataset(numbers(50))
        .connection(
            HoneyHiveTracer::builder()
                .environment([("HH_API_KEY", KEY)])
                .server_url(server.url())
                .undiscoverable(),
        )
        .journal(&path)
        .await
        .unwrap();
    assert_eq!(result.warnings, [""; 0]);
    assert_eq!(server.arrived("PUT /events").len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_at_any_moment_goes_on_where_it_was() {
    let server = server();
    let directory = Directory::new();
    let path = |name: String| directory.file(&name).display().to_string();
    let whole = long_run(server.url(), &path("whole".into()), &path("whole calls".into()))
        .await
        .unwrap();
    let mut killed_within = 0;
    for round in 0..20_u64 {
        let (journal, calls) = (path(format!("journal {round}")), path(format!("calls {round}")));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_process_that_is_killed", "--ignored"])
            .envs([
                ("TEST_URL", server.url()),
                ("TEST_JOURNAL", &journal),
                ("TEST_CALLS", &calls),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // A random moment: after so many calls, which is anywhere in the run, and then some.
        let random = u64::from(honeyhive_core::Uuid::new_v4().as_bytes()[0]);
        let moment = (round * 25 + random / 10) as usize;
        let made = || std::fs::read_to_string(&calls).map_or(0, |text| text.lines().count());
        while made() < moment && child.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let journalled: Vec<u64> = match ExperimentResult::from_journal(&journal) {
            Ok(left) => left.rows.iter().map(|row| row.inputs["n"].as_u64().unwrap()).collect(),
            Err(_) => Vec::new(),
        };
        killed_within += usize::from(!journalled.is_empty() && journalled.len() < ROWS);

        let result = long_run(server.url(), &journal, &calls).await.unwrap();
        assert_eq!(result.rows.len(), ROWS);
        for (row, expected) in result.rows.iter().zip(&whole.rows) {
            assert_eq!(row.datapoint_id, expected.datapoint_id);
            assert_eq!((&row.output, &row.scores), (&expected.output, &expected.scores));
        }
        let mut counts: HashMap<u64, usize> = HashMap::new();
        for line in std::fs::read_to_string(&calls).unwrap().lines() {
            *counts.entry(line.parse().unwrap()).or_default() += 1;
        }
        for n in 0..ROWS as u64 {
            let most = if journalled.contains(&n) { 1 } else { 2 };
            assert!(
                (1..=most).contains(&counts[&n]),
                "{n} was called {} times, {most} allowed",
                counts[&n]
            );
        }
        let run = get(&server, &format!("/v1/runs/{}", result.run_id)).await["evaluation"].clone();
        let sessions: Vec<Value> = result.session_ids().iter().map(|id| json!(id.to_string())).collect();
        assert_eq!(
            (&run["status"], &run["event_ids"]),
            (&json!("completed"), &Value::from(sessions))
        );
    }
    assert!(
        killed_within >= 10,
        "only {killed_within} of 20 were killed in the middle"
    );
}
