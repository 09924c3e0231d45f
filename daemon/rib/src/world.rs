//! The router's surroundings as the kernel tells them: links, addresses, foreign routes.
//!
//! Plain data that the kernel crate produces and the engine consumes; it never decides.

use std::net::IpAddr;

use nouns::{IfName, InterfaceAddress, Prefix};

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// `ifindex`
    pub index: u32,
    /// `IFLA_IFNAME`
    pub name: IfName,
    /// `IFF_UP`: administratively up.
    pub admin_up: bool,
    /// `IFF_LOWER_UP` and `IFF_RUNNING`: carrier is there.
    pub carrier: bool,
    /// `IFF_LOOPBACK`
    pub loopback: bool,
    /// `IFLA_MTU` in octets.
    pub mtu: u32,
    /// `IFLA_ADDRESS`, empty where the link has none.
    pub mac: Vec<u8>,
    /// `IFLA_IFALIAS`, empty where none is set.
    pub alias: String,
}

impl Link {
    /// Whether packets can leave through the link.
    #[must_use]
    pub fn usable(&self) -> bool {
        self.admin_up && self.carrier
    }
}

/// An address on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkAddress {
    /// The interface.
    pub ifindex: u32,
    /// The address and the length of its network.
    pub address: InterfaceAddress,
    /// The far end of a point-to-point address (`IFA_ADDRESS` where it differs from `IFA_LOCAL`).
    pub peer: Option<IpAddr>,
}

/// A route of the main table that is not ours: kernel, boot, static of others, DHCP, other daemons.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ForeignRoute {
    /// The destination.
    pub prefix: Prefix,
    /// `RTA_PRIORITY`
    pub metric: u32,
    /// `rtm_protocol`
    pub protocol: u8,
    /// Where it leads; empty for a blackhole or another special type.
    pub legs: Vec<Leg>,
}

/// One way out: a gateway, a link, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leg {
    /// The neighbor to send to; `None` when the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The outgoing link.
    pub ifindex: u32,
}

/// One change in the kernel, as the monitor saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorldEvent {
    /// A link is new or changed.
    Link(Link),
    /// A link is gone.
    LinkGone(u32),
    /// An address is there.
    Address(LinkAddress),
    /// An address is gone.
    AddressGone(LinkAddress),
    /// A foreign route is there.
    Route(ForeignRoute),
    /// A foreign route is gone.
    RouteGone(ForeignRoute),
    /// One of our routes was deleted or replaced, by the kernel or by somebody; not our own echo.
    OurRouteLost(Prefix),
    /// One of our next hops or groups was deleted by the kernel or by somebody.
    OurNextHopLost(u32),
    /// The socket overran (`ENOBUFS`): only a fresh snapshot tells the truth.
    Overrun,
}

/// Everything at once: at start, and after an overrun.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// All links.
    pub links: Vec<Link>,
    /// All addresses, link-local ones too.
    pub addresses: Vec<LinkAddress>,
    /// All routes of the main table that are not ours.
    pub routes: Vec<ForeignRoute>,
    /// What the kernel has of ours.
    pub ours: crate::fib::KernelFib,
}
