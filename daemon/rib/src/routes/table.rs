//! The table of offers by prefix.
//!
//! An entry is the number of one offer and since when it stands; prefixes with several offers, which are few, keep
//! them aside. Which offer is selected follows from which are usable, so a gateway that is lost changes all of its
//! routes at once; that their prefixes are told of it is a walk in portions. Never compares two next hops.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use nouns::Prefix;

use super::offers::{Concerned, NO_OFFER, OfferId, Offers};
use super::{Protocol, Route, order};
use crate::fib::Wish;
use crate::length_index::LengthIndex;
use crate::nexthop::NextHops;
use crate::prefix_map::PrefixMap;
use crate::prefix_table::{PrefixTable, Prefixes, Spot};
use crate::world_view::World;

/// Rounds of `settle` before routes that make each other come and go are left as they are.
const SETTLE_ROUNDS: usize = 16;
/// Entries that one `settle` looks at for routes through gateways that changed.
const WALK: usize = 65_536;

/// An offer of a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    offer: OfferId,
    /// Seconds since the first offer of the table.
    since: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The best offer, whether or not it is usable; `NO_OFFER` without any.
    best: Held,
    /// There are others, in `Rib::several`, with this one.
    several: bool,
    /// Waits in `Rib::dirty`.
    dirty: bool,
}

impl Default for Entry {
    fn default() -> Self {
        Self { best: Held { offer: NO_OFFER, since: 0 }, several: false, dirty: false }
    }
}

impl Entry {
    fn is_empty(&self) -> bool {
        self.best.offer == NO_OFFER
    }
}

/// An offer as `show` tells it.
#[derive(Clone, Copy, Debug)]
pub struct Offered<'a> {
    /// What is offered.
    pub route: &'a Route,
    /// Since when it is as it is, to the second.
    pub since: Instant,
    /// Whether it is the one that is used.
    pub selected: bool,
}

/// Prefixes that have to hear of offers whose gateways changed.
#[derive(Debug)]
struct Walk {
    concerned: Concerned,
    /// Where to go on; `None` before the beginning.
    next: Option<Prefix>,
}

/// The routes of both families.
#[derive(Debug, Default)]
pub struct Rib {
    /// An entry without offers stays until its prefix was taken from `dirty` and let go of.
    entries: PrefixTable<Entry>,
    /// All offers of prefixes that have more than one, the best first.
    several: HashMap<Prefix, Vec<Held>>,
    offers: Offers,
    lengths: LengthIndex,
    dirty: VecDeque<Spot>,
    /// Prefixes whose selection changed since the last `settle`.
    moved: Vec<Prefix>,
    /// Prefixes that were offered something whose gateways were not looked up yet.
    waiting: Vec<Prefix>,
    walks: VecDeque<Walk>,
    /// Prefixes that connected networks, the kernel and the configuration offer, by protocol; some may be old.
    listed: BTreeMap<Protocol, PrefixMap<()>>,
    prefixes: usize,
    epoch: Option<Instant>,
}

impl Rib {
    /// An empty table that shares its prefixes with others.
    #[must_use]
    pub fn new(prefixes: &Prefixes) -> Self {
        Self { entries: PrefixTable::new(prefixes), ..Self::default() }
    }

    /// Offers a route; it takes the place of the one of the same source and distance. An offer that is there
    /// already keeps its time. A gateway that is new counts only after `settle`.
    pub fn set(&mut self, spot: impl Into<Spot>, route: &Route, now: Instant) {
        let spot = spot.into();
        self.list(spot.prefix(), route.protocol);
        let offer = self.offers.intern(route);
        self.set_offer(spot, offer, now);
    }

    /// As `set` with the route of BGP that another prefix was offered just before; answers whether there was one.
    pub fn set_again(&mut self, spot: impl Into<Spot>, now: Instant) -> bool {
        let last = self.offers.last().filter(|(_, route)| matches!(route.protocol, Protocol::Bgp { .. }));
        let Some((offer, _)) = last else { return false };
        self.set_offer(spot.into(), offer, now);
        true
    }

    fn set_offer(&mut self, spot: Spot, offer: OfferId, now: Instant) {
        let fresh = Held { offer, since: self.seconds(now) };
        let (spot, entry) = self.entries.find_or_add(spot);
        let old = entry.best.offer;
        if old == offer && !entry.several {
            return;
        }
        if entry.several || !(entry.is_empty() || self.offers.replaces(offer, old)) {
            self.set_beside(spot, fresh);
            return;
        }
        let same = !self.offers.is_usable(old) && !self.offers.is_usable(offer);
        let was_empty = entry.is_empty();
        entry.best = fresh;
        self.offers.hold(offer);
        self.offers.release(old);
        if was_empty {
            self.count(spot.prefix(), true);
        }
        if self.offers.waits(offer) {
            self.waiting.push(spot.prefix());
        }
        if !same {
            self.mark_moved(spot);
        }
    }

    /// Takes a source's offer back: the one of a distance, or all.
    pub fn remove(&mut self, spot: impl Into<Spot>, protocol: Protocol, distance: Option<u8>) {
        let spot = spot.into();
        let offers = &self.offers;
        let goes = |held: &Held| {
            offers.route(held.offer).is_some_and(|route| {
                route.protocol.same_source(protocol) && distance.is_none_or(|distance| distance == route.distance)
            })
        };
        let held = self.held(spot);
        if held.iter().any(goes) {
            let left = held.iter().filter(|held| !goes(held)).copied().collect();
            self.replace(spot, left);
        }
    }

    /// Replaces all that a source offers. What is unchanged keeps its time and makes nothing dirty; what changed
    /// gets `now`.
    pub fn replace_protocol(&mut self, protocol: Protocol, mut wanted: BTreeMap<Prefix, Vec<Route>>, now: Instant) {
        if let Some(listed) = self.listed.remove(&protocol) {
            for (prefix, ()) in listed.iter() {
                wanted.entry(prefix).or_default();
            }
        }
        for (prefix, routes) in wanted {
            self.replace_offers(prefix, protocol, routes, now);
        }
    }

    /// Replaces what a source offers for one prefix, as `replace_protocol` does for all.
    pub fn replace_offers(&mut self, prefix: Prefix, protocol: Protocol, mut wanted: Vec<Route>, now: Instant) {
        if wanted.is_empty() {
            if let Some(listed) = self.listed.get_mut(&protocol) {
                listed.remove(prefix);
            }
        } else {
            self.list(prefix, protocol);
        }
        wanted.sort_by(order);
        let is_its = |route: &Route| route.protocol.same_source(protocol);
        let held = self.held(prefix.into()).iter().copied();
        let (old, mut left): (Vec<Held>, Vec<Held>) =
            held.partition(|held| self.offers.route(held.offer).is_some_and(is_its));
        let same = |(held, wanted): (&Held, &Route)| self.offers.route(held.offer) == Some(wanted);
        if old.len() == wanted.len() && old.iter().zip(&wanted).all(same) {
            return;
        }
        let since = self.seconds(now);
        for route in &wanted {
            let offer = self.offers.intern(route);
            let known = old.iter().find(|old| old.offer == offer).copied();
            left.push(known.unwrap_or(Held { offer, since }));
        }
        self.replace(prefix.into(), left);
    }

    /// All offers for a prefix, the best first.
    pub fn routes(&self, prefix: Prefix) -> impl Iterator<Item = Offered<'_>> {
        let held = self.held(prefix.into());
        let selected = held.iter().position(|held| self.offers.is_usable(held.offer));
        held.iter().enumerate().filter_map(move |(place, held)| {
            let since = self.epoch?.checked_add(Duration::from_secs(u64::from(held.since)))?;
            Some(Offered { route: self.offers.route(held.offer)?, since, selected: selected == Some(place) })
        })
    }

    /// The offer that is used.
    #[must_use]
    pub fn selected(&self, prefix: Prefix) -> Option<&Route> {
        self.offers.route(self.selected_offer(prefix.into(), self.entries.get(prefix)?))
    }

    /// What the kernel should make of the selected offer, if that was worked out since its gateways changed.
    #[must_use]
    pub fn known_wish(&self, spot: Spot) -> Option<Wish> {
        self.offers.wish(self.selected_offer(spot, self.entries.get(spot)?))
    }

    /// Works out what the kernel should make of the selected offer, and keeps it for all prefixes with that offer.
    pub fn wish(&mut self, spot: Spot, wish: impl FnOnce(&Route) -> Wish) -> Wish {
        let offer = self.entries.get(spot).map_or(NO_OFFER, |entry| self.selected_offer(spot, entry));
        let Some(route) = self.offers.route(offer) else { return Wish::NOTHING };
        let wish = wish(route);
        self.offers.set_wish(offer, wish);
        wish
    }

    /// All prefixes in display order with each of their offers, the best first.
    pub fn iter(&self) -> impl Iterator<Item = (Prefix, Offered<'_>)> {
        let all = self.entries.iter();
        all.flat_map(|(prefix, _)| self.routes(prefix).map(move |offered| (prefix, offered)))
    }

    /// All prefixes with the selected offer, in display order.
    pub fn iter_selected(&self) -> impl Iterator<Item = (Prefix, &Route)> {
        let all = self.entries.iter();
        all.filter_map(|(prefix, entry)| Some((prefix, self.offers.route(self.selected_offer(prefix.into(), entry))?)))
    }

    /// The prefixes within another one, each with the selected offer, in display order.
    pub fn iter_within(&self, prefix: Prefix) -> impl Iterator<Item = (Prefix, &Route)> {
        let from = self.entries.iter_from(prefix).take_while(move |(found, _)| prefix.contains(found.address()));
        from.filter(move |(found, _)| prefix.covers(*found))
            .filter_map(|(found, entry)| Some((found, self.offers.route(self.selected_offer(found.into(), entry))?)))
    }

    /// The selected route with the longest prefix that holds the address.
    #[must_use]
    pub fn longest_match(&self, address: IpAddr) -> Option<(Prefix, &Route)> {
        self.matches(address).next()
    }

    /// The selected routes that hold the address, the longest first.
    pub(crate) fn matches(&self, address: IpAddr) -> impl Iterator<Item = (Prefix, &Route)> {
        self.lengths.prefixes_of(address).filter_map(|prefix| Some((prefix, self.selected(prefix)?)))
    }

    /// How many prefixes have offers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prefixes
    }

    /// Whether there is no route at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prefixes == 0
    }

    /// How many prefixes wait to be looked at.
    #[must_use]
    pub fn dirty_len(&self) -> usize {
        self.dirty.len()
    }

    /// Whether prefixes wait to be looked at, or have yet to be found by `settle`.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        !(self.dirty.is_empty() && self.walks.is_empty())
    }

    /// At most `limit` prefixes whose selected route, or the resolution of its next hops, changed. Each has to be `let_go`
    /// of once it was looked at.
    pub fn take_dirty(&mut self, limit: usize) -> Vec<Spot> {
        let count = limit.min(self.dirty.len());
        let taken: Vec<Spot> = self.dirty.drain(..count).collect();
        for spot in &taken {
            if let Some(entry) = self.entries.get_mut(*spot) {
                entry.dirty = false;
            }
        }
        taken
    }

    /// Nobody looks at a prefix that was taken any more: without offers it is forgotten.
    pub fn let_go(&mut self, spot: Spot) {
        if self.entries.get(spot).is_some_and(|entry| entry.is_empty() && !entry.dirty) {
            self.entries.remove(spot);
        }
    }

    /// Looks up all next hops again and selects anew where that matters, until nothing changes: a route may
    /// resolve through another that has just come to life. Answers the addresses whose resolution differs from
    /// what it was before, for `BgpTable::next_hops_changed`. Call it after the world changed as a whole.
    pub fn settle(&mut self, next_hops: &mut NextHops, world: &World) -> Vec<IpAddr> {
        let mut changed = BTreeSet::new();
        for _ in 0..SETTLE_ROUNDS {
            let named = self.offers.report_gateways(next_hops);
            let round = next_hops.refresh(self, world);
            changed.extend(&round);
            if !self.select_again(next_hops, &round, &named) {
                break;
            }
        }
        self.moved.clear();
        self.walk();
        changed.into_iter().collect()
    }

    /// As `settle`, but looks up only next hops that are new, unless something changed that others resolve
    /// through: a route that holds one of them, or what `NextHops::touch` was told.
    pub fn settle_new(&mut self, next_hops: &mut NextHops, world: &World) -> Vec<IpAddr> {
        let moved = std::mem::take(&mut self.moved);
        if next_hops.is_touched() || moved.iter().any(|prefix| next_hops.has_within(*prefix)) {
            return self.settle(next_hops, world);
        }
        let named = self.offers.report_gateways(next_hops);
        let mut changed = next_hops.refresh_new(self, world);
        if self.select_again(next_hops, &changed, &named) {
            changed.extend(self.settle(next_hops, world));
            changed.sort_unstable();
            changed.dedup();
        }
        self.walk();
        changed
    }

    /// Judges offers through gateways that are newly named or whose resolution changed; answers whether any is
    /// concerned, so that other next hops may resolve differently.
    fn select_again(&mut self, next_hops: &NextHops, changed: &[IpAddr], named: &[IpAddr]) -> bool {
        let changed: BTreeSet<IpAddr> = changed.iter().chain(named).copied().collect();
        let waiting = std::mem::take(&mut self.waiting);
        let concerned = self.offers.judge(&changed, next_hops);
        self.offers.age();
        let any = concerned.any;
        if any {
            for prefix in waiting {
                self.look_again(prefix, &concerned);
            }
        }
        if concerned.older {
            self.walks.push_back(Walk { concerned, next: None });
        }
        any
    }

    /// Goes on with the walks over prefixes that have to hear of their gateways.
    fn walk(&mut self) {
        let mut left = WALK;
        while let Some(walk) = self.walks.front_mut() {
            let mut found = Vec::new();
            let mut end = None;
            let mut users = walk.concerned.users;
            let whole = walk.next.is_none();
            for (prefix, entry) in self.entries.iter_from(walk.next.unwrap_or(Prefix::DEFAULT_V4)) {
                if left == 0 {
                    end = Some(prefix);
                    break;
                }
                left = left.saturating_sub(1);
                if entry.several || walk.concerned.was_usable(entry.best.offer).is_some() {
                    found.push(prefix);
                    users = users.saturating_sub(usize::from(!entry.several));
                }
                if whole && users == 0 {
                    break;
                }
            }
            walk.next = end;
            let Some(walk) = self.walks.pop_front() else { return };
            for prefix in found {
                self.look_again(prefix, &walk.concerned);
            }
            if walk.next.is_some() {
                self.walks.push_front(walk);
                return;
            }
        }
    }

    /// A prefix of which an offer may be concerned comes to its turn if its selection is.
    fn look_again(&mut self, prefix: Prefix, concerned: &Concerned) {
        let held = self.held(prefix.into());
        let now = held.iter().find(|held| self.offers.is_usable(held.offer)).map(|held| held.offer);
        let usable_before = |id: OfferId| concerned.was_usable(id).unwrap_or_else(|| self.offers.is_usable(id));
        let before = held.iter().find(|held| usable_before(held.offer)).map(|held| held.offer);
        if now != before || now.is_some_and(|now| concerned.was_usable(now).is_some()) {
            self.mark_dirty(prefix);
        }
    }

    fn selected_offer(&self, spot: Spot, entry: &Entry) -> OfferId {
        if !entry.several {
            return if self.offers.is_usable(entry.best.offer) { entry.best.offer } else { NO_OFFER };
        }
        let usable = self.held(spot).iter().find(|held| self.offers.is_usable(held.offer));
        usable.map_or(NO_OFFER, |held| held.offer)
    }

    fn held(&self, spot: Spot) -> &[Held] {
        match self.entries.get(spot) {
            Some(entry) if entry.several => self.several.get(&spot.prefix()).map_or(&[], Vec::as_slice),
            Some(entry) if !entry.is_empty() => std::slice::from_ref(&entry.best),
            _ => &[],
        }
    }

    /// Puts an offer beside those that it does not replace.
    fn set_beside(&mut self, spot: Spot, fresh: Held) {
        let held = self.held(spot);
        if held.iter().any(|held| held.offer == fresh.offer) {
            return;
        }
        let mut offers: Vec<Held> =
            held.iter().filter(|held| !self.offers.replaces(fresh.offer, held.offer)).copied().collect();
        offers.push(fresh);
        self.replace(spot, offers);
    }

    /// Gives a prefix other offers.
    fn replace(&mut self, spot: Spot, mut offers: Vec<Held>) {
        let rank = |a: &Held, b: &Held| match (self.offers.route(a.offer), self.offers.route(b.offer)) {
            (Some(a), Some(b)) => order(a, b),
            _ => std::cmp::Ordering::Equal,
        };
        offers.sort_by(rank);
        // The new ones first, so that a gateway which stays does not count as news.
        for held in &offers {
            self.offers.hold(held.offer);
        }
        if offers.iter().any(|held| self.offers.waits(held.offer)) {
            self.waiting.push(spot.prefix());
        }
        let old: Vec<Held> = self.held(spot).to_vec();
        let usable = |held: &&Held| self.offers.is_usable(held.offer);
        let selected = |offers: &[Held]| offers.iter().find(usable).map(|held| held.offer);
        let same = selected(&old) == selected(&offers);
        let (spot, entry) = self.entries.find_or_add(spot);
        entry.best = offers.first().copied().unwrap_or(Entry::default().best);
        entry.several = offers.len() > 1;
        let (dirty, is_empty) = (entry.dirty, entry.is_empty());
        for held in &old {
            self.offers.release(held.offer);
        }
        if offers.len() > 1 {
            self.several.insert(spot.prefix(), offers);
        } else if old.len() > 1 {
            self.several.remove(&spot.prefix());
        }
        if old.is_empty() != is_empty {
            self.count(spot.prefix(), !is_empty);
        }
        if !same {
            self.mark_moved(spot);
        } else if is_empty && !dirty {
            self.entries.remove(spot);
        }
    }

    fn mark_moved(&mut self, spot: Spot) {
        self.moved.push(spot.prefix());
        self.mark_dirty(spot);
    }

    fn mark_dirty(&mut self, spot: impl Into<Spot>) {
        if let Some((spot, entry)) = self.entries.find_mut(spot)
            && !std::mem::replace(&mut entry.dirty, true)
        {
            self.dirty.push_back(spot);
        }
    }

    fn list(&mut self, prefix: Prefix, protocol: Protocol) {
        if !matches!(protocol, Protocol::Bgp { .. }) {
            self.listed.entry(protocol).or_default().insert(prefix, ());
        }
    }

    fn count(&mut self, prefix: Prefix, more: bool) {
        if more {
            self.prefixes = self.prefixes.saturating_add(1);
            self.lengths.add(prefix);
        } else {
            self.prefixes = self.prefixes.saturating_sub(1);
            self.lengths.remove(prefix);
        }
    }

    /// Seconds since the first offer; what was before it counts as the beginning.
    fn seconds(&mut self, now: Instant) -> u32 {
        let epoch = *self.epoch.get_or_insert(now);
        u32::try_from(now.saturating_duration_since(epoch).as_secs()).unwrap_or(u32::MAX)
    }
}
