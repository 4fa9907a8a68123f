//! Every function of 0.x is deprecated, and none is with the feature `silence-deprecations`. Compiling this file is the
//! test: an expected lint that does not come is an error, and so is one that is not expected.
#![deny(unfulfilled_lint_expectations)]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::path::Path;

use honeyhive_compat::{self as honeyhive, Enrichment, HoneyHiveTracer, InitOptions, LegacyTracer};

/// Uses, each the only one of its function.
macro_rules! deprecated {
    ($($name:ident($($argument:ident: $type:ty),*) $use:block)*) => {
        const DEPRECATED: &[&str] = &[$(stringify!($name)),*];

        $(
            #[allow(dead_code, reason = "it is compiled, not run")]
            #[cfg_attr(not(feature = "silence-deprecations"), expect(deprecated))]
            #[cfg_attr(feature = "silence-deprecations", deny(deprecated))]
            fn $name($($argument: $type),*) {
                let _ = $use;
            }
        )*
    };
}

deprecated! {
    init() { honeyhive::init(InitOptions::from_env()) }
    init_from_session_id() { honeyhive::init_from_session_id("", "", "") }
    get_tracer() { honeyhive::get_tracer() }
    set_default_tracer(tracer: &HoneyHiveTracer) { honeyhive::set_default_tracer(tracer) }
    session_id() { honeyhive::session_id() }
    flush() { honeyhive::flush() }
    reset() { honeyhive::reset() }
    enrich_span() { honeyhive::enrich_span(Enrichment::new()) }
    enrich_session() { honeyhive::enrich_session(Enrichment::new()) }
    enrich_session_with_id() { honeyhive::enrich_session_with_id("", Enrichment::new()) }
    set_metric() { honeyhive::set_metric(()) }
    set_metadata() { honeyhive::set_metadata(()) }
    set_feedback() { honeyhive::set_feedback(()) }
    inject(headers: &mut Vec<(String, String)>) { honeyhive::inject(headers) }
    link(headers: Vec<(String, String)>) { honeyhive::link(headers) }
    unlink(token: honeyhive::LinkToken) { honeyhive::unlink(token) }
    evaluate(options: honeyhive::EvaluateOptions) { honeyhive::evaluate(options) }
    tracer_init() { HoneyHiveTracer::init(InitOptions::from_env()) }
    tracer_init_from_session_id() { HoneyHiveTracer::init_from_session_id("", "", "") }
    tracer_session_start(tracer: &HoneyHiveTracer) { tracer.session_start() }
    tracer_reset() { HoneyHiveTracer::reset() }
    tracer_inject(tracer: &HoneyHiveTracer, headers: &mut Vec<(String, String)>) { tracer.inject(headers) }
    tracer_link(tracer: &HoneyHiveTracer, headers: Vec<(String, String)>) { tracer.link(headers) }
    tracer_unlink(token: honeyhive::LinkToken) { HoneyHiveTracer::unlink(token) }
}

#[test]
fn every_deprecation_of_the_crate_is_tried_here() {
    let mut count = 0;
    let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            count += std::fs::read_to_string(path)
                .unwrap()
                .matches("deprecated(note = ")
                .count();
        }
    }
    assert_eq!(DEPRECATED.len(), count, "{DEPRECATED:?}");
}
