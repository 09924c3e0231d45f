//! Rules of `policy …`: names that exist, rules that only go forward, maps that end.
//!
//! That a list which somebody uses exists is checked where it is used; whoever deletes it is told there.

use std::collections::BTreeMap;
use std::fmt::Display;

use grammar::value::PolicyList;
use nouns::Family;

use super::{ConfigError, ConfigWarning, path};
use crate::model::Model;
use crate::model::policy::{Action, List, MapRule, Match, NextHopChange, Policy, PrefixRule, Set, Then};

/// How deep maps may call each other.
const CALLS: usize = 16;
/// How many rules one route may meet.
const RULES: usize = 65_536;

pub(super) fn check(policy: &Policy, errors: &mut Vec<ConfigError>) {
    for (word, lists) in [("prefix-list", &policy.prefix_lists), ("prefix-list6", &policy.prefix_lists6)] {
        for (name, list) in lists {
            duplicates(word, name, list, errors);
        }
    }
    let mut sizes = BTreeMap::new();
    for (name, map) in &policy.route_maps {
        for (number, rule) in &map.rules {
            let at_rule = || path(&[&"policy", &"route-map", name, &"rule", number]);
            let reasons = references(rule, policy).into_iter().chain(direction(*number, rule));
            errors.extend(reasons.map(|message| ConfigError { path: at_rule(), message }));
        }
        if let Err(message) = size(policy, name, &mut Vec::new(), &mut sizes) {
            errors.push(ConfigError { path: path(&[&"policy", &"route-map", name]), message });
        }
    }
}

fn duplicates(word: &str, name: &str, list: &List<PrefixRule>, errors: &mut Vec<ConfigError>) {
    let mut seen = BTreeMap::new();
    for (number, rule) in &list.rules {
        if let Some(first) = seen.insert((rule.prefix, rule.lengths()), number) {
            errors.push(ConfigError {
                path: path(&[&"policy", &word, &name, &"rule", number]),
                message: format!(
                    "Rule \"{number}\" contains a duplicate prefix definition! Rule {first} has it already; delete one"
                ),
            });
        }
    }
}

/// Lists that a rule uses and nobody defines.
fn references(rule: &MapRule, policy: &Policy) -> Vec<String> {
    let by_match = rule.matches.iter().filter_map(|condition| match condition {
        Match::AsPath(name) => Some((PolicyList::AsPathList, name)),
        Match::Community { list: name, .. } => Some((PolicyList::CommunityList, name)),
        Match::ExtendedCommunity(name) => Some((PolicyList::ExtcommunityList, name)),
        Match::LargeCommunity(name) => Some((PolicyList::LargeCommunityList, name)),
        Match::RouteSource(list) => Some((list.kind(Family::Ipv4Unicast), list.name())),
        Match::Prefix(family, list) | Match::NextHopIn(family, list) => Some((list.kind(*family), list.name())),
        _ => None,
    });
    let by_set = rule.sets.iter().filter_map(|set| match set {
        Set::DeleteCommunities(name) => Some((PolicyList::CommunityList, name)),
        Set::DeleteLargeCommunities(name) => Some((PolicyList::LargeCommunityList, name)),
        _ => None,
    });
    let by_call = rule.call.iter().map(|name| (PolicyList::RouteMap, name));
    let missing = by_match.chain(by_set).chain(by_call).filter(|(kind, name)| !policy.has(*kind, name));
    missing
        .map(|(kind, name)| format!("{} {name} doesn't exist; set it, or delete this use of it", kind.word()))
        .collect()
}

fn direction(number: u16, rule: &MapRule) -> Option<String> {
    match rule.then {
        Then::Goto(target) if target <= number => Some(format!(
            "may only continue forward in the route-map: {target} is not behind rule {number}; set a greater number"
        )),
        Then::Goto(_) | Then::Next if rule.action == Action::Deny => {
            Some("continue and on-match cannot be set with action deny, which ends the map; delete them".to_owned())
        }
        _ => None,
    }
}

/// How many rules a route may meet in a map and in those that it calls.
fn size<'p>(
    policy: &'p Policy,
    name: &'p str,
    above: &mut Vec<&'p str>,
    sizes: &mut BTreeMap<&'p str, usize>,
) -> Result<usize, String> {
    if let Some(size) = sizes.get(name) {
        return Ok(*size);
    }
    if above.contains(&name) {
        let circle: Vec<&str> = above.iter().copied().skip_while(|other| *other != name).chain([name]).collect();
        return Err(format!("route-maps call each other in a circle: {}; delete one call", circle.join(" -> ")));
    }
    if above.len() >= CALLS {
        return Err(format!("route-maps call each other more than {CALLS} deep; delete some calls"));
    }
    above.push(name);
    let mut total: usize = 0;
    for rule in policy.route_maps.get(name).into_iter().flat_map(|map| map.rules.values()) {
        let called = match &rule.call {
            Some(called) => size(policy, called, above, sizes)?,
            None => 0,
        };
        total = total.saturating_add(1).saturating_add(called);
    }
    above.pop();
    if total > RULES {
        return Err(format!("a route would meet {total} rules, but at most {RULES} are allowed; delete some calls"));
    }
    sizes.insert(name, total);
    Ok(total)
}

/// Words that are allowed and do nothing where they stand.
pub(super) fn warnings(model: &Model) -> Vec<ConfigWarning> {
    let policy = &model.policy;
    let mut warnings = Vec::new();
    let mut warn = |place: &[&dyn Display], message: String| {
        let path = path(place);
        warnings.push(ConfigWarning { message: format!("{}: {message}", path.join(" ")), path });
    };
    for kind in PolicyList::ALL {
        for name in policy.names(kind) {
            if is_empty(policy, kind, &name) {
                warn(&[&"policy", &kind.word(), &name], "has no rule, so it refuses everything".to_owned());
            }
        }
    }
    for (name, map) in &policy.route_maps {
        for (number, rule) in &map.rules {
            if rule.action == Action::Deny && !(rule.sets.is_empty() && rule.call.is_none()) {
                let message = "denies, so what it sets and calls has no effect".to_owned();
                warn(&[&"policy", &"route-map", name, &"rule", number], message);
            }
        }
    }
    for ((name, way), user) in uses(model) {
        for (map, number, word) in without_effect(policy, &name, way) {
            let message = format!("{word} where the map is used: {user}");
            warn(&[&"policy", &"route-map", &map, &"rule", &number], message);
        }
    }
    warnings
}

fn is_empty(policy: &Policy, kind: PolicyList, name: &str) -> bool {
    fn none<R>(lists: &BTreeMap<String, List<R>>, name: &str) -> bool {
        lists.get(name).is_some_and(|list| list.rules.is_empty())
    }
    match kind {
        PolicyList::AccessList => none(&policy.access_lists, name),
        PolicyList::AccessList6 => none(&policy.access_lists6, name),
        PolicyList::AsPathList => none(&policy.as_path_lists, name),
        PolicyList::CommunityList => none(&policy.community_lists, name),
        PolicyList::ExtcommunityList => none(&policy.extcommunity_lists, name),
        PolicyList::LargeCommunityList => none(&policy.large_community_lists, name),
        PolicyList::PrefixList => none(&policy.prefix_lists, name),
        PolicyList::PrefixList6 => none(&policy.prefix_lists6, name),
        PolicyList::RouteMap => none(&policy.route_maps, name),
    }
}

/// What a map is used for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Import,
    Export,
    Own,
    Table,
}

/// Each map with what it is used for, and the first place that does.
fn uses(model: &Model) -> BTreeMap<(String, Way), String> {
    let mut uses = BTreeMap::new();
    let mut note = |name: &Option<String>, way: Way, user: &dyn Fn() -> String| {
        if let Some(name) = name {
            uses.entry((name.clone(), way)).or_insert_with(user);
        }
    };
    if let Some(bgp) = &model.bgp {
        let by_address = bgp.neighbors.iter().map(|(address, neighbor)| (address.to_string(), neighbor));
        let by_interface = bgp.interfaces.iter().map(|(name, neighbor)| (name.to_string(), neighbor));
        for (address, neighbor) in by_address.chain(by_interface) {
            for family in Family::ALL {
                let policy = neighbor.settings.policies.of(family);
                note(&policy.import.route_map, Way::Import, &|| format!("import from {address}"));
                note(&policy.export.route_map, Way::Export, &|| format!("export to {address}"));
                let default_map = policy.default_originate.as_ref().and_then(|default| default.route_map.clone());
                note(&default_map, Way::Export, &|| format!("default-originate to {address}"));
            }
        }
        for (prefix, map) in &bgp.networks {
            note(map, Way::Own, &|| format!("network {prefix}"));
        }
        for map in bgp.table_maps.values() {
            note(&Some(map.clone()), Way::Table, &|| "table-map".to_owned());
        }
        for redistribute in bgp.redistribute.values() {
            note(&redistribute.route_map, Way::Own, &|| "redistribute".to_owned());
        }
    }
    uses
}

/// Rules of a map, and of those that it calls, with the first word that does nothing in a use.
fn without_effect(policy: &Policy, name: &str, way: Way) -> Vec<(String, u16, &'static str)> {
    let mut found = Vec::new();
    let mut waiting = vec![name.to_owned()];
    let mut seen = Vec::new();
    while let Some(name) = waiting.pop() {
        if seen.contains(&name) {
            continue;
        }
        for (number, rule) in policy.route_maps.get(&name).into_iter().flat_map(|map| &map.rules) {
            let asks = matches!(way, Way::Own | Way::Table)
                && rule.matches.iter().any(|asked| matches!(asked, Match::Validity(_)));
            found.extend(asks.then(|| (name.clone(), *number, "matches rpki, which is not asked")));
            let nowhere = way != Way::Own && rule.matches.iter().any(|asked| matches!(asked, Match::LeadsNowhere(_)));
            found.extend(nowhere.then(|| (name.clone(), *number, "matches nexthop type, which no route has")));
            waiting.extend(rule.call.clone());
            let word = rule.sets.iter().find_map(|set| match (way, set) {
                (Way::Import, Set::NextHop(_, NextHopChange::ThisRouter | NextHopChange::Unchanged)) => {
                    Some("sets this next hop, which has no effect")
                }
                (Way::Own, Set::NextHop(..)) => Some("sets a next hop, which has no effect"),
                (Way::Export | Way::Own, Set::Distance(_)) => Some("sets distance, which has no effect"),
                (Way::Export, Set::Weight(_)) => Some("sets weight, which has no effect"),
                (Way::Export, Set::Tag(_)) => Some("sets tag, which has no effect"),
                (Way::Table, Set::Metric(_) | Set::Distance(_)) => None,
                (Way::Table, _) => Some("sets something else than metric and distance, which has no effect"),
                _ => None,
            });
            found.extend(word.map(|word| (name.clone(), *number, word)));
        }
        seen.push(name);
    }
    found
}
