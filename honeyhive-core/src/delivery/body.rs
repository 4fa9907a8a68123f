//! The bodies of requests that carry spans: protobuf as it is, or as JSON, compressed or not.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use prost::Message as _;
use prost::bytes::Bytes;

use super::transport::SendError;

/// The message of an encoded export request as JSON.
pub(super) fn json(body: Bytes) -> Result<Bytes, SendError> {
    let unencodable = |problem: String| SendError::NoRequest { problem };
    let mut request = ExportTraceServiceRequest::decode(body).map_err(|error| unencodable(error.to_string()))?;
    let resources = request.resource_spans.iter_mut();
    let scopes = resources.flat_map(|resource| &mut resource.scope_spans);
    for span in scopes.flat_map(|scope| &mut scope.spans) {
        let events = span.events.iter_mut().map(|event| &mut event.attributes);
        let links = span.links.iter_mut().map(|link| &mut link.attributes);
        for attributes in std::iter::once(&mut span.attributes).chain(events).chain(links) {
            attributes
                .iter_mut()
                .filter_map(|kv| kv.value.as_mut())
                .for_each(finite);
        }
    }
    let text = serde_json::to_vec(&request).map_err(|error| unencodable(error.to_string()))?;
    Ok(text.into())
}

/// JSON has no number that is not finite: such a one becomes text, as the Python SDK writes it.
fn finite(value: &mut AnyValue) {
    match &mut value.value {
        Some(any_value::Value::DoubleValue(number)) if !number.is_finite() => {
            value.value = Some(any_value::Value::StringValue(number.to_string().to_lowercase()));
        }
        Some(any_value::Value::ArrayValue(list)) => list.values.iter_mut().for_each(finite),
        _ => {}
    }
}

/// The body, compressed.
pub(super) fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default().into()
}
