//! What cannot be delivered is kept on disk and delivered by a later process: all of it, to the same destination alone.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use honeyhive_core::{Enrichment, FlushError, HoneyHiveTracer, TracerBuilder};
use honeyhive_tests::scripted::{Arrived, ScriptedServer, nowhere, ok, status};
use honeyhive_tests::{KEY, PATIENCE, child, eventually};

const TRACES: &str = "POST /opentelemetry/v1/traces";

/// A directory that is gone with it.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("honeyhive-{name}-{}", std::process::id())))
    }

    /// The files in it, at any depth.
    fn files(&self) -> Vec<PathBuf> {
        let (mut left, mut files) = (vec![self.0.clone()], Vec::new());
        while let Some(path) = left.pop() {
            match fs::read_dir(&path) {
                Ok(entries) => left.extend(entries.filter_map(|entry| Some(entry.ok()?.path()))),
                Err(_) if path.exists() => files.push(path),
                Err(_) => {}
            }
        }
        files
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn at(address: &str, directory: &Directory) -> TracerBuilder {
    with_key(KEY, address, directory)
}

fn with_key(key: &str, address: &str, directory: &Directory) -> TracerBuilder {
    HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", key)])
        .server_url(format!("http://{address}"))
        .spool_dir(&directory.0)
        .undiscoverable()
}

fn spans(tracer: &HoneyHiveTracer, count: usize) {
    (0..count).for_each(|_| tracer.span("s").start().end());
}

/// A server that is content, and the span ids it was sent.
fn content(address: &str) -> (ScriptedServer, Arc<Mutex<Vec<Vec<u8>>>>) {
    let ids = Arc::<Mutex<Vec<Vec<u8>>>>::default();
    let seen = ids.clone();
    let server = ScriptedServer::start_at(address, move |_, request: &Arrived| {
        if request.line == TRACES {
            let mut seen = seen.lock().unwrap();
            seen.extend(request.spans().into_iter().map(|span| span.span_id));
        }
        ok()
    });
    (server, ids)
}

#[test]
fn what_one_process_could_not_deliver_the_next_one_delivers_first_and_in_order() {
    let (address, directory) = (nowhere(), Directory::new("next"));
    // Nothing but the end can make room: what goes past the buffer is written too.
    let lonely = at(&address, &directory)
        .max_queue_size(1_000)
        .batch_size(100)
        .build()
        .unwrap();
    for _ in 0..10 {
        spans(&lonely, 250);
        let crowded = || {
            let stats = lonely.stats();
            stats.spans_pending < 750
        };
        eventually("what goes past three quarters is written", crowded);
    }
    lonely.enrich_session(Enrichment::new().metadata("kept", true));
    let begun = Instant::now();
    lonely.shutdown_blocking(Duration::from_secs(5)).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let stats = lonely.stats();
    assert_eq!((stats.spans_ended, stats.spans_spooled), (2_500, 2_500), "{stats:?}");
    assert_eq!(
        (stats.requests_spooled, stats.pending(), stats.lost()),
        (2, 0, 0),
        "{stats:?}"
    );
    for file in directory.files() {
        assert!(!String::from_utf8_lossy(&fs::read(&file).unwrap()).contains(KEY));
        assert!(!file.to_string_lossy().contains(KEY));
    }

    let (server, ids) = content(&address);
    let next = at(&address, &directory).skip_session_start().build().unwrap();
    spans(&next, 1);
    next.shutdown_blocking(PATIENCE).unwrap();
    let stats = next.stats();
    assert_eq!((stats.spans_exported, stats.spool_delivered), (1, 2_502), "{stats:?}");
    let ids = ids.lock().unwrap();
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 2_501, "all of them");
    assert_eq!(ids.len(), 2_501, "each once");
    let order: Vec<String> = server.everything().into_iter().map(|request| request.line).collect();
    assert_eq!(order.last().unwrap(), "PUT /events", "after its session and spans");
    let id = |request: &Arrived| request.json()["session"]["session_id"].clone();
    let session = id(&server.arrived("POST /session/start")[0]);
    assert_eq!(server.arrived("PUT /events")[0].json()["event_id"], session);
    assert_eq!(directory.files().len(), 0, "nothing is left behind");
}

#[test]
fn when_the_server_comes_back_the_same_process_sends_what_it_wrote() {
    let (address, directory) = (nowhere(), Directory::new("back"));
    let tracer = at(&address, &directory)
        .max_queue_size(1_000)
        .batch_size(100)
        .build()
        .unwrap();
    for _ in 0..8 {
        spans(&tracer, 250);
        eventually("it is written", || tracer.stats().spans_pending < 750);
    }
    let (_server, ids) = content(&address);
    eventually("all arrive", || ids.lock().unwrap().len() == 2_000);
    eventually("all are counted", || {
        let stats = tracer.stats();
        stats.spans_exported + stats.spool_delivered == 2_000
    });
    assert_eq!(tracer.stats().lost(), 0);
}

#[test]
fn what_was_written_for_one_key_is_not_sent_with_another() {
    let (address, directory) = (nowhere(), Directory::new("keys"));
    let lonely = at(&address, &directory)
        .drain_timeout(Duration::from_secs(1))
        .build()
        .unwrap();
    spans(&lonely, 10);
    drop(lonely);
    let (_server, ids) = content(&address);
    let other = with_key("hh_of_another_project", &address, &directory).build().unwrap();
    spans(&other, 1);
    other.shutdown_blocking(PATIENCE).unwrap();
    assert_eq!((ids.lock().unwrap().len(), other.stats().spool_delivered), (1, 0));
    let same = at(&address, &directory).build().unwrap();
    eventually("its own is sent", || same.stats().spool_delivered == 11);
}

#[test]
fn two_processes_share_a_directory_and_send_everything_once() {
    let (address, directory) = (nowhere(), Directory::new("two"));
    let lonely = at(&address, &directory).max_export_batch_size(10).build().unwrap();
    spans(&lonely, 1_000);
    lonely.shutdown_blocking(Duration::from_secs(10)).unwrap();
    assert!(directory.files().len() > 100);
    let (_server, ids) = content(&address);
    let build = || at(&address, &directory).skip_session_start().build().unwrap();
    let (first, second) = (build(), build());
    eventually("all arrive", || {
        first.stats().spool_delivered + second.stats().spool_delivered >= 1_001
    });
    drop((first, second));
    assert_eq!(ids.lock().unwrap().len(), 1_000, "each once");
}

#[test]
fn a_file_a_server_fails_on_holds_no_other_and_one_it_refuses_is_counted() {
    let (address, directory) = (nowhere(), Directory::new("poison"));
    let lonely = at(&address, &directory)
        .skip_session_start()
        .max_export_batch_size(1)
        .build()
        .unwrap();
    for name in ["poison", "refused", "fine", "fine"] {
        lonely.span(name).start().end();
    }
    lonely.shutdown_blocking(Duration::from_secs(5)).unwrap();
    let server = ScriptedServer::start_at(&address, |_, request| match request.spans()[0].name.as_str() {
        "poison" => status(500),
        "refused" => status(400),
        _ => ok(),
    });
    let tracer = at(&address, &directory).skip_session_start().build().unwrap();
    eventually("the others are sent", || tracer.stats().spool_delivered == 2);
    eventually("the refused one is counted", || tracer.stats().spool_lost == 1);
    let error = tracer.flush_blocking(PATIENCE).unwrap_err();
    assert!(matches!(error, FlushError::Lost { lost: 1, .. }), "{error}");
    drop(tracer);
    assert_eq!(directory.files().len(), 1, "the one that may pass is kept");
    drop(server);
}

#[test]
fn of_a_file_that_is_parted_only_what_is_left_is_sent_again() {
    let (address, directory) = (nowhere(), Directory::new("parted"));
    let lonely = at(&address, &directory).skip_session_start().build().unwrap();
    for name in ["one", "two"] {
        lonely.span(name).start().end();
    }
    lonely.shutdown_blocking(Duration::from_secs(5)).unwrap();
    assert_eq!(directory.files().len(), 1);
    let taken = Arc::<Mutex<Vec<String>>>::default();
    let log = taken.clone();
    let _server = ScriptedServer::start_at(&address, move |before, request| {
        let spans = request.spans();
        match (spans.len(), before) {
            (2.., _) => status(413),
            // Of the two halves one is taken at once and one is not.
            (_, 2) => status(503),
            _ => {
                log.lock().unwrap().push(spans[0].name.clone());
                ok()
            }
        }
    });
    let tracer = at(&address, &directory).skip_session_start().build().unwrap();
    eventually("both are sent", || tracer.stats().spool_delivered == 2);
    let mut taken = taken.lock().unwrap().clone();
    taken.sort();
    assert_eq!(taken, ["one", "two"]);
    drop(tracer);
    assert_eq!(directory.files().len(), 0);
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error_that_names_it() {
    let directory = Directory::new("file");
    fs::write(&directory.0, "a file").unwrap();
    let error = at("127.0.0.1:1", &directory).build().unwrap_err();
    assert!(error.to_string().starts_with("spool_dir: "), "{error}");
    fs::remove_file(&directory.0).unwrap();
}

/// As with a disk that is full.
#[test]
fn what_a_spool_cannot_keep_is_counted_and_said() {
    let directory = Directory::new("broken");
    let tracer = at(&nowhere(), &directory).build().unwrap();
    spans(&tracer, 100);
    fs::remove_dir_all(&directory.0).unwrap();
    fs::write(&directory.0, "a file").unwrap();
    let begun = Instant::now();
    let error = tracer.shutdown_blocking(Duration::from_secs(2)).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(matches!(error, FlushError::Lost { lost: 101, .. }), "{error}");
    let stats = tracer.stats();
    let counted = (
        stats.spans_unsent_at_exit,
        stats.requests_lost,
        stats.spans_spooled,
        stats.pending(),
    );
    assert_eq!(counted, (100, 1, 0, 0), "{stats:?}");
    fs::remove_file(&directory.0).unwrap();
}

/// The child writes to the spool without end and says how much is acknowledged; it is killed in the middle.
#[test]
#[cfg(unix)]
fn a_process_that_is_killed_while_it_writes_loses_nothing_that_was_acknowledged() {
    const NAME: &str = "a_process_that_is_killed_while_it_writes_loses_nothing_that_was_acknowledged";
    if let Some(part) = child::part() {
        let (address, directory) = part.split_once('|').unwrap();
        let directory = Directory(directory.into());
        let tracer = at(address, &directory)
            .skip_session_start()
            .max_queue_size(400)
            .batch_size(20)
            .max_export_batch_size(20)
            .build()
            .unwrap();
        loop {
            spans(&tracer, 20);
            eventually("it is written", || tracer.stats().spans_pending < 300);
            #[allow(clippy::print_stdout, reason = "it is read by the parent")]
            {
                println!("\nacknowledged {}", tracer.stats().spans_spooled);
            }
        }
    }
    for kill_after in [100, 500, 900] {
        let (address, directory) = (nowhere(), Directory::new(&format!("kill{kill_after}")));
        let mut writer = child::start(NAME, &format!("{address}|{}", directory.0.display()));
        let mut acknowledged = 0;
        for line in BufReader::new(writer.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(number) = line.strip_prefix("acknowledged ") {
                acknowledged = number.parse().unwrap();
            }
            if acknowledged >= kill_after {
                break;
            }
        }
        assert!(acknowledged >= kill_after, "it wrote");
        writer.kill().unwrap();
        writer.wait().unwrap();
        let (_server, ids) = content(&address);
        let next = at(&address, &directory).skip_session_start().build().unwrap();
        eventually("the acknowledged are sent", || {
            next.stats().spool_delivered >= acknowledged
        });
        next.shutdown_blocking(PATIENCE).unwrap();
        let stats = next.stats();
        assert_eq!(stats.spool_lost, 0, "{stats:?}");
        let different: HashSet<_> = ids.lock().unwrap().iter().cloned().collect();
        assert_eq!(different.len() as u64, stats.spool_delivered);
        let left = directory.files();
        assert!(
            left.iter()
                .all(|file| file.extension().is_some_and(|ending| ending == "torn")),
            "{left:?}"
        );
    }
}
