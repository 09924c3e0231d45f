//! Judgement of received routes.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use bgp_wire::attribute::{AsPath, Origin, Segment};

use super::*;

const OURS: Asn = Asn(64512);
const THEIRS: Asn = Asn(64513);

fn rules(internal: bool) -> ImportRules {
    ImportRules {
        router_as: OURS,
        local_as: OURS,
        prepend_local_as: false,
        remote_as: if internal { OURS } else { THEIRS },
        router_id: [10, 0, 0, 1].into(),
        cluster_id: [10, 0, 0, 9].into(),
        internal,
        confederation: None,
        member: false,
        requires_policy: false,
        reject_as_sets: true,
        allow_martian_next_hops: false,
        own_as_allowed: 0,
        enforce_first_as: true,
        graceful_shutdown: false,
        role: None,
    }
}

fn path(asns: &[u32]) -> PathAttributes {
    let mut attributes = PathAttributes::new(Origin::Igp, [192, 0, 2, 1].into());
    attributes.as_path = AsPath::sequence(&asns.iter().copied().map(Asn).collect::<Vec<_>>());
    attributes
}

#[test]
fn each_reason_to_reject_is_found() {
    let originator = PathAttributes { originator_id: Some([10, 0, 0, 1].into()), ..path(&[]) };
    let clusters =
        |last| PathAttributes { cluster_list: [[10, 0, 0, 7].into(), [10, 0, 0, last].into()].into(), ..path(&[]) };
    let tolerant = |own_as_allowed| ImportRules { own_as_allowed, ..rules(false) };
    let server = ImportRules { enforce_first_as: false, ..rules(false) };
    let strict = ImportRules { requires_policy: true, ..rules(false) };
    for (attributes, rules, expected) in [
        (path(&[64513, 64512]), rules(false), Err(Reject::AsLoop(OURS))),
        (path(&[64512]), rules(true), Err(Reject::AsLoop(OURS))),
        (path(&[64513, 65000]), ImportRules { local_as: Asn(65000), ..rules(false) }, Err(Reject::AsLoop(Asn(65000)))),
        (originator, rules(true), Err(Reject::OwnOriginator([10, 0, 0, 1].into()))),
        (clusters(9), rules(true), Err(Reject::ClusterLoop([10, 0, 0, 9].into()))),
        (clusters(1), rules(true), Ok(())),
        (path(&[7, 64513]), rules(false), Err(Reject::FirstAs { found: Asn(7), expected: THEIRS })),
        (path(&[]), rules(false), Err(Reject::NoFirstAs(THEIRS))),
        (path(&[64513, 64512, 64512]), tolerant(2), Ok(())),
        (path(&[64513, 64512, 64512]), tolerant(1), Err(Reject::AsLoop(OURS))),
        (path(&[7, 64513]), server.clone(), Ok(())),
        (path(&[]), server, Ok(())),
        (path(&[64513]), strict.clone(), Err(Reject::NoPolicy)),
        (path(&[64513]), rules(false), Ok(())),
        (path(&[7]), rules(true), Ok(())),
        (path(&[]), rules(true), Ok(())),
    ] {
        assert_eq!(check(&Arc::new(attributes), &rules).map(drop), expected);
    }
}

#[test]
fn every_reason_is_a_sentence_that_names_what_it_is_about() {
    for (reject, word) in [
        (Reject::AsLoop(OURS), "64512"),
        (Reject::FirstAs { found: Asn(7), expected: THEIRS }, "AS 7, not with the neighbor's AS 64513"),
        (Reject::NoPolicy, "RFC 8212"),
    ] {
        assert!(reject.to_string().contains(word), "{reject}");
    }
}

#[test]
fn an_external_route_has_our_local_preference_whatever_it_says() {
    let received = Arc::new(PathAttributes { local_pref: Some(7), ..path(&[64513]) });
    assert_eq!(check(&received, &rules(false)).unwrap().local_pref, None);
    let silent = Arc::new(path(&[64513]));
    assert!(Arc::ptr_eq(&check(&silent, &rules(false)).unwrap(), &silent));
}

#[test]
fn an_internal_route_keeps_its_attributes_and_shares_them() {
    let received = Arc::new(PathAttributes { local_pref: Some(7), ..path(&[]) });
    assert!(Arc::ptr_eq(&check(&received, &rules(true)).unwrap(), &received));
}

#[test]
fn local_as_stands_before_the_paths_of_its_session() {
    let rules = ImportRules { local_as: Asn(65000), prepend_local_as: true, ..rules(false) };
    let used = check(&Arc::new(path(&[64513])), &rules).unwrap();
    assert_eq!(used.as_path, AsPath::sequence(&[Asn(65000), THEIRS]));
}

#[test]
fn what_is_about_to_end_is_the_last_choice() {
    let leaving = path(&[64513]);
    let leaving = Arc::new(PathAttributes { communities: [1, Community::GRACEFUL_SHUTDOWN.0].into(), ..leaving });
    assert_eq!(check(&leaving, &rules(false)).unwrap().local_pref, Some(0));
    // Within the AS whoever let it in has said so already.
    assert!(Arc::ptr_eq(&check(&leaving, &rules(true)).unwrap(), &leaving));
    let shut = ImportRules { graceful_shutdown: true, ..rules(false) };
    assert_eq!(check(&Arc::new(path(&[64513])), &shut).unwrap().local_pref, Some(0));
    let other = Arc::new(PathAttributes { communities: [Community::NO_EXPORT.0].into(), ..path(&[64513]) });
    assert!(Arc::ptr_eq(&check(&other, &rules(false)).unwrap(), &other));
}

/// RFC 9234 §5, ingress.
#[test]
fn a_leaked_route_is_refused_and_others_are_marked() {
    use crate::role::Role::{Customer, Peer, Provider, RouteServer, RouteServerClient};
    let received = |marked: Option<u32>| {
        let mut attributes = path(&[64513]);
        marked.into_iter().for_each(|asn| attributes.mark_only_to_customer(Asn(asn)));
        Arc::new(attributes)
    };
    let leak = Err(Reject::Leak(Asn(7)));
    for (role, unmarked, by_neighbor, by_other) in [
        (Provider, Ok(None), Err(Reject::Leak(THEIRS)), leak),
        (RouteServer, Ok(None), Err(Reject::Leak(THEIRS)), leak),
        (Peer, Ok(Some(THEIRS)), Ok(Some(THEIRS)), leak),
        (Customer, Ok(Some(THEIRS)), Ok(Some(THEIRS)), Ok(Some(Asn(7)))),
        (RouteServerClient, Ok(Some(THEIRS)), Ok(Some(THEIRS)), Ok(Some(Asn(7)))),
    ] {
        let rules = ImportRules { role: Some(role), ..rules(false) };
        for (marked, expected) in [(None, unmarked), (Some(64513), by_neighbor), (Some(7), by_other)] {
            let used = check(&received(marked), &rules).map(|used| used.only_to_customer());
            assert_eq!(used, expected, "{role}, {marked:?}");
        }
    }
    assert_eq!(check(&received(None), &rules(false)).unwrap().only_to_customer(), None);
}

/// RFC 5065 §4, §5.
#[test]
fn a_confederation_knows_its_members_and_itself_in_a_path() {
    const IDENTIFIER: Asn = Asn(65000);
    let through = |members: &[u32], others: &[u32]| {
        let [members, others] = [members, others].map(|asns| asns.iter().copied().map(Asn).collect::<Vec<_>>());
        let parts = [(SegmentKind::ConfedSequence, &members), (SegmentKind::Sequence, &others)];
        let as_path = parts.into_iter().map(|(kind, asns)| Segment { kind, asns }).collect();
        Arc::new(PathAttributes { as_path, local_pref: Some(7), ..path(&[]) })
    };
    let confederation = Some(IDENTIFIER);
    let inside = ImportRules { confederation, ..rules(true) };
    let member = ImportRules { confederation, member: true, ..rules(false) };
    let outside = ImportRules { confederation, local_as: IDENTIFIER, ..rules(false) };
    for (members, others, rules, expected) in [
        (&[64513][..], &[7][..], &member, Ok(())),
        (&[64513, 64512], &[7], &member, Err(Reject::AsLoop(OURS))),
        (&[64513], &[65000], &member, Err(Reject::AsLoop(IDENTIFIER))),
        // Numbers of members mean something among members only.
        (&[64513], &[64512], &member, Ok(())),
        (&[64514], &[7], &member, Err(Reject::FirstAs { found: Asn(64514), expected: THEIRS })),
        (&[64514, 64512], &[], &inside, Err(Reject::AsLoop(OURS))),
        (&[64514], &[], &inside, Ok(())),
        (&[], &[64513, 65000], &outside, Err(Reject::AsLoop(IDENTIFIER))),
        (&[], &[64513, 64512], &outside, Ok(())),
    ] {
        let attributes = through(members, others);
        let used = check(&attributes, rules);
        assert_eq!(used.as_ref().map(|_| ()).map_err(|reject| *reject), expected, "{members:?} {others:?}");
        if let (true, Ok(used)) = (rules.member, used) {
            assert_eq!(used.local_pref, Some(7), "it counts in the whole confederation");
        }
    }
}

/// RFC 9774, RFC 4271 §6.3.
#[test]
fn sets_and_next_hops_of_nobody_are_refused_unless_that_is_said() {
    let set = |kind| {
        let parts = [(SegmentKind::Sequence, [THEIRS]), (kind, [Asn(7)])];
        let as_path = parts.iter().map(|(kind, asns)| Segment { kind: *kind, asns }).collect();
        PathAttributes { as_path, ..path(&[]) }
    };
    let tolerant = ImportRules { reject_as_sets: false, allow_martian_next_hops: true, ..rules(false) };
    for kind in [SegmentKind::Set, SegmentKind::ConfedSet] {
        assert_eq!(check(&Arc::new(set(kind)), &rules(false)), Err(Reject::AsSet));
        assert!(check(&Arc::new(set(kind)), &tolerant).is_ok());
    }
    for address in ["0.0.0.1", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"] {
        let address: IpAddr = address.parse().unwrap();
        let mut attributes = path(&[64513]);
        attributes.next_hop.address = address;
        let attributes = Arc::new(attributes);
        assert_eq!(check(&attributes, &rules(false)), Err(Reject::MartianNextHop(address)));
        assert!(check(&attributes, &tolerant).is_ok());
    }
}
