//! `show ip bgp neighbors [A]`: everything about a session.
//!
//! Follows the order that FRR and Quagga print; never computes a counter.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use nouns::{Asn, Family, IfName};
use serde::{Deserialize, Serialize};

use crate::text::{Align, Table, Text, count, uptime};
use crate::view::bfd::{NeighborBfd, NeighborLiveness};
use crate::view::bgp::PeerState;
pub use crate::view::bgp_reset::{LastReset, ResetNotification};

/// `show ip bgp neighbors`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BgpNeighbors {
    /// In the order of their addresses.
    pub neighbors: Vec<BgpNeighbor>,
}

/// One neighbor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BgpNeighbor {
    /// The neighbor.
    pub address: IpAddr,
    /// The interface that it is found on, where it is named by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<IfName>,
    /// Its AS; absent for `remote-as external` until the session tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_as: Option<Asn>,
    /// The AS that we speak as.
    pub local_as: Asn,
    /// It is of the same AS.
    pub internal: bool,
    /// It is of another AS of the same confederation (RFC 5065).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confederation: bool,
    /// What we are to it, and what it says that it is to us (RFC 9234).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<NeighborRoles>,
    /// Traffic moves away from it (RFC 8326).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub graceful_shutdown: bool,
    /// It exists because it connected from a `listen range`.
    pub dynamic: bool,
    /// `description`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its host name, where it told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
    /// Its software, where it told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// `peer-group`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_group: Option<String>,
    /// Its BGP identifier, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_router_id: Option<Ipv4Addr>,
    /// Our BGP identifier.
    pub local_router_id: Ipv4Addr,
    /// The session's state.
    pub state: PeerState,
    /// Seconds since the session came up, or since it went down; absent when it never was up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_down: Option<u64>,
    /// Why nothing is tried or nothing succeeds at the moment, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
    /// Seconds since the last message was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_read: Option<u64>,
    /// Seconds since the last message was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_write: Option<u64>,
    /// Timers in seconds.
    pub timers: NeighborTimers,
    /// What each side can, and what matters of the neighbor's: `Route refresh: advertised and received`.
    pub capabilities: Vec<String>,
    /// Absent when the peer does not take part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graceful_restart: Option<NeighborRestart>,
    /// Messages by kind.
    pub messages: MessageCounters,
    /// What went wrong with routes.
    pub troubles: RouteTroubles,
    /// Per family that is configured.
    pub families: Vec<NeighborFamily>,
    /// Times that Established was reached.
    pub connections_established: u64,
    /// Times that Established was left.
    pub connections_dropped: u64,
    /// The last time that it was left or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_reset: Option<LastReset>,
    /// `ebgp-multihop` or `ttl-security`, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hops: Option<String>,
    /// `bfd`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bfd: Option<NeighborBfd>,
    /// `liveness`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<NeighborLiveness>,
    /// `advertisement-interval` in seconds, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertisement_interval: Option<u16>,
    /// `passive`
    pub passive: bool,
    /// A password is set (RFC 2385).
    pub password: bool,
    /// The chain of the keys that its connections are signed with (RFC 5925).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_chain: Option<String>,
    /// `update-source` as configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_source: Option<String>,
    /// Our end of the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_end: Option<SocketAddr>,
    /// Their end of the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_end: Option<SocketAddr>,
}

/// Roles of both sides (RFC 9234 §4.1): provider, customer, peer, rs-server or rs-client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeighborRoles {
    /// `local-role`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<String>,
    /// What the neighbor says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
}

/// Timers in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NeighborTimers {
    /// Negotiated hold time; 0 when none is kept; the configured one until then.
    pub hold_time: u16,
    /// Keepalive interval in use; 0 when none are sent.
    pub keepalive: u16,
    /// `timers holdtime`
    pub configured_hold_time: u16,
    /// `timers keepalive`
    pub configured_keepalive: u16,
    /// `timers connect`
    pub connect_retry: u16,
    /// Seconds until the next attempt to connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<u64>,
}

/// The peer's part in graceful restart (RFC 4724, RFC 8538).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NeighborRestart {
    /// It said that it has just restarted.
    pub restarting: bool,
    /// NOTIFICATIONs do not end the helper role (N bit on both sides).
    pub notification: bool,
    /// Seconds that it asks for.
    pub restart_time: u16,
    /// Families listed, and whether it kept forwarding (F bit).
    pub families: Vec<RestartFamily>,
    /// Seconds for which it is asked to keep our routes; 0 when it is not.
    #[serde(default)]
    pub asked: u16,
    /// This router has restarted: the neighbor keeps our old routes, and hears of the new ones once they are complete.
    #[serde(default)]
    pub held_back: bool,
    /// Seconds until stale routes are swept, while it is away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_for: Option<u64>,
}

/// One family of the graceful restart capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestartFamily {
    /// The family.
    pub family: Family,
    /// Forwarding state was preserved.
    pub forwarding_preserved: bool,
}

/// Messages of one direction pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentReceived {
    /// Sent by us.
    pub sent: u64,
    /// Received by us.
    pub received: u64,
}

/// Messages by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageCounters {
    /// OPEN
    pub opens: SentReceived,
    /// NOTIFICATION
    pub notifications: SentReceived,
    /// UPDATE
    pub updates: SentReceived,
    /// KEEPALIVE
    pub keepalives: SentReceived,
    /// ROUTE-REFRESH
    pub route_refreshes: SentReceived,
    /// Read but not yet handled.
    pub in_queue: u64,
    /// Prefixes that have yet to be told.
    pub out_queue: u64,
    /// Octets made but not yet written.
    #[serde(default)]
    pub unwritten_octets: u64,
}

/// What went wrong with routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteTroubles {
    /// Dropped: our AS in the path.
    pub as_path_loops: u64,
    /// Dropped: reflected back to us or to our cluster (RFC 4456).
    #[serde(default)]
    pub reflection_loops: u64,
    /// Treated as withdrawn for a malformed attribute (RFC 7606).
    pub treated_as_withdrawn: u64,
    /// Attributes discarded (RFC 7606).
    pub attributes_discarded: u64,
    /// UPDATEs of which something was malformed and cost less than the session (RFC 7606).
    #[serde(default)]
    pub malformed_updates: u64,
    /// UPDATEs that cost the session.
    #[serde(default)]
    pub fatal_updates: u64,
    /// Routes announced by the neighbor, each time that they were.
    #[serde(default)]
    pub announced: u64,
    /// Routes withdrawn by the neighbor, those among them that were treated as withdrawn.
    #[serde(default)]
    pub withdrawn: u64,
}

/// A neighbor's part in one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NeighborFamily {
    /// The family.
    pub family: Family,
    /// Both sides agreed on it.
    pub negotiated: bool,
    /// Prefixes received.
    pub received: u64,
    /// Prefixes accepted.
    pub accepted: u64,
    /// Prefixes refused on arrival; `filtered-routes` tells why.
    #[serde(default)]
    pub rejected: u64,
    /// Prefixes sent.
    pub sent: u64,
    /// Neighbors that hear the same share a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_group: Option<UpdateGroup>,
    /// What it says goes through these.
    #[serde(default, skip_serializing_if = "NeighborFilters::is_empty")]
    pub import: NeighborFilters,
    /// What it may hear goes through these.
    #[serde(default, skip_serializing_if = "NeighborFilters::is_empty")]
    pub export: NeighborFilters,
    /// `default-originate`
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default_originate: bool,
    /// `weight`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// `maximum-prefix`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_prefix: Option<u32>,
    /// Percent of `maximum-prefix`; the log warns of more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_prefix_threshold: Option<u8>,
    /// More than `maximum-prefix` ends nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub maximum_prefix_warning_only: bool,
    /// Minutes until a session that was ended for `maximum-prefix` is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_prefix_restart: Option<u16>,
    /// Entries of the filter by which it says what it wants to hear (RFC 5291), where that was agreed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u64>,
    /// `maximum-prefix-out`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_prefix_out: Option<u32>,
    /// Prefixes that are not announced for `maximum-prefix-out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<u64>,
    /// `conditionally-advertise`, and whether its condition is met, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// `nexthop-self`
    pub nexthop_self: bool,
    /// Words that shape the paths that it hears, and those that are taken from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// `route-reflector-client`
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub route_reflector_client: bool,
    /// Nothing is exchanged because no policy is set (RFC 8212).
    pub policy_missing: bool,
    /// The peer's End-of-RIB arrived.
    pub end_of_rib_received: bool,
    /// Ours was sent.
    pub end_of_rib_sent: bool,
}

/// Neighbors that hear the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateGroup {
    /// Its number.
    pub number: u32,
    /// How many they are.
    pub members: u64,
}

/// The policies of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NeighborFilters {
    /// `prefix-list`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_list: Option<String>,
    /// `distribute-list`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribute_list: Option<String>,
    /// `filter-list`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_list: Option<String>,
    /// `route-map`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_map: Option<String>,
}

impl NeighborFilters {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn lines(&self, direction: &str) -> Vec<String> {
        let lists = [("prefix", &self.prefix_list), ("network", &self.distribute_list), ("AS path", &self.filter_list)];
        let lists = lists.into_iter().filter_map(|(kind, name)| Some((kind, name.as_ref()?)));
        let mut lines: Vec<String> =
            lists.map(|(kind, name)| format!("  {direction} update {kind} filter list is {name}")).collect();
        let way = direction.to_lowercase();
        lines.extend(self.route_map.iter().map(|name| format!("  Route map for {way} advertisements is {name}")));
        lines
    }
}

impl Text for BgpNeighbors {
    fn text(&self) -> String {
        if self.neighbors.is_empty() {
            return "No BGP neighbor is configured\n".to_owned();
        }
        let texts: Vec<String> = self.neighbors.iter().map(Text::text).collect();
        texts.join("\n")
    }
}

impl Text for BgpNeighbor {
    fn text(&self) -> String {
        let mut lines = self.identity_lines();
        lines.extend(self.session_lines());
        if !self.capabilities.is_empty() {
            lines.push("  Neighbor capabilities:".to_owned());
            lines.extend(self.capabilities.iter().map(|line| format!("    {line}")));
        }
        lines.extend(self.graceful_restart.iter().flat_map(NeighborRestart::lines));
        lines.extend(self.message_lines());
        for family in &self.families {
            lines.extend(family.lines());
        }
        lines.extend(self.connection_lines());
        lines.push(String::new());
        lines.join("\n")
    }
}

impl BgpNeighbor {
    fn identity_lines(&self) -> Vec<String> {
        let remote_as = self.remote_as.map_or_else(|| "external".to_owned(), |asn| asn.to_string());
        let link = match (self.internal, self.confederation) {
            (true, _) => "internal",
            (false, true) => "confed-external",
            (false, false) => "external",
        };
        let place = self.interface.as_ref().map_or_else(|| "is ".to_owned(), |name| format!("on {name}: "));
        let star = if self.dynamic { "*" } else { "" };
        let mut lines = vec![format!(
            "BGP neighbor {place}{star}{}, remote AS {remote_as}, local AS {}, {link} link",
            self.address, self.local_as
        )];
        if self.dynamic {
            lines.push("  Dynamic neighbor, accepted from a listen range".to_owned());
        }
        lines.extend(self.description.iter().map(|words| format!(" Description: {words}")));
        if let Some(NeighborRoles { local, remote }) = &self.roles {
            lines.extend(local.iter().map(|role| format!("  Local Role: {role}")));
            lines.extend(remote.iter().map(|role| format!("  Neighbor Role: {role}")));
        }
        let leaving = "  Graceful shutdown: traffic shall move away (RFC 8326)";
        lines.extend(self.graceful_shutdown.then(|| leaving.to_owned()));
        lines.extend(self.host_name.iter().map(|name| format!("Hostname: {name}")));
        lines.extend(self.software.iter().map(|name| format!("Software: {name}")));
        let group = self.peer_group.iter();
        lines.extend(group.map(|name| format!(" Member of peer-group {name} for session parameters")));
        let remote_id = self.remote_router_id.unwrap_or(Ipv4Addr::UNSPECIFIED);
        lines.push(format!("  BGP version 4, remote router ID {remote_id}, local router ID {}", self.local_router_id));
        lines
    }

    fn session_lines(&self) -> Vec<String> {
        let up = match (self.state, self.up_down) {
            (PeerState::Established, Some(seconds)) => format!(", up for {}", uptime(seconds)),
            (_, Some(seconds)) => format!(", down for {}", uptime(seconds)),
            (_, None) => String::new(),
        };
        let mut lines = vec![format!("  BGP state = {}{up}", self.state)];
        lines.extend(self.obstacle.iter().map(|words| format!("  {words}")));
        let ago = |seconds: Option<u64>| seconds.map_or_else(|| "never".to_owned(), uptime);
        lines.push(format!("  Last read {}, Last write {}", ago(self.last_read), ago(self.last_write)));
        lines.push(format!(
            "  Hold time is {} seconds, keepalive interval is {} seconds",
            self.timers.hold_time, self.timers.keepalive
        ));
        lines.push(format!(
            "  Configured hold time is {} seconds, keepalive interval is {} seconds",
            self.timers.configured_hold_time, self.timers.configured_keepalive
        ));
        lines
    }

    fn message_lines(&self) -> Vec<String> {
        let counters = &self.messages;
        let rows = [
            ("Opens", counters.opens),
            ("Notifications", counters.notifications),
            ("Updates", counters.updates),
            ("Keepalives", counters.keepalives),
            ("Route Refresh", counters.route_refreshes),
        ];
        let total = rows.iter().fold(SentReceived::default(), |sum, (_, pair)| SentReceived {
            sent: sum.sent.saturating_add(pair.sent),
            received: sum.received.saturating_add(pair.received),
        });
        let mut table = Table::new(&[("", Align::Left, 21), ("Sent", Align::Right, 10), ("Rcvd", Align::Right, 10)]);
        for (name, pair) in rows.into_iter().chain([("Total", total)]) {
            table.row([format!("    {name}:"), pair.sent.to_string(), pair.received.to_string()]);
        }
        let mut lines = vec![
            "  Message statistics:".to_owned(),
            format!("    Inq depth is {}", counters.in_queue),
            format!("    Outq depth is {}", counters.out_queue),
        ];
        if counters.unwritten_octets > 0 {
            lines.push(format!("    {} octets wait until the neighbor reads", counters.unwritten_octets));
        }
        lines.extend(table.text().lines().map(str::to_owned));
        lines.push("  Prefix statistics:".to_owned());
        let troubles = &self.troubles;
        for (title, count) in [
            ("Announced", troubles.announced),
            ("Withdrawn", troubles.withdrawn),
            ("AS-PATH loop", troubles.as_path_loops),
            ("Reflection loop", troubles.reflection_loops),
            ("Malformed updates", troubles.malformed_updates),
            ("Treated as withdrawn", troubles.treated_as_withdrawn),
            ("Attributes discarded", troubles.attributes_discarded),
            ("Fatal updates", troubles.fatal_updates),
        ] {
            lines.push(format!("    {:<22} {count}", format!("{title}:")));
        }
        lines.extend(self.update_source.iter().map(|source| format!("  Update source is {source}")));
        lines
    }

    fn connection_lines(&self) -> Vec<String> {
        let mut lines = vec![String::new()];
        lines.push(format!(
            "  Connections established {}; dropped {}",
            self.connections_established, self.connections_dropped
        ));
        lines.extend(self.last_reset.as_ref().map_or_else(|| vec!["  Last reset never".to_owned()], LastReset::lines));
        lines.extend(self.hops.iter().map(|words| format!("  {words}")));
        lines.extend(self.bfd.as_ref().map(NeighborBfd::line));
        lines.extend(self.liveness.as_ref().map(NeighborLiveness::line));
        let run = |seconds| format!("  Minimum time between advertisement runs is {seconds} seconds");
        lines.extend(self.advertisement_interval.map(run));
        if self.passive {
            lines.push("  Passive: never opens, waits for the neighbor".to_owned());
        }
        if self.password {
            lines.push("  TCP MD5 password is set".to_owned());
        }
        lines.extend(self.key_chain.as_ref().map(|chain| format!("  TCP-AO keys of key-chain {chain} are used")));
        for (title, end) in [("Local", self.local_end), ("Foreign", self.remote_end)] {
            lines.extend(end.map(|end| format!("{title} host: {}, {title} port: {}", end.ip(), end.port())));
        }
        let attempt = self.timers.next_attempt.map(|s| format!(", next attempt in {s} seconds")).unwrap_or_default();
        lines.push(format!("BGP Connect Retry Timer in Seconds: {}{attempt}", self.timers.connect_retry));
        lines
    }
}

impl NeighborRestart {
    fn lines(&self) -> Vec<String> {
        let yes = |flag: bool| if flag { "yes" } else { "no" };
        let mut lines = vec![
            "  Graceful restart information:".to_owned(),
            format!("    Restart time {} seconds, just restarted: {}", self.restart_time, yes(self.restarting)),
            format!("    Notifications keep routes (N bit): {}", yes(self.notification)),
        ];
        for one in &self.families {
            lines.push(format!("    {}: forwarding preserved: {}", one.family, yes(one.forwarding_preserved)));
        }
        lines.push(format!("    It is asked to keep our routes for {} seconds", self.asked));
        if self.held_back {
            lines.push("    This router has restarted; it is told of routes once they are complete".to_owned());
        }
        lines.extend(self.stale_for.map(|s| format!("    Stale routes are kept for at most {} more", uptime(s))));
        lines
    }
}

impl NeighborFamily {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![String::new(), format!(" For address family: {}", self.family)];
        if !self.negotiated {
            lines.push("  Not negotiated with the neighbor".to_owned());
        }
        if let Some(UpdateGroup { number, members }) = self.update_group {
            let members = crate::text::count(members, "neighbor", "neighbors");
            lines.push(format!("  Update group {number}, {members}"));
        }
        if self.policy_missing {
            lines.push("  Nothing is exchanged: no policy is set (RFC 8212)".to_owned());
        }
        if self.route_reflector_client {
            lines.push("  Route-Reflector Client".to_owned());
        }
        lines.extend(self.nexthop_self.then(|| "  NEXT_HOP is always this router".to_owned()));
        lines.extend(self.paths.iter().map(|words| format!("  {words}")));
        if self.default_originate {
            lines.push("  Default information originate".to_owned());
        }
        lines.extend(self.import.lines("Incoming"));
        lines.extend(self.export.lines("Outgoing"));
        lines.extend(self.weight.map(|weight| format!("  Default weight {weight}")));
        let rejected = if self.rejected > 0 { format!(", {} rejected", self.rejected) } else { String::new() };
        lines.push(format!(
            "  {} received prefixes, {} accepted prefixes{rejected}, {} sent prefixes",
            self.received, self.accepted, self.sent
        ));
        let only = if self.maximum_prefix_warning_only { " (warning-only)" } else { "" };
        lines.extend(self.maximum_prefix.map(|limit| format!("  Maximum prefixes allowed {limit}{only}")));
        let threshold = self.maximum_prefix_threshold.filter(|_| self.maximum_prefix.is_some());
        let restart = self.maximum_prefix_restart.map(|minutes| format!(", restart interval {minutes} min"));
        let restart = restart.unwrap_or_default();
        lines.extend(threshold.map(|percent| format!("  Threshold for warning message {percent}%{restart}")));
        lines.extend(self.wanted.map(|entries| {
            format!("  Outbound route filter from the neighbor: {}", count(entries, "entry", "entries"))
        }));
        let most = self.maximum_prefix_out.zip(self.left_out);
        lines.extend(most.map(|(most, left)| format!("  Maximum prefixes announced {most}, {left} left out")));
        lines.extend(self.condition.iter().map(|words| format!("  {words}")));
        let seen = |flag: bool, word: &'static str| if flag { word.to_owned() } else { format!("not {word}") };
        lines.push(format!(
            "  End-of-RIB {}, {}",
            seen(self.end_of_rib_sent, "sent"),
            seen(self.end_of_rib_received, "received")
        ));
        lines
    }
}
