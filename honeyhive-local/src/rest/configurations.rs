//! Configurations: prompts and model settings, stored and listed.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::ids::Path;
use super::query::Parameters;
use super::{Answer, Db, body};
use crate::store::{Store, documents};

const KIND: documents::Kind = "configuration";

pub(super) fn router() -> Router<Arc<Store>> {
    Router::new()
        .route("/v1/configurations", get(list).post(create))
        .route("/v1/configurations/{id}", put(update).delete(delete))
}

/// `GET /v1/configurations?name=&env=&tags[]=`
async fn list(State(store): Db, parameters: Parameters) -> Answer {
    let mut found = store.read(|connection| documents::list(connection, KIND)).await?;
    let tags = parameters.list("tags").unwrap_or_default();
    found.retain(|configuration| {
        let has = |key: &str, wanted: &str| {
            let list = configuration[key].as_array();
            list.is_some_and(|list| list.iter().any(|item| item == wanted))
        };
        parameters.text("name").is_none_or(|name| configuration["name"] == name)
            && parameters.text("env").is_none_or(|env| has("env", env))
            && tags.iter().all(|tag| has("tags", tag))
    });
    Ok(Json(json!({"configurations": found})))
}

async fn create(State(store): Db, body::Json(mut body): body::Json) -> Answer {
    let (name, provider) = (body.name("name")?, body.text("provider")?);
    let name = body.required("name", "a string that is not blank", name)?;
    let provider = body.required("provider", "a string", provider)?;
    let parameters = body.object("parameters")?;
    let parameters = body.required("parameters", "an object", parameters)?;
    let mut configuration = body.rest();
    let fields: [(&str, Value); 3] = [
        ("name", name.into()),
        ("provider", provider.into()),
        ("parameters", parameters.into()),
    ];
    configuration.extend(fields.map(|(key, value)| (key.to_owned(), value)));
    let made = store
        .write(|connection| documents::create(connection, KIND, configuration))
        .await?;
    Ok(Json(json!({"acknowledged": true, "insertedId": made["id"]})))
}

async fn update(State(store): Db, Path(id): Path<String>, body::Json(body): body::Json) -> Answer {
    store
        .write(move |connection| documents::update(connection, KIND, &id, body.rest()))
        .await?;
    Ok(Json(json!({
        "acknowledged": true, "modifiedCount": 1, "matchedCount": 1, "upsertedCount": 0, "upsertedId": null,
    })))
}

async fn delete(State(store): Db, Path(id): Path<String>) -> Answer {
    store
        .write(move |connection| documents::delete(connection, KIND, &id))
        .await?;
    Ok(Json(json!({"acknowledged": true, "deletedCount": 1})))
}
