//! The one HTTP client of a pipeline: headers, key, timeouts, and what an answer means.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost::bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use zeroize::Zeroizing;

use super::body::{gzip, json};
use super::client::{client, destinations, explain, is_loopback};
use super::retry_after::retry_after;
use crate::config::{ApiKey, Config, KeyKind, OtlpCompression, OtlpProtocol};

/// Bytes of an answer that are read; more is an error.
const ANSWER_LIMIT: usize = 64 << 20;
/// Bytes of an answer to what is sent in the background. There what follows is left unread.
const RECEIPT_LIMIT: usize = 1 << 20;
/// Characters of a server's message that are repeated in an error.
const MESSAGE_LIMIT: usize = 500;

pub(crate) use reqwest::Method;

/// A transport that is made when it is first used, on the worker's thread: reading the trust store takes a while.
pub(crate) type SharedTransport = Arc<LazyLock<Transport, Box<dyn FnOnce() -> Transport + Send>>>;

pub(crate) fn transport(config: Config) -> SharedTransport {
    Arc::new(LazyLock::new(Box::new(move || Transport::new(&config))))
}

/// Sends requests to one backend.
#[derive(Debug)]
pub(crate) struct Transport {
    client: Result<Client, String>,
    /// For this machine's own addresses, when not all of the destinations are.
    direct: Option<Result<Client, String>>,
    base: String,
    project_key: Option<HeaderValue>,
    ingestion_key: Option<HeaderValue>,
    data_plane_key: Option<HeaderValue>,
    /// What must not be shown, also when a server repeats it.
    secrets: Vec<Zeroizing<String>>,
    traces_url: String,
    traces_headers: HeaderMap,
    protocol: OtlpProtocol,
    compression: OtlpCompression,
    export_timeout: Duration,
    timeout: Duration,
    verbose: bool,
}

/// A request to be sent.
struct Outgoing {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Option<Bytes>,
    timeout: Duration,
    /// Whether the answer is a receipt, of which a part is enough.
    receipt: bool,
}

/// A call of the REST API.
#[derive(Clone, Debug)]
pub(crate) struct RestCall {
    pub(crate) method: Method,
    /// With its query.
    pub(crate) path: String,
    pub(crate) body: Option<Bytes>,
    pub(crate) key: KeyKind,
    /// When it may take longer than others.
    pub(crate) timeout: Option<Duration>,
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
    #[error("the request could not be made: {problem}")]
    NoRequest { problem: String },
    #[error("the server answered {status}{}", .message.as_ref().map(|m| format!(": {m}")).unwrap_or_default())]
    Refused {
        status: StatusCode,
        message: Option<String>,
        code: Option<String>,
        request_id: Option<String>,
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
            Self::NoRequest { .. } | Self::TooLarge => false,
        }
    }

    /// Whether it is not known what became of the request.
    pub(crate) fn is_no_answer(&self) -> bool {
        matches!(self, Self::NoAnswer { .. })
    }

    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

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
        let mut local = destinations(config).map(is_loopback);
        let (some_local, all_local) = (local.clone().any(|local| local), local.all(|local| local));
        Self {
            direct: (some_local && !all_local).then(|| client(config, true)),
            client: client(config, all_local),
            base: base(&config.server_url),
            project_key: config.project_key.as_ref().and_then(bearer),
            ingestion_key: config.key_for_ingestion().and_then(bearer),
            data_plane_key: config.data_plane_key.as_ref().and_then(bearer),
            secrets: secrets(config),
            traces_url: match &config.export.endpoint {
                Some(endpoint) => endpoint.as_str().to_owned(),
                None => format!("{}/opentelemetry/v1/traces", base(&config.server_url)),
            },
            traces_headers: traces_headers(config),
            protocol: config.export.protocol,
            compression: config.export.compression,
            export_timeout: config.export.export_timeout,
            timeout: config.export.timeout,
            verbose: config.export.verbose,
        }
    }

    /// Sends spans, an encoded `ExportTraceServiceRequest`.
    pub(super) async fn export(&self, body: Bytes) -> Result<Reply, SendError> {
        let (content_type, body) = match self.protocol {
            OtlpProtocol::HttpProtobuf => ("application/x-protobuf", body),
            OtlpProtocol::HttpJson => ("application/json", json(body)?),
        };
        let mut headers = self.headers(content_type, self.ingestion_key.as_ref());
        for (name, value) in &self.traces_headers {
            headers.insert(name.clone(), value.clone());
        }
        let body = match self.compression {
            OtlpCompression::None => body,
            OtlpCompression::Gzip => {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                gzip(&body)
            }
        };
        self.send(Outgoing {
            method: Method::POST,
            url: self.traces_url.clone(),
            headers,
            body: Some(body),
            timeout: self.export_timeout,
            receipt: true,
        })
        .await
    }

    /// Sends a session start or an event update.
    pub(super) async fn ingest(&self, method: Method, path: &str, body: Bytes) -> Result<Reply, SendError> {
        self.send(Outgoing {
            method,
            url: format!("{}{path}", self.base),
            headers: self.rest_headers(self.ingestion_key.as_ref()),
            body: Some(body),
            timeout: self.timeout,
            receipt: true,
        })
        .await
    }

    /// Calls the REST API, once.
    pub(crate) async fn call(&self, call: RestCall) -> Result<Reply, SendError> {
        let key = match call.key {
            KeyKind::Project => &self.project_key,
            KeyKind::Ingestion => &self.ingestion_key,
            KeyKind::DataPlane => &self.data_plane_key,
        };
        self.send(Outgoing {
            method: call.method,
            url: format!("{}{}", self.base, call.path),
            headers: self.rest_headers(key.as_ref()),
            body: call.body,
            timeout: call.timeout.unwrap_or(self.timeout),
            receipt: false,
        })
        .await
    }

    async fn send(&self, mut outgoing: Outgoing) -> Result<Reply, SendError> {
        let bytes = outgoing.body.as_ref().map_or(0, Bytes::len);
        let outcome = self.attempt(&mut outgoing).await;
        let Outgoing { method, url, .. } = &outgoing;
        let became: &dyn fmt::Display = match &outcome {
            Ok(_) => &"accepted",
            Err(error) => error,
        };
        if self.verbose {
            tracing::info!(bytes, "{method} {url}: {became}");
        } else {
            tracing::debug!(bytes, "{method} {url}: {became}");
        }
        outcome
    }

    async fn attempt(&self, outgoing: &mut Outgoing) -> Result<Reply, SendError> {
        let no_answer = |error: reqwest::Error| SendError::NoAnswer {
            problem: explain(&error),
        };
        let local = self
            .direct
            .as_ref()
            .filter(|_| Url::parse(&outgoing.url).is_ok_and(|url| is_loopback(&url)));
        let client = local
            .unwrap_or(&self.client)
            .as_ref()
            .map_err(|problem| SendError::NoRequest {
                problem: problem.clone(),
            })?;
        let mut request = client
            .request(outgoing.method.clone(), &outgoing.url)
            .headers(std::mem::take(&mut outgoing.headers))
            .timeout(outgoing.timeout);
        if let Some(body) = outgoing.body.take() {
            request = request.body(body);
        }
        let mut response = request.send().await.map_err(no_answer)?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let request_id = response.headers().get("x-request-id");
        let request_id = request_id.and_then(|id| id.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if outgoing.receipt && body.len() + chunk.len() > RECEIPT_LIMIT {
                break;
            }
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
                message: message(&body).map(|message| self.showable(message)),
                code: code(&body).map(|code| self.showable(code)),
                request_id: request_id.map(|id| self.showable(id)),
                retry_after,
            })
        }
    }

    /// What a server said, for an error. It may repeat what it was sent; a key goes no further, nor does half of one.
    pub(crate) fn showable(&self, text: String) -> String {
        let without_keys = self
            .secrets
            .iter()
            .fold(text, |text, key| text.replace(key.as_str(), "[key]"));
        without_keys.chars().take(MESSAGE_LIMIT).collect()
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

/// The keys, and what may be one in the headers for a collector.
fn secrets(config: &Config) -> Vec<Zeroizing<String>> {
    let keys = [&config.project_key, &config.ingestion_key, &config.data_plane_key];
    let keys = keys.into_iter().flatten().map(ApiKey::expose);
    let headers = config.export.headers.values().filter_map(|value| value.to_str().ok());
    // `Bearer` and words as short are no secrets.
    let words = headers.flat_map(str::split_whitespace).filter(|word| word.len() >= 8);
    keys.chain(words)
        .map(|secret| Zeroizing::new(secret.to_owned()))
        .collect()
}

/// Headers of the requests that carry spans; those configured win.
fn traces_headers(config: &Config) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(source) = HeaderValue::from_bytes(config.source.as_bytes()) {
        headers.insert(HeaderName::from_static("x-source"), source);
    }
    for (name, value) in &config.export.headers {
        headers.insert(name.clone(), value.clone());
    }
    headers
}

/// The header, whose text is wiped from memory with its last copy.
fn bearer(key: &ApiKey) -> Option<HeaderValue> {
    let text = Zeroizing::new(["Bearer ", key.expose()].concat().into_bytes());
    // Keys were checked to be printable when they were parsed.
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).ok()?;
    value.set_sensitive(true);
    Some(value)
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
    (!text.is_empty()).then_some(text)
}

/// What the server calls the error, for programs.
fn code(body: &[u8]) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    let code = ["errorCode", "error_code", "code", "error"]
        .into_iter()
        .find_map(|name| json.get(name)?.as_str())?;
    Some(code.to_owned())
}
