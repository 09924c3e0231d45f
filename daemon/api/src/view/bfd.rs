//! `show bfd peers [brief | A]`, in the layout of FRR's bfdd.
//!
//! Never counts or times anything: who sends the packets did.

use std::net::IpAddr;

use nouns::IfName;
use serde::{Deserialize, Serialize};

use crate::text::{Align, Table, Text, uptime};

/// `show bfd peers`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BfdPeers {
    /// One line for each.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub brief: bool,
    /// In the order of their addresses.
    pub peers: Vec<BfdPeer>,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BfdPeer {
    /// The other side.
    pub peer: IpAddr,
    /// It is behind other routers.
    pub multihop: bool,
    /// Our address, where one is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<IpAddr>,
    /// The link, where one is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<IfName>,
    /// Who wants it: `bgp`, `configuration`.
    pub clients: Vec<String>,
    /// How it is; absent while nothing is sent for it, because its link is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<BfdSession>,
}

/// How a session is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BfdSession {
    /// Our number for it.
    pub id: u32,
    /// The other side's number for it; 0 while nothing is heard.
    pub remote_id: u32,
    /// It waits until the other side begins.
    pub passive: bool,
    /// `admin-down`, `down`, `init`, `up`.
    pub status: String,
    /// Seconds since the status changed.
    pub since: u64,
    /// Why it changed.
    pub diagnostic: String,
    /// Why the other side's status changed.
    pub remote_diagnostic: String,
    /// The other side's status, where anything is heard of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_status: Option<String>,
    /// The other side's BFD does not share the fate of its control plane (C bit).
    pub remote_control_plane_independent: bool,
    /// The last time that it went down from up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_down: Option<BfdDown>,
    /// What we ask for.
    pub local_timers: BfdTimers,
    /// What the other side asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_timers: Option<BfdTimers>,
    /// Milliseconds between our packets; absent while none are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transmit_interval: Option<u64>,
    /// Milliseconds of silence after which it is down; absent while nothing is heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection_time: Option<u64>,
    /// Packets sent.
    pub sent: u64,
    /// Packets received.
    pub received: u64,
    /// Packets that did not prove who sent them.
    pub unproven: u64,
    /// Times that it came up.
    pub ups: u64,
    /// Times that it went down from up.
    pub downs: u64,
}

/// When and why a session went down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BfdDown {
    /// Seconds ago.
    pub ago: u64,
    /// Why.
    pub reason: String,
}

/// Intervals in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BfdTimers {
    /// Packets that may be lost in a row.
    pub multiplier: u8,
    /// How often packets can be received.
    pub receive: u64,
    /// How often packets are wished to be sent.
    pub transmit: u64,
    /// How often echo packets can be returned; 0 for never.
    pub echo_receive: u64,
}

impl Text for BfdPeers {
    fn text(&self) -> String {
        if self.brief { self.table() } else { self.details() }
    }
}

impl BfdPeers {
    fn table(&self) -> String {
        let columns = [
            ("SessionId", 11),
            ("LocalAddress", 24),
            ("PeerAddress", 24),
            ("Interface", 10),
            ("Status", 10),
            ("Since", 0),
        ];
        let mut table = Table::new(&columns.map(|(title, width)| (title, Align::Left, width)));
        table.rule();
        for peer in &self.peers {
            let session = peer.session.as_ref();
            table.row([
                session.map(|session| session.id.to_string()).unwrap_or_default(),
                peer.local.map(|local| local.to_string()).unwrap_or_default(),
                peer.peer.to_string(),
                peer.interface.as_ref().map(ToString::to_string).unwrap_or_default(),
                session.map_or("no link", |session| session.status.as_str()).to_owned(),
                session.map(|session| uptime(session.since)).unwrap_or_default(),
            ]);
        }
        format!("Session count: {}\n{}", self.peers.len(), table.text())
    }

    fn details(&self) -> String {
        std::iter::once("BFD Peers:\n".to_owned()).chain(self.peers.iter().map(BfdPeer::details)).collect()
    }
}

impl BfdPeer {
    fn details(&self) -> String {
        let multihop = if self.multihop { " multihop" } else { "" };
        let local = self.local.map(|local| format!(" local-address {local}")).unwrap_or_default();
        let interface = self.interface.as_ref().map(|name| format!(" interface {name}")).unwrap_or_default();
        let mut lines = vec![format!("    peer {}{multihop}{local}{interface}", self.peer)];
        match &self.session {
            Some(session) => lines.extend(session.lines()),
            None => lines.push("        Status: down, its link is not there".to_owned()),
        }
        if !self.clients.is_empty() {
            lines.push(format!("        Wanted by: {}", self.clients.join(", ")));
        }
        lines.into_iter().map(|line| line + "\n").collect::<String>() + "\n"
    }
}

impl BfdSession {
    fn lines(&self) -> Vec<String> {
        let milliseconds = |time: Option<u64>| time.map_or_else(|| "none".to_owned(), |time| format!("{time}ms"));
        let mut lines = vec![
            format!("        ID: {}", self.id),
            format!("        Remote ID: {}", self.remote_id),
            format!("        {} mode", if self.passive { "Passive" } else { "Active" }),
            format!("        Status: {}", self.status),
            format!("        {}: {}", if self.status == "up" { "Uptime" } else { "Downtime" }, uptime(self.since)),
            format!("        Diagnostics: {}", self.diagnostic),
            format!("        Remote diagnostics: {}", self.remote_diagnostic),
        ];
        lines.extend(self.remote_status.as_ref().map(|status| format!("        Remote status: {status}")));
        lines.extend(
            self.last_down.as_ref().map(|down| format!("        Last down: {} ago, {}", uptime(down.ago), down.reason)),
        );
        lines.push("        Local timers:".to_owned());
        lines.extend(self.local_timers.lines());
        if let Some(timers) = &self.remote_timers {
            lines.push("        Remote timers:".to_owned());
            lines.extend(timers.lines());
        }
        lines.push(format!("        Sending every: {}", milliseconds(self.transmit_interval)));
        lines.push(format!("        Detection time: {}", milliseconds(self.detection_time)));
        lines.push(format!(
            "        Control packets: {} sent, {} received, {} unproven",
            self.sent, self.received, self.unproven
        ));
        lines.push(format!("        Session up events: {}, down events: {}", self.ups, self.downs));
        lines
    }
}

impl BfdTimers {
    fn lines(&self) -> [String; 4] {
        let echo = if self.echo_receive == 0 { "disabled".to_owned() } else { format!("{}ms", self.echo_receive) };
        [
            format!("            Detect-multiplier: {}", self.multiplier),
            format!("            Receive interval: {}ms", self.receive),
            format!("            Transmission interval: {}ms", self.transmit),
            format!("            Echo receive interval: {echo}"),
        ]
    }
}

/// The session of BFD with a neighbor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeighborBfd {
    /// It is behind other routers.
    pub multihop: bool,
    /// `admin-down`, `down`, `init`, `up`.
    pub status: String,
    /// Why the status changed last.
    pub diagnostic: String,
    /// Seconds since then; absent before the first change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
}

impl NeighborBfd {
    /// The line of `show ip bgp neighbors`.
    pub(super) fn line(&self) -> String {
        let kind = if self.multihop { "multi hop" } else { "single hop" };
        let since = self.since.map(|since| format!(" for {}", uptime(since))).unwrap_or_default();
        let why = if self.status == "up" { String::new() } else { format!(" ({})", self.diagnostic) };
        format!("  BFD: {kind}, {}{since}{why}", self.status)
    }
}

/// Whether a neighbor that speaks no BFD answers probes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeighborLiveness {
    /// `arp`, `icmp`, `tcp`.
    pub probe: String,
    /// The port of `tcp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Milliseconds between probes.
    pub interval: u32,
    /// Probes that may be lost in a row.
    pub multiplier: u8,
    /// `unknown` until the first answer, `alive`, `dead`.
    pub status: String,
    /// Seconds since the status changed; absent before the first change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
}

impl NeighborLiveness {
    /// The line of `show ip bgp neighbors`.
    pub(super) fn line(&self) -> String {
        let port = self.port.map(|port| format!(" port {port}")).unwrap_or_default();
        let since = self.since.map(|since| format!(" for {}", uptime(since))).unwrap_or_default();
        let Self { probe, interval, multiplier, status, .. } = self;
        format!("  Liveness: {probe}{port} every {interval}ms, {multiplier} may be lost, {status}{since}")
    }
}
