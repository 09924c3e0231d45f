//! What is shown of policies, what one does to a route that is made up, and why a route was refused.

use api::View;
use api::request::{NeighborRoutes, Show};
use api::view::policy::PolicyAction;
use api::view::policy_test::PolicyTest;
use grammar::commands::{Op, resolve};
use grammar::value::PolicyList;

use super::policies::{Stage, prefixes};
use super::*;

/// A map that calls another one, and goes on further down.
const LINES: &str = "set policy prefix-list TEN rule 10 action permit
set policy prefix-list TEN rule 10 prefix 10.0.0.0/8
set policy prefix-list TEN rule 10 le 24
set policy community-list BAD rule 5 action permit
set policy community-list BAD rule 5 regex 64512:666
set policy as-path-list LONG rule 5 action permit
set policy as-path-list LONG rule 5 regex _65009_
set policy route-map COMMON rule 1 action deny
set policy route-map COMMON rule 1 match community community-list BAD
set policy route-map COMMON rule 2 action permit
set policy route-map COMMON rule 2 set community '64512:1 additive'
set policy route-map IN rule 10 action permit
set policy route-map IN rule 10 match ip address prefix-list TEN
set policy route-map IN rule 10 call COMMON
set policy route-map IN rule 10 continue 30
set policy route-map IN rule 20 action deny
set policy route-map IN rule 30 action permit
set policy route-map IN rule 30 match as-path LONG
set policy route-map IN rule 30 set local-preference 200
set policy route-map IN rule 40 action permit
set policy route-map IN rule 40 match metric 7
set policy route-map IN rule 40 set ip-next-hop self
set policy route-map IN rule 40 set as-path-prepend '64512 64512'
set protocols bgp 64512 neighbor 192.0.2.2 route-map import IN";

#[test]
fn lists_and_maps_are_shown_all_or_of_one_kind_or_one_of_them() {
    let mut stage = Stage::new(LINES);
    let mut counts = |list, name: Option<&str>| {
        let View::Policies(shown) = stage.show(Show::Policy { list, name: name.map(str::to_owned) })? else { panic!() };
        Ok::<_, String>([
            shown.prefix_lists.len(),
            shown.prefix_lists6.len(),
            shown.as_path_lists.len(),
            shown.community_lists.len(),
            shown.route_maps.len(),
        ])
    };
    assert_eq!(counts(None, None), Ok([1, 0, 1, 1, 2]));
    assert_eq!(counts(Some(PolicyList::RouteMap), None), Ok([0, 0, 0, 0, 2]));
    assert_eq!(counts(Some(PolicyList::RouteMap), Some("IN")), Ok([0, 0, 0, 0, 1]));
    assert_eq!(counts(Some(PolicyList::PrefixList6), None), Ok([0; 5]));
    let unknown = counts(Some(PolicyList::CommunityList), Some("TEN"));
    assert_eq!(unknown, Err("community-list TEN doesn't exist".to_owned()));
}

/// What `show policy test route-map …` answers.
fn tested(stage: &mut Stage, words: &str) -> Result<PolicyTest, String> {
    let line = format!("show policy test route-map {words}");
    let commands = grammar::parse::line(&line).unwrap();
    let Ok(Op::ShowPolicyTest { route_map, route }) = resolve(&commands[0].words) else { panic!("{line}") };
    match stage.show(Show::PolicyTest { route_map, route })? {
        View::PolicyTest(test) => Ok(*test),
        other => panic!("{other:?}"),
    }
}

/// `IN 10 permit, COMMON -`
fn trail(test: &PolicyTest) -> String {
    let step = |step: &api::view::policy_test::TrailStep| {
        let rule = step.rule.map_or_else(|| "-".to_owned(), |rule| rule.to_string());
        let told = step.action.map(|action| format!(" {}", action.word()));
        let missed = step.missed.as_ref().map(|clause| format!(" not {}", clause.words()));
        format!("{} {rule}{}", step.map, told.or(missed).unwrap_or_default())
    };
    test.trail.iter().map(step).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_made_up_route_tells_who_decided_and_everything_on_the_way() {
    let mut stage = Stage::new(LINES);
    let permit = (PolicyAction::Permit, "IN");
    let deny = |map| (PolicyAction::Deny, map);
    for (words, (verdict, decided_by), rule, expect) in [
        (
            "IN prefix 10.0.0.0/24 metric 7",
            permit,
            Some(40),
            "IN 10 permit, COMMON 1 not community BAD, COMMON 2 permit, IN 30 not as-path LONG, IN 40 permit",
        ),
        (
            "IN prefix 10.0.0.0/24",
            permit,
            Some(10),
            "IN 10 permit, COMMON 1 not community BAD, COMMON 2 permit, IN 30 not as-path LONG, IN 40 not metric 7",
        ),
        ("IN prefix 10.0.0.0/24 community 64512:666", deny("COMMON"), Some(1), "IN 10 permit, COMMON 1 deny"),
        ("IN prefix 10.0.0.0/25", deny("IN"), Some(20), "IN 10 not ip address prefix-list TEN, IN 20 deny"),
        (
            "COMMON prefix fd00::/64",
            (PolicyAction::Permit, "COMMON"),
            Some(2),
            "COMMON 1 not community BAD, COMMON 2 permit",
        ),
    ] {
        let test = tested(&mut stage, words).unwrap();
        assert_eq!((test.verdict, test.decided_by.as_str(), test.rule), (verdict, decided_by, rule), "{words}");
        assert_eq!(trail(&test), expect, "{words}");
        assert_eq!(test.after.is_some(), verdict == PolicyAction::Permit, "{words}");
    }
    let test = tested(&mut stage, "IN prefix 10.1.0.0/16 as-path '65002 65009' metric 7 next-hop 192.0.2.9").unwrap();
    let (before, after) = (test.before, test.after.unwrap());
    assert_eq!((before.as_path.as_str(), before.local_pref, before.communities.len()), ("65002 65009", None, 0));
    assert_eq!((after.local_pref, after.communities), (Some(200), vec!["64512:1".to_owned()]));
    let word = (after.next_hop, after.next_hop_word);
    assert_eq!(word, (before.next_hop, None), "rule 30 ends the map, rule 40 is never asked");
    assert_eq!(tested(&mut stage, "OUT prefix 10.0.0.0/8"), Err("route-map OUT doesn't exist".to_owned()));
}

#[test]
fn a_route_that_was_refused_stands_with_the_reason() {
    let mut stage = Stage::new(LINES);
    stage.announces(prefixes(2), (64512 << 16) | 666);
    stage.announces([("192.0.2.0/24").parse().unwrap()], 1);
    stage.rest();
    let address = "192.0.2.2".parse().unwrap();
    let asked = Show::BgpNeighborRoutes { family: Family::Ipv4Unicast, address, which: NeighborRoutes::Filtered };
    let Ok(View::BgpTable(table)) = stage.show(asked) else { panic!("no table") };
    let reasons: Vec<&str> =
        table.routes.iter().flat_map(|route| &route.paths).filter_map(|path| path.refused.as_deref()).collect();
    assert_eq!(
        reasons,
        ["route-map COMMON rule 1 denies it", "route-map COMMON rule 1 denies it", "route-map IN rule 20 denies it"]
    );
}
