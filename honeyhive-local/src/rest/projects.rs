//! Projects: their names are kept, and separate nothing: everything here is one project's.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::fields::bad;
use super::query::Parameters;
use super::{Answer, Db, SCOPE, body};
use crate::error::ApiError;
use crate::store::{Store, documents};

const KIND: documents::Kind = "project";

pub(super) fn router() -> Router<Arc<Store>> {
    Router::new().route("/v1/projects", get(list).post(create).put(update).delete(delete))
}

/// `GET /v1/projects?name=`
async fn list(State(store): Db, parameters: Parameters) -> Answer {
    let mut found = store.read(|connection| documents::list(connection, KIND)).await?;
    found.retain(|project| parameters.text("name").is_none_or(|name| project["name"] == name));
    Ok(Json(found.into()))
}

async fn create(State(store): Db, body::Json(body): body::Json) -> Answer {
    let (name, mut project) = named(body)?;
    project.insert("name".to_owned(), name.as_str().into());
    project.insert("org_id".to_owned(), SCOPE.into());
    let made = store
        .write(move |connection| match id_of(connection, &name) {
            Ok(_) => Err(bad("name", "a name no project has", &name.into())),
            Err(_) => documents::create(connection, KIND, project),
        })
        .await?;
    Ok(Json(made))
}

async fn update(State(store): Db, body::Json(body): body::Json) -> Answer {
    let (name, change) = named(body)?;
    let changed = store
        .write(move |connection| documents::update(connection, KIND, &id_of(connection, &name)?, change))
        .await?;
    Ok(Json(changed))
}

/// `DELETE /v1/projects?name=`
async fn delete(State(store): Db, parameters: Parameters) -> Answer {
    let name = parameters.text("name").unwrap_or_default().to_owned();
    store
        .write(move |connection| documents::delete(connection, KIND, &id_of(connection, &name)?))
        .await?;
    Ok(Json(json!({"success": true})))
}

fn named(mut body: super::fields::Fields) -> Result<(String, Map<String, Value>), ApiError> {
    let name = body.name("name")?;
    let name = body.required("name", "a string that is not blank", name)?;
    Ok((name, body.rest()))
}

fn id_of(connection: &Connection, name: &str) -> Result<String, ApiError> {
    let projects = documents::list(connection, KIND)?;
    let project = projects.iter().find(|project| project["name"] == name);
    let id = project.and_then(|project| project["id"].as_str());
    id.map(str::to_owned).ok_or_else(|| ApiError::not_found(KIND, name))
}
