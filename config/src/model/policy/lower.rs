//! `policy …` read from the tree.
//!
//! A rule that lacks what it needs is listed and left out; whoever starts a router leaves out the whole list then.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use nouns::{Access, Asn, Family, Pattern, Prefix, Wildcard, community};

use super::{
    AccessRule, Action, Additions, Communities, CommunityRule, Destinations, List, MapRule, Match, NextHopChange,
    Numbers, PathRule, Policy, PrefixRule, Set, Then, WordError,
};
use crate::model::reader::Reader;

/// Subtypes of extended communities (RFC 4360 §4, §5).
const ROUTE_TARGET: u8 = 2;
const SITE_OF_ORIGIN: u8 = 3;

pub(in crate::model) fn lower(place: Reader<'_>) -> Policy {
    Policy {
        access_lists: access_lists(&place),
        access_lists6: lists(&place, "access-list6", access_rule6),
        prefix_lists: lists(&place, "prefix-list", prefix_rule),
        prefix_lists6: lists(&place, "prefix-list6", prefix_rule),
        as_path_lists: lists(&place, "as-path-list", |place| {
            Some(PathRule { action: action(place)?, regex: needed(place, "regex")? })
        }),
        community_lists: lists(&place, "community-list", community_rule),
        extcommunity_lists: lists(&place, "extcommunity-list", community_rule),
        large_community_lists: lists(&place, "large-community-list", community_rule),
        route_maps: lists(&place, "route-map", map_rule),
    }
}

fn lists<R>(
    place: &Reader<'_>,
    word: &'static str,
    rule: impl Fn(&Reader<'_>) -> Option<R>,
) -> BTreeMap<String, List<R>> {
    let lists = place.instances::<String>(word).into_iter().map(|(name, place)| {
        let rules = place.instances::<u16>("rule").into_iter();
        let rules = rules.filter_map(|(number, place)| {
            // People write for people here.
            let _ = place.leaf::<String>("description");
            Some((number, rule(&place)?))
        });
        let list = List { rules: rules.collect(), description: place.leaf("description") };
        (name, list)
    });
    lists.collect()
}

fn action(place: &Reader<'_>) -> Option<Action> {
    let action = place.leaf("action");
    if action.is_none() {
        place.error("must set action: permit or deny".to_owned());
    }
    action
}

fn needed<T: FromStr<Err: Display>>(place: &Reader<'_>, word: &'static str) -> Option<T> {
    if !place.is_set(word) {
        place.error(format!("must set {word}"));
    }
    place.leaf(word)
}

fn prefix_rule(place: &Reader<'_>) -> Option<PrefixRule> {
    let (ge, le) = (place.leaf("ge"), place.leaf("le"));
    let rule = PrefixRule { action: action(place)?, prefix: needed::<Prefix>(place, "prefix")?, ge, le };
    let (least, most) = rule.lengths();
    let length = rule.prefix.length();
    if length <= least && least <= most {
        return Some(rule);
    }
    place.error(format!(
        "Invalid prefix range for {}, make sure: len <= ge <= le (len is {length}); change ge or le",
        rule.prefix
    ));
    None
}

/// Standard lists look at addresses alone, extended ones at masks, too: which one a list is its number says.
fn access_lists(place: &Reader<'_>) -> BTreeMap<String, List<AccessRule>> {
    const EXTENDED: [std::ops::RangeInclusive<u16>; 2] = [100..=199, 2000..=2699];
    const STANDARD: [std::ops::RangeInclusive<u16>; 2] = [1..=99, 1300..=1999];
    let mut all = BTreeMap::new();
    for (number, place) in place.instances::<u16>("access-list") {
        let extended = EXTENDED.iter().any(|range| range.contains(&number));
        if !extended && !STANDARD.iter().any(|range| range.contains(&number)) {
            place.error(format!(
                "{number} is no number of an access-list; take one from 1 to 199, or from 1300 to 2699"
            ));
        }
        let rules = place.instances::<u16>("rule").into_iter().filter_map(|(number, place)| {
            let _ = place.leaf::<String>("description");
            Some((number, access_rule(&place, extended)?))
        });
        let list = List { rules: rules.collect(), description: place.leaf("description") };
        all.insert(number.to_string(), list);
    }
    all
}

fn access_rule(place: &Reader<'_>, extended: bool) -> Option<AccessRule> {
    let action = action(place);
    let source = wildcard(&place.at("source"));
    let destination = wildcard(&place.at("destination"));
    if destination.is_some() && !extended {
        place.error("destination is for lists from 100 to 199 and 2000 to 2699; delete it".to_owned());
    }
    match (source, destination) {
        (Some(source), None) if !extended => {
            Some(AccessRule { action: action?, access: Access::Ipv4 { source: source?, destination: Wildcard::ANY } })
        }
        (Some(source), Some(destination)) if extended => {
            Some(AccessRule { action: action?, access: Access::Ipv4 { source: source?, destination: destination? } })
        }
        (None, _) => {
            place.error("must set source: any, host, or network with inverse-mask".to_owned());
            None
        }
        (_, None) => {
            place.error("must set destination: any, host, or network with inverse-mask".to_owned());
            None
        }
        (Some(_), Some(_)) => None,
    }
}

/// `None` where nothing is set, `Some(None)` where what is set makes no sense.
fn wildcard(place: &Reader<'_>) -> Option<Option<Wildcard>> {
    let (any, host) = (place.flag("any"), place.leaf("host"));
    match (any, host, place.leaf("network"), place.leaf("inverse-mask")) {
        (false, None, None, None) => None,
        (true, None, None, None) => Some(Some(Wildcard::ANY)),
        (false, Some(host), None, None) => Some(Some(Wildcard::host(host))),
        (false, None, Some(network), Some(mask)) => Some(Some(Wildcard::network(network, mask))),
        _ => {
            place.error("must be one of any, host, and network with inverse-mask; delete the others".to_owned());
            Some(None)
        }
    }
}

fn access_rule6(place: &Reader<'_>) -> Option<AccessRule> {
    let action = action(place);
    let source = place.at("source");
    let exact = source.flag("exact-match");
    let prefix = match (source.flag("any"), source.leaf::<Prefix>("network")) {
        (true, None) => Prefix::DEFAULT_V6,
        (false, Some(network)) => network,
        _ => {
            source.error("must set source: any or network, and not both".to_owned());
            return None;
        }
    };
    Some(AccessRule { action: action?, access: Access::Within { prefix, exact } })
}

fn community_rule<T>(place: &Reader<'_>) -> Option<CommunityRule<T>>
where
    Communities<T>: FromStr<Err: Display>,
{
    Some(CommunityRule { action: action(place)?, regex: needed(place, "regex")? })
}

fn map_rule(place: &Reader<'_>) -> Option<MapRule> {
    let action = action(place);
    let (matches, sets) = (matches(&place.at("match")), sets(&place.at("set")));
    let call = place.leaf("call");
    let then = then(place);
    Some(MapRule { action: action?, matches, sets, call, then: then? })
}

fn then(place: &Reader<'_>) -> Option<Then> {
    let on_match = place.at("on-match");
    let (goto, next) = (on_match.leaf::<u16>("goto"), on_match.flag("next"));
    match (place.leaf("continue"), goto, next) {
        (None, None, false) => Some(Then::Exit),
        (None, None, true) => Some(Then::Next),
        (Some(rule), None, false) | (None, Some(rule), false) => Some(Then::Goto(rule)),
        _ => {
            place.error(
                "only one of 'continue', 'on-match goto' and 'on-match next' can be set; delete the others".to_owned(),
            );
            None
        }
    }
}

fn matches(place: &Reader<'_>) -> Vec<Match> {
    let mut all = Vec::new();
    all.extend(place.leaf("as-path").map(Match::AsPath));
    let community = place.at("community");
    let (list, exact) = (community.leaf("community-list"), community.flag("exact-match"));
    if list.is_none() && exact {
        community.error("must set community-list, because exact-match is about it".to_owned());
    }
    all.extend(list.map(|list| Match::Community { list, exact }));
    all.extend(place.leaf("extcommunity").map(Match::ExtendedCommunity));
    all.extend(place.at("large-community").leaf("large-community-list").map(Match::LargeCommunity));
    all.extend(place.leaf("interface").map(Match::Interface));
    for (word, family) in [("ip", Family::Ipv4Unicast), ("ipv6", Family::Ipv6Unicast)] {
        let place = place.at(word);
        all.extend(destinations(&place.at("address")).into_iter().map(|list| Match::Prefix(family, list)));
        all.extend(place.at("address").leaf("prefix-len").map(|length| Match::PrefixLength(family, length)));
        let next_hop = place.at("nexthop");
        all.extend(next_hop.leaf("address").map(Match::NextHop));
        all.extend(destinations(&next_hop).into_iter().map(|list| Match::NextHopIn(family, list)));
        // There is one type.
        all.extend(next_hop.leaf::<String>("type").map(|_| Match::LeadsNowhere(family)));
    }
    all.extend(destinations(&place.at("ip").at("route-source")).into_iter().map(Match::RouteSource));
    all.extend(place.leaf("local-preference").map(Match::LocalPreference));
    all.extend(place.leaf("metric").map(Match::Metric));
    all.extend(place.leaf("origin").map(Match::Origin));
    all.extend(place.leaf("peer").map(Match::Peer));
    all.extend(place.leaf("protocol").map(Match::Protocol));
    all.extend(place.leaf("aspa").map(Match::PathValidity));
    all.extend(place.leaf("rpki").map(Match::Validity));
    all.extend(place.leaf("tag").map(Match::Tag));
    all
}

fn sets(place: &Reader<'_>) -> Vec<Set> {
    let mut all = Vec::new();
    all.extend(aggregator(&place.at("aggregator")));
    all.extend(place.leaf("as-path-exclude").map(|Numbers(numbers)| Set::ExcludeAs(numbers)));
    all.extend(place.leaf("as-path-prepend-last-as").map(Set::PrependLastAs));
    all.extend(place.leaf("as-path-prepend").map(|Numbers(numbers)| Set::PrependAs(numbers)));
    all.extend(place.flag("atomic-aggregate").then_some(Set::AtomicAggregate));
    all.extend(deleted(&place.at("comm-list"), "comm-list").map(Set::DeleteCommunities));
    all.extend(place.leaf::<Additions<u32>>("community").map(Set::Communities));
    all.extend(deleted(&place.at("large-comm-list"), "large-comm-list").map(Set::DeleteLargeCommunities));
    all.extend(place.leaf::<Additions<[u32; 3]>>("large-community").map(Set::LargeCommunities));
    all.extend(place.flag("extcommunity-none").then_some(Set::NoExtendedCommunities));
    let transitive = !place.flag("extcommunity-bandwidth-non-transitive");
    all.extend(place.leaf("extcommunity-bandwidth").map(|rate| Set::Bandwidth { rate, transitive }));
    for (word, subtype) in [("extcommunity-rt", ROUTE_TARGET), ("extcommunity-soo", SITE_OF_ORIGIN)] {
        let text = place.leaf::<String>(word);
        let values =
            text.map(|text| text.split_whitespace().filter_map(|value| community::extended(subtype, value)).collect());
        all.extend(values.map(Set::ExtendedCommunities));
    }
    all.extend(place.leaf("ip-next-hop").map(|change| Set::NextHop(Family::Ipv4Unicast, change)));
    all.extend(next_hop6(&place.at("ipv6-next-hop")).map(|change| Set::NextHop(Family::Ipv6Unicast, change)));
    all.extend(place.leaf("local-preference").map(Set::LocalPreference));
    all.extend(place.leaf("metric").map(Set::Metric));
    all.extend(place.leaf("origin").map(Set::Origin));
    all.extend(place.leaf("originator-id").map(Set::OriginatorId));
    all.extend(place.leaf("distance").map(Set::Distance));
    all.extend(place.leaf("tag").map(Set::Tag));
    all.extend(place.leaf("weight").map(Set::Weight));
    all
}

/// Both kinds of lists; where both are set, both have to permit.
fn destinations(place: &Reader<'_>) -> Vec<Destinations> {
    let by_prefix = place.leaf("prefix-list").map(Destinations::PrefixList);
    by_prefix.into_iter().chain(place.leaf("access-list").map(Destinations::AccessList)).collect()
}

fn aggregator(place: &Reader<'_>) -> Option<Set> {
    match (place.leaf::<Asn>("as"), place.leaf::<Ipv4Addr>("ip")) {
        (Some(asn), Some(address)) => Some(Set::Aggregator(asn, address)),
        (None, None) => None,
        _ => {
            place.error("both as and ip must be set; set the other one, too".to_owned());
            None
        }
    }
}

/// A list and the word `delete`, which belong together since Vyatta.
fn deleted(place: &Reader<'_>, word: &'static str) -> Option<String> {
    match (place.leaf(word), place.flag("delete")) {
        (Some(list), true) => Some(list),
        (None, false) => None,
        _ => {
            place.error(format!("both {word} and delete must be set; set the other one, too"));
            None
        }
    }
}

fn next_hop6(place: &Reader<'_>) -> Option<NextHopChange> {
    let mut changes = Vec::new();
    changes.extend(place.leaf::<Ipv6Addr>("global").map(|address| NextHopChange::Address(address.into())));
    changes.extend(place.flag("peer-address").then_some(NextHopChange::PeerAddress));
    changes.extend(place.flag("self").then_some(NextHopChange::ThisRouter));
    changes.extend(place.flag("unchanged").then_some(NextHopChange::Unchanged));
    if changes.len() > 1 {
        place.error("only one next hop can be set; delete the others".to_owned());
    }
    changes.first().copied()
}

/// What is a plain list of communities asks for just these, what is not is an expression.
fn communities<T: Ord>(text: &str, plain: Option<Vec<T>>) -> Result<Communities<T>, WordError> {
    match plain {
        Some(values) => Ok(Communities::All(values.into_iter().collect::<BTreeSet<T>>())),
        None => text
            .parse::<Pattern>()
            .map(Communities::Fit)
            .map_err(|_| WordError("neither communities nor an expression of bearable size")),
    }
}

impl FromStr for Communities<u32> {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        communities(text, text.split_whitespace().map(community::standard).collect())
    }
}

impl FromStr for Communities<[u32; 3]> {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        communities(text, text.split_whitespace().map(community::large).collect())
    }
}

impl FromStr for Communities<[u8; 8]> {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (pairs, rest) = words.as_chunks::<2>();
        let plain = pairs.iter().map(|[kind, value]| match kind.to_ascii_lowercase().as_str() {
            "rt" => community::extended(ROUTE_TARGET, value),
            "soo" => community::extended(SITE_OF_ORIGIN, value),
            _ => None,
        });
        let plain: Option<Vec<_>> = plain.collect();
        communities(text, plain.filter(|_| rest.is_empty()))
    }
}
