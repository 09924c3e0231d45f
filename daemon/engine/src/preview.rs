//! `commit check`: the steps of a commit, and what becomes of neighbors, their prefixes and static routes.
//!
//! Nothing is changed and no route is copied: prefixes are counted in one pass over the tables.

use std::collections::{BTreeMap, BTreeSet};

use api::Reply;
use api::reply::{NeighborChange, NeighborEffect, Plan, Prefixes, RouteChange, RouteEffect};
use config::edit::Candidate;
use config::model::{Model, StaticRoute};
use nouns::{Family, Prefix};
use rib::bgp_table::{Path, PeerId};

use crate::configure::warning_problem;
use crate::engine::Engine;
use crate::peers::Peer;
use crate::plan::{self, PeerChange, PeerFate, PeerName};

impl Engine {
    /// `commit check`: what would happen.
    pub(crate) fn check_candidate(&mut self, candidate: &Candidate) -> Reply {
        match self.prepare(candidate) {
            Ok((_, model, warnings)) => {
                let steps = plan::plan(&self.running.model, &model, &self.world);
                Reply::Checked(Plan {
                    steps: steps.iter().map(ToString::to_string).collect(),
                    neighbors: self.neighbor_changes(&model),
                    routes: route_changes(&self.running.model.static_routes, &model.static_routes),
                    warnings: warnings.iter().map(warning_problem).collect(),
                })
            }
            Err(reply) => *reply,
        }
    }

    fn neighbor_changes(&self, model: &Model) -> Vec<NeighborChange> {
        let ids = (self.router_id, self.choose_router_id(model.bgp.as_deref()));
        let rests = |model: &Model, name: &PeerName| {
            let bgp = model.bgp.as_deref();
            bgp.and_then(|bgp| name.of(bgp)).is_some_and(|neighbor| neighbor.settings.shutdown)
        };
        let changes = plan::peer_changes(&self.running.model, model, ids).into_iter().filter_map(|change| {
            let PeerChange { neighbor, fate } = change;
            let (effect, reason) = match (fate, rests(&self.running.model, &neighbor), rests(model, &neighbor)) {
                (PeerFate::Gone, ..) => (NeighborEffect::Removed, String::new()),
                (PeerFate::New, ..) => (NeighborEffect::New, String::new()),
                (_, false, true) => (NeighborEffect::Shutdown, String::new()),
                (_, true, false) => (NeighborEffect::Started, String::new()),
                (_, true, true) | (PeerFate::Keep, ..) => return None,
                (PeerFate::Refresh(refresh), ..) => (NeighborEffect::Refresh, refresh.reasons.join(", ")),
                (PeerFate::Reset(leaf), ..) => (NeighborEffect::Reset, format!("{leaf} changed")),
            };
            let change = NeighborChange { address: neighbor.to_string(), effect, reason, prefixes: None };
            Some((self.peer_named(&neighbor).map(|peer| peer.id), change))
        });
        let mut changes: Vec<(Option<PeerId>, NeighborChange)> = changes.collect();
        let leaving = self.leaving(&changes);
        for (id, change) in &mut changes {
            change.prefixes = id.and_then(|id| leaving.get(&id)).copied();
        }
        changes.into_iter().map(|(_, change)| change).collect()
    }

    fn peer_named(&self, name: &PeerName) -> Option<&Peer> {
        match name {
            PeerName::Address(address) => self.peers.at(*address),
            PeerName::Interface(name) => self.peers.on(name.as_str()),
        }
    }

    /// The prefixes of each neighbor whose session ends, counted.
    fn leaving(&self, changes: &[(Option<PeerId>, NeighborChange)]) -> BTreeMap<PeerId, Prefixes> {
        let ends =
            |effect| matches!(effect, NeighborEffect::Reset | NeighborEffect::Removed | NeighborEffect::Shutdown);
        let peers = changes.iter().filter(|(_, change)| ends(change.effect));
        let peers = peers.filter_map(|(id, _)| self.peers.get((*id)?));
        let mut leaving: BTreeMap<PeerId, Prefixes> =
            peers.filter(|peer| peer.up_since.is_some()).map(|peer| (peer.id, Prefixes::default())).collect();
        if leaving.is_empty() {
            return leaving;
        }
        let usable = |path: &&Path| path.rejected().is_none();
        for (_, paths) in Family::ALL.into_iter().flat_map(|family| self.tables.of(family).iter()) {
            let stays = paths.iter().filter(usable).any(|path| !leaving.contains_key(&path.peer()));
            for path in paths.iter().filter(usable) {
                if let Some(prefixes) = leaving.get_mut(&path.peer()) {
                    prefixes.leave = prefixes.leave.saturating_add(1);
                    prefixes.elsewhere = prefixes.elsewhere.saturating_add(u64::from(stays));
                }
            }
        }
        leaving
    }
}

fn route_changes(old: &BTreeMap<Prefix, StaticRoute>, new: &BTreeMap<Prefix, StaticRoute>) -> Vec<RouteChange> {
    let all: BTreeSet<&Prefix> = old.keys().chain(new.keys()).collect();
    all.into_iter()
        .filter_map(|prefix| {
            let effect = match (old.get(prefix), new.get(prefix)) {
                (None, _) => RouteEffect::New,
                (Some(_), None) => RouteEffect::Removed,
                (Some(before), Some(after)) if before != after => RouteEffect::Changed,
                (Some(_), Some(_)) => return None,
            };
            Some(RouteChange { prefix: *prefix, effect })
        })
        .collect()
}
