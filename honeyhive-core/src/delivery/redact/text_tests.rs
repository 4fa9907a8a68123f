//! What is found in text, and what is left alone.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn values_of_secrets_are_replaced_in_json_and_debug_text() {
    for (text, expected) in [
        (
            r#"{"user":"x","password":"y"}"#,
            r#"{"user":"x","password":"[redacted]"}"#,
        ),
        (
            r#"Login { user: "x", password: "y" }"#,
            r#"Login { user: "x", password: "[redacted]" }"#,
        ),
        (
            r#"[{"api_key": 7, "n": 1}, {"apiKey": null}]"#,
            r#"[{"api_key": "[redacted]", "n": 1}, {"apiKey": "[redacted]"}]"#,
        ),
        (
            r#"{"password":"with \"quotes\", and } more","next":1}"#,
            r#"{"password":"[redacted]","next":1}"#,
        ),
        (
            r#"{"credentials":{"user":"x","list":["}",{"a":1}]},"next":1}"#,
            r#"{"credentials":"[redacted]","next":1}"#,
        ),
        (
            r#"Ok(Config { token: Some("t"), retries: 3 })"#,
            r#"Ok(Config { token: "[redacted]", retries: 3 })"#,
        ),
        (
            r#"auth::Config { secret: Secret { inner: "s" }, open: '"', pwd: 'p' }"#,
            r#"auth::Config { secret: "[redacted]", open: '"', pwd: "[redacted]" }"#,
        ),
        (
            "Config {\n    token: Some(\n        \"t\",\n    ),\n    n: 1,\n}",
            "Config {\n    token: \"[redacted]\",\n    n: 1,\n}",
        ),
        (
            r#"{"headers": {"x-api-key": "k", "accept": "*/*"}}"#,
            r#"{"headers": {"x-api-key": "[redacted]", "accept": "*/*"}}"#,
        ),
        (
            "{'user': 'x', 'password': 'y'}",
            "{'user': 'x', 'password': \"[redacted]\"}",
        ),
        ("({password: Bearer abc})", "({password: \"[redacted]\"})"),
        (
            r#"{"größe":"é","password":"ü"}"#,
            r#"{"größe":"é","password":"[redacted]"}"#,
        ),
    ] {
        assert_eq!(redact(text), expected);
    }
}

#[test]
fn a_text_that_is_cut_keeps_no_part_of_a_secret() {
    for (text, expected) in [
        (r#"{"n":1,"password":"abc…[cut]"#, r#"{"n":1,"password":"[redacted]""#),
        (r#"{"password":"abc\"#, r#"{"password":"[redacted]""#),
        (r#"{"secrets":{"a":["abc…[cut]"#, r#"{"secrets":"[redacted]""#),
        (r#"Login { pwd: 12…[cut]"#, r#"Login { pwd: "[redacted]""#),
        (r#"{"password":"#, r#"{"password":"#),
        (r#"{"password"#, r#"{"password"#),
    ] {
        assert_eq!(redact(text), expected);
    }
}

#[test]
fn json_in_a_text_in_json_is_looked_into() {
    let inner = json!({"say": "a \"b\"\n🐝", "password": "y"}).to_string();
    let middle = json!({"body": inner}).to_string();
    let outer = json!({"arguments": middle, "n": 1}).to_string();
    let redacted = redact(&outer).into_owned();
    let outer: serde_json::Value = serde_json::from_str(&redacted).unwrap();
    let middle: serde_json::Value = serde_json::from_str(outer["arguments"].as_str().unwrap()).unwrap();
    let inner: serde_json::Value = serde_json::from_str(middle["body"].as_str().unwrap()).unwrap();
    assert_eq!(inner, json!({"say": "a \"b\"\n🐝", "password": "[redacted]"}));
    assert_eq!(outer["n"], 1);

    let quoted = format!("{:?}", r#"{"password":"y"}"#);
    assert_eq!(redact(&quoted), r#""{\"password\":\"[redacted]\"}""#);
    let cut = r#"{"body":"{\"password\":\"abc…[cut]"#;
    assert_eq!(redact(cut), r#"{"body":"{\"password\":\"[redacted]\""#);
}

#[test]
fn prose_and_names_that_are_no_secrets_pass_as_they_are() {
    for text in [
        "the password is on the desk",
        "token: a unit of text",
        "Use token = 5 as an example",
        "max_tokens=5",
        "tokens: 7",
        "author: Ann",
        "secretary: Bob",
        "let token = next();",
        "if token == 5 && password != x {}",
        "match x { token => 1 }",
        "fn login(user: &str, password: &str) -> Token { token(user, password) }",
        "struct Login { password: String, token: Option<String> }",
        "interface Login {\n  password: string;\n}",
        "The bearer of bad news, bearer authentication and cookies",
        "authorization: the second step",
        "Cookie: a small text",
        "Secret: how to bake bread",
        "He said \"the password: what is it?\" and left :(",
        "  \"token\", \"password\"",
        r#"{"required":["password","email"]}"#,
        r#"[["What is my password?","It is on the desk"]]"#,
        r#"{"name":"Forgot password","value":"3"}"#,
        r#"{"name":"gen_ai.token.type","value":"input"}"#,
        r#"{"name":"password","type":"string"}"#,
        r#"("password", "y", 3)"#,
        "password=[redacted]&x=1",
        "?token=",
        "password=\"\"",
        "",
        "{",
        "Set the password: it's needed.",
        "Explain this (password: what is it?), please",
        "\"password\": said the bee",
        "[Note] the password: choose one",
        r#"{"max_tokens":100,"usage":{"prompt_tokens":3},"token_count":1,"author":"x"}"#,
        r#"["password","token"]"#,
        "Usage { input_tokens: 3 }",
        "Token::Secret(a::password::b)",
        r#"{"password":"[redacted]"}"#,
        "{it's: 1, 'tis: 2}",
    ] {
        assert!(matches!(redact(text), Cow::Borrowed(_)), "{text} is {}", redact(text));
    }
}

#[test]
fn what_a_model_says_of_its_tokens_is_kept() {
    for text in [
        r#"{"logprobs":{"content":[{"token":"Hi","logprob":-0.1,"bytes":[72,105],"top_logprobs":[{"token":"Hi"}]}]}}"#,
        r#"[{"token":"Hi","logprob":-0.1}]"#,
        r#"[{"bytes":[72],"token":"Hi"}]"#,
        r#"Logprobs { logprobs: Some([Token { token: "Hi" }]) }"#,
        r#"TopLogprob { token: "Hi", logprob: -0.1 }"#,
        r#"{"logprobs":{"content":[{"token":"Hi…[cut]"#,
    ] {
        assert_eq!(redact(text), text);
    }
    for text in [
        r#"{"token":"HUNTER2","bytes":7}"#,
        r#"{"logprobs":{"api_token":"HUNTER2"}}"#,
        r#"{"logprobs":{},"token":"HUNTER2"}"#,
        r#"[{"token":"HUNTER2"},{"logprob":1}]"#,
        r#"{"token":{"password":"HUNTER2"},"logprob":1}"#,
    ] {
        assert!(!redact(text).contains("HUNTER2"), "{text}");
    }
}

#[test]
fn properties_of_a_schema_are_kept_but_no_value_in_them() {
    for text in [
        r#"{"type":"object","properties":{"password":{"type":"string","minLength":8}},"required":["password","x"]}"#,
        r#"{"properties":{"auth":{"type":"object","properties":{"token":{"description":"a token"}}}}}"#,
        r#"Schema { properties: {"api_key": {"type": "string"}} }"#,
        r#"Object {"properties": Object {"password": Object {"type": String("string")}}}"#,
    ] {
        assert_eq!(redact(text), text);
    }
    for (text, expected) in [
        (
            r#"{"properties":{"password":{"type":"string","default":"y"},"token":"z"}}"#,
            r#"{"properties":{"password":{"type":"string","default":"[redacted]"},"token":"[redacted]"}}"#,
        ),
        (
            r#"{"properties":{"credentials":{"user":"y"},"n":{"password":"y"}}}"#,
            r#"{"properties":{"credentials":{"user":"[redacted]"},"n":{"password":"[redacted]"}}}"#,
        ),
    ] {
        assert_eq!(redact(text), expected);
    }
}

#[test]
fn a_name_beside_a_value_says_what_it_is() {
    for (text, expected) in [
        (r#"[["password","HUNTER2Jwt"]]"#, r#"[["password","[redacted]"]]"#),
        (
            r#"[["Authorization","Bearer x"]]"#,
            r#"[["Authorization","[redacted]"]]"#,
        ),
        (
            r#"[["accept","*/*"],["token",7]]"#,
            r#"[["accept","*/*"],["token","[redacted]"]]"#,
        ),
        (r#"[("password", "y")]"#, r#"[("password", "[redacted]")]"#),
        (r#"Pair("api_key", Some("y"))"#, r#"Pair("api_key", "[redacted]")"#),
        (
            "[\n    (\n        \"password\",\n        \"y\",\n    ),\n]",
            "[\n    (\n        \"password\",\n        \"[redacted]\",\n    ),\n]",
        ),
        (
            r#"Array [String("password"), String("y")]"#,
            r#"Array [String("password"), "[redacted]"]"#,
        ),
        (r#"[["Authorization","x…[cut]"#, r#"[["Authorization","[redacted]""#),
        (r#"["password",{"a":["y"]}]"#, r#"["password","[redacted]"]"#),
        (
            r#"{"name":"Authorization","value":"Bearer x"}"#,
            r#"{"name":"Authorization","value":"[redacted]"}"#,
        ),
        (
            r#"{"value":{"a":[1]},"n":1,"key":"api_key"}"#,
            r#"{"value":"[redacted]","n":1,"key":"api_key"}"#,
        ),
        (
            r#"{"key":"api_key","value":"x…[cut]"#,
            r#"{"key":"api_key","value":"[redacted]""#,
        ),
        (
            r#"Header { name: "cookie", value: "y" }"#,
            r#"Header { name: "cookie", value: "[redacted]" }"#,
        ),
        (
            r#"Object {"name": String("token"), "value": String("y")}"#,
            r#"Object {"name": String("token"), "value": "[redacted]"}"#,
        ),
    ] {
        assert_eq!(redact(text), expected);
    }
}

#[test]
fn secrets_in_prose_are_found_by_how_they_are_written() {
    for (text, expected) in [
        ("GET /a?token=abc&x=1", "GET /a?token=[redacted]&x=1"),
        ("password=abc", "password=[redacted]"),
        ("export API_KEY=abc; ls", "export API_KEY=[redacted]; ls"),
        ("f(password='a b', n=1)", "f(password='[redacted]', n=1)"),
        ("(api_key=abc)", "(api_key=[redacted])"),
        ("login password=Some(\"a, b\") n=1", "login password=[redacted] n=1"),
        ("let password = \"abc\";", "let password = \"[redacted]\";"),
        ("{user=x, password=abc}", "{user=x, password=[redacted]}"),
        (
            r#"{"url":"https://x/?access_token=abc","n":1}"#,
            r#"{"url":"https://x/?access_token=[redacted]","n":1}"#,
        ),
        (
            r#"{"e":"\"password=abc\" failed"}"#,
            r#"{"e":"\"password=[redacted]\" failed"}"#,
        ),
        (
            "sent Authorization: Bearer abc, then",
            "sent Authorization: Bearer [redacted], then",
        ),
        ("with Bearer eyJhbGciOiJIUzI1NiJ9.e30.x_-y", "with Bearer [redacted]"),
        (
            "curl -H 'x-api-key: abc' https://x",
            "curl -H 'x-api-key: [redacted]' https://x",
        ),
        (
            "connect failed: {\"password\": \"x\"}",
            "connect failed: {\"password\": \"[redacted]\"}",
        ),
        (
            "Set the password: it's {\"password\":\"y\"}",
            "Set the password: it's {\"password\":\"[redacted]\"}",
        ),
        (
            "a 5\" disk :( {\"password\":\"y\"}",
            "a 5\" disk :( {\"password\":\"[redacted]\"}",
        ),
        ("(5\" {\"password\":\"y\"}", "(5\" {\"password\":\"[redacted]\"}"),
        ("{ 5\" {\"password\":\"y\"}", "{ 5\" {\"password\":\"[redacted]\"}"),
        ("&Config { password: \"x\" }", "&Config { password: \"[redacted]\" }"),
        (
            "body {\\\"password\\\":\\\"x\\\"}",
            "body {\\\"password\\\":\\\"[redacted]\\\"}",
        ),
        (
            "\"password\": \"x\", \"n\": 1}",
            "\"password\": \"[redacted]\", \"n\": 1}",
        ),
        (
            r#"{"\u0070assword":"x","n":1}"#,
            r#"{"\u0070assword":"[redacted]","n":1}"#,
        ),
        ("{\"password\"=>\"x\"}", "{\"password\"=>\"[redacted]\"}"),
        ("password: hunter2", "password: [redacted]"),
        (
            "user: x\n  password: 'a b'\nn: 1",
            "user: x\n  password: '[redacted]'\nn: 1",
        ),
        ("- token: abc\n- n: 1", "- token: [redacted]\n- n: 1"),
        ("private_key: |\n  a\n\n  b\nn: 1", "private_key: |\n  [redacted]\nn: 1"),
        ("> Set-Cookie: a=b; Path=/\n> n: 1", "> Set-Cookie: [redacted]\n> n: 1"),
        (r#"{"note":"password: y"}"#, r#"{"note":"password: [redacted]"}"#),
    ] {
        assert_eq!(redact(text), expected);
        assert_eq!(redact(expected), expected);
    }
}

#[test]
fn a_megabyte_of_brackets_quotes_or_escapes_takes_no_stack_and_little_time() {
    for piece in [
        "{",
        "[\"",
        "{'",
        "{\"password\":",
        "{\"a\\\\",
        "{\"\\\"{",
        "{a : ",
        "(,'",
        "{'\\",
        "[ '\\\\\\'",
        "password=\"\\",
        "{\"\\\" x",
        "(\"x\" y ",
        "{'x' \"",
        "token = '\\",
        "token=a(",
        "\"token: a ",
        "'token: a `token: b ",
        "(\"token\",",
        "{\"name\":\"token\",\"value\":",
        "{\\\"",
        "\"\\",
        "token: |\n ",
        "Authorization: Digest ",
        ":Authorization:token:Bearerx",
        "Bearer ",
        "a(b(\"token\"",
        "token\n\n\n",
        "{properties:{token:{",
    ] {
        let text = piece.repeat((1 << 20) / piece.len());
        let started = std::time::Instant::now();
        let _ = redact(&text);
        let took = started.elapsed();
        assert!(took.as_secs() < 3, "{piece} took {took:?}");
    }
}

fn secret_name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "password",
        "apiKey",
        "x-api-key",
        "client_secret",
        "Authorization",
        "id_token",
    ])
    .prop_map(str::to_owned)
}

fn tree() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(serde_json::Value::from),
        "[ -~é\n]{0,12}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[b-m_]{1,5}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// An object that has the value under the name somewhere.
fn hiding(name: String, value: serde_json::Value, around: Vec<serde_json::Value>) -> serde_json::Value {
    let mut hidden = json!({ name: value });
    for (number, beside) in around.into_iter().enumerate() {
        hidden = match number % 3 {
            0 => json!({"b": beside, "c": hidden}),
            1 => json!([beside, hidden]),
            _ => json!({"a": hidden.to_string(), "b": beside}),
        };
    }
    match hidden {
        serde_json::Value::Object(_) => hidden,
        other => json!({"x": other}),
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "[\\[{(]?([{}\\[\\]()\"'`:,=&|>\\\\ \n-]|password|token|Bearer|Authorization|Digest|name|value|properties|a|u|é|🐝){0,60}") {
        let _ = redact(&text);
    }

    #[test]
    fn text_without_secrets_is_returned_as_it_is(value in tree()) {
        let text = value.to_string();
        prop_assert!(matches!(redact(&text), Cow::Borrowed(_)));
        let text = format!("{value:?}");
        prop_assert!(matches!(redact(&text), Cow::Borrowed(_)));
    }

    #[test]
    fn no_secret_is_left_and_json_stays_json(
        name in secret_name(),
        around in prop::collection::vec(tree(), 0..6),
        text in "[ -~é\n]{0,12}",
        nested in any::<bool>(),
    ) {
        let secret = format!("{text}HUNTER2{text}");
        let value = if nested { json!({"b": [1, {"c": secret}]}) } else { json!(secret) };
        let hidden = hiding(name, value, around);
        let json = hidden.to_string();
        let redacted = redact(&json);
        prop_assert!(!redacted.contains("HUNTER2"), "{redacted}");
        prop_assert!(redacted.contains("[redacted]"));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&redacted).is_ok(), "{redacted}");

        let debug = format!("{hidden:#?}");
        prop_assert!(!redact(&debug).contains("HUNTER2"));

        for cut in json.char_indices().map(|(at, _)| at).filter(|at| at % 7 == 0) {
            let cut = format!("{}…[cut]", &json[..cut]);
            prop_assert!(!redact(&cut).contains("HUNTER2"), "{cut}");
        }
    }

    #[test]
    fn no_secret_is_left_beside_its_name_or_in_prose(
        name in secret_name(),
        text in "[a-zA-Z0-9]{0,12}",
        around in prop::collection::vec(tree(), 0..4),
        before in "([a-z] ?[.!?(\"]?|it's ){0,6}",
    ) {
        let secret = format!("HUNTER2{text}");
        for place in [
            json!({"name": name, "value": secret}),
            json!([[name, secret]]),
            json!({"url": format!("https://x/?{name}={secret}&n=1")}),
        ] {
            let hidden = hiding("inner".to_owned(), place, around.clone()).to_string();
            let text = format!("{before} {hidden}");
            let redacted = redact(&text);
            prop_assert!(!redacted.contains("HUNTER2"), "{redacted}");
            prop_assert_eq!(redact(&redacted), redacted.as_ref());
        }
    }
}
