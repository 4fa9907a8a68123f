//! The rows of the page: a line each, which unfolds to everything known of it.

use serde_json::Value;

use super::super::markup::Markup;
use super::super::text::{brief, brief_output, number, reason, score};
use super::head;
use crate::output::TaskError;
use crate::result::{ExperimentResult, Outcome, Row, Usage};
use crate::score::{Score, ScoreValue};

/// Characters of a value in the line of its row.
const CELL_CHARS: usize = 80;
/// Characters of a value where the row is unfolded.
const VALUE_CHARS: usize = 10_000;

pub(super) fn section(body: &mut Markup, run: &ExperimentResult) {
    body.element("section", &[], |section| {
        section.leaf("h2", &[], "Rows");
        section.element("div", &[("class", &"scroll")], |scroll| {
            scroll.element("table", &[("class", &"rows")], |table| {
                let columns: Vec<&str> = ["#", "inputs and output"]
                    .into_iter()
                    .chain(run.evaluators.iter().map(String::as_str))
                    .chain(["ms"])
                    .collect();
                head(table, &columns);
                table.element("tbody", &[], |body| {
                    for (index, row) in run.rows.iter().enumerate() {
                        line(body, run, index, row);
                    }
                });
            });
        });
    });
    body.line();
}

fn line(body: &mut Markup, run: &ExperimentResult, index: usize, row: &Row) {
    let class = if row.is_broken() { "broken" } else { "" };
    body.element("tr", &[("class", &class)], |cells| {
        cells.leaf("td", &[("class", &"number")], index);
        cells.element("td", &[], |cell| {
            cell.element("details", &[], |details| {
                details.element("summary", &[], |summary| {
                    summary.leaf("span", &[("class", &"inputs")], brief(&row.inputs, CELL_CHARS));
                    summary.leaf("span", &[("class", &"arrow")], " → ");
                    summary.leaf("span", &[("class", &"output")], brief_output(&row.output, CELL_CHARS));
                });
                unfolded(details, row);
            });
        });
        for evaluator in &run.evaluators {
            let outcome = row.outcome(evaluator);
            cells.leaf(
                "td",
                &[("class", &class_of(outcome))],
                super::super::text::cut(&score(outcome), CELL_CHARS),
            );
        }
        cells.leaf("td", &[("class", &"number")], number(row.milliseconds()));
    });
    body.line();
}

fn class_of(outcome: Option<&Outcome>) -> &'static str {
    match outcome {
        Some(Err(_)) => "score error",
        Some(Ok(Some(score))) => match score.value() {
            ScoreValue::Flag(true) => "score pass",
            ScoreValue::Flag(false) => "score fail",
            _ => "score",
        },
        _ => "score none",
    }
}

fn unfolded(details: &mut Markup, row: &Row) {
    details.element("dl", &[], |list| {
        entry(list, "inputs", &long(&row.inputs));
        if let Some(truth) = &row.ground_truth {
            entry(list, "ground truth", &long(truth));
        }
        output(list, &row.output);
        for (name, outcome) in &row.scores {
            one_score(list, name, outcome);
        }
        if !row.metadata.is_empty() {
            entry(list, "metadata", &long(&Value::Object(row.metadata.clone())));
        }
        if let Some(usage) = usage(&row.usage) {
            entry(list, "usage", &usage);
        }
        if row.attempts > 1 {
            entry(list, "attempts", &row.attempts.to_string());
        }
        for (number, trial) in row.trials.iter().enumerate() {
            entry(list, &format!("trial {}", number + 1), &trial.session_id.to_string());
            output(list, &trial.output);
            for (name, outcome) in &trial.scores {
                one_score(list, name, outcome);
            }
        }
        entry(list, "datapoint", &row.datapoint_id);
        entry(list, "session", &row.session_id.to_string());
    });
}

fn output(list: &mut Markup, output: &Result<Value, TaskError>) {
    match output {
        Ok(output) => entry(list, "output", &long(output)),
        Err(error) => entry(list, "error", &clipped(error.to_string())),
    }
}

fn one_score(list: &mut Markup, name: &str, outcome: &Outcome) {
    let mut text = score(Some(outcome));
    if let Some(reason) = reason(outcome) {
        text.push('\n');
        text.push_str(&reason);
    }
    let extras = outcome.as_ref().ok().and_then(Option::as_ref).map(Score::extras);
    for (key, value) in extras.into_iter().flatten() {
        text.push_str(&format!("\n{key}: {value}"));
    }
    entry(list, name, &clipped(text));
}

fn usage(usage: &Usage) -> Option<String> {
    let tokens = |count: Option<u64>, what: &str| count.map(|count| format!("{count} tokens{what}"));
    let parts: Vec<String> = [
        tokens(usage.input_tokens, " in"),
        tokens(usage.output_tokens, " out"),
        tokens(usage.total_tokens, ""),
        usage.cost.map(|cost| format!("{} USD", number(cost))),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

fn entry(list: &mut Markup, name: &str, value: &str) {
    list.leaf("dt", &[], name);
    list.element("dd", &[], |value_of| value_of.leaf("pre", &[], value));
}

/// A value as people read it: text as it is, anything else as indented JSON.
fn long(value: &Value) -> String {
    clipped(match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_else(|_| other.to_string()),
    })
}

/// A long value would make the page slow; the JSON report has all of it.
fn clipped(text: String) -> String {
    match text.char_indices().nth(VALUE_CHARS) {
        Some((end, _)) => format!("{}…[+{} bytes]", &text[..end], text.len() - end),
        None => text,
    }
}
