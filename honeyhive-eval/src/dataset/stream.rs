//! Datasets that are read while they are run, so that not all of them is in memory at once.

use std::collections::HashSet;
use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::pin::Pin;

use futures_util::{Stream, StreamExt as _, stream};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{Datapoint, DatasetError, datapoint};

type Items = Pin<Box<dyn Stream<Item = Result<(String, Box<RawValue>), DatasetError>> + Send>>;

/// Datapoints that come while the experiment runs, from an iterator, an async stream or a large file. One is asked for
/// when a worker is free.
///
/// The content is not known beforehand, so the dataset has the id it is given, after `EXT-`. The ids of its datapoints
/// are made as those of a [`Dataset`](crate::Dataset). An item that is no datapoint, or has an id that was there before,
/// ends the experiment as failed.
pub struct DatasetStream {
    pub(super) id: String,
    items: Items,
}

impl DatasetStream {
    /// Items of an async stream, each of the shape that [`Dataset::new`](crate::Dataset::new) takes. An error of the stream
    /// ends the experiment as failed.
    pub fn new<T, E, S>(id: impl AsRef<str>, items: S) -> Self
    where
        T: Serialize,
        E: Into<Box<dyn Error + Send + Sync>>,
        S: Stream<Item = Result<T, E>> + Send + 'static,
    {
        let items = items.enumerate().map(|(index, item)| {
            let place = format!("item {index}");
            match item {
                Ok(item) => raw(place, &item),
                Err(error) => Err(DatasetError::Source {
                    place,
                    source: error.into(),
                }),
            }
        });
        Self::of(id.as_ref(), Box::pin(items))
    }

    /// Items of an iterator.
    ///
    /// # Examples
    ///
    /// ```
    /// use honeyhive_eval::DatasetStream;
    /// use serde_json::json;
    ///
    /// let squares = DatasetStream::from_items("squares", (0..1_000_000).map(|n| json!({"inputs": {"n": n}})));
    /// ```
    pub fn from_items<T, I>(id: impl AsRef<str>, items: I) -> Self
    where
        T: Serialize,
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'static,
    {
        let items = items.into_iter().enumerate();
        let items = items.map(|(index, item)| raw(format!("item {index}"), &item));
        Self::of(id.as_ref(), Box::pin(stream::iter(items)))
    }

    /// A JSON Lines file, read line by line. Its name without extension is the id.
    ///
    /// # Errors
    ///
    /// [`DatasetError`] when the file cannot be opened.
    pub fn jsonl(path: impl AsRef<Path>) -> Result<Self, DatasetError> {
        let path = path.as_ref().to_owned();
        let failed = |path: &Path, source| DatasetError::File {
            path: path.display().to_string(),
            source,
        };
        let file = File::open(&path).map_err(|source| failed(&path, source))?;
        let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let lines = BufReader::new(file).lines().enumerate();
        let items = lines.filter_map(move |(number, line)| {
            let line = match line {
                Ok(line) => line,
                Err(source) => return Some(Err(failed(&path, source))),
            };
            let line = line.trim_start_matches('\u{feff}').trim();
            let place = || format!("{} line {}", path.display(), number + 1);
            (!line.is_empty()).then(|| match RawValue::from_string(line.to_owned()) {
                Ok(raw) => Ok((place(), raw)),
                Err(source) => Err(DatasetError::Json { place: place(), source }),
            })
        });
        Ok(Self::of(&id, Box::pin(stream::iter(items))))
    }

    fn of(id: &str, items: Items) -> Self {
        let prefixed = id.starts_with(crate::ids::PREFIX);
        let prefix = if prefixed { "" } else { crate::ids::PREFIX };
        Self {
            id: format!("{prefix}{id}"),
            items,
        }
    }

    pub(super) fn into_datapoints(self) -> impl Stream<Item = Result<Datapoint, DatasetError>> + Send + 'static {
        let mut ids = HashSet::new();
        self.items.enumerate().map(move |(index, item)| {
            let (place, raw) = item?;
            let datapoint = datapoint(&raw, index, &place)?;
            match ids.insert(datapoint.id.clone()) {
                true => Ok(datapoint),
                false => Err(DatasetError::given_twice(place, &datapoint.id)),
            }
        })
    }
}

fn raw(place: String, item: &impl Serialize) -> Result<(String, Box<RawValue>), DatasetError> {
    match to_raw_value(item) {
        Ok(raw) => Ok((place, raw)),
        Err(source) => Err(DatasetError::Json { place, source }),
    }
}

impl fmt::Debug for DatasetStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatasetStream")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
