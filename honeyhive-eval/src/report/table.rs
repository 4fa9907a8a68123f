//! The tables an experiment and a comparison print.

use std::fmt;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};

use super::text::{brief, brief_output, cut, delta_of, number, p_value, percent, plural, score, signed, value_of};
use crate::compare::{Comparison, MetricComparison};
use crate::result::{ExperimentResult, Row};
use crate::stats::{Aggregate, aggregate};
use crate::summary::{ScoreSummary, total_usage};

/// Characters of a question or an answer shown in a cell.
const CELL_CHARS: usize = 40;
/// Characters of a line below the table.
const LINE_CHARS: usize = 400;
/// Rows shown; the other reports have all of them.
const SHOWN_ROWS: usize = 50;

impl fmt::Display for ExperimentResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.table())?;
        if self.rows.len() > SHOWN_ROWS {
            writeln!(f, "and {}", plural(self.rows.len() - SHOWN_ROWS, "further row"))?;
        }
        writeln!(
            f,
            "{}: {}, {:.2} s",
            self.name,
            super::text::counts(self).join(", "),
            self.duration.as_secs_f64()
        )?;
        for summary in self.summary() {
            write!(f, "  {}", line(&summary))?;
            if let Some(weight) = self.weights.get(&summary.evaluator) {
                write!(f, ", weight {weight}")?;
            }
            writeln!(f)?;
        }
        for (name, outcome) in &self.run_scores {
            writeln!(f, "  {name}: {} of the run", score(Some(outcome)))?;
        }
        let latencies = self.latencies();
        if let (Some(median), Some(p95)) = (
            aggregate(Aggregate::Median, &latencies),
            aggregate(Aggregate::P95, &latencies),
        ) {
            writeln!(f, "  latency: median {} ms, p95 {} ms", number(median), number(p95))?;
        }
        for (name, total) in total_usage(&self.rows) {
            writeln!(f, "  {name}: {}", number(total))?;
        }
        for warning in &self.warnings {
            writeln!(f, "  warning: {}", cut(warning, LINE_CHARS))?;
        }
        write!(f, "run {}", self.run_id)
    }
}

/// What the scores of an evaluator amount to, in one line.
fn line(summary: &ScoreSummary) -> String {
    let value = match summary.mean {
        Some(rate) if summary.is_rate => percent(rate),
        Some(mean) => format!("{} on average", number(mean)),
        None if !summary.labels.is_empty() => {
            let labels = summary.labels.iter();
            let labels = labels.map(|(label, count)| format!("{count} × {}", cut(label, CELL_CHARS)));
            cut(&labels.collect::<Vec<_>>().join(", "), LINE_CHARS)
        }
        None => "no number".to_owned(),
    };
    let mut line = format!("{}: {value}", summary.evaluator);
    if let Some(interval) = summary.interval {
        line.push_str(&match summary.is_rate {
            true => format!(" ({:.1} … {:.1})", interval.low * 100.0, interval.high * 100.0),
            false => format!(" ({} … {})", number(interval.low), number(interval.high)),
        });
    }
    line.push_str(&format!(" of {} scored", summary.scored));
    if summary.failed > 0 {
        line.push_str(&format!(", {} failed", summary.failed));
    }
    line
}

impl ExperimentResult {
    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        let mut header = vec!["#".to_owned(), "inputs".to_owned(), "output".to_owned()];
        header.extend(self.evaluators.iter().cloned());
        header.push("ms".to_owned());
        table.set_header(header);
        for (index, row) in self.rows.iter().enumerate().take(SHOWN_ROWS) {
            table.add_row(self.cells(index, row));
        }
        table
    }

    fn cells(&self, index: usize, row: &Row) -> Vec<Cell> {
        let mut cells = vec![right(index), Cell::new(brief(&row.inputs, CELL_CHARS))];
        cells.push(Cell::new(brief_output(&row.output, CELL_CHARS)));
        for evaluator in &self.evaluators {
            let text = cut(&score(row.outcome(evaluator)), CELL_CHARS);
            cells.push(Cell::new(text).set_alignment(CellAlignment::Center));
        }
        cells.push(right(format!("{:.1}", row.milliseconds())));
        cells
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header([
            "metric", "baseline", "run", "change", "95 %", "p", "better", "worse", "same",
        ]);
        for metric in &self.metrics {
            table.add_row(compared(metric));
        }
        writeln!(f, "{} compared with {}", self.run.name, self.baseline.name)?;
        writeln!(f, "{table}")?;
        for (name, before, now) in &self.run_scores {
            writeln!(
                f,
                "  {name} of the run: {} → {} ({})",
                number(*before),
                number(*now),
                signed(now - before)
            )?;
        }
        write!(f, "{} in common", plural(self.common.len(), "datapoint"))?;
        for (rows, what) in [
            (&self.only_in_run, "only in the run"),
            (&self.only_in_baseline, "only in the baseline"),
            (&self.newly_failed, "newly failed"),
            (&self.recovered, "recovered"),
        ] {
            if !rows.is_empty() {
                write!(f, ", {} {what}", rows.len())?;
            }
        }
        if !self.unpaired.is_empty() {
            let names: Vec<String> = self.unpaired.iter().map(ToString::to_string).collect();
            write!(f, "\nnot compared, no row has it in both runs: {}", names.join(", "))?;
        }
        Ok(())
    }
}

fn compared(metric: &MetricComparison) -> Vec<Cell> {
    let rate = metric.is_rate;
    vec![
        Cell::new(metric.metric.to_string()),
        right(value_of(rate, metric.baseline)),
        right(value_of(rate, metric.current)),
        right(delta_of(rate, metric.delta)),
        Cell::new(metric.interval.map_or("–".to_owned(), |interval| {
            format!("{} … {}", delta_of(rate, interval.low), delta_of(rate, interval.high))
        })),
        right(p_value(metric.significance.p_value)),
        right(metric.improved.len()),
        right(metric.degraded.len()),
        right(metric.same),
    ]
}

fn right(text: impl ToString) -> Cell {
    Cell::new(text.to_string()).set_alignment(CellAlignment::Right)
}
