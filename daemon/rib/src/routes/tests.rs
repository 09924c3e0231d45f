//! The main table: selection, replacement, and what becomes dirty.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and begin at any time"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use nouns::Prefix;

use proptest::prelude::*;

use super::*;
use crate::fixtures::{ip, leg, link, prefix, world};
use crate::prefix_table::Spot;
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

/// Prefixes that changed, let go of.
fn taken(rib: &mut Rib, limit: usize) -> Vec<Prefix> {
    let spots = rib.take_dirty(limit);
    spots.iter().for_each(|spot| rib.let_go(*spot));
    spots.into_iter().map(Spot::prefix).collect()
}

fn table() -> (Rib, World, NextHops, Instant) {
    let (mut rib, world, mut next_hops, now) = (Rib::default(), world(), NextHops::new(), Instant::now());
    rib.replace_protocol(Protocol::Connected, world.connected_routes(), now);
    rib.settle(&mut next_hops, &world);
    taken(&mut rib, 99);
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
    assert_eq!(taken(&mut rib, 9), [net]);
    let distances: Vec<u8> = rib.routes(net).map(|offered| offered.route.distance).collect();
    assert_eq!(distances, [1, 200, 250]);
    rib.remove(net, Protocol::Bgp { internal: false }, None);
    assert_eq!(rib.selected(net).unwrap().distance, 250);
    rib.remove(net, Protocol::Static, Some(250));
    assert_eq!((rib.selected(net), rib.routes(net).count()), (None, 1));
    rib.remove(net, Protocol::Static, None);
    assert_eq!(taken(&mut rib, 9), [net]);
    assert_eq!(rib.len(), 3, "the connected networks remain");
}

#[test]
fn a_link_that_comes_up_brings_its_routes_to_life() {
    let (mut rib, mut world, mut next_hops, now) = table();
    let net = prefix("10.50.0.0/16");
    rib.set(net, &route(Protocol::Static, 1, "10.2.0.7"), now);
    rib.settle(&mut next_hops, &world);
    assert_eq!(rib.selected(net), None);
    taken(&mut rib, 9);
    world.apply(&WorldEvent::Link(link(2, true)));
    rib.replace_protocol(Protocol::Connected, world.connected_routes(), now);
    rib.settle(&mut next_hops, &world);
    assert_eq!(rib.selected(net).unwrap().wanted(&next_hops), Wanted::legs(vec![leg("10.2.0.7", 2)]));
    assert_eq!(taken(&mut rib, 9), [prefix("10.2.0.0/24"), net]);
}

#[test]
fn a_route_whose_gateway_moves_is_dirty_though_it_stays_selected() {
    let (mut rib, world, mut next_hops, now) = table();
    rib.set(prefix("10.50.0.0/16"), &route(Protocol::Static, 1, "192.168.101.201"), now);
    rib.set(prefix("10.60.0.0/16"), &route(BGP, 200, "10.50.0.1"), now);
    rib.settle(&mut next_hops, &world);
    taken(&mut rib, 9);
    rib.set(prefix("10.50.0.0/16"), &route(Protocol::Static, 1, "192.168.101.202"), now);
    assert_eq!(rib.settle(&mut next_hops, &world), [ip("10.50.0.1"), ip("192.168.101.202")]);
    assert_eq!(taken(&mut rib, 9), [prefix("10.50.0.0/16"), prefix("10.60.0.0/16")]);
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
    taken(&mut rib, 9);
    rib.replace_protocol(Protocol::Static, wanted("192.168.101.202"), later);
    rib.settle(&mut next_hops, &world);
    assert_eq!(taken(&mut rib, 9), [prefix("10.2.0.0/16")]);
    assert_eq!(since(&rib, "10.1.0.0/16"), start);
    assert_eq!(since(&rib, "10.2.0.0/16"), later);
    rib.replace_protocol(Protocol::Static, BTreeMap::new(), later);
    assert_eq!(taken(&mut rib, 9).len(), 2);
    assert_eq!(rib.len(), 3);
}

#[test]
fn an_offer_that_is_there_already_changes_nothing() {
    let (mut rib, world, mut next_hops, start) = table();
    let net = prefix("10.1.0.0/16");
    rib.set(net, &route(BGP, 200, "192.168.101.201"), start);
    rib.settle(&mut next_hops, &world);
    taken(&mut rib, 9);
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
    taken(&mut rib, 9);
    world.apply(&WorldEvent::Link(link(1, false)));
    rib.replace_protocol(Protocol::Connected, world.connected_routes(), now);
    rib.settle(&mut next_hops, &world);
    assert_eq!(rib.selected(net).unwrap().wanted(&next_hops), Some(Wanted::Blackhole));
    assert!(taken(&mut rib, 9).contains(&net));
}

#[test]
fn a_route_without_next_hops_is_never_selected() {
    let (mut rib, _, _, now) = table();
    rib.set(prefix("10.66.0.0/16"), &Route::new(Protocol::Static, 1, 0, Vec::new()), now);
    assert_eq!(rib.selected(prefix("10.66.0.0/16")), None);
}

/// Prefixes that hold gateways of the offers below, and one that holds none.
const NETS: [&str; 4] = ["10.50.0.0/16", "10.60.0.0/16", "10.2.0.0/16", "10.70.0.0/24"];

/// As `offer`, but none that ends what makes it usable: such routes would come and go for ever.
fn offer_for(net: usize, kind: u8) -> Route {
    offer(if kind == 3 && matches!(net, 0 | 2) { 4 } else { kind })
}

/// Offers through a link that stays, through another route, through a link that comes and goes, through two of these,
/// and through nothing.
fn offer(kind: u8) -> Route {
    let through = |gateways: &[&str]| {
        let next_hop = |gateway: &&str| RouteNextHop::Gateway { address: ip(gateway), interface: None };
        gateways.iter().map(next_hop).collect()
    };
    match kind {
        0 => Route::new(BGP, 200, 0, through(&["192.168.101.201"])),
        1 => Route::new(BGP, 200, 0, through(&["10.50.0.1"])),
        2 => Route::new(BGP, 200, 7, through(&["10.2.0.7", "192.168.101.202"])),
        3 => Route::new(Protocol::Static, 1, 0, through(&["10.2.0.7"])),
        4 => Route::new(Protocol::Static, 250, 0, vec![RouteNextHop::Blackhole]),
        _ => Route::new(Protocol::Kernel, 0, 5, vec![RouteNextHop::Connected { ifindex: 1 }]),
    }
}

#[derive(Clone, Debug)]
enum Deed {
    Set(usize, u8),
    Remove(usize, u8),
    ReplaceStatic(BTreeMap<usize, Vec<u8>>),
    Link(bool),
    Settle,
}

fn deed() -> impl Strategy<Value = Deed> {
    let net = 0..NETS.len();
    let statics = prop::collection::btree_map(0..NETS.len(), prop::collection::btree_set(3..5u8, 1..3), 0..3);
    prop_oneof![
        6 => (net.clone(), 0..6u8).prop_map(|(net, kind)| Deed::Set(net, kind)),
        2 => (net, 0..6u8).prop_map(|(net, kind)| Deed::Remove(net, kind)),
        1 => statics.prop_map(|all| {
            Deed::ReplaceStatic(all.into_iter().map(|(net, kinds)| (net, kinds.into_iter().collect())).collect())
        }),
        2 => any::<bool>().prop_map(Deed::Link),
        4 => Just(Deed::Settle),
    ]
}

/// The table, and what it should hold in a form that is too plain to be wrong.
struct Pair {
    rib: Rib,
    world: World,
    next_hops: NextHops,
    now: Instant,
    offers: BTreeMap<Prefix, Vec<Route>>,
    /// What whoever takes the dirty prefixes was told of each.
    told: BTreeMap<Prefix, Option<Wanted>>,
}

impl Pair {
    fn run(&mut self, deed: Deed) {
        match deed {
            Deed::Set(net, kind) => {
                let (net, route) = (prefix(NETS[net]), offer_for(net, kind));
                self.rib.set(net, &route, self.now);
                let offers = self.offers.entry(net).or_default();
                offers.retain(|old| !route.replaces(old));
                offers.push(route);
                offers.sort_by(order);
            }
            Deed::Remove(net, kind) => {
                let (net, route) = (prefix(NETS[net]), offer_for(net, kind));
                self.rib.remove(net, route.protocol, Some(route.distance));
                let same = |old: &Route| old.protocol == route.protocol && old.distance == route.distance;
                self.offers.entry(net).or_default().retain(|old| !same(old));
            }
            Deed::ReplaceStatic(wanted) => {
                let wanted: BTreeMap<Prefix, Vec<Route>> = wanted
                    .into_iter()
                    .map(|(net, kinds)| {
                        let kinds: BTreeSet<u8> = kinds.into_iter().collect();
                        let mut offers: Vec<Route> = kinds.into_iter().map(|kind| offer_for(net, kind)).collect();
                        offers.dedup();
                        (prefix(NETS[net]), offers)
                    })
                    .collect();
                self.rib.replace_protocol(Protocol::Static, wanted.clone(), self.now);
                for net in NETS.map(prefix) {
                    let offers = self.offers.entry(net).or_default();
                    offers.retain(|old| old.protocol != Protocol::Static);
                    offers.extend(wanted.get(&net).into_iter().flatten().cloned());
                    offers.sort_by(order);
                }
            }
            Deed::Link(up) => {
                self.world.apply(&WorldEvent::Link(link(2, up)));
                let news = self.world.take_news();
                self.next_hops.touch(&news);
                for network in &news.networks {
                    let connected = self.world.connected_route(*network);
                    self.rib.replace_offers(*network, Protocol::Connected, connected, self.now);
                }
            }
            Deed::Settle => self.settle(),
        }
    }

    fn settle(&mut self) {
        self.rib.settle_new(&mut self.next_hops, &self.world);
        let dirty = self.rib.dirty_len();
        let more = self.rib.settle(&mut self.next_hops, &self.world);
        assert!(more.is_empty(), "looking at everything finds no more: {more:?}");
        assert_eq!(self.rib.dirty_len(), dirty);
        for prefix in taken(&mut self.rib, 99) {
            let wanted = self.rib.selected(prefix).and_then(|route| route.wanted(&self.next_hops));
            self.told.insert(prefix, wanted);
        }
        for net in NETS.map(prefix) {
            let offers = self.offers.get(&net).map_or(&[][..], Vec::as_slice);
            assert_eq!(
                self.rib.routes(net).map(|offered| offered.route).collect::<Vec<_>>(),
                offers.iter().collect::<Vec<_>>()
            );
            let resolves = |(address, link): Gateway| self.next_hops.resolve_via(address, link).is_resolved();
            let selected = offers.iter().find(|route| route.is_usable(resolves));
            assert_eq!(self.rib.selected(net), selected);
            let wanted = selected.and_then(|route| route.wanted(&self.next_hops));
            assert_eq!(self.told.get(&net).cloned().flatten(), wanted, "whoever wants to know of {net} was told");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn offers_held_once_behave_as_offers_of_each_prefix(deeds in prop::collection::vec(deed(), 1..40)) {
        let (rib, mut world, next_hops, now) = table();
        world.take_news();
        let mut pair = Pair { rib, world, next_hops, now, offers: BTreeMap::new(), told: BTreeMap::new() };
        for deed in deeds {
            pair.run(deed);
        }
        pair.settle();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn the_longest_match_is_the_one_that_looking_at_all_finds(
        routes in prop::collection::vec((any::<u32>(), 0..=32u8, any::<bool>()), 0..60),
        probes in prop::collection::vec((any::<prop::sample::Index>(), 0..4u32), 20),
    ) {
        let (mut rib, now) = (Rib::default(), Instant::now());
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
