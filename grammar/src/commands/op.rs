//! What can be asked for in operational mode, with typed parameters.
//!
//! An `Op` that exists is well formed; whether the thing it names exists is not known here.

use std::net::IpAddr;

use nouns::{Asn, Family, IfName, Prefix};

/// An operational command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// `configure`
    Configure,
    /// `exit`, `quit` or `logout`
    Exit,
    /// `help`
    Help,
    /// `show ip bgp summary`; both families for `show bgp summary`.
    ShowBgpSummary {
        /// Only this family.
        family: Option<Family>,
    },
    /// `show ip bgp`
    ShowBgpTable {
        /// The family of the table.
        family: Family,
    },
    /// `show bgp`: the tables of all families.
    ShowBgpTables,
    /// `show ip bgp PREFIX [why]`
    ShowBgpPrefix {
        /// The family of the table.
        family: Family,
        /// What is looked up.
        destination: Destination,
        /// Explain each path.
        why: bool,
    },
    /// `show ip bgp neighbors [A]`
    ShowBgpNeighbors {
        /// Only this family.
        family: Option<Family>,
        /// Only this neighbor.
        neighbor: Option<IpAddr>,
    },
    /// `show ip bgp neighbors A received-routes|advertised-routes|routes`
    ShowBgpNeighborRoutes {
        /// The family of the routes.
        family: Family,
        /// The neighbor.
        neighbor: IpAddr,
        /// Which of its routes.
        which: NeighborRoutes,
    },
    /// `show ip route […]`
    ShowRoutes {
        /// The family of the routes.
        family: Family,
        /// Which of them.
        filter: RouteFilter,
    },
    /// `show ip fib [summary]`: what the kernel has beside what is wished.
    ShowFib {
        /// The family of the routes.
        family: Family,
        /// Numbers only.
        summary: bool,
    },
    /// `show interfaces […]`
    ShowInterfaces {
        /// Only this class.
        class: Option<InterfaceClass>,
        /// Only this interface, in detail.
        name: Option<IfName>,
    },
    /// `show configuration [commands | all]`
    ShowConfiguration {
        /// How it is written.
        form: ConfigurationForm,
    },
    /// `show log [N]`
    ShowLog {
        /// Only the newest lines.
        lines: Option<u32>,
    },
    /// `show system commit`
    ShowSystemCommit,
    /// `show version`
    ShowVersion,
    /// `clear|reset ip bgp …`
    ClearBgp {
        /// Only this family.
        family: Option<Family>,
        /// Which sessions.
        target: ClearTarget,
        /// What happens to them.
        how: ClearHow,
    },
    /// `ping HOST …`
    Ping {
        /// An address or a host name; never begins with a hyphen.
        host: String,
        /// How it is done.
        options: PingOptions,
    },
    /// `traceroute HOST`
    Traceroute {
        /// An address or a host name; never begins with a hyphen.
        host: String,
    },
}

/// What a table is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Exactly this prefix.
    Prefix(Prefix),
    /// The longest prefix that holds this address.
    Address(IpAddr),
}

/// Which routes of a neighbor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighborRoutes {
    /// All that it sent.
    Received,
    /// All that were sent to it.
    Advertised,
    /// Those that it sent and that were accepted.
    Accepted,
}

/// Which routes of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteFilter {
    /// All.
    All,
    /// Of one origin.
    Source(RouteSource),
    /// The one for a destination, in detail.
    Destination(Destination),
    /// Numbers only.
    Summary,
}

/// Where a route comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteSource {
    /// `bgp`
    Bgp,
    /// `connected`
    Connected,
    /// `kernel`
    Kernel,
    /// `static`
    Static,
}

/// A class of interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterfaceClass {
    /// `ethernet`
    Ethernet,
    /// `loopback`
    Loopback,
}

/// How a configuration is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigurationForm {
    /// In curly braces.
    Braces,
    /// In curly braces, with the defaults.
    All,
    /// One `set` line for each leaf.
    Commands,
}

/// Which sessions are cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClearTarget {
    /// All.
    All,
    /// The one with this neighbor.
    Address(IpAddr),
    /// Those with this AS.
    Asn(Asn),
    /// Those with other ASes.
    External,
    /// Those of a peer group.
    Group(String),
}

/// How sessions are cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearHow {
    /// Closed and opened again.
    Hard,
    /// Routes are asked for and sent again.
    Soft,
    /// Routes are asked for again.
    SoftIn,
    /// Routes are sent again.
    SoftOut,
}

/// How `ping` is done; without an option the system's default holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PingOptions {
    /// How many requests; endless without it.
    pub count: Option<u32>,
    /// The interface they leave by.
    pub interface: Option<IfName>,
    /// Seconds between them.
    pub interval: Option<u32>,
    /// Octets in each.
    pub size: Option<u32>,
    /// The address they come from.
    pub source: Option<IpAddr>,
    /// Their time to live.
    pub ttl: Option<u32>,
}
