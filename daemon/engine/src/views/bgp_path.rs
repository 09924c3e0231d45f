//! `show ip bgp PREFIX [why]`: each path of a prefix and what became of it.
//!
//! Never decides: the decision explains itself.

use std::net::IpAddr;

use api::view::bgp_path::{BgpPath, BgpPrefix, KernelState, PathOutcome, PathSource, Resolution, ResolvedLeg};
use api::{ApiError, View};
use bgp_wire::attribute::{Community, ExtendedCommunity, LargeCommunity};
use nouns::{Family, Prefix};
use rib::bgp_table::Path;
use rib::decision::{Verdict, decide, explain};
use rib::fib::{FibState, FibTarget};
use rib::nexthop;
use rib::routes::Protocol;

use super::{bgp as table_view, configured, damping, route, seconds};
use crate::aggregates::AGGREGATE;
use crate::engine::Engine;
use crate::event::Moment;

pub(crate) fn address(
    engine: &Engine,
    at: Moment,
    family: Family,
    address: IpAddr,
    why: bool,
) -> Result<View, ApiError> {
    let found = engine.tables.of(family).longest_match(address).map(|(found, _)| found);
    prefix(engine, at, family, found.unwrap_or_else(|| Prefix::host(address)), why)
}

pub(crate) fn prefix(engine: &Engine, at: Moment, family: Family, prefix: Prefix, why: bool) -> Result<View, ApiError> {
    configured(engine)?;
    let table = engine.tables.of(family);
    let paths = table.paths(prefix);
    let flaps = damping::of_prefix(engine, at, family, prefix);
    if paths.is_empty() && flaps.is_empty() {
        return Err(ApiError::new("not-in-table", "% Network not in table"));
    }
    let rules = engine.rules();
    let decision = rules.as_ref().and_then(|rules| decide(paths, table, &engine.next_hops, rules));
    let verdicts = rules.as_ref().map(|rules| explain(paths, table, &engine.next_hops, rules)).unwrap_or_default();
    let decided_by = decision.as_ref().map_or("", |decision| decision.decided_by);
    let mut views: Vec<(u8, BgpPath)> = paths
        .iter()
        .zip(verdicts)
        .map(|(path, verdict)| {
            let outcome = outcome(verdict, decided_by);
            let rank = match outcome {
                PathOutcome::Best { .. } => 0,
                PathOutcome::Multipath => 1,
                PathOutcome::Lost { .. } | PathOutcome::Unusable { .. } | PathOutcome::Rejected { .. } => 2,
            };
            let changed = if why { changes(path) } else { Vec::new() };
            (rank, BgpPath { changed, ..one(engine, at, family, prefix, path, outcome) })
        })
        .collect();
    views.sort_by_key(|(rank, view)| (*rank, view.next_hop));
    let advertised = engine
        .peers
        .iter()
        .filter(|peer| engine.groups.of(peer.id, family).is_some_and(|group| group.tells(peer.id, prefix)));
    Ok(View::BgpPrefix(BgpPrefix {
        family,
        prefix,
        table_version: table_view::version(engine, family),
        paths: views.into_iter().map(|(_, view)| view).collect(),
        flaps,
        advertised_to: advertised.map(|peer| peer.address).collect(),
        suppressed: engine.aggregates.suppresses(prefix),
        kernel: kernel(engine, prefix, decision.is_some()),
        why,
    }))
}

fn outcome(verdict: Verdict, decided_by: &str) -> PathOutcome {
    match verdict {
        Verdict::Best => PathOutcome::Best { step: decided_by.to_owned() },
        Verdict::Multipath => PathOutcome::Multipath,
        Verdict::Lost { step, because } => PathOutcome::Lost { step: step.to_owned(), why: because },
        Verdict::Unusable(why) => PathOutcome::Unusable { why },
        Verdict::Rejected(why) => PathOutcome::Rejected { by: "import".to_owned(), why },
    }
}

fn one(engine: &Engine, at: Moment, family: Family, prefix: Prefix, path: &Path, outcome: PathOutcome) -> BgpPath {
    let attributes = path.attributes();
    let stale_until = engine.peers.get(path.peer()).and_then(|peer| peer.stale_until.get(&family).copied());
    BgpPath {
        source: source(engine, family, prefix, path),
        changed: Vec::new(),
        as_path: attributes.as_path.to_string(),
        origin: table_view::origin(attributes.origin),
        med: attributes.med,
        local_pref: attributes.local_pref.unwrap_or_else(|| table_view::default_local_pref(engine)),
        weight: table_view::weight(path),
        communities: attributes.communities.iter().map(|community| Community(*community).to_string()).collect(),
        extended_communities: attributes
            .extended_communities
            .iter()
            .map(|community| ExtendedCommunity(*community).to_string())
            .collect(),
        large_communities: attributes.large_communities.iter().map(ToString::to_string).collect(),
        only_to_customer: attributes.only_to_customer(),
        originator: attributes.originator_id,
        cluster_list: attributes.cluster_list.to_vec(),
        path_validity: engine.path_validity_of(path),
        validity: engine.validity_of(path, prefix),
        next_hop: attributes.next_hop.address,
        resolution: resolution(engine, family, path),
        outcome,
        stale_for: stale_until.filter(|_| path.stale()).map(|until| seconds(at.instant, until)),
        path_id: Some(path.key().path_id).filter(|path_id| *path_id != 0 && !path.is_local()),
        aggregator_as: attributes.aggregator.map(|aggregator| aggregator.asn),
        aggregator: attributes.aggregator.map(|aggregator| aggregator.address),
        atomic_aggregate: attributes.atomic_aggregate,
        told_as: engine.path_ids.get(&family).and_then(|ids| ids.get(prefix, path.key())),
        age: engine.tables.of(family).since(path).map_or(0, |since| seconds(since, at.instant)),
    }
}

/// What the import policy made of a path, one phrase for each attribute.
fn changes(path: &Path) -> Vec<String> {
    let (was, is) = (path.received(), path.attributes());
    if std::sync::Arc::ptr_eq(was, is) {
        return Vec::new();
    }
    let number = |value: Option<u32>| value.map_or_else(String::new, |value| value.to_string());
    let list = |values: Vec<String>| values.join(" ");
    let standard = |values: &[u32]| list(values.iter().map(|value| Community(*value).to_string()).collect());
    let extended =
        |values: &[[u8; 8]]| list(values.iter().map(|value| ExtendedCommunity(*value).to_string()).collect());
    let large = |values: &[LargeCommunity]| list(values.iter().map(ToString::to_string).collect());
    let pairs = [
        ("origin", table_view::origin(was.origin).to_string(), table_view::origin(is.origin).to_string()),
        ("AS path", was.as_path.to_string(), is.as_path.to_string()),
        ("next hop", was.next_hop.address.to_string(), is.next_hop.address.to_string()),
        ("metric", number(was.med), number(is.med)),
        ("local preference", number(was.local_pref), number(is.local_pref)),
        ("communities", standard(&was.communities), standard(&is.communities)),
        ("extended communities", extended(&was.extended_communities), extended(&is.extended_communities)),
        ("large communities", large(&was.large_communities), large(&is.large_communities)),
    ];
    let changed = pairs.into_iter().filter(|(_, was, is)| was != is).map(|(name, was, is)| match (&*was, &*is) {
        ("", _) => format!("{name} {is}, received without"),
        (_, "") => format!("no {name}, received with {was}"),
        _ => format!("{name} {is}, received with {was}"),
    });
    changed.collect()
}

fn source(engine: &Engine, family: Family, prefix: Prefix, path: &Path) -> PathSource {
    let peer = engine.tables.of(family).peer(path.peer()).filter(|_| !path.is_local());
    match peer {
        Some(info) => PathSource::Neighbor {
            address: info.address,
            router_id: info.router_id,
            asn: engine
                .peers
                .get(path.peer())
                .and_then(|peer| table_view::remote_as(engine.running.model.bgp.as_deref()?, peer))
                .unwrap_or(nouns::Asn(0)),
            internal: info.internal,
            confederation: engine.peers.get(path.peer()).is_some_and(|peer| {
                engine.running.model.bgp.as_deref().is_some_and(|bgp| bgp.is_member(peer.settings.remote_as))
            }),
            client: engine.peers.get(path.peer()).is_some_and(|peer| peer.settings.reflector_client.contains(&family)),
        },
        None => {
            let network = engine.running.model.bgp.as_deref().is_some_and(|bgp| bgp.networks.contains_key(&prefix));
            let covered = engine.aggregates.covered(prefix).filter(|_| path.key() == AGGREGATE);
            let by = match (covered, engine.rib.selected(prefix).map(|route| route.protocol)) {
                (Some(covered), _) => format!("aggregate-address, covers {covered}"),
                (None, Some(protocol)) if !network => format!("redistribute {protocol}"),
                (None, _) => "network".to_owned(),
            };
            PathSource::Local { by }
        }
    }
}

fn resolution(engine: &Engine, family: Family, path: &Path) -> Resolution {
    if path.is_local() {
        return Resolution::Local;
    }
    let (address, link) = engine.tables.of(family).gateway(path);
    match engine.next_hops.resolve_via(address, link) {
        nexthop::Resolution::Resolved { legs, via, protocol, metric } => Resolution::Reachable {
            via: route::gateway(legs, engine)
                .into_iter()
                .map(|(gateway, interface)| ResolvedLeg { gateway, interface })
                .collect(),
            through: (*protocol != Protocol::Connected).then_some(*via),
            metric: *metric,
        },
        nexthop::Resolution::Unresolved(why) => Resolution::Unreachable { reason: why.to_string() },
    }
}

/// What the kernel has of a prefix, for which BGP found a path or not.
fn kernel(engine: &Engine, prefix: Prefix, decided: bool) -> KernelState {
    let legs = engine.rib.selected(prefix).and_then(|route| route.wanted(&engine.next_hops));
    let next_hops = legs.map_or(0, |legs| u32::try_from(legs.leg_count()).unwrap_or(u32::MAX));
    match engine.fib.state(prefix) {
        FibState::Installed { target } => installed(engine, next_hops, false, target),
        FibState::Adopted { target } => installed(engine, next_hops, true, target),
        FibState::Pending => KernelState::Pending,
        FibState::Refused { errno, reason } => KernelState::Refused { errno, reason },
        FibState::Absent => KernelState::NotWanted {
            reason: match engine.rib.selected(prefix).map(|route| route.protocol) {
                Some(Protocol::Connected | Protocol::Kernel) => "the kernel has a route of its own".to_owned(),
                Some(Protocol::Static | Protocol::Bgp { .. }) => "it is about to be installed".to_owned(),
                None if decided && route::keeps_bgp_out(engine) => route::NO_FIB_INSTALL.to_owned(),
                None => match engine.kept_out(prefix.family(), prefix) {
                    Some(denial) => format!("table-map: {denial}"),
                    None => "no path is usable".to_owned(),
                },
            },
        },
    }
}

fn installed(engine: &Engine, next_hops: u32, adopted: bool, target: FibTarget) -> KernelState {
    let group = match target {
        FibTarget::Group(id) => Some(id),
        FibTarget::Blackhole | FibTarget::Unreachable => None,
    };
    let legs = route::gateway(engine.fib.legs_of(target), engine).into_iter();
    let legs = legs.map(|(gateway, interface)| ResolvedLeg { gateway, interface }).collect();
    KernelState::Installed { next_hops, adopted, group, legs }
}
