//! A thread that owns one connection and runs what it is sent, many pieces of work in one transaction.

use std::fmt;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::error::{ApiError, ServerError};

/// Work waiting at most; senders wait when it is full, so memory stays bounded under any load.
const WAITING: usize = 1024;

/// A piece of work. What it returns is called once its transaction has ended, and answers the sender.
type Job = Box<dyn FnOnce(&Connection) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), &rusqlite::Error>) + Send>;

/// The thread and the way to it. Dropping it lets the work already sent finish, then joins.
pub(super) struct Worker {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(
        name: &str,
        connection: Connection,
        begin: &'static str,
        group: usize,
    ) -> Result<Self, ServerError> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || serve(&connection, receiver, begin, group))
            .map_err(ServerError::Thread)?;
        Ok(Self {
            jobs: Some(sender),
            thread: Some(thread),
        })
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let outcome = in_savepoint(connection, work);
            Box::new(move |committed| {
                let outcome = match committed {
                    Ok(()) => outcome,
                    Err(error) => Err(ApiError::Storage(error.to_string())),
                };
                // Nobody waits any more when the client has gone; the work counts all the same.
                let _gone = sender.send(outcome);
            })
        });
        let closed = || ApiError::Storage("the server is shutting down or cannot begin a transaction".to_owned());
        let jobs = self.jobs.as_ref().ok_or_else(closed)?;
        jobs.send(job).await.map_err(|_| closed())?;
        receiver.await.map_err(|_| closed())?
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic over there has been reported by the thread itself.
            let _reported = thread.join();
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

fn serve(connection: &Connection, mut jobs: mpsc::Receiver<Job>, begin: &str, group: usize) {
    let mut answers = Vec::with_capacity(group);
    while let Some(first) = jobs.blocking_recv() {
        if execute(connection, begin).is_err() {
            // Dropping the job tells its sender.
            continue;
        }
        let mut next = Some(first);
        while let Some(job) = next {
            answers.push(job(connection));
            next = if answers.len() < group {
                jobs.try_recv().ok()
            } else {
                None
            };
        }
        let committed = execute(connection, "COMMIT");
        if committed.is_err() && !connection.is_autocommit() {
            let _already_failed = execute(connection, "ROLLBACK");
        }
        for answer in answers.drain(..) {
            answer(committed.as_ref().copied());
        }
    }
}

/// A request that fails must not undo its neighbours in the same transaction.
fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    execute(connection, "SAVEPOINT request")?;
    let outcome = work(connection);
    if outcome.is_err() {
        execute(connection, "ROLLBACK TO request")?;
    }
    execute(connection, "RELEASE request")?;
    outcome
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}
