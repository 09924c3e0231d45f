//! What is wanted for each key, and what is believed to be there.
//!
//! The events of the kernel change the belief here; `flush` turns the difference into changes. Never emits a
//! change for a key whose wish the kernel refused until the wish changes or `retry` is called.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::ledger::{Ledger, LegSet};
use super::{FibChange, FibCounters, FibState, FibTarget, KernelFib, Refused, RouteKey, Wanted};
use crate::world::Leg;

/// What a key should lead to, legs shared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Wish {
    /// It should not be there.
    #[default]
    Nothing,
    Blackhole,
    Unreachable,
    Legs(LegSet),
}

/// One key.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) wish: Wish,
    pub(super) actual: Option<FibTarget>,
    /// Waits in `Fib::dirty`.
    pub(super) dirty: bool,
    /// From before the start, and not yet as wanted.
    pub(super) adopted: bool,
    /// The kernel may have a route all the same: it refused to replace or to delete one.
    pub(super) uncertain: bool,
}

/// The kernel's words.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    errno: i32,
    reason: String,
}

/// Wanted and actual forwarding state of both families.
#[derive(Debug, Default)]
pub struct Fib {
    pub(super) entries: BTreeMap<RouteKey, Entry>,
    pub(super) ledger: Ledger,
    pub(super) dirty: Vec<RouteKey>,
    /// Groups that changed without their users having asked: `flush` looks at all their users.
    pub(super) shaken: BTreeSet<u32>,
    pub(super) recovering: bool,
    pub(super) refused: BTreeMap<RouteKey, Refusal>,
    /// Groups and next hops that the kernel refused, for the reason that their users show.
    refused_objects: HashMap<u32, Refusal>,
    /// Groups that stand as they were because the kernel refused their change; shaken again by `retry`.
    broken: BTreeSet<u32>,
    /// Objects that the kernel refused to delete.
    pub(super) strays: BTreeSet<u32>,
    pub(super) sets: HashSet<LegSet>,
    pub(super) wanted: usize,
    pub(super) present: usize,
    pub(super) adopted: usize,
}

impl Fib {
    /// Nothing is wanted and nothing is there.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// At the start: takes over what the kernel still has of ours. Until `end_recovery` nothing of it is removed,
    /// and no route loses a leg unless all its adopted legs are wanted. Identifiers are used on.
    pub fn adopt(&mut self, kernel: &KernelFib) {
        self.recovering = true;
        self.load(kernel);
    }

    /// Whether what was adopted is still kept.
    #[must_use]
    pub fn recovering(&self) -> bool {
        self.recovering
    }

    /// The sources of routes have said all they have: what was adopted and is not wanted goes.
    pub fn end_recovery(&mut self) -> Vec<FibChange> {
        self.recovering = false;
        for (key, entry) in &mut self.entries {
            if std::mem::take(&mut entry.adopted) && !std::mem::replace(&mut entry.dirty, true) {
                self.dirty.push(*key);
            }
        }
        self.adopted = 0;
        self.flush()
    }

    /// Says what a key should lead to; `flush` makes it so.
    pub fn want(&mut self, key: impl Into<RouteKey>, wanted: Option<Wanted>) {
        let key = key.into();
        let wish = match wanted {
            None => Wish::Nothing,
            Some(Wanted::Blackhole) => Wish::Blackhole,
            Some(Wanted::Unreachable) => Wish::Unreachable,
            Some(Wanted::Legs(legs)) => self.intern(legs),
        };
        if wish == Wish::Nothing && !self.entries.contains_key(&key) {
            return;
        }
        let entry = self.entries.entry(key).or_default();
        if entry.wish == wish {
            return;
        }
        let (before, now) = (entry.wish != Wish::Nothing, wish != Wish::Nothing);
        entry.wish = wish;
        self.wanted = self.wanted.saturating_add(usize::from(now)).saturating_sub(usize::from(before));
        self.refused.remove(&key);
        self.mark_dirty(key);
    }

    /// Takes a leg out of every group that has another one, at once and before any route is looked at: one change
    /// per group. What is wanted stays as it is; the next `flush` follows it, so tell `want` before.
    pub fn leg_lost(&mut self, leg: &Leg) -> Vec<FibChange> {
        let mut next_hops = Vec::new();
        let mut changes = Vec::new();
        for (id, legs) in self.ledger.groups_sharing(leg) {
            let left: LegSet = legs.iter().filter(|other| *other != leg).copied().collect();
            self.ledger.replace(id, &left, &mut next_hops, &mut changes);
            self.shaken.insert(id);
        }
        changes
    }

    /// The kernel refused a change. It is not tried again before `retry`, or before something else is wanted.
    pub fn refused(&mut self, refused: &Refused) {
        let refusal = Refusal { errno: refused.errno, reason: refused.reason.clone() };
        match &refused.change {
            FibChange::NextHop { id, .. } => {
                self.refused_objects.insert(*id, refusal);
                self.broken.extend(self.ledger.forget_next_hop(*id));
            }
            FibChange::Group { id, members } => {
                let root = members.iter().find_map(|(member, _)| self.refused_objects.get(member).cloned());
                self.refused_objects.insert(*id, root.unwrap_or(refusal));
                self.ledger.undo_group(*id);
                self.broken.insert(*id);
            }
            FibChange::Route { key, target } => self.route_refused(*key, *target, refusal),
            FibChange::RouteGone(key) => {
                let entry = self.entries.entry(*key).or_default();
                if entry.wish == Wish::Nothing && entry.actual.is_none() {
                    entry.uncertain = true;
                    self.refused.insert(*key, refusal);
                }
            }
            FibChange::NextHopGone(id) => _ = self.strays.insert(*id),
        }
    }

    /// Tries again what the kernel refused.
    pub fn retry(&mut self) -> Vec<FibChange> {
        self.refused_objects.clear();
        self.shaken.append(&mut self.broken);
        for key in std::mem::take(&mut self.refused).into_keys() {
            self.mark_dirty(key);
        }
        let strays = std::mem::take(&mut self.strays);
        let mut changes = self.flush();
        changes.extend(strays.into_iter().map(FibChange::NextHopGone));
        changes
    }

    /// Whether anything waits for `retry`.
    #[must_use]
    pub fn needs_retry(&self) -> bool {
        !(self.refused.is_empty() && self.broken.is_empty() && self.strays.is_empty())
    }

    /// A route of ours was deleted or replaced by somebody; `flush` puts it back if it is wanted.
    pub fn route_lost(&mut self, key: impl Into<RouteKey>) {
        let key = key.into();
        if let Some(entry) = self.entries.get_mut(&key) {
            self.adopted = self.adopted.saturating_sub(usize::from(std::mem::take(&mut entry.adopted)));
            self.set_actual(key, None);
            self.mark_dirty(key);
        }
    }

    /// A next hop or a group of ours is gone, with its place in groups and with the routes that led to nothing
    /// else; `flush` drives everything again that needs it.
    pub fn next_hop_lost(&mut self, id: u32) {
        if self.ledger.forget_group(id) {
            self.shaken.insert(id);
        }
        self.shaken.extend(self.ledger.forget_next_hop(id));
        self.strays.remove(&id);
    }

    /// Compares with what the kernel has by a fresh dump, and repairs. To be called when no change is on its way.
    pub fn audit(&mut self, actual: &KernelFib) -> Vec<FibChange> {
        self.load(actual);
        self.flush()
    }

    /// How a key stands.
    #[must_use]
    pub fn state(&self, key: impl Into<RouteKey>) -> FibState {
        let key = key.into();
        let refusal = |refusal: &Refusal| FibState::Refused { errno: refusal.errno, reason: refusal.reason.clone() };
        if let Some(found) = self.refused.get(&key) {
            return refusal(found);
        }
        let Some(entry) = self.entries.get(&key) else { return FibState::Absent };
        match entry.actual {
            Some(target) if self.satisfied(entry) => FibState::Installed { target },
            Some(target) if entry.adopted => FibState::Adopted { target },
            Some(FibTarget::Group(id)) => self.refused_objects.get(&id).map_or(FibState::Pending, refusal),
            _ => FibState::Pending,
        }
    }

    /// What a key should lead to.
    #[must_use]
    pub fn wanted(&self, key: impl Into<RouteKey>) -> Option<Wanted> {
        let key = key.into();
        match &self.entries.get(&key)?.wish {
            Wish::Nothing => None,
            Wish::Blackhole => Some(Wanted::Blackhole),
            Wish::Unreachable => Some(Wanted::Unreachable),
            Wish::Legs(legs) => Some(Wanted::Legs(legs.to_vec())),
        }
    }

    /// The legs that a target leads to, none for a blackhole or a group that is gone.
    #[must_use]
    pub fn legs_of(&self, target: FibTarget) -> &[Leg] {
        match target {
            FibTarget::Group(id) => self.ledger.legs(id).map_or(&[], |legs| legs),
            FibTarget::Blackhole | FibTarget::Unreachable => &[],
        }
    }

    /// All keys that are wanted, there, or refused, in display order.
    pub fn iter(&self) -> impl Iterator<Item = (RouteKey, FibState)> {
        self.entries.keys().map(|key| (*key, self.state(*key)))
    }

    /// Numbers for `show`.
    #[must_use]
    pub fn counters(&self) -> FibCounters {
        FibCounters {
            wanted: self.wanted,
            present: self.present,
            pending: self.dirty.len(),
            adopted: self.adopted,
            refused: self.refused.len(),
            groups: self.ledger.group_count(),
            next_hops: self.ledger.next_hop_count(),
        }
    }

    /// Whether the kernel has for an entry what is wanted.
    pub(super) fn satisfied(&self, entry: &Entry) -> bool {
        match (&entry.wish, entry.actual) {
            (Wish::Nothing, None) => !entry.uncertain,
            (Wish::Blackhole, Some(FibTarget::Blackhole)) | (Wish::Unreachable, Some(FibTarget::Unreachable)) => true,
            (Wish::Legs(legs), Some(FibTarget::Group(id))) => self.ledger.legs(id) == Some(legs),
            _ => false,
        }
    }

    /// Whether an adopted entry stays as it is: what is wanted would take a leg away that the kernel still has.
    pub(super) fn held(&self, entry: &Entry) -> bool {
        let has = match entry.actual {
            Some(FibTarget::Group(id)) => self.ledger.legs(id),
            Some(FibTarget::Blackhole | FibTarget::Unreachable) | None => None,
        };
        let shrinks = match (&entry.wish, has) {
            (Wish::Nothing, _) => entry.actual.is_some(),
            (_, None) => false,
            (Wish::Blackhole | Wish::Unreachable, Some(_)) => true,
            (Wish::Legs(wanted), Some(has)) => has.iter().any(|leg| !wanted.contains(leg)),
        };
        self.recovering && entry.adopted && shrinks
    }

    pub(super) fn mark_dirty(&mut self, key: RouteKey) {
        if let Some(entry) = self.entries.get_mut(&key)
            && !std::mem::replace(&mut entry.dirty, true)
        {
            self.dirty.push(key);
        }
    }

    /// Believes that a key leads to `target` now.
    pub(super) fn set_actual(&mut self, key: RouteKey, target: Option<FibTarget>) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let before = std::mem::replace(&mut entry.actual, target);
        entry.uncertain = false;
        self.present =
            self.present.saturating_add(usize::from(target.is_some())).saturating_sub(usize::from(before.is_some()));
        if let Some(FibTarget::Group(id)) = target {
            self.ledger.add_user(id);
        }
        if let Some(FibTarget::Group(id)) = before {
            self.ledger.drop_user(id);
        }
    }

    fn route_refused(&mut self, key: RouteKey, target: FibTarget, refusal: Refusal) {
        if self.entries.get(&key).is_none_or(|entry| entry.actual != Some(target)) {
            return;
        }
        self.set_actual(key, None);
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.uncertain = true;
        }
        let root = match target {
            FibTarget::Group(id) => self.refused_objects.get(&id).cloned(),
            FibTarget::Blackhole | FibTarget::Unreachable => None,
        };
        self.refused.insert(key, root.unwrap_or(refusal));
    }

    fn intern(&mut self, mut legs: Vec<Leg>) -> Wish {
        legs.sort_unstable();
        legs.dedup();
        if legs.is_empty() {
            return Wish::Nothing;
        }
        if let Some(known) = self.sets.get(legs.as_slice()) {
            return Wish::Legs(LegSet::clone(known));
        }
        let set = LegSet::from(legs);
        self.sets.insert(LegSet::clone(&set));
        Wish::Legs(set)
    }

    /// Believes a dump in place of everything; what differs from the wish waits for `flush`, but for what the
    /// kernel refused already.
    fn load(&mut self, kernel: &KernelFib) {
        self.ledger.load(kernel);
        self.shaken.clear();
        self.broken.clear();
        self.strays.clear();
        for key in kernel.routes.keys() {
            self.entries.entry(*key).or_insert_with(|| Entry { adopted: true, ..Entry::default() });
        }
        let keys: Vec<RouteKey> = self.entries.keys().copied().collect();
        for key in keys {
            let target = kernel.routes.get(&key).copied();
            self.believe(key, target);
        }
        self.adopted = self.entries.values().filter(|entry| entry.adopted).count();
        self.present = kernel.routes.len();
    }

    fn believe(&mut self, key: RouteKey, target: Option<FibTarget>) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.actual = None;
            entry.adopted = self.recovering && entry.adopted && target.is_some();
        }
        self.set_actual(key, target);
        let Some(entry) = self.entries.get(&key) else { return };
        if self.satisfied(entry) {
            self.refused.remove(&key);
            let nothing = entry.actual.is_none();
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.adopted = false;
            }
            if nothing {
                self.mark_dirty(key);
            }
        } else if !self.refused.contains_key(&key) && !self.held(entry) {
            self.mark_dirty(key);
        }
    }
}
