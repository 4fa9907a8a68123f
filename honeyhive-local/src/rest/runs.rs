//! Experiment runs: made, changed, read and listed.

use axum::Json;
use axum::extract::State;
use rusqlite::{Connection, OptionalExtension, named_params, params};
use serde_json::{Map, Value, json};

use super::export::Range;
use super::fields::{Fields, bad};
use super::ids::{Path, canonical};
use super::query::Parameters;
use super::{Answer, Db, SCOPE, body, new_id};
use crate::error::ApiError;
use crate::store::events::merge;

const STATUS: &str = "\"pending\", \"running\", \"completed\", \"failed\" or \"cancelled\"";
const STATUSES: [&str; 5] = ["pending", "running", "completed", "failed", "cancelled"];

/// `POST /v1/runs`: makes the run; the same id again merges, so a retried call does no harm.
pub(super) async fn create(State(store): Db, body::Json(mut body): body::Json) -> Answer {
    let run_id = body.uuid("run_id")?.unwrap_or_else(new_id);
    let mut changes = changes(&mut body)?;
    if let Some(dataset_id) = body.text("dataset_id")? {
        changes.insert("dataset_id".to_owned(), dataset_id.into());
    }
    let id = run_id.clone();
    let run = store
        .write(move |connection| {
            let run = match find(connection, &id)? {
                Some(run) => run,
                None => blank(&id, &timestamp(connection)?),
            };
            save(connection, &id, run, changes)
        })
        .await?;
    Ok(Json(json!({"evaluation": run, "run_id": run_id})))
}

/// `PUT /v1/runs/{id}`: merges objects, replaces everything else.
pub(super) async fn update(State(store): Db, Path(run_id): Path<String>, body::Json(mut body): body::Json) -> Answer {
    let run_id = canonical(run_id);
    let changes = changes(&mut body)?;
    let run = store
        .write(move |connection| {
            let run = require(connection, &run_id)?;
            save(connection, &run_id, run, changes)
        })
        .await?;
    Ok(Json(json!({"evaluation": run})))
}

/// `GET /v1/runs/{id}`
pub(super) async fn get(State(store): Db, Path(run_id): Path<String>) -> Answer {
    let run = store
        .read(move |connection| require(connection, &canonical(run_id)))
        .await?;
    Ok(Json(json!({"evaluation": run})))
}

/// `DELETE /v1/runs/{id}`: the run goes, its sessions stay.
pub(super) async fn delete(State(store): Db, Path(run_id): Path<String>) -> Answer {
    let run_id = canonical(run_id);
    let id = run_id.clone();
    let deleted = store
        .write(move |connection| Ok(connection.execute("DELETE FROM runs WHERE run_id = ?1", [&id])?))
        .await?;
    if deleted == 0 {
        return Err(ApiError::not_found("run", run_id));
    }
    Ok(Json(json!({"id": run_id, "deleted": true})))
}

/// `GET /v1/runs`: newest first unless asked otherwise.
pub(super) async fn list(State(store): Db, parameters: Parameters) -> Answer {
    let page = parameters.number("page", "a whole number from 1", 1, u32::MAX)?;
    let limit = parameters.number("limit", "a whole number from 1 to 100", 20, 100)?;
    let query = Query::read(&parameters)?;
    let (runs, total, total_unfiltered) = store
        .read(move |connection| select(connection, &query, page, limit))
        .await?;
    let total_pages = total.div_ceil(u64::from(limit));
    Ok(Json(json!({
        "evaluations": runs,
        "metrics": [],
        "pagination": {
            "page": page,
            "limit": limit,
            "total": total,
            "total_unfiltered": total_unfiltered,
            "total_pages": total_pages,
            "has_next": u64::from(page) < total_pages,
            "has_prev": page > 1,
        },
    })))
}

/// Which runs, and in which order.
struct Query {
    status: Option<String>,
    name: Option<String>,
    dataset: Option<String>,
    ids: Option<String>,
    created: Range,
    order: &'static str,
}

impl Query {
    fn read(parameters: &Parameters) -> Result<Self, ApiError> {
        let text = |key: &str| parameters.text(key).map(str::to_owned);
        let status = text("status");
        if let Some(status) = status.as_deref().filter(|status| !STATUSES.contains(status)) {
            return Err(bad("status", STATUS, &status.into()));
        }
        let descending = match parameters.text("sort_order") {
            None | Some("desc") => true,
            Some("asc") => false,
            Some(other) => return Err(bad("sort_order", "asc or desc", &other.into())),
        };
        // Runs are numbered as they are made; equal keys follow the same direction.
        let order = match (parameters.text("sort_by").unwrap_or("created_at"), descending) {
            ("created_at", true) => "seq DESC",
            ("created_at", false) => "seq",
            ("updated_at", true) => "json_extract(body, '$.updated_at') DESC, seq DESC",
            ("updated_at", false) => "json_extract(body, '$.updated_at'), seq",
            ("name", true) => "name DESC, seq DESC",
            ("name", false) => "name, seq",
            ("status", true) => "status DESC, seq DESC",
            ("status", false) => "status, seq",
            (other, _) => return Err(bad("sort_by", "created_at, updated_at, name or status", &other.into())),
        };
        let range = parameters.json("dateRange", "an object such as {\"$gte\": \"2026-01-31\"}")?;
        let range = Fields::of(json!({"dateRange": range}), "")?.object("dateRange")?;
        let ids = parameters.list("run_ids");
        Ok(Self {
            status,
            name: text("name"),
            dataset: text("dataset_id"),
            ids: ids.map(|ids| ids.into_iter().map(canonical).collect::<Value>().to_string()),
            created: Range::read(range.unwrap_or_default())?,
            order,
        })
    }
}

fn select(connection: &Connection, query: &Query, page: u32, limit: u32) -> Result<(Vec<Value>, u64, u64), ApiError> {
    const CONDITION: &str = "(:status IS NULL OR status = :status) AND (:name IS NULL OR name = :name) \
         AND (:dataset IS NULL OR dataset_id = :dataset) \
         AND (:ids IS NULL OR run_id IN (SELECT value FROM json_each(:ids))) \
         AND round(unixepoch(json_extract(body, '$.created_at'), 'subsec') * 1000) BETWEEN :from AND :to";
    let Query {
        status,
        name,
        dataset,
        ids,
        created: Range { from, to },
        order,
    } = query;
    let total: i64 = connection
        .prepare_cached(&format!("SELECT count(*) FROM runs WHERE {CONDITION}"))?
        .query_row(
            named_params! {
                ":status": status, ":name": name, ":dataset": dataset, ":ids": ids, ":from": from, ":to": to
            },
            |row| row.get(0),
        )?;
    let everything: i64 = connection.query_row("SELECT count(*) FROM runs", [], |row| row.get(0))?;
    let sql = format!("SELECT body FROM runs WHERE {CONDITION} ORDER BY {order} LIMIT :limit OFFSET :skip");
    let mut statement = connection.prepare_cached(&sql)?;
    let skip = i64::from(page - 1) * i64::from(limit);
    let bodies = statement.query_map(
        named_params! {
            ":status": status, ":name": name, ":dataset": dataset, ":ids": ids, ":from": from, ":to": to,
            ":limit": limit, ":skip": skip
        },
        |row| row.get::<_, String>(0),
    )?;
    let runs = bodies
        .map(|body| Ok(serde_json::from_str(&body?)?))
        .collect::<Result<_, ApiError>>()?;
    Ok((runs, total.unsigned_abs(), everything.unsigned_abs()))
}

/// What a body says about a run.
fn changes(body: &mut Fields) -> Result<Map<String, Value>, ApiError> {
    let mut changes = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            changes.insert(key.to_owned(), value);
        }
    };
    set("name", body.name("name")?.map(Value::from));
    set("description", body.text("description")?.map(Value::from));
    set("status", body.one_of("status", STATUS, &STATUSES)?.map(Value::from));
    for key in ["metadata", "results", "configuration", "passing_ranges"] {
        set(key, body.object(key)?.map(Value::from));
    }
    // Two names for one list: the sessions of the run.
    let sessions = body.texts("event_ids")?.or(body.texts("session_ids")?);
    set("event_ids", sessions.map(Value::from));
    set("datapoint_ids", body.texts("datapoint_ids")?.map(Value::from));
    set("evaluators", body.any("evaluators"));
    Ok(changes)
}

pub(super) fn require(connection: &Connection, run_id: &str) -> Result<Map<String, Value>, ApiError> {
    find(connection, run_id)?.ok_or_else(|| ApiError::not_found("run", run_id))
}

fn find(connection: &Connection, run_id: &str) -> Result<Option<Map<String, Value>>, ApiError> {
    let mut statement = connection.prepare_cached("SELECT body FROM runs WHERE run_id = ?1")?;
    let body: Option<String> = statement.query_row([run_id], |row| row.get(0)).optional()?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

fn save(
    connection: &Connection,
    run_id: &str,
    mut run: Map<String, Value>,
    changes: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    merge(&mut run, changes);
    run.insert("updated_at".to_owned(), timestamp(connection)?.into());
    if run.get("name").is_none_or(Value::is_null) {
        let name = format!("experiment-{}", run_id.get(..8).unwrap_or(run_id));
        run.insert("name".to_owned(), name.into());
    }
    connection
        .prepare_cached(
            "INSERT INTO runs (run_id, body) VALUES (?1, ?2) ON CONFLICT (run_id) DO UPDATE SET body = excluded.body",
        )?
        .execute(params![run_id, serde_json::to_string(&run)?])?;
    Ok(run)
}

fn blank(run_id: &str, created_at: &str) -> Map<String, Value> {
    let run = json!({
        "id": run_id,
        "run_id": run_id,
        "description": null,
        "status": "pending",
        "metadata": {},
        "results": {},
        "event_ids": [],
        "datapoint_ids": [],
        "configuration": {},
        "is_active": true,
        "created_at": created_at,
        "scope_type": "project",
        "scope_id": SCOPE,
        "dataset_id": null,
        "dataset_name": null,
    });
    match run {
        Value::Object(run) => run,
        _ => Map::new(),
    }
}

/// The time as the platform writes it.
pub(crate) fn timestamp(connection: &Connection) -> Result<String, ApiError> {
    let mut statement = connection.prepare_cached("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}
