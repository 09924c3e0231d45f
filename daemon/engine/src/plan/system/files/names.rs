//! `resolv.conf`, `hosts` and `chrony.conf`: who is who, and what time it is.

use std::collections::BTreeMap;

use config::model::System;
use config::model::system::NtpServer;

use super::heading;

/// `resolv.conf(5)`: `domain` and `search` exclude each other, the later one wins, so only one is written.
pub(super) fn resolv_conf(system: &System) -> Option<String> {
    if system.name_servers.is_empty() && system.domain_name.is_none() && system.domain_search.is_empty() {
        return None;
    }
    let mut text = heading("system name-server, domain-name, domain-search");
    if !system.domain_search.is_empty() {
        text.push_str(&format!("search {}\n", system.domain_search.join(" ")));
    } else if let Some(domain) = &system.domain_name {
        text.push_str(&format!("domain {domain}\n"));
    }
    for server in &system.name_servers {
        text.push_str(&format!("nameserver {server}\n"));
    }
    Some(text)
}

/// `hosts(5)`: the router's own names, then the static ones.
pub(super) fn hosts(system: &System) -> Option<String> {
    if system.static_hosts.is_empty() && system.domain_name.is_none() {
        return None;
    }
    let mut text = heading("system static-host-mapping, host-name, domain-name");
    text.push_str("127.0.0.1\tlocalhost\n");
    if let Some(name) = &system.host_name {
        let full = system.domain_name.as_ref().map(|domain| format!("{name}.{domain} ")).unwrap_or_default();
        text.push_str(&format!("127.0.1.1\t{full}{name}\n"));
    }
    text.push_str("::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n");
    for (name, host) in &system.static_hosts {
        if let Some(address) = host.address {
            let names: Vec<&str> = std::iter::once(name).chain(&host.aliases).map(String::as_str).collect();
            text.push_str(&format!("{address}\t{}\n", names.join(" ")));
        }
    }
    Some(text)
}

/// `chrony.conf(5)`: the servers, and a clock that is set at the start if it is far off.
pub(super) fn chrony(servers: &BTreeMap<String, NtpServer>) -> Option<String> {
    if servers.is_empty() {
        return None;
    }
    let mut text = heading("system ntp");
    for (host, server) in servers {
        text.push_str(&format!("{} {host} iburst", if server.pool { "pool" } else { "server" }));
        for (set, word) in [(server.prefer, " prefer"), (server.noselect, " noselect")] {
            text.push_str(if set { word } else { "" });
        }
        text.push('\n');
    }
    text.push_str("driftfile /var/lib/chrony/chrony.drift\nmakestep 1.0 3\nrtcsync\n");
    Some(text)
}
