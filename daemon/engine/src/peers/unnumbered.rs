//! Neighbors that are named by their interface: who is meant is whoever advertises itself as a router there.
//!
//! The router advertises itself on such interfaces, too (RFC 4861 §6.2), as nobody's default router, so that the neighbor finds
//! it. An address that was heard holds until another one is heard, or the link goes down. Never judges a session.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bgp::session::{Input, StateName, StopReason};
use config::ConfigWarning;
use config::model::Model;
use nouns::IfName;
use rib::bgp_table::PeerId;
use rib::world_view::is_link_local;

use super::{Peer, settings};
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Moment;

/// Between advertisements, once the neighbor had its chance to hear some.
const CALM: Duration = Duration::from_secs(10);
/// Between the first ones of a link, and the least that lies between any two (RFC 4861 §6.2.6, §10).
const EAGER: Duration = Duration::from_secs(3);
/// How many advertisements are the first ones.
const FIRST: u8 = 4;

/// When the router advertises itself next.
#[derive(Debug, Default)]
pub(crate) struct Beacons {
    links: BTreeMap<IfName, Beacon>,
}

#[derive(Clone, Copy, Debug)]
struct Beacon {
    due: Instant,
    /// How often it was sent since the link came.
    sent: u8,
    last: Option<Instant>,
}

impl Beacon {
    /// The soonest moment when the link may hear of the router.
    fn soonest(&self, now: Instant) -> Instant {
        self.last.map_or(now, |last| now.max(last + EAGER))
    }
}

impl Beacons {
    /// When the next one is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.links.values().map(|beacon| beacon.due).min()
    }

    /// One is wanted as soon as may be: strangers can ask for it as often as they like.
    fn hurry(&mut self, name: &str, now: Instant) {
        if let Some(beacon) = self.on(name) {
            beacon.due = beacon.due.min(beacon.soonest(now));
        }
    }

    /// The link came, or went: whoever is on it is to hear of the router anew.
    fn begin_again(&mut self, name: &str, now: Instant) {
        if let Some(beacon) = self.on(name) {
            *beacon = Beacon { due: beacon.soonest(now), sent: 0, last: beacon.last };
        }
    }

    fn on(&mut self, name: &str) -> Option<&mut Beacon> {
        self.links.iter_mut().find(|(known, _)| known.as_str() == name).map(|(_, beacon)| beacon)
    }
}

impl Engine {
    /// The link of a neighbor that is named by its interface.
    pub(crate) fn link_of(&self, peer: &Peer) -> Option<u32> {
        self.world.link_by_name(peer.interface.as_ref()?.as_str()).map(|link| link.index)
    }

    /// Advertises on the interfaces of all such neighbors from now on, and on no other.
    pub(crate) fn look_for_routers(&mut self, at: Moment) {
        let bgp = self.running.model.bgp.as_deref();
        let wanted = bgp.into_iter().flat_map(|bgp| &bgp.interfaces);
        let fresh = Beacon { due: at.instant, sent: 0, last: None };
        let old = std::mem::take(&mut self.beacons.links);
        for (name, _) in wanted.filter(|(_, neighbor)| !neighbor.settings.shutdown) {
            self.beacons.links.insert(name.clone(), old.get(name).copied().unwrap_or(fresh));
        }
    }

    /// Neighbors of interfaces that a change brings and that cannot be found yet, with the reason.
    pub(crate) fn unmet_neighbors(&self, model: &Model) -> Vec<ConfigWarning> {
        let Some(bgp) = model.bgp.as_deref() else { return Vec::new() };
        let known = |name: &IfName| {
            self.running.model.bgp.as_deref().is_some_and(|running| running.interfaces.contains_key(name))
        };
        let fresh = bgp.interfaces.keys().filter(|name| !known(name) && !model.interfaces.contains_key(*name));
        let warnings = fresh.filter_map(|name| {
            let reason = match self.world.link_by_name(name.as_str()) {
                None => "does not exist; the neighbor is looked for as soon as it does",
                Some(link) if !self.world.addresses_of(link.index).any(|own| is_link_local(own.address.address())) => {
                    "has no link-local address of IPv6, so the neighbor is not found until it has one"
                }
                Some(_) => return None,
            };
            let path =
                ["protocols", "bgp", &bgp.asn.to_string(), "neighbor", name.as_str()].map(str::to_owned).to_vec();
            Some(ConfigWarning { path, message: format!("interface {name} {reason}") })
        });
        warnings.collect()
    }

    /// Sends the advertisements that are due.
    pub(crate) fn advertise_routers(&mut self, at: Moment, out: &mut Vec<Effect>) {
        for (name, beacon) in &mut self.beacons.links {
            if beacon.due > at.instant {
                continue;
            }
            beacon.due = at.instant + if beacon.sent < FIRST { EAGER } else { CALM };
            if let Some(link) = self.world.link_by_name(name.as_str()).filter(|link| link.usable()) {
                beacon.sent = beacon.sent.saturating_add(1);
                beacon.last = Some(at.instant);
                out.push(Effect::Advertise { ifindex: link.index, mac: link.mac.clone(), mtu: link.mtu });
            }
        }
    }

    /// A router advertised itself on a link.
    pub(crate) fn router_heard(&mut self, at: Moment, ifindex: u32, address: IpAddr, out: &mut Vec<Effect>) {
        let ours = self.world.addresses_of(ifindex).any(|own| own.address.address() == address);
        if ours || !is_link_local(address) {
            return;
        }
        let Some(name) = self.world.link(ifindex).map(|link| link.name.to_string()) else { return };
        let Some(peer) = self.peers.on(&name).filter(|peer| peer.address != address) else { return };
        let (id, state) = (peer.id, peer.session.state());
        // Whoever has a session stays: a second router on the link is nobody's neighbor until the first one is gone.
        if matches!(state, StateName::OpenSent | StateName::OpenConfirm | StateName::Established) {
            return;
        }
        self.beacons.hurry(&name, at.instant);
        self.meet(at, id, address, out);
        if state != StateName::Idle {
            let moved = StopReason::OtherConfigurationChange("the neighbor's address".to_owned());
            self.drive(at, id, Input::Stop(moved), out);
            self.drive(at, id, Input::Start, out);
        }
    }

    /// Somebody asks on a link which routers there are.
    pub(crate) fn solicited(&mut self, at: Moment, ifindex: u32) {
        if let Some(link) = self.world.link(ifindex) {
            self.beacons.hurry(link.name.as_str(), at.instant);
        }
    }

    /// Whose call from a link-local address it is: that of the neighbor of the interface which it came in by. One without
    /// a session takes the address of whoever calls.
    pub(crate) fn called_on_link(&mut self, at: Moment, remote: SocketAddr, out: &mut Vec<Effect>) -> Option<PeerId> {
        let SocketAddr::V6(remote) = remote else { return None };
        if !remote.ip().is_unicast_link_local() {
            return None;
        }
        let name = self.world.link(remote.scope_id())?.name.to_string();
        let peer = self.peers.on(&name)?;
        let (id, address) = (peer.id, IpAddr::V6(*remote.ip()));
        if peer.address == address {
            return Some(id);
        }
        if peer.session.state() == StateName::Established {
            return None;
        }
        self.meet(at, id, address, out);
        Some(id)
    }

    /// The neighbor of an interface has this address from now on.
    fn meet(&mut self, at: Moment, id: PeerId, address: IpAddr, out: &mut Vec<Effect>) {
        let Some(bgp) = self.running.model.bgp.as_deref() else { return };
        let router_id = self.router_id;
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.address = address;
        self.paths.look_again();
        let config = settings::session_config(bgp, &peer.settings, address, router_id);
        let mut outputs = Vec::new();
        peer.session.reconfigure(at.instant, config, &mut outputs);
        self.perform(at, id, outputs, out);
        self.imports.retain(|(peer, _), _| *peer != id);
    }

    /// A link came up, or is about to be unusable: its neighbor is greeted, or has gone.
    pub(crate) fn link_of_neighbor_changed(&mut self, at: Moment, name: &str, usable: bool, out: &mut Vec<Effect>) {
        let Some(peer) = self.peers.on(name) else { return };
        let id = peer.id;
        self.beacons.begin_again(name, at.instant);
        if usable {
            return;
        }
        if let Some(conn) = peer.session.connection() {
            self.closed(at, conn, Some(format!("link {name} is down")), out);
            out.push(Effect::Close(conn));
        }
        // Who comes next may be somebody else.
        self.meet(at, id, IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), out);
    }
}
