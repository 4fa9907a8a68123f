//! A steady stream of spans against the embedded backend: none is dropped, and memory does not grow.
//!
//! Five seconds at a rate that a debug build on a busy machine keeps. The whole of it, a minute at 20,000 spans a second:
//!
//! ```sh
//! HONEYHIVE_SOAK=20000x60 cargo test --release -p honeyhive-tests --test soak -- --nocapture
//! ```
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

use std::time::{Duration, Instant};

use honeyhive_local::Server;
use honeyhive_tests::{PATIENCE, child, settings_for};

/// Of a second, how often spans are made.
const TICKS: u32 = 100;

#[test]
fn a_steady_stream_of_spans_is_delivered_whole_and_leaves_memory_as_it_was() {
    if let Some(url) = child::part() {
        return stream_to(&url);
    }
    let path = std::env::temp_dir().join(format!("honeyhive-soak-{}.db", std::process::id()));
    let server = Server::builder().listen("127.0.0.1:0").database(&path).start().unwrap();
    // A process of its own: the memory that counts is the program's, not the backend's.
    let program = child::start(
        "a_steady_stream_of_spans_is_delivered_whole_and_leaves_memory_as_it_was",
        server.url(),
    );
    let ended = program.wait_with_output().unwrap();
    drop(server);
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    eprintln!("{said}");
    assert!(ended.status.success(), "{said}");
}

fn stream_to(url: &str) {
    let soak = std::env::var("HONEYHIVE_SOAK").unwrap_or_else(|_| "2000x5".to_owned());
    let (rate, seconds) = soak.split_once('x').unwrap();
    let (rate, seconds): (u32, u32) = (rate.parse().unwrap(), seconds.parse().unwrap());
    let tracer = settings_for(url).build().unwrap();
    let (mut most_pending, mut warm) = (0, 0);
    let begun = Instant::now();
    for tick in 0..TICKS * seconds {
        for number in 0..rate / TICKS {
            tracer
                .span("work")
                .input("number", number)
                .input("question", "what do bees dance about?")
                .start()
                .end();
        }
        if tick == TICKS * seconds / 4 {
            warm = child::resident();
        }
        most_pending = most_pending.max(tracer.stats().spans_pending);
        let next = begun + Duration::from_secs(1) * (tick + 1) / TICKS;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    let (took, resident) = (begun.elapsed(), child::resident());
    let flushed = tracer.flush_blocking(PATIENCE);
    let stats = tracer.stats();
    eprintln!(
        "{} spans in {took:.1?}; at most {most_pending} waited; RSS {} MiB when warm, {} MiB at the end",
        stats.spans_exported,
        warm >> 10,
        resident >> 10
    );
    assert_eq!(flushed, Ok(()), "{stats:?}");
    assert_eq!(
        stats.spans_exported,
        u64::from(rate / TICKS * TICKS * seconds),
        "{stats:?}"
    );
    assert_eq!((stats.lost(), stats.retries), (0, 0), "{stats:?}");
    assert!(resident < warm + (24 << 10), "{warm} to {resident} KiB");
}
