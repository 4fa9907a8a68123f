//! A program that sends OTLP by hand, with the stock exporter and no SDK of ours, is understood too.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::HashMap;

use honeyhive_core::SessionId;
use honeyhive_tests::{KEY, server, session, tracer};
use opentelemetry::KeyValue;
use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::trace::SdkTracerProvider;

#[test]
fn spans_of_the_stock_exporter_become_a_session() {
    let server = server();
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/opentelemetry/v1/traces", server.url()))
        .with_headers(HashMap::from([("authorization".to_owned(), format!("Bearer {KEY}"))]))
        .build()
        .unwrap();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter).build();
    let id = SessionId::random();
    let routing = move || {
        [
            KeyValue::new("honeyhive.session_id", id.to_string()),
            KeyValue::new("honeyhive.session_auto_create", true),
            KeyValue::new("honeyhive.session_name", "by hand"),
        ]
    };
    let by_hand = provider.tracer("mine");
    let request = by_hand.span_builder("request").with_attributes(routing());
    by_hand.in_span_with_builder(request, |cx| {
        cx.span().set_attribute(KeyValue::new("honeyhive_event_type", "chain"));
        let chat = by_hand
            .span_builder("chat")
            .with_attributes(routing())
            .with_kind(opentelemetry::trace::SpanKind::Client);
        by_hand.in_span_with_builder(chat, |cx| {
            cx.span().set_attributes([
                KeyValue::new("gen_ai.operation.name", "chat"),
                KeyValue::new("gen_ai.request.model", "m-1"),
                KeyValue::new("gen_ai.usage.input_tokens", 40),
                KeyValue::new("honeyhive_inputs.question", "why?"),
            ]);
        });
    });
    provider.shutdown().unwrap();

    let reader = tracer(&server);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let tree = runtime.block_on(session(&reader, id));
    insta::assert_snapshot!(tree.to_string(), @r#"
    session by hand
    └─ chain request
       └─ model chat
            inputs: question="why?"
            config: model="m-1"
            metadata: gen_ai={"operation":{"name":"chat"}} prompt_tokens=40
    "#);
}
