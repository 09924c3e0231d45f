//! Malformed UPDATEs, case by case, and what each one may cost: RFC 4271 §6, RFC 7606 and the RFCs that follow it.
//!
//! Every case announces 198.51.100.0/24 (or tries to); the outcome is what becomes of that route and of the session.

use bgp_wire::{ErrorClass, Message, Negotiated, Notification, Update};
use nouns::Family;

use crate::{hex, message, negotiated};

/// Who sends the UPDATE.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Peer {
    /// Another AS, four-octet numbers.
    External,
    /// Our AS, four-octet numbers.
    Internal,
    /// Another AS, two-octet numbers.
    Old,
}
use Peer::{External, Internal, Old};

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    /// The route is announced, nothing is wrong.
    Accept,
    /// The route is announced; the attribute is gone and told of.
    Discard(u8),
    /// The route is withdrawn, and this attribute is named as the cause.
    Withdraw(u8),
    /// Nothing is announced or withdrawn, the session stays.
    Ignore,
    /// The session ends with this NOTIFICATION.
    Reset(u8, u8),
}
use Outcome::{Accept, Discard, Ignore, Reset, Withdraw};

fn session(peer: Peer) -> Negotiated {
    Negotiated { internal: peer == Internal, four_octet_as: peer != Old, ..negotiated() }
}

/// The valid attributes with some replaced, removed (empty text) or, under a new code, appended.
fn attributes(peer: Peer, changes: &[(u8, &str)]) -> Vec<u8> {
    let as_path = if peer == Old { "400204 02 01 fde8" } else { "400206 02 01 0000fde8" };
    let mut list = vec![(1, "400101 00"), (2, as_path), (3, "400304 c0000201")];
    for (code, text) in changes {
        match list.iter_mut().find(|(known, _)| known == code) {
            Some(place) => place.1 = text,
            None => list.push((*code, text)),
        }
    }
    list.iter().flat_map(|(_, text)| hex(text)).collect()
}

fn update(withdrawn: &[u8], attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let length = |part: &[u8]| u16::try_from(part.len()).unwrap().to_be_bytes();
    message(2, &[&length(withdrawn), withdrawn, &length(attributes), attributes, nlri].concat())
}

const TARGET: &str = "18 c63364";

fn outcome(bytes: &[u8], negotiated: &Negotiated) -> Outcome {
    match Message::decode(bytes, negotiated) {
        Err(error) => {
            let Notification { code, subcode, .. } = Notification::from(&error);
            Reset(code, subcode)
        }
        Ok(Message::Update(update)) => judge(&update),
        Ok(other) => panic!("not an UPDATE: {other:?}"),
    }
}

fn judge(update: &Update) -> Outcome {
    let cause = update.errors.iter().find(|error| error.class == ErrorClass::Withdraw);
    match (update.reach.is_empty(), cause, update.errors.first()) {
        (false, None, None) => Accept,
        (false, None, Some(error)) => Discard(error.code),
        (true, Some(error), _) if !update.unreach.is_empty() => Withdraw(error.code),
        (true, None, _) if update.unreach.is_empty() => Ignore,
        _ => panic!("routes both announced and withdrawn: {update:?}"),
    }
}

/// Sentence, sender, what differs from valid attributes, what becomes of it.
type Row<'a> = (&'a str, Peer, &'a [(u8, &'a str)], Outcome);

fn check(rows: &[Row<'_>]) {
    for (sentence, peer, changes, expect) in rows {
        let bytes = update(&[], &attributes(*peer, changes), &hex(TARGET));
        assert_eq!(outcome(&bytes, &session(*peer)), *expect, "{sentence} ({peer:?})");
    }
}

#[test]
fn well_known_attributes() {
    check(&[
        ("a valid update", External, &[], Accept),
        ("a valid update", Internal, &[], Accept),
        ("a valid update", Old, &[], Accept),
        ("ORIGIN of length 0", External, &[(1, "400100")], Withdraw(1)),
        ("ORIGIN of length 2", Internal, &[(1, "400102 0000")], Withdraw(1)),
        ("ORIGIN 3", External, &[(1, "400101 03")], Withdraw(1)),
        ("ORIGIN 4", Internal, &[(1, "400101 04")], Withdraw(1)),
        ("ORIGIN 255", External, &[(1, "400101 ff")], Withdraw(1)),
        ("ORIGIN claims to be optional", External, &[(1, "c00101 00")], Withdraw(1)),
        ("ORIGIN with Partial and low-order flags", External, &[(1, "6f0101 00")], Accept),
        ("ORIGIN with a needless extended length", External, &[(1, "50010001 00")], Accept),
        ("AS_PATH segment of type 0", External, &[(2, "400206 00 01 0000fde8")], Withdraw(2)),
        ("AS_PATH segment of type 5", Internal, &[(2, "400206 05 01 0000fde8")], Withdraw(2)),
        ("AS_PATH segment without numbers", External, &[(2, "400202 02 00")], Withdraw(2)),
        ("AS_PATH segment of 255 numbers with one", External, &[(2, "400206 02 ff 0000fde8")], Withdraw(2)),
        ("AS_PATH with a stray octet", External, &[(2, "400207 02 01 0000fde8 02")], Withdraw(2)),
        ("AS 0 in AS_PATH", External, &[(2, "400206 02 01 00000000")], Withdraw(2)),
        ("AS_SET", External, &[(2, "40020c 02 01 0000fde8 01 01 0000fde9")], Withdraw(2)),
        ("AS_SET", Internal, &[(2, "400206 01 01 0000fde9")], Withdraw(2)),
        ("AS_CONFED_SEQUENCE from outside", External, &[(2, "400206 03 01 0000fde8")], Withdraw(2)),
        ("AS_CONFED_SEQUENCE from inside", Internal, &[(2, "400206 03 01 0000fde8")], Accept),
        ("AS_CONFED_SET", Internal, &[(2, "400206 04 01 0000fde8")], Withdraw(2)),
        ("an empty AS_PATH", Internal, &[(2, "400200")], Accept),
        ("NEXT_HOP of length 3", External, &[(3, "400303 c00002")], Withdraw(3)),
        ("NEXT_HOP of length 0", External, &[(3, "400300")], Withdraw(3)),
        ("NEXT_HOP 0.0.0.0", External, &[(3, "400304 00000000")], Withdraw(3)),
        ("NEXT_HOP 127.0.0.1", External, &[(3, "400304 7f000001")], Withdraw(3)),
        ("NEXT_HOP 224.0.0.1", External, &[(3, "400304 e0000001")], Withdraw(3)),
        ("NEXT_HOP 240.0.0.1", Internal, &[(3, "400304 f0000001")], Withdraw(3)),
        ("ORIGIN missing", External, &[(1, "")], Withdraw(1)),
        ("AS_PATH missing", External, &[(2, "")], Withdraw(2)),
        ("NEXT_HOP missing", External, &[(3, "")], Withdraw(3)),
        ("only unknown attribute 31", External, &[(1, ""), (2, ""), (3, ""), (31, "c01f01 00")], Withdraw(1)),
        ("no attributes at all", External, &[(1, ""), (2, ""), (3, "")], Withdraw(1)),
        ("LOCAL_PREF from outside", External, &[(5, "400504 00000064")], Discard(5)),
        ("LOCAL_PREF of length 3 from outside", External, &[(5, "400503 000064")], Discard(5)),
        ("LOCAL_PREF of length 3 from inside", Internal, &[(5, "400503 000064")], Withdraw(5)),
        ("ATOMIC_AGGREGATE of length 1", External, &[(6, "400601 00")], Discard(6)),
    ]);
}

#[test]
fn a_path_is_accepted_up_to_a_thousand_numbers() {
    for (segments, one_more, expect) in [(3, false, Accept), (4, false, Accept), (4, true, Withdraw(2))] {
        let segment = [&[2, 250][..], &[0, 0, 0xfd, 0xe8].repeat(250)].concat().repeat(segments);
        let extra = if one_more { hex("02 01 0000fde8") } else { vec![] };
        let value = [segment, extra].concat();
        let length = u16::try_from(value.len()).unwrap().to_be_bytes();
        let attributes = [hex("400101 00"), hex("5002"), length.to_vec(), value, hex("400304 c0000201")].concat();
        let negotiated = Negotiated { extended_message: true, ..session(External) };
        assert_eq!(outcome(&update(&[], &attributes, &hex(TARGET)), &negotiated), expect);
    }
}

#[test]
fn optional_attributes_that_are_understood() {
    check(&[
        ("MED of length 3", External, &[(4, "800403 000000")], Withdraw(4)),
        ("MED of length 5", Internal, &[(4, "800405 0000000000")], Withdraw(4)),
        ("MED of length 0", External, &[(4, "800400")], Withdraw(4)),
        ("MED claims to be transitive", External, &[(4, "c00404 00000000")], Withdraw(4)),
        ("AGGREGATOR of length 5", External, &[(7, "c00705 0000fde8c0")], Discard(7)),
        ("AGGREGATOR of length 6 with four-octet numbers", External, &[(7, "c00706 fde8 c0000201")], Discard(7)),
        ("AGGREGATOR of length 6 with two-octet numbers", Old, &[(7, "c00706 fde8 c0000201")], Accept),
        ("AGGREGATOR of length 8 with two-octet numbers", Old, &[(7, "c00708 0000fde8 c0000201")], Discard(7)),
        ("AGGREGATOR AS 0", External, &[(7, "c00708 00000000 c0000201")], Discard(7)),
        ("COMMUNITIES of length 0", External, &[(8, "c00800")], Withdraw(8)),
        ("COMMUNITIES of length 5", External, &[(8, "c00805 fc00006400")], Withdraw(8)),
        ("ORIGINATOR_ID from outside", External, &[(9, "800904 c0000201")], Discard(9)),
        ("ORIGINATOR_ID of length 3 from outside", External, &[(9, "800903 c00002")], Discard(9)),
        ("ORIGINATOR_ID of length 3 from inside", Internal, &[(9, "800903 c00002")], Withdraw(9)),
        ("CLUSTER_LIST from outside", External, &[(10, "800a04 c0000201")], Discard(10)),
        ("CLUSTER_LIST of length 5 from inside", Internal, &[(10, "800a05 c000020100")], Withdraw(10)),
        ("CLUSTER_LIST of length 0 from inside", Internal, &[(10, "800a00")], Withdraw(10)),
        ("EXTENDED COMMUNITIES of length 9", External, &[(16, "c01009 0002fc000000000100")], Withdraw(16)),
        ("EXTENDED COMMUNITIES of length 0", External, &[(16, "c01000")], Withdraw(16)),
        ("a redirect-to-IPv6 squeezed into 8 octets", External, &[(16, "c01008 000b200100000000")], Accept),
        ("AS4_PATH from a four-octet peer", External, &[(17, "c01106 0201 00011170")], Discard(17)),
        ("AS4_PATH malformed", Old, &[(17, "c01105 0201 000111")], Discard(17)),
        ("AS4_PATH empty", Old, &[(17, "c01100")], Discard(17)),
        ("AS4_PATH with a set", Old, &[(17, "c01106 0101 00011170")], Withdraw(17)),
        ("AS4_AGGREGATOR of length 7", Old, &[(18, "c01207 00011170 c00002")], Discard(18)),
        ("AS4_AGGREGATOR from a four-octet peer", External, &[(18, "c01208 00011170 c0000201")], Discard(18)),
        ("LARGE_COMMUNITY of length 13", External, &[(32, "c0200d 0000fc00000000010000000200")], Withdraw(32)),
        ("LARGE_COMMUNITY of length 0", External, &[(32, "c02000")], Withdraw(32)),
    ]);
}

#[test]
fn a_bad_as4_path_in_front_of_as_path_costs_itself_only() {
    let attributes = hex("c01105 0201 000111  400101 00  400204 0201 fde8  400304 c0000201");
    assert_eq!(outcome(&update(&[], &attributes, &hex(TARGET)), &session(Old)), Discard(17));
}

#[test]
fn attributes_that_are_only_passed_on() {
    check(&[
        ("PMSI_TUNNEL of length 4", External, &[(22, "c01604 00000000")], Withdraw(22)),
        ("PMSI_TUNNEL sound", External, &[(22, "c01605 0000000000")], Accept),
        ("TUNNEL_ENCAPSULATION cut in its TLV", External, &[(23, "c01704 00080010")], Withdraw(23)),
        ("TUNNEL_ENCAPSULATION sub-TLV overrun", External, &[(23, "c01706 00080002 0108")], Withdraw(23)),
        ("TUNNEL_ENCAPSULATION with junk behind", External, &[(23, "c0170b 00080006 0101ff 800000 00")], Withdraw(23)),
        ("TUNNEL_ENCAPSULATION sound", External, &[(23, "c0170a 00080006 0101ff 800000")], Accept),
        ("IPv6 EXTENDED COMMUNITIES of length 21", External, &[(25, &v6_communities(21))], Withdraw(25)),
        ("IPv6 EXTENDED COMMUNITIES of length 0", External, &[(25, "c01900")], Withdraw(25)),
        ("IPv6 EXTENDED COMMUNITIES sound", External, &[(25, &v6_communities(20))], Accept),
        ("AIGP TLV of length 2", External, &[(26, "801a03 010002")], Discard(26)),
        ("AIGP of 2 octets", External, &[(26, "801a02 0100")], Discard(26)),
        ("AIGP claims to be transitive", External, &[(26, "c01a0b 01000b 0000000000000001")], Discard(26)),
        ("AIGP sound", External, &[(26, "801a0b 01000b 0000000000000001")], Accept),
        ("attribute 28 with junk (June 2023)", External, &[(28, "c01c03 deadbe")], Accept),
        ("BGP-LS cut off", External, &[(29, "801d06 0400 0008 0000")], Discard(29)),
        ("ONLY_TO_CUSTOMER of length 3", External, &[(35, "c02303 00fde8")], Withdraw(35)),
        ("ONLY_TO_CUSTOMER of length 5", External, &[(35, "c02305 0000fde800")], Withdraw(35)),
        ("PREFIX_SID all zero (May 2025)", External, &[(40, "c0280a 00000000000000000000")], Discard(40)),
        ("PREFIX_SID TLV overrun", External, &[(40, "c02804 01000700")], Discard(40)),
        ("PREFIX_SID SRv6 sub-TLV overrun", External, &[(40, "c02807 050004 00 01 0010")], Discard(40)),
        ("PREFIX_SID sound", External, &[(40, "c0280a 010007 00 0000 00000001")], Accept),
        ("attribute 255, unknown and transitive", External, &[(255, "c0ff02 0102")], Accept),
        ("attribute type 0", External, &[(0, "c00001 00")], Discard(0)),
        ("attribute 99 claims to be well known", External, &[(99, "406301 00")], Withdraw(99)),
        ("attribute 99, unknown and not transitive", External, &[(99, "806301 00")], Accept),
        ("ATTR_SET of 2 octets", External, &[(128, "c08002 0000")], Withdraw(128)),
    ]);
}

fn v6_communities(length: u8) -> String {
    format!("c019{length:02x}{}", "00".repeat(usize::from(length)))
}

#[test]
fn the_list_of_attributes() {
    check(&[
        ("ORIGIN twice", External, &[(101, "400101 02")], Discard(1)),
        ("MP_REACH_NLRI twice", External, &[(101, V6_REACH), (102, V6_REACH)], Reset(3, 1)),
        ("MP_UNREACH_NLRI twice", External, &[(101, "800f03 000201"), (102, "800f03 000201")], Reset(3, 1)),
        ("the last attribute overruns the list", External, &[(101, "c00808 fc000064")], Withdraw(8)),
        ("one octet left", External, &[(101, "c0")], Withdraw(0)),
        ("two octets left", External, &[(101, "c008")], Withdraw(8)),
        ("an extended length cut off", External, &[(101, "d00800")], Withdraw(8)),
    ]);
}

/// 2001:db8::/32 via 2001:db8::1.
const V6_REACH: &str = "800e1a 0002 01 10 20010db8000000000000000000000001 00 20 20010db8";

#[test]
fn whole_updates() {
    let mapped = "800e1a 0002 01 10 00000000000000000000ffffc0a865c9 00 20 20010db8";
    let both = "800e2a 0002 01 20 20010db8000000000000000000000001 fe800000000000000000000000000001 00 20 20010db8";
    let v4_over_v6 = "800e19 0001 01 10 20010db8000000000000000000000001 00 18 c63364";
    let v4_over_v4 = "800e0d 0001 01 04 c0000201 00 18 c63364";
    let common = "400101 00 400206 02 01 0000fde8";
    let with = |reach: &str| update(&[], &hex(&format!("{common}{reach}")), &[]);
    let raw = |body: &str| message(2, &hex(body));
    for (sentence, bytes, expect) in [
        ("attributes longer than the message", raw("0000 00ff 400101 00"), Reset(3, 1)),
        ("withdrawn routes longer than the message", raw("00ff 0000"), Reset(3, 1)),
        ("withdrawn routes that leave no attribute length", raw("0001 00 00"), Reset(3, 1)),
        ("NLRI of length 33", update(&[], &attributes(External, &[]), &hex("21 c633640000")), Reset(3, 10)),
        ("NLRI cut off", update(&[], &attributes(External, &[]), &hex("18 c633")), Reset(3, 10)),
        ("withdrawn route of length 33", update(&hex("21 c633640000"), &[], &[]), Reset(3, 10)),
        ("withdrawn route cut off", update(&hex("18 c633"), &[], &[]), Reset(3, 10)),
        ("MP_REACH_NLRI sound", with(V6_REACH), Accept),
        ("MP_REACH_NLRI with an IPv4-mapped next hop", with(mapped), Accept),
        ("MP_REACH_NLRI with a link-local next hop beside", with(both), Accept),
        ("IPv4 routes with an IPv6 next hop, not negotiated", with(v4_over_v6), Accept),
        ("IPv4 routes with an IPv4 next hop in MP_REACH_NLRI", with(v4_over_v4), Accept),
        ("next hop of 9 octets", with("800e0f 0002 01 09 200100000000000001 00 00"), Reset(3, 9)),
        ("next hop of 4 octets for IPv6", with("800e0e 0002 01 04 c0000201 00 20 20010db8"), Reset(3, 9)),
        ("next hop of 24 octets", with(&format!("800e1d 0002 01 18 {} 00", "20".repeat(24))), Reset(3, 9)),
        ("next hop of 0 octets", with("800e0a 0002 01 00 00 20 20010db8"), Reset(3, 9)),
        ("next hop longer than the attribute", with("800e06 0002 01 10 2001"), Reset(3, 9)),
        ("MP_REACH_NLRI of 3 octets", with("800e03 0002 01"), Reset(3, 9)),
        ("MP_REACH_NLRI of 2 octets", with("800e02 0002"), Reset(3, 9)),
        (
            "MP_REACH_NLRI without the reserved octet",
            with(&format!("800e14 0002 01 10 {}", "20".repeat(16))),
            Reset(3, 9),
        ),
        (
            "IPv6 NLRI of length 129",
            with(&format!("800e27 0002 01 10 {} 00 81 {}", "20".repeat(16), "20".repeat(17))),
            Reset(3, 9),
        ),
        ("MP_REACH_NLRI of a family that is not negotiated", with("800e0b 0001 80 04 c0000201 00 18 c6"), Ignore),
        ("FlowSpec NLRI of length 0, not negotiated", with("800e06 0001 85 00 00 00"), Ignore),
        ("MP_UNREACH_NLRI cut off", update(&[], &hex("800f06 0002 01 20 2001"), &[]), Reset(3, 9)),
        ("MP_UNREACH_NLRI of 2 octets", update(&[], &hex("800f02 0002"), &[]), Reset(3, 9)),
        ("MP_UNREACH_NLRI of a family that is not negotiated", update(&[], &hex("800f05 0001 80 08 0a"), &[]), Ignore),
        ("MP_UNREACH_NLRI and bare NLRI", update(&[], &hex("800f08 0002 01 20 20010db8"), &hex(TARGET)), Withdraw(1)),
        ("empty MP_UNREACH_NLRI and bare NLRI", update(&[], &hex("800f03 0002 01"), &hex(TARGET)), Withdraw(1)),
        (
            "MP_REACH_NLRI via ::",
            with(&V6_REACH.replace("20010db8000000000000000000000001", &"0".repeat(32))),
            Withdraw(14),
        ),
        (
            "MP_REACH_NLRI via ff02::1",
            with(&V6_REACH.replace("20010db8000000000000000000000001", "ff020000000000000000000000000001")),
            Withdraw(14),
        ),
        ("MP_REACH_NLRI claims to be transitive", with(&V6_REACH.replace("800e", "c00e")), Withdraw(14)),
        (
            "MP_REACH_NLRI without ORIGIN",
            update(&[], &hex(&format!("400206 02 01 0000fde8 {V6_REACH}")), &[]),
            Withdraw(1),
        ),
        ("a malformed MED and nothing to withdraw", update(&[], &hex("800403 000000"), &[]), Reset(3, 1)),
        ("a malformed MED beside withdrawn routes only", update(&hex(TARGET), &hex("800403 000000"), &[]), Reset(3, 1)),
        ("an attribute cut off and nothing to withdraw", update(&[], &hex("c008"), &[]), Reset(3, 1)),
        ("attributes without any route", update(&[], &hex(common), &[]), Ignore),
        ("End-of-RIB for IPv4", update(&[], &[], &[]), Ignore),
        ("End-of-RIB for IPv6", update(&[], &hex("800f03 0002 01"), &[]), Ignore),
        ("End-of-RIB of a family that is not negotiated", update(&[], &hex("800f03 0001 80"), &[]), Ignore),
    ] {
        assert_eq!(outcome(&bytes, &session(External)), expect, "{sentence}");
    }
}

#[test]
fn a_missing_path_identifier_is_a_malformed_nlri() {
    let negotiated = Negotiated { add_path_receive: vec![Family::Ipv4Unicast], ..session(External) };
    let bytes = update(&[], &attributes(External, &[]), &hex("18"));
    assert_eq!(outcome(&bytes, &negotiated), Reset(3, 10));
}

#[test]
fn a_repeated_attribute_is_told_of_a_bounded_number_of_times() {
    let negotiated = Negotiated { extended_message: true, ..session(External) };
    let repeated = [attributes(External, &[]), hex("400600").repeat(20_000)].concat();
    let Ok(Message::Update(decoded)) = Message::decode(&update(&[], &repeated, &hex(TARGET)), &negotiated) else {
        panic!("not an UPDATE");
    };
    assert_eq!((judge(&decoded), decoded.errors.len()), (Discard(6), 32));
}

#[test]
fn an_error_behind_many_discarded_attributes_still_withdraws() {
    let many = [attributes(External, &[]), hex("400600").repeat(100), hex("800403 000000")].concat();
    let Ok(Message::Update(decoded)) = Message::decode(&update(&[], &many, &hex(TARGET)), &session(External)) else {
        panic!("not an UPDATE");
    };
    assert_eq!(judge(&decoded), Withdraw(4));
}

#[test]
fn hundreds_of_unknown_attributes_are_passed_on() {
    let strangers: Vec<u8> = (129..=255).flat_map(|code| [0xc0, code, 0]).collect();
    let list = [attributes(External, &[]), strangers].concat();
    let Ok(Message::Update(decoded)) = Message::decode(&update(&[], &list, &hex(TARGET)), &session(External)) else {
        panic!("not an UPDATE");
    };
    assert_eq!(decoded.reach[0].attributes.unknown.len(), 127);
}

#[test]
fn classic_routes_are_ignored_where_ipv4_is_not_negotiated() {
    let negotiated = Negotiated { families: vec![Family::Ipv6Unicast], ..session(External) };
    let bytes = update(&hex(TARGET), &attributes(External, &[]), &hex(TARGET));
    assert_eq!(outcome(&bytes, &negotiated), Ignore);
}
