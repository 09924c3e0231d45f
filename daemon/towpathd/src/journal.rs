//! The disk on a thread of its own: the store, the saved configuration, and the one that is kept for a restart.
//!
//! Errands are done in the order in which they come, each durable before it is told, and a slow disk keeps neither a
//! session nor a person waiting who asks for something else. Never decides what is written.

use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use api::reply::Configuration;
use api::view::system::RevisionLine;
use api::view::{Revisions, View};
use api::{ApiError, Reply};
use config::store::{JournalRecord, Store, StoreError};
use config::{Tree, print};
use engine::{AskId, Event, Notice, SavedAs};
use nouns::Revision;

use crate::control::Clients;
use crate::files::{self, ActiveFile};
use crate::run::Inbox;

/// How long an orderly end waits for a disk that does not answer.
const LAST_ERRANDS: Duration = Duration::from_secs(10);

/// What the disk is asked.
pub(crate) enum Errand {
    /// Make this durable.
    Journal(JournalRecord),
    /// Keep the active configuration for a daemon that starts after a crash.
    Remember(Revision, String),
    /// Write a configuration to the boot file; what it held before is kept beside it where that is wanted.
    Save { revision: Revision, text: String, keep_former: bool },
    /// Read the boot file to a client.
    Saved(AskId, Configuration, Masked),
    /// List the newest revisions to a client.
    Revisions(AskId, u16),
    /// Read one revision to a client.
    Revision(AskId, Revision, Masked),
    /// The daemon ends in order: forget what is kept for a restart, then answer.
    End(Sender<()>),
}

/// Whether secrets are to be asterisks.
pub(crate) struct Masked(pub(crate) bool);

impl Masked {
    fn apply(&self, text: String) -> String {
        if self.0 { print::masked_file(&Tree::load(&text).tree) } else { text }
    }
}

/// What the thread works on.
pub(crate) struct Desk {
    pub(crate) store: Box<dyn Store>,
    pub(crate) active: ActiveFile,
    /// The boot file.
    pub(crate) config: PathBuf,
    pub(crate) inbox: Inbox,
    pub(crate) clients: Clients,
}

/// Starts the thread; the answers to records and saves come as events, the others as replies.
pub(crate) fn spawn(mut desk: Desk) -> Sender<Errand> {
    let (sender, errands) = mpsc::channel();
    thread::spawn(move || {
        for errand in errands {
            desk.run(errand);
        }
    });
    sender
}

/// Waits until all errands are done and the active configuration is forgotten.
pub(crate) fn end(errands: &Sender<Errand>) {
    let (done, wait) = mpsc::channel();
    if errands.send(Errand::End(done)).is_ok() {
        let _ = wait.recv_timeout(LAST_ERRANDS);
    }
}

impl Desk {
    fn run(&mut self, errand: Errand) {
        match errand {
            Errand::Journal(record) => {
                let done = make_durable(self.store.as_mut(), &record);
                self.inbox.push(Event::Journaled(done));
            }
            Errand::Remember(revision, text) => {
                self.remember(revision, &text);
                self.inbox.push(Event::Remembered);
            }
            Errand::Save { revision, text, keep_former } => {
                let saved = self.save(revision, &text, keep_former);
                self.inbox.push(Event::Saved(saved));
            }
            Errand::Saved(ask, frame, masked) => self.clients.reply(ask, self.saved(frame, &masked)),
            Errand::Revisions(ask, limit) => self.clients.reply(ask, list(self.store.as_ref(), usize::from(limit))),
            Errand::Revision(ask, revision, masked) => {
                self.clients.reply(ask, one(self.store.as_ref(), revision, &masked));
            }
            Errand::End(done) => {
                self.active.forget();
                let _ = done.send(());
            }
        }
    }

    fn remember(&self, revision: Revision, text: &str) {
        if let Err(error) = self.active.write(revision, text) {
            // An older one must not come back in its place.
            self.active.forget();
            let text =
                format!("the active configuration cannot be kept for a restart ({error}); 'save' keeps it for good");
            self.inbox.note(Notice::warning(text));
        }
    }

    fn save(&self, revision: Revision, text: &str, keep_former: bool) -> Result<SavedAs, ApiError> {
        let former = if keep_former { self.keep_former()? } else { None };
        store::save_config(&self.config, text).map_err(|error| {
            ApiError::new("save", error.to_string())
                .hint("the old file is untouched, the active configuration stays active")
        })?;
        // Where the disk had no room for it at the commit, there may be some now.
        if !self.active.is_kept() {
            self.remember(revision, text);
        }
        Ok(SavedAs { path: self.config.display().to_string(), former })
    }

    /// Copies the boot file beside itself, so that nothing that was left out of it is lost.
    fn keep_former(&self) -> Result<Option<String>, ApiError> {
        let refused = |error: String| {
            ApiError::new("save", format!("what was left out of the old file cannot be kept: {error}"))
                .hint("the old file is untouched, the active configuration stays active")
        };
        let Some(old) = files::read_config(&self.config).map_err(|error| refused(format!("{error:#}")))? else {
            return Ok(None);
        };
        let mut beside = self.config.clone().into_os_string();
        beside.push(".former");
        let beside = PathBuf::from(beside);
        store::save_config(&beside, &old).map_err(|error| refused(error.to_string()))?;
        Ok(Some(beside.display().to_string()))
    }

    fn saved(&self, frame: Configuration, masked: &Masked) -> Reply {
        match files::read_config(&self.config) {
            Ok(text) => {
                let text = text.unwrap_or_default();
                let text = masked.apply(text);
                Reply::Configuration(Configuration { text, ..frame })
            }
            Err(error) => Reply::Error(ApiError::new("read", format!("{error:#}"))),
        }
    }
}

/// A store that panics on a broken disk must not keep a commit waiting for ever.
fn make_durable(store: &mut dyn Store, record: &JournalRecord) -> Result<(), String> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| store.journal(record))) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the revision store has failed".to_owned()),
    }
}

fn list(store: &dyn Store, limit: usize) -> Reply {
    match store.list(limit) {
        Ok(records) => Reply::View(View::Revisions(Revisions {
            utc_offset: 0,
            revisions: records
                .into_iter()
                .zip(0_u32..)
                .map(|(record, index)| RevisionLine {
                    index,
                    revision: record.revision,
                    time: record.time,
                    user: record.user,
                    via: record.via,
                    comment: record.comment,
                })
                .collect(),
        })),
        Err(error) => refused(&error),
    }
}

fn one(store: &dyn Store, revision: Revision, masked: &Masked) -> Reply {
    match store.revision(revision) {
        Ok(Some(record)) => {
            let text = masked.apply(record.text);
            Reply::Configuration(Configuration { revision, text, unsaved: false })
        }
        Ok(None) => Reply::Error(
            ApiError::new("unknown-revision", format!("revision {revision} is not kept"))
                .hint("'show system commit' lists those that are"),
        ),
        Err(error) => refused(&error),
    }
}

fn refused(error: &StoreError) -> Reply {
    Reply::Error(ApiError::new("store", error.to_string()))
}
