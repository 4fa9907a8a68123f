//! Differences of `evaluate()`.

use serde_json::{Value, json};

use std::collections::BTreeMap;

use super::Difference;
use crate::normal::{self, Normal, Request, string};

pub(crate) const CHAIN_INPUT: Difference = Difference {
    id: "chain-input",
    row: "The chain's input is `dp`, the whole datapoint with its ground truth",
    apply: |normal| {
        for span in &mut normal.spans {
            let datapoint = span.text("honeyhive_inputs.dp").map(serde_json::from_str::<Value>);
            let Some(Ok(datapoint)) = datapoint else { continue };
            span.attributes.remove("honeyhive_inputs.dp");
            for (name, value) in datapoint["inputs"].as_object().into_iter().flatten() {
                let value = match value {
                    Value::String(text) => string(text),
                    number => json!({ "intValue": number.to_string() }),
                };
                span.attributes.insert(format!("honeyhive_inputs.{name}"), value);
            }
        }
    },
};

pub(crate) const CHAIN_NAME: Difference = Difference {
    id: "chain-name",
    row: "The chain's name is repeated as `honeyhive_event_name`",
    apply: |normal| {
        for span in normal.spans.iter_mut().filter(|span| span.parent.is_none()) {
            for key in ["honeyhive_event_name", "honeyhive_metadata.event_name"] {
                span.attributes.remove(key);
            }
        }
    },
};

/// The run that is created, and what is said of it at its end.
fn runs(normal: &mut Normal) -> impl Iterator<Item = &mut Request> {
    let of_run = |request: &&mut Request| request.path.starts_with("/v1/runs") && request.method != "GET";
    normal.requests.iter_mut().filter(of_run)
}

pub(crate) const DATASET_ORDER: Difference = Difference {
    id: "dataset-order",
    row: "Results come in the order of completion",
    apply: |normal| {
        let datapoints = runs(normal).find_map(|run| run.body["datapoint_ids"].as_array().cloned());
        let position = |session: &Value| {
            let session = session.as_str().unwrap_or_default();
            let of = |id: &Value| session.ends_with(&format!(" {}>", id.as_str().unwrap_or_default()));
            datapoints.iter().flatten().position(of)
        };
        for run in runs(normal) {
            if let Some(sessions) = run.body["event_ids"].as_array_mut() {
                sessions.sort_by_key(position);
            }
        }
    },
};

pub(crate) const LEGACY_KEY: Difference = Difference {
    id: "legacy-key",
    row: "`ground_truths` is not read, and is part of the ids",
    apply: |normal| {
        // What the ids are without it, as Python computes them.
        let ids = [
            ("EXT-76f588d7a65c8157", "EXT-3d23731b09e19e0c"),
            ("EXT-72c02184d96f115f", "EXT-36362bc9de8bc790"),
            (
                "<session golden run EXT-72c02184d96f115f>",
                "<session golden run EXT-36362bc9de8bc790>",
            ),
        ];
        let ids: BTreeMap<String, String> = ids.map(|(old, new)| (old.to_owned(), new.to_owned())).into();
        normal::rename(normal, &ids);
    },
};

pub(crate) const FETCHED_BY_LIST: Difference = Difference {
    id: "fetched-by-list",
    row: "The datapoints of a managed dataset are fetched one by one; one that fails is left out of the run",
    apply: |normal| {
        let (one_by_one, rest): (Vec<Request>, Vec<Request>) = std::mem::take(&mut normal.requests)
            .into_iter()
            .partition(|request| request.path.starts_with("/v1/datapoints/"));
        normal.requests = rest;
        let ids = one_by_one.iter().filter_map(|request| request.path.rsplit('/').next());
        let ids: Vec<&str> = ids.collect();
        if let Some(first) = one_by_one.first() {
            normal.requests.push(Request {
                path: "/v1/datapoints".to_owned(),
                query: format!("datapoint_ids[]={}", ids.join(",")),
                ..first.clone()
            });
        }
    },
};

pub(crate) const NO_ADDRESS: Difference = Difference {
    id: "no-address",
    row: "Git metadata has the author's e-mail address, and the remote's URL with the credentials in it",
    apply: |normal| {
        for run in runs(normal) {
            if let Some(git) = run.body.pointer_mut("/metadata/git").and_then(Value::as_object_mut) {
                git.remove("author_email");
            }
        }
    },
};

pub(crate) const WHOLE_METADATA: Difference = Difference {
    id: "whole-metadata",
    row: "The end of a run is told without the git metadata",
    apply: |normal| {
        let metadata = runs(normal)
            .find(|run| run.method == "POST")
            .map(|run| run.body["metadata"].clone());
        for run in runs(normal).filter(|run| run.method == "PUT") {
            run.body["metadata"] = metadata.clone().unwrap_or_default();
        }
    },
};
