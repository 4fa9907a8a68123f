//! The tables, and opening a database that has them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use crate::error::ServerError;

/// Goes up with every change of the tables.
const VERSION: i64 = 1;
/// Marks the file as ours: the bytes `HHlo`.
const APPLICATION_ID: i64 = 0x4848_6c6f;

const TABLES: &str = "
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL,
    parent_id TEXT,
    event_type TEXT NOT NULL,
    event_name TEXT NOT NULL,
    project TEXT,
    source TEXT NOT NULL,
    error TEXT,
    start_time REAL NOT NULL,
    end_time REAL NOT NULL,
    duration REAL NOT NULL,
    inputs TEXT NOT NULL,
    outputs TEXT NOT NULL,
    config TEXT NOT NULL,
    metadata TEXT NOT NULL,
    metrics TEXT NOT NULL,
    feedback TEXT NOT NULL,
    user_properties TEXT NOT NULL,
    run_id TEXT GENERATED ALWAYS AS (json_extract(metadata, '$.run_id')) VIRTUAL
);
CREATE INDEX events_session ON events (session_id);
CREATE INDEX events_run ON events (run_id) WHERE run_id IS NOT NULL;
CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    name TEXT GENERATED ALWAYS AS (json_extract(body, '$.name')) VIRTUAL,
    status TEXT GENERATED ALWAYS AS (json_extract(body, '$.status')) VIRTUAL,
    dataset_id TEXT GENERATED ALWAYS AS (json_extract(body, '$.dataset_id')) VIRTUAL
);
CREATE TABLE datasets (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT,
    body TEXT NOT NULL
);
CREATE TABLE datapoints (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
);
CREATE TABLE links (
    seq INTEGER PRIMARY KEY,
    dataset_id TEXT NOT NULL,
    datapoint_id TEXT NOT NULL,
    UNIQUE (dataset_id, datapoint_id)
);
CREATE INDEX links_datapoint ON links (datapoint_id);
";

/// Where the database lives.
#[derive(Debug)]
pub(super) enum Place {
    Memory,
    File(PathBuf),
}

impl Place {
    pub(super) fn new(path: Option<&Path>) -> Self {
        path.map_or(Self::Memory, |path| Self::File(path.to_owned()))
    }

    /// Opens a connection, making the tables in a new database.
    pub(super) fn open(&self) -> Result<Connection, ServerError> {
        let opened = match self {
            Self::Memory => Connection::open_in_memory(),
            Self::File(path) => Connection::open(path),
        };
        let prepared = opened.and_then(|connection| {
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.set_prepared_statement_cache_capacity(64);
            let found = inspect(&connection)?;
            if matches!(found, Found::Empty) {
                connection.execute_batch(&format!(
                    "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION_ID}; \
                     PRAGMA user_version = {VERSION}; COMMIT;"
                ))?;
            }
            if !matches!(found, Found::Foreign(_)) {
                // Answers a row, which `execute_batch` passes over. In memory it stays `memory`.
                connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
            }
            Ok((connection, found))
        });
        let path = match self {
            Self::Memory => PathBuf::from(":memory:"),
            Self::File(path) => path.clone(),
        };
        match prepared {
            Ok((_, Found::Foreign(found))) => Err(ServerError::WrongSchema {
                path,
                found,
                expected: VERSION,
            }),
            Ok((connection, Found::Empty | Found::Ours)) => Ok(connection),
            Err(source) => Err(ServerError::Database { path, source }),
        }
    }
}

/// What a database held when it was opened.
enum Found {
    Empty,
    Ours,
    Foreign(String),
}

fn inspect(connection: &Connection) -> rusqlite::Result<Found> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    Ok(match (application, version, tables) {
        (0, 0, 0) => Found::Empty,
        (APPLICATION_ID, VERSION, _) => Found::Ours,
        (APPLICATION_ID, other, _) => Found::Foreign(format!("schema {other}")),
        _ => Found::Foreign("the tables of another program".to_owned()),
    })
}
