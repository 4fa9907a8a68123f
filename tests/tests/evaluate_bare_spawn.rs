//! What a datapoint spawns without its context: never in the only session the program has open beside the experiment.
#![allow(clippy::unwrap_used, missing_docs)]

use honeyhive_core::task;
use honeyhive_eval::prelude::*;
use honeyhive_tests::{server, session, settings};
use serde_json::json;

#[trace]
fn work() {}

#[tokio::test]
async fn a_bare_thread_of_a_datapoint_is_not_recorded_as_work_of_the_program() {
    let server = server();
    let program = HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", honeyhive_tests::KEY)])
        .server_url(server.url())
        .build()
        .unwrap();
    let dataset = Dataset::new([json!({"inputs": {}}), json!({"inputs": {}})]).unwrap();
    let in_threads = |_: Datapoint| {
        std::thread::spawn(work).join().unwrap();
        task::spawn_thread(work).join().unwrap();
    };
    let result = evaluate(in_threads)
        .dataset(dataset)
        .connection(settings(&server))
        .await
        .unwrap();
    work();
    for row in &result.rows {
        assert_eq!(
            session(&program, row.session_id).await.len(),
            3,
            "session, chain, and the call that was carried"
        );
    }
    let own = session(&program, program.session_id()).await;
    assert_eq!(own.len(), 2, "the session and the call after the experiment: {own:?}");
}
