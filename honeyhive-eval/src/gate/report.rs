//! What a gate found.

use std::fmt;
use std::process::{ExitCode, Termination};

use serde::Serialize;

/// What a gate found: one line per condition. As the return value of `main` it is the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GateReport {
    /// Name of the run.
    pub run: String,
    /// The conditions, in the order they were given.
    pub checks: Vec<Check>,
}

/// One condition of a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What was asked, such as `exact ≥ 0.9`.
    pub rule: String,
    /// Whether it holds.
    pub passed: bool,
    /// What was found, such as `0.85 over 20 rows`.
    pub found: String,
}

/// A condition of a gate does not hold. Prints as the report.
#[derive(Clone, PartialEq, Eq)]
pub struct GateFailed(GateReport);

impl GateReport {
    /// Whether every condition holds.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }

    /// 0 when every condition holds, else 1.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        if self.passed() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    /// For `?`.
    ///
    /// # Errors
    ///
    /// [`GateFailed`] when a condition does not hold.
    pub fn into_result(self) -> Result<Self, GateFailed> {
        if self.passed() { Ok(self) } else { Err(GateFailed(self)) }
    }
}

impl GateFailed {
    /// What the gate found.
    pub fn report(&self) -> &GateReport {
        &self.0
    }
}

impl Termination for GateReport {
    fn report(self) -> ExitCode {
        self.exit_code()
    }
}

impl fmt::Display for GateReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.checks.iter().filter(|check| !check.passed).count();
        match failed {
            0 => write!(f, "gate passed: {}", self.run)?,
            _ => write!(
                f,
                "gate failed: {}, {failed} of {} conditions",
                self.run,
                self.checks.len()
            )?,
        }
        for check in &self.checks {
            let mark = if check.passed { '✓' } else { '✗' };
            write!(f, "\n  {mark} {}: {}", check.rule, check.found)?;
        }
        Ok(())
    }
}

impl fmt::Display for GateFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// As the error displays: a `main` that returns it prints this.
impl fmt::Debug for GateFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for GateFailed {}
