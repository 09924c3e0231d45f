//! Every change as the octets that `ip` would send, field by field.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use super::*;

/// Joins parts into a message and checks that its length field is right.
fn check(sentence: &str, change: &FibChange, parts: &[&[u8]]) {
    let octets = message(change, 0x0102_0304);
    assert_eq!(octets, parts.concat(), "{sentence}");
    assert_eq!(u32::from_ne_bytes(octets[..4].try_into().unwrap()) as usize, octets.len(), "{sentence}");
}

/// `struct nlmsghdr` with the sequence number of these tests and port 0.
fn header(length: u8, kind: u8, flags: [u8; 2]) -> [u8; 16] {
    [length, 0, 0, 0, kind, 0, flags[0], flags[1], 4, 3, 2, 1, 0, 0, 0, 0]
}

const PUT: [u8; 2] = [0x01, 0x05]; // NLM_F_REQUEST | NLM_F_REPLACE | NLM_F_CREATE
const DELETE: [u8; 2] = [0x01, 0x00]; // NLM_F_REQUEST
const METRIC: &[u8] = &[8, 0, 6, 0, 20, 0, 0, 0];

#[cfg(target_endian = "little")]
#[test]
fn next_hops_are_encoded() {
    let leg = |gateway: Option<&str>| Leg { gateway: gateway.map(|text| text.parse().unwrap()), ifindex: 3 };
    let id: &[u8] = &[8, 0, 1, 0, 1, 0, 0, 0x54];
    let link: &[u8] = &[8, 0, 5, 0, 3, 0, 0, 0];
    check(
        "an IPv4 gateway on a link",
        &FibChange::NextHop { id: 0x5400_0001, leg: leg(Some("192.168.101.201")) },
        &[&header(48, 104, PUT), &[2, 0, 200, 0, 0, 0, 0, 0], id, link, &[8, 0, 6, 0, 192, 168, 101, 201]],
    );
    check(
        "a link-local IPv6 gateway",
        &FibChange::NextHop { id: 0x5400_0001, leg: leg(Some("fe80::1")) },
        &[
            &header(60, 104, PUT),
            &[10, 0, 200, 0, 0, 0, 0, 0],
            id,
            link,
            &[20, 0, 6, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ],
    );
    check(
        "a link alone is of IPv6, which routes of both families may use",
        &FibChange::NextHop { id: 0x5400_0001, leg: leg(None) },
        &[&header(40, 104, PUT), &[10, 0, 200, 0, 0, 0, 0, 0], id, link],
    );
    check(
        "a deletion",
        &FibChange::NextHopGone(0x5400_0001),
        &[&header(32, 105, DELETE), &[0, 0, 0, 0, 0, 0, 0, 0], id],
    );
}

#[cfg(target_endian = "little")]
#[test]
fn a_group_stores_each_weight_less_one_and_keeps_it_within_an_octet() {
    check(
        "four members",
        &FibChange::Group { id: 0x5500_0001, members: vec![(1, 1), (2, 256), (3, 0), (4, 300)] },
        &[
            &header(68, 104, PUT),
            &[0, 0, 200, 0, 0, 0, 0, 0],
            &[8, 0, 1, 0, 1, 0, 0, 0x55],
            &[36, 0, 2, 0],
            &[1, 0, 0, 0, 0, 0, 0, 0],
            &[2, 0, 0, 0, 255, 0, 0, 0],
            &[3, 0, 0, 0, 0, 0, 0, 0],
            &[4, 0, 0, 0, 255, 0, 0, 0],
        ],
    );
}

#[cfg(target_endian = "little")]
#[test]
fn routes_are_encoded() {
    let v4: RouteKey = "172.16.102.229/32".parse().unwrap();
    let v6: RouteKey = "2001:db8::/48".parse().unwrap();
    let v4_to: &[u8] = &[8, 0, 1, 0, 172, 16, 102, 229];
    check(
        "an IPv4 route to a group",
        &FibChange::Route { key: v4, target: FibTarget::Group(0x5500_0001) },
        &[
            &header(52, 24, PUT),
            &[2, 32, 0, 0, 254, 200, 0, 1, 0, 0, 0, 0],
            v4_to,
            METRIC,
            &[8, 0, 30, 0, 1, 0, 0, 0x55],
        ],
    );
    check(
        "an IPv6 blackhole",
        &FibChange::Route { key: v6, target: FibTarget::Blackhole },
        &[
            &header(56, 24, PUT),
            &[10, 48, 0, 0, 254, 200, 0, 6, 0, 0, 0, 0],
            &[20, 0, 1, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            METRIC,
        ],
    );
    check(
        "an unreachable route of a small table",
        &FibChange::Route { key: RouteKey { table: 10, ..v4 }, target: FibTarget::Unreachable },
        &[&header(44, 24, PUT), &[2, 32, 0, 0, 10, 200, 0, 7, 0, 0, 0, 0], v4_to, METRIC],
    );
    check(
        "a deletion from a table whose number needs more than an octet",
        &FibChange::RouteGone(RouteKey { table: 1000, ..v4 }),
        &[
            &header(52, 25, DELETE),
            &[2, 32, 0, 0, 0, 200, 255, 0, 0, 0, 0, 0],
            v4_to,
            &[8, 0, 15, 0, 0xe8, 3, 0, 0],
            METRIC,
        ],
    );
    check(
        "a deletion of any type and scope, but of our protocol and metric only",
        &FibChange::RouteGone(v4),
        &[&header(44, 25, DELETE), &[2, 32, 0, 0, 254, 200, 255, 0, 0, 0, 0, 0], v4_to, METRIC],
    );
}

#[test]
fn in_a_batch_only_the_last_message_asks_for_an_answer() {
    let mut batch = Batch::default();
    for id in 0..3 {
        append(&mut batch, &FibChange::NextHopGone(id), id);
    }
    batch.acknowledge_last();
    let flags: Vec<(u32, u16)> =
        crate::attribute::messages(batch.octets()).map(|message| (message.sequence, message.flags)).collect();
    assert_eq!(flags, [(0, 1), (1, 1), (2, 5)]);
}
