//! Reports of an experiment, for people, for pipelines and for other programs.

mod html;
mod json;
mod junit;
mod markdown;
mod markup;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod text;

use std::fmt;
use std::path::Path;

use crate::compare::Comparison;
use crate::gate::GateReport;
use crate::result::ExperimentResult;

/// A report of a run, with its comparison and its gate where there are such. Made by [`ExperimentResult::report`].
///
/// Every text that comes from functions, evaluators and datasets is escaped as its format asks.
///
/// # Examples
///
/// ```no_run
/// # fn example(run: honeyhive_eval::ExperimentResult, baseline: honeyhive_eval::ExperimentResult)
/// #     -> Result<(), Box<dyn std::error::Error>> {
/// use honeyhive_eval::Gate;
///
/// let comparison = run.compare_with(&baseline)?;
/// let gate = comparison.check(&Gate::new().no_regression("exact"));
/// let report = run.report().comparison(&comparison).gate(&gate);
/// report.write("report.html")?;
/// report.write("junit.xml")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "call to_html() or one of the others, or write it to a file"]
pub struct Report<'a> {
    run: &'a ExperimentResult,
    comparison: Option<&'a Comparison>,
    gate: Option<&'a GateReport>,
}

/// A report cannot be written.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file's extension says nothing about its format.
    #[error(
        "report {path}: the extension decides the format, and it is none of html, md, xml (JUnit), json, jsonl and txt"
    )]
    Extension {
        /// The path as given.
        path: String,
    },
    /// The file cannot be written.
    #[error("report {path}: {source}")]
    File {
        /// The path as given.
        path: String,
        /// What went wrong.
        source: std::io::Error,
    },
}

/// As the error displays: a `main` that returns it prints this.
impl fmt::Debug for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'a> Report<'a> {
    /// Shows a comparison of the run with a baseline.
    pub fn comparison(mut self, comparison: &'a Comparison) -> Self {
        self.comparison = Some(comparison);
        self
    }

    /// Shows what a gate found.
    pub fn gate(mut self, gate: &'a GateReport) -> Self {
        self.gate = Some(gate);
        self
    }

    /// A page in one file, with charts; it needs no network and no scripts, and follows the reader's light or dark
    /// theme.
    #[must_use]
    pub fn to_html(&self) -> String {
        html::page(self)
    }

    /// Markdown for a pull request: what was measured, what changed, and the rows to look at.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        markdown::document(self)
    }

    /// JUnit XML: a test case per row, a suite for the gate. A row fails when a flag of it is false, and errs when the
    /// function or an evaluator failed.
    #[must_use]
    pub fn to_junit(&self) -> String {
        junit::document(self)
    }

    /// One JSON object: run, metrics with all aggregates, comparison, gate, and the rows as in
    /// [`to_jsonl`](Self::to_jsonl).
    #[must_use]
    pub fn to_json(&self) -> String {
        json::document(self)
    }

    /// JSON Lines: an object per row, in dataset order.
    #[must_use]
    pub fn to_jsonl(&self) -> String {
        json::lines(self.run)
    }

    /// Writes the report, in the format the extension names: `html`, `md`, `xml` (JUnit), `json`, `jsonl`, `txt`.
    /// Makes the folder if there is none.
    ///
    /// # Errors
    ///
    /// [`ReportError`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), ReportError> {
        let path = path.as_ref();
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .map(str::to_ascii_lowercase);
        let text = match extension.as_deref() {
            Some("html" | "htm") => self.to_html(),
            Some("md" | "markdown") => self.to_markdown(),
            Some("xml") => self.to_junit(),
            Some("json") => self.to_json(),
            Some("jsonl" | "ndjson") => self.to_jsonl(),
            Some("txt") => self.to_string(),
            _ => {
                return Err(ReportError::Extension {
                    path: path.display().to_string(),
                });
            }
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, text));
        written.map_err(|source| ReportError::File {
            path: path.display().to_string(),
            source,
        })
    }
}

/// Tables for a terminal.
impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.run)?;
        if let Some(comparison) = self.comparison {
            writeln!(f, "\n{comparison}")?;
        }
        if let Some(gate) = self.gate {
            writeln!(f, "\n{gate}")?;
        }
        Ok(())
    }
}

impl ExperimentResult {
    /// A report of the run, to which a comparison and a gate can be added.
    pub fn report(&self) -> Report<'_> {
        Report {
            run: self,
            comparison: None,
            gate: None,
        }
    }

    /// As [`Report::to_html`], of the run alone.
    #[must_use]
    pub fn to_html(&self) -> String {
        self.report().to_html()
    }

    /// As [`Report::to_markdown`], of the run alone.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        self.report().to_markdown()
    }

    /// As [`Report::to_junit`], of the run alone.
    #[must_use]
    pub fn to_junit(&self) -> String {
        self.report().to_junit()
    }

    /// As [`Report::to_json`], of the run alone.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.report().to_json()
    }

    /// As [`Report::to_jsonl`].
    #[must_use]
    pub fn to_jsonl(&self) -> String {
        self.report().to_jsonl()
    }

    /// As [`Report::write`], of the run alone.
    ///
    /// # Errors
    ///
    /// [`ReportError`].
    pub fn write_report(&self, path: impl AsRef<Path>) -> Result<(), ReportError> {
        self.report().write(path)
    }
}
