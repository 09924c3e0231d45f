//! From words to rules, what refuses them, and what a change of a list reaches.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::sync::Arc;

use nouns::{Asn, Family};

use super::*;
use crate::check::{self, Context};
use crate::fixtures::tree;
use crate::model::Model;

/// The model of lines, each with `set policy` before it.
fn lower(lines: &[&str]) -> (Model, Vec<String>) {
    let lines: Vec<String> = lines.iter().map(|line| format!("set {line}")).collect();
    let (model, mut errors) = Model::lower(&tree(&lines.join("\n")));
    errors.extend(check::check(&model, &Context::default()));
    (model, errors.iter().map(|error| format!("{}: {}", error.path.join(" "), error.message)).collect())
}

fn policy(lines: &[&str]) -> Arc<Policy> {
    let (model, errors) = lower(lines);
    assert_eq!(errors, Vec::<String>::new());
    model.policy
}

/// Lists that the rule below uses.
const LISTS: &[&str] = &[
    "policy as-path-list A rule 1 action permit",
    "policy as-path-list A rule 1 regex _1_",
    "policy community-list 100 rule 1 action permit",
    "policy community-list 100 rule 1 regex '64512:1 no-export'",
    "policy extcommunity-list X rule 1 action deny",
    "policy extcommunity-list X rule 1 regex 'rt 64512:1'",
    "policy large-community-list L rule 1 action permit",
    "policy large-community-list L rule 1 regex '64512:.*'",
    "policy prefix-list P rule 1 action permit",
    "policy prefix-list P rule 1 prefix 10.0.0.0/8",
    "policy prefix-list P rule 1 le 24",
    "policy prefix-list6 P rule 1 action permit",
    "policy prefix-list6 P rule 1 prefix 2001:db8::/32",
    "policy prefix-list6 P rule 1 ge 48",
    "policy route-map OTHER rule 1 action permit",
];

/// A rule that says everything that can be said.
const RULE: &[&str] = &[
    "action permit",
    "call OTHER",
    "continue 20",
    "match as-path A",
    "match community community-list 100",
    "match community exact-match",
    "match extcommunity X",
    "match interface eth0",
    "match ip address prefix-list P",
    "match ip nexthop address 192.0.2.1",
    "match ip nexthop prefix-list P",
    "match ipv6 address prefix-list P",
    "match ipv6 nexthop address 2001:db8::1",
    "match ipv6 nexthop prefix-list P",
    "match large-community large-community-list L",
    "match local-preference 100",
    "match metric 7",
    "match origin incomplete",
    "match peer local",
    "match protocol static",
    "match tag 9",
    "set aggregator as 64512",
    "set aggregator ip 192.0.2.1",
    "set as-path-exclude '1 2'",
    "set as-path-prepend '64512 64512'",
    "set as-path-prepend-last-as 3",
    "set atomic-aggregate",
    "set comm-list comm-list 100",
    "set comm-list delete",
    "set community '64512:1 additive'",
    "set distance 150",
    "set extcommunity-rt 64512:1",
    "set extcommunity-soo 64512:2",
    "set ip-next-hop peer-address",
    "set ipv6-next-hop self",
    "set large-comm-list large-comm-list L",
    "set large-comm-list delete",
    "set large-community none",
    "set local-preference 200",
    "set metric +5",
    "set origin igp",
    "set tag 3",
    "set weight 70",
];

#[test]
fn every_match_and_set_of_a_map_reaches_the_model_in_the_order_in_which_it_is_done() {
    let rule: Vec<String> = RULE.iter().map(|words| format!("policy route-map M rule 10 {words}")).collect();
    let lines: Vec<&str> = LISTS.iter().copied().chain(rule.iter().map(String::as_str)).collect();
    let policy = policy(&lines);
    let name = || Destinations::PrefixList("P".to_owned());
    assert_eq!(
        policy.route_maps["M"].rules[&10],
        MapRule {
            action: Action::Permit,
            matches: vec![
                Match::AsPath("A".to_owned()),
                Match::Community { list: "100".to_owned(), exact: true },
                Match::ExtendedCommunity("X".to_owned()),
                Match::LargeCommunity("L".to_owned()),
                Match::Interface("eth0".parse().unwrap()),
                Match::Prefix(Family::Ipv4Unicast, name()),
                Match::NextHop("192.0.2.1".parse().unwrap()),
                Match::NextHopIn(Family::Ipv4Unicast, name()),
                Match::Prefix(Family::Ipv6Unicast, name()),
                Match::NextHop("2001:db8::1".parse().unwrap()),
                Match::NextHopIn(Family::Ipv6Unicast, name()),
                Match::LocalPreference(100),
                Match::Metric(7),
                Match::Origin(Origin::Incomplete),
                Match::Peer(PeerMatch::Local),
                Match::Protocol(Source::Static),
                Match::Tag(9),
            ],
            sets: vec![
                Set::Aggregator(Asn(64512), "192.0.2.1".parse().unwrap()),
                Set::ExcludeAs(vec![Asn(1), Asn(2)]),
                Set::PrependLastAs(3),
                Set::PrependAs(vec![Asn(64512), Asn(64512)]),
                Set::AtomicAggregate,
                Set::DeleteCommunities("100".to_owned()),
                Set::Communities(Additions { values: vec![0xfc00_0001], additive: true }),
                Set::DeleteLargeCommunities("L".to_owned()),
                Set::LargeCommunities(Additions { values: Vec::new(), additive: false }),
                Set::ExtendedCommunities(vec![[0, 2, 0xfc, 0, 0, 0, 0, 1]]),
                Set::ExtendedCommunities(vec![[0, 3, 0xfc, 0, 0, 0, 0, 2]]),
                Set::NextHop(Family::Ipv4Unicast, NextHopChange::PeerAddress),
                Set::NextHop(Family::Ipv6Unicast, NextHopChange::ThisRouter),
                Set::LocalPreference(200),
                Set::Metric(MetricChange::Plus(5)),
                Set::Origin(Origin::Igp),
                Set::Distance(150),
                Set::Tag(3),
                Set::Weight(70),
            ],
            call: Some("OTHER".to_owned()),
            then: Then::Goto(20),
        }
    );
    assert_eq!(policy.prefix_lists["P"].rules[&1].lengths(), (8, 24));
    assert_eq!(policy.prefix_lists6["P"].rules[&1].lengths(), (48, 128));
    assert_eq!(
        policy.community_lists["100"].rules[&1].regex,
        Communities::All(BTreeSet::from([0xfc00_0001, 0xffff_ff01]))
    );
    assert!(matches!(policy.large_community_lists["L"].rules[&1].regex, Communities::Fit(_)));
    assert_eq!(
        policy.extcommunity_lists["X"].rules[&1].regex,
        Communities::All(BTreeSet::from([[0, 2, 0xfc, 0, 0, 0, 0, 1]]))
    );
}

#[test]
fn what_a_rule_lacks_or_contradicts_is_told_at_its_place() {
    const PERMIT: &str = "policy route-map M rule 10 action permit";
    for (lines, path, reason) in [
        (&["policy prefix-list P rule 1 prefix 10.0.0.0/8"][..], "policy prefix-list P rule 1", "must set action"),
        (&["policy prefix-list P rule 1 action permit"], "policy prefix-list P rule 1", "must set prefix"),
        (&["policy as-path-list A rule 1 action permit"], "policy as-path-list A rule 1", "must set regex"),
        (&["policy community-list 1 rule 1 regex 1:1"], "policy community-list 1 rule 1", "must set action"),
        (&["policy route-map M rule 10 set metric 1"], "policy route-map M rule 10", "must set action"),
        (
            &[
                "policy prefix-list P rule 1 action permit",
                "policy prefix-list P rule 1 prefix 10.0.0.0/8",
                "policy prefix-list P rule 1 ge 24",
                "policy prefix-list P rule 1 le 16",
            ],
            "policy prefix-list P rule 1",
            "Invalid prefix range for 10.0.0.0/8, make sure: len <= ge <= le",
        ),
        (
            &[
                "policy prefix-list P rule 1 action permit",
                "policy prefix-list P rule 1 prefix 10.0.0.0/8",
                "policy prefix-list P rule 2 action deny",
                "policy prefix-list P rule 2 prefix 10.0.0.0/8",
            ],
            "policy prefix-list P rule 2",
            "Rule \"2\" contains a duplicate prefix definition!",
        ),
        (
            &[PERMIT, "policy route-map M rule 10 match as-path A"],
            "policy route-map M rule 10",
            "as-path-list A doesn't exist",
        ),
        (
            &[PERMIT, "policy route-map M rule 10 match ipv6 address prefix-list P"],
            "policy route-map M rule 10",
            "prefix-list6 P doesn't exist",
        ),
        (&[PERMIT, "policy route-map M rule 10 call X"], "policy route-map M rule 10", "route-map X doesn't exist"),
        (
            &[PERMIT, "policy route-map M rule 10 continue 10"],
            "policy route-map M rule 10",
            "may only continue forward in the route-map: 10 is not behind rule 10",
        ),
        (
            &["policy route-map M rule 10 action deny", "policy route-map M rule 10 on-match next"],
            "policy route-map M rule 10",
            "continue and on-match cannot be set with action deny",
        ),
        (
            &[PERMIT, "policy route-map M rule 10 on-match next", "policy route-map M rule 10 continue 20"],
            "policy route-map M rule 10",
            "only one of",
        ),
        (
            &[PERMIT, "policy route-map M rule 10 call M"],
            "policy route-map M",
            "route-maps call each other in a circle: M -> M",
        ),
        (
            &[PERMIT, "policy route-map M rule 10 set comm-list delete"],
            "policy route-map M rule 10 set comm-list",
            "both comm-list and delete must be set",
        ),
        (
            &[PERMIT, "policy route-map M rule 10 set aggregator as 7"],
            "policy route-map M rule 10 set aggregator",
            "both as and ip must be set",
        ),
        (
            &[
                "protocols bgp 64512 neighbor 192.0.2.1 remote-as 1",
                "protocols bgp 64512 neighbor 192.0.2.1 route-map import M",
            ],
            "protocols bgp 64512 neighbor 192.0.2.1 route-map import",
            "route-map M doesn't exist",
        ),
        (
            &["protocols bgp 64512 peer-group g address-family ipv6-unicast prefix-list export P"],
            "protocols bgp 64512 peer-group g address-family ipv6-unicast prefix-list export",
            "prefix-list6 P doesn't exist",
        ),
        (
            &["protocols bgp 64512 network 10.0.0.0/8 route-map M"],
            "protocols bgp 64512 network 10.0.0.0/8 route-map",
            "route-map M doesn't exist",
        ),
    ] {
        let (_, errors) = lower(lines);
        let expect = format!("{path}: {reason}");
        assert!(errors.iter().any(|error| error.starts_with(&expect)), "{expect}\n{errors:?}");
    }
}

#[test]
fn maps_that_call_too_much_are_refused() {
    // Each map calls the next one twice: the last one would be met 2^15 times.
    let mut lines = Vec::new();
    for map in 0..15 {
        for rule in 1..8 {
            lines.push(format!("policy route-map M{map} rule {rule} action permit"));
            if map < 14 {
                lines.push(format!("policy route-map M{map} rule {rule} call M{}", map + 1));
            }
        }
    }
    let (_, errors) = lower(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(errors.iter().any(|error| error.contains("but at most 65536 are allowed")), "{errors:?}");
}

#[test]
fn what_has_no_effect_is_warned_of() {
    let (model, errors) = lower(&[
        "policy prefix-list EMPTY description nothing",
        "policy route-map OUT rule 10 action permit",
        "policy route-map OUT rule 10 set weight 5",
        "policy route-map OUT rule 20 action deny",
        "policy route-map OUT rule 20 set metric 5",
        "protocols bgp 64512 parameters router-id 192.0.2.9",
        "protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512",
        "protocols bgp 64512 neighbor 192.0.2.1 route-map export OUT",
    ]);
    assert_eq!(errors, Vec::<String>::new());
    let warnings: Vec<String> = check::warnings(&model).iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "policy prefix-list EMPTY: has no rule, so it refuses everything",
            "policy route-map OUT rule 20: denies, so what it sets and calls has no effect",
            "policy route-map OUT rule 10: sets weight, which has no effect where the map is used: export to 192.0.2.1",
        ]
    );
}

#[test]
fn an_access_list_is_standard_or_extended_by_its_number() {
    let rule = |list: &str, words: &[&str]| {
        let words = words.iter().map(|words| format!("policy {list} rule 10 {words}"));
        let lines: Vec<String> = words.chain([format!("policy {list} rule 10 action permit")]).collect();
        let (model, errors) = lower(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let lists = [&model.policy.access_lists, &model.policy.access_lists6];
        let rules: Vec<String> = lists
            .into_iter()
            .flat_map(BTreeMap::values)
            .flat_map(|list| list.rules.values().map(|rule| rule.access.to_string()))
            .collect();
        (
            rules.join(", "),
            errors
                .iter()
                .map(|error| error.rsplit(": ").next().unwrap_or_default().to_owned())
                .collect::<Vec<_>>()
                .join("; "),
        )
    };
    let network = ["source network 10.0.0.0", "source inverse-mask 0.255.255.255"];
    let both = [network[0], network[1], "destination host 255.255.0.0"];
    for (list, words, made, error) in [
        ("access-list 10", &["source any"][..], "any", ""),
        ("access-list 1300", &["source host 10.0.0.0"], "host 10.0.0.0", ""),
        ("access-list 10", &network, "10.0.0.0 0.255.255.255", ""),
        ("access-list 110", &both, "10.0.0.0 0.255.255.255 host 255.255.0.0", ""),
        ("access-list 2000", &["source any", "destination any"], "any", ""),
        ("access-list6 N", &["source any"], "any", ""),
        ("access-list6 N", &["source network 2001:db8::/32", "source exact-match"], "2001:db8::/32 exact-match", ""),
        ("access-list 10", &[], "", "any, host, or network with inverse-mask"),
        ("access-list 110", &network, "", "any, host, or network with inverse-mask"),
        ("access-list 10", &both, "", "destination is for lists from 100 to 199 and 2000 to 2699; delete it"),
        (
            "access-list 10",
            &["source any", network[0]],
            "",
            "must be one of any, host, and network with inverse-mask; delete the others",
        ),
        (
            "access-list 10",
            &[network[0]],
            "",
            "must be one of any, host, and network with inverse-mask; delete the others",
        ),
        (
            "access-list 300",
            &["source any"],
            "any",
            "300 is no number of an access-list; take one from 1 to 199, or from 1300 to 2699",
        ),
        ("access-list6 N", &["source exact-match"], "", "any or network, and not both"),
    ] {
        assert_eq!(rule(list, words), (made.to_owned(), error.to_owned()), "{list} {words:?}");
    }
}

#[test]
fn a_neighbor_takes_one_kind_of_list_of_destinations_its_own_before_its_groups() {
    let base = [
        "policy access-list 10 rule 1 action permit",
        "policy access-list 10 rule 1 source any",
        "policy prefix-list P rule 1 action permit",
        "policy prefix-list P rule 1 prefix 10.0.0.0/8",
        "protocols bgp 64512 peer-group G remote-as 1",
        "protocols bgp 64512 peer-group G prefix-list import P",
        "protocols bgp 64512 neighbor 192.0.2.1 peer-group G",
        "protocols bgp 64512 neighbor 192.0.2.1 distribute-list import 10",
    ];
    let (model, errors) = lower(&base);
    assert_eq!(errors, Vec::<String>::new());
    let bgp = model.bgp.unwrap();
    let import =
        &bgp.neighbors[&"192.0.2.1".parse::<IpAddr>().unwrap()].settings.policies.of(Family::Ipv4Unicast).import;
    assert_eq!(import.destinations(), Some(Destinations::AccessList("10".to_owned())));
    for (more, expect) in [
        (
            "protocols bgp 64512 neighbor 192.0.2.1 prefix-list import P",
            "can't set both a prefix-list and a distribute list",
        ),
        ("protocols bgp 64512 neighbor 192.0.2.1 distribute-list export 11", "access-list 11 doesn't exist"),
    ] {
        let (_, errors) = lower(&base.into_iter().chain([more]).collect::<Vec<_>>());
        assert!(matches!(&errors[..], [error] if error.contains(expect)), "{errors:?}");
    }
}

#[test]
fn a_change_is_named_by_the_list_that_changed_and_descriptions_change_nothing() {
    let base = [
        "policy prefix-list P rule 1 action permit",
        "policy prefix-list P rule 1 prefix 10.0.0.0/8",
        "policy prefix-list OTHER rule 1 action permit",
        "policy prefix-list OTHER rule 1 prefix 10.0.0.0/8",
        "policy route-map INNER rule 1 action permit",
        "policy route-map INNER rule 1 match ip address prefix-list P",
        "policy route-map M rule 1 action permit",
        "policy route-map M rule 1 call INNER",
    ];
    let filters = Filters { route_map: Some("M".to_owned()), ..Filters::default() };
    let old = policy(&base);
    for (line, expect) in [
        ("policy prefix-list P rule 1 le 24", Some("prefix-list P changed")),
        ("policy prefix-list OTHER rule 1 le 24", None),
        ("policy prefix-list P description text", None),
        ("policy prefix-list P rule 1 description text", None),
        ("policy route-map INNER rule 1 set metric 7", Some("route-map INNER changed")),
        ("policy route-map M rule 1 set metric 7", Some("route-map M changed")),
    ] {
        let lines: Vec<&str> = base.into_iter().chain([line]).collect();
        let new = policy(&lines);
        let found = changed(Family::Ipv4Unicast, (&old, &filters), (&new, &filters), "export");
        assert_eq!(found.as_deref(), expect, "{line}");
    }
    let none = Filters::default();
    let found = changed(Family::Ipv4Unicast, (&old, &none), (&old, &filters), "export");
    assert_eq!(found.as_deref(), Some("route-map export changed"));
}

#[test]
fn a_router_starts_without_a_list_of_which_a_rule_is_bad_and_without_its_users() {
    let text = "policy {\n prefix-list P {\n  rule 10 {\n   action deny\n   prefix 10.0.0.0/8\n   unheard-of 1\n  }\n  \
                rule 20 {\n   action permit\n   prefix 0.0.0.0/0\n   le 32\n  }\n }\n}\n\
                protocols {\n bgp 64512 {\n  neighbor 192.0.2.1 {\n   remote-as 1\n   prefix-list {\n    export P\n   }\n  }\n  \
                neighbor 192.0.2.2 {\n   remote-as 1\n  }\n }\n}\n";
    let admitted = check::admit(&crate::Tree::parse(text), &Context::default());
    assert!(admitted.model.policy.prefix_lists.is_empty());
    let neighbors: Vec<String> = admitted.model.bgp.unwrap().neighbors.keys().map(ToString::to_string).collect();
    assert_eq!(neighbors, ["192.0.2.2"]);
}
