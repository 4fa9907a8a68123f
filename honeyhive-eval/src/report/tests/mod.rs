#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod html;
mod junit;

use std::time::Duration;

use serde_json::{Value, json};

use crate::compare::{Comparison, Metric};
use crate::fixture::{failed, row, run};
use crate::gate::{Gate, GateReport, Regression};
use crate::output::TaskError;
use crate::result::ExperimentResult;
use crate::score::Score;

/// A text that would be markup in one format or another.
const HOSTILE: &str = "</td><script>alert(\"1\")</script> & 'a|b' `code` @team\u{0}\u{1b}[31m ]]>";

/// A run in which every text of a user is hostile, with flags, numbers, labels, failures of both kinds and usage.
fn hostile() -> (ExperimentResult, ExperimentResult) {
    let flags = format!("flags {HOSTILE}");
    let scores = |passed: bool, number: f64, label: &str| {
        vec![
            (flags.clone(), Ok(Some(Score::new(passed).because(HOSTILE)))),
            ("length".to_owned(), Ok(Some(Score::new(number).with("words", 3)))),
            ("tone".to_owned(), Ok(Some(Score::new(format!("{label} {HOSTILE}"))))),
        ]
    };
    let side = |name: &str, passed: [bool; 3]| {
        let mut rows: Vec<_> = passed
            .into_iter()
            .enumerate()
            .map(|(index, passed)| {
                let mut row = row(index, json!({"answer": HOSTILE, "index": index}), Vec::new());
                #[allow(clippy::cast_precision_loss, reason = "three rows")]
                let number = index as f64 + if passed { 0.5 } else { 0.25 };
                row.scores = scores(passed, number, if index == 1 { "kind" } else { "rude" });
                row
            })
            .collect();
        rows.push(failed(3, HOSTILE));
        let broken = Err(TaskError::new("Panic", HOSTILE));
        rows.push(row(4, json!(HOSTILE), vec![("length", broken)]));
        rows[0].ground_truth = Some(json!({"answer": HOSTILE}));
        rows[0].metadata.insert(HOSTILE.to_owned(), json!(HOSTILE));
        rows[0].usage.total_tokens = Some(1_500);
        rows[0].usage.cost = Some(0.0123);
        let mut result = run(&format!("{name} {HOSTILE}"), &[&flags, "length", "tone"], rows);
        result.warnings.push(HOSTILE.to_owned());
        result.run_scores.push(("f1".to_owned(), Ok(Some(Score::new(0.5)))));
        result
    };
    (side("now", [true, false, false]), side("before", [true, true, false]))
}

fn compared() -> (ExperimentResult, Comparison, GateReport) {
    let (now, before) = hostile();
    let comparison = now.compare_with(&before).unwrap();
    let gate = comparison.check(
        &Gate::new()
            .max_failed_rows(2)
            .at_least(HOSTILE, 0.5)
            .no_regression(Regression::of("length")),
    );
    (now, comparison, gate)
}

/// A run that reads well, for what people see.
fn plain() -> (ExperimentResult, ExperimentResult) {
    let side = |name: &str, lengths: [f64; 4], passed: [bool; 4]| {
        let rows = lengths.into_iter().zip(passed).enumerate();
        let rows = rows.map(|(index, (length, passed))| {
            let reason = if passed { "as expected" } else { "another city" };
            row(
                index,
                json!({"answer": format!("answer {index}")}),
                vec![
                    ("exact", Ok(Some(Score::new(passed).because(reason)))),
                    ("length", Ok(Some(Score::new(length)))),
                ],
            )
        });
        let mut result = run(name, &["exact", "length"], rows.collect());
        result.rows.push(failed(4, "the model refused"));
        result
    };
    let before = side("prompt v1", [10.0, 12.0, 8.0, 11.0], [true, true, true, false]);
    let mut now = side("prompt v2", [20.0, 30.0, 16.0, 12.5], [true, false, false, false]);
    for row in &mut now.rows {
        row.latency += Duration::from_millis(30);
        row.usage.total_tokens = Some(250);
    }
    (now, before)
}

#[test]
fn the_table_has_summaries_with_intervals_and_usage() {
    insta::assert_snapshot!(plain().0.to_string());
}

#[test]
fn the_table_of_many_rows_is_cut() {
    let many = crate::fixture::scored("many", std::iter::repeat_n(true, 60)).to_string();
    assert!(many.contains("and 10 further rows"), "{many}");
    assert_eq!(many.matches("what is").count(), 50);
}

#[test]
fn markdown_shows_the_gate_the_changes_and_the_rows_to_look_at() {
    let (now, before) = plain();
    let comparison = now.compare_with(&before).unwrap().lower_is_better("length");
    let gate = comparison.check(&Gate::new().at_least("exact", 0.2).no_regression("exact"));
    insta::assert_snapshot!(
        "markdown",
        now.report().comparison(&comparison).gate(&gate).to_markdown()
    );
    insta::assert_snapshot!("markdown of a run alone", now.to_markdown());
}

#[test]
fn markdown_leaves_nothing_of_a_user_outside_code() {
    let (now, comparison, gate) = compared();
    let markdown = now.report().comparison(&comparison).gate(&gate).to_markdown();
    for line in markdown.lines() {
        let outside = without_code(line);
        assert!(!outside.contains("script") && !outside.contains("@team"), "{line}");
        if line.starts_with('|') {
            let cells = |line: &str| line.replace("\\|", "").matches('|').count();
            assert!(matches!(cells(line), 5 | 6 | 9), "{} cells: {line}", cells(line));
        }
    }
}

/// What of a line of Markdown is outside code spans and code elements.
fn without_code(line: &str) -> String {
    let mut outside = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(['`']) {
        outside.push_str(&rest[..start]);
        let fence = rest[start..].chars().take_while(|character| *character == '`').count();
        let body = &rest[start + fence..];
        let mut end = None;
        let mut at = 0;
        while let Some(found) = body[at..].find('`') {
            let run = body[at + found..]
                .chars()
                .take_while(|character| *character == '`')
                .count();
            if run == fence {
                end = Some(at + found + run);
                break;
            }
            at += found + run;
        }
        let Some(end) = end else { break };
        rest = &body[end..];
    }
    outside.push_str(rest);
    match (outside.find("<code>"), outside.find("</code>")) {
        (Some(start), Some(end)) => format!("{}{}", &outside[..start], &outside[end..]),
        _ => outside,
    }
}

#[test]
fn json_has_every_number_under_its_name() {
    let (now, before) = plain();
    let comparison = now.compare_with(&before).unwrap();
    let gate = comparison.check(&Gate::new().max_failed_rows(1).at_least("exact", 0.5));
    let report: Value = serde_json::from_str(&now.report().comparison(&comparison).gate(&gate).to_json()).unwrap();
    assert_eq!(report["succeeded"], 4);
    assert_eq!(report["status"], "completed");
    let length = &report["metrics"][1];
    assert_eq!((&length["name"], &length["is_rate"]), (&json!("length"), &json!(false)));
    for (name, value) in [
        ("average", 19.625),
        ("min", 12.5),
        ("max", 30.0),
        ("median", 18.0),
        ("sum", 78.5),
        ("count", 4.0),
    ] {
        assert_eq!(length[name], value, "{name}");
    }
    assert!(length["confidence_95"]["low"].as_f64().unwrap() < 19.625);
    assert_eq!(report["latency_ms"]["count"], 4.0);
    let exact = &report["comparison"]["metrics"][0];
    assert_eq!((&exact["metric"], &exact["delta"]), (&json!("exact"), &json!(-0.5)));
    assert_eq!(exact["significance"], json!({"p_value": 0.5, "test": "mc_nemar"}));
    assert_eq!(
        exact["degraded"][0],
        json!({"datapoint_id": "d1", "baseline": 1.0, "current": 0.0})
    );
    assert_eq!(report["gate"]["passed"], false);
    assert_eq!(report["gate"]["checks"][1]["found"], "0.25 over 4 rows");
    assert_eq!(
        report["rows"][4]["error"],
        json!({"kind": "Refused", "message": "the model refused"})
    );
    assert_eq!(
        report["rows"][0]["scores"]["exact"],
        json!({"value": true, "explanation": "as expected"})
    );
    assert_eq!(report["rows"][0]["usage"]["total_tokens"], 250);
}

#[test]
fn json_lines_are_the_rows_in_dataset_order() {
    let (now, _) = hostile();
    let lines = now.to_jsonl();
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        rows.iter()
            .map(|row| row["datapoint_id"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["d0", "d1", "d2", "d3", "d4"]
    );
    assert_eq!(rows[0]["output"]["answer"], HOSTILE);
    assert_eq!(rows[0].get("error"), None);
    assert_eq!(rows[4]["scores"]["length"]["error"]["kind"], "Panic");
}

#[test]
fn the_extension_of_a_file_decides_its_format() {
    let folder = std::env::temp_dir().join(format!("honeyhive-reports-{}", std::process::id()));
    let (now, _) = plain();
    for (name, beginning) in [
        ("new/report.HTML", "<!DOCTYPE html>"),
        ("report.md", "## `prompt v2`"),
        ("junit.xml", "<?xml"),
        ("report.json", "{\n"),
        ("rows.jsonl", "{\"datapoint_id\":\"d0\""),
        ("report.txt", "┌"),
    ] {
        now.write_report(folder.join(name)).unwrap();
        let written = std::fs::read_to_string(folder.join(name)).unwrap();
        assert!(written.starts_with(beginning), "{name}: {}", &written[..40]);
    }
    let error = now.write_report(folder.join("report.pdf")).unwrap_err().to_string();
    assert!(
        error.contains("report.pdf") && error.contains("html, md, xml"),
        "{error}"
    );
    let error = now.write_report(folder.join("report.md/below.md")).unwrap_err();
    assert!(matches!(error, super::ReportError::File { .. }));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_metric_reads_the_same_everywhere() {
    assert_eq!(Metric::from("exact").to_string(), "exact");
    assert_eq!(Metric::on_event("exact", "retrieve").to_string(), "exact of retrieve");
}
