//! Steps for `protocols bgp …`, and what they do to each neighbor.
//!
//! Never touches a session: whether one survives a change is judged on settings alone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use bgp::classify::{Change, classify};
use config::model::Bgp;
use config::model::bgp::PeerSettings;
use nouns::Prefix;

use super::Step;
use crate::peers::settings::{is_internal, session_config};

/// What becomes of a neighbor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerFate {
    /// It did not exist before.
    New,
    /// Its session stays untouched.
    Keep,
    /// Its session stays; its routes are judged again.
    Refresh,
    /// Its session is reset, for the change of this leaf.
    Reset(String),
    /// It is taken away.
    Gone,
}

/// A neighbor and its fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerChange {
    /// Which.
    pub neighbor: IpAddr,
    /// What becomes of it.
    pub fate: PeerFate,
}

pub(super) fn plan(old: Option<&Bgp>, new: Option<&Bgp>, steps: &mut Vec<Step>) {
    match (old, new) {
        (None, Some(_)) => steps.push(Step::Listener { open: true }),
        (Some(_), None) => steps.push(Step::Listener { open: false }),
        (None, None) | (Some(_), Some(_)) => {}
    }
    let (before, after) = (passwords(old), passwords(new));
    let remotes: BTreeSet<&Prefix> = before.keys().chain(after.keys()).collect();
    for remote in remotes {
        let (from, to) = (before.get(remote), after.get(remote));
        if from != to {
            steps.push(Step::Password { remote: *remote, from: from.cloned(), to: to.cloned() });
        }
    }
}

fn passwords(bgp: Option<&Bgp>) -> BTreeMap<Prefix, String> {
    let Some(bgp) = bgp else { return BTreeMap::new() };
    let neighbors = bgp.neighbors.iter().map(|(address, neighbor)| (Prefix::host(*address), &neighbor.settings));
    let ranges = bgp.listen_ranges.iter().map(|(range, listen)| (*range, &listen.settings));
    neighbors
        .chain(ranges)
        .filter_map(|(remote, settings)| settings.password.clone().map(|password| (remote, password)))
        .collect()
}

pub(super) fn changes(old: Option<&Bgp>, new: Option<&Bgp>, router_ids: (Ipv4Addr, Ipv4Addr)) -> Vec<PeerChange> {
    let none = BTreeMap::new();
    let before = old.map_or(&none, |bgp| &bgp.neighbors);
    let after = new.map_or(&none, |bgp| &bgp.neighbors);
    let all: BTreeSet<&IpAddr> = before.keys().chain(after.keys()).collect();
    all.into_iter()
        .map(|address| {
            let fate = match (old.zip(before.get(address)), new.zip(after.get(address))) {
                (_, None) => PeerFate::Gone,
                (None, Some(_)) => PeerFate::New,
                (Some((old, was)), Some((new, is))) => {
                    fate((old, &was.settings, router_ids.0), (new, &is.settings, router_ids.1), *address)
                }
            };
            PeerChange { neighbor: *address, fate }
        })
        .collect()
}

/// A model, the settings of one neighbor in it, and the router's identifier.
type Side<'a> = (&'a Bgp, &'a PeerSettings, Ipv4Addr);

pub(crate) fn fate((old, was, old_id): Side<'_>, (new, is, new_id): Side<'_>, address: IpAddr) -> PeerFate {
    if let Some(leaf) = transport_change(was, is) {
        return PeerFate::Reset(leaf.to_owned());
    }
    match classify(&session_config(old, was, address, old_id), &session_config(new, is, address, new_id)) {
        Change::Reset(leaf) => PeerFate::Reset(leaf),
        Change::Keep if import_changed((old, was), (new, is)) => PeerFate::Refresh,
        Change::Keep => PeerFate::Keep,
    }
}

/// What changed of the connection underneath a session, which the session itself does not know.
pub(crate) fn transport_change(was: &PeerSettings, is: &PeerSettings) -> Option<&'static str> {
    let socket = |settings: &PeerSettings| {
        (settings.update_source.clone(), settings.ebgp_multihop, settings.ttl_security_hops, settings.port)
    };
    if was.password != is.password { Some("password") } else { (socket(was) != socket(is)).then_some("transport") }
}

/// Whether routes that were received have to be judged again, or what is sent has to be said anew.
fn import_changed((old, was): (&Bgp, &PeerSettings), (new, is): (&Bgp, &PeerSettings)) -> bool {
    // A policy is asked of external neighbors only.
    (old.ebgp_requires_policy != new.ebgp_requires_policy && !is_internal(new, is))
        || old.default_local_pref != new.default_local_pref
        || was.nexthop_self != is.nexthop_self
}
