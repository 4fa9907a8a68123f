//! The table an experiment prints.

use std::fmt;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};

use crate::output::TaskError;
use crate::result::{ExperimentResult, Row};
use crate::score::Score;

/// Characters of a question or an answer shown in a cell.
const CELL_CHARS: usize = 40;

impl fmt::Display for ExperimentResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.table())?;
        writeln!(
            f,
            "{}: {} rows, {} succeeded, {} failed, {:.2} s",
            self.name,
            self.rows.len(),
            self.succeeded(),
            self.failed(),
            self.duration.as_secs_f64()
        )?;
        for summary in self.summary() {
            let value = match summary.mean {
                Some(rate) if summary.is_rate => format!("{:.1} %", rate * 100.0),
                Some(mean) => format!("{mean:.4} on average"),
                None => "no number".to_owned(),
            };
            write!(f, "  {}: {value} of {} scored", summary.evaluator, summary.scored)?;
            if summary.failed > 0 {
                write!(f, ", {} failed", summary.failed)?;
            }
            if let Some(weight) = self.weights.get(&summary.evaluator) {
                write!(f, ", weight {weight}")?;
            }
            writeln!(f)?;
        }
        for (name, outcome) in &self.run_scores {
            let score = match outcome {
                Ok(Some(score)) => score.to_string(),
                Ok(None) => "no score".to_owned(),
                Err(error) => format!("failed: {error}"),
            };
            writeln!(f, "  {name} of the run: {score}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "  warning: {warning}")?;
        }
        write!(f, "run {}", self.run_id)
    }
}

impl ExperimentResult {
    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        let mut header = vec!["#".to_owned(), "inputs".to_owned(), "output".to_owned()];
        header.extend(self.evaluators.iter().cloned());
        header.push("ms".to_owned());
        table.set_header(header);
        for (index, row) in self.rows.iter().enumerate() {
            table.add_row(self.cells(index, row));
        }
        table
    }

    fn cells(&self, index: usize, row: &Row) -> Vec<Cell> {
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let mut cells = vec![right(index.to_string()), Cell::new(brief(&row.inputs))];
        cells.push(match &row.output {
            Ok(output) => Cell::new(brief(output)),
            Err(error) => Cell::new(cut(&format!("✗ {error}"))),
        });
        for evaluator in &self.evaluators {
            let outcome = row
                .scores
                .iter()
                .find(|(name, _)| name == evaluator)
                .map(|(_, outcome)| outcome);
            cells.push(Cell::new(score(outcome)).set_alignment(CellAlignment::Center));
        }
        cells.push(right(format!("{:.1}", row.latency.as_secs_f64() * 1e3)));
        cells
    }
}

fn score(outcome: Option<&Result<Option<Score>, TaskError>>) -> String {
    match outcome {
        Some(Ok(Some(score))) => cut(&score.value().to_string()),
        Some(Ok(None)) | None => "–".to_owned(),
        Some(Err(_)) => "error".to_owned(),
    }
}

/// A value in a cell: a lone member of an object stands for it, text goes without quotes.
fn brief(value: &serde_json::Value) -> String {
    use serde_json::Value;

    match value {
        Value::Object(members) if members.len() == 1 => members.values().map(brief).collect(),
        Value::String(text) => cut(text),
        other => cut(&other.to_string()),
    }
}

fn cut(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= CELL_CHARS {
        return line;
    }
    line.chars().take(CELL_CHARS - 1).chain(['…']).collect()
}
