//! `show interfaces` in the layout of EdgeOS.
//!
//! An address too wide for its column widens the column, rather than pushing the state to the next line.

use nouns::{IfName, InterfaceAddress};
use serde::{Deserialize, Serialize};

use crate::text::{Align, Table, Text};

/// `show interfaces`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interfaces {
    /// In the order in which they are shown.
    pub interfaces: Vec<Interface>,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Interface {
    /// Its name.
    pub name: IfName,
    /// Its addresses, link-local ones left out unless asked for in detail.
    pub addresses: Vec<InterfaceAddress>,
    /// It is switched on.
    pub admin_up: bool,
    /// The carrier is there.
    pub carrier: bool,
    /// `description`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// In octets.
    pub mtu: u32,
    /// `00:53:00:00:00:01`; absent where the link has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
}

/// `show interfaces ethernet eth0`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceDetail {
    /// The interface.
    pub interface: Interface,
    /// The kernel's number of it.
    pub index: u32,
    /// It is a loopback.
    pub loopback: bool,
    /// Absent where nobody counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<InterfaceCounters>,
}

/// What went through an interface (`rtnl_link_stats64`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceCounters {
    /// Received.
    pub received: DirectionCounters,
    /// Sent.
    pub sent: DirectionCounters,
}

/// One direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectionCounters {
    /// Octets.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Packets with errors.
    pub errors: u64,
    /// Packets dropped.
    pub dropped: u64,
}

impl Interface {
    fn state(&self) -> &'static str {
        match (self.admin_up, self.carrier) {
            (true, true) => "u/u",
            (true, false) => "u/D",
            (false, _) => "A/D",
        }
    }
}

impl Text for Interfaces {
    fn text(&self) -> String {
        let mut table = Table::new(&[
            ("Interface", Align::Left, 12),
            ("IP Address", Align::Left, 33),
            ("S/L", Align::Left, 4),
            ("Description", Align::Left, 0),
        ]);
        table.rule();
        for interface in &self.interfaces {
            let mut addresses = interface.addresses.iter().map(InterfaceAddress::to_string);
            table.row([
                interface.name.to_string(),
                addresses.next().unwrap_or_else(|| "-".to_owned()),
                interface.state().to_owned(),
                interface.description.clone().unwrap_or_default(),
            ]);
            for address in addresses {
                table.row([String::new(), address]);
            }
        }
        format!("Codes: S - State, L - Link, u - Up, D - Down, A - Admin Down\n{}", table.text())
    }
}

impl Text for InterfaceDetail {
    fn text(&self) -> String {
        let one = &self.interface;
        let mut flags = Vec::new();
        for (set, flag) in [(self.loopback, "LOOPBACK"), (one.admin_up, "UP"), (one.carrier, "LOWER_UP")] {
            if set {
                flags.push(flag);
            }
        }
        let mut text = format!("{}: <{}> mtu {} index {}\n", one.name, flags.join(","), one.mtu, self.index);
        if let Some(mac) = &one.mac {
            text.push_str(&format!("    link/ether {mac}\n"));
        }
        for address in &one.addresses {
            let family = if address.address().is_ipv4() { "inet" } else { "inet6" };
            text.push_str(&format!("    {family} {address}\n"));
        }
        if let Some(description) = &one.description {
            text.push_str(&format!("    Description: {description}\n"));
        }
        text.push_str(&self.counters.map(InterfaceCounters::text).unwrap_or_default());
        text
    }
}

impl InterfaceCounters {
    fn text(self) -> String {
        let mut text = String::from("\n");
        for (title, counters) in [("RX:", self.received), ("TX:", self.sent)] {
            let mut table = Table::new(&[
                (title, Align::Left, 6),
                ("bytes", Align::Right, 12),
                ("packets", Align::Right, 12),
                ("errors", Align::Right, 10),
                ("dropped", Align::Right, 10),
            ]);
            let DirectionCounters { bytes, packets, errors, dropped } = counters;
            table.row([String::new()].into_iter().chain([bytes, packets, errors, dropped].map(|n| n.to_string())));
            text.push_str(&table.text().lines().map(|line| format!("    {line}\n")).collect::<String>());
        }
        text
    }
}
