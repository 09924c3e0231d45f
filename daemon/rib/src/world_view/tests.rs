//! The world event by event, and what the kernel does not tell.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and begin at any time"
)]

use super::*;
use crate::fixtures::{ip, leg, link, on, prefix, world};

/// The connected networks with their links.
fn connected(world: &World) -> Vec<(Prefix, u32)> {
    let routes = world.connected_routes().into_iter();
    let links = routes.flat_map(|(network, routes)| {
        let next_hops = routes.into_iter().flat_map(|route| route.next_hops);
        next_hops.filter_map(move |next_hop| match next_hop {
            RouteNextHop::Connected { ifindex } => Some((network, ifindex)),
            _ => None,
        })
    });
    links.collect()
}

fn foreign(text: &str, metric: u32, protocol: u8, legs: &[Leg]) -> ForeignRoute {
    ForeignRoute { prefix: prefix(text), metric, protocol, legs: legs.to_vec() }
}

fn routes(world: &World) -> Vec<ForeignRoute> {
    world.foreign_routes().cloned().collect()
}

#[test]
fn connected_networks_are_those_of_usable_links() {
    let mut world = world();
    let networks = [(prefix("10.9.0.0/24"), 0), (prefix("192.168.101.0/24"), 1), (prefix("fd00:101::/64"), 1)];
    assert_eq!(connected(&world), networks);
    world.apply(&WorldEvent::Link(link(1, false)));
    assert_eq!(connected(&world), networks[..1]);
    world.apply(&WorldEvent::Link(link(2, true)));
    assert!(connected(&world).contains(&(prefix("10.2.0.0/24"), 2)));
}

#[test]
fn the_far_end_of_a_point_to_point_address_is_the_network() {
    let mut world = world();
    world.apply(&WorldEvent::Address(LinkAddress { peer: Some(ip("10.7.7.2")), ..on(0, "10.7.7.1/32") }));
    assert!(connected(&world).contains(&(prefix("10.7.7.2/32"), 0)));
}

#[test]
fn an_event_that_says_nothing_new_changes_nothing() {
    let mut world = world();
    for event in [
        WorldEvent::Link(link(1, true)),
        WorldEvent::Address(on(1, "192.168.101.1/24")),
        WorldEvent::AddressGone(on(1, "192.168.101.77/24")),
        WorldEvent::LinkGone(77),
        WorldEvent::RouteGone(foreign("10.0.0.0/8", 0, 4, &[leg("10.9.0.2", 0)])),
        WorldEvent::OurRouteLost(prefix("10.0.0.0/8").into()),
        WorldEvent::Overrun,
    ] {
        assert!(!world.apply(&event), "{event:?}");
    }
}

#[test]
fn addresses_of_the_router_are_local_on_any_link_until_the_last_is_gone() {
    let mut world = world();
    assert!(world.is_local(ip("10.2.0.1")));
    world.apply(&WorldEvent::Address(on(0, "10.2.0.1/24")));
    world.apply(&WorldEvent::AddressGone(on(2, "10.2.0.1/24")));
    assert!(world.is_local(ip("10.2.0.1")));
    world.apply(&WorldEvent::LinkGone(0));
    assert!(!world.is_local(ip("10.2.0.1")));
}

#[test]
fn our_address_towards_a_neighbor_is_the_one_on_its_link() {
    let world = world();
    assert_eq!(world.address_on_link_towards(ip("192.168.101.203")), Some(ip("192.168.101.1")));
    assert_eq!(world.address_on_link_towards(ip("10.2.0.9")), None, "the link is down");
    assert_eq!(world.address_on_link_towards(ip("203.0.113.1")), None);
    assert_eq!(world.address_of_link(1, Family::Ipv6Unicast), Some(ip("fd00:101::1")));
    assert_eq!(world.link_local_of(1), Some(ip("fe80::1")));
    assert_eq!(world.link_by_name("eth1").unwrap().index, 1);
}

#[test]
fn an_ipv4_route_replaces_the_one_of_its_prefix_and_metric() {
    let mut world = world();
    let old = foreign("10.0.0.0/8", 0, 4, &[leg("10.9.0.2", 0)]);
    let new = foreign("10.0.0.0/8", 0, 3, &[leg("10.9.0.3", 0)]);
    let other = foreign("10.0.0.0/8", 50, 4, &[leg("10.9.0.2", 0)]);
    for route in [&old, &other, &new] {
        assert!(world.apply(&WorldEvent::Route(route.clone())));
    }
    assert_eq!(routes(&world), [new, other]);
}

#[test]
fn ipv6_routes_of_one_metric_stand_beside_each_other_and_lose_legs_one_by_one() {
    let mut world = world();
    let (a, b) = (leg("fe80::a", 1), leg("fe80::b", 1));
    world.apply(&WorldEvent::Route(foreign("::/0", 1024, 9, &[a])));
    world.apply(&WorldEvent::Route(foreign("::/0", 1024, 9, &[b])));
    assert_eq!(routes(&world).len(), 2);
    world.apply(&WorldEvent::Route(foreign("::/0", 1024, 9, &[b, a])));
    assert_eq!(routes(&world), [foreign("::/0", 1024, 9, &[a, b])], "they became one route");
    assert!(world.apply(&WorldEvent::RouteGone(foreign("::/0", 1024, 9, &[a]))));
    assert_eq!(routes(&world), [foreign("::/0", 1024, 9, &[b])]);
    assert!(world.apply(&WorldEvent::RouteGone(foreign("::/0", 1024, 9, &[b]))));
    assert_eq!(routes(&world), []);
}

#[test]
fn what_the_kernel_drops_in_silence_goes_here_too() {
    let two = foreign("10.0.0.0/8", 0, 4, &[leg("10.9.0.2", 0), leg("192.168.101.2", 1)]);
    let ipv6 = foreign("2001:db8::/32", 1024, 4, &[leg("fd00:101::2", 1)]);
    let with_routes = || {
        let mut world = world();
        world.apply(&WorldEvent::Route(two.clone()));
        world.apply(&WorldEvent::Route(ipv6.clone()));
        world
    };
    let left = foreign("10.0.0.0/8", 0, 4, &[leg("10.9.0.2", 0)]);
    let mut down = with_routes();
    down.apply(&WorldEvent::Link(Link { admin_up: false, ..link(1, false) }));
    assert_eq!(routes(&down), [left.clone(), ipv6.clone()], "IPv6 routes are told one by one");
    let mut unnumbered = with_routes();
    unnumbered.apply(&WorldEvent::AddressGone(on(1, "192.168.101.1/24")));
    assert_eq!(routes(&unnumbered), [left.clone(), ipv6.clone()]);
    let mut gone = with_routes();
    gone.apply(&WorldEvent::LinkGone(1));
    assert_eq!(routes(&gone), [left]);
    let mut carrier = with_routes();
    carrier.apply(&WorldEvent::Link(link(1, false)));
    assert_eq!(routes(&carrier), [two, ipv6], "without carrier the kernel keeps them");
}

#[test]
fn kernel_routes_leave_out_connected_networks_and_dead_legs() {
    let mut world = world();
    let device = |ifindex| Leg { gateway: None, ifindex };
    for route in [
        foreign("192.168.101.0/24", 0, 2, &[device(1)]),
        foreign("10.1.0.0/16", 0, 4, &[leg("10.9.0.2", 0), leg("10.2.0.2", 2)]),
        foreign("10.4.0.0/16", 0, 4, &[leg("10.2.0.2", 2)]),
        foreign("10.5.0.0/16", 0, 4, &[]),
        foreign("fe80::/64", 256, 2, &[device(1)]),
        foreign("ff00::/8", 256, 2, &[device(1)]),
    ] {
        world.apply(&WorldEvent::Route(route));
    }
    let found = world.kernel_routes();
    let found: Vec<(Prefix, &[RouteNextHop])> =
        found.iter().map(|(prefix, routes)| (*prefix, routes[0].next_hops.as_slice())).collect();
    let through = RouteNextHop::Gateway { address: ip("10.9.0.2"), interface: Some(0) };
    let expected: [(Prefix, &[RouteNextHop]); 2] =
        [(prefix("10.1.0.0/16"), &[through]), (prefix("10.5.0.0/16"), &[RouteNextHop::Blackhole])];
    assert_eq!(found, expected);
}

#[test]
fn a_snapshot_takes_the_place_of_everything() {
    let mut world = world();
    let snapshot = Snapshot {
        links: vec![link(1, true)],
        addresses: vec![on(1, "192.168.101.1/24")],
        routes: vec![foreign("10.0.0.0/8", 0, 4, &[leg("192.168.101.2", 1)])],
        ..Snapshot::default()
    };
    assert!(world.reset(&snapshot));
    assert!(!world.reset(&snapshot));
    assert_eq!((world.links().count(), world.addresses().count(), routes(&world).len()), (1, 1, 1));
    assert!(!world.is_local(ip("10.9.0.1")));
}
