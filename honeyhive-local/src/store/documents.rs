//! What is only stored, changed and listed: JSON objects by kind and id.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};

use super::events::merge;
use crate::error::ApiError;
use crate::rest::{new_id, timestamp};

/// A kind of document: its name in the database and in refusals.
pub(crate) type Kind = &'static str;

/// Adds a document; it gets an id and times. Answers it.
pub(crate) fn create(connection: &Connection, kind: Kind, mut body: Map<String, Value>) -> Result<Value, ApiError> {
    let (id, now) = (new_id(), timestamp(connection)?);
    for (key, value) in [("id", &id), ("created_at", &now), ("updated_at", &now)] {
        body.insert(key.to_owned(), value.as_str().into());
    }
    connection
        .prepare_cached("INSERT INTO documents (kind, id, body) VALUES (?1, ?2, ?3)")?
        .execute(params![kind, id, serde_json::to_string(&body)?])?;
    Ok(body.into())
}

/// All of a kind, in the order they were made.
pub(crate) fn list(connection: &Connection, kind: Kind) -> Result<Vec<Value>, ApiError> {
    let mut statement = connection.prepare_cached("SELECT body FROM documents WHERE kind = ?1 ORDER BY seq")?;
    let bodies = statement.query_map([kind], |row| row.get::<_, String>(0))?;
    bodies.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
}

pub(crate) fn get(connection: &Connection, kind: Kind, id: &str) -> Result<Value, ApiError> {
    let mut statement = connection.prepare_cached("SELECT body FROM documents WHERE kind = ?1 AND id = ?2")?;
    let body: Option<String> = statement.query_row([kind, id], |row| row.get(0)).optional()?;
    let body = body.ok_or_else(|| ApiError::not_found(kind, id))?;
    Ok(serde_json::from_str(&body)?)
}

/// Merges a change into a document: objects key by key. Answers what is stored now.
pub(crate) fn update(
    connection: &Connection,
    kind: Kind,
    id: &str,
    mut change: Map<String, Value>,
) -> Result<Value, ApiError> {
    let mut body = get(connection, kind, id)?;
    change.remove("id");
    change.insert("updated_at".to_owned(), timestamp(connection)?.into());
    if let Value::Object(body) = &mut body {
        merge(body, change);
    }
    connection
        .prepare_cached("UPDATE documents SET body = ?3 WHERE kind = ?1 AND id = ?2")?
        .execute(params![kind, id, serde_json::to_string(&body)?])?;
    Ok(body)
}

pub(crate) fn delete(connection: &Connection, kind: Kind, id: &str) -> Result<(), ApiError> {
    let mut statement = connection.prepare_cached("DELETE FROM documents WHERE kind = ?1 AND id = ?2")?;
    match statement.execute([kind, id])? {
        0 => Err(ApiError::not_found(kind, id)),
        _ => Ok(()),
    }
}
