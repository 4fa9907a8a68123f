//! What the first release was accepted by, one test for each sentence.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::{BTreeMap, HashSet};

use honeyhive_core::event::{Event, EventTree};
use honeyhive_core::{EventType, SessionId};
use honeyhive_eval::ExperimentResult;
use honeyhive_eval::prelude::*;
use honeyhive_local::Server;
use honeyhive_tests::{all_events, get, server, session, settings, tracer};
use serde_json::{Value, json};

/// What a program of the main branch has: a function of the datapoint, a dataset, evaluators.
fn function(datapoint: Datapoint) -> Value {
    let question = datapoint.inputs["question"].as_str().unwrap_or_default();
    json!({"answer": look_up(question)})
}

#[trace(event_type = "tool")]
fn look_up(question: &str) -> String {
    question.to_uppercase()
}

fn exact(Outputs(outputs): Outputs<Value>, GroundTruth(truth): GroundTruth<Value>) -> bool {
    outputs == truth
}

fn dataset() -> Dataset {
    Dataset::new([
        json!({"inputs": {"question": "one"}, "ground_truth": {"answer": "ONE"}}),
        json!({"inputs": {"question": "two"}, "ground_truth": {"answer": "DUE"}}),
    ])
    .unwrap()
}

async fn run(server: &Server) -> ExperimentResult {
    evaluate(function)
        .name("acceptance")
        .dataset(dataset())
        .evaluator("exact", exact)
        .connection(settings(server))
        .await
        .unwrap()
}

async fn tree(server: &Server, id: SessionId) -> EventTree {
    session(&tracer(server), id).await
}

#[tokio::test]
async fn the_main_branch_pattern_function_of_datapoint_works_unchanged() {
    let server = server();
    let result = run(&server).await;
    assert_eq!((result.succeeded(), result.warnings.as_slice()), (2, &[][..]));
    let outputs: Vec<_> = result.rows.iter().map(|row| row.output.clone().unwrap()).collect();
    assert_eq!(outputs, [json!({"answer": "ONE"}), json!({"answer": "TWO"})]);
    let exact: Vec<_> = result
        .rows
        .iter()
        .map(|row| row.score("exact").unwrap().as_number())
        .collect();
    assert_eq!(exact, [Some(1.0), Some(0.0)]);
}

#[tokio::test]
async fn the_v1_pattern_with_a_tracer_works_and_its_enrichment_lands_on_that_datapoint() {
    let server = server();
    let result = evaluate(|datapoint: Datapoint, tracer: HoneyHiveTracer| {
        tracer.enrich_span(Enrichment::new().metadata("of", datapoint.inputs["question"].clone()));
        tracer.enrich_session(Enrichment::new().user_property("asked", datapoint.inputs["question"].clone()));
        function(datapoint)
    })
    .dataset(dataset())
    .connection(settings(&server))
    .await
    .unwrap();
    for (row, question) in result.rows.iter().zip(["one", "two"]) {
        let tree = tree(&server, row.session_id).await;
        assert_eq!(tree.find("function").unwrap().event().metadata["of"], question);
        let session = tree.find(&result.name).unwrap();
        assert_eq!(session.event().user_properties["asked"], question);
    }
}

#[test]
fn trace_with_event_type_tool_returns_what_the_function_returns() {
    #[trace(event_type = "tool")]
    fn result(text: &str) -> Result<u8, std::num::ParseIntError> {
        text.parse()
    }
    #[trace(event_type = "tool")]
    fn borrowed<'a>(texts: &'a [String], at: usize) -> Option<&'a str> {
        texts.get(at).map(String::as_str)
    }
    assert_eq!(look_up("bee"), "BEE");
    assert_eq!(result("7"), Ok(7));
    assert!(result("seven").is_err());
    let texts = ["bee".to_owned()];
    assert!(std::ptr::eq(borrowed(&texts, 0).unwrap(), texts[0].as_str()));
}

#[tokio::test]
async fn inputs_are_captured_without_any_call() {
    let server = server();
    let result = run(&server).await;
    let tree = tree(&server, result.rows[0].session_id).await;
    for name in ["acceptance", "function", "look_up"] {
        assert_eq!(tree.find(name).unwrap().event().inputs["question"], "one", "{tree}");
    }
    assert_eq!(tree.find("look_up").unwrap().event().event_type, EventType::Tool);
}

#[tokio::test]
async fn ground_truth_is_on_the_sessions_feedback() {
    let server = server();
    let result = run(&server).await;
    for row in &result.rows {
        let tree = tree(&server, row.session_id).await;
        let session = tree.find("acceptance").unwrap();
        assert_eq!(
            Some(&session.event().feedback["ground_truth"]),
            row.ground_truth.as_ref()
        );
        assert_eq!(
            session.event().outputs["answer"],
            row.output.as_ref().unwrap()["answer"]
        );
    }
}

#[tokio::test]
async fn the_session_is_named_after_the_experiment() {
    let server = server();
    let result = run(&server).await;
    let named: Vec<Event> = all_events(&server)
        .await
        .into_iter()
        .filter(|event| event.event_type == EventType::Session)
        .collect();
    assert_eq!(named.len(), result.rows.len());
    assert!(named.iter().all(|event| event.event_name == "acceptance"));
}

#[tokio::test]
async fn session_ids_link_to_the_run() {
    let server = server();
    let result = run(&server).await;
    let run = get(&server, &format!("/v1/runs/{}", result.run_id)).await["evaluation"].clone();
    let ids: Vec<String> = result.session_ids().iter().map(ToString::to_string).collect();
    assert_eq!(run["event_ids"], json!(ids));
    for event in all_events(&server).await {
        assert_eq!(event.metadata["run_id"], json!(result.run_id), "{event:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_datapoints_on_ten_workers_keep_a_hundred_clean_sessions() {
    let server = server();
    let items =
        (0..100).map(|n| json!({"inputs": {"question": format!("q{n}")}, "ground_truth": {"answer": format!("Q{n}")}}));
    let result = evaluate(function)
        .name("hundred")
        .dataset(Dataset::new(items).unwrap())
        .evaluator("exact", exact)
        .max_workers(10)
        .connection(settings(&server))
        .await
        .unwrap();
    let mut sessions: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in all_events(&server).await {
        sessions.entry(event.session_id.clone()).or_default().push(event);
    }
    assert_eq!(sessions.len(), 100);
    for (n, row) in result.rows.iter().enumerate() {
        let events = &sessions[&row.session_id.to_string()];
        let names: HashSet<&str> = events.iter().map(|event| event.event_name.as_str()).collect();
        assert_eq!(
            (events.len(), names),
            (3, HashSet::from(["hundred", "function", "look_up"]))
        );
        assert!(
            events
                .iter()
                .all(|event| event.inputs["question"] == json!(format!("q{n}")))
        );
        assert_eq!(row.score("exact").unwrap().as_number(), Some(1.0));
    }
}
