//! The one HTTP client of a pipeline: headers, key, timeouts, and what an answer means.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost::bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};

use crate::config::{ApiKey, Config};

const REST_TIMEOUT: Duration = Duration::from_secs(10);
const EXPORT_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read; more is an error.
const ANSWER_LIMIT: usize = 64 << 20;
/// Characters of a server's message that are repeated in an error.
const MESSAGE_LIMIT: usize = 500;

pub(crate) use reqwest::Method;

/// A transport that is made when it is first used, on the worker's thread: reading the trust store takes a while.
pub(crate) type SharedTransport = Arc<LazyLock<Transport, Box<dyn FnOnce() -> Transport + Send>>>;

pub(super) fn transport(config: Config) -> SharedTransport {
    Arc::new(LazyLock::new(Box::new(move || Transport::new(&config))))
}

/// Sends requests to one backend.
#[derive(Debug)]
pub(crate) struct Transport {
    client: Result<Client, String>,
    base: String,
    project_key: Option<HeaderValue>,
    ingestion_key: Option<HeaderValue>,
    secrets: Vec<ApiKey>,
    source: HeaderValue,
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) body: Vec<u8>,
}

/// Why a request got no successful answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("no answer: {problem}")]
    NoAnswer { problem: String },
    #[error("the HTTP client could not be made: {problem}")]
    NoClient { problem: String },
    #[error("the server answered {status}{}", .message.as_ref().map(|m| format!(": {m}")).unwrap_or_default())]
    Refused {
        status: StatusCode,
        message: Option<String>,
        retry_after: Option<Duration>,
    },
    #[error("the answer is larger than {ANSWER_LIMIT} bytes")]
    TooLarge,
}

impl SendError {
    /// Whether the same request may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::NoAnswer { .. } => true,
            Self::Refused { status, .. } => {
                status.is_server_error()
                    || matches!(*status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
            }
            Self::NoClient { .. } | Self::TooLarge => false,
        }
    }
}

impl SendError {
    /// The pause the server asked for.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl Transport {
    fn new(config: &Config) -> Self {
        Self {
            client: client(config),
            base: base(&config.server_url),
            project_key: config.project_key.as_ref().and_then(bearer),
            ingestion_key: config.key_for_ingestion().and_then(bearer),
            secrets: config
                .project_key
                .iter()
                .chain(&config.ingestion_key)
                .cloned()
                .collect(),
            source: HeaderValue::from_str(&config.source).unwrap_or_else(|_| HeaderValue::from_static("dev")),
        }
    }

    /// Sends spans.
    pub(super) async fn export(&self, body: Bytes) -> Result<Reply, SendError> {
        let mut headers = self.headers("application/x-protobuf", self.ingestion_key.as_ref());
        headers.insert(HeaderName::from_static("x-source"), self.source.clone());
        self.send(
            Method::POST,
            "/opentelemetry/v1/traces",
            headers,
            Some(body),
            EXPORT_TIMEOUT,
        )
        .await
    }

    /// Sends a session start or an event update.
    pub(super) async fn ingest(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Reply, SendError> {
        let headers = self.rest_headers(self.ingestion_key.as_ref());
        self.send(method, path, headers, Some(body.into()), REST_TIMEOUT).await
    }

    /// Calls the REST API with the project key.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Reply, SendError> {
        let headers = self.rest_headers(self.project_key.as_ref());
        self.send(method, path, headers, body.map(Bytes::from), REST_TIMEOUT)
            .await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<Bytes>,
        timeout: Duration,
    ) -> Result<Reply, SendError> {
        let no_answer = |error: reqwest::Error| SendError::NoAnswer {
            problem: explain(&error),
        };
        let client = self.client.as_ref().map_err(|problem| SendError::NoClient {
            problem: problem.clone(),
        })?;
        let mut request = client
            .request(method, format!("{}{path}", self.base))
            .headers(headers)
            .timeout(timeout);
        if let Some(body) = body {
            request = request.body(body);
        }
        let mut response = request.send().await.map_err(no_answer)?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if body.len() + chunk.len() > ANSWER_LIMIT {
                return Err(SendError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            Ok(Reply { body })
        } else {
            Err(SendError::Refused {
                status,
                message: message(&body).map(|message| self.without_keys(message)),
                retry_after: retry_after.map(Duration::from_secs),
            })
        }
    }

    /// A server may repeat what it was sent; a key goes no further.
    fn without_keys(&self, message: String) -> String {
        self.secrets
            .iter()
            .fold(message, |message, key| message.replace(key.expose(), "[key]"))
    }

    fn rest_headers(&self, key: Option<&HeaderValue>) -> HeaderMap {
        let mut headers = self.headers("application/json", key);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        if let Ok(now) = HeaderValue::from_str(&now.to_string()) {
            headers.insert(HeaderName::from_static("hh-client-timestamp"), now);
        }
        headers
    }

    fn headers(&self, content_type: &'static str, key: Option<&HeaderValue>) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(key) = key {
            headers.insert(AUTHORIZATION, key.clone());
        }
        for (name, value) in [
            ("hh-client-version", env!("CARGO_PKG_VERSION")),
            ("hh-client-language", "rust"),
            ("hh-client-package", env!("CARGO_PKG_NAME")),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }
}

/// The URL without a slash at its end, to put paths behind.
pub(super) fn base(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn client(config: &Config) -> Result<Client, String> {
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        // A redirect would carry the key and the data to another place than the one configured.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("honeyhive-rust/", env!("CARGO_PKG_VERSION")));
    if is_loopback(&config.server_url) {
        // A proxy cannot reach this machine's own addresses, and must not see what is sent to them.
        builder = builder.no_proxy();
    }
    if config.server_url.scheme() == "http" {
        // Reading the platform's trust store takes 50 ms, for nothing here.
        builder = builder.tls_certs_only(std::iter::empty());
    }
    builder.build().map_err(|error| explain(&error))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn bearer(key: &ApiKey) -> Option<HeaderValue> {
    // Keys were checked to be printable when they were parsed.
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// An HTTP error with its causes: the outer message alone never says why.
fn explain(error: &reqwest::Error) -> String {
    use std::error::Error as _;

    let mut text = if error.is_timeout() {
        "timed out".to_owned()
    } else {
        String::new()
    };
    let mut cause = error.source();
    while let Some(inner) = cause {
        let message = inner.to_string();
        if !text.contains(&message) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&message);
        }
        cause = inner.source();
    }
    if text.is_empty() { error.to_string() } else { text }
}

/// What the server says in a JSON body, or the body itself when it is short text.
fn message(body: &[u8]) -> Option<String> {
    let text = match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(json) => {
            let field = |name: &str| json.get(name).and_then(|value| value.as_str()).map(str::to_owned);
            field("message")
                .or_else(|| field("error"))
                .unwrap_or_else(|| json.to_string())
        }
        Err(_) => String::from_utf8_lossy(body).trim().to_owned(),
    };
    (!text.is_empty()).then(|| text.chars().take(MESSAGE_LIMIT).collect())
}
