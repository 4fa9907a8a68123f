#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::fixture::{failed, row, run, scored};
use crate::score::Score;
use crate::stats::Test;

fn ids(rows: &[RowChange]) -> Vec<&str> {
    rows.iter().map(|row| row.datapoint_id.as_str()).collect()
}

#[test]
fn flags_are_paired_by_datapoint_and_judged_by_mcnemar() {
    // One row got better and seven got worse: the published example of McNemar's exact test.
    let before = scored("before", [false, true, true, true, true, true, true, true, true, false]);
    let mut now = scored(
        "now",
        [true, false, false, false, false, false, false, false, true, false],
    );
    now.rows.reverse();
    let comparison = now.compare_with(&before).unwrap();
    let score = comparison.metric("score").unwrap();
    assert_eq!((score.pairs, score.same, score.is_rate), (10, 2, true));
    assert_eq!((score.baseline, score.current), (0.8, 0.2));
    assert!((score.delta + 0.6).abs() < 1e-12);
    assert_eq!(ids(&score.improved), ["d0"]);
    assert_eq!(ids(&score.degraded), ["d7", "d6", "d5", "d4", "d3", "d2", "d1"]);
    assert_eq!(score.significance.test, Test::McNemar);
    assert!((score.significance.p_value - 0.070_312_5).abs() < 1e-12);
    assert!(score.is_regression());
    let interval = score.interval.unwrap();
    assert!(
        interval.low < -0.6 && interval.high > -0.6 && interval.high < 0.1,
        "{interval:?}"
    );
}

#[test]
fn numbers_are_judged_by_permutation_and_lower_can_be_better() {
    let before = scored("before", [1.0, 2.0, 3.0, 4.0]);
    let now = scored("now", [2.0, 3.0, 4.0, 5.0]);
    let comparison = now.compare_with(&before).unwrap();
    let score = comparison.metric("score").unwrap();
    // All four went the same way: two of sixteen assignments of signs are as extreme.
    assert_eq!(score.significance.p_value, 0.125);
    assert_eq!(
        (score.improved.len(), score.degraded.len(), score.interval),
        (4, 0, None)
    );
    assert!(score.is_improvement());

    let comparison = comparison.lower_is_better("score").lower_is_better("score");
    let score = comparison.metric("score").unwrap();
    assert_eq!((score.improved.len(), score.degraded.len()), (0, 4));
    assert!(score.is_regression() && score.delta == 1.0);
}

#[test]
fn latency_tokens_and_cost_are_better_when_lower() {
    let before = scored("before", [1.0, 2.0]);
    let mut now = before.clone();
    for row in &mut now.rows {
        row.latency += Duration::from_millis(50);
    }
    let (mut cheap, mut dear) = (before, now);
    cheap.rows[0].usage.cost = Some(0.5);
    dear.rows[0].usage.cost = Some(0.75);
    let comparison = dear.compare_with(&cheap).unwrap();
    let latency = comparison.metric(Metric::Latency).unwrap();
    assert!((latency.delta - 50.0).abs() < 1e-9 && latency.is_regression());
    assert_eq!(latency.degraded.len(), 2);
    let cost = comparison.metric(Metric::Cost).unwrap();
    assert_eq!((cost.pairs, cost.delta, cost.is_regression()), (1, 0.25, true));
    assert_eq!(comparison.metric(Metric::Tokens), None);
}

#[test]
fn rows_of_one_run_alone_are_named_and_not_counted() {
    let before = run(
        "before",
        &["score", "old"],
        vec![
            row(
                0,
                json!(1),
                vec![
                    ("score", Ok(Some(Score::new(1.0)))),
                    ("old", Ok(Some(Score::new(true)))),
                ],
            ),
            row(1, json!(1), vec![("score", Ok(Some(Score::new(1.0))))]),
            failed(2, "no"),
            row(3, json!(1), vec![("score", Ok(Some(Score::new(1.0))))]),
        ],
    );
    let now = run(
        "now",
        &["score", "new"],
        vec![
            row(0, json!(1), vec![("score", Ok(Some(Score::new(0.5).with("words", 3))))]),
            failed(1, "no"),
            row(2, json!(1), vec![("score", Ok(Some(Score::new(1.0))))]),
            row(
                4,
                json!(1),
                vec![
                    ("score", Ok(Some(Score::new(1.0)))),
                    ("new", Ok(Some(Score::new(true)))),
                ],
            ),
        ],
    );
    let comparison = now.compare_with(&before).unwrap();
    assert_eq!(comparison.common, ["d0", "d1", "d2"]);
    assert_eq!(comparison.only_in_run, ["d4"]);
    assert_eq!(comparison.only_in_baseline, ["d3"]);
    assert_eq!(comparison.newly_failed, ["d1"]);
    assert_eq!(comparison.recovered, ["d2"]);
    let score = comparison.metric("score").unwrap();
    assert_eq!((score.pairs, score.delta), (1, -0.5));
    assert_eq!(score.only_in_run, ["d2"]);
    assert_eq!(score.only_in_baseline, ["d1"]);
    let unpaired: Vec<String> = comparison.unpaired.iter().map(ToString::to_string).collect();
    assert_eq!(unpaired, ["score_words", "new", "old"]);
}

#[test]
fn labels_are_not_compared_and_numbers_beside_a_score_are() {
    let judged = |label: &str, confidence: f64| {
        Score::new(label.to_owned())
            .with("confidence", confidence)
            .with("note", "x")
    };
    let side = |name, label: &str, confidence| {
        run(
            name,
            &["judge"],
            vec![row(0, json!(1), vec![("judge", Ok(Some(judged(label, confidence))))])],
        )
    };
    let comparison = side("now", "good", 0.75)
        .compare_with(&side("before", "bad", 0.5))
        .unwrap();
    let names: Vec<String> = comparison
        .metrics
        .iter()
        .map(|metric| metric.metric.to_string())
        .collect();
    assert_eq!(names, ["judge_confidence", "latency (ms)"]);
    assert_eq!(comparison.metric("judge_confidence").unwrap().delta, 0.25);
}

#[test]
fn runs_without_a_common_datapoint_cannot_be_compared() {
    let mut other = scored("other", [true]);
    other.rows[0].datapoint_id = "elsewhere".to_owned();
    let error = scored("run", [true]).compare_with(&other).unwrap_err().to_string();
    assert!(
        error.contains("id of run and id of other have no datapoint in common"),
        "{error}"
    );
    assert!(error.contains("`id` of its own"), "{error}");
}

#[test]
fn a_comparison_prints_as_a_table() {
    let before = scored("before", [true, true, false, true]);
    let now = scored("now", [true, false, false, false]);
    let text = now.compare_with(&before).unwrap().to_string();
    insta::assert_snapshot!(text);
}
