//! Gates: what a run must hold for a pipeline to go on.

mod check;
mod report;
#[cfg(test)]
mod tests;

pub use report::{Check, GateFailed, GateReport};

use crate::compare::{Comparison, Measured, Metric};
use crate::result::ExperimentResult;
use crate::stats::Aggregate;

/// Conditions on a run. Every gate asks that the run was not cut short and that no row failed, unless
/// [`max_failed_rows`](Self::max_failed_rows) allows some; what cannot be checked fails.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::{Aggregate, Gate, Measure, Metric, Regression};
///
/// let gate = Gate::new()
///     .at_least("exact", 0.9)
///     .at_most(Measure::of(Metric::Latency).by(Aggregate::P95), 2_000.0)
///     .no_regression("exact")
///     .no_regression(Regression::of("judge").tolerance(0.02).significance(0.05))
///     .max_failed_rows(2);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "give it to ExperimentResult::gate or Comparison::gate"]
pub struct Gate {
    rules: Vec<Rule>,
    max_failed: usize,
}

#[derive(Clone, Debug)]
enum Rule {
    AtLeast(Measure, f64),
    AtMost(Measure, f64),
    NoRegression(Regression),
}

/// One number of a run: a metric and how its rows become one. A text is the mean of that score.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    metric: Metric,
    aggregate: Aggregate,
}

impl Measure {
    /// The mean of a metric.
    pub fn of(metric: impl Into<Metric>) -> Self {
        Self {
            metric: metric.into(),
            aggregate: Aggregate::Average,
        }
    }

    /// Another aggregate than the mean.
    #[must_use]
    pub fn by(mut self, aggregate: Aggregate) -> Self {
        self.aggregate = aggregate;
        self
    }
}

impl<T: Into<Metric>> From<T> for Measure {
    fn from(metric: T) -> Self {
        Self::of(metric)
    }
}

/// That a metric did not get worse. A text is that score, strictly: its mean over the common rows must not be worse.
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    metric: Metric,
    tolerance: f64,
    significance: Option<f64>,
}

impl Regression {
    /// The mean of this metric must not get worse.
    pub fn of(metric: impl Into<Metric>) -> Self {
        Self {
            metric: metric.into(),
            tolerance: 0.0,
            significance: None,
        }
    }

    /// The mean may get worse by this much, in the metric's own unit: 0.02 are two percentage points of a rate.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance.max(0.0);
        self
    }

    /// A worse mean counts only when chance explains it with a probability below this, usually 0.05.
    #[must_use]
    pub fn significance(mut self, probability: f64) -> Self {
        self.significance = Some(probability);
        self
    }
}

impl<T: Into<Metric>> From<T> for Regression {
    fn from(metric: T) -> Self {
        Self::of(metric)
    }
}

impl Gate {
    /// A gate that asks only that no row failed.
    pub fn new() -> Self {
        Self::default()
    }

    /// A number of the run must not be below this.
    pub fn at_least(mut self, measure: impl Into<Measure>, threshold: f64) -> Self {
        self.rules.push(Rule::AtLeast(measure.into(), threshold));
        self
    }

    /// A number of the run must not be above this.
    pub fn at_most(mut self, measure: impl Into<Measure>, threshold: f64) -> Self {
        self.rules.push(Rule::AtMost(measure.into(), threshold));
        self
    }

    /// A metric must not be worse than in the baseline. Needs a comparison.
    pub fn no_regression(mut self, regression: impl Into<Regression>) -> Self {
        self.rules.push(Rule::NoRegression(regression.into()));
        self
    }

    /// On how many rows the function or an evaluator may fail. Default: 0.
    pub fn max_failed_rows(mut self, rows: usize) -> Self {
        self.max_failed = rows;
        self
    }

    fn report(&self, run: &Measured, comparison: Option<&Comparison>) -> GateReport {
        let mut checks: Vec<Check> = check::cut_short(run).into_iter().collect();
        checks.push(check::failed_rows(run, self.max_failed));
        checks.extend(self.rules.iter().map(|rule| match rule {
            Rule::AtLeast(measure, threshold) => check::threshold(run, measure, *threshold, true),
            Rule::AtMost(measure, threshold) => check::threshold(run, measure, *threshold, false),
            Rule::NoRegression(regression) => check::regression(comparison, regression),
        }));
        GateReport {
            run: run.name.clone(),
            checks,
        }
    }
}

impl ExperimentResult {
    /// Checks the run: the report of a gate that holds, or an error that prints it. For `?` in a `main` that returns a
    /// `Result`, which makes the exit code 1.
    ///
    /// # Errors
    ///
    /// [`GateFailed`] when a condition does not hold. A condition on a baseline never does: use
    /// [`Comparison::gate`] for these.
    pub fn gate(&self, gate: Gate) -> Result<GateReport, GateFailed> {
        self.check(&gate).into_result()
    }

    /// As [`gate`](Self::gate), with the report either way.
    #[must_use = "a gate that nobody looks at lets everything pass"]
    pub fn check(&self, gate: &Gate) -> GateReport {
        gate.report(&Measured::of(self), None)
    }
}

impl Comparison {
    /// Checks the run against thresholds and its baseline: the report of a gate that holds, or an error that prints it.
    ///
    /// # Errors
    ///
    /// [`GateFailed`] when a condition does not hold.
    pub fn gate(&self, gate: Gate) -> Result<GateReport, GateFailed> {
        self.check(&gate).into_result()
    }

    /// As [`gate`](Self::gate), with the report either way.
    #[must_use = "a gate that nobody looks at lets everything pass"]
    pub fn check(&self, gate: &Gate) -> GateReport {
        gate.report(&self.measured, Some(self))
    }
}
