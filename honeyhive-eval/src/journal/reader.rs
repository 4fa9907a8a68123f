//! Reading a journal, also one whose last line is torn.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{End, Entry, Header, JournalError, VERSION};
use crate::result::Trial;
use crate::runner::row;
use crate::{Datapoint, Row};

/// What a journal holds.
#[derive(Debug)]
pub(crate) struct Contents {
    /// `None` when the first line was never finished.
    pub(crate) header: Option<Header>,
    /// The last execution of each trial, by position of its datapoint and number.
    pub(crate) entries: BTreeMap<(usize, u32), Entry>,
    /// How many datapoints a stream had, if it came to its end.
    pub(crate) end: Option<End>,
    /// Bytes of whole lines; what follows is torn.
    pub(crate) whole: u64,
}

impl Contents {
    pub(crate) fn read(path: &Path) -> Result<Self, JournalError> {
        let bytes = std::fs::read(path).map_err(|source| JournalError::File {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &bytes)
    }

    /// A line counts once it has its end: one without was being written when the process was killed.
    pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Self, JournalError> {
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut contents = Self {
            header: None,
            entries: BTreeMap::new(),
            end: None,
            whole: whole as u64,
        };
        for (number, line) in bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
            if contents.header.is_none() {
                contents.header = Some(header(path, number, line)?);
            } else {
                if let Ok(end) = serde_json::from_slice::<End>(line) {
                    contents.end = Some(end);
                    continue;
                }
                let entry: Entry = json(path, number, line)?;
                contents.entries.insert((entry.index, entry.trial), entry);
                contents.end = None;
            }
        }
        Ok(contents)
    }

    /// The header of a file that is to hold a run.
    pub(crate) fn header(&self, path: &Path) -> Result<&Header, JournalError> {
        self.header
            .as_ref()
            .ok_or_else(|| JournalError::Empty { path: path.to_owned() })
    }

    /// How long the run was under way when the last line was written.
    pub(crate) fn elapsed(&self) -> Duration {
        let elapsed = self.entries.values().map(|entry| entry.elapsed_ms).max();
        Duration::from_millis(elapsed.unwrap_or(0))
    }

    /// The rows that are complete, in dataset order.
    pub(crate) fn rows(self, header: &Header) -> Vec<Row> {
        let mut by_index: BTreeMap<usize, (Datapoint, Vec<Trial>)> = BTreeMap::new();
        for ((index, _), entry) in self.entries {
            let (_, trials) = by_index.entry(index).or_insert((entry.datapoint, Vec::new()));
            trials.push(entry.outcome);
        }
        let complete = by_index
            .into_values()
            .filter(|(_, trials)| u32::try_from(trials.len()).is_ok_and(|count| count >= header.trials));
        complete
            .filter_map(|(datapoint, trials)| row(datapoint, trials, header.reducer))
            .collect()
    }
}

fn header(path: &Path, number: usize, line: &[u8]) -> Result<Header, JournalError> {
    let header: Header = json(path, number, line)?;
    if header.journal != VERSION {
        return Err(JournalError::Line {
            path: path.to_owned(),
            line: number + 1,
            problem: format!("format {} is not {VERSION}, which this version reads", header.journal),
        });
    }
    Ok(header)
}

fn json<T: DeserializeOwned>(path: &Path, number: usize, line: &[u8]) -> Result<T, JournalError> {
    serde_json::from_slice(line).map_err(|error| JournalError::Line {
        path: path.to_owned(),
        line: number + 1,
        problem: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::result::Usage;
    use crate::score::Score;
    use crate::{Dataset, TaskError};

    /// A journal of these rows: output text, score, whether the function failed.
    fn journal(rows: &[(String, f64, bool)]) -> Vec<u8> {
        let items = rows
            .iter()
            .map(|(text, ..)| json!({"inputs": {"text": text}, "metadata": {"m": text}}));
        let dataset = Dataset::new(items).unwrap();
        let mut bytes = serde_json::to_vec(&Header::new("run", "name")).unwrap();
        bytes.push(b'\n');
        for (index, (datapoint, (text, score, failed))) in dataset.datapoints().iter().zip(rows).enumerate() {
            let entry = Entry {
                index,
                trial: 0,
                elapsed_ms: index as u64,
                datapoint: datapoint.clone(),
                outcome: Trial {
                    session_id: honeyhive_core::SessionId::random(),
                    output: if *failed {
                        Err(TaskError::new("E", text))
                    } else {
                        Ok(json!({"a": text, "f": score}))
                    },
                    scores: vec![
                        ("s".into(), Ok(Some(Score::new(*score).because(text)))),
                        ("n".into(), Ok(None)),
                        ("e".into(), Err(TaskError::new("E", text))),
                    ],
                    latency: Duration::from_nanos(score.to_bits() >> 12),
                    attempts: 1,
                    usage: Usage::default(),
                },
            };
            serde_json::to_writer(&mut bytes, &entry).unwrap();
            bytes.push(b'\n');
        }
        bytes
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever is in the rows, and wherever the process was killed: the lines before count, as they were written.
        #[test]
        fn a_journal_that_ends_anywhere_holds_its_whole_lines(
            rows in prop::collection::vec((".{0,12}", -1e300..1e300_f64, any::<bool>()), 1..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes = journal(&rows);
            let path = Path::new("a journal");
            let all = Contents::parse(path, &bytes).unwrap();
            prop_assert_eq!(all.entries.len(), rows.len());
            for (entry, (text, score, failed)) in all.entries.values().zip(&rows) {
                prop_assert_eq!(entry.outcome.output.is_err(), *failed);
                let value = entry.outcome.scores[0].1.clone().unwrap().unwrap();
                prop_assert_eq!(value, Score::new(*score).because(text));
            }
            let cut = cut.index(bytes.len() + 1);
            let torn = Contents::parse(path, &bytes[..cut]).unwrap();
            let lines = bytes[..cut].iter().filter(|byte| **byte == b'\n').count();
            prop_assert_eq!(torn.header.is_some(), lines > 0);
            prop_assert_eq!(torn.entries.len(), lines.saturating_sub(1));
            prop_assert!(torn.entries.iter().all(|(at, entry)| all.entries[at] == *entry));
            prop_assert!(torn.whole <= cut as u64);
        }
    }
}
