//! Writing routes, reading them back, and refusals.

use std::collections::BTreeMap;

use kernel::{FibWriter, kernel_fib, snapshot};
use rib::fib::{FibChange, FibTarget, GROUP_ID_BASE, MAIN_TABLE, NEXT_HOP_ID_BASE, RouteKey, RouteMap};
use rib::world::{Leg, WorldEvent};

use crate::world::{
    apply, group, ifindex, in_namespace, ip, monitor_of, next_hop, refused, route, told_until, two_links,
};

/// Three gateways, two groups.
fn three_gateways() -> Vec<FibChange> {
    vec![
        next_hop(1, "192.0.2.201", "east"),
        next_hop(2, "192.0.2.202", "east"),
        next_hop(3, "198.51.100.203", "west"),
        group(1, &[1, 2, 3]),
    ]
}

#[test]
fn a_thousand_routes_over_three_gateways_are_read_back_as_they_were_written() {
    in_namespace(|| {
        two_links();
        let mut writer = FibWriter::open().unwrap();
        let mut changes = three_gateways();
        let prefixes: Vec<String> = (0..1000).map(|n| format!("10.{}.{}.0/24", n / 250, n % 250)).collect();
        changes.extend(prefixes.iter().map(|prefix| route(prefix, 1)));
        apply(&mut writer, &changes);
        let fib = kernel_fib().unwrap();
        assert_eq!(fib.next_hops.len(), 3);
        let members = [1, 2, 3].map(|number| (NEXT_HOP_ID_BASE + number, 1)).to_vec();
        assert_eq!(fib.groups, BTreeMap::from([(GROUP_ID_BASE + 1, members)]));
        let wanted = prefixes.iter().map(|text| (text.parse().unwrap(), FibTarget::Group(GROUP_ID_BASE + 1)));
        assert_eq!(fib.routes, wanted.collect::<RouteMap<_>>());
        assert_eq!(snapshot().unwrap().ours, fib);
        assert!(ip("route get 10.3.7.1").contains("via"));

        let gone: Vec<FibChange> = prefixes.iter().map(|text| FibChange::RouteGone(text.parse().unwrap())).collect();
        apply(&mut writer, &gone);
        apply(&mut writer, &gone);
        assert!(kernel_fib().unwrap().routes.is_empty());
    });
}

#[test]
fn a_group_is_replaced_in_place_and_its_routes_follow() {
    in_namespace(|| {
        two_links();
        let mut writer = FibWriter::open().unwrap();
        apply(&mut writer, &three_gateways());
        apply(
            &mut writer,
            &[route("172.16.102.229/32", 1), group(1, &[3]), FibChange::NextHopGone(NEXT_HOP_ID_BASE + 1)],
        );
        let fib = kernel_fib().unwrap();
        assert_eq!(fib.groups[&(GROUP_ID_BASE + 1)], [(NEXT_HOP_ID_BASE + 3, 1)]);
        assert_eq!(fib.next_hops.len(), 2);
        assert!(ip("route get 172.16.102.229").contains("via 198.51.100.203"));
    });
}

#[test]
fn a_next_hop_that_is_deleted_leaves_all_its_groups_in_one_change_and_no_route_goes() {
    in_namespace(|| {
        two_links();
        let mut writer = FibWriter::open().unwrap();
        let mut monitor = monitor_of(&writer);
        apply(&mut writer, &three_gateways());
        apply(&mut writer, &[group(2, &[1, 3]), route("172.16.102.229/32", 1), route("172.16.101.10/32", 2)]);
        apply(&mut writer, &[FibChange::NextHopGone(NEXT_HOP_ID_BASE + 1)]);
        let fib = kernel_fib().unwrap();
        let members = |numbers: &[u32]| numbers.iter().map(|number| (NEXT_HOP_ID_BASE + number, 1)).collect::<Vec<_>>();
        let expected = [(GROUP_ID_BASE + 1, members(&[2, 3])), (GROUP_ID_BASE + 2, members(&[3]))];
        assert_eq!(fib.groups, BTreeMap::from(expected));
        assert_eq!((fib.next_hops.len(), fib.routes.len()), (2, 2));
        assert!(ip("route get 172.16.101.10").contains("via 198.51.100.203"));
        ip("route add blackhole 203.0.113.9");
        let events = told_until(&mut monitor, |event| matches!(event, WorldEvent::Route(_)));
        let ours = |event: &&WorldEvent| matches!(event, WorldEvent::OurNextHopLost(_) | WorldEvent::OurRouteLost(_));
        assert_eq!(events.iter().find(ours), None, "what we did ourselves is no loss");
    });
}

#[test]
fn routes_of_other_tables_are_kept_apart_and_their_loss_is_told() {
    in_namespace(|| {
        two_links();
        let mut writer = FibWriter::open().unwrap();
        let mut monitor = monitor_of(&writer);
        let key = |table: u32, text: &str| RouteKey { table, prefix: text.parse().unwrap() };
        let put = |key, target| FibChange::Route { key, target };
        let to_group = FibTarget::Group(GROUP_ID_BASE + 1);
        let keys = [key(10, "10.0.0.0/8"), key(1000, "10.0.0.0/8"), key(10, "2001:db8:7::/48")];
        apply(&mut writer, &[next_hop(1, "192.0.2.201", "east"), next_hop(2, "2001:db8:e::201", "east")]);
        apply(&mut writer, &[group(1, &[1]), group(2, &[2]), route("10.0.0.0/8", 1)]);
        apply(&mut writer, &[put(keys[0], FibTarget::Unreachable), put(keys[1], to_group)]);
        apply(&mut writer, &[put(keys[2], FibTarget::Group(GROUP_ID_BASE + 2))]);
        let fib = kernel_fib().unwrap();
        assert_eq!(fib.routes.len(), 4);
        assert_eq!(
            (*fib.routes.get(keys[0]).unwrap(), *fib.routes.get(keys[1]).unwrap()),
            (FibTarget::Unreachable, to_group)
        );
        assert_eq!(kernel::snapshot().unwrap().ours, fib);
        ip("route del 10.0.0.0/8 table 1000");
        let lost = WorldEvent::OurRouteLost(keys[1]);
        told_until(&mut monitor, |event| *event == lost);
        apply(&mut writer, &[FibChange::RouteGone(keys[0]), FibChange::RouteGone(keys[2])]);
        let fib = kernel_fib().unwrap();
        assert_eq!(fib.routes.keys().collect::<Vec<_>>(), [key(MAIN_TABLE, "10.0.0.0/8")]);
    });
}

#[test]
fn weights_blackholes_and_routes_over_gateways_of_the_other_family_are_kept() {
    in_namespace(|| {
        two_links();
        ip("addr add fe80::1/64 dev east nodad");
        let mut writer = FibWriter::open().unwrap();
        let on_link = Leg { gateway: None, ifindex: ifindex("west") };
        let weighted = vec![(NEXT_HOP_ID_BASE + 1, 256), (NEXT_HOP_ID_BASE + 2, 3)];
        let blackhole = |text: &str| FibChange::Route { key: text.parse().unwrap(), target: FibTarget::Blackhole };
        apply(
            &mut writer,
            &[
                next_hop(1, "2001:db8:e::201", "east"),
                next_hop(2, "fe80::202", "east"),
                FibChange::NextHop { id: NEXT_HOP_ID_BASE + 3, leg: on_link },
                FibChange::Group { id: GROUP_ID_BASE + 1, members: weighted.clone() },
                group(2, &[3]),
                route("172.16.101.10/32", 1),
                route("2001:db8:5::10/128", 1),
                route("203.0.113.0/24", 2),
                route("2001:db8:6::/48", 2),
                blackhole("10.0.0.0/8"),
                blackhole("2001:db8:7::/48"),
            ],
        );
        let fib = kernel_fib().unwrap();
        assert_eq!(fib.groups[&(GROUP_ID_BASE + 1)], weighted);
        assert_eq!(fib.next_hops[&(NEXT_HOP_ID_BASE + 3)], on_link);
        assert_eq!(fib.routes.len(), 6);
        assert_eq!(*fib.routes.get("2001:db8:7::/48".parse().unwrap()).unwrap(), FibTarget::Blackhole);
        assert!(ip("route get 172.16.101.10").contains("via inet6"));
        apply(&mut writer, &[route("10.0.0.0/8", 1), blackhole("172.16.101.10/32"), route("2001:db8:7::/48", 1)]);
        let fib = kernel_fib().unwrap();
        assert_eq!(*fib.routes.get("10.0.0.0/8".parse().unwrap()).unwrap(), FibTarget::Group(GROUP_ID_BASE + 1));
        assert_eq!(*fib.routes.get("172.16.101.10/32".parse().unwrap()).unwrap(), FibTarget::Blackhole);
        assert_eq!(*fib.routes.get("2001:db8:7::/48".parse().unwrap()).unwrap(), FibTarget::Group(GROUP_ID_BASE + 1));
        assert_eq!(fib.routes.len(), 6);
    });
}

#[test]
fn each_refusal_comes_back_with_its_change_and_the_kernels_reason_and_stops_nothing() {
    in_namespace(|| {
        two_links();
        let mut writer = FibWriter::open().unwrap();
        apply(&mut writer, &three_gateways());
        let far = next_hop(9, "203.0.113.77", "east");
        let nowhere = route("10.66.0.0/16", 66);
        let mut changes: Vec<FibChange> =
            (0..600).map(|n| route(&format!("10.1.{}.{}/32", n / 200, n % 200), 1)).collect();
        changes.insert(100, nowhere.clone());
        changes.insert(400, far.clone());
        changes.push(FibChange::RouteGone("10.99.0.0/16".parse().unwrap()));
        changes.push(FibChange::NextHopGone(NEXT_HOP_ID_BASE + 99));
        changes.push(nowhere.clone());
        let refused = refused(&mut writer, &changes);
        let who: Vec<&FibChange> = refused.iter().map(|refusal| &refusal.change).collect();
        assert_eq!(who, [&nowhere, &far, &nowhere]);
        assert!(refused[0].reason.to_lowercase().contains("nexthop"), "{refused:?}");
        assert_eq!(refused[1].errno, libc::ENETUNREACH);
        assert_eq!(refused[1].reason, "Nexthop has invalid gateway");
        assert_eq!(kernel_fib().unwrap().routes.len(), 600);
    });
}

#[test]
fn groups_of_hundreds_of_members_do_not_break_the_batch() {
    in_namespace(|| {
        two_links();
        let mut writer = FibWriter::open().unwrap();
        let east = ifindex("east");
        let mut changes: Vec<FibChange> = (1..=200).map(|number| next_hop_on(east, number)).collect();
        let members: Vec<u32> = (1..=200).collect();
        changes.extend((1..=100).map(|number| group(number, &members)));
        apply(&mut writer, &changes);
        let fib = kernel_fib().unwrap();
        assert_eq!(fib.groups.len(), 100);
        assert!(fib.groups.values().all(|members| members.len() == 200));
    });
}

fn next_hop_on(ifindex: u32, number: u32) -> FibChange {
    let gateway = Some(std::net::IpAddr::from([192, 0, 2, u8::try_from(number).unwrap() + 1]));
    FibChange::NextHop { id: NEXT_HOP_ID_BASE + number, leg: Leg { gateway, ifindex } }
}

#[test]
fn routes_of_others_are_neither_read_as_ours_nor_deleted() {
    in_namespace(|| {
        two_links();
        ip("route add 10.5.0.0/16 via 192.0.2.9 metric 20");
        ip("nexthop add id 5 via 192.0.2.9 dev east");
        ip("route add 10.6.0.0/16 nhid 5");
        let mut writer = FibWriter::open().unwrap();
        apply(&mut writer, &[FibChange::RouteGone("10.5.0.0/16".parse().unwrap())]);
        let snapshot = snapshot().unwrap();
        assert!(snapshot.ours.routes.is_empty());
        assert!(snapshot.ours.next_hops.is_empty());
        let leg = Leg { gateway: Some("192.0.2.9".parse().unwrap()), ifindex: ifindex("east") };
        for prefix in ["10.5.0.0/16", "10.6.0.0/16"] {
            let found = snapshot.routes.iter().find(|route| route.prefix.to_string() == prefix).unwrap();
            assert_eq!(found.legs, [leg], "{prefix}");
        }
    });
}
