//! One file of the spool: a line that says what it holds, then the bodies, checked against damage.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost::bytes::Bytes;
use uuid::Uuid;

const MAGIC: &str = "honeyhive-spool-1";
const ENDING: &str = "spool";

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::delivery) enum Kind {
    /// Session starts, a JSON text on each line.
    Starts,
    /// An export request.
    Spans,
    /// Updates, a JSON text on each line.
    Updates,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Starts, Self::Spans, Self::Updates];

    const fn name(self) -> &'static str {
        match self {
            Self::Starts => "starts",
            Self::Spans => "spans",
            Self::Updates => "updates",
        }
    }
}

/// The name of a file: when it was written, what it holds and how much. In the order of their names files are sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    text: String,
}

impl Name {
    pub(super) fn fresh(kind: Kind, items: usize) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (number, unique) = (NEXT.fetch_add(1, Ordering::Relaxed), Uuid::new_v4().simple());
        Self {
            text: format!(
                "{:014}-{number:08}-{unique}.{}.{items}.{ENDING}",
                now.as_millis(),
                kind.name()
            ),
        }
    }

    /// `None` for a file that is none of the spool's.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let name = Self { text: text.to_owned() };
        (text.ends_with(ENDING) && name.contents().is_some() && name.written().is_some()).then_some(name)
    }

    /// What it holds, and how many.
    pub(super) fn contents(&self) -> Option<(Kind, usize)> {
        let mut parts = self.text.split('.').skip(1);
        let kind = parts.next()?;
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
        Some((kind, parts.next()?.parse().ok()?))
    }

    fn written(&self) -> Option<SystemTime> {
        let millis = self.text.split('-').next()?.parse().ok()?;
        UNIX_EPOCH.checked_add(Duration::from_millis(millis))
    }

    pub(super) fn age(&self) -> Duration {
        let written = self.written().unwrap_or(UNIX_EPOCH);
        SystemTime::now().duration_since(written).unwrap_or_default()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Writes a file that is either whole or not there: under another name first, onto the disk, then under its own. That
/// the name is on the disk too is for [`sync_directory`] to see to.
pub(super) fn write(directory: &Path, name: &Name, body: &[u8]) -> io::Result<()> {
    let draft = directory.join(format!("{name}.draft"));
    let write = || write_draft(&draft, body).and_then(|_lock| fs::rename(&draft, directory.join(name.to_string())));
    let written = match write() {
        // Another process took it for one that was left behind, in the moment before it was locked.
        Err(error) if error.kind() == io::ErrorKind::NotFound => write(),
        written => written,
    };
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

/// The file, which is locked as long as it is open: whoever finds it unlocked knows that its writer is gone.
fn write_draft(draft: &Path, body: &[u8]) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(draft)?;
    file.lock()?;
    writeln!(file, "{MAGIC} {} {:08x}", body.len(), checksum(body))?;
    file.write_all(body)?;
    file.sync_all()?;
    Ok(file)
}

/// Sees to it that the names in a directory are on the disk.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// The body of a file; `None` when it is damaged.
pub(super) fn read(file: &mut File) -> io::Result<Option<Bytes>> {
    let mut all = Vec::new();
    file.read_to_end(&mut all)?;
    let all = Bytes::from(all);
    let Some(end) = all.iter().take(64).position(|byte| *byte == b'\n') else {
        return Ok(None);
    };
    let body = all.slice(end + 1..);
    let expected = format!("{MAGIC} {} {:08x}", body.len(), checksum(&body));
    Ok((all[..end] == *expected.as_bytes()).then_some(body))
}

fn checksum(body: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(body);
    sum.sum()
}
