//! Two runs side by side: each metric of the datapoints they have in common. Higher is better.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::ids::{Path, canonical};
use super::query::Parameters;
use super::result::{Aggregate, MetricKey, RunData};
use super::{Answer, Db};

/// `GET /v1/runs/{new}/compare-with/{old}?aggregate_function=&filters=`
///
/// Filters choose datapoints by their sessions, in both runs. Values, aggregates and counts are over the datapoints both runs have, in the order of the new run; where an event
/// happened several times in a datapoint, the mean of its values counts as its value.
pub(super) async fn get(
    State(store): Db,
    Path((new_id, old_id)): Path<(String, String)>,
    parameters: Parameters,
) -> Answer {
    let aggregate = Aggregate::read(&parameters)?;
    let filters = parameters.filters()?;
    let (new_id, old_id) = (canonical(new_id), canonical(old_id));
    let (new, old) = store
        .read(move |connection| {
            let load = |id: &str| RunData::load(connection, id, &filters);
            Ok((load(&new_id)?, load(&old_id)?))
        })
        .await?;
    let in_old: BTreeSet<&str> = ids(&old).collect();
    let mut common: Vec<&str> = ids(&new).filter(|id| in_old.contains(id)).collect();
    let mut seen = BTreeSet::new();
    common.retain(|id| seen.insert(*id));

    let (new_means, old_means) = (means(&new), means(&old));
    let keys: BTreeSet<&MetricKey> = new_means.keys().chain(old_means.keys()).collect();
    let empty = BTreeMap::new();
    let metrics: Vec<Value> = keys
        .into_iter()
        .map(|key| {
            let of = |means| Means::get(means, key).unwrap_or(&empty);
            compare(key, aggregate, &common, of(&old_means), of(&new_means))
        })
        .collect();

    let (new_events, old_events) = (new.event_kinds(), old.event_kinds());
    let event_details: Vec<Value> = new_events
        .union(&old_events)
        .map(|kind| {
            let presence = match (old_events.contains(kind), new_events.contains(kind)) {
                (true, true) => "both",
                (true, false) => "old",
                _ => "new",
            };
            json!({"event_name": kind.0, "event_type": kind.1.as_str(), "presence": presence})
        })
        .collect();
    Ok(Json(json!({
        "metrics": metrics,
        "commonDatapoints": common,
        "event_details": event_details,
        "old_run": old.object,
        "new_run": new.object,
    })))
}

/// For each metric the mean value of each datapoint.
type Means<'a> = BTreeMap<MetricKey, BTreeMap<&'a str, f64>>;

fn ids(run: &RunData) -> impl Iterator<Item = &str> {
    run.datapoints
        .iter()
        .filter_map(|datapoint| datapoint.datapoint_id.as_deref())
}

fn means(run: &RunData) -> Means<'_> {
    let by_metric = run.metrics().into_iter().map(|(key, values)| {
        let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for (index, number) in values {
            if let Some(id) = run.datapoints[index].datapoint_id.as_deref() {
                let (sum, count) = sums.entry(id).or_default();
                (*sum, *count) = (*sum + number, *count + 1.0);
            }
        }
        (
            key,
            sums.into_iter().map(|(id, (sum, count))| (id, sum / count)).collect(),
        )
    });
    by_metric.collect()
}

fn compare(
    key: &MetricKey,
    aggregate: Aggregate,
    common: &[&str],
    old: &BTreeMap<&str, f64>,
    new: &BTreeMap<&str, f64>,
) -> Value {
    let values =
        |of: &BTreeMap<&str, f64>| -> Vec<f64> { common.iter().filter_map(|id| of.get(id).copied()).collect() };
    let (old_values, new_values) = (values(old), values(new));
    let (mut improved, mut degraded, mut same) = (Vec::new(), Vec::new(), Vec::new());
    for id in common {
        match (old.get(id), new.get(id)) {
            (Some(old), Some(new)) if new > old => improved.push(*id),
            (Some(old), Some(new)) if new < old => degraded.push(*id),
            (Some(_), Some(_)) => same.push(*id),
            _ => {}
        }
    }
    json!({
        "metric_name": key.metric,
        "metric_type": key.kind,
        "event_name": key.event,
        "event_type": key.event_type.as_str(),
        "old_aggregate": aggregate.of(&old_values),
        "new_aggregate": aggregate.of(&new_values),
        "found_count": improved.len() + degraded.len() + same.len(),
        "improved_count": improved.len(),
        "degraded_count": degraded.len(),
        "same_count": same.len(),
        "improved": improved,
        "degraded": degraded,
        "same": same,
        "old_values": old_values,
        "new_values": new_values,
    })
}
