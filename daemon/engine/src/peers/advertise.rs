//! What the router tells its peers: for each best path that changed, what each of them shall hear.
//!
//! Never chooses a path; the decision did.

use std::net::IpAddr;
use std::sync::Arc;

use bgp::export::{self, ExportTarget, Exportable, Learned, Withheld};
use bgp::policy::{Source, Subject};
use bgp_wire::attribute::{Origin, PathAttributes};
use nouns::{Family, Marks, Prefix};
use rib::bgp_table::{Path, PeerId};

use super::settings;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Moment;

/// How many octets of UPDATEs are made for one peer at a time, so that none waits for another.
const BURST: usize = 1 << 20;

impl Engine {
    /// Says everything of a family to a peer again, although it heard it before: ROUTE-REFRESH asks for it.
    pub(crate) fn advertise_again(&mut self, id: PeerId, family: Family) {
        if let Some(out) = self.peers.get_mut(id).and_then(|peer| peer.out.get_mut(&family)) {
            out.refresh();
        }
        self.reviews.offer(family, id);
    }

    /// Offers changed prefixes to every peer that is up.
    pub(crate) fn offer_all(&mut self, family: Family, prefixes: &[Prefix]) {
        if prefixes.is_empty() {
            return;
        }
        for id in self.peers.ids() {
            if let Some(target) = self.export_target(id, family) {
                for prefix in prefixes {
                    self.offer(id, family, *prefix, &target);
                }
            }
        }
    }

    /// Sends what has gathered, then the End-of-RIB markers that are due.
    pub(crate) fn send_updates(&mut self, at: Moment, out: &mut Vec<Effect>) {
        for id in self.peers.ids() {
            let mut outputs = Vec::new();
            // What a peer that does not read is to hear gathers by prefix, where it does not grow without end.
            let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.waiting <= BURST) else { continue };
            let Some(negotiated) = peer.session.negotiated().map(|negotiated| negotiated.codec.clone()) else {
                continue;
            };
            for (family, queue) in &mut peer.out {
                let (bytes, messages) = queue.drain(*family, &negotiated, BURST);
                if messages > 0 {
                    peer.session.send_updates(at.instant, bytes, messages, &mut outputs);
                }
                let told = queue.is_drained() && !self.reviews.owes(*family, id);
                if told && peer.owed_end_of_rib.remove(family) {
                    peer.session.send_end_of_rib(at.instant, *family, &mut outputs);
                }
            }
            self.perform(at, id, outputs, out);
        }
    }

    /// Whether some peer that listens still has something to be told.
    pub(crate) fn has_unsent(&self) -> bool {
        let mut listening = self.peers.iter().filter(|peer| peer.waiting <= BURST);
        listening.any(|peer| peer.out.values().any(|queue| !queue.is_drained()))
    }

    pub(crate) fn offer(&mut self, id: PeerId, family: Family, prefix: Prefix, target: &ExportTarget) {
        let attributes = Self::default_for(prefix, target).or_else(|| {
            let path = self.best_path(family, prefix)?;
            self.exported(path, family, prefix, id, target)?.ok()
        });
        if let Some(queue) = self.peers.get_mut(id).and_then(|peer| peer.out.get_mut(&family)) {
            queue.update(prefix, attributes.map(Arc::new));
        }
    }

    /// The best path of a prefix.
    pub(crate) fn best_path(&self, family: Family, prefix: Prefix) -> Option<&Path> {
        self.tables.of(family).best(prefix)
    }

    /// What a peer hears of a path, or why it does not; `None` where the path is the peer's own.
    pub(crate) fn exported(
        &self,
        path: &Path,
        family: Family,
        prefix: Prefix,
        to: PeerId,
        target: &ExportTarget,
    ) -> Option<Result<PathAttributes, Withheld>> {
        if path.peer() == to {
            return None;
        }
        let own = path.is_local();
        let learned = self.learned(path, family)?;
        let interface = if target.policy.looks_at_interface() { self.interface_of(path, prefix) } else { None };
        let subject = Subject {
            prefix,
            source: if own { self.own_source(prefix) } else { Source::Bgp },
            peer: self.tables.of(family).peer(path.peer()).filter(|_| !own).map(|peer| peer.address),
            interface: interface.as_ref(),
        };
        let route = Exportable { attributes: path.attributes(), learned, subject, marks: path.marks() };
        Some(export::export(&route, target))
    }

    /// Where a path was learned.
    fn learned(&self, path: &Path, family: Family) -> Option<Learned> {
        if path.is_local() {
            return Some(Learned::Local);
        }
        let from = path.peer();
        let info = self.tables.of(family).peer(from)?;
        if !info.internal {
            return Some(Learned::External);
        }
        let client = self.peers.get(from).is_some_and(|peer| peer.settings.reflector_client.contains(&family));
        Some(Learned::Internal { client, router_id: info.router_id })
    }

    /// The default route that `default-originate` makes for a peer, after its map.
    fn default_for(prefix: Prefix, target: &ExportTarget) -> Option<PathAttributes> {
        let policy = target.default_originate.clone().filter(|_| prefix.is_default())?;
        let attributes = Arc::new(PathAttributes::new(Origin::Igp, prefix.address()));
        let subject = Subject { prefix, source: Source::Bgp, peer: None, interface: None };
        let marks = Marks { weight: Marks::OWN_WEIGHT, ..Marks::default() };
        let route = Exportable { attributes: &attributes, learned: Learned::Local, subject, marks };
        export::export(&route, &ExportTarget { policy, requires_policy: false, ..target.clone() }).ok()
    }

    pub(crate) fn export_target(&self, id: PeerId, family: Family) -> Option<ExportTarget> {
        let bgp = self.running.model.bgp.as_deref()?;
        let peer = self.peers.get(id)?;
        let negotiated = peer.session.negotiated()?;
        if !negotiated.families.contains(&family) {
            return None;
        }
        let policies = peer.settings.policies.of(family);
        let (filters, default) = (&policies.export, policies.default_originate.as_ref());
        Some(ExportTarget {
            internal: negotiated.internal,
            client: peer.settings.reflector_client.contains(&family),
            client_to_client: bgp.client_to_client,
            cluster_id: settings::cluster_id(bgp, self.router_id()),
            local_as: settings::local_as(bgp, &peer.settings),
            router_as: bgp.asn,
            remote_as: negotiated.remote_as,
            next_hop: self.own_next_hop(peer.local.map(|local| local.ip())?, family)?,
            nexthop_self: peer.settings.nexthop_self.contains(&family),
            default_local_pref: bgp.default_local_pref,
            requires_policy: bgp.ebgp_requires_policy && !negotiated.internal && filters.is_empty(),
            policy: self.policies.chain(family, filters),
            default_originate: default.map(|originate| self.policies.through(originate.route_map.as_ref())),
        })
    }

    /// The address of ours that a peer can send a family's packets to.
    fn own_next_hop(&self, local: IpAddr, family: Family) -> Option<IpAddr> {
        let local = local.to_canonical();
        if Family::of(local) == family {
            return Some(local);
        }
        // The session runs over the other family: the link that it runs over has an address of this one, or
        // none, and then an IPv4 route goes with the IPv6 address itself (RFC 8950).
        let link = self.world.addresses().find(|there| there.address.address() == local)?.ifindex;
        let mut on_link =
            self.world.addresses().filter(|there| there.ifindex == link).map(|there| there.address.address());
        let same_family = on_link.find(|address| {
            Family::of(*address) == family && !matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
        });
        same_family.or((family == Family::Ipv4Unicast).then_some(local))
    }
}
