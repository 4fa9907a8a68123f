//! The database: one thread owns the writing connection and commits many requests at once.

pub(crate) mod documents;
pub(crate) mod events;
mod schema;
mod worker;

use rusqlite::Connection;

use self::schema::Place;
use self::worker::Worker;
use crate::error::{ApiError, ServerError};

/// Requests committed together at most; larger groups save nothing more.
const WRITE_GROUP: usize = 256;

/// The database as the routes see it. Dropping it finishes the work accepted and closes the file.
#[derive(Debug)]
pub(crate) struct Store {
    writer: Worker,
    /// Reads of a file have a connection of their own, so that an export does not hold up writes. A database in memory
    /// belongs to one connection.
    reader: Option<Worker>,
}

impl Store {
    pub(crate) fn open(path: Option<&std::path::Path>) -> Result<Self, ServerError> {
        let place = Place::new(path)?;
        let writer = Worker::start("honeyhive-local-writer", place.open()?, "BEGIN IMMEDIATE", WRITE_GROUP)?;
        // One read a transaction: a group would show later reads the state before writes already acknowledged.
        let reader = match place {
            Place::File(_) => Some(Worker::start("honeyhive-local-reader", place.open()?, "BEGIN", 1)?),
            Place::Memory => None,
        };
        Ok(Self { writer, reader })
    }

    /// Runs `work` in a transaction of its own and answers when it is committed; an error undoes all of it.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.writer.run(work).await
    }

    /// Runs `work` on a state that contains every write acknowledged before.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.reader.as_ref().unwrap_or(&self.writer).run(work).await
    }
}
