//! Update groups: peers that hear the same share one Adj-RIB-Out, and what they hear is encoded once for all of them.
//!
//! A peer that is new, that asks for everything again, or that does not read for a while gets a copy of its own, so
//! that nobody waits for it; once both know the same again, the groups become one. Never decides what a peer may hear,
//! and never sends.

mod group;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use bgp::export::ExportTarget;
use nouns::Family;
use rib::adj_out::AdjOut;
use rib::bgp_table::{Path, PeerId};
use rib::prefix_table::Spot;

use group::hears_of_others;
pub(crate) use group::{Group, Offer};

use super::review::default_route;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Moment;
use crate::recovery::Hold;

/// Names a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupId(u32);

/// All groups of both families.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: BTreeMap<GroupId, Group>,
    of: BTreeMap<(PeerId, Family), GroupId>,
    last: u32,
    /// Some group hears of several paths of a prefix, or of what they have together.
    several: bool,
    /// Peers that can be told nothing of a family, for want of an address to send packets to, and whose End-of-RIB is
    /// still owed to them all the same.
    mute: BTreeSet<(PeerId, Family)>,
    /// What peers hear may have changed since they were put into groups.
    outdated: bool,
    /// Peers to which everything has to be offered again for that.
    anew: BTreeSet<(PeerId, Family)>,
}

impl Groups {
    /// The group of a peer.
    pub(crate) fn of(&self, peer: PeerId, family: Family) -> Option<&Group> {
        self.groups.get(self.of.get(&(peer, family))?)
    }

    /// The group of a peer, and its number.
    pub(crate) fn numbered(&self, peer: PeerId, family: Family) -> Option<(u32, &Group)> {
        let id = self.of.get(&(peer, family))?;
        Some((id.0, self.groups.get(id)?))
    }

    /// A group by its name.
    pub(crate) fn get(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.groups.get_mut(&id)
    }

    /// The names of all groups.
    pub(crate) fn ids(&self) -> Vec<GroupId> {
        self.groups.keys().copied().collect()
    }

    /// All groups.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// How many routes a peer knows; constant time.
    pub(crate) fn count_known_by(&self, peer: PeerId, family: Family) -> usize {
        self.of(peer, family).map_or(0, |group| group.out.len(peer, group.asn(peer)))
    }

    /// Offers a prefix that was decided to the groups of its family: to all where its best path is news, else to those
    /// that hear of other paths, too.
    pub(crate) fn offer_to_all(&mut self, family: Family, spot: impl Into<Spot>, offer: Offer, news: bool) {
        if !news && !self.several {
            return;
        }
        let spot = spot.into();
        for group in self.groups.values_mut().filter(|group| group.family == family) {
            if news || hears_of_others(&group.target) {
                group.offer(spot, offer);
            }
        }
    }

    /// Ends the rests whose time is over.
    pub(crate) fn wake(&mut self, now: Instant) {
        self.groups.values_mut().for_each(|group| _ = group.rests_until.take_if(|until| *until <= now));
    }

    /// When the next rest ends.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.groups.values().filter_map(|group| group.rests_until).min()
    }

    /// Whether some group hears of several paths of a prefix, or of what they have together.
    pub(crate) fn hear_of_several(&self) -> bool {
        self.several
    }

    /// Looks whether some group hears of several paths of a prefix, or of what they have together.
    fn note_several(&mut self) {
        self.several = self.groups.values().any(|group| hears_of_others(&group.target));
    }

    /// Asks for peers to be put into groups again; everything is offered again to this one.
    pub(crate) fn change(&mut self, peer: PeerId, family: Family) {
        self.outdated = true;
        self.anew.insert((peer, family));
    }

    /// Those who were to wait hear of our routes.
    pub(crate) fn release(&mut self, hold: Hold) {
        self.groups.values_mut().for_each(|group| _ = group.held.take_if(|held| *held == hold));
    }

    /// Asks for peers to be put into groups again where what they hear has changed.
    pub(crate) fn look_again(&mut self) {
        self.outdated = true;
    }

    /// Whether peers wait to be put into groups again.
    pub(crate) fn is_outdated(&self) -> bool {
        self.outdated
    }

    fn add(&mut self, group: Group) -> GroupId {
        self.last = self.last.wrapping_add(1);
        let id = GroupId(self.last);
        for member in group.members.keys() {
            self.of.insert((*member, group.family), id);
        }
        self.several |= hears_of_others(&group.target);
        self.groups.insert(id, group);
        id
    }

    /// Whether everything that a peer shall know of a family was told to it, the End-of-RIB marker too.
    pub(crate) fn is_complete(&self, peer: PeerId, family: Family) -> bool {
        let told = self.of(peer, family).is_none_or(|group| !group.owing.contains(&peer));
        told && !self.mute.contains(&(peer, family))
    }

    /// Peers whose End-of-RIB is owed to them in a family of which they can be told nothing.
    pub(crate) fn mute(&self) -> Vec<(PeerId, Family)> {
        self.mute.iter().copied().collect()
    }

    /// The End-of-RIB marker of such a family was sent.
    pub(crate) fn marked(&mut self, peer: PeerId, family: Family) {
        self.mute.remove(&(peer, family));
    }

    fn leave(&mut self, peer: PeerId, family: Family) {
        self.mute.remove(&(peer, family));
        let Some(id) = self.of.remove(&(peer, family)) else { return };
        if let Some(group) = self.groups.get_mut(&id) {
            group.members.remove(&peer);
            group.owing.remove(&peer);
            group.refreshing.remove(&peer);
            if group.members.is_empty() {
                self.groups.remove(&id);
                self.note_several();
            }
        }
    }

    /// A group of their own for some members, which know what the others know.
    fn split(&mut self, id: GroupId, members: &BTreeSet<PeerId>) -> Option<GroupId> {
        let group = self.groups.get_mut(&id)?;
        let owing = group.owing.intersection(members).copied().collect();
        let refreshing = group.refreshing.intersection(members).copied().collect();
        let mut split = Group { owing, refreshing, ..group.clone() };
        split.members.retain(|member, _| members.contains(member));
        group.members.retain(|member, _| !members.contains(member));
        group.owing.retain(|member| !members.contains(member));
        group.refreshing.retain(|member| !members.contains(member));
        Some(self.add(split))
    }
}

impl Engine {
    /// Puts a peer whose session is up into a group of each family: one that has said nothing yet, or a new one.
    pub(crate) fn join_groups(&mut self, id: PeerId, families: &[Family]) {
        for family in families {
            let Some(target) = self.export_target(id, *family) else {
                self.groups.mute.insert((id, *family));
                continue;
            };
            let Some(session) = self.peers.get(id).map(|peer| &peer.session) else { continue };
            let Some(negotiated) = session.negotiated() else { continue };
            let asn = (!negotiated.internal).then_some(negotiated.remote_as);
            let mut group = Group {
                family: *family,
                target,
                codec: negotiated.codec.clone(),
                members: BTreeMap::new(),
                held: self.recovery.holds_back(session.config().graceful_restart, negotiated),
                owing: BTreeSet::new(),
                refreshing: BTreeSet::new(),
                rests_until: None,
                out: AdjOut::new(&self.prefixes),
                whole: false,
            };
            let silent = |(_, other): &(&GroupId, &Group)| other.out.is_silent() && other.hears_as(&group);
            let found = self.groups.groups.iter().find(silent).map(|(id, _)| *id);
            match found.and_then(|found| self.groups.groups.get_mut(&found).map(|group| (found, group))) {
                Some((found, group)) => {
                    group.admit(id, asn);
                    self.groups.of.insert((id, *family), found);
                    self.complete(*family, found);
                }
                None => {
                    group.admit(id, asn);
                    let added = self.groups.add(group);
                    self.reviews.offer(*family, added);
                }
            }
        }
    }

    /// Takes a peer whose session ended out of its groups.
    pub(crate) fn leave_groups(&mut self, id: PeerId) {
        for family in Family::ALL {
            self.groups.leave(id, family);
        }
    }

    /// Says everything of a family to a peer again, although it heard it before: ROUTE-REFRESH or a person asks for it.
    /// The peer hears where that begins and ends, unless it has yet to hear everything for the first time.
    pub(crate) fn advertise_again(&mut self, at: Moment, id: PeerId, family: Family, out: &mut Vec<Effect>) {
        let Some(shared) = self.groups.of.get(&(id, family)).copied() else { return };
        let own = self.split_off(shared, &BTreeSet::from([id]));
        if let Some(group) = self.groups.get_mut(own) {
            group.out.refresh();
        }
        self.reviews.offer(family, own);
        if let Some(group) = self.groups.get_mut(own).filter(|group| !group.owing.contains(&id)) {
            group.refreshing.insert(id);
            self.mark_refresh(at, id, family, true, out);
        }
    }

    /// A group for some members alone; the group itself where it has no others.
    pub(crate) fn split_off(&mut self, id: GroupId, members: &BTreeSet<PeerId>) -> GroupId {
        let Some(group) = self.groups.get(id).filter(|group| !group.members.keys().eq(members)) else { return id };
        let family = group.family;
        let owed = self.reviews.owes(family, id);
        let Some(split) = self.groups.split(id, members) else { return id };
        if owed {
            self.reviews.offer(family, split);
        }
        split
    }

    /// Puts peers into other groups where what they hear has become another thing.
    pub(crate) fn settle_groups(&mut self) {
        if !std::mem::take(&mut self.groups.outdated) {
            return;
        }
        let anew = std::mem::take(&mut self.groups.anew);
        for id in self.groups.ids() {
            let Some(group) = self.groups.get(id) else { continue };
            let family = group.family;
            let mut parts: Vec<(ExportTarget, BTreeSet<PeerId>)> = Vec::new();
            for member in group.members.keys() {
                let Some(target) = self.export_target(*member, family) else { continue };
                match parts.iter_mut().find(|(known, _)| *known == target) {
                    Some((_, members)) => _ = members.insert(*member),
                    None => parts.push((target, BTreeSet::from([*member]))),
                }
            }
            for (target, members) in parts {
                let part = self.split_off(id, &members);
                if let Some(group) = self.groups.get_mut(part) {
                    if group.target.interval != target.interval {
                        group.rests_until = None;
                    }
                    group.target = target;
                }
                self.groups.note_several();
                if members.iter().any(|member| anew.contains(&(*member, family))) {
                    self.reviews.offer(family, part);
                }
            }
        }
    }

    /// Two groups that hear the same and know the same become one.
    pub(crate) fn unite(&mut self, id: GroupId) {
        let Some(group) = self.groups.get(id).filter(|group| self.has_told_all(id, group)) else { return };
        let family = group.family;
        let equal = |(other, candidate): &(&GroupId, &Group)| {
            **other != id && candidate.hears_as(group) && self.has_told_all(**other, candidate)
        };
        let Some(other) = self.groups.groups.iter().find(equal).map(|(other, _)| *other) else { return };
        if self.complete(family, id) | self.complete(family, other) {
            return;
        }
        let Some(gone) = self.groups.groups.remove(&id) else { return };
        if let Some(stays) = self.groups.groups.get_mut(&other) {
            for member in gone.members.keys() {
                self.groups.of.insert((*member, gone.family), other);
            }
            stays.out.count_for(&gone.out);
            stays.members.extend(gone.members);
            stays.rests_until = stays.rests_until.max(gone.rests_until);
            stays.owing.extend(gone.owing);
            stays.refreshing.extend(gone.refreshing);
        }
    }

    /// Lets a group remember its only member's own paths, too, as others are about to hear of them: it is offered everything
    /// again. Answers whether it did not yet.
    fn complete(&mut self, family: Family, id: GroupId) -> bool {
        let Some(group) = self.groups.get_mut(id).filter(|group| !group.whole) else { return false };
        group.whole = true;
        self.reviews.offer(family, id);
        true
    }

    /// Whether everything that the members shall know was told to them.
    pub(crate) fn has_told_all(&self, id: GroupId, group: &Group) -> bool {
        group.out.is_drained() && !self.reviews.owes(group.family, id)
    }

    /// Offers the default route to a group, which may be made for it alone.
    pub(crate) fn offer_default(&mut self, id: GroupId, family: Family) {
        let prefix = default_route(family);
        let offer = Offer::of(self.best_path(family, prefix).map(Path::peer));
        if let Some(group) = self.groups.get_mut(id) {
            group.offer(prefix, offer);
        }
    }
}
