//! Where a policy reaches: which lists a neighbor's routes go through, and whether any of them changed.
//!
//! Never looks at a route.

use std::collections::BTreeMap;

use nouns::Family;

use super::{Destinations, List, Match, Policy, Set};

/// What routes of one family and direction go through; all of it has to accept them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// `prefix-list`
    pub prefix_list: Option<String>,
    /// `distribute-list`: an access list, in the place of a prefix list.
    pub distribute_list: Option<String>,
    /// `filter-list`: an AS path list.
    pub filter_list: Option<String>,
    /// `route-map`
    pub route_map: Option<String>,
}

impl Filters {
    /// The list that destinations have to pass.
    #[must_use]
    pub fn destinations(&self) -> Option<Destinations> {
        let by_prefix = self.prefix_list.clone().map(Destinations::PrefixList);
        by_prefix.or_else(|| self.distribute_list.clone().map(Destinations::AccessList))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What of a neighbor's filters is another now than before, in words; `None` when nothing is.
///
/// A caller that knows that no policy changed gives the same one twice, and costs nothing then.
#[must_use]
pub fn changed(
    family: Family,
    (old, was): (&Policy, &Filters),
    (new, is): (&Policy, &Filters),
    direction: &str,
) -> Option<String> {
    for (word, was, is) in [
        ("prefix-list", &was.prefix_list, &is.prefix_list),
        ("distribute-list", &was.distribute_list, &is.distribute_list),
        ("filter-list", &was.filter_list, &is.filter_list),
        ("route-map", &was.route_map, &is.route_map),
    ] {
        if was != is {
            return Some(format!("{word} {direction} changed"));
        }
    }
    if std::ptr::eq(old, new) {
        return None;
    }
    let by_prefix = is.destinations().and_then(|list| destinations(family, old, new, &list));
    let by_path =
        is.filter_list.as_ref().and_then(|name| list("as-path-list", &old.as_path_lists, &new.as_path_lists, name));
    let by_map = || is.route_map.as_ref().and_then(|name| route_map_changed(old, new, name));
    by_prefix.or(by_path).or_else(by_map)
}

/// Whether a route map, or a list that it uses, is another now than before; the answer names it.
#[must_use]
pub fn route_map_changed(old: &Policy, new: &Policy, name: &str) -> Option<String> {
    if std::ptr::eq(old, new) {
        return None;
    }
    if let Some(reason) = list("route-map", &old.route_maps, &new.route_maps, name) {
        return Some(reason);
    }
    let rules = new.route_maps.get(name).into_iter().flat_map(|map| map.rules.values());
    rules.into_iter().find_map(|rule| {
        let by_match = rule.matches.iter().find_map(|condition| match condition {
            Match::AsPath(name) => list("as-path-list", &old.as_path_lists, &new.as_path_lists, name),
            Match::Community { list: name, .. } => communities(old, new, name),
            Match::ExtendedCommunity(name) => {
                list("extcommunity-list", &old.extcommunity_lists, &new.extcommunity_lists, name)
            }
            Match::LargeCommunity(name) => large_communities(old, new, name),
            Match::RouteSource(name) => destinations(Family::Ipv4Unicast, old, new, name),
            Match::Prefix(family, name) | Match::NextHopIn(family, name) => destinations(*family, old, new, name),
            _ => None,
        });
        let by_set = || {
            rule.sets.iter().find_map(|set| match set {
                Set::DeleteCommunities(name) => communities(old, new, name),
                Set::DeleteLargeCommunities(name) => large_communities(old, new, name),
                _ => None,
            })
        };
        by_match.or_else(by_set).or_else(|| rule.call.as_ref().and_then(|name| route_map_changed(old, new, name)))
    })
}

fn communities(old: &Policy, new: &Policy, name: &str) -> Option<String> {
    list("community-list", &old.community_lists, &new.community_lists, name)
}

fn large_communities(old: &Policy, new: &Policy, name: &str) -> Option<String> {
    list("large-community-list", &old.large_community_lists, &new.large_community_lists, name)
}

fn destinations(family: Family, old: &Policy, new: &Policy, of: &Destinations) -> Option<String> {
    let word = of.kind(family).word();
    match of {
        Destinations::PrefixList(name) => list(word, old.prefix_lists(family), new.prefix_lists(family), name),
        Destinations::AccessList(name) => list(word, old.access_lists(family), new.access_lists(family), name),
    }
}

/// Descriptions are for people; a list with another one is the same.
fn list<R: PartialEq>(
    word: &str,
    old: &BTreeMap<String, List<R>>,
    new: &BTreeMap<String, List<R>>,
    name: &str,
) -> Option<String> {
    let same = old.get(name).map(|list| &list.rules) == new.get(name).map(|list| &list.rules);
    (!same).then(|| format!("{word} {name} changed"))
}
