//! `interfaces …`: what the configuration wishes of each link.
//!
//! A `vif` stands beside its parent, under the name that it has in the kernel. Never asks whether a link exists.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::str::FromStr;

use nouns::{IfName, InterfaceAddress, MacAddress, Prefix};

use super::reader::Reader;

/// Under which word the interface stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InterfaceKind {
    /// `interfaces bridge`
    Bridge(Bridge),
    /// `interfaces dummy`
    Dummy,
    /// `interfaces ethernet`
    Ethernet,
    /// `interfaces loopback`
    Loopback,
    /// `vif` below another interface.
    Vif(Vif),
}

/// A VLAN of another interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vif {
    /// The interface whose VLAN it is.
    pub parent: IfName,
    /// The word that the parent stands under.
    pub parent_word: &'static str,
    /// The number of the VLAN.
    pub id: u16,
}

/// What only a bridge has; times in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// `aging`
    pub aging: u32,
    /// `forwarding-delay`
    pub forwarding_delay: u32,
    /// `hello-time`
    pub hello_time: u32,
    /// `max-age`
    pub max_age: u32,
    /// `priority`
    pub priority: u16,
    /// `stp`
    pub stp: bool,
}

/// `source-validation`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceValidation {
    /// Any source will do.
    Disable,
    /// RFC 3704 §2.4
    Loose,
    /// RFC 3704 §2.2
    Strict,
}

/// `ip …` of an interface; what is not said is left to the system's default for new interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of its own")]
pub struct Ipv4Settings {
    /// `arp-cache-timeout` in seconds.
    pub arp_cache_timeout: Option<u32>,
    /// `disable-arp-filter`
    pub disable_arp_filter: bool,
    /// `disable-forwarding`
    pub disable_forwarding: bool,
    /// `enable-arp-accept`
    pub enable_arp_accept: bool,
    /// `enable-arp-announce`
    pub enable_arp_announce: bool,
    /// `enable-arp-ignore`
    pub enable_arp_ignore: bool,
    /// `enable-proxy-arp`
    pub enable_proxy_arp: bool,
    /// `proxy-arp-pvlan`
    pub proxy_arp_pvlan: bool,
    /// `source-validation`
    pub source_validation: Option<SourceValidation>,
}

/// `ipv6 …` of an interface; what is not said is left to the system's default for new interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ipv6Settings {
    /// `address eui64`, repeatable.
    pub eui64: BTreeSet<Prefix>,
    /// `disable-forwarding`
    pub disable_forwarding: bool,
    /// `dup-addr-detect-transmits`
    pub dup_addr_detect_transmits: Option<u32>,
}

/// `interfaces <kind> <name>`, or a `vif` of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The word above the name.
    pub kind: InterfaceKind,
    /// `address`, repeatable.
    pub addresses: BTreeSet<InterfaceAddress>,
    /// The bridge that it is a port of: `bridge-group bridge`, or `member interface` of the bridge.
    pub bridge: Option<IfName>,
    /// `description`
    pub description: Option<String>,
    /// `address dhcp`
    pub dhcp: bool,
    /// `disable`
    pub disable: bool,
    /// `hw-id`
    pub hw_id: Option<MacAddress>,
    /// `ip`
    pub ip: Ipv4Settings,
    /// `ipv6`
    pub ipv6: Ipv6Settings,
    /// `mac`
    pub mac: Option<MacAddress>,
    /// `mtu` in octets.
    pub mtu: Option<u32>,
}

impl InterfaceKind {
    /// The word of the configuration.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Bridge(_) => "bridge",
            Self::Dummy => "dummy",
            Self::Ethernet => "ethernet",
            Self::Loopback => "loopback",
            Self::Vif(_) => "vif",
        }
    }
}

impl Interface {
    /// The words that lead to it, as `set` takes them.
    #[must_use]
    pub fn path(&self, name: &IfName) -> Vec<String> {
        match &self.kind {
            InterfaceKind::Vif(vif) => {
                vec![
                    "interfaces".into(),
                    vif.parent_word.into(),
                    vif.parent.to_string(),
                    "vif".into(),
                    vif.id.to_string(),
                ]
            }
            kind => vec!["interfaces".into(), kind.word().into(), name.to_string()],
        }
    }

    /// Whether the configuration makes the interface, rather than find it.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        match self.kind {
            InterfaceKind::Bridge(_) | InterfaceKind::Dummy | InterfaceKind::Vif(_) => true,
            InterfaceKind::Ethernet | InterfaceKind::Loopback => false,
        }
    }

    /// The interface whose VLAN it is.
    #[must_use]
    pub fn parent(&self) -> Option<&IfName> {
        match &self.kind {
            InterfaceKind::Vif(vif) => Some(&vif.parent),
            _ => None,
        }
    }

    /// The addresses, with those that a hardware address makes of the networks under `eui64`.
    #[must_use]
    pub fn all_addresses(&self, mac: Option<MacAddress>) -> BTreeSet<InterfaceAddress> {
        let made = self.ipv6.eui64.iter().filter_map(|network| match (network.address(), mac) {
            (IpAddr::V6(v6), Some(mac)) => InterfaceAddress::new(mac.eui64(v6).into(), network.length()).ok(),
            _ => None,
        });
        self.addresses.iter().copied().chain(made).collect()
    }

    /// Whether an address is one that some hardware address makes of a network under `eui64`: the link may have had
    /// another one when its addresses were given.
    #[must_use]
    pub fn made_by_eui64(&self, address: InterfaceAddress) -> bool {
        let IpAddr::V6(v6) = address.address() else { return false };
        let [.., third, fourth, _, _, _] = v6.octets();
        let network = |network: &Prefix| network.contains(v6.into()) && network.length() == address.length();
        (third, fourth) == (0xff, 0xfe) && self.ipv6.eui64.iter().any(network)
    }
}

/// A value of `address`: none for `dhcp`.
struct LinkAddress(Option<InterfaceAddress>);

impl FromStr for LinkAddress {
    type Err = <InterfaceAddress as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "dhcp" { Ok(Self(None)) } else { text.parse().map(|address| Self(Some(address))) }
    }
}

pub(super) fn lower(interfaces: Reader<'_>) -> BTreeMap<IfName, Interface> {
    let mut lowered = BTreeMap::new();
    for (name, place) in interfaces.instances::<IfName>("ethernet") {
        let found = Interface {
            bridge: bridge_group(&place),
            hw_id: place.leaf("hw-id"),
            ..interface(&place, InterfaceKind::Ethernet)
        };
        // The one value that there is says what holds without the word.
        let _: [Option<String>; 2] = [place.leaf("duplex"), place.leaf("speed")];
        put(&mut lowered, &place, name.clone(), found);
        vifs(&mut lowered, &place, &name, "ethernet");
    }
    for (name, place) in interfaces.instances::<IfName>("dummy") {
        put(&mut lowered, &place, name, interface(&place, InterfaceKind::Dummy));
    }
    for (name, place) in interfaces.instances::<IfName>("loopback") {
        put(&mut lowered, &place, name, plain(&place, InterfaceKind::Loopback));
    }
    let bridges = interfaces.instances::<IfName>("bridge");
    for (name, place) in &bridges {
        put(&mut lowered, place, name.clone(), interface(place, InterfaceKind::Bridge(bridge(place))));
        vifs(&mut lowered, place, name, "bridge");
    }
    for (name, place) in &bridges {
        for (port, member) in place.at("member").instances::<IfName>("interface") {
            join(&member, &mut lowered, &port, name);
        }
    }
    lowered
}

fn vifs(lowered: &mut BTreeMap<IfName, Interface>, place: &Reader<'_>, parent: &IfName, parent_word: &'static str) {
    for (id, below) in place.instances::<u16>("vif") {
        let Some(name) = parent.vif(id) else {
            below.error(format!("the name {parent}.{id} is longer than the 15 characters that a name may have"));
            continue;
        };
        let vif = Vif { parent: parent.clone(), parent_word, id };
        let found = Interface { bridge: bridge_group(&below), ..interface(&below, InterfaceKind::Vif(vif)) };
        put(lowered, &below, name, found);
    }
}

fn put(lowered: &mut BTreeMap<IfName, Interface>, place: &Reader<'_>, name: IfName, interface: Interface) {
    match lowered.get(&name) {
        Some(other) => {
            place.error(format!("{name} is configured under '{}' too; delete one", other.path(&name).join(" ")))
        }
        None => drop(lowered.insert(name, interface)),
    }
}

/// A port that a bridge names is as if the port named the bridge.
fn join(place: &Reader<'_>, lowered: &mut BTreeMap<IfName, Interface>, port: &IfName, bridge: &IfName) {
    match lowered.get_mut(port) {
        None => place.error(format!("{port} is not configured; set interfaces ethernet {port}")),
        Some(interface) => match &interface.bridge {
            Some(other) if other != bridge => {
                place.error(format!("{port} is a port of {other} already; delete it there or here"));
            }
            _ => interface.bridge = Some(bridge.clone()),
        },
    }
}

fn bridge_group(place: &Reader<'_>) -> Option<IfName> {
    place.at("bridge-group").leaf("bridge")
}

/// What every interface can have.
fn plain(place: &Reader<'_>, kind: InterfaceKind) -> Interface {
    let addresses: Vec<LinkAddress> = place.values("address");
    Interface {
        kind,
        addresses: addresses.iter().filter_map(|LinkAddress(address)| *address).collect(),
        bridge: None,
        description: place.leaf("description"),
        dhcp: addresses.iter().any(|LinkAddress(address)| address.is_none()),
        disable: place.flag("disable"),
        hw_id: None,
        ip: Ipv4Settings::default(),
        ipv6: Ipv6Settings::default(),
        mac: None,
        mtu: place.leaf("mtu"),
    }
}

/// What every interface but the loopback can have.
fn interface(place: &Reader<'_>, kind: InterfaceKind) -> Interface {
    Interface { ip: ipv4(&place.at("ip")), ipv6: ipv6(&place.at("ipv6")), mac: place.leaf("mac"), ..plain(place, kind) }
}

fn ipv4(place: &Reader<'_>) -> Ipv4Settings {
    let validation = place.leaf::<String>("source-validation");
    Ipv4Settings {
        arp_cache_timeout: place.leaf("arp-cache-timeout"),
        disable_arp_filter: place.flag("disable-arp-filter"),
        disable_forwarding: place.flag("disable-forwarding"),
        enable_arp_accept: place.flag("enable-arp-accept"),
        enable_arp_announce: place.flag("enable-arp-announce"),
        enable_arp_ignore: place.flag("enable-arp-ignore"),
        enable_proxy_arp: place.flag("enable-proxy-arp"),
        proxy_arp_pvlan: place.flag("proxy-arp-pvlan"),
        source_validation: validation.and_then(|word| match word.as_str() {
            "disable" => Some(SourceValidation::Disable),
            "loose" => Some(SourceValidation::Loose),
            "strict" => Some(SourceValidation::Strict),
            _ => None,
        }),
    }
}

fn ipv6(place: &Reader<'_>) -> Ipv6Settings {
    Ipv6Settings {
        eui64: place.at("address").values("eui64").into_iter().collect(),
        disable_forwarding: place.flag("disable-forwarding"),
        dup_addr_detect_transmits: place.leaf("dup-addr-detect-transmits"),
    }
}

fn bridge(place: &Reader<'_>) -> Bridge {
    Bridge {
        aging: place.leaf_or_default("aging"),
        forwarding_delay: place.leaf_or_default("forwarding-delay"),
        hello_time: place.leaf_or_default("hello-time"),
        max_age: place.leaf_or_default("max-age"),
        priority: place.leaf_or_default("priority"),
        stp: place.leaf_or_default("stp"),
    }
}
