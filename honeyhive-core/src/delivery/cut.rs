//! Keeping spans within their size: texts are cut, each with a marker that says by how much.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::{Map, Value as Json};

use crate::capture::cut_at;
use crate::config::Limits;
use crate::span::keys;

/// Cuts texts over the limit of one value; where the span is too large all the same, its longest texts. What is too
/// large even then, such as a long list of numbers, is left out and counted.
pub(super) fn cut(span: &mut Span, limits: &Limits) {
    for text in texts(span) {
        if text.len() > limits.value_bytes {
            *text = cut_at(text, limits.value_bytes);
        }
    }
    let size = span.encoded_len();
    if size <= limits.span_bytes {
        return;
    }
    let of_texts = |span: &mut Span| texts(span).iter().map(|text| text.len()).sum::<usize>();
    let said = of_texts(span);
    // Half of the room is for texts, if they need it.
    leave_out(span, size - said, limits.span_bytes - said.min(limits.span_bytes / 2));
    let rest = span.encoded_len() - of_texts(span);
    let mut lengths: Vec<usize> = texts(span).iter().map(|text| text.len()).collect();
    lengths.sort_unstable();
    let level = level(&lengths, limits.span_bytes.saturating_sub(rest));
    for text in texts(span) {
        if text.len() > level.saturating_add(MARKER) {
            *text = cut_at(text, level);
        }
    }
}

/// Cuts the texts over the limit of one value in the body of a session start or an update.
pub(super) fn cut_texts(body: &mut Map<String, Json>, limits: &Limits) {
    let mut left: Vec<&mut Json> = body.values_mut().collect();
    while let Some(value) = left.pop() {
        match value {
            Json::String(text) if text.len() > limits.value_bytes => *text = cut_at(text, limits.value_bytes),
            Json::Array(items) => left.extend(items),
            Json::Object(members) => left.extend(members.values_mut()),
            _ => {}
        }
    }
}

/// Leaves out what cannot be cut, such as long lists of numbers, and counts it: of the attributes the largest, then the
/// youngest events and links, until what is not text fits into `most`; `rest` is its size.
fn leave_out(span: &mut Span, mut rest: usize, most: usize) {
    if rest <= most {
        return;
    }
    let mut sizes: Vec<usize> = span.attributes.iter().map(uncut).collect();
    let mut order: Vec<usize> = (0..sizes.len())
        .filter(|&at| !is_label(&span.attributes[at].key))
        .collect();
    order.sort_unstable_by_key(|&at| std::cmp::Reverse(sizes[at]));
    for at in order {
        // Small ones are not what makes it large.
        if rest <= most || sizes[at] < SMALL {
            break;
        }
        rest -= sizes[at];
        sizes[at] = usize::MAX;
    }
    let mut sizes = sizes.into_iter();
    let before = span.attributes.len();
    span.attributes.retain(|_| sizes.next() != Some(usize::MAX));
    span.dropped_attributes_count += u32::try_from(before - span.attributes.len()).unwrap_or(u32::MAX);
    while rest > most
        && let Some(event) = span.events.pop()
    {
        let told: usize = event
            .attributes
            .iter()
            .map(|attribute| attribute.encoded_len() - uncut(attribute))
            .sum();
        rest = rest.saturating_sub(event.encoded_len() - event.name.len() - told);
        span.dropped_events_count += 1;
    }
    while rest > most
        && let Some(link) = span.links.pop()
    {
        let told: usize = link
            .attributes
            .iter()
            .map(|attribute| attribute.encoded_len() - uncut(attribute))
            .sum();
        rest = rest.saturating_sub(link.encoded_len() - told);
        span.dropped_links_count += 1;
    }
}

/// What an attribute takes without its texts.
fn uncut(attribute: &KeyValue) -> usize {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.len(),
        _ => 0,
    };
    let texts = match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::ArrayValue(list)) => list
            .values
            .iter()
            .filter_map(|item| item.value.as_ref())
            .map(text)
            .sum(),
        Some(value) => text(value),
        None => 0,
    };
    attribute.encoded_len() - texts
}

/// Bytes of an attribute that is not left out to save room.
const SMALL: usize = 512;
/// Bytes that a marker takes, at most.
const MARKER: usize = 32;

/// The length to cut to, so that all together fit into `room`. `lengths` in ascending order.
fn level(lengths: &[usize], room: usize) -> usize {
    let mut left = room;
    for (index, &length) in lengths.iter().enumerate() {
        let share = left / (lengths.len() - index);
        if length > share {
            return share.saturating_sub(MARKER);
        }
        left -= length;
    }
    usize::MAX
}

/// All texts of a span that may be long.
fn texts(span: &mut Span) -> Vec<&mut String> {
    let mut all = Vec::with_capacity(span.attributes.len() + 2);
    let own = span.attributes.iter_mut().filter(|attribute| !is_label(&attribute.key));
    own.for_each(|attribute| text(attribute, &mut all));
    for event in &mut span.events {
        event
            .attributes
            .iter_mut()
            .for_each(|attribute| text(attribute, &mut all));
        all.push(&mut event.name);
    }
    for link in &mut span.links {
        link.attributes
            .iter_mut()
            .for_each(|attribute| text(attribute, &mut all));
    }
    all.push(&mut span.name);
    all.extend(span.status.as_mut().map(|status| &mut status.message));
    all.retain(|text| !text.is_empty());
    all
}

/// Short texts that mean something only whole.
fn is_label(key: &str) -> bool {
    matches!(
        key,
        keys::EVENT_TYPE | keys::EVENT_NAME | keys::EVENT_ID | keys::ERROR_TYPE
    )
}

fn text<'s>(attribute: &'s mut KeyValue, all: &mut Vec<&'s mut String>) {
    match attribute.value.as_mut().and_then(|value| value.value.as_mut()) {
        Some(Value::StringValue(text)) => all.push(text),
        // Attributes set through the SDK are no deeper than a list.
        Some(Value::ArrayValue(list)) => {
            for AnyValue { value } in &mut list.values {
                if let Some(Value::StringValue(text)) = value {
                    all.push(text);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits(value_bytes: usize, span_bytes: usize) -> Limits {
        Limits {
            attributes: 100,
            events: 100,
            links: 100,
            span_bytes,
            value_bytes,
        }
    }

    fn span(lengths: &[usize]) -> Span {
        let attribute = |(index, length): (usize, &usize)| KeyValue {
            key: format!("key.{index}"),
            value: Some(AnyValue {
                value: Some(Value::StringValue("x".repeat(*length))),
            }),
            ..KeyValue::default()
        };
        Span {
            attributes: lengths.iter().enumerate().map(attribute).collect(),
            ..Span::default()
        }
    }

    #[test]
    fn a_long_text_is_cut_and_says_by_how_much() {
        let mut long = span(&[70, 100]);
        cut(&mut long, &limits(80, 1 << 20));
        let found: Vec<String> = texts(&mut long).iter().map(|text| String::clone(text)).collect();
        assert_eq!(found, ["x".repeat(70), format!("{}…[+20 bytes]", "x".repeat(80))]);
    }

    #[test]
    fn texts_of_a_session_are_cut_wherever_they_stand() {
        let long = "x".repeat(100);
        let Json::Object(mut body) = serde_json::json!({"session": {"inputs": {"list": [long, 1]}}}) else {
            panic!("no object")
        };
        cut_texts(&mut body, &limits(80, 1 << 20));
        let text = body["session"]["inputs"]["list"][0].as_str().unwrap();
        assert_eq!(text, format!("{}…[+20 bytes]", "x".repeat(80)));
    }

    #[test]
    fn of_a_large_span_the_longest_texts_are_cut() {
        let mut large = span(&[100, 3_000, 5_000]);
        cut(&mut large, &limits(1 << 20, 4_096));
        let found: Vec<usize> = texts(&mut large).iter().map(|text| text.len()).collect();
        assert_eq!(found[0], 100, "the short one is left alone");
        assert!(found[1] > 1_800 && found[2] > 1_800, "{found:?}");
        assert!(large.encoded_len() <= 4_096, "{}", large.encoded_len());
    }

    #[test]
    fn lists_names_the_status_and_links_count_too() {
        use opentelemetry_proto::tonic::common::v1::ArrayValue;
        use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};

        let list = |values: Vec<Value>| KeyValue {
            key: "list".to_owned(),
            value: Some(AnyValue {
                value: Some(Value::ArrayValue(ArrayValue {
                    values: values
                        .into_iter()
                        .map(|value| AnyValue { value: Some(value) })
                        .collect(),
                })),
            }),
            ..KeyValue::default()
        };
        let long = || "x".repeat(5_000);
        let texts = list(vec![Value::StringValue(long()), Value::StringValue("short".to_owned())]);
        let mut large = Span {
            name: long(),
            attributes: vec![texts, list(vec![Value::IntValue(7); 5_000])],
            events: vec![Event {
                name: long(),
                ..Event::default()
            }],
            links: vec![Link {
                attributes: span(&[5_000]).attributes,
                ..Link::default()
            }],
            ..Span::default()
        };
        cut(&mut large, &limits(1 << 20, 4_096));
        assert!(large.encoded_len() <= 4_096, "{}", large.encoded_len());
        assert_eq!(large.dropped_attributes_count, 1, "the numbers");
        assert_eq!(
            (large.attributes.len(), large.events.len(), large.links.len()),
            (1, 1, 1)
        );
    }

    proptest! {
        #[test]
        fn a_span_of_a_few_texts_always_fits(lengths in proptest::collection::vec(0_usize..20_000, 0..12)) {
            let mut any = span(&lengths);
            cut(&mut any, &limits(1 << 20, 4_096));
            prop_assert!(any.encoded_len() <= 4_096, "{}", any.encoded_len());
        }
    }
}
