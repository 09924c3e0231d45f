//! The filters in front of the monitor's socket, and what is told behind the one of a storm.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::sync::mpsc;
use std::thread;

use rib::world::Link;
use rib::world_view::World;

use super::*;
use crate::attribute::Batch;
use crate::number::{AF_INET6, RTA_DST};
use crate::number::{IFLA_IFALIAS, IFLA_IFNAME, IFLA_MTU};

/// Runs the program as the kernel would, for the instructions that it uses.
fn passes(program: &[libc::sock_filter], octets: &[u8]) -> bool {
    let mut place = 0;
    let (mut accumulator, mut x, mut stored) = (0, 0, [0; 16]);
    let word = |at: usize| u32::from_be_bytes(*octets.get(at..).unwrap().first_chunk().unwrap());
    loop {
        let step = program.get(place).unwrap();
        let at = usize::try_from(step.k).unwrap();
        place += 1;
        match step.code {
            0x00 => accumulator = step.k,
            0x01 => x = step.k,
            0x02 => *stored.get_mut(at).unwrap() = accumulator,
            0x05 => place += at,
            0x07 => x = accumulator,
            0x20 if step.k == 0xffff_f00c => accumulator = find_attribute(octets, accumulator, x),
            0x48 => {
                let at = at + usize::try_from(x).unwrap();
                accumulator = u32::from(u16::from_be_bytes(*octets.get(at..).unwrap().first_chunk().unwrap()));
            }
            0x28 => accumulator = u32::from(u16::from_be_bytes(*octets.get(at..).unwrap().first_chunk().unwrap())),
            0x30 => accumulator = u32::from(*octets.get(at).unwrap()),
            0x20 => accumulator = word(at),
            0x40 => accumulator = word(at + usize::try_from(x).unwrap()),
            0x60 => accumulator = *stored.get(at).unwrap(),
            0x15 => place += usize::from(if accumulator == step.k { step.jt } else { step.jf }),
            _ => return step.k != 0,
        }
    }
}

/// `SKF_AD_NLATTR`
fn find_attribute(octets: &[u8], from: u32, wanted: u32) -> u32 {
    let mut at = usize::try_from(from).unwrap();
    while let Some([a, b, c, d]) = octets.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        if u32::from(u16::from_ne_bytes([*c, *d])) == wanted {
            return u32::try_from(at).unwrap();
        }
        at += usize::from(u16::from_ne_bytes([*a, *b])).next_multiple_of(4);
    }
    0
}

#[test]
fn routes_to_link_local_networks_are_dropped_and_no_other_route_of_ipv6() {
    let program = route_filter(&[4711]);
    for (destination, pass) in [
        (Some("fe80::"), false),
        (Some("fe80::1"), false),
        (Some("fe00::"), true),
        (Some("2001:db8::"), true),
        (Some("::fe80"), true),
        (None, true),
    ] {
        let mut batch = Batch::default();
        batch.begin(RTM_NEWROUTE, 0, 1, &[AF_INET6, 64, 0, 0, 254, 2, 0, 1, 0, 0, 0, 0]);
        batch.attribute_u32(15, 254);
        if let Some(destination) = destination {
            batch.attribute(RTA_DST, &destination.parse::<std::net::Ipv6Addr>().unwrap().octets());
        }
        batch.end();
        assert_eq!(passes(&program, batch.octets()), pass, "{destination:?}");
    }
}

#[test]
fn only_messages_by_the_hundred_are_a_storm() {
    let mut storm = Storm::new();
    assert!(!storm.rages(1));
    assert!(!storm.rages(STORM - 1));
    assert!(storm.rages(1));
    storm.since -= STORM_WITHIN * 2;
    assert!(!storm.rages(1), "it has calmed down");
}

#[test]
fn only_route_messages_of_our_own_ports_and_of_the_local_table_are_dropped() {
    let program = route_filter(&[4711, 9]);
    for (kind, port, table, pass) in [
        (RTM_NEWROUTE, 4711_u32, 254, false),
        (RTM_DELROUTE, 4711, 254, false),
        (RTM_DELROUTE, 9, 254, false),
        (RTM_NEWROUTE, 4712, 254, true),
        (RTM_NEWROUTE, 4712, 255, false),
        (RTM_DELROUTE, 0, 254, true),
        (RTM_DELROUTE, 0, 255, false),
        (RTM_NEWNEXTHOP, 4711, 255, true),
        (RTM_NEWLINK, 4711, 255, true),
    ] {
        let head = [&[0; 4], kind.to_ne_bytes().as_slice(), &[0; 6], &port.to_ne_bytes()].concat();
        let octets = [head.as_slice(), &[2, 24, 0, 0, table, 2, 0, 1]].concat();
        assert_eq!(passes(&program, &octets), pass, "{kind} of table {table} from {port}");
    }
}

fn names(all: &[&str]) -> BTreeSet<nouns::IfName> {
    all.iter().map(|name| name.parse().unwrap()).collect()
}

/// A message about a link.
fn of_link(kind: u16, index: u32, name: &str) -> Vec<u8> {
    let mut batch = Batch::default();
    let fixed = [0, index, 0, 0].into_iter().flat_map(u32::to_ne_bytes).collect::<Vec<_>>();
    batch.begin(kind, 0, 1, &fixed);
    batch.attribute_u32(IFLA_MTU, 1500);
    batch.attribute(IFLA_IFNAME, format!("{name}\0").as_bytes());
    batch.attribute(IFLA_IFALIAS, b"wanted with more words behind it\0");
    batch.end();
    batch.octets().to_vec()
}

#[test]
fn in_a_storm_links_pass_that_matter_or_have_a_name_that_does() {
    let many: BTreeSet<u32> = (1..=1024).collect();
    let wanted = ["eth7", "eth10", "w", "bond0.100", "a-name-of-15-oc"];
    let all_names: Vec<String> = (0..251).map(|number| format!("vlan-{number}")).collect();
    let all_names = names(&all_names.iter().map(String::as_str).chain(wanted).collect::<Vec<_>>());
    for (links, index, name, pass) in [
        (&[7, 9][..], 7, "c1", true),
        (&[7, 9], 9, "c1", true),
        (&[7, 9], 8, "c1", false),
        (&[7, 9], 7 << 24, "c1", false),
        (&[], 7, "c1", false),
        (&[7], 8, "eth7", true),
        (&[], 8, "eth10", true),
        (&[], 8, "w", true),
        (&[], 8, "bond0.100", true),
        (&[], 8, "a-name-of-15-oc", true),
        (&[], 8, "eth1", false),
        (&[], 8, "eth100", false),
        (&[], 8, "wa", false),
        (&[], 8, "bond0", false),
        (&[], 8, "a-name-of-15-ox", false),
    ] {
        let links: BTreeSet<u32> = links.iter().copied().collect();
        for (links, names) in [(&links, &names(&wanted)), (&links, &all_names)] {
            let program = storm_filter(&[4711], links, names).unwrap();
            assert!(program.len() <= 4096, "{} steps", program.len());
            for kind in [RTM_NEWLINK, RTM_DELLINK] {
                assert_eq!(passes(&program, &of_link(kind, index, name)), pass, "{kind} of {name}, {index}");
            }
        }
    }
    let program = storm_filter(&[4711], &many, &all_names).unwrap();
    assert!(program.len() <= 4096, "{} steps", program.len());
    for (index, pass) in [(1, true), (250, true), (251, true), (1024, true), (1025, false)] {
        assert_eq!(passes(&program, &of_link(RTM_NEWLINK, index, "c1")), pass, "{index}");
    }
    let too_many: BTreeSet<u32> = (1..=1025).collect();
    assert!(storm_filter(&[], &too_many, &names(&[])).is_none());
}

#[test]
fn in_a_storm_addresses_pass_but_link_local_ones_of_links_that_do_not_matter() {
    let (links, names) = ([7].into(), names(&["eth7"]));
    let program = storm_filter(&[4711], &links, &names).unwrap();
    for (family, scope, index, pass) in [
        (AF_INET6, RT_SCOPE_LINK, 8, false),
        (AF_INET6, RT_SCOPE_LINK, 7, true),
        (AF_INET6, 0, 8, true),
        (2, RT_SCOPE_LINK, 8, true),
        (2, 0, 8, true),
    ] {
        for kind in [RTM_NEWADDR, RTM_DELADDR] {
            let mut batch = Batch::default();
            let [a, b, c, d] = u32::to_ne_bytes(index);
            batch.begin(kind, 0, 1, &[family, 64, 0, scope, a, b, c, d]);
            batch.end();
            assert_eq!(passes(&program, batch.octets()), pass, "{kind} of {index}, family {family}, scope {scope}");
        }
    }
    // What is told of routes and next hops is judged as ever.
    for (kind, table, pass) in [(RTM_NEWROUTE, 254, true), (RTM_DELROUTE, 255, false), (RTM_DELNEXTHOP, 254, true)] {
        let mut batch = Batch::default();
        batch.begin(kind, 0, 1, &[2, 24, 0, 0, table, 2, 0, 1, 0, 0, 0, 0]);
        batch.end();
        assert_eq!(passes(&program, batch.octets()), pass, "{kind} of table {table}");
    }
}

#[expect(unsafe_code, reason = "unshare(2) has no safe wrapper here")]
fn enter_fresh_namespace() {
    // SAFETY: no pointer is passed, and only the namespace of this thread changes.
    let answer = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(answer, 0, "this test makes a network namespace and needs root: run it as root");
}

fn ip(words: &str) {
    let done = std::process::Command::new("ip").args(words.split(' ')).status().unwrap();
    assert!(done.success(), "ip {words}");
}

fn add(name: &str, index: u32) {
    ip(&format!("link add {name} index {index} type veth peer name {name}-far"));
}

/// A link whose carrier is there.
fn plug(name: &str, index: u32) {
    add(name, index);
    ip(&format!("link set {name}-far up"));
    ip(&format!("link set {name} up"));
}

/// Runs a test in a network namespace of its own, with links `east` (7), which has a route, and `idle` (8).
fn in_namespace(test: impl FnOnce() + Send + 'static) {
    let test = || {
        enter_fresh_namespace();
        for (name, index) in [("east", 7), ("idle", 8)] {
            plug(name, index);
        }
        ip("route add 203.0.113.0/24 dev east");
        test();
    };
    thread::spawn(test).join().unwrap();
}

/// A monitor in a storm that nobody looks at unless somebody asks, and what was told.
fn deaf_monitor(wanted: &[&str]) -> (Monitor, World) {
    let mut monitor = Monitor::open().unwrap();
    monitor.set_timeout(Duration::from_secs(5));
    let (mut world, snapshot) = (World::new(), snapshot::snapshot().unwrap());
    world.reset(&snapshot);
    monitor.lookout().heed(names(wanted));
    monitor.lookout().begin(Box::new(snapshot), drop);
    monitor.take_wishes().unwrap();
    assert!(monitor.hear_of_some());
    monitor.look_at = Some(Instant::now() + Duration::from_secs(3600));
    (monitor, world)
}

/// What is told until `last` is, which every test sees to.
fn told_until(monitor: &mut Monitor, last: impl Fn(&WorldEvent) -> bool) -> Vec<WorldEvent> {
    let mut events = Vec::new();
    while !events.iter().any(&last) {
        events.extend(monitor.next().unwrap());
    }
    events
}

fn as_it_is() -> World {
    let mut world = World::new();
    world.reset(&snapshot::snapshot().unwrap());
    world
}

fn link_called(event: &WorldEvent, name: &str) -> Option<Link> {
    match event {
        WorldEvent::Link(link) if link.name.as_str() == name => Some(link.clone()),
        _ => None,
    }
}

fn is_of(event: &WorldEvent, name: &str) -> bool {
    link_called(event, name).is_some()
}

#[test]
fn a_link_with_a_route_and_one_that_is_waited_for_are_told_of_in_a_storm_and_others_are_not() {
    in_namespace(|| {
        let (mut monitor, _) = deaf_monitor(&["wanted"]);
        ip("link set idle down");
        add("c1", 21);
        add("wanted", 22);
        let events = told_until(&mut monitor, |event| is_of(event, "wanted"));
        assert!(!events.iter().any(|event| is_of(event, "idle") || is_of(event, "c1")), "{events:?}");
        // It is known by its index from here on.
        ip("link set wanted name another");
        told_until(&mut monitor, |event| is_of(event, "another"));
        ip("link set east down");
        told_until(&mut monitor, |event| link_called(event, "east").is_some_and(|link| !link.admin_up));
        ip("link delete another");
        told_until(&mut monitor, |event| *event == WorldEvent::LinkGone(22));
        assert!(monitor.heard.is_some(), "the storm is still on");
    });
}

#[test]
fn a_link_that_comes_to_matter_in_a_storm_is_looked_at_and_its_end_is_told() {
    in_namespace(|| {
        let (mut monitor, _) = deaf_monitor(&[]);
        plug("c1", 21);
        plug("c2", 22);
        ip("addr add 192.0.2.1/32 dev c1");
        let events = told_until(&mut monitor, |event| is_of(event, "c1"));
        let address = |event: &WorldEvent| matches!(event, WorldEvent::Address(there) if there.ifindex == 21 && there.address.address().is_ipv4());
        let link_local = |event: &WorldEvent| matches!(event, WorldEvent::Address(there) if there.ifindex == 21 && there.address.address().is_ipv6());
        assert!(events.iter().any(address) && events.iter().any(link_local), "{events:?}");
        ip("route add 198.51.100.0/24 dev c2");
        let events = told_until(&mut monitor, |event| is_of(event, "c2"));
        assert!(events.iter().any(|event| link_called(event, "c2").is_some_and(|link| link.usable())), "{events:?}");
        ip("link delete c2");
        told_until(&mut monitor, |event| *event == WorldEvent::LinkGone(22));
        ip("link delete c1");
        told_until(&mut monitor, |event| *event == WorldEvent::LinkGone(21));
        assert!(monitor.heard.is_some(), "the storm is still on");
    });
}

#[test]
fn a_next_hop_that_went_with_its_link_before_it_mattered_is_told_as_lost() {
    in_namespace(|| {
        plug("c1", 21);
        let (mut monitor, _) = deaf_monitor(&[]);
        ip("nexthop add id 16777217 dev c1 protocol 200");
        // The kernel says nothing of the next hop, and of the link to nobody who does not listen to it.
        ip("link set c1 down");
        let events = told_until(&mut monitor, |event| is_of(event, "c1"));
        assert!(events.contains(&WorldEvent::OurNextHopLost(16_777_217)), "{events:?}");
    });
}

#[test]
fn behind_a_storm_all_is_told_that_was_not_heard_and_what_is_gone_comes_first() {
    in_namespace(|| {
        plug("c1", 21);
        let (mut monitor, mut world) = deaf_monitor(&[]);
        ip("link delete c1");
        plug("c1", 22);
        add("c2", 23);
        add("c3", 24);
        ip("link delete c3");
        ip("link set idle down");
        monitor.look_at = Some(Instant::now());
        let events = told_until(&mut monitor, |event| is_of(event, "c2"));
        let place = |wanted: &dyn Fn(&WorldEvent) -> bool| events.iter().position(wanted).unwrap();
        assert!(place(&|event| *event == WorldEvent::LinkGone(21)) < place(&|event| is_of(event, "c1")));
        assert!(!events.iter().any(|event| is_of(event, "c3")), "what came and went is not told: {events:?}");
        for event in &events {
            world.apply(event);
        }
        // What is under way, such as a carrier that is still coming, is told when it is there.
        while world != as_it_is() {
            for event in monitor.next().unwrap() {
                world.apply(&event);
            }
        }
        assert!(monitor.heard.is_none(), "everything is listened to");
        ip("link set idle up");
        told_until(&mut monitor, |event| is_of(event, "idle"));
    });
}

#[test]
fn as_long_as_links_come_by_the_hundred_all_are_looked_at_and_only_some_are_heard() {
    in_namespace(|| {
        let (mut monitor, _) = deaf_monitor(&[]);
        for number in 0..=STORM / 2 {
            ip(&format!("link add c{number} type veth peer name d{number}"));
        }
        monitor.look_at = Some(Instant::now());
        let events = told_until(&mut monitor, |event| is_of(event, "c0"));
        assert!((0..=STORM / 2).all(|number| events.iter().any(|event| is_of(event, &format!("d{number}")))));
        assert!(monitor.heard.is_some() && monitor.look_at.is_some_and(|moment| moment > Instant::now()));
        ip("link set c0 alias last");
        told_until(&mut monitor, |event| link_called(event, "c0").is_some_and(|link| link.alias == "last"));
        assert!(monitor.heard.is_none(), "the storm is over");
        ip("link set c0 up");
        told_until(&mut monitor, |event| link_called(event, "c0").is_some_and(|link| link.admin_up));
    });
}

#[test]
fn as_long_as_a_storm_is_counted_nobody_looks_but_for_who_waits_and_at_its_end_all_are_heard() {
    in_namespace(|| {
        let (mut monitor, _) = deaf_monitor(&[]);
        monitor.meter = Some(Meter::open().unwrap());
        monitor.unseen_until = Instant::now() + Duration::from_secs(3600);
        let storm = |first: usize| {
            for number in first..first + STORM {
                ip(&format!("link add c{number} type veth peer name d{number}"));
            }
        };
        let is_due = |monitor: &mut Monitor, look: bool| {
            monitor.look_at = Some(Instant::now());
            let asked = Asked { anew: false, look, found: None };
            monitor.see_to_links(asked, &mut News::default()).unwrap();
            (monitor.looks, monitor.heard.is_some())
        };
        storm(0);
        assert_eq!(is_due(&mut monitor, false), (false, true), "it waits");
        storm(STORM);
        assert_eq!(is_due(&mut monitor, true), (true, true), "somebody waits for it");
        told_until(&mut monitor, |event| is_of(event, "c0"));
        storm(2 * STORM);
        monitor.unseen_until = Instant::now();
        assert_eq!(is_due(&mut monitor, false), (true, true), "it has waited long enough");
        told_until(&mut monitor, |event| is_of(event, &format!("d{}", 2 * STORM)));
        assert_eq!(is_due(&mut monitor, false), (false, false), "it is over");
        ip("link set c7 alias last");
        told_until(&mut monitor, |event| link_called(event, "c7").is_some_and(|link| link.alias == "last"));
    });
}

#[test]
fn who_wants_to_catch_up_has_waited_for_all_that_was_so() {
    in_namespace(|| {
        let (mut monitor, _) = deaf_monitor(&[]);
        let lookout = monitor.lookout();
        add("c1", 21);
        let (inbox, outlet) = mpsc::channel();
        monitor.post.told(true);
        thread::spawn(move || {
            while let Ok(events) = monitor.next() {
                inbox.send(events).unwrap();
            }
        });
        assert!(lookout.is_behind());
        lookout.catch_up(Duration::from_secs(5));
        let told: Vec<WorldEvent> = outlet.try_iter().flatten().collect();
        assert!(told.iter().any(|event| is_of(event, "c1")), "{told:?}");
    });
}

#[test]
fn a_snapshot_is_handed_over_before_what_differs_from_it() {
    in_namespace(|| {
        let (mut monitor, _) = deaf_monitor(&[]);
        monitor.heard = None;
        add("c1", 21);
        let snapshot = Box::new(snapshot::snapshot().unwrap());
        ip("link delete c1");
        let (sender, handed_over) = mpsc::channel();
        monitor.lookout().begin(snapshot, move |snapshot| sender.send(snapshot.links.len()).unwrap());
        assert!(handed_over.try_recv().is_err());
        told_until(&mut monitor, |event| *event == WorldEvent::LinkGone(21));
        assert_eq!(handed_over.try_iter().collect::<Vec<_>>(), [7], "lo, and three pairs");
    });
}
