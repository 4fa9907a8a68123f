//! The shape of the tree, its text, and its JSON.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn event(id: &str, parent: Option<&str>, start_time: f64) -> Event {
    Event {
        event_id: id.to_owned(),
        session_id: "s".to_owned(),
        parent_id: parent.map(str::to_owned),
        event_name: id.to_owned(),
        start_time,
        ..Event::default()
    }
}

fn session() -> Event {
    Event {
        event_type: EventType::Session,
        ..event("s", None, 0.0)
    }
}

fn outline(tree: &EventTree) -> Vec<String> {
    tree.walk()
        .map(|(depth, node)| format!("{}{}", ".".repeat(depth), node.event().event_name))
        .collect()
}

#[test]
fn children_are_ordered_by_start_then_arrival_whatever_the_order_of_delivery() {
    let tree = EventTree::new(vec![
        event("late", Some("s"), 9.0),
        event("inner", Some("early"), 2.0),
        event("tie-1", Some("s"), 5.0),
        event("tie-2", Some("s"), 5.0),
        event("early", Some("s"), 1.0),
        session(),
    ]);
    assert_eq!(outline(&tree), ["s", ".early", "..inner", ".tie-1", ".tie-2", ".late"]);
}

#[test]
fn an_unknown_parent_hangs_under_the_session_and_without_a_session_is_a_root() {
    let lost = event("lost", Some("nowhere"), 1.0);
    assert_eq!(outline(&EventTree::new(vec![lost.clone(), session()])), ["s", ".lost"]);
    assert_eq!(outline(&EventTree::new(vec![lost])), ["lost"]);
}

#[test]
fn circles_are_cut_and_a_self_parent_hangs_under_the_session() {
    let own_parent = EventTree::new(vec![session(), event("self", Some("self"), 2.0)]);
    assert_eq!(outline(&own_parent), ["s", ".self"]);
    let tree = EventTree::new(vec![
        session(),
        event("a", Some("b"), 1.0),
        event("b", Some("c"), 1.0),
        event("c", Some("a"), 1.0),
        event("self", Some("self"), 2.0),
    ]);
    assert_eq!(outline(&tree).len(), 5);
    assert_eq!(outline(&tree)[0], "s");
    let alone = EventTree::new(vec![event("a", Some("b"), 1.0), event("b", Some("a"), 1.0)]);
    assert_eq!(outline(&alone).len(), 2);
}

#[test]
fn a_parent_with_an_id_of_its_own_is_found_by_its_span() {
    let span = |event: Event, id: &str, parent: &str| Event {
        metadata: json!({"trace_id": "t", "span_id": id, "parent_span_id": parent})
            .as_object()
            .cloned()
            .unwrap_or_default(),
        ..event
    };
    let tree = EventTree::new(vec![
        session(),
        span(event("custom", Some("s"), 1.0), "01", ""),
        span(event("child", Some("computed from 01"), 2.0), "02", "01"),
    ]);
    assert_eq!(outline(&tree), ["s", ".custom", "..child"]);
}

#[test]
fn the_text_shows_what_matters_and_nothing_that_changes_between_runs() {
    let object = |value: Value| value.as_object().cloned().unwrap_or_default();
    let tree = EventTree::new(vec![
        Event {
            inputs: object(json!({"question": "why?"})),
            ..session()
        },
        Event {
            event_type: EventType::Chain,
            outputs: object(json!({"result": {"content": "because", "n": [1, 2]}})),
            metrics: object(json!({"score": 0.5, "ok": true})),
            duration: 1234.0,
            ..event("answer", Some("s"), 1.0)
        },
        Event {
            metadata: object(json!({"trace_id": "t", "span_id": "x", "run_id": "r", "team": "core"})),
            error: Some("TimeoutError: too\nslow".to_owned()),
            duration: 0.25,
            ..event("search", Some("answer"), 2.0)
        },
        Event {
            event_type: EventType::Model,
            inputs: object(json!({"prompt": "x".repeat(200)})),
            ..event("complete", Some("answer"), 3.0)
        },
        event("after", Some("s"), 4.0),
    ]);
    let expected = format!(
        "\
session s
│ inputs: question=\"why?\"
├─ chain answer
│  │ outputs: result={{\"content\":\"because\",\"n\":[1,2]}}
│  │ metrics: ok=true score=0.5
│  ├─ tool search
│  │    metadata: team=\"core\"
│  │    error: TimeoutError: too⏎slow
│  └─ model complete
│       inputs: prompt=\"{}…
└─ tool after
",
        "x".repeat(119)
    );
    assert_eq!(tree.to_string(), expected);
    let text = tree.text().durations(true).lineage(true).max_value_chars(5).to_string();
    assert!(text.contains("chain answer (1.23 s)"), "{text}");
    assert!(text.contains("tool search (250 µs)"), "{text}");
    assert!(text.contains("run_id=\"r\" span_id=\"x\""), "{text}");
    assert!(text.contains("prompt=\"xxxx…"), "{text}");
}

#[test]
fn json_nests_children_and_reads_back_from_one_node_or_many() {
    let tree = EventTree::new(vec![session(), event("a", Some("s"), 1.0), event("b", Some("a"), 2.0)]);
    let nodes = serde_json::to_value(&tree).unwrap();
    assert_eq!(nodes[0]["event_id"], "s");
    assert_eq!(nodes[0]["children"][0]["children"][0]["event_name"], "b");
    assert_eq!(nodes[0]["children"][0]["children"][0]["children"], json!([]));
    assert_eq!(serde_json::from_value::<EventTree>(nodes.clone()).unwrap(), tree);
    assert_eq!(serde_json::from_value::<EventTree>(nodes[0].clone()).unwrap(), tree);
}

#[test]
fn a_very_deep_chain_of_events_is_rendered_and_carried_whole() {
    let mut events = vec![session()];
    for depth in 0..2_000 {
        let parent = if depth == 0 {
            "s".to_owned()
        } else {
            (depth - 1).to_string()
        };
        events.push(event(&depth.to_string(), Some(&parent), f64::from(depth)));
    }
    let tree = EventTree::new(events);
    assert_eq!(tree.to_string().lines().count(), 2_001);
    let text = serde_json::to_string(&tree).unwrap();
    assert_eq!(serde_json::from_str::<EventTree>(&text).unwrap(), tree);
}

#[test]
fn deep_values_leave_fewer_levels_of_events_and_the_json_can_always_be_read() {
    for depth in [1, 36, 37, 60, 100] {
        let mut value = json!([]);
        for _ in 1..depth {
            value = json!([value]);
        }
        let mut events = vec![session()];
        for number in 0..100 {
            let parent = if number == 0 {
                "s".to_owned()
            } else {
                (number - 1).to_string()
            };
            let mut event = event(&number.to_string(), Some(&parent), f64::from(number));
            event.outputs.insert("deep".to_owned(), value.clone());
            events.push(event);
        }
        let tree = EventTree::new(events);
        let text = serde_json::to_string(&tree).unwrap();
        assert_eq!(serde_json::from_str::<EventTree>(&text).unwrap(), tree, "{depth}");
        let node = serde_json::to_string(&tree.roots().next().unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<EventTree>(&node).unwrap(), tree, "{depth}");
    }
}

#[test]
fn null_times_read_as_zero() {
    let event: Event = serde_json::from_value(json!({"start_time": null, "end_time": null, "duration": null})).unwrap();
    assert_eq!(event, Event::default());
}

proptest! {
    #[test]
    fn every_event_is_in_the_tree_exactly_once(
        links in prop::collection::vec((0_usize..12, 0_usize..14, any::<bool>()), 0..30),
        with_session in any::<bool>(),
    ) {
        let mut events: Vec<Event> = links
            .iter()
            .map(|(id, parent, is_session)| Event {
                event_type: if *is_session { EventType::Session } else { EventType::Tool },
                ..event(&id.to_string(), Some(&parent.to_string()), 0.0)
            })
            .collect();
        if with_session {
            events.push(session());
            events.push(session());
        }
        let count = events.len();
        prop_assert_eq!(EventTree::new(events).walk().count(), count);
    }
}
