//! What the kernel says, understood; and what nobody should say, survived.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use super::*;
use crate::attribute::{Batch, messages};
use crate::encode;
use rib::fib::FibChange;

/// The body of a message with these attributes behind the fixed part.
fn body(fixed: &[u8], rows: &[(u16, &[u8])]) -> Vec<u8> {
    let mut batch = Batch::default();
    batch.begin(0, 0, 0, fixed);
    for (kind, value) in rows {
        batch.attribute(*kind, value);
    }
    batch.end();
    batch.octets()[16..].to_vec()
}

fn u32s(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
}

fn link_body(family: u8, flags: u32) -> Vec<u8> {
    let fixed = [vec![family, 0, 1, 0], u32s(&[7, flags, 0])].concat();
    let rows: &[(u16, &[u8])] = &[
        (IFLA_IFNAME, b"eth1\0"),
        (IFLA_MTU, &u32s(&[9000])),
        (IFLA_ADDRESS, &[2, 0, 0, 0, 0, 1]),
        (IFLA_IFALIAS, b"to the cluster\0"),
    ];
    body(&fixed, rows)
}

#[test]
fn a_link_is_understood_and_news_of_a_bridge_port_is_not_one() {
    let link = link(&link_body(AF_UNSPEC, IFF_UP | IFF_RUNNING | IFF_LOWER_UP)).unwrap();
    assert_eq!((link.index, link.name.as_str(), link.mtu), (7, "eth1", 9000));
    assert_eq!((link.admin_up, link.carrier, link.loopback), (true, true, false));
    assert_eq!((link.mac.as_slice(), link.alias.as_str()), ([2, 0, 0, 0, 0, 1].as_slice(), "to the cluster"));
    assert_eq!(super::link(&link_body(7, IFF_UP)), None);
}

#[test]
fn a_link_drops_its_next_hops_when_down_or_without_any_carrier() {
    for (flags, drops) in [
        (IFF_UP | IFF_RUNNING | IFF_LOWER_UP, false),
        (IFF_UP | IFF_LOWER_UP, false),
        (IFF_UP, true),
        (IFF_RUNNING | IFF_LOWER_UP, true),
    ] {
        assert_eq!(link_drops_next_hops(&link_body(AF_UNSPEC, flags)), drops, "{flags:#x}");
    }
}

#[test]
fn addresses_are_understood_with_and_without_a_far_end() {
    let fixed = |family, length| [vec![family, length, 0, 0], u32s(&[4])].concat();
    let plain = body(&fixed(AF_INET, 24), &[(IFA_ADDRESS, &[192, 0, 2, 1]), (IFA_LOCAL, &[192, 0, 2, 1])]);
    let pair = body(&fixed(AF_INET, 32), &[(IFA_ADDRESS, &[192, 0, 2, 9]), (IFA_LOCAL, &[192, 0, 2, 1])]);
    let six = body(&fixed(AF_INET6, 64), &[(IFA_ADDRESS, &[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])]);
    for (octets, expect, peer) in [
        (plain, "192.0.2.1/24", None),
        (pair, "192.0.2.1/32", Some("192.0.2.9".parse().unwrap())),
        (six, "fe80::1/64", None),
    ] {
        let address = address(&octets).unwrap();
        assert_eq!((address.ifindex, address.address.to_string().as_str(), address.peer), (4, expect, peer));
    }
    assert_eq!(address(&body(&fixed(AF_INET, 33), &[(IFA_LOCAL, &[192, 0, 2, 1])])), None);
}

fn route_fixed(length: u8, kind: u8) -> Vec<u8> {
    [vec![AF_INET, length, 0, 0, 254, 16, 0, kind], u32s(&[0])].concat()
}

#[test]
fn a_route_over_several_legs_and_families_is_understood() {
    let via = [10_u16.to_ne_bytes().to_vec(), vec![0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]].concat();
    let hop = |ifindex: u32, kind, value: &[u8]| {
        let attributes = body(&[], &[(kind, value)]);
        let length = u16::try_from(8 + attributes.len()).unwrap();
        [length.to_ne_bytes().to_vec(), vec![0, 0], ifindex.to_ne_bytes().to_vec(), attributes].concat()
    };
    let legs = [hop(2, RTA_GATEWAY, &[192, 0, 2, 1]), hop(3, RTA_VIA, &via)].concat();
    let octets = body(
        &route_fixed(8, RTN_UNICAST),
        &[(RTA_TABLE, &u32s(&[254])), (RTA_DST, &[10, 0, 0, 0]), (RTA_PRIORITY, &u32s(&[100])), (RTA_MULTIPATH, &legs)],
    );
    let route = route(&octets).unwrap();
    assert_eq!((route.prefix.to_string().as_str(), route.metric, route.protocol), ("10.0.0.0/8", 100, 16));
    assert_eq!(
        route.legs,
        [
            Leg { gateway: Some("192.0.2.1".parse().unwrap()), ifindex: 2 },
            Leg { gateway: Some("fe80::1".parse().unwrap()), ifindex: 3 },
        ]
    );
    assert!(route.matters());
}

#[test]
fn only_forwarding_routes_of_the_main_table_matter() {
    for (sentence, kind, table, flags, matters) in [
        ("unicast", RTN_UNICAST, 254, 0, true),
        ("blackhole", RTN_BLACKHOLE, 254, 0, true),
        ("unreachable", RTN_UNREACHABLE, 254, 0, true),
        ("local", 2, 254, 0, false),
        ("broadcast", 3, 254, 0, false),
        ("multicast", 5, 254, 0, false),
        ("another table", RTN_UNICAST, 255, 0, false),
        ("a large table", RTN_UNICAST, 1000, 0, false),
        ("a cached copy", RTN_UNICAST, 254, RTM_F_CLONED, false),
    ] {
        let mut octets = body(&route_fixed(0, kind), &[(RTA_TABLE, &u32s(&[table])), (RTA_OIF, &u32s(&[2]))]);
        octets[8..12].copy_from_slice(&flags.to_ne_bytes());
        assert_eq!(route(&octets).unwrap().matters(), matters, "{sentence}");
    }
}

#[test]
fn what_the_encoder_wrote_the_decoder_reads() {
    let leg = Leg { gateway: Some("2001:db8::1".parse().unwrap()), ifindex: 9 };
    let read = |change: &FibChange| {
        let octets = encode::message(change, 1);
        next_hop(messages(&octets).next().unwrap().body).unwrap().kind
    };
    assert_eq!(read(&FibChange::NextHop { id: 5, leg }), NextHopKind::Leg(leg));
    let members = vec![(5, 1), (6, 256)];
    assert_eq!(read(&FibChange::Group { id: 7, members: members.clone() }), NextHopKind::Group(members));
}

/// A small generator (xorshift), so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap()
    }
}

#[test]
fn no_octets_whatever_make_a_decoder_panic_or_run_forever() {
    let seeds = [
        link_body(AF_UNSPEC, IFF_UP),
        body(&route_fixed(8, 1), &[(RTA_DST, &[10, 0, 0, 0]), (RTA_MULTIPATH, &[12, 0, 0, 0, 1, 0, 0, 0, 4, 0, 5, 0])]),
        body(&[0, 0, 200, 0, 0, 0, 0, 0], &[(NHA_ID, &[1, 0, 0, 0]), (NHA_GROUP, &[0; 16])]),
        body(&[2, 24, 0, 0, 4, 0, 0, 0], &[(IFA_LOCAL, &[1, 2, 3, 4])]),
    ];
    let mut dice = Dice(0x5eed);
    for _ in 0..40_000 {
        let mut octets = seeds[dice.roll() % seeds.len()].clone();
        for _ in 0..=dice.roll() % 4 {
            let place = dice.roll() % octets.len();
            octets[place] = u8::try_from(dice.roll() & 0xff).unwrap();
        }
        octets.truncate(octets.len() - dice.roll() % 6);
        let total = messages(&octets).count() + attributes(&octets).count();
        assert!(total <= octets.len());
        drop((link(&octets), address(&octets), route(&octets), next_hop(&octets)));
    }
}

#[test]
fn a_length_of_zero_ends_the_walk() {
    assert_eq!(attributes(&[0; 64]).count(), 0);
    assert_eq!(messages(&[0; 64]).count(), 0);
    assert!(multipath(AF_INET, &[0; 64]).is_empty());
}
