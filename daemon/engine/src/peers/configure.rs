//! From the model to the peers that exist: new ones are added, gone ones stopped, changed ones told.
//!
//! Never resets a session that a change does not concern.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bgp::session::{IdleReason, Input, Session, StopReason};
use config::model::bgp::{ListenRange, PeerSettings};
use config::model::{Bgp, Model, Policy};
use nouns::{Family, IfName, Prefix};
use rib::bgp_table::PeerId;

use super::{Peer, Reach, Wish, settings};
use crate::effect::{Effect, SocketOptions};
use crate::engine::Engine;
use crate::event::Moment;
use crate::plan::{self, PeerFate, Side};

/// The speaker before a change, and the policies before and after it.
type Before<'a> = (&'a Bgp, (&'a Policy, &'a Policy));

impl Engine {
    /// Brings the peers in line with the running model.
    pub(crate) fn configure_peers(&mut self, at: Moment, old: Option<&Model>, out: &mut Vec<Effect>) {
        let new = self.running.model.bgp.clone();
        let policy = Arc::clone(&self.running.model.policy);
        let same_policy = old.is_some_and(|old| old.policy == policy);
        let old = old.and_then(|old| Some((old.bgp.as_deref()?, (&*old.policy, &*policy))));
        let old_id = self.router_id;
        self.router_id = self.choose_router_id(new.as_deref());
        self.imports.clear();
        let ids = (old_id, self.router_id);
        // Nothing that concerns all of them changed, so those that did not change themselves are passed over.
        let same_speaker = ids.0 == ids.1
            && same_policy
            && old.zip(new.as_deref()).is_some_and(|((old, _), new)| old.same_speaker(new));
        let mut clients_changed = BTreeSet::new();
        for id in self.peers.ids() {
            let wish = new.as_ref().zip(self.peers.get(id)).and_then(|(bgp, peer)| wish(bgp, peer));
            match (wish, new.as_ref()) {
                (Some(wish), _) if same_speaker && self.peers.get(id).is_some_and(|peer| peer.is(&wish)) => {}
                (Some(wish), Some(bgp)) => {
                    let was = self.peers.get(id).map(|peer| &peer.settings);
                    clients_changed.extend(was.into_iter().flat_map(|was| client_changes(was, &wish.settings)));
                    self.change_peer(at, id, (old, bgp), wish, ids, out)
                }
                (None, _) | (_, None) => self.remove_peer(at, id, StopReason::PeerDeconfigured, out),
            }
        }
        self.reflect_again(&clients_changed);
        if old.zip(new.as_deref()).is_some_and(|((old, _), new)| old.limits != new.limits) {
            self.limits_changed(at, out);
        }
        for (address, neighbor) in new.iter().flat_map(|bgp| &bgp.neighbors) {
            if self.peers.at(*address).is_none() {
                let place = (*address, None);
                self.add_peer(at, place, neighbor.settings.clone(), neighbor.group.clone(), None, out);
            }
        }
        for (name, neighbor) in new.iter().flat_map(|bgp| &bgp.interfaces) {
            if self.peers.on(name.as_str()).is_none() {
                let place = (IpAddr::V6(Ipv6Addr::UNSPECIFIED), Some(name.clone()));
                self.add_peer(at, place, neighbor.settings.clone(), neighbor.group.clone(), None, out);
            }
        }
        self.look_for_routers(at);
    }

    /// Who is a client, of the reflector or of the route server, decides what all other peers of that kind hear of its
    /// routes.
    fn reflect_again(&mut self, changes: &BTreeSet<(Family, bool)>) {
        for (family, within) in changes {
            for peer in self.peers.iter().filter(|peer| peer.known.is_some_and(|(_, internal)| internal == *within)) {
                self.groups.change(peer.id, *family);
            }
        }
    }

    /// Adds a peer and starts its session unless it is shut down.
    pub(crate) fn add_peer(
        &mut self,
        at: Moment,
        (address, interface): (IpAddr, Option<IfName>),
        peer_settings: PeerSettings,
        group: Option<String>,
        dynamic: Option<Prefix>,
        out: &mut Vec<Effect>,
    ) -> PeerId {
        let id = self.peers.number();
        self.paths.look_again();
        let Some(bgp) = self.running.model.bgp.as_deref() else { return id };
        let config = settings::session_config(bgp, &peer_settings, address, self.router_id);
        let shutdown = peer_settings.shutdown;
        let mut session = Session::new(config, u64::from(id.0));
        session.announce_restart(self.recovery.own_restart(false));
        self.peers.insert(Peer {
            id,
            address,
            interface,
            settings: peer_settings,
            group,
            dynamic,
            session,
            dialing: None,
            waiting: 0,
            reach: Reach::default(),
            seen_end_of_rib: std::collections::BTreeSet::new(),
            deadline: None,
            stale_until: std::collections::BTreeMap::new(),
            stays_on: std::collections::BTreeMap::new(),
            long_lived: std::collections::BTreeSet::new(),
            refreshed_until: std::collections::BTreeMap::new(),
            wanted: std::collections::BTreeMap::new(),
            up_since: None,
            known: None,
            local: None,
            remote: None,
        });
        if !shutdown {
            self.drive(at, id, Input::Start, out);
        }
        id
    }

    /// Stops a peer, drops its routes and forgets it.
    pub(crate) fn remove_peer(&mut self, at: Moment, id: PeerId, reason: StopReason, out: &mut Vec<Effect>) {
        self.paths.look_again();
        self.drive(at, id, Input::Stop(reason), out);
        for family in Family::ALL {
            self.drop_routes(id, family);
        }
        for conn in self.peers.remove(id) {
            out.push(Effect::Close(conn));
        }
        self.forget_flaps_of(id);
        self.forgotten.push(id);
    }

    fn change_peer(
        &mut self,
        at: Moment,
        id: PeerId,
        (old, new): (Option<Before<'_>>, &Bgp),
        wish: Wish,
        router_ids: (Ipv4Addr, Ipv4Addr),
        out: &mut Vec<Effect>,
    ) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let settings_now = wish.settings;
        let before = std::mem::replace(&mut peer.settings, settings_now.clone());
        peer.group = wish.group;
        peer.dynamic = wish.range;
        let address = peer.address;
        let config = settings::session_config(new, &settings_now, address, router_ids.1);
        let transport = old.and_then(|_| plan::transport_change(&before, &settings_now));
        let fate = old.map_or(PeerFate::Keep, |(old, (old_policy, new_policy))| {
            let was = Side { policy: old_policy, bgp: old, settings: &before, router_id: router_ids.0 };
            let is = Side { policy: new_policy, bgp: new, settings: &settings_now, router_id: router_ids.1 };
            plan::fate(was, is, address)
        });
        let mut outputs = Vec::new();
        peer.session.reconfigure(at.instant, config, &mut outputs);
        self.perform(at, id, outputs, out);
        self.check_counts(at, id, out);
        match (before.shutdown, settings_now.shutdown) {
            (false, true) => {
                let comment = self.commit.as_ref().and_then(|(commit, _)| commit.comment());
                let text = settings_now.shutdown_message.as_deref().or(comment).unwrap_or_default().to_owned();
                self.drive(at, id, Input::Stop(StopReason::AdministrativeShutdown(text)), out);
            }
            (true, false) => self.drive(at, id, Input::Start, out),
            (true, true) => {}
            (false, false) => {
                // The session knows nothing of its socket: only a new connection has the new options.
                if let Some(leaf) = transport {
                    let reason = StopReason::OtherConfigurationChange(leaf.to_owned());
                    self.drive(at, id, Input::Reset(reason), out);
                } else if let Some((bgp, _)) = old {
                    let options =
                        (settings::socket_options(bgp, &before), settings::socket_options(new, &settings_now));
                    self.adjust_sockets(at, id, options, out);
                }
            }
        }
        if let Some((_, (old_policy, new_policy))) = old {
            self.filters_changed(at, id, (old_policy, &before), (new_policy, &settings_now), out);
        }
        // Kept routes of a session that is down are judged by the new rules, too.
        if let PeerFate::Refresh(refresh) = fate {
            refresh.judge.iter().for_each(|family| self.reviews.judge(*family, id));
            refresh.offer.iter().for_each(|family| self.groups.change(id, *family));
        }
    }

    /// How far a peer may be counts for the connections that there are; a call on its way is begun anew.
    fn adjust_sockets(
        &mut self,
        at: Moment,
        id: PeerId,
        (before, now): (SocketOptions, SocketOptions),
        out: &mut Vec<Effect>,
    ) {
        if before == now {
            return;
        }
        out.extend(self.peers.open_connections(id).into_iter().map(|conn| Effect::Adjust(conn, now)));
        if self.peers.get(id).is_some_and(|peer| peer.dialing.is_some()) {
            self.drive(at, id, Input::Reset(StopReason::OtherConfigurationChange("transport".to_owned())), out);
        }
    }

    /// A dynamic peer that is down, keeps no stale route and does not rest for a limit is nobody's any more.
    pub(crate) fn let_go(&mut self, at: Moment, id: PeerId, out: &mut Vec<Effect>) {
        let gone = self.peers.get(id).is_some_and(|peer| {
            let rests =
                matches!(peer.session.idle_reason(), Some(IdleReason::OutOfResources(_) | IdleReason::PrefixLimit(..)));
            peer.dynamic.is_some() && peer.up_since.is_none() && peer.stale_until.is_empty() && !rests
        });
        if gone {
            self.remove_peer(at, id, StopReason::PeerDeconfigured, out);
        }
    }

    /// The configured identifier, else the highest loopback address, else the highest other one.
    pub(crate) fn choose_router_id(&self, bgp: Option<&Bgp>) -> Ipv4Addr {
        if let Some(id) = bgp.and_then(|bgp| bgp.router_id) {
            return id;
        }
        let candidates = self.world.addresses().filter_map(|there| match there.address.address() {
            IpAddr::V4(v4) if !v4.is_loopback() && !v4.is_link_local() => {
                Some((self.world.link(there.ifindex).is_some_and(|link| link.loopback), v4))
            }
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        });
        candidates.max().map_or(Ipv4Addr::UNSPECIFIED, |(_, address)| address)
    }

    /// The BGP identifier in force.
    #[must_use]
    pub fn router_id(&self) -> Ipv4Addr {
        self.router_id
    }
}

/// The families in which a peer became or ceased to be a client, and whether of the reflector.
fn client_changes(was: &PeerSettings, is: &PeerSettings) -> Vec<(Family, bool)> {
    let of_server = |settings: &PeerSettings, family| settings.policies.of(family).paths.route_server_client;
    let server = Family::ALL.into_iter().filter(|family| of_server(was, *family) != of_server(is, *family));
    let reflector = &was.reflector_client ^ &is.reflector_client;
    server.map(|family| (family, false)).chain(reflector.into_iter().map(|family| (family, true))).collect()
}

/// The range that an address belongs to: the narrowest of those that have it.
pub(crate) fn range_of(bgp: &Bgp, address: IpAddr) -> Option<(Prefix, &ListenRange)> {
    let ranges = bgp.listen_ranges.iter().filter(|(range, _)| range.contains(address));
    ranges.max_by_key(|(range, _)| range.length()).map(|(range, listen)| (*range, listen))
}

/// What the configuration wants of a peer that exists: of a neighbor, or of a range's member. Who dialled in may belong
/// to another range by now, or have become a neighbor.
fn wish(bgp: &Bgp, peer: &Peer) -> Option<Wish> {
    let neighbor = match &peer.interface {
        Some(name) => Some(bgp.interfaces.get(name)?),
        None => bgp.neighbors.get(&peer.address),
    };
    if let Some(neighbor) = neighbor {
        return Some(Wish { settings: neighbor.settings.clone(), group: neighbor.group.clone(), range: None });
    }
    let (range, listen) = range_of(bgp, peer.address).filter(|_| peer.dynamic.is_some())?;
    Some(Wish { settings: settings::member_settings(listen), group: Some(listen.group.clone()), range: Some(range) })
}
