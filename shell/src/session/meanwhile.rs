//! What others commit while a person edits: the working configuration follows.
//!
//! The person's changes are carried over onto what is active now, and they are told where both changed the
//! same. Never commits, and never drops a change without saying so.

use api::view::system::RevisionLine;
use api::{Reply, Request, View, Which};
use config::Tree;
use config::diff::Diff;
use config::edit::{self, RebaseError};
use nouns::Revision;

use super::{Session, Working, fetch};
use crate::world::Daemon;

/// Changes of the person that meet changes of others.
#[derive(Debug, Default)]
pub(super) struct Met {
    /// Where both changed the same.
    overridden: Vec<Vec<String>>,
    /// Changes that cannot be made any more.
    left_out: Vec<Vec<String>>,
}

impl Session {
    /// Moves the working configuration onto what others committed meanwhile; answers what the person should
    /// read about it, where it was not told before (`told` is the newest revision that was). Says nothing while
    /// the daemon cannot be reached: the next command will.
    #[must_use]
    pub(crate) fn keep_up(&mut self, told: Option<Revision>, daemon: &mut dyn Daemon) -> Option<String> {
        let known = self.working.as_ref()?.revision;
        let revision = self.greet(daemon).ok()?.revision;
        if revision == known {
            return None;
        }
        let author = author(revision, daemon);
        let working = self.working.as_mut()?;
        let modified = working.is_modified();
        let met = working.follow(daemon).ok()?;
        working.leave_what_is_gone();
        let end = if modified { "; your changes now stand on it" } else { "" };
        let mut text = String::new();
        if told.is_none_or(|told| told < revision) {
            text = format!("{author} committed revision {} meanwhile{end}.\n", working.revision);
        }
        text.push_str(&met.text());
        Some(text).filter(|text| !text.is_empty())
    }

    /// The words for a commit that met changes of others: the changes are kept, on top of what is active now.
    pub(super) fn after_conflict(&mut self, refusal: &str, daemon: &mut dyn Daemon) -> String {
        let kept = match self.working.as_mut().map(|working| working.follow(daemon)) {
            Some(Ok(met)) => {
                let left_out = Met { overridden: Vec::new(), ..met }.text();
                format!(
                    "{left_out}Your changes are kept and now stand on the new active configuration: \
                     look at them with 'compare',\nthen 'commit' again to override it, or 'discard' them.\n"
                )
            }
            _ => String::new(),
        };
        format!("{refusal}{kept}Commit failed")
    }
}

impl Working {
    /// Takes what is active now as the ground of the changes.
    pub(super) fn follow(&mut self, daemon: &mut dyn Daemon) -> Result<Met, String> {
        let configuration = fetch(daemon, Which::Active)?;
        let active = Tree::parse(&configuration.text).tree;
        let edits = Diff::between(&self.active, &self.tree).to_edits();
        let overridden = match edit::rebase(&edits, &self.active, &active) {
            Err(RebaseError::Conflicts(paths)) => paths,
            Ok(_) | Err(RebaseError::Edit(_)) => Vec::new(),
        };
        let (tree, left_out) = edit::carry_over(&edits, &active);
        *self = Self { active, revision: configuration.revision, tree, level: std::mem::take(&mut self.level) };
        Ok(Met { overridden, left_out })
    }
}

impl Met {
    pub(super) fn text(&self) -> String {
        let listed = |heading: &str, paths: &[Vec<String>]| {
            let lines: String = paths.iter().map(|path| format!("  [ {} ]\n", path.join(" "))).collect();
            if lines.is_empty() { lines } else { format!("{heading}\n{lines}") }
        };
        let overridden: Vec<_> = self.overridden.iter().filter(|path| !self.left_out.contains(path)).cloned().collect();
        let first = "Both of you changed these; 'compare' shows yours, and 'commit' makes yours active:";
        listed(first, &overridden)
            + &listed("These changes of yours cannot be made any more and are gone:", &self.left_out)
    }
}

/// Who committed a revision, as far as that is remembered.
fn author(revision: Revision, daemon: &mut dyn Daemon) -> String {
    let Ok(Reply::View(View::Revisions(view))) = daemon.call(Request::Revisions) else { return "Somebody".to_owned() };
    let line: Option<&RevisionLine> = view.revisions.iter().find(|line| line.revision == revision);
    line.map_or_else(|| "Somebody".to_owned(), |line| line.user.clone())
}
