#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::process::ExitCode;

use honeyhive_core::api::RunStatus;

use super::*;
use crate::fixture::{failed, row, scored};
use crate::output::TaskError;
use crate::score::Score;
use crate::stats::Aggregate;

/// Whether the gate's last condition holds, and what it found.
fn last(report: &GateReport) -> (bool, &str) {
    let check = report.checks.last().unwrap();
    (check.passed, &check.found)
}

#[test]
fn thresholds_hold_up_to_the_number_itself() {
    let run = scored("run", [true, true, true, false]);
    let report = run.check(&Gate::new().at_least("score", 0.75).at_most("score", 0.75));
    assert!(report.passed(), "{report}");
    let report = run.check(&Gate::new().at_least("score", 0.76));
    assert_eq!(last(&report), (false, "0.75 over 4 rows"));
    let slow = Measure::of(Metric::Latency).by(Aggregate::Max);
    assert_eq!(
        last(&run.check(&Gate::new().at_most(slow.clone(), 130.0))),
        (true, "130 over 4 rows")
    );
    assert!(!run.check(&Gate::new().at_most(slow, 129.0)).passed());
}

#[test]
fn what_cannot_be_checked_fails_and_says_what_there_is() {
    let mut run = scored("run", [true]);
    run.run_scores = vec![("f1".to_owned(), Ok(Some(Score::new(0.5))))];
    let report = run.check(&Gate::new().at_least("scores", 0.0));
    assert_eq!(
        last(&report),
        (
            false,
            "no number is called scores; this run has score, latency (ms), f1"
        )
    );
    assert_eq!(
        last(&run.check(&Gate::new().at_least("f1", 0.5))),
        (true, "0.5 of the run")
    );
    let report = run.check(&Gate::new().no_regression("score"));
    assert_eq!(
        last(&report),
        (false, "there is no baseline: use compare_with(…)?.gate(…)")
    );
    let report = run
        .compare_with(&run)
        .unwrap()
        .check(&Gate::new().no_regression("other"));
    assert_eq!(last(&report), (false, "no row has it in both runs"));
}

#[test]
fn failed_rows_fail_the_gate_unless_allowed() {
    let mut run = scored("run", [true, true, true]);
    assert!(run.check(&Gate::new()).passed());
    run.rows[0] = failed(0, "no");
    run.rows[1] = row(1, 1.into(), vec![("score", Err(TaskError::new("Panic", "no opinion")))]);
    assert_eq!(last(&run.check(&Gate::new())), (false, "2 of 3"));
    assert!(!run.check(&Gate::new().max_failed_rows(1)).passed());
    assert!(run.check(&Gate::new().max_failed_rows(2)).passed());
}

#[test]
fn a_run_that_was_cut_short_passes_no_gate() {
    let mut run = scored("run", [true]);
    run.status = RunStatus::Failed;
    run.not_run = 2;
    assert!(!run.check(&Gate::new()).passed());
    run.not_run = 0;
    run.status = RunStatus::Cancelled;
    let report = run.check(&Gate::new().at_least("score", 1.0));
    assert!(!report.passed());
    assert_eq!(report.checks[0].found, "the run ended before its last row");
}

#[test]
fn a_regression_fails_beyond_its_tolerance_and_its_significance() {
    let before = scored("before", [true; 10]);
    let now = scored("now", (0..10).map(|index| index > 0));
    let comparison = now.compare_with(&before).unwrap();
    let passes = |gate: Gate| comparison.check(&gate).passed();
    assert!(!passes(Gate::new().no_regression("score")));
    assert!(!passes(
        Gate::new().no_regression(Regression::of("score").tolerance(0.09))
    ));
    assert!(passes(
        Gate::new().no_regression(Regression::of("score").tolerance(0.1))
    ));
    // One row of ten flipped: p = 1.
    assert!(passes(
        Gate::new().no_regression(Regression::of("score").significance(0.05))
    ));
    let comparison = scored("now", [false; 10]).compare_with(&before).unwrap();
    let report = comparison.check(&Gate::new().no_regression(Regression::of("score").significance(0.05)));
    assert_eq!(
        last(&report),
        (false, "1 → 0 (−1, p = 0.0020), 10 rows worse, 0 better")
    );
    // What got better is no regression, and neither is less of what is better when lower.
    assert!(
        before
            .compare_with(&now)
            .unwrap()
            .check(&Gate::new().no_regression("score"))
            .passed()
    );
    let lower = now.compare_with(&before).unwrap().lower_is_better("score");
    assert!(lower.check(&Gate::new().no_regression("score")).passed());
}

#[test]
fn a_mean_of_equal_values_is_no_regression_by_rounding() {
    let before = scored("before", [0.1, 0.2, 0.3]);
    let now = scored("now", [0.3, 0.1, 0.2]);
    let report = now
        .compare_with(&before)
        .unwrap()
        .check(&Gate::new().no_regression("score"));
    assert!(report.passed(), "{report}");
}

#[test]
fn a_gate_is_a_result_an_exit_code_and_a_text() {
    let run = scored("prompt v2", [true, false]);
    let passed = run.gate(Gate::new().at_least("score", 0.5)).unwrap();
    assert_eq!(passed.exit_code(), ExitCode::SUCCESS);
    let error = run.gate(Gate::new().at_least("score", 0.9)).unwrap_err();
    assert_eq!(error.report().exit_code(), ExitCode::FAILURE);
    let text =
        "gate failed: prompt v2, 1 of 2 conditions\n  ✓ no failed rows: 0 of 2\n  ✗ score ≥ 0.9: 0.5 over 2 rows";
    assert_eq!(error.to_string(), text);
    assert_eq!(format!("{error:?}"), text, "what a main that returns it prints");
}
