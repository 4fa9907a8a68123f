//! Comparing with runs that the server holds.

use std::collections::{BTreeMap, HashMap};

use honeyhive_core::api::{ApiError, Client, DatapointResult, ResultQuery, RunResult, RunStatus};
use serde_json::Value;

use super::measured::{Measured, Values};
use super::metric::Metric;
use super::{CompareError, Comparison};
use crate::result::ExperimentResult;
use crate::stats::mean;

impl ExperimentResult {
    /// Compares this run with one that the server holds, also one of the Python SDK.
    ///
    /// The scores of the two functions are paired, whatever the functions are called. The server's result has neither
    /// latency nor tokens, and does not tell why a datapoint did not pass: one counts as failed when it did not although
    /// no flag of it is false.
    ///
    /// # Errors
    ///
    /// [`CompareError::Server`] when the run cannot be read, and as [`compare_with`](Self::compare_with).
    pub async fn compare_with_run(&self, client: &Client, baseline_id: &str) -> Result<Comparison, CompareError> {
        Comparison::of(Measured::of(self), &fetch(client, baseline_id).await?)
    }
}

impl Comparison {
    /// Compares two runs that the server holds, with what was measured on the events below their functions too.
    ///
    /// # Errors
    ///
    /// As [`ExperimentResult::compare_with_run`].
    pub async fn of_runs(client: &Client, run_id: &str, baseline_id: &str) -> Result<Self, CompareError> {
        Self::of(fetch(client, run_id).await?, &fetch(client, baseline_id).await?)
    }
}

async fn fetch(client: &Client, run_id: &str) -> Result<Measured, CompareError> {
    let result = client.runs().result(run_id, &ResultQuery::default()).await;
    let server = |source: ApiError| CompareError::Server {
        run: run_id.to_owned(),
        source,
    };
    Ok(Measured::of_server(run_id, &result.map_err(server)?))
}

impl Measured {
    fn of_server(run_id: &str, result: &RunResult) -> Self {
        let run = result.run_object.clone().unwrap_or_default();
        // The event of the function itself has no name here: two runs may call it differently.
        let function = run.configuration.get("function").and_then(Value::as_str);
        let mut rows: Vec<(&str, Found)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for datapoint in &result.datapoints {
            let Some(id) = datapoint.datapoint_id.as_deref() else {
                continue;
            };
            let place = *places.entry(id).or_insert(rows.len());
            if place == rows.len() {
                rows.push((id, Found::default()));
            }
            rows[place].1.take(datapoint, function);
        }
        let mut metrics: Vec<(Metric, Values)> = Vec::new();
        for (id, found) in &rows {
            for (metric, values) in &found.metrics {
                add(&mut metrics, metric, id, values);
            }
        }
        let is_over = matches!(result.status, RunStatus::Completed | RunStatus::Failed);
        Self {
            run_id: run_id.to_owned(),
            name: run.name.unwrap_or_else(|| run_id.to_owned()),
            is_whole: is_over && run.datapoint_ids.iter().all(|id| places.contains_key(id.as_str())),
            failed: rows
                .iter()
                .filter(|(_, found)| found.failed)
                .map(|(id, _)| (*id).to_owned())
                .collect(),
            rows: rows.into_iter().map(|(id, _)| id.to_owned()).collect(),
            metrics,
            run_scores: Vec::new(),
        }
    }
}

/// What sessions of one datapoint measured: usually it has one.
#[derive(Default)]
struct Found {
    /// Numbers, and whether each is a flag.
    metrics: BTreeMap<Metric, Vec<(f64, bool)>>,
    failed: bool,
}

impl Found {
    fn take(&mut self, datapoint: &DatapointResult, function: Option<&str>) {
        let mut has_false = false;
        for metric in &datapoint.metrics {
            let text = |key: &str| metric.get(key).and_then(Value::as_str);
            let value = match metric.get("value") {
                Some(Value::Bool(flag)) => (f64::from(u8::from(*flag)), true),
                Some(Value::Number(number)) => match number.as_f64() {
                    Some(number) => (number, false),
                    None => continue,
                },
                _ => continue,
            };
            let Some(name) = text("name") else { continue };
            let metric = match text("event_name") {
                Some(event) if Some(event) != function => Metric::on_event(name, event),
                _ => Metric::from(name),
            };
            has_false |= value == (0.0, true);
            self.metrics.entry(metric).or_default().push(value);
        }
        self.failed |= datapoint.passed == Some(false) && !has_false;
    }
}

/// Adds what a datapoint has of a metric. What was measured several times counts as its mean.
fn add(metrics: &mut Vec<(Metric, Values)>, metric: &Metric, id: &str, values: &[(f64, bool)]) {
    let flag = matches!(values, [(_, true)]);
    let numbers: Vec<f64> = values.iter().map(|(value, _)| *value).collect();
    let Some(value) = mean(&numbers) else { return };
    let row = (id.to_owned(), value);
    match metrics.iter_mut().find(|(known, _)| known == metric) {
        Some((_, values)) => {
            values.rows.push(row);
            values.flags &= flag;
        }
        None => metrics.push((
            metric.clone(),
            Values {
                flags: flag,
                rows: vec![row],
            },
        )),
    }
}
