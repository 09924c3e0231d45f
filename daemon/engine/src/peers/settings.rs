//! From the configuration's words to a session's settings, and to the options of its socket.
//!
//! Never keeps state: a session's settings are a function of the model.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bgp::export::{Manner, Mute, Private, Unchanged};
use bgp::role::Role;
use bgp::session::{ExpectedAs, PrefixLimit, RestartRole, SessionConfig};
use config::model::Bgp;
use config::model::bgp::{self as words, ListenRange, PeerFlow, PeerSettings, RemoteAs, RemovePrivate, UpdateSource};
use nouns::{Asn, Family};

use crate::effect::{SocketOptions, Target};

/// The TTL of a session with a directly connected external peer (RFC 4271 §5.1.3, by custom).
const DIRECT_TTL: u8 = 1;
/// What a peer that is protected by GTSM sends and is sent (RFC 5082 §3).
const FULL_TTL: u8 = 255;
/// Seconds after which an attempt to connect is given up, so that the next one can be made.
const CONNECT_TIMEOUT: u16 = 10;

/// The AS that stands in the path behind `local_as`, where the neighbor sees it.
#[must_use]
pub fn shown_as(bgp: &Bgp, settings: &PeerSettings) -> Asn {
    let own = if bgp.is_external(settings.remote_as) { bgp.public_as() } else { bgp.asn };
    settings.local_as.filter(|local| local.replace_as).map_or(own, |local| local.asn)
}

/// The AS that a neighbor sees us as.
#[must_use]
pub fn local_as(bgp: &Bgp, settings: &PeerSettings) -> Asn {
    let own = if bgp.is_external(settings.remote_as) { bgp.public_as() } else { bgp.asn };
    settings.local_as.map_or(own, |local| local.asn)
}

/// What we are to a neighbor, in the words of the session.
#[must_use]
pub fn role(role: words::Role) -> Role {
    match role {
        words::Role::Customer => Role::Customer,
        words::Role::Peer => Role::Peer,
        words::Role::Provider => Role::Provider,
        words::Role::RouteServerClient => Role::RouteServerClient,
        words::Role::RouteServer => Role::RouteServer,
    }
}

/// Whether traffic shall move away from a neighbor (RFC 8326).
#[must_use]
pub fn is_shutting_down(bgp: &Bgp, settings: &PeerSettings) -> bool {
    bgp.graceful_shutdown || settings.graceful_shutdown
}

/// Whether paths of an external neighbor have to begin with its AS.
#[must_use]
pub fn enforces_first_as(bgp: &Bgp, settings: &PeerSettings) -> bool {
    settings.enforce_first_as.unwrap_or(bgp.enforce_first_as)
}

/// How a neighbor is told of paths of a family.
#[must_use]
pub fn manner(bgp: &Bgp, settings: &PeerSettings, family: Family, remote: (Asn, bool)) -> Manner {
    let paths = &settings.policies.of(family).paths;
    let (asn, internal) = remote;
    let unchanged = &paths.unchanged;
    Manner {
        overridden: (paths.as_override && !internal).then_some(asn),
        private: match paths.remove_private {
            None => Private::Stay,
            Some(RemovePrivate::Alone) => Private::GoAlone,
            Some(RemovePrivate::All) => Private::Go,
        },
        unchanged: if paths.route_server_client {
            Unchanged::ALL
        } else {
            Unchanged { as_path: unchanged.as_path, med: unchanged.med, next_hop: unchanged.next_hop }
        },
        server_client: paths.route_server_client,
        nexthop_self_forced: paths.nexthop_self_force,
        mute: Mute { standard: paths.mute.standard, extended: paths.mute.extended, large: paths.mute.large },
        graceful_shutdown: is_shutting_down(bgp, settings),
        role: settings.local_role.filter(|_| !internal).map(|local| role(local.role)),
        tells_loops: !settings.keeps_loops_back,
    }
}

/// The cluster that we are a reflector of (RFC 4456 §7).
#[must_use]
pub fn cluster_id(bgp: &Bgp, router_id: Ipv4Addr) -> Ipv4Addr {
    bgp.cluster_id.unwrap_or(router_id)
}

/// What a member of a range runs with: it dialled in, and nobody knows a reason to dial it.
#[must_use]
pub fn member_settings(listen: &ListenRange) -> PeerSettings {
    PeerSettings { passive: true, ..listen.settings.clone() }
}

/// Whether a neighbor is internal, as far as its configuration tells.
#[must_use]
pub fn is_internal(bgp: &Bgp, settings: &PeerSettings) -> bool {
    match settings.remote_as {
        RemoteAs::Asn(asn) => asn == bgp.asn,
        RemoteAs::Internal => true,
        RemoteAs::External => false,
    }
}

/// What the session of a neighbor runs with.
#[must_use]
pub fn session_config(bgp: &Bgp, settings: &PeerSettings, address: IpAddr, router_id: Ipv4Addr) -> SessionConfig {
    let families = |wanted: fn(&PeerFlow) -> bool| {
        Family::ALL.into_iter().filter(|family| wanted(settings.flows.of(*family))).collect()
    };
    SessionConfig {
        remote_address: address,
        local_as: local_as(bgp, settings),
        confederation: bgp.is_member(settings.remote_as),
        expected_as: match settings.remote_as {
            RemoteAs::Asn(asn) => ExpectedAs::Exactly(asn),
            RemoteAs::Internal => ExpectedAs::Exactly(bgp.asn),
            RemoteAs::External => ExpectedAs::AnyBut(bgp.asn),
        },
        router_id,
        hold_time: settings.hold_time,
        keepalive: settings.keepalive,
        connect_retry: settings.connect_retry,
        passive: settings.passive,
        // Both families are always offered: a Cilium node withholds its routes until it has an End-of-RIB of
        // each family that it configured itself, whatever the router needs.
        families: Family::ALL.to_vec(),
        role: settings.local_role.map(|local| role(local.role)),
        role_strict: settings.local_role.is_some_and(|local| local.strict),
        add_path_send: families(|flow| flow.several.is_some()),
        add_path_receive: families(|flow| !flow.one_path_only),
        filter_send: families(|flow| flow.filter_send),
        filter_receive: families(|flow| flow.filter_receive),
        maximum_prefix: Family::ALL
            .into_iter()
            .filter_map(|family| Some((family, prefix_limit(settings.flows.of(family))?)))
            .collect(),
        graceful_restart: match settings.graceful_restart.unwrap_or(bgp.graceful_restart.role) {
            config::model::bgp::RestartRole::Disable => RestartRole::Disabled,
            config::model::bgp::RestartRole::RestartHelper => RestartRole::Helper,
            config::model::bgp::RestartRole::Enable => RestartRole::Full,
        },
        restart_time: bgp.graceful_restart.restart_time,
        long_lived: bgp.graceful_restart.long_lived,
    }
}

fn prefix_limit(flow: &PeerFlow) -> Option<PrefixLimit> {
    let PeerFlow { maximum_prefix: Some(limit), threshold, warning_only, restart, .. } = *flow else { return None };
    Some(PrefixLimit { limit, threshold: threshold.unwrap_or(100), warning_only, restart })
}

/// The options of a neighbor's socket.
#[must_use]
pub fn socket_options(bgp: &Bgp, settings: &PeerSettings) -> SocketOptions {
    if let Some(hops) = settings.ttl_security_hops {
        return SocketOptions {
            ttl: Some(FULL_TTL),
            minimum_ttl: Some(FULL_TTL.saturating_sub(hops).saturating_add(1)),
        };
    }
    let ttl = match settings.ebgp_multihop {
        Some(ttl) => Some(ttl),
        None if is_internal(bgp, settings) => None,
        None => Some(DIRECT_TTL),
    };
    SocketOptions { ttl, minimum_ttl: None }
}

/// Where and how a neighbor is dialled.
#[must_use]
pub fn target(bgp: &Bgp, settings: &PeerSettings, address: IpAddr) -> Target {
    let (source, source_interface) = match &settings.update_source {
        Some(UpdateSource::Address(source)) => (Some(*source), None),
        Some(UpdateSource::Interface(name)) => (None, Some(name.clone())),
        None => (None, None),
    };
    Target {
        remote: SocketAddr::new(address, settings.port),
        source,
        source_interface,
        scope: None,
        options: socket_options(bgp, settings),
        secret: settings.secret(),
        timeout: CONNECT_TIMEOUT,
    }
}
