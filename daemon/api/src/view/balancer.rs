//! `show balancer …`: services, their backends, and what was counted; a page says which of it is shown as text.
//!
//! Never counts anything: the engine knows who stands how, and the maps of the kernel what went through.

use std::net::IpAddr;

use nouns::{IfName, MacAddress, Prefix};
use serde::{Deserialize, Serialize};

use grammar::commands::BalancerShown;

use super::BalancerFlows;

/// `show balancer …`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Balancer {
    /// What of it is shown.
    pub shown: BalancerShown,
    /// Why nothing is balanced, though something shall be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<String>,
    /// Slots of each table.
    pub table_size: u32,
    /// Where packets of clients are taken.
    pub interfaces: Vec<BalancerInterface>,
    /// In the order of their destinations.
    pub services: Vec<BalancerService>,
    /// In the order of their addresses.
    pub backends: Vec<BalancerBackend>,
    /// Packets that went to nobody, or were left to the kernel, by the reason.
    pub drops: Vec<BalancerDrop>,
    /// What makes packets go astray in silence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Flows that are remembered because their slots have changed hands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remembered_flows: Option<u32>,
    /// Those flows, on the page of connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flows: Option<BalancerFlows>,
    /// Tables that are in use; many services share one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<u32>,
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalancerInterface {
    /// Its name.
    pub name: IfName,
    /// `hook`: `auto`, `native`, `generic`, `tc`.
    pub wished: String,
    /// What came of it; absent while nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<String>,
    /// Why nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalancerService {
    /// What it is called.
    pub name: String,
    /// The name of the learned services that it is one of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<String>,
    /// Its addresses.
    pub address: Prefix,
    /// `tcp`, `udp`; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Its port; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `flow`, `client`.
    pub affinity: String,
    /// `open`, `kernel`, `drop`, `withdraw`.
    pub empty: String,
    /// `active`; `open` while none is well and all are taken to be; `empty` while nobody gets connections; `withdrawn`.
    pub state: String,
    /// Those who do the work.
    pub backends: Vec<ServiceBackend>,
    /// What the maps say of it; absent while it is not in them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<ServiceTable>,
}

/// What the maps say of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceTable {
    /// The number of its table; absent while it has nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Its slots.
    pub slots: u32,
    /// Slots that have changed hands, whose flows are being learned.
    pub learning: u32,
    /// Slots that have changed hands, whose remembered flows go on where they were.
    pub settling: u32,
    /// Seconds until all is learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned_in: Option<u64>,
    /// Packets that were forwarded.
    pub packets: u64,
    /// Octets of them.
    pub octets: u64,
    /// Connections that began.
    pub new_flows: u64,
    /// Flows that were remembered, ever since the counters were set back.
    pub tracked_flows: u64,
}

/// A backend of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceBackend {
    /// The node.
    pub address: IpAddr,
    /// Its own port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `l2`, `ipip`, `gue`, `nat`.
    pub way: String,
    /// Its share in relation to the others, now.
    pub weight: u32,
    /// `active`, `starting`, `held-off`, `unproven`, `unwell`, `drained`, `leaving`, `dead`, `disabled`.
    pub state: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Seconds until the state changes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes_in: Option<u64>,
    /// What its check says: `unknown`, `well`, `unwell`; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Slots whose new connections it gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// Slots whose old connections it has, though new ones go to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_slots: Option<u32>,
}

/// A node in one way of forwarding, whatever it serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalancerBackend {
    /// The node.
    pub address: IpAddr,
    /// `l2`, `ipip`, `gue`, `nat`.
    pub way: String,
    /// The interface that its packets leave by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The next hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// The hardware address of the next hop; absent while it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddress>,
    /// Services that it is a backend of.
    pub services: u32,
    /// A person drains it, whatever it serves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drained: bool,
    /// Packets that it got.
    pub packets: u64,
    /// Octets of them.
    pub octets: u64,
}

/// Packets that were not forwarded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalancerDrop {
    /// Why.
    pub reason: String,
    /// How many.
    pub packets: u64,
}
