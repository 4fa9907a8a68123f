//! The REST client: a dataset is made, a run over it recorded by hand, and the events found again, page by page.
//!
//! ```text
//! cargo run -p honeyhive-examples --example rest_client
//! ```
//!
//! It starts an embedded backend, talks to it, prints what came back, and exits.
#![allow(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use futures_util::TryStreamExt as _;
use honeyhive_core::api::{
    AddDatapoints, ApiError, Client, ColumnMapping, CreateDataset, CreateRun, DatapointQuery, EventQuery, Filter,
    NewEvent, ResultQuery, RunStatus, StartSession, UpdateRun,
};
use honeyhive_core::event::EventType;
use honeyhive_local::Server;
use serde_json::{Map, Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder().listen("127.0.0.1:0").start()?;
    let client = Client::builder()
        .api_key("hh_example")
        .server_url(server.url())
        .build()?;

    let dataset_id = make_dataset(&client).await?;
    let run_id = record_run(&client, &dataset_id).await?;

    let result = client.runs().result(&run_id, &ResultQuery::default()).await?;
    println!("{} of {} passed", result.passed.len(), result.datapoints.len());
    for metric in &result.metrics.details {
        println!("{}: {:?}", metric.metric_name, metric.aggregate);
    }

    // A stream: the next page is fetched when it is needed.
    let query = EventQuery {
        filters: vec![
            Filter::is("event_type", "model"),
            Filter::greater_than("metrics.length", 6),
        ],
        page_size: Some(1),
        ..EventQuery::default()
    };
    let mut events = client.events().export(&query);
    while let Some(event) = events.try_next().await? {
        println!("{} answered {}", event.event_name, event.outputs["answer"]);
    }

    match client.runs().get("no such run").await {
        Err(error @ ApiError::Status { status: 404, .. }) => println!("{error}"),
        other => println!("unexpected: {other:?}"),
    }
    Ok(())
}

async fn make_dataset(client: &Client) -> Result<String, ApiError> {
    let dataset = CreateDataset {
        name: "animals".into(),
        ..Default::default()
    };
    let dataset_id = client.datasets().create(&dataset).await?;
    let rows = AddDatapoints {
        data: ["bees", "ants", "termites"]
            .map(|animal| object(json!({ "animal": animal })))
            .into(),
        mapping: ColumnMapping {
            inputs: vec!["animal".into()],
            ..Default::default()
        },
        ..Default::default()
    };
    client.datasets().add_datapoints(&dataset_id, &rows).await?;
    Ok(dataset_id)
}

/// What `honeyhive_eval::evaluate` does for you.
async fn record_run(client: &Client, dataset_id: &str) -> Result<String, ApiError> {
    let datapoint_ids = client.datasets().get(dataset_id).await?.datapoints;
    let run = CreateRun {
        name: "by hand".into(),
        dataset_id: Some(dataset_id.into()),
        datapoint_ids: datapoint_ids.clone(),
        ..Default::default()
    };
    let run_id = client.runs().create(&run).await?;

    let query = DatapointQuery {
        datapoint_ids: Some(datapoint_ids),
        ..Default::default()
    };
    let mut event_ids = Vec::new();
    for datapoint in client.datapoints().list(&query).await? {
        let session = StartSession {
            session_name: "by hand".into(),
            metadata: object(json!({"run_id": run_id, "dataset_id": dataset_id, "datapoint_id": datapoint.id})),
            ..Default::default()
        };
        let session_id = client.sessions().start(&session).await?.session_id;
        let answer = format!("{}!", datapoint.inputs["animal"].as_str().unwrap_or_default());
        let event = NewEvent {
            event_type: EventType::Model,
            event_name: "shout".into(),
            session_id: Some(session_id.clone()),
            inputs: datapoint.inputs,
            metrics: object(json!({ "length": answer.len() })),
            outputs: object(json!({ "answer": answer })),
            ..Default::default()
        };
        client.events().create(&event).await?;
        event_ids.push(session_id);
    }
    let done = UpdateRun {
        status: Some(RunStatus::Completed),
        event_ids,
        ..Default::default()
    };
    client.runs().update(&run_id, &done).await?;
    Ok(run_id)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
