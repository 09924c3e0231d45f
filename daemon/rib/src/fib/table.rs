//! What is wanted for each key, and what is believed to be there.
//!
//! The events of the kernel change the belief here; `flush` turns the difference into changes. Never emits a
//! change for a key whose wish the kernel refused until the wish changes or `retry` is called.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::entries::{Entries, Place};
use super::ledger::Ledger;
use super::wishes::{Wish, WishId};
use super::{FibChange, FibCounters, FibState, FibTarget, KernelFib, Refused, RouteKey, Wanted};
use crate::prefix_table::Prefixes;
use crate::world::Leg;

/// One key.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    pub(super) wish: WishId,
    pub(super) actual: Option<FibTarget>,
    /// Waits in `Fib::dirty`.
    pub(super) dirty: bool,
    /// Waits in `Fib::gainers`.
    pub(super) gains: bool,
    /// From before the start, and not yet as wanted.
    pub(super) adopted: bool,
    /// The kernel may have a route all the same: it refused to replace or to delete one.
    pub(super) uncertain: bool,
}

impl Entry {
    /// Neither wanted nor there, for all that is known.
    pub(super) fn is_empty(&self) -> bool {
        self.wish == WishId::NOTHING && self.actual.is_none() && !self.uncertain
    }
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
    pub(super) entries: Entries,
    pub(super) ledger: Ledger,
    pub(super) dirty: VecDeque<Place>,
    /// What keeps all legs that it has, and gets more once `release_gainers` is called.
    pub(super) gainers: Vec<Place>,
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
    /// Those of them whose deletion the next `flush` tries again.
    pub(super) strays_due: BTreeSet<u32>,
    pub(super) wanted: usize,
    pub(super) present: usize,
    pub(super) adopted: usize,
}

impl Fib {
    /// Nothing is wanted and nothing is there; the main table shares its prefixes with other tables.
    #[must_use]
    pub fn new(prefixes: &Prefixes) -> Self {
        Self { entries: Entries::new(prefixes), ..Self::default() }
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

    /// The sources of routes have said all they have: what was adopted and is not wanted goes with the next
    /// `flush`. Answers how many routes that are.
    pub fn end_recovery(&mut self) -> usize {
        self.recovering = false;
        let Self { entries, dirty, .. } = self;
        entries.visit(|place, entry| {
            if std::mem::take(&mut entry.adopted) && !std::mem::replace(&mut entry.dirty, true) {
                dirty.push_back(place);
            }
        });
        std::mem::take(&mut self.adopted)
    }

    /// What is wanted, in short, for `want_as`.
    pub fn wish(&mut self, wanted: Option<Wanted>) -> Wish {
        self.ledger.wishes.wish(wanted)
    }

    /// Whether a wish still means what it meant when `wish` made it.
    #[must_use]
    pub fn is_current(&self, wish: Wish) -> bool {
        self.ledger.wishes.is_current(wish)
    }

    /// Says what a key should lead to; `flush` makes it so.
    pub fn want(&mut self, key: impl Into<RouteKey>, wanted: Option<Wanted>) {
        let (key, wish): (RouteKey, Wish) = (key.into(), self.wish(wanted));
        self.want_as(key, wish);
    }

    /// As `want`, with a wish that is current; one that is not changes nothing.
    pub fn want_as(&mut self, place: impl Into<Place>, wish: Wish) {
        let place = place.into();
        let current = self.is_current(wish);
        let nothing = wish.id == WishId::NOTHING;
        if !current || (nothing && !self.entries.contains(place)) {
            return;
        }
        let (place, entry) = self.entries.find_or_add(place);
        let before = entry.wish;
        if before == wish.id {
            return;
        }
        entry.wish = wish.id;
        if !std::mem::replace(&mut entry.dirty, true) {
            self.dirty.push_back(place);
        }
        if let Some(FibTarget::Group(id)) = entry.actual {
            self.ledger.add_user(id, wish.id);
            self.ledger.drop_user(id, before);
        }
        self.ledger.wishes.hold(wish.id);
        self.ledger.wishes.release(before);
        let there = usize::from(before != WishId::NOTHING);
        self.wanted = self.wanted.saturating_add(usize::from(!nothing)).saturating_sub(there);
        if !self.refused.is_empty() {
            self.refused.remove(&place.key());
        }
    }

    /// Takes a leg out of every group that has another one, at once and before any route is looked at. What is wanted
    /// stays as it is; the next `flush` follows it, so tell `want` before.
    ///
    /// Its next hop is deleted: the kernel takes it out of all groups together and waits once for those who still read
    /// them, instead of once for each group. Groups that have nothing else, which would go with their routes, get a new
    /// next hop before; where they are as many as the others, each of the others is changed instead. So it is where the
    /// kernel may not have the groups `as_believed`: one that is still to be changed may have nothing else there.
    pub fn leg_lost(&mut self, leg: &Leg, as_believed: bool) -> Vec<FibChange> {
        let (sharing, alone) = self.ledger.groups_with_leg(leg);
        let (mut changes, mut groups) = (Vec::new(), Vec::new());
        let dear = !alone.is_empty() && alone.len().saturating_add(2) >= sharing.len();
        let next_hop = if dear || !as_believed { None } else { self.ledger.next_hop_of(leg, &sharing, &alone) };
        if let Some(id) = next_hop {
            self.ledger.renew_next_hop(leg, &alone, &mut changes, &mut groups);
            self.shaken.extend(self.ledger.forget_next_hop(id));
            groups.push(FibChange::NextHopGone(id));
        } else {
            for id in sharing {
                let left = self.ledger.ways_without(id, leg);
                let left = self.ledger.wishes.intern_ways(left);
                self.ledger.replace(id, left, &mut changes, &mut groups);
                self.shaken.insert(id);
            }
        }
        changes.append(&mut groups);
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
                let entry = self.entries.entry(*key);
                if entry.wish == WishId::NOTHING && entry.actual.is_none() {
                    entry.uncertain = true;
                    self.refused.insert(*key, refusal);
                }
            }
            FibChange::NextHopGone(id) => _ = self.strays.insert(*id),
        }
    }

    /// What the kernel refused is tried again by the next `flush`.
    pub fn retry(&mut self) {
        self.refused_objects.clear();
        self.shaken.append(&mut self.broken);
        for key in std::mem::take(&mut self.refused).into_keys() {
            self.mark_dirty(key);
        }
        self.strays_due.append(&mut self.strays);
    }

    /// Whether anything waits for `retry`.
    #[must_use]
    pub fn needs_retry(&self) -> bool {
        !(self.refused.is_empty() && self.broken.is_empty() && self.strays.is_empty())
    }

    /// A route of ours was deleted or replaced by somebody; `flush` puts it back if it is wanted. Answers whether it
    /// is.
    pub fn route_lost(&mut self, key: impl Into<RouteKey>) -> bool {
        let key = key.into();
        let Some(entry) = self.entries.get_mut(key) else { return false };
        self.adopted = self.adopted.saturating_sub(usize::from(std::mem::take(&mut entry.adopted)));
        let wanted = entry.wish != WishId::NOTHING;
        self.set_actual(key, None);
        self.mark_dirty(key);
        wanted
    }

    /// A next hop or a group of ours is gone, with its place in groups and with the routes that led to nothing
    /// else; `flush` drives everything again that needs it. Answers whether it was known.
    pub fn next_hop_lost(&mut self, id: u32) -> bool {
        let known = self.ledger.has_group(id) || self.ledger.has_next_hop(id);
        if self.ledger.forget_group(id) {
            self.shaken.insert(id);
        }
        self.shaken.extend(self.ledger.forget_next_hop(id));
        self.strays.remove(&id);
        self.strays_due.remove(&id);
        known
    }

    /// Compares with what the kernel has by a fresh dump; `flush` repairs. To be called when no change is on its
    /// way.
    pub fn audit(&mut self, actual: &KernelFib) {
        self.load(actual);
    }

    /// Whether something waits for `release_gainers`.
    #[must_use]
    pub fn has_gainers(&self) -> bool {
        !self.gainers.is_empty()
    }

    /// What only gets further legs comes to its turn.
    pub fn release_gainers(&mut self) {
        for place in std::mem::take(&mut self.gainers) {
            if let Some(entry) = self.entries.get_mut(place)
                && std::mem::take(&mut entry.gains)
                && !std::mem::replace(&mut entry.dirty, true)
            {
                self.dirty.push_back(place);
            }
        }
    }

    /// Whether something waits for `flush_wanted`.
    #[must_use]
    pub fn has_due(&self) -> bool {
        !(self.dirty.is_empty() && self.strays_due.is_empty())
    }

    /// How a key stands.
    #[must_use]
    pub fn state(&self, key: impl Into<RouteKey>) -> FibState {
        let key = key.into();
        let refusal = |refusal: &Refusal| FibState::Refused { errno: refusal.errno, reason: refusal.reason.clone() };
        if let Some(found) = self.refused.get(&key) {
            return refusal(found);
        }
        let Some(entry) = self.entries.get(key).filter(|entry| !entry.is_empty()) else { return FibState::Absent };
        match entry.actual {
            Some(target) if self.satisfied(entry) => FibState::Installed { target },
            Some(target) if entry.adopted => FibState::Adopted { target },
            Some(FibTarget::Group(id)) => self.refused_objects.get(&id).map_or(FibState::Pending, refusal),
            _ => FibState::Pending,
        }
    }

    /// Routes that should be gone but that the kernel refused to give up: `errno` and its words.
    pub fn refused_removals(&self) -> impl Iterator<Item = (RouteKey, i32, &str)> {
        let unwanted = |key: &RouteKey| self.entries.get(*key).is_none_or(|entry| entry.wish == WishId::NOTHING);
        let refused = self.refused.iter().filter(move |(key, _)| unwanted(key));
        refused.map(|(key, refusal)| (*key, refusal.errno, refusal.reason.as_str()))
    }

    /// What a key should lead to.
    #[must_use]
    pub fn wanted(&self, key: impl Into<RouteKey>) -> Option<Wanted> {
        let key = key.into();
        self.ledger.wishes.wanted(self.entries.get(key)?.wish)
    }

    /// The legs that a target leads to, none for a blackhole or a group that is gone.
    #[must_use]
    pub fn legs_of(&self, target: FibTarget) -> &[Leg] {
        match target {
            FibTarget::Group(id) => self.ledger.legs(id),
            FibTarget::Blackhole | FibTarget::Unreachable => &[],
        }
    }

    /// All keys that are wanted, there, or refused, in display order.
    pub fn iter(&self) -> impl Iterator<Item = (RouteKey, FibState)> {
        self.entries.iter().filter(|(_, entry)| !entry.is_empty()).map(|(key, _)| (key, self.state(key)))
    }

    /// Numbers for `show`.
    #[must_use]
    pub fn counters(&self) -> FibCounters {
        FibCounters {
            wanted: self.wanted,
            present: self.present,
            pending: self.dirty.len().saturating_add(self.gainers.len()),
            adopted: self.adopted,
            refused: self.refused.len(),
            groups: self.ledger.group_count(),
            next_hops: self.ledger.next_hop_count(),
        }
    }

    /// Whether the kernel has for an entry what is wanted.
    pub(super) fn satisfied(&self, entry: &Entry) -> bool {
        match (entry.wish, entry.actual) {
            (WishId::NOTHING, None) => !entry.uncertain,
            (WishId::BLACKHOLE, Some(FibTarget::Blackhole)) | (WishId::UNREACHABLE, Some(FibTarget::Unreachable)) => {
                true
            }
            (WishId::NOTHING | WishId::BLACKHOLE | WishId::UNREACHABLE, _) => false,
            (legs, Some(FibTarget::Group(id))) => self.ledger.leads_to(id) == legs,
            _ => false,
        }
    }

    /// Whether an adopted entry stays as it is: what is wanted would take a leg away that the kernel still has.
    pub(super) fn held(&self, entry: &Entry) -> bool {
        if !(self.recovering && entry.adopted) {
            return false;
        }
        match (entry.wish, entry.actual) {
            (WishId::NOTHING, actual) => actual.is_some(),
            (wish, Some(FibTarget::Group(id))) => self.shrinks(wish, self.ledger.leads_to(id)),
            (_, Some(FibTarget::Blackhole | FibTarget::Unreachable) | None) => false,
        }
    }

    /// Whether a wish takes a leg away from what is there.
    pub(super) fn shrinks(&self, wish: WishId, there: WishId) -> bool {
        let wanted = self.ledger.wishes.legs(wish);
        self.ledger.wishes.legs(there).iter().any(|leg| wanted.binary_search(leg).is_err())
    }

    pub(super) fn mark_dirty(&mut self, place: impl Into<Place>) {
        if let Some((place, entry)) = self.entries.find_mut(place)
            && !std::mem::replace(&mut entry.dirty, true)
        {
            self.dirty.push_back(place);
        }
    }

    /// Believes that a key leads to `target` now.
    pub(super) fn set_actual(&mut self, place: impl Into<Place>, target: Option<FibTarget>) {
        let Some(entry) = self.entries.get_mut(place) else { return };
        let before = std::mem::replace(&mut entry.actual, target);
        entry.uncertain = false;
        self.present =
            self.present.saturating_add(usize::from(target.is_some())).saturating_sub(usize::from(before.is_some()));
        if let Some(FibTarget::Group(id)) = target {
            self.ledger.add_user(id, entry.wish);
        }
        if let Some(FibTarget::Group(id)) = before {
            self.ledger.drop_user(id, entry.wish);
        }
    }

    fn route_refused(&mut self, key: RouteKey, target: FibTarget, refusal: Refusal) {
        if self.entries.get(key).is_none_or(|entry| entry.actual != Some(target)) {
            return;
        }
        self.set_actual(key, None);
        if let Some(entry) = self.entries.get_mut(key) {
            entry.uncertain = true;
        }
        let root = match target {
            FibTarget::Group(id) => self.refused_objects.get(&id).cloned(),
            FibTarget::Blackhole | FibTarget::Unreachable => None,
        };
        self.refused.insert(key, root.unwrap_or(refusal));
    }

    /// Believes a dump in place of everything; what differs from the wish waits for `flush`, but for what the
    /// kernel refused already.
    fn load(&mut self, kernel: &KernelFib) {
        self.ledger.load(kernel);
        self.shaken.clear();
        self.broken.clear();
        self.strays.clear();
        self.strays_due.clear();
        for (key, _) in kernel.routes.iter() {
            if !self.entries.contains(key) {
                self.entries.entry(key).adopted = true;
            }
        }
        self.adopted = 0;
        let mut entries = std::mem::take(&mut self.entries);
        entries.visit(|place, entry| self.believe(place, entry, kernel.routes.get(place.key()).copied()));
        self.entries = entries;
        self.present = kernel.routes.len();
    }

    /// Takes from a dump what the kernel has for one key.
    fn believe(&mut self, place: Place, entry: &mut Entry, target: Option<FibTarget>) {
        entry.actual = target;
        entry.uncertain = false;
        entry.adopted = self.recovering && entry.adopted && target.is_some();
        if let Some(FibTarget::Group(id)) = target {
            self.ledger.add_user(id, entry.wish);
        }
        let satisfied = self.satisfied(entry);
        entry.adopted &= !satisfied;
        self.adopted = self.adopted.saturating_add(usize::from(entry.adopted));
        let is_refused = !self.refused.is_empty() && self.refused.contains_key(&place.key());
        let due = if satisfied {
            if is_refused {
                self.refused.remove(&place.key());
            }
            target.is_none()
        } else {
            !is_refused && !self.held(entry)
        };
        if due && !entry.gains && !std::mem::replace(&mut entry.dirty, true) {
            self.dirty.push_back(place);
        }
    }
}
