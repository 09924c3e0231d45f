//! `show policy …`: the running model's lists and maps.
//!
//! Never looks at a route.

use std::collections::BTreeMap;
use std::fmt::Display;

use api::view::policy::{
    AccessList, AccessListRule, Clause, ExpressionList, ExpressionRule, Policies, PolicyAction, PrefixList,
    PrefixListRule, RouteMap, RouteMapRule, RouteMapThen,
};
use api::{ApiError, View};
use bgp_wire::attribute::ExtendedCommunity;
use config::model::policy::{
    AccessRule, Action, Additions, Communities, CommunityRule, Destinations, List, MapRule, Match, MetricChange,
    NextHopChange, PathRule, PeerMatch, PrefixRule, Rate, Set, Then,
};
use grammar::value::PolicyList;
use nouns::{Family, community};

use crate::engine::Engine;

/// All lists and maps, or those of one kind, or the one of a name.
pub(crate) fn shown(engine: &Engine, only: Option<PolicyList>, name: Option<&str>) -> Result<View, ApiError> {
    let policy = &engine.running.model.policy;
    if let (Some(list), Some(name)) = (only, name) {
        known(engine, list, name)?;
    }
    let wanted = |list: PolicyList| only.is_none_or(|only| only == list);
    let mut policies = Policies::default();
    for list in PolicyList::ALL.into_iter().filter(|list| wanted(*list)) {
        match list {
            PolicyList::AccessList => policies.access_lists = each(&policy.access_lists, name, access_list),
            PolicyList::AccessList6 => policies.access_lists6 = each(&policy.access_lists6, name, access_list),
            PolicyList::AsPathList => policies.as_path_lists = each(&policy.as_path_lists, name, path_list),
            PolicyList::CommunityList => {
                policies.community_lists = each(&policy.community_lists, name, |name, list| {
                    community_list(name, list, |value| community::standard_name(*value))
                });
            }
            PolicyList::ExtcommunityList => {
                policies.extcommunity_lists =
                    each(&policy.extcommunity_lists, name, |name, list| community_list(name, list, extended));
            }
            PolicyList::LargeCommunityList => {
                policies.large_community_lists =
                    each(&policy.large_community_lists, name, |name, list| community_list(name, list, large));
            }
            PolicyList::PrefixList => policies.prefix_lists = each(&policy.prefix_lists, name, prefix_list),
            PolicyList::PrefixList6 => policies.prefix_lists6 = each(&policy.prefix_lists6, name, prefix_list),
            PolicyList::RouteMap => policies.route_maps = each(&policy.route_maps, name, route_map),
        }
    }
    Ok(View::Policies(policies))
}

/// That there is a list of this name.
pub(super) fn known(engine: &Engine, list: PolicyList, name: &str) -> Result<(), ApiError> {
    if engine.running.model.policy.has(list, name) {
        return Ok(());
    }
    let word = list.word();
    Err(ApiError::new("no-policy", format!("{word} {name} doesn't exist"))
        .hint(format!("'show policy {word}' lists those that do")))
}

fn each<R, V>(lists: &BTreeMap<String, List<R>>, only: Option<&str>, view: impl Fn(&str, &List<R>) -> V) -> Vec<V> {
    let wanted = lists.iter().filter(|(name, _)| only.is_none_or(|only| only == name.as_str()));
    wanted.map(|(name, list)| view(name, list)).collect()
}

pub(super) fn action(action: Action) -> PolicyAction {
    match action {
        Action::Permit => PolicyAction::Permit,
        Action::Deny => PolicyAction::Deny,
    }
}

fn prefix_list(name: &str, list: &List<PrefixRule>) -> PrefixList {
    let rules = list.rules.iter().map(|(number, rule)| PrefixListRule {
        number: *number,
        action: action(rule.action),
        prefix: rule.prefix,
        ge: rule.ge,
        le: rule.le,
    });
    PrefixList { name: name.to_owned(), description: list.description.clone(), rules: rules.collect() }
}

fn access_list(name: &str, list: &List<AccessRule>) -> AccessList {
    let rules = list.rules.iter().map(|(number, rule)| AccessListRule {
        number: *number,
        action: action(rule.action),
        matches: rule.access.to_string(),
    });
    AccessList { name: name.to_owned(), description: list.description.clone(), rules: rules.collect() }
}

fn path_list(name: &str, list: &List<PathRule>) -> ExpressionList {
    let rules = list.rules.iter().map(|(number, rule)| ExpressionRule {
        number: *number,
        action: action(rule.action),
        regex: rule.regex.to_string(),
        expanded: true,
    });
    ExpressionList { name: name.to_owned(), description: list.description.clone(), rules: rules.collect() }
}

fn community_list<T>(name: &str, list: &List<CommunityRule<T>>, spelled: impl Fn(&T) -> String) -> ExpressionList {
    let rules = list.rules.iter().map(|(number, rule)| {
        let (regex, expanded) = match &rule.regex {
            Communities::All(values) => (joined(values.iter().map(&spelled)), false),
            Communities::Fit(pattern) => (pattern.to_string(), true),
        };
        ExpressionRule { number: *number, action: action(rule.action), regex, expanded }
    });
    ExpressionList { name: name.to_owned(), description: list.description.clone(), rules: rules.collect() }
}

fn route_map(name: &str, list: &List<MapRule>) -> RouteMap {
    let rules = list.rules.iter().map(|(number, rule)| RouteMapRule {
        number: *number,
        action: action(rule.action),
        matches: rule.matches.iter().map(condition).collect(),
        sets: rule.sets.iter().map(change).collect(),
        call: rule.call.clone(),
        then: match rule.then {
            Then::Exit => RouteMapThen::Exit,
            Then::Next => RouteMapThen::Next,
            Then::Goto(number) => RouteMapThen::Goto(number),
        },
    });
    RouteMap { name: name.to_owned(), description: list.description.clone(), rules: rules.collect() }
}

/// The words of an address family.
fn word(family: Family) -> &'static str {
    match family {
        Family::Ipv4Unicast => "ip",
        Family::Ipv6Unicast => "ipv6",
    }
}

/// A condition as it is shown.
pub(super) fn condition(condition: &Match) -> Clause {
    match condition {
        Match::AsPath(name) => clause("as-path", name),
        Match::Community { list, exact: false } => clause("community", list),
        Match::Community { list, exact: true } => clause("community", format!("{list} exact-match")),
        Match::ExtendedCommunity(name) => clause("extcommunity", name),
        Match::LargeCommunity(name) => clause("large-community", name),
        Match::Interface(name) => clause("interface", name),
        Match::Prefix(family, list) => clause(&format!("{} address {}", word(*family), kind(list)), list.name()),
        Match::PrefixLength(family, length) => clause(&format!("{} address prefix-len", word(*family)), length),
        Match::RouteSource(list) => clause(&format!("ip route-source {}", kind(list)), list.name()),
        Match::NextHop(address) => {
            clause(if address.is_ipv4() { "ip next-hop address" } else { "ipv6 next-hop address" }, address)
        }
        Match::NextHopIn(family, list) => clause(&format!("{} next-hop {}", word(*family), kind(list)), list.name()),
        Match::LeadsNowhere(family) => clause(&format!("{} next-hop type", word(*family)), "blackhole"),
        Match::LocalPreference(value) => clause("local-preference", value),
        Match::Metric(value) => clause("metric", value),
        Match::Origin(origin) => clause("origin", origin),
        Match::Peer(PeerMatch::Local) => clause("peer", "local"),
        Match::Peer(PeerMatch::Address(address)) => clause("peer", address),
        Match::Protocol(source) => clause("source-protocol", source),
        Match::PathValidity(validity) => clause("aspa", validity),
        Match::Validity(validity) => clause("rpki", validity),
        Match::Tag(tag) => clause("tag", tag),
    }
}

fn kind(list: &Destinations) -> &'static str {
    match list {
        Destinations::PrefixList(_) => "prefix-list",
        Destinations::AccessList(_) => "access-list",
    }
}

fn change(set: &Set) -> Clause {
    match set {
        Set::Aggregator(asn, address) => clause("aggregator", format!("as {asn} {address}")),
        Set::ExcludeAs(numbers) => clause("as-path exclude", joined(numbers.iter().map(ToString::to_string))),
        Set::PrependAs(numbers) => clause("as-path prepend", joined(numbers.iter().map(ToString::to_string))),
        Set::PrependLastAs(times) => clause("as-path prepend last-as", times),
        Set::AtomicAggregate => Clause { what: "atomic-aggregate".to_owned(), value: None },
        Set::DeleteCommunities(name) => clause("comm-list", format!("{name} delete")),
        Set::Communities(added) => clause("community", additions(added, |value| community::standard_name(*value))),
        Set::OriginatorId(id) => clause("originator-id", id),
        Set::Distance(distance) => clause("distance", distance),
        Set::NoExtendedCommunities => clause("extcommunity", "none"),
        Set::ExtendedCommunities(values) => clause("extcommunity", joined(values.iter().map(extended))),
        Set::DeleteLargeCommunities(name) => clause("large-comm-list", format!("{name} delete")),
        Set::LargeCommunities(added) => clause("large-community", additions(added, large)),
        Set::LocalPreference(value) => clause("local-preference", value),
        Set::Metric(MetricChange::To(value)) => clause("metric", value),
        Set::Metric(MetricChange::Plus(value)) => clause("metric", format!("+{value}")),
        Set::Metric(MetricChange::Minus(value)) => clause("metric", format!("-{value}")),
        Set::NextHop(family, change) => {
            let what = format!("{} next-hop", word(*family));
            match change {
                NextHopChange::Address(address) => clause(&what, address),
                NextHopChange::PeerAddress => clause(&what, "peer-address"),
                NextHopChange::ThisRouter => clause(&what, "self"),
                NextHopChange::Unchanged => clause(&what, "unchanged"),
            }
        }
        Set::Origin(origin) => clause("origin", origin),
        Set::Tag(tag) => clause("tag", tag),
        Set::Bandwidth { rate, transitive } => {
            let within = if *transitive { "" } else { ", non-transitive" };
            let rate = match rate {
                Rate::Megabits(megabits) => megabits.to_string(),
                Rate::Cumulative => "cumulative".to_owned(),
                Rate::Multipaths => "num-multipaths".to_owned(),
            };
            clause("extcommunity bandwidth", format!("{rate}{within}"))
        }
        Set::Weight(weight) => clause("weight", weight),
    }
}

fn clause(what: &str, value: impl Display) -> Clause {
    Clause { what: what.to_owned(), value: Some(value.to_string()) }
}

fn additions<T>(added: &Additions<T>, spelled: impl Fn(&T) -> String) -> String {
    if added.values.is_empty() {
        return "none".to_owned();
    }
    joined(added.values.iter().map(spelled).chain(added.additive.then(|| "additive".to_owned())))
}

fn extended(value: &[u8; 8]) -> String {
    ExtendedCommunity(*value).to_string()
}

fn large([first, second, third]: &[u32; 3]) -> String {
    format!("{first}:{second}:{third}")
}

fn joined(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(" ")
}
