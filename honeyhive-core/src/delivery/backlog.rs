//! What the worker has taken and not yet delivered.

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use prost::bytes::Bytes;
use serde_json::Value;

use super::encode::Encoder;
use super::queue::{Batch, FinishedSpan, Request};
use crate::session::{Identity, SessionStart};
use crate::span::EventUpdate;

/// Bytes of spans in one request, roughly, before encoding.
const REQUEST_BYTES: usize = 4 << 20;

/// In the order it is to be sent: starts, then spans, then updates.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    pub(super) starts: Vec<Send>,
    pub(super) exports: Vec<Export>,
    pub(super) updates: Vec<Send>,
}

/// A session start, or what several updates of one event come to.
#[derive(Debug)]
pub(super) struct Send {
    pub(super) event_id: String,
    /// The session this announces.
    identity: Option<Arc<Identity>>,
    pub(super) body: Value,
    /// How many requests of the queue this stands for, and what they occupy there.
    pub(super) requests: usize,
    pub(super) bytes: usize,
}

/// An encoded export request.
#[derive(Clone, Debug)]
pub(super) struct Export {
    pub(super) body: Bytes,
    pub(super) spans: usize,
    /// What its spans occupy in the queue.
    pub(super) bytes: usize,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.starts.is_empty() && self.exports.is_empty() && self.updates.is_empty()
    }

    /// Adds what the queue held. Updates of one event become one, so that none can overtake another.
    pub(super) fn absorb(&mut self, batch: Batch, encoder: &Encoder) {
        self.starts.extend(batch.starts.into_iter().map(|start| {
            let mut start = Send::from(start);
            if let Value::Object(body) = &mut start.body {
                encoder.clean(body);
            }
            start
        }));
        self.exports
            .extend(chunks(batch.spans, encoder.max_batch()).map(|spans| Export::of(spans, encoder)));
        if batch.updates.is_empty() {
            return;
        }
        let mut places: HashMap<String, usize> = self
            .updates
            .iter()
            .enumerate()
            .map(|(place, update)| (update.event_id.clone(), place))
            .collect();
        for mut update in batch.updates {
            encoder.clean(&mut update.request.fields);
            match places.get(&update.request.event_id) {
                Some(&place) => self.updates[place].merge(update),
                None => {
                    places.insert(update.request.event_id.clone(), self.updates.len());
                    self.updates.push(Send::from(update));
                }
            }
        }
    }
}

impl From<Request<SessionStart>> for Send {
    fn from(Request { request, bytes }: Request<SessionStart>) -> Self {
        Self {
            event_id: request.identity.session_id.to_string(),
            identity: Some(request.identity.clone()),
            body: request.into_body(),
            requests: 1,
            bytes,
        }
    }
}

impl From<Request<EventUpdate>> for Send {
    fn from(Request { request, bytes }: Request<EventUpdate>) -> Self {
        Self {
            event_id: request.event_id,
            identity: None,
            body: Value::Object(request.fields),
            requests: 1,
            bytes,
        }
    }
}

impl Send {
    /// Notes what became of the session's announcement, if this is one.
    pub(super) fn announced(&self, outcome: Result<(), &str>) {
        if let Some(identity) = &self.identity {
            identity.settle_announcement(outcome);
        }
    }

    fn merge(&mut self, later: Request<EventUpdate>) {
        merge(&mut self.body, Value::Object(later.request.fields));
        self.requests += 1;
        self.bytes += later.bytes;
    }
}

/// Objects merge member by member; of anything else the later value counts.
fn merge(earlier: &mut Value, later: Value) {
    match (earlier, later) {
        (Value::Object(earlier), Value::Object(later)) => {
            for (key, value) in later {
                match earlier.get_mut(&key) {
                    Some(known) => merge(known, value),
                    None => {
                        earlier.insert(key, value);
                    }
                }
            }
        }
        (earlier, later) => *earlier = later,
    }
}

impl Export {
    fn of(spans: Vec<FinishedSpan>, encoder: &Encoder) -> Self {
        let count = spans.len();
        let bytes = spans.iter().map(|span| span.bytes).sum();
        let body = encoder.request(spans).encode_to_vec().into();
        Self {
            body,
            spans: count,
            bytes,
        }
    }

    /// Both in one request. Protobuf messages of one type merge when they are written one after the other.
    pub(super) fn with(self, other: Self) -> Self {
        let body = [self.body, other.body].concat().into();
        Self {
            body,
            spans: self.spans + other.spans,
            bytes: self.bytes + other.bytes,
        }
    }

    /// Two requests with half of the spans each; `None` for a single span.
    pub(super) fn halves(&self) -> Option<[Self; 2]> {
        if self.spans < 2 {
            return None;
        }
        let first = self.spans / 2;
        let part = |keep: &dyn Fn(usize) -> bool, spans: usize| {
            let mut request = ExportTraceServiceRequest::decode(self.body.clone()).ok()?;
            let mut index = 0;
            for scope in request
                .resource_spans
                .iter_mut()
                .flat_map(|resource| &mut resource.scope_spans)
            {
                scope.spans.retain(|_| {
                    index += 1;
                    keep(index - 1)
                });
            }
            let bytes = self.bytes * spans / self.spans;
            Some(Self {
                body: request.encode_to_vec().into(),
                spans,
                bytes,
            })
        };
        let mut second = part(&|index| index >= first, self.spans - first)?;
        let first = part(&|index| index < first, first)?;
        second.bytes = self.bytes - first.bytes;
        Some([first, second])
    }
}

fn chunks(spans: Vec<FinishedSpan>, most: usize) -> impl Iterator<Item = Vec<FinishedSpan>> {
    let mut spans = spans.into_iter().peekable();
    std::iter::from_fn(move || {
        let mut chunk = vec![spans.next()?];
        let mut bytes = chunk[0].bytes;
        while chunk.len() < most
            && let Some(span) = spans.next_if(|span| bytes + span.bytes <= REQUEST_BYTES)
        {
            bytes += span.bytes;
            chunk.push(span);
        }
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::delivery::encode::tests::encoder;

    fn update(event_id: &str, fields: Value) -> Request<EventUpdate> {
        let Value::Object(fields) = fields else {
            panic!("no object")
        };
        Request {
            request: EventUpdate {
                event_id: event_id.to_owned(),
                fields,
            },
            bytes: 10,
        }
    }

    #[test]
    fn updates_of_one_event_become_one_in_which_the_last_value_counts() {
        let mut backlog = Backlog::default();
        let first = vec![
            update("a", json!({"metadata": {"x": 1, "y": {"z": 1}}})),
            update("b", json!({"metadata": 1})),
        ];
        backlog.absorb(
            Batch {
                updates: first,
                ..Batch::default()
            },
            &encoder(&[]),
        );
        let second = vec![update(
            "a",
            json!({"metadata": {"x": 2, "y": {"w": 2}}, "feedback": {"rating": 5}}),
        )];
        backlog.absorb(
            Batch {
                updates: second,
                ..Batch::default()
            },
            &encoder(&[]),
        );
        assert_eq!(backlog.updates.len(), 2);
        let merged = json!({"metadata": {"x": 2, "y": {"z": 1, "w": 2}}, "feedback": {"rating": 5}});
        assert_eq!(backlog.updates[0].body, merged);
        assert_eq!((backlog.updates[0].requests, backlog.updates[0].bytes), (2, 20));
    }

    #[test]
    fn a_request_is_halved_until_one_span_is_left_and_none_is_lost() {
        use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

        let named = |name: &str| Span {
            name: name.to_owned(),
            ..Span::default()
        };
        let scopes = [vec![named("a"), named("b")], vec![named("c")]];
        let scope_spans = scopes
            .map(|spans| ScopeSpans {
                spans,
                ..ScopeSpans::default()
            })
            .to_vec();
        let resource_spans = vec![ResourceSpans {
            scope_spans,
            ..ResourceSpans::default()
        }];
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec().into();
        let mut waiting = vec![Export {
            body,
            spans: 3,
            bytes: 31,
        }];
        let (mut names, mut bytes) = (Vec::new(), 0);
        while let Some(export) = waiting.pop() {
            match export.halves() {
                Some(halves) => waiting.extend(halves),
                None => {
                    let request = ExportTraceServiceRequest::decode(export.body).unwrap();
                    let scopes = request
                        .resource_spans
                        .into_iter()
                        .flat_map(|resource| resource.scope_spans);
                    names.extend(scopes.flat_map(|scope| scope.spans).map(|span| span.name));
                    bytes += export.bytes;
                }
            }
        }
        names.sort();
        assert_eq!(
            (names, bytes),
            (vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], 31)
        );
    }
}
