//! The free functions of 0.x: each finds the right tracer, or says what to write.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use honeyhive_compat as honeyhive;
use honeyhive_compat::{CompatError, Enrichment, InitOptions};
use honeyhive_core::event::EventTree;
use honeyhive_eval::{Datapoint, Dataset, evaluate};
use honeyhive_tests::{KEY, server, settings};
use serde_json::json;

#[honeyhive::trace]
fn lookup(id: u64) -> String {
    honeyhive::enrich_span(honeyhive::metadata! { "region": "eu", "id": id }).unwrap();
    format!("order {id}")
}

/// One test, since the default tracer belongs to the whole process.
#[test]
fn free_functions_use_the_active_tracer_then_the_default_and_else_say_what_to_write() {
    let error = honeyhive::flush().unwrap_err();
    assert!(
        matches!(error, CompatError::NoTracer { .. }) && error.to_string().contains("init("),
        "{error}"
    );
    assert!(honeyhive::init(InitOptions::new("has a space")).is_err());

    let server = server();
    let options = InitOptions::new(KEY)
        .server_url(server.url())
        .source("old")
        .session_name("script")
        .project("support");
    let tracer = honeyhive::init(options).unwrap();
    assert_eq!(lookup(7), "order 7");
    assert!(matches!(
        honeyhive::enrich_span(Enrichment::new()),
        Err(CompatError::NoSpan)
    ));
    honeyhive::enrich_session(Enrichment::new().feedback("rating", 4)).unwrap();

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let dataset = Dataset::new((0..20).map(|n| json!({"inputs": {"n": n}}))).unwrap();
    let result = runtime.block_on(async {
        evaluate(|datapoint: Datapoint| {
            honeyhive::enrich_session(honeyhive::metadata! { "seen": datapoint.inputs["n"] }).unwrap();
            lookup(datapoint.inputs["n"].as_u64().unwrap())
        })
        .dataset(dataset)
        .connection(settings(&server))
        .await
        .unwrap()
    });
    assert_eq!(result.warnings, [""; 0]);

    honeyhive::flush().unwrap();
    let read = |id| -> EventTree { runtime.block_on(tracer.api().sessions().get(id)).unwrap() };
    for (n, row) in result.rows.iter().enumerate() {
        let tree = read(row.session_id);
        assert_eq!(tree.len(), 3, "{tree}");
        assert_eq!(tree.find("lookup").unwrap().event().metadata["id"], json!(n));
        assert_eq!(tree.roots().next().unwrap().event().metadata["seen"], json!(n));
    }
    insta::assert_snapshot!(read(tracer.session_id()).to_string(), @r#"
    session script
    │ feedback: rating=4
    └─ tool lookup
         inputs: id=7
         outputs: result="order 7"
         metadata: id=7 region="eu"
    "#);
}
