//! `evaluate` of 0.x on the new runner: every datapoint in a session of its own, results as 0.2.57 gave them.
#![allow(
    deprecated,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the 0.x style is what is tested, and a test may stop"
)]

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use honeyhive_compat as honeyhive;
use honeyhive_compat::{
    CompatError, Datapoint, Enrichment, EvaluateError, EvaluateOptions, EvaluationResult, HoneyHiveTracer, InitOptions,
};
use honeyhive_core::api::RunStatus;
use honeyhive_core::task;
use honeyhive_eval::{Dataset, EvalError, Outputs, evaluator};
use honeyhive_local::Server;
use honeyhive_tests::{KEY, all_events, get, server, settings, tracer};
use serde::Deserialize;
use serde_json::{Value, json};

const DATAPOINTS: usize = 200;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Settings that no variable of the environment touches.
trait OnServer {
    fn on(self, server: &Server) -> Self;
}

impl OnServer for EvaluateOptions {
    fn on(self, server: &Server) -> Self {
        self.connection(settings(server)).print_results(false)
    }
}

#[honeyhive::trace(event_type = "model")]
fn inner(n: u64) -> u64 {
    honeyhive::enrich_span(honeyhive::metadata! { "seen": n }).unwrap();
    std::thread::yield_now();
    n * 2
}

#[honeyhive::trace(event_type = "chain")]
fn outer(n: u64) -> u64 {
    let before = honeyhive::session_id().unwrap();
    let doubled = inner(n);
    honeyhive::enrich_span(Enrichment::new().metric("doubled", doubled)).unwrap();
    assert_eq!(honeyhive::get_tracer().unwrap().session_id(), before);
    doubled
}

/// Nothing but free functions: nobody passes a tracer or a session.
fn old_program(inputs: HashMap<String, u64>, ground_truths: Value) -> Value {
    let n = inputs["n"];
    honeyhive::enrich_session(honeyhive::metadata! { "number": n }).unwrap();
    honeyhive::set_feedback(json!({"felt": n})).unwrap();
    let mut headers = HashMap::new();
    honeyhive::inject(&mut headers).unwrap();
    let session = honeyhive::session_id().unwrap();
    assert!(headers["baggage"].contains(&session.to_string()));
    // A client of its own session on the other side of the wire, then back.
    let token = honeyhive::link(&headers).unwrap();
    let doubled = outer(n);
    honeyhive::unlink(token);
    assert_eq!(honeyhive::session_id().unwrap(), session);
    assert_eq!(ground_truths["doubled"], doubled);
    json!({ "doubled": doubled, "session": session })
}

fn is_doubled(outputs: Value, _inputs: Value, ground_truths: Value) -> bool {
    honeyhive::set_metadata(json!({"scored": outputs["doubled"]})).unwrap();
    outputs["doubled"] == ground_truths["doubled"]
}

#[test]
fn two_hundred_concurrent_datapoints_that_know_only_free_functions_are_never_mixed() {
    let server = server();
    // Two tracers of the process, which a guess would take for the datapoints' own.
    let options = |name| InitOptions::new(KEY).server_url(server.url()).session_name(name);
    let bystanders = [
        honeyhive::init(options("bystander")).unwrap(),
        honeyhive::init(options("bystander")).unwrap(),
    ];
    let dataset: Vec<Value> = (0..DATAPOINTS)
        .map(|n| json!({"inputs": {"n": n}, "ground_truths": {"doubled": n * 2}}))
        .collect();
    let result = honeyhive::evaluate(
        EvaluateOptions::new(old_program)
            .on(&server)
            .name("two hundred")
            .dataset(dataset)
            .evaluator("is_doubled", is_doubled)
            .max_workers(50),
    )
    .unwrap();

    assert_eq!(
        result.data.metadata,
        vec![serde_json::Map::new(); DATAPOINTS],
        "no row failed"
    );
    assert_eq!(result.experiment.warnings, [""; 0]);
    let sessions: BTreeSet<_> = result.session_ids.iter().collect();
    assert_eq!(sessions.len(), DATAPOINTS);
    honeyhive::flush().unwrap();
    for bystander in &bystanders {
        bystander.flush_blocking(honeyhive_tests::PATIENCE).unwrap();
    }

    let events = runtime().block_on(all_events(&server));
    let mut by_session: HashMap<&str, Vec<_>> = HashMap::new();
    for event in &events {
        by_session.entry(event.session_id.as_str()).or_default().push(event);
    }
    assert_eq!(by_session.len(), DATAPOINTS + bystanders.len());
    let mut mixed = 0;
    for (n, id) in result.session_ids.iter().enumerate() {
        let id = id.to_string();
        assert_eq!(
            result.data.output[n]["session"],
            json!(id),
            "the function saw its own session"
        );
        let events = &by_session[id.as_str()];
        let of = |name: &str| *events.iter().find(|event| event.event_name == name).unwrap();
        let (session, root) = (of("two hundred"), of("old_program"));
        let is_own = events.len() == 4
            && session.metadata["number"] == json!(n)
            && session.metadata["scored"] == json!(n * 2)
            && session.feedback["felt"] == json!(n)
            && root.inputs["n"] == json!(n)
            && root.metrics["is_doubled"] == json!(true)
            && of("outer").inputs["n"] == json!(n)
            && of("outer").metrics["doubled"] == json!(n * 2)
            && of("inner").metadata["seen"] == json!(n)
            && of("inner").parent_id.as_deref() == Some(&of("outer").event_id);
        mixed += usize::from(!is_own);
    }
    assert_eq!(mixed, 0);
    for bystander in &bystanders {
        let id = bystander.session_id().to_string();
        assert_eq!(by_session[id.as_str()].len(), 1, "only the session itself");
    }
    honeyhive::reset();
}

#[honeyhive::atrace(event_type = "model")]
async fn awaited(n: u64) -> u64 {
    honeyhive::enrich_span(honeyhive::metadata! { "seen": n }).unwrap();
    tokio::task::yield_now().await;
    honeyhive::enrich_span(Enrichment::new().metric("after", n)).unwrap();
    n
}

/// What is spawned keeps its session, and what it adds after an await too.
async fn async_program(datapoint: Datapoint) -> u64 {
    let n = datapoint.inputs["n"].as_u64().unwrap();
    honeyhive::enrich_session(honeyhive::metadata! { "number": n }).unwrap();
    let spawned = task::spawn(awaited(n));
    tokio::task::yield_now().await;
    honeyhive::set_feedback(json!({"felt": n})).unwrap();
    spawned.await.unwrap()
}

#[test]
fn async_datapoints_of_the_new_runner_are_not_mixed_either() {
    for runtime in [
        runtime(),
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap(),
    ] {
        let server = server();
        let dataset = Dataset::new((0..DATAPOINTS).map(|n| json!({"inputs": {"n": n}}))).unwrap();
        let result = runtime.block_on(async {
            let evaluation = honeyhive_eval::evaluate(async_program).name("async");
            let evaluation = evaluation.dataset(dataset).connection(settings(&server));
            evaluation.max_workers(50).await.unwrap()
        });
        assert_eq!(
            (result.succeeded(), result.warnings.as_slice()),
            (DATAPOINTS, &[] as &[String])
        );
        let events = runtime.block_on(all_events(&server));
        assert_eq!(events.len(), 3 * DATAPOINTS);
        for (n, id) in result.session_ids().iter().enumerate() {
            let id = id.to_string();
            let of = |name: &str| {
                let is_it = |event: &&honeyhive_core::Event| event.session_id == id && event.event_name == name;
                events.iter().find(is_it).unwrap()
            };
            assert_eq!(of("async").metadata["number"], json!(n));
            assert_eq!(of("async").feedback["felt"], json!(n));
            assert_eq!(of("awaited").metadata["seen"], json!(n));
            assert_eq!(of("awaited").metrics["after"], json!(n));
            assert_eq!(of("awaited").parent_id.as_deref(), Some(&*of("async_program").event_id));
        }
    }
}

fn questions() -> Value {
    json!({
        "id": "faq",
        "name": "Questions",
        "data": [
            {"id": "bee", "inputs": {"q": "bee"}, "ground_truths": {"a": "BEE"}},
            {"inputs": {"q": "wasp"}, "ground_truths": {"a": "?"}},
            {"inputs": {}},
        ],
    })
}

#[derive(Deserialize)]
struct Question {
    q: String,
}

fn upper(inputs: Question, _ground_truths: Value) -> String {
    inputs.q.to_uppercase()
}

fn exact(outputs: String, _inputs: Value, ground_truths: Value) -> Option<bool> {
    Some(outputs == ground_truths["a"].as_str()?)
}

fn run(server: &Server) -> EvaluationResult {
    honeyhive::evaluate(
        EvaluateOptions::new(upper)
            .on(server)
            .name("upper")
            .suite(format!("compat-evaluate-{}", std::process::id()))
            .dataset(questions())
            .evaluator("exact", exact)
            .metadata([("commit", json!("abc"))]),
    )
    .unwrap()
}

#[test]
fn the_result_has_the_attributes_of_0_2_57() {
    let server = server();
    let result = run(&server);
    assert_eq!(result.status, RunStatus::Completed);
    assert_eq!(result.dataset_id, "EXT-faq");
    assert_eq!(result.session_ids.len(), 3);
    assert!(result.stats.duration_s > 0.0);
    let data = json!(result.data);
    assert_eq!(data["input"], json!([{"q": "bee"}, {"q": "wasp"}, {}]));
    assert_eq!(data["output"], json!(["BEE", "WASP", null]));
    assert_eq!(data["ground_truth"], json!([{"a": "BEE"}, {"a": "?"}, {}]));
    assert_eq!(data["metrics"], json!([{"exact": true}, {"exact": false}, {}]));
    let error = data["metadata"][2]["error"].as_str().unwrap();
    assert!(error.contains("argument `inputs`: missing field `q`"), "{error}");
    assert!(result.to_string().contains("exact"), "{result}");

    let path = result.to_json().unwrap();
    assert_eq!(path.to_str().unwrap(), format!("{}.json", result.suite));
    let written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    std::fs::remove_file(path).unwrap();
    assert_eq!(written, data);

    // The run knows the dataset by the id and the name it was given, and the metadata.
    let run = runtime().block_on(get(&server, &format!("/v1/runs/{}", result.run_id)));
    let run = &run["evaluation"];
    assert_eq!(run["status"], "completed");
    assert_eq!(run["event_ids"], json!(result.session_ids));
    assert_eq!(run["metadata"]["commit"], "abc");
    assert_eq!(run["metadata"]["dataset_name"], "Questions");
    assert_eq!(run["metadata"]["offline_dataset_id"], "EXT-faq");
}

#[test]
fn a_dataset_of_the_server_is_run_on_by_its_id() {
    let server = server();
    let items = [
        json!({"inputs": {"q": "bee"}, "ground_truth": {"a": "BEE"}}),
        json!({"inputs": {"q": "wasp"}, "ground_truth": {"a": "?"}}),
    ];
    let local = Dataset::new(items).unwrap();
    let tracer = tracer(&server);
    let managed = runtime().block_on(local.upload(&tracer.api(), "faq")).unwrap();

    let options = EvaluateOptions::new(upper).on(&server).dataset_id(managed.id());
    let result = honeyhive::evaluate(options.evaluator("exact", exact)).unwrap();
    assert_eq!(result.dataset_id, managed.id());
    assert_eq!(result.data.output, [json!("BEE"), json!("WASP")]);
    assert_eq!(result.data.ground_truth, [json!({"a": "BEE"}), json!({"a": "?"})]);
    assert_eq!(json!(result.data.metrics), json!([{"exact": true}, {"exact": false}]));
    let run = runtime().block_on(get(&server, &format!("/v1/runs/{}", result.run_id)));
    let run = &run["evaluation"];
    assert_eq!(run["dataset_id"], managed.id());
    assert_eq!(run["metadata"]["offline_dataset_id"], Value::Null);
    let events = runtime().block_on(all_events(&server));
    let ids = |key: &str| {
        events
            .iter()
            .filter_map(|event| event.metadata.get(key))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert!(ids("dataset_id").iter().all(|id| id == managed.id()));
    for datapoint in managed.datapoints() {
        assert!(ids("datapoint_id").contains(&json!(datapoint.id)), "{datapoint:?}");
    }

    let nowhere = EvaluateOptions::new(upper).on(&server).dataset_id("nowhere");
    let message = honeyhive::evaluate(nowhere).unwrap_err().to_string();
    assert!(message.contains("no dataset \"nowhere\""), "{message}");
}

#[test]
fn a_suite_cannot_lead_out_of_the_directory() {
    let mut result = run(&server());
    result.suite = "../elsewhere".to_owned();
    assert!(result.to_json().unwrap_err().to_string().contains("../elsewhere"));
}

#[test]
fn a_function_may_take_the_datapoint_whole_and_fail_on_its_own() {
    let server = server();
    fn of_a_datapoint(datapoint: Datapoint) -> Result<Value, std::io::Error> {
        match datapoint.inputs["q"].as_str() {
            Some(_) => Ok(datapoint.ground_truth.unwrap_or_default()),
            None => Err(std::io::Error::other("no question")),
        }
    }
    let options = EvaluateOptions::new(of_a_datapoint).on(&server).dataset(questions());
    // One after the other, whatever else is asked for.
    let options = options
        .max_workers(9)
        .run_concurrently(false)
        .disable_http_tracing(true);
    let result = honeyhive::evaluate(options).unwrap();
    assert_eq!(result.experiment.name, "compat_evaluate", "named after the file");
    assert_eq!(
        result.data.output,
        [json!({"a": "BEE"}), json!({"a": "?"}), Value::Null]
    );
    assert!(
        result.data.metadata[2]["error"]
            .as_str()
            .unwrap()
            .contains("no question")
    );
}

#[test]
fn evaluate_can_be_called_inside_a_runtime() {
    let server = server();
    let result = runtime().block_on(async { run(&server) });
    assert_eq!(result.session_ids.len(), 3);
}

#[test]
fn an_evaluator_that_fails_leaves_an_error_and_nothing_else() {
    let server = server();
    let options = EvaluateOptions::new(upper)
        .on(&server)
        .dataset(json!([{"inputs": {"q": "bee"}}]));
    let options = options.evaluator("number", |_: u64, _: Value, _: Value| true);
    let result = honeyhive::evaluate(options).unwrap();
    assert_eq!(json!(result.data.metrics), json!([{"number": null}]));
    let error = result.data.metadata[0]["number"]["error"].as_str().unwrap();
    assert!(error.contains("argument `outputs`: invalid type: string"), "{error}");
}

#[test]
fn evaluators_with_the_settings_of_the_old_decorator_stand_beside_plain_ones() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);

    #[evaluator(repeat = 3, aggregate = "mean", check = |mean: f64, target: f64| mean >= target, target = 2.0)]
    fn long(Outputs(answer): Outputs<String>) -> f64 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        f64::from(u32::try_from(answer.len()).unwrap())
    }

    let server = server();
    let dataset = json!([{"inputs": {"q": "bee"}, "ground_truths": {"a": "BEE"}}, {"inputs": {"q": "a"}}]);
    let options = EvaluateOptions::new(upper).on(&server).dataset(dataset);
    let result = honeyhive::evaluate(options.evaluator("exact", exact).evaluators((long,))).unwrap();
    assert_eq!(
        json!(result.data.metrics),
        json!([{"exact": true, "long": true}, {"exact": null, "long": false}]),
    );
    assert_eq!(CALLS.load(Ordering::Relaxed), 6);
}

#[test]
fn what_cannot_run_says_what_to_write() {
    let options = || {
        EvaluateOptions::new(upper)
            .print_results(false)
            .connection(HoneyHiveTracer::builder().api_key(KEY))
    };
    let message = |options| honeyhive::evaluate(options).unwrap_err().to_string();
    assert!(message(options()).contains("call .dataset("));
    assert!(message(options().dataset("faq.json")).contains("`data`"));
    let no_json = options().dataset([HashMap::from([((1, 2), 3)])]);
    assert!(message(no_json).contains("cannot be turned into JSON: key must be a string"));
    assert!(message(options().dataset(json!([{"input": {}}]))).contains("`inputs` is missing"));
    let wrong = options().dataset(questions()).api_key("has a space");
    let wrong = honeyhive::evaluate(wrong).unwrap_err();
    assert!(
        matches!(wrong, EvaluateError::Experiment(EvalError::Config(_))),
        "{wrong}"
    );
    let twice = options().evaluator("exact", exact).evaluator("exact", exact);
    let twice = twice.project("p").verbose(false).server_url("http://127.0.0.1:9");
    assert!(message(twice.dataset(questions())).contains("\"exact\" is given twice"));
    let both = options().dataset(questions()).dataset_id("faq");
    assert!(message(both).contains("several datasets"));
    let empty = options().dataset(json!([]));
    assert!(message(empty).contains("empty dataset"));
}

#[test]
fn outside_of_evaluate_there_is_no_tracer_of_a_datapoint() {
    let server = server();
    run(&server);
    // Another test of this process may have a tracer; a datapoint's is never left behind.
    if let Ok(tracer) = honeyhive::get_tracer() {
        assert_ne!(tracer.session_name(), "upper");
    }
    assert!(matches!(
        honeyhive::enrich_span(Enrichment::new()),
        Err(CompatError::NoSpan | CompatError::NoTracer { .. } | CompatError::SeveralTracers { .. })
    ));
}
