//! Events as the tree they form: built from a flat list, walked, and carried as nested JSON.

use std::collections::HashMap;

use serde::de::Deserializer;
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Event, EventType};

/// Levels of events in JSON at most; events further down are listed under the last level (their `parent_id` still tells
/// the truth), so that common JSON readers, which stop at a depth of about 128, can read any tree.
const MAX_EVENT_DEPTH: usize = 40;
/// Objects and arrays inside one another in the JSON of a tree, those in the values of its events included.
const MAX_JSON_DEPTH: usize = 120;

/// The events of one or more sessions, as a tree.
///
/// Children are ordered by start time, then by arrival. An event whose parent is unknown hangs under its session,
/// and is a root when the session is unknown too. No event is ever dropped, and parents that form a circle are cut.
///
/// As JSON it is an array of nodes, each node the fields of an [`Event`] and `children`. Reading accepts a single
/// node as well, which is what a backend answers for one session.
///
/// # Examples
///
/// ```
/// use honeyhive_core::event::{Event, EventTree};
///
/// # fn main() -> Result<(), serde_json::Error> {
/// let events: Vec<Event> = serde_json::from_str(
///     r#"[{"event_id": "s", "session_id": "s", "event_type": "session", "event_name": "chat"},
///         {"event_id": "e", "session_id": "s", "parent_id": "s", "event_type": "model", "event_name": "answer",
///          "outputs": {"result": "42"}}]"#,
/// )?;
/// let tree = EventTree::new(events);
/// assert_eq!(tree.to_string(), "session chat\n└─ model answer\n     outputs: result=\"42\"\n");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventTree {
    events: Vec<Event>,
    children: Vec<Vec<usize>>,
    roots: Vec<usize>,
}

impl EventTree {
    /// Builds the tree of these events.
    #[must_use]
    pub fn new(events: Vec<Event>) -> Self {
        let parents = parents(&events);
        let mut children = vec![Vec::new(); events.len()];
        let mut roots = Vec::new();
        for (index, parent) in parents.into_iter().enumerate() {
            match parent {
                Some(parent) => children[parent].push(index),
                None => roots.push(index),
            }
        }
        // A stable sort keeps arrival order among equal times.
        for siblings in children.iter_mut().chain([&mut roots]) {
            siblings.sort_by(|a, b| events[*a].start_time.total_cmp(&events[*b].start_time));
        }
        Self {
            events,
            children,
            roots,
        }
    }

    /// The events without a parent: sessions, and events whose session is unknown.
    pub fn roots(&self) -> impl Iterator<Item = EventNode<'_>> {
        self.nodes(&self.roots)
    }

    /// Every event with its depth, parents before their children; a root has depth 0.
    pub fn walk(&self) -> impl Iterator<Item = (usize, EventNode<'_>)> {
        let mut stack: Vec<(usize, usize)> = self.roots.iter().rev().map(|index| (0, *index)).collect();
        std::iter::from_fn(move || {
            let (depth, index) = stack.pop()?;
            stack.extend(self.children[index].iter().rev().map(|child| (depth + 1, *child)));
            Some((depth, EventNode { tree: self, index }))
        })
    }

    /// The first event of this name, in the order of [`walk`](Self::walk).
    #[must_use]
    pub fn find(&self, event_name: &str) -> Option<EventNode<'_>> {
        self.walk()
            .map(|(_, node)| node)
            .find(|node| node.event().event_name == event_name)
    }

    /// Number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there are no events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The events, in the order they were given.
    #[must_use]
    pub fn into_events(self) -> Vec<Event> {
        self.events
    }

    fn nodes<'a>(&'a self, indexes: &'a [usize]) -> impl Iterator<Item = EventNode<'a>> {
        indexes.iter().map(|index| EventNode {
            tree: self,
            index: *index,
        })
    }
}

/// One event in its tree. As JSON: the fields of the event and `children`.
#[derive(Clone, Copy, Debug)]
pub struct EventNode<'a> {
    tree: &'a EventTree,
    index: usize,
}

impl<'a> EventNode<'a> {
    /// The event itself.
    #[must_use]
    pub fn event(self) -> &'a Event {
        &self.tree.events[self.index]
    }

    /// The events directly below, by start time.
    pub fn children(self) -> impl Iterator<Item = Self> {
        self.tree.nodes(&self.tree.children[self.index])
    }

    /// Number of events directly below.
    #[must_use]
    pub fn child_count(self) -> usize {
        self.tree.children[self.index].len()
    }

    /// Every event below, parents before their children.
    fn descendants(self) -> impl Iterator<Item = Self> {
        let mut stack: Vec<usize> = self.tree.children[self.index].iter().rev().copied().collect();
        std::iter::from_fn(move || {
            let index = stack.pop()?;
            stack.extend(self.tree.children[index].iter().rev());
            Some(EventNode { tree: self.tree, index })
        })
    }
}

/// For each event the index of the one it hangs under.
fn parents(events: &[Event]) -> Vec<Option<usize>> {
    let mut by_id = HashMap::with_capacity(events.len());
    let mut by_span = HashMap::new();
    for (index, event) in events.iter().enumerate() {
        by_id.entry(event.event_id.as_str()).or_insert(index);
        if let Some(span) = span_of(event, "span_id") {
            by_span.entry(span).or_insert(index);
        }
    }
    let session = |event: &Event| {
        let index = *by_id.get(event.session_id.as_str())?;
        (events[index].event_type == EventType::Session).then_some(index)
    };
    let mut parents: Vec<Option<usize>> = events
        .iter()
        .enumerate()
        .map(|(index, event)| {
            if is_session_root(event) {
                // A second row of one session belongs under the first.
                return session(event).filter(|first| *first != index);
            }
            // What names itself as its parent has named none.
            let other = |parent: &usize| *parent != index;
            let named = event.parent_id.as_deref().and_then(|id| by_id.get(id).copied());
            // A parent that was given an id of its own is still known by its span.
            let traced = || by_span.get(&span_of(event, "parent_span_id")?).copied();
            named
                .filter(other)
                .or_else(|| traced().filter(other))
                .or_else(|| session(event).filter(other))
        })
        .collect();
    cut_circles(&mut parents, |index| session(&events[index]));
    parents
}

fn is_session_root(event: &Event) -> bool {
    event.event_type == EventType::Session && event.event_id == event.session_id
}

fn span_of<'a>(event: &'a Event, key: &str) -> Option<(&'a str, &'a str)> {
    let text = |key| event.metadata.get(key).and_then(Value::as_str);
    Some((text("trace_id")?, text(key)?))
}

/// Hangs one event of every circle of parents under its session, or makes it a root.
fn cut_circles(parents: &mut [Option<usize>], session: impl Fn(usize) -> Option<usize>) {
    const UNSEEN: usize = usize::MAX;
    let mut seen_from = vec![UNSEEN; parents.len()];
    for start in 0..parents.len() {
        let mut at = start;
        while seen_from[at] == UNSEEN {
            seen_from[at] = start;
            let Some(parent) = parents[at] else { break };
            if seen_from[parent] == start {
                // A session's first row has no parent, so hanging an event under it closes no new circle.
                parents[at] = session(at).filter(|root| *root != at && parents[*root].is_none());
                break;
            }
            at = parent;
        }
    }
}

impl Serialize for EventTree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let levels = Some(levels(self.events.iter()));
        serializer.collect_seq(self.roots().map(|node| NodeAt { node, levels }))
    }
}

impl Serialize for EventNode<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let events = std::iter::once(self.event()).chain(self.descendants().map(Self::event));
        let levels = Some(levels(events));
        NodeAt { node: *self, levels }.serialize(serializer)
    }
}

/// Levels of events that leave room for the deepest value among them.
fn levels<'a>(events: impl Iterator<Item = &'a Event>) -> usize {
    let deepest = events
        .flat_map(|event| {
            [
                &event.inputs,
                &event.outputs,
                &event.config,
                &event.metadata,
                &event.metrics,
                &event.feedback,
                &event.user_properties,
            ]
        })
        .map(depth_of)
        .max()
        .unwrap_or_default();
    // Every level is an object in an array; the last level has one more below it.
    let room = MAX_JSON_DEPTH.saturating_sub(deepest) / 2;
    room.saturating_sub(2).min(MAX_EVENT_DEPTH)
}

/// Objects and arrays inside one another in an object, itself included.
fn depth_of(object: &Map<String, Value>) -> usize {
    let mut waiting: Vec<(usize, &Value)> = object.values().map(|value| (1, value)).collect();
    let mut deepest = 1;
    while let Some((depth, value)) = waiting.pop() {
        match value {
            Value::Array(items) => waiting.extend(items.iter().map(|item| (depth + 1, item))),
            Value::Object(object) => waiting.extend(object.values().map(|value| (depth + 1, value))),
            _ => continue,
        }
        deepest = deepest.max(depth + 1);
    }
    deepest
}

/// A node with the levels of events left below it.
struct NodeAt<'a> {
    node: EventNode<'a>,
    levels: Option<usize>,
}

impl Serialize for NodeAt<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            #[serde(flatten)]
            event: &'a Event,
            children: Children<'a>,
        }
        Fields {
            event: self.node.event(),
            children: Children {
                node: self.node,
                levels: self.levels,
            },
        }
        .serialize(serializer)
    }
}

/// The events below a node; without levels there are none, since they are listed further up.
struct Children<'a> {
    node: EventNode<'a>,
    levels: Option<usize>,
}

impl Serialize for Children<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.levels {
            None => serializer.serialize_seq(Some(0))?.end(),
            Some(0) => serializer.collect_seq(self.node.descendants().map(|node| NodeAt { node, levels: None })),
            Some(levels) => {
                let levels = Some(levels - 1);
                serializer.collect_seq(self.node.children().map(|node| NodeAt { node, levels }))
            }
        }
    }
}

impl<'de> Deserialize<'de> for EventTree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Node {
            #[serde(flatten)]
            event: Event,
            #[serde(default)]
            children: Vec<Self>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Nodes {
            Many(Vec<Node>),
            One(Box<Node>),
        }
        let mut waiting = match Nodes::deserialize(deserializer)? {
            Nodes::Many(nodes) => nodes,
            Nodes::One(node) => vec![*node],
        };
        waiting.reverse();
        let mut events = Vec::new();
        while let Some(Node { event, children }) = waiting.pop() {
            events.push(event);
            waiting.extend(children.into_iter().rev());
        }
        Ok(Self::new(events))
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
