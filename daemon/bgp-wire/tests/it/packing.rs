//! Many routes in few messages.

use bgp_wire::attribute::{NextHop, Origin, PathAttributes, UnknownAttribute};
use bgp_wire::{EncodeError, Message, Negotiated, Nlri, Update, encode_reach, encode_unreach, frame};
use nouns::{Family, Prefix};

use crate::negotiated;

fn routes(family: Family, count: u32) -> Vec<Nlri> {
    let one = |number: u32| {
        let prefix = match family {
            Family::Ipv4Unicast => Prefix::masked(std::net::Ipv4Addr::from(number << 8).into(), 24),
            Family::Ipv6Unicast => Prefix::masked(std::net::Ipv6Addr::from(u128::from(number) << 80).into(), 48),
        };
        Nlri { prefix: prefix.unwrap(), path_id: 0 }
    };
    (1..=count).map(one).collect()
}

fn attributes(family: Family) -> PathAttributes {
    let next_hop = match family {
        Family::Ipv4Unicast => "192.0.2.1",
        Family::Ipv6Unicast => "2001:db8::1",
    };
    PathAttributes::new(Origin::Igp, next_hop.parse().unwrap())
}

/// The messages of a buffer, with the length of each.
fn messages(mut bytes: &[u8], negotiated: &Negotiated) -> Vec<(usize, Update)> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let length = frame(bytes, negotiated.max_message()).unwrap().expect("whole messages only");
        match Message::decode(&bytes[..length], negotiated) {
            Ok(Message::Update(update)) => all.push((length, update)),
            other => panic!("not an UPDATE: {other:?}"),
        }
        bytes = &bytes[length..];
    }
    all
}

#[test]
fn every_message_but_the_last_is_full_and_no_route_is_lost() {
    for family in Family::ALL {
        for extended_message in [false, true] {
            for add_path in [vec![], vec![family]] {
                let negotiated = Negotiated {
                    extended_message,
                    add_path_send: add_path.clone(),
                    add_path_receive: add_path,
                    ..negotiated()
                };
                let routes = routes(family, 20_000);
                let mut out = Vec::new();
                encode_reach(family, &attributes(family), &mut routes.iter().copied(), &negotiated, &mut out).unwrap();
                let all = messages(&out, &negotiated);
                let limit = negotiated.max_message();
                assert!(all.len() > 1 && all.iter().rev().skip(1).all(|(length, _)| limit - length < 12));
                let got: Vec<Nlri> = all.iter().flat_map(|(_, update)| update.reach[0].nlri.clone()).collect();
                assert_eq!(got, routes);
                assert!(all.iter().all(|(_, update)| *update.reach[0].attributes == attributes(family)));

                let mut out = Vec::new();
                encode_unreach(family, &mut routes.iter().copied(), &negotiated, &mut out).unwrap();
                let all = messages(&out, &negotiated);
                assert!(all.iter().rev().skip(1).all(|(length, _)| limit - length < 12));
                let got: Vec<Nlri> = all.iter().flat_map(|(_, update)| update.unreach[0].nlri.clone()).collect();
                assert_eq!(got, routes);
            }
        }
    }
}

#[test]
fn a_message_is_filled_to_the_last_octet() {
    // Header 19, lengths 4, ORIGIN 4, AS_PATH 3, NEXT_HOP 7: 4059 octets are left, 1014 routes of 4 and 3 over.
    let negotiated = negotiated();
    for (count, expect) in [(1014, 1), (1015, 2)] {
        let mut out = Vec::new();
        let routes = routes(Family::Ipv4Unicast, count);
        let attributes = attributes(Family::Ipv4Unicast);
        encode_reach(Family::Ipv4Unicast, &attributes, &mut routes.into_iter(), &negotiated, &mut out).unwrap();
        assert_eq!(messages(&out, &negotiated).len(), expect, "{count} routes");
    }
}

#[test]
fn no_routes_make_no_message() {
    let mut out = vec![7];
    let family = Family::Ipv4Unicast;
    encode_reach(family, &attributes(family), &mut std::iter::empty(), &negotiated(), &mut out).unwrap();
    encode_unreach(family, &mut std::iter::empty(), &negotiated(), &mut out).unwrap();
    assert_eq!(out, [7]);
}

#[test]
fn attributes_that_leave_no_room_are_refused_and_leave_the_buffer_alone() {
    for family in Family::ALL {
        let unknown = vec![UnknownAttribute { flags: 0xe0, code: 99, value: vec![0; 4060] }];
        let attributes = PathAttributes { unknown: unknown.into(), ..attributes(family) };
        let mut out = vec![7];
        let result = encode_reach(family, &attributes, &mut routes(family, 3).into_iter(), &negotiated(), &mut out);
        assert!(matches!(result, Err(EncodeError::TooLong { length: 4097.. })), "{result:?}");
        assert_eq!(out, [7]);
        let extended = Negotiated { extended_message: true, ..negotiated() };
        assert_eq!(encode_reach(family, &attributes, &mut routes(family, 3).into_iter(), &extended, &mut out), Ok(()));
    }
}

#[test]
fn strangers_among_the_routes_are_refused() {
    let mut mixed = routes(Family::Ipv4Unicast, 1);
    mixed.extend(routes(Family::Ipv6Unicast, 1));
    let mut out = Vec::new();
    let result = encode_unreach(Family::Ipv4Unicast, &mut mixed.into_iter(), &negotiated(), &mut out);
    assert_eq!((result, out.len()), (Err(EncodeError::Family(Family::Ipv4Unicast)), 0));
    let family = Family::Ipv6Unicast;
    let v4 = attributes(Family::Ipv4Unicast);
    let result = encode_reach(family, &v4, &mut routes(family, 1).into_iter(), &negotiated(), &mut out);
    assert!(matches!(result, Err(EncodeError::Update(_))), "{result:?}");
}

#[test]
fn ipv4_routes_with_an_ipv6_next_hop_go_into_mp_reach() {
    let family = Family::Ipv4Unicast;
    let next_hop = NextHop { address: "2001:db8::1".parse().unwrap(), link_local: Some("fe80::1".parse().unwrap()) };
    let attributes = PathAttributes { next_hop, ..attributes(family) };
    let mut out = Vec::new();
    encode_reach(family, &attributes, &mut routes(family, 3).into_iter(), &negotiated(), &mut out).unwrap();
    assert_eq!(out[23..25], [0x90, 14], "MP_REACH_NLRI is the first attribute");
    let all = messages(&out, &negotiated());
    assert_eq!(*all[0].1.reach[0].attributes, attributes);
}
