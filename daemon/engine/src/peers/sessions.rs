//! Between the rim and the sessions: connections find their session, and what a session wants is done.
//!
//! Never decides what a session does; it carries inputs in and outputs out.

use std::net::{IpAddr, SocketAddr};

use api::watch::BgpChange;
use bgp::session::{ConnId, Down, Input, Negotiated, Output, StateName};
use bgp_wire::notification::Reason;
use nouns::Family;
use rib::bgp_table::{PeerId, PeerInfo};

use super::ahead::Ahead;
use super::configure::range_of;
use super::{Peer, settings};
use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::Moment;

impl Engine {
    /// Gives an input to a session and does what the session wants.
    pub(crate) fn drive(&mut self, at: Moment, id: PeerId, input: Input, out: &mut Vec<Effect>) {
        let mut outputs = Vec::new();
        if let Some(peer) = self.peers.get_mut(id) {
            peer.session.handle(at.instant, input, &mut outputs);
        }
        self.perform(at, id, outputs, out);
    }

    /// Lets every session whose deadline has passed act.
    pub(crate) fn tick_sessions(&mut self, at: Moment, out: &mut Vec<Effect>) {
        for id in self.peers.due(at.instant) {
            self.drive(at, id, Input::Tick, out);
        }
    }

    /// A peer opened a connection: to a neighbor, to a range, or to nobody.
    pub(crate) fn accepted(&mut self, at: Moment, conn: ConnId, ends: (SocketAddr, SocketAddr), out: &mut Vec<Effect>) {
        let (local, remote) = ends;
        let known = self.called_on_link(at, remote, out).or_else(|| self.peers.at(remote.ip()).map(|peer| peer.id));
        let Some(id) = known.or_else(|| self.welcome(at, remote.ip(), out)) else {
            if self.peers.is_news(remote.ip(), at.instant) {
                let text =
                    format!("connection from {} refused: no neighbor or listen range has this address", remote.ip());
                self.notice(at, Notice::info(text), out);
            }
            out.push(Effect::Close(conn));
            return;
        };
        self.peers.bind(conn, id);
        if let (Some(bgp), Some(peer)) = (self.running.model.bgp.as_deref(), self.peers.get(id)) {
            out.push(Effect::Adjust(conn, settings::socket_options(bgp, &peer.settings)));
        }
        if let Some(peer) = self.peers.get_mut(id) {
            peer.local = Some(local);
            peer.remote = Some(remote);
        }
        self.drive(at, id, Input::Accepted(conn), out);
    }

    /// An outgoing connection is open.
    pub(crate) fn connected(&mut self, at: Moment, conn: ConnId, local: SocketAddr, out: &mut Vec<Effect>) {
        let Some(id) = self.peers.owner(conn) else {
            if self.collector_connected(at, conn, out) {
                return;
            }
            out.push(Effect::Close(conn));
            return;
        };
        if let Some(peer) = self.peers.get_mut(id) {
            peer.dialing = None;
            peer.local = Some(local);
            peer.remote = Some(SocketAddr::new(peer.address, peer.settings.port));
        }
        self.drive(at, id, Input::Connected(conn), out);
    }

    /// An outgoing connection could not be opened.
    pub(crate) fn connect_failed(&mut self, at: Moment, conn: ConnId, reason: String, out: &mut Vec<Effect>) {
        match self.peers.unbind(conn) {
            Some(id) => self.drive(at, id, Input::ConnectFailed(reason), out),
            None => _ = self.collector_lost(at, conn, &reason, out),
        }
    }

    /// Octets or messages arrived over a connection.
    pub(crate) fn heard(&mut self, at: Moment, conn: ConnId, input: Input, out: &mut Vec<Effect>) {
        if let Some(id) = self.peers.owner(conn) {
            self.drive(at, id, input, out);
        }
    }

    /// Octets wait to be written, or no longer do.
    pub(crate) fn send_queue(&mut self, at: Moment, conn: ConnId, octets: usize, out: &mut Vec<Effect>) {
        let Some(id) = self.peers.owner(conn) else {
            self.collector_queue(at, conn, octets, out);
            return;
        };
        if let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.session.connection() == Some(conn)) {
            peer.waiting = octets;
        }
        self.drive(at, id, Input::SendQueue(conn, octets), out);
    }

    /// A connection is gone.
    pub(crate) fn closed(&mut self, at: Moment, conn: ConnId, error: Option<String>, out: &mut Vec<Effect>) {
        match self.peers.unbind(conn) {
            Some(id) => self.drive(at, id, Input::Closed(conn, error), out),
            None => _ = self.collector_lost(at, conn, error.as_deref().unwrap_or("it hung up"), out),
        }
    }

    /// Does what a session wants, and looks when it wants to be called again.
    pub(crate) fn perform(&mut self, at: Moment, id: PeerId, outputs: Vec<Output>, out: &mut Vec<Effect>) {
        self.peers.note_deadline(id);
        let ended = outputs.iter().any(|output| matches!(output, Output::Down(_)));
        let mut ahead = Ahead::look(&outputs, &self.prefixes, self.facts.processors);
        for output in outputs {
            match output {
                Output::Connect => self.dial(at, id, out),
                Output::CancelConnect => {
                    if let Some(conn) = self.peers.get(id).and_then(|peer| peer.dialing) {
                        self.peers.unbind(conn);
                        out.push(Effect::Close(conn));
                    }
                }
                Output::Send(conn, bytes) => out.push(Effect::Send(conn, bytes)),
                Output::Close(conn) => {
                    self.peers.unbind(conn);
                    out.push(Effect::Close(conn));
                }
                Output::Up(negotiated) => {
                    self.session_up(at, id, &negotiated, out);
                    self.monitor_up(at, id);
                    if let Some(peer) = self.peers.get(id) {
                        let conn = peer.session.connection();
                        out.extend(conn.map(|conn| Effect::Decode(conn, Box::new(negotiated.codec.clone()))));
                        let change = BgpChange::Up { asn: negotiated.remote_as };
                        self.tell_bgp(at, peer.address, change, out);
                    }
                }
                Output::Down(down) => self.session_down(at, id, &down, out),
                Output::Update(update) => self.learn(at, id, update, &mut ahead, out),
                Output::RefreshRequested(family) => self.routes_wanted(at, id, family, out),
                Output::Filters(family, filters) => self.filters_came(at, id, family, &filters, out),
                Output::RefreshBegins(family) => self.refresh_begins(at, id, family),
                Output::RefreshEnds(family) => self.refresh_ends(at, id, family, out),
                Output::State(from, to) => {
                    self.dump_state(at, id, (from, to));
                    self.state_changed(at, id, (from, to), out);
                    self.rest_is_over(at, id, (from, to), out);
                }
                Output::Log(log) => {
                    let name = self.peers.get(id).map(super::Peer::name);
                    let text = name.map_or_else(|| log.text.clone(), |name| format!("neighbor {name}: {}", log.text));
                    let notice = if log.warning { Notice::warning(text) } else { Notice::info(text) };
                    self.notice(at, notice, out);
                }
            }
        }
        // Behind its last words, so that the log has them of a dynamic neighbor, too.
        if ended {
            self.let_go(at, id, out);
        }
    }

    fn dial(&mut self, at: Moment, id: PeerId, out: &mut Vec<Effect>) {
        let Some(bgp) = self.running.model.bgp.as_deref() else { return };
        let Some(peer) = self.peers.get(id) else { return };
        if peer.address.is_unspecified() {
            let text = format!("no router has been heard on {}", peer.name());
            return self.drive(at, id, Input::ConnectFailed(text), out);
        }
        let mut target = settings::target(bgp, &peer.settings, peer.address);
        target.scope = self.link_of(peer).or_else(|| self.scope_of(peer.address));
        let reach = self.reach_of(peer);
        let conn = self.peers.dial(id, reach);
        out.push(Effect::Connect(conn, target));
    }

    /// The link of a link-local peer, where only one link can be meant.
    pub(crate) fn scope_of(&self, address: IpAddr) -> Option<u32> {
        match address {
            IpAddr::V6(v6) if v6.is_unicast_link_local() => {
                let mut links = self.world.links().filter(|link| link.usable() && !link.loopback);
                links.next().map(|link| link.index).filter(|_| links.next().is_none())
            }
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        }
    }

    /// An unknown address dials in: a range may make it a neighbor.
    fn welcome(&mut self, at: Moment, address: IpAddr, out: &mut Vec<Effect>) -> Option<PeerId> {
        let bgp = self.running.model.bgp.as_deref()?;
        let (range, listen) = range_of(bgp, address)?;
        let is_full = |of, limit: u32| self.peers.dynamic_count(of) >= limit as usize;
        let full = match listen.limit {
            Some(limit) if is_full(Some(range), limit) => Some((limit, format!("listen range {range} limit"))),
            _ if is_full(None, bgp.listen_limit) => Some((bgp.listen_limit, "listen limit".to_owned())),
            _ => None,
        };
        if let Some((limit, words)) = full {
            let text = format!(
                "neighbor {address} of range {range} refused: the limit of {limit} dynamic neighbors is reached; raise it with 'set protocols bgp {} {words}'",
                bgp.asn
            );
            if self.peers.is_news(address, at.instant) {
                self.notice(at, Notice::warning(text), out);
            }
            return None;
        }
        let (group, member) = (listen.group.clone(), settings::member_settings(listen));
        Some(self.add_peer(at, (address, None), member, Some(group), Some(range), out))
    }

    fn session_up(&mut self, at: Moment, id: PeerId, negotiated: &Negotiated, out: &mut Vec<Effect>) {
        // What the new session brings must not go with what the old one left.
        self.drop_ended();
        let link = self.peers.get(id).and_then(|peer| self.link_of(peer));
        let Some(peer) = self.peers.get_mut(id) else { return };
        self.balancer.neighbor_lives(peer.address, true);
        peer.up_since = Some(at.instant);
        peer.known = Some((negotiated.remote_as, negotiated.internal));
        peer.session.announce_restart(self.recovery.own_restart(true));
        peer.waiting = 0;
        peer.seen_end_of_rib.clear();
        // The decision knows inside and outside (RFC 5065 §5.3).
        let internal = negotiated.internal || negotiated.codec.confederation;
        let info = PeerInfo { address: peer.address, router_id: negotiated.remote_router_id, internal, link };
        let lost: Vec<Family> =
            peer.stale_until.keys().copied().filter(|family| !preserves(negotiated, peer, *family)).collect();
        // What it says from now on is live; what it said before goes with its End-of-RIB.
        peer.stays_on.clear();
        peer.long_lived.clear();
        for family in Family::ALL {
            self.tables.of_mut(family).set_peer(id, info);
        }
        for family in lost {
            self.drop_stale(id, family);
        }
        self.imports.retain(|(peer, _), _| *peer != id);
        let families = self.agree_on_filters(at, id, out);
        self.join_groups(id, &families);
    }

    fn session_down(&mut self, at: Moment, id: PeerId, down: &Down, out: &mut Vec<Effect>) {
        let longest = self.running.model.bgp.as_deref().map_or(0, |bgp| bgp.graceful_restart.stalepath_time);
        if down.was_established {
            self.monitor_down(at, id);
            self.tell_down(at, id, out);
        }
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.up_since = None;
        peer.wanted.clear();
        let address = peer.address;
        // Somebody who still closes a session may go on to serve what is under way.
        let silent = peer.session.last_farewell().filter(|farewell| farewell.sent);
        if silent.is_some_and(|farewell| farewell.notification.reason() == Some(Reason::HoldTimerExpired)) {
            self.balancer.neighbor_lives(address, false);
        }
        Family::ALL.into_iter().for_each(|family| self.peers.set_refreshed_until(id, family, None));
        let link = self.peers.get(id).and_then(|peer| self.link_of(peer));
        // First of all: what follows may have to give up a whole Adj-RIB-Out.
        if down.was_established && down.kept.stale.is_empty() {
            self.repair_at_once((address, link), out);
        }
        self.leave_groups(id);
        // An attempt that never got as far as routes must not cost the stale ones that are kept for it.
        let families: &[Family] = if down.was_established { &Family::ALL } else { &[] };
        for family in families.iter().copied() {
            let kept = down.kept.stale.iter().find(|(kept, _)| *kept == family).map(|(_, seconds)| *seconds);
            match kept {
                Some(seconds) => {
                    let until = at.instant + std::time::Duration::from_secs(u64::from(seconds.min(longest)));
                    self.peers.set_stale_until(id, family, Some(until));
                    self.peers.set_stays_on(id, &down.kept.long_lived);
                    self.tables.of_mut(family).mark_stale(id);
                }
                None => _ = self.dropping.insert((id, family)),
            }
        }
    }

    /// Drops the routes of sessions that ended; the walk over a large table comes behind the repair of the kernel.
    pub(crate) fn drop_ended(&mut self) {
        for (id, family) in std::mem::take(&mut self.dropping) {
            self.drop_routes(id, family);
        }
    }

    /// A dead next hop leaves the kernel's groups before any route is looked at.
    pub(crate) fn repair_at_once(&mut self, (address, link): (IpAddr, Option<u32>), out: &mut Vec<Effect>) {
        for leg in self.next_hops.resolve_via(address, link).legs().to_vec() {
            let changes = self.fib.leg_lost(&leg, self.flow.leaves_objects_alone());
            self.repair(changes, out);
        }
    }

    fn state_changed(&mut self, at: Moment, id: PeerId, change: (StateName, StateName), out: &mut Vec<Effect>) {
        let loud = self.running.model.bgp.as_deref().is_some_and(|bgp| bgp.log_neighbor_changes);
        let Some(peer) = self.peers.get(id) else { return };
        let text = match change {
            (_, StateName::Established) => format!("neighbor {} Up", peer.name()),
            (StateName::Established, _) => {
                let why = peer.session.last_down().map_or("", |(_, why)| why);
                format!("neighbor {} Down {why}", peer.name())
            }
            _ => return,
        };
        if loud {
            self.notice(at, Notice::info(text), out);
        }
    }
}

/// Whether a peer that is back has forwarded what is kept for it: the F bit of the capability that it is kept by
/// (RFC 4724 §4.2, RFC 9494 §4.2).
fn preserves(negotiated: &Negotiated, peer: &Peer, family: Family) -> bool {
    let Some(restart) = &negotiated.graceful_restart else { return false };
    if peer.long_lived.contains(&family) {
        return restart.long_lived.iter().flatten().any(|(of, forwarding, _)| (*of, *forwarding) == (family, true));
    }
    restart.families.contains(&(family, true))
}
