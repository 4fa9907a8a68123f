//! `s04_session.py` and `s11_sessions.py`: sessions given, made, continued and updated.

use std::time::Duration;

use honeyhive_core::{ConfigError, Enrichment, HoneyHiveTracer, trace};
use serde_json::{Value, json};

use crate::differences::sessions;
use crate::{Scenario, Setting, flush};

pub(crate) const S04: Scenario = Scenario {
    capture: "s04",
    differences: &[&sessions::INVALID_SESSION_ID],
    program: s04,
};

pub(crate) const S11: Scenario = Scenario {
    capture: "s11",
    differences: &[
        &sessions::SESSION_START,
        &sessions::SOURCE_OF_SESSION,
        &sessions::SCOPE_ENDS,
        &sessions::BAGGAGE,
    ],
    program: s11,
};

macro_rules! work {
    ($tracer:ident, $name:literal) => {{
        #[trace(event_type = "tool", name = $name, tracer = tracer)]
        fn work(tracer: &HoneyHiveTracer) -> &'static str {
            stringify!($tracer)
        }
        work(&$tracer);
        flush(&$tracer);
    }};
}

fn s04(setting: &Setting) {
    const EXISTING: &str = "55555555-5555-4555-8555-555555555555";
    let named = |name: &str| {
        let settings = setting.builder().project("proj-alpha").source("golden");
        settings.session_name(name)
    };
    let generated = named("generated").input("user", json!({"id": 1})).input("q", "hi");
    let generated = generated.build().unwrap();
    let given = named("given").session_id("44444444-4444-4444-8444-444444444444");
    let given = given.build().unwrap();
    let upper = named("upper").session_id("ABCDEF12-3456-4789-8ABC-DEF012345678");
    let upper = upper.build().unwrap();
    let invalid = named("invalid").session_id("not-a-uuid").build();
    assert!(matches!(invalid, Err(ConfigError::InvalidSessionId { .. })));
    let existing = setting.builder().project("proj-alpha").source("golden");
    let existing = existing.session_id(EXISTING).skip_session_start().build().unwrap();
    let unnamed = setting.builder().project("proj-alpha").build().unwrap();

    work!(generated, "work in generated");
    work!(given, "work in given");
    work!(upper, "work in upper");
    work!(existing, "work in existing");
    work!(unnamed, "work in unnamed");

    // Every call waits, as in Python: updates that wait together would become one.
    let session = |tracer: &HoneyHiveTracer, enrichment: Enrichment| {
        tracer.enrich_session(enrichment);
        flush(tracer);
    };
    session(
        &generated,
        Enrichment::new()
            .metadata("m", json!({"deep": [1, null, true]}))
            .metadata("none", Value::Null)
            .input("late", "inputs")
            .output("answer", "42")
            .output("none", Value::Null)
            .config("model", "gpt-x")
            .feedback("rating", 4)
            .feedback("ground_truth", json!({"a": "b"}))
            .metric("score", 0.9)
            .metric("ok", true)
            .user_property("user_id", "u1")
            .user_property("none", Value::Null)
            .metadata("loose", "kwarg")
            .duration(Duration::from_micros(1_234_500)),
    );
    session(&given, Enrichment::new().metadata("only", "metadata"));
    given.enrich_event(
        EXISTING.parse().unwrap(),
        Enrichment::new().metadata("explicit", "other session"),
    );
    flush(&given);
    session(&given, Enrichment::new());
    session(&given, Enrichment::new().output("x", 1));
}

#[trace(event_type = "chain", tracer = tracer)]
fn turn(tracer: &HoneyHiveTracer, text: &str) -> String {
    text.to_uppercase()
}

#[trace(event_type = "chain", tracer = tracer)]
fn creates_inside(tracer: &HoneyHiveTracer) -> String {
    let session = tracer.new_session("inside a span").start();
    turn(&session, "child after create")
}

/// A session is a tracer of its own here, passed on where Python finds it in the baggage. Left out: `session_start`.
fn s11(setting: &Setting) {
    let tracer = setting.tracer("init session");
    turn(&tracer, "init");

    let created = tracer.new_session("created").input("q", 1).metadata("m", 1);
    let created = created.user_property("u", 1).source("override").start();
    turn(&created, "in created");
    created.enrich_session(Enrichment::new().output("done", "created"));

    let provided = "66666666-6666-4666-8666-666666666666".parse().unwrap();
    let provided = tracer.new_session("provided").id(provided).start();
    turn(&provided, "in provided");

    let linked = "77777777-7777-4777-8777-777777777777".parse().unwrap();
    let linked = tracer.resume_session(linked).start();
    turn(&linked, "in linked");

    let scoped = tracer.new_session("scoped").input("turn", 0).metadata("k", "v").start();
    for i in [1, 2] {
        turn(&scoped, &format!("turn {i}"));
    }
    scoped.enrich_session(Enrichment::new().output("done", "scoped"));
    turn(&tracer, "after with_session");

    let outer = tracer.new_session("outer").start();
    turn(&outer, "outer 1");
    let inner = tracer.new_session("inner").start();
    turn(&inner, "inner 1");
    turn(&outer, "outer 2");

    creates_inside(&tracer);
    turn(&tracer, "back at top");

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let requests: Vec<_> = [1, 2]
        .map(|i| {
            let session = tracer.new_session(format!("async {i}")).start();
            runtime.spawn(async move {
                tokio::task::yield_now().await;
                turn(&session, &format!("async {i}"));
            })
        })
        .into();
    for request in requests {
        runtime.block_on(request).unwrap();
    }
    let of_thread = tracer.clone();
    let thread = std::thread::spawn(move || turn(&of_thread.new_session("thread").start(), "thread"));
    thread.join().unwrap();

    turn(&tracer, "after session_start");
    flush(&tracer);
}
