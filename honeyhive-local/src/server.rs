//! The server's life: checked, bound, served on threads of its own, shut down within a bound.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::runtime::{Builder as RuntimeBuilder, Runtime};
use tokio::sync::oneshot;

use crate::error::ServerError;
use crate::rest;
use crate::store::Store;

/// Requests in flight have this long to finish when the server shuts down.
const GRACE: Duration = Duration::from_secs(5);
/// More threads than this do not serve one writer faster.
const MAX_THREADS: usize = 4;

/// A running backend. Dropping it shuts it down.
///
/// It lives on threads of its own: it can be started from synchronous code or inside any runtime, and serves while the
/// thread that started it is blocked.
///
/// # Examples
///
/// ```
/// use honeyhive_local::Server;
///
/// # fn main() -> Result<(), honeyhive_local::ServerError> {
/// let server = Server::builder().start()?;
/// assert!(server.url().starts_with("http://127.0.0.1:"));
/// server.shutdown();
/// # Ok(())
/// # }
/// ```
pub struct Server {
    address: SocketAddr,
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Settings of a [`Server`]; made by [`Server::builder`].
#[must_use = "the server runs once it is started"]
pub struct ServerBuilder {
    listen: String,
    database: Option<PathBuf>,
    api_key: Option<String>,
}

impl Server {
    /// A server on a free port of 127.0.0.1, with its database in memory and without an API key.
    pub fn builder() -> ServerBuilder {
        ServerBuilder {
            listen: "127.0.0.1:0".to_owned(),
            database: None,
            api_key: None,
        }
    }

    /// The URL to point an SDK at, such as `http://127.0.0.1:4483`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, lets requests in flight finish for up to 5 s, and closes the database. Dropping does the same.
    ///
    /// Blocks the calling thread meanwhile.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // Bounded: the grace for requests, the grace for their tasks, and writing what the queue holds.
            // A panic over there has been reported by the thread itself.
            let _reported = thread.join();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("url", &self.url).finish_non_exhaustive()
    }
}

impl ServerBuilder {
    /// Address to listen on, `HOST:PORT`. Port 0 picks a free port; the default is `127.0.0.1:0`. An address other
    /// machines can reach needs an [`api_key`](Self::api_key).
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = address.into();
        self
    }

    /// File to keep everything in, made when it is not there. The default is memory, gone when the server stops, which
    /// `:memory:` asks for as well.
    pub fn database(mut self, path: impl Into<PathBuf>) -> Self {
        self.database = Some(path.into());
        self
    }

    /// Key every request must carry as `Authorization: Bearer <key>`. By default any key is accepted, and none.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// Opens the database, binds the address and serves.
    ///
    /// # Errors
    ///
    /// [`ServerError`] when the address is no address, is in use or is open to the network without a key, or when the
    /// database cannot be used.
    pub fn start(self) -> Result<Server, ServerError> {
        let listener = bind(&self.listen, self.api_key.is_some())?;
        let bad_address = |source| ServerError::BadAddress {
            address: self.listen.clone(),
            source,
        };
        listener.set_nonblocking(true).map_err(bad_address)?;
        let address = listener.local_addr().map_err(bad_address)?;
        let store = Store::open(self.database.as_deref().map(Path::new))?;
        let router = rest::router(Arc::new(store), self.api_key.as_deref());
        let threads = thread::available_parallelism().map_or(2, |threads| threads.get().min(MAX_THREADS));
        let runtime = RuntimeBuilder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("honeyhive-local")
            .enable_all()
            .build()
            .map_err(ServerError::Thread)?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("honeyhive-local".to_owned())
            .spawn(move || serve(runtime, listener, router, stopped))
            .map_err(ServerError::Thread)?;
        Ok(Server {
            address,
            url: format!("http://{address}"),
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("listen", &self.listen)
            .field("database", &self.database)
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .finish()
    }
}

fn bind(address: &str, has_key: bool) -> Result<TcpListener, ServerError> {
    let bad_address = |source| ServerError::BadAddress {
        address: address.to_owned(),
        source,
    };
    let resolved: Vec<SocketAddr> = address.to_socket_addrs().map_err(bad_address)?.collect();
    if !has_key && resolved.iter().any(|address| !address.ip().is_loopback()) {
        return Err(ServerError::OpenToNetwork {
            address: address.to_owned(),
        });
    }
    TcpListener::bind(resolved.as_slice()).map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            ServerError::AddressInUse {
                address: address.to_owned(),
            }
        } else {
            bad_address(source)
        }
    })
}

/// Serves until the sender of `stopped` is gone. Runs on a thread outside any runtime, where blocking and dropping a
/// runtime are allowed.
fn serve(runtime: Runtime, listener: TcpListener, router: Router, stopped: oneshot::Receiver<()>) {
    let wait = async {
        let _sender_gone = stopped.await;
    };
    let (closing, closed) = oneshot::channel();
    let serving = async {
        let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
            // Answers are single small writes; waiting to fill a packet would cost 40 ms each. Not having it is slow
            // but not wrong.
            let _slower = stream.set_nodelay(true);
        });
        let signal = async move {
            wait.await;
            let _still_serving = closing.send(());
        };
        axum::serve(listener, router).with_graceful_shutdown(signal).await
    };
    runtime.block_on(async {
        let grace = async {
            if closed.await.is_ok() {
                tokio::time::sleep(GRACE).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            _ = serving => {}
            () = grace => {}
        }
    });
    runtime.shutdown_timeout(GRACE);
}
