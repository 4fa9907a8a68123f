//! Whatever a server answers, an operation reads it or says that it cannot: no panic, no hang.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::response::IntoResponse;
use honeyhive_core::api::{ApiError, Client};
use honeyhive_tests::scripted::ScriptedServer;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::strings;

/// Every operation, made once.
fn every(client: &Client) -> Vec<(&'static str, Result<(), ApiError>)> {
    macro_rules! each {
        ($($handle:ident.$operation:ident($($argument:expr),*);)*) => {
            vec![$((
                concat!(stringify!($handle), ".", stringify!($operation)),
                client.$handle().$operation($($argument),*).wait().map(|_| ()),
            )),*]
        };
    }
    macro_rules! pages {
        ($($handle:ident.$operation:ident($($argument:expr),*);)*) => {
            vec![$((
                concat!(stringify!($handle), ".", stringify!($operation)),
                client.$handle().$operation($($argument),*).all().wait().map(|_| ()),
            )),*]
        };
    }
    let object = Map::new();
    let mut all = each! {
        sessions.start(&Default::default());
        sessions.get("s");
        sessions.delete("s");
        sessions.add_events("s", &[]);
        sessions.add_traces("s", &object);
        events.create(&Default::default());
        events.create_batch(&Default::default());
        events.create_model(&object);
        events.create_model_batch(&[&object]);
        events.update(&Default::default());
        events.get("e");
        events.delete("e");
        events.schema(None, None);
        events.chart(&Default::default());
        runs.create(&Default::default());
        runs.update("r", &Default::default());
        runs.get("r");
        runs.delete("r");
        runs.schema(None);
        runs.run_schema("r");
        runs.result("r", &Default::default());
        runs.summary("r", &Default::default());
        runs.metrics("r", &[]);
        runs.compare("r", "s", &Default::default());
        datasets.list(&Default::default());
        datasets.get("d");
        datasets.create(&Default::default());
        datasets.update("d", &Default::default());
        datasets.delete("d");
        datasets.add_datapoints("d", &honeyhive_core::api::AddDatapoints { data: vec![object.clone()], ..Default::default() });
        datasets.remove_datapoint("d", "p");
        datapoints.list(&Default::default());
        datapoints.get("p");
        datapoints.create(&Default::default());
        datapoints.create_batch(vec![Default::default()]);
        datapoints.update("p", &Default::default());
        datapoints.delete("p");
        metrics.list(None);
        metrics.get("m");
        metrics.create(&Default::default());
        metrics.update("m", &Default::default());
        metrics.delete("m");
        metrics.run(&object, &object);
        metrics.versions("m");
        metrics.create_version("m", "", &object);
        metrics.deploy_version("m", "v");
        configurations.list(&Default::default());
        configurations.create(&Default::default());
        configurations.update("c", &Default::default());
        configurations.delete("c");
        charts.list();
        charts.get("c");
        charts.create(&Default::default());
        charts.update("c", &Default::default());
        charts.delete("c");
        queues.list(None);
        queues.get("q");
        queues.create(&Default::default());
        queues.update("q", &Default::default());
        queues.delete("q");
        projects.list(None);
        projects.create(&Default::default());
        projects.update(&Default::default());
        projects.delete("p");
        projects.create_ingestion_key("p", "k");
        projects.create_data_plane_key("p", &Default::default());
    };
    all.extend(pages! {
        events.export(&Default::default());
        events.search(&Default::default());
        events.list(&Default::default());
        runs.compare_events("r", "s", None, None);
        runs.list(&honeyhive_core::api::RunQuery { run_ids: Some(strings(&["r"])), ..Default::default() });
    });
    let charts = client.charts().in_project("p").list().wait();
    all.push(("charts.in_project", charts.map(|_| ())));
    all
}

/// JSON that has the names the operations look for, in places they do not expect.
fn anything() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "evaluation",
        "evaluations",
        "run_id",
        "pagination",
        "has_next",
        "metrics",
        "details",
        "datapoint",
        "datapoints",
        "datasets",
        "events",
        "event",
        "event_type",
        "event_ids",
        "result",
        "insertedId",
        "insertedIds",
        "data",
        "queue",
        "queues",
        "configurations",
        "id",
        "name",
        "status",
        "type",
        "children",
        "session_id",
        "start_time",
        "inputs",
        "metric_id",
        "run_object",
        "passed",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "[a-z]{0,8}|\\PC{0,4}|pending|model".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let fields = prop::collection::vec((names.clone().prop_map(str::to_owned), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => anything().prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..60),
        1 => anything().prop_map(|value| { let text = value.to_string(); text.as_bytes()[..text.len() / 2].to_vec() }),
        1 => Just([b"[".repeat(10_000), b"]".repeat(10_000)].concat()),
    ]
}

#[test]
fn no_answer_makes_an_operation_panic() {
    let answer: Arc<Mutex<(u16, Vec<u8>)>> = Arc::default();
    let given = answer.clone();
    let server = ScriptedServer::start(move |_, _| {
        let (status, body) = given.lock().unwrap().clone();
        (StatusCode::from_u16(status).unwrap(), body).into_response()
    });
    let key = format!("hh_fgdp_{}_{}", "a".repeat(24), "b".repeat(64));
    let client = Client::builder()
        .environment([
            ("HH_API_KEY", "k"),
            ("HH_DATA_PLANE_API_KEY", &key),
            ("HH_MAX_RETRIES", "0"),
        ])
        .server_url(server.url())
        .build()
        .unwrap();
    let config = ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let statuses = prop_oneof![4 => Just(200_u16), 1 => 200_u16..=599];
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let outcome = runner.run(&(statuses, body()), |(status, body)| {
        *answer.lock().unwrap() = (status, body);
        for (operation, outcome) in every(&client) {
            match outcome {
                Ok(()) => prop_assert!((200..300).contains(&status), "{operation} took {status} for success"),
                Err(ApiError::Status { status: of_error, .. }) => {
                    // Asked for a dataset that a list does not have, the client says what the server would.
                    prop_assert!(
                        of_error == status || operation == "datasets.get",
                        "{operation}: {of_error}"
                    );
                }
                Err(ApiError::Answer { .. }) => {}
                Err(other) => return Err(TestCaseError::fail(format!("{operation}: {other}"))),
            }
        }
        Ok(())
    });
    outcome.unwrap();
}
