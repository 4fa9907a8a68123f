//! The result of a run: its datapoints, which of them passed, and its metrics aggregated.
//!
//! A datapoint is a session of the run. It passes when neither the session nor an event directly below it has an
//! error, and no metric of it is `false`; an error further down that the function dealt with does not count.
//!
//! Metrics are numbers and truth values. What else an evaluator left in the metrics of an event, such as an explanation,
//! stays on the event.

use std::collections::{BTreeMap, HashMap, HashSet};

use axum::Json;
use axum::extract::State;
use honeyhive_core::event::{Event, EventType};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::fields::bad;
use super::filter::Filter;
use super::ids::{Path, canonical};
use super::query::Parameters;
use super::{Answer, Db, runs};
use crate::error::ApiError;
use crate::store::events;

/// `GET /v1/runs/{id}/result?aggregate_function=&filters=`: filters choose datapoints by their sessions.
pub(super) async fn get(State(store): Db, Path(run_id): Path<String>, parameters: Parameters) -> Answer {
    let aggregate = Aggregate::read(&parameters)?;
    let filters = parameters.filters()?;
    let run = store
        .read(move |connection| RunData::load(connection, &canonical(run_id), &filters))
        .await?;
    let names = |passed: bool| -> Vec<&str> {
        let matching = run.datapoints.iter().filter(|datapoint| datapoint.passed == passed);
        matching.map(Datapoint::name).collect()
    };
    let metrics = run.metrics();
    let details: Vec<Value> = metrics
        .iter()
        .map(|(key, values)| {
            let numbers: Vec<f64> = values.iter().map(|(_, number)| *number).collect();
            let mut measured: Vec<usize> = values.iter().map(|(index, _)| *index).collect();
            measured.dedup();
            let names = |passed: bool| -> Vec<&str> {
                let datapoints = measured.iter().map(|index| &run.datapoints[*index]);
                let matching = datapoints.filter(|datapoint| datapoint.passed == passed);
                matching.map(Datapoint::name).collect()
            };
            json!({
                "metric_name": key.metric,
                "metric_type": key.kind,
                "event_name": key.event,
                "event_type": key.event_type.as_str(),
                "aggregate": aggregate.of(&numbers),
                "values": numbers,
                "datapoints": {"passed": names(true), "failed": names(false)},
            })
        })
        .collect();
    let datapoints: Vec<Value> = run.datapoints.iter().map(Datapoint::json).collect();
    Ok(Json(json!({
        "status": run.object.get("status"),
        "success": run.succeeded(),
        "passed": names(true),
        "failed": names(false),
        "metrics": {"aggregation_function": aggregate.name, "details": details},
        "datapoints": datapoints,
        "event_details": run.event_details(),
        "run_object": run.object,
    })))
}

/// What identifies a metric within a run: one name measured on two events is two metrics.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MetricKey {
    pub(super) metric: String,
    pub(super) event: String,
    pub(super) event_type: TypeName,
    pub(super) kind: &'static str,
}

/// An event type, ordered by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TypeName(&'static str);

impl TypeName {
    pub(super) fn as_str(self) -> &'static str {
        self.0
    }
}

/// Values of the metrics with the position of the datapoint each belongs to, in the order of the datapoints.
pub(super) type Metrics = BTreeMap<MetricKey, Vec<(usize, f64)>>;

/// A run with everything that happened in it.
pub(super) struct RunData {
    pub(super) object: Map<String, Value>,
    pub(super) datapoints: Vec<Datapoint>,
    /// A datapoint or a session the run lists has not arrived.
    incomplete: bool,
}

/// One session of a run.
pub(super) struct Datapoint {
    pub(super) datapoint_id: Option<String>,
    session_id: String,
    passed: bool,
    metrics: Vec<Metric>,
    events: Vec<(String, TypeName)>,
}

/// One value measured on one event.
struct Metric {
    name: String,
    event_name: String,
    event_type: TypeName,
    value: Value,
}

impl RunData {
    /// Loads a run with the datapoints whose sessions all the filters accept.
    pub(super) fn load(connection: &Connection, run_id: &str, filters: &[Filter]) -> Result<Self, ApiError> {
        let object = runs::require(connection, run_id)?;
        let texts = |key: &str| -> Vec<String> {
            let items = object.get(key).and_then(Value::as_array);
            let texts = items.into_iter().flatten().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        };
        let listed: Vec<String> = texts("event_ids").into_iter().map(canonical).collect();
        let order = texts("datapoint_ids");
        let mut sessions: BTreeMap<String, (usize, Vec<Event>)> = BTreeMap::new();
        let mut arrived = 0;
        events::each(
            connection,
            "session_id IN (SELECT session_id FROM events WHERE run_id = ?1 UNION SELECT value FROM json_each(?2))",
            (run_id, Value::from(listed.as_slice()).to_string()),
            |event| {
                arrived += 1;
                let session = sessions.entry(event.session_id.clone());
                session.or_insert((arrived, Vec::new())).1.push(event);
            },
        )?;
        let accepted = |session_id: &str, events: &[Event]| {
            let session = events.iter().find(|event| event.event_id == session_id);
            filters
                .iter()
                .all(|filter| session.is_some_and(|session| filter.accepts(session)))
        };
        let mut found: Vec<(usize, Datapoint, bool)> = sessions
            .into_iter()
            .map(|(session_id, (arrival, events))| {
                let accepted = accepted(&session_id, &events);
                (arrival, Datapoint::new(session_id, &events), accepted)
            })
            .collect();
        let arrived: HashSet<&str> = found
            .iter()
            .flat_map(|(_, datapoint, _)| [Some(datapoint.session_id.as_str()), datapoint.datapoint_id.as_deref()])
            .flatten()
            .collect();
        let incomplete = order.iter().chain(&listed).any(|id| !arrived.contains(id.as_str()));
        let (order, listed) = (positions(&order), positions(&listed));
        let place = |list: &HashMap<&str, usize>, id: &str| list.get(id).copied().unwrap_or(usize::MAX);
        found.retain(|(_, _, accepted)| *accepted);
        found.sort_by_cached_key(|(arrival, datapoint, _)| {
            let in_dataset = place(&order, datapoint.datapoint_id.as_deref().unwrap_or_default());
            (in_dataset, place(&listed, &datapoint.session_id), *arrival)
        });
        Ok(Self {
            object,
            datapoints: found.into_iter().map(|(_, datapoint, _)| datapoint).collect(),
            incomplete,
        })
    }

    /// Whether the run is over and everything in it is there and passed.
    fn succeeded(&self) -> bool {
        let completed = self.object.get("status").is_some_and(|status| status == "completed");
        let passed = !self.datapoints.is_empty() && self.datapoints.iter().all(|datapoint| datapoint.passed);
        completed && passed && !self.incomplete
    }

    /// The numbers and truth values measured, a truth value counting as 1 or 0.
    pub(super) fn metrics(&self) -> Metrics {
        let mut metrics = Metrics::new();
        for (index, datapoint) in self.datapoints.iter().enumerate() {
            for metric in &datapoint.metrics {
                let (kind, number) = match &metric.value {
                    Value::Bool(flag) => ("boolean", f64::from(u8::from(*flag))),
                    other => match other.as_f64() {
                        Some(number) => ("numeric", number),
                        None => continue,
                    },
                };
                let key = MetricKey {
                    metric: metric.name.clone(),
                    event: metric.event_name.clone(),
                    event_type: metric.event_type,
                    kind,
                };
                metrics.entry(key).or_default().push((index, number));
            }
        }
        metrics
    }

    /// The different kinds of events of the run, below its sessions.
    pub(super) fn event_kinds(&self) -> std::collections::BTreeSet<(String, TypeName)> {
        let all = self.datapoints.iter().flat_map(|datapoint| &datapoint.events);
        all.cloned().collect()
    }

    fn event_details(&self) -> Vec<Value> {
        let kinds = self.event_kinds();
        let details = kinds
            .iter()
            .map(|(name, kind)| json!({"event_name": name, "event_type": kind.0}));
        details.collect()
    }
}

impl Datapoint {
    fn new(session_id: String, events: &[Event]) -> Self {
        let by_session_first = |event: &&Event| event.event_id != event.session_id;
        let mut ordered: Vec<&Event> = events.iter().collect();
        ordered.sort_by_key(by_session_first);
        let datapoint_id = ordered
            .iter()
            .find_map(|event| event.metadata.get("datapoint_id")?.as_str())
            .map(str::to_owned);
        let mut metrics = Vec::new();
        for event in &ordered {
            collect_metrics(event, "", &event.metrics, &mut metrics);
        }
        let failed = |event: &&Event| {
            let on_top = event.event_id == session_id || event.parent_id.as_deref() == Some(session_id.as_str());
            on_top && event.error.is_some()
        };
        let passed = !ordered.iter().any(failed) && metrics.iter().all(|metric| metric.value != Value::Bool(false));
        Self {
            datapoint_id,
            passed,
            metrics,
            events: ordered
                .iter()
                .filter(|event| event.event_type != EventType::Session)
                .map(|event| (event.event_name.clone(), TypeName(event.event_type.as_str())))
                .collect(),
            session_id,
        }
    }

    /// How lists of datapoints call it.
    fn name(&self) -> &str {
        self.datapoint_id.as_deref().unwrap_or(&self.session_id)
    }

    fn json(&self) -> Value {
        let metrics: Vec<Value> = self
            .metrics
            .iter()
            .map(|metric| {
                json!({
                    "name": metric.name,
                    "event_name": metric.event_name,
                    "event_type": metric.event_type.0,
                    "value": metric.value,
                    "passed": metric.value != Value::Bool(false),
                })
            })
            .collect();
        json!({
            "datapoint_id": self.datapoint_id,
            "session_id": self.session_id,
            "passed": self.passed,
            "metrics": metrics,
        })
    }
}

/// Where each text first stands in a list.
fn positions(list: &[String]) -> HashMap<&str, usize> {
    let backwards = list.iter().enumerate().rev();
    backwards.map(|(index, text)| (text.as_str(), index)).collect()
}

/// Metrics inside objects get dotted names. In the order of their names, whatever order the object keeps.
fn collect_metrics(event: &Event, prefix: &str, object: &Map<String, Value>, out: &mut Vec<Metric>) {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_unstable_by_key(|(key, _)| *key);
    for (key, value) in members {
        let name = format!("{prefix}{key}");
        if let Value::Object(inner) = value {
            collect_metrics(event, &format!("{name}."), inner, out);
        } else if value.is_number() || value.is_boolean() {
            out.push(Metric {
                name,
                event_name: event.event_name.clone(),
                event_type: TypeName(event.event_type.as_str()),
                value: value.clone(),
            });
        }
    }
}

/// How many values become one. Percentiles interpolate linearly between the two nearest values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aggregate {
    pub(super) name: &'static str,
    function: fn(&[f64]) -> f64,
}

const AGGREGATES: [Aggregate; 9] = [
    aggregate("average", |sorted| sum(sorted) / count(sorted)),
    aggregate("min", |sorted| sorted[0]),
    aggregate("max", |sorted| sorted[sorted.len() - 1]),
    aggregate("median", |sorted| percentile(sorted, 0.5)),
    aggregate("p90", |sorted| percentile(sorted, 0.9)),
    aggregate("p95", |sorted| percentile(sorted, 0.95)),
    aggregate("p99", |sorted| percentile(sorted, 0.99)),
    aggregate("sum", sum),
    aggregate("count", count),
];

const fn aggregate(name: &'static str, function: fn(&[f64]) -> f64) -> Aggregate {
    Aggregate { name, function }
}

impl Aggregate {
    pub(super) fn read(parameters: &Parameters) -> Result<Self, ApiError> {
        const KEY: &str = "aggregate_function";
        const EXPECTED: &str = "average, min, max, median, p90, p95, p99, sum or count";
        let wanted = parameters.text(KEY).unwrap_or("average");
        let found = AGGREGATES.into_iter().find(|aggregate| aggregate.name == wanted);
        found.ok_or_else(|| bad(KEY, EXPECTED, &wanted.into()))
    }

    /// The aggregate; of no values there is none.
    pub(super) fn of(self, values: &[f64]) -> Option<f64> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        (!sorted.is_empty()).then(|| (self.function)(&sorted))
    }
}

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

#[expect(clippy::cast_precision_loss, reason = "nobody holds 2^53 values in memory")]
fn count(values: &[f64]) -> f64 {
    values.len() as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the position is within the slice"
)]
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (count(sorted) - 1.0);
    let below = position.floor() as usize;
    let above = position.ceil() as usize;
    sorted[below] + (sorted[above] - sorted[below]) * position.fract()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    #[test]
    fn every_aggregate_of_one_to_four() {
        let values = [4.0, 1.0, 3.0, 2.0];
        let expected = [
            ("average", 2.5),
            ("min", 1.0),
            ("max", 4.0),
            ("median", 2.5),
            ("p90", 3.7),
            ("p95", 3.85),
            ("p99", 3.97),
            ("sum", 10.0),
            ("count", 4.0),
        ];
        for (aggregate, (name, number)) in AGGREGATES.into_iter().zip(expected) {
            assert_eq!(aggregate.name, name);
            let found = aggregate.of(&values).unwrap();
            assert!((found - number).abs() < 1e-9, "{name} is {found}, not {number}");
            assert_eq!(aggregate.of(&[]), None);
        }
    }
}
