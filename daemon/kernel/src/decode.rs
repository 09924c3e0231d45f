//! Links, addresses, routes and next hops out of the kernel's messages.
//!
//! Every function is total: octets that make no sense give `None`, never a panic, because what follows a
//! fixed part is a matter of the kernel's version. Never filters by owner: that is the caller's work.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nouns::{InterfaceAddress, Prefix};
use rib::fib::{ROUTE_METRIC, RTPROT_TOWPATH, RouteKey};
use rib::world::{BridgeSettings, Leg, Link, LinkAddress, LinkKind};
use rib::world_view::is_link_local;

use crate::attribute::{aligned, attributes, u8_at, u16_at, u32_at};
use crate::number::{
    AF_INET, AF_INET6, AF_UNSPEC, ETH_P_8021Q, IFA_ADDRESS, IFA_LOCAL, IFF_LOOPBACK, IFF_LOWER_UP, IFF_RUNNING, IFF_UP,
    IFLA_ADDRESS, IFLA_BR_AGEING_TIME, IFLA_BR_FORWARD_DELAY, IFLA_BR_HELLO_TIME, IFLA_BR_MAX_AGE, IFLA_BR_PRIORITY,
    IFLA_BR_STP_STATE, IFLA_GROUP, IFLA_IFALIAS, IFLA_IFNAME, IFLA_INFO_DATA, IFLA_INFO_KIND, IFLA_LINK, IFLA_LINKINFO,
    IFLA_MASTER, IFLA_MTU, IFLA_PERM_ADDRESS, IFLA_VLAN_ID, IFLA_VLAN_PROTOCOL, NHA_BLACKHOLE, NHA_GATEWAY, NHA_GROUP,
    NHA_ID, NHA_OIF, RT_TABLE_MAIN, RTA_DST, RTA_GATEWAY, RTA_MULTIPATH, RTA_NH_ID, RTA_OIF, RTA_PRIORITY, RTA_TABLE,
    RTA_VIA, RTM_F_CLONED, RTN_BLACKHOLE, RTN_PROHIBIT, RTN_UNICAST, RTN_UNREACHABLE,
};

/// A route of any owner and any table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) prefix: Prefix,
    pub(crate) table: u32,
    pub(crate) protocol: u8,
    pub(crate) kind: u8,
    pub(crate) flags: u32,
    pub(crate) metric: u32,
    pub(crate) next_hop: Option<u32>,
    pub(crate) legs: Vec<Leg>,
}

impl Route {
    /// Whether the route forwards, or refuses to, in the main table: local, broadcast and multicast
    /// routes, those of link-local addresses and cached copies are the kernel's own affair.
    pub(crate) fn matters(&self) -> bool {
        self.table == u32::from(RT_TABLE_MAIN) && self.forwards() && !is_link_local(self.prefix.address())
    }

    /// Whether it is one that we put there, in any table.
    pub(crate) fn is_ours(&self) -> bool {
        self.protocol == RTPROT_TOWPATH && self.metric == ROUTE_METRIC && self.forwards()
    }

    /// The table and the destination.
    pub(crate) fn key(&self) -> RouteKey {
        RouteKey { table: self.table, prefix: self.prefix }
    }

    fn forwards(&self) -> bool {
        self.flags & RTM_F_CLONED == 0
            && matches!(self.kind, RTN_UNICAST | RTN_BLACKHOLE | RTN_UNREACHABLE | RTN_PROHIBIT)
    }
}

/// A next-hop object of any owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NextHop {
    pub(crate) id: u32,
    pub(crate) protocol: u8,
    pub(crate) kind: NextHopKind,
}

/// What a next-hop object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NextHopKind {
    Leg(Leg),
    Group(Vec<(u32, u16)>),
    Blackhole,
}

/// `struct ifinfomsg` and its attributes; `None` also for the news of a bridge port or of a protocol
/// family, which use the same message but speak of something else.
pub(crate) fn link(body: &[u8]) -> Option<Link> {
    if u8_at(body, 0)? != AF_UNSPEC {
        return None;
    }
    let flags = link_flags(body)?;
    let mut name = None;
    let mut parent = 0;
    let mut info: &[u8] = &[];
    let mut link = Link {
        admin_up: flags & IFF_UP != 0,
        carrier: flags & IFF_LOWER_UP != 0 && flags & IFF_RUNNING != 0,
        loopback: flags & IFF_LOOPBACK != 0,
        mtu: 0,
        ..Link::card(u32_at(body, 4)?, "lo".parse().ok()?)
    };
    for (kind, value) in attributes(body.get(16..)?) {
        match kind {
            IFLA_IFNAME => name = text(value).parse().ok(),
            IFLA_MTU => link.mtu = u32_at(value, 0)?,
            IFLA_ADDRESS => link.mac = value.to_vec(),
            IFLA_PERM_ADDRESS => link.permanent_mac = value.to_vec(),
            IFLA_IFALIAS => link.alias = text(value),
            IFLA_MASTER => link.master = u32_at(value, 0).filter(|master| *master != 0),
            IFLA_GROUP => link.group = u32_at(value, 0)?,
            IFLA_LINK => parent = u32_at(value, 0)?,
            IFLA_LINKINFO => info = value,
            _ => {}
        }
    }
    link.name = name?;
    link.kind = link_kind(info, parent);
    Some(link)
}

/// `IFLA_LINKINFO`: the word for the kind, and what only this kind has.
fn link_kind(info: &[u8], parent: u32) -> LinkKind {
    let find = |wanted: u16| attributes(info).find(|(kind, _)| *kind == wanted).map(|(_, value)| value);
    let data = find(IFLA_INFO_DATA).unwrap_or_default();
    let Some(word) = find(IFLA_INFO_KIND).map(text) else { return LinkKind::Card };
    match word.as_str() {
        "bridge" => LinkKind::Bridge(bridge(data)),
        "dummy" => LinkKind::Dummy,
        "vlan" => {
            let of = |wanted: u16| attributes(data).find(|(kind, _)| *kind == wanted).and_then(|(_, v)| u16_at(v, 0));
            match of(IFLA_VLAN_ID) {
                // 802.1ad is another thing than the VLAN of the same number.
                Some(id) if of(IFLA_VLAN_PROTOCOL).is_none_or(|protocol| u16::from_be(protocol) == ETH_P_8021Q) => {
                    LinkKind::Vlan { parent, id }
                }
                _ => LinkKind::Other(word),
            }
        }
        _ => LinkKind::Other(word),
    }
}

fn bridge(data: &[u8]) -> BridgeSettings {
    let mut bridge = BridgeSettings::default();
    for (kind, value) in attributes(data) {
        let number = u32_at(value, 0);
        match kind {
            IFLA_BR_AGEING_TIME => bridge.aging = number.unwrap_or(bridge.aging),
            IFLA_BR_FORWARD_DELAY => bridge.forwarding_delay = number.unwrap_or(bridge.forwarding_delay),
            IFLA_BR_HELLO_TIME => bridge.hello_time = number.unwrap_or(bridge.hello_time),
            IFLA_BR_MAX_AGE => bridge.max_age = number.unwrap_or(bridge.max_age),
            IFLA_BR_STP_STATE => bridge.stp = number.is_some_and(|state| state != 0),
            IFLA_BR_PRIORITY => bridge.priority = u16_at(value, 0).unwrap_or(bridge.priority),
            _ => {}
        }
    }
    bridge
}

/// Whether the kernel throws away the next hops of a link in this state (`nh_netdev_event`).
pub(crate) fn link_drops_next_hops(body: &[u8]) -> bool {
    link_flags(body).is_some_and(|flags| flags & IFF_UP == 0 || flags & (IFF_RUNNING | IFF_LOWER_UP) == 0)
}

fn link_flags(body: &[u8]) -> Option<u32> {
    u32_at(body, 8)
}

/// `struct ifaddrmsg` and its attributes.
pub(crate) fn address(body: &[u8]) -> Option<LinkAddress> {
    let family = u8_at(body, 0)?;
    let length = u8_at(body, 1)?;
    let ifindex = u32_at(body, 4)?;
    let mut local = None;
    let mut far = None;
    for (kind, value) in attributes(body.get(8..)?) {
        match kind {
            IFA_LOCAL => local = ip(family, value),
            IFA_ADDRESS => far = ip(family, value),
            _ => {}
        }
    }
    let address = local.or(far)?;
    let peer = far.filter(|far| *far != address);
    Some(LinkAddress { ifindex, address: InterfaceAddress::new(address, length).ok()?, peer })
}

/// `struct rtmsg` and its attributes.
pub(crate) fn route(body: &[u8]) -> Option<Route> {
    let family = u8_at(body, 0)?;
    let unspecified = match family {
        AF_INET => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        AF_INET6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        _ => return None,
    };
    let mut destination = unspecified;
    let mut single = Hop::default();
    let mut route = Route {
        prefix: Prefix::host(unspecified),
        table: u32::from(u8_at(body, 4)?),
        protocol: u8_at(body, 5)?,
        kind: u8_at(body, 7)?,
        flags: u32_at(body, 8)?,
        metric: 0,
        next_hop: None,
        legs: Vec::new(),
    };
    for (kind, value) in attributes(body.get(12..)?) {
        match kind {
            RTA_DST => destination = ip(family, value)?,
            RTA_TABLE => route.table = u32_at(value, 0)?,
            RTA_PRIORITY => route.metric = u32_at(value, 0)?,
            RTA_NH_ID => route.next_hop = u32_at(value, 0),
            RTA_OIF => single.ifindex = u32_at(value, 0)?,
            RTA_MULTIPATH => route.legs = multipath(family, value),
            _ => single.learn(family, kind, value),
        }
    }
    route.prefix = Prefix::masked(destination, u8_at(body, 1)?).ok()?;
    if single.ifindex != 0 {
        route.legs.push(single.leg());
    }
    if route.kind != RTN_UNICAST {
        route.legs.clear();
    }
    Some(route)
}

/// `struct nhmsg` and its attributes.
pub(crate) fn next_hop(body: &[u8]) -> Option<NextHop> {
    let family = u8_at(body, 0)?;
    let protocol = u8_at(body, 2)?;
    let mut id = None;
    let mut members = None;
    let mut blackhole = false;
    let mut leg = Leg { gateway: None, ifindex: 0 };
    for (kind, value) in attributes(body.get(8..)?) {
        match kind {
            NHA_ID => id = u32_at(value, 0),
            NHA_OIF => leg.ifindex = u32_at(value, 0)?,
            NHA_GATEWAY => leg.gateway = ip(family, value),
            NHA_GROUP => members = Some(group(value)),
            NHA_BLACKHOLE => blackhole = true,
            _ => {}
        }
    }
    let kind = match members {
        Some(members) => NextHopKind::Group(members),
        None if blackhole => NextHopKind::Blackhole,
        None => NextHopKind::Leg(leg),
    };
    Some(NextHop { id: id?, protocol, kind })
}

/// A way out while its attributes are still being read.
#[derive(Clone, Copy, Default)]
struct Hop {
    gateway: Option<IpAddr>,
    ifindex: u32,
}

impl Hop {
    fn learn(&mut self, family: u8, kind: u16, value: &[u8]) {
        match kind {
            RTA_GATEWAY => self.gateway = ip(family, value),
            // `struct rtvia`: a gateway of the other family (RFC 8950 in the kernel).
            RTA_VIA => {
                let family = u16_at(value, 0).and_then(|family| u8::try_from(family).ok()).unwrap_or(AF_UNSPEC);
                self.gateway = value.get(2..).and_then(|octets| ip(family, octets));
            }
            _ => {}
        }
    }

    fn leg(self) -> Leg {
        Leg { gateway: self.gateway, ifindex: self.ifindex }
    }
}

/// A row of `struct rtnexthop`, each with attributes of its own.
fn multipath(family: u8, mut octets: &[u8]) -> Vec<Leg> {
    let mut legs = Vec::new();
    while let Some((length, ifindex)) = u16_at(octets, 0).zip(u32_at(octets, 4)) {
        let length = usize::from(length);
        let Some(nested) = octets.get(8..length) else { break };
        let mut hop = Hop { gateway: None, ifindex };
        for (kind, value) in attributes(nested) {
            hop.learn(family, kind, value);
        }
        legs.push(hop.leg());
        octets = octets.get(aligned(length)..).unwrap_or_default();
    }
    legs
}

/// An array of `struct nexthop_grp`; since Linux 6.12 the octet behind the weight is its upper half.
fn group(octets: &[u8]) -> Vec<(u32, u16)> {
    let (entries, _) = octets.as_chunks::<8>();
    entries
        .iter()
        .map(|[a, b, c, d, low, high, ..]| {
            let weight = u16::from_le_bytes([*low, *high]).saturating_add(1);
            (u32::from_ne_bytes([*a, *b, *c, *d]), weight)
        })
        .collect()
}

pub(crate) fn ip(family: u8, octets: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => octets.first_chunk::<4>().map(|chunk| IpAddr::from(*chunk)),
        AF_INET6 => octets.first_chunk::<16>().map(|chunk| IpAddr::from(*chunk)),
        _ => None,
    }
}

/// A C string: up to its NUL, with odd octets shown as such.
pub(crate) fn text(octets: &[u8]) -> String {
    let end = octets.iter().position(|octet| *octet == 0).unwrap_or(octets.len());
    String::from_utf8_lossy(octets.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests;
