//! Events in the database: rows, patches that merge into them, and look-ups.

use honeyhive_core::event::{Bucket, Event, EventType};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::rest::MAX_MILLIS;

const COLUMNS: &str = "event_id, session_id, parent_id, event_type, event_name, project, source, error, start_time, \
     end_time, duration, inputs, outputs, config, metadata, metrics, feedback, user_properties";

/// What a request says about an event: everything absent stays as it is, objects merge key by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patch {
    pub(crate) event_type: Option<EventType>,
    pub(crate) event_name: Option<String>,
    pub(crate) parent_id: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) start_time: Option<f64>,
    pub(crate) end_time: Option<f64>,
    pub(crate) duration: Option<f64>,
    pub(crate) buckets: Vec<(Bucket, Map<String, Value>)>,
}

impl Patch {
    /// Everything this event says.
    fn from_event(mut event: Event) -> Self {
        Self {
            buckets: Bucket::ALL
                .into_iter()
                .map(|bucket| (bucket, std::mem::take(bucket.of(&mut event))))
                .collect(),
            event_type: Some(event.event_type),
            event_name: Some(event.event_name),
            parent_id: event.parent_id,
            project: event.project,
            source: Some(event.source),
            error: event.error,
            start_time: Some(event.start_time),
            end_time: Some(event.end_time),
            duration: Some(event.duration),
        }
    }

    pub(crate) fn apply(self, event: &mut Event) {
        fn set<T>(field: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *field = value;
            }
        }
        set(&mut event.event_type, self.event_type);
        set(&mut event.event_name, self.event_name);
        set(&mut event.source, self.source);
        set(&mut event.start_time, self.start_time);
        event.parent_id = self.parent_id.or_else(|| event.parent_id.take());
        event.project = self.project.or_else(|| event.project.take());
        event.error = self.error.or_else(|| event.error.take());
        match (self.end_time, self.duration) {
            (Some(end), Some(duration)) => (event.end_time, event.duration) = (end, duration),
            (Some(end), None) => (event.end_time, event.duration) = (end, (end - event.start_time).max(0.0)),
            (None, Some(duration)) => (event.end_time, event.duration) = (event.start_time + duration, duration),
            (None, None) => event.end_time = event.end_time.max(event.start_time),
        }
        for (bucket, patch) in self.buckets {
            merge(bucket.of(event), patch);
        }
    }
}

/// Merges an object into another: objects key by key, anything else replaces what was there.
pub(crate) fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (key, value) in patch {
        match (target.get_mut(&key), value) {
            (Some(Value::Object(target)), Value::Object(patch)) => merge(target, patch),
            (_, value) => {
                target.insert(key, value);
            }
        }
    }
}

/// Adds the event, or merges the patch into the one that has its id; answers what is stored now.
pub(crate) fn upsert(connection: &Connection, fresh: Event, patch: Patch) -> Result<Event, ApiError> {
    if insert(connection, &fresh)? {
        return Ok(fresh);
    }
    update(connection, &fresh.event_id, patch)
}

/// Merges the patch into an event.
pub(crate) fn update(connection: &Connection, event_id: &str, patch: Patch) -> Result<Event, ApiError> {
    let mut event = find(connection, event_id)?.ok_or_else(|| ApiError::not_found("event", event_id))?;
    let wanted = patch.event_type.filter(|wanted| *wanted != EventType::Session);
    if let Some(wanted) = wanted.filter(|_| event.event_id == event.session_id) {
        return Err(ApiError::BadField {
            field: "event_type".to_owned(),
            expected: "\"session\", since a session has this id",
            found: format!("\"{wanted}\""),
        });
    }
    patch.apply(&mut event);
    replace(connection, &event)?;
    Ok(event)
}

/// Adds the event of a span. The same span again changes nothing; another span that was given the same event id
/// merges into it, so that neither is lost.
pub(crate) fn add_span(connection: &Connection, event: Event) -> Result<(), ApiError> {
    if insert(connection, &event)? {
        return Ok(());
    }
    let Some(mut stored) = find(connection, &event.event_id)? else {
        return Ok(());
    };
    let same = |key| stored.metadata.get(key) == event.metadata.get(key);
    if !(same("trace_id") && same("span_id")) {
        let mut patch = Patch::from_event(event);
        if stored.event_type == EventType::Session {
            // A span may enrich its session, but not turn it into something else.
            (patch.event_type, patch.parent_id) = (None, None);
        }
        patch.apply(&mut stored);
        replace(connection, &stored)?;
    }
    Ok(())
}

/// Adds the event unless its id is taken; says whether it was added.
pub(crate) fn insert(connection: &Connection, event: &Event) -> Result<bool, ApiError> {
    let sql = "INSERT INTO events (event_id, session_id, parent_id, event_type, event_name, project, source, error, \
               start_time, end_time, duration, inputs, outputs, config, metadata, metrics, feedback, user_properties) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) \
               ON CONFLICT (event_id) DO NOTHING";
    Ok(write(connection, sql, event)? == 1)
}

fn replace(connection: &Connection, event: &Event) -> Result<(), ApiError> {
    let sql = "UPDATE events SET session_id = ?2, parent_id = ?3, event_type = ?4, event_name = ?5, project = ?6, \
               source = ?7, error = ?8, start_time = ?9, end_time = ?10, duration = ?11, inputs = ?12, outputs = ?13, \
               config = ?14, metadata = ?15, metrics = ?16, feedback = ?17, user_properties = ?18 WHERE event_id = ?1";
    write(connection, sql, event).map(|_| ())
}

fn write(connection: &Connection, sql: &str, event: &Event) -> Result<usize, ApiError> {
    let text = |bucket: &Map<String, Value>| -> Result<String, ApiError> {
        if bucket.is_empty() {
            Ok("{}".to_owned())
        } else {
            Ok(serde_json::to_string(bucket)?)
        }
    };
    let written = connection.prepare_cached(sql)?.execute(params![
        event.event_id,
        event.session_id,
        event.parent_id,
        event.event_type.as_str(),
        event.event_name,
        event.project,
        event.source,
        event.error,
        event.start_time,
        event.end_time,
        event.duration,
        text(&event.inputs)?,
        text(&event.outputs)?,
        text(&event.config)?,
        text(&event.metadata)?,
        text(&event.metrics)?,
        text(&event.feedback)?,
        text(&event.user_properties)?,
    ])?;
    Ok(written)
}

/// Removes the events a condition selects; says how many.
pub(crate) fn remove(connection: &Connection, condition: &str, id: &str) -> Result<usize, ApiError> {
    let sql = format!("DELETE FROM events WHERE {condition}");
    Ok(connection.prepare_cached(&sql)?.execute([id])?)
}

pub(crate) fn exists(connection: &Connection, event_id: &str) -> Result<bool, ApiError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM events WHERE event_id = ?1")?;
    Ok(statement.exists([event_id])?)
}

pub(crate) fn find(connection: &Connection, event_id: &str) -> Result<Option<Event>, ApiError> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE event_id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let event = statement.query_row([event_id], |row| Ok(read(row))).optional()?;
    event.transpose()
}

/// The events a condition selects, in order of arrival, one after the other.
pub(crate) fn each(
    connection: &Connection,
    condition: &str,
    parameters: impl Params,
    mut visit: impl FnMut(Event),
) -> Result<(), ApiError> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE {condition} ORDER BY seq");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        visit(read(row)?);
    }
    Ok(())
}

/// The events of a session, in order of arrival.
pub(crate) fn of_session(connection: &Connection, session_id: &str) -> Result<Vec<Event>, ApiError> {
    let mut events = Vec::new();
    each(connection, "session_id = ?1", [session_id], |event| events.push(event))?;
    Ok(events)
}

fn read(row: &Row<'_>) -> Result<Event, ApiError> {
    let bucket = |column: usize| -> Result<Map<String, Value>, ApiError> {
        match row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)? {
            "{}" => Ok(Map::new()),
            text => Ok(serde_json::from_str(text)?),
        }
    };
    let kind: String = row.get(3)?;
    let mut event = Event::default();
    event.event_id = row.get(0)?;
    event.session_id = row.get(1)?;
    event.parent_id = row.get(2)?;
    event.event_type = kind
        .parse()
        .map_err(|error: honeyhive_core::event::UnknownEventType| ApiError::Storage(error.to_string()))?;
    event.event_name = row.get(4)?;
    event.project = row.get(5)?;
    event.source = row.get(6)?;
    event.error = row.get(7)?;
    // An older version stored times that are not finite.
    let time = |column| row.get(column).map(|time: f64| time.clamp(-MAX_MILLIS, MAX_MILLIS));
    event.start_time = time(8)?;
    event.end_time = time(9)?;
    event.duration = time(10)?;
    event.inputs = bucket(11)?;
    event.outputs = bucket(12)?;
    event.config = bucket(13)?;
    event.metadata = bucket(14)?;
    event.metrics = bucket(15)?;
    event.feedback = bucket(16)?;
    event.user_properties = bucket(17)?;
    Ok(event)
}
