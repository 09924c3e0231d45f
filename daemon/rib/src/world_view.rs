//! The world as it stands: links, addresses and foreign routes, kept up to date event by event.
//!
//! The kernel is silent about some of what it drops (IPv4 routes of a link that goes down, or that loses its
//! last IPv4 address), so this view drops them too. Never asks the kernel and never decides about a route.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

use nouns::{Family, Prefix};

use crate::routes::{Protocol, Route, RouteNextHop};
use crate::world::{ForeignRoute, Leg, Link, LinkAddress, Snapshot, WorldEvent};

/// `rtm_protocol` of routes that the kernel made by itself, such as connected networks.
const RTPROT_KERNEL: u8 = 2;

/// Links, addresses and foreign routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    links: BTreeMap<u32, Link>,
    addresses: BTreeSet<LinkAddress>,
    /// Addresses of the router with the number of links that have them.
    local: BTreeMap<IpAddr, usize>,
    foreign: BTreeSet<ForeignRoute>,
}

impl World {
    /// An empty world.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a fresh snapshot in place of everything; the answer is whether anything differs.
    pub fn reset(&mut self, snapshot: &Snapshot) -> bool {
        let mut fresh = Self::default();
        fresh.links.extend(snapshot.links.iter().map(|link| (link.index, link.clone())));
        for address in &snapshot.addresses {
            fresh.add_address(*address);
        }
        fresh.foreign.extend(snapshot.routes.iter().map(sorted));
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

    /// A link by its index.
    #[must_use]
    pub fn link(&self, ifindex: u32) -> Option<&Link> {
        self.links.get(&ifindex)
    }

    /// A link by its name.
    #[must_use]
    pub fn link_by_name(&self, name: &str) -> Option<&Link> {
        self.links.values().find(|link| link.name.as_str() == name)
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
        self.addresses.iter().filter(move |address| address.ifindex == ifindex)
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

    /// Networks on usable links, sorted and unique. Loopback networks (127.0.0.0/8, ::1) and link-local ones are
    /// left out: nothing is routed to them.
    #[must_use]
    pub fn connected(&self) -> Vec<(Prefix, u32)> {
        let usable = self.addresses.iter().filter(|address| self.link_usable(address.ifindex));
        let networks = usable.map(|address| (network(address), address.ifindex));
        let routed = networks.filter(|(prefix, _)| !prefix.address().is_loopback() && !is_link_local(prefix.address()));
        routed.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The connected networks as routes, for `Rib::replace_protocol`.
    #[must_use]
    pub fn connected_routes(&self, now: Instant) -> BTreeMap<Prefix, Vec<Route>> {
        let mut routes: BTreeMap<Prefix, Vec<Route>> = BTreeMap::new();
        for (prefix, ifindex) in self.connected() {
            let next_hop = RouteNextHop::Connected { ifindex };
            match routes.entry(prefix).or_default().first_mut() {
                Some(route) => route.next_hops.push(next_hop),
                None => {
                    let route = Route::new(Protocol::Connected, 0, 0, vec![next_hop], now);
                    routes.insert(prefix, vec![route]);
                }
            }
        }
        routes
    }

    /// The foreign routes as routes, for `Rib::replace_protocol`: without the connected networks, link-local and
    /// multicast destinations, and without legs through links that are down.
    #[must_use]
    pub fn kernel_routes(&self, now: Instant) -> BTreeMap<Prefix, Vec<Route>> {
        let connected: BTreeSet<(Prefix, u32)> = self.connected().into_iter().collect();
        let mut routes: BTreeMap<Prefix, Vec<Route>> = BTreeMap::new();
        for foreign in &self.foreign {
            let address = foreign.prefix.address();
            let own = foreign.protocol == RTPROT_KERNEL
                && foreign
                    .legs
                    .iter()
                    .all(|leg| leg.gateway.is_none() && connected.contains(&(foreign.prefix, leg.ifindex)))
                && !foreign.legs.is_empty();
            if own || is_link_local(address) || address.is_multicast() || address.is_loopback() {
                continue;
            }
            let usable = foreign.legs.iter().filter(|leg| self.link_usable(leg.ifindex));
            let mut next_hops: Vec<RouteNextHop> = usable.map(|leg| RouteNextHop::from(*leg)).collect();
            if foreign.legs.is_empty() {
                next_hops.push(RouteNextHop::Blackhole);
            }
            if !next_hops.is_empty() {
                let route = Route::new(Protocol::Kernel, 0, foreign.metric, next_hops, now);
                routes.entry(foreign.prefix).or_default().push(route);
            }
        }
        routes
    }

    /// The network of a link, usable or not, which holds the address: the longest one.
    #[must_use]
    pub fn network_towards(&self, address: IpAddr) -> Option<&LinkAddress> {
        let holding = self.addresses.iter().filter(|candidate| network(candidate).contains(address));
        holding.max_by_key(|candidate| (self.link_usable(candidate.ifindex), network(candidate).length()))
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
        if !link.admin_up && old.as_ref().is_none_or(|old| old.admin_up) {
            self.drop_silently_lost(link.index);
        }
        old.as_ref() != Some(link)
    }

    fn remove_link(&mut self, index: u32) -> bool {
        let known = self.links.remove(&index).is_some();
        let addresses: Vec<LinkAddress> = self.addresses_of(index).copied().collect();
        for address in &addresses {
            self.remove_address(*address);
        }
        let legs_lost = self.drop_legs(|route| !route.legs.is_empty(), index);
        known || legs_lost || !addresses.is_empty()
    }

    fn add_address(&mut self, address: LinkAddress) -> bool {
        let new = self.addresses.insert(address);
        if new {
            let count = self.local.entry(address.address.address()).or_default();
            *count = count.saturating_add(1);
        }
        new
    }

    fn remove_address(&mut self, address: LinkAddress) -> bool {
        if !self.addresses.remove(&address) {
            return false;
        }
        let own = address.address.address();
        if let Some(count) = self.local.get_mut(&own) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.local.remove(&own);
            }
        }
        if own.is_ipv4() && !self.addresses_of(address.ifindex).any(|left| left.address.address().is_ipv4()) {
            self.drop_silently_lost(address.ifindex);
        }
        true
    }

    /// IPv4 routes through the link went without a notification (`fib_sync_down_dev`, `fib_disable_ip`).
    fn drop_silently_lost(&mut self, ifindex: u32) {
        self.drop_legs(|route| route.prefix.family() == Family::Ipv4Unicast, ifindex);
    }

    fn drop_legs(&mut self, concerned: impl Fn(&ForeignRoute) -> bool, ifindex: u32) -> bool {
        let through = |route: &&ForeignRoute| concerned(route) && route.legs.iter().any(|leg| leg.ifindex == ifindex);
        let hit: Vec<ForeignRoute> = self.foreign.iter().filter(through).cloned().collect();
        for mut route in hit.iter().cloned() {
            self.foreign.remove(&route);
            route.legs.retain(|leg| leg.ifindex != ifindex);
            if !route.legs.is_empty() {
                self.foreign.insert(route);
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
            self.foreign.remove(twin);
        }
        self.foreign.insert(route)
    }

    fn remove_route(&mut self, route: &ForeignRoute) -> bool {
        let route = sorted(route);
        if self.foreign.remove(&route) {
            return true;
        }
        let holds = |twin: &&ForeignRoute| {
            twin.protocol == route.protocol && route.legs.iter().all(|leg| twin.legs.contains(leg))
        };
        let Some(mut twin) = self.twins(&route).find(holds).cloned() else { return false };
        self.foreign.remove(&twin);
        twin.legs.retain(|leg| !route.legs.contains(leg));
        let emptied = twin.legs.is_empty() || route.legs.is_empty();
        if !emptied {
            self.foreign.insert(twin);
        }
        true
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
