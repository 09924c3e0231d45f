//! `show ip bgp summary`, and the lines of `show ip bgp`.
//!
//! Never decides: it asks the decision what it did.

use std::net::IpAddr;

use api::view::bgp::{BgpLimit, BgpSummary, BgpSummaryNeighbor, BgpTablePath, Origin, PathStatus, PeerState};
use api::{ApiError, View};
use bgp::session::{IdleReason, StateName};
use bgp_wire::attribute::{Origin as WireOrigin, PathAttributes};
use config::model::Bgp;
use config::model::bgp::RemoteAs;
use nouns::{Asn, Family, Prefix};
use rib::bgp_table::Path;
use rib::decision::decide;
use rib::fib::FibState;

use super::{configured, number, seconds};
use crate::engine::Engine;
use crate::event::Moment;
use crate::limits::MIB;
use crate::peers::{Peer, settings};

pub(crate) fn summaries(engine: &Engine, at: Moment) -> Result<View, ApiError> {
    let bgp = configured(engine)?;
    Ok(View::BgpSummaries(Family::ALL.iter().map(|family| one_summary(engine, bgp, at, *family)).collect()))
}

pub(crate) fn summary(engine: &Engine, at: Moment, family: Family) -> Result<View, ApiError> {
    Ok(View::BgpSummary(one_summary(engine, configured(engine)?, at, family)))
}

fn one_summary(engine: &Engine, bgp: &Bgp, at: Moment, family: Family) -> BgpSummary {
    let (table, variety) = (engine.tables.of(family), engine.attribute_sets.variety());
    BgpSummary {
        family,
        router_id: engine.router_id,
        local_as: bgp.asn,
        table_version: version(engine, family),
        prefixes: number(table.len()),
        paths: number(table.path_count()),
        as_path_entries: number(variety.as_paths),
        community_entries: number(variety.community_lists),
        maximum_paths_ebgp: bgp.maximum_paths_ebgp,
        maximum_paths_ibgp: bgp.maximum_paths_ibgp,
        listen_limit: (!bgp.listen_ranges.is_empty()).then_some(bgp.listen_limit),
        limits: limits(engine, bgp),
        neighbors: engine.peers.iter().map(|peer| row(engine, bgp, at, family, peer)).collect(),
    }
}

fn limits(engine: &Engine, bgp: &Bgp) -> Vec<BgpLimit> {
    let paths = bgp.limits.paths.map(|limit| BgpLimit {
        of: "paths".to_owned(),
        used: Some(number(engine.path_count())),
        limit: u64::from(limit),
    });
    let memory = engine.memory_limit(bgp).map(|limit| BgpLimit {
        of: "MiB of memory".to_owned(),
        used: engine.resident().map(|octets| octets / MIB),
        limit: limit / MIB,
    });
    paths.into_iter().chain(memory).collect()
}

fn row(engine: &Engine, bgp: &Bgp, at: Moment, family: Family, peer: &Peer) -> BgpSummaryNeighbor {
    let table = engine.tables.of(family);
    let counters = peer.session.counters();
    BgpSummaryNeighbor {
        address: peer.address,
        interface: peer.interface.clone(),
        dynamic: peer.dynamic.is_some(),
        remote_as: remote_as(bgp, peer),
        description: peer.settings.description.clone(),
        messages_received: counters.received.iter().sum(),
        messages_sent: counters.sent.iter().sum(),
        table_version: if peer.up_since.is_some() { version(engine, family) } else { 0 },
        in_queue: 0,
        out_queue: number(engine.groups.of(peer.id, family).map_or(0, |group| group.out.pending())),
        up_down: up_down(peer, at),
        state: state(peer),
        family_negotiated: peer.session.negotiated().is_some_and(|negotiated| negotiated.families.contains(&family)),
        policy_missing: policy_missing(bgp, peer, family),
        prefixes_received: number(table.received_count(peer.id)),
        prefixes_accepted: number(table.accepted_count(peer.id)),
        prefixes_sent: number(engine.groups.count_known_by(peer.id, family)),
    }
}

/// The peer's AS as its session or its configuration tells it.
pub(super) fn remote_as(bgp: &Bgp, peer: &Peer) -> Option<Asn> {
    match (peer.session.negotiated(), peer.settings.remote_as) {
        (Some(negotiated), _) => Some(negotiated.remote_as),
        (None, RemoteAs::Asn(asn)) => Some(asn),
        (None, RemoteAs::Internal) => Some(bgp.asn),
        (None, RemoteAs::External) => None,
    }
}

/// RFC 8212: an external session without policy exchanges nothing.
pub(super) fn policy_missing(bgp: &Bgp, peer: &Peer, family: Family) -> bool {
    let internal =
        peer.session.negotiated().map_or_else(|| settings::is_internal(bgp, &peer.settings), |up| up.internal);
    let policies = peer.settings.policies.of(family);
    let member = bgp.is_member(peer.settings.remote_as);
    bgp.ebgp_requires_policy && !internal && !member && policies.import.is_empty() && policies.export.is_empty()
}

/// Seconds since the session came up, or went down.
pub(super) fn up_down(peer: &Peer, at: Moment) -> Option<u64> {
    let since = peer.session.established_since();
    let down = peer.session.last_down().filter(|_| peer.session.counters().established > 0).map(|(when, _)| when);
    since.or(down).map(|since| seconds(since, at.instant))
}

pub(super) fn state(peer: &Peer) -> PeerState {
    match (peer.session.state(), peer.session.idle_reason()) {
        (StateName::Idle, _) if peer.settings.shutdown => PeerState::IdleAdmin,
        (StateName::Idle, Some(IdleReason::PrefixLimit(..))) => PeerState::IdlePrefixCount,
        (StateName::Idle, Some(IdleReason::OutOfResources(_))) => PeerState::IdleLimit,
        (StateName::Idle, _) => PeerState::Idle,
        (StateName::Connect, _) => PeerState::Connect,
        (StateName::Active, _) => PeerState::Active,
        (StateName::OpenSent, _) => PeerState::OpenSent,
        (StateName::OpenConfirm, _) => PeerState::OpenConfirm,
        (StateName::Established, _) => PeerState::Established,
    }
}

pub(super) fn version(engine: &Engine, family: Family) -> u64 {
    engine.table_version.get(&family).copied().unwrap_or(0)
}

pub(super) fn neighbor(engine: &Engine, address: IpAddr) -> Result<&Peer, ApiError> {
    engine.peers.at(address).ok_or_else(|| {
        ApiError::new("no-neighbor", format!("{address} is not a BGP neighbor"))
            .hint("'show ip bgp summary' lists the neighbors")
    })
}

/// The paths of a prefix with their signs: the best first, then those that share the load, then the others.
pub(super) fn order<'a>(
    engine: &Engine,
    family: Family,
    prefix: Prefix,
    paths: &'a [Path],
) -> Vec<(&'a Path, PathStatus)> {
    let table = engine.tables.of(family);
    let decision = engine.rules().and_then(|rules| decide(paths, table, &engine.next_hops, &rules));
    let suppressed = engine.aggregates.suppresses(prefix);
    let failure = matches!(engine.fib.state(prefix), FibState::Refused { .. });
    let mut shown: Vec<(u8, &Path, PathStatus)> = paths
        .iter()
        .enumerate()
        .map(|(index, path)| {
            let best = decision.as_ref().is_some_and(|decision| decision.best == index);
            let multipath = decision.as_ref().is_some_and(|decision| decision.multipath.contains(&index));
            let (next_hop, link) = table.gateway(path);
            let resolved = path.is_local() || engine.next_hops.resolve_via(next_hop, link).is_resolved();
            let status = PathStatus {
                valid: path.rejected().is_none() && resolved,
                best,
                multipath: multipath && !best,
                internal: table.peer(path.peer()).is_some_and(|peer| peer.internal) && !path.is_local(),
                stale: path.stale(),
                damped: path.rejected().is_some() && engine.damping.of(family).is_suppressed((prefix, path.key())),
                filtered: path.rejected().is_some(),
                rib_failure: failure && best,
                suppressed,
            };
            (
                if best {
                    0
                } else if multipath {
                    1
                } else {
                    2
                },
                path,
                status,
            )
        })
        .collect();
    shown.sort_by_key(|(rank, path, _)| (*rank, path.next_hop(), path.key()));
    shown.into_iter().map(|(_, path, status)| (path, status)).collect()
}

pub(super) fn shown(engine: &Engine, family: Family, prefix: Prefix, path: &Path, status: PathStatus) -> BgpTablePath {
    let from = engine.tables.of(family).peer(path.peer()).map(|peer| peer.address).filter(|_| !path.is_local());
    let refused = path.rejected().map(ToString::to_string);
    let validity = engine.validity_of(path, prefix);
    let line = line(path.attributes(), path.key().path_id, status, weight(path), from);
    let local_pref = line.local_pref.or_else(|| (!path.is_local()).then(|| default_local_pref(engine)));
    BgpTablePath { refused, local_pref, validity, ..line }
}

/// LOCAL_PREF of a path that has none.
pub(super) fn default_local_pref(engine: &Engine) -> u32 {
    engine.rules().map_or(100, |rules| rules.default_local_pref)
}

pub(super) fn weight(path: &Path) -> u32 {
    path.marks().weight
}

pub(super) fn line(
    attributes: &PathAttributes,
    path_id: u32,
    status: PathStatus,
    weight: u32,
    from: Option<IpAddr>,
) -> BgpTablePath {
    BgpTablePath {
        path_id: (path_id != 0).then_some(path_id),
        status,
        next_hop: attributes.next_hop.address,
        med: attributes.med,
        local_pref: attributes.local_pref,
        weight,
        as_path: attributes.as_path.to_string(),
        origin: origin(attributes.origin),
        from,
        validity: None,
        refused: None,
    }
}

pub(super) fn origin(origin: WireOrigin) -> Origin {
    match origin {
        WireOrigin::Igp => Origin::Igp,
        WireOrigin::Egp => Origin::Egp,
        WireOrigin::Incomplete => Origin::Incomplete,
    }
}
