//! `MIGRATION.md` is complete: every name a Python program can have written has its row, every break its place.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::path::Path;

/// Public names of the packages, by where they are: `__all__`, public methods, parameters.
const NAMES: &[(&str, &str)] = &[
    (
        "honeyhive 0.2.57",
        "HoneyHive HoneyHiveTracer aevaluator atrace config dotdict enrich_session enrich_span evaluate evaluator trace",
    ),
    (
        "HoneyHiveTracer of 0.2.57",
        "api_key enrich_session flush init inject is_evaluation link server_url session_start unlink verbose \
         session_id baggage project session_name source disable_http_tracing disable_batch inputs run_id dataset_id \
         datapoint_id link_carrier",
    ),
    (
        "trace, enrich_span and enrich_session of 0.2.57",
        "event_type config metadata event_name metrics feedback inputs outputs error event_id session_id \
         user_properties",
    ),
    (
        "evaluate of 0.2.57",
        "api_key project name suite function dataset evaluators dataset_id max_workers run_concurrently \
         disable_http_tracing server_url verbose metadata print_results",
    ),
    (
        "evaluation of 0.2.57",
        "EvaluationResult run_id stats dataset_id session_ids status suite data to_json EvalResult EvalSettings \
         EvaluatorSettings wraps weight asserts repeat transform aggregate checker target",
    ),
    (
        "HoneyHive of 0.2.57",
        "bearer_auth timeout_ms client.session client.events client.tools client.datapoints client.datasets \
         client.projects client.metrics client.configurations client.experiments",
    ),
    (
        "HoneyHiveTracer of 0.2.10",
        "set_metric set_metadata set_feedback init_from_session_id",
    ),
    (
        "honeyhive 1.7.0",
        "BaseEvaluator DotDict HoneyHive HoneyHiveTracer MissingApiKeyError aevaluator atrace enrich_session \
         enrich_span evaluate evaluator flush get_logger set_default_tracer trace trace_class",
    ),
    (
        "honeyhive.tracer 1.7.0",
        "get_default_tracer clear_registry shutdown_tracer graceful_shutdown_all set_global_provider \
         get_global_provider HoneyHiveSpanProcessor",
    ),
    (
        "HoneyHiveTracer of 1.7.0",
        "acreate_session create_event create_session enrich_session enrich_span extract_context flush flush_all \
         force_flush get_baggage init inject inject_context is_initialized is_test_mode link project_name reset \
         session_start set_baggage shutdown source_environment start_span tracer.trace unlink with_session \
         session_config evaluation_config ingestion_api_key test_mode disable_tracing span_name_filters \
         max_attributes max_events max_links max_span_size preserve_core_attributes cache_* requests_session \
         skip_backend_session_creation inject_context_into_carrier with_distributed_trace_context \
         enrich_span_context attributes tracer=",
    ),
    (
        "honeyhive.experiments and honeyhive.evaluation 1.7.0",
        "ExperimentRunStatus AggregatedMetrics ExperimentResultSummary RunComparisonResult ExperimentContext \
         run_experiment evaluate generate_external_dataset_id generate_external_datapoint_id \
         prepare_external_dataset prepare_run_request_data get_run_result get_run_metrics compare_runs evaluator \
         aevaluator EvalResult EvalSettings EvaluatorSettings ExperimentRun EvaluationResult EvaluationContext \
         EvaluationRun BaseEvaluator evaluators instrumentors aggregate_function run_id",
    ),
    (
        "HoneyHive of 1.7.0",
        "base_url retry_config client.charts client.configurations client.datapoints client.datasets \
         client.evaluations client.events client.experiments client.metric_versions client.metrics client.sessions",
    ),
];

fn page(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// The words of the first cells under the heading, between back quotes: `@trace` and `flush()` are `trace` and `flush`.
fn first_cells(guide: &str) -> BTreeSet<String> {
    let from = guide.find("## Every Python name").unwrap();
    let until = from + guide[from..].find("\n## From a hand-written").unwrap();
    let mut words = BTreeSet::new();
    for row in guide[from..until].lines().filter(|line| line.starts_with("| ")) {
        let cell = row.split('|').nth(1).unwrap();
        for code in cell.split('`').skip(1).step_by(2) {
            words.insert(code.trim_start_matches('@').to_owned());
            // A call: its name, and its last name; parameters in it.
            for part in code
                .split(['(', ')', ',', '=', '…', ' '])
                .map(|part| part.trim_matches(['.', '@']))
            {
                words.extend([part, part.rsplit('.').next().unwrap_or(part)].map(str::to_owned));
            }
        }
    }
    words
}

#[test]
fn every_public_name_of_both_python_packages_has_its_row() {
    let guide = page("MIGRATION.md");
    let known = first_cells(&guide);
    let missing: Vec<_> = NAMES
        .iter()
        .flat_map(|(place, names)| names.split_whitespace().map(move |name| (*place, name)))
        .filter(|(_, name)| !known.contains(*name))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_break_has_its_row_and_its_code() {
    let (guide, breaks) = (page("MIGRATION.md"), page("docs/breaks.md"));
    for number in 1..=29 {
        let row = format!("| {number} | ");
        assert_eq!(guide.lines().filter(|line| line.starts_with(&row)).count(), 1, "{row}");
        let heading = format!("## {number}. ");
        let at = breaks.find(&heading).unwrap_or_else(|| panic!("no {heading:?}"));
        let section = &breaks[at + heading.len()..];
        let section = &section[..section.find("\n## ").unwrap_or(section.len())];
        let code = section.split("```").nth(1).unwrap_or_default();
        assert!(code.starts_with("rust\n"), "{heading} has no code");
        for side in [" before", " after"] {
            assert!(code.contains(side), "{heading} has no{side}");
        }
    }
}

#[test]
fn every_link_between_the_pages_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages = vec![
        "README.md",
        "MIGRATION.md",
        "CONTRIBUTING.md",
        "AGENTS.md",
        "CHANGELOG.md",
    ]
    .into_iter()
    .map(|page| root.join(page))
    .collect::<Vec<_>>();
    pages.extend(
        std::fs::read_dir(root.join("docs"))
            .unwrap()
            .map(|entry| entry.unwrap().path()),
    );
    let mut links = 0;
    for page in pages
        .iter()
        .filter(|page| page.extension().is_some_and(|extension| extension == "md"))
    {
        let text = std::fs::read_to_string(page).unwrap();
        let prose = text.split("```").step_by(2);
        for link in prose.flat_map(|part| part.split("](").skip(1)) {
            let target = link.split([')', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") || target.contains("crate") {
                continue;
            }
            links += 1;
            let found = page.parent().unwrap().join(target);
            assert!(found.exists(), "{}: {target}", page.display());
        }
    }
    assert!(links > 30, "{links}");
}
