//! What headers say and what they keep to themselves. Two real services: `tests/tests/propagation.rs` of the workspace.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::HashMap;

use honeyhive_core::propagation::{self, Incoming};
use honeyhive_core::{HoneyHiveTracer, SessionId};
use opentelemetry::baggage::{Baggage, BaggageExt, KeyValueMetadata};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use proptest::prelude::*;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ID: &str = "0a4e8a1c-5d5e-4d0b-9d3e-0d9c6a1f2b3c";
const OTHER: &str = "7d0f2f6e-9a53-4e52-8d0e-5f6a7b8c9d0e";

fn baggage(header: &str) -> Incoming {
    propagation::extract([("baggage", header)])
}

fn value<'a>(incoming: &'a Incoming, key: &str) -> Option<&'a str> {
    incoming.baggage().get(key).map(|value| value.as_str())
}

fn sent_with(baggage: impl Into<Baggage>) -> HashMap<&'static str, String> {
    let _attached = Context::current_with_baggage(baggage).attach();
    propagation::headers().into_iter().collect()
}

#[test]
fn headers_are_read_from_any_map_and_in_any_case() {
    let list = format!("session_id={ID}");
    let mut http = HeaderMap::new();
    http.insert("TraceParent", HeaderValue::from_static(TRACEPARENT));
    http.insert("baggage", list.parse().unwrap());
    http.insert("x-other", HeaderValue::from_bytes(b"\xff").unwrap());
    let title: HashMap<String, String> = [("Traceparent", TRACEPARENT), ("Baggage", &list)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let upper = vec![("TRACEPARENT", TRACEPARENT.as_bytes()), ("BAGGAGE", list.as_bytes())];
    for incoming in [
        propagation::extract(&http),
        propagation::extract(http.iter()),
        propagation::extract(&title),
        propagation::extract(title),
        propagation::extract(upper),
    ] {
        let span = incoming.span_context().unwrap();
        assert_eq!(span.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(span.span_id().to_string(), "00f067aa0ba902b7");
        assert!(span.is_remote() && span.is_sampled());
        assert_eq!(incoming.session_id().unwrap().to_string(), ID);
    }
}

#[test]
fn the_session_is_known_by_three_spellings_of_its_keys() {
    for prefix in ["", "honeyhive_", "honeyhive."] {
        let incoming = baggage(&format!(
            "{prefix}source=prod, {prefix}session_id = {ID} ,{prefix}project=P%20Q"
        ));
        assert_eq!(incoming.session_id().unwrap().to_string(), ID, "{prefix}");
        assert_eq!(incoming.project(), Some("P Q"), "{prefix}");
        assert_eq!(incoming.source(), Some("prod"), "{prefix}");
    }
    let several = baggage(&format!(
        "honeyhive.session_id={OTHER},honeyhive_session_id={ID},session_id=chat-7,project=,honeyhive.project=bees"
    ));
    assert_eq!(
        several.session_id().unwrap().to_string(),
        ID,
        "the first that is a UUID"
    );
    assert_eq!(several.project(), Some("bees"), "the first that says something");
    assert_eq!(several.source(), None);
    assert_eq!(baggage("session_id=chat-7").session_id(), None);
    assert_eq!(
        baggage(&format!("Session_Id={ID}")).session_id(),
        None,
        "keys of baggage have a case"
    );
}

#[test]
fn values_are_decoded_and_properties_kept_apart() {
    let incoming = baggage("a=P%20Q,b=x%2Cy%3Bz,c=%E8%9C%82%E8%9C%9C;ttl=60 ; public, d = 1+1=2 ;p=q,e=100%25,f=aGk==");
    assert_eq!(value(&incoming, "a"), Some("P Q"));
    assert_eq!(value(&incoming, "b"), Some("x,y;z"));
    let (text, properties) = incoming.baggage().get_with_metadata("c").unwrap();
    assert_eq!((text.as_str(), properties.as_str()), ("蜂蜜", "ttl=60;public"));
    let (text, properties) = incoming.baggage().get_with_metadata("d").unwrap();
    assert_eq!((text.as_str(), properties.as_str()), ("1+1=2", "p=q"));
    assert_eq!(value(&incoming, "e"), Some("100%"));
    assert_eq!(value(&incoming, "f"), Some("aGk=="));
}

#[test]
fn several_headers_of_a_name_are_one_list() {
    let incoming = propagation::extract([
        ("baggage", "a=1,b=2"),
        ("traceparent", TRACEPARENT),
        ("baggage", "b=3,c=4"),
        ("tracestate", "x=1"),
        ("tracestate", "y=2"),
        ("traceparent", "nonsense"),
    ]);
    assert_eq!(
        ["a", "b", "c"].map(|key| value(&incoming, key)),
        [Some("1"), Some("3"), Some("4")]
    );
    assert_eq!(incoming.span_context().unwrap().trace_state().header(), "x=1,y=2");
    let long = format!("long={}", "x".repeat(9000));
    let incoming = propagation::extract([("baggage", "a=1"), ("baggage", &long), ("baggage", "c=3")]);
    assert_eq!((value(&incoming, "a"), value(&incoming, "c")), (Some("1"), Some("3")));
    assert_eq!(incoming.baggage().len(), 2);
}

#[test]
fn what_is_malformed_is_left_out_and_the_rest_is_read() {
    for traceparent in [
        "",
        "nonsense",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-zzf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ] {
        let incoming = propagation::extract([("traceparent", traceparent), ("baggage", "a=1")]);
        assert!(incoming.span_context().is_none(), "{traceparent}");
        assert_eq!(value(&incoming, "a"), Some("1"));
    }
    let incoming = propagation::extract([
        ("traceparent", TRACEPARENT),
        ("tracestate", "nonsense"),
        ("baggage", "x"),
    ]);
    assert_eq!(incoming.span_context().unwrap().trace_state().header(), "");
    assert!(incoming.baggage().is_empty());
    assert_eq!(value(&baggage(",;,=x,bad=%FF%FE,a b=1,good=1,,k"), "good"), Some("1"));
    let bytes = [
        ("baggage", &b"a=\xff"[..]),
        ("traceparent", b"\xff\xfe"),
        ("baggage", b"b=2"),
    ];
    let incoming = propagation::extract(bytes);
    assert_eq!((value(&incoming, "a"), value(&incoming, "b")), (None, Some("2")));
    let none = propagation::extract(HashMap::<String, String>::new());
    assert!(none.span_context().is_none() && none.session_id().is_none());
}

#[test]
fn ids_leave_only_when_asked_for() {
    let tracer = tracer().project("my project").build().unwrap();
    let id = tracer.session_id().to_string();
    tracer.in_scope(|| {
        let span = remote(TraceState::NONE);
        let _active = Context::current().with_remote_span_context(span).attach();
        let plain: HashMap<_, _> = propagation::headers().into_iter().collect();
        assert_eq!(
            plain.keys().copied().collect::<Vec<_>>(),
            ["traceparent"],
            "no baggage, no empty tracestate"
        );
        let asked: HashMap<_, _> = propagation::headers().with_session().into_iter().collect();
        assert_eq!(
            asked["baggage"],
            format!("session_id={id},source=a%20test,project=my%20project")
        );
        assert_eq!(asked["traceparent"], plain["traceparent"]);
        let read = propagation::extract(&asked);
        assert_eq!(read.session_id(), Some(tracer.session_id()));
        assert_eq!((read.project(), read.source()), (Some("my project"), Some("a test")));
    });
}

#[test]
fn ids_that_came_in_with_the_programs_baggage_stay_behind() {
    let came =
        format!("session_id={ID},honeyhive.session_id={ID},honeyhive_project=p,project=p,source=s,tier=gold;ttl=1");
    let incoming = baggage(&came);
    let entries = incoming
        .baggage()
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()));
    let own: Baggage = entries.collect::<Vec<_>>().into_iter().collect();
    let _attached = Context::current_with_baggage(own).attach();
    let plain: HashMap<_, _> = propagation::headers().into_iter().collect();
    assert_eq!(plain["baggage"], "tier=gold;ttl=1");
    let tracer = tracer().build().unwrap();
    let asked: HashMap<_, _> = tracer.in_scope(|| propagation::headers().with_session().into_iter().collect());
    assert_eq!(
        asked["baggage"],
        format!("session_id={},source=a%20test,tier=gold;ttl=1", tracer.session_id()),
        "the active session, not the one that came in"
    );
}

#[test]
fn without_a_tracer_there_is_no_session_to_send() {
    assert_eq!(propagation::headers().with_session().into_iter().count(), 0);
}

#[test]
fn entries_that_do_not_fit_are_left_out() {
    let headers = sent_with([
        KeyValue::new("a", "蜂".repeat(1200)),
        KeyValue::new("b", "kept"),
        KeyValue::new("c", "ß".repeat(100)),
    ]);
    assert_eq!(headers["baggage"], format!("b=kept,c={}", "%C3%9F".repeat(100)));
}

#[test]
fn a_property_cannot_smuggle_an_entry_or_a_header() {
    let smuggled = baggage(&format!("a=1;p=x%2Csession_id={ID}%0D%0AX-Admin:%20yes"));
    let own = smuggled
        .baggage()
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()));
    let headers = sent_with(own.collect::<Baggage>());
    assert_eq!(
        headers["baggage"],
        format!("a=1;p=x%2Csession_id={ID}%0D%0AX-Admin:%20yes")
    );
    assert_eq!(propagation::extract(&headers).session_id(), None);
}

#[test]
fn a_tracestate_no_header_may_hold_is_not_passed_on() {
    let sent = |state: &str| {
        let state = TraceState::from_key_value([("k", state)]).unwrap();
        let _attached = Context::new().with_remote_span_context(remote(state)).attach();
        propagation::headers().into_iter().collect::<HashMap<_, _>>()
    };
    assert_eq!(sent("v").get("tracestate").unwrap(), "k=v");
    let headers = sent("v\r\nX-Admin: yes");
    assert_eq!(headers.keys().copied().collect::<Vec<_>>(), ["traceparent"]);
}

fn remote(state: TraceState) -> SpanContext {
    SpanContext::new(TraceId::from(1), SpanId::from(2), TraceFlags::SAMPLED, true, state)
}

fn tracer() -> honeyhive_core::TracerBuilder {
    HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", "hh_test")])
        .server_url("http://127.0.0.1:9")
        .source("a test")
        .skip_session_start()
        .undiscoverable()
}

proptest! {
    #[test]
    fn what_is_sent_is_what_arrives(
        entries in proptest::collection::hash_map("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}", "\\PC{0,20}", 0..8),
    ) {
        // Spaces around a value mean nothing in baggage.
        let entries: HashMap<_, _> = entries.into_iter().map(|(key, value)| (key, value.trim().to_owned())).collect();
        let sent = sent_with(entries.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())));
        let arrived = propagation::extract(&sent);
        let arrived: HashMap<_, _> = arrived
            .baggage()
            .iter()
            .map(|(key, (value, _))| (key.as_str().to_owned(), value.as_str().to_owned()))
            .collect();
        prop_assert_eq!(arrived, entries);
    }

    #[test]
    fn whatever_is_sent_a_header_may_hold(value in any::<String>(), properties in any::<String>(), state in any::<String>()) {
        let state = TraceState::from_key_value([("k", state)]).unwrap_or(TraceState::NONE);
        let cx = Context::new().with_remote_span_context(remote(state));
        let _attached = cx.with_baggage([KeyValueMetadata::new("k", value, properties)]).attach();
        let mut map = HeaderMap::new();
        for (name, value) in propagation::headers() {
            prop_assert!(HeaderValue::from_str(&value).is_ok(), "{name}: {value:?}");
            map.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        prop_assert!(propagation::extract(&map).baggage().len() <= 1);
    }

    #[test]
    fn no_header_is_too_strange_to_read(values in proptest::collection::vec(any::<Vec<u8>>(), 3)) {
        let incoming = propagation::extract(["traceparent", "tracestate", "baggage"].into_iter().zip(&values));
        prop_assert!(incoming.span_context().is_none_or(SpanContext::is_valid));
        let text = String::from_utf8_lossy(&values[0]);
        let incoming = baggage(&format!("{text},session_id={ID};{text}"));
        prop_assert_eq!(incoming.session_id(), ID.parse::<SessionId>().ok());
    }
}
