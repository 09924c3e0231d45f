//! A session whose terminal went away: its changes wait for the next `configure`.
//!
//! Only what is kept and how it is taken up again; where it is kept is the machine's. Never commits anything.

use api::text::date_time;
use config::Tree;
use config::print;
use nouns::Revision;
use serde_json::{Value, json};

use super::{Session, Working};
use crate::world::World;

/// Changes that were not committed, on what they were made, and where the person was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unfinished {
    base: Tree,
    revision: Revision,
    tree: Tree,
    level: Vec<String>,
    user: String,
}

impl Unfinished {
    /// As a text for a file; `time` are seconds since the Unix epoch.
    #[must_use]
    pub(crate) fn to_text(&self, time: u64) -> String {
        let value = json!({
            "time": time,
            "user": self.user,
            "revision": self.revision.0,
            "level": self.level,
            "base": print::file(&self.base),
            "working": print::file(&self.tree),
        });
        format!("{value}\n")
    }

    /// From the text of a file, with its time; none if it is no such text.
    #[must_use]
    pub(crate) fn from_text(text: &str) -> Option<(u64, Self)> {
        let value: Value = serde_json::from_str(text).ok()?;
        let tree = |key: &str| Some(Tree::parse(value.get(key)?.as_str()?).tree);
        let words = value.get("level")?.as_array()?.iter().map(|word| word.as_str().map(str::to_owned));
        let unfinished = Self {
            base: tree("base")?,
            revision: Revision(value.get("revision")?.as_u64()?),
            tree: tree("working")?,
            level: words.collect::<Option<_>>()?,
            user: value.get("user")?.as_str()?.to_owned(),
        };
        Some((value.get("time")?.as_u64()?, unfinished))
    }
}

impl Unfinished {
    /// Whose changes they are.
    #[must_use]
    pub(crate) fn user(&self) -> &str {
        &self.user
    }
}

impl Session {
    /// What would be lost if the terminal went away now.
    #[must_use]
    pub(crate) fn unfinished(&self) -> Option<Unfinished> {
        let working = self.working.as_ref().filter(|working| working.is_modified())?;
        Some(Unfinished {
            base: working.active.clone(),
            revision: working.revision,
            tree: working.tree.clone(),
            level: working.level.clone(),
            user: self.user.clone(),
        })
    }

    /// Takes up the changes of a session that was lost, on top of what is active now; answers what the person
    /// should read.
    pub(super) fn take_up(&mut self, world: &mut dyn World) -> Option<String> {
        let (time, lost) = world.take_lost(&self.user)?;
        let Unfinished { base, revision, tree, level, .. } = lost;
        let mut working = Working { active: base, revision, tree, level };
        let met = working.follow(world).ok()?;
        working.leave_what_is_gone();
        let modified = working.is_modified();
        self.working = Some(working);
        self.taken_up = true;
        let head = format!("Uncommitted changes of a lost session ({} UTC)", date_time(time, 0));
        Some(if modified {
            format!("{head} are loaded: 'compare', then 'commit' or 'discard' them.\n{}", met.text())
        } else {
            format!("{head} are active already.\n")
        })
    }
}
