//! The main route table: what each source offers for a prefix, and which offer is selected.
//!
//! The lowest administrative distance whose next hops resolve wins; then the lower metric. A route through a
//! gateway counts only after `settle` has looked the gateway up. Never builds a path attribute and never
//! speaks of the kernel's table, which is `fib`'s work.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::time::Instant;

use nouns::Prefix;

use crate::few::Few;
use crate::fib::Wanted;
use crate::length_index::LengthIndex;
use crate::nexthop::NextHops;
use crate::world::Leg;
use crate::world_view::World;

/// Rounds of `settle` before routes that make each other come and go are left as they are.
const SETTLE_ROUNDS: usize = 16;

/// Where a route comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// A network on one of the router's links.
    Connected,
    /// A route that somebody else put into the kernel.
    Kernel,
    /// `protocols static`
    Static,
    /// The best path of the BGP table.
    Bgp {
        /// Learned over an internal session.
        internal: bool,
    },
}

impl Protocol {
    /// The letter of `show ip route`.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Connected => 'C',
            Self::Kernel => 'K',
            Self::Static => 'S',
            Self::Bgp { .. } => 'B',
        }
    }

    /// The word of `show ip route` and of `redistribute`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Kernel => "kernel",
            Self::Static => "static",
            Self::Bgp { .. } => "bgp",
        }
    }

    /// The administrative distance where the configuration names none.
    #[must_use]
    pub fn default_distance(self) -> u8 {
        match self {
            Self::Connected | Self::Kernel => 0,
            Self::Static => 1,
            Self::Bgp { internal: false } => 20,
            Self::Bgp { internal: true } => 200,
        }
    }

    /// Whether both name the same source: a best path may turn from external to internal, it stays one route.
    #[must_use]
    pub fn same_source(self, other: Self) -> bool {
        self.name() == other.name()
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One next hop of a route, as its source gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteNextHop {
    /// The destination is on the link.
    Connected {
        /// The link.
        ifindex: u32,
    },
    /// Through a gateway.
    Gateway {
        /// Its address.
        address: IpAddr,
        /// The link, where the source names one.
        interface: Option<u32>,
    },
    /// Nowhere.
    Blackhole,
    /// Nowhere, and the sender is told.
    Reject,
}

impl From<Leg> for RouteNextHop {
    fn from(leg: Leg) -> Self {
        match leg.gateway {
            Some(address) => Self::Gateway { address, interface: Some(leg.ifindex) },
            None => Self::Connected { ifindex: leg.ifindex },
        }
    }
}

/// What one source offers for a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The source.
    pub protocol: Protocol,
    /// Administrative distance, lower is better.
    pub distance: u8,
    /// The metric within the source, lower is better.
    pub metric: u32,
    /// Where it leads.
    pub next_hops: Vec<RouteNextHop>,
    /// Since when it is as it is.
    pub since: Instant,
}

impl Route {
    /// A route of all its fields.
    #[must_use]
    pub fn new(protocol: Protocol, distance: u8, metric: u32, next_hops: Vec<RouteNextHop>, since: Instant) -> Self {
        Self { protocol, distance, metric, next_hops, since }
    }

    /// Where packets go: `None` when no next hop resolves. Next hops that do not resolve are left out; a blackhole
    /// beside others takes what they do not.
    #[must_use]
    pub fn wanted(&self, next_hops: &NextHops) -> Option<Wanted> {
        let mut legs = Vec::with_capacity(self.next_hops.len());
        for next_hop in &self.next_hops {
            match *next_hop {
                RouteNextHop::Blackhole | RouteNextHop::Reject => {}
                RouteNextHop::Connected { ifindex } => legs.push(Leg { gateway: None, ifindex }),
                RouteNextHop::Gateway { address, interface } => {
                    legs.extend_from_slice(next_hops.resolve_via(address, interface).legs());
                }
            }
        }
        Wanted::legs(legs).or_else(|| Self::nowhere(&self.next_hops))
    }

    /// What becomes of packets where no next hop takes them.
    #[must_use]
    pub fn nowhere(next_hops: &[RouteNextHop]) -> Option<Wanted> {
        next_hops.iter().find_map(|next_hop| match next_hop {
            RouteNextHop::Blackhole => Some(Wanted::Blackhole),
            RouteNextHop::Reject => Some(Wanted::Unreachable),
            RouteNextHop::Connected { .. } | RouteNextHop::Gateway { .. } => None,
        })
    }

    fn same_offer(&self, other: &Self) -> bool {
        (self.protocol, self.distance, self.metric, &self.next_hops)
            == (other.protocol, other.distance, other.metric, &other.next_hops)
    }

    /// Whether this route takes the other's place: kernel routes of several metrics stand beside each other.
    fn replaces(&self, other: &Self) -> bool {
        self.protocol.same_source(other.protocol)
            && (matches!(self.protocol, Protocol::Bgp { .. }) || self.distance == other.distance)
            && (self.protocol != Protocol::Kernel || self.metric == other.metric)
    }

    /// The gateways that have to resolve; what the kernel itself has is taken as it is.
    fn gateways(&self) -> impl Iterator<Item = Gateway> {
        let trusted = matches!(self.protocol, Protocol::Connected | Protocol::Kernel);
        self.next_hops.iter().filter_map(move |next_hop| match *next_hop {
            RouteNextHop::Gateway { address, interface } if !trusted => Some((address, interface)),
            _ => None,
        })
    }

    fn usable(&self, resolved: &HashSet<Gateway>) -> bool {
        let trusted = matches!(self.protocol, Protocol::Connected | Protocol::Kernel);
        self.next_hops.iter().any(|next_hop| match *next_hop {
            RouteNextHop::Gateway { address, interface } => trusted || resolved.contains(&(address, interface)),
            RouteNextHop::Connected { .. } | RouteNextHop::Blackhole | RouteNextHop::Reject => true,
        })
    }
}

/// A gateway, and the link where the route names one.
pub(crate) type Gateway = (IpAddr, Option<u32>);

#[derive(Debug, Default)]
struct Entry {
    /// Sorted: the best offer first.
    routes: Few<Route>,
    selected: Option<usize>,
    dirty: bool,
}

impl Entry {
    fn selected(&self) -> Option<&Route> {
        self.routes.as_slice().get(self.selected?)
    }
}

/// The routes of both families.
#[derive(Debug, Default)]
pub struct Rib {
    /// An entry without routes stays until its prefix was taken from `dirty`.
    entries: BTreeMap<Prefix, Entry>,
    lengths: LengthIndex,
    dirty: VecDeque<Prefix>,
    gateways: HashMap<Gateway, usize>,
    /// Gateways whose number of users came from or went to zero since the last `settle`.
    gateway_news: BTreeSet<Gateway>,
    resolved: HashSet<Gateway>,
    prefixes: usize,
}

impl Rib {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers a route; it takes the place of the one of the same source and distance. An offer that is there
    /// already keeps its `since`. A gateway that is new counts only after `settle`.
    pub fn set(&mut self, prefix: Prefix, route: Route) {
        let known = |old: &Route| route.replaces(old) && route.same_offer(old);
        if self.routes(prefix).iter().any(known) {
            return;
        }
        self.edit(prefix, |routes| {
            let mut kept: Vec<Route> = routes.iter().filter(|old| !route.replaces(old)).cloned().collect();
            kept.push(route);
            kept
        });
    }

    /// Takes a source's offer back: the one of a distance, or all.
    pub fn remove(&mut self, prefix: Prefix, protocol: Protocol, distance: Option<u8>) {
        let goes = |route: &Route| {
            route.protocol.same_source(protocol) && distance.is_none_or(|distance| distance == route.distance)
        };
        if self.routes(prefix).iter().any(goes) {
            self.edit(prefix, |routes| routes.iter().filter(|route| !goes(route)).cloned().collect());
        }
    }

    /// Replaces all that a source offers. What is unchanged keeps its `since` and makes nothing dirty; what
    /// changed gets `now`.
    pub fn replace_protocol(&mut self, protocol: Protocol, mut wanted: BTreeMap<Prefix, Vec<Route>>, now: Instant) {
        let offers = |route: &Route| route.protocol.same_source(protocol);
        let had = self.entries.iter().filter(|(_, entry)| entry.routes.as_slice().iter().any(offers));
        for prefix in had.map(|(prefix, _)| *prefix).collect::<Vec<_>>() {
            wanted.entry(prefix).or_default();
        }
        for (prefix, mut fresh) in wanted {
            fresh.sort_by(order);
            let old: Vec<&Route> = self.routes(prefix).iter().filter(|route| offers(route)).collect();
            if old.len() == fresh.len() && old.iter().zip(&fresh).all(|(old, fresh)| old.same_offer(fresh)) {
                continue;
            }
            for route in &mut fresh {
                let before = old.iter().find(|old| old.same_offer(route));
                route.since = before.map_or(now, |old| old.since);
            }
            self.edit(prefix, |routes| routes.iter().filter(|route| !offers(route)).cloned().chain(fresh).collect());
        }
    }

    /// All offers for a prefix, the best first.
    #[must_use]
    pub fn routes(&self, prefix: Prefix) -> &[Route] {
        self.entries.get(&prefix).map_or(&[], |entry| entry.routes.as_slice())
    }

    /// The offer that is used.
    #[must_use]
    pub fn selected(&self, prefix: Prefix) -> Option<&Route> {
        self.entries.get(&prefix)?.selected()
    }

    /// All prefixes with their offers in display order; `Rib::selected` tells which one is used.
    pub fn iter(&self) -> impl Iterator<Item = (Prefix, &[Route])> {
        let all = self.entries.iter().map(|(prefix, entry)| (*prefix, entry.routes.as_slice()));
        all.filter(|(_, routes)| !routes.is_empty())
    }

    /// All prefixes with the selected offer, in display order.
    pub fn iter_selected(&self) -> impl Iterator<Item = (Prefix, &Route)> {
        self.entries.iter().filter_map(|(prefix, entry)| Some((*prefix, entry.selected()?)))
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

    /// At most `limit` prefixes whose selected route, or the resolution of its next hops, changed.
    pub fn take_dirty(&mut self, limit: usize) -> Vec<Prefix> {
        let count = limit.min(self.dirty.len());
        let taken: Vec<Prefix> = self.dirty.drain(..count).collect();
        for prefix in &taken {
            if let Some(entry) = self.entries.get_mut(prefix) {
                entry.dirty = false;
                if entry.routes.is_empty() {
                    self.entries.remove(prefix);
                }
            }
        }
        taken
    }

    /// Looks up all next hops again and selects anew where that matters, until nothing changes: a route may
    /// resolve through another that has just come to life. Answers the addresses whose resolution differs from
    /// what it was before, for `BgpTable::next_hops_changed`. Call it after routes or the world changed.
    pub fn settle(&mut self, next_hops: &mut NextHops, world: &World) -> Vec<IpAddr> {
        let mut changed = BTreeSet::new();
        for _ in 0..SETTLE_ROUNDS {
            let named = self.report_gateways(next_hops);
            let round = next_hops.refresh(self, world);
            changed.extend(&round);
            if !self.select_again(next_hops, &round, &named) {
                break;
            }
        }
        changed.into_iter().collect()
    }

    /// Looks up only next hops that were tracked or named by a route since the last time; as `settle`, but cheap
    /// when neither the world nor a route that others resolve through changed.
    pub fn settle_new(&mut self, next_hops: &mut NextHops, world: &World) -> Vec<IpAddr> {
        let named = self.report_gateways(next_hops);
        let mut changed = next_hops.refresh_new(self, world);
        if self.select_again(next_hops, &changed, &named) {
            changed.extend(self.settle(next_hops, world));
            changed.sort_unstable();
            changed.dedup();
        }
        changed
    }

    /// Tells `next_hops` which gateways are named by routes now and which no longer; answers the former.
    fn report_gateways(&mut self, next_hops: &mut NextHops) -> Vec<IpAddr> {
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

    /// Selects anew for routes through gateways that are newly named or whose resolution changed; answers
    /// whether any route was selected, dropped or moved, so that others may resolve differently.
    fn select_again(&mut self, next_hops: &NextHops, changed: &[IpAddr], named: &[IpAddr]) -> bool {
        let changed: BTreeSet<IpAddr> = changed.iter().chain(named).copied().collect();
        let mut left: usize = 0;
        for (gateway, count) in self.gateways.iter().filter(|(gateway, _)| changed.contains(&gateway.0)) {
            left = left.saturating_add(*count);
            if next_hops.resolve_via(gateway.0, gateway.1).is_resolved() {
                self.resolved.insert(*gateway);
            } else {
                self.resolved.remove(gateway);
            }
        }
        let mut other_selection = false;
        for (prefix, entry) in &mut self.entries {
            if left == 0 {
                break;
            }
            let through = |gateway: &Gateway| changed.contains(&gateway.0);
            let routes = entry.routes.as_slice().iter();
            let found: usize = routes.map(|route| route.gateways().filter(through).count()).sum();
            left = left.saturating_sub(found);
            if found == 0 {
                continue;
            }
            let before = entry.selected;
            let touched = entry.selected().is_some_and(|route| route.gateways().any(|gateway| through(&gateway)));
            entry.selected = entry.routes.as_slice().iter().position(|route| route.usable(&self.resolved));
            other_selection |= before != entry.selected || touched;
            if (touched || before != entry.selected) && !std::mem::replace(&mut entry.dirty, true) {
                self.dirty.push_back(*prefix);
            }
        }
        other_selection
    }

    fn edit(&mut self, prefix: Prefix, change: impl FnOnce(&[Route]) -> Vec<Route>) {
        let entry = self.entries.entry(prefix).or_default();
        let mut routes = change(entry.routes.as_slice());
        routes.sort_by(order);
        // The new ones first, so that a gateway which stays does not count as news.
        for gateway in routes.iter().flat_map(Route::gateways) {
            count_gateway(&mut self.gateways, &mut self.gateway_news, gateway, true);
        }
        for gateway in entry.routes.as_slice().iter().flat_map(Route::gateways) {
            count_gateway(&mut self.gateways, &mut self.gateway_news, gateway, false);
        }
        match (entry.routes.is_empty(), routes.is_empty()) {
            (true, false) => {
                self.prefixes = self.prefixes.saturating_add(1);
                self.lengths.add(prefix);
            }
            (false, true) => {
                self.prefixes = self.prefixes.saturating_sub(1);
                self.lengths.remove(prefix);
            }
            _ => {}
        }
        let selected = routes.iter().position(|route| route.usable(&self.resolved));
        let fresh = selected.and_then(|place| routes.get(place));
        let same = match (entry.selected(), fresh) {
            (Some(before), Some(now)) => before.same_offer(now),
            (None, None) => true,
            _ => false,
        };
        entry.routes = Few::from(routes);
        entry.selected = selected;
        if !same && !std::mem::replace(&mut entry.dirty, true) {
            self.dirty.push_back(prefix);
        }
        if entry.routes.is_empty() && !entry.dirty {
            self.entries.remove(&prefix);
        }
    }
}

fn order(a: &Route, b: &Route) -> std::cmp::Ordering {
    (a.distance, a.metric, a.protocol).cmp(&(b.distance, b.metric, b.protocol))
}

fn count_gateway(counts: &mut HashMap<Gateway, usize>, news: &mut BTreeSet<Gateway>, gateway: Gateway, more: bool) {
    let count = counts.entry(gateway).or_default();
    let edge = if more { *count == 0 } else { *count == 1 };
    *count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
    if edge {
        news.insert(gateway);
    }
}

#[cfg(test)]
mod tests;
