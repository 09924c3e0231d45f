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

/// A commit that is taken back unless somebody confirms it, with all that taking it back needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unconfirmed {
    /// Its number.
    pub revision: Revision,
    /// Who committed.
    pub user: String,
    /// Seconds that there are to confirm it.
    pub span: u64,
    /// When it is taken back, in seconds since the Unix epoch.
    pub until: u64,
    /// The configuration before it, in curly braces.
    pub before: String,
    /// The configuration that it made.
    pub after: String,
}

/// What is written before the first step of a commit and after its last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JournalRecord {
    /// The commit that follows has to be confirmed. Written before its `Pending`.
    Unconfirmed(Unconfirmed),
    /// The steps of this revision are about to begin.
    Pending(RevisionRecord),
    /// All steps were done: the revision is active.
    Committed {
        /// Which.
        revision: Revision,
        /// How many revisions are kept from now on; the newest one always is.
        keep: u16,
    },
    /// A step failed and its predecessors were undone; nothing is left to confirm of it either.
    Aborted(Revision),
    /// What had to be confirmed was, or was taken back.
    Settled,
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
    /// The commit that has to be confirmed.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn unconfirmed(&self) -> Result<Option<Unconfirmed>, StoreError>;
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
    unconfirmed: Option<Unconfirmed>,
    revisions: BTreeMap<Revision, RevisionRecord>,
}

impl Store for MemoryStore {
    fn journal(&mut self, record: &JournalRecord) -> Result<(), StoreError> {
        match record {
            JournalRecord::Unconfirmed(unconfirmed) => self.unconfirmed = Some(unconfirmed.clone()),
            JournalRecord::Pending(revision) => self.pending = Some(revision.clone()),
            JournalRecord::Committed { revision, keep } => {
                if let Some(pending) = self.pending.take_if(|pending| pending.revision == *revision) {
                    self.revisions.insert(*revision, pending);
                    while self.revisions.len() > usize::from(*keep).max(1) {
                        self.revisions.pop_first();
                    }
                }
            }
            JournalRecord::Aborted(revision) => {
                self.pending = None;
                self.unconfirmed.take_if(|unconfirmed| unconfirmed.revision == *revision);
            }
            JournalRecord::Settled => self.unconfirmed = None,
        }
        Ok(())
    }

    fn pending(&self) -> Result<Option<RevisionRecord>, StoreError> {
        Ok(self.pending.clone())
    }

    fn unconfirmed(&self) -> Result<Option<Unconfirmed>, StoreError> {
        Ok(self.unconfirmed.clone())
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
