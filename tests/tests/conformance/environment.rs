//! `s15_environment.py`: a tracer with nothing but environment variables.

use std::process::Command;

use honeyhive_core::{ConfigError, HoneyHiveTracer, TracerBuilder, trace};

use crate::differences::{delivery, sessions};
use crate::{Scenario, Setting, flush};

pub(crate) const S15: Scenario = Scenario {
    capture: "s15",
    differences: &[&sessions::ENVIRONMENT_OBEYED],
    program: s15,
};

pub(crate) const S15_ALTERNATES: Scenario = Scenario {
    capture: "s15_alternates",
    differences: &[&delivery::SERVICE],
    program: in_a_process_of_its_own,
};

pub(crate) const S15_BARE: Scenario = Scenario {
    capture: "s15_bare",
    differences: &[&sessions::BARE_NAMES],
    program: s15,
};

pub(crate) const S15_INGESTION_KEY: Scenario = Scenario {
    capture: "s15_ingestion_key",
    differences: &[],
    program: s15,
};

pub(crate) const S15_NO_KEY: Scenario = Scenario {
    capture: "s15_no_key",
    differences: &[&delivery::NO_KEY],
    program: |setting| assert!(matches!(setting.builder().build(), Err(ConfigError::MissingKey))),
};

pub(crate) const S15_TEST_MODE: Scenario = Scenario {
    capture: "s15_test_mode",
    differences: &[],
    program: s15,
};

#[trace]
fn work(x: i64) -> i64 {
    x
}

fn s15(setting: &Setting) {
    play(setting.builder());
}

fn play(settings: TracerBuilder) {
    let tracer = settings.build().unwrap();
    tracer.in_scope(|| work(1));
    flush(&tracer);
}

/// What is meant for every OpenTelemetry SDK is read from the process alone.
fn in_a_process_of_its_own(setting: &Setting) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "environment::s15_of_the_process", "--ignored"]);
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if ["HH_", "HONEYHIVE_", "OTEL_"]
            .iter()
            .any(|prefix| name_text.starts_with(prefix))
        {
            child.env_remove(&name);
        }
    }
    let child = child.envs(&setting.environment).output().unwrap();
    assert!(child.status.success(), "{child:?}");
}

#[test]
#[ignore = "s15_alternates runs it in a process with an environment of its own"]
fn s15_of_the_process() {
    play(HoneyHiveTracer::builder());
}
