//! Annotation queues: named lists of events for people to look at. Nothing goes into one by itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::ids::Path;
use super::query::Parameters;
use super::{Answer, Db, SCOPE, body};
use crate::error::ApiError;
use crate::store::{Store, documents};

const KIND: documents::Kind = "queue";

pub(super) fn router() -> Router<Arc<Store>> {
    Router::new()
        .route("/v1/queues", get(list).post(create))
        .route("/v1/queues/{id}", get(read).put(update).delete(delete))
}

/// `GET /v1/queues?enabled=`
async fn list(State(store): Db, parameters: Parameters) -> Answer {
    let mut found = store.read(|connection| documents::list(connection, KIND)).await?;
    let enabled = parameters.json("enabled", "true or false")?;
    found.retain(|queue| enabled.is_null() || queue["enabled"] == enabled);
    Ok(Json(json!({"queues": found})))
}

async fn create(State(store): Db, body::Json(mut body): body::Json) -> Result<(StatusCode, Json<Value>), ApiError> {
    let name = body.name("name")?;
    let name = body.required("name", "a string that is not blank", name)?;
    let event_ids = body.texts("event_ids")?.unwrap_or_default();
    let enabled = body.flag("enabled")?.unwrap_or(true);
    let mut queue = body.rest();
    let fields: [(&str, Value); 6] = [
        ("name", name.into()),
        ("event_ids", event_ids.into()),
        ("enabled", enabled.into()),
        ("is_active", true.into()),
        ("scope_id", SCOPE.into()),
        ("scope_type", "project".into()),
    ];
    queue.extend(fields.map(|(key, value)| (key.to_owned(), value)));
    let made = store
        .write(|connection| documents::create(connection, KIND, queue))
        .await?;
    Ok((StatusCode::CREATED, Json(json!({"queue": made, "message": "created"}))))
}

async fn read(State(store): Db, Path(id): Path<String>) -> Answer {
    let found = store
        .read(move |connection| documents::get(connection, KIND, &id))
        .await?;
    Ok(Json(found))
}

async fn update(State(store): Db, Path(id): Path<String>, body::Json(mut body): body::Json) -> Answer {
    let added = body.texts("add_event_ids")?.unwrap_or_default();
    let removed: BTreeSet<String> = body
        .texts("remove_event_ids")?
        .unwrap_or_default()
        .into_iter()
        .collect();
    let changed = store
        .write(move |connection| {
            let queue = documents::get(connection, KIND, &id)?;
            let before = queue["event_ids"].as_array().cloned().unwrap_or_default();
            let before = before.into_iter().filter_map(|id| id.as_str().map(str::to_owned));
            let mut seen = BTreeSet::new();
            let now = before
                .chain(added)
                .filter(|id| !removed.contains(id) && seen.insert(id.clone()));
            let now: Vec<String> = now.collect();
            let mut change = body.rest();
            change.insert("event_ids".to_owned(), now.into());
            documents::update(connection, KIND, &id, change)
        })
        .await?;
    Ok(Json(json!({"queue": changed, "message": "updated"})))
}

async fn delete(State(store): Db, Path(id): Path<String>) -> Answer {
    store
        .write(move |connection| documents::delete(connection, KIND, &id))
        .await?;
    Ok(Json(json!({"message": "deleted"})))
}
