//! Sessions: start one, read the tree of one.

use axum::Json;
use axum::extract::State;
use honeyhive_core::event::{Bucket, Event, EventTree, EventType};
use rusqlite::Connection;
use serde_json::json;

use super::fields::bad;
use super::ids::{Path, canonical};
use super::{Answer, Db, add_scope, body, new_id, now};
use crate::error::ApiError;
use crate::store::events::{self, Patch};

const DEFAULT_NAME: &str = "Session";

/// `POST /session/start`: makes the session, or merges into the one of that id.
pub(super) async fn start(State(store): Db, body::Json(mut body): body::Json) -> Answer {
    let mut session = body.wrapped("session")?;
    let session_id = session.uuid("session_id")?.unwrap_or_else(new_id);
    let mut patch = session.patch(&Bucket::ALL)?;
    patch.event_name = session.text("session_name")?.or(session.text("event_name")?);
    patch.source = session.text("source")?;
    patch.project = session.text("project")?;
    patch.error = session.text("error")?;
    patch.start_time = session.time("start_time")?;

    let mut fresh = blank(session_id, now());
    patch.clone().apply(&mut fresh);
    let stored = store.write(move |connection| put(connection, fresh, patch)).await?;
    let mut answer = serde_json::to_value(&stored)?;
    if let Some(fields) = answer.as_object_mut() {
        add_scope(fields);
        fields.insert("children_ids".to_owned(), json!([]));
    }
    Ok(Json(answer))
}

/// `DELETE /v1/sessions/{id}`: the session with all its events.
pub(super) async fn delete(State(store): Db, Path(session_id): Path<String>) -> Answer {
    let id = canonical(session_id);
    store
        .write(
            move |connection| match events::remove(connection, "session_id = ?1", &id)? {
                0 => Err(ApiError::not_found("session", id)),
                deleted => Ok(Json(json!({"success": true, "deleted": deleted}))),
            },
        )
        .await
}

/// Adds the session, or merges the patch into the one of its id.
pub(super) fn put(connection: &Connection, fresh: Event, mut patch: Patch) -> Result<Event, ApiError> {
    patch.event_type = Some(EventType::Session);
    let stored = events::upsert(connection, fresh, patch)?;
    if stored.event_id == stored.session_id {
        Ok(stored)
    } else {
        Err(bad("session.session_id", "an id no event has", &stored.event_id.into()))
    }
}

/// `GET /v1/sessions/{id}`: the events of a session, nested.
pub(super) async fn tree(State(store): Db, Path(session_id): Path<String>) -> Answer {
    let id = canonical(session_id);
    let (id, events) = store
        .read(move |connection| {
            let events = events::of_session(connection, &id)?;
            if events
                .iter()
                .any(|event| event.event_id == id && event.event_type == EventType::Session)
            {
                return Ok((id, events));
            }
            let hint = match events.len() {
                0 => String::new(),
                waiting => format!(
                    ": {waiting} events wait for it, start it or send them with honeyhive.session_auto_create=true"
                ),
            };
            Err(ApiError::NotFound {
                what: "session",
                id,
                hint,
            })
        })
        .await?;
    let tree = EventTree::new(with_span_of_children(events));
    let root = tree
        .roots()
        .find(|root| root.event().event_id == id)
        .ok_or_else(|| ApiError::not_found("session", id))?;
    let mut answer = serde_json::to_value(root)?;
    if let Some(fields) = answer.as_object_mut() {
        add_scope(fields);
    }
    Ok(Json(answer))
}

/// Makes the session of a span that asks for it, unless it is there.
pub(super) fn ensure(connection: &Connection, first: &Event, name: Option<String>) -> Result<(), ApiError> {
    if events::exists(connection, &first.session_id)? {
        return Ok(());
    }
    let mut session = blank(first.session_id.clone(), first.start_time);
    let patch = Patch {
        event_name: name,
        source: Some(first.source.clone()),
        project: first.project.clone(),
        ..Patch::default()
    };
    patch.apply(&mut session);
    events::insert(connection, &session).map(|_| ())
}

/// A session nobody has said anything about yet.
pub(super) fn blank(session_id: String, start_time: f64) -> Event {
    let mut event = Event::default();
    event.event_id.clone_from(&session_id);
    event.session_id = session_id;
    event.event_type = EventType::Session;
    DEFAULT_NAME.clone_into(&mut event.event_name);
    "unknown".clone_into(&mut event.source);
    event.start_time = start_time;
    event.end_time = start_time;
    event
}

/// A session begins no later than its first event and ends no earlier than its last one, whatever its start said and
/// whenever that arrived.
fn with_span_of_children(mut events: Vec<Event>) -> Vec<Event> {
    let start = events.iter().map(|event| event.start_time).reduce(f64::min);
    let end = events.iter().map(|event| event.end_time).reduce(f64::max);
    let session = events.iter_mut().find(|event| event.event_id == event.session_id);
    if let (Some(session), Some(start), Some(end)) = (session, start, end)
        && (start < session.start_time || end > session.end_time)
    {
        (session.start_time, session.end_time) = (start, end);
        session.duration = end - start;
    }
    events
}
