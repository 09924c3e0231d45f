//! What is found in a directory, against a search through all that is wished.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;
use crate::wish::Transport;

fn address(six: bool, low: u32) -> IpAddr {
    if six {
        IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) | (u128::from(low) << 56) | u128::from(low)))
    } else {
        IpAddr::V4(Ipv4Addr::from_bits(0xac10_0000 | low))
    }
}

fn destination() -> impl Strategy<Value = Destination> {
    let protocol = prop::sample::select(vec![Protocol::Tcp, Protocol::Udp]);
    let transport = (protocol, prop::option::of(80_u16..83));
    let transport = prop::option::of(transport.prop_map(|(protocol, port)| Transport { protocol, port }));
    (any::<bool>(), 0_u32..6, prop::sample::select(vec![28_u8, 30, 31, 32]), transport).prop_map(
        |(six, low, length, transport)| {
            let length = if transport.is_some() {
                128
            } else if six {
                length + 96
            } else {
                length
            };
            Destination { prefix: Prefix::masked_or_host(address(six, low), length), transport }
        },
    )
}

/// Who is found: the same protocol and port, then the protocol, then the longest prefix.
fn model(services: &[(Destination, u32)], to: IpAddr, port: u16, protocol: u8) -> u32 {
    let rank = |destination: &Destination| match destination.transport {
        Some(transport) if number_of(transport.protocol) != protocol => None,
        Some(Transport { port: Some(theirs), .. }) => (theirs == port).then_some(300),
        Some(Transport { port: None, .. }) => Some(200),
        None => Some(u32::from(destination.prefix.length())),
    };
    let holds = |destination: &Destination| {
        Prefix::masked(to, destination.prefix.length()).is_ok_and(|prefix| prefix == destination.prefix)
    };
    let found = services.iter().filter(|(destination, _)| holds(destination));
    let found = found.filter_map(|(destination, number)| Some((rank(destination)?, *number)));
    found.max().map_or(0, |(_, number)| number)
}

fn flow(to: IpAddr, port: u16, protocol: u8) -> Flow {
    let destination = match to {
        IpAddr::V4(to) => to.to_ipv6_mapped().octets(),
        IpAddr::V6(to) => to.octets(),
    };
    Flow { destination, destination_port: port.to_be_bytes(), protocol, ..Flow::default() }
}

proptest! {
    #[test]
    fn who_is_found_is_the_most_special_service(
        wished in btree_set(destination(), 0..40),
        guards in vec((any::<bool>(), 0_u32..40, 20_u8..29), 0..4),
        asked in vec((any::<bool>(), 0_u32..8, 79_u16..84, prop::sample::select(vec![1_u8, 6, 17])), 30),
    ) {
        let services: Vec<(Destination, u32)> = wished.into_iter().zip(1..).collect();
        let guards: Vec<Prefix> = guards
            .into_iter()
            .map(|(six, low, length)| Prefix::masked_or_host(address(six, low), if six { length + 90 } else { length }))
            .collect();
        let lines = Lines::new(&services, &guards, std::iter::empty(), &Servers::default());
        let (filled, lost) = lines.fill();
        prop_assert_eq!(lost, 0);
        for (six, low, port, protocol) in asked {
            let to = address(six, low);
            let line = line_of(filled.get(), &flow(to, port, protocol));
            let expect = model(&services, to, port, protocol);
            prop_assert_eq!(line.map_or(0, |line| line.service), expect, "{} port {} protocol {}", to, port, protocol);
            let guarded = guards.iter().any(|guard| Prefix::masked(to, guard.length()).is_ok_and(|prefix| prefix == *guard));
            if expect == 0 {
                prop_assert_eq!(line.is_some_and(|line| line.flags & GUARDED != 0), guarded);
            }
        }
    }
}

#[test]
fn as_many_services_as_there_may_be_find_their_places() {
    let host = |number: u32| Destination {
        prefix: Prefix::host(IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number))),
        transport: None,
    };
    let services: Vec<(Destination, u32)> = (1..16_384).map(|number| (host(number), number)).collect();
    let (filled, lost) = Lines::new(&services, &[], std::iter::empty(), &Servers::default()).fill();
    assert_eq!(lost, 0);
    for (destination, number) in services {
        let found = line_of(filled.get(), &flow(destination.prefix.address(), 1, 6)).expect("a line");
        assert_eq!(found.service, number);
    }
}

#[test]
fn echo_requests_are_answered_where_only_ports_are_somebodys() {
    let to = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
    let web = Destination {
        prefix: Prefix::host(to),
        transport: Some(Transport { protocol: Protocol::Tcp, port: Some(80) }),
    };
    let all = Destination { prefix: Prefix::host(to), transport: None };
    for (services, echo) in [(vec![(web, 1)], true), (vec![(web, 1), (all, 2)], false), (vec![(all, 2)], false)] {
        let (filled, _) = Lines::new(&services, &[], std::iter::empty(), &Servers::default()).fill();
        let line = line_of(filled.get(), &flow(to, 0, 1)).expect("a line");
        assert_eq!(line.flags & ECHO != 0, echo, "{services:?}");
    }
}

#[test]
fn who_answers_in_its_own_address_is_found_by_it() {
    let node = Ipv4Addr::new(192, 0, 2, 7).to_ipv6_mapped().octets();
    let lines = Lines::new(&[], &[], [((node, 8080, 6), 5)].into_iter(), &Servers::default());
    let (filled, lost) = lines.fill();
    assert_eq!((lost, filled.get().answers), (0, 1));
    let found = exact(filled.get(), words(node), rest(8080_u16.to_be(), 6, ANSWERS));
    assert_eq!(found.map(|line| line.service), Some(5));
}
