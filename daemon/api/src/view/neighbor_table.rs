//! `show arp` and `show ipv6 neighbors`, in the layouts of `arp` and `ip neighbor`.
//!
//! What the kernel answered when it was asked; never kept, never sorted anew.

use std::net::IpAddr;

use nouns::{Family, IfName};
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// `show arp`, `show ipv6 neighbors`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeighborTable {
    /// The family of the addresses.
    pub family: Family,
    /// In the order of their addresses.
    pub neighbors: Vec<LinkNeighbor>,
}

/// One host on a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkNeighbor {
    /// Its address.
    pub address: IpAddr,
    /// The link.
    pub interface: IfName,
    /// `00:53:00:00:00:02`; absent while it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// What the kernel knows of it.
    pub state: NeighborState,
    /// It says that it is a router (IPv6).
    pub router: bool,
}

/// What the kernel knows of a neighbor (`NUD_*` in linux/neighbour.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NeighborState {
    /// It was asked for and has not answered yet.
    Incomplete,
    /// It was there a moment ago.
    Reachable,
    /// It was there some time ago.
    Stale,
    /// It will be asked soon.
    Delay,
    /// It is being asked.
    Probe,
    /// It does not answer.
    Failed,
    /// Somebody set it for good.
    Permanent,
}

impl NeighborState {
    /// As `ip neighbor` writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Incomplete => "INCOMPLETE",
            Self::Reachable => "REACHABLE",
            Self::Stale => "STALE",
            Self::Delay => "DELAY",
            Self::Probe => "PROBE",
            Self::Failed => "FAILED",
            Self::Permanent => "PERMANENT",
        }
    }
}

impl Text for NeighborTable {
    fn text(&self) -> String {
        match self.family {
            Family::Ipv4Unicast => {
                let head = "Address                  HWtype  HWaddress           Flags Mask            Iface\n";
                std::iter::once(head.to_owned()).chain(self.neighbors.iter().map(LinkNeighbor::arp_line)).collect()
            }
            Family::Ipv6Unicast => self.neighbors.iter().map(LinkNeighbor::ip_line).collect(),
        }
    }
}

impl LinkNeighbor {
    /// As `arp -e -n` writes it: `C` complete, `M` set by hand.
    fn arp_line(&self) -> String {
        let Self { address, interface, .. } = self;
        let flags = if self.state == NeighborState::Permanent { "CM" } else { "C" };
        match &self.mac {
            Some(mac) => format!("{address:<24} {:<7} {mac:<19} {flags:<5} {:<15} {interface}\n", "ether", ""),
            None => format!("{address:<24} {:<7} {:<19} {:<5} {:<15} {interface}\n", "", "(incomplete)", "", ""),
        }
    }

    /// As `ip -6 neighbor` writes it.
    fn ip_line(&self) -> String {
        let mac = self.mac.as_ref().map(|mac| format!(" lladdr {mac}")).unwrap_or_default();
        let router = if self.router { " router" } else { "" };
        format!("{} dev {}{mac}{router} {}\n", self.address, self.interface, self.state.word())
    }
}
