//! What the settings do to what is sent.
#![allow(clippy::unwrap_used, missing_docs)]

use std::process::Command;
use std::time::Duration;

use honeyhive_core::opentelemetry::Value as Attribute;
use honeyhive_core::{Enrichment, HoneyHiveTracer, OtlpProtocol, TracerBuilder, trace};
use honeyhive_tests::scripted::{ScriptedServer, ok};
use honeyhive_tests::{KEY, PATIENCE, eventually, server, session, settings};
use serde::Serialize;
use serde_json::json;

const TRACES: &str = "POST /opentelemetry/v1/traces";
const NEVER: Duration = Duration::from_secs(86_400);

#[derive(Debug, Serialize)]
struct Login {
    user: &'static str,
    password: &'static str,
}

#[trace]
fn log_in(login: Login, api_key: &str, note: &str, max_tokens: u32) -> String {
    format!("{} {} {note} {max_tokens}", login.user, api_key.len())
}

fn on(server: &ScriptedServer) -> TracerBuilder {
    HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", KEY)])
        .server_url(server.url())
        .undiscoverable()
}

#[test]
fn a_full_batch_and_an_unbatched_span_are_sent_without_being_asked_for() {
    let server = ScriptedServer::start(|_, _| ok());
    let batched = on(&server).flush_interval(NEVER).batch_size(3).build().unwrap();
    for _ in 0..3 {
        batched.span("s").start().end();
    }
    eventually("a batch of three is sent", || batched.stats().spans_exported == 3);
    let unbatched = on(&server).flush_interval(NEVER).disable_batch(true).build().unwrap();
    unbatched.span("s").start().end();
    eventually("one span is sent", || unbatched.stats().spans_exported == 1);

    let small = on(&server)
        .flush_interval(NEVER)
        .max_export_batch_size(2)
        .build()
        .unwrap();
    // The session's start is sent at once, with the spans that have ended by then.
    small.flush_blocking(PATIENCE).unwrap();
    let before = server.arrived(TRACES).len();
    for _ in 0..5 {
        small.span("s").start().end();
    }
    small.flush_blocking(PATIENCE).unwrap();
    let mut sizes: Vec<usize> = server.arrived(TRACES)[before..]
        .iter()
        .map(|request| request.spans().len())
        .collect();
    // They travel at once.
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 2, 2]);
}

#[test]
fn a_request_that_takes_too_long_is_given_up_and_tried_again() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let server = ScriptedServer::start(move |before, request| {
        if request.line == TRACES && before == 0 {
            // Until the test ends, or the tracer has lost patience.
            let _ = held.lock().unwrap().recv();
        }
        ok()
    });
    let tracer = on(&server)
        .skip_session_start()
        .export_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    tracer.span("s").start().end();
    let flushed = std::thread::scope(|scope| {
        let flushed = scope.spawn(|| tracer.flush_blocking(PATIENCE));
        eventually("the first attempt is given up", || tracer.stats().retries > 0);
        let why = tracer.stats().last_error.unwrap();
        assert!(why.contains("timed out"), "{why}");
        drop(release);
        flushed.join().unwrap()
    });
    flushed.unwrap();
    assert_eq!(tracer.stats().spans_exported, 1);
}

#[test]
fn spans_go_to_the_collector_with_its_headers_as_json() {
    let (backend, collector) = (ScriptedServer::start(|_, _| ok()), ScriptedServer::start(|_, _| ok()));
    let tracer = on(&backend)
        .otlp_endpoint(format!("{}/v1/traces", collector.url()))
        .otlp_header("authorization", "Basic of-the-collector")
        .otlp_header("x-tenant", "t-1")
        .otlp_protocol(OtlpProtocol::HttpJson)
        .build()
        .unwrap();
    tracer
        .span("s")
        .input("whole", 42)
        .metric("score", 0.5)
        .attribute("not.a.number", f64::NAN)
        .attribute("infinite", f64::NEG_INFINITY)
        .attribute("among.others", Attribute::Array(vec![1.0, f64::INFINITY].into()))
        .metric("of.a.division", f64::NAN)
        .start()
        .end();
    tracer.flush_blocking(PATIENCE).unwrap();
    assert!(backend.arrived(TRACES).is_empty());
    assert_eq!(backend.arrived("POST /session/start").len(), 1);
    let request = &collector.arrived("POST /v1/traces")[0];
    assert_eq!(request.headers["authorization"], "Basic of-the-collector");
    assert_eq!(request.headers["x-tenant"], "t-1");
    assert_eq!(request.headers["content-type"], "application/json");
    let body = request.json();
    let span = &body["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    let value = |key: &str| {
        let all = span["attributes"].as_array().unwrap();
        all.iter().find(|kv| kv["key"] == key).unwrap()["value"].clone()
    };
    assert_eq!(value("honeyhive_inputs.whole"), json!({"intValue": "42"}));
    assert_eq!(value("honeyhive_metrics.score"), json!({"doubleValue": 0.5}));
    assert_eq!(value("not.a.number"), json!({"stringValue": "nan"}));
    assert_eq!(value("infinite"), json!({"stringValue": "-inf"}));
    let among = value("among.others");
    assert_eq!(among["arrayValue"]["values"][1], json!({"stringValue": "inf"}));
    assert_eq!(value("honeyhive_metrics.of.a.division"), json!({"stringValue": "nan"}));
    assert_eq!(span["traceId"].as_str().unwrap().len(), 32);
    assert!(span["startTimeUnixNano"].is_string());
}

#[test]
fn requests_take_the_proxy_unless_the_host_is_exempt() {
    let proxy = ScriptedServer::start(|_, _| ok());
    let through = |settings: TracerBuilder| {
        settings
            .environment([("HH_API_KEY", KEY)])
            .http_proxy(proxy.url())
            .undiscoverable()
            .build()
            .unwrap()
    };
    let tracer = through(HoneyHiveTracer::builder().server_url("http://backend.invalid"));
    tracer.flush_blocking(PATIENCE).unwrap();
    assert_eq!(proxy.arrived("POST /session/start").len(), 1);
    let exempt = HoneyHiveTracer::builder()
        .server_url("http://backend.invalid")
        .no_proxy("backend.invalid");
    let exempt = through(exempt);
    exempt.flush_blocking(Duration::from_millis(300)).unwrap_err();
    let here = ScriptedServer::start(|_, _| ok());
    let loopback = through(HoneyHiveTracer::builder().server_url(here.url()));
    loopback.flush_blocking(PATIENCE).unwrap();
    assert_eq!(here.arrived("POST /session/start").len(), 1);
    assert_eq!(proxy.arrived("POST /session/start").len(), 1, "neither takes the proxy");
}

/// A server whose certificate nobody has signed; it answers each request with 200 and nothing else. And the certificate.
fn self_signed(runtime: &tokio::runtime::Runtime) -> (String, String) {
    use base64::Engine as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};

    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let Ok(mut connection) = acceptor.accept(connection).await else {
                continue;
            };
            let mut request = [0; 4_096];
            let _ = connection.read(&mut request).await;
            let _ = connection
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .await;
            let _ = connection.shutdown().await;
        }
    });
    let text = base64::engine::general_purpose::STANDARD.encode(signed.cert.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    (format!("https://localhost:{port}"), pem)
}

#[test]
fn a_certificate_that_nobody_signed_is_refused_unless_asked_not_to() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (url, _) = self_signed(&runtime);
    let on = |verify: &str| {
        HoneyHiveTracer::builder()
            .environment([("HH_API_KEY", KEY), ("HH_API_URL", &url), ("HH_VERIFY_SSL", verify)])
            .undiscoverable()
            .build()
            .unwrap()
    };
    let trusting = on("false");
    trusting.flush_blocking(PATIENCE).unwrap();
    let careful = on("true");
    careful.flush_blocking(Duration::from_secs(1)).unwrap_err();
    let why = careful.stats().last_error.unwrap();
    assert!(why.contains("certificate"), "{why}");
}

#[test]
fn a_certificate_of_ones_own_is_trusted_when_it_is_given() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (url, certificate) = self_signed(&runtime);
    let path = std::env::temp_dir().join(format!("honeyhive-ca-{}.pem", std::process::id()));
    let on = |path: &std::path::Path| {
        HoneyHiveTracer::builder()
            .environment([("HH_API_KEY", KEY), ("HH_API_URL", &url)])
            .ca_certificate(path)
            .undiscoverable()
            .build()
    };
    let error = on(&path).unwrap_err().to_string();
    assert!(
        error.starts_with("ca_certificate: ") && error.contains("cannot be read"),
        "{error}"
    );
    std::fs::write(&path, "no certificate").unwrap();
    let error = on(&path).unwrap_err().to_string();
    assert!(error.contains("holds no certificate"), "{error}");
    std::fs::write(&path, certificate).unwrap();
    let tracer = on(&path).unwrap();
    tracer.flush_blocking(PATIENCE).unwrap();
    assert_eq!(tracer.stats().requests_delivered, 1);
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn secrets_stay_here_wherever_they_stand() {
    let server = server();
    let tracer = settings(&server)
        .redact(|key, text| (key == "honeyhive_inputs.note").then(|| text.replace("bees", "[insects]")))
        .redact(|key, _| key.ends_with(".boom").then(|| panic!("a function of the user's")))
        .build()
        .unwrap();
    let login = Login {
        user: "u-1",
        password: "hunter2",
    };
    let session_of_user = tracer
        .new_session("s")
        .input("access_token", "hunter2")
        .metadata("nested", json!({"db_password": "hunter2", "kept": 1}))
        .start();
    session_of_user.in_scope(|| log_in(login, "hunter2", "about bees", 7));
    session_of_user.in_scope(|| {
        tracer
            .span("debug")
            .input(
                "text",
                format!(
                    "{:?}",
                    Login {
                        user: "u-2",
                        password: "hunter2"
                    }
                ),
            )
            .input("boom", "hunter2")
            .start()
            .end();
    });
    session_of_user.enrich_session(Enrichment::new().metadata("credentials", json!({"user": "hunter2"})));
    let tree = session(&tracer, session_of_user.session_id()).await.to_string();
    assert!(!tree.contains("hunter2"), "{tree}");
    insta::assert_snapshot!(tree, @r#"
    session s
    │ inputs: access_token="[redacted]"
    │ metadata: credentials="[redacted]" nested={"db_password":"[redacted]","kept":1}
    └─ tool log_in
         inputs: api_key="[redacted]" login="{\"user\":\"u-1\",\"password\":\"[redacted]\"}" max_tokens=7 note="about [insects]"
         outputs: result="u-1 7 about bees 7"
    "#);

    let open = settings(&server).redact_secrets(false).build().unwrap();
    open.span("s").input("password", "shown").start().end();
    let tree = session(&open, open.session_id()).await.to_string();
    assert!(tree.contains("shown"), "{tree}");
}

#[test]
fn values_and_spans_are_cut_to_size_and_still_belong_to_their_session() {
    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(&server)
        .max_value_size(64)
        .max_span_size(2_048)
        .max_attributes(40)
        .max_events(1)
        .build()
        .unwrap();
    let mut span = tracer.span("s").input("long", "x".repeat(100));
    for number in 0..60 {
        span = span.input(format!("n{number}"), "y".repeat(60));
    }
    span.start().end();
    tracer.flush_blocking(PATIENCE).unwrap();
    let arrived = &server.arrived(TRACES)[0].spans()[0];
    let text = |key: &str| {
        let kv = arrived.attributes.iter().find(|kv| kv.key == key).unwrap();
        match kv.value.as_ref().unwrap().value.as_ref().unwrap() {
            opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue(text) => text.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(text("honeyhive.session_id"), tracer.session_id().to_string());
    assert!(
        text("honeyhive_inputs.long").contains("…[+"),
        "{}",
        text("honeyhive_inputs.long")
    );
    assert_eq!(text("honeyhive_event_type"), "tool");
    assert_eq!(arrived.dropped_attributes_count, 21);
    let inputs = arrived
        .attributes
        .iter()
        .filter(|kv| kv.key.starts_with("honeyhive_inputs"));
    assert_eq!(inputs.count(), 40);
}

/// Runs in a process of its own, with variables that are meant for others.
#[test]
#[ignore = "started by the test below"]
fn sends_one_span() {
    let tracer = HoneyHiveTracer::builder().undiscoverable().build().unwrap();
    let mut span = tracer.span("s");
    for number in 0..200 {
        span = span.input(format!("n{number}"), number);
    }
    span.start().end();
    tracer.flush_blocking(PATIENCE).unwrap();
}

#[test]
fn variables_meant_for_other_exporters_change_nothing() {
    let (server, other) = (ScriptedServer::start(|_, _| ok()), ScriptedServer::start(|_, _| ok()));
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sends_one_span", "--ignored"])
        .env_clear()
        .env("HH_API_KEY", KEY)
        .env("HH_API_URL", server.url())
        .env(
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer OTHER,dd-api-key=SECRET",
        )
        .env("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-other=SECRET")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", other.url())
        .env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", other.url())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
        .env("OTEL_TRACES_SAMPLER", "always_off")
        .env("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "3")
        .env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
        .env("OTEL_SDK_DISABLED", "true")
        .status()
        .unwrap();
    assert!(status.success());
    let request = &server.arrived(TRACES)[0];
    assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
    let headers = format!("{:?}", request.headers);
    assert!(!headers.contains("SECRET") && !headers.contains("OTHER"), "{headers}");
    let inputs = request.spans()[0]
        .attributes
        .iter()
        .filter(|kv| kv.key.starts_with("honeyhive_inputs"))
        .count();
    assert_eq!(inputs, 200);
}

#[test]
fn what_goes_to_this_machine_goes_through_no_proxy_even_if_the_server_is_elsewhere() {
    let proxy = ScriptedServer::start(|_, _| ok());
    let collector = ScriptedServer::start(|_, _| ok());
    let tracer = on(&proxy)
        .server_url("http://honeyhive.invalid")
        .otlp_endpoint(format!("{}/v1/traces", collector.url()))
        .http_proxy(proxy.url())
        .build()
        .unwrap();
    tracer.span("s").start().end();
    tracer.flush_blocking(PATIENCE).unwrap();
    let lines = |server: &ScriptedServer| {
        server
            .everything()
            .into_iter()
            .map(|request| request.line)
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(&proxy), ["POST /session/start"]);
    assert_eq!(lines(&collector), ["POST /v1/traces"]);
}

struct Broken;

impl Serialize for Broken {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("a value that cannot be shown")
    }
}

#[test]
fn a_value_that_panics_while_it_is_recorded_costs_itself_alone() {
    let server = ScriptedServer::start(|_, _| ok());
    let tracer = on(&server).build().unwrap();
    let session = tracer.new_session("one").input("broken", Broken).start();
    session.enrich_session(Enrichment::new().metadata("broken", Broken));
    let mut span = session.span("s").input("broken", Broken).start();
    span.record_output(&Broken);
    span.end();
    tracer.flush_blocking(PATIENCE).unwrap();
    let span = &server.arrived(TRACES)[0].spans()[0];
    let broken = span
        .attributes
        .iter()
        .filter(|kv| format!("{kv:?}").contains("<panicked while"));
    assert_eq!(broken.count(), 2, "{span:?}");
}

#[test]
fn what_waits_is_bounded_in_bytes_also_in_lists() {
    let server = ScriptedServer::start(|_, _| honeyhive_tests::scripted::status(503));
    let tracer = on(&server).build().unwrap();
    let list = vec!["x".repeat(1 << 20).into()];
    for _ in 0..100 {
        let value = Attribute::Array(opentelemetry::Array::String(list.clone()));
        tracer.span("s").attribute("list", value).start().end();
    }
    let stats = tracer.stats();
    assert_eq!(stats.spans_pending + stats.spans_queue_full, 100);
    assert!(stats.spans_pending < 64, "{stats:?}");
}
