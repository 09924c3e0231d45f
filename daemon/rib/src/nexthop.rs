//! Next hops: which legs lead to an address, and in words why none does.
//!
//! Resolution is recursive (RFC 4271 §5.1.3): through connected, foreign, static and BGP routes, never through
//! a default route, and never through a route that itself leads through the address. Answers are kept until
//! `refresh`, which tells what changed. Never selects a route and never asks the kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use nouns::{Family, Prefix};

use crate::routes::{Gateway, Protocol, Rib, Route, RouteNextHop};
use crate::world::Leg;
use crate::world_view::{News, World, is_link_local};

/// Routes that may stand one upon the other.
const DEPTH: usize = 8;

/// The answer before the first look-up.
static NOT_LOOKED_UP: Resolution = Resolution::Unresolved(Unresolvable::NotLookedUp);

/// What is known of a next hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Packets can be sent to it.
    Resolved {
        /// The ways out: sorted and unique, never empty.
        legs: Vec<Leg>,
        /// The route that leads to it.
        via: Prefix,
        /// Where that route comes from.
        protocol: Protocol,
        /// That route's metric: the cost of the next hop in the decision.
        metric: u32,
    },
    /// Packets cannot be sent to it.
    Unresolved(Unresolvable),
}

impl Resolution {
    /// Whether packets can be sent there.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        matches!(self, Self::Resolved { .. })
    }

    /// The legs, none when it does not resolve.
    #[must_use]
    pub fn legs(&self) -> &[Leg] {
        match self {
            Self::Resolved { legs, .. } => legs,
            Self::Unresolved(_) => &[],
        }
    }
}

/// Why a next hop cannot be used; the text follows `next hop`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolvable {
    /// Nobody tracks the address, or `refresh` has not come by since.
    #[error("not looked up yet")]
    NotLookedUp,
    /// No route holds the address.
    #[error("no route to {0}")]
    NoRoute(IpAddr),
    /// Only a default route holds it, which is not good enough.
    #[error("only the default route leads to {0}")]
    OnlyDefault(IpAddr),
    /// `::ffff:a.b.c.d`, as speakers send it that carry IPv6 over an IPv4 session.
    #[error("{0} is an IPv4-mapped address, no forwarding entry can use it")]
    Mapped(IpAddr),
    /// One of our own addresses.
    #[error("{0} is an address of this router")]
    Local(IpAddr),
    /// The network is on a link that is down or gone.
    #[error("link {0} is down")]
    LinkDown(String),
    /// Multicast, broadcast, loopback or unspecified.
    #[error("{0} is not a unicast address of a neighbor")]
    NotUnicast(IpAddr),
    /// A link-local address without a link.
    #[error("link-local address {0} needs an interface")]
    NeedsInterface(IpAddr),
    /// A gateway that the named link does not reach directly.
    #[error("{address} is not on link {link}")]
    NotOnLink {
        /// The gateway.
        address: IpAddr,
        /// The link's name.
        link: String,
    },
    /// A blackhole route holds it.
    #[error("{address} falls into blackhole route {route}")]
    Blackhole {
        /// The next hop.
        address: IpAddr,
        /// The route.
        route: Prefix,
    },
    /// The only routes that hold it lead through it.
    #[error("the routes to {0} lead through itself")]
    Loop(IpAddr),
    /// More than eight routes, one upon the other.
    #[error("more than {DEPTH} routes stand one upon the other on the way to {0}")]
    TooDeep(IpAddr),
}

#[derive(Debug)]
struct Tracked {
    resolution: Resolution,
    /// How often `track` was called without `untrack`.
    uses: usize,
    /// Whether a route of the main table names it.
    routed: bool,
}

/// Next hops in use, with what is known of each.
#[derive(Debug, Default)]
pub struct NextHops {
    tracked: BTreeMap<Gateway, Tracked>,
    fresh: BTreeSet<Gateway>,
    /// How many gateways are tracked on a link.
    on_links: BTreeMap<u32, usize>,
    /// The world changed in a way that may matter to one of them.
    touched: bool,
}

impl NextHops {
    /// No next hop is tracked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the address resolved from the next `refresh` on; each call needs its `untrack`.
    pub fn track(&mut self, address: IpAddr) {
        self.track_key((address, None));
    }

    /// Ends one `track`.
    pub fn untrack(&mut self, address: IpAddr) {
        self.untrack_key((address, None));
    }

    /// As `track`, for an address on one link: link-local next hops, whose link the session knows.
    pub fn track_on(&mut self, address: IpAddr, ifindex: u32) {
        self.track_key((address, Some(ifindex)));
        self.freshen_bare(address);
    }

    /// Ends one `track_on`.
    pub fn untrack_on(&mut self, address: IpAddr, ifindex: u32) {
        self.untrack_key((address, Some(ifindex)));
        self.freshen_bare(address);
    }

    /// What is known of an address. A link-local one answers when it is tracked on exactly one link.
    #[must_use]
    pub fn resolve(&self, address: IpAddr) -> &Resolution {
        self.resolve_via(address, None)
    }

    /// What is known of an address on a link.
    #[must_use]
    pub fn resolve_on(&self, address: IpAddr, ifindex: u32) -> &Resolution {
        self.resolve_via(address, Some(ifindex))
    }

    /// What is known of an address, on a link where one is named.
    #[must_use]
    pub fn resolve_via(&self, address: IpAddr, interface: Option<u32>) -> &Resolution {
        self.tracked.get(&(address, interface)).map_or(&NOT_LOOKED_UP, |tracked| &tracked.resolution)
    }

    /// All that is tracked, sorted, for `show`.
    pub fn iter(&self) -> impl Iterator<Item = (IpAddr, Option<u32>, &Resolution)> {
        self.tracked.iter().map(|(key, tracked)| (key.0, key.1, &tracked.resolution))
    }

    /// The world changed: where that may matter to an address that is tracked, all are looked up anew by the next
    /// `Rib::settle_new`. Routes that changed are known to the table itself. Answers whether it may matter.
    pub fn touch(&mut self, news: &News) -> bool {
        let touches = news.links.iter().any(|link| self.on_links.contains_key(link))
            || news.networks.iter().any(|network| self.has_within(*network))
            || news.own.iter().any(|own| self.has_within(Prefix::host(*own)));
        self.touched |= touches;
        touches
    }

    /// As `touch`, where nobody knows what changed.
    pub fn touch_all(&mut self) {
        self.touched = true;
    }

    pub(crate) fn is_touched(&self) -> bool {
        self.touched
    }

    /// Whether an address within the prefix is tracked.
    pub(crate) fn has_within(&self, prefix: Prefix) -> bool {
        let first = self.tracked.range((prefix.address(), None)..).next();
        first.is_some_and(|((address, _), _)| prefix.contains(*address))
    }

    /// Looks everything up anew; answers the addresses whose resolution changed, sorted and unique.
    /// `Rib::settle` calls this as often as routes depend on each other.
    pub fn refresh(&mut self, rib: &Rib, world: &World) -> Vec<IpAddr> {
        let keys: Vec<Gateway> = self.tracked.keys().copied().collect();
        self.fresh.clear();
        self.touched = false;
        self.look_up(keys, rib, world)
    }

    /// Looks up only what was tracked since the last time.
    pub fn refresh_new(&mut self, rib: &Rib, world: &World) -> Vec<IpAddr> {
        let keys: Vec<Gateway> = std::mem::take(&mut self.fresh).into_iter().collect();
        self.look_up(keys, rib, world)
    }

    /// A route of the main table names the gateway, or none does any longer.
    pub(crate) fn set_routed(&mut self, key: Gateway, routed: bool) {
        if routed {
            self.entry(key).routed = true;
        } else if let Some(tracked) = self.tracked.get_mut(&key) {
            tracked.routed = false;
        }
        self.forget_unused(key);
    }

    fn look_up(&mut self, keys: Vec<Gateway>, rib: &Rib, world: &World) -> Vec<IpAddr> {
        let mut changed = Vec::new();
        for key in keys {
            let link = key.1.or_else(|| self.only_link_of(key.0));
            let resolution = resolution(key.0, link, rib, world);
            if let Some(tracked) = self.tracked.get_mut(&key)
                && tracked.resolution != resolution
            {
                tracked.resolution = resolution;
                changed.push(key.0);
            }
        }
        changed.dedup();
        changed
    }

    /// The link of a link-local address that is tracked on one link only.
    fn only_link_of(&self, address: IpAddr) -> Option<u32> {
        if !is_link_local(address) {
            return None;
        }
        let mut links = self.tracked.range((address, Some(0))..=(address, Some(u32::MAX))).map(|(key, _)| key.1);
        match (links.next(), links.next()) {
            (Some(link), None) => link,
            _ => None,
        }
    }

    fn freshen_bare(&mut self, address: IpAddr) {
        if self.tracked.contains_key(&(address, None)) {
            self.fresh.insert((address, None));
        }
    }

    fn track_key(&mut self, key: Gateway) {
        let tracked = self.entry(key);
        tracked.uses = tracked.uses.saturating_add(1);
    }

    fn untrack_key(&mut self, key: Gateway) {
        if let Some(tracked) = self.tracked.get_mut(&key) {
            tracked.uses = tracked.uses.saturating_sub(1);
        }
        self.forget_unused(key);
    }

    fn entry(&mut self, key: Gateway) -> &mut Tracked {
        self.tracked.entry(key).or_insert_with(|| {
            self.fresh.insert(key);
            if let Some(link) = key.1 {
                let count = self.on_links.entry(link).or_default();
                *count = count.saturating_add(1);
            }
            Tracked { resolution: NOT_LOOKED_UP.clone(), uses: 0, routed: false }
        })
    }

    fn forget_unused(&mut self, key: Gateway) {
        if self.tracked.get(&key).is_some_and(|tracked| tracked.uses == 0 && !tracked.routed) {
            self.tracked.remove(&key);
            self.fresh.remove(&key);
            if let Some(link) = key.1
                && let Some(count) = self.on_links.get_mut(&link)
            {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.on_links.remove(&link);
                }
            }
        }
    }
}

/// Looks an address up: pure, for `refresh` and for anybody who wants to know without tracking.
#[must_use]
pub fn resolution(address: IpAddr, interface: Option<u32>, rib: &Rib, world: &World) -> Resolution {
    if let Some(why) = unsuitable(address, interface, world) {
        return Resolution::Unresolved(why);
    }
    match interface {
        Some(ifindex) => on_link(address, ifindex, rib, world),
        None if is_link_local(address) => Resolution::Unresolved(Unresolvable::NeedsInterface(address)),
        None => through_routes(address, rib, world, &mut Vec::new()),
    }
}

fn unsuitable(address: IpAddr, interface: Option<u32>, world: &World) -> Option<Unresolvable> {
    let unicast = match address {
        IpAddr::V4(v4) => !v4.is_broadcast() && v4.octets().first().is_some_and(|first| (1..240).contains(first)),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => return Some(Unresolvable::Mapped(address)),
        IpAddr::V6(_) => true,
    };
    if !unicast || address.is_multicast() || address.is_loopback() || address.is_unspecified() {
        return Some(Unresolvable::NotUnicast(address));
    }
    // The same link-local address may be ours on one link and a neighbor's on another.
    let is_local = match interface {
        Some(link) if is_link_local(address) => world.addresses_of(link).any(|ours| ours.address.address() == address),
        _ => world.is_local(address),
    };
    is_local.then_some(Unresolvable::Local(address))
}

/// A gateway on a named link: a link-local one is there by definition, another needs a network on that link.
fn on_link(address: IpAddr, ifindex: u32, rib: &Rib, world: &World) -> Resolution {
    if !world.link_usable(ifindex) {
        return Resolution::Unresolved(Unresolvable::LinkDown(world.link_name(ifindex)));
    }
    let leg = Leg { gateway: Some(address), ifindex };
    let on_this_link = |route: &Route| route.next_hops.contains(&RouteNextHop::Connected { ifindex });
    let mut networks = rib.matches(address).filter(|(prefix, route)| !prefix.is_default() && on_this_link(route));
    if let Some((via, route)) = networks.next() {
        return Resolution::Resolved { legs: vec![leg], via, protocol: route.protocol, metric: route.metric };
    }
    if is_link_local(address) {
        let via = Prefix::masked_or_host(address, 64);
        return Resolution::Resolved { legs: vec![leg], via, protocol: Protocol::Connected, metric: 0 };
    }
    Resolution::Unresolved(Unresolvable::NotOnLink { address, link: world.link_name(ifindex) })
}

fn through_routes(address: IpAddr, rib: &Rib, world: &World, chain: &mut Vec<IpAddr>) -> Resolution {
    if chain.len() >= DEPTH {
        return Resolution::Unresolved(Unresolvable::TooDeep(address));
    }
    chain.push(address);
    let mut why = Unresolvable::NoRoute(address);
    let mut answer = None;
    for (prefix, route) in rib.matches(address) {
        if discards_the_rest(route) {
            continue;
        }
        if leads_through(route, chain) {
            why = Unresolvable::Loop(address);
        } else if prefix.is_default() {
            if matches!(why, Unresolvable::NoRoute(_)) {
                why = Unresolvable::OnlyDefault(address);
            }
        } else {
            answer = Some(through_route(address, prefix, route, rib, world, chain));
            break;
        }
    }
    chain.pop();
    answer.unwrap_or_else(|| {
        let network = world.network_towards(address).filter(|network| !world.link_usable(network.ifindex));
        Resolution::Unresolved(match network {
            Some(network) => Unresolvable::LinkDown(world.link_name(network.ifindex)),
            None => why,
        })
    })
}

/// What an aggregate of BGP has no better route for is discarded, which says nothing of where a next hop is: else an
/// aggregate that covers the next hop of what it covers would come and go without end.
fn discards_the_rest(route: &Route) -> bool {
    matches!(route.protocol, Protocol::Bgp { .. }) && route.next_hops == [RouteNextHop::Blackhole]
}

/// Whether every way of the route leads through an address that is being looked up.
fn leads_through(route: &Route, chain: &[IpAddr]) -> bool {
    let loops = |next_hop: &RouteNextHop| matches!(next_hop, RouteNextHop::Gateway { address, interface: None } if chain.contains(address));
    !route.next_hops.is_empty() && route.next_hops.iter().all(loops)
}

fn through_route(
    address: IpAddr,
    prefix: Prefix,
    route: &Route,
    rib: &Rib,
    world: &World,
    chain: &mut Vec<IpAddr>,
) -> Resolution {
    if route.protocol == Protocol::Connected && is_network_or_broadcast(address, prefix) {
        return Resolution::Unresolved(Unresolvable::NotUnicast(address));
    }
    let mut legs = Vec::new();
    let mut why = None;
    for next_hop in &route.next_hops {
        let step = match *next_hop {
            RouteNextHop::Blackhole | RouteNextHop::Reject => {
                Resolution::Unresolved(Unresolvable::Blackhole { address, route: prefix })
            }
            RouteNextHop::Connected { ifindex } => direct(Some(address), ifindex, prefix, route, world),
            RouteNextHop::Gateway { address, interface: Some(ifindex) } if route.protocol == Protocol::Kernel => {
                direct(Some(address), ifindex, prefix, route, world)
            }
            RouteNextHop::Gateway { address, interface: Some(ifindex) } => on_link(address, ifindex, rib, world),
            RouteNextHop::Gateway { address: gateway, interface: None } if chain.contains(&gateway) => {
                Resolution::Unresolved(Unresolvable::Loop(address))
            }
            RouteNextHop::Gateway { address, interface: None } => match unsuitable(address, None, world) {
                Some(why) => Resolution::Unresolved(why),
                None => through_routes(address, rib, world, chain),
            },
        };
        match step {
            Resolution::Resolved { legs: found, .. } => legs.extend(found),
            Resolution::Unresolved(reason) => why = why.or(Some(reason)),
        }
    }
    legs.sort_unstable();
    legs.dedup();
    if legs.is_empty() {
        return Resolution::Unresolved(why.unwrap_or(Unresolvable::NoRoute(address)));
    }
    Resolution::Resolved { legs, via: prefix, protocol: route.protocol, metric: route.metric }
}

fn direct(gateway: Option<IpAddr>, ifindex: u32, via: Prefix, route: &Route, world: &World) -> Resolution {
    if !world.link_usable(ifindex) {
        return Resolution::Unresolved(Unresolvable::LinkDown(world.link_name(ifindex)));
    }
    let legs = vec![Leg { gateway, ifindex }];
    Resolution::Resolved { legs, via, protocol: route.protocol, metric: route.metric }
}

/// The two addresses of an IPv4 network that no neighbor has; networks of /31 and /32 have neither (RFC 3021).
fn is_network_or_broadcast(address: IpAddr, prefix: Prefix) -> bool {
    let (IpAddr::V4(v4), IpAddr::V4(network)) = (address, prefix.address()) else { return false };
    if prefix.family() != Family::Ipv4Unicast || prefix.length() > 30 {
        return false;
    }
    let hosts = u32::MAX.checked_shr(u32::from(prefix.length())).unwrap_or(0);
    v4 == network || v4 == Ipv4Addr::from_bits(network.to_bits() | hosts)
}

#[cfg(test)]
mod tests;
