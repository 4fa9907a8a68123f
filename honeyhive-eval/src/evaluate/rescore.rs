//! `rescore()`: new evaluators on the outputs of an earlier run.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Evaluation, evaluate};
use crate::dataset::{Datapoint, Dataset};
use crate::result::{ExperimentResult, Row, Trial};

/// Describes an experiment that takes the outputs of an earlier one and gives them to other evaluators, without running
/// the function. Add them with [`evaluator`](Evaluation::evaluator) and await it.
///
/// It is a run of its own, on the same datapoints and with the metadata `rescored_from`. Rows that failed stay failed;
/// latency, attempts and usage are those of the earlier run, and what had no row there has none here.
///
/// # Examples
///
/// ```no_run
/// use honeyhive_eval::prelude::*;
/// use honeyhive_eval::{ExperimentResult, rescore};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let earlier = ExperimentResult::from_journal("run.jsonl")?;
/// let result = rescore(&earlier)
///     .evaluator("short", |Outputs(answer): Outputs<String>| answer.len() < 100)
///     .await?;
/// # Ok(())
/// # }
/// ```
pub fn rescore(earlier: &ExperimentResult) -> Evaluation {
    let replay: HashMap<(String, u32), Trial> = earlier
        .rows
        .iter()
        .flat_map(|row| {
            (0..)
                .zip(trials(row))
                .map(|(number, trial)| ((row.datapoint_id.clone(), number), trial))
        })
        .collect();
    let count = earlier.rows.iter().map(|row| row.trials.len()).max().unwrap_or(1);
    let datapoints = earlier.rows.iter().map(|row| Datapoint {
        id: row.datapoint_id.clone(),
        inputs: row.inputs.clone(),
        ground_truth: row.ground_truth.clone(),
        metadata: row.metadata.clone(),
    });
    let dataset = Dataset::known(earlier.dataset_id.clone(), datapoints.collect());
    // Never called as long as the outputs are there.
    let mut evaluation = evaluate(|_: Datapoint| Err::<Value, _>("the earlier run has no output of this datapoint"))
        .name(format!("{} rescored", earlier.name))
        .dataset(dataset)
        .function_name(&earlier.function)
        .metadata("rescored_from", &earlier.run_id)
        .trials(u32::try_from(count).unwrap_or(u32::MAX), earlier.reducer);
    evaluation.settings.replay = Arc::new(replay);
    evaluation.settings.unscorable = earlier.not_run;
    evaluation
}

fn trials(row: &Row) -> Vec<Trial> {
    if !row.trials.is_empty() {
        return row.trials.clone();
    }
    vec![Trial {
        session_id: row.session_id,
        output: row.output.clone(),
        scores: Vec::new(),
        latency: row.latency,
        attempts: row.attempts,
        usage: row.usage,
    }]
}
