//! The neighbors: who they are, which connections are theirs, and what they still owe.
//!
//! Never judges a route and never writes an octet: sessions do the one, tables the other.

pub mod advertise;
mod ahead;
pub mod configure;
pub(crate) mod damping;
pub(crate) mod groups;
pub mod learn;
mod reach;
pub(crate) mod review;
pub mod sessions;
pub mod settings;
mod telling;
mod unnumbered;
mod verdicts;
pub(crate) mod wanted;

pub(crate) use unnumbered::Beacons;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bgp::session::{ConnId, Session};
use config::model::bgp::PeerSettings;
use nouns::{Asn, Family, IfName, Prefix};
use rib::bgp_table::PeerId;

use crate::recovery::Recovery;
use reach::Reach;
use wanted::Wanted;

/// How often the log hears of an address that is refused.
const STRANGERS_EVERY: Duration = Duration::from_secs(60);
/// How many refused addresses the log hears of within that time.
const STRANGERS: usize = 64;

/// What the configuration wants of a neighbor.
struct Wish {
    settings: PeerSettings,
    group: Option<String>,
    /// The range that it is a member of; `None` for a configured one.
    range: Option<Prefix>,
}

/// One neighbor, configured or dynamic.
pub struct Peer {
    /// Its number in the tables.
    pub id: PeerId,
    /// Its address; unspecified while a neighbor of an interface has not been heard.
    pub address: IpAddr,
    /// The interface that it is found on, for a neighbor that is named by one.
    pub interface: Option<IfName>,
    /// Its effective settings.
    pub settings: PeerSettings,
    /// The peer group that it belongs to.
    pub group: Option<String>,
    /// The range that it came from, when nobody typed it.
    pub dynamic: Option<Prefix>,
    /// The session.
    pub session: Session,
    /// An attempt to connect that is under way.
    pub dialing: Option<ConnId>,
    /// How it could be reached when it was called last, or looked for last.
    reach: Reach,
    /// Octets that it has not read yet, as far as they were told; while they are many, no more are made for it.
    pub waiting: usize,
    /// Families whose End-of-RIB it sent since it was established.
    pub seen_end_of_rib: BTreeSet<Family>,
    /// When its session wants to be called again, as `Peers` has it.
    deadline: Option<Instant>,
    /// Until when stale routes of a family are kept (RFC 4724 §4.2).
    pub stale_until: BTreeMap<Family, Instant>,
    /// For how many seconds routes of a family stay on after that (RFC 9494 §4.2).
    pub stays_on: BTreeMap<Family, u32>,
    /// Families whose kept routes are long-lived stale.
    pub long_lived: BTreeSet<Family>,
    /// Families that it tells all of again, and until when what it does not tell is kept (RFC 7313 §4).
    pub refreshed_until: BTreeMap<Family, Instant>,
    /// What it wants to hear of a family (RFC 5291), where that was agreed on.
    pub(crate) wanted: BTreeMap<Family, Wanted>,
    /// When the session was last established; the moment from which it is waited for its routes after a restart.
    pub up_since: Option<Instant>,
    /// The AS of its last session, and whether that was internal: kept routes are judged by it, too.
    pub known: Option<(Asn, bool)>,
    /// Our end of the connection, for next-hop-self and for `show`.
    pub local: Option<std::net::SocketAddr>,
    /// The peer's end.
    pub remote: Option<std::net::SocketAddr>,
}

impl Peer {
    /// What the operator calls it: its interface, or its address.
    #[must_use]
    pub fn name(&self) -> String {
        self.interface.as_ref().map_or_else(|| self.address.to_string(), ToString::to_string)
    }

    /// Whether the configuration wants nothing else of it than it has.
    fn is(&self, wish: &Wish) -> bool {
        self.settings == wish.settings && self.group == wish.group && self.dynamic == wish.range
    }
}

/// All neighbors, found by number, address or connection.
#[derive(Default)]
pub struct Peers {
    peers: BTreeMap<PeerId, Peer>,
    by_address: BTreeMap<IpAddr, PeerId>,
    by_interface: BTreeMap<IfName, PeerId>,
    by_conn: BTreeMap<ConnId, PeerId>,
    last_peer: u32,
    last_conn: u64,
    /// When sessions want to be called again, the soonest first.
    deadlines: BTreeSet<(Instant, PeerId)>,
    /// Peers whose stale routes are kept, or that are telling all their routes again.
    stale: BTreeSet<PeerId>,
    /// When a refused address was last told of.
    strangers: BTreeMap<IpAddr, Instant>,
}

impl Peers {
    /// The number for a new peer; 0 is the router itself.
    fn number(&mut self) -> PeerId {
        self.last_peer = self.last_peer.wrapping_add(1).max(1);
        PeerId(self.last_peer)
    }

    /// The number for an outgoing connection: even, where the rim's are odd.
    pub(crate) fn number_conn(&mut self) -> ConnId {
        self.last_conn = self.last_conn.wrapping_add(2);
        ConnId(self.last_conn)
    }

    /// The number for an outgoing connection to a peer.
    fn dial(&mut self, id: PeerId, reach: Reach) -> ConnId {
        let conn = self.number_conn();
        self.by_conn.insert(conn, id);
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.dialing = Some(conn);
            peer.reach = reach;
        }
        conn
    }

    fn insert(&mut self, peer: Peer) {
        match &peer.interface {
            Some(name) => _ = self.by_interface.insert(name.clone(), peer.id),
            None => _ = self.by_address.insert(peer.address, peer.id),
        }
        self.peers.insert(peer.id, peer);
    }

    /// Forgets a peer; answers the connections that were its.
    fn remove(&mut self, id: PeerId) -> Vec<ConnId> {
        if let Some(peer) = self.peers.remove(&id) {
            match &peer.interface {
                Some(name) => _ = self.by_interface.remove(name),
                None => _ = self.by_address.remove(&peer.address),
            }
            peer.deadline.map(|due| self.deadlines.remove(&(due, id)));
            self.stale.remove(&id);
        }
        let conns: Vec<ConnId> =
            self.by_conn.iter().filter(|(_, owner)| **owner == id).map(|(conn, _)| *conn).collect();
        for conn in &conns {
            self.by_conn.remove(conn);
        }
        conns
    }

    /// Whether the log should hear that this address was refused: once a minute, so that nobody can fill it.
    fn is_news(&mut self, stranger: IpAddr, now: Instant) -> bool {
        self.strangers.retain(|_, told| now.saturating_duration_since(*told) < STRANGERS_EVERY);
        if self.strangers.contains_key(&stranger) || self.strangers.len() >= STRANGERS {
            return false;
        }
        self.strangers.insert(stranger, now);
        true
    }

    /// Binds an accepted connection to its peer.
    fn bind(&mut self, conn: ConnId, id: PeerId) {
        self.by_conn.insert(conn, id);
    }

    /// The connections of a peer that are open, not those that are dialled.
    fn open_connections(&self, id: PeerId) -> Vec<ConnId> {
        let dialing = self.peers.get(&id).and_then(|peer| peer.dialing);
        let own = self.by_conn.iter().filter(|(conn, owner)| **owner == id && Some(**conn) != dialing);
        own.map(|(conn, _)| *conn).collect()
    }

    /// Forgets a connection.
    fn unbind(&mut self, conn: ConnId) -> Option<PeerId> {
        let id = self.by_conn.remove(&conn)?;
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.dialing.take_if(|dialing| *dialing == conn);
        }
        Some(id)
    }

    /// Looks when a session wants to be called again.
    fn note_deadline(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let now = peer.session.deadline();
        let before = std::mem::replace(&mut peer.deadline, now);
        if before != now {
            before.map(|due| self.deadlines.remove(&(due, id)));
            now.map(|due| self.deadlines.insert((due, id)));
        }
    }

    /// Sessions whose deadline has passed.
    fn due(&self, now: Instant) -> Vec<PeerId> {
        self.deadlines.iter().take_while(|(due, _)| *due <= now).map(|(_, id)| *id).collect()
    }

    /// The soonest deadline of a session, of stale routes, or of a refresh.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let waits = |peer: &Peer| peer.stale_until.values().chain(peer.refreshed_until.values()).min().copied();
        let stale = self.stale.iter().filter_map(|id| waits(self.peers.get(id)?));
        self.deadlines.first().map(|(due, _)| *due).into_iter().chain(stale).min()
    }

    /// Peers whose stale routes are kept, or that are telling all their routes again.
    pub(crate) fn with_stale_routes(&self) -> Vec<PeerId> {
        self.stale.iter().copied().collect()
    }

    /// Keeps stale routes of a family until a moment, or no longer.
    fn set_stale_until(&mut self, id: PeerId, family: Family, until: Option<Instant>) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        match until {
            Some(until) => _ = peer.stale_until.insert(family, until),
            None => {
                peer.stale_until.remove(&family);
                peer.stays_on.remove(&family);
                peer.long_lived.remove(&family);
            }
        }
        self.note_stale(id);
    }

    /// A peer tells all its routes of a family again until a moment, or no longer.
    fn set_refreshed_until(&mut self, id: PeerId, family: Family, until: Option<Instant>) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        match until {
            Some(until) => _ = peer.refreshed_until.insert(family, until),
            None => _ = peer.refreshed_until.remove(&family),
        }
        self.note_stale(id);
    }

    fn note_stale(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get(&id) else { return };
        if peer.stale_until.is_empty() && peer.refreshed_until.is_empty() {
            self.stale.remove(&id);
        } else {
            self.stale.insert(id);
        }
    }

    /// Routes of these families stay on when their time is over.
    fn set_stays_on(&mut self, id: PeerId, families: &[(Family, u32)]) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.stays_on = families.iter().copied().collect();
            peer.long_lived.clear();
        }
    }

    /// The restart of a peer took too long: answers for how many seconds its routes of a family stay on, if they do.
    pub(crate) fn begin_long_lived(&mut self, id: PeerId, family: Family, now: Instant) -> Option<u32> {
        let peer = self.peers.get_mut(&id)?;
        let seconds = peer.stays_on.remove(&family)?;
        peer.long_lived.insert(family);
        peer.stale_until.insert(family, now + Duration::from_secs(u64::from(seconds)));
        Some(seconds)
    }

    /// What every peer is told in our next OPEN.
    pub(crate) fn announce_restart(&mut self, recovery: &Recovery) {
        for peer in self.peers.values_mut() {
            peer.session.announce_restart(recovery.own_restart(peer.known.is_some()));
        }
    }

    /// Whose connection it is.
    #[must_use]
    pub fn owner(&self, conn: ConnId) -> Option<PeerId> {
        self.by_conn.get(&conn).copied()
    }

    /// A peer by number.
    #[must_use]
    pub fn get(&self, id: PeerId) -> Option<&Peer> {
        self.peers.get(&id)
    }

    fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.peers.get_mut(&id)
    }

    /// A peer by address.
    #[must_use]
    pub fn at(&self, address: IpAddr) -> Option<&Peer> {
        self.by_address.get(&address).and_then(|id| self.peers.get(id))
    }

    /// A peer by its interface.
    #[must_use]
    pub fn on(&self, interface: &str) -> Option<&Peer> {
        let (_, id) = self.by_interface.iter().find(|(name, _)| name.as_str() == interface)?;
        self.peers.get(id)
    }

    /// All peers in the order of their addresses, those of interfaces behind them.
    pub fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.by_address.values().chain(self.by_interface.values()).filter_map(|id| self.peers.get(id))
    }

    /// The numbers of all peers in the order of their addresses.
    #[must_use]
    pub fn ids(&self) -> Vec<PeerId> {
        self.by_address.values().chain(self.by_interface.values()).copied().collect()
    }

    /// How many connections, and attempts at one, are known.
    #[cfg(test)]
    pub(crate) fn connections(&self) -> usize {
        self.by_conn.len()
    }

    /// How many peers came from ranges, or from one of them.
    #[must_use]
    pub fn dynamic_count(&self, range: Option<Prefix>) -> usize {
        let counts = |of: Prefix| range.is_none_or(|range| range == of);
        self.peers.values().filter(|peer| peer.dynamic.is_some_and(counts)).count()
    }
}
