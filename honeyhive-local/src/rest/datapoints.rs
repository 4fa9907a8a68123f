//! Datapoints: made one by one or in batches, read by id or by dataset.

use axum::Json;
use axum::extract::State;
use rusqlite::{Connection, OptionalExtension, named_params, params};
use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::ids::Path;
use super::query::Parameters;
use super::{Answer, Db, body, datasets, new_id, runs};
use crate::error::ApiError;

/// A datapoint as it was sent.
struct Sent {
    id: String,
    body: Map<String, Value>,
    datasets: Vec<String>,
}

/// `POST /v1/datapoints`
pub(super) async fn create(State(store): Db, body::Json(mut body): body::Json) -> Answer {
    let sent = read(&mut body)?;
    let id = sent.id.clone();
    store.write(move |connection| insert(connection, sent)).await?;
    Ok(Json(json!({"inserted": true, "result": {"insertedIds": [id]}})))
}

/// `POST /v1/datapoints/batch`: all of them or none.
pub(super) async fn create_batch(State(store): Db, body::Json(mut body): body::Json) -> Answer {
    let list = body.objects("datapoints")?;
    let list = body.required("datapoints", "an array of objects", list)?;
    let sent = list
        .into_iter()
        .map(|mut fields| read(&mut fields))
        .collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<String> = sent.iter().map(|sent| sent.id.clone()).collect();
    store
        .write(move |connection| sent.into_iter().try_for_each(|sent| insert(connection, sent)))
        .await?;
    Ok(Json(json!({"inserted": true, "insertedIds": ids})))
}

/// `GET /v1/datapoints/{id}`: an array of the one.
pub(super) async fn get(State(store): Db, Path(id): Path<String>) -> Answer {
    let ids = Value::from(vec![id.as_str()]).to_string();
    let found = store
        .read(move |connection| select(connection, Some(&ids), None))
        .await?;
    if found.is_empty() {
        return Err(ApiError::not_found("datapoint", id));
    }
    Ok(Json(json!({"datapoint": found})))
}

/// `GET /v1/datapoints?datapoint_ids[]=&dataset_name=`
pub(super) async fn list(State(store): Db, parameters: Parameters) -> Answer {
    let found = store
        .read(move |connection| {
            let ids = parameters.list("datapoint_ids").map(|ids| Value::from(ids).to_string());
            select(connection, ids.as_deref(), parameters.text("dataset_name"))
        })
        .await?;
    Ok(Json(json!({"datapoints": found})))
}

/// `PUT /v1/datapoints/{id}`: replaces the fields given.
pub(super) async fn update(State(store): Db, Path(id): Path<String>, body::Json(mut body): body::Json) -> Answer {
    let mut change = Map::new();
    for key in ["inputs", "metadata"] {
        if let Some(object) = body.object(key)? {
            change.insert(key.to_owned(), object.into());
        }
    }
    for key in ["ground_truth", "history"] {
        if let Some(value) = body.any(key) {
            change.insert(key.to_owned(), value);
        }
    }
    if let Some(event) = body.text("linked_event")? {
        change.insert("linked_event".to_owned(), event.into());
    }
    let linked = body.texts("linked_datasets")?.unwrap_or_default();
    store
        .write(move |connection| {
            let Some(mut stored) = find(connection, &id)? else {
                return Err(ApiError::not_found("datapoint", id));
            };
            change.insert("updated_at".to_owned(), runs::timestamp(connection)?.into());
            stored.extend(change);
            connection
                .prepare_cached("UPDATE datapoints SET body = ?2 WHERE id = ?1")?
                .execute(params![id, serde_json::to_string(&stored)?])?;
            for dataset_id in linked {
                datasets::link(connection, &dataset_id, &id)?;
            }
            Ok(Json(json!({"updated": true, "result": stored})))
        })
        .await
}

/// `DELETE /v1/datapoints/{id}`: out of its datasets, too.
pub(super) async fn delete(State(store): Db, Path(id): Path<String>) -> Answer {
    store
        .write(move |connection| {
            connection.execute("DELETE FROM links WHERE datapoint_id = ?1", [&id])?;
            match connection.execute("DELETE FROM datapoints WHERE id = ?1", [&id])? {
                0 => Err(ApiError::not_found("datapoint", id)),
                _ => Ok(Json(json!({"deleted": true}))),
            }
        })
        .await
}

fn find(connection: &Connection, id: &str) -> Result<Option<Map<String, Value>>, ApiError> {
    let mut statement = connection.prepare_cached("SELECT body FROM datapoints WHERE id = ?1")?;
    let body: Option<String> = statement.query_row([id], |row| row.get(0)).optional()?;
    body.map(|body| Ok(serde_json::from_str(&body)?)).transpose()
}

fn read(fields: &mut Fields) -> Result<Sent, ApiError> {
    let mut body = Map::new();
    body.insert("inputs".to_owned(), fields.object("inputs")?.unwrap_or_default().into());
    // Free in type: an expected answer may be any JSON.
    body.insert(
        "ground_truth".to_owned(),
        fields.any("ground_truth").unwrap_or_default(),
    );
    body.insert("history".to_owned(), fields.any("history").unwrap_or_else(|| json!([])));
    body.insert(
        "metadata".to_owned(),
        fields.object("metadata")?.unwrap_or_default().into(),
    );
    body.insert("linked_event".to_owned(), fields.text("linked_event")?.into());
    Ok(Sent {
        id: new_id(),
        body,
        datasets: fields.texts("linked_datasets")?.unwrap_or_default(),
    })
}

fn insert(connection: &Connection, sent: Sent) -> Result<(), ApiError> {
    add(connection, &sent.id, sent.body)?;
    for dataset_id in sent.datasets {
        datasets::link(connection, &dataset_id, &sent.id)?;
    }
    Ok(())
}

/// Stores a new datapoint.
pub(super) fn add(connection: &Connection, id: &str, mut body: Map<String, Value>) -> Result<(), ApiError> {
    let now = runs::timestamp(connection)?;
    body.insert("id".to_owned(), id.into());
    body.insert("created_at".to_owned(), now.clone().into());
    body.insert("updated_at".to_owned(), now.into());
    connection
        .prepare_cached("INSERT INTO datapoints (id, body) VALUES (?1, ?2)")?
        .execute(params![id, serde_json::to_string(&body)?])?;
    Ok(())
}

pub(super) fn exists(connection: &Connection, id: &str) -> Result<bool, ApiError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM datapoints WHERE id = ?1")?;
    Ok(statement.exists([id])?)
}

fn select(connection: &Connection, ids: Option<&str>, dataset_name: Option<&str>) -> Result<Vec<Value>, ApiError> {
    let mut statement = connection.prepare_cached(
        "SELECT body, (SELECT json_group_array(dataset_id) FROM links WHERE datapoint_id = id) FROM datapoints \
         WHERE (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids))) AND (:name IS NULL OR id IN \
         (SELECT datapoint_id FROM links JOIN datasets ON datasets.id = dataset_id WHERE name = :name)) ORDER BY seq",
    )?;
    let rows = statement.query_map(named_params! {":ids": ids, ":name": dataset_name}, |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    rows.map(|row| {
        let (body, linked) = row?;
        let mut datapoint: Value = serde_json::from_str(&body)?;
        datapoint["linked_datasets"] = serde_json::from_str(&linked)?;
        Ok(datapoint)
    })
    .collect()
}
