//! What a peer says of routes goes into the tables: judged, counted, kept.
//!
//! Never chooses between routes.

use std::sync::Arc;

use bgp::import::{self, ImportRules, Reject};
use bgp::session::Input;
use bgp_wire::attribute::PathAttributes;
use bgp_wire::message::{Nlri, Update};
use nouns::{Family, Prefix};
use rib::attribute_sets::AttributeSets;
use rib::bgp_table::{Inserted, PathKey, PeerId};

use super::settings;
use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::Moment;

impl Engine {
    /// Takes in an UPDATE.
    pub(crate) fn learn(&mut self, at: Moment, id: PeerId, update: Update, out: &mut Vec<Effect>) {
        self.tell_errors(at, id, &update, out);
        for unreach in &update.unreach {
            for nlri in &unreach.nlri {
                self.tables.of_mut(unreach.family).withdraw(nlri.prefix, key(id, *nlri));
            }
        }
        if let Some(rules) = self.import_rules(id) {
            for reach in &update.reach {
                let received = self.attribute_sets.intern(Arc::clone(&reach.attributes));
                let (inserted, reject) = judge(&received, &rules, &mut self.attribute_sets);
                if reject.is_some_and(Reject::is_as_loop)
                    && let Some(peer) = self.peers.get_mut(id)
                {
                    peer.session.count_as_loops(u64::try_from(reach.nlri.len()).unwrap_or(u64::MAX));
                }
                let table = self.tables.of_mut(reach.family);
                for nlri in &reach.nlri {
                    table.insert(nlri.prefix, key(id, *nlri), inserted.clone(), at.instant);
                }
            }
        }
        if let Some(family) = update.end_of_rib {
            self.end_of_rib(id, family);
        }
        for family in update.reach.iter().map(|reach| reach.family).collect::<std::collections::BTreeSet<_>>() {
            let count = u32::try_from(self.tables.of(family).received_count(id)).unwrap_or(u32::MAX);
            self.drive(at, id, Input::PrefixCount(family, count), out);
        }
    }

    /// Judges what a peer sent of a family again, after the rules changed.
    pub(crate) fn judge_again(&mut self, at: Moment, id: PeerId, family: Family) {
        let Some(rules) = self.import_rules(id) else { return };
        let received: Vec<(Prefix, PathKey, Arc<PathAttributes>)> = self
            .tables
            .of(family)
            .iter()
            .flat_map(|(prefix, paths)| paths.iter().map(move |path| (prefix, path)))
            .filter(|(_, path)| path.key.peer == id)
            .map(|(prefix, path)| (prefix, path.key, Arc::clone(&path.received)))
            .collect();
        for (prefix, key, attributes) in received {
            let (inserted, _) = judge(&attributes, &rules, &mut self.attribute_sets);
            self.tables.of_mut(family).insert(prefix, key, inserted, at.instant);
        }
    }

    /// Drops every route of a peer in a family.
    pub(crate) fn drop_routes(&mut self, id: PeerId, family: Family) {
        self.tables.of_mut(family).drop_peer(id);
        if let Some(peer) = self.peers.get_mut(id) {
            peer.stale_until.remove(&family);
        }
    }

    /// Drops the routes of a peer that are still stale.
    pub(crate) fn drop_stale(&mut self, id: PeerId, family: Family) {
        self.tables.of_mut(family).sweep_stale(id);
        if let Some(peer) = self.peers.get_mut(id) {
            peer.stale_until.remove(&family);
        }
    }

    fn end_of_rib(&mut self, id: PeerId, family: Family) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.seen_end_of_rib.insert(family);
        }
        self.drop_stale(id, family);
    }

    fn import_rules(&self, id: PeerId) -> Option<ImportRules> {
        let bgp = self.running.model.bgp.as_ref()?;
        let peer = self.peers.get(id)?;
        let negotiated = peer.session.negotiated()?;
        Some(ImportRules {
            router_as: bgp.asn,
            local_as: settings::local_as(bgp, &peer.settings),
            prepend_local_as: peer.settings.local_as.is_some_and(|local| !local.no_prepend),
            remote_as: negotiated.remote_as,
            router_id: self.router_id(),
            internal: negotiated.internal,
            default_local_pref: bgp.default_local_pref,
            requires_policy: bgp.ebgp_requires_policy && !negotiated.internal,
        })
    }

    fn tell_errors(&mut self, at: Moment, id: PeerId, update: &Update, out: &mut Vec<Effect>) {
        let Some(address) = self.peers.get(id).map(|peer| peer.address) else { return };
        for error in &update.errors {
            self.notice(at, Notice::warning(format!("neighbor {address}: {error}")), out);
        }
    }
}

fn key(peer: PeerId, nlri: Nlri) -> PathKey {
    PathKey { peer, path_id: nlri.path_id }
}

/// One judgement serves every destination of an UPDATE.
fn judge(received: &Arc<PathAttributes>, rules: &ImportRules, sets: &mut AttributeSets) -> (Inserted, Option<Reject>) {
    let received = Arc::clone(received);
    match import::check(&received, rules) {
        Ok(attributes) => (Inserted { attributes: sets.intern(attributes), received, rejected: None }, None),
        Err(reject) => {
            let rejected = Some(reject.to_string().into());
            (Inserted { attributes: Arc::clone(&received), received, rejected }, Some(reject))
        }
    }
}
