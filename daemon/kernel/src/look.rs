//! What a person asks the kernel about now and then: hosts on links, counters, any routing table.
//!
//! Asked each time and never kept. Each call uses a socket of its own in the network namespace of the calling
//! thread. Changes nothing but neighbor entries that it is told to forget.

use std::io;
use std::net::IpAddr;

use nouns::{Family, IfName, Prefix};
use rib::world::Leg;

use crate::attribute::{Message, attributes, u8_at, u16_at, u32_at};
use crate::decode::{self, NextHop, NextHopKind};
use crate::number::{
    AF_INET, AF_INET6, IFLA_IFNAME, IFLA_STATS64, NDA_DST, NDA_LLADDR, NTF_ROUTER, NUD_DELAY, NUD_FAILED,
    NUD_INCOMPLETE, NUD_PERMANENT, NUD_PROBE, NUD_REACHABLE, NUD_STALE, RTA_TABLE, RTM_DELNEIGH, RTM_GETLINK,
    RTM_GETNEIGH, RTM_GETROUTE, RTM_NEWLINK, RTM_NEWNEIGH, RTM_NEWROUTE, RTN_ANYCAST, RTN_BLACKHOLE, RTN_BROADCAST,
    RTN_LOCAL, RTN_MULTICAST, RTN_PROHIBIT, RTN_UNICAST, RTN_UNREACHABLE,
};
use crate::snapshot::{next_hops, of_kind};
use crate::socket::RouteSocket;

const QUEUE: i32 = 1024 * 1024;

/// A host on a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbor {
    /// Its address.
    pub address: IpAddr,
    /// The link.
    pub ifindex: u32,
    /// Its hardware address; empty while it is not known.
    pub mac: Vec<u8>,
    /// What is known of it.
    pub state: NeighborState,
    /// It says that it is a router.
    pub router: bool,
}

/// What is known of a host on a link (`NUD_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighborState {
    /// `NUD_INCOMPLETE`
    Incomplete,
    /// `NUD_REACHABLE`
    Reachable,
    /// `NUD_STALE`
    Stale,
    /// `NUD_DELAY`
    Delay,
    /// `NUD_PROBE`
    Probe,
    /// `NUD_FAILED`
    Failed,
    /// `NUD_PERMANENT`
    Permanent,
}

/// What went through a link (`struct rtnl_link_stats64`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named as in the kernel's header")]
pub struct Counters {
    pub rx_packets: u64,
    pub tx_packets: u64,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub rx_errors: u64,
    pub tx_errors: u64,
    pub rx_dropped: u64,
    pub tx_dropped: u64,
    pub multicast: u64,
    pub collisions: u64,
    pub rx_over_errors: u64,
    pub tx_carrier_errors: u64,
}

/// A route of any table and any owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRoute {
    /// The destination.
    pub prefix: Prefix,
    /// `unicast`, `blackhole`: the words of `ip route`.
    pub kind: &'static str,
    /// `rtm_protocol`
    pub protocol: u8,
    /// `RTA_PRIORITY`
    pub metric: u32,
    /// `RTA_NH_ID`
    pub next_hop: Option<u32>,
    /// Ways out, those of the next-hop object where it has one.
    pub legs: Vec<Leg>,
}

/// Hosts on links, in the order of their addresses; not those of links that need no resolution.
///
/// # Errors
/// When the kernel gives no socket or refuses the dump.
pub fn neighbors(family: Family) -> io::Result<Vec<Neighbor>> {
    let socket = &mut RouteSocket::open(QUEUE, QUEUE)?;
    let header = [number_of(family), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let decode = |message: Message<'_>| of_kind(message, RTM_NEWNEIGH).and_then(neighbor);
    let mut found = socket.dump(RTM_GETNEIGH, &header, &[], decode)?;
    found.retain(|neighbor| neighbor.address.is_ipv4() == (family == Family::Ipv4Unicast));
    found.sort_by_key(|neighbor| (neighbor.address, neighbor.ifindex));
    Ok(found)
}

/// Forgets hosts, so that they are asked for anew; what somebody set for good stays. Answers how many were forgotten.
///
/// # Errors
/// Without `CAP_NET_ADMIN`; some may be forgotten then.
pub fn forget(neighbors: &[Neighbor]) -> io::Result<usize> {
    let socket = &mut RouteSocket::open(QUEUE, QUEUE)?;
    let mut forgotten: usize = 0;
    for neighbor in neighbors.iter().filter(|neighbor| neighbor.state != NeighborState::Permanent) {
        let (family, octets) = match neighbor.address {
            IpAddr::V4(address) => (AF_INET, address.octets().to_vec()),
            IpAddr::V6(address) => (AF_INET6, address.octets().to_vec()),
        };
        let [a, b, c, d] = neighbor.ifindex.to_ne_bytes();
        let header = [family, 0, 0, 0, a, b, c, d, 0, 0, 0, 0];
        match socket.change(RTM_DELNEIGH, &header, &[(NDA_DST, &octets)]) {
            Ok(()) => forgotten = forgotten.saturating_add(1),
            // It went by itself, or with its link.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(forgotten)
}

/// What went through each link, by its number.
///
/// # Errors
/// When the kernel gives no socket or refuses the dump.
pub fn counters() -> io::Result<Vec<(u32, IfName, Counters)>> {
    let socket = &mut RouteSocket::open(QUEUE, QUEUE)?;
    socket.dump(RTM_GETLINK, &[0; 16], &[], |message| of_kind(message, RTM_NEWLINK).and_then(link_counters))
}

/// One of the kernel's routing tables as it is; empty when there is none of this number.
///
/// # Errors
/// When the kernel gives no socket or refuses a dump.
pub fn table(family: Family, table: u32) -> io::Result<Vec<TableRoute>> {
    let socket = &mut RouteSocket::open(QUEUE, QUEUE)?;
    let objects = next_hops(socket)?;
    let header = [number_of(family), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let decode = |message: Message<'_>| {
        let route = of_kind(message, RTM_NEWROUTE).and_then(decode::route)?;
        let wanted = route.table == table && route.flags & crate::number::RTM_F_CLONED == 0;
        wanted.then(|| TableRoute {
            prefix: route.prefix,
            kind: kind(route.kind),
            protocol: route.protocol,
            metric: route.metric,
            next_hop: route.next_hop,
            legs: route.next_hop.map_or(route.legs, |id| legs(&objects, id)),
        })
    };
    match socket.dump(RTM_GETROUTE, &header, &[(RTA_TABLE, table)], decode) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EOPNOTSUPP)) => Ok(Vec::new()),
        other => other,
    }
}

fn number_of(family: Family) -> u8 {
    match family {
        Family::Ipv4Unicast => AF_INET,
        Family::Ipv6Unicast => AF_INET6,
    }
}

/// `struct ndmsg` and its attributes; `None` for what is no host that was looked for.
pub(crate) fn neighbor(body: &[u8]) -> Option<Neighbor> {
    let family = u8_at(body, 0)?;
    let state = match u16_at(body, 8)? {
        NUD_INCOMPLETE => NeighborState::Incomplete,
        NUD_REACHABLE => NeighborState::Reachable,
        NUD_STALE => NeighborState::Stale,
        NUD_DELAY => NeighborState::Delay,
        NUD_PROBE => NeighborState::Probe,
        NUD_FAILED => NeighborState::Failed,
        NUD_PERMANENT => NeighborState::Permanent,
        _ => return None,
    };
    let mut address = None;
    let mut mac = Vec::new();
    for (kind, value) in attributes(body.get(12..)?) {
        match kind {
            NDA_DST => address = decode::ip(family, value),
            NDA_LLADDR => mac = value.to_vec(),
            _ => {}
        }
    }
    let router = u8_at(body, 10)? & NTF_ROUTER != 0;
    Some(Neighbor { address: address?, ifindex: u32_at(body, 4)?, mac, state, router })
}

fn link_counters(body: &[u8]) -> Option<(u32, IfName, Counters)> {
    let mut name = None;
    let mut counters = None;
    for (kind, value) in attributes(body.get(16..)?) {
        match kind {
            IFLA_IFNAME => name = decode::text(value).parse().ok(),
            IFLA_STATS64 => counters = stats(value),
            _ => {}
        }
    }
    Some((u32_at(body, 4)?, name?, counters?))
}

/// Numbers of `struct rtnl_link_stats64` by their place.
fn stats(octets: &[u8]) -> Option<Counters> {
    let (numbers, _) = octets.as_chunks::<8>();
    let at = |place: usize| numbers.get(place).map(|number| u64::from_ne_bytes(*number));
    Some(Counters {
        rx_packets: at(0)?,
        tx_packets: at(1)?,
        rx_bytes: at(2)?,
        tx_bytes: at(3)?,
        rx_errors: at(4)?,
        tx_errors: at(5)?,
        rx_dropped: at(6)?,
        tx_dropped: at(7)?,
        multicast: at(8)?,
        collisions: at(9)?,
        rx_over_errors: at(11)?,
        tx_carrier_errors: at(17)?,
    })
}

fn kind(kind: u8) -> &'static str {
    match kind {
        RTN_UNICAST => "unicast",
        RTN_LOCAL => "local",
        RTN_BROADCAST => "broadcast",
        RTN_ANYCAST => "anycast",
        RTN_MULTICAST => "multicast",
        RTN_BLACKHOLE => "blackhole",
        RTN_UNREACHABLE => "unreachable",
        RTN_PROHIBIT => "prohibit",
        _ => "other",
    }
}

/// The ways out of a next-hop object: its own, or those of its members.
fn legs(objects: &[NextHop], id: u32) -> Vec<Leg> {
    let object = |id: u32| objects.iter().find(|object| object.id == id).map(|object| &object.kind);
    match object(id) {
        Some(NextHopKind::Leg(leg)) => vec![*leg],
        Some(NextHopKind::Group(members)) => {
            let member = |(id, _): &(u32, u16)| match object(*id) {
                Some(NextHopKind::Leg(leg)) => Some(*leg),
                _ => None,
            };
            members.iter().filter_map(member).collect()
        }
        Some(NextHopKind::Blackhole) | None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_that_make_no_sense_are_no_neighbor_and_no_counters() {
        for length in 0..40 {
            let body = vec![0xff; length];
            assert_eq!((neighbor(&body), link_counters(&body)), (None, None), "{length} octets");
        }
    }

    #[test]
    fn a_neighbor_is_its_address_and_what_is_known_of_it() {
        let mut body = vec![AF_INET, 0, 0, 0];
        body.extend(7_u32.to_ne_bytes());
        body.extend(NUD_STALE.to_ne_bytes());
        body.extend([NTF_ROUTER, 0]);
        body.extend([8, 0, 1, 0, 192, 0, 2, 5, 10, 0, 2, 0, 0, 0x53, 0, 0, 0, 1, 0, 0]);
        let address = "192.0.2.5".parse().ok();
        let expect = address.map(|address| Neighbor {
            address,
            ifindex: 7,
            mac: vec![0, 0x53, 0, 0, 0, 1],
            state: NeighborState::Stale,
            router: true,
        });
        assert_eq!(neighbor(&body), expect);
    }
}
