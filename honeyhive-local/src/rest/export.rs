//! Searching events: filters on any field, a range of time, pages.

use axum::Json;
use axum::extract::State;
use honeyhive_core::event::Event;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::fields::{Fields, bad};
use super::{Answer, Db, body};
use crate::error::ApiError;
use crate::store::events;

const DEFAULT_LIMIT: usize = 1000;
const MAX_LIMIT: usize = 7500;
const LIMIT: &str = "a whole number from 1 to 7500";
const TIME: &str = "milliseconds since 1970 or an ISO 8601 time";

/// `POST /v1/events/export`
pub(super) async fn export(State(store): Db, body::Json(mut body): body::Json) -> Answer {
    let filters = body.objects("filters")?;
    let filters = body.required("filters", "an array of objects", filters)?;
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
    let range = body.object("dateRange")?;
    let mut range = Fields::of(range.map_or_else(|| json!({}), Value::Object), "dateRange")?;
    let bounds = [["$gte", "start_time"], ["$lte", "end_time"]]
        .map(|names| names.into_iter().find_map(|name| Some((name, range.any(name)?))));

    let (found, total) = store
        .read(move |connection| {
            let [from, to] = bounds.map(|bound| match bound {
                Some((name, value)) => millis(connection, name, &value).map(Some),
                None => Ok(None),
            });
            let (from, to) = (from?.unwrap_or(f64::MIN), to?.unwrap_or(f64::MAX));
            select(
                connection,
                &filters,
                (from, to),
                (page - 1).saturating_mul(limit),
                limit,
            )
        })
        .await?;
    let events = serde_json::to_value(found)?;
    Ok(Json(
        json!({"events": events, "totalEvents": total, "total_events": total, "count": total}),
    ))
}

fn select(
    connection: &Connection,
    filters: &[Filter],
    (from, to): (f64, f64),
    skip: usize,
    limit: usize,
) -> Result<(Vec<Event>, usize), ApiError> {
    // The common filters use an index; every filter is checked on the event in any case.
    let exact = |field: &str| {
        let filter = filters
            .iter()
            .find(|filter| filter.field == field && filter.operator == Operator::Is)?;
        filter.value.as_str()
    };
    let (condition, key) = if let Some(session) = exact("session_id") {
        ("session_id = ?3", Some(session))
    } else if let Some(run) = exact("metadata.run_id") {
        ("run_id = ?3", Some(run))
    } else {
        ("?3 IS NULL", None)
    };
    let condition = format!("start_time >= ?1 AND start_time <= ?2 AND {condition}");
    let (mut page, mut total) = (Vec::new(), 0);
    events::each(connection, &condition, (from, to, key), |event| {
        if filters.iter().all(|filter| filter.accepts(&event)) {
            if total >= skip && page.len() < limit {
                page.push(event);
            }
            total += 1;
        }
    })?;
    Ok((page, total))
}

fn millis(connection: &Connection, name: &str, value: &Value) -> Result<f64, ApiError> {
    if let Some(number) = value.as_f64().or_else(|| value.as_str()?.parse().ok()) {
        return Ok(number);
    }
    let seconds: Option<f64> =
        connection.query_row("SELECT unixepoch(?1, 'subsec')", [value.as_str()], |row| row.get(0))?;
    seconds
        .map(|seconds| seconds * 1000.0)
        .ok_or_else(|| bad(&format!("dateRange.{name}"), TIME, value))
}

fn whole(fields: &mut Fields, key: &str, expected: &'static str) -> Result<Option<usize>, ApiError> {
    let Some(value) = fields.any(key) else { return Ok(None) };
    let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
    number.map(Some).ok_or_else(|| bad(key, expected, &value))
}

/// One condition on one field of an event.
#[derive(Debug)]
struct Filter {
    field: String,
    operator: Operator,
    value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Is,
    IsNot,
    Contains,
    NotContains,
    Exists,
    NotExists,
    Greater,
    Less,
}

impl Filter {
    fn read(mut fields: Fields) -> Result<Self, ApiError> {
        const NAMES: [&str; 10] = [
            "is",
            "is not",
            "contains",
            "not contains",
            "exists",
            "not exists",
            "greater than",
            "less than",
            "after",
            "before",
        ];
        const EXPECTED: &str = "is, is not, contains, not contains, exists, not exists, greater than, less than, \
                                after or before";
        const TYPES: &str = "string, number, boolean or datetime";
        let field = fields.name("field")?;
        let field = fields.required("field", "a field such as \"metadata.run_id\"", field)?;
        let operator = fields.one_of("operator", EXPECTED, &NAMES)?;
        let operator = match fields.required("operator", EXPECTED, operator)?.as_str() {
            "is not" => Operator::IsNot,
            "contains" => Operator::Contains,
            "not contains" => Operator::NotContains,
            "exists" => Operator::Exists,
            "not exists" => Operator::NotExists,
            "greater than" | "after" => Operator::Greater,
            "less than" | "before" => Operator::Less,
            _ => Operator::Is,
        };
        fields.one_of("type", TYPES, &["string", "number", "boolean", "datetime"])?;
        Ok(Self {
            value: fields.any("value").unwrap_or_default(),
            field,
            operator,
        })
    }

    fn accepts(&self, event: &Event) -> bool {
        let found = look_up(event, &self.field);
        let found = found.as_ref().filter(|value| !value.is_null());
        match self.operator {
            Operator::Exists => found.is_some(),
            Operator::NotExists => found.is_none(),
            Operator::Is => found.is_some_and(|found| self.equals(found)),
            Operator::IsNot => !found.is_some_and(|found| self.equals(found)),
            Operator::Contains => found.is_some_and(|found| self.is_in(found)),
            Operator::NotContains => !found.is_some_and(|found| self.is_in(found)),
            Operator::Greater => found.is_some_and(|found| self.compare(found).is_some_and(|order| order.is_gt())),
            Operator::Less => found.is_some_and(|found| self.compare(found).is_some_and(|order| order.is_lt())),
        }
    }

    fn equals(&self, found: &Value) -> bool {
        match (number(found), number(&self.value)) {
            (Some(found), Some(wanted)) => found == wanted,
            _ => plain(found) == plain(&self.value),
        }
    }

    fn is_in(&self, found: &Value) -> bool {
        match found {
            Value::Array(items) => items.iter().any(|item| self.equals(item)),
            other => plain(other).contains(&plain(&self.value)),
        }
    }

    fn compare(&self, found: &Value) -> Option<std::cmp::Ordering> {
        match (number(found), number(&self.value)) {
            (Some(found), Some(wanted)) => found.partial_cmp(&wanted),
            _ => Some(plain(found).cmp(&plain(&self.value))),
        }
    }
}

/// The value at a dotted path: a field of the event, or an object of it and keys or indexes inside.
fn look_up(event: &Event, path: &str) -> Option<Value> {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    let bucket = match head {
        "event_id" => return Some(event.event_id.as_str().into()),
        "session_id" => return Some(event.session_id.as_str().into()),
        "parent_id" => return event.parent_id.as_deref().map(Value::from),
        "event_type" => return Some(event.event_type.as_str().into()),
        "event_name" => return Some(event.event_name.as_str().into()),
        "project" => return event.project.as_deref().map(Value::from),
        "source" => return Some(event.source.as_str().into()),
        "error" => return event.error.as_deref().map(Value::from),
        "start_time" => return Some(event.start_time.into()),
        "end_time" => return Some(event.end_time.into()),
        "duration" => return Some(event.duration.into()),
        "inputs" => &event.inputs,
        "outputs" => &event.outputs,
        "config" => &event.config,
        "metadata" => &event.metadata,
        "metrics" => &event.metrics,
        "feedback" => &event.feedback,
        "user_properties" => &event.user_properties,
        _ => return None,
    };
    let mut keys = rest.split('.');
    let first = bucket.get(keys.next()?)?;
    let found = keys.try_fold(first, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    })?;
    Some(found.clone())
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
