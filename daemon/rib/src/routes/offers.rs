//! Offers: what sources say of many prefixes, held once and named by a number.
//!
//! A full table has a million prefixes and some hundred different offers, so whether an offer is usable, and what
//! the kernel should make of it, is worked out once for each offer. Never knows a prefix.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::{Gateway, Route};
use crate::fib::Wish;
use crate::nexthop::NextHops;

/// The number of an offer.
pub(super) type OfferId = u32;

/// The number that no offer has.
pub(super) const NO_OFFER: OfferId = OfferId::MAX;

/// One offer.
#[derive(Debug)]
struct Offer {
    route: Arc<Route>,
    /// Prefixes that are offered it.
    users: usize,
    /// Whether it leads anywhere, as far as gateways were looked up.
    usable: bool,
    /// Came since gateways were looked up last, and names one that had not been.
    fresh: bool,
    /// What the kernel should make of it; forgotten when a gateway changes.
    wish: Option<Wish>,
}

/// Offers of which something changed with their gateways.
#[derive(Debug, Default)]
pub(super) struct Concerned {
    /// By number: whether the offer was usable before, for those that are concerned.
    before: Vec<Option<bool>>,
    /// Prefixes that are offered one of them.
    pub(super) users: usize,
    /// Whether one of them is not fresh, so that nobody has a list of its prefixes.
    pub(super) older: bool,
    /// Whether there is any at all.
    pub(super) any: bool,
}

impl Concerned {
    /// Whether the offer was usable before; `None` where it is not concerned.
    pub(super) fn was_usable(&self, id: OfferId) -> Option<bool> {
        self.before.get(usize::try_from(id).ok()?).copied().flatten()
    }

    fn add(&mut self, place: usize, offer: &Offer) {
        if self.before.len() <= place {
            self.before.resize(place.saturating_add(1), None);
        }
        if let Some(before) = self.before.get_mut(place) {
            *before = Some(offer.usable);
        }
        self.users = self.users.saturating_add(offer.users);
        self.older |= !offer.fresh;
        self.any = true;
    }
}

/// All offers.
#[derive(Debug, Default)]
pub(super) struct Offers {
    offers: Vec<Option<Offer>>,
    free: Vec<OfferId>,
    ids: HashMap<Arc<Route>, OfferId, RandomState>,
    /// The offer that was asked for last: routes come in runs.
    last: OfferId,
    fresh: Vec<OfferId>,
    /// How many offers name a gateway.
    gateways: HashMap<Gateway, usize>,
    /// Gateways whose number of offers came from or went to zero.
    gateway_news: BTreeSet<Gateway>,
    resolved: HashSet<Gateway>,
}

impl Offers {
    /// The number of an offer, given where there is none yet; it stays only if it is held.
    pub(super) fn intern(&mut self, route: &Route) -> OfferId {
        if self.route(self.last).is_some_and(|last| last == route) {
            return self.last;
        }
        self.last = match self.ids.get(route) {
            Some(id) => *id,
            None => self.add(route.clone()),
        };
        self.last
    }

    /// The offer that was asked for last, while it is held.
    pub(super) fn last(&self) -> Option<(OfferId, &Route)> {
        self.route(self.last).map(|route| (self.last, route))
    }

    fn add(&mut self, route: Route) -> OfferId {
        for gateway in route.gateways() {
            self.count_gateway(gateway, true);
        }
        let usable = route.is_usable(|gateway| self.resolved.contains(&gateway));
        let fresh = route.gateways().any(|gateway| !self.resolved.contains(&gateway));
        let route = Arc::new(route);
        let offer = Offer { route: Arc::clone(&route), users: 0, usable, fresh, wish: None };
        let id = self.free.pop().unwrap_or_else(|| {
            self.offers.push(None);
            OfferId::try_from(self.offers.len().saturating_sub(1)).unwrap_or(NO_OFFER)
        });
        if let Some(place) = self.place(id) {
            *place = Some(offer);
        }
        self.ids.insert(route, id);
        if fresh {
            self.fresh.push(id);
        }
        id
    }

    /// One more prefix is offered it.
    pub(super) fn hold(&mut self, id: OfferId) {
        if let Some(Some(offer)) = self.place(id) {
            offer.users = offer.users.saturating_add(1);
        }
    }

    /// One prefix less is offered it; without any it is forgotten.
    pub(super) fn release(&mut self, id: OfferId) {
        let Some(place) = self.place(id) else { return };
        let Some(offer) = place else { return };
        offer.users = offer.users.saturating_sub(1);
        if offer.users > 0 {
            return;
        }
        let Some(gone) = place.take() else { return };
        self.free.push(id);
        self.ids.remove(&gone.route);
        for gateway in gone.route.gateways() {
            self.count_gateway(gateway, false);
        }
    }

    pub(super) fn route(&self, id: OfferId) -> Option<&Route> {
        Some(&self.get(id)?.route)
    }

    pub(super) fn is_usable(&self, id: OfferId) -> bool {
        self.get(id).is_some_and(|offer| offer.usable)
    }

    /// Whether it waits for a gateway to be looked up for the first time.
    pub(super) fn waits(&self, id: OfferId) -> bool {
        self.get(id).is_some_and(|offer| offer.fresh)
    }

    /// Whether an offer takes another's place.
    pub(super) fn replaces(&self, id: OfferId, other: OfferId) -> bool {
        self.route(id).zip(self.route(other)).is_some_and(|(new, old)| new.replaces(old))
    }

    pub(super) fn wish(&self, id: OfferId) -> Option<Wish> {
        self.get(id)?.wish
    }

    pub(super) fn set_wish(&mut self, id: OfferId, wish: Wish) {
        if let Some(Some(offer)) = self.place(id) {
            offer.wish = Some(wish);
        }
    }

    /// Tells `next_hops` which gateways are named now and which no longer; answers the former.
    pub(super) fn report_gateways(&mut self, next_hops: &mut NextHops) -> Vec<IpAddr> {
        let mut named = Vec::new();
        for gateway in std::mem::take(&mut self.gateway_news) {
            let used = self.gateways.get(&gateway).is_some_and(|count| *count > 0);
            next_hops.set_routed(gateway, used);
            if used {
                named.push(gateway.0);
            } else {
                self.gateways.remove(&gateway);
                self.resolved.remove(&gateway);
            }
        }
        named
    }

    /// Judges the offers anew that name one of these addresses; answers which they are.
    pub(super) fn judge(&mut self, changed: &BTreeSet<IpAddr>, next_hops: &NextHops) -> Concerned {
        let mut concerned = Concerned::default();
        let mut any = false;
        for gateway in self.gateways.keys().filter(|gateway| changed.contains(&gateway.0)) {
            any = true;
            if next_hops.resolve_via(gateway.0, gateway.1).is_resolved() {
                self.resolved.insert(*gateway);
            } else {
                self.resolved.remove(gateway);
            }
        }
        if !any {
            return concerned;
        }
        for (place, offer) in self.offers.iter_mut().enumerate() {
            let Some(offer) = offer else { continue };
            if offer.route.gateways().any(|gateway| changed.contains(&gateway.0)) {
                concerned.add(place, offer);
                offer.usable = offer.route.is_usable(|gateway| self.resolved.contains(&gateway));
                offer.wish = None;
            }
        }
        concerned
    }

    /// All that is here now is no longer fresh.
    pub(super) fn age(&mut self) {
        for id in std::mem::take(&mut self.fresh) {
            if let Some(Some(offer)) = self.place(id) {
                offer.fresh = false;
            }
        }
    }

    fn get(&self, id: OfferId) -> Option<&Offer> {
        self.offers.get(usize::try_from(id).ok()?)?.as_ref()
    }

    fn place(&mut self, id: OfferId) -> Option<&mut Option<Offer>> {
        self.offers.get_mut(usize::try_from(id).ok()?)
    }

    fn count_gateway(&mut self, gateway: Gateway, more: bool) {
        let count = self.gateways.entry(gateway).or_default();
        let edge = if more { *count == 0 } else { *count == 1 };
        *count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
        if edge {
            self.gateway_news.insert(gateway);
        }
    }
}
