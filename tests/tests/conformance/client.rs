//! The REST client: sessions, events, runs and their results, datasets, datapoints.

use honeyhive_core::api::{
    Aggregate, Client, CreateDataset, CreateRun, EventBatch, EventQuery, Filter, NewDatapoint, NewEvent, ResultQuery,
    RunQuery, RunStatus, StartSession, UpdateEvent, UpdateRun,
};
use honeyhive_core::event::EventType;
use serde_json::{Map, Value, json};

use crate::Scenario;

const A: &str = "cccccccc-cccc-4ccc-8ccc-cccccccccccc";
const B: &str = "dddddddd-dddd-4ddd-8ddd-dddddddddddd";
const EVENT: &str = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee";

/// A key is enough for a client: no session is announced, nothing is traced.
pub(crate) const S22: Scenario = Scenario {
    capture: "s22",
    differences: &[],
    program: |setting| {
        let client = Client::builder()
            .environment(setting.environment.clone())
            .build()
            .unwrap();
        sessions_and_events(&client);
        runs(&client);
        datasets_and_datapoints(&client);
    },
};

fn sessions_and_events(client: &Client) {
    let session = StartSession {
        session_id: A.into(),
        session_name: "client".into(),
        source: Some("golden".into()),
        ..Default::default()
    };
    assert_eq!(client.sessions().start(&session).wait().unwrap().session_id, A);
    let event = NewEvent {
        project: Some("p".into()),
        source: Some("golden".into()),
        event_name: "e".into(),
        event_type: EventType::Model,
        event_id: Some(EVENT.into()),
        session_id: Some(A.into()),
        config: object(json!({"m": 1})),
        inputs: object(json!({"i": 1})),
        outputs: object(json!({"o": 1})),
        duration: Some(1.5),
        start_time: Some(1.0),
        end_time: Some(2.0),
        ..Default::default()
    };
    client.events().create(&event).wait().unwrap();
    let batch = EventBatch {
        events: vec![event.clone(), event],
        ..Default::default()
    };
    client.events().create_batch(&batch).wait().unwrap();
    let update = UpdateEvent {
        event_id: EVENT.into(),
        metadata: object(json!({"a": null})),
        duration: Some(2.0),
        ..Default::default()
    };
    client.events().update(&update).wait().unwrap();
    let query = EventQuery {
        project: Some("p".into()),
        filters: vec![Filter::is("event_type", "model")],
        page_size: Some(5),
        ..Default::default()
    };
    assert!(client.events().export(&query).all().wait().unwrap().is_empty());
}

fn runs(client: &Client) {
    for (run_id, name) in [(A, "old"), (B, "new")] {
        let run = CreateRun {
            run_id: run_id.into(),
            name: name.into(),
            datapoint_ids: vec!["dp".into()],
            configuration: object(json!({"k": "v"})),
            metadata: object(json!({"m": 1})),
            ..Default::default()
        };
        assert_eq!(client.runs().create(&run).wait().unwrap(), run_id);
    }
    let update = UpdateRun {
        status: Some(RunStatus::Completed),
        event_ids: vec![EVENT.into()],
        ..Default::default()
    };
    client.runs().update(B, &update).wait().unwrap();
    let run = client.runs().get(B).wait().unwrap();
    assert_eq!(
        (run.status, run.event_ids),
        (RunStatus::Completed, vec![EVENT.to_owned()])
    );
    let query = RunQuery {
        run_ids: Some(vec![A.into(), B.into()]),
        page_size: Some(10),
        ..Default::default()
    };
    assert_eq!(client.runs().list(&query).all().wait().unwrap().len(), 2);
    let aggregated = |aggregate| ResultQuery {
        aggregate: Some(aggregate),
        ..Default::default()
    };
    let result = client.runs().result(B, &aggregated(Aggregate::Max)).wait().unwrap();
    assert_eq!(result.metrics.aggregation_function, "max");
    client.runs().result(B, &ResultQuery::default()).wait().unwrap();
    let comparison = client.runs().compare(B, A, &aggregated(Aggregate::Average));
    assert_eq!(comparison.wait().unwrap().old_run.unwrap().run_id, A);
}

fn datasets_and_datapoints(client: &Client) {
    let dataset = client.datasets().get("ds-managed-0001").wait().unwrap();
    assert_eq!(dataset.datapoints, ["dp-0001", "dp-0002", "dp-0003"]);
    let dataset = CreateDataset {
        name: "n".into(),
        description: Some("d".into()),
        datapoints: vec!["dp-0001".into()],
        ..Default::default()
    };
    assert_eq!(client.datasets().create(&dataset).wait().unwrap(), "ds-new-0001");
    let datapoint = NewDatapoint {
        inputs: object(json!({"q": 1})),
        ground_truth: Some(json!({"a": 1})),
        linked_datasets: vec!["ds-managed-0001".into()],
        ..Default::default()
    };
    assert_eq!(client.datapoints().create(&datapoint).wait().unwrap(), "dp-new-0001");
    assert_eq!(client.datapoints().get("dp-0002").wait().unwrap().inputs["n"], 2);
    let missing = client.datapoints().get("nope").wait().unwrap_err();
    assert_eq!((missing.operation(), missing.status()), ("getDatapoint", Some(404)));
    assert!(missing.to_string().contains("the key has no access"), "{missing}");
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
