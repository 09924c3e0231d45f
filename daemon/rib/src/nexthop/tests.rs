//! Resolution of next hops, and the words for those that do not resolve.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and begin at any time"
)]

use std::time::Instant;

use super::*;
use crate::fixtures::{ip, leg, link, on, prefix, world};
use crate::world::{ForeignRoute, WorldEvent};

fn static_route(gateways: &[&str]) -> Route {
    let next_hops =
        gateways.iter().map(|gateway| RouteNextHop::Gateway { address: ip(gateway), interface: None }).collect();
    Route::new(Protocol::Static, 1, 0, next_hops)
}

/// The usual world with its connected networks, a foreign default route, and some static routes.
fn table() -> (Rib, World, NextHops) {
    let mut world = world();
    world.apply(&WorldEvent::Route(ForeignRoute {
        prefix: Prefix::DEFAULT_V4,
        metric: 100,
        protocol: 16,
        legs: vec![leg("10.9.0.254", 0)],
    }));
    let (mut rib, mut next_hops, now) = (Rib::default(), NextHops::new(), Instant::now());
    rib.replace_protocol(Protocol::Connected, world.connected_routes(), now);
    rib.replace_protocol(Protocol::Kernel, world.kernel_routes(), now);
    rib.set(prefix("10.50.0.0/16"), &static_route(&["192.168.101.201", "192.168.101.202"]), Instant::now());
    rib.set(prefix("10.60.0.0/16"), &static_route(&["10.50.0.1"]), Instant::now());
    rib.set(prefix("10.70.0.0/16"), &static_route(&["10.70.0.1"]), Instant::now());
    rib.set(prefix("192.168.101.201/32"), &static_route(&["192.168.101.201"]), Instant::now());
    rib.set(
        prefix("10.66.0.0/16"),
        &Route { next_hops: vec![RouteNextHop::Blackhole], ..static_route(&[]) },
        Instant::now(),
    );
    rib.settle(&mut next_hops, &world);
    (rib, world, next_hops)
}

#[test]
fn addresses_resolve_to_legs_or_to_a_sentence() {
    let (rib, world, _) = table();
    for (address, expected) in [
        ("192.168.101.203", Ok(vec![leg("192.168.101.203", 1)])),
        ("fd00:101::201", Ok(vec![leg("fd00:101::201", 1)])),
        ("10.50.1.1", Ok(vec![leg("192.168.101.201", 1), leg("192.168.101.202", 1)])),
        ("10.60.1.1", Ok(vec![leg("192.168.101.201", 1), leg("192.168.101.202", 1)])),
        ("192.168.101.201", Ok(vec![leg("192.168.101.201", 1)])),
        ("10.70.0.9", Err("only the default route leads to 10.70.0.9")),
        ("203.0.113.1", Err("only the default route leads to 203.0.113.1")),
        ("2001:db8::1", Err("no route to 2001:db8::1")),
        (
            "::ffff:192.168.101.201",
            Err("::ffff:192.168.101.201 is an IPv4-mapped address, no forwarding entry can use it"),
        ),
        ("192.168.101.1", Err("192.168.101.1 is an address of this router")),
        ("10.2.0.7", Err("link eth2 is down")),
        ("192.168.101.255", Err("192.168.101.255 is not a unicast address of a neighbor")),
        ("192.168.101.0", Err("192.168.101.0 is not a unicast address of a neighbor")),
        ("224.0.0.5", Err("224.0.0.5 is not a unicast address of a neighbor")),
        ("0.0.0.0", Err("0.0.0.0 is not a unicast address of a neighbor")),
        ("255.255.255.255", Err("255.255.255.255 is not a unicast address of a neighbor")),
        ("127.0.0.1", Err("127.0.0.1 is not a unicast address of a neighbor")),
        ("::1", Err("::1 is not a unicast address of a neighbor")),
        ("ff02::1", Err("ff02::1 is not a unicast address of a neighbor")),
        ("fe80::201", Err("link-local address fe80::201 needs an interface")),
        ("10.66.1.1", Err("10.66.1.1 falls into blackhole route 10.66.0.0/16")),
    ] {
        let found = match resolution(ip(address), None, &rib, &world) {
            Resolution::Resolved { legs, .. } => Ok(legs),
            Resolution::Unresolved(why) => Err(why.to_string()),
        };
        assert_eq!(found, expected.map_err(String::from), "{address}");
    }
}

#[test]
fn an_address_on_a_link_is_reached_there_or_not_at_all() {
    let (rib, world, _) = table();
    for (address, ifindex, expected) in [
        ("fe80::201", 1, "resolved"),
        ("fe80::201", 2, "link eth2 is down"),
        ("fe80::201", 9, "link if9 is down"),
        ("192.168.101.203", 1, "resolved"),
        ("192.168.101.203", 0, "192.168.101.203 is not on link eth0"),
        ("fe80::1", 1, "fe80::1 is an address of this router"),
    ] {
        let found = match resolution(ip(address), Some(ifindex), &rib, &world) {
            Resolution::Resolved { legs, .. } => {
                assert_eq!(legs, [leg(address, ifindex)]);
                "resolved".into()
            }
            Resolution::Unresolved(why) => why.to_string(),
        };
        assert_eq!(found, expected, "{address} on {ifindex}");
    }
}

#[test]
fn routes_that_lead_through_each_other_do_not_resolve_for_ever() {
    let (mut rib, world, mut next_hops) = table();
    rib.set(prefix("20.1.0.0/16"), &static_route(&["20.2.0.1"]), Instant::now());
    rib.set(prefix("20.2.0.0/16"), &static_route(&["20.1.0.1"]), Instant::now());
    rib.settle(&mut next_hops, &world);
    assert_eq!(rib.selected(prefix("20.1.0.0/16")), None);
    assert!(!next_hops.resolve(ip("20.2.0.1")).is_resolved());
}

#[test]
fn routes_stand_upon_each_other_up_to_a_depth() {
    let (mut rib, world, mut next_hops) = table();
    rib.set(prefix("30.0.0.0/16"), &static_route(&["192.168.101.203"]), Instant::now());
    for step in 1..12 {
        rib.set(
            prefix(&format!("30.{step}.0.0/16")),
            &static_route(&[&format!("30.{}.0.1", step - 1)]),
            Instant::now(),
        );
    }
    rib.settle(&mut next_hops, &world);
    assert_eq!(resolution(ip("30.5.0.1"), None, &rib, &world).legs(), [leg("192.168.101.203", 1)]);
    let deep = resolution(ip("30.11.0.1"), None, &rib, &world);
    assert!(!deep.is_resolved());
}

#[test]
fn a_bgp_next_hop_resolves_through_a_bgp_route_but_not_through_its_own() {
    let (mut rib, world, mut next_hops) = table();
    let bgp =
        |gateway: &str| Route { protocol: Protocol::Bgp { internal: true }, distance: 200, ..static_route(&[gateway]) };
    rib.set(prefix("10.80.0.0/16"), &bgp("192.168.101.203"), Instant::now());
    rib.set(prefix("10.90.0.0/16"), &bgp("10.80.0.1"), Instant::now());
    rib.set(prefix("10.80.0.1/32"), &bgp("10.80.0.1"), Instant::now());
    next_hops.track(ip("10.80.0.1"));
    rib.settle(&mut next_hops, &world);
    let Resolution::Resolved { legs, via, protocol, .. } = next_hops.resolve(ip("10.80.0.1")) else {
        panic!("resolves")
    };
    assert_eq!((legs.as_slice(), *via), (&[leg("192.168.101.203", 1)][..], prefix("10.80.0.0/16")));
    assert_eq!(*protocol, Protocol::Bgp { internal: true });
}

#[test]
fn refresh_tells_what_changed_and_nothing_else() {
    let (mut rib, mut world, mut next_hops) = table();
    let now = Instant::now();
    for address in ["192.168.101.201", "192.168.101.202", "10.2.0.7"] {
        next_hops.track(ip(address));
    }
    assert_eq!(next_hops.resolve(ip("10.2.0.7")), &NOT_LOOKED_UP);
    assert_eq!(rib.settle_new(&mut next_hops, &world), [ip("10.2.0.7")], "routes had the others looked up before");
    assert_eq!(rib.settle(&mut next_hops, &world), Vec::<IpAddr>::new());
    assert!(world.apply(&WorldEvent::Link(link(2, true))));
    rib.replace_protocol(Protocol::Connected, world.connected_routes(), now);
    assert_eq!(rib.settle(&mut next_hops, &world), [ip("10.2.0.7")]);
    next_hops.untrack(ip("10.2.0.7"));
    assert_eq!(next_hops.resolve(ip("10.2.0.7")), &NOT_LOOKED_UP);
    assert!(world.apply(&WorldEvent::Link(link(1, false))));
    rib.replace_protocol(Protocol::Connected, world.connected_routes(), now);
    let changed = rib.settle(&mut next_hops, &world);
    assert!(changed.contains(&ip("192.168.101.201")) && changed.contains(&ip("192.168.101.202")));
    assert_eq!(
        next_hops.resolve(ip("192.168.101.201")),
        &Resolution::Unresolved(Unresolvable::LinkDown("eth1".into()))
    );
}

#[test]
fn a_link_local_next_hop_answers_when_one_link_is_known_for_it() {
    let (mut rib, mut world, mut next_hops) = table();
    next_hops.track(ip("fe80::201"));
    next_hops.track_on(ip("fe80::201"), 1);
    rib.settle(&mut next_hops, &world);
    assert_eq!(next_hops.resolve(ip("fe80::201")).legs(), [leg("fe80::201", 1)]);
    next_hops.track_on(ip("fe80::201"), 0);
    assert_eq!(rib.settle_new(&mut next_hops, &world), [ip("fe80::201")]);
    assert!(!next_hops.resolve(ip("fe80::201")).is_resolved(), "two links, and nobody knows which");
    assert_eq!(next_hops.resolve_on(ip("fe80::201"), 0).legs(), [leg("fe80::201", 0)]);
    world.apply(&WorldEvent::LinkGone(0));
    next_hops.untrack_on(ip("fe80::201"), 0);
    rib.settle_new(&mut next_hops, &world);
    assert_eq!(next_hops.resolve(ip("fe80::201")).legs(), [leg("fe80::201", 1)]);
}

#[test]
fn both_ends_of_a_transfer_network_of_two_are_neighbors() {
    let (mut rib, mut world, now) = (Rib::default(), world(), Instant::now());
    world.apply(&WorldEvent::Address(on(0, "10.30.0.1/31")));
    rib.replace_protocol(Protocol::Connected, world.connected_routes(), now);
    assert!(resolution(ip("10.30.0.0"), None, &rib, &world).is_resolved());
}
