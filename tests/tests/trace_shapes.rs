//! What each shape of traced function leaves on a real backend: methods, `impl` blocks, futures, streams, and each
//! argument of the attribute.
#![allow(clippy::unwrap_used, missing_docs)]

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;

use futures_util::{Stream, StreamExt as _, stream};
use honeyhive_core::{HoneyHiveTracer, trace};
use honeyhive_tests::{server, session, tracer};

type Chunks = Pin<Box<dyn Stream<Item = Result<String, std::fmt::Error>> + Send>>;

struct Service {
    tracer: HoneyHiveTracer,
    model: String,
    calls: u32,
}

#[trace(event_type = "chain", tracer = self.tracer, config(model = self.model))]
impl Service {
    #[trace(skip)]
    fn new(tracer: HoneyHiveTracer) -> Self {
        Self {
            tracer,
            model: "m-1".to_owned(),
            calls: 0,
        }
    }

    fn answer(&mut self, question: &str) -> String {
        self.calls += 1;
        self.generate(question, "sk-1")
    }

    #[trace(event_type = "model", name = "generate it", skip(key), metrics(length = prompt.len()))]
    fn generate(&self, prompt: &str, key: &str) -> String {
        format!("{prompt} {}", key.len() * self.helper())
    }

    #[trace(skip)]
    fn helper(&self) -> usize {
        self.calls as usize
    }

    async fn finish(self) -> Option<u32> {
        tokio::task::yield_now().await;
        None
    }
}

#[tokio::test]
async fn an_impl_block_traces_each_method_and_a_method_has_the_last_word() {
    let server = server();
    let tracer = tracer(&server);
    let mut service = Service::new(tracer.clone());
    assert_eq!(service.answer("why?"), "why? 4");
    assert_eq!(service.finish().await, None);
    insta::assert_snapshot!(session(&tracer, tracer.session_id()).await, @r#"
    session a session
    ├─ chain Service.answer
    │  │ inputs: question="why?"
    │  │ outputs: result="why? 4"
    │  │ config: model="m-1"
    │  └─ model generate it
    │       inputs: prompt="why?"
    │       outputs: result="why? 4"
    │       metrics: length=4
    │       config: model="m-1"
    └─ chain Service.finish
         config: model="m-1"
    "#);
}

#[trace]
fn counted(end: u8) -> impl Stream<Item = u8> {
    stream::iter(0..end)
}

#[trace(event_type = "model", output = |chunk| chunk)]
async fn chat(fail: bool) -> Result<Chunks, String> {
    if fail {
        return Err("refused".to_owned());
    }
    let chunks = ["Bees ", "dance."].map(|chunk| Ok(chunk.to_owned()));
    Ok(Box::pin(stream::iter(chunks)))
}

#[trace]
fn breaks() -> Chunks {
    Box::pin(stream::iter([
        Ok("a".to_owned()),
        Err(std::fmt::Error),
        Ok("b".to_owned()),
    ]))
}

#[tokio::test]
async fn a_stream_is_one_span_until_it_is_exhausted_fails_or_is_dropped() {
    let server = server();
    let tracer = tracer(&server);
    tracer
        .scope(async {
            assert_eq!(counted(3).count().await, 3);
            assert_eq!(Box::pin(counted(3)).next().await, Some(0));
            assert_eq!(chat(false).await.unwrap().count().await, 2);
            assert!(chat(true).await.is_err());
            assert_eq!(breaks().count().await, 3);
        })
        .await;
    insta::assert_snapshot!(session(&tracer, tracer.session_id()).await, @r#"
    session a session
    ├─ tool counted
    │    inputs: end=3
    │    metadata: stream={"end":"exhausted","items":3}
    ├─ tool counted
    │    inputs: end=3
    │    metadata: stream={"end":"dropped","items":1}
    ├─ model chat
    │    inputs: fail=false
    │    outputs: result="Bees dance."
    │    metadata: stream={"end":"exhausted","items":2}
    ├─ model chat
    │    inputs: fail=true
    │    metadata: error_type="Error"
    │    error: refused
    └─ tool breaks
         metadata: error_type="Error" stream={"end":"failed","items":2}
         error: an error occurred when formatting an argument
    "#);
}

#[trace]
fn opaque(question: &str) -> impl Future<Output = Result<usize, String>> + use<> {
    let length = question.len();
    async move {
        tokio::task::yield_now().await;
        if length == 0 {
            Err("no question".to_owned())
        } else {
            Ok(length)
        }
    }
}

#[trace]
fn boxed(question: &str) -> Pin<Box<dyn Future<Output = usize> + Send + '_>> {
    Box::pin(async { question.len() })
}

#[async_trait::async_trait]
trait Model {
    async fn complete(&self, prompt: &str, (low, high): (u8, u8), _: u8) -> Option<String>;
}

#[async_trait::async_trait]
impl Model for () {
    #[trace(event_type = "model")]
    async fn complete(&self, prompt: &str, (low, high): (u8, u8), _: u8) -> Option<String> {
        let length = opaque(prompt).await.ok()?;
        Some(format!("{length} {low} {high}"))
    }
}

#[tokio::test]
async fn a_future_is_one_span_until_it_is_ready_or_dropped() {
    let server = server();
    let tracer = tracer(&server);
    tracer
        .scope(async {
            assert_eq!(opaque("").await, Err("no question".to_owned()));
            assert_eq!(boxed("bees").await, 4);
            assert_eq!(().complete("bees", (1, 2), 3).await.as_deref(), Some("4 1 2"));
            drop(opaque("dropped"));
        })
        .await;
    insta::assert_snapshot!(session(&tracer, tracer.session_id()).await, @r#"
    session a session
    ├─ tool opaque
    │    inputs: question=""
    │    metadata: error_type="Error"
    │    error: no question
    ├─ tool boxed
    │    inputs: question="bees"
    │    outputs: result=4
    ├─ model complete
    │  │ inputs: low, high="[1,2]" prompt="bees"
    │  │ outputs: result="4 1 2"
    │  └─ tool opaque
    │       inputs: question="bees"
    │       outputs: result=4
    └─ tool opaque
         inputs: question="dropped"
         metadata: error_type="Cancelled"
         error: dropped before it finished
    "#);
}

struct Opaque;

#[derive(Debug)]
struct Shown;

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

fn seen<T>(value: T) -> T {
    RUNS.set(RUNS.get() + 1);
    value
}

#[trace(
    event_type = honeyhive_core::EventType::Chain,
    name = concat!("all", " at once"),
    skip(secret),
    inputs(seen = seen(text.len())),
    metadata("a.key" = 1, number),
    metrics(share = 0.5),
    config(model = "m-1"),
    feedback(good = true),
    output = |sum| seen(sum * 2),
    error = |error| seen(error.len()),
)]
fn everything(
    text: String,
    number: u8,
    secret: &str,
    opaque: &Opaque,
    shown: &[Shown],
    none: Option<&str>,
) -> Result<u32, String> {
    RUNS.set(RUNS.get() + 100);
    drop(text);
    secret.parse().map_err(|_| "not a number".to_owned())
}

#[trace(skip_all, output = false)]
fn nothing(text: &str) -> usize {
    text.len()
}

#[tokio::test]
async fn each_argument_says_what_is_recorded_and_the_body_and_each_expression_run_once() {
    let server = server();
    let tracer = tracer(&server);
    let call = |secret| {
        RUNS.set(0);
        let _ = everything("text".to_owned(), 7, secret, &Opaque, &[Shown], None);
        RUNS.get()
    };
    assert_eq!(call("21"), 100, "nothing is looked at without a tracer");
    tracer.in_scope(|| {
        assert_eq!(call("21"), 102);
        assert_eq!(call("x"), 102);
        nothing("unseen");
    });
    insta::assert_snapshot!(session(&tracer, tracer.session_id()).await, @r#"
    session a session
    ├─ chain all at once
    │    inputs: number=7 opaque="<&trace_shapes::Opaque>" seen=4 shown="[Shown]" text="text"
    │    outputs: result=42
    │    metrics: share=0.5
    │    feedback: good=true
    │    config: model="m-1"
    │    metadata: a={"key":1} number=7
    ├─ chain all at once
    │    inputs: number=7 opaque="<&trace_shapes::Opaque>" seen=4 shown="[Shown]" text="text"
    │    metrics: share=0.5
    │    feedback: good=true
    │    config: model="m-1"
    │    metadata: a={"key":1} error_type="Error" number=7
    │    error: 12
    └─ tool nothing
    "#);
}
