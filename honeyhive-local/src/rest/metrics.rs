//! Metrics and their versions: stored and listed; nothing here runs them.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::json;

use super::fields::Fields;
use super::ids::Path;
use super::query::Parameters;
use super::{Answer, Db, body};
use crate::error::ApiError;
use crate::store::{Store, documents};

const KIND: documents::Kind = "metric";
const VERSION: documents::Kind = "metric version";

pub(super) fn router() -> Router<Arc<Store>> {
    Router::new()
        .route("/v1/metrics", get(list).post(create))
        .route("/v1/metrics/{id}", put(update).delete(delete))
        .route("/v1/metrics/{id}/versions", get(versions).post(create_version))
        .route("/v1/metrics/{id}/versions/{name}/deploy", post(deploy))
}

/// `GET /v1/metrics?type=&id=`
async fn list(State(store): Db, parameters: Parameters) -> Answer {
    let mut found = store.read(|connection| documents::list(connection, KIND)).await?;
    found.retain(|metric| {
        ["type", "id"]
            .iter()
            .all(|key| parameters.text(key).is_none_or(|wanted| metric[key] == wanted))
    });
    Ok(Json(json!({"metrics": found})))
}

async fn create(State(store): Db, body::Json(body): body::Json) -> Answer {
    let metric = with_texts(body, &["name", "type", "criteria"])?;
    let made = store
        .write(|connection| documents::create(connection, KIND, metric))
        .await?;
    Ok(Json(json!({"inserted": true, "metric_id": made["id"]})))
}

async fn update(State(store): Db, Path(id): Path<String>, body::Json(body): body::Json) -> Answer {
    store
        .write(move |connection| documents::update(connection, KIND, &id, body.rest()))
        .await?;
    Ok(Json(json!({"updated": true})))
}

async fn delete(State(store): Db, Path(id): Path<String>) -> Answer {
    store
        .write(move |connection| documents::delete(connection, KIND, &id))
        .await?;
    Ok(Json(json!({"deleted": true})))
}

async fn versions(State(store): Db, Path(id): Path<String>) -> Answer {
    let found = store
        .read(move |connection| {
            documents::get(connection, KIND, &id)?;
            let mut found = documents::list(connection, VERSION)?;
            found.retain(|version| version["metric_id"] == id.as_str());
            Ok(found)
        })
        .await?;
    Ok(Json(json!({"success": true, "data": found})))
}

/// Versions of a metric are named `v1`, `v2`, …
async fn create_version(State(store): Db, Path(id): Path<String>, body::Json(body): body::Json) -> Answer {
    let mut version = with_texts(body, &["message"])?;
    let made = store
        .write(move |connection| {
            documents::get(connection, KIND, &id)?;
            let of_metric = documents::list(connection, VERSION)?;
            let before = of_metric
                .iter()
                .filter(|version| version["metric_id"] == id.as_str())
                .count();
            version.insert("version_name".to_owned(), format!("v{}", before + 1).into());
            version.insert("metric_id".to_owned(), id.into());
            documents::create(connection, VERSION, version)
        })
        .await?;
    Ok(Json(json!({"success": true, "data": made})))
}

/// The metric is what this version says from now on.
async fn deploy(State(store): Db, Path((id, name)): Path<(String, String)>) -> Answer {
    let deployed = store
        .write(move |connection| {
            let mut found = documents::list(connection, VERSION)?.into_iter();
            let version = found
                .find(|version| version["metric_id"] == id.as_str() && version["version_name"] == name.as_str())
                .ok_or_else(|| ApiError::not_found(VERSION, name))?;
            let mut change = version["content"].as_object().cloned().unwrap_or_default();
            change.insert("deployed_version".to_owned(), version["version_name"].clone());
            documents::update(connection, KIND, &id, change)?;
            Ok(version)
        })
        .await?;
    Ok(Json(json!({"success": true, "data": deployed})))
}

/// A body with texts that must be there.
fn with_texts(mut body: Fields, keys: &[&str]) -> Result<serde_json::Map<String, serde_json::Value>, ApiError> {
    let mut texts = Vec::new();
    for key in keys {
        let text = body.text(key)?;
        texts.push(((*key).to_owned(), body.required(key, "a string", text)?.into()));
    }
    let mut fields = body.rest();
    fields.extend(texts);
    Ok(fields)
}
