//! `show ip bgp summary` and `show ip bgp`, in the layouts of EdgeOS.
//!
//! Columns grow with long IPv6 neighbors, paths of a multipath set are marked; never sorts, never filters.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use nouns::{Asn, Family, IfName, Prefix, Validity};
use serde::{Deserialize, Serialize};

use crate::request::NeighborRoutes;
use crate::text::{Align, Table, Text, uptime_or_never};

/// What the last column says of a session that exchanges nothing because no policy is set.
const UNDER_NO_POLICY: &str = "(Policy)";

/// `show ip bgp summary`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BgpSummary {
    /// The family that is summed up.
    pub family: Family,
    /// Our BGP identifier.
    pub router_id: Ipv4Addr,
    /// Our AS.
    pub local_as: Asn,
    /// Grows with each change of the table.
    pub table_version: u64,
    /// Prefixes in the table.
    pub prefixes: u64,
    /// Paths in the table.
    pub paths: u64,
    /// Different AS paths in the table.
    pub as_path_entries: u64,
    /// Different community sets in the table.
    pub community_entries: u64,
    /// `maximum-paths ebgp`
    pub maximum_paths_ebgp: u16,
    /// `maximum-paths ibgp`
    pub maximum_paths_ibgp: u16,
    /// How many dynamic neighbors may exist; absent without `listen range`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen_limit: Option<u32>,
    /// How much all neighbors together may make the router keep.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<BgpLimit>,
    /// In the order of their addresses.
    pub neighbors: Vec<BgpSummaryNeighbor>,
}

/// A limit and how far it is used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BgpLimit {
    /// `paths`, or `MiB of memory`.
    pub of: String,
    /// How many there are, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
    /// How many there may be.
    pub limit: u64,
}

/// One row of the summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BgpSummaryNeighbor {
    /// The neighbor.
    pub address: IpAddr,
    /// The interface that it is found on, where it is named by one; its address is unspecified until it is heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<IfName>,
    /// It exists because it connected from a `listen range`.
    pub dynamic: bool,
    /// Its AS; absent for `remote-as external` until the session tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_as: Option<Asn>,
    /// `description`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Messages received since the neighbor was configured.
    pub messages_received: u64,
    /// Messages sent since the neighbor was configured.
    pub messages_sent: u64,
    /// The table version that was last sent.
    pub table_version: u64,
    /// Messages read but not yet handled.
    pub in_queue: u64,
    /// Messages made but not yet written.
    pub out_queue: u64,
    /// Seconds since the session came up, or since it went down; absent when it never was up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_down: Option<u64>,
    /// The session's state.
    pub state: PeerState,
    /// Both sides agreed on this family.
    pub family_negotiated: bool,
    /// Nothing is exchanged because no policy is set (RFC 8212).
    pub policy_missing: bool,
    /// Prefixes received of this family.
    pub prefixes_received: u64,
    /// Prefixes accepted of this family.
    pub prefixes_accepted: u64,
    /// Prefixes sent of this family.
    pub prefixes_sent: u64,
}

/// The state of a session, with why an idle one is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeerState {
    /// Nothing is tried at the moment.
    Idle,
    /// `shutdown` is set.
    IdleAdmin,
    /// `maximum-prefix` was exceeded.
    IdlePrefixCount,
    /// What it announced did not fit into `parameters limit`; it rests.
    IdleLimit,
    /// A connection is being opened.
    Connect,
    /// Waiting for the peer or for the retry timer.
    Active,
    /// OPEN is sent.
    OpenSent,
    /// OPENs are exchanged.
    OpenConfirm,
    /// Routes flow.
    Established,
}

impl fmt::Display for PeerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Idle => "Idle",
            Self::IdleAdmin => "Idle (Admin)",
            Self::IdlePrefixCount => "Idle (PfxCt)",
            Self::IdleLimit => "Idle (Limit)",
            Self::Connect => "Connect",
            Self::Active => "Active",
            Self::OpenSent => "OpenSent",
            Self::OpenConfirm => "OpenConfirm",
            Self::Established => "Established",
        })
    }
}

impl BgpSummaryNeighbor {
    /// Its interface, or its address.
    fn name(&self) -> String {
        self.interface.as_ref().map_or_else(|| self.address.to_string(), ToString::to_string)
    }

    /// The last column: the number of prefixes of a working session, else why there is none.
    fn state_or_prefixes(&self) -> String {
        match (self.state, self.family_negotiated, self.policy_missing) {
            (PeerState::Established, false, _) => "NoNeg".to_owned(),
            (PeerState::Established, true, true) => UNDER_NO_POLICY.to_owned(),
            (PeerState::Established, true, false) => self.prefixes_received.to_string(),
            (state, _, _) => state.to_string(),
        }
    }
}

impl Text for BgpSummary {
    fn text(&self) -> String {
        let mut text = format!(
            "BGP router identifier {}, local AS number {}\nBGP table version is {}\n\
             {} BGP AS-PATH entries\n{} BGP community entries\n\
             {ebgp}  Configured ebgp ECMP multipath: Currently set at {ebgp}\n\
             {ibgp}  Configured ibgp ECMP multipath: Currently set at {ibgp}\n\n",
            self.router_id,
            self.local_as,
            self.table_version,
            self.as_path_entries,
            self.community_entries,
            ebgp = self.maximum_paths_ebgp,
            ibgp = self.maximum_paths_ibgp,
        );
        if self.neighbors.is_empty() {
            return format!("{text}No {} neighbor is configured\n", self.family);
        }
        text.push_str(&self.table().text());
        text.push_str(&self.trailer());
        text
    }
}

impl BgpLimit {
    fn words(&self) -> String {
        let used = self.used.map(|used| format!("{used} of ")).unwrap_or_default();
        format!(", {used}{} {}", self.limit, self.of)
    }
}

impl BgpSummary {
    fn table(&self) -> Table {
        let described = self.neighbors.iter().any(|neighbor| neighbor.description.is_some());
        let mut columns = vec![
            ("Neighbor", Align::Left, 24),
            ("V", Align::Right, 1),
            ("AS", Align::Right, 5),
            ("MsgRcv", Align::Right, 8),
            ("MsgSen", Align::Right, 8),
            ("TblVer", Align::Right, 7),
            ("InQ", Align::Right, 5),
            ("OutQ", Align::Right, 5),
            ("Up/Down", Align::Right, 9),
            ("State/PfxRcd", Align::Right, 14),
        ];
        if described {
            columns.push((" Description", Align::Left, 0));
        }
        let mut table = Table::new(&columns);
        for neighbor in &self.neighbors {
            table.row([
                format!("{}{}", if neighbor.dynamic { "*" } else { "" }, neighbor.name()),
                "4".to_owned(),
                neighbor.remote_as.map_or_else(|| "-".to_owned(), |asn| asn.to_string()),
                neighbor.messages_received.to_string(),
                neighbor.messages_sent.to_string(),
                neighbor.table_version.to_string(),
                neighbor.in_queue.to_string(),
                neighbor.out_queue.to_string(),
                uptime_or_never(neighbor.up_down),
                neighbor.state_or_prefixes(),
                neighbor.description.as_deref().map(|words| format!(" {words}")).unwrap_or_default(),
            ]);
        }
        table
    }

    fn trailer(&self) -> String {
        let established = self.neighbors.iter().filter(|n| n.state == PeerState::Established).count();
        let dynamic = self.neighbors.iter().filter(|n| n.dynamic).count();
        let mut text = format!(
            "\nTotal number of neighbors {}\n\nTotal number of Established sessions {established}\n",
            self.neighbors.len()
        );
        if dynamic > 0 {
            let limit = self.listen_limit.map(|limit| format!(", limit {limit}")).unwrap_or_default();
            text.push_str(&format!("\n* - dynamic neighbor\n{dynamic} dynamic neighbor(s){limit}\n"));
        }
        if self.neighbors.iter().any(|neighbor| neighbor.state == PeerState::IdleLimit) {
            text.push_str(&format!(
                "\n(Limit) - there was no room for what the neighbor announced{}; it rests a while, or until 'clear ip bgp'\n",
                self.limits.iter().map(BgpLimit::words).collect::<String>()
            ));
        }
        if self.neighbors.iter().any(|neighbor| neighbor.state_or_prefixes() == UNDER_NO_POLICY) {
            text.push_str(&format!(
                "\n(Policy) - external neighbor without policy, nothing is exchanged (RFC 8212); \
                 'set protocols bgp {} parameters ebgp-requires-policy disable' allows it\n",
                self.local_as
            ));
        }
        text
    }
}

/// `show ip bgp`, or the routes of one neighbor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BgpTable {
    /// The table.
    pub family: Family,
    /// Grows with each change of the table.
    pub table_version: u64,
    /// Our BGP identifier.
    pub router_id: Ipv4Addr,
    /// Our AS.
    pub local_as: Asn,
    /// Absent for the whole table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbor: Option<TableNeighbor>,
    /// In the order of their prefixes.
    pub routes: Vec<BgpTableRoute>,
}

/// Whose routes a table shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableNeighbor {
    /// The neighbor.
    pub address: IpAddr,
    /// Which of its routes.
    pub which: NeighborRoutes,
}

/// One prefix of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BgpTableRoute {
    /// The destination.
    pub prefix: Prefix,
    /// Best first.
    pub paths: Vec<BgpTablePath>,
}

/// One path of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BgpTablePath {
    /// Its identifier among several paths of the same neighbor (RFC 7911).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_id: Option<u32>,
    /// What the leading signs say.
    pub status: PathStatus,
    /// The next hop as received; unspecified for routes of our own.
    pub next_hop: IpAddr,
    /// MULTI_EXIT_DISC
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub med: Option<u32>,
    /// LOCAL_PREF as it counts; absent where none applies (external peers).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_pref: Option<u32>,
    /// 32768 for routes of our own, else 0.
    pub weight: u32,
    /// `64513 64514 {64515 64516}`; empty for routes of this AS.
    pub as_path: String,
    /// ORIGIN
    pub origin: Origin,
    /// The neighbor that sent it; absent for routes of our own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    /// What the RPKI says of its origin; absent where nobody asks a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// Why it was refused on arrival: `route-map IN rule 10 denies it`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// The signs in front of a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PathStatus {
    /// It may be chosen: accepted, and its next hop is reachable.
    pub valid: bool,
    /// It was chosen first.
    pub best: bool,
    /// It forwards together with the best one.
    pub multipath: bool,
    /// It came from a neighbor of this AS.
    pub internal: bool,
    /// Its neighbor restarts; it stays for a while (RFC 4724).
    pub stale: bool,
    /// It came and went too often, and rests.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub damped: bool,
    /// It was received but refused (policy, loop).
    pub filtered: bool,
    /// The kernel refused the prefix.
    pub rib_failure: bool,
    /// An aggregate stands for it, and it is not announced.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub suppressed: bool,
}

/// ORIGIN (RFC 4271 §5.1.1)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// 0
    Igp,
    /// 1
    Egp,
    /// 2
    Incomplete,
}

impl Origin {
    fn sign(self) -> &'static str {
        match self {
            Self::Igp => "i",
            Self::Egp => "e",
            Self::Incomplete => "?",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Igp => "IGP",
            Self::Egp => "EGP",
            Self::Incomplete => "incomplete",
        })
    }
}

impl PathStatus {
    /// Three signs: health, choice, origin.
    fn signs(self) -> String {
        let health = match self {
            Self { damped: true, .. } => 'd',
            Self { filtered: true, .. } => 'f',
            Self { stale: true, .. } => 'S',
            Self { rib_failure: true, .. } => 'r',
            Self { suppressed: true, valid: true, .. } => 's',
            Self { valid: true, .. } => '*',
            _ => ' ',
        };
        let choice = match self {
            Self { best: true, .. } => '>',
            Self { multipath: true, .. } => '=',
            _ => ' ',
        };
        format!("{health}{choice}{}", if self.internal { 'i' } else { ' ' })
    }
}

impl Text for BgpTable {
    fn text(&self) -> String {
        let mut text = format!(
            "BGP table version is {}, local router ID is {}\n\
             Status codes: * valid, > best, = multipath, i - internal, S Stale, s suppressed,\n\
             \x20             r - refused by the kernel, f - refused on arrival\n\
             Origin codes: i - IGP, e - EGP, ? - incomplete\n",
            self.table_version, self.router_id
        );
        let judged = self.routes.iter().flat_map(|route| &route.paths).any(|path| path.validity.is_some());
        if self.routes.iter().flat_map(|route| &route.paths).any(|path| path.status.damped) {
            text.push_str("Damping codes: d damped\n");
        }
        if judged {
            text.push_str("RPKI validation codes: V valid, I invalid, N not found\n");
        }
        text.push('\n');
        let why = self.neighbor.is_some_and(|neighbor| neighbor.which == NeighborRoutes::Filtered);
        let mut columns = vec![
            (if judged { "    Network" } else { "   Network" }, Align::Left, 21),
            ("Next Hop", Align::Left, 19),
            ("Metric", Align::Right, 6),
            ("LocPrf", Align::Right, 6),
            ("Weight", Align::Right, 6),
            ("Path", Align::Left, 0),
        ];
        columns.extend(why.then_some(("Refused", Align::Left, 0)));
        let mut table = Table::new(&columns);
        for route in &self.routes {
            for (index, path) in route.paths.iter().enumerate() {
                let network = if index == 0 { route.prefix.to_string() } else { String::new() };
                let refused = path.refused.clone().filter(|_| why);
                table.row(path.cells(&network, judged).into_iter().chain(refused));
            }
        }
        text.push_str(&table.text());
        text.push_str(&format!("\nTotal number of prefixes {}{}\n", self.routes.len(), self.trailer()));
        text
    }
}

impl BgpTable {
    fn trailer(&self) -> String {
        let paths: usize = self.routes.iter().map(|route| route.paths.len()).sum();
        let filtered = self.routes.iter().flat_map(|route| &route.paths).filter(|path| path.status.filtered).count();
        match (&self.neighbor, filtered) {
            (None, _) => format!(", paths {paths}"),
            (Some(_), 0) => String::new(),
            (Some(_), filtered) => format!(" ({filtered} filtered)"),
        }
    }
}

impl BgpTablePath {
    fn cells(&self, network: &str, judged: bool) -> [String; 6] {
        let letter = self.validity.map_or(' ', Validity::letter);
        let letter = if judged { String::from(letter) } else { String::new() };
        let or_blank = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
        let separator = if self.as_path.is_empty() { "" } else { " " };
        [
            format!("{letter}{}{network}", self.status.signs()),
            self.next_hop.to_string(),
            or_blank(self.med),
            or_blank(self.local_pref),
            self.weight.to_string(),
            format!("{}{separator}{}", self.as_path, self.origin.sign()),
        ]
    }
}
