//! The programs of the captures of 0.2.57, line by line through `honeyhive-compat`: the embedded backend ends up with the
//! same events as when it is sent what the Python SDK sent, but for the differences that `MIGRATION.md` lists.
#![allow(
    deprecated,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the 0.x style is what is tested, and a test may stop"
)]

mod differences;
mod events;
mod programs;
mod replay;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use differences::{DIFFERENCES, Difference};
use events::{Events, diff};
use honeyhive_tests::server;

/// A capture, and the program that made it.
struct Scenario {
    capture: &'static str,
    program: fn(&str),
}

const SCENARIOS: [Scenario; 2] = [
    Scenario {
        capture: "l01",
        program: programs::l01,
    },
    Scenario {
        capture: "l02",
        program: programs::l02,
    },
];

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// What the backend holds after the Python SDK's requests.
fn of_python(capture: &str) -> Events {
    let server = server();
    runtime().block_on(async {
        replay::play(capture, server.url()).await;
        events::read(&server).await
    })
}

/// What the backend holds after the same program here.
fn of_rust(program: fn(&str)) -> Events {
    let server = server();
    program(server.url());
    runtime().block_on(events::read(&server))
}

fn check(scenario: &Scenario) {
    // The default tracer is of the process.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);

    let mut expected = of_python(scenario.capture);
    for difference in DIFFERENCES {
        (difference.apply)(&mut expected);
    }
    let found = of_rust(scenario.program);
    let diff = diff(&expected, &found);
    assert!(
        diff.is_empty(),
        "{}: 0.2.57 (-) and here (+):\n{diff}",
        scenario.capture
    );
    assert!(expected.len() > 5, "{expected:?}");
}

#[test]
fn l01_init_trace_enrich_and_flush_give_the_events_of_0_2_57() {
    check(&SCENARIOS[0]);
}

#[test]
fn l02_evaluate_gives_the_events_of_0_2_57() {
    check(&SCENARIOS[1]);
}

#[test]
fn every_difference_from_0_2_57_changes_something_and_is_a_row_of_the_migration_guide() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../MIGRATION.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let mut rows = BTreeMap::new();
    let mut used = BTreeSet::new();
    for scenario in &SCENARIOS {
        let mut events = of_python(scenario.capture);
        for Difference { row, apply } in DIFFERENCES {
            let before = events.clone();
            apply(&mut events);
            if events != before {
                used.insert(*row);
            }
            let start = format!("| {row} |");
            rows.insert(*row, guide.lines().filter(|line| line.starts_with(&start)).count());
        }
    }
    for (row, count) in rows {
        assert!(used.contains(row), "changes nothing: {row}");
        assert_eq!(count, 1, "rows of MIGRATION.md that begin with: {row}");
    }
}
