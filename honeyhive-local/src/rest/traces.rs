//! OTLP traces: spans in, events stored, in protobuf or JSON, plain or gzip.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use honeyhive_core::event::{Event, SessionHint, SpanError};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use serde_json::json;

use super::body::{MAX_TRACES, Raw, content_type};
use super::{Db, sessions};
use crate::error::ApiError;
use crate::otlp_json;
use crate::store::events;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
/// Reasons spelled out in an answer; more are only counted.
const REASONS: usize = 5;

/// `POST /opentelemetry/v1/traces` and `/v1/traces`. Spans that cannot become events are counted and explained in the
/// answer's partial success; the others are stored in one transaction.
pub(super) async fn receive(State(store): Db, headers: HeaderMap, body: Raw<MAX_TRACES>) -> Result<Response, ApiError> {
    let protobuf = is_protobuf(&headers)?;
    let Ingested { events, refused } = body
        .parse(move |bytes| {
            let request = if protobuf {
                decode(bytes)?
            } else {
                otlp_json::read(&bytes)?
            };
            Ok(ingest(&request))
        })
        .await?;
    if !events.is_empty() {
        store
            .write(move |connection| {
                for (event, hint) in events {
                    if let Some(hint) = hint {
                        sessions::ensure(connection, &event, hint.name)?;
                    }
                    events::add_span(connection, event)?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(answer(protobuf, &refused))
}

fn decode(body: Bytes) -> Result<ExportTraceServiceRequest, ApiError> {
    ExportTraceServiceRequest::decode(body).map_err(|error| ApiError::BadBody {
        expected: "an OTLP trace export request in protobuf",
        reason: error.to_string(),
    })
}

/// What a request holds.
struct Ingested {
    events: Vec<(Event, Option<SessionHint>)>,
    refused: Vec<SpanError>,
}

fn ingest(request: &ExportTraceServiceRequest) -> Ingested {
    let mut ingested = Ingested {
        events: Vec::new(),
        refused: Vec::new(),
    };
    for resource_spans in &request.resource_spans {
        let resource = resource_spans.resource.as_ref();
        for scope_spans in &resource_spans.scope_spans {
            for span in &scope_spans.spans {
                match Event::from_span(span, resource, scope_spans.scope.as_ref()) {
                    Ok(event) => ingested.events.push((event, SessionHint::from_span(span, resource))),
                    Err(error) => ingested.refused.push(error),
                }
            }
        }
    }
    ingested
}

fn is_protobuf(headers: &HeaderMap) -> Result<bool, ApiError> {
    let found = content_type(headers);
    match found.as_str() {
        PROTOBUF => Ok(true),
        JSON => Ok(false),
        _ => Err(ApiError::ContentType {
            found,
            expected: "application/json or application/x-protobuf",
        }),
    }
}

fn answer(protobuf: bool, refused: &[SpanError]) -> Response {
    let mut reasons: Vec<String> = refused.iter().take(REASONS).map(ToString::to_string).collect();
    if refused.len() > REASONS {
        reasons.push(format!("and {} more", refused.len() - REASONS));
    }
    let partial = (!refused.is_empty()).then(|| ExportTracePartialSuccess {
        rejected_spans: i64::try_from(refused.len()).unwrap_or(i64::MAX),
        error_message: reasons.join("; "),
    });
    if protobuf {
        let bytes = ExportTraceServiceResponse {
            partial_success: partial,
        }
        .encode_to_vec();
        return ([(header::CONTENT_TYPE, PROTOBUF)], bytes).into_response();
    }
    let body = partial.map_or_else(
        || json!({}),
        |partial| {
            json!({"partialSuccess": {
                "rejectedSpans": partial.rejected_spans.to_string(),
                "errorMessage": partial.error_message,
            }})
        },
    );
    axum::Json(body).into_response()
}
