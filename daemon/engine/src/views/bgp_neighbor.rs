//! `show ip bgp neighbors [A]`.
//!
//! Never counts: sessions and tables did.

use std::net::IpAddr;

use api::text::count;
use api::view::bgp_neighbor::{
    BgpNeighbor, BgpNeighbors, LastReset, MessageCounters, NeighborFamily, NeighborFilters, NeighborRestart,
    NeighborRoles, NeighborTimers, ResetNotification, RestartFamily, RouteTroubles, SentReceived, UpdateGroup,
};
use api::{ApiError, View};
use bgp::session::RestartRole;
use config::model::Bgp;
use config::model::bgp::{Conditional, RemovePrivate, UpdateSource};
use config::model::policy::Filters;
use nouns::{Family, IfName};

use super::{bgp as table_view, configured, number, seconds};
use crate::engine::Engine;
use crate::event::Moment;
use crate::peers::{Peer, settings};

pub(crate) fn neighbors(
    engine: &Engine,
    at: Moment,
    family: Option<Family>,
    (address, interface): (Option<IpAddr>, Option<&IfName>),
) -> Result<View, ApiError> {
    let bgp = configured(engine)?;
    let peers: Vec<&Peer> = match (address, interface) {
        (Some(address), _) => vec![table_view::neighbor(engine, address)?],
        (None, Some(name)) => vec![engine.peers.on(name.as_str()).ok_or_else(|| {
            ApiError::new("no-neighbor", format!("no BGP neighbor is named by the interface {name}"))
                .hint("'show ip bgp summary' lists the neighbors")
        })?],
        (None, None) => engine.peers.iter().collect(),
    };
    let neighbors = peers.into_iter().map(|peer| one(engine, bgp, at, peer, family)).collect();
    Ok(View::BgpNeighbors(BgpNeighbors { neighbors }))
}

fn one(engine: &Engine, bgp: &Bgp, at: Moment, peer: &Peer, only: Option<Family>) -> BgpNeighbor {
    let counters = peer.session.counters();
    let negotiated = peer.session.negotiated();
    BgpNeighbor {
        address: peer.address,
        interface: peer.interface.clone(),
        remote_as: table_view::remote_as(bgp, peer),
        local_as: settings::local_as(bgp, &peer.settings),
        internal: negotiated.map_or_else(|| settings::is_internal(bgp, &peer.settings), |up| up.internal),
        confederation: bgp.is_member(peer.settings.remote_as),
        roles: roles(peer),
        graceful_shutdown: settings::is_shutting_down(bgp, &peer.settings),
        dynamic: peer.dynamic.is_some(),
        advertisement_interval: Some(peer.settings.advertisement_interval).filter(|seconds| *seconds > 0),
        description: peer.settings.description.clone(),
        host_name: negotiated.and_then(|up| up.hostname.clone()),
        software: negotiated.and_then(|up| up.software.clone()),
        peer_group: peer.group.clone(),
        remote_router_id: negotiated.map(|up| up.remote_router_id),
        local_router_id: engine.router_id,
        state: table_view::state(peer),
        up_down: table_view::up_down(peer, at),
        obstacle: obstacle(peer),
        last_read: peer.session.last_read().map(|when| seconds(when, at.instant)),
        last_write: peer.session.last_written().map(|when| seconds(when, at.instant)),
        timers: timers(at, peer),
        capabilities: negotiated.map(|up| up.capabilities.clone()).unwrap_or_default(),
        graceful_restart: restart(engine, at, peer),
        messages: messages(engine, peer),
        troubles: RouteTroubles {
            as_path_loops: counters.as_loops,
            reflection_loops: counters.reflection_loops,
            treated_as_withdrawn: counters.treated_as_withdraw,
            attributes_discarded: counters.attributes_discarded,
            malformed_updates: counters.malformed_updates,
            fatal_updates: counters.fatal_updates,
            announced: counters.announced,
            withdrawn: counters.withdrawn,
        },
        families: Family::ALL
            .into_iter()
            .filter(|family| only.is_none_or(|only| only == *family))
            .map(|family| of_family(engine, bgp, peer, family))
            .collect(),
        connections_established: counters.established,
        connections_dropped: counters.dropped,
        last_reset: last_reset(at, peer),
        hops: hops(bgp, peer),
        bfd: super::bfd::of_neighbor(engine, at, peer),
        liveness: super::bfd::liveness_of(engine, at, peer),
        passive: peer.settings.passive,
        password: peer.settings.password.is_some(),
        key_chain: peer.settings.key_chain.as_ref().map(|chain| chain.name.clone()),
        update_source: peer.settings.update_source.as_ref().map(|source| match source {
            UpdateSource::Address(address) => address.to_string(),
            UpdateSource::Interface(name) => name.to_string(),
        }),
        local_end: peer.local.filter(|_| negotiated.is_some()),
        remote_end: peer.remote.filter(|_| negotiated.is_some()),
    }
}

fn roles(peer: &Peer) -> Option<NeighborRoles> {
    let local = peer.settings.local_role.map(|local| settings::role(local.role).to_string());
    let remote = peer.session.negotiated().and_then(|up| up.remote_role).map(|role| role.to_string());
    (local.is_some() || remote.is_some()).then_some(NeighborRoles { local, remote })
}

/// The words that shape paths, as the operator reads them.
fn paths(peer: &Peer, family: Family) -> Vec<String> {
    let rules = &peer.settings.policies.of(family).paths;
    let list = |words: &[(&str, bool)]| {
        words.iter().filter(|(_, set)| *set).map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
    };
    let unchanged = &rules.unchanged;
    let unchanged = list(&[("AS path", unchanged.as_path), ("MED", unchanged.med), ("next hop", unchanged.next_hop)]);
    let mute =
        list(&[("standard", rules.mute.standard), ("extended", rules.mute.extended), ("large", rules.mute.large)]);
    let told = [
        rules.route_server_client.then(|| "Route-Server Client: paths are passed on as they came".to_owned()),
        rules.allowas_in.map(|count| format!("Paths may hold our own AS {count} times")),
        rules.as_override.then(|| "Our AS stands in the place of its own in what it hears".to_owned()),
        rules.remove_private.map(|remove| match remove {
            RemovePrivate::Alone => "Paths of private AS numbers alone are announced without them".to_owned(),
            RemovePrivate::All => "Private AS numbers are left out of what it hears".to_owned(),
        }),
        (!unchanged.is_empty()).then(|| format!("Stays as it came: {unchanged}")),
        (!mute.is_empty()).then(|| format!("Communities that it does not hear: {mute}")),
        rules.nexthop_self_force.then(|| "NEXT_HOP of reflected routes is this router, too".to_owned()),
        (!peer.settings.keeps_loops_back).then(|| "Hears of paths that hold its own AS".to_owned()),
    ];
    told.into_iter().flatten().collect()
}

fn obstacle(peer: &Peer) -> Option<String> {
    if peer.session.negotiated().is_some() || peer.settings.shutdown {
        return None;
    }
    let down = peer.session.last_down();
    let failed = peer.session.failed_call().filter(|(when, _)| down.is_none_or(|(down, _)| down < *when));
    match failed {
        Some((_, why)) => Some(format!("The last call failed: {why}")),
        None => down.map(|(_, why)| why.to_owned()),
    }
}

fn last_reset(at: Moment, peer: &Peer) -> Option<LastReset> {
    let (when, reason) = peer.session.last_down()?;
    let notification = peer.session.last_farewell().map(|farewell| ResetNotification {
        sent: farewell.sent,
        code: farewell.notification.code,
        subcode: farewell.notification.subcode,
        name: farewell.notification.name(),
        text: farewell.notification.text(),
    });
    Some(LastReset { ago: seconds(when, at.instant), reason: reason.to_owned(), notification })
}

fn timers(at: Moment, peer: &Peer) -> NeighborTimers {
    let negotiated = peer.session.negotiated();
    let next = peer.session.deadline().filter(|_| negotiated.is_none() && !peer.settings.shutdown);
    NeighborTimers {
        hold_time: negotiated.map_or(peer.settings.hold_time, |up| up.hold_time.unwrap_or(0)),
        keepalive: negotiated.map_or(peer.settings.keepalive, |up| up.keepalive.unwrap_or(0)),
        configured_hold_time: peer.settings.hold_time,
        configured_keepalive: peer.settings.keepalive,
        connect_retry: peer.settings.connect_retry,
        next_attempt: next.map(|due| seconds(at.instant, due)),
    }
}

fn restart(engine: &Engine, at: Moment, peer: &Peer) -> Option<NeighborRestart> {
    let stale_for = peer.stale_until.values().max().map(|until| seconds(at.instant, *until));
    let negotiated = peer.session.negotiated();
    let capability = negotiated.and_then(|up| up.graceful_restart.as_ref());
    if capability.is_none() && stale_for.is_none() {
        return None;
    }
    let config = peer.session.config();
    let families = capability.map_or(&[][..], |restart| &restart.families);
    Some(NeighborRestart {
        restarting: capability.is_none_or(|restart| restart.restarting),
        notification: capability.is_some_and(|restart| restart.notification),
        restart_time: capability.map_or(0, |restart| restart.restart_time),
        families: families
            .iter()
            .map(|(family, kept)| RestartFamily { family: *family, forwarding_preserved: *kept })
            .collect(),
        asked: if config.graceful_restart == RestartRole::Full { config.restart_time } else { 0 },
        held_back: negotiated.is_some_and(|up| engine.recovery.holds_back(config.graceful_restart, up).is_some()),
        stale_for,
    })
}

fn messages(engine: &Engine, peer: &Peer) -> MessageCounters {
    let pending = |family: Family| engine.groups.of(peer.id, family).map_or(0, |group| group.out.pending());
    let counters = peer.session.counters();
    let [opens, notifications, updates, keepalives, route_refreshes] = counters.sent;
    let [opens_in, notifications_in, updates_in, keepalives_in, route_refreshes_in] = counters.received;
    let pair = |sent, received| SentReceived { sent, received };
    MessageCounters {
        opens: pair(opens, opens_in),
        notifications: pair(notifications, notifications_in),
        updates: pair(updates, updates_in),
        keepalives: pair(keepalives, keepalives_in),
        route_refreshes: pair(route_refreshes, route_refreshes_in),
        in_queue: 0,
        out_queue: number(Family::ALL.map(pending).into_iter().sum()),
        unwritten_octets: number(peer.waiting),
    }
}

fn of_family(engine: &Engine, bgp: &Bgp, peer: &Peer, family: Family) -> NeighborFamily {
    let table = engine.tables.of(family);
    let negotiated = peer.session.negotiated().is_some_and(|up| up.families.contains(&family));
    let flow = peer.settings.flows.of(family);
    let (received, accepted) = (table.received_count(peer.id), table.accepted_count(peer.id));
    let policies = peer.settings.policies.of(family);
    NeighborFamily {
        family,
        negotiated,
        received: number(received),
        accepted: number(accepted),
        rejected: number(received.saturating_sub(accepted)),
        sent: number(engine.groups.count_known_by(peer.id, family)),
        wanted: peer.wanted.get(&family).map(|wanted| number(wanted.len())),
        maximum_prefix: flow.maximum_prefix,
        maximum_prefix_threshold: flow.threshold.filter(|_| flow.maximum_prefix.is_some()),
        maximum_prefix_warning_only: flow.warning_only,
        maximum_prefix_restart: flow.restart,
        maximum_prefix_out: flow.maximum_prefix_out,
        left_out: flow
            .maximum_prefix_out
            .map(|_| number(engine.groups.of(peer.id, family).map_or(0, |group| group.out.left_out()))),
        update_group: engine
            .groups
            .numbered(peer.id, family)
            .map(|(number, group)| UpdateGroup { number, members: self::number(group.members.len()) }),
        import: filters(&policies.import),
        export: filters(&policies.export),
        default_originate: policies.default_originate.is_some(),
        weight: policies.weight,
        condition: peer.settings.policies.of(family).conditional.as_ref().map(|wish| condition(engine, family, wish)),
        nexthop_self: peer.settings.nexthop_self.contains(&family),
        paths: paths(peer, family),
        route_reflector_client: peer.settings.reflector_client.contains(&family),
        policy_missing: table_view::policy_missing(bgp, peer, family),
        end_of_rib_received: peer.seen_end_of_rib.contains(&family),
        end_of_rib_sent: negotiated && engine.groups.is_complete(peer.id, family),
    }
}

fn filters(filters: &Filters) -> NeighborFilters {
    NeighborFilters {
        prefix_list: filters.prefix_list.clone(),
        distribute_list: filters.distribute_list.clone(),
        filter_list: filters.filter_list.clone(),
        route_map: filters.route_map.clone(),
    }
}

fn condition(engine: &Engine, family: Family, wish: &Conditional) -> String {
    let does = if engine.conditions.is_met(family, wish) { "are announced" } else { "are held back" };
    let word = if wish.exist { "exist-map" } else { "non-exist-map" };
    let found = count(number(engine.conditions.found(family, &wish.map)), "route", "routes");
    format!("Routes of advertise-map {} {does}: {word} {} finds {found}", wish.advertise, wish.map)
}

fn hops(bgp: &Bgp, peer: &Peer) -> Option<String> {
    let options = settings::socket_options(bgp, &peer.settings);
    match (options.minimum_ttl, options.ttl) {
        (Some(minimum), _) => Some(format!(
            "External BGP neighbor may be at most {} hops away (TTL security)",
            u16::from(u8::MAX).saturating_sub(u16::from(minimum)).saturating_add(1)
        )),
        (None, Some(1)) => Some("External BGP neighbor is directly connected".to_owned()),
        (None, Some(ttl)) => Some(format!("External BGP neighbor may be up to {ttl} hops away")),
        (None, None) => None,
    }
}
