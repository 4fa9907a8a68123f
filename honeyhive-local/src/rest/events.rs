//! Events sent over REST: one, a batch, and changes to one.

use axum::Json;
use axum::extract::State;
use honeyhive_core::event::{Bucket, Event, EventType};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::fields::{Fields, bad};
use super::ids::{Path, canonical};
use super::{Answer, Db, body, new_id, now, sessions};
use crate::error::ApiError;
use crate::store::events::{self, Patch};

/// What a change may touch; everything else is answered as ignored.
const UPDATABLE: [Bucket; 6] = [
    Bucket::Metadata,
    Bucket::Feedback,
    Bucket::Metrics,
    Bucket::Outputs,
    Bucket::Config,
    Bucket::UserProperties,
];

/// What the type of an event that has the id of its session must be.
const OWN_ID: &str = "\"session\", since only a session has the id of its session";

/// An event as it was sent.
struct Sent {
    fresh: Event,
    patch: Patch,
    /// The sender named no session, so this event opens one.
    opens_session: bool,
    ignored: Vec<String>,
}

impl Sent {
    /// Adds the event, with its session where it needs one, or merges into the one that has its id.
    fn store(self, connection: &Connection) -> Result<Event, ApiError> {
        if self.opens_session && !events::exists(connection, &self.fresh.event_id)? {
            sessions::ensure(connection, &self.fresh, None)?;
        }
        events::upsert(connection, self.fresh, self.patch)
    }
}

/// The session of events that are all stored already.
fn known_session(connection: &Connection, sent: &[Sent]) -> Result<Option<String>, ApiError> {
    let mut session = None;
    for sent in sent {
        match events::find(connection, &sent.fresh.event_id)? {
            Some(stored) => session = Some(stored.session_id),
            None => return Ok(None),
        }
    }
    Ok(session)
}

/// `POST /events`
pub(super) async fn create(State(store): Db, body::Json(mut body): body::Json) -> Answer {
    let event = body.wrapped("event")?;
    let mut sent = read(event, None)?;
    let ignored = std::mem::take(&mut sent.ignored);
    let stored = store.write(move |connection| sent.store(connection)).await?;
    let answer = json!({"success": true, "event_id": stored.event_id, "session_id": stored.session_id});
    Ok(Json(with_ignored(answer, ignored)))
}

/// `POST /events/batch`: all of them or none.
pub(super) async fn create_batch(State(store): Db, body::Json(mut body): body::Json) -> Answer {
    let list = body.objects("events")?;
    let list = body.required("events", "an array of objects", list)?;
    let single = body
        .flag("single_session")?
        .or(body.flag("is_single_session")?)
        .unwrap_or(false);
    let mut properties = Patch::default();
    let mut session_id = single.then(new_id);
    let mut made_up = single;
    for key in ["session_properties", "session"] {
        if let Some(object) = body.object(key)? {
            let mut session = Fields::of(Value::Object(object), key)?;
            if let Some(named) = session.uuid("session_id")? {
                (session_id, made_up) = (Some(named), false);
            }
            properties = session.patch(&Bucket::ALL)?;
            properties.event_name = session.text("session_name")?;
            properties.source = session.text("source")?;
        }
    }
    let sent = list
        .into_iter()
        .map(|event| read(event, session_id.as_deref()))
        .collect::<Result<Vec<_>, _>>()?;
    let event_ids: Vec<String> = sent.iter().map(|sent| sent.fresh.event_id.clone()).collect();
    let session_id = store
        .write(move |connection| {
            // A batch delivered again has its session already.
            if made_up && let Some(stored) = known_session(connection, &sent)? {
                session_id = Some(stored);
            } else if let Some(id) = session_id.clone() {
                let start = sent.first().map_or_else(now, |sent| sent.fresh.start_time);
                let mut session = sessions::blank(id, start);
                properties.clone().apply(&mut session);
                sessions::put(connection, session, properties)?;
            }
            for sent in sent {
                sent.store(connection)?;
            }
            Ok(session_id)
        })
        .await?;
    Ok(Json(
        json!({"success": true, "event_ids": event_ids, "session_id": session_id}),
    ))
}

/// `PUT /events`: merges into an event that is there.
pub(super) async fn update(State(store): Db, body::Json(mut body): body::Json) -> Answer {
    let event_id = body.uuid("event_id")?;
    let event_id = body.required("event_id", "a UUID", event_id)?;
    let patch = body.patch(&UPDATABLE)?;
    let ignored = body.ignored();
    store
        .write(move |connection| events::update(connection, &event_id, patch))
        .await?;
    Ok(Json(with_ignored(json!({"success": true}), ignored)))
}

/// `POST /v1/sessions/{id}/events/batch`: the session of the path is theirs, whatever they say.
pub(super) async fn add_to_session(
    State(store): Db,
    Path(session_id): Path<String>,
    body::Json(mut body): body::Json,
) -> Answer {
    let session_id = canonical(session_id);
    let list = body.objects("events")?;
    let list = body.required("events", "an array of objects", list)?;
    let of_session = |mut event: Fields| {
        event.any("session_id");
        read(event, Some(&session_id))
    };
    let sent = list.into_iter().map(of_session).collect::<Result<Vec<_>, _>>()?;
    store
        .write(move |connection| {
            if !events::exists(connection, &session_id)? {
                return Err(ApiError::not_found("session", session_id));
            }
            sent.into_iter().try_for_each(|sent| sent.store(connection).map(|_| ()))
        })
        .await?;
    Ok(Json(json!({"success": true})))
}

/// `GET /v1/events/{id}`
pub(super) async fn get(State(store): Db, Path(event_id): Path<String>) -> Answer {
    let event_id = canonical(event_id);
    let event = store
        .read(move |connection| {
            events::find(connection, &event_id)?.ok_or_else(|| ApiError::not_found("event", event_id))
        })
        .await?;
    Ok(Json(json!({"event": event})))
}

/// `DELETE /v1/events/{id}`: of a session, use its own route.
pub(super) async fn delete(State(store): Db, Path(event_id): Path<String>) -> Answer {
    let event_id = canonical(event_id);
    store
        .write(
            move |connection| match events::remove(connection, "event_id = ?1", &event_id)? {
                0 => Err(ApiError::not_found("event", event_id)),
                deleted => Ok(Json(json!({"success": true, "deleted": deleted}))),
            },
        )
        .await
}

fn read(mut fields: Fields, batch_session: Option<&str>) -> Result<Sent, ApiError> {
    let event_type = fields.event_type()?;
    let event_id = fields.uuid("event_id")?;
    let own_session = fields.uuid("session_id")?;
    let opens_session = own_session.is_none() && batch_session.is_none();
    let session_id = own_session
        .or_else(|| batch_session.map(str::to_owned))
        .unwrap_or_else(new_id);
    if event_id.as_ref() == Some(&session_id) && event_type != EventType::Session {
        let event_type = event_type.as_str().into();
        return Err(bad(&fields.place("event_type"), OWN_ID, &event_type));
    }
    let inputs = fields.shallow("inputs", Fields::object)?;
    let inputs = fields.required("inputs", "an object", inputs)?;
    let outputs = fields.shallow("outputs", Fields::object_or_array)?;
    let mut patch = fields.patch(&UPDATABLE)?;
    patch.buckets.push((Bucket::Inputs, inputs));
    patch.buckets.extend(outputs.map(|outputs| (Bucket::Outputs, outputs)));
    patch.event_type = Some(event_type);
    patch.event_name = fields.text("event_name")?;
    patch.parent_id = fields.uuid("parent_id")?;
    patch.project = fields.text("project")?;
    patch.source = fields.text("source")?;
    patch.error = fields.text("error")?;
    patch.start_time = fields.time("start_time")?;

    let mut fresh = Event::default();
    fresh.event_id = event_id.unwrap_or_else(new_id);
    fresh.parent_id = Some(session_id.clone());
    fresh.session_id = session_id;
    "unknown".clone_into(&mut fresh.event_name);
    "unknown".clone_into(&mut fresh.source);
    fresh.start_time = now();
    patch.clone().apply(&mut fresh);
    Ok(Sent {
        fresh,
        patch,
        opens_session,
        ignored: fields.ignored(),
    })
}

fn with_ignored(mut answer: Value, ignored: Vec<String>) -> Value {
    if !ignored.is_empty() {
        answer["ignored"] = ignored.into();
    }
    answer
}
