//! The HTML report: one file, no scripts, nothing from elsewhere.

mod charts;
mod comparison;
mod rows;

use super::Report;
use super::markup::Markup;
use super::text::{number, percent, score, value_of};
use crate::gate::GateReport;
use crate::result::ExperimentResult;
use crate::stats::{Aggregate, aggregate, aggregate_name};
use crate::summary::{ScoreSummary, total_usage};

const STYLE: &str = include_str!("style.css");
/// What the page may load: nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

pub(super) fn page(report: &Report<'_>) -> String {
    let run = report.run;
    let mut page = Markup::beginning("<!DOCTYPE html>\n");
    page.element("html", &[("lang", &"en")], |page| {
        page.line();
        page.element("head", &[], |head| {
            head.void("meta", &[("charset", &"utf-8")]);
            head.void(
                "meta",
                &[("http-equiv", &"Content-Security-Policy"), ("content", &POLICY)],
            );
            head.void(
                "meta",
                &[
                    ("name", &"viewport"),
                    ("content", &"width=device-width, initial-scale=1"),
                ],
            );
            head.void("meta", &[("name", &"color-scheme"), ("content", &"light dark")]);
            head.leaf("title", &[], &run.name);
            head.element("style", &[], |style| style.raw(STYLE));
        });
        page.line();
        page.element("body", &[], |body| {
            header(body, run);
            if let Some(gate) = report.gate {
                gate_section(body, gate);
            }
            cards(body, run);
            if let Some(comparison) = report.comparison {
                comparison::section(body, run, comparison);
            }
            metrics_section(body, run);
            rows::section(body, run);
        });
        page.line();
    });
    page.line();
    page.finish()
}

fn header(body: &mut Markup, run: &ExperimentResult) {
    body.element("header", &[], |header| {
        header.leaf("h1", &[], &run.name);
        header.element("p", &[("class", &"ids")], |ids| {
            ids.text("run ");
            ids.leaf("code", &[], &run.run_id);
            ids.text(" · dataset ");
            ids.leaf("code", &[], &run.dataset_id);
        });
        for warning in &run.warnings {
            header.leaf("p", &[("class", &"warning")], warning);
        }
    });
    body.line();
}

fn gate_section(body: &mut Markup, gate: &GateReport) {
    let (class, verdict) = if gate.passed() {
        ("gate good", "Gate passed")
    } else {
        ("gate bad", "Gate failed")
    };
    body.element("section", &[("class", &class)], |section| {
        section.leaf("h2", &[], verdict);
        section.element("ul", &[], |list| {
            for check in &gate.checks {
                let class = if check.passed { "pass" } else { "fail" };
                list.element("li", &[("class", &class)], |item| {
                    item.leaf("b", &[], &check.rule);
                    item.leaf("span", &[], format_args!(" {}", check.found));
                });
            }
        });
    });
    body.line();
}

/// The figures of the whole run.
fn cards(body: &mut Markup, run: &ExperimentResult) {
    let mut cards = vec![
        ("rows".to_owned(), run.rows.len().to_string()),
        ("succeeded".to_owned(), run.succeeded().to_string()),
        ("failed".to_owned(), run.failed().to_string()),
        ("seconds".to_owned(), number(run.duration.as_secs_f64())),
    ];
    if run.not_run > 0 {
        cards.push(("not run".to_owned(), run.not_run.to_string()));
    }
    let latencies = run.latencies();
    for (name, how) in [("median ms", Aggregate::Median), ("p95 ms", Aggregate::P95)] {
        cards.extend(aggregate(how, &latencies).map(|value| (name.to_owned(), number(value))));
    }
    cards.extend(
        total_usage(&run.rows)
            .into_iter()
            .map(|(name, total)| (name.to_owned(), number(total))),
    );
    cards.extend(
        run.run_scores
            .iter()
            .map(|(name, outcome)| (name.clone(), score(Some(outcome)))),
    );
    body.element("section", &[("class", &"cards")], |section| {
        for (name, value) in cards {
            section.element("div", &[("class", &"card")], |card| {
                card.leaf("b", &[], value);
                card.leaf("span", &[], name);
            });
        }
    });
    body.line();
}

fn metrics_section(body: &mut Markup, run: &ExperimentResult) {
    let summary = run.summary();
    let latencies = run.latencies();
    body.element("section", &[], |section| {
        section.leaf("h2", &[], "Metrics");
        section.element("div", &[("class", &"metrics")], |grid| {
            for metric in &summary {
                metric_card(grid, metric);
            }
            if let Some(median) = aggregate(Aggregate::Median, &latencies) {
                grid.element("div", &[("class", &"metric")], |card| {
                    card.leaf("h3", &[], "latency, median");
                    card.leaf("p", &[("class", &"value")], format_args!("{} ms", number(median)));
                    charts::histogram(card, "latency in milliseconds", &latencies, None);
                    card.leaf("p", &[("class", &"note")], spread(&latencies));
                });
            }
        });
    });
    body.line();
}

fn metric_card(grid: &mut Markup, metric: &ScoreSummary) {
    grid.element("div", &[("class", &"metric")], |card| {
        card.leaf("h3", &[], &metric.evaluator);
        let value = metric
            .mean
            .map_or("–".to_owned(), |mean| value_of(metric.is_rate, mean));
        if metric.mean.is_some() || metric.labels.is_empty() {
            card.leaf("p", &[("class", &"value")], value);
        }
        if let (Some(mean), true) = (metric.mean, metric.is_rate) {
            charts::rate(card, &metric.evaluator, mean, metric.interval);
        } else if !metric.values().is_empty() {
            charts::histogram(card, &metric.evaluator, metric.values(), metric.interval);
        }
        if !metric.labels.is_empty() {
            charts::labels(card, &metric.labels);
        }
        let mut notes = Vec::new();
        if let Some(interval) = metric.interval {
            let show = |end| if metric.is_rate { percent(end) } else { number(end) };
            notes.push(format!("95 %: {} … {}", show(interval.low), show(interval.high)));
        }
        if !metric.is_rate && !metric.values().is_empty() {
            notes.push(spread(metric.values()));
        }
        notes.push(format!("{} scored", metric.scored));
        if metric.failed > 0 {
            notes.push(format!("{} failed", metric.failed));
        }
        card.leaf("p", &[("class", &"note")], notes.join(" · "));
    });
}

/// The aggregates of numbers that a mean does not show.
fn spread(values: &[f64]) -> String {
    let shown = [
        Aggregate::Min,
        Aggregate::Median,
        Aggregate::P90,
        Aggregate::P95,
        Aggregate::P99,
        Aggregate::Max,
    ];
    let parts = shown.into_iter().filter_map(|how| {
        let value = aggregate(how, values)?;
        Some(format!("{} {}", aggregate_name(how), number(value)))
    });
    parts.collect::<Vec<_>>().join(" · ")
}

fn folded(section: &mut Markup, summary: &str, content: impl FnOnce(&mut Markup)) {
    section.element("details", &[], |details| {
        details.leaf("summary", &[], summary);
        content(details);
    });
    section.line();
}

fn head<'a>(table: &mut Markup, columns: impl IntoIterator<Item = &'a &'a str>) {
    table.element("thead", &[], |head| {
        head.element("tr", &[], |row| {
            for column in columns {
                row.leaf("th", &[("scope", &"col")], column);
            }
        });
    });
}
