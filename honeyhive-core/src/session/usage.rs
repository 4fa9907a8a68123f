//! What the model calls of a session used: tokens and cost, counted as their spans end.

use std::sync::{Mutex, PoisonError};

use opentelemetry::{KeyValue, Value};

use crate::event::EventType;
use crate::event::conventions::{is_model, kind_of_work, place, second_place};
use crate::keys;

/// Tokens and cost of a session's model calls, as far as their spans say: `metadata` of an enrichment
/// (`prompt_tokens` or `input_tokens`, `completion_tokens` or `output_tokens`, `total_tokens`, `cost`), or what
/// OpenTelemetry's GenAI conventions and OpenInference have an attribute for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TokenUsage {
    /// Tokens that went in.
    pub input_tokens: Option<u64>,
    /// Tokens that came out.
    pub output_tokens: Option<u64>,
    /// All tokens; of a call that does not say, the sum of both.
    pub total_tokens: Option<u64>,
    /// Cost, in US dollars.
    pub cost: Option<f64>,
}

/// Sums up the model calls of a session.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sum: Mutex<TokenUsage>,
}

impl Tally {
    /// Counts a span that ended, if it is a model call: an agent around it may repeat its numbers.
    pub(crate) fn add(&self, attributes: &[KeyValue]) {
        if !is_model_call(attributes) {
            return;
        }
        let usage = of(attributes);
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        let plus = |sum: &mut Option<u64>, more: Option<u64>| {
            if let Some(more) = more {
                *sum = Some(sum.unwrap_or(0).saturating_add(more));
            }
        };
        plus(&mut sum.input_tokens, usage.input_tokens);
        plus(&mut sum.output_tokens, usage.output_tokens);
        plus(&mut sum.total_tokens, usage.total_tokens);
        if let Some(cost) = usage.cost {
            sum.cost = Some(sum.cost.unwrap_or(0.0) + cost);
        }
    }

    pub(crate) fn sum(&self) -> TokenUsage {
        *self.sum.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_model_call(attributes: &[KeyValue]) -> bool {
    let said = |key: &str| {
        let found = attributes.iter().rev().find(|pair| pair.key.as_str() == key)?;
        match &found.value {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        }
    };
    match said(keys::EVENT_TYPE) {
        Some(own) => own == EventType::Model.as_str(),
        None => {
            let names_a_model = || attributes.iter().any(|pair| is_model(pair.key.as_str()));
            kind_of_work(said, names_a_model) == Some(EventType::Model)
        }
    }
}

/// What one span says. HoneyHive's own names count first, then those of the conventions; of a repeated one the last.
fn of(attributes: &[KeyValue]) -> TokenUsage {
    let own = |key: &'_ str| {
        let path = key.strip_prefix(keys::METADATA)?.strip_prefix('.')?;
        Some(path.to_owned())
    };
    let theirs = |lookup: fn(&str) -> Option<(&'static str, &str)>| {
        move |key: &'_ str| {
            let (bucket, path) = lookup(key)?;
            (bucket == keys::METADATA).then(|| path.to_owned())
        }
    };
    let find = |names: &[&str]| {
        let is = |path: Option<String>| path.is_some_and(|path| names.contains(&path.as_str()));
        let first = |place: &dyn Fn(&str) -> Option<String>| {
            let mut all = attributes.iter().rev();
            all.find(|pair| is(place(pair.key.as_str()))).map(|pair| &pair.value)
        };
        first(&own)
            .or_else(|| first(&theirs(place)))
            .or_else(|| first(&theirs(second_place)))
    };
    let count = |names: &[&str]| match find(names)? {
        Value::I64(count) => u64::try_from(*count).ok(),
        // Some libraries make every number a float.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number within bounds"
        )]
        Value::F64(count) if count.fract() == 0.0 && (0.0..1e15).contains(count) => Some(*count as u64),
        Value::String(text) => text.as_str().parse().ok(),
        _ => None,
    };
    let input_tokens = count(&["prompt_tokens", "input_tokens"]);
    let output_tokens = count(&["completion_tokens", "output_tokens"]);
    let both = || Some(input_tokens?.saturating_add(output_tokens?));
    TokenUsage {
        input_tokens,
        output_tokens,
        total_tokens: count(&["total_tokens"]).or_else(both),
        cost: match find(&["cost"]) {
            Some(Value::F64(cost)) => Some(*cost),
            Some(Value::I64(cost)) => u32::try_from(*cost).ok().map(f64::from),
            _ => None,
        }
        .filter(|cost| cost.is_finite()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(spans: &[&[KeyValue]]) -> TokenUsage {
        let tally = Tally::default();
        spans.iter().for_each(|attributes| tally.add(attributes));
        tally.sum()
    }

    #[test]
    fn model_calls_are_summed_and_what_stands_around_them_is_not() {
        let chat = [
            KeyValue::new("gen_ai.operation.name", "chat"),
            KeyValue::new("gen_ai.usage.input_tokens", 10),
            KeyValue::new("gen_ai.usage.output_tokens", 5),
        ];
        let own = [
            KeyValue::new(keys::EVENT_TYPE, "model"),
            KeyValue::new("honeyhive_metadata.prompt_tokens", 1),
            KeyValue::new("honeyhive_metadata.total_tokens", 7),
            KeyValue::new("honeyhive_metadata.cost", 0.25),
        ];
        let agent = [
            KeyValue::new("gen_ai.operation.name", "invoke_agent"),
            KeyValue::new("gen_ai.usage.input_tokens", 10),
        ];
        let expected = TokenUsage {
            input_tokens: Some(11),
            output_tokens: Some(5),
            total_tokens: Some(22),
            cost: Some(0.25),
        };
        assert_eq!(usage(&[&chat, &own, &agent]), expected);
    }

    #[test]
    fn what_no_span_says_is_not_known() {
        let silent = [KeyValue::new(keys::EVENT_TYPE, "model")];
        assert_eq!(usage(&[&silent, &[]]), TokenUsage::default());
    }
}
