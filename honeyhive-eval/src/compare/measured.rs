//! What a run measured, metric by metric and row by row: what comparisons and gates look at.

use std::collections::HashMap;

use honeyhive_core::api::RunStatus;

use super::metric::Metric;
use crate::result::{ExperimentResult, Row};
use crate::score::{Score, ScoreValue};
use crate::summary::{measured, tokens};

/// Everything measured in a run.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) run_id: String,
    pub(crate) name: String,
    /// Whether every datapoint of its dataset was run.
    pub(crate) is_whole: bool,
    /// Ids of its datapoints, in order.
    pub(crate) rows: Vec<String>,
    /// Those on which the function or an evaluator failed.
    pub(crate) failed: Vec<String>,
    pub(crate) metrics: Vec<(Metric, Values)>,
    /// Scores of the run as a whole.
    pub(crate) run_scores: Vec<(String, f64)>,
}

/// The values of one metric.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    /// Whether all of them are flags.
    pub(crate) flags: bool,
    /// Datapoint and value, in the order of the rows.
    pub(crate) rows: Vec<(String, f64)>,
}

impl Values {
    pub(crate) fn numbers(&self) -> Vec<f64> {
        self.rows.iter().map(|(_, value)| *value).collect()
    }

    pub(super) fn by_row(&self) -> HashMap<&str, f64> {
        self.rows.iter().map(|(id, value)| (id.as_str(), *value)).collect()
    }

    fn of(rows: &[Row], value: impl Fn(&Row) -> Option<f64>) -> Self {
        let rows = rows
            .iter()
            .filter_map(|row| value(row).map(|value| (row.datapoint_id.clone(), value)));
        Self {
            flags: false,
            rows: rows.collect(),
        }
    }
}

impl Measured {
    pub(crate) fn of(run: &ExperimentResult) -> Self {
        let mut metrics = Vec::new();
        for name in run.metrics() {
            let values = run.rows.iter().filter_map(|row| measured(row, &name).flatten());
            let flags = values.clone().all(|value| matches!(value, ScoreValue::Flag(_)));
            let values = Values::of(&run.rows, |row| measured(row, &name).flatten()?.as_number());
            metrics.push((Metric::from(name), Values { flags, ..values }));
        }
        let succeeded = |row: &Row| row.output.is_ok().then(|| row.milliseconds());
        metrics.push((Metric::Latency, Values::of(&run.rows, succeeded)));
        metrics.push((
            Metric::Tokens,
            Values::of(&run.rows, |row| tokens(row.usage.total_tokens)),
        ));
        metrics.push((Metric::Cost, Values::of(&run.rows, |row| row.usage.cost)));
        metrics.retain(|(_, values)| !values.rows.is_empty());
        let run_scores = run.run_scores.iter().filter_map(|(name, outcome)| {
            let score: &Score = outcome.as_ref().ok()?.as_ref()?;
            Some((name.clone(), score.value().as_number()?))
        });
        let failed = run.rows.iter().filter(|row| row.is_broken());
        Self {
            run_id: run.run_id.clone(),
            name: run.name.clone(),
            is_whole: run.not_run == 0 && matches!(run.status, RunStatus::Completed | RunStatus::Failed),
            rows: run.rows.iter().map(|row| row.datapoint_id.clone()).collect(),
            failed: failed.map(|row| row.datapoint_id.clone()).collect(),
            metrics,
            run_scores: run_scores.collect(),
        }
    }

    pub(crate) fn values(&self, metric: &Metric) -> Option<&Values> {
        let found = self.metrics.iter().find(|(known, _)| known == metric);
        found.map(|(_, values)| values)
    }
}
