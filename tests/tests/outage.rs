//! A server that is down, hangs, refuses and breaks off: what arrives, in which order, and what is counted when nothing
//! does.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::response::IntoResponse;
use honeyhive_core::{DeliveryStats, Enrichment, HoneyHiveTracer, OtlpCompression, OtlpProtocol, TracerBuilder};
use honeyhive_tests::scripted::{Arrived, ScriptedServer, cut_off, hang, nowhere, ok, status};
use honeyhive_tests::{KEY, PATIENCE, child, eventually};
use serde_json::json;

const STARTS: &str = "POST /session/start";
const TRACES: &str = "POST /opentelemetry/v1/traces";

fn at(address: &str) -> TracerBuilder {
    HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", KEY)])
        .server_url(format!("http://{address}"))
        .undiscoverable()
}

fn on(server: &ScriptedServer) -> TracerBuilder {
    at(server.url().trim_start_matches("http://"))
}

fn spans(tracer: &HoneyHiveTracer, count: usize) {
    (0..count).for_each(|_| tracer.span("s").start().end());
}

fn add_up(stats: &DeliveryStats) {
    assert_eq!(
        stats.spans_ended,
        stats.spans_exported + stats.spans_lost() + stats.spans_spooled + stats.spans_pending,
        "{stats:?}"
    );
}

/// How often each span was stored, and which were stored though their answer was lost.
#[derive(Default)]
struct Stored {
    spans: HashMap<Vec<u8>, usize>,
    unanswered: HashSet<Vec<u8>>,
}

#[test]
fn a_hundred_thousand_spans_outlive_every_kind_of_outage() {
    const SPANS: usize = 100_000;
    const DOWN: Duration = Duration::from_secs(20);
    let address = nowhere();
    let tracer = at(&address)
        .max_queue_size(SPANS)
        .max_queue_bytes(1 << 30)
        .max_export_batch_size(1_000)
        .export_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    spans(&tracer, SPANS);
    std::thread::sleep(DOWN);
    let asked = tracer.stats().retries;
    assert!((3..60).contains(&asked), "it was asked {asked} times");
    let stored = Arc::<Mutex<Stored>>::default();
    let store = stored.clone();
    let script = move |before: usize, request: &Arrived| {
        if request.line != TRACES {
            return if before == 0 { hang() } else { ok() };
        }
        // It is well in between: else pauses of seconds would add up.
        let answered = match before {
            0 | 1 => return hang(),
            3 => return (status(429).status(), [("retry-after", "1")]).into_response(),
            5 | 6 => return status(500),
            8 | 9 => return cut_off(),
            // It stores them and nobody hears of it.
            11 | 12 | 14 => false,
            _ if before.is_multiple_of(20) => return status(503),
            _ => true,
        };
        let mut stored = store.lock().unwrap();
        for span in request.spans() {
            if !answered {
                stored.unanswered.insert(span.span_id.clone());
            }
            *stored.spans.entry(span.span_id).or_default() += 1;
        }
        if answered { ok() } else { cut_off() }
    };
    let server = ScriptedServer::start_at(&address, script);
    tracer.flush_blocking(PATIENCE * 3).unwrap();
    let stored = stored.lock().unwrap();
    assert_eq!(stored.spans.len(), SPANS, "all arrived");
    let twice = stored.spans.iter().filter(|(_, times)| **times > 1);
    let unfounded = twice.clone().filter(|(id, _)| !stored.unanswered.contains(*id)).count();
    assert!(twice.count() > 0, "the script lost answers");
    assert_eq!(unfounded, 0, "only what was stored without an answer came twice");
    let stats = tracer.stats();
    assert_eq!((stats.spans_exported, stats.lost()), (SPANS as u64, 0), "{stats:?}");
    drop(server);
}

#[test]
fn of_each_session_the_start_comes_first_then_its_spans_then_its_updates() {
    let accepted = Arc::<Mutex<Vec<(String, &'static str)>>>::default();
    let log = accepted.clone();
    let server = ScriptedServer::start(move |before, request| {
        // Every third request of each kind fails at first.
        if before.is_multiple_of(3) && before < 60 {
            return status(503);
        }
        let mut log = log.lock().unwrap();
        match request.line.as_str() {
            STARTS => {
                let id = request.json()["session"]["session_id"].as_str().unwrap().to_owned();
                log.push((id, "start"));
            }
            TRACES => log.extend(request.spans().into_iter().map(|span| {
                let mut attributes = span.attributes.into_iter();
                let session = attributes.find(|attribute| attribute.key == "honeyhive.session_id");
                let value = session.unwrap().value.unwrap().value.unwrap();
                let opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue(id) = value else {
                    panic!("no text")
                };
                (id, "span")
            })),
            _ => log.push((request.json()["event_id"].as_str().unwrap().to_owned(), "update")),
        }
        ok()
    });
    let tracer = on(&server)
        .skip_session_start()
        .flush_interval(Duration::from_millis(20))
        .build()
        .unwrap();
    for number in 0..100 {
        let session = tracer.new_session(format!("s{number}")).start();
        spans(&session, 3);
        session.enrich_session(Enrichment::new().metadata("n", number));
        if number % 10 == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    tracer.flush_blocking(PATIENCE).unwrap();
    let mut orders = HashMap::<String, Vec<&str>>::new();
    for (id, what) in accepted.lock().unwrap().iter() {
        orders.entry(id.clone()).or_default().push(what);
    }
    assert_eq!(orders.len(), 100);
    for (id, order) in orders {
        assert_eq!(order, ["start", "span", "span", "span", "update"], "{id}");
    }
}

#[test]
fn a_session_route_that_hangs_does_not_hold_spans_back() {
    let server = ScriptedServer::start(|_, request| if request.line == STARTS { hang() } else { ok() });
    let tracer = on(&server).timeout(Duration::from_secs(60)).build().unwrap();
    let begun = Instant::now();
    for _ in 0..3 {
        spans(&tracer.new_session("s").start(), 100);
    }
    eventually("the spans are there", || tracer.stats().spans_exported == 300);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let error = tracer.shutdown_blocking(Duration::from_millis(300)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("4 spans, session starts or updates were lost"),
        "{error}"
    );
}

#[test]
fn a_session_that_is_always_refused_holds_nobody_elses_spans() {
    let server = ScriptedServer::start(|_, request| {
        let poison = request.line == STARTS && request.json()["session"]["session_name"] == "poison";
        if poison { status(500) } else { ok() }
    });
    let tracer = on(&server).skip_session_start().build().unwrap();
    let poison = tracer.new_session("poison").start();
    for number in 0..50 {
        spans(&tracer.new_session(format!("s{number}")).start(), 2);
    }
    eventually("the others are there", || {
        let stats = tracer.stats();
        (stats.spans_exported, stats.requests_delivered) == (100, 50)
    });
    assert_eq!(tracer.stats().requests_pending, 1);
    drop(poison);
}

#[test]
fn a_batch_that_a_server_always_fails_on_holds_no_other() {
    let server = ScriptedServer::start(|_, request| {
        let poison = request.line == TRACES && request.spans().iter().any(|span| span.name == "poison");
        if poison { status(500) } else { ok() }
    });
    let tracer = on(&server).max_export_batch_size(1).build().unwrap();
    tracer.span("poison").start().end();
    spans(&tracer, 50);
    eventually("the others are there", || tracer.stats().spans_exported == 50);
    let stats = tracer.stats();
    assert_eq!((stats.spans_pending, stats.lost()), (1, 0), "{stats:?}");
    tracer.shutdown_blocking(Duration::from_millis(200)).unwrap_err();
}

#[test]
fn a_busy_server_is_asked_again_when_it_says_also_by_a_date() {
    let server = ScriptedServer::start(|before, request| {
        // A date has whole seconds.
        let date = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(2));
        match (request.line.as_str(), before) {
            (TRACES, 0) => (status(503).status(), [("retry-after", date)]).into_response(),
            _ => ok(),
        }
    });
    let tracer = on(&server).build().unwrap();
    spans(&tracer, 1);
    let begun = Instant::now();
    tracer.flush_blocking(PATIENCE).unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn what_is_refused_for_good_is_counted_and_said_and_not_sent_again() {
    for code in [400, 401, 403, 404, 413] {
        let server = ScriptedServer::start(move |_, request| if request.line == TRACES { status(code) } else { ok() });
        let tracer = on(&server).build().unwrap();
        spans(&tracer, 1);
        let error = tracer.flush_blocking(PATIENCE).unwrap_err();
        assert!(error.to_string().contains(&code.to_string()), "{error}");
        assert_eq!(server.arrived(TRACES).len(), 1, "{code}");
        let stats = tracer.stats();
        let by_reason = (stats.spans_rejected, stats.spans_too_large);
        assert_eq!(by_reason, if code == 413 { (0, 1) } else { (1, 0) }, "{stats:?}");
        assert_eq!(stats.retries, 0);
        add_up(&stats);
    }
}

#[test]
fn a_request_that_comes_out_too_large_is_parted_before_it_is_sent() {
    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(&server).max_export_batch_bytes(50_000).build().unwrap();
    for _ in 0..100 {
        tracer.span("s").input("text", "x".repeat(5_000)).start().end();
    }
    tracer.span("s").input("text", "x".repeat(80_000)).start().end();
    tracer.flush_blocking(PATIENCE).unwrap();
    let requests = server.arrived(TRACES);
    assert!(requests.len() > 10);
    for request in &requests {
        assert!(
            request.body.len() <= 50_000 || request.spans().len() == 1,
            "{}",
            request.body.len()
        );
    }
    assert_eq!(requests.iter().map(|request| request.spans().len()).sum::<usize>(), 101);
}

#[test]
fn spans_can_travel_compressed_and_what_a_server_leaves_out_is_counted_in_json_too() {
    use std::io::Read as _;

    let partial = json!({"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too late"}});
    let server = ScriptedServer::start(move |_, _| axum::Json(partial.clone()).into_response());
    let tracer = on(&server)
        .otlp_compression(OtlpCompression::Gzip)
        .otlp_protocol(OtlpProtocol::HttpJson)
        .build()
        .unwrap();
    spans(&tracer, 10);
    let error = tracer.flush_blocking(PATIENCE).unwrap_err();
    assert!(error.to_string().contains("too late"), "{error}");
    let stats = tracer.stats();
    assert_eq!((stats.spans_exported, stats.spans_rejected), (8, 2));
    let request = &server.arrived(TRACES)[0];
    assert_eq!(request.headers["content-encoding"], "gzip");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&request.body[..])
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text.matches("\"spanId\"").count(), 10);
}

#[test]
fn a_redirect_is_not_followed_and_the_key_stays_here() {
    let elsewhere = ScriptedServer::start(|_, _| ok());
    let url = elsewhere.url().to_owned();
    let server = ScriptedServer::start(move |_, request| {
        let path = request.line.split(' ').nth(1).unwrap();
        (status(307).status(), [("location", format!("{url}{path}"))]).into_response()
    });
    let tracer = on(&server).build().unwrap();
    spans(&tracer, 1);
    let error = tracer.flush_blocking(PATIENCE).unwrap_err();
    assert!(error.to_string().contains("307"), "{error}");
    assert_eq!(elsewhere.everything().len(), 0);
}

#[test]
fn an_answer_without_end_is_not_read_to_the_end() {
    let server = ScriptedServer::start(|_, _| {
        let chunk = axum::body::Bytes::from(vec![b' '; 64 << 10]);
        let endless = futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
        axum::response::Response::new(axum::body::Body::from_stream(endless))
    });
    let tracer = on(&server).build().unwrap();
    spans(&tracer, 1);
    tracer.flush_blocking(PATIENCE).unwrap();
    assert_eq!(tracer.stats().spans_exported, 1);
}

#[test]
fn an_answer_that_drips_is_a_time_out() {
    let server = ScriptedServer::start(|before, request| {
        if request.line != TRACES || before > 0 {
            return ok();
        }
        let drop = axum::body::Bytes::from_static(b" ");
        let drops = futures_util::stream::unfold(drop, |drop| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Some((Ok::<_, std::io::Error>(drop.clone()), drop))
        });
        axum::response::Response::new(axum::body::Body::from_stream(drops))
    });
    let tracer = on(&server).export_timeout(Duration::from_millis(500)).build().unwrap();
    spans(&tracer, 1);
    let begun = Instant::now();
    tracer.flush_blocking(PATIENCE).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(server.arrived(TRACES).len(), 2, "it is sent once more");
    assert!(
        tracer
            .stats()
            .last_error
            .is_some_and(|error| error.contains("timed out"))
    );
}

/// 64,000 spans of a few KiB, of which 8 MiB may wait, while nobody answers.
#[test]
#[cfg(target_os = "linux")]
fn with_the_server_gone_for_good_memory_is_bounded_counts_add_up_and_the_end_is_in_time() {
    const NAME: &str = "with_the_server_gone_for_good_memory_is_bounded_counts_add_up_and_the_end_is_in_time";
    if child::part().is_none() {
        let output = child::start(NAME, "gone").wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let server = ScriptedServer::start(|_, _| hang());
    let tracer = on(&server)
        .max_queue_bytes(8 << 20)
        .drain_timeout(Duration::from_secs(2))
        .export_timeout(Duration::from_millis(300))
        .timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let text = "x".repeat(4_000);
    let some = || (0..16_000).for_each(|_| tracer.span("s").input("text", &text).start().end());
    some();
    std::thread::sleep(Duration::from_millis(500));
    let before = child::resident();
    for _ in 0..3 {
        some();
        std::thread::sleep(Duration::from_millis(400));
    }
    let after = child::resident();
    let stats = tracer.stats();
    assert!(
        stats.spans_queue_full > 50_000 && stats.spans_pending > 500,
        "{stats:?}"
    );
    // What the test's server keeps of what arrived is in it too.
    let arrived: usize = server.everything().iter().map(|request| request.body.len()).sum();
    let grown = after.saturating_sub(before + arrived / 1_024);
    assert!(grown < 8 << 10, "{before} to {after} KiB");
    let begun = Instant::now();
    tracer.shutdown_blocking(Duration::from_secs(2)).unwrap_err();
    assert!(begun.elapsed() <= Duration::from_secs(2), "{:?}", begun.elapsed());
    let stats = tracer.stats();
    assert_eq!((stats.spans_ended, stats.spans_pending), (64_000, 0), "{stats:?}");
    assert_eq!(stats.spans_queue_full + stats.spans_unsent_at_exit, 64_000);
    add_up(&stats);
    spans(&tracer, 5);
    assert_eq!(
        tracer.stats().spans_unsent_at_exit,
        stats.spans_unsent_at_exit + 5,
        "later ones are counted"
    );
    let begun = Instant::now();
    drop(tracer);
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "there is nothing to wait for"
    );
}
