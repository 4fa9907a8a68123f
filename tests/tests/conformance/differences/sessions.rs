//! Differences of which session, tracer and pipeline things belong to.

use serde_json::json;

use super::Difference;
use super::delivery::is_ours;
use crate::normal::Normal;
use crate::sessions_of;

pub(crate) const FOREIGN_PARENT: Difference = Difference {
    id: "foreign-parent",
    row: "An outer span of another tracer becomes the parent",
    apply: |normal| {
        let before = normal.clone();
        for (span, old) in normal.spans.iter_mut().zip(&before.spans) {
            let foreign = before
                .parent_of(old)
                .is_some_and(|parent| parent.session() != old.session());
            if foreign {
                span.parent = None;
                span.trace = format!("{} of {}", span.trace, span.id);
            }
        }
    },
};

pub(crate) const TRACER_GIVEN: Difference = Difference {
    id: "tracer-given",
    row: "Session, project and source come from baggage first",
    apply: |normal| {
        let sessions = sessions_of(normal);
        for span in &mut normal.spans {
            // The key tells which tracer was given.
            let home = sessions
                .values()
                .find(|session| session.key == span.sent["authorization"]);
            home.expect("a session of that key").take(span);
        }
    },
};

pub(crate) const NO_TRACER_GIVEN: Difference = Difference {
    id: "no-tracer-given",
    row: "With several tracers the last one made is used",
    apply: |normal| {
        // No tracer active and none default: not recorded.
        normal
            .spans
            .retain(|span| span.name != "__main__.undirected" || span.parent.is_some());
        let before = normal.clone();
        let sessions = sessions_of(normal);
        for (span, old) in normal.spans.iter_mut().zip(&before.spans) {
            if span.name == "__main__.undirected"
                && let Some(outer) = before.parent_of(old)
            {
                // The active one.
                span.sent = outer.sent.clone();
            }
            let default_is_first = span.text("honeyhive_inputs.label") == Some("main thread, default=first");
            if default_is_first || span.name == "__main__.event_id_free" {
                sessions["<session first>"].take(span);
            }
        }
        for request in &mut normal.requests {
            if request.body["event_id"] == "88888888-8888-4888-8888-888888888888" {
                request
                    .headers
                    .insert("authorization".to_owned(), sessions["<session first>"].key.clone());
            }
        }
    },
};

pub(crate) const LIBRARY_SPANS: Difference = Difference {
    id: "library-spans",
    row: "Spans of instrumented libraries leave with the key and project of the first tracer",
    apply: |normal| {
        let sessions = sessions_of(normal);
        for span in normal.spans.iter_mut().filter(|span| !is_ours(span)) {
            if let Some(session) = sessions.get(span.session()) {
                session.take(span);
            }
        }
    },
};

pub(crate) const INVALID_SESSION_ID: Difference = Difference {
    id: "invalid-session-id",
    row: "A session id that is no UUID is replaced by a new one",
    apply: |normal| {
        let named = "invalid";
        normal
            .requests
            .retain(|request| request.session().is_none_or(|session| session["session_name"] != named));
        normal.spans.retain(|span| span.session() != "<session invalid>");
    },
};

pub(crate) const EVENT_UPDATE: Difference = Difference {
    id: "event-update",
    row: "`enrich_span(event_id=…)` drops inputs and error",
    apply: |normal| {
        for request in normal.requests.iter_mut().filter(|request| request.is("PUT /events")) {
            request.body["metadata"]["inputs"] = json!({ "dropped": "?" });
            request.body["metadata"]["error"] = "dropped?".into();
        }
    },
};

pub(crate) const SOURCE_OF_SESSION: Difference = Difference {
    id: "source-of-session",
    row: "`create_session(source=…)` changes the session and not its spans",
    apply: |normal| {
        let sessions = sessions_of(normal);
        for span in &mut normal.spans {
            if let Some(session) = sessions.get(span.session()) {
                session.set_source(span);
            }
        }
    },
};

pub(crate) const SCOPE_ENDS: Difference = Difference {
    id: "scope-ends",
    row: "`with_session` does not end: what comes after stays in its session",
    apply: |normal| {
        let sessions = sessions_of(normal);
        for span in &mut normal.spans {
            match span.text("honeyhive_inputs.text") {
                Some("after with_session") => sessions["<session init session>"].take(span),
                Some("outer 2") => sessions["<session outer>"].take(span),
                _ => {}
            }
        }
    },
};

pub(crate) const SESSION_START: Difference = Difference {
    id: "session-start",
    row: "`session_start()` makes a session and keeps using the old one",
    apply: |normal| {
        // The only one whose start does not name the project.
        normal
            .requests
            .retain(|request| request.session().is_none_or(|session| session.contains_key("project")));
    },
};

pub(crate) const BAGGAGE: Difference = Difference {
    id: "baggage",
    row: "Baggage is copied onto spans as `baggage.<key>`",
    apply: |normal| {
        for span in &mut normal.spans {
            span.attributes.retain(|key, _| !key.starts_with("baggage."));
        }
    },
};

/// Names the one session of a capture, and what it is part of.
fn set_session(normal: &mut Normal, name: &str, id: Option<&str>, ids: Option<[&str; 3]>) {
    let keys = ["run_id", "dataset_id", "datapoint_id"];
    for session in normal.requests.iter_mut().filter_map(|request| request.session_mut()) {
        session.insert("session_name".to_owned(), name.into());
        session.remove("inputs");
        session.remove("metadata");
        if let Some(id) = id {
            session.insert("session_id".to_owned(), id.into());
        }
        if let Some(ids) = ids {
            let metadata: serde_json::Map<_, _> = keys
                .iter()
                .zip(ids)
                .map(|(key, id)| ((*key).to_owned(), id.into()))
                .collect();
            session.insert("metadata".to_owned(), metadata.into());
        }
    }
    let label = id.map_or_else(|| format!("<session {name}>"), str::to_owned);
    for request in &mut normal.requests {
        request.answer = Some(label.clone());
    }
    for span in &mut normal.spans {
        span.set_text("honeyhive.session_id", &label);
        span.set_text("traceloop.association.properties.session_id", &label);
        for (index, key) in keys.iter().enumerate() {
            let key = format!("honeyhive_metadata.{key}");
            span.attributes.remove(&key);
            if let Some(ids) = ids {
                span.set_text(&key, ids[index]);
            }
        }
    }
}

pub(crate) const ENVIRONMENT_OBEYED: Difference = Difference {
    id: "environment-obeyed",
    row: "`HH_SESSION_NAME`, `HH_SESSION_ID`, `HH_RUN_ID`, `HH_DATASET_ID` and `HH_DATAPOINT_ID` are ignored",
    apply: |normal| {
        let ids = ["env-run", "env-dataset", "env-datapoint"];
        set_session(
            normal,
            "env-session-name",
            Some("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"),
            Some(ids),
        );
    },
};

pub(crate) const BARE_NAMES: Difference = Difference {
    id: "bare-names",
    row: "`SESSION_ID`, `RUN_ID`, `INPUTS`, … are read",
    apply: |normal| set_session(normal, "<program>", None, None),
};
