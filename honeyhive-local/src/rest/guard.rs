//! Who may ask: holders of the API key, or, where there is none, programs on this machine. A web page anywhere can make
//! a browser on this machine send requests; they are told from the others by their `Host` and `Origin`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::error::ApiError;

/// Middleware in front of every route; the state is the API key.
pub(super) async fn guard(
    State(key): State<Option<Arc<str>>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    match key {
        Some(key) => authorize(request.headers(), &key)?,
        None => local_only(&request)?,
    }
    Ok(next.run(request).await)
}

fn authorize(headers: &HeaderMap, key: &str) -> Result<(), ApiError> {
    let given = text(headers, &header::AUTHORIZATION).and_then(|value| value.trim().split_once(' '));
    match given {
        Some((scheme, given)) if scheme.eq_ignore_ascii_case("bearer") && given.trim_start() == key => Ok(()),
        _ => Err(ApiError::Unauthorized),
    }
}

fn local_only(request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    // In HTTP/2 the host is part of the address.
    let of_address = request.uri().authority().map(Authority::as_str);
    let host = text(headers, &header::HOST).or(of_address).unwrap_or_default();
    if !host.parse().is_ok_and(|host: Authority| is_loopback(host.host())) {
        return Err(ApiError::ForeignHost(host.to_owned()));
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or("not text");
    let own = origin
        .split_once("://")
        .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
    if own {
        Ok(())
    } else {
        Err(ApiError::ForeignOrigin(origin.to_owned()))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_is_its_name_and_its_addresses_only() {
        for host in ["localhost", "LocalHost", "127.0.0.1", "127.8.9.1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "10.0.0.1",
            "[::2]",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
