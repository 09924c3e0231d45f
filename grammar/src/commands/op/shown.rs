//! What of a thing is shown: which part of it, which routes, in which form.
//!
//! Never says how it looks.

use std::net::IpAddr;

use nouns::{Asn, IfName, Prefix};
use serde::{Deserialize, Serialize};

/// What of damping is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DampingShown {
    /// Paths that rest.
    Paths,
    /// All that flapped.
    Flaps,
    /// The numbers in force.
    Parameters,
}

/// What of the balancer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BalancerShown {
    /// How it is.
    Summary,
    /// One line for each service.
    Services,
    /// A service in detail.
    Service,
    /// The nodes.
    Backends,
    /// Connections in transition.
    Connections,
    /// What was counted.
    Statistics,
}

/// What of the RPKI is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RpkiShown {
    /// The caches.
    Caches,
    /// Who may announce which prefix.
    All,
    /// Who says who its providers are (ASPA); only this customer, if one was named.
    Aspas(Option<Asn>),
    /// What an AS may announce.
    OfAs(Asn),
    /// Who may announce a prefix.
    Covering {
        /// The prefix.
        prefix: Prefix,
        /// An AS that is judged.
        asn: Option<Asn>,
    },
}

/// How much of interfaces is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterfaceForm {
    /// A line for each address.
    Brief,
    /// A block for each interface.
    Detail,
    /// What went through them.
    Counters,
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
    /// Those that it sent and that were refused on arrival.
    Filtered,
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
    /// A prefix and all within it.
    LongerPrefixes(Prefix),
    /// Those shorter than the network of their class.
    SupernetsOnly,
    /// Numbers only.
    Summary,
}

/// Where a route comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// `bonding`
    Bonding,
    /// `bridge`
    Bridge,
    /// `dummy`
    Dummy,
    /// `ethernet`
    Ethernet,
    /// `loopback`
    Loopback,
}

impl InterfaceClass {
    /// The class of an interface, which its name tells: `br0` is a bridge, `eth0.100` an Ethernet interface.
    #[must_use]
    pub fn of(name: &IfName) -> Self {
        let kinds = [("bond", Self::Bonding), ("br", Self::Bridge), ("dum", Self::Dummy)];
        let kind = kinds.into_iter().find(|(start, _)| name.as_str().starts_with(start)).map(|(_, class)| class);
        if name.as_str() == "lo" { Self::Loopback } else { kind.unwrap_or(Self::Ethernet) }
    }
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
    /// As JSON on one line.
    Json,
    /// As JSON on many lines.
    JsonPretty,
    /// The files that hold configurations.
    Files,
}
