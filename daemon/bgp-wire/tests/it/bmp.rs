//! What a collector gets, octet by octet, both ways; and that octets of no meaning are refused.

use bgp_wire::AfiSafi;
use bgp_wire::bmp::{
    Amount, BmpError, DownReason, Information, Message, PeerHeader, PeerUp, Statistic, Termination, View, decode, frame,
};
use nouns::{Asn, Family};
use proptest::prelude::*;

use crate::{hex, message};

const KEEPALIVE: &str = "ffffffffffffffffffffffffffffffff 0013 04";

fn peer(view: View) -> PeerHeader {
    PeerHeader {
        view,
        two_octet_as: false,
        address: "192.0.2.2".parse().unwrap(),
        asn: Asn(65002),
        router_id: [2, 2, 2, 2].into(),
        seconds: 0x6000_0000,
        microseconds: 7,
    }
}

/// The per-peer header of `peer` with another type and other flags.
fn head(kind: &str, flags: &str) -> String {
    format!("{kind} {flags} 0000000000000000 000000000000000000000000c0000202 0000fdea 02020202 60000000 00000007")
}

#[test]
fn each_message_has_the_octets_of_the_documents() {
    let open = message(1, &hex("04 fc00 005a c0000201 00"));
    let (open_text, cease) = ("ffffffffffffffffffffffffffffffff 001d 01 04 fc00 005a c0000201 00", message(3, &[6, 2]));
    let wide = PeerHeader { address: "2001:db8::2".parse().unwrap(), two_octet_as: true, ..peer(View::PrePolicy) };
    let own = PeerHeader { address: [0, 0, 0, 0].into(), asn: Asn(64512), ..peer(View::LocRib { filtered: false }) };
    let up = |peer, local: &str, ports: (u16, u16), information| {
        Message::PeerUp(Box::new(PeerUp {
            peer,
            local: local.parse().unwrap(),
            local_port: ports.0,
            remote_port: ports.1,
            sent_open: open.clone(),
            received_open: open.clone(),
            information,
        }))
    };
    let update = |peer| Message::RouteMonitoring { peer, update: message(2, &[0; 4]) };
    let update_text = "ffffffffffffffffffffffffffffffff 0017 02 0000 0000";
    let text = |kind, text: &str| Information::new(kind, text);
    for (sent, octets) in [
        (
            Message::Initiation(vec![text(Information::DESCRIPTION, "r"), text(Information::NAME, "edge")]),
            "03 00000013 04  0001 0001 72  0002 0004 65646765".to_owned(),
        ),
        (Message::Termination(Termination::Administrative, vec![]), "03 0000000c 05  0001 0002 0000".to_owned()),
        (
            Message::Termination(Termination::OutOfResources, vec![text(Information::TEXT, "x")]),
            "03 00000011 05  0001 0002 0002  0000 0001 78".to_owned(),
        ),
        (update(peer(View::PrePolicy)), format!("03 00000047 00 {} {update_text}", head("00", "00"))),
        (update(peer(View::PostPolicy)), format!("03 00000047 00 {} {update_text}", head("00", "40"))),
        (update(peer(View::AdjRibOutPrePolicy)), format!("03 00000047 00 {} {update_text}", head("00", "10"))),
        (update(peer(View::AdjRibOut)), format!("03 00000047 00 {} {update_text}", head("00", "50"))),
        (
            update(wide),
            format!(
                "03 00000047 00 00 a0 0000000000000000 20010db8000000000000000000000002 0000fdea 02020202 60000000 \
                 00000007 {update_text}"
            ),
        ),
        (
            update(own),
            format!(
                "03 00000047 00 03 00 0000000000000000 00000000000000000000000000000000 0000fc00 02020202 60000000 \
                 00000007 {update_text}"
            ),
        ),
        (
            up(peer(View::PrePolicy), "192.0.2.1", (179, 40000), vec![]),
            format!(
                "03 0000007e 03 {} 000000000000000000000000c0000201 00b3 9c40 {open_text} {open_text}",
                head("00", "00")
            ),
        ),
        (
            up(own, "0.0.0.0", (0, 0), vec![text(Information::TABLE, "global")]),
            format!(
                "03 00000088 03 03 00 0000000000000000 00000000000000000000000000000000 0000fc00 02020202 60000000 \
                 00000007 00000000000000000000000000000000 0000 0000 {open_text} {open_text} 0003 0006 676c6f62616c"
            ),
        ),
        (
            Message::PeerDown { peer: peer(View::PrePolicy), reason: DownReason::LocalNotification(cease.clone()) },
            format!("03 00000046 02 {} 01 ffffffffffffffffffffffffffffffff 0015 03 0602", head("00", "00")),
        ),
        (
            Message::PeerDown { peer: peer(View::PrePolicy), reason: DownReason::Local(24) },
            format!("03 00000033 02 {} 02 0018", head("00", "00")),
        ),
        (
            Message::PeerDown { peer: peer(View::PrePolicy), reason: DownReason::RemoteNotification(cease) },
            format!("03 00000046 02 {} 03 ffffffffffffffffffffffffffffffff 0015 03 0602", head("00", "00")),
        ),
        (
            Message::PeerDown { peer: peer(View::PrePolicy), reason: DownReason::Remote },
            format!("03 00000031 02 {} 04", head("00", "00")),
        ),
        (
            Message::PeerDown { peer: peer(View::PrePolicy), reason: DownReason::Deconfigured },
            format!("03 00000031 02 {} 05", head("00", "00")),
        ),
        (
            Message::Statistics {
                peer: peer(View::PrePolicy),
                values: vec![
                    Statistic::counter(Statistic::REJECTED, 0x1_0000_0003),
                    Statistic::gauge(Statistic::ADJ_RIB_IN, 9),
                    Statistic::of_family(Statistic::ADJ_RIB_IN_OF, Family::Ipv6Unicast, 4),
                ],
            },
            format!(
                "03 00000057 01 {} 00000003  0000 0004 00000003  0007 0008 0000000000000009  \
                 0009 000b 0002 01 0000000000000004",
                head("00", "00")
            ),
        ),
    ] {
        let mut out = Vec::new();
        sent.encode(&mut out);
        assert_eq!(out, hex(&octets), "{sent:?}");
        assert_eq!(frame(&out), Ok(Some(out.len())));
        assert_eq!(decode(&out), Ok(sent));
    }
}

#[test]
fn what_is_no_message_is_refused_by_name() {
    for (octets, expect) in [
        ("02", BmpError::Version(2)),
        ("03 00000005 04", BmpError::Length(5)),
        ("03 00100001 04", BmpError::Length(0x10_0001)),
        ("03 00000006 07", BmpError::Type(7)),
        ("03 00000006 02", BmpError::Malformed("the per-peer header")),
        ("03 0000000a 04 0001 0001", BmpError::Malformed("the information")),
        ("03 00000008 05 0001", BmpError::Malformed("the reason")),
        (&format!("03 00000030 00 {}", head("01", "00")), BmpError::Peer(1)),
        (&format!("03 00000030 00 {}", head("00", "00")), BmpError::Malformed("the UPDATE")),
        (&format!("03 00000031 02 {} 09", head("00", "00")), BmpError::Malformed("the reason")),
        (&format!("03 00000034 01 {} 00000001", head("00", "00")), BmpError::Malformed("the statistics")),
        (&format!("03 00000044 00 {} {KEEPALIVE} 00", head("00", "00")), BmpError::Malformed("the UPDATE")),
    ] {
        let octets = hex(octets);
        assert_eq!(frame(&octets).and_then(|_| decode(&octets)), Err(expect), "{octets:02x?}");
    }
}

#[test]
fn a_message_that_is_cut_off_waits_for_the_rest() {
    let mut whole = Vec::new();
    Message::RouteMonitoring { peer: peer(View::PrePolicy), update: message(2, &[0; 4]) }.encode(&mut whole);
    for length in 0..whole.len() {
        assert_eq!(frame(&whole[..length]), Ok(None), "{length}");
    }
    whole.push(3);
    assert_eq!(frame(&whole), Ok(Some(whole.len() - 1)), "what follows is the next message");
}

fn view() -> impl Strategy<Value = View> {
    prop_oneof![Just(View::PrePolicy), Just(View::PostPolicy), Just(View::AdjRibOutPrePolicy), Just(View::AdjRibOut),]
}

fn any_peer() -> impl Strategy<Value = PeerHeader> {
    (view(), any::<(bool, std::net::IpAddr, u32, [u8; 4], u32, u32)>()).prop_map(
        |(view, (two_octet_as, address, asn, router_id, seconds, microseconds))| PeerHeader {
            view,
            two_octet_as,
            address,
            asn: Asn(asn),
            router_id: router_id.into(),
            seconds,
            microseconds,
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_the_same(
        peer in any_peer(),
        counters in prop::collection::vec((any::<u16>(), any::<u32>()), 0..9),
        body in prop::collection::vec(any::<u8>(), 4..99),
    ) {
        let values = counters.into_iter().map(|(kind, value)| Statistic { kind, value: Amount::Counter(value) });
        let mut values: Vec<Statistic> = values.collect();
        values.push(Statistic { kind: 9, value: Amount::OfFamily(AfiSafi { afi: 1, safi: 1 }, u64::MAX) });
        for sent in [
            Message::Statistics { peer, values },
            Message::RouteMonitoring { peer, update: message(2, &body) },
            Message::PeerDown { peer, reason: DownReason::RemoteNotification(message(3, &body)) },
        ] {
            let mut out = Vec::new();
            sent.encode(&mut out);
            prop_assert_eq!(decode(&out), Ok(sent));
        }
    }

    #[test]
    fn octets_of_any_kind_are_read_or_refused(kind in 0..8_u8, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let length = u32::try_from(6 + body.len()).unwrap();
        let whole = [&[3], &length.to_be_bytes()[..], &[kind], &body].concat();
        if let Ok(read) = decode(&whole) {
            let mut again = Vec::new();
            read.encode(&mut again);
            prop_assert_eq!(decode(&again), Ok(read));
        }
    }
}
