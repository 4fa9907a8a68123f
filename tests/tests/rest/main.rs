//! The REST client: every operation against the embedded backend or a server that answers as the API documents,
//! repeats, pages, splits, waits, and answers nobody would expect.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod anything;
mod calls;
mod local;
mod routes;
mod waiting;

use honeyhive_core::api::Client;
use honeyhive_tests::KEY;
use serde_json::{Map, Value};

/// A client on a server, with a key of each kind, untouched by the environment.
fn client(url: &str) -> Client {
    let id = "a".repeat(24);
    let secret = "b".repeat(64);
    Client::builder()
        .environment([("HH_API_KEY", KEY)])
        .ingestion_api_key(format!("hh_ingst_{id}_{secret}"))
        .data_plane_api_key(format!("hh_fgdp_{id}_{secret}"))
        .server_url(url)
        .build()
        .unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
