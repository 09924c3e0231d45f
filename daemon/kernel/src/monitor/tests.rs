//! The filter in front of the monitor's socket.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::filter::bell_filter;
use super::*;
use crate::number::{AF_INET6, RTA_DST};

/// Runs the program as the kernel would, for the instructions that it uses.
fn passes(program: &[libc::sock_filter], octets: &[u8]) -> bool {
    let mut place = 0;
    let (mut accumulator, mut x) = (0, 0);
    loop {
        let step = program.get(place).unwrap();
        let at = usize::try_from(step.k).unwrap();
        place += 1;
        match step.code {
            0x00 => accumulator = step.k,
            0x01 => x = step.k,
            0x05 => place += at,
            0x07 => x = accumulator,
            0x20 if step.k == 0xffff_f00c => accumulator = find_attribute(octets, accumulator, x),
            0x48 => {
                let at = at + usize::try_from(x).unwrap();
                accumulator = u32::from(u16::from_be_bytes(*octets.get(at..).unwrap().first_chunk().unwrap()));
            }
            0x28 => accumulator = u32::from(u16::from_be_bytes(*octets.get(at..).unwrap().first_chunk().unwrap())),
            0x30 => accumulator = u32::from(*octets.get(at).unwrap()),
            0x20 => accumulator = u32::from_be_bytes(*octets.get(at..).unwrap().first_chunk().unwrap()),
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
        let mut batch = crate::attribute::Batch::default();
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
fn only_messages_by_the_hundred_that_concern_no_route_are_a_storm() {
    let told = |idle, matters| News { idle, matters, ..News::default() };
    let mut storm = Storm::new();
    assert!(!storm.rages(&mut told(1, false)));
    assert!(!storm.rages(&mut told(STORM - 1, false)));
    assert!(storm.rages(&mut told(1, false)));
    assert!(!storm.rages(&mut told(1, true)), "what matters does not wait");
    storm.since -= STORM_WITHIN * 2;
    assert!(!storm.rages(&mut told(1, false)), "it has calmed down");
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

#[test]
fn in_front_of_the_bell_links_pass_that_something_leads_through_and_all_that_is_told_of_no_link() {
    let links = (1..=256).collect::<Vec<_>>();
    for (known, kind, link, table, pass) in [
        (&[7, 9][..], RTM_NEWLINK, 7, 0, true),
        (&[7, 9], RTM_DELLINK, 9, 0, true),
        (&[7, 9], RTM_NEWADDR, 7, 0, true),
        (&[7, 9], RTM_DELADDR, 9, 0, true),
        (&[7, 9], RTM_NEWLINK, 8, 0, false),
        (&[7, 9], RTM_DELLINK, 7 << 24, 0, false),
        (&[7, 9], RTM_NEWADDR, 10, 0, false),
        (&[7, 9], RTM_DELADDR, 8, 0, false),
        (&[], RTM_NEWLINK, 7, 0, false),
        (&links, RTM_NEWLINK, 1, 0, true),
        (&links, RTM_DELADDR, 256, 0, true),
        (&links, RTM_DELADDR, 257, 0, false),
        // What is told of routes and next hops is judged as in front of the monitor.
        (&[7, 9], RTM_NEWROUTE, 8, 254, true),
        (&[7, 9], RTM_DELROUTE, 8, 255, false),
        (&[], RTM_DELNEXTHOP, 8, 254, true),
    ] {
        // Of `struct rtmsg` the first word has the family, that behind it the table.
        let word: u32 = if table == 0 { link } else { u32::from_ne_bytes([table, 2, 0, 1]) };
        let body = [[2, 24, 0, 0], word.to_ne_bytes()].concat();
        let head = [&[0; 4], kind.to_ne_bytes().as_slice(), &[0; 10]].concat();
        assert_eq!(passes(&bell_filter(&[4711], known), &[head, body].concat()), pass, "{kind} of {link}, {known:?}");
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

#[test]
fn the_bell_rings_for_links_that_it_knows_and_for_routes_and_for_nothing_else() {
    let test = || {
        enter_fresh_namespace();
        for (name, index) in [("east", 7), ("idle", 8)] {
            ip(&format!("link add {name} index {index} type veth peer name {name}-far"));
        }
        ip("link set lo up");
        let mut bell = Bell::default();
        // Whoever made a change has its notifications queued before the answer.
        assert!(!bell.rings(Duration::ZERO), "there is none");
        assert!(bell.hang(&[RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE], &[], &[7]));
        ip("link set idle up");
        ip("link delete idle");
        assert!(!bell.rings(Duration::ZERO), "nothing leads there");
        ip("link set east up");
        assert!(bell.rings(Duration::ZERO));
        assert!(!bell.rings(Duration::ZERO), "what rang is forgotten");
        ip("route add 203.0.113.0/24 dev lo");
        assert!(bell.rings(Duration::ZERO));
        bell.take_down();
        ip("link set east down");
        assert!(!bell.rings(Duration::ZERO), "it hangs no more");
        let many: Vec<u32> = (1..=257).collect();
        assert!(!bell.hang(&[RTNLGRP_LINK], &[], &many), "each link is a step of a program in the kernel");
    };
    std::thread::spawn(test).join().unwrap();
}
