//! The UDP sockets of BFD: four ports to hear on, and one socket for each session to send from.
//!
//! Never looks into a packet.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use bfd::{Arrival, Hops, Key};
use engine::paths::Watched;
use kernel::datagram::{self, Port};

/// RFC 5881 §4
const SINGLE_HOP: u16 = 3784;
/// RFC 5883 §5
const MULTI_HOP: u16 = 4784;
/// The longest packet of BFD, and more.
const LONGEST: usize = 512;
/// How many packets are read from a port before the others get their turn.
const TURN: usize = 64;

pub(super) struct Sockets {
    ports: BTreeMap<(Hops, bool), Port>,
    /// The sessions' own sockets; `None` where one could not be opened, which is told once.
    senders: BTreeMap<Key, Option<UdpSocket>>,
    next_port: u16,
}

impl Sockets {
    pub(super) fn new(seed: u32) -> Self {
        let next_port = u16::try_from(seed >> 16).unwrap_or_default();
        Self { ports: BTreeMap::new(), senders: BTreeMap::new(), next_port }
    }

    /// Opens the ports that these sessions need, and closes those that none needs. Answers what could not be opened.
    pub(super) fn prepare(&mut self, watched: &Watched) -> Vec<String> {
        let needed = |hops: Hops, ipv4: bool| watched.keys().any(|key| key.hops == hops && key.peer.is_ipv4() == ipv4);
        self.ports.retain(|(hops, ipv4), _| needed(*hops, *ipv4));
        let mut problems = Vec::new();
        for (hops, number) in [(Hops::Single, SINGLE_HOP), (Hops::Multi, MULTI_HOP)] {
            for any in [IpAddr::from(Ipv4Addr::UNSPECIFIED), Ipv6Addr::UNSPECIFIED.into()] {
                let place = (hops, any.is_ipv4());
                if self.ports.contains_key(&place) || !needed(hops, any.is_ipv4()) {
                    continue;
                }
                match Port::open(any, number) {
                    Ok(port) => _ = self.ports.insert(place, port),
                    Err(error) => problems.push(format!(
                        "UDP port {number} of {any} cannot be opened: {}; BFD sessions that need it stay down",
                        kernel::words(&error)
                    )),
                }
            }
        }
        // Sessions that could not send get another chance, and what is said of them.
        self.senders.retain(|_, socket| socket.is_some());
        problems
    }

    pub(super) fn ports(&self) -> impl Iterator<Item = &Port> {
        self.ports.values()
    }

    /// Gives each packet that waits to somebody.
    pub(super) fn read(&self, mut give: impl FnMut(&Arrival<'_>)) {
        let mut octets = [0; LONGEST];
        for ((hops, _), port) in &self.ports {
            for _ in 0..TURN {
                // A port that cannot be read for the moment is tried again when something comes.
                let Ok(Some(arrived)) = port.receive(&mut octets) else { break };
                let (from, to, link, ttl) = (arrived.from, arrived.to, arrived.link, arrived.ttl);
                let octets = octets.get(..arrived.length).unwrap_or_default();
                give(&Arrival { hops: *hops, from, to, link, ttl, octets });
            }
        }
    }

    /// Sends a packet of a session. Answers what somebody should know, once.
    pub(super) fn send(&mut self, key: &Key, octets: &[u8]) -> Option<String> {
        let link = key.link.as_ref().map(|link| (link.index, link.name.as_str()));
        let mut problem = None;
        if !self.senders.contains_key(key) {
            self.next_port = self.next_port.wrapping_add(1);
            let opened = datagram::sender(key.peer, key.local, link, self.next_port);
            problem = opened
                .as_ref()
                .err()
                .map(|error| format!("BFD session with {} cannot send: {}", key.peer, kernel::words(error)));
            self.senders.insert(key.clone(), opened.ok());
        }
        let number = match key.hops {
            Hops::Single => SINGLE_HOP,
            Hops::Multi => MULTI_HOP,
        };
        if let Some(Some(socket)) = self.senders.get(key) {
            // A packet that the network refuses is one that is lost.
            let _ = socket.send_to(octets, datagram::with_scope(key.peer, number, link));
        }
        problem
    }

    /// A session is over.
    pub(super) fn close(&mut self, key: &Key) {
        self.senders.remove(key);
    }
}
