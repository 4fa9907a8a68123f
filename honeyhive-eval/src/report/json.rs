//! The JSON and JSON Lines reports: for other programs.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::Report;
use crate::compare::Comparison;
use crate::gate::Check;
use crate::output::TaskError;
use crate::result::{ExperimentResult, Outcome, Row, Trial, Usage};
use crate::score::ScoreValue;
use crate::stats::{AGGREGATES, Interval, aggregate};
use crate::summary::ScoreSummary;

pub(super) fn document(report: &Report<'_>) -> String {
    let run = report.run;
    let latencies = run.latencies();
    let summary = run.summary();
    let document = Document {
        run_id: &run.run_id,
        name: &run.name,
        status: run.status,
        dataset_id: &run.dataset_id,
        duration_ms: run.duration.as_secs_f64() * 1e3,
        succeeded: run.succeeded(),
        failed: run.failed(),
        not_run: run.not_run,
        metrics: summary.iter().map(MetricJson::of).collect(),
        latency_ms: Aggregates(&latencies),
        run_scores: Scores(&run.run_scores),
        comparison: report.comparison,
        gate: report.gate.map(|gate| GateJson {
            passed: gate.passed(),
            checks: &gate.checks,
        }),
        warnings: &run.warnings,
        rows: run.rows.iter().map(RowJson::of).collect(),
    };
    let mut text = text(&document, true);
    text.push('\n');
    text
}

pub(super) fn lines(run: &ExperimentResult) -> String {
    let rows = run.rows.iter().map(|row| text(&RowJson::of(row), false));
    rows.flat_map(|row| [row, "\n".to_owned()]).collect()
}

fn text(value: &impl Serialize, pretty: bool) -> String {
    let written = if pretty {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    // Only a map whose keys are no texts cannot be written, and there is none.
    written.unwrap_or_else(|error| serde_json::json!({ "error": error.to_string() }).to_string())
}

#[derive(Serialize)]
struct Document<'a> {
    run_id: &'a str,
    name: &'a str,
    status: honeyhive_core::api::RunStatus,
    dataset_id: &'a str,
    duration_ms: f64,
    succeeded: usize,
    failed: usize,
    not_run: usize,
    metrics: Vec<MetricJson<'a>>,
    latency_ms: Aggregates<'a>,
    #[serde(skip_serializing_if = "Scores::is_empty")]
    run_scores: Scores<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<&'a Comparison>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<GateJson<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
    rows: Vec<RowJson<'a>>,
}

#[derive(Serialize)]
struct MetricJson<'a> {
    name: &'a str,
    is_rate: bool,
    scored: usize,
    failed: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence_95: Option<Interval>,
    #[serde(flatten)]
    aggregates: Aggregates<'a>,
    #[serde(skip_serializing_if = "Counts::is_empty")]
    labels: Counts<'a>,
}

impl<'a> MetricJson<'a> {
    fn of(summary: &'a ScoreSummary) -> Self {
        Self {
            name: &summary.evaluator,
            is_rate: summary.is_rate,
            scored: summary.scored,
            failed: summary.failed,
            confidence_95: summary.interval,
            aggregates: Aggregates(summary.values()),
            labels: Counts(&summary.labels),
        }
    }
}

/// All aggregates of some numbers, by name.
struct Aggregates<'a>(&'a [f64]);

impl Serialize for Aggregates<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(AGGREGATES.map(|(how, name)| (name, aggregate(how, self.0))))
    }
}

/// Labels with their counts.
struct Counts<'a>(&'a [(String, usize)]);

impl Counts<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(label, count)| (label, count)))
    }
}

/// Scores by the names of their evaluators: an object with the value, an object with the error, or null.
struct Scores<'a>(&'a [(String, Outcome)]);

impl Scores<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum ScoreJson<'a> {
    Score {
        value: &'a ScoreValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        explanation: Option<&'a str>,
        #[serde(skip_serializing_if = "Map::is_empty")]
        extras: &'a Map<String, Value>,
    },
    Error {
        error: &'a TaskError,
    },
}

impl Serialize for Scores<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, outcome) in self.0 {
            let score = match outcome {
                Ok(score) => score.as_ref().map(|score| ScoreJson::Score {
                    value: score.value(),
                    explanation: score.explanation(),
                    extras: score.extras(),
                }),
                Err(error) => Some(ScoreJson::Error { error }),
            };
            map.serialize_entry(name, &score)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct RowJson<'a> {
    datapoint_id: &'a str,
    inputs: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    ground_truth: Option<&'a Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    metadata: &'a Map<String, Value>,
    #[serde(flatten)]
    ran: RanJson<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trials: Vec<RanJson<'a>>,
}

/// What a row and each of its trials have.
#[derive(Serialize)]
struct RanJson<'a> {
    session_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a TaskError>,
    scores: Scores<'a>,
    latency_ms: f64,
    attempts: u32,
    #[serde(skip_serializing_if = "is_unknown")]
    usage: Usage,
}

fn is_unknown(usage: &Usage) -> bool {
    *usage == Usage::default()
}

impl<'a> RowJson<'a> {
    fn of(row: &'a Row) -> Self {
        Self {
            datapoint_id: &row.datapoint_id,
            inputs: &row.inputs,
            ground_truth: row.ground_truth.as_ref(),
            metadata: &row.metadata,
            ran: RanJson {
                session_id: row.session_id.to_string(),
                output: row.output.as_ref().ok(),
                error: row.output.as_ref().err(),
                scores: Scores(&row.scores),
                latency_ms: row.milliseconds(),
                attempts: row.attempts,
                usage: row.usage,
            },
            trials: row.trials.iter().map(RanJson::of).collect(),
        }
    }
}

impl<'a> RanJson<'a> {
    fn of(trial: &'a Trial) -> Self {
        Self {
            session_id: trial.session_id.to_string(),
            output: trial.output.as_ref().ok(),
            error: trial.output.as_ref().err(),
            scores: Scores(&trial.scores),
            latency_ms: trial.latency.as_secs_f64() * 1e3,
            attempts: trial.attempts,
            usage: trial.usage,
        }
    }
}

#[derive(Serialize)]
struct GateJson<'a> {
    passed: bool,
    checks: &'a [Check],
}
