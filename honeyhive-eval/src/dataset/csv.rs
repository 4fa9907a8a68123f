//! Datasets in CSV files, whose columns are named after the parts of a datapoint.

use std::path::Path;

use serde_json::value::to_raw_value;
use serde_json::{Map, Value};

use super::{Dataset, DatasetError};

/// What may stand in a column's name before the first dot.
const PARTS: [&str; 3] = ["inputs", "ground_truth", "metadata"];
/// What ends the name of a column whose cells are JSON.
const JSON: &str = ":json";

impl Dataset {
    /// A dataset in a CSV file with a header. A column is named after what its cells are: `id`, `inputs.question`,
    /// `ground_truth` or `ground_truth.answer`, `metadata.topic`; further dots nest objects.
    ///
    /// Cells are texts and are never guessed to be anything else: a column whose name ends in `:json`, such as
    /// `inputs.top_k:json`, holds numbers, flags, arrays or objects. An empty cell says nothing.
    ///
    /// # Errors
    ///
    /// [`DatasetError`] when the file cannot be read, a column is none of these, or a row is no datapoint; it names the
    /// line.
    pub fn csv(path: impl AsRef<Path>) -> Result<Self, DatasetError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let mut reader = csv::Reader::from_path(path).map_err(|error| unreadable(&name, error))?;
        let columns = reader.headers().map_err(|error| unreadable(&name, error))?.clone();
        let names = columns
            .iter()
            .map(|column| column.trim().trim_start_matches('\u{feff}'));
        let columns = parse(names).map_err(|problem| DatasetError::Shape {
            place: format!("{name} line 1"),
            problem,
        })?;
        let items = reader.into_records().map(|record| {
            let record = record.map_err(|error| unreadable(&name, error))?;
            let place = match record.position() {
                Some(position) => format!("{name} line {}", position.line()),
                None => name.clone(),
            };
            let mut item = Map::new();
            for (column, cell) in columns.iter().zip(&record) {
                column.write(cell, &mut item).map_err(|problem| DatasetError::Shape {
                    place: place.clone(),
                    problem,
                })?;
            }
            match to_raw_value(&item) {
                Ok(raw) => Ok((place, raw)),
                Err(source) => Err(DatasetError::Json { place, source }),
            }
        });
        Self::from_raw(items)
    }
}

/// The columns of a header, no two of which are the same.
fn parse<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<Column>, String> {
    let mut columns: Vec<Column> = Vec::new();
    for name in names {
        let column = Column::parse(name)?;
        if columns.iter().any(|known| known.path == column.path) {
            return Err(format!("column {name:?} is there twice"));
        }
        columns.push(column);
    }
    Ok(columns)
}

/// Where the cells of a column go.
struct Column {
    name: String,
    path: Vec<String>,
    json: bool,
}

impl Column {
    fn parse(name: &str) -> Result<Self, String> {
        let (path, json) = match name.strip_suffix(JSON) {
            Some(path) => (path, true),
            None => (name, false),
        };
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        let known = match path.as_slice() {
            [only] => only == "id" || only == "ground_truth",
            [part, ..] => PARTS.contains(&part.as_str()) && path.iter().all(|step| !step.is_empty()),
            [] => false,
        };
        if !known {
            return Err(format!(
                "column {name:?} is none of `id`, `inputs.…`, `ground_truth`, `ground_truth.…`, `metadata.…`"
            ));
        }
        let name = name.to_owned();
        Ok(Self { name, path, json })
    }

    fn write(&self, cell: &str, item: &mut Map<String, Value>) -> Result<(), String> {
        if cell.is_empty() {
            return Ok(());
        }
        let value = if self.json {
            serde_json::from_str(cell).map_err(|error| format!("column {:?} is not JSON: {error}", self.name))?
        } else {
            Value::from(cell)
        };
        let mut object = item;
        let Some((last, steps)) = self.path.split_last() else {
            return Ok(());
        };
        for step in steps {
            let inner = object.entry(step).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(inner) = inner else {
                return Err(format!("column {:?} is below another column's value", self.name));
            };
            object = inner;
        }
        match object.insert(last.clone(), value) {
            None => Ok(()),
            Some(_) => Err(format!("column {:?} has others below it", self.name)),
        }
    }
}

fn unreadable(name: &str, error: csv::Error) -> DatasetError {
    DatasetError::File {
        path: name.to_owned(),
        source: error.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Dataset, DatasetError> {
        let name = format!("honeyhive-{}.csv", uuid::Uuid::new_v4());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        let dataset = Dataset::csv(&path);
        std::fs::remove_file(path).unwrap();
        dataset
    }

    #[test]
    fn columns_are_parts_of_a_datapoint() {
        let text = "id,inputs.question,inputs.options.k:json,ground_truth.answer,metadata.topic\n\
                    a,\"how, many?\",3,007,bees\n\
                    b,why?,,,\n";
        let dataset = read(text).unwrap();
        let [a, b] = dataset.datapoints() else { unreachable!() };
        assert_eq!(a.id, "EXT-a");
        assert_eq!(a.inputs, json!({"question": "how, many?", "options": {"k": 3}}));
        assert_eq!(a.ground_truth, Some(json!({"answer": "007"})));
        assert_eq!(a.metadata["topic"], "bees");
        assert_eq!((&b.inputs, &b.ground_truth), (&json!({"question": "why?"}), &None));
    }

    #[test]
    fn cells_may_hold_anything_that_csv_can_say() {
        let text = "\u{feff}\"inputs.q\",ground_truth\r\n\"a \"\"b\"\", c\r\nsecond line\",\r\n\"\",\" x \"\r\n";
        let dataset = read(text).unwrap();
        let [a, b] = dataset.datapoints() else { unreachable!() };
        assert_eq!(
            (&a.inputs, &a.ground_truth),
            (&json!({"q": "a \"b\", c\r\nsecond line"}), &None)
        );
        assert_eq!((&b.inputs, &b.ground_truth), (&json!({}), &Some(json!(" x "))));
    }

    /// A dataset is known by its content, whatever file it comes from.
    #[test]
    fn it_has_the_ids_of_the_same_items_in_memory() {
        let dataset = read("inputs.q,ground_truth\none,1\n").unwrap();
        let same = Dataset::new([json!({"inputs": {"q": "one"}, "ground_truth": "1"})]).unwrap();
        assert_eq!(dataset.id(), same.id());
        assert_eq!(dataset.datapoints(), same.datapoints());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, expected) in [
            ("question\nx\n", "line 1: column \"question\" is none of"),
            (
                "inputs.k:json\n3\nmany\n",
                "line 3: column \"inputs.k:json\" is not JSON",
            ),
            ("inputs.a,inputs.a\n1,\n", "line 1: column \"inputs.a\" is there twice"),
            (
                "ground_truth,ground_truth:json\n1,\n",
                "line 1: column \"ground_truth:json\" is there twice",
            ),
            ("inputs.a.b,inputs.a\n1,2\n", "has others below it"),
            ("inputs.a,inputs.a.b\n1,2\n", "below another column's value"),
            ("inputs.a,inputs.b\n1\n", "found record with 1 field"),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
