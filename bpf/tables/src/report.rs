//! What the balancer does, told: services, backends, counters, links, warnings.
//!
//! Never formats anything for a person: who shows it chooses the words.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bpf_common::layout::{Count, ServiceCount};
use nouns::{IfName, MacAddress};

use crate::wish::{Destination, Exit, Hook, State, Way};

/// How the balancer is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Why nothing is balanced though something shall be, as a sentence without its full stop.
    pub off: Option<String>,
    /// The links that packets for services are taken on, by their names.
    pub links: Vec<LinkReport>,
    /// Services, ordered by their destinations.
    pub services: Vec<ServiceReport>,
    /// Backends, ordered by their addresses and ways.
    pub backends: Vec<BackendReport>,
    /// Packets that went to nobody or were left to the kernel: why, and how many.
    pub drops: Vec<(&'static str, u64)>,
    /// What silently makes packets go astray, as sentences without their full stops.
    pub warnings: Vec<String>,
    /// How full the maps are.
    pub room: Room,
}

/// A link with a program on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkReport {
    /// Its name.
    pub name: IfName,
    /// What was wished.
    pub wished: Hook,
    /// What came of it, or why nothing did.
    pub hook: Result<Attached, String>,
}

/// Where a program sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attached {
    /// In the driver.
    Native,
    /// In the kernel's generic XDP.
    Generic,
    /// At the ingress of traffic control.
    Tc,
    /// There, too, as a filter of a `clsact` queue.
    Clsact,
}

/// A service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceReport {
    /// What persons call it.
    pub name: Arc<str>,
    /// What it is reached at.
    pub destination: Destination,
    /// Slots of its table.
    pub slots: u32,
    /// The table that it shares with others, or none while it has nobody.
    pub table: Option<u32>,
    /// Slots that have changed hands, whose flows are being learned.
    pub learning: u32,
    /// Slots that have changed hands and wait for remembered flows to end.
    pub settling: u32,
    /// How long the learning of all of them lasts yet, at the most.
    pub learned_in: Option<Duration>,
    /// Its backends and their shares.
    pub members: Vec<MemberReport>,
    /// What was counted since it exists.
    pub count: ServiceCount,
}

/// A backend's part in a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberReport {
    /// The number of the backend.
    pub number: u32,
    /// The node.
    pub address: IpAddr,
    /// The way to it.
    pub way: Way,
    /// As wished.
    pub weight: u32,
    /// As wished.
    pub state: State,
    /// Slots whose new flows are its.
    pub slots: u32,
    /// Slots whose old flows are its, though new ones go to another.
    pub former: u32,
}

/// A backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendReport {
    /// Its number in the maps.
    pub number: u32,
    /// The node.
    pub address: IpAddr,
    /// The way to it.
    pub way: Way,
    /// Where its packets leave.
    pub exit: Option<Exit>,
    /// The hardware address of the next hop, as soon as the kernel knows it.
    pub mac: Option<MacAddress>,
    /// Octets of the largest IP packet that leaves for it.
    pub mtu: u16,
    /// Services that it is a member of.
    pub services: u32,
    /// What was counted since it exists.
    pub count: Count,
}

/// How much of the maps is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Tables, of [`bpf_common::layout::TABLES`].
    pub tables: u32,
    /// Services, of [`bpf_common::layout::SERVICES`].
    pub services: u32,
    /// Backends, of [`bpf_common::layout::BACKENDS`]; numbers that rest before they are given out again included.
    pub backends: u32,
    /// Lines of the directory, of half of [`bpf_common::layout::PLACES`].
    pub lines: u32,
    /// Flows that were remembered when they were counted last.
    pub flows: u32,
}
