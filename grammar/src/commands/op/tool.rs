//! What the router, its terminal and the programs of its system are asked to do.
//!
//! Never runs any of it.

use std::net::IpAddr;

use nouns::{Family, IfName};
use serde::{Deserialize, Serialize};

/// What only the machine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Machine {
    /// `show system uptime`
    Uptime,
    /// `show system memory`, `show hardware memory`
    Memory,
    /// `show system storage`
    Storage,
    /// `show system processes`
    Processes,
    /// `show system connections`
    Connections,
    /// `show system boot-messages`
    BootMessages,
    /// `show system kernel-messages`
    KernelMessages,
    /// `show date`
    Date,
    /// `show users`
    Users,
    /// `show hardware cpu`
    Cpu,
    /// `show hardware pci`
    Pci,
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitored {
    /// `monitor log`
    Log,
    /// `monitor interfaces`
    Interfaces,
    /// `monitor bgp`
    Bgp,
}

/// A program that reaches out to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Echo requests.
    Ping,
    /// The way to a host.
    Traceroute,
    /// The way to a host, again and again.
    Mtr,
    /// A conversation over TCP.
    Telnet,
}

/// How a host is reached; without an option the system's default holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeOption {
    /// As fast as answers come.
    Adaptive,
    /// Only to hosts on the link.
    BypassRoute,
    /// How many requests; endless without it.
    Count(u32),
    /// Seconds until it ends whatever came.
    Deadline(u32),
    /// Routers must not fragment.
    DoNotFragment,
    /// This family where a name has addresses of both.
    Family(Family),
    /// As fast as possible.
    Flood,
    /// With ICMP echo requests.
    Icmp,
    /// The interface they leave by.
    Interface(IfName),
    /// Seconds between them.
    Interval(u32),
    /// No names for addresses.
    Numeric,
    /// Hexadecimal digits that fill the packets.
    Pattern(String),
    /// The port at the host.
    Port(u32),
    /// Requests for each hop.
    Queries(u32),
    /// The summary only.
    Quiet,
    /// Routers write down that they were passed.
    RecordRoute,
    /// Octets in each.
    Size(u32),
    /// The address they come from.
    Source(IpAddr),
    /// With TCP segments.
    Tcp,
    /// Each line with its time.
    Timestamp,
    /// The octet for the type of service.
    TypeOfService(u32),
    /// Their time to live, or the last hop that is asked.
    TimeToLive(u32),
    /// All that comes.
    Verbose,
}

/// When the machine goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// After the person was asked.
    Asked,
    /// At once.
    Now,
    /// In so many minutes.
    In(u32),
    /// Not at all: what was planned is cancelled.
    Cancel,
}

/// How the terminal is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalSetting {
    /// Rows of a page; 0 never pages.
    Length(u32),
    /// Columns; 0 lets lines be as long as they are.
    Width(u32),
}
