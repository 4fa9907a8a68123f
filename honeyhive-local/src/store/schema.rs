//! The tables, and opening a database that has them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::ServerError;

/// Goes up with every change of the tables.
const VERSION: i64 = 2;
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

/// What is only stored and listed. Since version 2.
const DOCUMENTS: &str = "
CREATE TABLE documents (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, id)
);
";

/// The path that stands for a database in memory.
const MEMORY: &str = ":memory:";

/// Where the database lives.
#[derive(Debug)]
pub(super) enum Place {
    Memory,
    File(PathBuf),
}

impl Place {
    pub(super) fn new(path: Option<&Path>) -> Result<Self, ServerError> {
        match path {
            None => Ok(Self::Memory),
            Some(path) if path.as_os_str() == MEMORY => Ok(Self::Memory),
            Some(path) if path.as_os_str().is_empty() => Err(ServerError::EmptyPath),
            Some(path) => Ok(Self::File(path.to_owned())),
        }
    }

    /// Opens a connection, making the tables in a new database.
    pub(super) fn open(&self) -> Result<Connection, ServerError> {
        let opened = match self {
            Self::Memory => Connection::open_in_memory(),
            Self::File(path) => open_file(path),
        };
        let prepared = opened.and_then(|connection| {
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.set_prepared_statement_cache_capacity(64);
            let found = inspect(&connection)?;
            let missing = match found {
                Found::Empty => Some([TABLES, DOCUMENTS].concat()),
                Found::Older => Some(DOCUMENTS.to_owned()),
                Found::Ours | Found::Foreign(_) => None,
            };
            if let Some(tables) = missing {
                connection.execute_batch(&format!(
                    "BEGIN IMMEDIATE; {tables} PRAGMA application_id = {APPLICATION_ID}; \
                     PRAGMA user_version = {VERSION}; COMMIT;"
                ))?;
            }
            if !matches!(found, Found::Foreign(_)) {
                write_nothing(&connection)?;
                // Answers a row, which `execute_batch` passes over. In memory it stays `memory`.
                connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
                // Ids are random, so each insert touches another page of their index: with SQLite's own 2 MiB of cache
                // a stream of spans would read and write the index over and over.
                connection.execute_batch("PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;")?;
            }
            Ok((connection, found))
        });
        let path = match self {
            Self::Memory => PathBuf::from(MEMORY),
            Self::File(path) => path.clone(),
        };
        match prepared {
            Ok((_, Found::Foreign(found))) => Err(ServerError::WrongSchema {
                path,
                found,
                expected: VERSION,
            }),
            Ok((connection, Found::Empty | Found::Older | Found::Ours)) => Ok(connection),
            Err(source) => Err(match source.sqlite_error_code() {
                Some(ErrorCode::NotADatabase) => ServerError::NotADatabase { path },
                Some(ErrorCode::ReadOnly) => ServerError::ReadOnly { path },
                _ => ServerError::Database { path, source },
            }),
        }
    }
}

/// Opens exactly this file: the library would take a relative `file:…` as a URI, so it gets the absolute path.
fn open_file(path: &Path) -> rusqlite::Result<Connection> {
    let absolute = std::path::absolute(path).map_err(|_| rusqlite::Error::InvalidPath(path.to_owned()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(absolute, flags)
}

/// Fails when the file, which the library opens for reading where it must, cannot be written.
fn write_nothing(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; COMMIT;"
    ))
}

/// What a database held when it was opened.
enum Found {
    Empty,
    /// Of version 1, to which tables are added.
    Older,
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
        (APPLICATION_ID, 1, _) => Found::Older,
        (APPLICATION_ID, other, _) => Found::Foreign(format!("schema {other}")),
        _ => Found::Foreign("the tables of another program".to_owned()),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_can_only_read_fails_at_the_first_write() {
        let path = std::env::temp_dir().join(format!("honeyhive-local-{}.db", uuid::Uuid::new_v4()));
        let writable = Place::new(Some(&path)).and_then(|place| place.open()).unwrap();
        write_nothing(&writable).unwrap();
        let readable = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let code = write_nothing(&readable).unwrap_err().sqlite_error_code();
        drop((writable, readable));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(code, Some(ErrorCode::ReadOnly));
    }

    #[test]
    fn a_file_of_the_first_version_gets_what_it_lacks_and_keeps_what_it_has() {
        let path = std::env::temp_dir().join(format!("honeyhive-local-{}.db", uuid::Uuid::new_v4()));
        let old = Connection::open(&path).unwrap();
        old.execute_batch(&format!(
            "{TABLES} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1; \
             INSERT INTO datapoints (id, body) VALUES ('d', '{{}}');"
        ))
        .unwrap();
        drop(old);
        let place = Place::new(Some(&path)).unwrap();
        let count = |table: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {table}");
            place.open().unwrap().query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let found = (count("datapoints"), count("documents"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(found, (1, 0));
    }

    #[test]
    fn only_the_name_of_memory_means_memory_and_an_empty_path_nothing() {
        assert!(matches!(Place::new(Some(Path::new(":memory:"))), Ok(Place::Memory)));
        assert!(matches!(Place::new(Some(Path::new("./:memory:"))), Ok(Place::File(_))));
        assert!(matches!(Place::new(Some(Path::new(""))), Err(ServerError::EmptyPath)));
    }
}
