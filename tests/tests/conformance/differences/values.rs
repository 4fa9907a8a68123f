//! Differences of how values are written.

use serde_json::{Map, Value, json};

use super::Difference;
use crate::capture::HALF_PAIR;
use crate::normal::{Attributes, Span, string};

const INPUTS: &str = "honeyhive_inputs.";
const RESULT: &str = "honeyhive_outputs.result";

/// Replaces each text among the values of this SDK by what `rule` makes of it: several attributes, or none. `None`
/// from the rule keeps it.
fn rewrite(span: &mut Span, rule: impl Fn(&str, &str) -> Option<Attributes>) {
    let mut rewritten = Attributes::new();
    for (key, value) in std::mem::take(&mut span.attributes) {
        let text = value["stringValue"].as_str().filter(|_| key.starts_with("honeyhive_"));
        match text.and_then(|text| rule(&key, text)) {
            Some(others) => rewritten.extend(others),
            None => drop(rewritten.insert(key, value)),
        }
    }
    span.attributes = rewritten;
}

fn one(key: &str, value: Value) -> Option<Attributes> {
    Some(Attributes::from([(key.to_owned(), value)]))
}

pub(crate) const NONE_AND_JSON: Difference = Difference {
    id: "none-and-json",
    row: "`None` is `\"None\"`; containers are written with `\", \"` and `\": \"`",
    apply: |normal| {
        for span in &mut normal.spans {
            rewrite(span, |key, text| {
                let input = key.starts_with(INPUTS);
                match serde_json::from_str(text) {
                    _ if !input => None,
                    _ if text == "None" => Some(Attributes::new()),
                    Ok(json @ (Value::Array(_) | Value::Object(_))) => one(key, string(&json.to_string())),
                    _ => None,
                }
            });
        }
    },
};

pub(crate) const TEXT_OF_VALUES: Difference = Difference {
    id: "text-of-values",
    row: "A tuple is JSON text; a set, bytes or an object is its `str()`, as a result in JSON quotes",
    apply: |normal| {
        for span in &mut normal.spans {
            rewrite(span, |key, text| {
                if key.starts_with(INPUTS) {
                    return one(key, string(&python_sequence(text)?.to_string()));
                }
                let written = serde_json::from_str(text)
                    .ok()
                    .filter(|value: &Value| value.is_array() || value.is_string())?;
                let sequence = written.as_str().and_then(python_sequence);
                let mut leaves = Attributes::new();
                flatten(key, &sequence.unwrap_or(written), &mut leaves);
                Some(leaves)
            });
        }
    },
};

fn flatten(key: &str, value: &Value, leaves: &mut Attributes) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&format!("{key}.{index}"), item, leaves);
            }
        }
        Value::String(text) => drop(leaves.insert(key.to_owned(), string(text))),
        Value::Number(number) => drop(leaves.insert(key.to_owned(), json!({ "intValue": number.to_string() }))),
        _ => {}
    }
}

/// What `str()` wrote for a tuple, a set or bytes, as JSON.
fn python_sequence(text: &str) -> Option<Value> {
    if let Some(bytes) = text.strip_prefix("b'").and_then(|rest| rest.strip_suffix('\'')) {
        let mut numbers: Vec<u8> = Vec::new();
        let mut rest = bytes;
        while let Some(first) = rest.chars().next() {
            match rest.strip_prefix("\\x") {
                Some(escape) => {
                    numbers.push(u8::from_str_radix(escape.get(..2)?, 16).ok()?);
                    rest = &escape[2..];
                }
                None => {
                    numbers.push(u8::try_from(first).ok()?);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        return Some(json!(numbers));
    }
    let items = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let items = items.or_else(|| {
        text.strip_prefix('{')?
            .strip_suffix('}')
            .filter(|items| !items.is_empty() && !items.contains(':'))
    })?;
    let item = |item: &str| match item {
        "None" => Some(Value::Null),
        quoted if quoted.starts_with('\'') => Some(quoted.trim_matches('\'').into()),
        number => serde_json::from_str(number).ok(),
    };
    items.split(", ").filter(|text| !text.is_empty()).map(item).collect()
}

pub(crate) const TYPE_NAMES: Difference = Difference {
    id: "type-names",
    row: "A value without a text of its own is `<… object at 0x…>`",
    apply: |normal| {
        for span in &mut normal.spans {
            rewrite(span, |key, text| {
                let object = text
                    .strip_prefix('<')
                    .filter(|_| key.starts_with(INPUTS) || key == RESULT)?;
                let name = ["Opaque", "Service", "Generator"]
                    .into_iter()
                    .find(|name| object.contains(name) || object.contains(&name.to_lowercase()))?;
                one(key, string(&format!("<conformance::objects::{name}>")))
            });
        }
    },
};

pub(crate) const WIDE_INTEGERS: Difference = Difference {
    id: "wide-integers",
    row: "Integers over 64 bits are sent as invalid OTLP",
    apply: |normal| {
        for value in normal.spans.iter_mut().flat_map(|span| span.attributes.values_mut()) {
            if let Some(digits) = value["intValue"].as_str()
                && digits.parse::<i64>().is_err()
            {
                *value = string(digits);
            }
        }
    },
};

pub(crate) const NOT_FINITE: Difference = Difference {
    id: "not-finite",
    row: "A double that is no number or infinite is text",
    apply: |normal| {
        for span in &mut normal.spans {
            rewrite(span, |key, text| {
                let number = match text {
                    "nan" => "NaN",
                    "inf" => "inf",
                    _ => return None,
                };
                // What is added to a span is text in both encodings, as Python has it.
                let captured = key.starts_with(INPUTS) || key == RESULT;
                (captured && !normal.json)
                    .then(|| one(key, json!({ "doubleValue": number })))
                    .flatten()
            });
        }
    },
};

pub(crate) const SECRETS: Difference = Difference {
    id: "secrets",
    row: "Attributes are sent as they are",
    apply: |normal| {
        for span in &mut normal.spans {
            rewrite(span, |key, _| {
                let (_, name) = key.rsplit_once('.')?;
                let secret = ["password", "api_key", "token"].contains(&name);
                secret.then(|| one(key, string("[redacted]")))?
            });
        }
    },
};

pub(crate) const HALF_PAIRS: Difference = Difference {
    id: "half-pairs",
    row: "A text with half a surrogate pair is sent, which strict parsers refuse with the whole batch",
    apply: |normal| {
        for span in &mut normal.spans {
            rewrite(span, |key, text| one(key, string(&text.replace(HALF_PAIR, "\u{fffd}"))));
        }
    },
};

pub(crate) const UNSERIALISABLE: Difference = Difference {
    id: "unserialisable",
    row: "An argument with one unserialisable part is dropped",
    apply: |normal| {
        for span in normal
            .spans
            .iter_mut()
            .filter(|span| span.name == "__main__.odd_values")
        {
            let input = format!("{INPUTS}value");
            if span.attributes.contains_key(&input) {
                continue;
            }
            let below = format!("{RESULT}.");
            let leaves = span
                .attributes
                .iter()
                .filter_map(|(key, value)| Some((key.strip_prefix(&below)?, value)));
            let members: Map<String, Value> = leaves.map(|(key, value)| (key.to_owned(), leaf(value))).collect();
            if members.is_empty() {
                for key in [&*input, RESULT] {
                    span.set_text(key, "<panicked while it was recorded>");
                }
            } else {
                // The function returns what it was given.
                let list = members.contains_key("0");
                let value = if list {
                    members.into_iter().map(|(_, item)| item).collect()
                } else {
                    Value::Object(members)
                };
                span.set_text(&input, &value.to_string());
            }
        }
    },
};

fn leaf(value: &Value) -> Value {
    match value["intValue"].as_str() {
        Some(digits) => digits.parse::<i64>().map_or(Value::Null, Value::from),
        None => value["stringValue"].clone(),
    }
}
