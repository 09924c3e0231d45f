//! `show ip bgp PREFIX [why]`: every path of one prefix and its fate.
//!
//! Tells who refused a path, at which step it lost, what its next hop resolves to, and what the kernel
//! has. Never decides anything of that itself.

use std::net::{IpAddr, Ipv4Addr};

use nouns::{Asn, Family, IfName, PathValidity, Prefix, Validity};
use serde::{Deserialize, Serialize};

use crate::text::{Text, uptime};
use crate::view::bgp::Origin;
use crate::view::damping::DampedPath;

/// `show ip bgp PREFIX`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BgpPrefix {
    /// The table.
    pub family: Family,
    /// The prefix found: the one asked for, or the longest that covers the address.
    pub prefix: Prefix,
    /// The table version at which it last changed.
    pub table_version: u64,
    /// Best first, then multipath members, then those that lost, then those refused.
    pub paths: Vec<BgpPath>,
    /// Paths that flapped, where routes are damped; also those that are not announced any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flaps: Vec<DampedPath>,
    /// Neighbors to which the best path is announced.
    pub advertised_to: Vec<IpAddr>,
    /// An aggregate stands for it, and it is not announced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suppressed: bool,
    /// What the kernel has of it.
    pub kernel: KernelState,
    /// The whole story was asked for (`why`).
    pub why: bool,
}

/// One path with its fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BgpPath {
    /// Where it came from.
    pub source: PathSource,
    /// What the import policy made of it: `local preference 200, received without`. Only told with `why`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// `64513 64514`; empty for a path of this AS.
    pub as_path: String,
    /// ORIGIN
    pub origin: Origin,
    /// MULTI_EXIT_DISC
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub med: Option<u32>,
    /// LOCAL_PREF as it counts.
    pub local_pref: u32,
    /// 32768 for routes of our own, else 0.
    pub weight: u32,
    /// `65000:1 no-export`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<String>,
    /// `RT:65000:1`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extended_communities: Vec<String>,
    /// `65000:1:2`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub large_communities: Vec<String>,
    /// ONLY_TO_CUSTOMER: the AS from which on it goes to customers only (RFC 9234).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_to_customer: Option<Asn>,
    /// ORIGINATOR_ID
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originator: Option<Ipv4Addr>,
    /// CLUSTER_LIST
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cluster_list: Vec<Ipv4Addr>,
    /// What the RPKI says of the path (ASPA); absent where nobody asks a cache, or the role of the neighbor is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_validity: Option<PathValidity>,
    /// What the RPKI says of its origin; absent where nobody asks a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// The next hop as received; unspecified for routes of our own.
    pub next_hop: IpAddr,
    /// What the next hop leads to.
    pub resolution: Resolution,
    /// What became of the path.
    pub outcome: PathOutcome,
    /// Its neighbor restarts; seconds until it is swept (RFC 4724).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_for: Option<u64>,
    /// AGGREGATOR: the AS that made an aggregate of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregator_as: Option<Asn>,
    /// AGGREGATOR: the router that did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregator: Option<Ipv4Addr>,
    /// ATOMIC_AGGREGATE: the path tells less than the whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub atomic_aggregate: bool,
    /// Its identifier among several paths of the same neighbor (RFC 7911).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_id: Option<u32>,
    /// The identifier by which neighbors hear of it that hear of several paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_as: Option<u32>,
    /// Seconds since it was last received.
    pub age: u64,
}

/// Where a path came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum PathSource {
    /// A neighbor.
    Neighbor {
        /// Its address.
        address: IpAddr,
        /// Its BGP identifier.
        router_id: Ipv4Addr,
        /// Its AS.
        asn: Asn,
        /// It is of this AS.
        internal: bool,
        /// It is of another AS of the same confederation (RFC 5065).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        confederation: bool,
        /// It is a client of this route reflector (RFC 4456).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        client: bool,
    },
    /// This router: `network`, `redistribute static`, …
    Local {
        /// The words that make it.
        by: String,
    },
}

/// What a next hop leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Resolution {
    /// Packets can leave.
    Reachable {
        /// The ways out: gateway (absent when on the link) and link.
        via: Vec<ResolvedLeg>,
        /// The route that it resolves through.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        through: Option<Prefix>,
        /// Cost to the next hop, for the decision.
        metric: u32,
    },
    /// They cannot, and why.
    Unreachable {
        /// In words.
        reason: String,
    },
    /// No next hop is needed: the route is our own.
    Local,
}

/// One way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedLeg {
    /// The gateway; absent when the next hop is on the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// The outgoing link.
    pub interface: IfName,
}

/// What became of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathOutcome {
    /// It was chosen.
    Best {
        /// The step that decided: `AS path length`, `only path`.
        step: String,
    },
    /// It forwards together with the best one.
    Multipath,
    /// Another one is better.
    Lost {
        /// The step at which it lost.
        step: String,
        /// Why, with both values: `AS path length 2, best has 1`.
        why: String,
    },
    /// It takes no part in the decision: its next hop is not usable.
    Unusable {
        /// In words.
        why: String,
    },
    /// It was refused on arrival.
    Rejected {
        /// Who refused it: `RFC 8212`, `AS loop`, `RFC 7606`.
        by: String,
        /// In words, with what to do where something can be done.
        why: String,
    },
}

/// What the kernel has of a prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum KernelState {
    /// It is there as wished.
    Installed {
        /// Members of its next-hop group.
        next_hops: u32,
        /// It was found there at start and kept.
        adopted: bool,
        /// The kernel's number of the group; absent where it leads nowhere.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<u32>,
        /// Where the group leads.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        legs: Vec<ResolvedLeg>,
    },
    /// It was asked for and not yet answered.
    Pending,
    /// The kernel refused it.
    Refused {
        /// `errno`, positive.
        errno: i32,
        /// In words.
        reason: String,
    },
    /// It is not wished there.
    NotWanted {
        /// `a static route has the lower distance`
        reason: String,
    },
}

impl Text for BgpPrefix {
    fn text(&self) -> String {
        let best = self.paths.iter().position(|path| matches!(path.outcome, PathOutcome::Best { .. }));
        let best = best.map_or_else(|| "no best path".to_owned(), |index| format!("best #{}", index.saturating_add(1)));
        let mut text = format!(
            "BGP routing table entry for {}, version {}\nPaths: ({} available, {best})\n",
            self.prefix,
            self.table_version,
            self.paths.len()
        );
        if self.suppressed {
            text.push_str("  Suppressed: an aggregate with summary-only stands for it\n");
        }
        if self.advertised_to.is_empty() {
            text.push_str("  Not advertised to any peer\n");
        } else {
            let peers: Vec<String> = self.advertised_to.iter().map(IpAddr::to_string).collect();
            text.push_str(&format!("  Advertised to peers:\n  {}\n", peers.join(" ")));
        }
        for path in &self.paths {
            text.push_str(&path.text(self.why));
        }
        self.flaps.iter().for_each(|flaps| text.push_str(&flaps.line()));
        text.push_str(&format!("  Kernel: {}\n", self.kernel.words()));
        if let (true, KernelState::Installed { group: Some(group), legs, .. }) = (self.why, &self.kernel) {
            text.push_str(&format!("    Group {group}\n"));
            text.extend(legs.iter().map(|leg| format!("      {}\n", leg.words())));
        }
        text
    }
}

impl BgpPath {
    fn text(&self, why: bool) -> String {
        let client = matches!(self.source, PathSource::Neighbor { client: true, .. });
        let remark = if client { ", (Received from a RR-client)" } else { "" };
        let mut text = format!("  {}{remark}\n", if self.as_path.is_empty() { "Local" } else { &self.as_path });
        text.push_str(&format!("    {}{}\n", self.origin_line(), self.resolution.remark()));
        text.push_str(&format!("      {}\n", self.attributes_line()));
        for (title, values) in [
            ("Community", &self.communities),
            ("Extended Community", &self.extended_communities),
            ("Large Community", &self.large_communities),
        ] {
            if !values.is_empty() {
                text.push_str(&format!("      {title}: {}\n", values.join(" ")));
            }
        }
        if let Some(asn) = self.only_to_customer {
            text.push_str(&format!("      Only-to-Customer: {asn}\n"));
        }
        if let Some(originator) = self.originator {
            let clusters: Vec<String> = self.cluster_list.iter().map(Ipv4Addr::to_string).collect();
            text.push_str(&format!("      Originator: {originator}, Cluster list: {}\n", clusters.join(" ")));
        }
        text.extend(self.changed.iter().map(|change| format!("      Import: {change}\n")));
        if let (Some(asn), Some(address)) = (self.aggregator_as, self.aggregator) {
            text.push_str(&format!("      Aggregated by AS {asn}, {address}"));
            text.push_str(if self.atomic_aggregate { ", atomic aggregate\n" } else { "\n" });
        }
        if why {
            text.push_str(&format!("      Next hop: {}\n", self.resolution.words()));
        }
        if let Some(verdict) = self.outcome.verdict(why) {
            text.push_str(&format!("      {verdict}\n"));
        }
        if let Some(seconds) = self.stale_for {
            text.push_str(&format!("      Stale: the neighbor restarts; kept for at most {} more\n", uptime(seconds)));
        }
        let ids = [("received", self.path_id), ("sent", self.told_as)];
        let ids: Vec<String> = ids.iter().filter_map(|(word, id)| id.map(|id| format!("{word} {id}"))).collect();
        if !ids.is_empty() {
            text.push_str(&format!("      Path identifier: {}\n", ids.join(", ")));
        }
        text.push_str(&format!("      Last update: {} ago\n", uptime(self.age)));
        text
    }

    fn origin_line(&self) -> String {
        match &self.source {
            PathSource::Neighbor { address, router_id, .. } => {
                format!("{} from {address} ({})", self.next_hop, self.originator.unwrap_or(*router_id))
            }
            PathSource::Local { by } => format!("{} from this router ({by})", self.next_hop),
        }
    }

    fn attributes_line(&self) -> String {
        let kind = match &self.source {
            PathSource::Neighbor { confederation: true, .. } => "confed-external",
            PathSource::Neighbor { internal: true, .. } => "internal",
            PathSource::Neighbor { internal: false, .. } => "external",
            PathSource::Local { .. } => "sourced, local",
        };
        let med = self.med.map(|med| format!(", metric {med}")).unwrap_or_default();
        let state = match &self.outcome {
            PathOutcome::Best { step } => format!(", valid, {kind}, best ({step})"),
            PathOutcome::Multipath => format!(", valid, {kind}, multipath"),
            PathOutcome::Lost { .. } => format!(", valid, {kind}"),
            PathOutcome::Unusable { .. } => format!(", invalid, {kind}"),
            PathOutcome::Rejected { .. } => format!(", {kind}, rejected"),
        };
        let aspa =
            self.path_validity.map(|validity| format!(", aspa validation-state: {validity}")).unwrap_or_default();
        let rpki = self.validity.map(|validity| format!(", rpki validation-state: {validity}")).unwrap_or_default();
        format!("Origin {}{med}, localpref {}, weight {}{state}{rpki}{aspa}", self.origin, self.local_pref, self.weight)
    }
}

impl Resolution {
    /// What follows the next hop in brackets.
    fn remark(&self) -> String {
        match self {
            Self::Reachable { metric: 0, .. } | Self::Local => String::new(),
            Self::Reachable { metric, .. } => format!(" (metric {metric})"),
            Self::Unreachable { .. } => " (inaccessible)".to_owned(),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Local => "none is needed, the route is our own".to_owned(),
            Self::Unreachable { reason } => format!("unusable, {reason}"),
            Self::Reachable { via, through, .. } => {
                let legs: Vec<String> = via.iter().map(ResolvedLeg::words).collect();
                let through = through.map(|prefix| format!(" by route {prefix}")).unwrap_or_default();
                format!("reachable {}{through}", legs.join(", "))
            }
        }
    }
}

impl ResolvedLeg {
    fn words(&self) -> String {
        match self.gateway {
            Some(gateway) => format!("via {gateway}, {}", self.interface),
            None => format!("directly on {}", self.interface),
        }
    }
}

impl PathOutcome {
    /// The line below the attributes: always for what keeps a path from forwarding, else only when asked.
    fn verdict(&self, why: bool) -> Option<String> {
        match self {
            Self::Rejected { by, why } => Some(format!("Rejected by {by}: {why}")),
            Self::Unusable { why } => Some(format!("Not usable: {why}")),
            Self::Lost { step, why: reason } if why => Some(format!("Lost at {step}: {reason}")),
            Self::Best { step } if why => Some(format!("Chosen: {step}")),
            Self::Multipath if why => Some("Equal to the best path, forwards together with it".to_owned()),
            Self::Best { .. } | Self::Multipath | Self::Lost { .. } => None,
        }
    }
}

impl KernelState {
    fn words(&self) -> String {
        match self {
            Self::Installed { next_hops, adopted, .. } => {
                let legs = crate::text::count(u64::from(*next_hops), "next hop", "next hops");
                format!("installed, {legs}{}", if *adopted { ", adopted at start" } else { "" })
            }
            Self::Pending => "asked for, not yet answered".to_owned(),
            Self::Refused { errno, reason } => format!("refused, {reason} (errno {errno})"),
            Self::NotWanted { reason } => format!("not installed, {reason}"),
        }
    }
}
