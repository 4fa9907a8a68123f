//! The part of the page that compares the run with a baseline.

use std::collections::HashMap;

use super::super::markup::Markup;
use super::super::text::{brief, brief_output, delta_of, number, p_value, plural, row_value, signed, value_of};
use super::{charts, folded, head};
use crate::compare::{Comparison, MetricComparison, RowChange};
use crate::result::{ExperimentResult, Row};

/// Characters of a value in a table of changed rows.
const CELL_CHARS: usize = 120;

pub(super) fn section(body: &mut Markup, run: &ExperimentResult, comparison: &Comparison) {
    body.element("section", &[], |section| {
        section.element("h2", &[], |title| {
            title.text("Compared with ");
            title.text(&comparison.baseline.name);
        });
        section.element("p", &[("class", &"ids")], |ids| {
            ids.text(format_args!(
                "{} in common · baseline ",
                plural(comparison.common.len(), "datapoint")
            ));
            ids.leaf("code", &[], &comparison.baseline.id);
        });
        section.element("div", &[("class", &"scroll")], |scroll| {
            scroll.element("table", &[("class", &"compared")], |table| {
                head(
                    table,
                    &[
                        "metric",
                        "baseline",
                        "run",
                        "change",
                        "change with 95 %",
                        "p",
                        "better",
                        "worse",
                        "same",
                    ],
                );
                table.element("tbody", &[], |body| {
                    for metric in &comparison.metrics {
                        compared(body, metric);
                    }
                });
            });
        });
        for (name, before, now) in &comparison.run_scores {
            let change = signed(now - before);
            section.leaf(
                "p",
                &[],
                format_args!("{name} of the run: {} → {} ({change})", number(*before), number(*now)),
            );
        }
        let by_id: HashMap<&str, &Row> = run.rows.iter().map(|row| (row.datapoint_id.as_str(), row)).collect();
        for metric in comparison.metrics.iter().filter(|metric| metric.metric.is_score()) {
            changes(section, &by_id, metric, "worse", &metric.degraded);
            changes(section, &by_id, metric, "better", &metric.improved);
        }
        for (rows, what) in [
            (&comparison.newly_failed, "newly failed"),
            (&comparison.recovered, "recovered"),
            (&comparison.only_in_run, "only in this run"),
            (&comparison.only_in_baseline, "only in the baseline"),
        ] {
            if !rows.is_empty() {
                folded(section, &format!("{} {what}", plural(rows.len(), "row")), |inside| {
                    inside.leaf("p", &[], rows.join(", "));
                });
            }
        }
        if !comparison.unpaired.is_empty() {
            let names: Vec<String> = comparison.unpaired.iter().map(ToString::to_string).collect();
            section.leaf(
                "p",
                &[("class", &"note")],
                format_args!("Not compared, no row has it in both runs: {}", names.join(", ")),
            );
        }
    });
    body.line();
}

fn compared(body: &mut Markup, metric: &MetricComparison) {
    let rate = metric.is_rate;
    let class = match metric.significance.p_value < 0.05 {
        true if metric.is_regression() => "number worse",
        true if metric.is_improvement() => "number better",
        _ => "number",
    };
    let number_cell = |row: &mut Markup, text: String| row.leaf("td", &[("class", &"number")], text);
    body.element("tr", &[], |row| {
        row.leaf("th", &[("scope", &"row")], &metric.metric);
        number_cell(row, value_of(rate, metric.baseline));
        number_cell(row, value_of(rate, metric.current));
        row.leaf("td", &[("class", &class)], delta_of(rate, metric.delta));
        row.element("td", &[], |cell| charts::change(cell, metric));
        number_cell(row, p_value(metric.significance.p_value));
        number_cell(row, metric.improved.len().to_string());
        number_cell(row, metric.degraded.len().to_string());
        number_cell(row, metric.same.to_string());
    });
    body.line();
}

fn changes(
    section: &mut Markup,
    by_id: &HashMap<&str, &Row>,
    metric: &MetricComparison,
    how: &str,
    rows: &[RowChange],
) {
    if rows.is_empty() {
        return;
    }
    folded(
        section,
        &format!("{}: {} {how}", metric.metric, plural(rows.len(), "row")),
        |inside| {
            inside.element("table", &[("class", &"changed")], |table| {
                head(table, &["datapoint", "inputs", "output", "baseline", "run"]);
                table.element("tbody", &[], |body| {
                    for change in rows {
                        let row = by_id.get(change.datapoint_id.as_str());
                        body.element("tr", &[], |cells| {
                            cells.element("td", &[], |cell| cell.leaf("code", &[], &change.datapoint_id));
                            cells.leaf(
                                "td",
                                &[],
                                row.map(|row| brief(&row.inputs, CELL_CHARS)).unwrap_or_default(),
                            );
                            cells.leaf(
                                "td",
                                &[],
                                row.map(|row| brief_output(&row.output, CELL_CHARS)).unwrap_or_default(),
                            );
                            cells.leaf(
                                "td",
                                &[("class", &"number")],
                                row_value(metric.is_rate, change.baseline),
                            );
                            cells.leaf("td", &[("class", &"number")], row_value(metric.is_rate, change.current));
                        });
                    }
                });
            });
        },
    );
}
