//! What evaluators came to, as entries of a row and as metrics of the function's event.

use std::collections::HashSet;

use honeyhive_core::Enrichment;

use crate::output::TaskError;
use crate::result::Outcome;
use crate::score::{Score, Scores};

/// The entries of a row: one per evaluator, and one per named score behind it. Two of one name are told apart by making
/// the one that is less expected an error.
pub(crate) fn outcomes(
    evaluated: impl IntoIterator<Item = (String, Result<Scores, TaskError>)>,
) -> Vec<(String, Outcome)> {
    let evaluated: Vec<_> = evaluated.into_iter().collect();
    let mut taken: HashSet<String> = evaluated.iter().map(|(name, _)| name.clone()).collect();
    let mut entries = Vec::with_capacity(evaluated.len());
    for (evaluator, scores) in evaluated {
        let Scores { main, named } = match scores.and_then(Scores::checked) {
            Ok(scores) => scores,
            Err(error) => {
                entries.push((evaluator, Err(error)));
                continue;
            }
        };
        let named: Vec<_> = named
            .into_iter()
            .map(|(name, score)| (format!("{evaluator}_{name}"), score))
            .collect();
        let clash = named.iter().map(|(name, _)| name).find(|name| taken.contains(*name));
        if let Some(name) = clash {
            let message = format!("it gives a score of the name `{name}`, which another one has");
            entries.push((evaluator, Err(TaskError::new("Score", message))));
            continue;
        }
        taken.extend(named.iter().map(|(name, _)| name.clone()));
        if main.is_some() || named.is_empty() {
            entries.push((evaluator, Ok(main)));
        }
        entries.extend(named.into_iter().map(|(name, score)| (name, Ok(Some(score)))));
    }
    entries
}

/// The metrics of the function's event.
pub(crate) fn metrics(entries: &[(String, Outcome)]) -> Enrichment {
    entries
        .iter()
        .fold(Enrichment::new(), |metrics, (name, outcome)| match outcome {
            Ok(Some(score)) => with_metric(metrics, name, score),
            Ok(None) => metrics,
            Err(error) => metrics.metadata(format!("evaluator_errors.{name}"), error.to_string()),
        })
}

fn with_metric(metrics: Enrichment, name: &str, score: &Score) -> Enrichment {
    let metrics = score
        .extras()
        .iter()
        .fold(metrics.metric(name, score.value()), |metrics, (key, extra)| {
            metrics.metric(format!("{name}_{key}"), extra)
        });
    match score.explanation() {
        Some(explanation) => metrics.metric(format!("{name}_explanation"), explanation),
        None => metrics,
    }
}

/// Names of all scores: each evaluator's, and behind it those of its named scores in the rows. An evaluator that gave
/// named scores alone has none of its own.
pub(crate) fn score_names<'a>(
    evaluators: &[String],
    rows: impl IntoIterator<Item = &'a [(String, Outcome)]>,
) -> Vec<String> {
    let mut given: Vec<&str> = Vec::new();
    let mut seen = HashSet::new();
    for (name, _) in rows.into_iter().flatten() {
        if seen.insert(name.as_str()) {
            given.push(name);
        }
    }
    let mut names: Vec<String> = Vec::with_capacity(evaluators.len());
    for evaluator in evaluators {
        let is_part = |name: &&str| {
            name.strip_prefix(evaluator.as_str())
                .is_some_and(|rest| rest.starts_with('_'))
        };
        let parts: Vec<&str> = given
            .iter()
            .copied()
            .filter(is_part)
            .filter(|name| !evaluators.iter().chain(&names).any(|known| known == name))
            .collect();
        if parts.is_empty() || seen.contains(evaluator.as_str()) {
            names.push(evaluator.clone());
        }
        names.extend(parts.into_iter().map(str::to_owned));
    }
    names
}
