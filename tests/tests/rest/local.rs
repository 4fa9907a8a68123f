//! Round trips against the embedded backend: what is written is read back.

use honeyhive_core::api::{
    AddDatapoints, ApiError, ChartSettings, Client, ColumnMapping, ConfigurationQuery, CreateConfiguration,
    CreateDataset, CreateMetric, CreateQueue, CreateRun, DatapointQuery, DatasetQuery, DateRange, EventBatch,
    EventQuery, Filter, MetricType, NewDatapoint, NewEvent, ProjectSettings, ResultQuery, RunQuery, RunStatus,
    StartSession, UpdateConfiguration, UpdateDataset, UpdateEvent, UpdateMetric, UpdateQueue, UpdateRun,
};
use honeyhive_core::event::EventType;
use honeyhive_local::Server;
use honeyhive_tests::server;
use serde_json::json;

use super::{client, object, strings};

fn backend() -> (Server, Client) {
    let server = server();
    let client = client(server.url());
    (server, client)
}

fn status<T: std::fmt::Debug>(outcome: Result<T, ApiError>) -> Option<u16> {
    outcome.unwrap_err().status()
}

fn event(name: &str, session_id: &str) -> NewEvent {
    NewEvent {
        event_name: name.into(),
        event_type: EventType::Model,
        session_id: Some(session_id.into()),
        inputs: object(json!({"question": "why"})),
        ..Default::default()
    }
}

#[tokio::test]
async fn sessions_and_their_events() {
    let (_server, client) = backend();
    let session = StartSession {
        session_name: "chat".into(),
        metadata: object(json!({"plan": "pro"})),
        other: object(json!({"project": "p"})),
        ..Default::default()
    };
    let id = client.sessions().start(&session).await.unwrap().session_id;
    let made = client.events().create(&event("answer", &id)).await.unwrap();
    let batch = EventBatch {
        events: vec![event("first", &id), event("second", &id)],
        ..Default::default()
    };
    assert_eq!(client.events().create_batch(&batch).await.unwrap().event_ids.len(), 2);
    client.sessions().add_events(&id, &[event("third", &id)]).await.unwrap();

    let update = UpdateEvent {
        event_id: made.event_id.clone(),
        metrics: object(json!({"tokens": 42})),
        ..Default::default()
    };
    client.events().update(&update).await.unwrap();
    let found = client.events().get(&made.event_id).await.unwrap();
    assert_eq!(
        (found.event_name.as_str(), &found.metrics["tokens"]),
        ("answer", &json!(42))
    );
    let tree = client.sessions().get(&id).await.unwrap();
    assert_eq!(tree.len(), 5);
    assert_eq!(tree.roots().next().unwrap().event().project.as_deref(), Some("p"));

    client.events().delete(&made.event_id).await.unwrap();
    assert_eq!(status(client.events().get(&made.event_id).await), Some(404));
    client.sessions().delete(&id).await.unwrap();
    assert_eq!(status(client.sessions().get(&id).await), Some(404));
}

#[tokio::test]
async fn events_are_found_page_by_page_on_each_route() {
    let (_server, client) = backend();
    let session = StartSession::default();
    let id = client.sessions().start(&session).await.unwrap().session_id;
    let events = (0..7).map(|n| event(&format!("e{n}"), &id)).collect();
    let batch = EventBatch {
        events,
        ..Default::default()
    };
    client.events().create_batch(&batch).await.unwrap();
    let query = EventQuery {
        filters: vec![Filter::is("event_type", "model")],
        range: Some(DateRange {
            from: Some(json!("2020-01-01T00:00:00Z")),
            to: None,
        }),
        page_size: Some(3),
        ..EventQuery::session(&id)
    };
    let names = |found: Vec<honeyhive_core::api::FoundEvent>| -> Vec<String> {
        found.into_iter().map(|found| found.event.event_name).collect()
    };
    let expected: Vec<String> = (0..7).map(|n| format!("e{n}")).collect();
    assert_eq!(names(client.events().export(&query).all().await.unwrap()), expected);
    assert_eq!(names(client.events().search(&query).all().await.unwrap()), expected);
    assert_eq!(names(client.events().list(&query).all().await.unwrap()), expected);
}

#[tokio::test]
async fn runs_from_creation_to_comparison() {
    let (_server, client) = backend();
    let runs = client.runs();
    let mut ids = Vec::new();
    for (name, score) in [("old", 0.5), ("new", 0.75)] {
        let run_id = runs
            .create(&CreateRun {
                name: name.into(),
                ..Default::default()
            })
            .await
            .unwrap();
        let session = StartSession {
            metadata: object(json!({"run_id": run_id, "datapoint_id": "d", "dataset_id": "s"})),
            ..Default::default()
        };
        let session_id = client.sessions().start(&session).await.unwrap().session_id;
        let measured = NewEvent {
            metrics: object(json!({"exact": score})),
            ..event("answer", &session_id)
        };
        client.events().create(&measured).await.unwrap();
        let update = UpdateRun {
            status: Some(RunStatus::Completed),
            event_ids: vec![session_id],
            datapoint_ids: strings(&["d"]),
            ..Default::default()
        };
        runs.update(&run_id, &update).await.unwrap();
        ids.push(run_id);
    }
    let run = runs.get(&ids[1]).await.unwrap();
    assert_eq!((run.name.as_deref(), run.status), (Some("new"), RunStatus::Completed));
    assert!(
        run.other.contains_key("scope_id"),
        "unknown fields are kept: {:?}",
        run.other
    );

    let query = ResultQuery::default();
    for result in [
        runs.result(&ids[1], &query).await.unwrap(),
        runs.summary(&ids[1], &query).await.unwrap(),
    ] {
        assert_eq!(result.metrics.details[0].aggregate, Some(json!(0.75)));
        assert_eq!(result.run_object.unwrap().run_id, ids[1]);
    }
    let comparison = runs.compare(&ids[1], &ids[0], &query).await.unwrap();
    let metric = &comparison.metrics[0];
    assert_eq!(comparison.common_datapoints, ["d"]);
    assert_eq!(
        (metric.improved_count, metric.improved.as_slice()),
        (Some(1), ["d".to_owned()].as_slice())
    );

    let filtered = ResultQuery {
        filters: vec![Filter::is("metadata.datapoint_id", "another")],
        ..Default::default()
    };
    assert!(runs.result(&ids[1], &filtered).await.unwrap().datapoints.is_empty());

    runs.delete(&ids[0]).await.unwrap();
    assert_eq!(status(runs.get(&ids[0]).await), Some(404));
    let left = runs.list(&RunQuery::default()).all().await.unwrap();
    assert_eq!(left.iter().map(|run| &run.run_id).collect::<Vec<_>>(), [&ids[1]]);
}

#[tokio::test]
async fn a_long_list_of_runs_arrives_whole_whether_all_are_asked_for_or_each_by_its_id() {
    let (_server, client) = backend();
    let runs = client.runs();
    let mut ids = Vec::new();
    for n in 0..130 {
        ids.push(
            runs.create(&CreateRun {
                name: format!("r{n}"),
                ..Default::default()
            })
            .await
            .unwrap(),
        );
    }
    let ascending = |run_ids, page_size| RunQuery {
        run_ids,
        page_size,
        ascending: true,
        ..Default::default()
    };
    for query in [
        ascending(None, Some(50)),
        ascending(Some(ids.clone()), Some(30)),
        ascending(Some(ids.clone()), None),
    ] {
        let found = runs.list(&query).all().await.unwrap();
        assert_eq!(
            found.into_iter().map(|run| run.run_id).collect::<Vec<_>>(),
            ids,
            "{query:?}"
        );
    }
    assert!(
        runs.list(&ascending(Some(Vec::new()), None))
            .all()
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn datasets_and_their_datapoints() {
    let (_server, client) = backend();
    let (datasets, datapoints) = (client.datasets(), client.datapoints());
    let one = NewDatapoint {
        inputs: object(json!({"q": 1})),
        ground_truth: Some(json!("text")),
        ..Default::default()
    };
    let first = datapoints.create(&one).await.unwrap();
    let dataset = CreateDataset {
        name: "questions".into(),
        datapoints: vec![first.clone()],
        ..Default::default()
    };
    let id = datasets.create(&dataset).await.unwrap();
    let rows = AddDatapoints {
        data: (0..1_001)
            .map(|n| object(json!({"q": n, "a": n, "note": "n"})))
            .collect(),
        mapping: ColumnMapping {
            inputs: strings(&["q"]),
            ground_truth: strings(&["a"]),
            ..Default::default()
        },
        ..Default::default()
    };
    let added = datasets.add_datapoints(&id, &rows).await.unwrap();
    let more = NewDatapoint {
        linked_datasets: vec![id.clone()],
        ..one.clone()
    };
    let batch = datapoints.create_batch(vec![more.clone(), more]).await.unwrap();
    let expected: Vec<String> = [vec![first.clone()], added.clone(), batch].concat();
    assert_eq!(datasets.get(&id).await.unwrap().datapoints, expected);

    let found = datapoints.list(&DatapointQuery {
        datapoint_ids: Some(expected.clone()),
        ..Default::default()
    });
    let found: Vec<String> = found.await.unwrap().into_iter().map(|found| found.id).collect();
    assert_eq!(found, expected, "over 100 ids are several requests and one answer");
    let named = DatapointQuery {
        dataset_name: Some("questions".into()),
        ..Default::default()
    };
    assert_eq!(datapoints.list(&named).await.unwrap().len(), expected.len());

    let change = NewDatapoint {
        metadata: object(json!({"seen": true})),
        ..Default::default()
    };
    datapoints.update(&first, &change).await.unwrap();
    let changed = datapoints.get(&first).await.unwrap();
    assert_eq!(
        (&changed.metadata["seen"], changed.ground_truth),
        (&json!(true), json!("text"))
    );

    datasets.remove_datapoint(&id, &added[0]).await.unwrap();
    datapoints.delete(&added[1]).await.unwrap();
    assert_eq!(datasets.get(&id).await.unwrap().datapoints.len(), expected.len() - 2);
    let change = UpdateDataset {
        name: Some("renamed".into()),
        datapoints: Some(vec![first.clone()]),
        ..Default::default()
    };
    datasets.update(&id, &change).await.unwrap();
    let renamed = datasets
        .list(&DatasetQuery {
            name: Some("renamed".into()),
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(renamed[0].datapoints, std::slice::from_ref(&first));
    datasets.delete(&id).await.unwrap();
    assert_eq!(status(datasets.get(&id).await), Some(404));
    assert!(datapoints.get(&first).await.unwrap().linked_datasets.is_empty());
}

#[tokio::test]
async fn metrics_and_their_versions() {
    let (_server, client) = backend();
    let metrics = client.metrics();
    let metric = CreateMetric {
        name: "short".into(),
        kind: MetricType::Llm,
        criteria: "is it short?".into(),
        ..Default::default()
    };
    let id = metrics.create(&metric).await.unwrap();
    let update = UpdateMetric {
        criteria: Some("is it?".into()),
        ..Default::default()
    };
    metrics.update(&id, &update).await.unwrap();
    let found = metrics.list(Some(MetricType::Llm)).await.unwrap();
    assert_eq!((found[0].kind, found[0].criteria.as_str()), (MetricType::Llm, "is it?"));
    assert!(metrics.list(Some(MetricType::Human)).await.unwrap().is_empty());
    let content = json!({"criteria": "is it so?"});
    let version = metrics.create_version(&id, "clearer", &content).await.unwrap();
    assert_eq!(metrics.versions(&id).await.unwrap()[0].content, content);
    metrics.deploy_version(&id, &version.version_name).await.unwrap();
    assert_eq!(metrics.get(&id).await.unwrap().unwrap().criteria, "is it so?");
    metrics.delete(&id).await.unwrap();
    assert!(metrics.get(&id).await.unwrap().is_none());
}

#[tokio::test]
async fn configurations_charts_queues_and_projects() {
    let (_server, client) = backend();
    let configurations = client.configurations();
    let new = CreateConfiguration {
        name: "prompt".into(),
        provider: "openai".into(),
        parameters: object(json!({"call_type": "chat", "model": "m"})),
        env: strings(&["prod"]),
        ..Default::default()
    };
    let id = configurations.create(&new).await.unwrap();
    let update = UpdateConfiguration {
        name: "prompt".into(),
        parameters: object(json!({"model": "n"})),
        ..Default::default()
    };
    configurations.update(&id, &update).await.unwrap();
    let of = |env: &str| ConfigurationQuery {
        env: Some(env.into()),
        ..Default::default()
    };
    assert_eq!(
        configurations.list(&of("prod")).await.unwrap()[0].parameters["model"],
        "n"
    );
    assert!(configurations.list(&of("dev")).await.unwrap().is_empty());
    configurations.delete(&id).await.unwrap();
    assert_eq!(status(configurations.delete(&id).await), Some(404));

    for charts in [client.charts(), client.charts().in_project("p")] {
        let settings = ChartSettings {
            name: Some("c".into()),
            metric: Some("duration".into()),
            ..Default::default()
        };
        let chart = charts.create(&settings).await.unwrap();
        let renamed = ChartSettings {
            name: Some("d".into()),
            ..Default::default()
        };
        assert_eq!(charts.update(&chart.id, &renamed).await.unwrap().name, "d");
        assert_eq!(charts.get(&chart.id).await.unwrap().metric, json!("duration"));
        assert_eq!(charts.list().await.unwrap().len(), 1);
        charts.delete(&chart.id).await.unwrap();
    }

    let queues = client.queues();
    let queue = CreateQueue {
        name: "q".into(),
        event_ids: strings(&["a", "b"]),
        ..Default::default()
    };
    let id = queues.create(&queue).await.unwrap().id;
    let update = UpdateQueue {
        add_event_ids: strings(&["c"]),
        remove_event_ids: strings(&["a"]),
        enabled: Some(false),
        ..Default::default()
    };
    queues.update(&id, &update).await.unwrap();
    let queue = queues.get(&id).await.unwrap();
    assert_eq!(
        (queue.enabled, &queue.other["event_ids"]),
        (Some(false), &json!(["b", "c"]))
    );
    assert!(queues.list(Some(true)).await.unwrap().is_empty());
    assert_eq!(queues.list(Some(false)).await.unwrap().len(), 1);
    queues.delete(&id).await.unwrap();

    let projects = client.projects();
    let project = ProjectSettings {
        name: "p".into(),
        ..Default::default()
    };
    let made = projects.create(&project).await.unwrap();
    let change = ProjectSettings {
        description: Some("d".into()),
        ..project
    };
    projects.update(&change).await.unwrap();
    let found = projects.list(Some("p")).await.unwrap();
    assert_eq!((&found[0].id, found[0].description.as_deref()), (&made.id, Some("d")));
    projects.delete("p").await.unwrap();
    assert!(projects.list(None).await.unwrap().is_empty());
}
