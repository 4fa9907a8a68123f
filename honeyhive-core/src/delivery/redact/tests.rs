//! What is taken out of spans and of requests.

use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};
use opentelemetry_proto::tonic::trace::v1::{Status, span};
use serde_json::json;

use super::*;
use crate::event::conventions::attribute;

fn text(value: &str) -> any_value::Value {
    any_value::Value::StringValue(value.to_owned())
}

fn texts(span: &Span) -> Vec<(&str, &str)> {
    span.attributes
        .iter()
        .map(
            |pair| match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
                Some(any_value::Value::StringValue(text)) => (pair.key.as_str(), text.as_str()),
                other => panic!("{} is {other:?}", pair.key),
            },
        )
        .collect()
}

fn with(custom: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static) -> Redaction {
    Redaction {
        custom: vec![Arc::new(custom)],
        ..Redaction::default()
    }
}

#[test]
fn a_span_loses_its_secrets_and_keeps_its_place() {
    let kept = [
        (keys::SESSION_ID, "s"),
        (keys::TRACELOOP_PROJECT, "about passwords"),
        (keys::EVENT_NAME, "about passwords"),
        ("honeyhive_inputs.author", "x"),
        ("honeyhive_inputs.tool.properties.password.type", "string"),
        ("honeyhive_outputs.logprobs.content.0.token", "Hi"),
        ("honeyhive_outputs.top.0.token", "Hi"),
        ("honeyhive_outputs.top.0.logprob", "-1"),
        ("honeyhive_inputs.required.0", "password"),
        ("honeyhive_inputs.required.1", "email"),
        ("honeyhive_inputs.h.0.name", "Authorization"),
        ("honeyhive_inputs.h.1.0", "api_key"),
        ("honeyhive_inputs.h.2.0", "api_key"),
        ("honeyhive_inputs.h.2.1", "of three"),
        ("honeyhive_inputs.h.2.2", "of three"),
        ("gen_ai.token.type", "input"),
        ("gen_ai.prompt.0.content", "My password: what was it?"),
    ];
    let lost = [
        ("honeyhive_inputs.password", "y"),
        ("honeyhive_inputs.user.apiKey.0", "y"),
        ("honeyhive.token", "y"),
        ("traceloop.association.properties.api_key", "y"),
        ("http.request.header.authorization", "y"),
        ("honeyhive_inputs.h.0.value", "y"),
        ("honeyhive_inputs.h.1.1", "y"),
        ("honeyhive_inputs.tool.properties.password.default", "y"),
        ("honeyhive_inputs.tool.properties.token", "y"),
        ("honeyhive_outputs.logprobs.api_token", "y"),
    ];
    let attributes = kept.iter().chain(&lost).map(|(key, value)| attribute(key, text(value)));
    let exception = attribute("exception.message", text(r#"Denied { token: "y" }"#));
    let mut span = Span {
        attributes: attributes.collect(),
        events: vec![span::Event {
            name: r#"Denied { token: "y" }"#.to_owned(),
            attributes: vec![exception],
            ..span::Event::default()
        }],
        status: Some(Status {
            message: r#"Denied { token: "y" }"#.to_owned(),
            ..Status::default()
        }),
        ..Span::default()
    };
    span.attributes
        .push(attribute("honeyhive_outputs.result", text(r#"{"password":"y"}"#)));
    Redaction::default().span(&mut span);

    let expected: Vec<(&str, &str)> = kept
        .into_iter()
        .chain(lost.map(|(key, _)| (key, "[redacted]")))
        .chain([("honeyhive_outputs.result", r#"{"password":"[redacted]"}"#)])
        .collect();
    assert_eq!(texts(&span), expected);
    let denied = r#"Denied { token: "[redacted]" }"#;
    assert_eq!(span.status.unwrap().message, denied);
    assert_eq!(span.events[0].name, denied);
    assert_eq!(
        span.events[0].attributes,
        [attribute("exception.message", text(denied))]
    );
}

#[test]
fn lists_and_numbers_are_redacted_too() {
    let item = |value: &str| AnyValue {
        value: Some(text(value)),
    };
    let list = |items: &[&str]| {
        any_value::Value::ArrayValue(ArrayValue {
            values: items.iter().map(|value| item(value)).collect(),
        })
    };
    let object = |value: &str| {
        any_value::Value::KvlistValue(KeyValueList {
            values: vec![attribute("pwd", text(value)), attribute("n", text("1"))],
        })
    };
    let mut span = Span {
        attributes: vec![
            attribute("secret", any_value::Value::IntValue(7)),
            attribute("cookies", list(&["a"])),
            attribute("bodies", list(&["a", r#"{"pwd":1}"#])),
            attribute("body", object("y")),
        ],
        ..Span::default()
    };
    Redaction::default().span(&mut span);
    let expected = [
        attribute("secret", text("[redacted]")),
        attribute("cookies", text("[redacted]")),
        attribute("bodies", list(&["a", r#"{"pwd":"[redacted]"}"#])),
        attribute("body", object("[redacted]")),
    ];
    assert_eq!(span.attributes, expected);
}

#[test]
fn a_request_is_redacted_in_its_buckets_and_keeps_what_it_is_about() {
    let Value::Object(mut body) = json!({"session": {
        "session_id": "s",
        "session_name": "auth",
        "source": "dev",
        "inputs": {"user": {"name": "x", "password": {"old": "a"}}, "texts": [r#"{"pwd":"y"}"#], "token": null},
        "metadata": {"run_id": "r", "usage": {"total_tokens": 3}},
    }}) else {
        panic!("no object")
    };
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let redaction = with(move |path, _| {
        record.lock().unwrap().push(path.to_owned());
        None
    });
    redaction.object("", &mut body);
    assert_eq!(
        Value::Object(body),
        json!({"session": {
            "session_id": "s",
            "session_name": "auth",
            "source": "dev",
            "inputs": {
                "user": {"name": "x", "password": "[redacted]"},
                "texts": [r#"{"pwd":"[redacted]"}"#],
                "token": null,
            },
            "metadata": {"run_id": "r", "usage": {"total_tokens": 3}},
        }})
    );
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    assert_eq!(
        seen,
        ["honeyhive_inputs.texts", "honeyhive_inputs.user.name", "session_name"]
    );
}

#[test]
fn names_are_redacted_as_texts() {
    let secret = || "GET /?token=y".to_owned();
    let shown = "GET /?token=[redacted]";
    let mut span = Span {
        name: secret(),
        attributes: vec![attribute(keys::EVENT_NAME, text(&secret()))],
        events: vec![span::Event {
            name: secret(),
            ..span::Event::default()
        }],
        ..Span::default()
    };
    Redaction::default().span(&mut span);
    assert_eq!((span.name.as_str(), span.events[0].name.as_str()), (shown, shown));
    assert_eq!(texts(&span), [(keys::EVENT_NAME, shown)]);

    let mut name = secret();
    with(|key, text| (key == "session_name").then(|| text.replace("GET", "get"))).name("session_name", &mut name);
    assert_eq!(name, "get /?token=[redacted]");

    let Value::Object(mut body) = json!({"session": {"session_name": secret()}, "event_name": secret()}) else {
        panic!("no object")
    };
    Redaction::default().object("", &mut body);
    assert_eq!(
        Value::Object(body),
        json!({"session": {"session_name": shown}, "event_name": shown})
    );
}

#[test]
fn what_stands_beside_a_value_says_whether_it_is_a_secret() {
    let redacted = |value: Value| {
        let mut object = Map::from_iter([("x".to_owned(), value)]);
        Redaction::default().object("honeyhive_inputs", &mut object);
        object.remove("x").unwrap()
    };
    for (value, expected) in [
        (
            json!([["Authorization", "y"], ["accept", "z"]]),
            json!([["Authorization", "[redacted]"], ["accept", "z"]]),
        ),
        (json!(["password", "token"]), json!(["password", "token"])),
        (
            json!({"required": ["password", "email"]}),
            json!({"required": ["password", "email"]}),
        ),
        (
            json!([{"name": "Authorization", "value": "y"}, {"key": "api_key", "value": [1]}, {"name": "n", "value": 1}]),
            json!([
                {"name": "Authorization", "value": "[redacted]"},
                {"key": "api_key", "value": "[redacted]"},
                {"name": "n", "value": 1},
            ]),
        ),
        (
            json!({"logprobs": {"content": [{"token": "Hi"}]}, "top": [{"token": "Hi", "logprob": -0.1}], "token": "y"}),
            json!({"logprobs": {"content": [{"token": "Hi"}]}, "top": [{"token": "Hi", "logprob": -0.1}], "token": "[redacted]"}),
        ),
        (
            json!({"properties": {"password": {"type": "string", "default": "y"}, "token": "y"}}),
            json!({"properties": {"password": {"type": "string", "default": "[redacted]"}, "token": "[redacted]"}}),
        ),
    ] {
        assert_eq!(redacted(value), expected);
    }

    let item = |value: &str| AnyValue {
        value: Some(text(value)),
    };
    let list = |second: &str| {
        any_value::Value::ArrayValue(ArrayValue {
            values: vec![item("api_key"), item(second)],
        })
    };
    let object = |value: &str| {
        any_value::Value::KvlistValue(KeyValueList {
            values: vec![attribute("name", text("cookie")), attribute("value", text(value))],
        })
    };
    let mut span = Span {
        attributes: vec![attribute("pair", list("y")), attribute("header", object("y"))],
        ..Span::default()
    };
    Redaction::default().span(&mut span);
    let expected = [
        attribute("pair", list("[redacted]")),
        attribute("header", object("[redacted]")),
    ];
    assert_eq!(span.attributes, expected);
}

#[test]
fn functions_run_in_order_on_what_the_patterns_left() {
    let mut redaction = with(|path, text| (path == "honeyhive_inputs.q").then(|| text.replace("bee", "b**")));
    redaction
        .custom
        .push(Arc::new(|_, text| text.contains("b**").then(|| format!("<{text}>"))));
    let mut span = Span {
        attributes: vec![
            attribute("honeyhive_inputs.q", text("a bee")),
            attribute("honeyhive_inputs.password", text("a bee")),
            attribute("honeyhive_outputs.result", text("a bee")),
            attribute(keys::SESSION_NAME, text("b**")),
        ],
        ..Span::default()
    };
    redaction.span(&mut span);
    assert_eq!(
        texts(&span),
        [
            ("honeyhive_inputs.q", "<a b**>"),
            ("honeyhive_inputs.password", "[redacted]"),
            ("honeyhive_outputs.result", "a bee"),
            (keys::SESSION_NAME, "b**"),
        ]
    );
}

#[test]
fn a_function_that_panics_costs_the_text_and_nothing_else() {
    let redaction = with(|path, _| {
        assert!(!path.ends_with("bad"), "as a test wants it");
        None
    });
    let mut object = Map::from_iter([("bad".to_owned(), json!("x")), ("good".to_owned(), json!("x"))]);
    redaction.object("honeyhive_metadata", &mut object);
    assert_eq!(
        Value::Object(object),
        json!({"bad": "[redacted: the redaction function panicked]", "good": "x"})
    );
}

#[test]
fn the_patterns_can_be_switched_off() {
    let redaction = Redaction {
        defaults: false,
        ..Redaction::default()
    };
    let mut object = Map::from_iter([("password".to_owned(), json!(r#"{"pwd":1}"#))]);
    redaction.object("honeyhive_inputs", &mut object);
    assert_eq!(object["password"], r#"{"pwd":1}"#);
    assert_eq!(format!("{redaction:?}"), "Redaction { defaults: false, custom: 0 }");
}

#[test]
fn what_is_nested_too_deep_to_look_into_is_not_sent() {
    let mut deep = json!({"password": "y"});
    for _ in 0..1_000 {
        deep = Value::Array(vec![deep]);
    }
    let mut object = Map::from_iter([("deep".to_owned(), deep)]);
    Redaction::default().object("honeyhive_inputs", &mut object);
    let mut value = &object["deep"];
    while let Some(inner) = value.get(0) {
        value = inner;
    }
    assert_eq!(value, TOO_DEEP);
}
