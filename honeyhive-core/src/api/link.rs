//! The way to the backend: a thread with a runtime, the pooled connections, and which keys there are.

use std::fmt;
use std::sync::{Arc, mpsc};
use std::thread::{self, ThreadId};

use opentelemetry::Context;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{KeyKind, retry};
use crate::config::{Config, ConfigError};
use crate::delivery::{Pipeline, Reply, RestCall, SendError, SharedTransport, transport};

/// What all handles of a client share.
pub(super) struct Link {
    runtime: Handle,
    thread: ThreadId,
    transport: SharedTransport,
    retries: u32,
    keys: Vec<KeyKind>,
    server_url: Arc<str>,
    _thread: Lifeline,
}

/// What keeps the thread of the runtime running. Dropped, the thread ends.
enum Lifeline {
    Tracer { _pipeline: Arc<Pipeline> },
    Own { _hang_up: oneshot::Sender<()> },
}

impl Link {
    /// Shares a tracer's thread and connections.
    pub(super) fn of(pipeline: Arc<Pipeline>) -> Self {
        Self {
            runtime: pipeline.runtime().clone(),
            thread: pipeline.worker(),
            transport: pipeline.transport().clone(),
            retries: pipeline.config().export.max_retries,
            keys: keys(pipeline.config()),
            server_url: pipeline.server_url().into(),
            _thread: Lifeline::Tracer { _pipeline: pipeline },
        }
    }

    /// Starts a thread of its own.
    pub(super) fn start(config: Config) -> Result<Self, ConfigError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ConfigError::Worker)?;
        let handle = runtime.handle().clone();
        let (hang_up, hung_up) = oneshot::channel::<()>();
        let run = move || {
            // Spans of an instrumented HTTP client must not come from our own calls.
            let _quiet = Context::enter_telemetry_suppressed_scope();
            // Nothing is ever sent: the sender is dropped with the last handle.
            let _ = runtime.block_on(hung_up);
        };
        let thread = thread::Builder::new()
            .name("honeyhive-api".into())
            .spawn(run)
            .map_err(ConfigError::Worker)?;
        Ok(Self {
            runtime: handle,
            thread: thread.thread().id(),
            retries: config.export.max_retries,
            keys: keys(&config),
            server_url: config.server_url.as_str().trim_end_matches('/').into(),
            transport: transport(config),
            _thread: Lifeline::Own { _hang_up: hang_up },
        })
    }

    pub(super) fn has(&self, key: KeyKind) -> bool {
        self.keys.contains(&key)
    }

    pub(super) fn server_url(&self) -> &str {
        &self.server_url
    }

    /// A text that may quote what the server sent.
    pub(super) fn showable(&self, text: String) -> String {
        self.transport.showable(text)
    }

    /// Makes a call, repeated where that does no harm.
    pub(super) async fn call(&self, call: RestCall, repeatable: bool) -> Result<Reply, SendError> {
        let transport = self.transport.clone();
        let retries = if repeatable { self.retries } else { 0 };
        let running = self
            .runtime
            .spawn(async move { retry::call(&transport, call, retries).await });
        let mut running = Cancelled(running);
        (&mut running.0).await.unwrap_or_else(|_| Err(ended()))
    }

    /// Waits on this thread for what runs on the other. `None` where that would be forever: on that very thread.
    pub(super) fn wait<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        if thread::current().id() == self.thread {
            return None;
        }
        let (sender, receiver) = mpsc::channel();
        self.runtime.spawn(async move {
            // The one who asked waits for this and nothing else.
            let _ = sender.send(work.await);
        });
        receiver.recv().ok()
    }
}

/// Dropped with the call that waits for it: nothing goes on that nobody wants.
struct Cancelled<T>(JoinHandle<T>);

impl<T> Drop for Cancelled<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn ended() -> SendError {
    SendError::NoAnswer {
        problem: "the thread that sends has ended".into(),
    }
}

fn keys(config: &Config) -> Vec<KeyKind> {
    let kinds = [KeyKind::Project, KeyKind::Ingestion, KeyKind::DataPlane];
    kinds.into_iter().filter(|kind| config.key(*kind).is_some()).collect()
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("server_url", &self.server_url)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}
