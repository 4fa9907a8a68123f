//! Datasets in JSON Lines files.

use std::path::Path;

use serde_json::value::RawValue;

use super::{Dataset, DatasetError};

impl Dataset {
    /// A dataset in a JSON Lines file: one object a line. Blank lines are skipped.
    ///
    /// # Errors
    ///
    /// [`DatasetError`] when the file cannot be read or a line is no datapoint; it names the line.
    pub fn jsonl(path: impl AsRef<Path>) -> Result<Self, DatasetError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| DatasetError::File {
            path: path.display().to_string(),
            source,
        })?;
        let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
        Self::from_raw(lines.filter(|(_, line)| !line.trim().is_empty()).map(|(number, line)| {
            let place = format!("{} line {}", path.display(), number + 1);
            match RawValue::from_string(line.to_owned()) {
                Ok(raw) => Ok((place, raw)),
                Err(source) => Err(DatasetError::Json { place, source }),
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_is_read_line_by_line_and_a_wrong_line_is_named() {
        let path = std::env::temp_dir().join(format!("honeyhive-eval-{}.jsonl", std::process::id()));
        std::fs::write(&path, "{\"inputs\": {\"q\": 1}}\n\n{\"inputs\": {\"q\": 2}}\n").unwrap();
        assert_eq!(Dataset::jsonl(&path).unwrap().len(), 2);
        std::fs::write(&path, "{\"inputs\": {}}\n{oops}\n").unwrap();
        let message = Dataset::jsonl(&path).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert!(message.contains("line 2: not JSON"), "{message}");
    }
}
