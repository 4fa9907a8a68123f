//! The variables of 0.x, each in a process of its own that has them.
#![allow(
    deprecated,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the 0.x style is what is tested, and a test may stop"
)]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Condvar, Mutex};

use honeyhive_compat as honeyhive;
use honeyhive_compat::{Datapoint, EvaluateOptions, InitOptions};
use honeyhive_local::Server;
use honeyhive_tests::{KEY, PATIENCE, all_events, child, get, server};
use serde_json::{Value, json};

/// The test of this name again, as a child with these variables and no other setting.
fn run(test: &str, variables: &[(&str, &str)], directory: Option<&Path>) -> Output {
    let mut command = child::command(test, "child");
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().into_owned();
        if ["HH_", "HONEYHIVE_", "OTEL_"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
            && text != child::PART
        {
            command.env_remove(name);
        }
    }
    command.env_remove("CI").envs(variables.iter().copied());
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    output
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

/// The only run the backend has.
fn only_run(server: &Server) -> Value {
    let runs = block_on(get(server, "/v1/runs"));
    let runs = runs["evaluations"].as_array().unwrap();
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs[0].clone()
}

fn dataset(len: usize) -> Vec<Value> {
    (0..len).map(|n| json!({"inputs": {"n": n}})).collect()
}

#[test]
fn the_old_names_of_key_and_host_are_enough() {
    #[honeyhive::trace]
    fn work() {}

    if child::part().is_some() {
        honeyhive::init(InitOptions::from_env()).unwrap();
        work();
        honeyhive::flush().unwrap();
        honeyhive::evaluate(EvaluateOptions::new(|datapoint: Datapoint| datapoint.inputs).dataset(dataset(1))).unwrap();
        return;
    }
    let server = server();
    let variables = [
        ("HONEYHIVE_API_KEY", KEY),
        ("HONEYHIVE_SERVER_URL", server.url()),
        ("HH_PROJECT", "support"),
        ("HH_SOURCE", "old"),
    ];
    run("the_old_names_of_key_and_host_are_enough", &variables, None);
    let events = block_on(all_events(&server));
    let work = events.iter().find(|event| event.event_name == "work").unwrap();
    assert_eq!(
        (work.source.as_str(), work.project.as_deref()),
        ("old", Some("support"))
    );
    assert_eq!(only_run(&server)["status"], "completed");
}

#[test]
fn the_new_names_win_over_the_old() {
    if child::part().is_some() {
        let tracer = honeyhive::init(InitOptions::from_env()).unwrap();
        assert_eq!(tracer.server_url(), "http://127.0.0.1:9");
        return honeyhive::reset();
    }
    let variables = [
        ("HONEYHIVE_API_KEY", "not a key"),
        ("HH_API_KEY", KEY),
        ("HONEYHIVE_SERVER_URL", "http://127.0.0.1:8"),
        ("HH_API_URL", "http://127.0.0.1:9"),
        ("HH_TEST_MODE", "true"),
    ];
    run("the_new_names_win_over_the_old", &variables, None);
}

/// How many datapoints are being worked on, and the most there were.
static AT_WORK: (Mutex<(usize, usize)>, Condvar) = (Mutex::new((0, 0)), Condvar::new());

/// Stays until three are at work, where as many may be.
fn meet(datapoint: Datapoint) -> Value {
    let (lock, changed) = &AT_WORK;
    let mut at_work = lock.lock().unwrap();
    at_work.0 += 1;
    at_work.1 = at_work.1.max(at_work.0);
    changed.notify_all();
    if std::env::var_os("HH_MAX_WORKERS").is_some() {
        at_work = changed
            .wait_timeout_while(at_work, PATIENCE, |(_, most)| *most < 3)
            .unwrap()
            .0;
    }
    at_work.0 -= 1;
    datapoint.inputs
}

#[test]
fn hh_max_workers_says_how_many_work_at_once_and_one_does_without_it() {
    if child::part().is_some() {
        let options = EvaluateOptions::new(meet).dataset(dataset(6));
        honeyhive::evaluate(options.print_results(false)).unwrap();
        let expected = std::env::var("HH_MAX_WORKERS").map_or(1, |workers| workers.parse().unwrap());
        assert_eq!(AT_WORK.0.lock().unwrap().1, expected);
        return;
    }
    let server = server();
    let connection = [("HH_API_KEY", KEY), ("HH_API_URL", server.url())];
    let test = "hh_max_workers_says_how_many_work_at_once_and_one_does_without_it";
    run(test, &connection, None);
    run(test, &[&connection[..], &[("HH_MAX_WORKERS", "3")]].concat(), None);
}

#[test]
fn honeyhive_telemetry_decides_whether_the_run_names_its_commit() {
    if child::part().is_some() {
        honeyhive::evaluate(EvaluateOptions::new(|datapoint: Datapoint| datapoint.inputs).dataset(dataset(1))).unwrap();
        return;
    }
    let repository = std::env::temp_dir().join(format!("honeyhive-telemetry-{}", std::process::id()));
    std::fs::create_dir_all(&repository).unwrap();
    let git = |arguments: &[&str]| {
        let identity = [
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.com",
            "-c",
            "commit.gpgsign=false",
        ];
        let mut command = Command::new("git");
        command.args(identity).args(arguments).current_dir(&repository);
        assert!(command.output().unwrap().status.success(), "git {arguments:?}");
    };
    git(&["init"]);
    git(&["commit", "--allow-empty", "-m", "the first"]);
    let told = |telemetry: &[(&str, &str)]| {
        let server = server();
        let connection = [("HH_API_KEY", KEY), ("HH_API_URL", server.url())];
        let test = "honeyhive_telemetry_decides_whether_the_run_names_its_commit";
        run(test, &[&connection, telemetry].concat(), Some(&repository));
        only_run(&server)["metadata"]["git"]["commit_message"].clone()
    };
    assert_eq!(told(&[]), "the first");
    assert_eq!(told(&[("HONEYHIVE_TELEMETRY", "true")]), "the first");
    for off in ["false", "0", "F", "no", "n"] {
        assert_eq!(told(&[("HONEYHIVE_TELEMETRY", off)]), Value::Null, "{off}");
    }
    std::fs::remove_dir_all(repository).unwrap();
}

#[test]
fn an_evaluation_that_is_to_print_nothing_prints_nothing() {
    if child::part().is_some() {
        let options = EvaluateOptions::new(|datapoint: Datapoint| datapoint.inputs).dataset(dataset(2));
        honeyhive::evaluate(options.name("a quiet run").print_results(false)).unwrap();
        return;
    }
    let server = server();
    let variables = [("HH_API_KEY", KEY), ("HH_API_URL", server.url()), ("CI", "true")];
    let output = run(
        "an_evaluation_that_is_to_print_nothing_prints_nothing",
        &variables,
        None,
    );
    for printed in [output.stdout, output.stderr] {
        let printed = String::from_utf8_lossy(&printed).into_owned();
        assert!(!printed.contains("a quiet run"), "{printed}");
    }
}
