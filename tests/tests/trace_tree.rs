//! What `#[trace]` and its friends leave on a real backend, read back over its API and compared as trees.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeMap;

use honeyhive_core::{Enrichment, EventType, HoneyHiveTracer, trace};
use honeyhive_tests::{PATIENCE, server, session, tracer};
use serde::Serialize;

#[derive(Serialize)]
struct Passage {
    title: &'static str,
    score: f64,
}

#[derive(Debug, thiserror::Error)]
#[error("no passage about {0}")]
struct NothingFound(String);

#[trace(event_type = "tool")]
fn retrieve(query: &str, limit: usize) -> Result<Vec<Passage>, NothingFound> {
    if query == "wasps" {
        return Err(NothingFound(query.to_owned()));
    }
    Ok(vec![
        Passage {
            title: "The waggle dance",
            score: 0.5
        };
        limit.min(1)
    ]
    .into_iter()
    .collect())
}

impl Clone for Passage {
    fn clone(&self) -> Self {
        Self {
            title: self.title,
            score: self.score,
        }
    }
}

#[trace(event_type = "model", name = "generate", skip(api_key))]
async fn answer(prompt: String, options: BTreeMap<&str, u32>, api_key: &str) -> String {
    tokio::task::yield_now().await;
    assert!(!api_key.is_empty());
    HoneyHiveTracer::current().unwrap().enrich_span(
        Enrichment::new()
            .config("model", "m-1")
            .metric("tokens", 42)
            .metadata("usage", serde_json::json!({"input": 40, "output": 2}))
            .feedback("thumbs", "up"),
    );
    format!("{} {}", prompt.len(), options.len())
}

#[trace(event_type = "chain")]
async fn pipeline(question: &str) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let passages = retrieve(question, 1)?;
    Ok(answer(
        passages[0].title.to_owned(),
        BTreeMap::from([("top_k", 3)]),
        "sk-secret",
    )
    .await)
}

#[trace]
fn fragile(input: u8) -> u8 {
    assert!(input != 13, "unlucky input");
    input
}

#[trace]
async fn patient(forever: bool) {
    if forever {
        std::future::pending::<()>().await;
    }
}

#[tokio::test]
async fn nested_calls_become_a_tree_with_inputs_outputs_types_and_enrichment() {
    let server = server();
    let tracer = tracer(&server);
    let answer = tracer.scope(pipeline("dances")).await.unwrap();
    assert_eq!(answer, "16 1");
    let tree = session(&tracer, tracer.session_id()).await;
    insta::assert_snapshot!(tree.to_string(), @r#"
    session a session
    └─ chain pipeline
       │ inputs: question="dances"
       │ outputs: result="16 1"
       ├─ tool retrieve
       │    inputs: limit=1 query="dances"
       │    outputs: result=[{"score":0.5,"title":"The waggle dance"}]
       └─ model generate
            inputs: options="{\"top_k\":3}" prompt="The waggle dance"
            outputs: result="16 1"
            metrics: tokens=42
            feedback: thumbs="up"
            config: model="m-1"
            metadata: usage={"input":40,"output":2}
    "#);
}

#[tokio::test]
async fn an_error_belongs_to_each_span_it_passed_and_to_nothing_else() {
    let server = server();
    let tracer = tracer(&server);
    let error = tracer.scope(pipeline("wasps")).await.unwrap_err();
    assert_eq!(error.to_string(), "no passage about wasps");
    let tree = session(&tracer, tracer.session_id()).await;
    insta::assert_snapshot!(tree.to_string(), @r#"
    session a session
    └─ chain pipeline
       │ inputs: question="wasps"
       │ metadata: error_type="Error"
       │ error: no passage about wasps
       └─ tool retrieve
            inputs: limit=1 query="wasps"
            metadata: error_type="NothingFound"
            error: no passage about wasps
    "#);
}

#[tokio::test]
async fn a_panic_is_an_error_and_unwinds_on_and_a_dropped_future_was_cancelled() {
    let server = server();
    let tracer = tracer(&server);
    let caught = std::panic::catch_unwind(|| tracer.in_scope(|| fragile(13)));
    assert!(caught.is_err());
    let mut dropped = Box::pin(tracer.scope(patient(true)));
    assert!(poll_once(&mut dropped).is_pending());
    drop(dropped);
    let tree = session(&tracer, tracer.session_id()).await;
    insta::assert_snapshot!(tree.to_string(), @r#"
    session a session
    ├─ tool fragile
    │    inputs: input=13
    │    metadata: error_type="Panic"
    │    error: unlucky input
    └─ tool patient
         inputs: forever=true
         metadata: error_type="Cancelled"
         error: dropped before it finished
    "#);
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    let waker = std::task::Waker::noop();
    std::pin::Pin::new(future).poll(&mut std::task::Context::from_waker(waker))
}

#[tokio::test]
async fn code_without_a_function_uses_spans_by_hand() {
    let server = server();
    let tracer = tracer(&server);
    let mut outer = tracer
        .span("outer")
        .event_type(EventType::Chain)
        .input("q", "why?")
        .start();
    outer.in_scope(|| {
        let mut inner = tracer.span("inner").metadata("step", 1).start();
        inner.record_error(&NothingFound("x".into()));
    });
    outer.record_output(&serde_json::json!({"answer": [1, 2]}));
    outer.end();
    let tree = session(&tracer, tracer.session_id()).await;
    insta::assert_snapshot!(tree.to_string(), @r#"
    session a session
    └─ chain outer
       │ inputs: q="why?"
       │ outputs: result={"answer":[1,2]}
       └─ tool inner
            metadata: error_type="NothingFound" step=1
            error: no passage about x
    "#);
}

#[tokio::test]
async fn of_one_key_written_twice_the_last_value_counts() {
    let server = server();
    let tracer = tracer(&server);
    let span = tracer.span("s").start();
    span.enrich(Enrichment::new().metadata("k", "first"));
    span.enrich(Enrichment::new().metadata("k", "last"));
    span.end();
    let tree = session(&tracer, tracer.session_id()).await;
    assert_eq!(tree.find("s").unwrap().event().metadata["k"], "last");
}

#[tokio::test]
async fn a_session_carries_its_name_inputs_user_and_what_is_added_later() {
    let server = server();
    let tracer = tracer(&server);
    let chat = tracer
        .new_session("chat")
        .source("prod")
        .input("topic", "bees")
        .metadata("build", 7)
        .user_property("plan", "pro")
        .start();
    chat.scope(pipeline("dances")).await.unwrap();
    chat.enrich_session(
        Enrichment::new()
            .feedback("rating", 5)
            .output("reply", "done")
            .input("late", true),
    );
    let tree = session(&chat, chat.session_id()).await;
    let root = tree.find("chat").unwrap().event();
    assert_eq!(root.source, "prod");
    assert_eq!(root.inputs["topic"], "bees");
    assert_eq!(root.user_properties["plan"], "pro");
    assert_eq!(root.feedback["rating"], 5);
    assert_eq!(root.outputs["reply"], "done");
    assert_eq!(root.metadata["build"], 7);
    assert_eq!(root.metadata["inputs"]["late"], true);
    assert_eq!(tree.find("pipeline").unwrap().event().source, "prod");
    assert_eq!(tree.len(), 4);
    let own = session(&tracer, tracer.session_id()).await;
    assert_eq!(
        own.len(),
        1,
        "nothing of the chat leaked into the tracer's own session:\n{own}"
    );
}

#[tokio::test]
async fn a_span_of_another_session_is_no_parent() {
    let server = server();
    let tracer = tracer(&server);
    let other = tracer.new_session("other").start();
    let outer = tracer.span("outer").start();
    outer.in_scope(|| {
        other.in_scope(|| fragile(1));
        other.span("by hand").start().end();
    });
    outer.end();
    let tree = session(&tracer, other.session_id()).await;
    insta::assert_snapshot!(tree.to_string(), @r#"
    session other
    ├─ tool fragile
    │    inputs: input=1
    │    outputs: result=1
    └─ tool by hand
    "#);
    assert_eq!(session(&tracer, tracer.session_id()).await.len(), 2);
}

#[test]
fn everything_works_without_an_async_runtime() {
    let server = server();
    let tracer = tracer(&server);
    tracer.in_scope(|| fragile(2));
    tracer.flush_blocking(PATIENCE).unwrap();
    let stats = tracer.stats();
    assert_eq!(
        (stats.spans_ended, stats.spans_exported, stats.spans_pending),
        (1, 1, 0),
        "{stats:?}"
    );
}

#[test]
fn dropping_the_last_handle_delivers_what_is_queued() {
    let server = server();
    let tracer = tracer(&server);
    let id = tracer.session_id();
    tracer.in_scope(|| fragile(2));
    drop(tracer);
    let reader = self::tracer(&server);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let tree = runtime.block_on(session(&reader, id));
    assert_eq!(tree.len(), 2, "{tree}");
}

#[trace]
fn closes(what: &str) {
    let _ = what;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_and_a_context_may_cross_an_await_and_guards_may_be_dropped_in_any_order() {
    use honeyhive_core::opentelemetry::trace::FutureExt as _;

    let server = server();
    let tracer = tracer(&server);
    let held = tracer.clone();
    let crossing = tokio::spawn(async move {
        let span = held.span("held").start();
        tokio::task::yield_now().await;
        span.scope(async { closes("inside") }).await;
        let cx = span.context();
        tokio::task::yield_now().await;
        async { closes("in the context of it") }.with_context(cx).await;
        closes("outside");
    });
    crossing.await.unwrap();
    let (first, second) = (tracer.span("first").start(), tracer.span("second").start());
    let outer = first.activate();
    let inner = second.activate();
    drop(outer);
    closes("in the second still");
    drop(inner);
    closes("in neither");
    drop((first, second));
    assert!(HoneyHiveTracer::current().is_none(), "nothing stays behind");
    insta::assert_snapshot!(session(&tracer, tracer.session_id()).await, @r#"
    session a session
    ├─ tool held
    │  ├─ tool closes
    │  │    inputs: what="inside"
    │  └─ tool closes
    │       inputs: what="in the context of it"
    ├─ tool first
    └─ tool second
       └─ tool closes
            inputs: what="in the second still"
    "#);
}

/// Traces when it is dropped, wherever that is.
struct Closing(&'static str);

impl Drop for Closing {
    fn drop(&mut self) {
        closes(self.0);
    }
}

#[trace(event_type = "chain")]
fn holds_and_panics() {
    let _held = Closing("while it unwinds");
    panic!("on purpose");
}

#[trace(event_type = "chain")]
async fn holds_and_waits() {
    let _held = Closing("when it is cancelled");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_drop_that_traces_is_a_child_of_what_it_was_dropped_in() {
    let server = server();
    let tracer = tracer(&server);
    tracer
        .scope(async {
            let fails = std::panic::AssertUnwindSafe(holds_and_panics);
            assert!(std::panic::catch_unwind(fails).is_err());
            let mut waits = Box::pin(holds_and_waits());
            assert!(poll_once(&mut waits).is_pending());
            drop(waits);
            closes("the tracer is as good as new");
        })
        .await;
    insta::assert_snapshot!(session(&tracer, tracer.session_id()).await, @r#"
    session a session
    ├─ chain holds_and_panics
    │  │ metadata: error_type="Panic"
    │  │ error: on purpose
    │  └─ tool closes
    │       inputs: what="while it unwinds"
    ├─ chain holds_and_waits
    │  │ metadata: error_type="Cancelled"
    │  │ error: dropped before it finished
    │  └─ tool closes
    │       inputs: what="when it is cancelled"
    └─ tool closes
         inputs: what="the tracer is as good as new"
    "#);
}

thread_local! {
    static EARLY: Closing = const { Closing("of a value made before the first span") };
    static LATE: Closing = const { Closing("of a value made after it") };
}

#[test]
fn a_thread_that_traces_while_it_ends_ends() {
    let server = server();
    let tracer = tracer(&server);
    // What was made first is dropped last, when OpenTelemetry's context is gone.
    let orders: [fn(&HoneyHiveTracer); 3] = [
        |tracer| {
            EARLY.with(|_| ());
            tracer.in_scope(|| closes("a call"));
        },
        |tracer| {
            tracer.in_scope(|| closes("a call"));
            LATE.with(|_| ());
        },
        |_| EARLY.with(|_| ()),
    ];
    for order in orders {
        let tracer = tracer.clone();
        std::thread::spawn(move || order(&tracer)).join().unwrap();
    }
    tracer.flush_blocking(PATIENCE).unwrap();
    assert_eq!(tracer.stats().spans_exported, 2);
}
