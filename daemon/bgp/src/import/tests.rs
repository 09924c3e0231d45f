//! Judgement of received routes.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use bgp_wire::attribute::{AsPath, Origin};

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
        requires_policy: false,
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
