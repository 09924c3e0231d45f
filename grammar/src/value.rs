//! Values: which kinds there are, how each is spelled, and which names can be offered for it.
//!
//! A kind turns what a person typed into one canonical spelling or says why it cannot.
//! It judges a value by itself only: whether it fits the rest of the configuration is checked elsewhere.

mod policy;
mod read;
#[cfg(test)]
mod tests;

pub use policy::{PolicyList, PolicyValue};
use serde::{Deserialize, Serialize};

/// What kind of value a leaf, a tag or an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// An AS number from 1 to 4294967294.
    Asn,
    /// A decimal number within bounds, both included.
    U32 {
        /// The least number allowed.
        min: u32,
        /// The greatest number allowed.
        max: u32,
    },
    /// Any IPv4 address.
    Ipv4,
    /// Any IPv6 address.
    Ipv6,
    /// Any address of either family.
    Address,
    /// An IPv4 address that is not zero (RFC 6286 §2.1).
    RouterId,
    /// A unicast address of either family that a session can be opened to.
    NeighborAddress,
    /// As `NeighborAddress`, or the interface that the neighbor is found on.
    Neighbor,
    /// A unicast IPv4 address.
    NextHop4,
    /// A unicast IPv6 address.
    NextHop6,
    /// An IPv4 prefix with zero host bits.
    Prefix4,
    /// An IPv6 prefix with zero host bits.
    Prefix6,
    /// A prefix of either family with zero host bits.
    Prefix,
    /// An address with its prefix length, host bits kept.
    InterfaceAddress,
    /// The same, or `dhcp`.
    LinkAddress,
    /// Any interface name.
    InterfaceName,
    /// The name of an interface that is not the loopback.
    EthernetName,
    /// The name of the loopback interface: `lo`.
    LoopbackName,
    /// The name of a bridge: `br0`.
    BridgeName,
    /// The name of a dummy interface: `dum0`.
    DummyName,
    /// The hardware address of one station.
    MacAddress,
    /// An interface name or an address of either family.
    AddressOrInterface,
    /// A host name of up to 63 letters, digits, hyphens and dots.
    HostName,
    /// An address or a name that resolves to one, as `ping` takes it.
    Host,
    /// A name of the zoneinfo database; whether it exists is the system's word.
    TimeZone,
    /// Free text without control characters.
    Text {
        /// The longest text, in characters.
        max: usize,
    },
    /// A text for the operator of a neighbor: at most 255 octets without control characters (RFC 9003 §2).
    ShutdownText,
    /// One of a few words, each with its help.
    Choice(&'static [(&'static str, &'static str)]),
    /// An AS number, `internal` or `external`.
    RemoteAs,
    /// Seconds: 0 or 3 to 65535 (RFC 4271 §4.2).
    HoldTime,
    /// The name of a peer group where it is defined.
    PeerGroupName,
    /// The name of a peer group where it is used.
    PeerGroupRef,
    /// The name of a BFD profile where it is defined.
    ProfileName,
    /// The name of a BFD profile where it is used.
    ProfileRef,
    /// The name of a service where it is defined.
    ServiceName,
    /// The name of a service where it is used: a learned one has its address for a name.
    ServiceRef,
    /// The address of a backend where it is used.
    BackendRef,
    /// A unicast address of either family, not a link-local one.
    NodeAddress,
    /// The path of a URL: begins with `/`, without blanks.
    UrlPath,
    /// A TCP MD5 key of 1 to 80 characters (RFC 2385), never repeated in a message.
    Password,
    /// The path of a file.
    FileName,
    /// The name of a domain, or a host's name with its domain: up to 253 octets (RFC 1035 §2.3.4).
    DomainName,
    /// The name of an account or a group of the system.
    UserName,
    /// A person's name as the account file can hold it: no colon.
    FullName,
    /// An absolute path that an account file can hold.
    Directory,
    /// The password of an account as a person types it; the empty text stands for none.
    PlainPassword,
    /// The password of an account as `crypt(5)` has it.
    PasswordHash,
    /// The name of a public key: no blanks.
    KeyName,
    /// A public key in base64.
    PublicKey,
    /// The name of a log file, without a directory.
    LogFile,
    /// The name of a setting of the kernel's network, such as `net.ipv4.tcp_syncookies`.
    SysctlName,
    /// What a setting of the kernel is set to: numbers and words.
    SysctlValue,
    /// A value of routing policy.
    Policy(PolicyValue),
}

/// Which live names could stand for a value; who answers is the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameKind {
    /// Every interface.
    Interface,
    /// Interfaces that are not the loopback.
    Ethernet,
    /// The loopback interface.
    Loopback,
    /// Bridges.
    Bridge,
    /// Dummy interfaces.
    Dummy,
    /// Addresses of BGP neighbors, configured and dynamic.
    Neighbor,
    /// Names of peer groups.
    PeerGroup,
    /// Names of BFD profiles.
    Profile,
    /// Names of services of the balancer.
    Service,
    /// Addresses of its backends.
    Backend,
    /// The router's own addresses and its interfaces.
    LocalAddress,
    /// IPv4 prefixes of the tables.
    Prefix4,
    /// IPv6 prefixes of the tables.
    Prefix6,
    /// Names of the zoneinfo database.
    TimeZone,
    /// Files that could hold a configuration.
    File,
    /// Revisions, counted from the newest.
    Revision,
    /// Names of lists or route maps of one kind.
    Policy(PolicyList),
}

/// Why a text is not a value of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a valid value of type \"{}\"", .kind.type_name())]
pub struct ValueError {
    /// What was wanted.
    pub kind: ValueKind,
    /// What was typed; asterisks for a secret.
    pub text: String,
    /// What is wrong and what to type instead, in words.
    pub reason: String,
}

impl ValueKind {
    /// The canonical spelling of a text: numbers without leading zeros, addresses compressed and in lower case.
    ///
    /// # Errors
    /// When the text is not of this kind.
    pub fn parse(&self, text: &str) -> Result<String, ValueError> {
        read::canonical(*self, text).map_err(|reason| ValueError {
            kind: *self,
            text: if self.is_secret() { "*".repeat(16) } else { printable(text) },
            reason,
        })
    }

    /// Whether a value is masked wherever it is not the person's own candidate, and never repeated in a message.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Password | Self::PlainPassword | Self::PasswordHash | Self::PublicKey)
    }

    /// What stands for a value in completions, one for each form it may take.
    #[must_use]
    pub fn placeholders(&self) -> Vec<String> {
        let fixed: &[&str] = match self {
            Self::Asn => &["<1-4294967294>"],
            Self::U32 { min, max } => return vec![format!("<{min}-{max}>")],
            Self::Ipv4 | Self::RouterId | Self::NextHop4 => &["<x.x.x.x>"],
            Self::Ipv6 | Self::NextHop6 => &["<h:h:h:h:h:h:h:h>"],
            Self::Address | Self::NeighborAddress | Self::NodeAddress | Self::BackendRef => {
                &["<x.x.x.x>", "<h:h:h:h:h:h:h:h>"]
            }
            Self::Prefix4 => &["<x.x.x.x/x>"],
            Self::Prefix6 => &["<h:h:h:h:h:h:h:h/x>"],
            Self::Prefix | Self::InterfaceAddress | Self::LinkAddress => &["<x.x.x.x/x>", "<h:h:h:h:h:h:h:h/x>"],
            Self::InterfaceName | Self::EthernetName | Self::LoopbackName => &["<interface>"],
            Self::BridgeName => &["<brN>"],
            Self::DummyName => &["<dumN>"],
            Self::MacAddress => &["<h:h:h:h:h:h>"],
            Self::AddressOrInterface | Self::Neighbor => &["<x.x.x.x>", "<h:h:h:h:h:h:h:h>", "<interface>"],
            Self::HostName | Self::DomainName => &["<hostname>"],
            Self::Host => &["<hostname>", "<x.x.x.x>", "<h:h:h:h:h:h:h:h>"],
            Self::TimeZone => &["<Area/City>"],
            Self::Text { .. }
            | Self::ShutdownText
            | Self::Password
            | Self::PeerGroupName
            | Self::PeerGroupRef
            | Self::ProfileName
            | Self::ServiceName
            | Self::ServiceRef
            | Self::UrlPath
            | Self::ProfileRef
            | Self::UserName
            | Self::FullName
            | Self::PlainPassword
            | Self::PasswordHash
            | Self::KeyName
            | Self::PublicKey
            | Self::SysctlName
            | Self::SysctlValue => &["<text>"],
            Self::Choice(_) => &[],
            Self::RemoteAs => &["<1-4294967294>"],
            Self::HoldTime => &["<0>", "<3-65535>"],
            Self::FileName | Self::Directory | Self::LogFile => &["<filename>"],
            Self::Policy(kind) => kind.placeholders(),
        };
        fixed.iter().map(|&text| text.to_owned()).collect()
    }

    /// All forms on one line: `<x.x.x.x>|<h:h:h:h:h:h:h:h>`, `enable|disable`.
    #[must_use]
    pub fn placeholder(&self) -> String {
        let mut forms = self.placeholders();
        forms.extend(self.choices().iter().map(|(word, _)| (*word).to_owned()));
        forms.join("|")
    }

    /// The fixed words that are values of this kind, each with its help.
    #[must_use]
    pub fn choices(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Choice(words) => words,
            Self::Policy(kind) => kind.choices(),
            Self::LinkAddress => &[("dhcp", "What a DHCP server gives")],
            Self::RemoteAs => &[("external", "Any AS but the local one"), ("internal", "The local AS")],
            _ => &[],
        }
    }

    /// Which live names can be offered.
    #[must_use]
    pub fn names(&self) -> Option<NameKind> {
        match self {
            Self::InterfaceName => Some(NameKind::Interface),
            Self::EthernetName => Some(NameKind::Ethernet),
            Self::LoopbackName => Some(NameKind::Loopback),
            Self::BridgeName => Some(NameKind::Bridge),
            Self::DummyName => Some(NameKind::Dummy),
            Self::NeighborAddress | Self::NodeAddress | Self::Neighbor => Some(NameKind::Neighbor),
            Self::PeerGroupRef => Some(NameKind::PeerGroup),
            Self::ProfileRef => Some(NameKind::Profile),
            Self::ServiceRef => Some(NameKind::Service),
            Self::BackendRef => Some(NameKind::Backend),
            Self::AddressOrInterface => Some(NameKind::LocalAddress),
            Self::Prefix4 => Some(NameKind::Prefix4),
            Self::Prefix6 => Some(NameKind::Prefix6),
            Self::TimeZone => Some(NameKind::TimeZone),
            Self::FileName => Some(NameKind::File),
            Self::Policy(kind) => kind.names(),
            _ => None,
        }
    }

    /// The name of the type as messages have always spelled it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Asn | Self::U32 { .. } | Self::HoldTime | Self::RemoteAs => "u32",
            Self::Ipv4 | Self::RouterId | Self::NextHop4 => "ipv4",
            Self::Ipv6 | Self::NextHop6 => "ipv6",
            Self::Address
            | Self::NeighborAddress
            | Self::NodeAddress
            | Self::BackendRef
            | Self::Neighbor
            | Self::AddressOrInterface => "ipv4 or ipv6",
            Self::Prefix4 => "ipv4net",
            Self::Prefix6 => "ipv6net",
            Self::Prefix | Self::InterfaceAddress | Self::LinkAddress => "ipv4net or ipv6net",
            Self::MacAddress => "macaddr",
            _ => "txt",
        }
    }
}

/// A text as messages may repeat it: without control characters, and no longer than a line.
pub(crate) fn printable(text: &str) -> String {
    let mut chars = text.chars().map(|c| if c.is_control() { '?' } else { c });
    let mut shown: String = chars.by_ref().take(120).collect();
    if chars.next().is_some() {
        shown.push_str("...");
    }
    shown
}
