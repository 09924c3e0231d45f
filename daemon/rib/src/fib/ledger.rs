//! The next hops and groups that the kernel is believed to have, and how many users each has.
//!
//! Emits the changes of objects in the order that the kernel asks for: members before groups, users gone
//! before what they used. Never knows a prefix.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::wishes::{LegSet, WishId, Wishes};
use super::{FibChange, GROUP_ID_BASE, KernelFib, NEXT_HOP_ID_BASE};
use crate::world::Leg;

#[derive(Debug)]
struct NextHop {
    leg: Leg,
    /// Groups that have it as a member.
    groups: usize,
}

#[derive(Debug)]
struct Group {
    /// Identifiers of next hops and their weights, in the order of their legs.
    members: Vec<(u32, u16)>,
    /// Where the group leads; nowhere when it is not one that we would make: strange members.
    leads: WishId,
    /// Routes that lead to it, by what they should lead to.
    users: BTreeMap<WishId, usize>,
    /// What it led to before the last change, in case the kernel refuses that.
    previous: Option<LegSet>,
}

impl Group {
    fn new(members: Vec<(u32, u16)>) -> Self {
        Self { members, leads: WishId::NOTHING, users: BTreeMap::new(), previous: None }
    }

    fn has(&self, member: u32) -> bool {
        self.members.iter().any(|(id, _)| *id == member)
    }
}

/// Objects by identifier and by what they mean.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    next_hops: BTreeMap<u32, NextHop>,
    by_leg: BTreeMap<Leg, u32>,
    groups: BTreeMap<u32, Group>,
    by_legs: HashMap<WishId, BTreeSet<u32>>,
    /// What is wanted and where groups lead.
    pub(super) wishes: Wishes,
    /// Objects that may have lost their last user since the last sweep.
    idle: BTreeSet<u32>,
    last_next_hop_id: u32,
    last_group_id: u32,
}

impl Ledger {
    /// Forgets what was believed and believes a dump; users of groups are told afterwards.
    pub(super) fn load(&mut self, kernel: &KernelFib) {
        for group in std::mem::take(&mut self.groups).into_values() {
            self.wishes.release(group.leads);
        }
        let (last_next_hop_id, last_group_id) = (self.last_next_hop_id, self.last_group_id);
        let wishes = std::mem::take(&mut self.wishes);
        let highest = |ids: &mut dyn Iterator<Item = u32>, last: u32| ids.max().map_or(last, |id| id.max(last));
        *self = Self {
            last_next_hop_id: highest(&mut kernel.next_hops.keys().copied(), last_next_hop_id),
            last_group_id: highest(&mut kernel.groups.keys().copied(), last_group_id),
            wishes,
            ..Self::default()
        };
        for (id, leg) in &kernel.next_hops {
            self.next_hops.insert(*id, NextHop { leg: *leg, groups: 0 });
            self.by_leg.entry(*leg).or_insert(*id);
            self.idle.insert(*id);
        }
        for (id, members) in &kernel.groups {
            let leads = self.leads(members);
            self.hold_members(members, true);
            self.groups.insert(*id, Group::new(members.clone()));
            self.set_leads(*id, leads);
            self.idle.insert(*id);
        }
    }

    pub(super) fn group_count(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn next_hop_count(&self) -> usize {
        self.next_hops.len()
    }

    pub(super) fn has_group(&self, id: u32) -> bool {
        self.groups.contains_key(&id)
    }

    pub(super) fn has_next_hop(&self, id: u32) -> bool {
        self.next_hops.contains_key(&id)
    }

    /// Where a group leads; nowhere if it is not there or not one of ours.
    pub(super) fn leads_to(&self, id: u32) -> WishId {
        self.groups.get(&id).map_or(WishId::NOTHING, |group| group.leads)
    }

    /// The legs of a group, if it is there and is one of ours.
    pub(super) fn legs(&self, id: u32) -> &[Leg] {
        self.wishes.legs(self.leads_to(id))
    }

    /// How many routes lead to a group.
    pub(super) fn users(&self, id: u32) -> usize {
        self.groups.get(&id).map_or(0, |group| group.users.values().sum())
    }

    /// Whether a group is there and leads where all of its routes should lead.
    pub(super) fn contents_users(&self, id: u32) -> bool {
        self.groups.get(&id).is_some_and(|group| group.users.keys().all(|wish| *wish == group.leads))
    }

    /// What all routes of a group should lead to, where that is one thing.
    pub(super) fn common_wish(&self, id: u32) -> Option<WishId> {
        let mut wishes = self.groups.get(&id)?.users.keys();
        wishes.next().copied().filter(|_| wishes.next().is_none())
    }

    /// Groups that lead to just these legs, lowest identifier first.
    pub(super) fn groups_with(&self, legs: WishId) -> impl Iterator<Item = u32> {
        self.by_legs.get(&legs).into_iter().flatten().copied()
    }

    /// Groups that have the leg and at least one more, and groups that have it alone.
    pub(super) fn groups_with_leg(&self, leg: &Leg) -> (Vec<u32>, Vec<u32>) {
        let legs = |group: &Group| self.wishes.legs(group.leads);
        let having = self.groups.iter().filter(|(_, group)| legs(group).binary_search(leg).is_ok());
        let (sharing, alone): (Vec<_>, Vec<_>) = having.partition(|(_, group)| legs(group).len() > 1);
        let ids = |groups: Vec<(&u32, &Group)>| groups.into_iter().map(|(id, _)| *id).collect();
        (ids(sharing), ids(alone))
    }

    /// The other legs of a group, and their weights.
    pub(super) fn ways_without(&self, id: u32, leg: &Leg) -> Vec<(Leg, u16)> {
        let ways = self.wishes.set(self.leads_to(id)).into_iter().flat_map(|set| set.iter());
        ways.filter(|(other, _)| other != leg).collect()
    }

    /// The next hop of a leg, if just these groups, of which some share it, have it as a member.
    pub(super) fn next_hop_of(&self, leg: &Leg, sharing: &[u32], alone: &[u32]) -> Option<u32> {
        let id = *self.by_leg.get(leg)?;
        let has_it = |group: &u32| self.groups.get(group).is_some_and(|group| group.has(id));
        let all = sharing.len().saturating_add(alone.len());
        let just_these = self.next_hops.get(&id)?.groups == all && sharing.iter().chain(alone).all(has_it);
        (just_these && !sharing.is_empty()).then_some(id)
    }

    /// Gives groups that have a leg alone a new next hop for it; the old one stays with the others.
    pub(super) fn renew_next_hop(
        &mut self,
        leg: &Leg,
        alone: &[u32],
        next_hops: &mut Vec<FibChange>,
        groups: &mut Vec<FibChange>,
    ) {
        self.by_leg.remove(leg);
        for id in alone {
            self.replace(*id, self.leads_to(*id), next_hops, groups);
        }
    }

    /// A route that should lead to `wish` leads to the group.
    pub(super) fn add_user(&mut self, id: u32, wish: WishId) {
        if let Some(group) = self.groups.get_mut(&id) {
            let users = group.users.entry(wish).or_default();
            *users = users.saturating_add(1);
        }
    }

    /// It does no longer, or should lead elsewhere.
    pub(super) fn drop_user(&mut self, id: u32, wish: WishId) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let Some(users) = group.users.get_mut(&wish) else { return };
        *users = users.saturating_sub(1);
        if *users == 0 {
            group.users.remove(&wish);
        }
        if group.users.is_empty() {
            self.idle.insert(id);
        }
    }

    /// A new group; its next hops go to `next_hops`, the group itself to `groups`.
    pub(super) fn create(&mut self, legs: WishId, next_hops: &mut Vec<FibChange>, groups: &mut Vec<FibChange>) -> u32 {
        let id = next_id(&mut self.last_group_id, GROUP_ID_BASE, |id| self.groups.contains_key(&id));
        self.groups.insert(id, Group::new(Vec::new()));
        self.replace(id, legs, next_hops, groups);
        if let Some(group) = self.groups.get_mut(&id) {
            group.previous = None;
        }
        id
    }

    /// Makes a group lead elsewhere in place.
    pub(super) fn replace(
        &mut self,
        id: u32,
        legs: WishId,
        next_hops: &mut Vec<FibChange>,
        groups: &mut Vec<FibChange>,
    ) {
        let Some(set) = self.wishes.set(legs).cloned() else { return };
        let members: Vec<(u32, u16)> =
            set.iter().map(|(leg, weight)| (self.next_hop(leg, next_hops), weight)).collect();
        self.hold_members(&members, true);
        let Some(group) = self.groups.get_mut(&id) else { return };
        let old = std::mem::replace(&mut group.members, members.clone());
        group.previous = self.wishes.set(group.leads).cloned();
        self.hold_members(&old, false);
        self.set_leads(id, legs);
        groups.push(FibChange::Group { id, members });
    }

    /// The kernel dropped a next hop, and with it its place in every group; a group without members goes, too.
    /// Answers the groups that are concerned.
    pub(super) fn forget_next_hop(&mut self, id: u32) -> Vec<u32> {
        let Some(next_hop) = self.next_hops.remove(&id) else { return Vec::new() };
        self.idle.remove(&id);
        if self.by_leg.get(&next_hop.leg) == Some(&id) {
            self.by_leg.remove(&next_hop.leg);
        }
        let concerned = self.groups.iter().filter(|(_, group)| group.has(id));
        let concerned: Vec<u32> = concerned.map(|(group, _)| *group).collect();
        for group in &concerned {
            self.drop_member(*group, id);
        }
        concerned
    }

    /// The kernel dropped a group; answers whether it was known.
    pub(super) fn forget_group(&mut self, id: u32) -> bool {
        self.set_leads(id, WishId::NOTHING);
        self.idle.remove(&id);
        let Some(group) = self.groups.remove(&id) else { return false };
        self.hold_members(&group.members, false);
        true
    }

    /// The kernel refused the last change of a group: it leads where it led before, or is not there at all.
    pub(super) fn undo_group(&mut self, id: u32) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let previous = group.previous.take();
        let known = |(leg, weight): (Leg, u16)| Some((self.by_leg.get(&leg).copied()?, weight));
        let members: Vec<(u32, u16)> = previous.iter().flat_map(|set| set.iter()).filter_map(known).collect();
        if members.is_empty() {
            self.forget_group(id);
            return;
        }
        self.hold_members(&members, true);
        let Some(group) = self.groups.get_mut(&id) else { return };
        let refused = std::mem::replace(&mut group.members, members.clone());
        self.hold_members(&refused, false);
        let leads = self.leads(&members);
        self.set_leads(id, leads);
    }

    /// Takes out what nobody uses, groups first.
    pub(super) fn sweep(&mut self, out: &mut Vec<FibChange>) {
        let unused = |group: &Group| group.users.is_empty();
        let idle: Vec<u32> = self.idle.iter().copied().filter(|id| self.groups.get(id).is_some_and(unused)).collect();
        for id in idle {
            self.forget_group(id);
            out.push(FibChange::NextHopGone(id));
        }
        for id in std::mem::take(&mut self.idle) {
            if self.next_hops.get(&id).is_some_and(|next_hop| next_hop.groups == 0) {
                self.forget_next_hop(id);
                out.push(FibChange::NextHopGone(id));
            }
        }
    }

    /// The identifier of a leg's next hop, made if there is none.
    fn next_hop(&mut self, leg: Leg, out: &mut Vec<FibChange>) -> u32 {
        if let Some(id) = self.by_leg.get(&leg) {
            return *id;
        }
        let id = next_id(&mut self.last_next_hop_id, NEXT_HOP_ID_BASE, |id| self.next_hops.contains_key(&id));
        self.next_hops.insert(id, NextHop { leg, groups: 0 });
        self.by_leg.insert(leg, id);
        out.push(FibChange::NextHop { id, leg });
        id
    }

    fn drop_member(&mut self, id: u32, member: u32) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        group.members.retain(|(held, _)| *held != member);
        if group.members.is_empty() {
            self.forget_group(id);
            return;
        }
        let known = group.leads != WishId::NOTHING;
        let members = group.members.clone();
        let leads = if known { self.leads(&members) } else { WishId::NOTHING };
        self.set_leads(id, leads);
    }

    fn hold_members(&mut self, members: &[(u32, u16)], hold: bool) {
        for (member, _) in members {
            let Some(next_hop) = self.next_hops.get_mut(member) else { continue };
            next_hop.groups = if hold { next_hop.groups.saturating_add(1) } else { next_hop.groups.saturating_sub(1) };
            if next_hop.groups == 0 {
                self.idle.insert(*member);
            }
        }
    }

    fn set_leads(&mut self, id: u32, leads: WishId) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let old = std::mem::replace(&mut group.leads, leads);
        self.wishes.hold(leads);
        self.wishes.release(old);
        if let Some(ids) = self.by_legs.get_mut(&old) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_legs.remove(&old);
            }
        }
        if leads != WishId::NOTHING {
            self.by_legs.entry(leads).or_default().insert(id);
        }
    }

    /// Where members lead, when all are known and no two are the same.
    fn leads(&mut self, members: &[(u32, u16)]) -> WishId {
        let ways: Option<BTreeMap<Leg, u16>> =
            members.iter().map(|(id, weight)| Some((self.next_hops.get(id)?.leg, *weight))).collect();
        let ways = ways.filter(|ways| ways.len() == members.len()).unwrap_or_default();
        self.wishes.intern_ways(ways.into_iter().collect())
    }
}

/// The next identifier of a range of 2^24 that is not taken.
fn next_id(last: &mut u32, base: u32, taken: impl Fn(u32) -> bool) -> u32 {
    const RANGE: u32 = 0x00ff_ffff;
    let in_range = last.checked_sub(base).is_some_and(|offset| offset < RANGE);
    let mut id = if in_range { last.saturating_add(1) } else { base.saturating_add(1) };
    while taken(id) {
        id = if id.saturating_sub(base) >= RANGE { base.saturating_add(1) } else { id.saturating_add(1) };
    }
    *last = id;
    id
}
