//! The routes: one file per resource, this one ties them together.

mod body;
mod charts;
mod compare;
mod configurations;
mod datapoints;
mod datasets;
mod events;
mod export;
mod fields;
mod filter;
mod guard;
mod ids;
mod metrics;
mod projects;
mod query;
mod queues;
mod result;
mod runs;
mod sessions;
mod time;
mod traces;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, Uri};
use axum::middleware;
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::store::Store;

pub(crate) use self::fields::MAX_MILLIS;
pub(crate) use self::runs::timestamp;

/// What every route can reach.
type Db = State<Arc<Store>>;
/// An answer of JSON, or a refusal.
type Answer = Result<Json<Value>, ApiError>;

/// Where events and runs belong: there is one organisation, workspace and project here.
const SCOPE: &str = "local";

pub(crate) fn router(store: Arc<Store>, api_key: Option<&str>) -> Router {
    let key: Option<Arc<str>> = api_key.map(Arc::from);
    let traces = || post(traces::receive).layer(DefaultBodyLimit::max(body::MAX_TRACES));
    Router::new()
        .route("/session/start", post(sessions::start))
        .route(
            "/v1/sessions/{session_id}",
            get(sessions::tree).delete(sessions::delete),
        )
        .route("/v1/sessions/{session_id}/events/batch", post(events::add_to_session))
        .route("/events", post(events::create).put(events::update).get(export::list))
        .route("/events/batch", post(events::create_batch))
        .route("/v1/events/export", post(export::export))
        .route("/v1/events/search", post(export::export))
        .route("/v1/events/{event_id}", get(events::get).delete(events::delete))
        .route("/opentelemetry/v1/traces", traces())
        .route("/v1/traces", traces())
        .route("/v1/runs", post(runs::create).get(runs::list))
        .route(
            "/v1/runs/{run_id}",
            get(runs::get).put(runs::update).delete(runs::delete),
        )
        .route("/v1/runs/{run_id}/result", get(result::get))
        .route("/v1/runs/{run_id}/summary", get(result::get))
        .route("/v1/runs/{run_id}/compare-with/{old_run_id}", get(compare::get))
        .route("/v1/runs/{run_id}/compare/{old_run_id}", get(compare::get))
        .route("/v1/datasets", post(datasets::create).get(datasets::list))
        .route(
            "/v1/datasets/{dataset_id}",
            put(datasets::update).delete(datasets::delete),
        )
        .route("/v1/datasets/{dataset_id}/datapoints", post(datasets::add_datapoints))
        .route(
            "/v1/datasets/{dataset_id}/datapoints/{datapoint_id}",
            delete(datasets::remove_datapoint),
        )
        .route(
            "/v1/datasets/{dataset_id}/{datapoint_id}",
            delete(datasets::remove_datapoint),
        )
        .route("/v1/datapoints", post(datapoints::create).get(datapoints::list))
        .route("/v1/datapoints/batch", post(datapoints::create_batch))
        .route(
            "/v1/datapoints/{datapoint_id}",
            get(datapoints::get).put(datapoints::update).delete(datapoints::delete),
        )
        .merge(charts::router())
        .merge(configurations::router())
        .merge(metrics::router())
        .merge(projects::router())
        .merge(queues::router())
        .method_not_allowed_fallback(async |method: Method| ApiError::WrongMethod(method.to_string()))
        .fallback(async |method: Method, uri: Uri| ApiError::NoRoute(format!("{method} {}", uri.path())))
        .layer(middleware::from_fn_with_state(key, guard::guard))
        .layer(DefaultBodyLimit::max(body::MAX_JSON))
        .with_state(store)
}

/// Adds the ids the platform answers with every session.
fn add_scope(object: &mut Map<String, Value>) {
    for key in ["org_id", "workspace_id", "project_id"] {
        object.insert(key.to_owned(), SCOPE.into());
    }
}

/// Milliseconds since 1970.
fn now() -> f64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64() * 1000.0)
}

pub(crate) fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
