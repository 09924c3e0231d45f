//! `show interfaces` in the layouts of EdgeOS.
//!
//! Columns never move: an address too wide for its own pushes the state to the next line. Never asks the kernel.

use nouns::{IfName, InterfaceAddress};
use serde::{Deserialize, Serialize};

use crate::text::{Align, Table, Text};

/// An address as wide as this leaves no room for the state beside it.
const ADDRESS_WIDTH: usize = 33;

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

/// What went through an interface (`rtnl_link_stats64`), since it exists or since `clear interfaces counters`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceCounters {
    /// Received.
    pub received: Received,
    /// Sent.
    pub sent: Sent,
}

/// What came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Received {
    /// Octets.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Packets with errors.
    pub errors: u64,
    /// Packets dropped.
    pub dropped: u64,
    /// Packets lost because the ring was full.
    pub overrun: u64,
    /// Multicast packets.
    pub multicast: u64,
}

/// What went out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sent {
    /// Octets.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Packets with errors.
    pub errors: u64,
    /// Packets dropped.
    pub dropped: u64,
    /// Packets lost with the carrier.
    pub carrier: u64,
    /// Collisions on the wire.
    pub collisions: u64,
}

/// `show interfaces counters`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountersOfInterfaces {
    /// In the order in which they are shown.
    pub interfaces: Vec<CountersOfInterface>,
}

/// One row of `show interfaces counters`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountersOfInterface {
    /// The interface.
    pub name: IfName,
    /// What went through it; absent where the kernel does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<InterfaceCounters>,
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

/// `%-12s %-33s %-4s %s` without blanks at the end.
fn row(name: &str, address: &str, state: &str, description: &str) -> String {
    format!("{}\n", format!("{name:<12} {address:<33} {state:<4} {description}").trim_end())
}

impl Interface {
    /// One line for each address; the state stands beside the first one, or below it where that is too wide.
    fn rows(&self) -> String {
        let description = self.description.as_deref().unwrap_or_default();
        let mut addresses = self.addresses.iter().map(InterfaceAddress::to_string);
        let first = addresses.next().unwrap_or_else(|| "-".to_owned());
        let mut text = if first.chars().count() < ADDRESS_WIDTH {
            row(self.name.as_str(), &first, self.state(), description)
        } else {
            row(self.name.as_str(), &first, "", "") + &row("", "", self.state(), description)
        };
        text.extend(addresses.map(|address| row("", &address, "", "")));
        text
    }
}

impl Text for Interfaces {
    fn text(&self) -> String {
        let mut text = "Codes: S - State, L - Link, u - Up, D - Down, A - Admin Down\n".to_owned();
        text.push_str(&row("Interface", "IP Address", "S/L", "Description"));
        text.push_str(&row("---------", "----------", "---", "-----------"));
        text.extend(self.interfaces.iter().map(Interface::rows));
        text
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
        let state = if one.admin_up && one.carrier { "UP" } else { "DOWN" };
        let mut text =
            format!("{}: <{}> mtu {} state {state} index {}\n", one.name, flags.join(","), one.mtu, self.index);
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
        let Self { received: r, sent: t } = self;
        let received = [r.bytes, r.packets, r.errors, r.dropped, r.overrun, r.multicast];
        let sent = [t.bytes, t.packets, t.errors, t.dropped, t.carrier, t.collisions];
        let block = |way: &str, last: [&str; 2], counts: [u64; 6]| {
            let titles = ["packets", "errors", "dropped"].into_iter().chain(last);
            let titles: String = titles.map(|title| format!(" {title:>10}")).collect();
            let counts = counts.map(|count| format!("{count:>10}")).join(" ");
            format!("    {way}:{:>7}{titles}\n    {counts}\n", "bytes")
        };
        format!("\n{}{}", block("RX", ["overrun", "mcast"], received), block("TX", ["carrier", "collisions"], sent))
    }
}

impl Text for Vec<InterfaceDetail> {
    fn text(&self) -> String {
        self.iter().map(Text::text).collect::<Vec<_>>().join("\n")
    }
}

impl Text for CountersOfInterfaces {
    fn text(&self) -> String {
        let numbers = [
            ("Rx Packets", 12),
            ("Rx Bytes", 14),
            ("Tx Packets", 12),
            ("Tx Bytes", 14),
            ("Rx Errors", 10),
            ("Rx Dropped", 10),
            ("Tx Errors", 10),
            ("Tx Dropped", 10),
        ];
        let columns = numbers.map(|(title, width)| (title, Align::Right, width));
        let mut table = Table::new(&[&[("Interface", Align::Left, 12)], columns.as_slice()].concat());
        for CountersOfInterface { name, counters } in &self.interfaces {
            let cells = counters.map_or_else(
                || numbers.map(|_| "-".to_owned()),
                |InterfaceCounters { received: r, sent: t }| {
                    [r.packets, r.bytes, t.packets, t.bytes, r.errors, r.dropped, t.errors, t.dropped]
                        .map(|count| count.to_string())
                },
            );
            table.row(std::iter::once(name.to_string()).chain(cells));
        }
        table.text()
    }
}
