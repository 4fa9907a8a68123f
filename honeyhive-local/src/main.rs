//! The command `honeyhive-local`: the embedded backend beside a program, until it is interrupted.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command speaks through its output"
)]

use std::io;
use std::process::ExitCode;

use honeyhive_local::{Server, ServerError};
use lexopt::prelude::{Long, Short, ValueExt};

const HELP: &str = "\
honeyhive-local: a HoneyHive backend on this machine

Usage: honeyhive-local [OPTIONS]

Options:
  --listen ADDR    address to listen on [default: 127.0.0.1:4483]; port 0 picks a free one
  --db FILE        SQLite file to keep everything in [default: memory, gone when it stops]
  --api-key KEY    key every request must carry [env: HONEYHIVE_LOCAL_API_KEY; default: any key is accepted]
                   needed to listen on an address other machines can reach
  -h, --help       show this help
  -V, --version    show the version
";

/// Why the command ends early.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}. See honeyhive-local --help")]
    Arguments(#[from] lexopt::Error),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("interrupted again: requests in flight were cut off")]
    Interrupted,
    #[error("cannot wait for a signal: {0}")]
    Signal(#[from] io::Error),
}

/// What the arguments ask for.
enum Command {
    Print(String),
    Serve {
        listen: String,
        database: Option<String>,
        api_key: Option<String>,
    },
}

fn main() -> ExitCode {
    match parse(lexopt::Parser::from_env()).map_err(Failure::from).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("honeyhive-local: {failure}");
            ExitCode::from(if matches!(failure, Failure::Arguments(_)) { 2 } else { 1 })
        }
    }
}

fn parse(mut arguments: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut listen = "127.0.0.1:4483".to_owned();
    let mut database = None;
    let mut api_key = std::env::var("HONEYHIVE_LOCAL_API_KEY").ok();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("listen") => listen = arguments.value()?.string()?,
            Long("db") => database = Some(arguments.value()?.string()?),
            Long("api-key") => api_key = Some(arguments.value()?.string()?),
            Long("help") | Short('h') => return Ok(Command::Print(HELP.to_owned())),
            Long("version") | Short('V') => {
                return Ok(Command::Print(format!(
                    "honeyhive-local {}\n",
                    env!("CARGO_PKG_VERSION")
                )));
            }
            other => return Err(other.unexpected()),
        }
    }
    // A blank variable is one that is not set.
    let api_key = api_key.filter(|key| !key.trim().is_empty());
    Ok(Command::Serve {
        listen,
        database,
        api_key,
    })
}

fn run(command: Command) -> Result<(), Failure> {
    let (listen, database, api_key) = match command {
        Command::Print(text) => {
            print!("{text}");
            return Ok(());
        }
        Command::Serve {
            listen,
            database,
            api_key,
        } => (listen, database, api_key),
    };
    let file = database.as_ref().filter(|file| *file != ":memory:");
    let kept = file.map_or_else(
        || "Everything is kept in memory and gone when this stops; --db FILE keeps it.".to_owned(),
        |file| format!("Everything is kept in {file}."),
    );
    let mut builder = Server::builder().listen(listen);
    if let Some(file) = database {
        builder = builder.database(file);
    }
    if let Some(key) = api_key {
        builder = builder.api_key(key);
    }
    // The signals are caught before anything says that the server is up.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut interrupted = runtime.block_on(async { Interruption::new() })?;
    let server = builder.start()?;
    println!(
        "Serving on {url}; point the SDK at it with HH_API_URL={url}",
        url = server.url()
    );
    println!("{kept}");
    runtime.block_on(interrupted.wait());
    println!("Stopping; interrupt it again to end at once.");
    let (done, finished) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().spawn(move || {
        server.shutdown();
        // Nobody waits any more after a second interruption.
        let _ended = done.send(());
    })?;
    runtime.block_on(async {
        tokio::select! {
            _ = finished => Ok(()),
            () = interrupted.wait() => Err(Failure::Interrupted),
        }
    })
}

/// Ctrl-C, or being asked to terminate.
#[cfg(unix)]
struct Interruption {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Interruption {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(windows)]
struct Interruption(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Interruption {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn wait(&mut self) {
        self.0.recv().await;
    }
}
