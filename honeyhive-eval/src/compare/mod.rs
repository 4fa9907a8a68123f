//! Two runs over the same datapoints, side by side.

mod measured;
mod metric;
mod server;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub(crate) use measured::Measured;
pub use metric::{Metric, MetricComparison, RowChange};

use honeyhive_core::api::ApiError;
use serde::Serialize;

use crate::result::ExperimentResult;

/// A run beside a baseline: what changed on the datapoints both have, and whether chance explains it.
///
/// Made by [`ExperimentResult::compare_with`]. Prints as a table.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The run.
    pub run: RunName,
    /// What it is compared with.
    pub baseline: RunName,
    /// Ids of the datapoints both have, in the order of the run.
    pub common: Vec<String>,
    /// Ids of datapoints that only the run has.
    pub only_in_run: Vec<String>,
    /// Ids of datapoints that only the baseline has.
    pub only_in_baseline: Vec<String>,
    /// Common datapoints on which the function or an evaluator failed in the run and not in the baseline.
    pub newly_failed: Vec<String>,
    /// Common datapoints on which the function or an evaluator failed in the baseline and not in the run.
    pub recovered: Vec<String>,
    /// The metrics that rows have in both runs, in the order of the run.
    pub metrics: Vec<MetricComparison>,
    /// Metrics that only one of the runs has, or no row in both.
    pub unpaired: Vec<Metric>,
    /// Scores of the runs as a whole that both have: name, baseline, run.
    pub run_scores: Vec<(String, f64, f64)>,
    #[serde(skip)]
    pub(crate) measured: Measured,
}

/// Which run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RunName {
    /// Its id on the server.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// They have no datapoint in common.
    #[error(
        "runs {run} and {baseline} have no datapoint in common: a datapoint is known by its content and position unless \
         it has an `id` of its own, so give it one when the dataset changes between runs"
    )]
    NothingInCommon {
        /// Id of the run.
        run: String,
        /// Id of the baseline.
        baseline: String,
    },
    /// A run cannot be read from the server.
    #[error("run {run} cannot be read: {source}")]
    Server {
        /// Id of the run.
        run: String,
        /// What went wrong.
        source: ApiError,
    },
}

impl ExperimentResult {
    /// Compares this run with a baseline, datapoint by datapoint.
    ///
    /// Every metric counts as better when it is higher, but for latency, tokens and cost;
    /// [`Comparison::lower_is_better`] says otherwise.
    ///
    /// # Errors
    ///
    /// [`CompareError::NothingInCommon`].
    pub fn compare_with(&self, baseline: &Self) -> Result<Comparison, CompareError> {
        Comparison::of(Measured::of(self), &Measured::of(baseline))
    }
}

impl Comparison {
    pub(crate) fn of(run: Measured, baseline: &Measured) -> Result<Self, CompareError> {
        let (in_run, in_baseline) = (set(&run.rows), set(&baseline.rows));
        let common: Vec<&str> = run
            .rows
            .iter()
            .map(String::as_str)
            .filter(|id| in_baseline.contains(id))
            .collect();
        if common.is_empty() {
            return Err(CompareError::NothingInCommon {
                run: run.run_id,
                baseline: baseline.run_id.clone(),
            });
        }
        let mut metrics = Vec::new();
        let mut unpaired = Vec::new();
        for (metric, current) in &run.metrics {
            let compared = baseline
                .values(metric)
                .and_then(|before| MetricComparison::of(metric, &common, before, current));
            match compared {
                Some(comparison) => metrics.push(comparison),
                None => unpaired.push(metric.clone()),
            }
        }
        let gone = baseline
            .metrics
            .iter()
            .filter(|(metric, _)| run.values(metric).is_none());
        unpaired.extend(gone.map(|(metric, _)| metric.clone()));
        let run_scores = run.run_scores.iter().filter_map(|(name, now)| {
            let (_, before) = baseline.run_scores.iter().find(|(known, _)| known == name)?;
            Some((name.clone(), *before, *now))
        });
        let (broken_now, broken_before) = (set(&run.failed), set(&baseline.failed));
        let common_where = |holds: &dyn Fn(&str) -> bool| -> Vec<String> {
            common
                .iter()
                .filter(|id| holds(id))
                .map(|id| (*id).to_owned())
                .collect()
        };
        Ok(Self {
            run: name_of(&run),
            baseline: name_of(baseline),
            newly_failed: common_where(&|id| broken_now.contains(id) && !broken_before.contains(id)),
            recovered: common_where(&|id| broken_before.contains(id) && !broken_now.contains(id)),
            only_in_run: run
                .rows
                .iter()
                .filter(|id| !in_baseline.contains(id.as_str()))
                .cloned()
                .collect(),
            only_in_baseline: baseline
                .rows
                .iter()
                .filter(|id| !in_run.contains(id.as_str()))
                .cloned()
                .collect(),
            metrics,
            unpaired,
            run_scores: run_scores.collect(),
            common: common.into_iter().map(str::to_owned).collect(),
            measured: run,
        })
    }

    /// Says that less of this metric is better: its improved and degraded rows change places. Does nothing to a
    /// metric that is not compared.
    #[must_use]
    pub fn lower_is_better(mut self, metric: impl Into<Metric>) -> Self {
        let metric = metric.into();
        let turn = |one: MetricComparison| {
            if one.metric == metric && !one.lower_is_better {
                one.turned()
            } else {
                one
            }
        };
        self.metrics = self.metrics.into_iter().map(turn).collect();
        self
    }

    /// One metric of the comparison.
    #[must_use]
    pub fn metric(&self, metric: impl Into<Metric>) -> Option<&MetricComparison> {
        let metric = metric.into();
        self.metrics.iter().find(|one| one.metric == metric)
    }
}

fn set(ids: &[String]) -> HashSet<&str> {
    ids.iter().map(String::as_str).collect()
}

fn name_of(run: &Measured) -> RunName {
    RunName {
        id: run.run_id.clone(),
        name: run.name.clone(),
    }
}
