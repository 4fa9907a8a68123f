//! The free functions of 0.x: each finds the right tracer, or says what to write.
#![allow(
    deprecated,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the 0.x style is what is tested, and a test may stop"
)]

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use honeyhive_compat as honeyhive;
use honeyhive_compat::{
    CompatError, Datapoint, Enrichment, EvaluateOptions, HoneyHiveTracer, InitOptions, LEGACY_SERVER_URL,
    LegacyTracer as _,
};
use honeyhive_core::SessionId;
use honeyhive_core::event::EventTree;
use honeyhive_core::task;
use honeyhive_local::Server;
use honeyhive_tests::{KEY, server};
use serde_json::{Value, json};

/// The tracers that are alive are of the process: one test at a time, and none is left from the one before.
fn alone() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    honeyhive::reset();
    alone
}

fn options(server: &Server) -> InitOptions {
    InitOptions::new(KEY)
        .server_url(server.url())
        .source("old")
        .session_name("script")
}

fn tree(tracer: &HoneyHiveTracer, id: SessionId) -> EventTree {
    tracer.flush_blocking(honeyhive_tests::PATIENCE).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(tracer.api().sessions().get(id)).unwrap()
}

#[honeyhive::trace]
fn lookup(id: u64) -> String {
    honeyhive::enrich_span(honeyhive::metadata! { "region": "eu", "id": id }).unwrap();
    format!("order {id}")
}

/// Every free function that needs a tracer, without one that can be told.
fn failures() -> Vec<(&'static str, CompatError)> {
    let nothing = Enrichment::new;
    let mut carrier = HashMap::new();
    vec![
        ("get_tracer", honeyhive::get_tracer().unwrap_err()),
        ("session_id", honeyhive::session_id().unwrap_err()),
        ("enrich_span", honeyhive::enrich_span(nothing()).unwrap_err()),
        ("enrich_session", honeyhive::enrich_session(nothing()).unwrap_err()),
        (
            "enrich_session",
            honeyhive::enrich_session_with_id(SessionId::random(), nothing()).unwrap_err(),
        ),
        ("set_metric", honeyhive::set_metric(json!({"a": 1})).unwrap_err()),
        ("set_metadata", honeyhive::set_metadata(json!({"a": 1})).unwrap_err()),
        ("set_feedback", honeyhive::set_feedback(json!({"a": 1})).unwrap_err()),
        ("inject", honeyhive::inject(&mut carrier).unwrap_err()),
        ("link", honeyhive::link([("a", "b")]).unwrap_err()),
    ]
}

#[test]
fn without_a_tracer_every_function_says_what_to_write() {
    let _alone = alone();
    let flush = ("flush", honeyhive::flush().unwrap_err());
    for (function, error) in failures().into_iter().chain([flush]) {
        let message = error.to_string();
        assert!(matches!(error, CompatError::NoTracer { .. }), "{message}");
        assert!(
            message.starts_with(&format!("{function}() found no tracer")),
            "{message}"
        );
        assert!(
            message.contains("honeyhive_compat::init(InitOptions::new(\"hh_…\"))?;"),
            "{message}"
        );
    }
    assert!(honeyhive::init(InitOptions::new("has a space")).is_err());
    assert!(
        honeyhive::get_tracer().is_err(),
        "a tracer that cannot be made is not kept"
    );
}

#[test]
fn one_init_is_all_a_script_needs() {
    let _alone = alone();
    let server = server();
    // As a script does: what `init` gives back is not kept.
    honeyhive::init(options(&server).project("support")).unwrap();
    assert_eq!(lookup(7), "order 7");
    assert!(matches!(
        honeyhive::enrich_span(Enrichment::new()),
        Err(CompatError::NoSpan)
    ));
    honeyhive::enrich_session(Enrichment::new().feedback("rating", 4)).unwrap();
    honeyhive::set_metric(json!({"latency_ms": 120})).unwrap();
    honeyhive::set_metadata(json!({"nested": {"a": [1]}})).unwrap();
    honeyhive::set_feedback(json!({"comment": "fine"})).unwrap();
    honeyhive::flush().unwrap();

    let tracer = honeyhive::get_tracer().unwrap();
    assert_eq!(tracer.session_id(), honeyhive::session_id().unwrap());
    insta::assert_snapshot!(tree(&tracer, tracer.session_id()).to_string(), @r#"
    session script
    │ metrics: latency_ms=120
    │ feedback: comment="fine" rating=4
    │ metadata: nested={"a":[1]}
    └─ tool lookup
         inputs: id=7
         outputs: result="order 7"
         metadata: id=7 region="eu"
    "#);
}

#[test]
fn several_tracers_and_no_context_are_an_error_and_not_a_guess() {
    let _alone = alone();
    let server = server();
    let first = honeyhive::init(options(&server).session_name("first")).unwrap();
    let second = honeyhive::init(options(&server).session_name("second")).unwrap();
    for (function, error) in failures() {
        let message = error.to_string();
        assert!(matches!(error, CompatError::SeveralTracers { .. }), "{message}");
        assert!(
            message.starts_with(&format!("{function}() found several tracers")),
            "{message}"
        );
        assert!(message.contains("set_default_tracer(&tracer)"), "{message}");
    }

    // A context decides, then the default.
    let of = |tracer: &HoneyHiveTracer| tracer.in_scope(|| honeyhive::session_id().unwrap());
    assert_eq!((of(&first), of(&second)), (first.session_id(), second.session_id()));
    honeyhive::set_default_tracer(&first);
    assert_eq!(honeyhive::session_id().unwrap(), first.session_id());
    assert_eq!(of(&second), second.session_id());
    honeyhive::set_default_tracer(&second);
    assert_eq!(honeyhive::session_id().unwrap(), second.session_id());

    // Nothing was written while nobody could tell.
    for tracer in [&first, &second] {
        assert_eq!(tree(tracer, tracer.session_id()).len(), 1);
    }
}

#[test]
fn a_second_init_takes_over_from_a_tracer_nobody_holds_and_delivers_what_it_had() {
    let _alone = alone();
    let server = server();
    honeyhive::init(options(&server).session_name("first")).unwrap();
    lookup(1);
    let first = honeyhive::session_id().unwrap();
    let second = honeyhive::init(options(&server).session_name("second")).unwrap();
    assert_eq!(honeyhive::session_id().unwrap(), second.session_id());
    assert_eq!(tree(&second, first).find("lookup").unwrap().event().metadata["id"], 1);
}

#[test]
fn flush_delivers_the_last_tracer_made_also_when_nobody_can_tell() {
    let _alone = alone();
    let server = server();
    let _first = honeyhive::init(options(&server)).unwrap();
    let second = honeyhive::init(options(&server)).unwrap();
    second.in_scope(|| lookup(2));
    honeyhive::flush().unwrap();
    assert_eq!(second.stats().spans_pending, 0);
    assert_eq!(second.stats().spans_exported, 1);
}

#[test]
fn reset_lets_go_of_both_tracers() {
    let _alone = alone();
    let server = server();
    let held = HoneyHiveTracer::init(options(&server)).unwrap();
    let default = HoneyHiveTracer::builder()
        .api_key(KEY)
        .server_url(server.url())
        .build()
        .unwrap();
    honeyhive::set_default_tracer(&default);
    drop(default);
    HoneyHiveTracer::reset();
    assert_eq!(
        honeyhive::session_id().unwrap(),
        held.session_id(),
        "a tracer that is held is found as long as it is the only one"
    );
    drop(held);
    assert!(matches!(honeyhive::get_tracer(), Err(CompatError::NoTracer { .. })));
}

#[test]
fn a_session_can_be_named_by_its_id_in_any_case() {
    let _alone = alone();
    let server = server();
    let tracer = honeyhive::init(options(&server)).unwrap();
    let other = tracer.new_session("other").start();
    let id = other.session_id();
    honeyhive::enrich_session_with_id(id, honeyhive::metadata! { "typed": true }).unwrap();
    let text = id.to_string().to_uppercase();
    honeyhive::enrich_session_with_id(text, honeyhive::metadata! { "upper": true }).unwrap();
    let session = tree(&tracer, id);
    let metadata = &session.roots().next().unwrap().event().metadata;
    assert_eq!((&metadata["typed"], &metadata["upper"]), (&json!(true), &json!(true)));

    let error = honeyhive::enrich_session_with_id("conversation-7", Enrichment::new()).unwrap_err();
    assert!(matches!(error, CompatError::InvalidSessionId { .. }));
    assert!(
        error.to_string().contains("\"conversation-7\" is no session id"),
        "{error}"
    );
}

#[test]
fn what_is_set_must_be_an_object() {
    let _alone = alone();
    let server = server();
    honeyhive::init(options(&server)).unwrap();
    for (given, found) in [
        (json!(0.5), "a number"),
        (json!("fast"), "a text"),
        (json!([1]), "an array"),
    ] {
        let message = honeyhive::set_metric(given).unwrap_err().to_string();
        assert_eq!(
            message,
            format!("set_metric() takes an object, found {found}: write set_metric(json!({{\"key\": …}}))?")
        );
    }
    honeyhive::flush().unwrap();
}

#[test]
fn every_parameter_of_init_arrives() {
    let _alone = alone();
    let server = server();
    let id = "0A4E8A1C-5D5E-4D0B-9D3E-0D9C6A1F2B3C";
    let tracer = honeyhive::init(
        options(&server)
            .project("support")
            .session_id(id)
            .disable_http_tracing(true)
            .disable_batch(true)
            .verbose(false)
            .inputs([("q", json!({"text": "hi"}))])
            .is_evaluation(true)
            .run_id("run-1")
            .dataset_id("dataset-1")
            .datapoint_id("datapoint-1"),
    )
    .unwrap();
    lookup(3);
    assert_eq!(tracer.session_id().to_string(), id.to_lowercase());
    let tree = tree(&tracer, tracer.session_id());
    let session = tree.roots().next().unwrap().event();
    assert_eq!(
        (session.event_name.as_str(), session.source.as_str()),
        ("script", "old")
    );
    assert_eq!(session.project.as_deref(), Some("support"));
    assert_eq!(session.inputs["q"], json!({"text": "hi"}));
    let span = tree.find("lookup").unwrap().event();
    for metadata in [&session.metadata, &span.metadata] {
        assert_eq!(metadata["run_id"], "run-1");
        assert_eq!(metadata["dataset_id"], "dataset-1");
        assert_eq!(metadata["datapoint_id"], "datapoint-1");
    }

    honeyhive::reset();
    let old_host = honeyhive::init(InitOptions::new(KEY).server_url(LEGACY_SERVER_URL).test_mode(true)).unwrap();
    assert_eq!(old_host.server_url(), "https://api.honeyhive.ai");
    let from_builder = InitOptions::from(HoneyHiveTracer::builder().environment([("HONEYHIVE_API_KEY", KEY)]));
    assert!(format!("{from_builder:?}").starts_with("InitOptions("));
    assert_eq!(
        honeyhive::init(from_builder.test_mode(true)).unwrap().server_url(),
        honeyhive_core::DEFAULT_SERVER_URL
    );
    // From the environment of this process, which may name a key or not.
    let from_env = honeyhive::init(InitOptions::from_env().test_mode(true));
    assert!(from_env.is_ok(), "{from_env:?}");
    honeyhive::reset();
}

#[test]
fn a_session_goes_on_across_services_with_inject_and_link() {
    let _alone = alone();
    let server = server();
    let caller = honeyhive::init(options(&server).session_name("caller")).unwrap();

    #[honeyhive::trace(event_type = "chain")]
    fn call() -> HashMap<String, String> {
        let mut headers = HashMap::new();
        honeyhive::inject(&mut headers).unwrap();
        headers
    }
    let headers = call();
    assert!(headers["traceparent"].starts_with("00-"));

    // The service called, in a process of its own.
    honeyhive::reset();
    let service = HoneyHiveTracer::init(options(&server).session_name("service")).unwrap();
    drop(caller.clone());
    honeyhive::set_default_tracer(&service);
    let token = honeyhive::link(&headers).unwrap();
    assert!(token.is_linked());
    lookup(1);
    honeyhive::unlink(token);
    lookup(2);
    assert!(!honeyhive::link([("accept", "*/*")]).unwrap().is_linked());
    // The same by method, as 0.x had it.
    let token = service.link(&headers);
    lookup(3);
    HoneyHiveTracer::unlink(token);

    tree(&service, service.session_id());
    let linked = tree(&caller, caller.session_id());
    let called = linked.find("call").unwrap();
    let below: Vec<_> = called
        .children()
        .map(|child| child.event().metadata["id"].clone())
        .collect();
    assert_eq!(below, [json!(1), json!(3)], "{linked}");
    assert_eq!(
        tree(&service, service.session_id())
            .find("lookup")
            .unwrap()
            .event()
            .metadata["id"],
        2
    );

    // Or from the start, which knows the session alone.
    honeyhive::reset();
    drop(service);
    let carried = honeyhive::init(options(&server).link_carrier(&headers)).unwrap();
    assert_eq!(carried.session_id(), caller.session_id());
    let not_carried = honeyhive::init(options(&server).link_carrier([("accept", "*/*")])).unwrap();
    assert_ne!(not_carried.session_id(), caller.session_id());
    honeyhive::flush().unwrap();
}

#[test]
fn a_session_that_exists_is_continued_by_its_id() {
    let _alone = alone();
    let server = server();
    let first = honeyhive::init(options(&server)).unwrap();
    lookup(1);
    let id = first.session_id();
    tree(&first, id);
    drop(first);
    honeyhive::reset();

    let again = honeyhive::init_from_session_id(KEY, id.to_string(), server.url()).unwrap();
    lookup(2);
    assert_eq!(tree(&again, id).len(), 3);
    drop(again);
    honeyhive::reset();
    let by_method = HoneyHiveTracer::init_from_session_id(KEY, id.to_string(), server.url()).unwrap();
    assert_eq!(by_method.session_id(), id);
    assert_eq!(
        tree(&by_method, id).roots().next().unwrap().event().event_name,
        "script"
    );
    assert!(honeyhive::init_from_session_id(KEY, "not-a-uuid", server.url()).is_err());
}

#[test]
fn what_is_spawned_keeps_its_session_through_task_and_is_an_error_where_nobody_can_tell() {
    let _alone = alone();
    let server = server();
    let tracer = honeyhive::init(options(&server)).unwrap();
    let request = tracer.new_session("request").start();
    let spawned = || {
        let with_context = task::spawn_thread(honeyhive::session_id).join().unwrap();
        let bare = std::thread::spawn(honeyhive::session_id).join().unwrap();
        (with_context.unwrap(), bare)
    };
    let (with_context, bare) = request.in_scope(spawned);
    assert_eq!(with_context, request.session_id());
    assert_eq!(bare.unwrap(), tracer.session_id(), "the only tracer there is");

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let enrich = async || {
        tokio::task::yield_now().await;
        lookup(5);
        honeyhive::set_metadata(json!({"spawned": true})).unwrap();
    };
    let spawning = async { task::spawn(enrich()).await.unwrap() };
    runtime.block_on(request.scope(spawning));
    let events = tree(&tracer, request.session_id());
    assert_eq!(events.find("lookup").unwrap().event().inputs["id"], 5);
    assert_eq!(events.roots().next().unwrap().event().metadata["spawned"], true);
    assert_eq!(tree(&tracer, tracer.session_id()).len(), 1);

    let _other = honeyhive::init(options(&server)).unwrap();
    let (with_context, bare) = request.in_scope(spawned);
    assert_eq!(with_context, request.session_id());
    assert!(matches!(bare, Err(CompatError::SeveralTracers { .. })), "{bare:?}");
}

#[test]
fn session_start_opens_another_session_and_leaves_the_first_as_it_is() {
    let _alone = alone();
    let server = server();
    let tracer = honeyhive::init(options(&server)).unwrap();
    let second = tracer.session_start();
    second.in_scope(|| lookup(2));
    lookup(1);
    for (tracer, id) in [(&tracer, 1), (&second, 2)] {
        let session = tree(tracer, tracer.session_id());
        assert_eq!(session.roots().next().unwrap().event().event_name, "script");
        assert_eq!(session.find("lookup").unwrap().event().inputs["id"], id);
    }
}

#[test]
fn a_tracer_that_was_made_the_default_outlives_the_programs_handle() {
    let _alone = alone();
    let server = server();
    let tracer = HoneyHiveTracer::builder()
        .api_key(KEY)
        .server_url(server.url())
        .build()
        .unwrap();
    let id = tracer.session_id();
    honeyhive::set_default_tracer(&tracer);
    drop(tracer);
    assert_eq!(honeyhive::session_id().unwrap(), id);
    lookup(1);
    honeyhive::flush().unwrap();

    // And one that nothing keeps is gone with its last handle.
    honeyhive::reset();
    drop(
        HoneyHiveTracer::builder()
            .api_key(KEY)
            .server_url(server.url())
            .build()
            .unwrap(),
    );
    assert!(matches!(honeyhive::session_id(), Err(CompatError::NoTracer { .. })));
}

#[test]
fn a_bare_thread_inside_evaluate_is_an_error_and_never_writes_into_the_scripts_session() {
    #[honeyhive::trace]
    fn work() {}

    fn in_threads(_: Datapoint) -> Value {
        let bare = std::thread::spawn(|| {
            work();
            honeyhive::set_metadata(json!({"stray": true}))
        });
        assert!(matches!(bare.join().unwrap(), Err(CompatError::SeveralTracers { .. })));
        let carried = task::spawn_thread(|| {
            work();
            honeyhive::session_id()
        });
        json!({ "session": carried.join().unwrap().unwrap() })
    }

    let _alone = alone();
    let server = server();
    let tracer = honeyhive::init(options(&server)).unwrap();
    let evaluation = EvaluateOptions::new(in_threads).api_key(KEY).server_url(server.url());
    let dataset = json!([{"inputs": {}}, {"inputs": {}}]);
    let result = honeyhive::evaluate(evaluation.dataset(dataset).print_results(false)).unwrap();
    for (output, session) in result.data.output.iter().zip(&result.session_ids) {
        assert_eq!(output["session"], json!(session), "{:?}", result.data.metadata);
        assert!(tree(&tracer, *session).find("work").is_some());
    }
    assert_eq!(tree(&tracer, tracer.session_id()).len(), 1, "the session itself");
    assert_eq!(
        honeyhive::session_id().unwrap(),
        tracer.session_id(),
        "found again when the evaluation is over"
    );
}
