//! The Markdown report: a comment on a pull request.

use std::fmt::Write as _;

use super::Report;
use super::text::{
    brief, brief_output, counts, delta_of, number, p_value, plural, reason, row_value, score, signed, value_of,
};
use crate::compare::{Comparison, MetricComparison, RowChange};
use crate::gate::GateReport;
use crate::result::{ExperimentResult, Outcome, Row};
use crate::stats::{Aggregate, aggregate};
use crate::summary::{ScoreSummary, total_usage};

/// Rows listed under each heading; the HTML and JSON reports have all of them.
const LISTED: usize = 20;
/// Characters of a value in a table.
const CELL_CHARS: usize = 80;

pub(super) fn document(report: &Report<'_>) -> String {
    let run = report.run;
    let mut out = String::new();
    let mark = match report.gate {
        Some(gate) if gate.passed() => "✅ ",
        Some(_) => "❌ ",
        None => "",
    };
    line(&mut out, format_args!("## {mark}{}\n", code(&run.name)));
    line(&mut out, format_args!("{}\n", headline(run)));
    if let Some(gate) = report.gate {
        write_gate(&mut out, gate);
    }
    match report.comparison {
        Some(comparison) => write_comparison(&mut out, run, comparison),
        None => write_metrics(&mut out, run),
    }
    write_failures(&mut out, run);
    if !run.warnings.is_empty() {
        line(&mut out, format_args!("**Warnings**\n"));
        for warning in &run.warnings {
            line(&mut out, format_args!("- {}", code(warning)));
        }
        out.push('\n');
    }
    line(
        &mut out,
        format_args!("Run {}, dataset {}", code(&run.run_id), code(&run.dataset_id)),
    );
    out
}

fn headline(run: &ExperimentResult) -> String {
    let mut parts = counts(run);
    parts.push(format!("{:.1} s", run.duration.as_secs_f64()));
    let latencies = run.latencies();
    if let (Some(median), Some(p95)) = (
        aggregate(Aggregate::Median, &latencies),
        aggregate(Aggregate::P95, &latencies),
    ) {
        parts.push(format!("latency {} ms (p95 {} ms)", number(median), number(p95)));
    }
    parts.extend(
        total_usage(&run.rows)
            .into_iter()
            .map(|(name, total)| format!("{name} {}", number(total))),
    );
    parts.join(" · ")
}

fn write_gate(out: &mut String, gate: &GateReport) {
    line(
        out,
        format_args!("**Gate {}**\n", if gate.passed() { "passed" } else { "failed" }),
    );
    for check in &gate.checks {
        let mark = if check.passed { "✅" } else { "❌" };
        line(
            out,
            format_args!("- {mark} {}: {}", code(&check.rule), code(&check.found)),
        );
    }
    out.push('\n');
}

fn write_metrics(out: &mut String, run: &ExperimentResult) {
    let summary = run.summary();
    if summary.is_empty() && run.run_scores.is_empty() {
        return;
    }
    out.push_str("| metric | value | 95 % | scored | failed |\n|---|--:|---|--:|--:|\n");
    for metric in &summary {
        let ScoreSummary { scored, failed, .. } = metric;
        let interval = metric.interval.map_or("–".to_owned(), |interval| {
            format!(
                "{} … {}",
                value_of(metric.is_rate, interval.low),
                value_of(metric.is_rate, interval.high)
            )
        });
        let name = cell(&metric.evaluator);
        line(
            out,
            format_args!("| {name} | {} | {interval} | {scored} | {failed} |", value(metric)),
        );
    }
    for (name, outcome) in &run.run_scores {
        line(
            out,
            format_args!(
                "| {} of the run | {} | – | – | – |",
                cell(name),
                cell(&score(Some(outcome)))
            ),
        );
    }
    out.push('\n');
}

/// The mean, or how often each label was given.
fn value(metric: &ScoreSummary) -> String {
    match metric.mean {
        Some(mean) => value_of(metric.is_rate, mean),
        None if metric.labels.is_empty() => "–".to_owned(),
        None => {
            let labels = metric
                .labels
                .iter()
                .take(LISTED)
                .map(|(label, count)| format!("{count} × {}", cell(label)));
            let others = if metric.labels.len() > LISTED { ", …" } else { "" };
            labels.collect::<Vec<_>>().join(", ") + others
        }
    }
}

fn write_comparison(out: &mut String, run: &ExperimentResult, comparison: &Comparison) {
    line(
        out,
        format_args!(
            "Compared with {} ({}) over {} in common:\n",
            code(&comparison.baseline.name),
            code(&comparison.baseline.id),
            plural(comparison.common.len(), "datapoint")
        ),
    );
    out.push_str(
        "| metric | baseline | run | change | 95 % | p | better | worse |\n|---|--:|--:|--:|---|--:|--:|--:|\n",
    );
    for metric in &comparison.metrics {
        write_compared(out, metric);
    }
    for (name, before, now) in &comparison.run_scores {
        let (before, change, now) = (number(*before), signed(now - before), number(*now));
        line(
            out,
            format_args!(
                "| {} of the run | {before} | {now} | {change} | – | – | – | – |",
                cell(name)
            ),
        );
    }
    let unpaired: Vec<String> = comparison
        .unpaired
        .iter()
        .map(|metric| code(&metric.to_string()))
        .collect();
    if !unpaired.is_empty() {
        line(
            out,
            format_args!("\nNot compared, no row has it in both runs: {}", unpaired.join(", ")),
        );
    }
    out.push('\n');
    for metric in comparison.metrics.iter().filter(|metric| metric.metric.is_score()) {
        write_changes(out, run, metric, "worse", &metric.degraded);
        write_changes(out, run, metric, "better", &metric.improved);
    }
    for (rows, what) in [
        (&comparison.newly_failed, "Newly failed"),
        (&comparison.recovered, "Recovered"),
        (&comparison.only_in_run, "Only in this run"),
        (&comparison.only_in_baseline, "Only in the baseline"),
    ] {
        if !rows.is_empty() {
            let ids: Vec<String> = rows.iter().take(LISTED).map(|id| code(id)).collect();
            line(
                out,
                format_args!("{what} ({}): {}{}\n", rows.len(), ids.join(", "), more(rows.len())),
            );
        }
    }
}

fn write_compared(out: &mut String, metric: &MetricComparison) {
    let rate = metric.is_rate;
    // A mark only where chance is an unlikely explanation.
    let mark = match metric.significance.p_value < 0.05 {
        true if metric.is_regression() => " 🔻",
        true if metric.is_improvement() => " 🔺",
        _ => "",
    };
    let interval = metric.interval.map_or("–".to_owned(), |interval| {
        format!("{} … {}", delta_of(rate, interval.low), delta_of(rate, interval.high))
    });
    line(
        out,
        format_args!(
            "| {} | {} | {} | {}{mark} | {interval} | {} | {} | {} |",
            cell(&metric.metric.to_string()),
            value_of(rate, metric.baseline),
            value_of(rate, metric.current),
            delta_of(rate, metric.delta),
            p_value(metric.significance.p_value).replace('<', "&lt;"),
            metric.improved.len(),
            metric.degraded.len(),
        ),
    );
}

fn write_changes(out: &mut String, run: &ExperimentResult, metric: &MetricComparison, how: &str, rows: &[RowChange]) {
    if rows.is_empty() {
        return;
    }
    let name = html(&metric.metric.to_string());
    let summary = format!("{name}: {} {how}", plural(rows.len(), "row"));
    details(
        out,
        &summary,
        "| datapoint | inputs | output | baseline | run |\n|---|---|---|:-:|:-:|\n",
        |out| {
            for change in rows.iter().take(LISTED) {
                let row = run.rows.iter().find(|row| row.datapoint_id == change.datapoint_id);
                let (inputs, output) = row.map(values).unwrap_or_default();
                let id = cell(&change.datapoint_id);
                let (before, now) = (
                    row_value(metric.is_rate, change.baseline),
                    row_value(metric.is_rate, change.current),
                );
                line(out, format_args!("| {id} | {inputs} | {output} | {before} | {now} |"));
            }
            line(out, format_args!("{}", more(rows.len())));
        },
    );
}

fn write_failures(out: &mut String, run: &ExperimentResult) {
    let broken: Vec<&Row> = run.rows.iter().filter(|row| row.is_broken()).collect();
    if broken.is_empty() {
        return;
    }
    let summary = plural(broken.len(), "failed row");
    details(
        out,
        &summary,
        "| datapoint | inputs | output | errors of evaluators |\n|---|---|---|---|\n",
        |out| {
            for row in broken.iter().take(LISTED) {
                let (inputs, output) = values(row);
                let errors: Vec<String> = row.scores.iter().filter_map(error_of).collect();
                let id = cell(&row.datapoint_id);
                line(
                    out,
                    format_args!("| {id} | {inputs} | {output} | {} |", errors.join(", ")),
                );
            }
            line(out, format_args!("{}", more(broken.len())));
        },
    );
}

fn error_of((name, outcome): &(String, Outcome)) -> Option<String> {
    let error = outcome.as_ref().err().and_then(|_| reason(outcome))?;
    Some(cell(&format!("{name}: {error}")))
}

/// Inputs and output of a row as cells.
fn values(row: &Row) -> (String, String) {
    (
        cell(&brief(&row.inputs, CELL_CHARS)),
        cell(&brief_output(&row.output, CELL_CHARS)),
    )
}

/// A folded part.
fn details(out: &mut String, summary: &str, table: &str, rows: impl FnOnce(&mut String)) {
    line(out, format_args!("<details><summary>{summary}</summary>\n\n{table}"));
    // The head of the table ends its own line.
    out.pop();
    rows(out);
    line(out, format_args!("</details>\n"));
}

fn more(rows: usize) -> String {
    if rows <= LISTED {
        return String::new();
    }
    format!("\nand {} more", rows - LISTED)
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = writeln!(out, "{text}");
}

/// A text of the user as a code span: nothing in it is markup, a link or a mention.
fn code(text: &str) -> String {
    let text = super::text::cut(text, CELL_CHARS * 4);
    let longest = text
        .split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    match text.as_str() {
        "" => "–".to_owned(),
        // A backtick or a space at an end would be taken for part of the fence.
        text if text.starts_with('`') || text.ends_with('`') => format!("{fence} {text} {fence}"),
        text => format!("{fence}{text}{fence}"),
    }
}

/// A code span in a table, where a bar would end the cell.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A text of the user inside HTML, where code spans do not work.
fn html(text: &str) -> String {
    let mut markup = super::markup::Markup::default();
    markup.leaf("code", &[], text);
    markup.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_the_user_is_code_and_nothing_else() {
        assert_eq!(code("@team **bold** <img>"), "`@team **bold** <img>`");
        assert_eq!(code("a ``b`` c"), "```a ``b`` c```");
        assert_eq!(code("`x`"), "`` `x` ``");
        assert_eq!(code("two\nlines"), "`two lines`");
        assert_eq!(code(""), "–");
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert_eq!(html("<b>"), "<code>&lt;b&gt;</code>");
    }
}
