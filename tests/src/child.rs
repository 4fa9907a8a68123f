//! Running a test a second time as a process of its own: to kill it, to watch its memory, to read all it prints.

use std::process::{Child, Command, Stdio};

/// Names what a child process is to do; set in the child alone.
pub const PART: &str = "HONEYHIVE_TEST_PART";

/// What this process is to do, if it is such a child.
#[must_use]
pub fn part() -> Option<String> {
    std::env::var(PART).ok()
}

/// Starts the test of this name again, as a child that is to play this part.
///
/// # Panics
///
/// When it cannot be started.
#[must_use]
pub fn start(test: &str, part: &str) -> Child {
    command(test, part).spawn().expect("this test as a child")
}

/// The command that starts the test of this name again, for variables and a directory of its own.
///
/// # Panics
///
/// When the path of the test is not known.
#[must_use]
pub fn command(test: &str, part: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the path of this test"));
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(PART, part)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The memory of this process that is resident, in KiB.
#[must_use]
pub fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
