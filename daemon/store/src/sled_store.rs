//! The store on disk: `config::store::Store` in sled.
//!
//! Every journal record is flushed to the disk before [`Store::journal`] returns, and filing a revision
//! takes its pending record away in the same atomic batch. Caches are kept tiny: this is read at start and
//! when a person asks. Never keeps more revisions than it was told at the last commit.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use config::store::{JournalRecord, RevisionRecord, Store, StoreError, Unconfirmed};
use nouns::Revision;
use serde::Serialize;
use sled::{Batch, Db, IVec, Mode};

use crate::record;

/// Octets of pages that sled may keep in memory.
const CACHE: u64 = 256 * 1024;
/// Octets of one segment of the log, of which sled buffers a few.
const SEGMENT: usize = 64 * 1024;
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
        Ok(Self { path: path.to_owned(), db: Some(open(path)?) })
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

    fn write(&self, record: &JournalRecord) -> Result<(), StoreError> {
        match record {
            JournalRecord::Unconfirmed(unconfirmed) => self.insert(UNCONFIRMED, unconfirmed)?,
            JournalRecord::Pending(pending) => self.insert(PENDING, pending)?,
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

    fn abort(&self, revision: Revision) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.remove(PENDING);
        if self.unconfirmed()?.is_some_and(|unconfirmed| unconfirmed.revision == revision) {
            batch.remove(UNCONFIRMED);
        }
        self.db()?.apply_batch(batch).map_err(|error| failure("write", error))
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.db()?.flush().map(drop).map_err(|error| failure("write", error))
    }

    /// Files the pending record as a revision, if it is that one.
    fn commit(&self, revision: Revision, keep: usize) -> Result<(), StoreError> {
        let Some(octets) = self.read(PENDING)? else { return Ok(()) };
        if record::decode(&octets).is_none_or(|pending: RevisionRecord| pending.revision != revision) {
            return Ok(());
        }
        let mut batch = Batch::default();
        batch.insert(key(revision), octets);
        batch.remove(PENDING);
        for surplus in self.surplus(keep)? {
            batch.remove(surplus);
        }
        self.db()?.apply_batch(batch).map_err(|error| failure("write", error))
    }

    /// The keys of the oldest revisions that go when one more comes.
    fn surplus(&self, keep: usize) -> Result<Vec<IVec>, StoreError> {
        let keys = self.db()?.scan_prefix(REVISIONS).keys();
        let mut keys: Vec<IVec> = keys.collect::<Result<_, _>>().map_err(|error| failure("read", error))?;
        let excess = keys.len().saturating_add(1).saturating_sub(keep);
        keys.truncate(excess);
        Ok(keys)
    }

    fn read(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        self.db()?.get(key).map_err(|error| failure("read", error))
    }

    /// Revisions, newest first, without those that are damaged.
    fn newest_first(&self) -> Result<impl Iterator<Item = Result<RevisionRecord, StoreError>>, StoreError> {
        Ok(self.db()?.scan_prefix(REVISIONS).rev().filter_map(|row| match row {
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
        }
        written
    }

    fn pending(&self) -> Result<Option<RevisionRecord>, StoreError> {
        Ok(self.read(PENDING)?.and_then(|octets| record::decode(&octets)))
    }

    fn unconfirmed(&self) -> Result<Option<Unconfirmed>, StoreError> {
        Ok(self.read(UNCONFIRMED)?.and_then(|octets| record::decode(&octets)))
    }

    fn latest(&self) -> Result<Option<RevisionRecord>, StoreError> {
        self.newest_first()?.next().transpose()
    }

    fn revision(&self, revision: Revision) -> Result<Option<RevisionRecord>, StoreError> {
        Ok(self.read(&key(revision))?.and_then(|octets| record::decode(&octets)))
    }

    fn list(&self, limit: usize) -> Result<Vec<RevisionRecord>, StoreError> {
        let without_text = |row: Result<RevisionRecord, StoreError>| {
            row.map(|record| RevisionRecord { text: String::new(), ..record })
        };
        self.newest_first()?.take(limit).map(without_text).collect()
    }
}

/// Opens the database.
fn open(path: &Path) -> Result<Db, Trouble> {
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

#[cfg(test)]
mod tests;
