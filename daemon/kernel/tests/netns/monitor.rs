//! What the monitor tells of others' deeds, of the kernel's own, and of ours.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::thread;

use kernel::{FibWriter, snapshot, sysctl};
use rib::fib::{FibChange, GROUP_ID_BASE, NEXT_HOP_ID_BASE};
use rib::world::{ForeignRoute, Leg, LinkAddress, WorldEvent};

use crate::world::{
    apply, group, ifindex, in_namespace, ip, monitor_of, next_hop, route, routes_told, told_so_far, told_until,
    two_links,
};

/// One route over two links: group 1 has both, group 2 the east alone.
fn installed() -> FibWriter {
    two_links();
    sysctl::write("net.ipv4.nexthop_compat_mode", "0").unwrap();
    let mut writer = FibWriter::open().unwrap();
    apply(
        &mut writer,
        &[
            next_hop(1, "192.0.2.201", "east"),
            next_hop(2, "198.51.100.202", "west"),
            group(1, &[1, 2]),
            group(2, &[1]),
            route("172.16.102.229/32", 1),
            route("172.16.101.10/32", 2),
        ],
    );
    writer
}

/// More notifications than the monitor's queue holds.
fn large_table() -> Vec<FibChange> {
    (0..100_000).map(|n| route(&format!("10.{}.{}.0/24", n / 250 % 200, n % 250), 1 + n / 50_000)).collect()
}

fn lost_next_hops(events: &[WorldEvent]) -> Vec<u32> {
    let id = |event: &WorldEvent| match event {
        WorldEvent::OurNextHopLost(id) => Some(*id),
        _ => None,
    };
    events.iter().filter_map(id).collect()
}

#[test]
fn our_own_changes_are_no_news() {
    in_namespace(|| {
        let mut writer = installed();
        let mut monitor = monitor_of(&writer);
        apply(
            &mut writer,
            &[
                route("10.1.0.0/16", 1),
                group(1, &[2]),
                group(2, &[2]),
                FibChange::NextHopGone(NEXT_HOP_ID_BASE + 1),
                FibChange::RouteGone("172.16.101.10/32".parse().unwrap()),
                FibChange::NextHopGone(GROUP_ID_BASE + 2),
                next_hop(1, "192.0.2.204", "east"),
            ],
        );
        assert_eq!(routes_told(&mut monitor), []);
    });
}

#[test]
fn a_link_that_goes_down_takes_our_next_hops_along_though_the_kernel_does_not_say_so() {
    in_namespace(|| {
        let writer = installed();
        let mut monitor = monitor_of(&writer);
        ip("link set east down");
        let events = told_so_far(&mut monitor);
        assert_eq!(lost_next_hops(&events), [NEXT_HOP_ID_BASE + 1, GROUP_ID_BASE + 2]);
        let ours = snapshot().unwrap().ours;
        assert_eq!(ours.next_hops.len(), 1);
        assert_eq!(ours.groups.keys().copied().collect::<Vec<_>>(), [GROUP_ID_BASE + 1]);
        assert_eq!(ours.routes.len(), 1, "the route of the emptied group went silently");
    });
}

#[test]
fn the_loss_of_carrier_takes_our_next_hops_along() {
    in_namespace(|| {
        let writer = installed();
        let mut monitor = monitor_of(&writer);
        ip("link set east-far down");
        let emptied = WorldEvent::OurNextHopLost(GROUP_ID_BASE + 2);
        let events = told_until(&mut monitor, |event| *event == emptied);
        let east = ifindex("east");
        let without =
            |event: &WorldEvent| matches!(event, WorldEvent::Link(link) if link.index == east && !link.carrier);
        assert!(events.iter().any(without), "{events:#?}");
        assert_eq!(snapshot().unwrap().ours.next_hops.len(), 1);
    });
}

#[test]
fn what_others_do_to_our_routes_is_told() {
    in_namespace(|| {
        let mut writer = installed();
        let mut monitor = monitor_of(&writer);
        let prefix: nouns::Prefix = "172.16.102.229/32".parse().unwrap();
        let lost = |event: &WorldEvent| *event == WorldEvent::OurRouteLost(prefix.into());
        ip("route del 172.16.102.229/32");
        told_until(&mut monitor, lost);
        apply(&mut writer, &[route("172.16.102.229/32", 1)]);
        ip("route replace 172.16.102.229/32 via 192.0.2.66 metric 20");
        let events = told_until(&mut monitor, lost);
        assert!(events.iter().any(|event| matches!(event, WorldEvent::Route(foreign) if foreign.prefix == prefix)));
        ip(&format!("nexthop del id {}", NEXT_HOP_ID_BASE + 1));
        let events = told_so_far(&mut monitor);
        assert_eq!(lost_next_hops(&events), [NEXT_HOP_ID_BASE + 1, GROUP_ID_BASE + 2]);
        ip(&format!("nexthop replace id {} blackhole", NEXT_HOP_ID_BASE + 2));
        assert_eq!(lost_next_hops(&told_so_far(&mut monitor)), [NEXT_HOP_ID_BASE + 2]);
    });
}

#[test]
fn foreign_routes_links_and_addresses_are_told_as_they_come_and_go() {
    in_namespace(|| {
        let writer = installed();
        let mut monitor = monitor_of(&writer);
        let east = ifindex("east");
        let foreign = ForeignRoute {
            prefix: "10.9.0.0/16".parse().unwrap(),
            metric: 50,
            protocol: 4,
            legs: vec![Leg { gateway: Some("192.0.2.9".parse().unwrap()), ifindex: east }],
        };
        ip("route add 10.9.0.0/16 via 192.0.2.9 metric 50 proto static");
        assert_eq!(routes_told(&mut monitor), [WorldEvent::Route(foreign.clone())]);
        ip("route del 10.9.0.0/16 metric 50");
        assert_eq!(routes_told(&mut monitor), [WorldEvent::RouteGone(foreign)]);
        ip("route add 10.9.0.0/16 via 192.0.2.9 table 100");
        assert_eq!(routes_told(&mut monitor), []);
        ip("addr add 192.0.2.77/24 dev east");
        let added = LinkAddress { ifindex: east, address: "192.0.2.77/24".parse().unwrap(), peer: None };
        told_until(&mut monitor, |event| *event == WorldEvent::Address(added));
        ip("addr del 192.0.2.77/24 dev east");
        told_until(&mut monitor, |event| *event == WorldEvent::AddressGone(added));
        ip("link add third type veth peer name third-far");
        let third = ifindex("third");
        ip("link del third");
        told_until(&mut monitor, |event| *event == WorldEvent::LinkGone(third));
    });
}

#[test]
fn foreign_ipv4_routes_that_the_kernel_drops_silently_are_told() {
    in_namespace(|| {
        let writer = installed();
        ip("route add 10.9.0.0/16 via 192.0.2.9");
        ip("route add 10.10.0.0/16 via 198.51.100.9");
        ip("nexthop add id 5 via 198.51.100.9 dev west");
        ip("route add 10.11.0.0/16 nhid 5");
        let mut monitor = monitor_of(&writer);
        let gone = |events: &[WorldEvent]| -> Vec<String> {
            let prefix = |event: &WorldEvent| match event {
                WorldEvent::RouteGone(route) if route.prefix.family() == nouns::Family::Ipv4Unicast => {
                    Some(route.prefix.to_string())
                }
                _ => None,
            };
            events.iter().filter_map(prefix).collect()
        };
        ip("link set east down");
        assert_eq!(gone(&told_so_far(&mut monitor)), ["10.9.0.0/16", "192.0.2.0/24"]);
        ip("nexthop del id 5");
        assert_eq!(gone(&told_so_far(&mut monitor)), ["10.11.0.0/16"]);
        ip("addr del 198.51.100.1/24 dev west");
        let mut rest = gone(&told_so_far(&mut monitor));
        rest.sort();
        assert_eq!(rest, ["10.10.0.0/16", "198.51.100.0/24"]);
        let still: Vec<_> = snapshot().unwrap().routes.into_iter().map(|route| route.prefix.to_string()).collect();
        assert!(still.iter().all(|prefix| !prefix.starts_with("10.")), "{still:?}");
    });
}

#[test]
fn a_storm_of_foreign_routes_ends_in_an_overrun_and_the_monitor_goes_on() {
    in_namespace(|| {
        let writer = installed();
        let mut monitor = monitor_of(&writer);
        let mut stranger = FibWriter::open().unwrap();
        apply(&mut stranger, &large_table());
        told_until(&mut monitor, |event| *event == WorldEvent::Overrun);
        ip("link set east down");
        assert!(lost_next_hops(&told_so_far(&mut monitor)).contains(&(GROUP_ID_BASE + 2)));
    });
}

#[test]
fn installing_a_large_table_of_ours_does_not_overrun_the_monitor() {
    in_namespace(|| {
        let mut writer = installed();
        let mut monitor = monitor_of(&writer);
        apply(&mut writer, &large_table());
        assert_eq!(routes_told(&mut monitor), []);
    });
}

#[test]
fn a_deletion_by_ip_is_seen_as_a_strangers_even_while_ours_run() {
    in_namespace(|| {
        let mut writer = installed();
        let mut monitor = monitor_of(&writer);
        let changes: Vec<FibChange> =
            (0..2000).map(|n| route(&format!("10.0.{}.{}/32", n / 250, n % 250), 1)).collect();
        let child = Command::new("ip").args(["route", "del", "172.16.101.10/32"]).spawn();
        apply(&mut writer, &changes);
        assert!(child.unwrap().wait().unwrap().success());
        let lost = WorldEvent::OurRouteLost("172.16.101.10/32".parse().unwrap());
        assert_eq!(routes_told(&mut monitor), [lost]);
    });
}

#[test]
fn the_loss_of_a_next_hop_is_told_in_the_middle_of_a_storm_of_links_and_so_is_each_link() {
    in_namespace(|| {
        let writer = installed();
        let mut monitor = monitor_of(&writer);
        const LINKS: usize = 150;
        for number in 0..LINKS {
            ip(&format!("link add storm{number} type veth peer name far{number}"));
            if number == LINKS / 2 {
                ip("link set east down");
            }
        }
        let events = told_so_far(&mut monitor);
        assert_eq!(lost_next_hops(&events), [NEXT_HOP_ID_BASE + 1, GROUP_ID_BASE + 2]);
        for number in 0..LINKS {
            let name = format!("storm{number}");
            let told = |event: &WorldEvent| matches!(event, WorldEvent::Link(link) if link.name.as_str() == name);
            assert!(events.iter().any(told), "{name}");
        }
    });
}

/// A link that nothing leads through gets a remark after the other, as fast as can be.
fn storm_about(link: &str, remarks: usize) -> Child {
    ip(&format!("link add {link} type veth peer name {link}-far"));
    // Of a link that is down the kernel tells no remark.
    ip(&format!("link set {link} up"));
    let mut storm = Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = storm.stdin.take().unwrap();
    let link = link.to_owned();
    thread::spawn(move || {
        for number in 0..remarks {
            if writeln!(input, "link set {link} alias {number}").is_err() {
                return;
            }
        }
    });
    storm
}

#[test]
fn each_change_of_a_link_that_something_leads_through_is_told_in_the_middle_of_a_storm() {
    const CHANGES: u32 = 21;
    in_namespace(|| {
        let writer = installed();
        let (east, mut monitor) = (ifindex("east"), monitor_of(&writer));
        let mut storm = storm_about("idle", 50_000);
        let rages = |event: &WorldEvent| matches!(event, WorldEvent::Link(link) if link.alias.parse::<u32>().is_ok_and(|number| number > 60));
        // As long as it does, no more is told of that link.
        told_until(&mut monitor, rages);
        for number in 0..CHANGES {
            let mtu = 1400 + number;
            ip(&format!("link set east mtu {mtu}"));
            let heard =
                |event: &WorldEvent| matches!(event, WorldEvent::Link(link) if link.index == east && link.mtu == mtu);
            told_until(&mut monitor, heard);
        }
        assert!(storm.try_wait().unwrap().is_none(), "the storm has ended before");
        storm.kill().unwrap();
        storm.wait().unwrap();
    });
}
