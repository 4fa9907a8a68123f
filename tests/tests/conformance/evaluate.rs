//! `s07_evaluate.py`, `s08_evaluate_tracer.py`, `s10_evaluate_dataset_id.py` and `s16_evaluate_git.py`.

use std::process::Command;
use std::time::Duration;

use honeyhive_eval::prelude::*;
use honeyhive_eval::{Aggregate, Evaluation, ExperimentResult};
use serde_json::{Value, json};

use crate::differences::{delivery, evaluation};
use crate::{Scenario, Setting};

pub(crate) const S07: Scenario = Scenario {
    capture: "s07",
    differences: &[
        &evaluation::LEGACY_KEY,
        &evaluation::DATASET_ORDER,
        &evaluation::CHAIN_INPUT,
        &evaluation::CHAIN_NAME,
        &delivery::NO_READ_BACK,
    ],
    program: s07,
};

pub(crate) const S08: Scenario = Scenario {
    capture: "s08",
    differences: &[
        &evaluation::DATASET_ORDER,
        &evaluation::CHAIN_INPUT,
        &evaluation::CHAIN_NAME,
        &delivery::NO_READ_BACK,
    ],
    program: s08,
};

pub(crate) const S10: Scenario = Scenario {
    capture: "s10",
    differences: &[
        &evaluation::FETCHED_BY_LIST,
        &evaluation::CHAIN_INPUT,
        &evaluation::CHAIN_NAME,
        &delivery::NO_READ_BACK,
    ],
    program: s10,
};

pub(crate) const S16: Scenario = Scenario {
    capture: "s16",
    differences: &[
        &evaluation::NO_ADDRESS,
        &evaluation::WHOLE_METADATA,
        &evaluation::CHAIN_INPUT,
        &evaluation::CHAIN_NAME,
        &delivery::NO_READ_BACK,
    ],
    program: s16,
};

fn run(evaluation: Evaluation, setting: &Setting) -> ExperimentResult {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let result = runtime
        .block_on(async { evaluation.connection(setting.builder()).await })
        .unwrap();
    assert_eq!(result.warnings, Vec::<String>::new());
    result
}

/// The legacy key of the fourth item is left out, and the nested extra of the second evaluator: neither is possible here.
fn s07(setting: &Setting) {
    fn answer(datapoint: Datapoint) -> Value {
        json!({
            "answer": datapoint.inputs["q"].as_str().unwrap_or_default().to_uppercase(),
            "n": datapoint.inputs["n"],
        })
    }
    fn length(Outputs(outputs): Outputs<Value>) -> f64 {
        f64::from(u32::try_from(outputs["answer"].as_str().unwrap_or_default().len()).unwrap()) / 10.0
    }
    fn matches(Outputs(outputs): Outputs<Value>, truth: Option<GroundTruth<Value>>) -> Option<Score> {
        let GroundTruth(truth) = truth?;
        let ok = outputs["answer"] == truth["a"];
        Some(Score::new(ok).because("case-folded comparison").with("delta", 0.5))
    }

    let dataset = Dataset::new([
        json!({"inputs": {"q": "one", "n": 1}, "ground_truth": {"a": "ONE"}}),
        json!({"inputs": {"q": "two", "n": 2}, "ground_truth": {"a": "TWO"}}),
        json!({"inputs": {"q": "three", "n": 3}, "ground_truth": "a plain string"}),
        json!({"inputs": {"q": "four", "n": 4}}),
        json!({"id": "custom-5", "inputs": {"q": "five", "n": 5}, "ground_truth": {"a": "FIVE"}, "extra": true}),
    ]);
    let evaluation = evaluate(answer)
        .name("golden run")
        .dataset(dataset.unwrap())
        .evaluator("length", length)
        .evaluator("matches", matches)
        .max_workers(2)
        .git(false);
    run(evaluation, setting);
}

/// An update is sent in the background here, so the function waits for its own as Python does.
fn s08(setting: &Setting) {
    #[trace(event_type = "model", name = "nested_model")]
    fn nested_model(tracer: &HoneyHiveTracer, q: &str) -> String {
        tracer.enrich_span(Enrichment::new().metadata("free_function_in", q));
        q.to_uppercase()
    }
    #[trace(event_type = "tool", name = "nested_tool")]
    fn nested_tool(tracer: &HoneyHiveTracer, q: &str) -> String {
        nested_model(tracer, q)
    }
    fn answer(datapoint: Datapoint, tracer: HoneyHiveTracer) -> Value {
        let q = datapoint.inputs["q"].as_str().unwrap_or_default();
        let n = u32::try_from(datapoint.inputs["n"].as_u64().unwrap_or_default()).unwrap();
        let enrichment = Enrichment::new().metadata("custom", q);
        tracer.enrich_span(enrichment.metric("confidence", f64::from(n) / 12.0));
        tracer.enrich_session(
            Enrichment::new()
                .metadata("enriched_by", q)
                .metric("session_metric", 1)
                .output("early", true)
                .user_property("user_id", q),
        );
        tracer.flush_blocking(Duration::from_secs(30)).unwrap();
        json!({"answer": nested_tool(&tracer, q)})
    }

    let item = |i: u32| json!({"inputs": {"q": format!("q{i:02}"), "n": i}, "ground_truth": {"a": format!("Q{i:02}")}});
    let evaluation = evaluate(answer)
        .name("tracer run")
        .dataset(Dataset::new((0..12).map(item)).unwrap())
        .evaluator(
            "exact",
            |Outputs(outputs): Outputs<Value>, GroundTruth(truth): GroundTruth<Value>| outputs["answer"] == truth["a"],
        )
        .max_workers(3)
        .git(false);
    run(evaluation, setting);
}

fn s10(setting: &Setting) {
    fn answer(datapoint: Datapoint) -> Value {
        json!({"answer": datapoint.inputs["question"]})
    }
    let evaluation = evaluate(answer)
        .name("managed run")
        .dataset_id("ds-managed-0001")
        .evaluator("has_answer", |Outputs(outputs): Outputs<Value>| {
            outputs["answer"].as_str().is_some_and(|answer| !answer.is_empty())
        })
        .max_workers(1)
        .aggregate_function(Aggregate::Sum)
        .git(false);
    let result = run(evaluation, setting);
    assert_eq!(result.rows[2].ground_truth, None);
}

/// The name is given as the capture writes it: by default it ends in eight digits of the run's id.
fn s16(setting: &Setting) {
    fn answer(datapoint: Datapoint) -> Value {
        json!({"out": datapoint.inputs["n"]})
    }
    let repository = std::env::temp_dir().join(format!("honeyhive-s16-{}", honeyhive_core::Uuid::new_v4()));
    std::fs::create_dir(&repository).unwrap();
    let identity = ["-c", "user.name=Ada Golden", "-c", "user.email=ada@example.test"];
    let commit = ["commit", "-q", "--allow-empty", "-m", "Golden commit"];
    for arguments in [
        &["init", "-q", "-b", "main"][..],
        &[
            "remote",
            "add",
            "origin",
            "https://ada:secret@example.test/acme/golden.git",
        ],
        &[&identity[..], &commit].concat(),
    ] {
        let git = Command::new("git").current_dir(&repository).args(arguments).status();
        assert!(git.unwrap().success());
    }
    std::fs::write(repository.join("untracked"), "").unwrap();

    let before = std::env::current_dir().unwrap();
    std::env::set_current_dir(&repository).unwrap();
    let evaluation = evaluate(answer)
        .name("experiment-<hex8>")
        .dataset(Dataset::new([json!({"inputs": {"n": 1}})]).unwrap())
        .run_id("99999999-9999-4999-8999-999999999999".parse().unwrap())
        .max_workers(1);
    run(evaluation, setting);
    std::env::set_current_dir(before).unwrap();
    std::fs::remove_dir_all(repository).unwrap();
}
