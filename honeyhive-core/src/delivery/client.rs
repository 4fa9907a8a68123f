//! The HTTP client: certificates, proxies, and no redirects.

use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, NoProxy, Proxy, Url};

use crate::config::Config;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn destinations(config: &Config) -> impl Iterator<Item = &Url> + Clone {
    std::iter::once(&config.server_url).chain(&config.export.endpoint)
}

/// `direct` without a proxy: none can reach this machine's own addresses, and none must see what is sent to them.
pub(super) fn client(config: &Config, direct: bool) -> Result<Client, String> {
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        // A redirect would carry the key and the data to another place than the one configured.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("honeyhive-rust/", env!("CARGO_PKG_VERSION")));
    let export = &config.export;
    if direct {
        builder = builder.no_proxy();
    } else {
        let exempt = export.no_proxy.as_deref().and_then(NoProxy::from_string);
        for (proxy, url) in [
            (Proxy::http as fn(Url) -> _, &export.http_proxy),
            (Proxy::https, &export.https_proxy),
        ] {
            if let Some(url) = url {
                let proxy = proxy(url.0.clone()).map_err(|error| explain(&error))?;
                builder = builder.proxy(proxy.no_proxy(exempt.clone()));
            }
        }
    }
    if destinations(config).all(|url| url.scheme() == "http") {
        // Reading the platform's trust store takes 50 ms, for nothing here.
        builder = builder.tls_certs_only(std::iter::empty());
    } else if !export.verify_ssl {
        builder = builder.tls_danger_accept_invalid_certs(true);
    } else {
        let more = export.ca_certificates.iter().cloned();
        builder = roots(builder, more);
    }
    builder.build().map_err(|error| explain(&error))
}

/// Trusts the platform's certificates and these.
#[cfg(not(feature = "bundled-roots"))]
fn roots(builder: ClientBuilder, more: impl Iterator<Item = Certificate>) -> ClientBuilder {
    builder.tls_certs_merge(more)
}

/// Trusts Mozilla's certificates, which are compiled in, and these.
#[cfg(feature = "bundled-roots")]
fn roots(builder: ClientBuilder, more: impl Iterator<Item = Certificate>) -> ClientBuilder {
    let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    builder.tls_certs_only(bundled.filter_map(|der| Certificate::from_der(der).ok()).chain(more))
}

pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// An HTTP error with its causes: the outer message alone never says why.
pub(super) fn explain(error: &reqwest::Error) -> String {
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
