//! `s01_basic.py` and `s02_nested.py`.

use honeyhive_core::{Enrichment, HoneyHiveTracer, trace};
use serde_json::{Value, json};

use crate::differences::spans;
use crate::{Scenario, Setting, flush};

pub(crate) const S01: Scenario = Scenario {
    capture: "s01",
    differences: &[],
    program: s01,
};

/// Python over protobuf, which `HH_OTLP_PROTOCOL` of the capture's environment asks for.
pub(crate) const S01_PROTOBUF: Scenario = Scenario {
    capture: "s01_protobuf",
    differences: &[],
    program: s01,
};

pub(crate) const S02: Scenario = Scenario {
    capture: "s02",
    differences: &[&spans::SPAN_CONFIG],
    program: s02,
};

fn s01(setting: &Setting) {
    #[trace(event_type = "tool")]
    fn add(a: i64, b: i64) -> i64 {
        a + b
    }

    let tracer = setting.tracer("s01 session");
    assert_eq!(tracer.in_scope(|| add(2, 3)), 5);
    flush(&tracer);
}

/// What the Python program gives to the decorators is added inside.
fn s02(setting: &Setting) {
    #[trace(event_type = "tool", name = "lookup")]
    fn lookup(tracer: &HoneyHiveTracer, term: &str, limit: usize) -> Vec<String> {
        tracer.enrich_span(
            Enrichment::new()
                .metadata("index", "docs")
                .metadata("shards", 3)
                .metric("recall", 0.5)
                .metric("hits", 2)
                .metric("cached", true),
        );
        (0..limit).map(|i| format!("{term}-{i}")).collect()
    }

    #[trace(event_type = "model", name = "llm")]
    fn llm(tracer: &HoneyHiveTracer, prompt: &str) -> Value {
        tracer.enrich_span(
            Enrichment::new()
                .config("model", "gpt-x")
                .config("params", json!({"temperature": 0.1, "stop": ["\n", "END"]}))
                .metadata("tier", "paid")
                .metric("tokens", 42)
                .feedback("thumbs", "up"),
        );
        let docs = lookup(tracer, "golden", 2);
        json!({"role": "assistant", "content": format!("{prompt} -> {}", docs[0]), "usage": {"total_tokens": 42}})
    }

    #[trace(event_type = "chain", name = "agent")]
    fn agent(tracer: &HoneyHiveTracer, question: &str) -> String {
        tracer.enrich_span(
            Enrichment::new()
                .input("declared", "by decorator")
                .metadata("nested", json!({"a": [1, {"b": null}], "c": null}))
                .metadata("team", "core"),
        );
        llm(tracer, question)["content"].as_str().unwrap_or_default().to_owned()
    }

    let tracer = setting.tracer("s02 session");
    assert_eq!(tracer.in_scope(|| agent(&tracer, "why?")), "why? -> golden-0");
    flush(&tracer);
}
