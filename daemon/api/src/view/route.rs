//! `show ip route` and `show ip fib`, in the layout of EdgeOS.
//!
//! Tells what is selected, what the kernel has, and why something is not there; never decides it.

use std::fmt;
use std::net::IpAddr;

use nouns::{Family, IfName, Prefix};
use serde::{Deserialize, Serialize};

use crate::text::{Align, Table, Text, count, uptime, wrapped};

/// `show ip route`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Routes {
    /// The table.
    pub family: Family,
    /// In the order of their prefixes, the selected one of each first.
    pub routes: Vec<RouteEntry>,
    /// Routes of BGP would stand here, but `parameters no-fib-install` keeps them out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_bgp: bool,
}

/// `show ip route PREFIX|ADDRESS`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteDetail {
    /// What was asked for.
    pub asked: String,
    /// Routes of the prefix that was found; empty when none covers it.
    pub routes: Vec<RouteEntry>,
}

/// `show ip route summary`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSummary {
    /// The table.
    pub family: Family,
    /// One row per source that has routes.
    pub sources: Vec<RouteSourceCount>,
}

/// How many routes a source has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSourceCount {
    /// The source.
    pub protocol: Protocol,
    /// Routes known.
    pub routes: u64,
    /// Of these, in the kernel.
    pub installed: u64,
}

/// Where a route comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Somebody else put it into the kernel.
    Kernel,
    /// A network of one of our interfaces.
    Connected,
    /// `protocols static`
    Static,
    /// BGP.
    Bgp,
}

impl Protocol {
    /// The letter of the legend.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Kernel => 'K',
            Self::Connected => 'C',
            Self::Static => 'S',
            Self::Bgp => 'B',
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kernel => "kernel",
            Self::Connected => "connected",
            Self::Static => "static",
            Self::Bgp => "bgp",
        })
    }
}

/// One route from one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteEntry {
    /// The destination.
    pub prefix: Prefix,
    /// The source.
    pub protocol: Protocol,
    /// Chosen among the sources by distance.
    pub selected: bool,
    /// The kernel has it.
    pub installed: bool,
    /// Its neighbor restarts, or it was adopted at start and is not yet confirmed.
    pub stale: bool,
    /// Administrative distance.
    pub distance: u8,
    /// MED, or the kernel's metric.
    pub metric: u32,
    /// Where it leads.
    pub target: RouteTarget,
    /// Seconds since it last changed; absent where nobody counts (connected, kernel).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<u64>,
    /// The kernel refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Rejection>,
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteTarget {
    /// Ways out.
    NextHops(Vec<RouteLeg>),
    /// Packets are dropped.
    Blackhole,
    /// Nowhere, and the sender is told.
    Unreachable,
}

/// One way out of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteLeg {
    /// Absent when the destination is on the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// The outgoing link; absent while the gateway is not resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<IfName>,
    /// Its share beside the others, from 1 to 256; absent where all are equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u16>,
    /// Absent when the leg forwards, else why it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inactive: Option<String>,
}

/// The kernel's refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// `errno`, positive.
    pub errno: i32,
    /// In words.
    pub reason: String,
}

const LEGEND: &str = "\
Codes: K - kernel, C - connected, S - static, B - BGP
       > - selected route, * - FIB route, p - stale info

";

/// What stands below a listing that routes of BGP are kept out of.
const WITHOUT_BGP: &str = "Routes of BGP are not installed here: 'parameters no-fib-install' is set; see 'show ip bgp'";

impl Text for Routes {
    fn text(&self) -> String {
        let title = match self.family {
            Family::Ipv4Unicast => "IP Route Table for VRF \"default\"\n",
            Family::Ipv6Unicast => "IPv6 Route Table for VRF \"default\"\n",
        };
        let rows: String = self.routes.iter().map(RouteEntry::rows).collect();
        let remark = if self.without_bgp { format!("{WITHOUT_BGP}\n") } else { String::new() };
        format!("{LEGEND}{title}{rows}{remark}")
    }
}

impl RouteEntry {
    /// One line per way out; the first carries the letter and the prefix.
    fn rows(&self) -> String {
        let mut rows = String::new();
        let cost = match self.protocol {
            Protocol::Connected => String::new(),
            _ => format!(" [{}/{}]", self.distance, self.metric),
        };
        let head = format!("{}{cost}", self.prefix);
        let age = self.age.map(|seconds| format!(", {}", uptime(seconds))).unwrap_or_default();
        let legs = match &self.target {
            RouteTarget::Blackhole => vec![(format!("{head} is blackholed{age}"), self.installed)],
            RouteTarget::Unreachable => vec![(format!("{head} is unreachable{age}"), self.installed)],
            RouteTarget::NextHops(legs) => {
                let indent = " ".repeat(self.prefix.to_string().len());
                let first = std::iter::once(head).chain(std::iter::repeat(format!("{indent}{cost}")));
                let line = |(head, leg): (String, &RouteLeg)| {
                    (format!("{head}{}{age}{}", leg.words(), leg.remark()), self.installed && leg.inactive.is_none())
                };
                first.zip(legs).map(line).collect()
            }
        };
        for (index, (line, installed)) in legs.iter().enumerate() {
            let letter = if index == 0 { self.protocol.letter() } else { ' ' };
            rows.push_str(&format!("{letter}   {} {line}\n", self.signs(*installed)));
        }
        if legs.is_empty() {
            rows.push_str(&format!("{}   {} {}{cost}\n", self.protocol.letter(), self.signs(false), self.prefix));
        }
        if let Some(rejection) = &self.rejected {
            rows.push_str(&format!("        rejected: {} (errno {})\n", rejection.reason, rejection.errno));
        }
        rows
    }

    fn signs(&self, installed: bool) -> String {
        let sign = |set: bool, sign: char| if set { sign } else { ' ' };
        format!("{}{}{}", sign(self.stale, 'p'), sign(installed, '*'), sign(self.selected, '>'))
    }
}

impl RouteLeg {
    fn words(&self) -> String {
        match (&self.gateway, &self.interface) {
            (Some(gateway), Some(interface)) => format!(" via {gateway}, {interface}"),
            (Some(gateway), None) => format!(" via {gateway}"),
            (None, Some(interface)) => format!(" is directly connected, {interface}"),
            (None, None) => " is unreachable".to_owned(),
        }
    }

    fn remark(&self) -> String {
        let weight = self.weight.map(|weight| format!(", weight {weight}")).unwrap_or_default();
        weight + &self.inactive.as_ref().map(|reason| format!(" inactive: {reason}")).unwrap_or_default()
    }
}

impl Text for RouteDetail {
    fn text(&self) -> String {
        if self.routes.is_empty() {
            return format!("% Network not in table: {}\n", self.asked);
        }
        let mut text = String::new();
        for route in &self.routes {
            text.push_str(&route.detail());
        }
        text
    }
}

impl RouteEntry {
    fn detail(&self) -> String {
        let best = if self.selected { ", best" } else { "" };
        let mut text = format!(
            "Routing entry for {}\n  Known via \"{}\", distance {}, metric {}{best}\n",
            self.prefix, self.protocol, self.distance, self.metric
        );
        if let Some(age) = self.age {
            text.push_str(&format!("  Last update {} ago\n", uptime(age)));
        }
        match &self.target {
            RouteTarget::Blackhole => text.push_str("  * blackhole\n"),
            RouteTarget::Unreachable => text.push_str("  * unreachable\n"),
            RouteTarget::NextHops(legs) => {
                for leg in legs {
                    let star = if self.installed && leg.inactive.is_none() { '*' } else { ' ' };
                    text.push_str(&format!("  {star} {}{}\n", leg.detail(), leg.remark()));
                }
            }
        }
        match (&self.rejected, self.installed, self.selected) {
            (Some(no), _, _) => text.push_str(&format!("  Kernel: rejected, {} (errno {})\n", no.reason, no.errno)),
            (None, true, _) => text.push_str("  Kernel: installed\n"),
            (None, false, true) => text.push_str("  Kernel: not installed\n"),
            (None, false, false) => {}
        }
        text
    }
}

impl RouteLeg {
    fn detail(&self) -> String {
        match (&self.gateway, &self.interface) {
            (Some(gateway), Some(interface)) => format!("{gateway}, via {interface}"),
            (Some(gateway), None) => gateway.to_string(),
            (None, Some(interface)) => format!("directly connected, {interface}"),
            (None, None) => "unreachable".to_owned(),
        }
    }
}

impl Text for RouteSummary {
    fn text(&self) -> String {
        let mut table =
            Table::new(&[("Route Source", Align::Left, 20), ("Routes", Align::Right, 10), ("FIB", Align::Right, 10)]);
        let row = |name: String, routes: u64, installed: u64| [name, routes.to_string(), installed.to_string()];
        for source in &self.sources {
            table.row(row(source.protocol.to_string(), source.routes, source.installed));
        }
        let total = |pick: fn(&RouteSourceCount) -> u64| self.sources.iter().map(pick).fold(0, u64::saturating_add);
        table.rule();
        table.row(row("Totals".to_owned(), total(|s| s.routes), total(|s| s.installed)));
        format!("{}:\n{}", self.family, table.text())
    }
}

/// `show ip fib`: the kernel against the wish, and the settings that forwarding needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fib {
    /// The table.
    pub family: Family,
    /// Routes that should be in the kernel.
    pub wanted: u64,
    /// Of these, there as wished.
    pub installed: u64,
    /// Asked for and not yet answered.
    pub pending: u64,
    /// Single next hops of ours.
    pub next_hops: u64,
    /// Next-hop groups of ours.
    pub groups: u64,
    /// Routes found at start and kept, not yet confirmed by a neighbor.
    pub adopted: u64,
    /// Times that a route of ours was repaired after somebody changed it.
    pub repaired: u64,
    /// Routes of ours that others or the kernel took or replaced, since the start.
    #[serde(default)]
    pub lost_routes: u64,
    /// Next hops and groups of ours that others or the kernel took or replaced, since the start.
    #[serde(default)]
    pub lost_next_hops: u64,
    /// Changes that the kernel refused, since the start.
    #[serde(default)]
    pub refusals: u64,
    /// Times that refused changes were tried again.
    #[serde(default)]
    pub retries: u64,
    /// Times that everything was read anew, because messages of the kernel were lost.
    #[serde(default)]
    pub resyncs: u64,
    /// Seconds until what was refused is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_retry: Option<u64>,
    /// Routes that the kernel refused.
    pub refused: Vec<RefusedRoute>,
    /// What was set in the kernel or could not be.
    pub settings: Vec<KernelSetting>,
}

/// A route that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRoute {
    /// The destination.
    pub prefix: Prefix,
    /// Why.
    pub rejection: Rejection,
}

/// A setting of the kernel that forwarding needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelSetting {
    /// `net.ipv4.ip_forward`
    pub name: String,
    /// What the job needs.
    pub wanted: String,
    /// What is there; absent where the kernel does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What that means and what to do, when it is not as wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Fib {
    /// `show ip fib summary`: numbers only.
    #[must_use]
    pub fn summary_text(&self) -> String {
        let mut text = format!(
            "{} forwarding table\n  {} wanted, {} installed, {} pending, {} refused\n  {}, {}\n",
            self.family,
            count(self.wanted, "route", "routes"),
            self.installed,
            self.pending,
            self.refused.len(),
            count(self.next_hops, "next hop", "next hops"),
            count(self.groups, "group", "groups"),
        );
        if self.adopted > 0 {
            text.push_str(&format!("  {} adopted at start, not yet confirmed\n", self.adopted));
        }
        if self.repaired > 0 {
            text.push_str(&format!("  repaired {} after a change by others\n", count(self.repaired, "time", "times")));
        }
        let lost = [count(self.lost_routes, "route", "routes"), count(self.lost_next_hops, "next hop", "next hops")];
        if self.lost_routes > 0 || self.lost_next_hops > 0 {
            text.push_str(&format!("  {} lost to others or to the kernel\n", lost.join(", ")));
        }
        if self.refusals > 0 {
            let again = self.next_retry.map(|seconds| format!(", again in {}", count(seconds, "second", "seconds")));
            let (refusals, retries) = (count(self.refusals, "change", "changes"), count(self.retries, "time", "times"));
            text.push_str(&format!(
                "  {refusals} refused so far, tried again {retries}{}\n",
                again.unwrap_or_default()
            ));
        }
        if self.resyncs > 0 {
            let resyncs = count(self.resyncs, "time", "times");
            text.push_str(&format!("  read anew {resyncs} after messages of the kernel were lost (ENOBUFS)\n"));
        }
        text
    }
}

impl Text for Fib {
    fn text(&self) -> String {
        let mut text = self.summary_text();
        for refused in &self.refused {
            let Rejection { errno, reason } = &refused.rejection;
            text.push_str(&format!("  {} rejected: {reason} (errno {errno})\n", refused.prefix));
        }
        if self.settings.is_empty() {
            return text;
        }
        let mut table =
            Table::new(&[("Setting", Align::Left, 38), ("Wanted", Align::Left, 8), ("Found", Align::Left, 8)]);
        let mut notes = String::new();
        for KernelSetting { name, wanted, found, problem } in &self.settings {
            let found = found.clone().unwrap_or_else(|| "absent".to_owned());
            table.row([name.clone(), wanted.clone(), found]);
            if let Some(problem) = problem {
                notes.push_str(&format!("\n{name}:\n{}", wrapped(problem, "  ")));
            }
        }
        format!("{text}\n{}{notes}", table.text())
    }
}
