//! `show policy test …`: a route that was made up goes through a map that runs.
//!
//! Never touches a table: nothing is announced, nothing remembered.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use api::view::policy::PolicyAction;
use api::view::policy_test::{PolicyTest, TestedAttributes, TrailStep};
use api::{ApiError, View};
use bgp::policy::{Draft, NextHopChange, Source, Subject, Trace};
use bgp_wire::attribute::{AsPath, Community, ExtendedCommunity, LargeCommunity, Origin, PathAttributes, ThinVec};
use config::model::policy::Policy;
use grammar::commands::{RouteOrigin, RouteSource, TestedRoute};
use grammar::value::PolicyList;
use nouns::{Marks, PathValidity, Validity};

use super::{bgp as table_view, policy};
use crate::engine::Engine;

pub(crate) fn tested(engine: &Engine, route_map: &str, route: &TestedRoute) -> Result<View, ApiError> {
    policy::known(engine, PolicyList::RouteMap, route_map)?;
    let attributes = attributes(route);
    let mut draft =
        Draft::new(&attributes, Marks { tag: route.tag, ..Marks::default() }, table_view::default_local_pref(engine));
    let own = engine.running.model.bgp.as_deref().filter(|_| engine.validation.is_configured()).map(|bgp| bgp.asn);
    let looked_up = || own.map(|own| engine.validation.validity(route.prefix, &attributes, own));
    let validity = route.validity.or_else(looked_up);
    let path_validity = route.path_validity.or_else(|| {
        let peer = engine.peers.at(route.neighbor?)?;
        Some(engine.way_of(peer)?.judge(engine.validation.data(), &attributes.as_path))
    });
    let before = told(route, &draft, (validity, path_validity));
    let subject = Subject {
        prefix: route.prefix,
        source: match route.source {
            RouteSource::Bgp => Source::Bgp,
            RouteSource::Connected => Source::Connected,
            RouteSource::Kernel => Source::Kernel,
            RouteSource::Static => Source::Static,
        },
        peer: route.neighbor,
        nowhere: false,
        interface: route.interface.as_ref(),
        validity,
        path_validity,
        shares: None,
    };
    let model = &engine.running.model.policy;
    let mut trail = Vec::new();
    let chain = engine.policies.through(Some(&route_map.to_owned()));
    let verdict = chain.apply_traced(&subject, &mut draft, &mut |trace| trail.extend(step(model, trace)));
    let permitted = verdict.is_ok();
    let decisive = trail.iter().rev().find(|step| step.missed.is_none() && (!permitted || step.map == route_map));
    Ok(View::PolicyTest(Box::new(PolicyTest {
        route_map: route_map.to_owned(),
        prefix: route.prefix,
        verdict: if permitted { PolicyAction::Permit } else { PolicyAction::Deny },
        decided_by: decisive.map_or_else(|| route_map.to_owned(), |step| step.map.clone()),
        rule: decisive.and_then(|step| step.rule),
        before,
        after: permitted.then(|| told(route, &draft, (validity, path_validity))),
        trail,
    })))
}

/// What is told of a thing that happened; a map asks no list by itself.
fn step(model: &Policy, trace: Trace<'_>) -> Option<TrailStep> {
    let (map, rule, action, missed) = match trace {
        Trace::List { .. } => return None,
        Trace::Missed { map, rule, condition } => {
            let rules = model.route_maps.get(map).map(|map| &map.rules);
            let missed = rules.and_then(|rules| rules.get(&rule)?.matches.get(condition)).map(policy::condition);
            (map, Some(rule), None, missed)
        }
        Trace::Rule { map, rule, permit } => {
            let action = if permit { PolicyAction::Permit } else { PolicyAction::Deny };
            (map, Some(rule), Some(action), None)
        }
        Trace::Unmatched { map } => (map, None, None, None),
    };
    Some(TrailStep { map: map.to_owned(), rule, action, missed })
}

fn attributes(route: &TestedRoute) -> PathAttributes {
    fn sorted<T: Ord>(values: impl IntoIterator<Item = T>) -> ThinVec<T> {
        let mut values: ThinVec<T> = values.into_iter().collect();
        values.sort_unstable();
        values.dedup();
        values
    }
    let unknown: IpAddr =
        if route.prefix.address().is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let origin = match route.origin {
        RouteOrigin::Igp => Origin::Igp,
        RouteOrigin::Egp => Origin::Egp,
        RouteOrigin::Incomplete => Origin::Incomplete,
    };
    let large = route.large_communities.iter().map(|[a, b, c]| LargeCommunity(*a, *b, *c));
    PathAttributes {
        as_path: AsPath::sequence(&route.as_path),
        med: route.metric,
        local_pref: route.local_preference,
        communities: sorted(route.communities.clone()),
        extended_communities: sorted(route.extended_communities.clone()),
        large_communities: sorted(large),
        ..PathAttributes::new(origin, route.next_hop.unwrap_or(unknown))
    }
}

fn told(
    route: &TestedRoute,
    draft: &Draft<'_>,
    (validity, path_validity): (Option<Validity>, Option<PathValidity>),
) -> TestedAttributes {
    let attributes = &draft.attributes;
    let (next_hop, word) = match draft.next_hop {
        None => (route.next_hop, None),
        Some(NextHopChange::Address(address)) => (Some(address), None),
        Some(NextHopChange::PeerAddress) => (None, Some("peer-address")),
        Some(NextHopChange::ThisRouter) => (None, Some("self")),
        Some(NextHopChange::Unchanged) => (route.next_hop, Some("unchanged")),
    };
    TestedAttributes {
        origin: table_view::origin(attributes.origin),
        as_path: attributes.as_path.to_string(),
        next_hop,
        next_hop_word: word.map(str::to_owned),
        med: attributes.med,
        local_pref: attributes.local_pref,
        weight: draft.marks.weight,
        tag: draft.marks.tag,
        validity,
        path_validity,
        distance: draft.marks.distance,
        atomic_aggregate: attributes.atomic_aggregate,
        aggregator: attributes.aggregator.map(|aggregator| format!("{} {}", aggregator.asn, aggregator.address)),
        communities: attributes.communities.iter().map(|value| Community(*value).to_string()).collect(),
        extended_communities: attributes
            .extended_communities
            .iter()
            .map(|value| ExtendedCommunity(*value).to_string())
            .collect(),
        large_communities: attributes.large_communities.iter().map(ToString::to_string).collect(),
    }
}
