//! The list of deliberate differences from 0.2.57. Each is one row of `MIGRATION.md`, and rewrites what the Python SDK
//! left in the backend into what this one must leave. Nothing else may differ.

use honeyhive_eval::Dataset;
use serde_json::{Value, json};

use crate::events::{Events, Facts};

/// One deliberate difference.
pub(crate) struct Difference {
    /// First cell of its row in `MIGRATION.md`.
    pub(crate) row: &'static str,
    /// Turns the Python side into what is expected here.
    pub(crate) apply: fn(&mut Events),
}

pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        row: "Arguments are `inputs._params_.<name>`",
        apply: |events| rename(events, "inputs._params_.", "inputs."),
    },
    Difference {
        row: "`self` is an argument",
        apply: |events| remove(events, |path, _| path == "inputs.self"),
    },
    Difference {
        row: "`*args` is its `str()`, `**kwargs` are flattened",
        apply: |events| {
            for event in events.values_mut() {
                if event.contains_key("inputs.args") {
                    event.insert("inputs.args".to_owned(), json!(r#"["extra-arg"]"#));
                    event.remove("inputs.kwargs.kw.n");
                    event.insert("inputs.kwargs".to_owned(), json!(r#"{"kw":{"n":1}}"#));
                }
            }
        },
    },
    Difference {
        row: "An argument `prompt_template` is taken apart, into attributes of its own",
        apply: |events| {
            remove(events, |path, _| {
                path.starts_with("metadata.honeyhive_prompt_template.")
            });
            // Python annotates a lambda; here it is a function of that name.
            let label = |name: &str| format!("l01 session \"hi\" / {name}");
            if let Some(mut event) = events.remove(&label("<lambda>")) {
                let text = concat!(
                    r#"{"template":[{"role":"user","content":"Hi {{name}}"}],"#,
                    r#""prompt":[{"role":"user","content":"Hi Bob"}]}"#
                );
                event.insert("inputs.prompt_template".to_owned(), text.into());
                events.insert(label("lambda"), event);
            }
        },
    },
    Difference {
        row: "`None` is the text `None`",
        apply: |events| remove(events, |_, value| value == "None"),
    },
    Difference {
        row: "`disable_http_tracing` is on every event",
        apply: |events| remove(events, |path, _| path == "metadata.disable_http_tracing"),
    },
    Difference {
        row: "A session is known only when its start has arrived",
        apply: |events| {
            for (session, event) in spans(events) {
                let name = session.split(" \"").next().unwrap_or_default();
                event.insert("metadata.session_name".to_owned(), name.into());
            }
        },
    },
    Difference {
        row: "An error has a message and no type",
        apply: |events| {
            for (_, event) in spans(events).filter(|(_, event)| event["error"] == "bad") {
                event.insert("metadata.error_type".to_owned(), "Error".into());
            }
        },
    },
    Difference {
        row: "`@atrace(…)` returns a lambda, and the call fails",
        apply: |events| {
            let Some(mut event) = events.get("l01 session \"hi\" / bare").cloned() else {
                return;
            };
            event.remove("inputs.x");
            for (path, value) in [("inputs.p", "p"), ("outputs.result", "p"), ("type", "model")] {
                event.insert(path.to_owned(), value.into());
            }
            events.insert("l01 session \"hi\" / amodel".to_owned(), event);
        },
    },
    Difference {
        row: "`enrich_session(inputs=…)` prints a refusal and drops them",
        apply: |events| {
            if let Some(session) = events.get_mut("l01 session \"hi\" / l01 session") {
                session.insert("metadata.inputs.dropped".to_owned(), 1.into());
            }
        },
    },
    Difference {
        row: "`evaluate` wraps the inputs of a session: `{\"inputs\": {…}}`",
        apply: |events| rename(events, "inputs.inputs.", "inputs."),
    },
    Difference {
        row: "Ids of datasets and datapoints are MD5, 24 digits",
        apply: |events| {
            let item =
                |i: i64| json!({"inputs": {"q": format!("q{i}"), "n": i}, "ground_truth": {"a": format!("Q{i}")}});
            let dataset = Dataset::new((0..5).map(item)).unwrap();
            for (session, event) in events.iter_mut() {
                let Some(position) = (0..5).find(|i| session.contains(&format!("\"q{i}\""))) else {
                    continue;
                };
                replace(event, "metadata.dataset_id", dataset.id());
                replace(event, "metadata.datapoint_id", &dataset.datapoints()[position].id);
            }
        },
    },
    Difference {
        row: "The function that is evaluated has no event; scores are on the session",
        apply: |events| {
            let mut chains = Events::new();
            for (label, event) in events.iter_mut().filter(|(label, _)| label.starts_with("legacy run ")) {
                let Some(session) = label.strip_suffix(" / legacy run") else {
                    event.insert("parent".to_owned(), "answer".into());
                    continue;
                };
                let mut chain = event.clone();
                chain.retain(|path, _| path != "metadata.free" && !path.starts_with("outputs."));
                chain.insert("outputs.result.answer".to_owned(), event["outputs.answer"].clone());
                chain.insert("metadata.session_name".to_owned(), "legacy run".into());
                chain.insert("type".to_owned(), "chain".into());
                chain.insert("parent".to_owned(), "legacy run".into());
                chains.insert(format!("{session} / answer"), chain);
                event.retain(|path, _| !path.starts_with("metrics."));
            }
            events.append(&mut chains);
        },
    },
    Difference {
        row: "Ground truth is not sent",
        apply: |events| {
            for (label, event) in events.iter_mut() {
                if label.starts_with("legacy run ") && label.ends_with(" / legacy run") {
                    // In this program every answer is right.
                    let truth = event["outputs.answer"].clone();
                    event.insert("feedback.ground_truth.a".to_owned(), truth);
                }
            }
        },
    },
];

/// The events that are no sessions, with the labels of their sessions.
fn spans(events: &mut Events) -> impl Iterator<Item = (String, &mut Facts)> {
    events.iter_mut().filter_map(|(label, event)| {
        let (session, _) = label.split_once(" / ")?;
        (event["type"] != "session").then(|| (session.to_owned(), event))
    })
}

fn rename(events: &mut Events, old: &str, new: &str) {
    for event in events.values_mut() {
        *event = std::mem::take(event)
            .into_iter()
            .map(|(path, value)| match path.strip_prefix(old) {
                Some(rest) => (format!("{new}{rest}"), value),
                None => (path, value),
            })
            .collect();
    }
}

fn remove(events: &mut Events, is_gone: fn(&str, &Value) -> bool) {
    for event in events.values_mut() {
        event.retain(|path, value| !is_gone(path, value));
    }
}

fn replace(event: &mut Facts, path: &str, now: &str) {
    if let Some(value) = event.get_mut(path) {
        *value = now.into();
    }
}
