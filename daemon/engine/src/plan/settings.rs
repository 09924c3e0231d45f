//! Kernel settings of one link: which word of the configuration means which of them.
//!
//! Never reads a setting: what a word asks for is known without the kernel.

use std::collections::BTreeMap;
use std::fmt;

use config::model::Interface;
use config::model::interfaces::SourceValidation;

/// A setting below `/proc/sys/net/<family>/<table>/<link>/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// `ipv4` or `ipv6`.
    pub family: &'static str,
    /// `conf` or `neigh`.
    pub table: Table,
    /// `proxy_arp`
    pub name: &'static str,
}

/// Where the kernel keeps settings of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// `conf`
    Conf,
    /// `neigh`
    Neigh,
}

impl Table {
    /// The name of the folder.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Conf => "conf",
            Self::Neigh => "neigh",
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.family, self.name)
    }
}

const fn ipv4(name: &'static str) -> Setting {
    Setting { family: "ipv4", table: Table::Conf, name }
}

const fn ipv6(name: &'static str) -> Setting {
    Setting { family: "ipv6", table: Table::Conf, name }
}

/// The settings that an interface asks for; the kernel's defaults are left out.
pub(super) fn wished(interface: Option<&Interface>) -> BTreeMap<Setting, String> {
    let mut wished = BTreeMap::new();
    let Some(Interface { ip, ipv6: six, .. }) = interface else { return wished };
    let flags = [
        (ip.disable_arp_filter, ipv4("arp_filter"), "0"),
        (ip.disable_forwarding, ipv4("forwarding"), "0"),
        (ip.enable_arp_accept, ipv4("arp_accept"), "1"),
        (ip.enable_arp_announce, ipv4("arp_announce"), "1"),
        (ip.enable_arp_ignore, ipv4("arp_ignore"), "1"),
        (ip.enable_proxy_arp, ipv4("proxy_arp"), "1"),
        (ip.proxy_arp_pvlan, ipv4("proxy_arp_pvlan"), "1"),
        (six.disable_forwarding, ipv6("forwarding"), "0"),
    ];
    wished.extend(flags.iter().filter(|(set, ..)| *set).map(|(_, setting, value)| (*setting, (*value).to_owned())));
    if let Some(seconds) = ip.arp_cache_timeout {
        let setting = Setting { family: "ipv4", table: Table::Neigh, name: "base_reachable_time_ms" };
        wished.insert(setting, seconds.saturating_mul(1000).to_string());
    }
    if let Some(validation) = ip.source_validation {
        let value = match validation {
            SourceValidation::Disable => "0",
            SourceValidation::Strict => "1",
            SourceValidation::Loose => "2",
        };
        wished.insert(ipv4("rp_filter"), value.to_owned());
    }
    if let Some(count) = six.dup_addr_detect_transmits {
        wished.insert(ipv6("dad_transmits"), count.to_string());
    }
    wished
}
