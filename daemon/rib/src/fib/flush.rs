//! From the difference between wish and belief to an ordered list of changes.
//!
//! When every route of a group moves to the same legs, the group is changed in place: one change, however many
//! routes. Everything else moves route by route to a group that is there already or to a new one. Never removes
//! an object before its last user has moved.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::LegSet;
use super::table::{Entry, Fib, Wish};
use super::{FibChange, FibTarget, RouteKey};

/// Up to so many routes join a group that leads to the same legs, rather than keep a twin of it of their own.
const JOIN_AT_MOST: usize = 8;

/// A route that has to lead to other legs.
struct Mover {
    key: RouteKey,
    from: Option<u32>,
    to: LegSet,
}

/// What has to become of a key.
enum Turn {
    Stay,
    Remove,
    Nowhere(FibTarget),
    Move(LegSet, Option<u32>),
}

/// Changes by the order in which the kernel wants them.
#[derive(Default)]
struct Batch {
    next_hops: Vec<FibChange>,
    new_groups: Vec<FibChange>,
    /// Routes that leave groups altogether.
    leavers: Vec<FibChange>,
    replaced_groups: Vec<FibChange>,
    routes: Vec<FibChange>,
    gone: Vec<FibChange>,
}

impl Batch {
    fn ordered(self) -> Vec<FibChange> {
        let mut changes = self.next_hops;
        changes.extend(self.new_groups);
        changes.extend(self.leavers);
        changes.extend(self.replaced_groups);
        changes.extend(self.routes);
        changes.extend(self.gone);
        changes
    }
}

impl Fib {
    /// The changes that make the kernel what is wanted, in order; empty when it is. Groups that `leg_lost` or
    /// `next_hop_lost` touched are made what their routes want, so tell `want` first.
    pub fn flush(&mut self) -> Vec<FibChange> {
        if !self.shaken.is_empty() {
            let shaken = std::mem::take(&mut self.shaken);
            self.look_at_users(&shaken);
        }
        self.flush_wanted()
    }

    /// As `flush`, but only for keys that were wanted anew: for large changes in portions, while groups that
    /// `leg_lost` touched must not get the leg back from routes whose turn has not come.
    pub fn flush_wanted(&mut self) -> Vec<FibChange> {
        let mut batch = Batch::default();
        let mut movers = Vec::new();
        for key in std::mem::take(&mut self.dirty) {
            match self.turn(key) {
                Turn::Stay => self.stay(key),
                Turn::Remove => {
                    self.set_actual(key, None);
                    self.entries.remove(&key);
                    batch.leavers.push(FibChange::RouteGone(key));
                }
                Turn::Nowhere(target) => self.lead(key, target, &mut batch.leavers),
                Turn::Move(to, from) => movers.push(Mover { key, from, to }),
            }
        }
        let in_place = self.replace_in_place(&movers, &mut batch);
        for mover in &movers {
            if mover.from.is_some_and(|from| in_place.contains(&from)) {
                self.stay(mover.key);
                continue;
            }
            let known = self.ledger.groups_with(&mover.to).next();
            let id =
                known.unwrap_or_else(|| self.ledger.create(&mover.to, &mut batch.next_hops, &mut batch.new_groups));
            self.lead(mover.key, FibTarget::Group(id), &mut batch.routes);
        }
        if !self.recovering {
            self.ledger.sweep(&mut batch.gone);
            self.forget_unused_sets();
        }
        batch.ordered()
    }

    fn turn(&self, key: RouteKey) -> Turn {
        let Some(entry) = self.entries.get(&key) else { return Turn::Stay };
        if self.satisfied(entry) || self.held(entry) {
            return Turn::Stay;
        }
        match &entry.wish {
            Wish::Nothing => Turn::Remove,
            Wish::Blackhole => Turn::Nowhere(FibTarget::Blackhole),
            Wish::Unreachable => Turn::Nowhere(FibTarget::Unreachable),
            Wish::Legs(legs) => {
                let from = match entry.actual {
                    Some(FibTarget::Group(id)) if self.ledger.has_group(id) => Some(id),
                    _ => None,
                };
                Turn::Move(LegSet::clone(legs), from)
            }
        }
    }

    /// Nothing has to be done for the key, or the change of its group does it.
    fn stay(&mut self, key: RouteKey) {
        let Some(entry) = self.entries.get(&key) else { return };
        let (satisfied, empty) = (self.satisfied(entry), is_empty(entry));
        if empty {
            self.entries.remove(&key);
        } else if let Some(entry) = self.entries.get_mut(&key) {
            entry.dirty = false;
            if satisfied && std::mem::take(&mut entry.adopted) {
                self.adopted = self.adopted.saturating_sub(1);
            }
        }
    }

    fn lead(&mut self, key: RouteKey, target: FibTarget, out: &mut Vec<FibChange>) {
        self.set_actual(key, Some(target));
        self.stay(key);
        out.push(FibChange::Route { key, target });
    }

    /// Changes groups whose routes all move to the same legs; answers those groups.
    fn replace_in_place(&mut self, movers: &[Mover], batch: &mut Batch) -> BTreeSet<u32> {
        let mut candidates = self.uniform_groups(movers);
        let mut in_place = BTreeSet::new();
        while let Some((id, (to, count))) = candidates.pop_first() {
            let joins = |other: u32| !candidates.contains_key(&other);
            if count <= JOIN_AT_MOST && self.ledger.groups_with(&to).any(joins) {
                continue;
            }
            self.ledger.replace(id, &to, &mut batch.next_hops, &mut batch.replaced_groups);
            in_place.insert(id);
        }
        in_place
    }

    /// Groups of which every user moves, and all to the same legs; with those legs and the number of users.
    fn uniform_groups(&self, movers: &[Mover]) -> BTreeMap<u32, (LegSet, usize)> {
        let mut leaving: BTreeMap<u32, (&LegSet, usize, bool)> = BTreeMap::new();
        for mover in movers {
            let Some(from) = mover.from else { continue };
            let (to, count, uniform) = leaving.entry(from).or_insert((&mover.to, 0, true));
            *count = count.saturating_add(1);
            *uniform &= **to == mover.to;
        }
        let whole =
            leaving.into_iter().filter(|(id, (_, count, uniform))| *uniform && self.ledger.users(*id) == *count);
        whole.map(|(id, (to, count, _))| (id, (LegSet::clone(to), count))).collect()
    }

    /// Routes of groups that changed under them, or are gone, come to their turn.
    fn look_at_users(&mut self, groups: &BTreeSet<u32>) {
        let led_there = |entry: &Entry| matches!(entry.actual, Some(FibTarget::Group(id)) if groups.contains(&id));
        let users: Vec<RouteKey> =
            self.entries.iter().filter(|(_, entry)| led_there(entry)).map(|(key, _)| *key).collect();
        for key in users {
            let gone = self
                .entries
                .get(&key)
                .is_some_and(|entry| matches!(entry.actual, Some(FibTarget::Group(id)) if !self.ledger.has_group(id)));
            if gone {
                self.set_actual(key, None);
                if let Some(entry) = self.entries.get_mut(&key) {
                    self.adopted = self.adopted.saturating_sub(usize::from(std::mem::take(&mut entry.adopted)));
                }
            }
            if self.entries.get(&key).is_some_and(|entry| !self.satisfied(entry) || is_empty(entry)) {
                self.mark_dirty(key);
            }
        }
    }

    /// Leg sets that nobody wants any longer, once there are many.
    fn forget_unused_sets(&mut self) {
        if self.sets.len() > self.ledger.group_count().saturating_mul(2).saturating_add(64) {
            self.sets.retain(|set| LegSet::strong_count(set) > 1);
        }
    }
}

/// Neither wanted nor there, for all that is known.
fn is_empty(entry: &Entry) -> bool {
    entry.wish == Wish::Nothing && entry.actual.is_none() && !entry.uncertain
}
