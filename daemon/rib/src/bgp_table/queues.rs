//! The prefixes that wait for a decision, in two queues.
//!
//! Where a path was only added beside the best one, packets go as they did and more paths often follow at once: such a
//! prefix is contested, and its decision may wait until they are there. All other changes are pressing, as long as there is
//! not a flood of them: then those that leave the best path alone are contested. Each prefix stands in each queue once at
//! most. Never decides, and never says how long contested prefixes wait.

use std::collections::VecDeque;

use super::{BgpTable, Entry};
use crate::prefix_table::Spot;

/// Where so many prefixes need a decision soon, others whose best path is untouched may wait.
const FLOOD: usize = 256;
/// What an emptied queue keeps room for.
const ROOM: usize = 1024;

/// Whether a prefix waits for a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Waits {
    /// It is decided.
    #[default]
    No,
    /// Its best path is what it was, and may get company or be outdone.
    Contested,
    /// Its best path is new, gone or changed, or nothing is known of that.
    Pressing,
    /// Its paths are not here: somebody judges them.
    Lent,
}

/// What became of the paths of a prefix since its last decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Since(u8);

impl Since {
    /// Nothing.
    pub(super) const NOTHING: Self = Self(0);
    /// Anything, so that all of them have to be looked at.
    const ANYTHING: Self = Self(u8::MAX);

    /// One more was added behind the others.
    fn one_more(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// How many were added behind the others, where nothing else happened.
    pub(super) fn added(self) -> Option<usize> {
        (self != Self::ANYTHING).then_some(usize::from(self.0))
    }
}

/// The queues, those first that wait longest.
#[derive(Debug, Default)]
pub(super) struct Queues {
    pressing: VecDeque<Spot>,
    contested: VecDeque<Spot>,
}

impl Queues {
    /// The prefix needs a decision soon.
    pub(super) fn presses(&mut self, spot: Spot, entry: &mut Entry) {
        entry.since = Since::ANYTHING;
        if std::mem::replace(&mut entry.waits, Waits::Pressing) < Waits::Pressing {
            self.pressing.push_back(spot);
        }
    }

    /// The prefix has one more path, behind the others, and its best one is what it was: its decision may wait.
    pub(super) fn adds(&mut self, spot: Spot, entry: &mut Entry) {
        entry.since = entry.since.one_more();
        self.contests(spot, entry);
    }

    /// The prefix needs a decision that may wait.
    fn contests(&mut self, spot: Spot, entry: &mut Entry) {
        entry.waits = entry.waits.max(Waits::Contested);
        if entry.waits == Waits::Contested && !std::mem::replace(&mut entry.contested, true) {
            self.contested.push_back(spot);
        }
    }

    /// A path of the prefix went or became another.
    pub(super) fn changes(&mut self, spot: Spot, entry: &mut Entry) {
        if entry.keeps_its_best() && self.pressing.len() >= FLOOD {
            entry.since = Since::ANYTHING;
            self.contests(spot, entry);
        } else {
            self.presses(spot, entry);
        }
    }
}

impl BgpTable {
    /// How many prefixes wait for a decision that should not wait.
    #[must_use]
    pub fn pressing_len(&self) -> usize {
        self.queues.pressing.len()
    }

    /// How many prefixes at most wait for a decision that may wait: some of these may be decided since.
    #[must_use]
    pub fn contested_len(&self) -> usize {
        self.queues.contested.len()
    }

    /// Whether any prefix waits for a decision.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        !(self.queues.pressing.is_empty() && self.queues.contested.is_empty())
    }

    /// At most `limit` prefixes whose decision should not wait, those that wait longest first. Each has to be `decided`.
    pub fn take_pressing(&mut self, limit: usize) -> Vec<Spot> {
        let pressing = &mut self.queues.pressing;
        let count = limit.min(pressing.len());
        let taken: Vec<Spot> = pressing.drain(..count).collect();
        if pressing.is_empty() {
            pressing.shrink_to(ROOM);
        }
        taken
    }

    /// At most `limit` prefixes whose decision may wait, those that wait longest first, and no more once they have so many
    /// paths together: where many were told of a prefix, more are about to be. Each has to be `decided`. Answers how many
    /// paths they have, too.
    pub fn take_contested(&mut self, limit: usize, paths: usize) -> (Vec<Spot>, usize) {
        let (mut taken, mut met) = (Vec::new(), 0_usize);
        while taken.len() < limit
            && met < paths
            && let Some(spot) = self.queues.contested.pop_front()
        {
            let Some(entry) = self.entries.get_mut(spot) else { continue };
            entry.contested = false;
            match entry.waits {
                Waits::Contested => {
                    met = met.saturating_add(entry.paths.len());
                    taken.push(spot);
                }
                Waits::No if entry.paths.is_empty() => _ = self.entries.remove(spot),
                Waits::No | Waits::Pressing | Waits::Lent => {}
            }
        }
        if self.queues.contested.is_empty() {
            self.queues.contested.shrink_to(ROOM);
        }
        (taken, met)
    }
}
