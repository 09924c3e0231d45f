//! `balancer …`: services whose connections are spread over nodes, and where clients come in.
//!
//! Never knows a route: whether a node can be reached is the engine's affair.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use nouns::{IfName, Prefix};

use super::policy::WordError;
use super::reader::{Findings, Reader};
use crate::tree::Tree;

mod check;

pub use check::{Check, Http, HttpMethod, Question};

/// `balancer`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balancer {
    /// `interface <name>`
    pub interfaces: BTreeMap<IfName, Hook>,
    /// `learned <name>`
    pub learned: BTreeMap<String, Learned>,
    /// `service <name>`
    pub services: BTreeMap<String, Service>,
    /// `node <address> drain`
    pub drained: BTreeSet<IpAddr>,
    /// `idle-timeout tcp`, 900 s by default.
    pub idle_tcp: Duration,
    /// `idle-timeout other`, 60 s by default.
    pub idle_other: Duration,
    /// `table-size`: a prime, 65,537 by default.
    pub table_size: u32,
}

/// `hook`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hook {
    /// `auto`
    #[default]
    Auto,
    /// `native`
    Native,
    /// `generic`
    Generic,
    /// `tc`
    Tc,
    /// A filter of traffic control, among those of others.
    Clsact,
}

/// `learned <name>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// `prefix`, at least one.
    pub prefixes: BTreeSet<Prefix>,
    /// What services of either kind have in common.
    pub manner: Manner,
    /// `backend <address>`: nodes that are treated in their own way.
    pub backends: BTreeMap<IpAddr, Backend>,
    /// `hold-off`, 0 by default.
    pub hold_off: Duration,
}

/// `service <name>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// `address`
    pub address: IpAddr,
    /// `port` and `protocol`, or `any-port`.
    pub ports: Ports,
    /// What services of either kind have in common.
    pub manner: Manner,
    /// `backend <address>`
    pub backends: BTreeMap<IpAddr, Backend>,
}

/// What of an address is a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// `any-port`
    Any,
    /// `port`, of these protocols.
    One {
        /// The port.
        port: u16,
        /// `protocol`
        protocol: Protocol,
    },
}

/// `protocol`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// `tcp`
    #[default]
    Tcp,
    /// `udp`
    Udp,
    /// `tcp_udp`
    Both,
}

impl Protocol {
    /// Whether TCP is among them.
    #[must_use]
    pub fn has_tcp(self) -> bool {
        self != Self::Udp
    }

    /// Whether UDP is among them.
    #[must_use]
    pub fn has_udp(self) -> bool {
        self != Self::Tcp
    }
}

/// What services of either kind have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manner {
    /// `mode`
    pub mode: Mode,
    /// `gue-port`, 6080 by default.
    pub gue_port: u16,
    /// `affinity client`
    pub by_client: bool,
    /// `quic`
    pub quic: bool,
    /// `quic-server-id`, 0 if it is not set.
    pub server_octets: u8,
    /// `mss-clamp`
    pub mss_clamp: Option<u16>,
    /// `check`
    pub check: Option<Check>,
    /// `empty`
    pub empty: Empty,
    /// `slow-start`, 0 by default.
    pub slow_start: Duration,
}

/// `mode`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// `auto`
    #[default]
    Auto,
    /// `l2`
    L2,
    /// `ipip`
    Ipip,
    /// `gue`
    Gue,
    /// `nat`
    Nat,
}

/// `empty`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Empty {
    /// `open`
    #[default]
    Open,
    /// `kernel`
    Kernel,
    /// `drop`
    Drop,
    /// `withdraw`
    Withdraw,
}

/// `backend <address>`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend {
    /// `port`, of services with mode `nat` only.
    pub port: Option<u16>,
    /// `weight`, 1 by default.
    pub weight: u32,
    /// `drain`
    pub drain: bool,
    /// `disable`
    pub disable: bool,
}

impl Default for Backend {
    fn default() -> Self {
        Self { port: None, weight: 1, drain: false, disable: false }
    }
}

/// What an empty configuration says.
impl Default for Balancer {
    fn default() -> Self {
        let (tree, findings) = (Tree::default(), Findings::default());
        lower(&Reader::new(&tree, &findings).at("balancer"))
    }
}

impl Balancer {
    /// Whether anything shall be balanced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.interfaces.is_empty() && self.learned.is_empty() && self.services.is_empty()
    }

    /// The name and the words of the learned services that a route belongs to: of the longest prefix that holds it.
    #[must_use]
    pub fn learned_by(&self, route: Prefix) -> Option<(&str, &Learned)> {
        let holds = |prefix: &Prefix| prefix.covers(route);
        let longest = |learned: &Learned| {
            learned.prefixes.iter().filter(|prefix| holds(prefix)).map(|prefix| prefix.length()).max()
        };
        let found = self.learned.iter().filter_map(|(name, learned)| Some((longest(learned)?, name.as_str(), learned)));
        found.max_by_key(|(length, ..)| *length).map(|(_, name, learned)| (name, learned))
    }
}

pub(super) fn lower(place: &Reader<'_>) -> Balancer {
    let interfaces = place.instances::<IfName>("interface").into_iter();
    let interfaces = interfaces.map(|(name, place)| (name, place.leaf_or_default("hook"))).collect();
    let learned = place.instances::<String>("learned").into_iter();
    let services = place.instances::<String>("service").into_iter();
    let nodes = place.instances::<IpAddr>("node").into_iter();
    let idle = place.at("idle-timeout");
    Balancer {
        interfaces,
        learned: learned.filter_map(|(name, place)| Some((name, learned_routes(&place)?))).collect(),
        services: services.filter_map(|(name, place)| Some((name, service(&place)?))).collect(),
        drained: nodes.filter_map(|(address, place)| place.flag("drain").then_some(address)).collect(),
        idle_tcp: Duration::from_secs(idle.leaf_or_default("tcp")),
        idle_other: Duration::from_secs(idle.leaf_or_default("other")),
        table_size: place.leaf_or_default("table-size"),
    }
}

fn learned_routes(place: &Reader<'_>) -> Option<Learned> {
    let prefixes: BTreeSet<Prefix> = place.values("prefix").into_iter().collect();
    let learned = Learned {
        manner: manner(place),
        backends: backends(place, |_| None),
        hold_off: Duration::from_secs(place.leaf_or_default("hold-off")),
        prefixes,
    };
    if learned.prefixes.is_empty() {
        place.error("must set prefix, so that it is known which routes are services".to_owned());
        return None;
    }
    Some(learned)
}

fn service(place: &Reader<'_>) -> Option<Service> {
    let address = place.leaf("address");
    if address.is_none() {
        place.error("must set address, which clients use".to_owned());
    }
    let (port, protocol) = (place.leaf("port"), place.leaf_or_default("protocol"));
    let ports = match (port, place.flag("any-port")) {
        (Some(port), false) => Some(Ports::One { port, protocol }),
        (None, true) => Some(Ports::Any),
        (None, false) => {
            place.error("must set port, or any-port for all ports and protocols".to_owned());
            None
        }
        (Some(port), true) => {
            place.error(format!("port {port} and any-port cannot both be; delete one of them"));
            None
        }
    };
    let (manner, backends) = (manner(place), backends(place, |backend| backend.leaf("port")));
    Some(Service { address: address?, ports: ports?, manner, backends })
}

fn backends(place: &Reader<'_>, port: fn(&Reader<'_>) -> Option<u16>) -> BTreeMap<IpAddr, Backend> {
    let backends = place.instances::<IpAddr>("backend").into_iter().map(|(address, place)| {
        let backend = Backend {
            port: port(&place),
            weight: place.leaf_or_default("weight"),
            drain: place.flag("drain"),
            disable: place.flag("disable"),
        };
        (address, backend)
    });
    backends.collect()
}

fn manner(place: &Reader<'_>) -> Manner {
    Manner {
        mode: place.leaf_or_default("mode"),
        gue_port: place.leaf_or_default("gue-port"),
        by_client: place.leaf_or_default::<String>("affinity") == "client",
        quic: place.flag("quic"),
        server_octets: place.leaf("quic-server-id").unwrap_or(0),
        mss_clamp: place.leaf("mss-clamp"),
        check: check::lower(place),
        empty: place.leaf_or_default("empty"),
        slow_start: Duration::from_secs(place.leaf_or_default("slow-start")),
    }
}

/// Reads words as their values.
macro_rules! words {
    ($kind:ident: $($word:literal => $value:ident),+) => {
        impl FromStr for $kind {
            type Err = WordError;

            fn from_str(text: &str) -> Result<Self, WordError> {
                match text {
                    $($word => Ok(Self::$value),)+
                    _ => Err(WordError("none of the words that can stand here")),
                }
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $(Self::$value => $word,)+
                })
            }
        }
    };
}

words!(Hook: "auto" => Auto, "native" => Native, "generic" => Generic, "tc" => Tc, "clsact" => Clsact);
words!(Protocol: "tcp" => Tcp, "udp" => Udp, "tcp_udp" => Both);
words!(Mode: "auto" => Auto, "l2" => L2, "ipip" => Ipip, "gue" => Gue, "nat" => Nat);
words!(Empty: "open" => Open, "kernel" => Kernel, "drop" => Drop, "withdraw" => Withdraw);
