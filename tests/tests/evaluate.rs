//! Experiments against a real backend: what the run, its sessions and their events look like afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use honeyhive_core::api::RunStatus;
use honeyhive_core::event::{Event, EventTree};
use honeyhive_eval::prelude::*;
use honeyhive_eval::{EvalError, ExperimentResult, ScoreValue};
use honeyhive_local::Server;
use honeyhive_tests::{KEY, all_events, get, server, session, settings, tracer};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Deserialize)]
struct Question {
    question: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Answer {
    answer: String,
}

#[trace(event_type = "tool")]
fn look_up(question: &str) -> String {
    question.to_uppercase()
}

#[trace(event_type = "model")]
async fn generate(found: String) -> String {
    tokio::task::yield_now().await;
    found + "!"
}

async fn respond(Inputs(input): Inputs<Question>, tracer: HoneyHiveTracer) -> Result<Json<Answer>, std::fmt::Error> {
    if input.question == "fail" {
        return Err(std::fmt::Error);
    }
    let answer = generate(look_up(&input.question)).await;
    tracer.enrich_span(Enrichment::new().metadata("custom", "value"));
    Ok(Json(Answer { answer }))
}

fn questions() -> Dataset {
    Dataset::new([
        json!({"inputs": {"question": "one"}, "ground_truth": {"answer": "ONE!"}}),
        json!({"inputs": {"question": "fail"}, "ground_truth": {"answer": "?"}}),
        json!({"inputs": {"question": "three"}, "id": "mine"}),
    ])
    .unwrap()
}

async fn experiment(server: &Server) -> ExperimentResult {
    evaluate(respond)
        .name("my run")
        .dataset(questions())
        .connection(settings(server))
        .evaluator(
            "exact",
            |Outputs(a): Outputs<Answer>, truth: Option<GroundTruth<Answer>>| truth.map(|t| t.0 == a),
        )
        .evaluator("length", async |Outputs(a): Outputs<Answer>| {
            Score::new(a.answer.len()).because("characters of the answer")
        })
        .evaluator("strict", |GroundTruth(truth): GroundTruth<Answer>| {
            truth.answer.len() > 2
        })
        .evaluator("broken", |_: Datapoint| -> bool { panic!("no opinion") })
        .await
        .unwrap()
}

#[tokio::test]
async fn each_datapoint_is_a_session_with_the_function_as_its_chain() {
    let server = server();
    let result = experiment(&server).await;
    assert_eq!(result.warnings, [""; 0]);
    let reader = tracer(&server);
    let tree = session(&reader, result.rows[0].session_id).await;
    insta::assert_snapshot!(tree.to_string(), @r#"
    session my run
    │ inputs: question="one"
    │ outputs: answer="ONE!"
    │ feedback: ground_truth={"answer":"ONE!"}
    └─ chain respond
       │ inputs: question="one"
       │ outputs: result={"answer":"ONE!"}
       │ metrics: exact=true length=4 length_explanation="characters of the answer" strict=true
       │ metadata: custom="value" evaluator_errors={"broken":"Panic: no opinion"}
       ├─ tool look_up
       │    inputs: question="one"
       │    outputs: result="ONE"
       └─ model generate
            inputs: found="ONE"
            outputs: result="ONE!"
    "#);
    let failed = session(&reader, result.rows[1].session_id).await;
    insta::assert_snapshot!(failed.to_string(), @r#"
    session my run
    │ inputs: question="fail"
    │ feedback: ground_truth={"answer":"?"}
    │ metadata: error="Error: an error occurred when formatting an argument"
    └─ chain respond
         inputs: question="fail"
         metadata: error_type="Error"
         error: an error occurred when formatting an argument
    "#);
    let unlabelled = session(&reader, result.rows[2].session_id).await;
    insta::assert_snapshot!(unlabelled.to_string(), @r#"
    session my run
    │ inputs: question="three"
    │ outputs: answer="THREE!"
    └─ chain respond
       │ inputs: question="three"
       │ outputs: result={"answer":"THREE!"}
       │ metrics: length=6 length_explanation="characters of the answer"
       │ metadata: custom="value" evaluator_errors={"broken":"Panic: no opinion","strict":"ExtractError: argument `GroundTruth`: the datapoint has no `ground_truth`"}
       ├─ tool look_up
       │    inputs: question="three"
       │    outputs: result="THREE"
       └─ model generate
            inputs: found="THREE"
            outputs: result="THREE!"
    "#);
}

#[tokio::test]
async fn the_run_is_completed_and_linked_to_its_sessions_in_dataset_order() {
    let server = server();
    let result = experiment(&server).await;
    let run = get(&server, &format!("/v1/runs/{}", result.run_id)).await["evaluation"].clone();
    let sessions: Vec<String> = result.session_ids().iter().map(ToString::to_string).collect();
    assert_eq!(run["name"], "my run");
    assert_eq!(run["status"], "completed");
    assert_eq!(run["event_ids"], json!(sessions));
    assert_eq!(run["metadata"]["offline_dataset_id"], json!(result.dataset_id));
    assert_eq!(
        run["configuration"],
        json!({
            "function": "respond",
            "evaluators": ["exact", "length", "strict", "broken"],
            "max_workers": 10,
            "aggregate_function": "average",
        })
    );
    for (row, event) in result.rows.iter().zip(sessions_of(&server).await) {
        assert_eq!(event.event_id, row.session_id.to_string());
        assert_eq!(event.event_name, "my run");
        assert_eq!(event.source, "evaluation");
        assert_eq!(event.metadata["run_id"], json!(result.run_id));
        assert_eq!(event.metadata["dataset_id"], json!(result.dataset_id));
        assert_eq!(event.metadata["datapoint_id"], json!(row.datapoint_id));
    }
    let summary = get(
        &server,
        &format!("/v1/runs/{}/result?aggregate_function=average", result.run_id),
    )
    .await;
    let details = summary["metrics"]["details"].as_array().unwrap();
    let length = details.iter().find(|detail| detail["metric_name"] == "length").unwrap();
    assert_eq!(length["aggregate"], json!(5.0), "{summary}");
}

/// The session events of the backend's only run, in the order of the run.
async fn sessions_of(server: &Server) -> Vec<Event> {
    let events = all_events(server).await;
    let by_id: BTreeMap<String, Event> = events
        .into_iter()
        .map(|event| (event.event_id.clone(), event))
        .collect();
    let runs = get(server, "/v1/runs").await;
    let ids = runs["evaluations"][0]["event_ids"].as_array().unwrap().clone();
    ids.iter().map(|id| by_id[id.as_str().unwrap()].clone()).collect()
}

#[tokio::test]
async fn rows_are_in_dataset_order_and_a_failure_is_data() {
    let server = server();
    let result = experiment(&server).await;
    assert_eq!(
        (result.succeeded(), result.failed(), result.status),
        (2, 1, RunStatus::Completed)
    );
    assert_eq!(result.rows[0].output, Ok(json!({"answer": "ONE!"})));
    assert_eq!(result.rows[0].score("exact"), Some(&ScoreValue::Flag(true)));
    assert_eq!(result.rows[1].output.as_ref().unwrap_err().kind, "Error");
    assert!(result.rows[1].scores.is_empty());
    assert_eq!(result.rows[2].datapoint_id, "EXT-mine");
    assert_eq!(result.rows[2].score("exact"), None, "no ground truth, no opinion");
    let strict = &result.rows[2].scores[2].1;
    assert!(
        strict.as_ref().unwrap_err().message.contains("no `ground_truth`"),
        "{strict:?}"
    );
    let broken = &result.rows[0].scores[3].1;
    assert_eq!(broken.as_ref().unwrap_err().to_string(), "Panic: no opinion");
    let table = result.to_string();
    assert!(table.contains("my run: 3 rows, 2 succeeded, 1 failed"), "{table}");
    assert!(table.contains("exact: 100.0 % (20.7 … 100.0) of 1 scored"), "{table}");
    assert!(table.contains("broken: no number of 0 scored, 2 failed"), "{table}");
}

#[trace(event_type = "chain")]
async fn outer(number: i64) -> i64 {
    let doubled = middle(number);
    tokio::task::yield_now().await;
    inner(doubled).await
}

#[trace]
fn middle(number: i64) -> i64 {
    std::thread::yield_now();
    number * 2
}

#[trace]
async fn inner(number: i64) -> i64 {
    tokio::task::yield_now().await;
    number + 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn spans_of_concurrent_datapoints_stay_in_their_sessions() {
    const DATAPOINTS: usize = 200;
    let server = server();
    let dataset = Dataset::new((0..DATAPOINTS).map(|n| json!({"inputs": {"n": n}}))).unwrap();
    let result = evaluate(|Inputs(input): Inputs<BTreeMap<String, i64>>| async move { outer(input["n"]).await })
        .name("isolation")
        .dataset(dataset)
        .connection(settings(&server))
        .max_workers(10)
        .evaluator(
            "traced",
            |Inputs(i): Inputs<BTreeMap<String, i64>>, Outputs(o): Outputs<i64>| middle(i["n"]) + 1 == o,
        )
        .evaluator("traced too", async |Outputs(o): Outputs<i64>| inner(o).await)
        .await
        .unwrap();
    assert_eq!(result.warnings, [""; 0]);
    let mut by_session: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in all_events(&server).await {
        by_session.entry(event.session_id.clone()).or_default().push(event);
    }
    assert_eq!(by_session.len(), DATAPOINTS, "one session per datapoint and no other");
    for (n, row) in result.rows.iter().enumerate() {
        let n = i64::try_from(n).unwrap();
        let tree = EventTree::new(by_session.remove(&row.session_id.to_string()).unwrap());
        assert_eq!(
            tree.len(),
            7,
            "session, function, three calls, two in evaluators:\n{tree}"
        );
        let inputs = |name: &str| tree.find(name).unwrap().event().inputs.clone();
        assert_eq!(tree.find("isolation").unwrap().event().inputs["n"], json!(n));
        assert_eq!(inputs("function")["n"], json!(n));
        assert_eq!(inputs("outer")["number"], json!(n));
        let function = tree.find("function").unwrap();
        let children: Vec<&str> = function
            .children()
            .map(|node| node.event().event_name.as_str())
            .collect();
        assert_eq!(children.iter().filter(|name| **name == "outer").count(), 1, "{tree}");
        assert_eq!(children.len(), 3, "{tree}");
        for event in tree.into_events() {
            if event.event_name == "middle" || event.event_name == "outer" {
                assert_eq!(event.inputs["number"], json!(n));
            }
            if event.event_name == "inner" {
                assert!(event.inputs["number"] == json!(n * 2) || event.inputs["number"] == json!(n * 2 + 1));
            }
            assert_eq!(event.metadata["datapoint_id"], json!(row.datapoint_id));
        }
    }
}

#[tokio::test]
async fn every_shape_of_function_is_accepted() {
    fn sync(datapoint: Datapoint) -> serde_json::Value {
        datapoint.inputs
    }
    fn sync_with_tracer(_: Datapoint, tracer: HoneyHiveTracer) -> Result<String, std::num::ParseIntError> {
        "7".parse::<u8>()
            .map(|seven| format!("{seven} {}", tracer.session_name()))
    }
    async fn plain(datapoint: Datapoint) -> String {
        datapoint.id
    }
    async fn with_tracer(
        _: Datapoint,
        tracer: HoneyHiveTracer,
    ) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
        tracer.enrich_span(Enrichment::new().metric("x", 1));
        Ok("7".parse()?)
    }
    let server = server();
    let one = || Dataset::new([json!({"inputs": {"q": 1}})]).unwrap();
    macro_rules! output {
        ($function:expr) => {
            evaluate($function)
                .name("n")
                .dataset(one())
                .connection(settings(&server))
                .await
                .unwrap()
                .rows[0]
                .output
                .clone()
                .unwrap()
        };
    }
    assert_eq!(output!(sync), json!({"q": 1}));
    assert_eq!(output!(sync_with_tracer), "7 n");
    assert!(output!(plain).as_str().unwrap().starts_with("EXT-"));
    assert_eq!(output!(with_tracer), 7);
    assert_eq!(output!(|datapoint: Datapoint| datapoint.inputs["q"].clone()), 1);
    assert_eq!(
        output!(|_: Datapoint, tracer: HoneyHiveTracer| tracer.session_name().to_owned()),
        "n"
    );
    assert_eq!(
        output!(|datapoint: Datapoint| async move { datapoint.inputs }),
        json!({"q": 1})
    );
    assert_eq!(
        output!(async |_: Datapoint, _: HoneyHiveTracer| Ok::<_, String>(vec![1, 2])),
        json!([1, 2])
    );
}

#[tokio::test]
async fn a_panicking_function_is_a_row_and_ran_once() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let server = server();
    let result = evaluate(|_: Datapoint| -> u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        panic!("Tracer error: boom {}", 7)
    })
    .dataset(Dataset::new([json!({"inputs": {}})]).unwrap())
    .connection(settings(&server))
    .await
    .unwrap();
    assert_eq!(CALLS.load(Ordering::Relaxed), 1);
    assert_eq!(
        result.rows[0].output.as_ref().unwrap_err().to_string(),
        "Panic: Tracer error: boom 7"
    );
    assert_eq!(result.status, RunStatus::Failed, "every row failed");
    assert!(result.name.starts_with("experiment-"), "{}", result.name);
    let run = get(&server, &format!("/v1/runs/{}", result.run_id)).await;
    assert_eq!(run["evaluation"]["status"], "failed");
}

#[tokio::test]
async fn what_cannot_run_says_why_and_creates_no_run() {
    let server = server();
    let item = || Dataset::new([json!({"inputs": {}})]).unwrap();
    let new = || evaluate(|_: Datapoint| 1).connection(settings(&server));
    let error = new().await.unwrap_err();
    assert!(
        matches!(error, EvalError::NoDataset) && error.to_string().contains(".dataset("),
        "{error}"
    );
    let error = new()
        .dataset(Dataset::new(Vec::<u8>::new()).unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, EvalError::EmptyDataset), "{error}");
    let error = new().dataset(item()).max_workers(0).await.unwrap_err();
    assert!(matches!(error, EvalError::NoWorkers), "{error}");
    let twice = new()
        .dataset(item())
        .evaluator("e", |_: Datapoint| 1)
        .evaluator("e", |_: Datapoint| 2);
    assert!(twice.await.unwrap_err().to_string().contains("\"e\" is given twice"));
    let no_key = HoneyHiveTracer::builder().environment([("", "")]);
    let error = evaluate(|_: Datapoint| 1)
        .dataset(item())
        .connection(no_key)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("HH_API_KEY"), "{error}");
    assert_eq!(get(&server, "/v1/runs").await["evaluations"], json!([]));
}

#[tokio::test]
async fn an_experiment_on_the_tracer_of_the_program_leaves_that_tracer_alone() {
    let server = server();
    let tracer = tracer(&server);
    let result = evaluate(respond).dataset(questions()).tracer(&tracer).await.unwrap();
    assert_eq!(result.warnings, [""; 0]);
    let own = session(&tracer, tracer.session_id()).await;
    assert_eq!(own.len(), 1, "{own}");
    assert!(!own.find("a session").unwrap().event().metadata.contains_key("run_id"));
    assert!(!format!("{tracer:?} {result:?}").contains(KEY));
}

/// Each by a pipeline of its own, in a program whose tracer is the default and busy meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_experiments_at_once_beside_the_tracer_of_the_program_do_not_mix() {
    let server = server();
    let of_program = HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", KEY)])
        .server_url(server.url())
        .session_name("the program")
        .build()
        .unwrap();
    let _default = of_program.set_default();
    let run = |name: &'static str| {
        let work = move |Inputs(n): Inputs<serde_json::Value>| generate(look_up(&format!("{name}{n}")));
        evaluate(work)
            .name(name)
            .dataset(Dataset::new((0..40).map(|n| json!({"inputs": {"n": n}}))).unwrap())
            .connection(settings(&server))
            .evaluator("looks", |Outputs(o): Outputs<String>| look_up(&o).len())
            .git(false)
            .into_future()
    };
    let own = async {
        for n in 0..40 {
            generate(look_up(&format!("program{n}"))).await;
        }
    };
    let (one, two, ()) = tokio::join!(tokio::spawn(run("one")), tokio::spawn(run("two")), own);
    let (one, two) = (one.unwrap().unwrap(), two.unwrap().unwrap());
    of_program.flush(honeyhive_tests::PATIENCE).await.unwrap();

    let mut sessions: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in all_events(&server).await {
        sessions.entry(event.session_id.clone()).or_default().push(event);
    }
    assert_eq!(sessions.len(), 81);
    for (name, result) in [("ONE", &one), ("TWO", &two)] {
        for row in &result.rows {
            let events = &sessions[&row.session_id.to_string()];
            // The session, the function, and in it two calls; in the evaluator one.
            assert_eq!(events.len(), 5, "{events:#?}");
            let inputs: Vec<String> = events.iter().map(|event| json!(event.inputs).to_string()).collect();
            let questions = inputs
                .iter()
                .filter(|inputs| inputs.to_uppercase().contains(name))
                .count();
            assert_eq!(questions, 3, "{inputs:?}");
        }
    }
    let program = &sessions[&of_program.session_id().to_string()];
    assert_eq!(program.len(), 1 + 80);
    assert!(program.iter().all(|event| !event.metadata.contains_key("run_id")));
}
