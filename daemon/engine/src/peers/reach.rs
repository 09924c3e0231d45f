//! The ways to neighbors without a session: one that appears, or leads elsewhere, is tried at once.
//!
//! A neighbor that was called before its network was there would otherwise wait for the ConnectRetryTimer (RFC 4271 §10),
//! as at each start, where sessions begin while addresses are still being set. Never calls a neighbor that is passive or
//! rests after an error, and never ends a session: that is what timers and BFD are for.

use std::net::IpAddr;

use bgp::session::{Input, StateName};
use config::model::Model;
use config::model::bgp::UpdateSource;
use config::{ConfigWarning, check};
use rib::bgp_table::PeerId;
use rib::world::{ForeignRoute, LinkAddress};
use rib::world_view::is_link_local;

use super::Peer;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Moment;

/// What a call hangs on, as far as links and addresses go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Where it leaves the router, for a neighbor on a network of a usable link.
    towards: Option<LinkAddress>,
    /// Whether it can begin where the configuration says (`update-source`).
    has_source: bool,
}

impl Reach {
    /// Whether a call may succeed that failed on the other way.
    fn promises_more_than(self, other: Self) -> bool {
        self.has_source && self != other && (self.towards.is_some() || !other.has_source)
    }
}

impl Peer {
    /// One that is named by its interface is called when it is heard there.
    fn is_looked_for(&self) -> bool {
        self.interface.is_none() && matches!(self.session.state(), StateName::Connect | StateName::Active)
    }
}

impl Engine {
    /// The way to a neighbor as it is now.
    pub(super) fn reach_of(&self, peer: &Peer) -> Reach {
        let has_source = match &peer.settings.update_source {
            Some(UpdateSource::Address(source)) => self.world.is_local(*source),
            Some(UpdateSource::Interface(name)) => {
                self.world.link_by_name(name.as_str()).is_some_and(rib::world::Link::usable)
            }
            None => true,
        };
        Reach {
            towards: self.network_of(peer.address).filter(|there| self.world.link_usable(there.ifindex)),
            has_source,
        }
    }

    fn network_of(&self, address: IpAddr) -> Option<LinkAddress> {
        if !is_link_local(address) {
            return self.world.network_towards(address).copied();
        }
        let link = self.scope_of(address)?;
        self.world.addresses_of(link).find(|own| is_link_local(own.address.address())).copied()
    }

    /// Sessions that are to begin from an address that neither the configuration nor the kernel has.
    pub(crate) fn late_sources(&self, model: &Model) -> Vec<ConfigWarning> {
        let given = |source: IpAddr| {
            let mut configured = model.interfaces.values().flat_map(|interface| &interface.addresses);
            configured.any(|address| address.address() == source) || self.world.is_local(source)
        };
        let warning = |(path, source)| ConfigWarning {
            path,
            message: format!("{source} is not an address of this router yet; the session begins as soon as it is"),
        };
        check::sources(model).filter(|(_, source)| !given(*source)).map(warning).collect()
    }

    /// Links or addresses changed: neighbors that are looked for are called on ways that were not there before.
    pub(crate) fn call_the_reachable(&mut self, at: Moment, out: &mut Vec<Effect>) {
        let looked_for = self.peers.iter().filter(|peer| peer.is_looked_for());
        let reaches: Vec<(PeerId, Reach)> = looked_for.map(|peer| (peer.id, self.reach_of(peer))).collect();
        for (id, reach) in reaches {
            let Some(peer) = self.peers.get_mut(id) else { continue };
            let tried = std::mem::replace(&mut peer.reach, reach);
            if reach.promises_more_than(tried) {
                self.drive(at, id, Input::Reachable, out);
            }
        }
    }

    /// The kernel told of an address that is known already: one of IPv6 can be used only once nobody else was found to have it
    /// (RFC 4862 §5.4), and a call before that has failed.
    pub(crate) fn address_told_again(&mut self, at: Moment, address: &LinkAddress, out: &mut Vec<Effect>) {
        let is_ipv4 = address.address.address().is_ipv4();
        self.call_where(at, |peer, link| peer.is_ipv4() == is_ipv4 && link == address.ifindex, out);
    }

    /// The kernel made a route to a network of ours, which it does after it told of the address there: a call between both has
    /// failed.
    pub(crate) fn network_told(&mut self, at: Moment, route: &ForeignRoute, out: &mut Vec<Effect>) {
        let on_link = || route.legs.iter().filter(|leg| leg.gateway.is_none());
        // Most routes lead through a gateway; neighbors are not looked through for each of a full table.
        if on_link().next().is_none() {
            return;
        }
        let leads_there = |link: u32| on_link().any(|leg| leg.ifindex == link);
        self.call_where(at, |peer, link| route.prefix.contains(peer) && leads_there(link), out);
    }

    /// Calls neighbors that are looked for on a network of ours, by their address and that network's link.
    fn call_where(&mut self, at: Moment, wanted: impl Fn(IpAddr, u32) -> bool, out: &mut Vec<Effect>) {
        let is_wanted = |peer: &&Peer| peer.reach.towards.is_some_and(|there| wanted(peer.address, there.ifindex));
        let waiting = self.peers.iter().filter(|peer| peer.is_looked_for()).filter(is_wanted);
        for id in waiting.map(|peer| peer.id).collect::<Vec<_>>() {
            self.drive(at, id, Input::Reachable, out);
        }
    }
}
