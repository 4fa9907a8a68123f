//! The same programs as `tests/captures/` recorded of the Python SDK 1.7.0, against a recording server: everything sent
//! is equal, key by key, but for the differences that `docs/differences.md` lists.
//!
//! A capture says which program made it (`script`); each program here does the same, statement by statement, and names
//! what it leaves out. To look at a difference, run the test: it prints what was expected (`-`) and what came (`+`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a scenario that cannot be played should stop"
)]

mod basic;
mod capture;
mod client;
mod diff;
mod differences;
mod enrich;
mod environment;
mod evaluate;
mod functions;
mod isolation;
mod manual;
mod normal;
mod objects;
mod recording;
mod sessions;
mod thirdparty;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use honeyhive_core::{HoneyHiveTracer, TracerBuilder};

use differences::{Difference, EVERYWHERE};
use normal::{Normal, Span, session_label, string};

/// How spans are encoded: the default, and what `HH_OTLP_PROTOCOL` can change it to.
const PROTOCOLS: [&str; 2] = ["http/protobuf", JSON];
const JSON: &str = "http/json";

/// One capture and the program that does the same here.
struct Scenario {
    capture: &'static str,
    /// What differs in this scenario besides [`EVERYWHERE`].
    differences: &'static [&'static Difference],
    program: fn(&Setting),
}

macro_rules! scenarios {
    ($($test:ident: $scenario:expr;)*) => {
        const SCENARIOS: &[&Scenario] = &[$(&$scenario),*];

        $(
            #[test]
            fn $test() {
                check(&$scenario);
            }
        )*
    };
}

scenarios! {
    s01_a_traced_function: basic::S01;
    s01_over_protobuf: basic::S01_PROTOBUF;
    s02_nested_functions: basic::S02;
    s03_enrichment: enrich::S03;
    s04_sessions_given_and_updated: sessions::S04;
    s05_functions_and_values: functions::S05;
    s06_two_tracers: isolation::S06;
    s07_evaluate: evaluate::S07;
    s08_evaluate_with_a_tracer: evaluate::S08;
    s10_evaluate_a_managed_dataset: evaluate::S10;
    s16_evaluate_in_a_git_repository: evaluate::S16;
    s11_sessions_in_one_process: sessions::S11;
    s12_free_functions_and_defaults: isolation::S12;
    s13_spans_by_hand: manual::S13;
    s14_a_library_inside_evaluate: thirdparty::S14_A;
    s14_b_library_next_to_a_tracer: thirdparty::S14_B;
    s15_environment: environment::S15;
    s15_alternates: environment::S15_ALTERNATES;
    s15_bare_names: environment::S15_BARE;
    s15_ingestion_key: environment::S15_INGESTION_KEY;
    s15_no_key: environment::S15_NO_KEY;
    s15_test_mode: environment::S15_TEST_MODE;
    s22_the_rest_client: client::S22;
}

/// Where a program runs: a server, and the environment of the capture.
pub(crate) struct Setting {
    pub(crate) environment: BTreeMap<String, String>,
}

impl Setting {
    /// Settings that read the environment of the capture, and none of this process.
    pub(crate) fn builder(&self) -> TracerBuilder {
        HoneyHiveTracer::builder()
            .environment(self.environment.clone())
            .undiscoverable()
    }

    /// As most of the Python programs start.
    pub(crate) fn tracer(&self, session_name: &str) -> HoneyHiveTracer {
        let settings = self.builder().project("proj-alpha").source("golden");
        settings.session_name(session_name).build().unwrap()
    }
}

pub(crate) fn flush(tracer: &HoneyHiveTracer) {
    tracer.flush_blocking(Duration::from_secs(30)).unwrap();
}

/// What tells a session from others: taken from its start.
#[derive(Debug)]
pub(crate) struct Session {
    id: String,
    pub(crate) name: String,
    pub(crate) project: Option<String>,
    source: String,
    pub(crate) key: String,
}

impl Session {
    /// Moves a span into this session, as if its tracer had made it.
    pub(crate) fn take(&self, span: &mut Span) {
        for key in ["honeyhive.session_id", "traceloop.association.properties.session_id"] {
            span.set_text(key, &self.id);
        }
        for key in ["honeyhive.project", "traceloop.association.properties.project"] {
            match &self.project {
                Some(project) => span.set_text(key, project),
                None => drop(span.attributes.remove(key)),
            }
        }
        self.set_source(span);
        span.sent.insert("authorization".to_owned(), self.key.clone());
        span.sent.insert("x-source".to_owned(), self.source.clone());
    }

    /// Gives a span the source of this session.
    pub(crate) fn set_source(&self, span: &mut Span) {
        for key in ["honeyhive.source", "traceloop.association.properties.source"] {
            span.attributes.insert(key.to_owned(), string(&self.source));
        }
    }
}

/// The sessions that were started, by id.
pub(crate) fn sessions_of(normal: &Normal) -> BTreeMap<String, Session> {
    let started = normal.requests.iter().filter_map(|request| {
        let session = request.session()?;
        let text = |key: &str| session.get(key).and_then(|value| value.as_str()).map(str::to_owned);
        let id = text("session_id")
            .or_else(|| request.answer.clone())
            .unwrap_or_else(|| session_label(session));
        let of = Session {
            id: id.clone(),
            name: text("session_name").unwrap_or_default(),
            project: text("project"),
            source: text("source").unwrap_or_default(),
            key: request.headers["authorization"].clone(),
        };
        Some((id, of))
    });
    let mut sessions = BTreeMap::new();
    for (id, session) in started {
        // Python starts one session of s11 a second time, in vain.
        sessions.entry(id).or_insert(session);
    }
    sessions
}

/// What the Python SDK sent, rewritten by the differences of the scenario.
fn expected(scenario: &Scenario, protocol: &str, mut changed: impl FnMut(&'static str)) -> Normal {
    let mut normal = capture::read(scenario.capture).normal;
    normal.json = protocol == JSON;
    for difference in scenario.differences.iter().chain(EVERYWHERE) {
        let before = normal.clone();
        (difference.apply)(&mut normal);
        if normal != before {
            changed(difference.id);
        }
    }
    normal
}

/// Plays a scenario once with either encoding of spans.
fn check(scenario: &Scenario) {
    // The default tracer and the provider of OpenTelemetry are of the process.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);

    let capture = capture::read(scenario.capture);
    for protocol in PROTOCOLS {
        let server = recording::server(&capture);
        let mut environment = capture.environment.clone();
        for value in environment.values_mut() {
            *value = value.replace("http://127.0.0.1:<port>", server.url());
        }
        // Protobuf is the default; one capture asks for it.
        if protocol == JSON {
            let asked = environment.insert("HH_OTLP_PROTOCOL".to_owned(), JSON.to_owned());
            if asked.is_some() {
                continue;
            }
        }
        (scenario.program)(&Setting { environment });

        let found = recording::normal(&server, &capture);
        let diff = diff::diff(&expected(scenario, protocol, |_| ()), &found);
        let name = scenario.capture;
        assert!(
            diff.is_empty(),
            "{name} over {protocol}: what Python sent (-) and what came (+) differ:\n{diff}"
        );
    }
}

#[test]
fn every_capture_is_played() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/captures");
    let captures: BTreeSet<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let played = SCENARIOS
        .iter()
        .map(|scenario| format!("{}.json", scenario.capture))
        .collect();
    assert_eq!(captures, played);
}

#[test]
fn every_difference_changes_something() {
    let mut used = BTreeSet::new();
    for scenario in SCENARIOS {
        let mut here = BTreeSet::new();
        for protocol in PROTOCOLS {
            expected(scenario, protocol, |id| {
                here.insert(id);
            });
        }
        for difference in scenario.differences {
            assert!(
                here.contains(difference.id),
                "{} changes nothing in {}",
                difference.id,
                scenario.capture
            );
        }
        used.extend(here);
    }
    for difference in EVERYWHERE {
        assert!(
            used.contains(difference.id),
            "{} changes nothing anywhere",
            difference.id
        );
    }
}

#[test]
fn every_difference_is_a_row_of_its_own_in_the_documentation() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/differences.md");
    let documentation = std::fs::read_to_string(path).unwrap();
    let own = SCENARIOS.iter().flat_map(|scenario| scenario.differences);
    let mut rows = BTreeMap::new();
    for difference in EVERYWHERE.iter().chain(own) {
        let row = format!("| {} |", difference.row);
        let count = documentation.lines().filter(|line| line.starts_with(&row)).count();
        assert_eq!(count, 1, "{}: rows that begin with {row}", difference.id);
        let before = rows.insert(row, difference.id).unwrap_or(difference.id);
        assert_eq!(before, difference.id, "two differences, one row");
    }
}
