//! Settings of delivery: where spans go, in which encoding, how many at once and how soon.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Url};

use super::reader::{Reader, Setting, names};
use super::{ConfigError, TracerBuilder, parse_url};

/// Encoding of spans on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtlpProtocol {
    /// OTLP as protobuf (`http/protobuf`). The default: the smallest, and the cheapest to make.
    #[default]
    HttpProtobuf,
    /// OTLP as JSON (`http/json`), which can be read on the way.
    HttpJson,
}

/// Compression of the requests that carry spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtlpCompression {
    /// None. The default.
    #[default]
    None,
    /// gzip: a fifth of the bytes or less, for some time of the delivery thread.
    Gzip,
}

#[derive(Clone, Default)]
pub(super) struct Given {
    otlp_enabled: Option<bool>,
    otlp_endpoint: Option<String>,
    otlp_headers: Vec<(String, String)>,
    otlp_protocol: Option<OtlpProtocol>,
    otlp_compression: Option<OtlpCompression>,
    disable_batch: Option<bool>,
    batch_size: Option<usize>,
    max_export_batch_size: Option<usize>,
    max_export_batch_bytes: Option<usize>,
    max_queue_size: Option<usize>,
    max_queue_bytes: Option<usize>,
    drain_timeout: Option<Duration>,
    flush_interval: Option<Duration>,
    export_timeout: Option<Duration>,
    timeout: Option<Duration>,
    max_retries: Option<u32>,
    max_connections: Option<usize>,
    http_proxy: Option<String>,
    https_proxy: Option<String>,
    no_proxy: Option<String>,
    verify_ssl: Option<bool>,
    ca_certificate: Option<PathBuf>,
    verbose: Option<bool>,
}

/// How a pipeline delivers.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    /// Whether spans are exported at all.
    pub(crate) enabled: bool,
    /// Where spans go when not to the server itself.
    pub(crate) endpoint: Option<Url>,
    pub(crate) headers: HeaderMap,
    pub(crate) protocol: OtlpProtocol,
    pub(crate) compression: OtlpCompression,
    /// Waiting spans that are sent without waiting for more.
    pub(crate) batch_size: usize,
    /// Spans in one request, and its bytes.
    pub(crate) max_batch: usize,
    pub(crate) max_batch_bytes: usize,
    /// Spans kept until they are delivered.
    pub(crate) max_queue: usize,
    /// Bytes of all that is kept until it is delivered.
    pub(crate) max_queue_bytes: usize,
    /// How long dropping the last handle may take.
    pub(crate) drain_timeout: Duration,
    /// How long a span waits for others to share its request.
    pub(crate) flush_interval: Duration,
    pub(crate) export_timeout: Duration,
    /// Time for one REST call, session start or update.
    pub(crate) timeout: Duration,
    /// How often a REST call is repeated.
    pub(crate) max_retries: u32,
    /// Session starts or updates under way at once.
    pub(crate) max_connections: usize,
    pub(crate) http_proxy: Option<ProxyUrl>,
    pub(crate) https_proxy: Option<ProxyUrl>,
    pub(crate) no_proxy: Option<String>,
    pub(crate) verify_ssl: bool,
    /// Trusted besides the usual ones.
    pub(crate) ca_certificates: Vec<Certificate>,
    pub(crate) verbose: bool,
}

/// Address of a proxy, which may carry a password: it is not shown.
#[derive(Clone)]
pub(crate) struct ProxyUrl(pub(crate) Url);

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({:?})", self.0.host_str().unwrap_or_default())
    }
}

/// A day, in seconds: more than anybody means.
const DAY: f64 = 86_400.0;

impl Export {
    pub(super) fn resolve(given: Given, reader: &Reader<'_>) -> Result<Self, ConfigError> {
        let proxy = |given, names| reader.text(given, names).map(|text| proxy(&text)).transpose();
        let batch = |given, names| reader.number(given, names, 1..=16_384);
        let max_batch = batch(
            given.max_export_batch_size,
            names("max_export_batch_size", "HH_MAX_EXPORT_BATCH_SIZE"),
        )?
        .unwrap_or(512);
        let batch_size = batch(given.batch_size, names("batch_size", "HH_BATCH_SIZE"))?.unwrap_or(512);
        let max_batch_bytes = reader.number(
            given.max_export_batch_bytes,
            names("max_export_batch_bytes", "HH_MAX_EXPORT_BATCH_BYTES"),
            1_024..=64 << 20,
        )?;
        let max_queue = reader.number(
            given.max_queue_size,
            names("max_queue_size", "HH_MAX_QUEUE_SIZE"),
            1..=10_000_000,
        )?;
        let max_queue_bytes = reader.number(
            given.max_queue_bytes,
            names("max_queue_bytes", "HH_MAX_QUEUE_BYTES"),
            65_536..=64 << 30,
        )?;
        let drain_timeout = reader.seconds(
            given.drain_timeout,
            names("drain_timeout", "HH_DRAIN_TIMEOUT"),
            0.0..=3_600.0,
        )?;
        let flush_interval = reader.seconds(
            given.flush_interval,
            names("flush_interval", "HH_FLUSH_INTERVAL"),
            0.0..=DAY,
        )?;
        let disable_batch = reader.switch(given.disable_batch, "HH_DISABLE_BATCH")?.unwrap_or(false);
        let timeout = match reader.seconds(given.timeout, names("timeout", "HH_API_TIMEOUT"), 0.001..=DAY)? {
            Some(timeout) => Some(timeout),
            None => reader.seconds(None, names("timeout", "HH_TIMEOUT"), 0.001..=DAY)?,
        };
        let verify_ssl = reader.switch(given.verify_ssl, "HH_VERIFY_SSL")?.unwrap_or(true);
        if !verify_ssl {
            tracing::warn!("verify_ssl is off: whoever is on the way can read the API key and the data");
        }
        Ok(Self {
            enabled: reader.switch(given.otlp_enabled, "HH_OTLP_ENABLED")?.unwrap_or(true),
            endpoint: reader
                .text(given.otlp_endpoint, names("otlp_endpoint", "HH_OTLP_ENDPOINT"))
                .map(|text| parse_url(&text))
                .transpose()?,
            headers: headers(given.otlp_headers, reader)?,
            protocol: match given.otlp_protocol {
                Some(protocol) => protocol,
                None => reader
                    .variable("HH_OTLP_PROTOCOL")
                    .map(|text| protocol(&text))
                    .transpose()?
                    .unwrap_or_default(),
            },
            compression: match given.otlp_compression {
                Some(compression) => compression,
                None => reader
                    .variable("HH_OTLP_COMPRESSION")
                    .map(|text| compression(&text))
                    .transpose()?
                    .unwrap_or_default(),
            },
            batch_size: if disable_batch { 1 } else { batch_size },
            max_batch,
            max_batch_bytes: max_batch_bytes.unwrap_or(4 << 20),
            max_queue: max_queue.unwrap_or(16_384),
            max_queue_bytes: max_queue_bytes.unwrap_or(64 << 20),
            drain_timeout: drain_timeout.unwrap_or(Duration::from_secs(5)),
            flush_interval: if disable_batch {
                Duration::ZERO
            } else {
                flush_interval.unwrap_or(Duration::from_secs(1))
            },
            export_timeout: reader
                .seconds(
                    given.export_timeout,
                    names("export_timeout", "HH_EXPORT_TIMEOUT"),
                    0.001..=DAY,
                )?
                .unwrap_or(Duration::from_secs(30)),
            timeout: timeout.unwrap_or(Duration::from_secs(10)),
            max_retries: reader
                .number(given.max_retries, names("max_retries", "HH_MAX_RETRIES"), 0..=100)?
                .unwrap_or(3),
            max_connections: reader
                .number(
                    given.max_connections,
                    names("max_connections", "HH_MAX_CONNECTIONS"),
                    1..=1_000,
                )?
                .unwrap_or(32),
            http_proxy: proxy(given.http_proxy, names("http_proxy", "HH_HTTP_PROXY"))?,
            https_proxy: proxy(given.https_proxy, names("https_proxy", "HH_HTTPS_PROXY"))?,
            no_proxy: reader
                .text(given.no_proxy, names("no_proxy", "HH_NO_PROXY"))
                .map(|text| text.text),
            verify_ssl,
            ca_certificates: ca_certificates(given.ca_certificate, reader)?,
            verbose: reader.switch(given.verbose, "HH_VERBOSE")?.unwrap_or(false),
        })
    }
}

fn ca_certificates(given: Option<PathBuf>, reader: &Reader<'_>) -> Result<Vec<Certificate>, ConfigError> {
    let (setting, path) = match (given, reader.variable("HH_CA_FILE")) {
        (Some(path), _) => ("ca_certificate", path),
        (None, Some(setting)) => (setting.origin, setting.text.into()),
        (None, None) => return Ok(Vec::new()),
    };
    let invalid = |rule: String| ConfigError::InvalidValue {
        setting,
        value: path.display().to_string(),
        rule,
    };
    let text = std::fs::read(&path).map_err(|error| invalid(format!("cannot be read: {error}")))?;
    match Certificate::from_pem_bundle(&text) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(invalid("holds no certificate in PEM".to_owned())),
    }
}

fn proxy(setting: &Setting) -> Result<ProxyUrl, ConfigError> {
    match Url::parse(&setting.text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(ProxyUrl(url)),
        _ => Err(setting.invalid("is no proxy such as http://proxy.internal:3128")),
    }
}

fn protocol(setting: &Setting) -> Result<OtlpProtocol, ConfigError> {
    match setting.text.as_str() {
        "http/protobuf" => Ok(OtlpProtocol::HttpProtobuf),
        "http/json" => Ok(OtlpProtocol::HttpJson),
        _ => Err(setting.invalid("is no protocol we speak; use http/protobuf or http/json")),
    }
}

fn compression(setting: &Setting) -> Result<OtlpCompression, ConfigError> {
    match setting.text.as_str() {
        "none" => Ok(OtlpCompression::None),
        "gzip" => Ok(OtlpCompression::Gzip),
        _ => Err(setting.invalid("is no compression; use gzip or none")),
    }
}

/// Header values may be secrets: they are never shown.
fn headers(given: Vec<(String, String)>, reader: &Reader<'_>) -> Result<HeaderMap, ConfigError> {
    const VARIABLE: &str = "HH_OTLP_HEADERS";
    let invalid = |setting, name: &str, rule: &str| ConfigError::InvalidValue {
        setting,
        value: name.to_owned(),
        rule: rule.to_owned(),
    };
    let mut all: Vec<(&'static str, String, String)> = Vec::new();
    for (name, value) in reader.object(VARIABLE)?.unwrap_or_default() {
        let Some(value) = value.as_str() else {
            return Err(invalid(VARIABLE, &name, "has a value that is no text"));
        };
        all.push((VARIABLE, name, value.to_owned()));
    }
    all.extend(given.into_iter().map(|(name, value)| ("otlp_header", name, value)));
    let mut headers = HeaderMap::with_capacity(all.len());
    for (setting, name, value) in all {
        let Ok(key) = HeaderName::try_from(name.as_str()) else {
            return Err(invalid(
                setting,
                "(not shown: it may hold a secret)",
                "is no header name",
            ));
        };
        let Ok(mut value) = HeaderValue::try_from(value) else {
            return Err(invalid(setting, &name, "has a value that no header can carry"));
        };
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

/// # Delivery
impl TracerBuilder {
    /// Whether spans are exported (`HH_OTLP_ENABLED`); sessions are announced either way. Default: true.
    pub fn otlp_enabled(mut self, enabled: bool) -> Self {
        self.given.export.otlp_enabled = Some(enabled);
        self
    }

    /// Full URL spans are sent to (`HH_OTLP_ENDPOINT`), for a collector on the way. Default: the server's
    /// `/opentelemetry/v1/traces`. The key is sent there too, unless [`otlp_header`](Self::otlp_header) sets another
    /// `authorization`.
    pub fn otlp_endpoint(mut self, url: impl Into<String>) -> Self {
        self.given.export.otlp_endpoint = Some(url.into());
        self
    }

    /// Adds or replaces a header of the requests that carry spans (`HH_OTLP_HEADERS`, a JSON object). Values are never
    /// printed.
    pub fn otlp_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.given.export.otlp_headers.push((name.into(), value.into()));
        self
    }

    /// Encoding of spans (`HH_OTLP_PROTOCOL`: `http/protobuf` or `http/json`). Default: protobuf.
    pub fn otlp_protocol(mut self, protocol: OtlpProtocol) -> Self {
        self.given.export.otlp_protocol = Some(protocol);
        self
    }

    /// Compression of the requests that carry spans (`HH_OTLP_COMPRESSION`: `gzip` or `none`). Default: none.
    pub fn otlp_compression(mut self, compression: OtlpCompression) -> Self {
        self.given.export.otlp_compression = Some(compression);
        self
    }

    /// Sends every span as soon as it has ended (`HH_DISABLE_BATCH`), still in the background. Default: false.
    pub fn disable_batch(mut self, disable: bool) -> Self {
        self.given.export.disable_batch = Some(disable);
        self
    }

    /// Waiting spans that are sent at once (`HH_BATCH_SIZE`), 1 to 16,384. Default: 512.
    pub fn batch_size(mut self, spans: usize) -> Self {
        self.given.export.batch_size = Some(spans);
        self
    }

    /// Most spans in one request (`HH_MAX_EXPORT_BATCH_SIZE`), 1 to 16,384. Default: 512.
    pub fn max_export_batch_size(mut self, spans: usize) -> Self {
        self.given.export.max_export_batch_size = Some(spans);
        self
    }

    /// Most bytes of a request with spans, before compression (`HH_MAX_EXPORT_BATCH_BYTES`). A span that is larger
    /// travels alone. Default: 4 MiB.
    pub fn max_export_batch_bytes(mut self, bytes: usize) -> Self {
        self.given.export.max_export_batch_bytes = Some(bytes);
        self
    }

    /// Spans kept until they are delivered (`HH_MAX_QUEUE_SIZE`), those under way included. What ends when as many
    /// wait is dropped and counted. Default: 16,384.
    pub fn max_queue_size(mut self, spans: usize) -> Self {
        self.given.export.max_queue_size = Some(spans);
        self
    }

    /// Bytes of all that is kept until it is delivered (`HH_MAX_QUEUE_BYTES`): spans, session starts and updates.
    /// Default: 64 MiB.
    pub fn max_queue_bytes(mut self, bytes: usize) -> Self {
        self.given.export.max_queue_bytes = Some(bytes);
        self
    }

    /// How long dropping the last handle may wait for delivery (`HH_DRAIN_TIMEOUT`, seconds). Default: 5 s.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.given.export.drain_timeout = Some(timeout);
        self
    }

    /// How long a span waits for others to share its request (`HH_FLUSH_INTERVAL`, seconds). Default: 1 s.
    pub fn flush_interval(mut self, interval: Duration) -> Self {
        self.given.export.flush_interval = Some(interval);
        self
    }

    /// Time for one request with spans (`HH_EXPORT_TIMEOUT`, seconds). Default: 30 s.
    pub fn export_timeout(mut self, timeout: Duration) -> Self {
        self.given.export.export_timeout = Some(timeout);
        self
    }

    /// Time for one REST call, session start or update (`HH_API_TIMEOUT`, else `HH_TIMEOUT`, seconds). Default: 10 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.given.export.timeout = Some(timeout);
        self
    }

    /// How often a REST call that failed in a way that may pass is repeated (`HH_MAX_RETRIES`), 0 to 100. Default: 3.
    /// Spans and sessions are retried while the queue has room.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.given.export.max_retries = Some(retries);
        self
    }

    /// Most requests for sessions under way at once (`HH_MAX_CONNECTIONS`), 1 to 1,000. Default: 32.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.given.export.max_connections = Some(connections);
        self
    }

    /// Proxy for `http` servers (`HH_HTTP_PROXY`). Default: the system's proxies, all of which this
    /// replaces. Loopback is never proxied.
    pub fn http_proxy(mut self, url: impl Into<String>) -> Self {
        self.given.export.http_proxy = Some(url.into());
        self
    }

    /// Proxy for `https` servers (`HH_HTTPS_PROXY`). Default: the system's proxies, all of which this
    /// replaces.
    pub fn https_proxy(mut self, url: impl Into<String>) -> Self {
        self.given.export.https_proxy = Some(url.into());
        self
    }

    /// Hosts the proxies above are not used for (`HH_NO_PROXY`): names or addresses, separated by commas.
    pub fn no_proxy(mut self, hosts: impl Into<String>) -> Self {
        self.given.export.no_proxy = Some(hosts.into());
        self
    }

    /// Whether the server's certificate is checked (`HH_VERIFY_SSL`). Default: true. Turn it off only towards a server
    /// of your own: the API key can be read on the way.
    pub fn verify_ssl(mut self, verify: bool) -> Self {
        self.given.export.verify_ssl = Some(verify);
        self
    }

    /// A file with certificates in PEM to trust besides the platform's (`HH_CA_FILE`), for a server or a proxy whose
    /// certificate a private authority signed. With the feature `bundled-roots`, Mozilla's take the platform's place.
    pub fn ca_certificate(mut self, path: impl Into<PathBuf>) -> Self {
        self.given.export.ca_certificate = Some(path.into());
        self
    }

    /// Logs each request and what became of it at level INFO instead of DEBUG (`HH_VERBOSE`), through `tracing` and
    /// `log`. Default: false.
    pub fn verbose(mut self, verbose: bool) -> Self {
        self.given.export.verbose = Some(verbose);
        self
    }
}
