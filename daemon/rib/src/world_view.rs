//! The world as it stands: links, addresses and foreign routes, kept up to date event by event.
//!
//! The kernel is silent about some of what it drops (IPv4 routes of a link that goes down, or that loses its
//! last IPv4 address), so this view drops them too. Never asks the kernel and never decides about a route.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use nouns::{Family, InterfaceAddress, Prefix};

use crate::length_index::LengthIndex;
use crate::routes::{Protocol, Route, RouteNextHop};
use crate::world::{ForeignRoute, Leg, Link, LinkAddress, Snapshot, WorldEvent};

/// `rtm_protocol` of routes that the kernel made by itself, such as connected networks.
const RTPROT_KERNEL: u8 = 2;

/// What changed that may matter to a route; links and addresses that nothing leads through are among it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Links that came, went, got another name, or became usable or unusable.
    pub links: BTreeSet<u32>,
    /// Networks of links, and destinations of foreign routes, that came, went, or lead elsewhere.
    pub networks: BTreeSet<Prefix>,
    /// Addresses that became the router's own, or are no longer.
    pub own: BTreeSet<IpAddr>,
}

impl News {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty() && self.networks.is_empty() && self.own.is_empty()
    }
}

/// Links, addresses and foreign routes.
#[derive(Clone, Debug, Default)]
pub struct World {
    links: BTreeMap<u32, Link>,
    by_name: BTreeMap<Box<str>, u32>,
    addresses: BTreeSet<LinkAddress>,
    /// The addresses of each network.
    networks: BTreeMap<Prefix, BTreeSet<LinkAddress>>,
    lengths: LengthIndex,
    /// Addresses of the router with the number of links that have them.
    local: BTreeMap<IpAddr, usize>,
    foreign: BTreeSet<ForeignRoute>,
    /// How many foreign routes leave through a link.
    routes_over: BTreeMap<u32, usize>,
    news: News,
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        self.links == other.links && self.addresses == other.addresses && self.foreign == other.foreign
    }
}

impl Eq for World {}

impl World {
    /// An empty world.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a fresh snapshot in place of everything; the answer is whether anything differs. What differs is not
    /// among the news: everything has to be looked at.
    pub fn reset(&mut self, snapshot: &Snapshot) -> bool {
        let mut fresh = Self::default();
        for link in &snapshot.links {
            fresh.name_link(link);
            fresh.links.insert(link.index, link.clone());
        }
        for address in &snapshot.addresses {
            fresh.add_address(*address);
        }
        for route in &snapshot.routes {
            fresh.put(sorted(route));
        }
        fresh.news = News::default();
        let changed = *self != fresh;
        *self = fresh;
        changed
    }

    /// Takes one event in; the answer is whether anything differs. Events about our own routes change nothing here.
    pub fn apply(&mut self, event: &WorldEvent) -> bool {
        match event {
            WorldEvent::Link(link) => self.set_link(link),
            WorldEvent::LinkGone(index) => self.remove_link(*index),
            WorldEvent::Address(address) => self.add_address(*address),
            WorldEvent::AddressGone(address) => self.remove_address(*address),
            WorldEvent::Route(route) => self.add_route(route),
            WorldEvent::RouteGone(route) => self.remove_route(route),
            WorldEvent::OurRouteLost(_) | WorldEvent::OurNextHopLost(_) | WorldEvent::Overrun => false,
        }
    }

    /// What changed since it was asked for last.
    pub fn take_news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }

    /// Whether anything changed since `take_news`.
    #[must_use]
    pub fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// A link by its index.
    #[must_use]
    pub fn link(&self, ifindex: u32) -> Option<&Link> {
        self.links.get(&ifindex)
    }

    /// A link by its name.
    #[must_use]
    pub fn link_by_name(&self, name: &str) -> Option<&Link> {
        self.link(*self.by_name.get(name)?)
    }

    /// All links by index.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.values()
    }

    /// The name of a link, or `if7` when it is gone.
    #[must_use]
    pub fn link_name(&self, ifindex: u32) -> String {
        self.link(ifindex).map_or_else(|| format!("if{ifindex}"), |link| link.name.to_string())
    }

    /// Whether packets can leave through a link.
    #[must_use]
    pub fn link_usable(&self, ifindex: u32) -> bool {
        self.link(ifindex).is_some_and(Link::usable)
    }

    /// All addresses, by link.
    pub fn addresses(&self) -> impl Iterator<Item = &LinkAddress> {
        self.addresses.iter()
    }

    /// The addresses of one link.
    pub fn addresses_of(&self, ifindex: u32) -> impl Iterator<Item = &LinkAddress> {
        of_link(&self.addresses, ifindex)
    }

    /// The routes of others, as the kernel tells them.
    pub fn foreign_routes(&self) -> impl Iterator<Item = &ForeignRoute> {
        self.foreign.iter()
    }

    /// Whether the address is one of the router's own, whatever the state of its link.
    #[must_use]
    pub fn is_local(&self, address: IpAddr) -> bool {
        self.local.contains_key(&address)
    }

    /// The connected networks as routes, for `Rib::replace_protocol`.
    #[must_use]
    pub fn connected_routes(&self) -> BTreeMap<Prefix, Vec<Route>> {
        let all = self.networks.keys().map(|network| (*network, self.connected_route(*network)));
        all.filter(|(_, route)| !route.is_empty()).collect()
    }

    /// The route to a network on usable links, if it is one. Loopback networks (127.0.0.0/8, ::1) and link-local
    /// ones are left out: nothing is routed to them.
    #[must_use]
    pub fn connected_route(&self, network: Prefix) -> Vec<Route> {
        let next_hops: BTreeSet<RouteNextHop> =
            self.connected_to(network).map(|ifindex| RouteNextHop::Connected { ifindex }).collect();
        if next_hops.is_empty() {
            return Vec::new();
        }
        vec![Route::new(Protocol::Connected, 0, 0, next_hops.into_iter().collect())]
    }

    /// The usable links that a network is on, if it is one that routes lead to.
    fn connected_to(&self, network: Prefix) -> impl Iterator<Item = u32> {
        let there = self.networks.get(&network).filter(|_| is_routed(network));
        there.into_iter().flatten().map(|address| address.ifindex).filter(|ifindex| self.link_usable(*ifindex))
    }

    /// The foreign routes as routes, for `Rib::replace_protocol`: without the connected networks, link-local and
    /// multicast destinations, and without legs through links that are down.
    #[must_use]
    pub fn kernel_routes(&self) -> BTreeMap<Prefix, Vec<Route>> {
        let mut routes: BTreeMap<Prefix, Vec<Route>> = BTreeMap::new();
        for foreign in &self.foreign {
            if let Some(route) = self.kernel_route(foreign) {
                routes.entry(foreign.prefix).or_default().push(route);
            }
        }
        routes
    }

    /// The foreign routes to one destination, as `kernel_routes` tells them.
    #[must_use]
    pub fn kernel_routes_to(&self, prefix: Prefix) -> Vec<Route> {
        let first = ForeignRoute { prefix, metric: 0, protocol: 0, legs: Vec::new() };
        let there = self.foreign.range(first..).take_while(|foreign| foreign.prefix == prefix);
        there.filter_map(|foreign| self.kernel_route(foreign)).collect()
    }

    fn kernel_route(&self, foreign: &ForeignRoute) -> Option<Route> {
        let on_network =
            |leg: &Leg| leg.gateway.is_none() && self.connected_to(foreign.prefix).any(|on| on == leg.ifindex);
        let own = foreign.protocol == RTPROT_KERNEL && !foreign.legs.is_empty() && foreign.legs.iter().all(on_network);
        if own || !is_routed(foreign.prefix) {
            return None;
        }
        let usable = foreign.legs.iter().filter(|leg| self.link_usable(leg.ifindex));
        let mut next_hops: Vec<RouteNextHop> = usable.map(|leg| RouteNextHop::from(*leg)).collect();
        if foreign.legs.is_empty() {
            next_hops.push(RouteNextHop::Blackhole);
        }
        (!next_hops.is_empty()).then(|| Route::new(Protocol::Kernel, 0, foreign.metric, next_hops))
    }

    /// The network of a link, usable or not, which holds the address: on a usable one where there is any, then the
    /// longest.
    #[must_use]
    pub fn network_towards(&self, address: IpAddr) -> Option<&LinkAddress> {
        let mut unusable = None;
        for network in self.lengths.prefixes_of(address) {
            let Some(there) = self.networks.get(&network) else { continue };
            let usable = there.iter().rev().find(|address| self.link_usable(address.ifindex));
            if usable.is_some() {
                return usable;
            }
            unusable = unusable.or_else(|| there.last());
        }
        unusable
    }

    /// Our own address on the link towards a directly connected address: what a neighbor there can use as a next
    /// hop.
    #[must_use]
    pub fn address_on_link_towards(&self, address: IpAddr) -> Option<IpAddr> {
        let towards = self.network_towards(address)?;
        self.link_usable(towards.ifindex).then(|| towards.address.address())
    }

    /// Our address of a family on a link, global before link-local, lowest first: for a next hop of the other
    /// family than the session's (RFC 4760 §3).
    #[must_use]
    pub fn address_of_link(&self, ifindex: u32, family: Family) -> Option<IpAddr> {
        let of_family = self.addresses_of(ifindex).map(|address| address.address.address());
        let of_family = of_family.filter(|address| Family::of(*address) == family);
        of_family.min_by_key(|address| (is_link_local(*address), *address))
    }

    /// Our link-local IPv6 address on a link, for the second next hop of RFC 2545.
    #[must_use]
    pub fn link_local_of(&self, ifindex: u32) -> Option<IpAddr> {
        self.addresses_of(ifindex).map(|address| address.address.address()).find(|address| is_link_local(*address))
    }

    fn set_link(&mut self, link: &Link) -> bool {
        let old = self.links.insert(link.index, link.clone());
        if old.as_ref() == Some(link) {
            return false;
        }
        let usable = |link: &Link| link.usable();
        if old.as_ref().is_none_or(|old| old.name != link.name) {
            if let Some(old) = &old {
                self.forget_name(old);
            }
            self.name_link(link);
            self.news.links.insert(link.index);
        }
        if old.as_ref().is_some_and(usable) != link.usable() {
            self.news.links.insert(link.index);
            self.tell_of_link(link.index);
        }
        if !link.admin_up && old.is_none_or(|old| old.admin_up) {
            self.drop_silently_lost(link.index);
        }
        true
    }

    fn remove_link(&mut self, index: u32) -> bool {
        let gone = self.links.remove(&index);
        if let Some(gone) = &gone {
            self.forget_name(gone);
            self.news.links.insert(index);
        }
        let addresses: Vec<LinkAddress> = self.addresses_of(index).copied().collect();
        for address in &addresses {
            self.remove_address(*address);
        }
        let legs_lost = self.drop_legs(|route| !route.legs.is_empty(), index);
        gone.is_some() || legs_lost || !addresses.is_empty()
    }

    fn name_link(&mut self, link: &Link) {
        self.by_name.insert(link.name.as_str().into(), link.index);
    }

    fn forget_name(&mut self, link: &Link) {
        if self.by_name.get(link.name.as_str()) == Some(&link.index) {
            self.by_name.remove(link.name.as_str());
        }
    }

    /// What leads through a link may be usable now, or no longer.
    fn tell_of_link(&mut self, index: u32) {
        let there = of_link(&self.addresses, index);
        self.news.networks.extend(there.map(network).filter(|network| is_routed(*network)));
        if self.routes_over.contains_key(&index) {
            let through = self.foreign.iter().filter(|route| route.legs.iter().any(|leg| leg.ifindex == index));
            self.news.networks.extend(through.map(|route| route.prefix));
        }
    }

    fn add_address(&mut self, address: LinkAddress) -> bool {
        let new = self.addresses.insert(address);
        if new {
            let network = network(&address);
            self.networks.entry(network).or_insert_with(|| {
                self.lengths.add(network);
                BTreeSet::new()
            });
            if let Some(there) = self.networks.get_mut(&network) {
                there.insert(address);
            }
            let count = self.local.entry(address.address.address()).or_default();
            *count = count.saturating_add(1);
            self.tell_of_address(address, network);
        }
        new
    }

    fn remove_address(&mut self, address: LinkAddress) -> bool {
        if !self.addresses.remove(&address) {
            return false;
        }
        let network = network(&address);
        if let Some(there) = self.networks.get_mut(&network) {
            there.remove(&address);
            if there.is_empty() {
                self.networks.remove(&network);
                self.lengths.remove(network);
            }
        }
        let own = address.address.address();
        if let Some(count) = self.local.get_mut(&own) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.local.remove(&own);
            }
        }
        self.tell_of_address(address, network);
        if own.is_ipv4() && !self.addresses_of(address.ifindex).any(|left| left.address.address().is_ipv4()) {
            self.drop_silently_lost(address.ifindex);
        }
        true
    }

    fn tell_of_address(&mut self, address: LinkAddress, network: Prefix) {
        self.news.own.insert(address.address.address());
        if is_routed(network) {
            self.news.networks.insert(network);
        } else {
            // Neighbors on the link's other networks are told of its link-local address.
            self.tell_of_link(address.ifindex);
        }
    }

    /// IPv4 routes through the link went without a notification (`fib_sync_down_dev`, `fib_disable_ip`).
    fn drop_silently_lost(&mut self, ifindex: u32) {
        self.drop_legs(|route| route.prefix.family() == Family::Ipv4Unicast, ifindex);
    }

    fn drop_legs(&mut self, concerned: impl Fn(&ForeignRoute) -> bool, ifindex: u32) -> bool {
        if !self.routes_over.contains_key(&ifindex) {
            return false;
        }
        let through = |route: &&ForeignRoute| concerned(route) && route.legs.iter().any(|leg| leg.ifindex == ifindex);
        let hit: Vec<ForeignRoute> = self.foreign.iter().filter(through).cloned().collect();
        for mut route in hit.iter().cloned() {
            self.take(&route);
            route.legs.retain(|leg| leg.ifindex != ifindex);
            if !route.legs.is_empty() {
                self.put(route);
            }
        }
        !hit.is_empty()
    }

    /// An IPv4 route replaces the one of its prefix and metric. An IPv6 route stands beside the others unless it
    /// has their protocol and holds their legs, or they hold its legs: then it is a route whose legs changed.
    fn add_route(&mut self, route: &ForeignRoute) -> bool {
        let route = sorted(route);
        if self.foreign.contains(&route) {
            return false;
        }
        let replaced: Vec<ForeignRoute> = self.twins(&route).filter(|twin| replaces(&route, twin)).cloned().collect();
        for twin in &replaced {
            self.take(twin);
        }
        self.put(route)
    }

    fn remove_route(&mut self, route: &ForeignRoute) -> bool {
        let route = sorted(route);
        if self.take(&route) {
            return true;
        }
        let holds = |twin: &&ForeignRoute| {
            twin.protocol == route.protocol && route.legs.iter().all(|leg| twin.legs.contains(leg))
        };
        let Some(mut twin) = self.twins(&route).find(holds).cloned() else { return false };
        self.take(&twin);
        twin.legs.retain(|leg| !route.legs.contains(leg));
        let emptied = twin.legs.is_empty() || route.legs.is_empty();
        if !emptied {
            self.put(twin);
        }
        true
    }

    fn put(&mut self, route: ForeignRoute) -> bool {
        if self.foreign.contains(&route) {
            return false;
        }
        for link in links_of(&route) {
            let count = self.routes_over.entry(link).or_default();
            *count = count.saturating_add(1);
        }
        self.tell_of_route(&route);
        self.foreign.insert(route)
    }

    fn take(&mut self, route: &ForeignRoute) -> bool {
        if !self.foreign.remove(route) {
            return false;
        }
        for link in links_of(route) {
            let Some(count) = self.routes_over.get_mut(&link) else { continue };
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.routes_over.remove(&link);
            }
        }
        self.tell_of_route(route);
        true
    }

    fn tell_of_route(&mut self, route: &ForeignRoute) {
        if is_routed(route.prefix) {
            self.news.networks.insert(route.prefix);
        }
    }

    /// Routes with the prefix and metric of the given one.
    fn twins<'a>(&'a self, route: &ForeignRoute) -> impl Iterator<Item = &'a ForeignRoute> + use<'a> {
        let (prefix, metric) = (route.prefix, route.metric);
        let first = ForeignRoute { prefix, metric, protocol: 0, legs: Vec::new() };
        self.foreign.range(first..).take_while(move |twin| (twin.prefix, twin.metric) == (prefix, metric))
    }
}

/// Whether the address means something only with a link beside it: fe80::/10. (169.254.0.0/16 serves as ordinary
/// transfer network between routers, so it is not counted.)
#[must_use]
pub fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

/// Whether routes lead to it at all: not to a loopback, a link-local or a multicast network.
fn is_routed(network: Prefix) -> bool {
    let address = network.address();
    !address.is_loopback() && !address.is_multicast() && !is_link_local(address)
}

/// The addresses of one link, out of all.
fn of_link(addresses: &BTreeSet<LinkAddress>, ifindex: u32) -> impl Iterator<Item = &LinkAddress> {
    let least = InterfaceAddress::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0).ok();
    let first = least.map(|address| LinkAddress { ifindex, address, peer: None });
    let from = first.into_iter().flat_map(move |first| addresses.range(first..));
    from.take_while(move |address| address.ifindex == ifindex)
}

/// The links of a route, each once.
fn links_of(route: &ForeignRoute) -> BTreeSet<u32> {
    route.legs.iter().map(|leg| leg.ifindex).collect()
}

/// The network that an address makes reachable: its own, or the far end of a point-to-point link.
fn network(address: &LinkAddress) -> Prefix {
    match address.peer {
        Some(peer) => Prefix::masked_or_host(peer, address.address.length()),
        None => address.address.network(),
    }
}

fn sorted(route: &ForeignRoute) -> ForeignRoute {
    let mut route = route.clone();
    route.legs.sort_unstable();
    route.legs.dedup();
    route
}

fn replaces(new: &ForeignRoute, old: &ForeignRoute) -> bool {
    let within = |inner: &[Leg], outer: &[Leg]| inner.iter().all(|leg| outer.contains(leg));
    new.prefix.family() == Family::Ipv4Unicast
        || (new.protocol == old.protocol && (within(&old.legs, &new.legs) || within(&new.legs, &old.legs)))
}

#[cfg(test)]
mod tests;
