//! What becomes of one call: repeated or not, refused before it is sent, its error.

use std::time::{Duration, Instant, SystemTime};

use axum::response::{IntoResponse, Response};
use honeyhive_core::api::{ApiError, Client, CreateDataset, CreateRun, KeyKind, NewEvent};
use honeyhive_tests::scripted::{ScriptedServer, status};
use honeyhive_tests::{KEY, server};
use serde_json::json;

use super::client;

/// Refuses the first time, and is content after.
fn busy_at_first(refusal: impl Fn() -> Response + Send + Sync + 'static) -> ScriptedServer {
    ScriptedServer::start(move |before, _| match before {
        0 => refusal(),
        _ => axum::Json(json!({"evaluation": {"run_id": "r"}, "run_id": "r"})).into_response(),
    })
}

#[tokio::test]
async fn what_may_be_repeated_is_repeated() {
    for code in [408, 429, 500, 502, 503, 504] {
        let server = busy_at_first(move || status(code));
        let client = client(server.url());
        client.runs().get("r").await.unwrap();
        client.runs().create(&CreateRun::default()).await.unwrap();
        assert_eq!(server.everything().len(), 4, "{code}");
        let proposed: Vec<_> = server
            .arrived("POST /v1/runs")
            .iter()
            .map(|arrived| arrived.body.clone())
            .collect();
        assert_eq!(proposed[0], proposed[1], "it is the same run");
    }
}

#[tokio::test]
async fn what_creates_something_is_sent_once() {
    let server = busy_at_first(|| status(503));
    let client = client(server.url());
    let error = client.datasets().create(&CreateDataset::default()).await.unwrap_err();
    assert!(error.is_retryable() && error.status() == Some(503), "{error}");
    client.events().create(&NewEvent::default()).await.unwrap_err();
    assert_eq!(server.everything().len(), 2);
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_repeated() {
    for code in [400, 401, 403, 404, 409, 501] {
        let server = busy_at_first(move || status(code));
        let error = client(server.url()).runs().get("r").await.unwrap_err();
        assert!(!error.is_retryable() && error.status() == Some(code), "{error}");
        assert_eq!(server.everything().len(), 1);
    }
}

#[tokio::test]
async fn the_server_says_how_long_to_wait_in_seconds_or_with_a_date() {
    let pauses: [fn() -> String; 2] = [
        || "1".to_owned(),
        || httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2)),
    ];
    for pause in pauses {
        let server = busy_at_first(move || {
            (axum::http::StatusCode::TOO_MANY_REQUESTS, [("retry-after", pause())]).into_response()
        });
        let started = Instant::now();
        client(server.url()).runs().get("r").await.unwrap();
        // A date has no fractions of a second.
        assert!(
            started.elapsed() >= Duration::from_millis(900),
            "{:?}",
            started.elapsed()
        );
    }
    let server =
        busy_at_first(|| (axum::http::StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3600")]).into_response());
    let error = client(server.url()).runs().get("r").await.unwrap_err();
    assert!(error.is_retryable(), "an hour is the caller's to wait: {error}");
}

#[test]
fn any_answer_of_success_is_one() {
    for code in [200, 201, 202, 204] {
        let server = ScriptedServer::start(move |_, _| status(code));
        client(server.url()).runs().delete("r").wait().unwrap();
    }
}

#[test]
fn an_error_says_what_was_asked_what_was_answered_and_under_which_number() {
    let server = ScriptedServer::start(|_, _| {
        let body = json!({"success": false, "message": format!("no run for {KEY}"), "errorCode": "run_not_found"});
        (
            axum::http::StatusCode::NOT_FOUND,
            [("x-request-id", "req-7")],
            axum::Json(body),
        )
            .into_response()
    });
    let error = client(server.url()).runs().get("a/b").wait().unwrap_err();
    assert_eq!(
        error.to_string(),
        "getRun failed with status 404: no run for [key]; it does not exist, or the key has no access to it (GET \
         /v1/runs/a%2Fb, request req-7)"
    );
    let ApiError::Status { code, request_id, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(
        (code.as_deref(), request_id.as_deref()),
        (Some("run_not_found"), Some("req-7"))
    );
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn a_key_that_a_server_repeats_where_something_else_belongs_goes_no_further() {
    let server = ScriptedServer::start(|_, _| axum::Json(json!({"evaluation": KEY, "data": KEY})).into_response());
    let client = client(server.url());
    let error = client.runs().get("r").wait().unwrap_err();
    assert!(
        matches!(error, ApiError::Answer { .. }) && !error.to_string().contains(KEY),
        "{error}"
    );
    let key = client.projects().create_ingestion_key("p", "k").wait().unwrap();
    assert_eq!((key.expose(), format!("{key:?}").contains(KEY)), (Some(KEY), false));
    assert!(!format!("{client:?}").contains(KEY));
}

#[test]
fn half_a_key_is_not_shown_either_and_what_is_shown_is_short() {
    let server = ScriptedServer::start(|before, _| {
        let message = format!("{}{KEY}{}", "x".repeat(490), "y".repeat(10_000));
        let body = match before {
            0 => (
                axum::http::StatusCode::BAD_REQUEST,
                axum::Json(json!({ "message": message })),
            ),
            _ => (axum::http::StatusCode::OK, axum::Json(json!({ "evaluation": message }))),
        };
        body.into_response()
    });
    let client = client(server.url());
    for _ in 0..2 {
        let error = client.runs().get("r").wait().unwrap_err().to_string();
        assert!(!error.contains(&KEY[..8]) && error.len() < 700, "{error}");
    }
}

#[test]
fn an_answer_without_end_is_given_up() {
    let server = ScriptedServer::start(|_, _| " ".repeat(65 << 20).into_response());
    let error = client(server.url()).runs().get("r").wait().unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[test]
fn calls_share_their_connections() {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let accepted = Arc::new(AtomicUsize::new(0));
    let counted = accepted.clone();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            std::thread::spawn(move || {
                let mut connection = connection.unwrap();
                let lines = BufReader::new(connection.try_clone().unwrap()).lines();
                // An empty line ends a request that has no body.
                for line in lines.map_while(Result::ok).filter(String::is_empty) {
                    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                    connection.write_all(format!("{line}{answer}").as_bytes()).unwrap();
                }
            });
        }
    });
    let client = client(&url);
    for _ in 0..20 {
        client.clone().runs().get("r").wait().unwrap();
        client.metrics().delete("m").wait().unwrap();
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[test]
fn a_server_that_gives_less_at_once_than_asked_for_is_read_to_the_end() {
    let server = ScriptedServer::start(|page, request| {
        match request.line.as_str() {
        // Two at a time, whatever was asked for.
        "POST /v1/events/export" => axum::Json(json!({
            "events": (page * 2..(page * 2 + 2).min(5)).map(|n| json!({"event_name": n.to_string()})).collect::<Vec<_>>(),
            "totalEvents": 5, "count": 2,
        })),
        // Does not say whether there is more.
        _ => axum::Json(json!({"evaluations": vec![json!({"run_id": page.to_string()}); if page < 2 { 10 } else { 3 }]})),
    }
    .into_response()
    });
    let client = client(server.url());
    let events = client.events().export(&Default::default()).all().wait().unwrap();
    assert_eq!(events.len(), 5);
    let query = honeyhive_core::api::RunQuery {
        page_size: Some(10),
        ..Default::default()
    };
    assert_eq!(client.runs().list(&query).all().wait().unwrap().len(), 23);
}

#[test]
fn a_server_that_does_not_page_is_an_error_and_not_a_list_without_end() {
    let server = ScriptedServer::start(|_, request| {
        let events: Vec<_> = (0..10).map(|n| json!({"event_id": n.to_string()})).collect();
        let runs: Vec<_> = (0..10).map(|n| json!({"run_id": n.to_string()})).collect();
        if request.line.contains("/runs") {
            return axum::Json(json!({"evaluations": runs})).into_response();
        }
        axum::Json(json!({"events": events})).into_response()
    });
    let client = client(server.url());
    let query = honeyhive_core::api::EventQuery {
        page_size: Some(10),
        ..Default::default()
    };
    let error = client.events().export(&query).all().wait().unwrap_err().to_string();
    assert!(error.contains("exportEvents") && error.contains("once more"), "{error}");
    let query = honeyhive_core::api::RunQuery {
        page_size: Some(10),
        ..Default::default()
    };
    let seen: Vec<_> = client.runs().list(&query).blocking().collect();
    assert_eq!(seen.len(), 11);
    assert!(seen[10].is_err());
}

#[test]
fn a_list_is_fetched_no_further_than_it_is_read_and_ends_with_its_first_failure() {
    let server = ScriptedServer::start(|page, _| match page {
        0 | 1 => axum::Json(json!({"evaluations": [{"run_id": page.to_string()}], "pagination": {"has_next": true}}))
            .into_response(),
        _ => status(400),
    });
    let client = client(server.url());
    let mut runs = client.runs().list(&Default::default()).blocking();
    assert_eq!(runs.next().unwrap().unwrap().run_id, "0");
    assert_eq!(server.everything().len(), 1);
    assert_eq!(runs.next().unwrap().unwrap().run_id, "1");
    assert_eq!(runs.next().unwrap().unwrap_err().status(), Some(400));
    assert!(runs.next().is_none());
    assert_eq!(
        client
            .runs()
            .list(&Default::default())
            .all()
            .wait()
            .unwrap_err()
            .status(),
        Some(400)
    );
}

#[test]
fn a_missing_key_is_named_and_nothing_is_sent() {
    let server = ScriptedServer::start(|_, _| status(200));
    let without = Client::builder()
        .environment([("HH_API_URL", server.url())])
        .build()
        .unwrap();
    let kind = |error: ApiError| match error {
        ApiError::MissingApiKey { kind, .. } => kind,
        other => panic!("{other}"),
    };
    let error = without.runs().get("r").wait().unwrap_err();
    assert_eq!(
        error.to_string(),
        "getRun needs a project key: call .api_key(\"…\") or set HH_API_KEY"
    );
    assert_eq!(kind(error), KeyKind::Project);
    assert_eq!(
        kind(without.sessions().start(&Default::default()).wait().unwrap_err()),
        KeyKind::Ingestion
    );
    let charts = Client::builder()
        .environment([("HH_API_KEY", KEY)])
        .server_url(server.url())
        .build()
        .unwrap();
    assert_eq!(
        kind(charts.charts().in_project("p").list().wait().unwrap_err()),
        KeyKind::DataPlane
    );
    assert!(server.everything().is_empty());
}

#[test]
fn an_id_that_is_empty_never_means_all_of_them() {
    let server = ScriptedServer::start(|_, _| axum::Json(json!([])).into_response());
    let client = client(server.url());
    let empty: [Result<(), ApiError>; 8] = [
        client.runs().delete("").wait(),
        client.datasets().delete(" ").wait(),
        client.datasets().get("").wait().map(|_| ()),
        client.metrics().get("").wait().map(|_| ()),
        client.projects().delete("").wait(),
        client.projects().list(Some("")).wait().map(|_| ()),
        client
            .datasets()
            .list(&honeyhive_core::api::DatasetQuery {
                name: Some(" ".into()),
                ..Default::default()
            })
            .wait()
            .map(|_| ()),
        client.charts().in_project("").delete("c").wait(),
    ];
    for outcome in empty {
        assert!(matches!(outcome, Err(ApiError::Request { .. })), "{outcome:?}");
    }
    let none = honeyhive_core::api::DatapointQuery {
        datapoint_ids: Some(Vec::new()),
        ..Default::default()
    };
    assert!(client.datapoints().list(&none).wait().unwrap().is_empty());
    assert!(server.everything().is_empty());
}

#[test]
fn a_malformed_data_plane_key_is_refused_without_being_shown() {
    for key in ["hh_fgdp_short", "hh_other", "sk-other"] {
        let error = Client::builder()
            .environment([("HH_DATA_PLANE_API_KEY", key)])
            .build()
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("HH_DATA_PLANE_API_KEY") && !text.contains(key), "{text}");
    }
}

#[tokio::test]
async fn a_client_of_a_tracer_and_one_of_its_own_see_the_same() {
    let server = server();
    let tracer = honeyhive_tests::tracer(&server);
    let run_id = tracer
        .api()
        .runs()
        .create(&CreateRun {
            name: "n".into(),
            ..Default::default()
        })
        .await
        .unwrap();
    let own = client(server.url());
    assert_eq!(own.runs().get(&run_id).await.unwrap().name.as_deref(), Some("n"));
    assert_eq!(own.server_url(), tracer.server_url());
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_is_not_repeated() {
    let server = ScriptedServer::start(|_, _| status(503));
    let client = client(server.url());
    let call = client.runs().get("r");
    tokio::select! {
        outcome = call => panic!("{outcome:?}"),
        () = async { while server.everything().is_empty() { tokio::task::yield_now().await } } => {}
    }
    // Far longer than the pause before the second attempt, which this one would outlast.
    client.runs().get("other").await.unwrap_err();
    assert_eq!(server.arrived("GET /v1/runs/r").len(), 1);
}
