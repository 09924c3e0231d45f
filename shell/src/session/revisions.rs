//! Revisions: `rollback N`, `compare N [M]`, and the numbers that people count them by.
//!
//! 0 is the newest. Never changes what is active: a revision goes into the working configuration.

use api::view::system::RevisionLine;
use api::{Reply, Request, View};
use config::Tree;
use config::print::Against;

use super::{Outcome, Session, unexpected};
use crate::output::Output;
use crate::world::{Daemon, World};

const ROLLED_BACK: &str = "Rollback diff has been applied.\n\
                           Use \"compare\" to review the changes or \"commit\" to apply them.\n";

impl Session {
    /// Makes a revision the working configuration.
    pub(super) fn rollback(&mut self, typed: Option<String>, world: &mut dyn World) -> Outcome {
        let Some(typed) = typed else { return Err("Error: must include a revision # to rollback to".to_owned()) };
        let Ok(index) = typed.parse::<u32>() else { return Err(format!("Invalid revision [{typed}]")) };
        let tree = revision(index, world)?;
        let Some(working) = self.working.as_mut() else { return Ok(Output::default()) };
        working.tree = tree;
        working.leave_what_is_gone();
        Ok(Output::text(if working.is_modified() {
            ROLLED_BACK
        } else {
            "No changes between working and active configurations\n"
        }))
    }

    /// Compares the working configuration with a revision.
    pub(super) fn compare_with(&self, index: u32, world: &mut dyn World) -> Outcome {
        let Some(working) = self.working.as_ref() else { return Ok(Output::default()) };
        let tree = revision(index, world)?;
        Ok(super::configure::comparison(&tree, &working.tree, Against::Revision(u64::from(index))))
    }
}

/// What leads from one revision to another.
pub(super) fn compare_revisions(old: u32, new: u32, world: &mut dyn World) -> Outcome {
    let (before, after) = (revision(old, world)?, revision(new, world)?);
    let against = Against::Revisions(u64::from(old), u64::from(new));
    Ok(super::configure::comparison(&before, &after, against))
}

/// The revisions that are kept, newest first.
pub(crate) fn list(daemon: &mut dyn Daemon) -> Result<Vec<RevisionLine>, String> {
    match daemon.call(Request::Revisions)? {
        Reply::View(View::Revisions(view)) => Ok(view.revisions),
        other => Err(unexpected(other)),
    }
}

/// The configuration of a revision.
pub(super) fn revision(index: u32, daemon: &mut dyn Daemon) -> Result<Tree, String> {
    let lines = list(daemon)?;
    let Some(line) = lines.iter().find(|line| line.index == index) else {
        let end = lines.len();
        return Err(format!("Invalid revision number {index}: must be 0 < rev < {end}"));
    };
    match daemon.call(Request::Revision(line.revision))? {
        Reply::Configuration(configuration) => Ok(Tree::parse(&configuration.text).tree),
        other => Err(unexpected(other)),
    }
}
