//! Each condition and change once, and the whole against an interpreter that follows the words.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bgp_wire::attribute::{Aggregator, AsPath, ExtendedCommunity, LargeCommunity, Origin, PathAttributes, thin_vec};
use nouns::{Access, Asn, Family, IfName, Marks, PathValidity, Prefix, Validity, Wildcard};
use proptest::prelude::*;

use super::*;

fn route() -> PathAttributes {
    let mut attributes = PathAttributes::new(Origin::Igp, "192.0.2.1".parse().unwrap());
    attributes.as_path = AsPath::sequence(&[Asn(64513), Asn(64514)]);
    attributes.communities = thin_vec![0xfc00_0001, 0xfc00_0002];
    attributes.large_communities = thin_vec![LargeCommunity(64512, 1, 2)];
    attributes.extended_communities = thin_vec![[0, 2, 0xfc, 0, 0, 0, 0, 1]];
    attributes.local_pref = Some(100);
    attributes.med = Some(7);
    attributes
}

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

fn prefix_list(rules: &[(&str, u8, u8, bool)]) -> PrefixList {
    let rules = (1..).zip(rules).map(|(number, (prefix, least, most, permit))| PrefixRule {
        number,
        permit: *permit,
        prefix: prefix.parse().unwrap(),
        lengths: (*least, *most),
    });
    PrefixList::new("prefix-list", "P", rules.collect())
}

fn rule(number: u16, conditions: Vec<Condition>, changes: Vec<Change>) -> Rule {
    Rule { number, permit: true, conditions, changes, call: None, then: Then::Exit }
}

fn apply(map: RouteMap) -> Result<Draft<'static>, Denial> {
    let interface: IfName = "eth1".parse().unwrap();
    let attributes = Box::leak(Box::new(route()));
    let peer: IpAddr = "192.0.2.1".parse().unwrap();
    let subject = Subject {
        prefix: prefix("10.1.0.0/16"),
        source: Source::Bgp,
        peer: Some(peer),
        interface: Some(&interface),
        nowhere: true,
        validity: Some(Validity::Invalid),
        path_validity: Some(PathValidity::Unknown),
        shares: None,
    };
    let mut draft = Draft::new(attributes, Marks { tag: 3, ..Marks::default() }, 100);
    let chain = Chain { route_map: Some(Arc::new(map)), ..Chain::default() };
    chain.apply(&subject, &mut draft).map(|()| draft)
}

/// The bandwidth that paths have together stands for the one that a route had, where somebody looked and any tells one.
#[test]
fn a_shared_bandwidth_is_the_sum_or_so_much_for_each_path() {
    let none = Shares::default();
    let both = none.and(Some(1_000)).and(None).and(Some(500));
    for (shares, each, expected) in [
        (None, None, Some(7)),
        (Some(none.and(None)), None, Some(7)),
        (Some(both), None, Some(1_500)),
        (Some(both), Some(125_000), Some(375_000)),
        (Some(none.and(None)), Some(125_000), Some(125_000)),
    ] {
        let mut attributes = PathAttributes::new(Origin::Igp, [192, 0, 2, 1].into());
        attributes.extended_communities.push(ExtendedCommunity::link_bandwidth(Asn(1), 7, true).0);
        let subject = Subject { shares, ..Subject::new("10.1.0.0/16".parse().unwrap(), Source::Bgp) };
        let mut draft = Draft::new(&attributes, Marks::default(), 100);
        Change::SharedBandwidth { asn: Asn(64512), each, transitive: true }.apply(&subject, &mut draft);
        assert_eq!(draft.attributes.link_bandwidth(), expected, "{shares:?} {each:?}");
        assert_eq!(draft.attributes.extended_communities.len(), 1);
    }
}

#[test]
fn each_condition_holds_for_what_it_names_and_for_nothing_else() {
    let path = |regex: &str| Arc::new(PathList::new("A", vec![(1, true, regex.parse().unwrap())]));
    let communities = |values: &[u32]| Arc::new(CommunityList::new(vec![(true, Ask::All(values.to_vec()))]));
    let fit = |regex: &str| Arc::new(CommunityList::new(vec![(true, Ask::Fit(regex.parse().unwrap()))]));
    let large = |value| Arc::new(CommunityList::new(vec![(true, Ask::All(vec![value]))]));
    let extended = |value| Arc::new(CommunityList::new(vec![(true, Ask::All(vec![value]))]));
    let list = |net: &str| Arc::new(prefix_list(&[(net, 0, 32, true)]));
    let access = |network: &str, inverse: &str| {
        let source = Wildcard::network(network.parse().unwrap(), inverse.parse().unwrap());
        let access = Access::Ipv4 { source, destination: Wildcard::ANY };
        Arc::new(PrefixList::access("access-list", "10", vec![AccessRule { number: 1, permit: true, access }]))
    };
    let other: IpAddr = "192.0.2.9".parse().unwrap();
    let peer: IpAddr = "192.0.2.1".parse().unwrap();
    let name = |text: &str| text.parse::<IfName>().unwrap();
    for (condition, holds) in [
        (Condition::Path(path("_64514$")), true),
        (Condition::Path(path("^64514")), false),
        (Condition::Communities(communities(&[0xfc00_0001]), false), true),
        (Condition::Communities(communities(&[0xfc00_0001]), true), false),
        (Condition::Communities(communities(&[0xfc00_0001, 0xfc00_0002]), true), true),
        (Condition::Communities(communities(&[0xfc00_0001, 0xfc00_0003]), false), false),
        (Condition::Communities(communities(&[0]), false), true),
        (Condition::Communities(fit("^64512:1 64512:2$"), false), true),
        (Condition::Communities(fit("_2_"), false), false),
        (Condition::ExtendedCommunities(extended([0, 2, 0xfc, 0, 0, 0, 0, 1])), true),
        (Condition::ExtendedCommunities(extended([0, 2, 0xfc, 0, 0, 0, 0, 2])), false),
        (Condition::LargeCommunities(large(LargeCommunity(64512, 1, 2))), true),
        (Condition::LargeCommunities(large(LargeCommunity(64512, 1, 3))), false),
        (Condition::Interface(name("eth1")), true),
        (Condition::Interface(name("eth2")), false),
        (Condition::Prefix(list("10.0.0.0/8")), true),
        (Condition::Prefix(list("11.0.0.0/8")), false),
        (Condition::PrefixLength(Family::Ipv4Unicast, 16), true),
        (Condition::PrefixLength(Family::Ipv4Unicast, 24), false),
        (Condition::PrefixLength(Family::Ipv6Unicast, 16), false),
        (Condition::RouteSource(list("192.0.2.0/24")), true),
        (Condition::RouteSource(list("10.0.0.0/8")), false),
        (Condition::PathValidity(PathValidity::Unknown), true),
        (Condition::PathValidity(PathValidity::Invalid), false),
        (Condition::Validity(Validity::Invalid), true),
        (Condition::Validity(Validity::NotFound), false),
        (Condition::NextHop(peer), true),
        (Condition::NextHop(other), false),
        (Condition::NextHopIn(list("192.0.2.0/24")), true),
        (Condition::NextHopIn(list("10.0.0.0/8")), false),
        (Condition::LeadsNowhere(Family::Ipv4Unicast), true),
        (Condition::LeadsNowhere(Family::Ipv6Unicast), false),
        (Condition::Prefix(access("10.0.0.0", "0.255.255.255")), true),
        (Condition::Prefix(access("10.0.0.0", "0.0.255.255")), false),
        (Condition::LocalPreference(100), true),
        (Condition::LocalPreference(101), false),
        (Condition::Metric(7), true),
        (Condition::Metric(8), false),
        (Condition::Origin(Origin::Igp), true),
        (Condition::Origin(Origin::Egp), false),
        (Condition::Peer(Some(peer)), true),
        (Condition::Peer(None), false),
        (Condition::Source(Source::Bgp), true),
        (Condition::Source(Source::Static), false),
        (Condition::Tag(3), true),
        (Condition::Tag(4), false),
    ] {
        let map = RouteMap::new("M", vec![rule(10, vec![condition.clone()], Vec::new())]);
        assert_eq!(apply(map).is_ok(), holds, "{condition:?}");
    }
}

#[test]
fn each_change_does_what_its_word_says_and_nothing_else() {
    type Edit = fn(&mut PathAttributes);
    let list = || Arc::new(CommunityList::new(vec![(true, Ask::All(vec![0xfc00_0001]))]));
    let large = || Arc::new(CommunityList::new(vec![(true, Ask::Fit("64512:.*".parse().unwrap()))]));
    let aggregator = Aggregator { asn: Asn(7), address: [192, 0, 2, 7].into() };
    let asns = |numbers: &[u32]| numbers.iter().copied().map(Asn).collect::<Vec<_>>();
    let rows: Vec<(Change, Edit)> = vec![
        (Change::Aggregator(aggregator), |a| {
            a.aggregator = Some(Aggregator { asn: Asn(7), address: [192, 0, 2, 7].into() });
        }),
        (Change::ExcludeAs(asns(&[64513])), |a| a.as_path = AsPath::sequence(&[Asn(64514)])),
        (Change::ExcludeAs(asns(&[64513, 64514])), |a| a.as_path = AsPath::default()),
        (Change::PrependAs(asns(&[1, 2])), |a| {
            a.as_path = AsPath::sequence(&[Asn(1), Asn(2), Asn(64513), Asn(64514)]);
        }),
        (Change::PrependLastAs(2), |a| {
            a.as_path = AsPath::sequence(&[Asn(64513), Asn(64513), Asn(64513), Asn(64514)]);
        }),
        (Change::AtomicAggregate, |a| a.atomic_aggregate = true),
        (Change::DeleteCommunities(list()), |a| a.communities = thin_vec![0xfc00_0002]),
        (Change::Communities(vec![9, 8, 9], false), |a| a.communities = thin_vec![8, 9]),
        (Change::Communities(vec![9], true), |a| a.communities = thin_vec![9, 0xfc00_0001, 0xfc00_0002]),
        (Change::Communities(Vec::new(), false), |a| a.communities.clear()),
        (Change::NoExtendedCommunities, |a| a.extended_communities.clear()),
        (Change::ExtendedCommunities(vec![[0; 8]]), |a| a.extended_communities.insert(0, [0; 8])),
        (Change::DeleteLargeCommunities(large()), |a| a.large_communities.clear()),
        (Change::LargeCommunities(vec![LargeCommunity(1, 1, 1)], true), |a| {
            a.large_communities.insert(0, LargeCommunity(1, 1, 1));
        }),
        (Change::LocalPreference(200), |a| a.local_pref = Some(200)),
        (Change::Metric(MetricChange::To(1)), |a| a.med = Some(1)),
        (Change::Metric(MetricChange::Plus(u32::MAX)), |a| a.med = Some(u32::MAX)),
        (Change::Metric(MetricChange::Minus(8)), |a| a.med = Some(0)),
        (Change::Origin(Origin::Incomplete), |a| a.origin = Origin::Incomplete),
        (Change::OriginatorId([192, 0, 2, 9].into()), |a| a.originator_id = Some([192, 0, 2, 9].into())),
        (Change::NextHop(Family::Ipv6Unicast, NextHopChange::ThisRouter), |_| ()),
    ];
    for (change, edit) in rows {
        let draft = apply(RouteMap::new("M", vec![rule(10, Vec::new(), vec![change.clone()])])).unwrap();
        let mut expect = route();
        edit(&mut expect);
        assert_eq!(draft.attributes.as_ref(), &expect, "{change:?}");
        assert_eq!(draft.set_med, matches!(change, Change::Metric(_)));
        assert_eq!((draft.marks, draft.next_hop), (Marks { tag: 3, ..Marks::default() }, None), "{change:?}");
    }
    let changes = vec![
        Change::NextHop(Family::Ipv4Unicast, NextHopChange::PeerAddress),
        Change::Distance(9),
        Change::Tag(5),
        Change::Weight(6),
    ];
    let draft = apply(RouteMap::new("M", vec![rule(10, Vec::new(), changes)])).unwrap();
    assert_eq!(draft.marks, Marks { weight: 6, tag: 5, distance: Some(9), ..Marks::default() });
    assert_eq!(draft.next_hop, Some(NextHopChange::PeerAddress));
    assert!(matches!(draft.attributes, Cow::Borrowed(_)), "marks copy no attributes");
}

#[test]
fn rules_go_on_and_call_as_they_say_and_the_refusal_names_the_rule() {
    let tag = |tag| vec![Change::Tag(tag)];
    let deny = |number| Rule { permit: false, ..rule(number, Vec::new(), Vec::new()) };
    let on = |then, number, value| Rule { then, ..rule(number, Vec::new(), tag(value)) };
    let call = |rules| Rule { call: Some(Arc::new(RouteMap::new("SUB", rules))), ..rule(10, Vec::new(), tag(1)) };
    for (rules, expect) in [
        (vec![], Err("route-map M: no rule matches")),
        (vec![rule(10, Vec::new(), tag(1)), deny(20)], Ok(1)),
        (vec![deny(10)], Err("route-map M rule 10 denies it")),
        (vec![on(Then::Next, 10, 1), rule(20, Vec::new(), tag(2))], Ok(2)),
        (vec![on(Then::Next, 10, 1), deny(20)], Err("route-map M rule 20 denies it")),
        (vec![on(Then::Next, 10, 1)], Ok(1)),
        (vec![on(Then::Goto(25), 10, 1), deny(20), rule(30, Vec::new(), tag(3))], Ok(3)),
        (vec![on(Then::Goto(40), 10, 1), deny(20)], Ok(1)),
        (vec![call(vec![rule(1, Vec::new(), tag(9))])], Ok(9)),
        (vec![call(vec![deny(1)])], Err("route-map SUB rule 1 denies it")),
        (vec![call(vec![])], Err("route-map SUB: no rule matches")),
    ] {
        let found = apply(RouteMap::new("M", rules.clone())).map(|draft| draft.marks.tag);
        assert_eq!(found.as_ref().map(|tag| *tag).map_err(AsRef::as_ref), expect, "{rules:?}");
    }
}

#[test]
fn all_parts_of_a_chain_have_to_accept_in_their_order() {
    let route = route();
    let subject = Subject::new(prefix("10.1.0.0/16"), Source::Bgp);
    let verdict = |net: &str, regex: &str, permit: bool| {
        let chain = Chain {
            prefix_list: Some(Arc::new(prefix_list(&[(net, 16, 16, true)]))),
            path_list: Some(Arc::new(PathList::new("A", vec![(5, true, regex.parse().unwrap())]))),
            route_map: Some(Arc::new(RouteMap::new("M", vec![Rule { permit, ..rule(7, Vec::new(), Vec::new()) }]))),
        };
        let mut told = Vec::new();
        let mut draft = Draft::new(&route, Marks::default(), 100);
        let verdict = chain.apply_traced(&subject, &mut draft, &mut |step| told.push(format!("{step:?}")));
        (verdict.map_err(|denial| denial.to_string()), told.len())
    };
    assert_eq!(verdict("11.0.0.0/8", ".*", true), (Err("prefix-list P: no rule matches".to_owned()), 1));
    assert_eq!(verdict("10.0.0.0/8", "^1$", true), (Err("as-path-list A: no rule matches".to_owned()), 2));
    assert_eq!(verdict("10.0.0.0/8", ".*", false), (Err("route-map M rule 7 denies it".to_owned()), 3));
    assert_eq!(verdict("10.0.0.0/8", ".*", true), (Ok(()), 3));
}

/// Rules of a random prefix list: within 10.0.0.0/8, so that they meet.
fn prefix_rules() -> impl Strategy<Value = Vec<PrefixRule>> {
    let one = (0_u8..4, 8_u8..25, 0_u8..9, 0_u8..9, any::<bool>());
    prop::collection::vec(one, 0..40).prop_map(|rules| {
        let rules = (1..).zip(rules).map(|(number, (net, length, more, span, permit))| {
            let least = (length + more).min(32);
            PrefixRule {
                number,
                permit,
                prefix: Prefix::masked([10, net, net << 6, 0].into(), length).unwrap(),
                lengths: (least, (least + span).min(32)),
            }
        });
        rules.collect()
    })
}

/// A rule's number, whether it matches and permits, which map it calls, and where it goes on.
type Meant = (u16, bool, bool, Option<usize>, Then);

/// What a map does, by the words of its definition: the path of rule numbers, and whether the route is accepted.
fn naive(maps: &BTreeMap<usize, Vec<Meant>>, map: usize, path: &mut Vec<(usize, u16)>) -> bool {
    let rules = &maps[&map];
    let (mut at, mut accepted) = (0, false);
    while at < rules.len() {
        let (number, matches, permit, call, then) = rules[at];
        at += 1;
        if !matches {
            continue;
        }
        path.push((map, number));
        if !permit {
            return false;
        }
        accepted = true;
        if let Some(called) = call
            && !naive(maps, called, path)
        {
            return false;
        }
        match then {
            Then::Exit => return true,
            Then::Next => {}
            Then::Goto(target) => at = rules.iter().position(|rule| rule.0 >= target).unwrap_or(rules.len()),
        }
    }
    accepted
}

/// One rule of the random maps: whether it matches, permits, calls the next map, and where it goes on.
type Drawn = (bool, bool, bool, u8, u16);

proptest! {
    #[test]
    fn a_prefix_list_says_what_its_first_fitting_rule_says(
        rules in prefix_rules(),
        net in 0_u8..4,
        low in any::<u8>(),
        length in 8_u8..=32,
    ) {
        let prefix = Prefix::masked([10, net, low, low].into(), length).unwrap();
        let expect = rules.iter().find(|rule| {
            rule.prefix.covers(prefix) && rule.lengths.0 <= length && length <= rule.lengths.1
        });
        let list = PrefixList::new("prefix-list", "P", rules.clone());
        prop_assert_eq!(list.find(prefix), expect.map(|rule| (rule.number, rule.permit)));
        prop_assert_eq!(list.permits(prefix), expect.is_some_and(|rule| rule.permit));
    }

    #[test]
    fn maps_do_what_the_words_of_their_rules_say(
        drawn in prop::collection::vec(prop::collection::vec((any::<bool>(), prop::bool::weighted(0.8), prop::bool::weighted(0.3), 0_u8..3, 0_u16..60), 0..6), 1..4),
    ) {
        // A map calls only those behind it, so none runs in a circle; a goto goes forward.
        let count = drawn.len();
        let mut maps = BTreeMap::new();
        for (map, rules) in drawn.iter().enumerate() {
            let rules = (1_u16..).zip(rules).map(|(place, (matches, permit, call, then, far)): (u16, &Drawn)| {
                let number = place * 10;
                let then = match then { 0 => Then::Exit, 1 => Then::Next, _ => Then::Goto(number + 1 + far) };
                (number, *matches, *permit, Some(map + 1).filter(|next| *call && *next < count), then)
            });
            maps.insert(map, rules.collect::<Vec<_>>());
        }
        let mut compiled: BTreeMap<usize, Arc<RouteMap>> = BTreeMap::new();
        for (map, rules) in maps.iter().rev() {
            let rules = rules.iter().map(|(number, matches, permit, call, then)| Rule {
                number: *number,
                permit: *permit,
                conditions: vec![Condition::LocalPreference(if *matches { 100 } else { 99 })],
                changes: vec![Change::PrependAs(vec![Asn(u32::from(*number))])],
                call: call.map(|called| Arc::clone(&compiled[&called])),
                then: *then,
            });
            compiled.insert(*map, Arc::new(RouteMap::new(&map.to_string(), rules.collect())));
        }
        let mut expect = Vec::new();
        let accepted = naive(&maps, 0, &mut expect);
        let route = route();
        let chain = Chain { route_map: compiled.get(&0).cloned(), ..Chain::default() };
        let subject = Subject::new(prefix("10.0.0.0/8"), Source::Bgp);
        let run = || {
            let mut draft = Draft::new(&route, Marks::default(), 100);
            let mut path = Vec::new();
            let verdict = chain.apply_traced(&subject, &mut draft, &mut |step| {
                if let Trace::Rule { map, rule, .. } = step {
                    path.push((map.parse::<usize>().unwrap(), rule));
                }
            });
            (verdict.is_ok(), path, draft.attributes.into_owned())
        };
        let (found, path, attributes) = run();
        prop_assert_eq!((found, &path), (accepted, &expect));
        if accepted {
            let prepended: Vec<Asn> = path.iter().rev().map(|(_, number)| Asn(u32::from(*number))).collect();
            prop_assert_eq!(&attributes.as_path.asns().collect::<Vec<_>>()[..prepended.len()], &prepended[..]);
        }
        prop_assert_eq!(run(), (found, path, attributes), "the same route gets the same verdict");
    }
}
