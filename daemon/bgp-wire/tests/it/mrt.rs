//! Records of dump files, octet by octet, both ways; and that octets of no meaning are refused.

use bgp_wire::attribute::{AsPath, NextHop, Origin, PathAttributes, thin_vec};
use bgp_wire::mrt::{Ends, Entry, MrtError, Peer, Record, Rib, Stamp, decode, frame, rib};
use nouns::{Asn, Family};
use proptest::prelude::*;

use crate::{hex, message};

fn ends(peer: &str, local: &str) -> Ends {
    Ends {
        peer_as: Asn(65002),
        local_as: Asn(70000),
        interface: 0,
        peer: peer.parse().unwrap(),
        local: local.parse().unwrap(),
    }
}

#[test]
fn each_record_has_the_octets_of_the_documents() {
    let plain = Stamp { seconds: 0x6000_0000, microseconds: None };
    let exact = Stamp { microseconds: Some(5), ..plain };
    let keepalive = message(4, &[]);
    let keepalive_text = "ffffffffffffffffffffffffffffffff 0013 04";
    let (v4, v6) = (ends("192.0.2.2", "192.0.2.1"), ends("2001:db8::2", "2001:db8::1"));
    let entry = |path_id| Entry { peer: 1, originated: 9, path_id, attributes: hex("40 01 01 00") };
    let table = |prefix: &str, add_path, entries| {
        let prefix: nouns::Prefix = prefix.parse().unwrap();
        Record::Rib(Rib { sequence: 3, family: prefix.family(), prefix, add_path, entries })
    };
    let said =
        |ends, four_octet_as, add_path| Record::Message { ends, four_octet_as, add_path, message: keepalive.clone() };
    // The two-octet form has no room for a longer number: AS_TRANS stands in its place.
    let short = Ends { local_as: Asn(64512), ..v4 };
    for (at, record, octets) in [
        (
            plain,
            Record::Peers {
                router_id: [1, 1, 1, 1].into(),
                view: "v".to_owned(),
                peers: vec![
                    Peer { router_id: [0; 4].into(), address: [0; 4].into(), asn: Asn(64512) },
                    Peer { router_id: [2; 4].into(), address: "2001:db8::2".parse().unwrap(), asn: Asn(70000) },
                ],
            },
            "60000000 000d 0001 0000002f  01010101 0001 76 0002  02 00000000 00000000 0000fc00  \
             03 02020202 20010db8000000000000000000000002 00011170"
                .to_owned(),
        ),
        (
            plain,
            table("10.1.0.0/16", false, vec![entry(0)]),
            "60000000 000d 0002 00000015  00000003 10 0a01 0001  0001 00000009 0004 40010100".to_owned(),
        ),
        (
            plain,
            table("2001:db8::/32", false, vec![]),
            "60000000 000d 0004 0000000b  00000003 20 20010db8 0000".to_owned(),
        ),
        (
            plain,
            table("10.1.0.0/16", true, vec![entry(7)]),
            "60000000 000d 0008 00000019  00000003 10 0a01 0001  0001 00000009 00000007 0004 40010100".to_owned(),
        ),
        (plain, table("::/0", true, vec![]), "60000000 000d 000a 00000007  00000003 00 0000".to_owned()),
        (
            plain,
            said(v4, true, false),
            format!("60000000 0010 0004 00000027  0000fdea 00011170 0000 0001 c0000202 c0000201 {keepalive_text}"),
        ),
        (
            exact,
            said(v6, true, true),
            format!(
                "60000000 0011 0009 00000043  00000005 0000fdea 00011170 0000 0002 20010db8000000000000000000000002 \
                 20010db8000000000000000000000001 {keepalive_text}"
            ),
        ),
        (
            plain,
            said(short, false, false),
            format!("60000000 0010 0001 00000023  fdea fc00 0000 0001 c0000202 c0000201 {keepalive_text}"),
        ),
        (
            exact,
            Record::StateChange { ends: v4, from: 5, to: 6 },
            "60000000 0011 0005 0000001c  00000005 0000fdea 00011170 0000 0001 c0000202 c0000201 0005 0006".to_owned(),
        ),
    ] {
        let mut out = Vec::new();
        record.encode(at, &mut out);
        assert_eq!(out, hex(&octets), "{record:?}");
        assert_eq!(frame(&out), Ok(Some(out.len())));
        assert_eq!(decode(&out), Ok((at, record)));
    }
}

#[test]
fn attributes_of_a_table_have_the_next_hop_alone_and_long_numbers() {
    let mut attributes = PathAttributes::new(Origin::Igp, "192.0.2.2".parse().unwrap());
    attributes.as_path = AsPath::sequence(&[Asn(65002)]);
    attributes.local_pref = Some(100);
    attributes.communities = thin_vec![0xfc00_0001];
    let classic = "40 01 01 00  40 02 06 02 01 0000fdea  40 03 04 c0000202  40 05 04 00000064  c0 08 04 fc000001";
    assert_eq!(rib(Family::Ipv4Unicast, &attributes), Ok(hex(classic)));
    attributes.next_hop = NextHop { address: "2001:db8::2".parse().unwrap(), link_local: None };
    let multiprotocol = "80 0e 11 10 20010db8000000000000000000000002  \
                         40 01 01 00  40 02 06 02 01 0000fdea  40 05 04 00000064  c0 08 04 fc000001";
    assert_eq!(rib(Family::Ipv6Unicast, &attributes), Ok(hex(multiprotocol)));
    assert_eq!(rib(Family::Ipv4Unicast, &attributes), Ok(hex(multiprotocol)), "RFC 8950");
}

#[test]
fn what_is_no_record_is_refused_by_name() {
    for (octets, expect) in [
        ("60000000 000d 0001 01000001", MrtError::Length(0x0100_0001)),
        ("60000000 000c 0001 00000000", MrtError::Kind(12, 1)),
        ("60000000 000d 0001 00000004 01010101", MrtError::Malformed("the table of peers")),
        ("60000000 000d 0002 00000007 00000003 21 0000", MrtError::Malformed("a prefix length exceeds the address")),
        ("60000000 000d 0002 00000007 00000003 00 0001", MrtError::Malformed("an entry of the table")),
        ("60000000 0010 0004 00000002 0000", MrtError::Malformed("the ends of the session")),
        (
            "60000000 0010 0004 00000014 0000fdea 00011170 0000 0001 c0000202 c0000201",
            MrtError::Malformed("the message"),
        ),
        (
            "60000000 0010 0005 00000016 0000fdea 00011170 0000 0001 c0000202 c0000201 0005",
            MrtError::Malformed("the change of state"),
        ),
    ] {
        let octets = hex(octets);
        assert_eq!(frame(&octets).and_then(|_| decode(&octets)), Err(expect), "{octets:02x?}");
    }
}

proptest! {
    #[test]
    fn octets_of_any_kind_are_read_or_refused(
        kind in prop::sample::select(vec![13_u16, 16, 17]),
        subtype in 0..12_u16,
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let length = u32::try_from(body.len()).unwrap();
        let whole = [
            &[0; 4],
            &kind.to_be_bytes()[..],
            &subtype.to_be_bytes(),
            &length.to_be_bytes(),
            &body,
        ]
        .concat();
        if let Ok((at, read)) = decode(&whole) {
            let mut again = Vec::new();
            read.encode(at, &mut again);
            prop_assert_eq!(decode(&again), Ok((at, read)));
        }
    }
}
