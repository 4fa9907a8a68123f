//! Differences of what a span is called, says of its failure, and says of its arguments.

use serde_json::json;

use super::Difference;
use super::delivery::is_ours;

pub(crate) const GUESSED_TYPE: Difference = Difference {
    id: "guessed-type",
    row: "The type is guessed from the name unless given",
    apply: |normal| {
        for span in normal.spans.iter_mut().filter(|span| is_ours(span)) {
            // By an argument, or by the conventions for LLM calls.
            let given = [
                "honeyhive_metadata.event_type",
                "honeyhive.event_type",
                "gen_ai.operation.name",
                "openinference.span.kind",
            ];
            if !given.iter().any(|key| span.attributes.contains_key(*key)) {
                span.set_text("honeyhive_event_type", "tool");
            }
        }
    },
};

pub(crate) const NAME: Difference = Difference {
    id: "span-name",
    row: "Span name is `module.function`",
    apply: |normal| {
        for span in &mut normal.spans {
            if let Some(function) = span.name.strip_prefix("__main__.") {
                span.name = function.to_owned();
            }
        }
    },
};

pub(crate) const ERROR: Difference = Difference {
    id: "error-on-its-span",
    row: "An error adds a span `<name>_error` and is written twice",
    apply: |normal| {
        normal.spans.retain(|span| {
            !(span.failed() && span.name.ends_with("_error") && span.attributes.contains_key("honeyhive_error_type"))
        });
        for span in normal.spans.iter_mut().filter(|span| span.failed()) {
            span.events.dedup();
            if let Some((_, exception)) = span.events.first() {
                let (message, kind) = (
                    exception["exception.message"].clone(),
                    exception["exception.type"].clone(),
                );
                span.attributes.entry("honeyhive_error".to_owned()).or_insert(message);
                span.attributes.insert("honeyhive_error_type".to_owned(), kind);
            }
        }
    },
};

pub(crate) const STACKTRACE: Difference = Difference {
    id: "stacktrace",
    row: "An `exception` event has a stack trace and `exception.escaped`",
    apply: |normal| {
        for (_, attributes) in normal.spans.iter_mut().flat_map(|span| &mut span.events) {
            attributes.retain(|key, _| key != "exception.stacktrace" && key != "exception.escaped");
        }
    },
};

pub(crate) const ARGUMENT_ECHO: Difference = Difference {
    id: "argument-echo",
    row: "`honeyhive_metadata.event_type` and `.event_name` repeat the arguments",
    apply: |normal| {
        for span in &mut normal.spans {
            for name in ["event_type", "event_name"] {
                let echo = format!("honeyhive_metadata.{name}");
                if span.text(&echo).is_some() && span.text(&echo) == span.text(&format!("honeyhive_{name}")) {
                    span.attributes.remove(&echo);
                }
            }
        }
    },
};

pub(crate) const DURATION: Difference = Difference {
    id: "duration",
    row: "`honeyhive_duration_ms` only on success",
    apply: |normal| {
        for span in &mut normal.spans {
            span.attributes.insert(
                "honeyhive_duration_ms".to_owned(),
                json!({ "doubleValue": "<duration>" }),
            );
        }
    },
};

pub(crate) const SPAN_CONFIG: Difference = Difference {
    id: "span-config",
    row: "`span_config` is written twice, as `honeyhive_config` and `honeyhive_span_config`",
    apply: |normal| {
        for span in &mut normal.spans {
            span.attributes
                .retain(|key, _| !key.starts_with("honeyhive_span_config."));
        }
    },
};

pub(crate) const DECLARED_ERROR: Difference = Difference {
    id: "declared-error",
    row: "`error=` given to the decorator replaces the message of the error",
    apply: |normal| {
        // The failed span then gets the message of its exception, as any other.
        for span in normal.spans.iter_mut().filter(|span| span.failed()) {
            if !span.attributes.contains_key("honeyhive_error_type") {
                span.attributes.remove("honeyhive_error");
            }
        }
    },
};

pub(crate) const UNKNOWN_TYPE: Difference = Difference {
    id: "unknown-type",
    row: "Any text is an event type",
    apply: |normal| {
        let known = |kind: &str| matches!(kind, "model" | "tool" | "chain" | "session");
        normal
            .spans
            .retain(|span| span.text("honeyhive_event_type").is_some_and(known));
    },
};

pub(crate) const WRONG_CALL: Difference = Difference {
    id: "wrong-call",
    row: "A call with missing or surplus arguments is a failed event",
    apply: |normal| normal.spans.retain(|span| !span.status.1.starts_with("TypeError: ")),
};

pub(crate) const ATTRIBUTES_TWICE: Difference = Difference {
    id: "attributes-twice",
    row: "`start_span(attributes=…)` writes each key twice, with dots and with underscores, and a list, a dict or `None` \
          as text",
    apply: |normal| {
        for span in &mut normal.spans {
            let twins: Vec<String> = span
                .attributes
                .keys()
                .filter(|key| key.contains('.') && !key.starts_with("honeyhive"))
                .map(|key| key.replace('.', "_"))
                .collect();
            span.attributes.retain(|key, _| !twins.contains(key));
            let others = span
                .attributes
                .iter_mut()
                .filter(|(key, _)| !key.starts_with("honeyhive"));
            let mut gone = Vec::new();
            for (key, value) in others {
                let Some(text) = value["stringValue"].as_str().map(str::to_owned) else {
                    continue;
                };
                if let Ok(serde_json::Value::Array(items)) = serde_json::from_str(&text) {
                    let items = items
                        .iter()
                        .map(|item| json!({ "intValue": item.to_string() }))
                        .collect::<Vec<_>>();
                    *value = json!({ "arrayValue": {"values": items} });
                } else if text == "None" || text.starts_with('{') {
                    gone.push(key.clone());
                }
            }
            span.attributes.retain(|key, _| !gone.contains(key));
        }
    },
};

pub(crate) const DOTTED_TYPE: Difference = Difference {
    id: "dotted-type",
    row: "`tracer.trace` writes the type a second time, as `honeyhive.event_type`",
    apply: |normal| {
        for span in &mut normal.spans {
            span.attributes.remove("honeyhive.event_type");
        }
    },
};

pub(crate) const TRACER_VERSION: Difference = Difference {
    id: "tracer-version",
    row: "`enrich_span_context` writes `honeyhive.tracer_version`",
    apply: |normal| {
        for span in &mut normal.spans {
            span.attributes.remove("honeyhive.tracer_version");
        }
    },
};
