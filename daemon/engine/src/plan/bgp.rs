//! Steps for `protocols bgp …`, and what they do to each neighbor.
//!
//! Never touches a session: whether one survives a change is judged on settings alone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgp::classify::{Change, classify};
use config::model::bgp::{Neighbor, PathRules, PeerPolicy, PeerSettings, RemovePrivate};
use config::model::key_chain::Secret;
use config::model::policy::{changed, route_map_changed};
use config::model::{Bgp, Model, Policy};
use nouns::{Family, IfName, Prefix};

use super::Step;
use crate::peers::settings::{cluster_id, enforces_first_as, is_internal, is_shutting_down, session_config};

/// What becomes of a neighbor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerFate {
    /// It did not exist before.
    New,
    /// Its session stays untouched.
    Keep,
    /// Its session stays; its routes are judged or offered again, and only those that changed are sent.
    Refresh(Refresh),
    /// Its session is reset, for the change of this leaf.
    Reset(String),
    /// It is taken away.
    Gone,
}

/// What of a neighbor's routes is looked at again, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refresh {
    /// What changed, in words.
    pub reasons: Vec<String>,
    /// Families in which what it said is judged again.
    pub judge: BTreeSet<Family>,
    /// Families in which everything is offered to it again.
    pub offer: BTreeSet<Family>,
}

/// What names a neighbor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeerName {
    /// Its address.
    Address(IpAddr),
    /// The interface that it is found on.
    Interface(IfName),
}

impl PeerName {
    /// Its place in a configuration, where it is there.
    pub(crate) fn of<'b>(&self, bgp: &'b Bgp) -> Option<&'b Neighbor> {
        match self {
            Self::Address(address) => bgp.neighbors.get(address),
            Self::Interface(name) => bgp.interfaces.get(name),
        }
    }

    /// The address that its settings are judged for; any one does for a neighbor of an interface.
    fn address(&self) -> IpAddr {
        match self {
            Self::Address(address) => *address,
            Self::Interface(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        }
    }
}

impl std::fmt::Display for PeerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Interface(name) => name.fmt(f),
        }
    }
}

/// A neighbor and its fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerChange {
    /// Which.
    pub neighbor: PeerName,
    /// What becomes of it.
    pub fate: PeerFate,
}

pub(super) fn plan(old: Option<&Bgp>, new: Option<&Bgp>, steps: &mut Vec<Step>) {
    match (old, new) {
        (None, Some(_)) => steps.push(Step::Listener { open: true }),
        (Some(_), None) => steps.push(Step::Listener { open: false }),
        (None, None) | (Some(_), Some(_)) => {}
    }
    let (before, after) = (secrets(old), secrets(new));
    let remotes: BTreeSet<&Prefix> = before.keys().chain(after.keys()).collect();
    for remote in remotes {
        let (from, to) = (before.get(remote), after.get(remote));
        if from != to {
            steps.push(Step::Secret { remote: *remote, from: from.cloned(), to: to.cloned() });
        }
    }
}

fn secrets(bgp: Option<&Bgp>) -> BTreeMap<Prefix, Secret> {
    let Some(bgp) = bgp else { return BTreeMap::new() };
    let neighbors = bgp.neighbors.iter().map(|(address, neighbor)| (Prefix::host(*address), &neighbor.settings));
    let ranges = bgp.listen_ranges.iter().map(|(range, listen)| (*range, &listen.settings));
    neighbors.chain(ranges).filter_map(|(remote, settings)| Some((remote, settings.secret()?))).collect()
}

pub(super) fn changes(was: &Model, is: &Model, router_ids: (Ipv4Addr, Ipv4Addr)) -> Vec<PeerChange> {
    let (old, new) = (was.bgp.as_ref(), is.bgp.as_ref());
    let new_policy = unless_equal(&was.policy, &is.policy);
    let named = [old, new].into_iter().flatten().flat_map(|bgp| {
        let by_address = bgp.neighbors.keys().map(|address| PeerName::Address(*address));
        by_address.chain(bgp.interfaces.keys().map(|name| PeerName::Interface(name.clone())))
    });
    let all: BTreeSet<PeerName> = named.collect();
    all.into_iter()
        .map(|neighbor| {
            let before = old.and_then(|bgp| Some((bgp, neighbor.of(bgp)?)));
            let after = new.and_then(|bgp| Some((bgp, neighbor.of(bgp)?)));
            let fate = match (before, after) {
                (_, None) => PeerFate::Gone,
                (None, Some(_)) => PeerFate::New,
                (Some((old, before)), Some((new, after))) => {
                    let old =
                        Side { policy: &was.policy, bgp: old, settings: &before.settings, router_id: router_ids.0 };
                    let new = Side { policy: new_policy, bgp: new, settings: &after.settings, router_id: router_ids.1 };
                    fate(old, new, neighbor.address())
                }
            };
            PeerChange { neighbor, fate }
        })
        .collect()
}

/// What one neighbor has to do with in a configuration, and the router's identifier.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) bgp: &'a Bgp,
    pub(crate) settings: &'a PeerSettings,
    pub(crate) router_id: Ipv4Addr,
}

impl<'a> Side<'a> {
    fn paths(self, family: Family) -> &'a PathRules {
        &self.settings.policies.of(family).paths
    }
}

/// The new policy; the old one where both are equal, so that nobody compares them once more for each neighbor.
pub(crate) fn unless_equal<'p>(old: &'p Policy, new: &'p Policy) -> &'p Policy {
    if old == new { old } else { new }
}

pub(crate) fn fate(old: Side<'_>, new: Side<'_>, address: IpAddr) -> PeerFate {
    if let Some(leaf) = transport_change(old.settings, new.settings) {
        return PeerFate::Reset(leaf.to_owned());
    }
    let config = |side: Side<'_>| session_config(side.bgp, side.settings, address, side.router_id);
    match classify(&config(old), &config(new)) {
        Change::Reset(leaf) => PeerFate::Reset(leaf),
        Change::Keep => match refresh(old, new) {
            refresh if refresh.reasons.is_empty() => PeerFate::Keep,
            refresh => PeerFate::Refresh(refresh),
        },
    }
}

/// What changed of the connection underneath a session, which the session itself does not know.
pub(crate) fn transport_change(was: &PeerSettings, is: &PeerSettings) -> Option<&'static str> {
    // How far the neighbor may be is told to the open socket.
    let socket = |settings: &PeerSettings| (settings.update_source.clone(), settings.port);
    if was.password != is.password {
        Some("password")
    } else if was.secret() != is.secret() {
        Some("key-chain")
    } else {
        (socket(was) != socket(is)).then_some("transport")
    }
}

/// What has to be judged or offered again.
fn refresh(old: Side<'_>, new: Side<'_>) -> Refresh {
    let mut refresh = Refresh::default();
    let external = new.bgp.is_external(new.settings.remote_as);
    for family in Family::ALL {
        let (was, is) = (old.settings.policies.of(family), new.settings.policies.of(family));
        // A policy is asked of external neighbors only.
        let strict = external && old.bgp.ebgp_requires_policy != new.bgp.ebgp_requires_policy;
        let strictness = || "parameters ebgp-requires-policy changed".to_owned();
        let default_pref = || "parameters default local-pref changed".to_owned();
        let prefers = old.bgp.default_local_pref != new.bgp.default_local_pref;
        let [cluster, client, between] = reflection(family, old, new);
        let judge = [
            changed(family, (old.policy, &was.import), (new.policy, &is.import), "import"),
            (was.weight != is.weight).then(|| "weight changed".to_owned()),
            (strict && is.import.is_empty()).then(strictness),
            prefers.then(default_pref),
            cluster.clone(),
        ];
        let several = |side: Side<'_>| side.settings.flows.of(family).several;
        let at_most = |side: Side<'_>| side.settings.flows.of(family).maximum_prefix_out;
        let offer = [
            changed(family, (old.policy, &was.export), (new.policy, &is.export), "export"),
            default_originate((old.policy, was), (new.policy, is)),
            map_changed("unsuppress-map", (old.policy, &was.unsuppress), (new.policy, &is.unsuppress)),
            conditional((old.policy, was), (new.policy, is)),
            (strict && is.export.is_empty()).then(strictness),
            prefers.then(default_pref),
            (old.bgp.graceful_restart.partial_deployment != new.bgp.graceful_restart.partial_deployment)
                .then(|| "graceful-restart long-lived partial-deployment changed".to_owned()),
            // That the session may tell several paths at all is asked of the session.
            (several(old) != several(new)).then(|| "addpath-tx changed".to_owned()),
            (at_most(old) != at_most(new)).then(|| "maximum-prefix-out changed".to_owned()),
            cluster,
            client,
            between,
            (old.paths(family).unchanged != new.paths(family).unchanged)
                .then(|| "attribute-unchanged changed".to_owned()),
            (old.paths(family).mute != new.paths(family).mute).then(|| "disable-send-community changed".to_owned()),
        ];
        refresh.note(family, judge, |refresh| &mut refresh.judge);
        refresh.note(family, offer, |refresh| &mut refresh.offer);
        refresh.note(family, paths_in(family, old, new), |refresh| &mut refresh.judge);
        refresh.note(family, paths_out(family, old, new), |refresh| &mut refresh.offer);
    }
    refresh
}

/// A word with what it says on a side.
type Word<T> = (&'static str, fn(Side<'_>, Family) -> T);

/// The words that say something else now.
fn changed_words<T: PartialEq, const N: usize>(
    family: Family,
    (old, new): (Side<'_>, Side<'_>),
    words: [Word<T>; N],
) -> [Option<String>; N] {
    words.map(|(word, read)| (read(old, family) != read(new, family)).then(|| format!("{word} changed")))
}

/// What changed of the way that paths come in.
fn paths_in(family: Family, old: Side<'_>, new: Side<'_>) -> [Option<String>; 7] {
    changed_words(
        family,
        (old, new),
        [
            ("allowas-in", |side, family| side.paths(family).allowas_in.map(u32::from)),
            ("parameters confederation", |side, _| side.bgp.confederation.as_ref().map(|all| all.identifier.0)),
            ("parameters reject-as-sets", |side, _| Some(side.bgp.reject_as_sets.into())),
            ("parameters allow-martian-nexthop", |side, _| Some(side.bgp.allow_martian_nexthop.into())),
            ("enforce-first-as", |side, _| Some(enforces_first_as(side.bgp, side.settings).into())),
            ("graceful-shutdown", |side, _| Some(is_shutting_down(side.bgp, side.settings).into())),
            ("local-as no-prepend", |side, _| side.settings.local_as.map(|local_as| local_as.no_prepend.into())),
        ],
    )
}

/// What changed of the way that paths go out.
fn paths_out(family: Family, old: Side<'_>, new: Side<'_>) -> [Option<String>; 9] {
    changed_words(
        family,
        (old, new),
        [
            ("nexthop-self", |side, family| side.settings.nexthop_self.contains(&family)),
            ("nexthop-self force", |side, family| side.paths(family).nexthop_self_force),
            ("as-override", |side, family| side.paths(family).as_override),
            ("route-server-client", |side, family| side.paths(family).route_server_client),
            ("sender-as-path-loop-detection", |side, _| side.settings.keeps_loops_back),
            ("graceful-shutdown", |side, _| is_shutting_down(side.bgp, side.settings)),
            ("local-as replace-as", |side, _| side.settings.local_as.is_some_and(|local_as| local_as.replace_as)),
            ("remove-private-as", |side, family| side.paths(family).remove_private == Some(RemovePrivate::Alone)),
            ("remove-private-as", |side, family| side.paths(family).remove_private == Some(RemovePrivate::All)),
        ],
    )
}

/// What changed of reflection: the cluster, whether the neighbor is a client, and what clients hear of each other.
fn reflection(family: Family, old: Side<'_>, new: Side<'_>) -> [Option<String>; 3] {
    if !is_internal(new.bgp, new.settings) {
        return [None, None, None];
    }
    let cluster = |side: Side<'_>| cluster_id(side.bgp, side.router_id);
    let client = |side: Side<'_>| side.settings.reflector_client.contains(&family);
    let between = client(new) && old.bgp.client_to_client != new.bgp.client_to_client;
    [
        (cluster(old) != cluster(new)).then(|| "parameters cluster-id changed".to_owned()),
        (client(old) != client(new)).then(|| "route-reflector-client changed".to_owned()),
        between.then(|| "parameters no-client-to-client-reflection changed".to_owned()),
    ]
}

fn default_originate((old, was): (&Policy, &PeerPolicy), (new, is): (&Policy, &PeerPolicy)) -> Option<String> {
    if was.default_originate != is.default_originate {
        return Some("default-originate changed".to_owned());
    }
    route_map_changed(old, new, is.default_originate.as_ref()?.route_map.as_ref()?)
}

fn map_changed(
    word: &str,
    (old, was): (&Policy, &Option<String>),
    (new, is): (&Policy, &Option<String>),
) -> Option<String> {
    if was != is {
        return Some(format!("{word} changed"));
    }
    route_map_changed(old, new, is.as_ref()?)
}

fn conditional((old, was): (&Policy, &PeerPolicy), (new, is): (&Policy, &PeerPolicy)) -> Option<String> {
    if was.conditional != is.conditional {
        return Some("conditionally-advertise changed".to_owned());
    }
    let wish = is.conditional.as_ref()?;
    route_map_changed(old, new, &wish.advertise).or_else(|| route_map_changed(old, new, &wish.map))
}

impl Refresh {
    fn note<const N: usize>(
        &mut self,
        family: Family,
        reasons: [Option<String>; N],
        what: impl Fn(&mut Self) -> &mut BTreeSet<Family>,
    ) {
        for reason in reasons.into_iter().flatten() {
            what(self).insert(family);
            if !self.reasons.contains(&reason) {
                self.reasons.push(reason);
            }
        }
    }
}
