//! What the daemon remembers of its commits: revisions and the journal.
//!
//! The trait lives here, with a twin in memory for tests; the disk is another crate's.
//! A store never decides: a damaged or lost one costs history, never the start.

use std::collections::BTreeMap;

use nouns::Revision;
use serde::{Deserialize, Serialize};

/// One committed configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionRecord {
    /// Its number.
    pub revision: Revision,
    /// Seconds since the Unix epoch.
    pub time: u64,
    /// Who committed.
    pub user: String,
    /// Through what: `cli`, `boot-config-loader`, `api`.
    pub via: String,
    /// `commit comment`
    pub comment: Option<String>,
    /// The whole configuration in curly braces.
    pub text: String,
}

/// What is written before the first step of a commit and after its last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JournalRecord {
    /// The steps of this revision are about to begin.
    Pending(RevisionRecord),
    /// All steps were done: the revision is active.
    Committed(Revision),
    /// A step failed and its predecessors were undone.
    Aborted(Revision),
}

/// Why the store could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the revision store {action} failed: {reason}")]
pub struct StoreError {
    /// `open`, `read`, `write`.
    pub action: &'static str,
    /// What the disk said.
    pub reason: String,
}

/// Revisions and the journal, wherever they are kept.
pub trait Store: Send {
    /// Appends to the journal and returns once it is durable; `Committed` also files the revision.
    ///
    /// # Errors
    /// When the record could not be made durable.
    fn journal(&mut self, record: &JournalRecord) -> Result<(), StoreError>;
    /// The pending record that has neither `Committed` nor `Aborted` behind it.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn pending(&self) -> Result<Option<RevisionRecord>, StoreError>;
    /// The newest committed revision.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn latest(&self) -> Result<Option<RevisionRecord>, StoreError>;
    /// One committed revision.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn revision(&self, revision: Revision) -> Result<Option<RevisionRecord>, StoreError>;
    /// The newest committed revisions, newest first, without their texts.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn list(&self, limit: usize) -> Result<Vec<RevisionRecord>, StoreError>;
}

/// The twin in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    pending: Option<RevisionRecord>,
    revisions: BTreeMap<Revision, RevisionRecord>,
}

impl Store for MemoryStore {
    fn journal(&mut self, record: &JournalRecord) -> Result<(), StoreError> {
        match record {
            JournalRecord::Pending(revision) => self.pending = Some(revision.clone()),
            JournalRecord::Committed(number) => {
                if let Some(pending) = self.pending.take_if(|pending| pending.revision == *number) {
                    self.revisions.insert(*number, pending);
                }
            }
            JournalRecord::Aborted(_) => self.pending = None,
        }
        Ok(())
    }

    fn pending(&self) -> Result<Option<RevisionRecord>, StoreError> {
        Ok(self.pending.clone())
    }

    fn latest(&self) -> Result<Option<RevisionRecord>, StoreError> {
        Ok(self.revisions.values().next_back().cloned())
    }

    fn revision(&self, revision: Revision) -> Result<Option<RevisionRecord>, StoreError> {
        Ok(self.revisions.get(&revision).cloned())
    }

    fn list(&self, limit: usize) -> Result<Vec<RevisionRecord>, StoreError> {
        let newest = self.revisions.values().rev().take(limit);
        Ok(newest.map(|record| RevisionRecord { text: String::new(), ..record.clone() }).collect())
    }
}
