//! Policies of a neighbor or group: which lists its routes go through, by family.
//!
//! The neighbor's own leaf is IPv4's, as it is spelled since Vyatta, unless `address-family ipv4-unicast` says
//! otherwise; a neighbor's leaf wins over its group's.

use grammar::value::PolicyList;
use nouns::Family;

use super::{Conditional, DefaultOriginate, PathRules, PeerPolicies, PeerPolicy};
use crate::model::policy::{Filters, Policy};
use crate::model::reader::Reader;

/// The name of a list; that it does not exist is an error where it is used.
pub(super) fn reference(place: &Reader<'_>, word: &'static str, kind: PolicyList, policy: &Policy) -> Option<String> {
    let name: String = place.leaf(word)?;
    if !policy.has(kind, &name) {
        place.at(word).error(format!("{} {name} doesn't exist; set it, or delete this use of it", kind.word()));
    }
    Some(name)
}

/// What a neighbor or group says itself.
pub(super) fn policies(place: &Reader<'_>, policy: &Policy) -> PeerPolicies {
    let families = place.at("address-family");
    let own = of_family(place, Family::Ipv4Unicast, policy);
    PeerPolicies {
        ipv4: of_family(&families.at("ipv4-unicast"), Family::Ipv4Unicast, policy).over(&own),
        ipv6: of_family(&families.at("ipv6-unicast"), Family::Ipv6Unicast, policy),
    }
}

fn of_family(place: &Reader<'_>, family: Family, policy: &Policy) -> PeerPolicy {
    let (prefix_list, access_list) = match family {
        Family::Ipv4Unicast => (PolicyList::PrefixList, PolicyList::AccessList),
        Family::Ipv6Unicast => (PolicyList::PrefixList6, PolicyList::AccessList6),
    };
    let filters = |direction: &'static str| Filters {
        prefix_list: reference(&place.at("prefix-list"), direction, prefix_list, policy),
        distribute_list: distribute_list(place, direction, access_list, policy),
        filter_list: reference(&place.at("filter-list"), direction, PolicyList::AsPathList, policy),
        route_map: reference(&place.at("route-map"), direction, PolicyList::RouteMap, policy),
    };
    let default_map = reference(&place.at("default-originate"), "route-map", PolicyList::RouteMap, policy);
    PeerPolicy {
        import: filters("import"),
        export: filters("export"),
        default_originate: place.is_set("default-originate").then_some(DefaultOriginate { route_map: default_map }),
        weight: place.leaf("weight"),
        paths: PathRules::read(place),
        unsuppress: reference(place, "unsuppress-map", PolicyList::RouteMap, policy),
        conditional: conditional(&place.at("conditionally-advertise"), policy),
    }
}

/// A list of destinations is of one kind or of the other.
fn distribute_list(place: &Reader<'_>, direction: &'static str, kind: PolicyList, policy: &Policy) -> Option<String> {
    let of = place.at("distribute-list");
    if of.is_set(direction) && place.at("prefix-list").is_set(direction) {
        of.at(direction).error("you can't set both a prefix-list and a distribute list; delete one of them".to_owned());
    }
    reference(&of, direction, kind, policy)
}

fn conditional(place: &Reader<'_>, policy: &Policy) -> Option<Conditional> {
    let map = |word: &'static str| reference(place, word, PolicyList::RouteMap, policy);
    let (advertise, exist, non_exist) = (map("advertise-map"), map("exist-map"), map("non-exist-map"));
    match (advertise, exist, non_exist) {
        (None, None, None) => None,
        (Some(advertise), Some(map), None) => Some(Conditional { advertise, map, exist: true }),
        (Some(advertise), None, Some(map)) => Some(Conditional { advertise, map, exist: false }),
        _ => {
            place.error("must set advertise-map, and one of exist-map and non-exist-map".to_owned());
            None
        }
    }
}

impl PeerPolicies {
    /// Each leaf that is set here, else the other one's.
    pub(super) fn over(&self, group: &Self) -> Self {
        Self { ipv4: self.ipv4.over(&group.ipv4), ipv6: self.ipv6.over(&group.ipv6) }
    }
}

impl PeerPolicy {
    fn over(&self, other: &Self) -> Self {
        Self {
            import: self.import.over(&other.import),
            export: self.export.over(&other.export),
            default_originate: self.default_originate.clone().or_else(|| other.default_originate.clone()),
            weight: self.weight.or(other.weight),
            paths: self.paths.over(other.paths),
            unsuppress: self.unsuppress.clone().or_else(|| other.unsuppress.clone()),
            conditional: self.conditional.clone().or_else(|| other.conditional.clone()),
        }
    }
}

impl Filters {
    fn over(&self, other: &Self) -> Self {
        let first = |own: &Option<String>, other: &Option<String>| own.clone().or_else(|| other.clone());
        Self {
            prefix_list: first(
                &self.prefix_list,
                &other.prefix_list.clone().filter(|_| self.distribute_list.is_none()),
            ),
            distribute_list: first(
                &self.distribute_list,
                &other.distribute_list.clone().filter(|_| self.prefix_list.is_none()),
            ),
            filter_list: first(&self.filter_list, &other.filter_list),
            route_map: first(&self.route_map, &other.route_map),
        }
    }
}
