//! The router's surroundings as the kernel tells them: links, addresses, foreign routes.
//!
//! Plain data that the kernel crate produces and the engine consumes; it never decides.

use std::net::IpAddr;

use nouns::{IfName, InterfaceAddress, Prefix};

use crate::fib::RouteKey;

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
    /// What it is.
    pub kind: LinkKind,
    /// `IFLA_MASTER`: the bridge, bond or VRF that it belongs to.
    pub master: Option<u32>,
    /// `IFLA_GROUP`: [`LINK_GROUP_TOWPATH`] on links that we made.
    pub group: u32,
    /// `IFLA_PERM_ADDRESS`: the address that the card came with, empty where it has none.
    pub permanent_mac: Vec<u8>,
}

/// `IFLA_GROUP` of every link that we made, so that no other is ever deleted and none of ours is forgotten.
pub const LINK_GROUP_TOWPATH: u32 = 200;

/// What a link is (`IFLA_INFO_KIND`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LinkKind {
    /// A card, or the loopback: the kernel names no kind.
    #[default]
    Card,
    /// `bridge`
    Bridge(BridgeSettings),
    /// `dummy`
    Dummy,
    /// `vlan` of protocol 802.1Q.
    Vlan {
        /// `IFLA_LINK`: the link whose VLAN it is.
        parent: u32,
        /// `IFLA_VLAN_ID`
        id: u16,
    },
    /// Any other, by the kernel's word.
    Other(String),
}

/// A link that can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VirtualLink {
    /// A bridge.
    Bridge(BridgeSettings),
    /// An interface that leads nowhere and is always up.
    Dummy,
    /// A VLAN of another link.
    Vif {
        /// The other link.
        parent: IfName,
        /// The number of the VLAN.
        id: u16,
    },
}

impl VirtualLink {
    /// The kernel's word for the kind (`IFLA_INFO_KIND`).
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Bridge(_) => "bridge",
            Self::Dummy => "dummy",
            Self::Vif { .. } => "vlan",
        }
    }
}

/// How a bridge works; times in hundredths of a second (`USER_HZ`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BridgeSettings {
    /// `IFLA_BR_AGEING_TIME`
    pub aging: u32,
    /// `IFLA_BR_FORWARD_DELAY`
    pub forwarding_delay: u32,
    /// `IFLA_BR_HELLO_TIME`
    pub hello_time: u32,
    /// `IFLA_BR_MAX_AGE`
    pub max_age: u32,
    /// `IFLA_BR_PRIORITY`
    pub priority: u16,
    /// `IFLA_BR_STP_STATE`
    pub stp: bool,
}

impl Default for BridgeSettings {
    /// What the kernel gives a new bridge.
    fn default() -> Self {
        Self { aging: 30_000, forwarding_delay: 1500, hello_time: 200, max_age: 2000, priority: 32768, stp: false }
    }
}

impl Link {
    /// A card that is up, for tests and examples.
    #[must_use]
    pub fn card(index: u32, name: IfName) -> Self {
        Self {
            index,
            name,
            admin_up: true,
            carrier: true,
            loopback: false,
            mtu: 1500,
            mac: Vec::new(),
            alias: String::new(),
            kind: LinkKind::Card,
            master: None,
            group: 0,
            permanent_mac: Vec::new(),
        }
    }

    /// Whether we made it.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.group == LINK_GROUP_TOWPATH
    }

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
    OurRouteLost(RouteKey),
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
