//! What the balancer shall do, as a value: services, their backends, the links.
//!
//! Never says how: numbers of maps and hardware addresses are found below. Equal wishes are the same state of the maps.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use nouns::{IfName, Prefix};

/// All that is balanced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Links on which packets for services are taken, and how.
    pub links: BTreeMap<IfName, Hook>,
    /// Services by what they are reached at; no two are reached alike.
    pub services: BTreeMap<Destination, Service>,
    /// Prefixes for services, whether there is one or not: what a node sends there and no service takes goes to nobody,
    /// because it would come back.
    pub guards: Vec<Prefix>,
    /// Slots of each table: a prime, at most `bpf_common::layout::SLOTS`.
    pub slots: u32,
    /// How long a flow that says nothing is remembered while its slot is in transition.
    pub idle: Idle,
}

/// Where the program sits on a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// In the driver where it can, else [`Hook::Generic`].
    #[default]
    Auto,
    /// In the driver, or not at all.
    Native,
    /// Behind the driver, in the kernel's generic XDP.
    Generic,
    /// At the ingress of traffic control; as [`Hook::Clsact`] where the kernel has no other way.
    Tc,
    /// As a filter of traffic control, among those of others.
    Clsact,
}

/// How long a flow may say nothing before it is taken to have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idle {
    /// Of TCP.
    pub tcp: Duration,
    /// Of all others.
    pub other: Duration,
}

/// What packets of a service have as their destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    /// The addresses. A service for one protocol or port has one address.
    pub prefix: Prefix,
    /// The protocol and its port; `None`: all.
    pub transport: Option<Transport>,
}

/// A protocol, and perhaps a port of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Transport {
    /// The protocol.
    pub protocol: Protocol,
    /// The port; `None`: all.
    pub port: Option<u16>,
}

/// Protocols with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP, number 6.
    Tcp,
    /// UDP, number 17.
    Udp,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What persons call it.
    pub name: Arc<str>,
    /// Those who do the work. Services with equal ones share their tables.
    pub backends: Arc<[Member]>,
    /// Which flows belong together.
    pub affinity: Affinity,
    /// Its datagrams are QUIC's.
    pub quic: bool,
    /// So many octets of a connection ID of QUIC, behind its first one, are the last ones of the address of the backend that
    /// chose it; 0: they say nothing, [`bpf_common::layout::SERVER_OCTETS_MOST`] at most.
    pub server_octets: u8,
    /// What becomes of packets while nobody can take them.
    pub when_empty: WhenEmpty,
    /// The largest segment that a connection may agree on, in octets.
    pub clamp: Option<u16>,
}

/// Which flows go to the same backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Affinity {
    /// Each on its own.
    #[default]
    Flow,
    /// All of a client.
    Client,
}

/// What becomes of packets for a service that has nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhenEmpty {
    /// They go the way of the kernel's routes.
    #[default]
    Kernel,
    /// They go to nobody.
    Drop,
}

/// A backend within a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// Who, and how packets get there.
    pub backend: Backend,
    /// Its part of the new flows, in relation to the others.
    pub weight: u32,
    /// What it is for.
    pub state: State,
    /// Packets of our own with this mark (`SO_MARK`) go to this backend, whatever its state: questions about its health
    /// take the way of the clients' packets.
    pub mark: Option<u32>,
}

/// What a backend gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// New flows and its own.
    Active,
    /// Only its own: it drains, or a check of its health has failed and flows may be left to live.
    Draining,
    /// Nothing: its flows go to others at once.
    Dead,
}

/// A backend, and how packets get to it. Its address, port and way name it, on every router alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Backend {
    /// The node.
    pub address: IpAddr,
    /// The way.
    pub way: Way,
    /// Where packets leave, once their headers are what they shall be; `None`: nothing leads there now.
    pub exit: Option<Exit>,
}

/// What is done to a packet on its way to a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// Only the addresses of the link are rewritten.
    L2,
    /// Within an IP packet from this address (RFC 2003, RFC 2473).
    Ipip {
        /// Ours.
        source: IpAddr,
    },
    /// Within UDP (GUE, variant 1).
    Gue {
        /// Ours.
        source: IpAddr,
        /// The port.
        port: u16,
    },
    /// To the backend's own address, and to its own port where the service has one.
    Nat {
        /// The port; `None`: the one that it came to.
        port: Option<u16>,
    },
}

/// Where packets leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exit {
    /// The number of the link.
    pub link: u32,
    /// Whose hardware address is on them: the backend, or the router before it.
    pub gateway: IpAddr,
}
