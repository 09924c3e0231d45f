//! `system …`: the router's own names, clock, log, accounts and settings.
//!
//! Never sets anything: it holds the wishes.

pub mod login;
pub mod syslog;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::reader::Reader;

pub use login::{Level, Login, User};
pub use syslog::Syslog;

/// How many revisions are kept; those before them are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitRevisions(pub u16);

impl Default for CommitRevisions {
    fn default() -> Self {
        Self(100)
    }
}

/// `system`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// `host-name`
    pub host_name: Option<String>,
    /// `time-zone`, a name of the zoneinfo database.
    pub time_zone: Option<String>,
    /// `config-management commit-revisions`: how many revisions are kept.
    pub commit_revisions: CommitRevisions,
    /// `domain-name`
    pub domain_name: Option<String>,
    /// `domain-search domain`, in the order in which they are searched.
    pub domain_search: Vec<String>,
    /// `name-server`
    pub name_servers: Vec<IpAddr>,
    /// `gateway-address`; it is a static route, too.
    pub gateway: Option<Ipv4Addr>,
    /// `static-host-mapping host-name`
    pub static_hosts: BTreeMap<String, StaticHost>,
    /// `ntp server`
    pub ntp_servers: BTreeMap<String, NtpServer>,
    /// `login`
    pub login: Login,
    /// `syslog`
    pub syslog: Syslog,
    /// `ip`
    pub ip: IpOptions,
    /// `ipv6`
    pub ipv6: IpOptions,
    /// `ipv6 strict-dad`
    pub strict_dad: bool,
    /// `options reboot-on-panic`
    pub reboot_on_panic: Option<bool>,
    /// `sysctl parameter <name> value`, `None` without a value.
    pub sysctl: BTreeMap<String, Option<String>>,
}

/// `static-host-mapping host-name <name>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticHost {
    /// `inet`
    pub address: Option<IpAddr>,
    /// `alias`
    pub aliases: Vec<String>,
}

/// `ntp server <host>`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NtpServer {
    /// `pool`: the name stands for several servers.
    pub pool: bool,
    /// `prefer`
    pub prefer: bool,
    /// `noselect`
    pub noselect: bool,
}

/// `ip` and `ipv6`: what both families have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpOptions {
    /// `disable-forwarding`
    pub disable_forwarding: bool,
    /// `arp table-size` or `neighbor table-size`
    pub table_size: Option<u32>,
}

pub(super) fn lower(system: &Reader<'_>) -> System {
    let ipv6 = system.at("ipv6");
    System {
        host_name: system.leaf("host-name"),
        time_zone: system.leaf("time-zone"),
        commit_revisions: CommitRevisions(system.at("config-management").leaf_or_default("commit-revisions")),
        domain_name: system.leaf("domain-name"),
        domain_search: system.at("domain-search").values("domain"),
        name_servers: system.values("name-server"),
        gateway: system.leaf("gateway-address"),
        static_hosts: static_hosts(&system.at("static-host-mapping")),
        ntp_servers: ntp_servers(&system.at("ntp")),
        login: login::lower(&system.at("login")),
        syslog: syslog::lower(&system.at("syslog")),
        ip: ip_options(&system.at("ip"), "arp"),
        ipv6: ip_options(&ipv6, "neighbor"),
        strict_dad: ipv6.flag("strict-dad"),
        reboot_on_panic: system.at("options").leaf("reboot-on-panic"),
        sysctl: sysctl(&system.at("sysctl")),
    }
}

fn static_hosts(mapping: &Reader<'_>) -> BTreeMap<String, StaticHost> {
    let hosts = mapping.instances::<String>("host-name").into_iter();
    hosts.map(|(name, host)| (name, StaticHost { address: host.leaf("inet"), aliases: host.values("alias") })).collect()
}

fn ntp_servers(ntp: &Reader<'_>) -> BTreeMap<String, NtpServer> {
    let servers = ntp.instances::<String>("server").into_iter();
    let flags = |server: &Reader<'_>| NtpServer {
        pool: server.flag("pool"),
        prefer: server.flag("prefer"),
        noselect: server.flag("noselect"),
    };
    servers.map(|(host, server)| (host, flags(&server))).collect()
}

fn ip_options(family: &Reader<'_>, table: &'static str) -> IpOptions {
    // A router in front of a cluster hashes and judges next hops like this in any case.
    let multipath = family.at("multipath");
    let _ = multipath.flag("layer4-hashing");
    if table == "arp" {
        let _ = multipath.flag("ignore-unreachable-nexthops");
    }
    IpOptions { disable_forwarding: family.flag("disable-forwarding"), table_size: family.at(table).leaf("table-size") }
}

fn sysctl(sysctl: &Reader<'_>) -> BTreeMap<String, Option<String>> {
    let parameters = sysctl.instances::<String>("parameter").into_iter();
    parameters.map(|(name, parameter)| (name, parameter.leaf("value"))).collect()
}
