//! The JUnit report: what CI systems show as tests.

use std::time::Duration;

use super::Report;
use super::markup::Markup;
use super::text::{brief, brief_output, plural, reason};
use crate::gate::GateReport;
use crate::result::{ExperimentResult, Outcome, Row};
use crate::score::{Score, ScoreValue};

/// Characters of inputs in the name of a test, and of a value in its explanation.
const NAME_CHARS: usize = 60;
const VALUE_CHARS: usize = 2_000;

pub(super) fn document(report: &Report<'_>) -> String {
    let run = report.run;
    let rows: Vec<Case> = run
        .rows
        .iter()
        .enumerate()
        .map(|(index, row)| Case::of_row(run, index, row))
        .collect();
    let gate = report.gate.map(Case::of_gate).unwrap_or_default();
    let time = seconds(run.duration);
    let mut xml = Markup::beginning("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let [tests, failures, errors] = counts(rows.iter().chain(&gate));
    let totals: [(&str, &dyn std::fmt::Display); 5] = [
        ("name", &run.name),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors),
        ("time", &time),
    ];
    xml.element("testsuites", &totals, |xml| {
        suite(xml, &run.name, &time, &rows, Some(run));
        if !gate.is_empty() {
            suite(xml, &format!("{}: gate", run.name), "0.000", &gate, None);
        }
        xml.line();
    });
    xml.line();
    xml.finish()
}

/// A test case. One problem at most: some readers take no more.
struct Case {
    name: String,
    time: String,
    problem: Option<Problem>,
    output: String,
}

struct Problem {
    /// The function or an evaluator failed; else a condition does not hold.
    is_error: bool,
    kind: String,
    message: String,
    details: String,
}

fn suite(xml: &mut Markup, name: &str, time: &str, cases: &[Case], run: Option<&ExperimentResult>) {
    let [tests, failures, errors] = counts(cases.iter());
    xml.line();
    let totals: [(&str, &dyn std::fmt::Display); 6] = [
        ("name", &name),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors),
        ("skipped", &0),
        ("time", &time),
    ];
    xml.element("testsuite", &totals, |xml| {
        if let Some(run) = run {
            xml.line();
            xml.element("properties", &[], |xml| {
                xml.void("property", &[("name", &"run_id"), ("value", &run.run_id)]);
                xml.void("property", &[("name", &"dataset_id"), ("value", &run.dataset_id)]);
            });
        }
        for case in cases {
            xml.line();
            xml.element(
                "testcase",
                &[("classname", &name), ("name", &case.name), ("time", &case.time)],
                |xml| case.write(xml),
            );
        }
        xml.line();
    });
}

/// Tests, failures and errors.
fn counts<'a>(cases: impl Iterator<Item = &'a Case>) -> [usize; 3] {
    cases.fold([0; 3], |[tests, failures, errors], case| {
        let is_error = case.problem.as_ref().map(|problem| problem.is_error);
        [
            tests + 1,
            failures + usize::from(is_error == Some(false)),
            errors + usize::from(is_error == Some(true)),
        ]
    })
}

impl Case {
    fn of_row(run: &ExperimentResult, index: usize, row: &Row) -> Self {
        let output = format!(
            "inputs: {}\noutput: {}\nsession: {}\n{}",
            brief(&row.inputs, VALUE_CHARS),
            brief_output(&row.output, VALUE_CHARS),
            row.session_id,
            row.scores
                .iter()
                .map(|(name, outcome)| described(name, outcome))
                .collect::<String>(),
        );
        Self {
            // The position keeps names apart and in order, the id joins runs, the inputs say what it is.
            name: format!("{index} {} {}", row.datapoint_id, brief(&row.inputs, NAME_CHARS)),
            time: seconds(row.latency),
            problem: problem_of(run, row),
            output,
        }
    }

    fn of_gate(gate: &GateReport) -> Vec<Self> {
        let case = |check: &crate::gate::Check| Self {
            name: check.rule.clone(),
            time: "0.000".to_owned(),
            problem: (!check.passed).then(|| Problem {
                is_error: false,
                kind: "Gate".to_owned(),
                message: format!("{}: {}", check.rule, check.found),
                details: String::new(),
            }),
            output: check.found.clone(),
        };
        gate.checks.iter().map(case).collect()
    }

    fn write(&self, xml: &mut Markup) {
        if let Some(problem) = &self.problem {
            let name = if problem.is_error { "error" } else { "failure" };
            xml.leaf(
                name,
                &[("type", &problem.kind), ("message", &problem.message)],
                &problem.details,
            );
        }
        xml.leaf("system-out", &[], &self.output);
    }
}

/// Why a row does not pass: its function failed, an evaluator failed, or a flag is false.
fn problem_of(run: &ExperimentResult, row: &Row) -> Option<Problem> {
    if let Err(error) = &row.output {
        return Some(Problem {
            is_error: true,
            kind: error.kind.clone(),
            message: error.message.clone(),
            details: String::new(),
        });
    }
    let broken: Vec<&(String, Outcome)> = row.scores.iter().filter(|(_, outcome)| outcome.is_err()).collect();
    let not_passed = |outcome: &Outcome| {
        let value = outcome.as_ref().ok().and_then(Option::as_ref).map(Score::value);
        matches!(value, Some(ScoreValue::Flag(false)))
    };
    let is_error = !broken.is_empty();
    let causes = match is_error {
        true => broken,
        false => row.scores.iter().filter(|(_, outcome)| not_passed(outcome)).collect(),
    };
    if causes.is_empty() {
        return None;
    }
    let names: Vec<&str> = causes.iter().map(|(name, _)| name.as_str()).collect();
    let truth = row
        .ground_truth
        .as_ref()
        .map(|truth| format!("ground truth: {}\n", brief(truth, VALUE_CHARS)));
    Some(Problem {
        is_error,
        kind: if is_error { "EvaluatorError" } else { "Score" }.to_owned(),
        message: format!(
            "{} of {} {}: {}",
            causes.len(),
            plural(run.evaluators.len(), "evaluator"),
            if is_error { "failed" } else { "did not pass" },
            names.join(", ")
        ),
        details: causes
            .iter()
            .map(|(name, outcome)| described(name, outcome))
            .chain(truth)
            .collect(),
    })
}

/// A score on a line of its own.
fn described(name: &str, outcome: &Outcome) -> String {
    let reason = reason(outcome).map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("{name}: {}{reason}\n", super::text::score(Some(outcome)))
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}
