//! Short ways to build what tests need. Never compiled into the library.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bgp_wire::attribute::{Origin, PathAttributes};
use nouns::Prefix;
use proptest::prelude::*;

use crate::bgp_table::{Inserted, PathKey, PeerId};
use crate::world::{Leg, Link, LinkAddress, WorldEvent};
use crate::world_view::World;

pub(crate) fn prefix(text: &str) -> Prefix {
    text.parse().expect("a prefix")
}

/// Few addresses and lengths, so that prefixes meet, nest and neighbor each other.
pub(crate) fn any_prefix() -> impl Strategy<Value = Prefix> {
    (any::<bool>(), 0_u32..400, 20_u8..=32).prop_map(|(v4, number, length)| {
        if v4 {
            Prefix::masked_or_host(Ipv4Addr::from_bits(number << 6).into(), length)
        } else {
            Prefix::masked_or_host(Ipv6Addr::from_bits(u128::from(number) << 90).into(), length.saturating_add(10))
        }
    })
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub(crate) fn leg(gateway: &str, ifindex: u32) -> Leg {
    Leg { gateway: Some(ip(gateway)), ifindex }
}

pub(crate) fn link(index: u32, up: bool) -> Link {
    Link { carrier: up, ..Link::card(index, format!("eth{index}").parse().expect("a name")) }
}

pub(crate) fn on(ifindex: u32, address: &str) -> LinkAddress {
    LinkAddress { ifindex, address: address.parse().expect("an interface address"), peer: None }
}

/// eth0 with 10.9.0.1/24; eth1 with 192.168.101.1/24 and fd00:101::1/64; eth2, which is down, with 10.2.0.1/24.
pub(crate) fn world() -> World {
    let mut world = World::new();
    for (index, up) in [(0, true), (1, true), (2, false)] {
        world.apply(&WorldEvent::Link(link(index, up)));
    }
    for (index, address) in
        [(0, "10.9.0.1/24"), (1, "192.168.101.1/24"), (1, "fd00:101::1/64"), (1, "fe80::1/64"), (2, "10.2.0.1/24")]
    {
        world.apply(&WorldEvent::Address(on(index, address)));
    }
    world
}

/// A set of attributes as a Kubernetes node sends them: empty AS path, origin IGP, local preference 100.
pub(crate) fn attributes(next_hop: &str) -> PathAttributes {
    PathAttributes { local_pref: Some(100), ..PathAttributes::new(Origin::Igp, ip(next_hop)) }
}

/// What a peer announced and import left as it was.
pub(crate) fn unchanged(attributes: PathAttributes) -> Inserted {
    let attributes = Arc::new(attributes);
    Inserted::new(Arc::clone(&attributes), attributes, None, nouns::Marks::default())
}

pub(crate) fn key(peer: u32) -> PathKey {
    PathKey { peer: PeerId(peer), path_id: 0 }
}
