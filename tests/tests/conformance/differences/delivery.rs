//! Differences of requests, headers and resources.

use serde_json::json;

use super::Difference;
use crate::normal::{Normal, Span, string};
use crate::sessions_of;

/// Spans made by the SDK itself, not by an instrumented library.
pub(super) fn is_ours(span: &Span) -> bool {
    span.scope.starts_with("honeyhive")
}

pub(crate) const CLIENT_HEADERS: Difference = Difference {
    id: "client-headers",
    row: "`hh-client-*` headers say `python` and `honeyhive`",
    apply: |normal| {
        let requests = normal.requests.iter_mut().map(|request| &mut request.headers);
        for headers in requests.chain(normal.spans.iter_mut().map(|span| &mut span.sent)) {
            for (name, value) in [
                ("hh-client-language", "rust"),
                ("hh-client-package", "honeyhive-core"),
                ("hh-client-version", env!("CARGO_PKG_VERSION")),
            ] {
                headers.insert(name.to_owned(), value.to_owned());
            }
        }
    },
};

pub(crate) const PROTOBUF: Difference = Difference {
    id: "otlp-protobuf",
    row: "JSON, with a header per request",
    apply: |normal| {
        for span in normal.spans.iter_mut().filter(|_| !normal.json) {
            span.sent
                .insert("content-type".to_owned(), "application/x-protobuf".to_owned());
            span.shape.clear();
        }
    },
};

pub(crate) const JSON_SHAPE: Difference = Difference {
    id: "json-shape",
    row: "OTLP/JSON has names of kinds and codes, `null` for no parent, and neither links, flags nor dropped counts",
    apply: |normal| {
        const KINDS: [&str; 6] = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
        for span in normal.spans.iter_mut().filter(|_| normal.json) {
            let number = KINDS.iter().position(|kind| span.kind == format!("SPAN_KIND_{kind}"));
            let mut write = |field: &str, written: String| span.shape.insert(field.to_owned(), written);
            write("kind", number.unwrap_or_default().to_string());
            for field in ["droppedAttributesCount", "droppedEventsCount", "droppedLinksCount"] {
                write(field, "0".to_owned());
            }
            // Sampled, and known to have no remote parent.
            write("flags", "257".to_owned());
            write("links", "[]".to_owned());
            write("traceState", "\"\"".to_owned());
            let status = if span.status.0 == "STATUS_CODE_ERROR" {
                "code 2 message text"
            } else {
                "code 0 message \"\""
            };
            write("status", status.to_owned());
            if span.parent.is_none() {
                write("parentSpanId", "\"\"".to_owned());
            }
        }
    },
};

pub(crate) const START_TIME: Difference = Difference {
    id: "start-time",
    row: "`POST /session/start` carries no time",
    apply: |normal| {
        for session in normal.requests.iter_mut().filter_map(|request| request.session_mut()) {
            session.insert("start_time".to_owned(), "<time>".into());
        }
    },
};

pub(crate) const SESSION_ID: Difference = Difference {
    id: "session-id-made-here",
    row: "The constructor waits for `POST /session/start`; when that fails the session gets another, random id, even \
          one the user chose",
    apply: |normal| {
        for request in &mut normal.requests {
            let answer = request.answer.clone().unwrap_or_default();
            if let Some(session) = request.session_mut() {
                session.entry("session_id").or_insert(answer.into());
            }
        }
    },
};

pub(crate) const AUTO_CREATE: Difference = Difference {
    id: "session-auto-create",
    row: "`honeyhive.session_auto_create` only in one mode",
    apply: |normal| {
        let sessions = sessions_of(normal);
        let started = |span: &Span| sessions.get(span.session()).map(|session| session.name.clone());
        let before = normal.spans.clone();
        for span in &mut normal.spans {
            // A session that was not started has the name its tracer has: that of the first session of its scope, or
            // the program's.
            let of_tracer = || {
                before
                    .iter()
                    .filter(|other| other.scope == span.scope)
                    .find_map(started)
            };
            let name = started(span)
                .or_else(of_tracer)
                .unwrap_or_else(|| "<program>".to_owned());
            span.set_text("honeyhive.session_name", &name);
            let yes = json!({ "boolValue": true });
            span.attributes.insert("honeyhive.session_auto_create".to_owned(), yes);
        }
    },
};

pub(crate) const RESOURCE_AND_SCOPE: Difference = Difference {
    id: "resource-and-scope",
    row: "The first tracer has OpenTelemetry's default resource, the others one with process, host and container; the \
          scope is `honeyhive.` and a number",
    apply: |normal| {
        const DROPPED: [&str; 5] = ["process.", "os.", "host.", "container.", "service.instance.id"];
        let projects = sessions_of(normal).into_values().filter_map(|session| session.project);
        let unnamed = ["unknown_service:python", "honeyhive-service"].map(str::to_owned);
        let defaults: Vec<String> = projects.chain(unnamed).collect();
        for span in &mut normal.spans {
            span.resource.retain(|key, value| {
                !DROPPED.iter().any(|prefix| key.starts_with(prefix)) && *value != string("unknown")
            });
            span.resource
                .insert("telemetry.sdk.language".to_owned(), string("rust"));
            let name = span
                .resource
                .get("service.name")
                .and_then(|name| name["stringValue"].as_str());
            if name.is_some_and(|name| defaults.iter().any(|default| default == name)) {
                span.resource.insert("service.name".to_owned(), string("<program>"));
            }
            if is_ours(span) {
                span.scope = format!("honeyhive-core {}", env!("CARGO_PKG_VERSION"));
            }
        }
    },
};

pub(crate) const NO_READ_BACK: Difference = Difference {
    id: "no-read-back",
    row: "Failing to read the result back discards everything",
    apply: |normal| normal.requests.retain(|request| !request.path.ends_with("/result")),
};

pub(crate) const CREATE_EVENT: Difference = Difference {
    id: "create-event",
    row: "`create_event` posts a finished event",
    apply: |normal: &mut Normal| normal.requests.retain(|request| !request.is("POST /events")),
};

pub(crate) const NO_KEY: Difference = Difference {
    id: "no-key",
    row: "A missing key sends `Bearer None`; a bad URL falls back to the default host",
    apply: |normal| {
        normal.spans.retain(|span| span.sent["authorization"] != "Bearer None");
    },
};

pub(crate) const SERVICE: Difference = Difference {
    id: "service",
    row: "`HH_SERVICE_NAME` and `HH_SERVICE_VERSION` are ignored by the first tracer",
    apply: |normal| {
        for span in &mut normal.spans {
            span.resource.insert("service.name".to_owned(), string("svc"));
            span.resource.insert("service.version".to_owned(), string("9"));
        }
    },
};
