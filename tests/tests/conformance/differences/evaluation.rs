//! Differences of `evaluate()`.

use serde_json::{Value, json};

use super::Difference;

pub(crate) const CHAIN_INPUT: Difference = Difference {
    id: "chain-input",
    row: "The chain's input is `dp`, the whole datapoint with its ground truth",
    apply: |normal| {
        for span in &mut normal.spans {
            let datapoint = span.text("honeyhive_inputs.dp").map(serde_json::from_str::<Value>);
            let Some(Ok(datapoint)) = datapoint else { continue };
            span.attributes.remove("honeyhive_inputs.dp");
            for (name, value) in datapoint["inputs"].as_object().into_iter().flatten() {
                let value = json!({ "intValue": value.to_string() });
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
