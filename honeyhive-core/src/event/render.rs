//! An event tree as text: for people to read, and stable enough for snapshots.

use std::fmt;

use serde_json::{Map, Value};

use super::{Event, EventNode, EventTree};

/// Metadata that ties an event to its span or its run: new on every execution, so not shown unless asked for.
const LINEAGE: [&str; 9] = [
    "trace_id",
    "span_id",
    "parent_span_id",
    "has_otlp_lineage",
    "instrumentor",
    "run_id",
    "dataset_id",
    "datapoint_id",
    "session_name",
];

/// How to write an [`EventTree`] as text; made by [`EventTree::text`].
///
/// Shows nothing that changes between two runs of the same program, so the text suits snapshots: no ids, times or
/// durations, and none of the metadata that links an event to its span or its experiment.
///
/// # Examples
///
/// ```
/// # use honeyhive_core::event::EventTree;
/// # let tree = EventTree::default();
/// println!("{}", tree.text().durations(true));
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "it is text only once it is displayed"]
pub struct TreeText<'a> {
    tree: &'a EventTree,
    durations: bool,
    lineage: bool,
    max_value_chars: usize,
}

impl EventTree {
    /// The tree as text; the same as displaying the tree, with options.
    pub fn text(&self) -> TreeText<'_> {
        TreeText {
            tree: self,
            durations: false,
            lineage: false,
            max_value_chars: 120,
        }
    }
}

impl TreeText<'_> {
    /// Shows how long each event took. Off by default.
    pub fn durations(mut self, show: bool) -> Self {
        self.durations = show;
        self
    }

    /// Shows the metadata that links events to spans, sessions and runs. Off by default.
    pub fn lineage(mut self, show: bool) -> Self {
        self.lineage = show;
        self
    }

    /// Cuts a longer value with `…`. 120 characters by default.
    pub fn max_value_chars(mut self, chars: usize) -> Self {
        self.max_value_chars = chars;
        self
    }

    fn details(&self, event: &Event) -> Vec<String> {
        let mut lines = Vec::new();
        let buckets = [
            ("inputs", &event.inputs),
            ("outputs", &event.outputs),
            ("metrics", &event.metrics),
            ("feedback", &event.feedback),
            ("config", &event.config),
            ("metadata", &event.metadata),
            ("user_properties", &event.user_properties),
        ];
        for (name, bucket) in buckets {
            if let Some(pairs) = self.pairs(bucket, name == "metadata" && !self.lineage) {
                lines.push(format!("{name}: {pairs}"));
            }
        }
        if let Some(error) = &event.error {
            // Quoting would only add noise, but the error stays on its line.
            lines.push(format!("error: {}", self.cut(error.replace('\n', "⏎"))));
        }
        lines
    }

    fn pairs(&self, bucket: &Map<String, Value>, hide_lineage: bool) -> Option<String> {
        let mut shown: Vec<_> = bucket
            .iter()
            .filter(|(key, _)| !(hide_lineage && LINEAGE.contains(&key.as_str())))
            .collect();
        // Whether a JSON object keeps its order is up to the features of the program's `serde_json`.
        shown.sort_unstable_by_key(|(key, _)| *key);
        let pairs: Vec<String> = shown
            .into_iter()
            .map(|(key, value)| {
                let mut value = value.clone();
                value.sort_all_objects();
                format!("{key}={}", self.cut(value.to_string()))
            })
            .collect();
        (!pairs.is_empty()).then(|| pairs.join(" "))
    }

    fn cut(&self, mut text: String) -> String {
        if let Some((at, _)) = text.char_indices().nth(self.max_value_chars) {
            text.truncate(at);
            text.push('…');
        }
        text
    }

    fn heading(&self, event: &Event) -> String {
        let heading = format!("{} {}", event.event_type, event.event_name);
        if self.durations {
            format!("{heading} ({})", Millis(event.duration))
        } else {
            heading
        }
    }
}

/// A duration in the unit people would say it in.
struct Millis(f64);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms if ms < 1.0 => write!(f, "{:.0} µs", ms * 1000.0),
            ms if ms < 1000.0 => write!(f, "{ms:.1} ms"),
            ms => write!(f, "{:.2} s", ms / 1000.0),
        }
    }
}

impl fmt::Display for TreeText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// A node to write: the text before its branch, the branch itself, the text before what is below it.
        struct Line<'a> {
            node: EventNode<'a>,
            indent: String,
            branch: &'static str,
            below: &'static str,
        }
        let mut waiting: Vec<Line<'_>> = self
            .tree
            .roots()
            .map(|node| Line {
                node,
                indent: String::new(),
                branch: "",
                below: "",
            })
            .collect();
        waiting.reverse();
        while let Some(line) = waiting.pop() {
            let (node, indent) = (line.node, line.indent);
            writeln!(f, "{indent}{}{}", line.branch, self.heading(node.event()))?;
            let below = indent + line.below;
            let guide = if node.child_count() == 0 { "  " } else { "│ " };
            for detail in self.details(node.event()) {
                writeln!(f, "{below}{guide}{detail}")?;
            }
            let last = node.child_count().saturating_sub(1);
            let first_below = waiting.len();
            waiting.extend(node.children().enumerate().map(|(position, node)| {
                let (branch, gap) = if position == last {
                    ("└─ ", "   ")
                } else {
                    ("├─ ", "│  ")
                };
                Line {
                    node,
                    indent: below.clone(),
                    branch,
                    below: gap,
                }
            }));
            waiting[first_below..].reverse();
        }
        Ok(())
    }
}

impl fmt::Display for EventTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}
