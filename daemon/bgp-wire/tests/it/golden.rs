//! Octets of a GoBGP node (3.10, iBGP 64512), field by field, both ways.

use std::sync::Arc;

use bgp_wire::attribute::{Aggregator, AsPath, Origin, PathAttributes};
use bgp_wire::capability::Capability;
use bgp_wire::orf::{FilterChange, FilterEntry, Filters};
use bgp_wire::{Message, Negotiated, Nlri, Open, Reach, RouteRefresh, Unreach, Update, encode_end_of_rib};
use nouns::{Asn, Family};

use crate::{hex, message, negotiated};

const MARKER: &str = "ffffffffffffffffffffffffffffffff";

fn node() -> Negotiated {
    Negotiated { internal: true, ..negotiated() }
}

fn nlri(prefix: &str) -> Nlri {
    Nlri { prefix: prefix.parse().unwrap(), path_id: 0 }
}

fn update(bytes: &[u8], negotiated: &Negotiated) -> Update {
    match Message::decode(bytes, negotiated) {
        Ok(Message::Update(update)) => update,
        other => panic!("not an UPDATE: {other:?}"),
    }
}

#[test]
fn the_open_of_a_node_without_graceful_restart() {
    let bytes = hex(&format!(
        "{MARKER} 0041 01
         04 fc00 005a c0a865c9 24     # version 4, AS 64512, hold time 90, 192.168.101.201, 36 octets
         02 22                        # capabilities, 34 octets
         02 00                        # route refresh
         49 04 02 766d 00             # host name vm, no domain
         01 04 0002 00 01             # IPv6 unicast
         01 04 0001 00 01             # IPv4 unicast
         41 04 0000fc00               # four-octet AS 64512
         05 06 0001 0001 0002         # IPv4 unicast via IPv6"
    ));
    let open = Open {
        asn: Asn(64512),
        hold_time: 90,
        router_id: "192.168.101.201".parse().unwrap(),
        capabilities: vec![
            Capability::RouteRefresh,
            Capability::Fqdn { host: "vm".to_owned(), domain: String::new() },
            Capability::multiprotocol(Family::Ipv6Unicast),
            Capability::multiprotocol(Family::Ipv4Unicast),
            Capability::FourOctetAs(Asn(64512)),
            Capability::ExtendedNextHop(vec![Family::Ipv4Unicast]),
        ],
    };
    assert_eq!(open.families(), [Family::Ipv6Unicast, Family::Ipv4Unicast]);
    let decoded = Message::decode(&bytes, &Negotiated::default());
    assert_eq!(decoded, Ok(Message::Open(open.clone())));
    let mut out = Vec::new();
    Message::Open(open).encode(&Negotiated::default(), &mut out).unwrap();
    assert_eq!(out, bytes);
}

#[test]
fn the_graceful_restart_capability_of_a_node() {
    // 40 0a: R and N bit, 120 seconds, both families with the F bit.
    let bytes = message(1, &hex("04 fc00 005a c0a865c9 0e 02 0c 40 0a c078 0002 01 80 0001 01 80"));
    let Ok(Message::Open(open)) = Message::decode(&bytes, &Negotiated::default()) else {
        panic!("not an OPEN");
    };
    assert_eq!(
        open.capabilities,
        [Capability::GracefulRestart {
            restarting: true,
            notification: true,
            time: 120,
            families: vec![(Family::Ipv6Unicast, true), (Family::Ipv4Unicast, true)],
        }]
    );
    assert_eq!(open.families(), [Family::Ipv4Unicast]);
}

#[test]
fn the_update_of_a_service() {
    let bytes =
        hex(&format!("{MARKER} 0031 02 0000 0015 400101 00 400200 400304 7f000001 400504 00000064 20 ac1066e5"));
    // The node in the recording announced itself as 127.0.0.1; that alone makes the route unusable.
    let decoded = update(&bytes, &node());
    assert_eq!(decoded.unreach, [Unreach { family: Family::Ipv4Unicast, nlri: vec![nlri("172.16.102.229/32")] }]);

    let bytes =
        hex(&format!("{MARKER} 0034 02 0000 0018 400101 00 400200 400304 c0a865c9 400504 00000064 20 ac1066e5")
            .replace("0034", "0031")
            .replace("0018", "0015"));
    let attributes = PathAttributes {
        local_pref: Some(100),
        ..PathAttributes::new(Origin::Igp, "192.168.101.201".parse().unwrap())
    };
    let expect = Update {
        reach: vec![Reach {
            family: Family::Ipv4Unicast,
            attributes: Arc::new(attributes),
            nlri: vec![nlri("172.16.102.229/32")],
        }],
        ..Update::default()
    };
    assert_eq!(update(&bytes, &node()), expect);
    let mut out = Vec::new();
    Message::Update(expect).encode(&node(), &mut out).unwrap();
    assert_eq!(out, bytes);
}

#[test]
fn ipv6_routes_over_an_ipv4_session_keep_their_mapped_next_hop() {
    let bytes = message(
        2,
        &hex("0000 0037 400101 00 400200 400504 00000064
         800e26 0002 01 10 00000000000000000000ffffc0a865c9 00 80 fd000000000000000000000000000229"),
    );
    let decoded = update(&bytes, &node());
    assert_eq!(
        decoded.reach[0].attributes.next_hop.address,
        "::ffff:192.168.101.201".parse::<std::net::IpAddr>().unwrap()
    );
    assert_eq!(decoded.reach[0].nlri, [nlri("fd00::229/128")]);
}

#[test]
fn a_next_hop_may_come_with_a_link_local_address_or_be_one() {
    for (octets, address, link_local) in [
        ("10 fe800000000000000000000000000001", "fe80::1", None),
        ("20 20010db8000000000000000000000001 fe800000000000000000000000000001", "2001:db8::1", Some("fe80::1")),
        ("20 00000000000000000000000000000000 fe800000000000000000000000000001", "fe80::1", Some("fe80::1")),
        ("20 20010db8000000000000000000000001 00000000000000000000000000000000", "2001:db8::1", None),
    ] {
        let value = hex(&format!("0001 01 {octets} 00 18 c63364"));
        let attributes = [hex("400101 00 400200 800e"), vec![u8::try_from(value.len()).unwrap()], value].concat();
        let length = u16::try_from(attributes.len()).unwrap().to_be_bytes();
        let decoded = update(&message(2, &[&[0, 0], &length[..], &attributes].concat()), &node());
        let next_hop = decoded.reach[0].attributes.next_hop;
        assert_eq!(next_hop.address.to_string(), address);
        assert_eq!(next_hop.link_local.map(|address| address.to_string()).as_deref(), link_local);
    }
}

#[test]
fn the_end_of_rib_markers() {
    for (family, octets) in [(Family::Ipv4Unicast, "0000 0000"), (Family::Ipv6Unicast, "0000 0006 800f03 0002 01")] {
        let bytes = message(2, &hex(octets));
        assert_eq!(update(&bytes, &node()), Update { end_of_rib: Some(family), ..Update::default() });
        let mut out = Vec::new();
        encode_end_of_rib(family, &node(), &mut out);
        assert_eq!(out, bytes);
        encode_end_of_rib(family, &Negotiated::default(), &mut out);
        assert_eq!(out, bytes, "a family that is not negotiated has no marker");
    }
}

#[test]
fn withdrawals_of_both_families() {
    let v4 = update(&message(2, &hex("0005 20 ac1066e5 0000")), &node());
    assert_eq!(v4.unreach, [Unreach { family: Family::Ipv4Unicast, nlri: vec![nlri("172.16.102.229/32")] }]);
    let v6 = update(&message(2, &hex("0000 000b 800f08 0002 01 20 20010db8")), &node());
    assert_eq!(v6.unreach, [Unreach { family: Family::Ipv6Unicast, nlri: vec![nlri("2001:db8::/32")] }]);
}

#[test]
fn bits_behind_a_prefix_length_are_cleared() {
    let decoded = update(&message(2, &hex("0004 14 ac1fff 0000")), &node());
    assert_eq!(decoded.unreach[0].nlri, [nlri("172.31.240.0/20")]);
}

#[test]
fn the_path_of_a_two_octet_peer_is_merged() {
    let old = Negotiated { four_octet_as: false, ..negotiated() };
    for (sentence, octets, path, aggregator) in [
        ("no AS4_PATH", "400206 0202 fde8 5ba0", "65000 23456", None),
        ("a number in front", "400208 0203 fde8 5ba0 5ba0 c0110a 0202 00011170 00011171", "65000 70000 70001", None),
        ("AS4_PATH longer", "400204 0201 fde8 c0110a 0202 00011170 00011171", "65000", None),
        (
            "aggregated by a new speaker",
            "400206 0202 fde8 5ba0 c00706 5ba0 c0000201 c01106 0201 00011170 c01208 00011170 c0000201",
            "65000 70000",
            Some(70000),
        ),
        (
            "aggregated again by an old speaker",
            "400206 0202 fde8 5ba0 c00706 fde8 c0000201 c01106 0201 00011170 c01208 00011170 c0000201",
            "65000 23456",
            Some(65000),
        ),
        (
            "confederation segments in AS4_PATH",
            "400206 0202 fde8 5ba0 c0110c 0301 00000007 0201 00011170",
            "65000 70000",
            None,
        ),
    ] {
        let attributes = hex(&format!("400101 00 {octets} 400304 c0000201"));
        let length = u16::try_from(attributes.len()).unwrap().to_be_bytes();
        let decoded = update(&message(2, &[&[0, 0], &length[..], &attributes, &[0x18, 198, 51, 100]].concat()), &old);
        let got = &decoded.reach[0].attributes;
        assert_eq!(got.as_path.to_string(), path, "{sentence}");
        assert_eq!(got.aggregator.map(|aggregator| aggregator.asn.0), aggregator, "{sentence}");
    }
}

#[test]
fn a_two_octet_peer_gets_the_long_numbers_beside_the_path() {
    let old = Negotiated { four_octet_as: false, ..negotiated() };
    let attributes = PathAttributes {
        as_path: AsPath::sequence(&[Asn(65000), Asn(70000)]),
        aggregator: Some(Aggregator { asn: Asn(70000), address: "192.0.2.1".parse().unwrap() }),
        local_pref: Some(100),
        ..PathAttributes::new(Origin::Igp, "192.0.2.1".parse().unwrap())
    };
    let mut out = Vec::new();
    let mut routes = std::iter::once(nlri("198.51.100.0/24"));
    bgp_wire::encode_reach(Family::Ipv4Unicast, &attributes, &mut routes, &old, &mut out).unwrap();
    let expect = "0000 0035 400101 00 400206 0202 fde8 5ba0 400304 c0000201 c00706 5ba0 c0000201
                  c0110a 0202 0000fde8 00011170 c01208 00011170 c0000201 18 c63364";
    assert_eq!(out, message(2, &hex(expect)), "LOCAL_PREF stays inside, too");
}

#[test]
fn an_unknown_attribute_is_passed_on_with_partial_set() {
    let bytes = message(2, &hex("0000 0015 400101 00 400200 400304 c0000201 c0ff04 01020304 18 c63364"));
    let decoded = update(&bytes, &node());
    let mut out = Vec::new();
    Message::Update(decoded).encode(&node(), &mut out).unwrap();
    let expect = "0000 0015 400101 00 400200 400304 c0000201 e0ff04 01020304 18 c63364";
    assert_eq!(out, message(2, &hex(expect)));
}

#[test]
fn a_segment_of_three_hundred_numbers_is_split() {
    let asns: Vec<Asn> = (1..=300).map(Asn).collect();
    let attributes = PathAttributes {
        as_path: AsPath::sequence(&asns),
        ..PathAttributes::new(Origin::Igp, "192.0.2.1".parse().unwrap())
    };
    let mut out = Vec::new();
    let mut routes = std::iter::once(nlri("198.51.100.0/24"));
    bgp_wire::encode_reach(Family::Ipv4Unicast, &attributes, &mut routes, &negotiated(), &mut out).unwrap();
    let decoded = update(&out, &negotiated());
    let path = &decoded.reach[0].attributes.as_path;
    assert_eq!(path.segments().map(|segment| segment.asns.len()).collect::<Vec<_>>(), [255, 45]);
    assert_eq!(path.asns().collect::<Vec<_>>(), asns);
}

#[test]
fn filters_have_the_octets_that_the_rfc_draws() {
    let entry = |sequence, permit, prefix: &str, least, most| {
        FilterChange::Add(FilterEntry { sequence, permit, prefix: prefix.parse().unwrap(), least, most })
    };
    let changes = vec![
        FilterChange::RemoveAll,
        entry(5, true, "172.16.0.0/12", None, Some(32)),
        entry(10, false, "10.0.0.0/8", Some(24), None),
    ];
    let octets = "0001 00 01 01 40 0014 80 00 00000005 00 20 0c ac10 20 0000000a 18 00 08 0a";
    let refresh = RouteRefresh {
        filters: Some(Filters { immediate: true, changes }),
        ..RouteRefresh::new(Some(Family::Ipv4Unicast), 0)
    };
    let mut out = Vec::new();
    Message::RouteRefresh(refresh.clone()).encode(&node(), &mut out).unwrap();
    assert_eq!(out, message(5, &hex(octets)));
    assert_eq!(Message::decode(&out, &node()), Ok(Message::RouteRefresh(refresh)));
    let of_others = Message::decode(&message(5, &hex("0001 00 01 02 80 0002 1234 40 0000")), &node());
    let filters = Some(Filters { immediate: false, changes: Vec::new() });
    let empty = RouteRefresh { filters, ..RouteRefresh::new(Some(Family::Ipv4Unicast), 0) };
    assert_eq!(of_others, Ok(Message::RouteRefresh(empty)), "filters of other types are passed over");
    // No such moment, a length beyond the end, an entry that is cut off, a prefix that is too long, no such action, filters
    // with a mark.
    for octets in [
        "0001 00 01 03",
        "0001 00 01 01 40 0013 80",
        "0001 00 01 01 40 0003 00 0000",
        "0001 00 01 01 40 000c 00 00000005 00 00 21 ac100000",
        "0001 00 01 01 40 0001 c0",
        "0001 01 01 01",
    ] {
        assert!(Message::decode(&message(5, &hex(octets)), &node()).is_err(), "{octets}");
    }
}

#[test]
fn route_refresh_of_a_strange_family_is_read() {
    for (octets, family, subtype) in [
        ("0001 00 01", Some(Family::Ipv4Unicast), 0),
        ("0002 01 01", Some(Family::Ipv6Unicast), 1),
        ("0019 00 41", None, 0),
    ] {
        let got = Message::decode(&message(5, &hex(octets)), &node());
        assert_eq!(got, Ok(Message::RouteRefresh(RouteRefresh::new(family, subtype))));
    }
}
