//! `show ip route` and `show ip fib`.
//!
//! Never selects: it tells what the tables selected and what the kernel has.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use api::request::RouteFilter;
use api::view::route::{
    Fib, KernelSetting, Protocol as Source, RefusedRoute, Rejection, RouteDetail, RouteEntry, RouteLeg,
    RouteSourceCount, RouteSummary, RouteTarget, Routes,
};
use api::{ApiError, View};
use nouns::{Family, Prefix};
use rib::fib::{FibState, Wanted};
use rib::nexthop::Resolution;
use rib::routes::{Offered, Protocol, Route, RouteNextHop};
use rib::world::Leg;

use super::{number, seconds};
use crate::engine::Engine;
use crate::event::Moment;

/// Why a route of BGP is in no route table.
pub(super) const NO_FIB_INSTALL: &str =
    "'parameters no-fib-install' keeps routes of BGP out of the route table and the kernel";

pub(crate) fn routes(engine: &Engine, at: Moment, family: Family, filter: RouteFilter) -> Result<View, ApiError> {
    let without_bgp = keeps_bgp_out(engine) && matches!(filter, RouteFilter::All | RouteFilter::Protocol(Source::Bgp));
    let found = match filter {
        RouteFilter::All => Ok(listing(engine, at, family, |_, _| true)),
        RouteFilter::Protocol(source) => Ok(listing(engine, at, family, |_, route| same(route.protocol) == source)),
        RouteFilter::Prefix(prefix) => detail(engine, at, prefix.to_string(), Some(prefix), Some(prefix)),
        RouteFilter::Address(address) => {
            let found = engine.rib.longest_match(address).map(|(prefix, _)| prefix);
            let kept_out = engine.tables.of(family).longest_match(address).map(|(prefix, _)| prefix);
            detail(engine, at, address.to_string(), found, kept_out)
        }
        RouteFilter::LongerPrefixes(within) => Ok(listing(engine, at, family, |prefix, _| within.covers(prefix))),
        RouteFilter::SupernetsOnly => Ok(listing(engine, at, family, |prefix, _| is_supernet(prefix))),
        RouteFilter::Summary => Ok(summary(engine, family)),
    };
    found.map(|view| match view {
        View::Routes(routes) => View::Routes(Routes { without_bgp, ..routes }),
        other => other,
    })
}

/// Whether routes of BGP go into no route table.
pub(super) fn keeps_bgp_out(engine: &Engine) -> bool {
    engine.running.model.bgp.as_deref().is_some_and(|bgp| bgp.no_fib_install)
}

/// Shorter than the network of its class, which IPv4 once had and IPv6 never.
fn is_supernet(prefix: Prefix) -> bool {
    match prefix.address() {
        IpAddr::V4(address) => prefix.length() < class_of(address),
        IpAddr::V6(_) => false,
    }
}

/// The length of the network that an address once belonged to by its class.
pub(super) fn class_of(address: Ipv4Addr) -> u8 {
    match address.octets() {
        [0..=127, ..] => 8,
        [128..=191, ..] => 16,
        _ => 24,
    }
}

fn listing(engine: &Engine, at: Moment, family: Family, shown: impl Fn(Prefix, &Route) -> bool) -> View {
    let all = engine.rib.iter().filter(|(prefix, _)| prefix.family() == family);
    let shown = all.filter(|(prefix, offered)| shown(*prefix, offered.route));
    let entries = shown.map(|(prefix, offered)| entry(engine, at, prefix, &offered)).collect();
    View::Routes(Routes { family, routes: entries, without_bgp: false })
}

/// The routes of a prefix; where there are none, the BGP prefix that would have one is `kept_out`.
fn detail(
    engine: &Engine,
    at: Moment,
    asked: String,
    prefix: Option<Prefix>,
    kept_out: Option<Prefix>,
) -> Result<View, ApiError> {
    let routes = prefix
        .into_iter()
        .flat_map(|prefix| engine.rib.routes(prefix).map(move |offered| entry(engine, at, prefix, &offered)));
    let routes: Vec<RouteEntry> = routes.collect();
    if routes.is_empty() {
        let error = ApiError::new("no-route", "% Network not in table");
        let known = |prefix: &Prefix| !engine.tables.of(prefix.family()).paths(*prefix).is_empty();
        return Err(match kept_out.filter(|prefix| keeps_bgp_out(engine) && known(prefix)) {
            Some(prefix) => error.hint(format!("BGP has {prefix}, but {NO_FIB_INSTALL}")),
            None => error,
        });
    }
    Ok(View::RouteDetail(RouteDetail { asked, routes }))
}

fn summary(engine: &Engine, family: Family) -> View {
    let mut counts: std::collections::BTreeMap<Source, (u64, u64)> = std::collections::BTreeMap::new();
    for (prefix, offered) in engine.rib.iter().filter(|(prefix, _)| prefix.family() == family) {
        let (known, installed) = counts.entry(same(offered.route.protocol)).or_default();
        *known = known.saturating_add(1);
        *installed = installed.saturating_add(u64::from(is_installed(engine, prefix, &offered)));
    }
    let sources = counts.into_iter();
    View::RouteSummary(RouteSummary {
        family,
        sources: sources
            .map(|(protocol, (routes, installed))| RouteSourceCount { protocol, routes, installed })
            .collect(),
    })
}

fn entry(engine: &Engine, at: Moment, prefix: Prefix, offered: &Offered<'_>) -> RouteEntry {
    let (route, selected) = (offered.route, offered.selected);
    let state = engine.fib.state(prefix);
    let ours = selected && matches!(route.protocol, Protocol::Static | Protocol::Bgp { .. });
    RouteEntry {
        prefix,
        protocol: same(route.protocol),
        selected,
        installed: is_installed(engine, prefix, offered),
        stale: ours && matches!(state, FibState::Adopted { .. }),
        distance: route.distance,
        metric: route.metric,
        target: target(engine, route),
        age: ours.then(|| seconds(offered.since, at.instant)),
        rejected: match state {
            FibState::Refused { errno, reason } if ours => Some(Rejection { errno, reason }),
            _ => None,
        },
    }
}

fn is_installed(engine: &Engine, prefix: Prefix, offered: &Offered<'_>) -> bool {
    if !offered.selected {
        return false;
    }
    match offered.route.protocol {
        Protocol::Connected | Protocol::Kernel => true,
        Protocol::Static | Protocol::Bgp { .. } => {
            matches!(engine.fib.state(prefix), FibState::Installed { .. } | FibState::Adopted { .. })
        }
    }
}

fn target(engine: &Engine, route: &Route) -> RouteTarget {
    if route.next_hops.contains(&RouteNextHop::Reject) {
        return RouteTarget::Unreachable;
    }
    if route.next_hops.contains(&RouteNextHop::Blackhole) || route.next_hops.is_empty() {
        return RouteTarget::Blackhole;
    }
    let weights: BTreeMap<Leg, u16> = match route.wanted(&engine.next_hops) {
        Some(Wanted::Weighted(ways)) => ways.into_iter().collect(),
        _ => BTreeMap::new(),
    };
    RouteTarget::NextHops(route.next_hops.iter().flat_map(|hop| legs(engine, route, hop, &weights)).collect())
}

fn legs(engine: &Engine, route: &Route, hop: &RouteNextHop, weights: &BTreeMap<Leg, u16>) -> Vec<RouteLeg> {
    let name = |ifindex: u32| engine.world.link(ifindex).map(|link| link.name.clone());
    match *hop {
        RouteNextHop::Blackhole | RouteNextHop::Reject => Vec::new(),
        RouteNextHop::Connected { ifindex } => {
            vec![RouteLeg { gateway: None, interface: name(ifindex), weight: None, inactive: None }]
        }
        RouteNextHop::Gateway { address, interface: Some(ifindex) }
            if matches!(route.protocol, Protocol::Kernel | Protocol::Connected) =>
        {
            vec![RouteLeg { gateway: Some(address), interface: name(ifindex), weight: None, inactive: None }]
        }
        RouteNextHop::Gateway { address, interface } => match engine.next_hops.resolve_via(address, interface) {
            Resolution::Resolved { legs, .. } => legs
                .iter()
                .map(|leg| RouteLeg {
                    gateway: Some(address),
                    interface: name(leg.ifindex),
                    weight: weights.get(leg).copied(),
                    inactive: None,
                })
                .collect(),
            Resolution::Unresolved(why) => {
                vec![RouteLeg {
                    gateway: Some(address),
                    interface: interface.and_then(name),
                    weight: None,
                    inactive: Some(why.to_string()),
                }]
            }
        },
    }
}

fn same(protocol: Protocol) -> Source {
    match protocol {
        Protocol::Connected => Source::Connected,
        Protocol::Kernel => Source::Kernel,
        Protocol::Static => Source::Static,
        Protocol::Bgp { .. } => Source::Bgp,
    }
}

pub(crate) fn fib(engine: &Engine, at: Moment, family: Family) -> View {
    let mut view = Fib {
        family,
        wanted: 0,
        installed: 0,
        pending: 0,
        next_hops: number(engine.fib.counters().next_hops),
        groups: number(engine.fib.counters().groups),
        adopted: 0,
        repaired: engine.truth.counts.repaired,
        lost_routes: engine.truth.counts.lost_routes,
        lost_next_hops: engine.truth.counts.lost_next_hops,
        refusals: engine.truth.counts.refused,
        retries: engine.truth.counts.retries,
        resyncs: engine.truth.counts.resyncs,
        next_retry: engine.truth.deadline().map(|due| seconds(at.instant, due)),
        refused: Vec::new(),
        settings: settings(engine),
    };
    for (prefix, route) in engine.rib.iter_selected().filter(|(prefix, _)| prefix.family() == family) {
        if !matches!(route.protocol, Protocol::Static | Protocol::Bgp { .. }) {
            continue;
        }
        view.wanted = view.wanted.saturating_add(1);
        match engine.fib.state(prefix) {
            FibState::Installed { .. } => view.installed = view.installed.saturating_add(1),
            FibState::Adopted { .. } => view.adopted = view.adopted.saturating_add(1),
            FibState::Pending => view.pending = view.pending.saturating_add(1),
            FibState::Absent => {}
            FibState::Refused { errno, reason } => {
                view.refused.push(RefusedRoute { prefix, rejection: Rejection { errno, reason } });
            }
        }
    }
    // What should be gone and is not stands in no table any more.
    for (key, errno, reason) in engine.fib.refused_removals().filter(|(key, ..)| key.prefix.family() == family) {
        let reason = format!("it should be gone, {reason}");
        view.refused.push(RefusedRoute { prefix: key.prefix, rejection: Rejection { errno, reason } });
    }
    View::Fib(view)
}

fn settings(engine: &Engine) -> Vec<KernelSetting> {
    let settings = engine.facts.settings.iter().cloned();
    settings.map(|(name, wanted, found, problem)| KernelSetting { name, wanted, found, problem }).collect()
}

/// The name of a link, for views that need one.
pub(super) fn gateway(legs: &[rib::world::Leg], engine: &Engine) -> Vec<(Option<IpAddr>, nouns::IfName)> {
    let named = legs.iter().filter_map(|leg| Some((leg.gateway, engine.world.link(leg.ifindex)?.name.clone())));
    named.collect()
}
