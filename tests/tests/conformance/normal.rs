//! The form in which a Python capture and a recording of this SDK are compared: REST requests, and spans as trees.
//! Ids, times and durations are placeholders, the same on both sides.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Facts by path, such as `agent / llm > attributes > honeyhive_event_type`.
pub(crate) type Facts = BTreeMap<String, String>;
/// Attributes by key; a value is an OTLP `AnyValue` as JSON.
pub(crate) type Attributes = BTreeMap<String, Value>;

/// What arrived at a server.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Normal {
    /// Whether spans are, or must be, sent as OTLP/JSON. The captures are, but for one.
    pub(crate) json: bool,
    pub(crate) requests: Vec<Request>,
    pub(crate) spans: Vec<Span>,
}

/// A request that carries no spans.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
    /// Id of the session the server answered with; not compared.
    pub(crate) answer: Option<String>,
}

impl Request {
    /// Whether it is of this method and path.
    pub(crate) fn is(&self, line: &str) -> bool {
        line.split_once(' ') == Some((&self.method, &self.path))
    }

    /// The session in the body of `POST /session/start`.
    pub(crate) fn session(&self) -> Option<&serde_json::Map<String, Value>> {
        self.is("POST /session/start")
            .then(|| self.body["session"].as_object())?
    }

    /// As [`session`](Self::session), to change it.
    pub(crate) fn session_mut(&mut self) -> Option<&mut serde_json::Map<String, Value>> {
        self.session()?;
        self.body["session"].as_object_mut()
    }

    /// What tells this request from others of its line.
    fn label(&self) -> String {
        let about = match self.session() {
            Some(session) => session_label(session),
            None => self.body["event_id"].as_str().unwrap_or_default().to_owned(),
        };
        format!("{} {} {about}", self.method, self.path)
    }

    fn facts(&self) -> Facts {
        let mut facts = Facts::new();
        facts.insert("query".to_owned(), self.query.clone());
        for (name, value) in &self.headers {
            facts.insert(format!("headers > {name}"), value.clone());
        }
        leaves("body", &self.body, &mut facts);
        facts
    }
}

/// A span together with what its export request said about it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) id: String,
    pub(crate) trace: String,
    pub(crate) parent: Option<String>,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) attributes: Attributes,
    pub(crate) events: Vec<(String, Attributes)>,
    /// Code and message.
    pub(crate) status: (String, String),
    /// Line and headers of the export request.
    pub(crate) sent: BTreeMap<String, String>,
    pub(crate) resource: Attributes,
    pub(crate) scope: String,
    /// Of a span sent as JSON: how its fields are written, by field.
    pub(crate) shape: BTreeMap<String, String>,
}

impl Span {
    /// Text of an attribute.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.attributes.get(key)?["stringValue"].as_str()
    }

    /// Sets an attribute to a text.
    pub(crate) fn set_text(&mut self, key: &str, text: &str) {
        self.attributes.insert(key.to_owned(), string(text));
    }

    /// The session the span belongs to.
    pub(crate) fn session(&self) -> &str {
        self.text("honeyhive.session_id").unwrap_or_default()
    }

    pub(crate) fn failed(&self) -> bool {
        self.status.0 == "STATUS_CODE_ERROR"
    }
}

/// A text as an attribute value.
pub(crate) fn string(text: &str) -> Value {
    json!({ "stringValue": text })
}

/// How the id of a session is written: by its name, and by its datapoint when it has one.
pub(crate) fn session_label(session: &serde_json::Map<String, Value>) -> String {
    let name = session["session_name"].as_str().unwrap_or_default();
    match session
        .get("metadata")
        .and_then(|metadata| metadata["datapoint_id"].as_str())
    {
        Some(datapoint) => format!("<session {name} {datapoint}>"),
        None => format!("<session {name}>"),
    }
}

impl Normal {
    /// Everything to compare, by what it is about: each request, and each tree of spans from its root. What cannot be
    /// told apart by its label is a list.
    pub(crate) fn units(&self) -> BTreeMap<String, Vec<Facts>> {
        let mut units: BTreeMap<String, Vec<Facts>> = BTreeMap::new();
        for request in &self.requests {
            units.entry(request.label()).or_default().push(request.facts());
        }
        for root in self.spans.iter().filter(|span| self.parent_of(span).is_none()) {
            let mut facts = Facts::new();
            self.tree(root, &root.name, &mut facts);
            units
                .entry(format!("span {} of {}", root.name, root.session()))
                .or_default()
                .push(facts);
        }
        units
    }

    pub(crate) fn parent_of(&self, span: &Span) -> Option<&Span> {
        let parent = span.parent.as_ref()?;
        self.spans.iter().find(|other| &other.id == parent)
    }

    fn tree(&self, span: &Span, path: &str, facts: &mut Facts) {
        let mut add = |name: &str, value: String| facts.insert(format!("{path} > {name}"), value);
        add("kind", span.kind.clone());
        add("scope", span.scope.clone());
        add("status", format!("{} {}", span.status.0, span.status.1));
        add("trace", self.trace_of(span));
        for (name, value) in &span.sent {
            add(&format!("sent > {name}"), value.clone());
        }
        for (name, value) in &span.shape {
            add(&format!("written > {name}"), value.clone());
        }
        for (part, attributes) in [("attributes", &span.attributes), ("resource", &span.resource)] {
            for (key, value) in attributes {
                add(&format!("{part} > {key}"), value.to_string());
            }
        }
        for (index, (name, attributes)) in span.events.iter().enumerate() {
            add(&format!("events > {index}"), name.clone());
            for (key, value) in attributes {
                add(&format!("events > {index} > {key}"), value.to_string());
            }
        }
        let mut children: BTreeMap<&str, Vec<Facts>> = BTreeMap::new();
        for child in self
            .spans
            .iter()
            .filter(|child| child.parent.as_ref() == Some(&span.id))
        {
            let mut below = Facts::new();
            self.tree(child, "", &mut below);
            children.entry(&child.name).or_default().push(below);
        }
        for (name, mut twins) in children {
            twins.sort();
            for (index, below) in twins.into_iter().enumerate() {
                for (rest, value) in below {
                    facts.insert(format!("{path} / {name}[{index}]{rest}"), value);
                }
            }
        }
    }

    /// Whose trace a span is in: a root has one of its own, a child that of its parent.
    fn trace_of(&self, span: &Span) -> String {
        let shares = |other: &Span| other.trace == span.trace;
        match (&span.parent, self.parent_of(span)) {
            (Some(_), Some(parent)) if shares(parent) => "its parent's".to_owned(),
            (Some(_), Some(_)) => "not its parent's".to_owned(),
            (Some(_), None) => "its parent never arrived".to_owned(),
            (None, _) => {
                let twin = self
                    .spans
                    .iter()
                    .find(|other| other.parent.is_none() && other.id != span.id && shares(other));
                twin.map_or_else(|| "its own".to_owned(), |twin| format!("shared with {}", twin.name))
            }
        }
    }
}

/// Replaces the hash of a commit, which says when it was made.
pub(crate) fn hide_commit(body: &mut Value) {
    if let Some(hash) = body.pointer_mut("/metadata/git/commit_hash") {
        let digits = hash.as_str().unwrap_or_default().to_owned();
        assert!(
            digits.len() == 40 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()),
            "{digits}"
        );
        *hash = "<commit>".into();
        let short = body["metadata"]["git"]["commit_hash_short"].take();
        assert!(
            short
                .as_str()
                .is_some_and(|short| short.len() >= 4 && digits.starts_with(short)),
            "{short}"
        );
    }
}

fn leaves(path: &str, value: &Value, facts: &mut Facts) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, member) in members {
                leaves(&format!("{path} > {key}"), member, facts);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                leaves(&format!("{path} > {index}"), item, facts);
            }
        }
        leaf => {
            facts.insert(path.to_owned(), leaf.to_string());
        }
    }
}

/// The spans of an export request whose attributes are maps.
pub(crate) fn spans(export: &Value, sent: &BTreeMap<String, String>) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource_spans in list(&export["resourceSpans"]) {
        let resource = attributes(&resource_spans["resource"]["attributes"]);
        for scope_spans in list(&resource_spans["scopeSpans"]) {
            let scope = &scope_spans["scope"];
            let scope = [&scope["name"], &scope["version"]]
                .map(|part| part.as_str().unwrap_or_default())
                .join(" ");
            for span in list(&scope_spans["spans"]) {
                spans.push(Span {
                    id: text(&span["spanId"]),
                    trace: text(&span["traceId"]),
                    parent: span["parentSpanId"]
                        .as_str()
                        .filter(|id| !id.is_empty())
                        .map(str::to_owned),
                    name: text(&span["name"]),
                    kind: text(&span["kind"]),
                    attributes: attributes(&span["attributes"]),
                    events: list(&span["events"])
                        .iter()
                        .map(|event| (text(&event["name"]), attributes(&event["attributes"])))
                        .collect(),
                    // An empty status is one that was not set.
                    status: (
                        span["status"]["code"]
                            .as_str()
                            .unwrap_or("STATUS_CODE_UNSET")
                            .to_owned(),
                        text(&span["status"]["message"]),
                    ),
                    sent: sent.clone(),
                    resource: resource.clone(),
                    scope: scope.trim().to_owned(),
                    shape: shape(span),
                });
            }
        }
    }
    spans
}

/// Notes on the spans of an OTLP/JSON request how their fields are written, before they are read.
pub(crate) fn note_shapes(export: &mut Value) {
    let scopes = values(export, "resourceSpans").flat_map(|resource| values(resource, "scopeSpans"));
    for span in scopes.flat_map(|scope| values(scope, "spans")) {
        let mut shape = serde_json::Map::new();
        for (name, value) in span.as_object().into_iter().flatten() {
            let written = match (name.as_str(), value) {
                ("attributes" | "events" | "name" | "spanId" | "traceId", _) => continue,
                ("parentSpanId", Value::String(id)) if !id.is_empty() => continue,
                ("startTimeUnixNano" | "endTimeUnixNano", Value::String(_)) => "text".to_owned(),
                ("status", status) => {
                    let message = &status["message"];
                    let empty = message.as_str().is_none_or(str::is_empty);
                    let message = if empty { message.to_string() } else { "text".to_owned() };
                    format!("code {} message {message}", status["code"])
                }
                (_, other) => other.to_string(),
            };
            shape.insert(name.clone(), written.into());
        }
        span["shape"] = Value::Object(shape);
    }
}

fn values<'a>(of: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    of.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

fn shape(span: &Value) -> BTreeMap<String, String> {
    let noted = span["shape"].as_object().into_iter().flatten();
    noted.map(|(name, written)| (name.clone(), text(written))).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn attributes(map: &Value) -> Attributes {
    map.as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Replaces every string that is one of these ids, wherever it stands.
pub(crate) fn rename(normal: &mut Normal, names: &BTreeMap<String, String>) {
    for request in &mut normal.requests {
        for (id, name) in names {
            request.path = request.path.replace(id.as_str(), name);
        }
        rename_in(&mut request.body, names);
        request.answer = request.answer.take().map(|id| names.get(&id).cloned().unwrap_or(id));
    }
    for span in &mut normal.spans {
        span.attributes.values_mut().for_each(|value| rename_in(value, names));
    }
}

fn rename_in(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = names.get(text) {
                text.clone_from(name);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename_in(item, names)),
        Value::Object(members) => members.values_mut().for_each(|member| rename_in(member, names)),
        _ => {}
    }
}
