//! Maps that stand in maps: tables in `TABLES`, the directory in `DIRECTORY`.
//!
//! What stands there is read as a number, and only root may open a map by its number. So each is pinned by it before it gets
//! its place. Never leaves a pin of what has no place any more.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use crate::maps::Maps;
use crate::sys;

impl Maps {
    /// What stands at a place of a map; `None` where nothing does, or what nobody can open.
    pub(crate) fn inner(&self, name: &str, place: u32) -> io::Result<Option<OwnedFd>> {
        let Some(id) = self.inner_id(name, place)? else { return Ok(None) };
        match sys::pinned(&sys::c_path(&self.pins.inner(id))?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Its number.
    pub(crate) fn inner_id(&self, name: &str, place: u32) -> io::Result<Option<u32>> {
        let mut id = [0_u32];
        let found = sys::get(self.map(name)?, place, &mut id)?;
        Ok(id.first().copied().filter(|_| found))
    }

    /// Pins what is about to get a place.
    pub(crate) fn pin_inner(&self, map: BorrowedFd<'_>) -> io::Result<()> {
        let id = sys::id(map)?;
        // The number may have been another map's, which is gone for good.
        self.unpin_inner(id)?;
        sys::pin(map, &sys::c_path(&self.pins.inner(id))?)
    }

    /// Unpins what has lost its place.
    pub(crate) fn unpin_inner(&self, id: u32) -> io::Result<()> {
        match fs::remove_file(self.pins.inner(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    /// Unpins what a daemon that was killed between a pin and a place has left.
    pub(crate) fn unpin_unused(&self, tables: &BTreeSet<u32>) -> io::Result<()> {
        let mut used: BTreeSet<u32> = self.inner_id("DIRECTORY", 0)?.into_iter().collect();
        for number in tables {
            used.extend(self.inner_id("TABLES", *number)?);
        }
        self.pins.inners().into_iter().filter(|id| !used.contains(id)).try_for_each(|id| self.unpin_inner(id))
    }
}
