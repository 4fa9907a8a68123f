//! A server that answers as the test says, to see what the SDK does about it. Real sockets, real HTTP.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::Value;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// `POST /session/start`.
    pub line: String,
    /// What stands behind the `?` of the address.
    pub query: Option<String>,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Arrived {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// The spans in the body, an export request in protobuf.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let export = ExportTraceServiceRequest::decode(self.body.clone()).expect("an export request");
        let resources = export.resource_spans.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }
}

type Script = dyn Fn(usize, &Arrived) -> Response + Send + Sync;

/// Answers each request as the script says, and keeps what arrived. Stops when dropped.
pub struct ScriptedServer {
    url: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl ScriptedServer {
    /// Starts on a free port. The script gets the number of requests of the same line before this one.
    pub fn start(script: impl Fn(usize, &Arrived) -> Response + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", script)
    }

    /// As [`start`](Self::start), at this address.
    pub fn start_at(address: &str, script: impl Fn(usize, &Arrived) -> Response + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let arrived = Arc::<Mutex<Vec<Arrived>>>::default();
        let script: Arc<Script> = Arc::new(script);
        let kept = arrived.clone();
        let answer = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let (script, kept) = (script.clone(), kept.clone());
            async move {
                let request = Arrived {
                    line: format!("{method} {}", uri.path()),
                    query: uri.query().map(str::to_owned),
                    headers,
                    body,
                };
                let before = {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.push(request.clone());
                    kept.iter().filter(|other| other.line == request.line).count() - 1
                };
                let answer = script(before, &request);
                if answer.extensions().get::<Never>().is_some() {
                    return std::future::pending().await;
                }
                answer
            }
        };
        let listener = std::net::TcpListener::bind(address).expect("a port");
        listener.set_nonblocking(true).expect("a listener for async code");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = Router::new()
            .fallback(answer)
            .layer(axum::extract::DefaultBodyLimit::disable());
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, app).await
        });
        Self {
            url,
            arrived,
            runtime: Some(runtime),
        }
    }

    /// Address of the server.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What has arrived on this line so far.
    #[must_use]
    pub fn arrived(&self, line: &str) -> Vec<Arrived> {
        let mut arrived = self.everything();
        arrived.retain(|request| request.line == line);
        arrived
    }

    /// All that has arrived so far, in order.
    #[must_use]
    pub fn everything(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for ScriptedServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptedServer")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Never;

/// No answer, ever.
#[must_use]
pub fn hang() -> Response {
    (axum::Extension(Never), ()).into_response()
}

/// An answer that breaks off in the middle of its body, and the connection with it.
#[must_use]
pub fn cut_off() -> Response {
    let parts = [Ok("{"), Err(std::io::Error::other("cut off"))];
    Response::new(axum::body::Body::from_stream(futures_util::stream::iter(parts)))
}

/// An address of this machine on which nothing listens.
#[must_use]
pub fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// An answer with a status and nothing else.
#[must_use]
pub fn status(code: u16) -> Response {
    StatusCode::from_u16(code).expect("a status").into_response()
}

/// What the platform answers when it is content.
#[must_use]
pub fn ok() -> Response {
    axum::Json(serde_json::json!({"run_id": "00000000-0000-4000-8000-000000000001"})).into_response()
}
