//! What may be asked of the daemon.
//!
//! A request carries typed values only: words were resolved and values parsed before it was made.

use std::net::IpAddr;

use config::edit::Candidate;
use grammar::commands::{BalancerShown, DampingShown, Machine, RpkiShown, TableFilter, TestedRoute};
use grammar::value::{NameKind, PolicyList};
use nouns::{Asn, Family, IfName, Prefix, Revision};
use serde::{Deserialize, Serialize};

use crate::view::route::Protocol;
use crate::watch::Watch;

/// A packet out of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPacket {
    /// Octets of all of it, link header included.
    pub length: u32,
    /// Its first octets, in hexadecimal digits.
    pub head: String,
}

/// One line to the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Chosen by the asker; the answer carries the same number.
    pub id: u64,
    /// What is asked.
    pub request: Request,
}

/// What may be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// First of a connection: who asks. Answered by `Reply::Hello`.
    Hello {
        /// The person's login name, as the person's side has it; records name the one that the kernel tells.
        user: String,
        /// `cli`, `api`, …; written into the revisions.
        via: String,
        /// The terminal that the person sits at: `pts/0`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tty: Option<String>,
    },
    /// A whole configuration. Answered by `Reply::Configuration`.
    Configuration(Which),
    /// What a commit would do. Answered by `Reply::Checked` or `Reply::Refused`.
    Check {
        /// The edits and the revision that they were made on.
        candidate: Candidate,
    },
    /// Make the edits active, all or none. Answered by `Reply::Committed`, `Reply::Unchanged` or `Reply::Refused`.
    Commit {
        /// The edits and the revision that they were made on.
        candidate: Candidate,
        /// `commit comment "…"`
        comment: Option<String>,
        /// `commit-confirm`: the minutes after which it is taken back unless somebody confirms it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirm: Option<u32>,
    },
    /// `confirm`: what waits to be confirmed stays. Answered by `Reply::Done`, or the error `no-confirm-pending`.
    Confirm,
    /// Write the active configuration to the boot file. Answered by `Reply::Saved`.
    Save {
        /// The person named the file, so one of a newer release is written over, too.
        named: bool,
    },
    /// Look at something. Answered by `Reply::View`.
    Show(Show),
    /// `clear|reset ip bgp …`. Answered by `Reply::Done` with a sentence (which may be empty).
    Clear(Clear),
    /// `clear ip bgp dampening [PREFIX]`: what flapped is forgotten. Answered by `Reply::Done`.
    ClearDamping {
        /// Only routes of this family.
        family: Option<Family>,
        /// Only routes within it.
        prefix: Option<Prefix>,
    },
    /// `dump bgp table FILE`. Answered by `Reply::Done` with a sentence once the file is there.
    DumpTable {
        /// The file's whole path.
        file: String,
    },
    /// `clear arp`, `clear ipv6 neighbors`, `clear interfaces counters`. Answered by `Reply::Done`.
    Flush(Flush),
    /// Live names for completion that begin as typed, as far as the daemon knows such names; not more than
    /// [`MOST_NAMES`](grammar::complete::MOST_NAMES). Answered by `Reply::Names`.
    Names {
        /// Which names.
        kind: NameKind,
        /// How they begin.
        typed: String,
    },
    /// The newest revisions. Answered by `Reply::View(View::Revisions)`.
    Revisions,
    /// One committed configuration. Answered by `Reply::Configuration`.
    Revision(Revision),
    /// Hear of what happens from now on: `Reply::Done`, then a `Reply::News` for each thing, all with the number of
    /// this call, until the asker closes the connection, on which nothing more can be asked.
    Watch(Watch),
}

/// Which configuration is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// The running one.
    Active,
    /// The content of `config.boot`.
    Saved,
}

/// What may be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Show {
    /// `show version`
    Version,
    /// `show interfaces [NAME]`: `View::Interfaces`, with a name `View::InterfaceDetail`.
    Interfaces {
        /// One interface in detail.
        name: Option<IfName>,
    },
    /// `show ip bgp summary`
    BgpSummary {
        /// `None` for all families, as `show bgp summary` asks: `View::BgpSummaries`.
        family: Option<Family>,
    },
    /// `show ip bgp`, `show ip bgp community C …` and the like
    BgpTable {
        /// The table.
        family: Family,
        /// Which of its routes.
        #[serde(default)]
        filter: TableFilter,
    },
    /// `show ip bgp PREFIX|ADDRESS [why]`
    BgpPrefix {
        /// The table.
        family: Family,
        /// What is looked up.
        target: BgpTarget,
        /// Tell each path's whole story.
        why: bool,
    },
    /// `show ip bgp neighbors [A]`
    BgpNeighbors {
        /// Only the part of this family; `None` for all families.
        family: Option<Family>,
        /// One neighbor only.
        address: Option<IpAddr>,
        /// The neighbor of an interface only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interface: Option<IfName>,
    },
    /// `show ip bgp neighbors A received-routes|advertised-routes|routes`: `View::BgpTable`.
    BgpNeighborRoutes {
        /// The table.
        family: Family,
        /// The neighbor.
        address: IpAddr,
        /// Which of its routes.
        which: NeighborRoutes,
    },
    /// `show balancer …`: `View::Balancer`.
    Balancer {
        /// What of it.
        what: BalancerShown,
        /// Only this service.
        service: Option<String>,
        /// With `connections`: only flows that this node has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<IpAddr>,
        /// With `connections`: only flows of this client.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client: Option<IpAddr>,
    },
    /// `show balancer explain …`: `View::BalancerExplained`.
    BalancerExplain {
        /// The client.
        source: IpAddr,
        /// Its port.
        source_port: u16,
        /// The service.
        destination: IpAddr,
        /// Its port.
        destination_port: u16,
        /// The number of the protocol.
        protocol: u8,
    },
    /// `show balancer explain pcap FILE`: `View::BalancerPackets`.
    BalancerPackets {
        /// The packets, in their order.
        packets: Vec<HeldPacket>,
        /// Whether there are more, about which nothing is asked.
        more: bool,
    },
    /// `show bfd peers [brief | A]`
    BfdPeers {
        /// One line for each.
        brief: bool,
        /// One session only.
        peer: Option<IpAddr>,
    },
    /// `show ip route …`: `View::Routes`, `View::RouteDetail` or `View::RouteSummary`.
    Routes {
        /// The table.
        family: Family,
        /// Which routes.
        filter: RouteFilter,
    },
    /// `show ip fib`: the kernel against the wish.
    Fib {
        /// The table.
        family: Family,
    },
    /// `show interfaces detail`: `View::InterfaceDetails`.
    InterfaceDetails,
    /// `show interfaces [NAME] counters`: `View::InterfaceCounters`.
    InterfaceCounters {
        /// One interface only.
        name: Option<IfName>,
    },
    /// `show arp`, `show ipv6 neighbors`: `View::NeighborTable`.
    NeighborTable {
        /// Of the addresses.
        family: Family,
        /// Only those on this link.
        interface: Option<IfName>,
    },
    /// `show ip bgp neighbors A prefix-counts`
    BgpPrefixCounts {
        /// The table.
        family: Family,
        /// The neighbor.
        address: IpAddr,
    },
    /// `show ip route forward`, `show ip route table N`: what the kernel has.
    KernelRoutes {
        /// Of the routes.
        family: Family,
        /// The kernel's number of the table.
        table: u32,
    },
    /// What only the machine knows: a view of the same name each, `View::KernelMessages` for both kinds of messages.
    Machine(Machine),
    /// `show policy [LIST [NAME]]`: `View::Policies`.
    Policy {
        /// Only this kind of list.
        list: Option<PolicyList>,
        /// Only the one of this name.
        name: Option<String>,
    },
    /// `show policy test route-map …`: `View::PolicyTest`.
    PolicyTest {
        /// The map.
        route_map: String,
        /// The route that goes through it.
        route: Box<TestedRoute>,
    },
    /// `show ip bgp dampening …`: `View::BgpDamping`.
    Damping {
        /// The table.
        family: Family,
        /// What of it.
        which: DampingShown,
    },
    /// `show rpki …`: `View::RpkiAspas`, `View::RpkiCaches` or `View::RpkiTable`.
    Rpki(RpkiShown),
    /// `show bmp`
    Bmp,
    /// `show log`
    Log {
        /// At most so many lines, the newest; `None` for all that are kept.
        lines: Option<u32>,
    },
}

/// What is looked up in a BGP table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BgpTarget {
    /// Exactly this prefix.
    Prefix(Prefix),
    /// The longest prefix that covers this address.
    Address(IpAddr),
}

/// Which routes of a neighbor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NeighborRoutes {
    /// All that it sent, refused ones too.
    Received,
    /// All that was sent to it.
    Advertised,
    /// What it sent and was accepted.
    Accepted,
    /// What it sent and was refused on arrival.
    Filtered,
}

/// Which routes are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteFilter {
    /// All.
    All,
    /// Those of one source.
    Protocol(Protocol),
    /// Exactly this prefix, in detail.
    Prefix(Prefix),
    /// The longest prefix that covers this address, in detail.
    Address(IpAddr),
    /// This prefix and all within it.
    LongerPrefixes(Prefix),
    /// Those shorter than the network of their class.
    SupernetsOnly,
    /// Only counts.
    Summary,
}

/// `clear|reset ip bgp TARGET [soft [in|out] | in | out | message TEXT]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clear {
    /// Whose sessions.
    pub target: ClearTarget,
    /// How.
    pub how: ClearHow,
    /// `None` for all families of the sessions.
    pub family: Option<Family>,
    /// What neighbors are told whose sessions are closed: at most 255 octets (RFC 9003), more are cut.
    #[serde(default)]
    pub message: Option<String>,
}

/// What is forgotten, to be learned or counted anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flush {
    /// Hosts on links, but those that somebody set for good.
    Neighbors {
        /// Of the addresses.
        family: Family,
        /// Only those on this link.
        interface: Option<IfName>,
        /// Only this one.
        address: Option<IpAddr>,
    },
    /// What the balancer has counted.
    Balancer,
    /// What went through interfaces.
    Counters {
        /// One interface only.
        interface: Option<IfName>,
    },
}

/// Whose sessions are cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClearTarget {
    /// All.
    All,
    /// One neighbor.
    Address(IpAddr),
    /// The neighbor of an interface.
    Interface(IfName),
    /// All neighbors of an AS.
    Asn(Asn),
    /// All external neighbors.
    External,
    /// All members of a peer group.
    Group(String),
}

/// How a session is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClearHow {
    /// The session goes down and comes up again.
    Hard,
    /// The same, and graceful restart keeps nothing of it, on neither side (RFC 8538 §3.1).
    ForGood,
    /// Routes are asked for again (RFC 2918).
    SoftIn,
    /// Routes are sent again.
    SoftOut,
    /// Both.
    Soft,
}
