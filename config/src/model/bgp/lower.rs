//! `protocols bgp <asn> …` read from the tree: the speaker as a whole.
//!
//! Neighbors, groups and ranges are read next door, in `peers`.

use std::collections::{BTreeMap, BTreeSet};

use grammar::value::PolicyList;
use nouns::{Asn, Family, Prefix};

use super::Aggregate;
use super::paths::first_as;
use super::peers::{self, Named, Timers};
use super::policies::reference;
use super::{
    Bandwidth, BestPath, Bgp, Confederation, Dampening, GracefulRestart, Limits, Redistribute, RedistributeSource,
    RestartRole,
};
use crate::model::key_chain;
use crate::model::policy::Policy;
use crate::model::reader::Reader;

/// The speaker, if there is one; the schema lets only one stand.
pub(in crate::model) fn lower(protocols: &Reader<'_>, policy: &Policy) -> Option<Bgp> {
    let (asn, place) = protocols.instances::<Asn>("bgp").into_iter().next()?;
    Some(speaker(asn, &place, Named { policy, chains: &key_chain::lower(protocols) }))
}

fn speaker(asn: Asn, place: &Reader<'_>, named: Named<'_>) -> Bgp {
    let policy = named.policy;
    let parameters = place.at("parameters");
    let (distance, best_path) = (parameters.at("distance"), parameters.at("bestpath"));
    let distance = distance.at("global");
    let limit = parameters.at("limit");
    let (maximum_paths, listen) = (place.at("maximum-paths"), place.at("listen"));
    // Changes of sessions are logged anyway; the word is known so that files of others load.
    let _ = parameters.flag("log-neighbor-changes");
    // The decision never depends on the order of arrival, and identifiers always break the tie.
    let _ = (parameters.flag("deterministic-med"), best_path.flag("compare-routerid"));
    let groups = peers::groups(place, named);
    let timers = Timers::of_speaker(place);
    let (neighbors, interfaces) = peers::neighbors(place, &groups, timers, named);
    Bgp {
        asn,
        router_id: parameters.leaf("router-id"),
        cluster_id: parameters.leaf("cluster-id"),
        confederation: confederation(&parameters),
        client_to_client: !parameters.flag("no-client-to-client-reflection"),
        ebgp_requires_policy: parameters.leaf_or_default::<String>("ebgp-requires-policy") != "disable",
        enforce_first_as: first_as(&parameters).unwrap_or(true),
        reject_as_sets: {
            let disabled = parameters.at("reject-as-sets").flag("disable");
            !(parameters.is_set("reject-as-sets") && disabled)
        },
        allow_martian_nexthop: parameters.flag("allow-martian-nexthop"),
        graceful_shutdown: parameters.flag("graceful-shutdown"),
        dampening: dampening(&parameters.at("dampening")),
        default_local_pref: parameters.at("default").leaf_or_default("local-pref"),
        log_neighbor_changes: !parameters.flag("no-log-neighbor-changes"),
        graceful_restart: graceful_restart(&parameters),
        always_compare_med: parameters.flag("always-compare-med"),
        multipath_relax: best_path.at("as-path").flag("multipath-relax"),
        bandwidth: bandwidth(&best_path),
        best_path: BestPath {
            ignore_length: best_path.at("as-path").flag("ignore"),
            count_confederation: best_path.at("as-path").flag("confed"),
            med_in_confederation: best_path.at("med").flag("confed"),
            missing_med_is_worst: best_path.at("med").flag("missing-as-worst"),
            mixed_multipath: best_path.at("peer-type").flag("multipath-relax"),
        },
        table_maps: table_maps(place, policy),
        no_fib_install: parameters.flag("no-fib-install"),
        limits: Limits { paths: limit.leaf("paths"), memory: limit.leaf("memory") },
        distance_external: distance.leaf_or_default("external"),
        distance_internal: distance.leaf_or_default("internal"),
        maximum_paths_ebgp: maximum_paths.leaf_or_default("ebgp"),
        maximum_paths_ibgp: maximum_paths.leaf_or_default("ibgp"),
        neighbors,
        interfaces,
        listen_ranges: peers::listen_ranges(&listen, &groups, timers),
        groups: groups.into_keys().collect(),
        listen_limit: listen.leaf_or_default("limit"),
        networks: networks(place, policy),
        aggregates: aggregates(place, policy),
        redistribute: redistribute(place, policy),
        bmp: super::seeing::targets(place),
        dumps: super::seeing::dumps(place),
    }
}

fn bandwidth(best_path: &Reader<'_>) -> Bandwidth {
    match best_path.leaf::<String>("bandwidth").as_deref() {
        Some("ignore") => Bandwidth::Ignore,
        Some("skip-missing") => Bandwidth::SkipMissing,
        Some("default-weight-for-missing") => Bandwidth::DefaultWeightForMissing,
        _ => Bandwidth::All,
    }
}

/// A confederation without an identifier is none.
fn confederation(parameters: &Reader<'_>) -> Option<Confederation> {
    let place = parameters.at("confederation");
    let members: BTreeSet<Asn> = place.values("peers").into_iter().collect();
    let identifier = place.leaf("identifier");
    if identifier.is_none() && !members.is_empty() {
        place.error("must set an identifier, which others see in the place of these ASes".to_owned());
    }
    Some(Confederation { identifier: identifier?, members })
}

/// `dampening`: all four of its words, or none.
pub(super) fn dampening(place: &Reader<'_>) -> Option<Dampening> {
    let minutes = (place.leaf("half-life"), place.leaf("max-suppress-time"));
    match (minutes, (place.leaf("re-use"), place.leaf("start-suppress-time"))) {
        ((Some(half_life), Some(max_suppress)), (Some(reuse), Some(start_suppress))) => {
            Some(Dampening { half_life, reuse, start_suppress, max_suppress })
        }
        ((None, None), (None, None)) => None,
        _ => {
            let all = "half-life, max-suppress-time, re-use and start-suppress-time";
            place.error(format!("must set all of {all}, or none of them"));
            None
        }
    }
}

fn graceful_restart(parameters: &Reader<'_>) -> GracefulRestart {
    // It is on without the word, too; the word alone is how others turn it on.
    let _ = parameters.is_set("graceful-restart");
    let place = parameters.at("graceful-restart");
    let long_lived = place.at("long-lived");
    GracefulRestart {
        role: if place.flag("disable") { RestartRole::Disable } else { RestartRole::Enable },
        restart_time: place.leaf_or_default("restart-time"),
        long_lived: long_lived.leaf("stale-time"),
        partial_deployment: long_lived.flag("partial-deployment"),
        select_defer_time: place.leaf_or_default("select-defer-time"),
        stalepath_time: place.leaf_or_default("stalepath-time"),
    }
}

fn networks(place: &Reader<'_>, policy: &Policy) -> BTreeMap<Prefix, Option<String>> {
    let families = place.at("address-family");
    let of_v6 = families.at("ipv6-unicast");
    let networks = place.instances("network").into_iter().chain(of_v6.instances("network"));
    networks.map(|(prefix, place)| (prefix, reference(&place, "route-map", PolicyList::RouteMap, policy))).collect()
}

fn table_maps(place: &Reader<'_>, policy: &Policy) -> BTreeMap<Family, String> {
    let families = place.at("address-family");
    let map = |place: &Reader<'_>| reference(place, "table-map", PolicyList::RouteMap, policy);
    let (plain, ipv4, ipv6) = (map(place), map(&families.at("ipv4-unicast")), map(&families.at("ipv6-unicast")));
    let maps = [(Family::Ipv4Unicast, ipv4.or(plain)), (Family::Ipv6Unicast, ipv6)];
    maps.into_iter().filter_map(|(family, map)| Some((family, map?))).collect()
}

fn aggregates(place: &Reader<'_>, policy: &Policy) -> BTreeMap<Prefix, Aggregate> {
    let families = place.at("address-family");
    let of_v6 = families.at("ipv6-unicast");
    let all = place.instances("aggregate-address").into_iter().chain(of_v6.instances("aggregate-address"));
    let aggregate = |place: Reader<'_>| Aggregate {
        as_set: place.flag("as-set"),
        summary_only: place.flag("summary-only"),
        route_map: reference(&place, "route-map", PolicyList::RouteMap, policy),
    };
    all.map(|(prefix, place)| (prefix, aggregate(place))).collect()
}

fn redistribute(place: &Reader<'_>, policy: &Policy) -> BTreeMap<(Family, RedistributeSource), Redistribute> {
    let families = place.at("address-family");
    let of_v6 = families.at("ipv6-unicast");
    let mut sources = BTreeMap::new();
    for (family, place) in [(Family::Ipv4Unicast, place), (Family::Ipv6Unicast, &of_v6)] {
        let place = place.at("redistribute");
        for (word, source) in [
            ("connected", RedistributeSource::Connected),
            ("kernel", RedistributeSource::Kernel),
            ("static", RedistributeSource::Static),
        ] {
            if place.is_set(word) {
                let place = place.at(word);
                let route_map = reference(&place, "route-map", PolicyList::RouteMap, policy);
                sources.insert((family, source), Redistribute { metric: place.leaf("metric"), route_map });
            }
        }
    }
    sources
}
