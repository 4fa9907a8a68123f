//! The spool: a directory for what could not be delivered, until a server takes it.
//!
//! A file is written whole or not at all, is sent by one process at a time, which holds a lock on it meanwhile, and is
//! removed when a server has taken it. Files hold bodies of requests and no key. Each destination and key has a
//! directory of its own, so that nothing written for one project reaches another.

mod file;

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use prost::bytes::Bytes;
use uuid::Uuid;

pub(super) use self::file::Kind;
use self::file::Name;
use crate::config::{Config, SpoolSettings};

#[derive(Debug)]
pub(super) struct Spool {
    directory: PathBuf,
    settings: SpoolSettings,
    /// Files to be sent, the oldest first.
    files: BTreeSet<Name>,
    /// Those that have failed since all were tried.
    deferred: BTreeSet<Name>,
}

/// A file that this process is sending.
#[derive(Debug)]
pub(super) struct Claimed {
    name: Name,
    pub(super) kind: Kind,
    pub(super) items: usize,
    pub(super) body: Bytes,
    /// Locked while it is open.
    _file: File,
}

/// What the spool had to give up.
#[derive(Debug)]
pub(super) struct GivenUp {
    pub(super) items: usize,
    pub(super) why: String,
}

impl Spool {
    /// Makes the directory of this destination where it is not there, and sees whether it can be written.
    pub(super) fn open(settings: &SpoolSettings, config: &Config) -> io::Result<Self> {
        let directory = settings.directory.join(destination(config).simple().to_string());
        make(&directory)?;
        let probe = directory.join(Uuid::new_v4().simple().to_string());
        fs::write(&probe, [])?;
        fs::remove_file(probe)?;
        Ok(Self {
            directory,
            settings: settings.clone(),
            files: BTreeSet::new(),
            deferred: BTreeSet::new(),
        })
    }

    /// Looks for what earlier processes have left, and sets aside what one of them was writing when it was killed.
    pub(super) fn look(&mut self) -> io::Result<()> {
        for (path, entry) in self.entries()? {
            let text = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if let Some(name) = Name::parse(text) {
                self.files.insert(name);
            } else if text.ends_with(".draft") && File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
                let _ = fs::rename(&path, path.with_extension("torn"));
            } else if text.ends_with(".torn") && self.is_old(&entry) {
                let _ = fs::remove_file(&path);
            }
        }
        Ok(())
    }

    /// Whether nothing is to be sent.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.deferred.is_empty()
    }

    /// Writes a file; it is safe after the next [`commit`](Self::commit). Older ones make room for it.
    pub(super) fn write(&mut self, kind: Kind, items: usize, body: &[u8]) -> io::Result<Vec<GivenUp>> {
        // Somebody may have cleaned it away meanwhile.
        make(&self.directory)?;
        let given_up = self.make_room(body.len() as u64)?;
        let name = Name::fresh(kind, items);
        file::write(&self.directory, &name, body)?;
        self.files.insert(name);
        Ok(given_up)
    }

    /// Sees to it that what was written outlives the machine.
    pub(super) fn commit(&self) -> io::Result<()> {
        file::sync_directory(&self.directory)
    }

    /// The oldest file that no other process is sending.
    pub(super) fn claim(&mut self, given_up: &mut Vec<GivenUp>) -> Option<Claimed> {
        if self.files.is_empty() {
            std::mem::swap(&mut self.files, &mut self.deferred);
        }
        while let Some(name) = self.files.pop_first() {
            let Ok(mut file) = self.lock(&name) else {
                continue;
            };
            let (kind, items) = name.contents()?;
            let path = self.path(&name);
            let mut give_up = |why: &str| {
                given_up.push(GivenUp {
                    items,
                    why: format!("{}: {why}", path.display()),
                });
            };
            if name.age() > self.settings.max_age {
                let _ = fs::remove_file(&path);
                give_up("it was older than the spool keeps files");
                continue;
            }
            match file::read(&mut file) {
                Ok(Some(body)) => {
                    return Some(Claimed {
                        name,
                        kind,
                        items,
                        body,
                        _file: file,
                    });
                }
                Ok(None) => {
                    let _ = fs::rename(&path, path.with_extension("torn"));
                    give_up("it is damaged, and was renamed to .torn");
                }
                Err(error) => give_up(&format!("it cannot be read: {error}")),
            }
        }
        None
    }

    /// Gives a file back, to be tried again after the others.
    pub(super) fn defer(&mut self, claimed: Claimed) {
        self.deferred.insert(claimed.name);
    }

    /// Removes a file that needs no sending any more.
    pub(super) fn remove(&self, claimed: &Claimed) {
        if let Err(error) = fs::remove_file(self.path(&claimed.name)) {
            tracing::warn!(
                "a file of the spool was sent and cannot be removed, so that it will be sent again: {error}"
            );
        }
    }

    /// Oldest first, files go until there is room for as many bytes.
    fn make_room(&mut self, bytes: u64) -> io::Result<Vec<GivenUp>> {
        let max_bytes = self.settings.max_bytes;
        let no_room = || io::Error::other(format!("{bytes} bytes more do not fit into the spool's {max_bytes}"));
        if bytes > max_bytes {
            // Nothing goes for what never fits.
            return Err(no_room());
        }
        let mut entries = self.entries()?;
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut total: u64 = entries.iter().map(|(_, entry)| entry.len()).sum();
        let mut given_up = Vec::new();
        for (path, entry) in entries {
            if total.saturating_add(bytes) <= max_bytes {
                break;
            }
            let text = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let name = Name::parse(text);
            let lock = match &name {
                Some(name) => self.lock(name).map(Some),
                None if text.ends_with(".torn") => Ok(None),
                None => continue,
            };
            let gone = match lock.and_then(|_lock| fs::remove_file(&path)) {
                Ok(()) => false,
                // Another process sent it, or made room with it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => true,
                // One that is being sent is left alone.
                Err(_) => continue,
            };
            total -= entry.len();
            let Some(name) = name else { continue };
            self.files.remove(&name);
            self.deferred.remove(&name);
            if !gone {
                let items = name.contents().map_or(0, |(_, items)| items);
                let why = format!("the spool is full: its oldest file, {}, had to go", path.display());
                given_up.push(GivenUp { items, why });
            }
        }
        if total.saturating_add(bytes) > max_bytes {
            return Err(no_room());
        }
        Ok(given_up)
    }

    /// Opens and locks a file that is still there; an error when another process has it.
    fn lock(&self, name: &Name) -> io::Result<File> {
        let path = self.path(name);
        let file = File::options().read(true).write(true).open(&path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
        })?;
        // Its holder may have removed it just before the lock was free.
        fs::metadata(&path).map(|_| file)
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.directory.join(name.to_string())
    }

    fn is_old(&self, entry: &fs::Metadata) -> bool {
        let age = entry.modified().ok().and_then(|written| written.elapsed().ok());
        age.is_some_and(|age| age > self.settings.max_age)
    }

    fn entries(&self) -> io::Result<Vec<(PathBuf, fs::Metadata)>> {
        let entries = fs::read_dir(&self.directory)?.filter_map(|entry| {
            let entry = entry.ok()?;
            // One that another process has just removed is none.
            Some((entry.path(), entry.metadata().ok()?))
        });
        Ok(entries.collect())
    }
}

/// Makes a directory that is its owner's alone, unless it is there.
fn make(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Stands for where files are to be sent and with which key, and tells neither.
fn destination(config: &Config) -> Uuid {
    let endpoint = config.export.endpoint.as_ref().map_or("", |url| url.as_str());
    let key = config.key_for_ingestion().map_or("", |key| key.expose());
    let project = config.project.as_deref().unwrap_or_default();
    let parts = [config.server_url.as_str(), endpoint, project, key];
    Uuid::new_v5(&Uuid::NAMESPACE_URL, parts.join("\n").as_bytes())
}

#[cfg(test)]
mod tests;
