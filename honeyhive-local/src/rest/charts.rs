//! Charts: stored and listed, not drawn. The project of a path is not looked at: there is one here.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::ids::Path;
use super::{Answer, Db, body};
use crate::store::{Store, documents};

const KIND: documents::Kind = "chart";

/// The chart of a path, which may name a project as well.
type Named = Path<HashMap<String, String>>;

pub(super) fn router() -> Router<Arc<Store>> {
    let all = || get(list).post(create);
    let one = || get(read).put(update).patch(update).delete(delete);
    Router::new()
        .route("/v1/charts", all())
        .route("/v1/charts/{chart_id}", one())
        .route("/v1/projects/{project_id}/charts", all())
        .route("/v1/projects/{project_id}/charts/{chart_id}", one())
}

async fn list(State(store): Db) -> Answer {
    let found = store.read(|connection| documents::list(connection, KIND)).await?;
    Ok(Json(json!({"success": true, "data": found})))
}

async fn create(State(store): Db, body::Json(mut body): body::Json) -> Answer {
    let name = body.name("name")?;
    let name = body.required("name", "a string that is not blank", name)?;
    let metric = body.text("metric")?;
    let metric = body.required("metric", "a string", metric)?;
    let mut chart = body.rest();
    chart.insert("name".to_owned(), name.into());
    chart.insert("metric".to_owned(), metric.into());
    let made = store
        .write(|connection| documents::create(connection, KIND, chart))
        .await?;
    Ok(Json(json!({"success": true, "data": made})))
}

async fn read(State(store): Db, Path(path): Named) -> Answer {
    let found = store
        .read(move |connection| documents::get(connection, KIND, id(&path)))
        .await?;
    Ok(Json(json!({"success": true, "data": found})))
}

async fn update(State(store): Db, Path(path): Named, body::Json(body): body::Json) -> Answer {
    let changed = store
        .write(move |connection| documents::update(connection, KIND, id(&path), body.rest()))
        .await?;
    Ok(Json(json!({"success": true, "data": changed})))
}

async fn delete(State(store): Db, Path(path): Named) -> Answer {
    store
        .write(move |connection| documents::delete(connection, KIND, id(&path)))
        .await?;
    Ok(Json(json!({"success": true, "message": "deleted"})))
}

fn id(path: &HashMap<String, String>) -> &str {
    path.get("chart_id").map_or("", String::as_str)
}
