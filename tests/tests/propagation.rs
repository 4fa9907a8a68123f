//! One session across services: real HTTP between them, a pipeline for each, one backend.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::get;
use honeyhive_core::propagation;
use honeyhive_core::{HoneyHiveTracer, SessionId, trace};
use honeyhive_local::Server;
use honeyhive_tests::{PATIENCE, all_events, server, session, settings, tracer};

/// A service that continues the session of its callers. Stops with the runtime of the test.
#[derive(Clone)]
struct Service {
    url: String,
    tracer: HoneyHiveTracer,
    arrived: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Service {
    async fn start(backend: &Server) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            tracer: settings(backend).source("b").skip_session_start().build().unwrap(),
            arrived: Arc::default(),
        };
        let app = Router::new()
            .route("/rank/{word}", get(serve))
            .with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        service
    }

    fn last_headers(&self) -> HeaderMap {
        self.arrived.lock().unwrap().last().unwrap().clone()
    }
}

/// Answers with the session it worked in.
async fn serve(State(service): State<Service>, Path(word): Path<String>, headers: HeaderMap) -> String {
    let incoming = propagation::extract(&headers);
    service.arrived.lock().unwrap().push(headers);
    let request = service.tracer.new_session("b's own").input("word", &word);
    let tracer = request.continue_from(&incoming).start();
    tracer.scope(rank(&word, &service.url)).await;
    tracer.session_id().to_string()
}

/// Asks the same service for the first half of a word that has two.
#[trace(event_type = "chain", skip(url))]
async fn rank(word: &str, url: &str) {
    score(word).await;
    if let Some((half, _)) = word.split_once('-') {
        send(url, half, propagation::headers().with_session()).await;
    }
}

#[trace]
async fn score(word: &str) -> usize {
    tokio::task::yield_now().await;
    word.len()
}

#[trace(event_type = "chain", skip(service))]
async fn ask(service: &Service, word: &str, with_session: bool) -> SessionId {
    let headers = propagation::headers();
    let headers = if with_session { headers.with_session() } else { headers };
    send(&service.url, word, headers).await
}

async fn send(url: &str, word: &str, headers: impl IntoIterator<Item = (&'static str, String)>) -> SessionId {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.get(format!("{url}/rank/{word}"));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer = request.send().await.unwrap().error_for_status().unwrap();
    answer.text().await.unwrap().parse().unwrap()
}

/// A session of the calling service that the backend knows of.
async fn open(caller: &HoneyHiveTracer, name: &'static str) -> HoneyHiveTracer {
    let opened = caller.new_session(name).start();
    caller.flush(PATIENCE).await.unwrap();
    opened
}

#[tokio::test]
async fn the_called_service_goes_on_in_the_callers_session_below_its_span() {
    let backend = server();
    let (caller, service) = (tracer(&backend), Service::start(&backend).await);
    let chat = open(&caller, "chat").await;
    let worked_in = chat.scope(ask(&service, "honey-bee", true)).await;
    assert_eq!(worked_in, chat.session_id());
    service.tracer.flush(PATIENCE).await.unwrap();
    let tree = session(&caller, chat.session_id()).await;
    let shown = tree.to_string().replace(&worked_in.to_string(), "[chat]");
    insta::assert_snapshot!(shown, @r#"
    session chat
    └─ chain ask
       │ inputs: with_session=true word="honey-bee"
       │ outputs: result="[chat]"
       └─ chain rank
          │ inputs: word="honey-bee"
          ├─ tool score
          │    inputs: word="honey-bee"
          │    outputs: result=9
          └─ chain rank
             │ inputs: word="honey"
             └─ tool score
                  inputs: word="honey"
                  outputs: result=5
    "#);
    let sources = ["ask", "rank"].map(|name| tree.find(name).unwrap().event().source.clone());
    assert_eq!(sources, ["test", "b"]);
    let others = all_events(&backend).await.len() - tree.len();
    assert_eq!(others, 1, "the session of the caller's tracer and nothing else");
}

#[tokio::test]
async fn without_being_asked_for_no_id_leaves_and_the_called_service_opens_its_own_session() {
    let backend = server();
    let (caller, service) = (tracer(&backend), Service::start(&backend).await);
    let worked_in = caller.scope(ask(&service, "honey", false)).await;
    assert_ne!(worked_in, caller.session_id());
    let arrived = service.last_headers();
    assert!(
        arrived.contains_key("traceparent") && !arrived.contains_key("baggage"),
        "{arrived:?}"
    );
    let id = caller.session_id().to_string();
    assert!(!format!("{arrived:?}").contains(&id), "{arrived:?}");
    service.tracer.flush(PATIENCE).await.unwrap();
    let trees = [
        session(&caller, caller.session_id()).await.to_string(),
        session(&caller, worked_in).await.to_string(),
    ];
    insta::assert_snapshot!(trees.concat().replace(&worked_in.to_string(), "[b]"), @r#"
    session a session
    └─ chain ask
         inputs: with_session=false word="honey"
         outputs: result="[b]"
    session b's own
    │ inputs: word="honey"
    └─ chain rank
       │ inputs: word="honey"
       └─ tool score
            inputs: word="honey"
            outputs: result=5
    "#);
    let tree = session(&caller, worked_in).await;
    let parent = tree.find("rank").unwrap().event().parent_id.clone();
    assert_eq!(
        parent,
        Some(worked_in.to_string()),
        "a span of another session is no parent"
    );
}

#[tokio::test]
async fn concurrent_callers_stay_in_their_sessions() {
    let backend = server();
    let (caller, service) = (tracer(&backend), Service::start(&backend).await);
    let sessions: Vec<_> = (0..8)
        .map(|n| caller.new_session(format!("chat {n}")).start())
        .collect();
    let calls = sessions.iter().map(|chat| {
        let (chat, service) = (chat.clone(), service.clone());
        tokio::spawn(async move { chat.scope(ask(&service, "honey-bee", true)).await })
    });
    for (call, chat) in calls.collect::<Vec<_>>().into_iter().zip(&sessions) {
        assert_eq!(call.await.unwrap(), chat.session_id());
    }
    service.tracer.flush(PATIENCE).await.unwrap();
    for chat in &sessions {
        let tree = session(&caller, chat.session_id()).await;
        let depths: Vec<_> = tree
            .walk()
            .map(|(depth, node)| (depth, node.event().event_name.clone()))
            .collect();
        let expected = [(1, "ask"), (2, "rank"), (3, "score"), (3, "rank"), (4, "score")];
        assert_eq!(depths[0], (0, chat.session_name().to_owned()));
        assert_eq!(
            depths[1..],
            expected.map(|(depth, name)| (depth, name.to_owned())),
            "{tree}"
        );
    }
}

#[tokio::test]
async fn a_caller_in_another_language_is_understood_and_a_broken_one_does_no_harm() {
    let backend = server();
    let (caller, service) = (tracer(&backend), Service::start(&backend).await);
    let chat = open(&caller, "chat").await;
    let span = chat.span("call").start();
    let traceparent = span.in_scope(propagation::headers).into_iter().next().unwrap().1;
    let id = chat.session_id();
    let ask = async |headers: [(&'static str, String); 2]| send(&service.url, "x", headers).await;
    for key in ["session_id", "honeyhive_session_id", "honeyhive.session_id"] {
        let baggage = format!("project=My%20Project;p=1,{key}={}", id.to_string().to_uppercase());
        let worked_in = ask([("Traceparent", traceparent.clone()), ("Baggage", baggage)]).await;
        assert_eq!(worked_in, id, "{key}");
    }
    let named = format!("session_id={id}");
    assert_eq!(ask([("traceparent", "nonsense".into()), ("baggage", named)]).await, id);
    let broken = ask([("traceparent", traceparent), ("baggage", "session_id=%FF,=;,".into())]).await;
    assert_ne!(broken, id);
    span.end();
    service.tracer.flush(PATIENCE).await.unwrap();
    let tree = session(&caller, id).await;
    insta::assert_snapshot!(tree.to_string(), @r#"
    session chat
    ├─ tool call
    │  ├─ chain rank
    │  │  │ inputs: word="x"
    │  │  └─ tool score
    │  │       inputs: word="x"
    │  │       outputs: result=1
    │  ├─ chain rank
    │  │  │ inputs: word="x"
    │  │  └─ tool score
    │  │       inputs: word="x"
    │  │       outputs: result=1
    │  └─ chain rank
    │     │ inputs: word="x"
    │     └─ tool score
    │          inputs: word="x"
    │          outputs: result=1
    └─ chain rank
       │ inputs: word="x"
       └─ tool score
            inputs: word="x"
            outputs: result=1
    "#);
}

#[tokio::test]
async fn the_remote_span_is_the_parent_of_the_sessions_roots_only() {
    let backend = server();
    let (caller, service) = (
        tracer(&backend),
        settings(&backend).skip_session_start().build().unwrap(),
    );
    let chat = open(&caller, "chat").await;
    let span = chat.span("call").start();
    let incoming = propagation::extract(span.in_scope(|| propagation::headers().with_session()));
    let continued = service.new_session("served").continue_from(&incoming).start();
    let unrelated = service.new_session("unrelated").start();
    unrelated.span("of another session").start().in_scope(|| {
        let root = continued.span("root").start();
        root.in_scope(|| {
            continued.span("child").start().end();
            unrelated.span("a root of its own").start().end();
        });
    });
    let chosen = SessionId::random();
    let after = service
        .new_session("chosen")
        .continue_from(&incoming)
        .id(chosen)
        .start();
    after.span("below nothing").start().end();
    span.end();
    service.flush(PATIENCE).await.unwrap();
    let mut trees = String::new();
    for id in [chat.session_id(), unrelated.session_id(), chosen] {
        trees += &session(&caller, id).await.to_string();
    }
    insta::assert_snapshot!(trees, @r"
    session chat
    └─ tool call
       └─ tool root
          └─ tool child
    session unrelated
    ├─ tool of another session
    └─ tool a root of its own
    session chosen
    └─ tool below nothing
    ");
    let parents: Vec<_> = all_events(&backend)
        .await
        .into_iter()
        .filter(|event| ["below nothing", "a root of its own"].contains(&&*event.event_name))
        .map(|event| event.parent_id == Some(event.session_id))
        .collect();
    assert_eq!(parents, [true, true], "a span of another session is no parent");
}

#[tokio::test]
async fn a_continued_session_with_no_span_of_its_own_passes_the_callers_span_on() {
    let backend = server();
    let (caller, service) = (tracer(&backend), tracer(&backend));
    let span = caller.span("call").start();
    let sent: Vec<_> = span
        .in_scope(|| propagation::headers().with_session())
        .into_iter()
        .collect();
    let incoming = propagation::extract(sent.iter().map(|(name, value)| (name, value)));
    let continued = service.new_session("served").continue_from(&incoming).start();
    let passed_on = continued.in_scope(|| propagation::headers().into_iter().next());
    assert_eq!(passed_on.as_ref(), sent.first());
}
