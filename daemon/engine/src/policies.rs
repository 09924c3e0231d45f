//! From the configuration's policies to those that run.
//!
//! Made once for each commit that changes them, in the same step in which the model becomes another. Never meets a route.

use std::collections::BTreeMap;
use std::sync::Arc;

use bgp::policy::{
    AccessRule, Ask, Chain, Change, CommunityList, Condition, MetricChange, NextHopChange, PathList, PrefixList,
    PrefixRule, RouteMap, Rule, Source, Spelled, Then,
};
use bgp_wire::attribute::{Aggregator, ExtendedCommunity, LargeCommunity, Origin};
use config::model::policy::{
    self as words, Action, Communities, Destinations, Filters, List, MapRule, Match, PeerMatch, Policy, Rate, Set,
};
use grammar::value::PolicyList;
use nouns::{Asn, Family};

/// Octets a second of a megabit a second.
const MEGABIT: u64 = 1_000_000 / 8;

/// Every list and map by its name.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    destinations: BTreeMap<(PolicyList, String), Arc<PrefixList>>,
    path_lists: BTreeMap<String, Arc<PathList>>,
    communities: BTreeMap<String, Arc<CommunityList<u32>>>,
    extended: BTreeMap<String, Arc<CommunityList<[u8; 8]>>>,
    large: BTreeMap<String, Arc<CommunityList<LargeCommunity>>>,
    maps: BTreeMap<String, Arc<RouteMap>>,
    /// The AS that a link bandwidth is said to be of.
    asn: Option<Asn>,
}

impl Policies {
    /// Makes them all.
    #[must_use]
    pub(crate) fn compile(policy: &Policy, asn: Option<Asn>) -> Self {
        let mut made = Self { asn, ..Self::default() };
        for family in Family::ALL {
            for (name, list) in policy.prefix_lists(family) {
                made.keep(family, &Destinations::PrefixList(name.clone()), |word| prefix_list(word, name, list));
            }
            for (name, list) in policy.access_lists(family) {
                made.keep(family, &Destinations::AccessList(name.clone()), |word| access_list(word, name, list));
            }
        }
        for (name, list) in &policy.as_path_lists {
            let rules = list.rules.iter().map(|(number, rule)| (*number, permits(rule.action), rule.regex.clone()));
            made.path_lists.insert(name.clone(), Arc::new(PathList::new(name, rules.collect())));
        }
        made.communities = community_lists(&policy.community_lists, |value| *value);
        made.extended = community_lists(&policy.extcommunity_lists, |value| *value);
        made.large = community_lists(&policy.large_community_lists, large);
        for name in policy.route_maps.keys() {
            made.map(policy, name, 0);
        }
        made
    }

    /// What the filters of a direction are.
    #[must_use]
    pub(crate) fn chain(&self, family: Family, filters: &Filters) -> Chain {
        Chain {
            prefix_list: filters.destinations().map(|list| self.destinations(family, &list)),
            path_list: filters.filter_list.as_ref().map(|name| self.path_list(name)),
            route_map: filters.route_map.as_ref().map(|name| self.route_map(name)),
        }
    }

    /// A map alone.
    #[must_use]
    pub(crate) fn through(&self, map: Option<&String>) -> Chain {
        Chain { route_map: map.map(|name| self.route_map(name)), ..Chain::default() }
    }

    /// A community list alone.
    #[must_use]
    pub(crate) fn community_list(&self, name: &str) -> Arc<CommunityList<u32>> {
        list_of(&self.communities, name)
    }

    /// A large community list alone.
    #[must_use]
    pub(crate) fn large_community_list(&self, name: &str) -> Arc<CommunityList<LargeCommunity>> {
        list_of(&self.large, name)
    }

    fn keep(&mut self, family: Family, list: &Destinations, make: impl FnOnce(&str) -> PrefixList) {
        let kind = list.kind(family);
        self.destinations.insert((kind, list.name().clone()), Arc::new(make(kind.word())));
    }

    /// A list that does not exist refuses everything: a commit lets nobody use one.
    fn destinations(&self, family: Family, list: &Destinations) -> Arc<PrefixList> {
        let (kind, name) = (list.kind(family), list.name());
        let found = self.destinations.get(&(kind, name.clone()));
        found.cloned().unwrap_or_else(|| Arc::new(PrefixList::new(kind.word(), name, Vec::new())))
    }

    fn path_list(&self, name: &str) -> Arc<PathList> {
        self.path_lists.get(name).cloned().unwrap_or_else(|| Arc::new(PathList::new(name, Vec::new())))
    }

    fn route_map(&self, name: &str) -> Arc<RouteMap> {
        self.maps.get(name).cloned().unwrap_or_else(|| Arc::new(RouteMap::new(name, Vec::new())))
    }

    /// Makes a map, and before it those that it calls; they call each other in no circle.
    fn map(&mut self, policy: &Policy, name: &str, depth: usize) -> Arc<RouteMap> {
        if let Some(made) = self.maps.get(name) {
            return Arc::clone(made);
        }
        let rules = policy.route_maps.get(name).filter(|_| depth <= policy.route_maps.len());
        let rules = rules.into_iter().flat_map(|map| &map.rules).map(|(number, rule)| {
            let call = rule.call.as_ref().map(|called| self.map(policy, called, depth.saturating_add(1)));
            self.rule(*number, rule, call)
        });
        let made = Arc::new(RouteMap::new(name, rules.collect()));
        self.maps.insert(name.to_owned(), Arc::clone(&made));
        made
    }

    fn rule(&self, number: u16, rule: &MapRule, call: Option<Arc<RouteMap>>) -> Rule {
        Rule {
            number,
            permit: permits(rule.action),
            conditions: rule.matches.iter().map(|condition| self.condition(condition)).collect(),
            changes: rule.sets.iter().map(|set| self.change(set)).collect(),
            call,
            then: match rule.then {
                words::Then::Exit => Then::Exit,
                words::Then::Next => Then::Next,
                words::Then::Goto(number) => Then::Goto(number),
            },
        }
    }

    fn condition(&self, condition: &Match) -> Condition {
        match condition {
            Match::AsPath(name) => Condition::Path(self.path_list(name)),
            Match::Community { list, exact } => Condition::Communities(list_of(&self.communities, list), *exact),
            Match::ExtendedCommunity(name) => Condition::ExtendedCommunities(list_of(&self.extended, name)),
            Match::LargeCommunity(name) => Condition::LargeCommunities(list_of(&self.large, name)),
            Match::Interface(name) => Condition::Interface(name.clone()),
            Match::Prefix(family, name) => Condition::Prefix(self.destinations(*family, name)),
            Match::PrefixLength(family, length) => Condition::PrefixLength(*family, *length),
            Match::RouteSource(name) => Condition::RouteSource(self.destinations(Family::Ipv4Unicast, name)),
            Match::NextHop(address) => Condition::NextHop(*address),
            Match::NextHopIn(family, name) => Condition::NextHopIn(self.destinations(*family, name)),
            Match::LeadsNowhere(family) => Condition::LeadsNowhere(*family),
            Match::LocalPreference(value) => Condition::LocalPreference(*value),
            Match::Metric(value) => Condition::Metric(*value),
            Match::Origin(value) => Condition::Origin(origin(*value)),
            Match::Peer(PeerMatch::Local) => Condition::Peer(None),
            Match::Peer(PeerMatch::Address(address)) => Condition::Peer(Some(*address)),
            Match::Protocol(source) => Condition::Source(match source {
                words::Source::Bgp => Source::Bgp,
                words::Source::Connected => Source::Connected,
                words::Source::Kernel => Source::Kernel,
                words::Source::Static => Source::Static,
            }),
            Match::PathValidity(validity) => Condition::PathValidity(*validity),
            Match::Validity(validity) => Condition::Validity(*validity),
            Match::Tag(tag) => Condition::Tag(*tag),
        }
    }

    fn change(&self, set: &Set) -> Change {
        match set {
            Set::Aggregator(asn, address) => Change::Aggregator(Aggregator { asn: *asn, address: *address }),
            Set::ExcludeAs(numbers) => Change::ExcludeAs(numbers.clone()),
            Set::PrependAs(numbers) => Change::PrependAs(numbers.clone()),
            Set::PrependLastAs(times) => Change::PrependLastAs(*times),
            Set::AtomicAggregate => Change::AtomicAggregate,
            Set::DeleteCommunities(name) => Change::DeleteCommunities(list_of(&self.communities, name)),
            Set::Communities(additions) => Change::Communities(additions.values.clone(), additions.additive),
            Set::OriginatorId(id) => Change::OriginatorId(*id),
            Set::Distance(distance) => Change::Distance(*distance),
            Set::Bandwidth { rate, transitive } => {
                let (asn, transitive) = (self.asn.unwrap_or(Asn(0)), *transitive);
                match rate {
                    Rate::Megabits(megabits) => {
                        let octets = u64::from(*megabits).saturating_mul(MEGABIT);
                        Change::Bandwidth(ExtendedCommunity::link_bandwidth(asn, octets, transitive))
                    }
                    Rate::Cumulative => Change::SharedBandwidth { asn, each: None, transitive },
                    Rate::Multipaths => Change::SharedBandwidth { asn, each: Some(MEGABIT), transitive },
                }
            }
            Set::NoExtendedCommunities => Change::NoExtendedCommunities,
            Set::ExtendedCommunities(values) => Change::ExtendedCommunities(values.clone()),
            Set::DeleteLargeCommunities(name) => Change::DeleteLargeCommunities(list_of(&self.large, name)),
            Set::LargeCommunities(additions) => {
                Change::LargeCommunities(additions.values.iter().map(large).collect(), additions.additive)
            }
            Set::LocalPreference(value) => Change::LocalPreference(*value),
            Set::Metric(change) => Change::Metric(match change {
                words::MetricChange::To(value) => MetricChange::To(*value),
                words::MetricChange::Plus(value) => MetricChange::Plus(*value),
                words::MetricChange::Minus(value) => MetricChange::Minus(*value),
            }),
            Set::NextHop(family, change) => Change::NextHop(
                *family,
                match change {
                    words::NextHopChange::Address(address) => NextHopChange::Address(*address),
                    words::NextHopChange::PeerAddress => NextHopChange::PeerAddress,
                    words::NextHopChange::ThisRouter => NextHopChange::ThisRouter,
                    words::NextHopChange::Unchanged => NextHopChange::Unchanged,
                },
            ),
            Set::Origin(value) => Change::Origin(origin(*value)),
            Set::Tag(tag) => Change::Tag(*tag),
            Set::Weight(weight) => Change::Weight(*weight),
        }
    }
}

fn permits(action: Action) -> bool {
    action == Action::Permit
}

fn access_list(word: &str, name: &str, list: &List<words::AccessRule>) -> PrefixList {
    let rules = list.rules.iter().map(|(number, rule)| AccessRule {
        number: *number,
        permit: permits(rule.action),
        access: rule.access,
    });
    PrefixList::access(word, name, rules.collect())
}

fn prefix_list(word: &str, name: &str, list: &List<words::PrefixRule>) -> PrefixList {
    let rules = list.rules.iter().map(|(number, rule)| PrefixRule {
        number: *number,
        permit: permits(rule.action),
        prefix: rule.prefix,
        lengths: rule.lengths(),
    });
    PrefixList::new(word, name, rules.collect())
}

fn community_lists<W, T: Spelled>(
    lists: &BTreeMap<String, List<words::CommunityRule<W>>>,
    value: impl Fn(&W) -> T,
) -> BTreeMap<String, Arc<CommunityList<T>>> {
    let ask = |asked: &Communities<W>| match asked {
        Communities::All(values) => {
            let mut values: Vec<T> = values.iter().map(&value).collect();
            values.sort_unstable();
            Ask::All(values)
        }
        Communities::Fit(pattern) => Ask::Fit(pattern.clone()),
    };
    let made = lists.iter().map(|(name, list)| {
        let rules = list.rules.values().map(|rule| (permits(rule.action), ask(&rule.regex)));
        (name.clone(), Arc::new(CommunityList::new(rules.collect())))
    });
    made.collect()
}

fn list_of<T: Spelled>(lists: &BTreeMap<String, Arc<CommunityList<T>>>, name: &str) -> Arc<CommunityList<T>> {
    lists.get(name).cloned().unwrap_or_else(|| Arc::new(CommunityList::new(Vec::new())))
}

fn large([first, second, third]: &[u32; 3]) -> LargeCommunity {
    LargeCommunity(*first, *second, *third)
}

fn origin(origin: words::Origin) -> Origin {
    match origin {
        words::Origin::Igp => Origin::Igp,
        words::Origin::Egp => Origin::Egp,
        words::Origin::Incomplete => Origin::Incomplete,
    }
}
