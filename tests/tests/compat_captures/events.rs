//! The events of a backend in a form that two programs can be compared by: no ids, no times.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use honeyhive_core::event::Event;
use honeyhive_local::Server;
use honeyhive_tests::all_events;
use serde_json::{Map, Value, json};

/// What is said of an event, by path: `inputs.question`.
pub(crate) type Facts = BTreeMap<String, Value>;
/// Events by session and name.
pub(crate) type Events = BTreeMap<String, Facts>;

/// What is made anew each time, or says where an event came from.
const OF_A_RUN: [&str; 4] = ["trace_id", "span_id", "parent_span_id", "has_otlp_lineage"];

pub(crate) async fn read(server: &Server) -> Events {
    let events = all_events(server).await;
    let sessions: HashMap<&str, String> = events
        .iter()
        .filter(|event| event.parent_id.is_none())
        .map(|event| (event.session_id.as_str(), session_label(event)))
        .collect();
    let names: HashMap<&str, &str> = events
        .iter()
        .map(|event| (event.event_id.as_str(), event.event_name.as_str()))
        .collect();
    let mut all = Events::new();
    for event in &events {
        let label = format!("{} / {}", sessions[event.session_id.as_str()], event.event_name);
        let parent = event.parent_id.as_deref().map(|parent| names[parent]);
        let before = all.insert(label, facts(event, parent));
        assert_eq!(before, None, "two events of one name in a session: {event:?}");
    }
    all
}

/// Sessions of one name are told apart by their question.
fn session_label(session: &Event) -> String {
    let question = session
        .inputs
        .get("q")
        .or_else(|| session.inputs.get("inputs")?.get("q"));
    format!("{} {}", session.event_name, question.unwrap_or(&Value::Null))
}

fn facts(event: &Event, parent: Option<&str>) -> Facts {
    let mut metadata = event.metadata.clone();
    for key in OF_A_RUN {
        metadata.remove(key);
    }
    if let Some(id) = metadata.get_mut("run_id") {
        *id = "<run>".into();
    }
    let mut facts = Facts::from([
        ("type".to_owned(), event.event_type.as_str().into()),
        ("source".to_owned(), event.source.as_str().into()),
        ("parent".to_owned(), json!(parent)),
        ("error".to_owned(), json!(event.error)),
    ]);
    let buckets = [
        ("inputs", &event.inputs),
        ("outputs", &event.outputs),
        ("config", &event.config),
        ("metadata", &metadata),
        ("metrics", &event.metrics),
        ("feedback", &event.feedback),
        ("user_properties", &event.user_properties),
    ];
    for (bucket, members) in buckets {
        leaves(bucket, members, &mut facts);
    }
    facts
}

fn leaves(path: &str, members: &Map<String, Value>, facts: &mut Facts) {
    for (key, value) in members {
        leaf(format!("{path}.{key}"), value, facts);
    }
}

fn leaf(path: String, value: &Value, facts: &mut Facts) {
    match value {
        Value::Object(members) if !members.is_empty() => leaves(&path, members, facts),
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                leaf(format!("{path}.{index}"), item, facts);
            }
        }
        other => {
            facts.insert(path, other.clone());
        }
    }
}

/// Lines that differ, by event; empty when the two are equal.
pub(crate) fn diff(expected: &Events, found: &Events) -> String {
    let mut text = String::new();
    let none = Facts::new();
    let mut labels: Vec<&String> = expected.keys().chain(found.keys()).collect();
    labels.sort();
    labels.dedup();
    for label in labels {
        let (before, after) = (expected.get(label).unwrap_or(&none), found.get(label).unwrap_or(&none));
        if before == after {
            continue;
        }
        let _ = writeln!(text, "{label}");
        let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
        paths.sort();
        paths.dedup();
        for path in paths {
            if before.get(path) != after.get(path) {
                for (sign, value) in [('-', before.get(path)), ('+', after.get(path))] {
                    if let Some(value) = value {
                        let _ = writeln!(text, "  {sign} {path}: {value}");
                    }
                }
            }
        }
    }
    text
}
