//! The main table: selection, replacement, and what becomes dirty.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and begin at any time"
)]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use nouns::Prefix;

use proptest::prelude::*;

use super::*;
use crate::fixtures::{ip, leg, link, prefix, world};
use crate::world::WorldEvent;
use crate::world_view::World;

const BGP: Protocol = Protocol::Bgp { internal: true };

fn route(protocol: Protocol, distance: u8, gateway: &str) -> Route {
    let next_hop = RouteNextHop::Gateway { address: ip(gateway), interface: None };
    Route::new(protocol, distance, 0, vec![next_hop])
}

fn since(rib: &Rib, net: &str) -> Instant {
    rib.routes(prefix(net)).find(|offered| offered.selected).unwrap().since
}

fn table() -> (Rib, World, NextHops, Instant) {
    let (mut rib, world, mut next_hops, now) = (Rib::new(), world(), NextHops::new(), Instant::now());
    rib.replace_protocol(Protocol::Connected, world.connected_routes(), now);
    rib.settle(&mut next_hops, &world);
    rib.take_dirty(99);
    (rib, world, next_hops, now)
}

#[test]
fn the_lowest_distance_that_resolves_is_selected() {
    let (mut rib, world, mut next_hops, now) = table();
    let net = prefix("10.50.0.0/16");
    rib.set(net, &route(BGP, 200, "192.168.101.201"), now);
    rib.set(net, &route(Protocol::Static, 1, "10.2.0.7"), now);
    rib.set(net, &route(Protocol::Static, 250, "192.168.101.203"), now);
    assert_eq!(rib.selected(net), None, "nothing is looked up yet");
    rib.settle(&mut next_hops, &world);
    assert_eq!(rib.selected(net).unwrap().protocol, BGP, "the link of the static one is down");
    assert_eq!(rib.take_dirty(9), [net]);
    let distances: Vec<u8> = rib.routes(net).map(|offered| offered.route.distance).collect();
    assert_eq!(distances, [1, 200, 250]);
    rib.remove(net, Protocol::Bgp { internal: false }, None);
    assert_eq!(rib.selected(net).unwrap().distance, 250);
    rib.remove(net, Protocol::Static, Some(250));
    assert_eq!((rib.selected(net), rib.routes(net).count()), (None, 1));
    rib.remove(net, Protocol::Static, None);
    assert_eq!(rib.take_dirty(9), [net]);
    assert_eq!(rib.len(), 3, "the connected networks remain");
}

#[test]
fn a_link_that_comes_up_brings_its_routes_to_life() {
    let (mut rib, mut world, mut next_hops, now) = table();
    let net = prefix("10.50.0.0/16");
    rib.set(net, &route(Protocol::Static, 1, "10.2.0.7"), now);
    rib.settle(&mut next_hops, &world);
    assert_eq!(rib.selected(net), None);
    rib.take_dirty(9);
    world.apply(&WorldEvent::Link(link(2, true)));
    rib.replace_protocol(Protocol::Connected, world.connected_routes(), now);
    rib.settle(&mut next_hops, &world);
    assert_eq!(rib.selected(net).unwrap().wanted(&next_hops), Wanted::legs(vec![leg("10.2.0.7", 2)]));
    assert_eq!(rib.take_dirty(9), [prefix("10.2.0.0/24"), net]);
}

#[test]
fn a_route_whose_gateway_moves_is_dirty_though_it_stays_selected() {
    let (mut rib, world, mut next_hops, now) = table();
    rib.set(prefix("10.50.0.0/16"), &route(Protocol::Static, 1, "192.168.101.201"), now);
    rib.set(prefix("10.60.0.0/16"), &route(BGP, 200, "10.50.0.1"), now);
    rib.settle(&mut next_hops, &world);
    rib.take_dirty(9);
    rib.set(prefix("10.50.0.0/16"), &route(Protocol::Static, 1, "192.168.101.202"), now);
    assert_eq!(rib.settle(&mut next_hops, &world), [ip("10.50.0.1"), ip("192.168.101.202")]);
    assert_eq!(rib.take_dirty(9), [prefix("10.50.0.0/16"), prefix("10.60.0.0/16")]);
    let selected = rib.selected(prefix("10.60.0.0/16")).unwrap();
    assert_eq!(selected.wanted(&next_hops), Wanted::legs(vec![leg("192.168.101.202", 1)]));
}

#[test]
fn a_gateway_that_somebody_tracks_already_serves_a_new_route() {
    let (mut rib, world, mut next_hops, now) = table();
    next_hops.track(ip("192.168.101.201"));
    rib.settle(&mut next_hops, &world);
    rib.set(prefix("10.50.0.0/16"), &route(BGP, 200, "192.168.101.201"), now);
    assert_eq!(rib.settle_new(&mut next_hops, &world), Vec::<IpAddr>::new());
    assert!(rib.selected(prefix("10.50.0.0/16")).is_some());
}

#[test]
fn replacing_what_a_source_offers_touches_only_what_changed() {
    let (mut rib, world, mut next_hops, start) = table();
    let later = start + Duration::from_secs(5);
    let offer = |gateway: &str| vec![route(Protocol::Static, 1, gateway)];
    let wanted = |second: &str| {
        BTreeMap::from([(prefix("10.1.0.0/16"), offer("192.168.101.201")), (prefix("10.2.0.0/16"), offer(second))])
    };
    rib.replace_protocol(Protocol::Static, wanted("192.168.101.201"), start);
    rib.settle(&mut next_hops, &world);
    rib.take_dirty(9);
    rib.replace_protocol(Protocol::Static, wanted("192.168.101.202"), later);
    rib.settle(&mut next_hops, &world);
    assert_eq!(rib.take_dirty(9), [prefix("10.2.0.0/16")]);
    assert_eq!(since(&rib, "10.1.0.0/16"), start);
    assert_eq!(since(&rib, "10.2.0.0/16"), later);
    rib.replace_protocol(Protocol::Static, BTreeMap::new(), later);
    assert_eq!(rib.take_dirty(9).len(), 2);
    assert_eq!(rib.len(), 3);
}

#[test]
fn an_offer_that_is_there_already_changes_nothing() {
    let (mut rib, world, mut next_hops, start) = table();
    let net = prefix("10.1.0.0/16");
    rib.set(net, &route(BGP, 200, "192.168.101.201"), start);
    rib.settle(&mut next_hops, &world);
    rib.take_dirty(9);
    rib.set(net, &route(BGP, 200, "192.168.101.201"), start + Duration::from_secs(1));
    assert_eq!((rib.dirty_len(), since(&rib, "10.1.0.0/16")), (0, start));
    rib.set(net, &route(Protocol::Bgp { internal: false }, 20, "192.168.101.201"), start);
    assert_eq!(rib.routes(net).count(), 1, "the best path is external now");
}

#[test]
fn a_blackhole_and_a_link_need_no_gateway() {
    let (mut rib, _, next_hops, now) = table();
    let net = prefix("10.66.0.0/16");
    rib.set(net, &Route::new(Protocol::Static, 1, 0, vec![RouteNextHop::Blackhole]), now);
    assert_eq!(rib.selected(net).unwrap().wanted(&next_hops), Some(Wanted::Blackhole));
    rib.set(net, &Route::new(Protocol::Static, 1, 0, vec![RouteNextHop::Connected { ifindex: 1 }]), now);
    let legs = Wanted::legs(vec![Leg { gateway: None, ifindex: 1 }]);
    assert_eq!(rib.selected(net).unwrap().wanted(&next_hops), legs);
}

#[test]
fn a_blackhole_beside_a_gateway_takes_over_when_the_gateway_is_lost() {
    let (mut rib, mut world, mut next_hops, now) = table();
    let net = prefix("10.66.0.0/16");
    let mut both = route(Protocol::Static, 1, "192.168.101.201");
    both.next_hops.push(RouteNextHop::Blackhole);
    rib.set(net, &both, now);
    rib.settle(&mut next_hops, &world);
    assert_eq!(rib.selected(net).unwrap().wanted(&next_hops), Wanted::legs(vec![leg("192.168.101.201", 1)]));
    rib.take_dirty(9);
    world.apply(&WorldEvent::Link(link(1, false)));
    rib.replace_protocol(Protocol::Connected, world.connected_routes(), now);
    rib.settle(&mut next_hops, &world);
    assert_eq!(rib.selected(net).unwrap().wanted(&next_hops), Some(Wanted::Blackhole));
    assert!(rib.take_dirty(9).contains(&net));
}

#[test]
fn a_route_without_next_hops_is_never_selected() {
    let (mut rib, _, _, now) = table();
    rib.set(prefix("10.66.0.0/16"), &Route::new(Protocol::Static, 1, 0, Vec::new()), now);
    assert_eq!(rib.selected(prefix("10.66.0.0/16")), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn the_longest_match_is_the_one_that_looking_at_all_finds(
        routes in prop::collection::vec((any::<u32>(), 0..=32u8, any::<bool>()), 0..60),
        probes in prop::collection::vec((any::<prop::sample::Index>(), 0..4u32), 20),
    ) {
        let (mut rib, now) = (Rib::new(), Instant::now());
        for (bits, length, keep) in &routes {
            let prefix = Prefix::masked(IpAddr::V4((*bits).into()), *length).unwrap();
            rib.set(prefix, &Route::new(Protocol::Static, 1, 0, vec![RouteNextHop::Blackhole]), now);
            if !keep {
                rib.remove(prefix, Protocol::Static, None);
            }
        }
        for (place, offset) in probes {
            let bits = if routes.is_empty() { offset } else { routes[place.index(routes.len())].0.wrapping_add(offset) };
            let address = IpAddr::V4(bits.into());
            let all = rib.iter_selected().map(|(prefix, _)| prefix).filter(|prefix| prefix.contains(address));
            let expected = all.max_by_key(|prefix| prefix.length());
            prop_assert_eq!(rib.longest_match(address).map(|(prefix, _)| prefix), expected);
        }
    }
}
