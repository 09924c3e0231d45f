//! The set against a plain list, and what RFC 6811 says of routes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::data::{Data, Record};

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

fn vrp(text: &str, max_length: u8, asn: u32) -> Vrp {
    Vrp::new(prefix(text), max_length, Asn(asn)).unwrap()
}

fn set(vrps: &[Vrp]) -> Vrps {
    let sorted: BTreeSet<Vrp> = vrps.iter().copied().collect();
    Vrps::from_sorted(sorted.into_iter())
}

#[test]
fn a_route_is_valid_invalid_or_not_found() {
    let vrps = set(&[
        vrp("10.0.0.0/8", 8, 64500),
        vrp("10.1.0.0/16", 24, 64501),
        vrp("10.1.0.0/16", 16, 64502),
        vrp("10.2.0.0/16", 32, 0),
        vrp("2001:db8::/32", 48, 64501),
    ]);
    let rows = [
        ("10.0.0.0/8", Some(64500), Validity::Valid),
        ("10.0.0.0/9", Some(64500), Validity::Invalid),
        ("10.1.2.0/24", Some(64501), Validity::Valid),
        ("10.1.2.0/25", Some(64501), Validity::Invalid),
        ("10.1.0.0/16", Some(64502), Validity::Valid),
        ("10.1.2.0/24", Some(64502), Validity::Invalid),
        ("10.1.2.0/24", None, Validity::Invalid),
        ("10.2.0.0/16", Some(0), Validity::Invalid),
        ("10.0.0.0/7", Some(64500), Validity::NotFound),
        ("11.0.0.0/8", Some(64500), Validity::NotFound),
        ("0.0.0.0/0", None, Validity::NotFound),
        ("2001:db8:1::/48", Some(64501), Validity::Valid),
        ("2001:db8:1::/49", Some(64501), Validity::Invalid),
        ("2001:db9::/48", Some(64501), Validity::NotFound),
    ];
    for (route, origin, expected) in rows {
        assert_eq!(vrps.validity(prefix(route), origin.map(Asn)), expected, "{route} of {origin:?}");
    }
    assert_eq!(Vrps::default().validity(prefix("10.0.0.0/8"), None), Validity::NotFound);
}

#[test]
fn those_that_cover_a_prefix_are_listed_from_the_narrowest_on() {
    let all = [vrp("0.0.0.0/0", 0, 0), vrp("10.0.0.0/8", 8, 1), vrp("10.1.0.0/16", 24, 2), vrp("10.1.0.0/16", 24, 3)];
    let covering = set(&all).covering(prefix("10.1.0.0/24"));
    assert_eq!(covering, [all[2], all[3], all[1], all[0]]);
}

/// Few bits, so that prefixes lie within each other, at both ends of what an address has.
fn any_vrp() -> impl Strategy<Value = Vrp> {
    (any::<bool>(), 0..64_u8, 0..=7_u8, 0..4_u8, 0..3_u32, any::<bool>()).prop_map(
        |(v4, bits, length, more, asn, far)| {
            let (address, length): (IpAddr, u8) = match (v4, far) {
                (true, false) => ([bits << 2, 0, 0, 0].into(), length),
                (true, true) => ([10, 0, 0, bits << 2].into(), length + 24),
                (false, false) => (Ipv6Addr::from_bits(u128::from(bits << 2) << 120).into(), length),
                (false, true) => (Ipv6Addr::from_bits((0x2001 << 112) | u128::from(bits << 2)).into(), length + 120),
            };
            let prefix = Prefix::masked_or_host(address, length);
            Vrp { prefix, asn: Asn(asn), max_length: (prefix.length() + more).min(prefix.family().bits()) }
        },
    )
}

/// RFC 6811 §2.1 word by word.
fn plain(vrps: &BTreeSet<Vrp>, route: Prefix, origin: Option<Asn>) -> Validity {
    let covering = || vrps.iter().filter(|vrp| vrp.prefix.covers(route));
    let matches = |vrp: &Vrp| vrp.asn != Asn(0) && Some(vrp.asn) == origin && route.length() <= vrp.max_length;
    match covering().next() {
        None => Validity::NotFound,
        Some(_) if covering().any(matches) => Validity::Valid,
        Some(_) => Validity::Invalid,
    }
}

proptest! {
    #[test]
    fn the_set_says_what_a_plain_list_says(
        vrps in proptest::collection::btree_set(any_vrp(), 0..60),
        routes in proptest::collection::vec((any_vrp(), proptest::option::of(0..4_u32)), 1..40),
    ) {
        let set = Vrps::from_sorted(vrps.iter().copied());
        prop_assert!(set.iter().eq(vrps.iter().copied()));
        for (route, origin) in routes {
            let origin = origin.map(Asn);
            prop_assert_eq!(set.validity(route.prefix, origin), plain(&vrps, route.prefix, origin), "{}", route.prefix);
            let covering: BTreeSet<Vrp> = set.covering(route.prefix).into_iter().collect();
            let expected: BTreeSet<Vrp> = vrps.iter().copied().filter(|vrp| vrp.prefix.covers(route.prefix)).collect();
            prop_assert_eq!(covering, expected);
        }
    }

    #[test]
    fn a_change_makes_the_set_that_a_fresh_one_would_be(
        before in proptest::collection::btree_set(any_vrp(), 0..60),
        changes in proptest::collection::vec(any_vrp(), 0..60),
    ) {
        let data = Data { vrps: Vrps::from_sorted(before.iter().copied()), ..Data::default() };
        let (mut after, mut records) = (before.clone(), Vec::new());
        for vrp in changes {
            let announced = !after.contains(&vrp);
            if announced { after.insert(vrp); } else { after.remove(&vrp); }
            records.push((Record::Vrp(vrp), announced));
        }
        let changed = data.after(records).unwrap();
        prop_assert_eq!(&changed.vrps, &Vrps::from_sorted(after.iter().copied()));
        let different: BTreeSet<Prefix> = before.symmetric_difference(&after).map(|vrp| vrp.prefix).collect();
        prop_assert_eq!(data.vrps.differences(&changed.vrps), different.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_record_that_contradicts_what_is_there_spoils_the_response(vrps in proptest::collection::btree_set(any_vrp(), 1..20), stranger in any_vrp()) {
        let data = Data { vrps: Vrps::from_sorted(vrps.iter().copied()), ..Data::default() };
        for vrp in vrps.iter().copied().chain([stranger]) {
            let there = vrps.contains(&vrp);
            prop_assert!(data.after(vec![(Record::Vrp(vrp), there)]).is_err());
            prop_assert!(data.after(vec![(Record::Vrp(vrp), !there), (Record::Vrp(vrp), !there)]).is_err());
        }
    }
}
