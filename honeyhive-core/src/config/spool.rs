//! Settings of the spool: where what could not be delivered is kept, how much of it and how long.

use std::path::PathBuf;
use std::time::Duration;

use super::reader::{Reader, names};
use super::{ConfigError, TracerBuilder};

#[derive(Clone, Default)]
pub(super) struct Given {
    directory: Option<PathBuf>,
    max_bytes: Option<u64>,
    max_age: Option<Duration>,
}

/// Where and how much is kept on disk.
#[derive(Clone, Debug)]
pub(crate) struct SpoolSettings {
    pub(crate) directory: PathBuf,
    pub(crate) max_bytes: u64,
    pub(crate) max_age: Duration,
}

/// Ten years, in seconds: more than anybody means.
const LONGEST: f64 = 315_360_000.0;

impl SpoolSettings {
    /// `None` where no directory is given.
    pub(super) fn resolve(given: Given, reader: &Reader<'_>) -> Result<Option<Self>, ConfigError> {
        let max_bytes = reader.number(
            given.max_bytes,
            names("spool_max_bytes", "HH_SPOOL_MAX_BYTES"),
            65_536..=u64::MAX,
        )?;
        let max_age = reader.seconds(given.max_age, names("spool_max_age", "HH_SPOOL_MAX_AGE"), 1.0..=LONGEST)?;
        let variable = || reader.variable("HH_SPOOL_DIR").map(|setting| setting.text.into());
        let directory = given.directory.filter(|path| !path.as_os_str().is_empty());
        Ok(directory.or_else(variable).map(|directory| Self {
            directory,
            max_bytes: max_bytes.unwrap_or(256 << 20),
            max_age: max_age.unwrap_or(Duration::from_secs(3 * 86_400)),
        }))
    }
}

/// # The spool
impl TracerBuilder {
    /// A directory for what could not be delivered (`HH_SPOOL_DIR`): when the program ends, or when what waits takes
    /// three quarters of the queue. The next process with the same key and server sends it first. It is made where it is
    /// not there, and may be shared by processes. Default: none, and what cannot be delivered is lost and counted.
    pub fn spool_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.given.spool.directory = Some(path.into());
        self
    }

    /// Most bytes kept in the spool (`HH_SPOOL_MAX_BYTES`), from 64 KiB. The oldest files make room, and what they held
    /// is counted. Default: 256 MiB.
    pub fn spool_max_bytes(mut self, bytes: u64) -> Self {
        self.given.spool.max_bytes = Some(bytes);
        self
    }

    /// How long the spool keeps what it cannot deliver (`HH_SPOOL_MAX_AGE`, seconds). Default: three days.
    pub fn spool_max_age(mut self, age: Duration) -> Self {
        self.given.spool.max_age = Some(age);
        self
    }
}
