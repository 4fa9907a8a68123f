//! Searching events: filters on any field, a range of time, pages.

use axum::Json;
use axum::extract::State;
use honeyhive_core::event::Event;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::fields::{Fields, bad};
use super::filter::Filter;
use super::query::Parameters;
use super::{Answer, Db, body, time};
use crate::error::ApiError;
use crate::store::events;

const DEFAULT_LIMIT: usize = 1000;
const MAX_LIMIT: usize = 7500;
const LIMIT: &str = "a whole number from 1 to 7500";

/// `GET /events`: the fields of the search as parameters, objects and arrays as JSON.
pub(super) async fn list(state: Db, parameters: Parameters) -> Answer {
    let mut fields = Map::new();
    for key in ["filters", "dateRange", "projections", "ignore_order", "limit", "page"] {
        fields.insert(key.to_owned(), parameters.json(key, "JSON")?);
    }
    fields["filters"] = match fields["filters"].take() {
        Value::Null => json!([]),
        filters => filters,
    };
    fields.insert("evaluation_id".to_owned(), parameters.text("evaluation_id").into());
    export(state, body::Json(Fields::of(fields.into(), "")?)).await
}

/// `POST /v1/events/export` and `POST /v1/events/search`. The project is not looked at: there is one here.
pub(super) async fn export(State(store): Db, body::Json(mut body): body::Json) -> Answer {
    let filters = body.objects("filters")?;
    let mut filters = body.required("filters", "an array of objects", filters)?;
    if let Some(run_id) = body.text("evaluation_id")? {
        let filter = json!({"field": "metadata.run_id", "operator": "is", "value": run_id, "type": "string"});
        filters.push(Fields::of(filter, "evaluation_id")?);
    }
    body.flag("ignore_order")?;
    let filters = filters.into_iter().map(Filter::read).collect::<Result<Vec<_>, _>>()?;
    let limit = whole(&mut body, "limit", LIMIT)?.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(bad("limit", LIMIT, &limit.into()));
    }
    const PAGE: &str = "a whole number from 1";
    let page = whole(&mut body, "page", PAGE)?.unwrap_or(1);
    if page == 0 {
        return Err(bad("page", PAGE, &page.into()));
    }
    let range = Range::read(body.object("dateRange")?.unwrap_or_default())?;
    let projections = body.texts("projections")?;
    body.text("project")?;
    body.nothing_else("filters, limit, page, dateRange, projections, project, evaluation_id or ignore_order")?;

    let (found, total) = store
        .read(move |connection| {
            let skip = (page - 1).saturating_mul(limit);
            select(connection, &filters, &range, skip, limit)
        })
        .await?;
    let mut events = serde_json::to_value(found)?;
    if let Some(projections) = projections.filter(|projections| !projections.is_empty()) {
        let asked = |key: &str| projections.iter().any(|path| path.split('.').next() == Some(key));
        for event in events.as_array_mut().into_iter().flatten() {
            if let Some(fields) = event.as_object_mut() {
                fields.retain(|key, _| asked(key));
            }
        }
    }
    Ok(Json(
        json!({"events": events, "totalEvents": total, "total_events": total, "count": total}),
    ))
}

/// The times between which something happened, both included, in milliseconds since 1970.
#[derive(Debug)]
pub(super) struct Range {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Range {
    pub(super) fn read(range: Map<String, Value>) -> Result<Self, ApiError> {
        let mut range = Fields::of(Value::Object(range), "dateRange")?;
        let mut bound = |names: [&str; 2]| -> Result<Option<f64>, ApiError> {
            let Some((name, value)) = names.into_iter().find_map(|name| Some((name, range.any(name)?))) else {
                return Ok(None);
            };
            let millis = time::millis(&value);
            millis
                .map(Some)
                .ok_or_else(|| bad(&range.place(name), time::EXPECTED, &value))
        };
        let from = bound(["$gte", "start_time"])?.unwrap_or(f64::MIN);
        let to = bound(["$lte", "end_time"])?.unwrap_or(f64::MAX);
        range.nothing_else("$gte and $lte, or start_time and end_time")?;
        Ok(Self { from, to })
    }
}

fn select(
    connection: &Connection,
    filters: &[Filter],
    range: &Range,
    skip: usize,
    limit: usize,
) -> Result<(Vec<Event>, usize), ApiError> {
    // The common filters use an index; every filter is checked on the event in any case.
    let exact = |field: &str| filters.iter().find_map(|filter| filter.exact(field));
    let (condition, key) = if let Some(session) = exact("session_id") {
        ("session_id = ?3", Some(session))
    } else if let Some(run) = exact("metadata.run_id") {
        ("run_id = ?3", Some(run))
    } else {
        ("?3 IS NULL", None)
    };
    let condition = format!("start_time >= ?1 AND start_time <= ?2 AND {condition}");
    let (mut page, mut total) = (Vec::new(), 0);
    events::each(connection, &condition, (range.from, range.to, key), |event| {
        if filters.iter().all(|filter| filter.accepts(&event)) {
            if total >= skip && page.len() < limit {
                page.push(event);
            }
            total += 1;
        }
    })?;
    Ok((page, total))
}

fn whole(fields: &mut Fields, key: &str, expected: &'static str) -> Result<Option<usize>, ApiError> {
    let Some(value) = fields.any(key) else { return Ok(None) };
    let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
    number.map(Some).ok_or_else(|| bad(key, expected, &value))
}
