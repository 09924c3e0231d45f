//! `RTM_NEWROUTE`, `RTM_DELROUTE`, `RTM_NEWNEXTHOP` and `RTM_DELNEXTHOP` from a [`FibChange`].
//!
//! Many messages go into one buffer, because one system call for hundreds of routes is what makes a full
//! table quick. Never opens a socket: this is octets in memory, tested as such.

use std::net::IpAddr;

use nouns::Family;
use rib::fib::{FibChange, FibTarget, ROUTE_METRIC, RTPROT_TOWPATH, RouteKey};
use rib::world::Leg;

use crate::attribute::Batch;
use crate::number::{
    AF_INET, AF_INET6, AF_UNSPEC, NHA_GATEWAY, NHA_GROUP, NHA_ID, NHA_OIF, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST,
    RT_SCOPE_NOWHERE, RT_SCOPE_UNIVERSE, RT_TABLE_UNSPEC, RTA_DST, RTA_NH_ID, RTA_PRIORITY, RTA_TABLE, RTM_DELNEXTHOP,
    RTM_DELROUTE, RTM_NEWNEXTHOP, RTM_NEWROUTE, RTN_BLACKHOLE, RTN_UNICAST, RTN_UNREACHABLE, RTN_UNSPEC,
};

mod datagrams;

pub use datagrams::{Datagram, Datagrams};

/// The message for one change, as it goes to the kernel, for looking at and for tests.
#[must_use]
pub fn message(change: &FibChange, sequence: u32) -> Vec<u8> {
    let mut batch = Batch::default();
    append(&mut batch, change, sequence);
    batch.octets().to_vec()
}

/// Appends the message for one change, without asking for an acknowledgement.
///
/// The kernel reports every message that it refuses, whether or not `NLM_F_ACK` was set, so the last of a
/// batch alone has to carry the flag.
pub(crate) fn append(batch: &mut Batch, change: &FibChange, sequence: u32) {
    const PUT: u16 = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE;
    match change {
        FibChange::NextHop { id, leg } => {
            batch.begin(RTM_NEWNEXTHOP, PUT, sequence, &next_hop_header(leg_family(leg), RTPROT_TOWPATH));
            batch.attribute_u32(NHA_ID, *id);
            batch.attribute_u32(NHA_OIF, leg.ifindex);
            if let Some(gateway) = leg.gateway {
                append_address(batch, NHA_GATEWAY, gateway);
            }
        }
        FibChange::Group { id, members } => {
            batch.begin(RTM_NEWNEXTHOP, PUT, sequence, &next_hop_header(AF_UNSPEC, RTPROT_TOWPATH));
            batch.attribute_u32(NHA_ID, *id);
            batch.attribute(NHA_GROUP, &group(members));
        }
        FibChange::NextHopGone(id) => {
            batch.begin(RTM_DELNEXTHOP, NLM_F_REQUEST, sequence, &next_hop_header(AF_UNSPEC, 0));
            batch.attribute_u32(NHA_ID, *id);
        }
        FibChange::Route { key, target } => {
            let kind = match target {
                FibTarget::Group(_) => RTN_UNICAST,
                FibTarget::Blackhole => RTN_BLACKHOLE,
                FibTarget::Unreachable => RTN_UNREACHABLE,
            };
            batch.begin(RTM_NEWROUTE, PUT, sequence, &route_header(*key, RT_SCOPE_UNIVERSE, kind));
            append_destination(batch, *key);
            batch.attribute_u32(RTA_PRIORITY, ROUTE_METRIC);
            if let FibTarget::Group(id) = target {
                batch.attribute_u32(RTA_NH_ID, *id);
            }
        }
        FibChange::RouteGone(key) => {
            // Any scope and any type, but only our protocol and our metric: a twin of somebody else stays.
            batch.begin(RTM_DELROUTE, NLM_F_REQUEST, sequence, &route_header(*key, RT_SCOPE_NOWHERE, RTN_UNSPEC));
            append_destination(batch, *key);
            batch.attribute_u32(RTA_PRIORITY, ROUTE_METRIC);
        }
    }
    batch.end();
}

/// `struct rtmsg`
fn route_header(key: RouteKey, scope: u8, kind: u8) -> [u8; 12] {
    let family = match key.prefix.family() {
        Family::Ipv4Unicast => AF_INET,
        Family::Ipv6Unicast => AF_INET6,
    };
    // A number that does not fit is told in full behind it.
    let table = u8::try_from(key.table).unwrap_or(RT_TABLE_UNSPEC);
    [family, key.prefix.length(), 0, 0, table, RTPROT_TOWPATH, scope, kind, 0, 0, 0, 0]
}

fn append_destination(batch: &mut Batch, key: RouteKey) {
    append_address(batch, RTA_DST, key.prefix.address());
    if key.table > u32::from(u8::MAX) {
        batch.attribute_u32(RTA_TABLE, key.table);
    }
}

/// `struct nhmsg`
fn next_hop_header(family: u8, protocol: u8) -> [u8; 8] {
    [family, 0, protocol, 0, 0, 0, 0, 0]
}

/// The family of a next hop is that of its gateway; without one it is IPv6, because the kernel lets
/// routes of both families use an IPv6 next hop but IPv6 routes never an IPv4 one.
fn leg_family(leg: &Leg) -> u8 {
    match leg.gateway {
        Some(IpAddr::V4(_)) => AF_INET,
        Some(IpAddr::V6(_)) | None => AF_INET6,
    }
}

/// An array of `struct nexthop_grp`; the kernel stores a weight less one in one octet.
fn group(members: &[(u32, u16)]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(members.len().saturating_mul(8));
    for (id, weight) in members {
        let less_one = u8::try_from(weight.saturating_sub(1)).unwrap_or(u8::MAX);
        octets.extend_from_slice(&id.to_ne_bytes());
        octets.extend_from_slice(&[less_one, 0, 0, 0]);
    }
    octets
}

fn append_address(batch: &mut Batch, kind: u16, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => batch.attribute(kind, &v4.octets()),
        IpAddr::V6(v6) => batch.attribute(kind, &v6.octets()),
    }
}

#[cfg(test)]
mod tests;
