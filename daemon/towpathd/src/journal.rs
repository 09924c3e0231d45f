//! The store on a thread of its own, because a journal record is only told once it is on the disk.
//!
//! Never decides what is recorded.

use std::sync::mpsc::{self, Sender};
use std::thread;

use api::reply::Configuration;
use api::view::system::RevisionLine;
use api::view::{Revisions, View};
use api::{ApiError, Reply};
use config::store::{JournalRecord, Store, StoreError};
use engine::{AskId, Event};
use nouns::Revision;

use crate::run::Inbox;

/// How many revisions `show system commit` lists.
const LISTED: usize = 100;

/// What the store is asked.
pub(crate) enum Errand {
    /// Make this durable.
    Journal(JournalRecord),
    /// List the newest revisions to a client.
    Revisions(AskId),
    /// Read one revision to a client.
    Revision(AskId, Revision),
}

/// Starts the thread; the answers to journal records come as events, the others as replies.
pub(crate) fn spawn(
    mut store: Box<dyn Store>,
    inbox: Inbox,
    replies: impl Fn(AskId, Reply) + Send + 'static,
) -> Sender<Errand> {
    let (sender, errands) = mpsc::channel();
    thread::spawn(move || {
        for errand in errands {
            match errand {
                Errand::Journal(record) => {
                    inbox.push(Event::Journaled(make_durable(store.as_mut(), &record)));
                }
                Errand::Revisions(ask) => replies(ask, list(store.as_ref())),
                Errand::Revision(ask, revision) => replies(ask, one(store.as_ref(), revision)),
            }
        }
    });
    sender
}

/// A store that panics on a broken disk must not keep a commit waiting for ever.
fn make_durable(store: &mut dyn Store, record: &JournalRecord) -> Result<(), String> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| store.journal(record))) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the revision store has failed".to_owned()),
    }
}

fn list(store: &dyn Store) -> Reply {
    match store.list(LISTED) {
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

fn one(store: &dyn Store, revision: Revision) -> Reply {
    match store.revision(revision) {
        Ok(Some(record)) => Reply::Configuration(Configuration { revision, text: record.text, unsaved: false }),
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
