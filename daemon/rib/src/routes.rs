//! The main route table: what each source offers for a prefix, and which offer is selected.
//!
//! The lowest administrative distance whose next hops resolve wins; then the lower metric. A route through a
//! gateway counts only after `settle` has looked the gateway up. Never builds a path attribute and never
//! speaks of the kernel's table, which is `fib`'s work.

mod offers;
mod table;

use std::fmt;
use std::net::IpAddr;

use crate::fib::Wanted;
use crate::nexthop::NextHops;
use crate::world::Leg;

pub use table::{Offered, Rib};

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
        self == other || matches!((self, other), (Self::Bgp { .. }, Self::Bgp { .. }))
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

/// What one source offers; thousands of prefixes may be offered the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// The source.
    pub protocol: Protocol,
    /// Administrative distance, lower is better.
    pub distance: u8,
    /// The metric within the source, lower is better.
    pub metric: u32,
    /// Where it leads.
    pub next_hops: Vec<RouteNextHop>,
    /// The rate that each next hop can take, of whatever unit; none where they share the load equally.
    pub rates: Vec<u64>,
}

impl Route {
    /// A route of all its fields.
    #[must_use]
    pub fn new(protocol: Protocol, distance: u8, metric: u32, next_hops: Vec<RouteNextHop>) -> Self {
        Self { protocol, distance, metric, next_hops, rates: Vec::new() }
    }

    /// The same with the load shared by rates, one for each next hop.
    #[must_use]
    pub fn sharing(self, rates: Vec<u64>) -> Self {
        Self { rates, ..self }
    }

    /// Where packets go: `None` when no next hop resolves. Next hops that do not resolve are left out; a blackhole
    /// beside others takes what they do not.
    #[must_use]
    pub fn wanted(&self, next_hops: &NextHops) -> Option<Wanted> {
        if !self.rates.is_empty() {
            return Wanted::shared(self.rated_legs(next_hops)).or_else(|| Self::nowhere(&self.next_hops));
        }
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

    /// The legs of each next hop with the rate of each; next hops with several legs divide theirs among them.
    fn rated_legs(&self, next_hops: &NextHops) -> Vec<(Leg, u64)> {
        let mut rated = Vec::new();
        for (next_hop, rate) in self.next_hops.iter().zip(&self.rates) {
            match *next_hop {
                RouteNextHop::Blackhole | RouteNextHop::Reject => {}
                RouteNextHop::Connected { ifindex } => rated.push((Leg { gateway: None, ifindex }, *rate)),
                RouteNextHop::Gateway { address, interface } => {
                    let legs = next_hops.resolve_via(address, interface).legs();
                    let each = rate / u64::try_from(legs.len().max(1)).unwrap_or(1);
                    rated.extend(legs.iter().map(|leg| (*leg, each)));
                }
            }
        }
        rated
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

    /// Whether packets go anywhere, where gateways resolve as `resolves` says.
    fn is_usable(&self, resolves: impl Fn(Gateway) -> bool) -> bool {
        let trusted = matches!(self.protocol, Protocol::Connected | Protocol::Kernel);
        self.next_hops.iter().any(|next_hop| match *next_hop {
            RouteNextHop::Gateway { address, interface } => trusted || resolves((address, interface)),
            RouteNextHop::Connected { .. } | RouteNextHop::Blackhole | RouteNextHop::Reject => true,
        })
    }
}

/// A gateway, and the link where the route names one.
pub type Gateway = (IpAddr, Option<u32>);

/// The better route first.
fn order(a: &Route, b: &Route) -> std::cmp::Ordering {
    (a.distance, a.metric, a.protocol).cmp(&(b.distance, b.metric, b.protocol))
}

#[cfg(test)]
mod tests;
