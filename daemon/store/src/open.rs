//! Opens the store whatever state it is in.
//!
//! A damaged one is moved aside, for whoever wants to look at it, and a fresh one is made. One that the disk
//! withholds (full, read-only, forbidden) stays where it is, and the daemon goes on with a store in memory.
//! Never deletes anything.

use std::fs;
use std::path::{Path, PathBuf};

use config::store::{MemoryStore, Store, StoreError};

use crate::sled_store::{SledStore, Trouble, failure};

/// A store that can be used, and what was wrong if it is not the one that was asked for.
pub type Opened = (Box<dyn Store>, Option<StoreError>);

/// Opens the store at `path`, or a fresh one, or one in memory.
///
/// # Errors
/// Only when another process has the store open: two daemons must not share their state.
pub fn open_or_fresh(path: &Path) -> Result<Opened, StoreError> {
    let wrong = match SledStore::try_open(path) {
        Ok(store) => return Ok((Box::new(store), None)),
        Err(Trouble::InUse) => return Err(Trouble::InUse.into()),
        Err(Trouble::Disk(words)) => return Ok(in_memory(&words)),
        Err(Trouble::Damaged(words)) => words,
    };
    match (move_aside(path), SledStore::open(path)) {
        (Some(aside), Ok(store)) => {
            let reason = format!("{wrong}; it was moved to {} and history starts anew", aside.display());
            Ok((Box::new(store), Some(failure("open", reason))))
        }
        // Nothing could be moved, and it opens after all.
        (None, Ok(store)) => Ok((Box::new(store), Some(failure("open", wrong)))),
        (_, Err(_)) => Ok(in_memory(&wrong)),
    }
}

fn in_memory(words: &str) -> Opened {
    let reason = format!("{words}; revisions are kept in memory until the next start");
    (Box::<MemoryStore>::default(), Some(failure("open", reason)))
}

/// Renames a store to the first free `NAME.damaged-N`.
fn move_aside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let mut places = (1..1000).map(|number| path.with_file_name(format!("{name}.damaged-{number}")));
    let aside = places.find(|place| !place.exists())?;
    fs::rename(path, &aside).ok()?;
    Some(aside)
}
