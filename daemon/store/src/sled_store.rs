//! The store on disk: `config::store::Store` in sled.
//!
//! Every journal record is flushed to the disk before [`Store::journal`] returns. A revision is written once, at its
//! place, with a mark that it is pending; to file it takes the mark away. Caches are kept tiny: this is read at start
//! and when a person asks. Never keeps more revisions than it was told at the last commit.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use config::store::{JournalRecord, RevisionRecord, Store, StoreError, Unconfirmed};
use nouns::Revision;
use serde::Serialize;
use sled::{Batch, Db, IVec, Mode};

use crate::record;

/// Octets of pages that sled may keep in memory.
const CACHE: u64 = 256 * 1024;
/// Octets of one segment of the log, of which sled buffers a few.
const SEGMENT: usize = 64 * 1024;
/// How long a store that somebody has is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
const BETWEEN_TRIES: Duration = Duration::from_millis(10);
/// The number of the revision that is pending.
const PENDING: &[u8] = b"pending";
const UNCONFIRMED: &[u8] = b"unconfirmed";
const REVISIONS: &[u8] = b"revision/";

/// Revisions and the journal on disk.
#[derive(Debug)]
pub struct SledStore {
    path: PathBuf,
    /// `None` after a failure to write: sled then refuses everything until it is opened anew, though the disk may
    /// have room again.
    db: Option<Db>,
    /// The numbers of the revisions that are there, once they were needed: the texts would be read along.
    there: Option<BTreeSet<Revision>>,
}

impl SledStore {
    /// Opens or creates the store in a directory of its own.
    ///
    /// # Errors
    /// When another process has it, the disk refuses, or it is damaged beyond sled's repair.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::try_open(path).map_err(StoreError::from)
    }

    /// As [`SledStore::open`], with the kind of trouble told.
    pub(crate) fn try_open(path: &Path) -> Result<Self, Trouble> {
        Ok(Self { path: path.to_owned(), db: Some(open(path)?), there: None })
    }

    fn db(&self) -> Result<&Db, StoreError> {
        self.db.as_ref().ok_or_else(|| failure("read", "its last write failed, and the next one opens it anew"))
    }

    /// The database, opened anew where the last write failed.
    fn revived(&mut self) -> Result<(), StoreError> {
        if self.db.is_none() {
            self.db = Some(open(&self.path)?);
        }
        Ok(())
    }

    fn write(&mut self, record: &JournalRecord) -> Result<(), StoreError> {
        match record {
            JournalRecord::Unconfirmed(unconfirmed) => self.insert(UNCONFIRMED, unconfirmed)?,
            JournalRecord::Pending(pending) => self.propose(pending)?,
            JournalRecord::Committed { revision, keep } => self.commit(*revision, usize::from(*keep).max(1))?,
            JournalRecord::Aborted(revision) => self.abort(*revision)?,
            JournalRecord::Settled => {
                self.db()?.remove(UNCONFIRMED).map_err(|error| failure("write", error))?;
            }
        }
        self.flush()
    }

    fn insert(&self, key: &[u8], value: &impl Serialize) -> Result<(), StoreError> {
        let octets = record::encode(value).map_err(|error| failure("write", error))?;
        self.db()?.insert(key, octets).map(drop).map_err(|error| failure("write", error))
    }

    fn propose(&mut self, pending: &RevisionRecord) -> Result<(), StoreError> {
        let octets = record::encode(pending).map_err(|error| failure("write", error))?;
        let mut batch = Batch::default();
        if let Some(other) = self.mark()?.filter(|other| *other != pending.revision) {
            batch.remove(key(other));
            self.there()?.remove(&other);
        }
        batch.insert(key(pending.revision), octets);
        batch.insert(PENDING, &pending.revision.0.to_be_bytes());
        self.there()?.insert(pending.revision);
        self.apply(batch)
    }

    fn abort(&mut self, revision: Revision) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        if let Some(pending) = self.mark()? {
            batch.remove(key(pending));
            batch.remove(PENDING);
            self.there()?.remove(&pending);
        }
        if self.unconfirmed()?.is_some_and(|unconfirmed| unconfirmed.revision == revision) {
            batch.remove(UNCONFIRMED);
        }
        self.apply(batch)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.db()?.apply_batch(batch).map_err(|error| failure("write", error))
    }

    /// sled hands its pages to the kernel, but tells the disk to keep neither them nor the new length of its file, and does
    /// not wait for the files of long values at all: a power cut would take back what was answered.
    fn flush(&self) -> Result<(), StoreError> {
        self.db()?.flush().map_err(|error| failure("write", error))?;
        sync(&self.path).map_err(|error| failure("write", error))
    }

    /// Files the pending record as a revision, if it is that one; the oldest go when there are too many.
    fn commit(&mut self, revision: Revision, keep: usize) -> Result<(), StoreError> {
        if self.mark()? != Some(revision) {
            return Ok(());
        }
        let mut batch = Batch::default();
        batch.remove(PENDING);
        let there = self.there()?;
        while there.len() > keep {
            let Some(oldest) = there.pop_first() else { break };
            batch.remove(key(oldest));
        }
        self.apply(batch)
    }

    /// The numbers of the revisions that are there, the pending one among them.
    fn there(&mut self) -> Result<&mut BTreeSet<Revision>, StoreError> {
        let there = match self.there.take() {
            Some(there) => there,
            None => self.numbers()?,
        };
        Ok(self.there.insert(there))
    }

    fn numbers(&self) -> Result<BTreeSet<Revision>, StoreError> {
        let keys = self.db()?.scan_prefix(REVISIONS).keys();
        let numbers = keys.filter_map(|key| match key {
            Ok(key) => key.strip_prefix(REVISIONS).and_then(number).map(Ok),
            Err(error) => Some(Err(failure("read", error))),
        });
        numbers.collect()
    }

    /// The revision that is marked as pending.
    fn mark(&self) -> Result<Option<Revision>, StoreError> {
        Ok(self.read(PENDING)?.and_then(|octets| number(&octets)))
    }

    fn read(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        self.db()?.get(key).map_err(|error| failure("read", error))
    }

    /// Revisions, newest first, without those that are damaged.
    fn newest_first(&self) -> Result<impl Iterator<Item = Result<RevisionRecord, StoreError>>, StoreError> {
        let pending = self.mark()?.map(key);
        Ok(self.db()?.scan_prefix(REVISIONS).rev().filter_map(move |row| match row {
            Ok((key, _)) if pending.as_deref() == Some(&*key) => None,
            Ok((_, octets)) => record::decode(&octets).map(Ok),
            Err(error) => Some(Err(failure("read", error))),
        }))
    }
}

impl Store for SledStore {
    fn journal(&mut self, record: &JournalRecord) -> Result<(), StoreError> {
        self.revived()?;
        let written = self.write(record);
        if written.is_err() {
            self.db = None;
            self.there = None;
        }
        written
    }

    fn pending(&self) -> Result<Option<RevisionRecord>, StoreError> {
        let Some(pending) = self.mark()? else { return Ok(None) };
        Ok(self.read(&key(pending))?.and_then(|octets| record::decode(&octets)))
    }

    fn unconfirmed(&self) -> Result<Option<Unconfirmed>, StoreError> {
        Ok(self.read(UNCONFIRMED)?.and_then(|octets| record::decode(&octets)))
    }

    fn latest(&self) -> Result<Option<RevisionRecord>, StoreError> {
        self.newest_first()?.next().transpose()
    }

    fn revision(&self, revision: Revision) -> Result<Option<RevisionRecord>, StoreError> {
        if self.mark()? == Some(revision) {
            return Ok(None);
        }
        Ok(self.read(&key(revision))?.and_then(|octets| record::decode(&octets)))
    }

    fn list(&self, limit: usize) -> Result<Vec<RevisionRecord>, StoreError> {
        let without_text = |row: Result<RevisionRecord, StoreError>| {
            row.map(|record| RevisionRecord { text: String::new(), ..record })
        };
        self.newest_first()?.take(limit).map(without_text).collect()
    }
}

/// Opens the database, as soon as nobody else has it.
///
/// A store that was closed a moment ago may still be held by a thread of sled that ends its work.
fn open(path: &Path) -> Result<Db, Trouble> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match open_now(path) {
            Err(Trouble::InUse) if Instant::now() < deadline => std::thread::sleep(BETWEEN_TRIES),
            opened => return opened,
        }
    }
}

fn open_now(path: &Path) -> Result<Db, Trouble> {
    let config = sled::Config::new()
        .path(path)
        .cache_capacity(CACHE)
        .segment_size(SEGMENT)
        .mode(Mode::LowSpace)
        // Every record is flushed as it is written: no thread has to do it later.
        .flush_every_ms(None);
    // sled asserts some properties of its files, and a damaged file must not stop the daemon.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| config.open())) {
        Ok(opened) => opened.map_err(|error| Trouble::of(&error)),
        Err(_) => Err(Trouble::Damaged("its files are damaged".into())),
    }
}

/// Waits until the disk has a folder with all that is in it.
fn sync(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync(&entry.path())?;
            continue;
        }
        match File::open(entry.path()).and_then(|file| file.sync_data()) {
            // A thread of sled took away what it no longer needs.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            done => done?,
        }
    }
    File::open(folder)?.sync_all()
}

/// Why a store could not be opened, by what can be done about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Another process has it.
    InUse,
    /// The disk is full, read-only or forbidden: the store itself may be whole.
    Disk(String),
    /// Its contents cannot be understood.
    Damaged(String),
}

impl Trouble {
    fn of(error: &sled::Error) -> Self {
        let words = error.to_string();
        match error {
            // sled has no error of its own for a lock; this is how its sentence begins.
            sled::Error::Io(_) if words.contains("could not acquire lock") => Self::InUse,
            sled::Error::Io(io) if is_of_disk(io.kind()) => Self::Disk(words),
            _ => Self::Damaged(words),
        }
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        let reason = match trouble {
            Trouble::InUse => {
                "another towpathd uses this state directory; stop it, or give --state-dir another one".into()
            }
            Trouble::Disk(words) | Trouble::Damaged(words) => words,
        };
        Self { action: "open", reason }
    }
}

fn is_of_disk(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::PermissionDenied
            | ErrorKind::NotADirectory
    )
}

pub(crate) fn failure(action: &'static str, reason: impl ToString) -> StoreError {
    StoreError { action, reason: reason.to_string() }
}

/// Big-endian, so that the order of keys is the order of revisions.
fn key(revision: Revision) -> Vec<u8> {
    [REVISIONS, &revision.0.to_be_bytes()].concat()
}

fn number(octets: &[u8]) -> Option<Revision> {
    octets.try_into().ok().map(|octets| Revision(u64::from_be_bytes(octets)))
}

#[cfg(test)]
mod tests;
