//! Outbound route filters (RFC 5291): what a peer wants to hear is part of what it is told, and a peer that would have
//! it so hears which routes our own import prefix list lets in.
//!
//! A peer that said that it would tell hears nothing before it did, or asked for routes. Never judges what a peer says.

use std::collections::BTreeMap;
use std::sync::Arc;

use bgp::policy::{Chain, PrefixList, PrefixRule};
use bgp_wire::orf::{FilterChange, FilterEntry, Filters};
use config::model::Policy;
use config::model::bgp::PeerSettings;
use config::model::policy::Action;
use nouns::Family;
use rib::bgp_table::PeerId;

use super::review::default_route;
use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::Moment;

/// So many entries are kept of a peer and family; what they cost is a peer's choice.
const MOST: usize = 10_000;

/// What a peer wants to hear of a family.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    entries: BTreeMap<u32, FilterEntry>,
    /// The same as it runs, as of the last time that routes were wanted; `None` for everything.
    pub(crate) in_force: Option<Chain>,
    /// Nothing was said yet, and no routes were asked for.
    awaited: bool,
}

impl Wanted {
    /// Nothing is told before the peer speaks.
    pub(crate) fn awaited() -> Self {
        Self { awaited: true, ..Self::default() }
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes changes in; answers how many entries there was no room for.
    fn change(&mut self, changes: &[FilterChange]) -> usize {
        let mut left_out = 0_usize;
        for change in changes {
            match change {
                FilterChange::Add(entry) if self.entries.len() < MOST => {
                    self.entries.insert(entry.sequence, *entry);
                }
                FilterChange::Add(_) => left_out = left_out.saturating_add(1),
                FilterChange::Remove(sequence) => _ = self.entries.remove(sequence),
                FilterChange::RemoveAll => self.entries.clear(),
            }
        }
        left_out
    }

    /// Puts what was said in force.
    fn enforce(&mut self, peer: &str) {
        let rule = |entry: &FilterEntry| PrefixRule {
            number: u16::try_from(entry.sequence).unwrap_or(u16::MAX),
            permit: entry.permit,
            prefix: entry.prefix,
            lengths: entry.lengths(),
        };
        self.in_force = (!self.entries.is_empty()).then(|| Chain {
            prefix_list: Some(Arc::new(PrefixList::new(
                "outbound route filter of",
                peer,
                self.entries.values().map(rule).collect(),
            ))),
            ..Chain::default()
        });
    }
}

/// What a neighbor is told that we want to hear: the rules of its import prefix list.
fn entries(policy: &Policy, settings: &PeerSettings, family: Family) -> Vec<FilterEntry> {
    let list = settings.policies.of(family).import.prefix_list.as_ref();
    let list = list.and_then(|name| policy.prefix_lists(family).get(name));
    let rules = list.into_iter().flat_map(|list| &list.rules);
    let entry = |(number, rule): (&u16, &config::model::policy::PrefixRule)| {
        let (least, most) = rule.lengths();
        let (length, longest) = (rule.prefix.length(), family.bits());
        let any_longer = most == longest && least != length;
        FilterEntry {
            sequence: u32::from(*number),
            permit: rule.action == Action::Permit,
            prefix: rule.prefix,
            least: Some(least).filter(|least| *least != length),
            most: Some(most).filter(|most| *most != length && !any_longer),
        }
    };
    rules.map(entry).collect()
}

/// The entry that lets all routes in.
fn everything(family: Family) -> FilterEntry {
    FilterEntry { sequence: 1, permit: true, prefix: default_route(family), least: None, most: Some(family.bits()) }
}

impl Engine {
    /// A session is up: the peer hears what we want, and who would say what it wants is waited for. Answers the families
    /// in which it can be told routes at once.
    pub(crate) fn agree_on_filters(&mut self, at: Moment, id: PeerId, out: &mut Vec<Effect>) -> Vec<Family> {
        let Some(peer) = self.peers.get_mut(id) else { return Vec::new() };
        let Some(negotiated) = peer.session.negotiated() else { return Vec::new() };
        let (families, awaited) = (negotiated.families.clone(), negotiated.filter_receive.clone());
        peer.wanted = awaited.iter().map(|family| (*family, Wanted::awaited())).collect();
        for family in negotiated.filter_send.clone() {
            self.tell_filter(at, id, family, false, out);
        }
        families.into_iter().filter(|family| !awaited.contains(family)).collect()
    }

    fn tell_filter(&mut self, at: Moment, id: PeerId, family: Family, anew: bool, out: &mut Vec<Effect>) {
        let policy = Arc::clone(&self.running.model.policy);
        let mut outputs = Vec::new();
        if let Some(peer) = self.peers.get_mut(id) {
            let mut entries = entries(&policy, &peer.settings, family);
            if anew && entries.is_empty() {
                // An empty list means the same, but FRR 8.4 does not survive one that becomes empty.
                entries.push(everything(family));
            }
            peer.session.tell_filter(at.instant, family, &entries, anew, &mut outputs);
        }
        self.perform(at, id, outputs, out);
    }

    /// Tells a peer anew what we want to hear of it, where that is another thing than before a commit.
    pub(crate) fn filters_changed(
        &mut self,
        at: Moment,
        id: PeerId,
        (old_policy, before): (&Policy, &PeerSettings),
        (new_policy, now): (&Policy, &PeerSettings),
        out: &mut Vec<Effect>,
    ) {
        let negotiated = self.peers.get(id).and_then(|peer| peer.session.negotiated());
        for family in negotiated.map(|up| up.filter_send.clone()).unwrap_or_default() {
            if entries(old_policy, before, family) != entries(new_policy, now, family) {
                self.tell_filter(at, id, family, true, out);
            }
        }
    }

    /// A peer says what it wants to hear.
    pub(crate) fn filters_came(
        &mut self,
        at: Moment,
        id: PeerId,
        family: Family,
        filters: &Filters,
        out: &mut Vec<Effect>,
    ) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let left_out = peer.wanted.entry(family).or_default().change(&filters.changes);
        let name = peer.name();
        if left_out > 0 {
            let text = format!("neighbor {name}: {left_out} outbound route filters beyond {MOST} are not kept");
            self.notice(at, Notice::warning(text), out);
        }
        if filters.immediate {
            self.routes_wanted(at, id, family, out);
        }
    }

    /// A peer wants its routes of a family: for the first time, or again.
    pub(crate) fn routes_wanted(&mut self, at: Moment, id: PeerId, family: Family, out: &mut Vec<Effect>) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let name = peer.name();
        let mut awaited = false;
        if let Some(wanted) = peer.wanted.get_mut(&family) {
            awaited = std::mem::take(&mut wanted.awaited);
            wanted.enforce(&name);
            self.groups.change(id, family);
        }
        if awaited {
            self.join_groups(id, &[family]);
        } else {
            self.advertise_again(at, id, family, out);
        }
    }
}
