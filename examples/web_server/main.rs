//! A web server that traces: one tracer for the process, a session for each request, work that goes on after the answer
//! was sent, and callers whose session it joins.
//!
//! ```text
//! cargo run -p honeyhive-examples --example web_server
//! ```
//!
//! It starts an embedded backend, sends itself some requests, prints what was recorded, and exits.
#![allow(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::post;
use honeyhive_core::prelude::*;
use honeyhive_core::{propagation, task};
use honeyhive_local::Server;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, JoinSet};

type BoxError = Box<dyn Error + Send + Sync>;

/// What the services of this system know and strangers do not. In earnest: mutual TLS, or a signed token.
const INTERNAL_TOKEN: &str = "known inside";

/// Runs each request in a session of its own, or in the caller's if the caller is one of us: a stranger must not choose
/// which session is written into.
async fn session_per_request(State(tracer): State<HoneyHiveTracer>, request: Request, next: Next) -> Response {
    let mut session = tracer.new_session("a visitor").input("path", request.uri().path());
    if is_internal(request.headers()) {
        session = session.continue_from(&propagation::extract(request.headers()));
    }
    let session = session.start();
    let mut response = session.scope(next.run(request)).await;
    if let Ok(id) = session.session_id().to_string().parse() {
        response.headers_mut().insert("x-session-id", id);
    }
    response
}

fn is_internal(headers: &HeaderMap) -> bool {
    headers
        .get("x-internal-token")
        .is_some_and(|token| token == INTERNAL_TOKEN)
}

/// Handlers know nothing of tracers. What outlives the request takes its context along with `task::spawn`.
async fn handle(State(background): State<UnboundedSender<JoinHandle<()>>>, question: String) -> Result<String, String> {
    let answer = answer(question.clone()).await?;
    let follow_up = task::spawn(async move { suggest_follow_up(&question).await });
    background.send(follow_up).map_err(|error| error.to_string())?;
    Ok(answer)
}

#[trace(event_type = "chain")]
async fn answer(question: String) -> Result<String, String> {
    let searched = question.clone();
    let passage = task::spawn_blocking(move || search(&searched)).await;
    let passage = passage.map_err(|error| error.to_string())?;
    Ok(generate(&question, passage).await)
}

#[trace(event_type = "tool")]
fn search(question: &str) -> &'static str {
    match question.contains("honey") {
        true => "Ripe honey keeps for years.",
        false => "A waggle run points to the food.",
    }
}

/// Stands where a language model would.
#[trace(event_type = "model")]
async fn generate(question: &str, passage: &str) -> String {
    if let Some(tracer) = HoneyHiveTracer::current() {
        tracer.enrich_span(Enrichment::new().metric("tokens", question.len() + passage.len()));
    }
    passage.to_owned()
}

/// Adds to the session of the request after it was answered.
#[trace]
async fn suggest_follow_up(question: &str) {
    if let Some(tracer) = HoneyHiveTracer::current() {
        tracer.enrich_session(Enrichment::new().output("follow_up", format!("More about: {question}")));
    }
}

/// Another service of ours: it says which session it works in, and proves that it may.
#[trace(event_type = "chain", skip(request))]
async fn write_report(mut request: reqwest::RequestBuilder) -> Result<SessionId, BoxError> {
    for (name, value) in propagation::headers().with_session() {
        request = request.header(name, value);
    }
    send(
        request.header("x-internal-token", INTERNAL_TOKEN),
        "How old can honey get?",
    )
    .await
}

/// Returns the session the request was handled in.
async fn send(request: reqwest::RequestBuilder, question: &'static str) -> Result<SessionId, BoxError> {
    let response = request.body(question).send().await?.error_for_status()?;
    let id = response.headers().get("x-session-id").ok_or("no session")?;
    Ok(id.to_str()?.parse()?)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let backend = Server::builder().start()?;
    let settings = HoneyHiveTracer::builder().api_key("hh_local").server_url(backend.url());
    // Once, at start. Requests bring sessions, so it needs none of its own.
    let tracer = settings.source("example").skip_session_start().build()?;

    let (background, mut handed_over) = unbounded_channel();
    let app = Router::new().route("/answer", post(handle)).with_state(background);
    let app = app.layer(from_fn_with_state(tracer.clone(), session_per_request));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/answer", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });

    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut requests = JoinSet::new();
    for question in ["Why do bees dance?", "What is honey?", "Who watches the dance?"] {
        requests.spawn(send(client.post(&url), question));
    }
    let report = tracer.new_session("a report").start();
    requests.spawn(report.scope(write_report(client.post(&url))));
    let sessions = requests.join_all().await;

    // All are answered; what they left to do is awaited before the program ends.
    while let Ok(work) = handed_over.try_recv() {
        work.await?;
    }
    tracer.flush(Duration::from_secs(5)).await?;
    for session in sessions {
        println!("{}", tracer.api().sessions().get(session?).await?);
    }
    Ok(())
}
