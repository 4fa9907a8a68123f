//! An export request: finished spans, encoded, that can be parted when it is too large.

use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use prost::Message as _;
use prost::bytes::Bytes;
use reqwest::StatusCode;

use super::encode::Encoder;
use super::queue::FinishedSpan;
use super::transport::SendError;

/// An encoded export request.
#[derive(Clone, Debug)]
pub(super) struct Export {
    pub(super) body: Bytes,
    pub(super) spans: usize,
    /// Numbers of its first and last span in the queue.
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Export {
    /// Encodes spans, at least one.
    pub(super) fn of(spans: Vec<FinishedSpan>, encoder: &Encoder) -> Self {
        let number = |span: Option<&FinishedSpan>| span.map_or(0, |span| span.number);
        let (first, last, count) = (number(spans.first()), number(spans.last()), spans.len());
        Self {
            body: encoder.request(spans).encode_to_vec().into(),
            spans: count,
            first,
            last,
        }
    }

    /// What it occupies in the queue.
    pub(super) fn bytes(&self) -> usize {
        self.body.len()
    }

    /// Parts it until each part has at most this many bytes or a single span.
    pub(super) fn within(self, bytes: usize) -> Vec<Self> {
        let (mut parts, mut done) = (vec![self], Vec::new());
        while let Some(part) = parts.pop() {
            match if part.body.len() > bytes { part.halves() } else { None } {
                Some([first, second]) => parts.extend([second, first]),
                None => done.push(part),
            }
        }
        done
    }

    /// Two requests with half of the spans each; `None` for a single span.
    pub(super) fn halves(&self) -> Option<[Self; 2]> {
        if self.spans < 2 {
            return None;
        }
        let middle = self.spans / 2;
        let part = |keep: &dyn Fn(usize) -> bool| {
            let mut request = ExportTraceServiceRequest::decode(self.body.clone()).ok()?;
            let resources = request.resource_spans.iter_mut();
            let mut index = 0;
            for scope in resources.flat_map(|resource| &mut resource.scope_spans) {
                scope.spans.retain(|_| {
                    index += 1;
                    keep(index - 1)
                });
            }
            for resource in &mut request.resource_spans {
                resource.scope_spans.retain(|scope| !scope.spans.is_empty());
            }
            Some(Bytes::from(request.encode_to_vec()))
        };
        // The numbers of its spans are as many as its spans, at least: each half has one of its own to go by.
        let first = Self {
            body: part(&|index| index < middle)?,
            spans: middle,
            ..*self
        };
        let second = Self {
            body: part(&|index| index >= middle)?,
            spans: self.spans - middle,
            first: self.first + middle as u64,
            last: self.last,
        };
        Some([first, second])
    }
}

/// Whether the server objects to what was sent, not to who sent it.
pub(super) fn about_the_body(error: &SendError) -> bool {
    use StatusCode as Status;

    let about_the_body = [
        Status::PAYLOAD_TOO_LARGE,
        Status::BAD_REQUEST,
        Status::UNPROCESSABLE_ENTITY,
    ];
    error.status().is_some_and(|status| about_the_body.contains(&status))
}

/// The spans a server says it did not take, and why, in its own words.
pub(super) fn rejected(answer: &[u8]) -> (u64, String) {
    // An answer that is no OTLP message comes from a server that is content with everything.
    let partial = if answer.first() == Some(&b'{') {
        serde_json::from_slice::<serde_json::Value>(answer)
            .ok()
            .and_then(|answer| {
                let partial = answer.get("partialSuccess")?;
                let number = partial.get("rejectedSpans")?;
                // 64 bits are text in the JSON of protobuf.
                let number = number.as_u64().or_else(|| number.as_str()?.parse().ok())?;
                let message = partial.get("errorMessage").and_then(serde_json::Value::as_str);
                Some((number, message.unwrap_or_default().to_owned()))
            })
    } else {
        ExportTraceServiceResponse::decode(answer)
            .ok()
            .and_then(|answer| answer.partial_success)
            .map(|partial| {
                let number = u64::try_from(partial.rejected_spans).unwrap_or(0);
                (number, partial.error_message)
            })
    };
    partial.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

    use super::*;

    fn names(export: &Export) -> Vec<String> {
        let request = ExportTraceServiceRequest::decode(export.body.clone()).unwrap();
        let resources = request.resource_spans.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).map(|span| span.name).collect()
    }

    fn of_two_scopes() -> Export {
        let named = |name: &str| Span {
            name: name.to_owned(),
            ..Span::default()
        };
        let scope_spans = [vec![named("a"), named("b")], vec![named("c")]]
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
        Export {
            body,
            spans: 3,
            first: 10,
            last: 20,
        }
    }

    #[test]
    fn a_request_is_halved_until_one_span_is_left_and_none_is_lost() {
        let parts = of_two_scopes().within(1);
        let found: Vec<_> = parts.iter().map(|part| (names(part), part.first)).collect();
        let expected = [("a", 10), ("b", 11), ("c", 12)].map(|(name, first)| (vec![name.to_owned()], first));
        assert_eq!(found, expected);
        assert!(parts.iter().all(|part| part.halves().is_none()));
    }

    #[test]
    fn what_a_server_did_not_take_is_read_in_both_encodings() {
        use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;

        let partial = ExportTracePartialSuccess {
            rejected_spans: 3,
            error_message: "late".to_owned(),
        };
        let answer = ExportTraceServiceResponse {
            partial_success: Some(partial),
        };
        let told = (3, "late".to_owned());
        assert_eq!(rejected(&answer.encode_to_vec()), told);
        assert_eq!(
            rejected(br#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"late"}}"#),
            told
        );
        for content in [&b""[..], b"{}", b"accepted", br#"{"partialSuccess":{}}"#] {
            assert_eq!(rejected(content), (0, String::new()));
        }
    }
}
