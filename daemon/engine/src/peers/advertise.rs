//! What the router tells its peers: for each best path that changed, what each of them shall hear.
//!
//! Never chooses a path; the decision did.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU8;
use std::sync::Arc;

use bgp::export::{self, ExportTarget, Exportable, Learned, LongLived, Withheld};
use bgp::policy::{Chain, Shares, Source, Subject};
use bgp::session::Output;
use bgp_wire::attribute::{Origin, PathAttributes};
use bgp_wire::message::Nlri;
use nouns::{Family, IfName, Marks, Prefix, Several};
use rib::adj_out::{Exported, Say};
use rib::bgp_table::{Path, PathKey, PeerId};
use rib::path_ids::PathIds;
use rib::prefix_table::Spot;

use super::groups::{Group, GroupId};
use super::telling::Telling;
use super::{Peer, settings};
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Moment;

/// A peer that has no more than this to read yet listens, and is told more.
const LISTENS: usize = 1 << 20;

/// A peer that has so much to read yet does not read as fast as the others of its group.
const BEHIND: usize = 8 << 20;
/// Identifies the default route that is made for a group, where it hears of several paths; no path is ever so called.
const MADE: u32 = u32::MAX;

impl Engine {
    /// Sends what has gathered, then the End-of-RIB markers that are due. Answers whether anything had.
    pub(crate) fn send_updates(&mut self, at: Moment, out: &mut Vec<Effect>) -> bool {
        let mut told = false;
        for id in self.speaking() {
            self.part_with_the_slow(id);
            let mut telling = self.begin_to_tell(&[id]);
            if !telling.is_empty() {
                told = true;
                let due = self.sweep_beside_telling();
                telling.encode_beside(self, &due);
            }
            let encoded = self.end_telling(telling);
            self.send_encoded(at, encoded, out);
            self.send_end_of_rib(at, id, out);
            self.unite(id);
        }
        for (id, family) in self.groups.mute() {
            let Some(peer) = self.peers.get_mut(id) else { continue };
            let role = peer.session.config().graceful_restart;
            if peer.session.negotiated().is_none_or(|negotiated| self.recovery.holds_back(role, negotiated).is_none()) {
                let mut outputs = Vec::new();
                peer.session.send_end_of_rib(at.instant, family, &mut outputs);
                self.perform(at, id, outputs, out);
                self.groups.marked(id, family);
            }
        }
        told
    }

    /// Lets go of sets that no route holds any more, as far as those have paid that let go of them.
    pub(crate) fn sweep_sets(&mut self) {
        let due = self.attribute_sets.take_due();
        due.iter().for_each(|due| self.attribute_sets.sweep_beside(due));
    }

    /// Takes out what all groups are told next, to be encoded beside something else.
    pub(super) fn begin_to_tell_all(&mut self) -> Telling {
        let speaking = self.speaking();
        speaking.iter().for_each(|id| self.part_with_the_slow(*id));
        self.begin_to_tell(&speaking)
    }

    /// The groups that may be told something now.
    fn speaking(&self) -> Vec<GroupId> {
        let speaks = |group: &Group| group.held.is_none() && !group.is_resting();
        self.groups.ids().into_iter().filter(|id| self.groups.get(*id).is_some_and(speaks)).collect()
    }

    /// Whether some peer that listens still has something to be told.
    pub(crate) fn has_unsent(&self) -> bool {
        let may_speak = |group: &&Group| group.held.is_none() && !group.is_resting();
        self.groups.iter().filter(may_speak).any(|group| !group.out.is_drained() && self.listens(group))
    }

    /// Whether some peer of a group has read most of what it was sent. What a peer that does not read is to hear
    /// gathers by prefix, where it does not grow without end.
    pub(super) fn listens(&self, group: &Group) -> bool {
        group.members.keys().any(|member| self.peers.get(*member).is_some_and(|peer| peer.waiting <= LISTENS))
    }

    /// Those who do not read must not make octets gather that the others go on to get.
    fn part_with_the_slow(&mut self, id: GroupId) {
        let Some(group) = self.groups.get(id).filter(|group| !group.out.is_drained()) else { return };
        let behind = |member: &&PeerId| self.peers.get(**member).is_some_and(|peer| peer.waiting > BEHIND);
        let slow: BTreeSet<PeerId> = group.members.keys().filter(behind).copied().collect();
        if !slow.is_empty() {
            self.split_off(id, &slow);
        }
    }

    fn send_end_of_rib(&mut self, at: Moment, id: GroupId, out: &mut Vec<Effect>) {
        let Some(group) = self.groups.get(id).filter(|group| self.has_told_all(id, group)) else { return };
        let family = group.family;
        for member in group.owing.clone() {
            let mut outputs = Vec::new();
            if let Some(peer) = self.peers.get_mut(member) {
                peer.session.send_end_of_rib(at.instant, family, &mut outputs);
            }
            for output in &outputs {
                if let Output::Send(_, octets) = output {
                    self.monitor_sent(at, member, family, octets);
                }
            }
            self.perform(at, member, outputs, out);
        }
        let refreshed = match self.groups.get_mut(id) {
            Some(group) => {
                group.owing.clear();
                std::mem::take(&mut group.refreshing)
            }
            None => return,
        };
        for member in refreshed {
            self.mark_refresh(at, member, family, false, out);
        }
    }

    /// Tells a peer that everything of a family follows once more, or that it was told.
    pub(crate) fn mark_refresh(&mut self, at: Moment, id: PeerId, family: Family, begins: bool, out: &mut Vec<Effect>) {
        let mut outputs = Vec::new();
        if let Some(peer) = self.peers.get_mut(id) {
            peer.session.mark_refresh(at.instant, family, begins, &mut outputs);
        }
        self.perform(at, id, outputs, out);
    }

    /// What a peer hears of a prefix, while that is what its group was told or is about to be told: of each path the
    /// identifier, 0 where it hears of one path only, and the attributes.
    pub(crate) fn advertised(&self, id: PeerId, family: Family, prefix: Prefix) -> Vec<(u32, Arc<PathAttributes>)> {
        let Some(group) = self.groups.of(id, family) else { return Vec::new() };
        let mut exporter = Exporter::new(self, family, &group.target);
        let heard = match group.target.several {
            None => {
                exporter.export(prefix, self.best_path(family, prefix)).map(|heard| (0, heard)).into_iter().collect()
            }
            Some(several) => {
                let ids = self.path_ids.get(&family);
                exporter.several(prefix, several, |prefix, key| ids.and_then(|ids| ids.get(prefix, key)))
            }
        };
        let told = heard.into_iter().filter(|(path_id, _)| group.tells_path(id, Nlri { prefix, path_id: *path_id }));
        told.map(|(path_id, heard)| (path_id, heard.attributes)).collect()
    }

    /// The best path of a prefix.
    pub(crate) fn best_path(&self, family: Family, prefix: Prefix) -> Option<&Path> {
        self.tables.of(family).best(prefix)
    }

    /// What a peer hears of a path that is not its own, or why it does not; `None` where its neighbor is gone.
    pub(crate) fn exported(
        &self,
        path: &Path,
        family: Family,
        prefix: Prefix,
        target: &ExportTarget,
    ) -> Option<Result<PathAttributes, Withheld>> {
        let looks = target.policy.looks_at_interface()
            || target.held_back.as_ref().is_some_and(|held| held.routes.looks_at_interface());
        let interface = if looks { self.interface_of(path, prefix) } else { None };
        let rpki =
            target.policy.asks_the_rpki() || target.held_back.as_ref().is_some_and(|held| held.routes.asks_the_rpki());
        let mut route = self.exportable(path, family, prefix, (interface.as_ref(), rpki))?;
        if target.policy.looks_at_shares() {
            route.subject.shares = self.shares(family, prefix);
        }
        Some(export::export(&route, target))
    }

    /// What the paths that share the load of a prefix have together.
    fn shares(&self, family: Family, prefix: Prefix) -> Option<Shares> {
        let sharing = self.tables.of(family).sharing(prefix, &self.next_hops, &self.rules()?);
        Some(sharing.into_iter().fold(Shares::default(), |all, path| all.and(path.attributes().link_bandwidth())))
    }

    /// Whether a map of a peer's lets a path through.
    fn passes(&self, map: &Chain, path: &Path, family: Family, prefix: Prefix, target: &ExportTarget) -> bool {
        let interface = if map.looks_at_interface() { self.interface_of(path, prefix) } else { None };
        let route = self.exportable(path, family, prefix, (interface.as_ref(), map.asks_the_rpki()));
        route.is_some_and(|route| export::passes(map, &route, target))
    }

    fn exportable<'a>(
        &self,
        path: &'a Path,
        family: Family,
        prefix: Prefix,
        (interface, rpki): (Option<&'a IfName>, bool),
    ) -> Option<Exportable<'a>> {
        let own = path.is_local();
        let subject = Subject {
            prefix,
            source: if own { self.own_source(prefix) } else { Source::Bgp },
            peer: self.tables.of(family).peer(path.peer()).filter(|_| !own).map(|peer| peer.address),
            nowhere: false,
            interface,
            validity: if rpki { self.validity_of(path, prefix) } else { None },
            path_validity: if rpki { self.path_validity_of(path) } else { None },
            shares: None,
        };
        let learned = self.learned(path, family)?;
        let from_server_client = !own && self.is_server_client(path.peer(), family);
        Some(Exportable { attributes: path.attributes(), learned, from_server_client, subject, marks: path.marks() })
    }

    /// Where a path was learned.
    fn learned(&self, path: &Path, family: Family) -> Option<Learned> {
        if path.is_local() {
            return Some(Learned::Local);
        }
        let from = path.peer();
        let info = self.tables.of(family).peer(from)?;
        let bgp = self.running.model.bgp.as_deref();
        let of_member = |peer: &Peer| bgp.is_some_and(|bgp| bgp.is_member(peer.settings.remote_as));
        if !info.internal {
            return Some(Learned::External);
        }
        if self.peers.get(from).is_some_and(of_member) {
            return Some(Learned::Confederation);
        }
        let client = self.peers.get(from).is_some_and(|peer| peer.settings.reflector_client.contains(&family));
        Some(Learned::Internal { client, router_id: info.router_id })
    }

    /// Whether a peer is a client of this route server (RFC 7947).
    fn is_server_client(&self, id: PeerId, family: Family) -> bool {
        self.peers.get(id).is_some_and(|peer| peer.settings.policies.of(family).paths.route_server_client)
    }

    /// The default route that `default-originate` makes for a peer, after its map.
    fn default_for(prefix: Prefix, target: &ExportTarget) -> Option<PathAttributes> {
        let policy = target.default_originate.clone().filter(|_| prefix.is_default())?;
        let attributes = Arc::new(PathAttributes::new(Origin::Igp, prefix.address()));
        let subject = Subject::new(prefix, Source::Bgp);
        let marks = Marks { weight: Marks::OWN_WEIGHT, ..Marks::default() };
        let route =
            Exportable { attributes: &attributes, learned: Learned::Local, from_server_client: false, subject, marks };
        export::export(&route, &ExportTarget { policy, requires_policy: false, ..target.clone() }).ok()
    }

    pub(crate) fn export_target(&self, id: PeerId, family: Family) -> Option<ExportTarget> {
        let bgp = self.running.model.bgp.as_deref()?;
        let peer = self.peers.get(id)?;
        let negotiated = peer.session.negotiated()?;
        if !negotiated.families.contains(&family) {
            return None;
        }
        let member = negotiated.codec.confederation;
        let policies = peer.settings.policies.of(family);
        let (filters, default) = (&policies.export, policies.default_originate.as_ref());
        Some(ExportTarget {
            internal: negotiated.internal,
            confederation: member,
            client: peer.settings.reflector_client.contains(&family),
            client_to_client: bgp.client_to_client,
            cluster_id: settings::cluster_id(bgp, self.router_id()),
            local_as: settings::local_as(bgp, &peer.settings),
            router_as: settings::shown_as(bgp, &peer.settings),
            next_hop: self.own_next_hop(peer, negotiated.codec.extended_next_hop, family)?,
            link_local: self.link_of(peer).and_then(|link| self.world.link_local_of(link)).and_then(as_v6),
            nexthop_self: peer.settings.nexthop_self.contains(&family),
            default_local_pref: bgp.default_local_pref,
            several: self.several(peer, family),
            interval: peer.settings.advertisement_interval,
            at_most: peer.settings.flows.of(family).maximum_prefix_out,
            long_lived: match &negotiated.graceful_restart {
                Some(restart) if restart.long_lived.is_some() => LongLived::All,
                _ if negotiated.internal && bgp.graceful_restart.partial_deployment => LongLived::Last,
                _ => LongLived::Nothing,
            },
            requires_policy: bgp.ebgp_requires_policy && !negotiated.internal && !member && filters.is_empty(),
            manner: settings::manner(bgp, &peer.settings, family, (negotiated.remote_as, negotiated.internal)),
            wanted: peer.wanted.get(&family).and_then(|wanted| wanted.in_force.clone()),
            policy: self.policies.chain(family, filters),
            unsuppress: policies.unsuppress.as_ref().map(|map| self.policies.through(Some(map))),
            held_back: self.held_back(policies.conditional.as_ref(), family),
            default_originate: default.map(|originate| self.policies.through(originate.route_map.as_ref())),
        })
    }

    /// Which paths a peer hears of beside the best one, where its session can tell them apart. A session that is about
    /// to end for a change of that hears of the best one.
    fn several(&self, peer: &Peer, family: Family) -> Option<Several> {
        let tells_apart = peer.session.negotiated()?.codec.add_path_send.contains(&family);
        let best = Several::Best(NonZeroU8::MIN);
        tells_apart.then(|| peer.settings.flows.of(family).several.unwrap_or(best))
    }

    /// The address of ours that a peer can send a family's packets to.
    fn own_next_hop(&self, peer: &Peer, extended: bool, family: Family) -> Option<IpAddr> {
        let local = peer.local?.ip().to_canonical();
        // A peer of an interface has our link-local address beside the global one, if there is any.
        let global = self.link_of(peer).and_then(|link| self.world.address_of_link(link, Family::Ipv6Unicast));
        let over_ipv6 = global.or(Some(local)).filter(|address| address.is_ipv6());
        if family == Family::Ipv4Unicast && extended && over_ipv6.is_some() {
            return over_ipv6;
        }
        if Family::of(local) == family {
            return global.or(Some(local));
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

fn as_v6(address: IpAddr) -> Option<Ipv6Addr> {
    if let IpAddr::V6(v6) = address { Some(v6) } else { None }
}

/// What a group shall know of prefix after prefix, while nothing changes.
pub(super) struct Exporter<'a> {
    engine: &'a Engine,
    family: Family,
    target: &'a ExportTarget,
    /// What the last path became: those with the same attributes come one behind the other.
    last: Option<(Arc<PathAttributes>, PeerId, Marks, Option<Exported>)>,
}

impl<'a> Exporter<'a> {
    pub(super) fn new(engine: &'a Engine, family: Family, target: &'a ExportTarget) -> Self {
        Self { engine, family, target, last: None }
    }

    /// What is undecided is not told: its old best path may be gone, and the new one is not known.
    pub(super) fn say(&mut self, spot: Spot, ids: &mut PathIds) -> Say {
        let (table, prefix) = (self.engine.tables.of(self.family), spot.prefix());
        let Ok(best) = table.settled_best(spot) else { return Say::Later };
        if let (Some(held), Some(best)) = (self.target.held_back.as_ref().filter(|held| !held.known), best)
            && self.engine.passes(&held.routes, best, self.family, prefix, self.target)
        {
            return Say::Later;
        }
        let Some(several) = self.target.several else {
            return self.export(prefix, best).map_or(Say::Nothing, Say::Tell);
        };
        ids.keep(prefix, table.paths(prefix));
        Say::Several(self.several(prefix, several, |prefix, key| Some(ids.name(prefix, key))))
    }

    /// What the group hears of several paths of a prefix, each by the identifier that `name` finds for it.
    fn several(
        &mut self,
        prefix: Prefix,
        which: Several,
        mut name: impl FnMut(Prefix, PathKey) -> Option<u32>,
    ) -> Vec<(u32, Exported)> {
        if Engine::default_for(prefix, self.target).is_some() {
            // What the router makes takes the place of all that it learned.
            return self.export(prefix, None).map(|made| (MADE, made)).into_iter().collect();
        }
        let Some(rules) = self.engine.rules() else { return Vec::new() };
        let table = self.engine.tables.of(self.family);
        let mut told = Vec::new();
        for path in table.several(prefix, &self.engine.next_hops, &rules, which) {
            if let Some(exported) = self.export(prefix, Some(path))
                && let Some(path_id) = name(prefix, path.key())
            {
                told.push((path_id, exported));
            }
        }
        told
    }

    /// What the group hears of a prefix with a best path.
    fn export(&mut self, prefix: Prefix, best: Option<&Path>) -> Option<Exported> {
        let engine = self.engine;
        if let Some(attributes) = Engine::default_for(prefix, self.target) {
            return Some(Exported { attributes: Arc::new(attributes), from: PeerId::LOCAL, own: false, path: None });
        }
        let path = best?;
        if engine.balancer.withholds(prefix) {
            return None;
        }
        let lets_through = |map: &Chain| engine.passes(map, path, self.family, prefix, self.target);
        if engine.aggregates.suppresses(prefix) && !self.target.unsuppress.as_ref().is_some_and(lets_through) {
            return None;
        }
        if let Some((attributes, from, marks, exported)) = &self.last
            && Arc::ptr_eq(attributes, path.attributes())
            && (*from, *marks) == (path.peer(), path.marks())
        {
            return exported.clone();
        }
        let heard = engine.exported(path, self.family, prefix, self.target).and_then(Result::ok);
        let exported = heard.map(|attributes| {
            let from = path.peer();
            let asn = engine.peers.get(from).and_then(|peer| peer.known).map(|(asn, _)| asn);
            let spares = !self.target.internal && self.target.manner.spares_loops();
            let holds_own = spares && asn.is_some_and(|asn| path.attributes().as_path.contains(asn));
            let source = spares.then(|| Arc::clone(path.attributes()));
            Exported { attributes: Arc::new(attributes), from, own: !holds_own, path: source }
        });
        let policy = &self.target.policy;
        let held_back = self.target.held_back.iter().map(|held| &held.routes);
        let maps = std::iter::once(policy).chain(held_back);
        let alike = !path.is_local() && !maps.into_iter().any(|map| map.looks_at_prefix() || map.looks_at_interface());
        self.last = alike.then(|| (Arc::clone(path.attributes()), path.peer(), path.marks(), exported.clone()));
        exported
    }
}
