//! A server and a client for it.

use honeyhive_core::event::EventTree;
use honeyhive_local::Server;
use reqwest::blocking::{Client, Response};
use serde_json::{Value, json};

pub(crate) const SESSION: &str = "0a0a0a0a-0b0b-4c0c-8d0d-0e0e0e0e0e0e";

/// A server of its own for one test.
pub(crate) struct Api {
    pub(crate) url: String,
    pub(crate) http: Client,
    _server: Option<Server>,
}

impl Api {
    pub(crate) fn start() -> Self {
        Self::of(Server::builder().start().unwrap())
    }

    pub(crate) fn of(server: Server) -> Self {
        Self {
            _server: Some(server),
            ..Self::at(String::new())
        }
        .with_url()
    }

    pub(crate) fn at(url: String) -> Self {
        Self {
            url,
            http: Client::builder().no_proxy().build().unwrap(),
            _server: None,
        }
    }

    fn with_url(mut self) -> Self {
        self.url = self._server.as_ref().map(|server| server.url().to_owned()).unwrap();
        self
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.http.post(self.path(path)).json(body).send().unwrap())
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.http.put(self.path(path)).json(body).send().unwrap())
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        read(self.http.get(self.path(path)).send().unwrap())
    }

    /// The answer to a request that must succeed.
    pub(crate) fn ok(&self, path: &str, body: &Value) -> Value {
        accepted(self.post(path, body))
    }

    pub(crate) fn tree(&self, session_id: &str) -> EventTree {
        let node = accepted(self.get(&format!("/v1/sessions/{session_id}")));
        serde_json::from_value(node).unwrap()
    }

    pub(crate) fn start_session(&self, session_id: &str) {
        self.ok(
            "/session/start",
            &json!({"session": {"session_id": session_id, "session_name": "test", "source": "t"}}),
        );
    }

    /// Every event, as the export answers it.
    pub(crate) fn export(&self, filters: &Value) -> Vec<Value> {
        let answer = self.ok("/v1/events/export", &json!({"filters": filters}));
        answer["events"].as_array().cloned().unwrap()
    }

    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

pub(crate) fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let bytes = response.bytes().unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

pub(crate) fn accepted((status, body): (u16, Value)) -> Value {
    assert_eq!(status, 200, "{body}");
    body
}

/// Asserts a refusal that blames this field.
pub(crate) fn refused((status, body): (u16, Value), field: &str) {
    assert_eq!(status, 400, "{body}");
    assert_eq!(body["field"], field, "{body}");
    let message = body["message"].as_str().unwrap();
    assert!(message.contains(field) && message.contains("expected"), "{body}");
}
