//! One condition of a gate, checked.

use super::{Check, Measure, Regression};
use crate::compare::{Comparison, Measured, Metric, MetricComparison};
use crate::report::text::{number, p_is, plural, signed};
use crate::stats::{Aggregate, aggregate, aggregate_name};

/// A check that fails, for a run that was cut short: what is missing may be what would have failed.
pub(super) fn cut_short(run: &Measured) -> Option<Check> {
    (!run.is_whole).then(|| {
        cannot(
            "all rows ran".to_owned(),
            "the run ended before its last row".to_owned(),
        )
    })
}

pub(super) fn failed_rows(run: &Measured, allowed: usize) -> Check {
    Check {
        rule: match allowed {
            0 => "no failed rows".to_owned(),
            _ => format!("at most {}", plural(allowed, "failed row")),
        },
        passed: run.failed.len() <= allowed,
        found: format!("{} of {}", run.failed.len(), run.rows.len()),
    }
}

pub(super) fn threshold(run: &Measured, measure: &Measure, threshold: f64, at_least: bool) -> Check {
    let Measure { metric, aggregate } = measure;
    let name = match aggregate {
        Aggregate::Average => metric.to_string(),
        other => format!("{} of {metric}", aggregate_name(*other)),
    };
    let rule = format!("{name} {} {}", if at_least { "≥" } else { "≤" }, number(threshold));
    let Some((value, rows)) = value(run, measure) else {
        return cannot(rule, no_value(run, metric));
    };
    Check {
        rule,
        passed: if at_least {
            value >= threshold
        } else {
            value <= threshold
        },
        found: match rows {
            Some(rows) => format!("{} over {}", number(value), plural(rows, "row")),
            None => format!("{} of the run", number(value)),
        },
    }
}

/// The number, and over how many rows; a score of the run as a whole has none.
fn value(run: &Measured, measure: &Measure) -> Option<(f64, Option<usize>)> {
    if let Some(values) = run.values(&measure.metric) {
        let numbers = values.numbers();
        return Some((aggregate(measure.aggregate, &numbers)?, Some(numbers.len())));
    }
    let Metric::Score { name, event: None } = &measure.metric else {
        return None;
    };
    let (_, score) = run.run_scores.iter().find(|(known, _)| known == name)?;
    Some((*score, None))
}

fn no_value(run: &Measured, metric: &Metric) -> String {
    let known = run.metrics.iter().map(|(metric, _)| metric.to_string());
    let known: Vec<String> = known
        .chain(run.run_scores.iter().map(|(name, _)| name.clone()))
        .collect();
    format!("no number is called {metric}; this run has {}", known.join(", "))
}

pub(super) fn regression(comparison: Option<&Comparison>, regression: &Regression) -> Check {
    let Regression {
        metric,
        tolerance,
        significance,
    } = regression;
    let mut rule = format!("{metric} not worse than the baseline");
    if *tolerance > 0.0 {
        rule.push_str(&format!(" by more than {}", number(*tolerance)));
    }
    if let Some(significance) = significance {
        rule.push_str(&format!(" with p < {}", number(*significance)));
    }
    let Some(comparison) = comparison else {
        return cannot(rule, "there is no baseline: use compare_with(…)?.gate(…)".to_owned());
    };
    if let Some(found) = comparison.metric(metric.clone()) {
        return judge(rule, found, *tolerance, *significance);
    }
    let Metric::Score { name, event: None } = metric else {
        return cannot(rule, "no row has it in both runs".to_owned());
    };
    match comparison.run_scores.iter().find(|(known, ..)| known == name) {
        // One number a run has no spread, so chance cannot excuse it.
        Some((_, before, now)) => Check {
            rule,
            passed: before - now <= *tolerance,
            found: format!("{} → {} of the runs", number(*before), number(*now)),
        },
        None => cannot(rule, "no row has it in both runs".to_owned()),
    }
}

fn judge(rule: String, found: &MetricComparison, tolerance: f64, significance: Option<f64>) -> Check {
    // What rounding adds to a mean of equal values is no regression.
    let slack = tolerance + 1e-12 * found.baseline.abs().max(1.0);
    let worse = -found.gain() > slack;
    let by_chance = significance.is_some_and(|limit| found.significance.p_value >= limit);
    Check {
        rule,
        passed: !worse || by_chance,
        found: format!(
            "{} → {} ({}, {}), {} worse, {} better",
            number(found.baseline),
            number(found.current),
            signed(found.delta),
            p_is(found.significance.p_value),
            plural(found.degraded.len(), "row"),
            found.improved.len(),
        ),
    }
}

fn cannot(rule: String, why: String) -> Check {
    Check {
        rule,
        passed: false,
        found: why,
    }
}
