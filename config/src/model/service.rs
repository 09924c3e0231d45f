//! `service …`: what the router offers over the network.
//!
//! Never asks whether the program is there.

use std::net::IpAddr;

use super::reader::Reader;

/// `service`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// `ssh`
    pub ssh: Option<Ssh>,
}

/// `service ssh`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ssh {
    /// `port`
    pub port: u16,
    /// `listen-address`
    pub listen_addresses: Vec<IpAddr>,
    /// `disable-password-authentication`
    pub disable_password_authentication: bool,
    /// `disable-host-validation`
    pub disable_host_validation: bool,
    /// `allow-root`
    pub allow_root: bool,
    /// `access-control allow`
    pub allow: Who,
    /// `access-control deny`
    pub deny: Who,
    /// `ciphers`
    pub ciphers: Vec<String>,
    /// `key-exchange`
    pub key_exchange: Vec<String>,
    /// `mac`
    pub macs: Vec<String>,
    /// `loglevel`
    pub log_level: String,
}

/// Users and groups of `access-control`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// `user`
    pub users: Vec<String>,
    /// `group`
    pub groups: Vec<String>,
}

pub(super) fn lower(service: &Reader<'_>) -> Service {
    let ssh = ssh(&service.at("ssh"));
    Service { ssh: service.is_set("ssh").then_some(ssh) }
}

fn ssh(ssh: &Reader<'_>) -> Ssh {
    let access = ssh.at("access-control");
    // There is no other version any more.
    let _ = ssh.leaf::<String>("protocol-version");
    Ssh {
        port: ssh.leaf_or_default("port"),
        listen_addresses: ssh.values("listen-address"),
        disable_password_authentication: ssh.flag("disable-password-authentication"),
        disable_host_validation: ssh.flag("disable-host-validation"),
        allow_root: ssh.flag("allow-root"),
        allow: who(&access.at("allow")),
        deny: who(&access.at("deny")),
        ciphers: ssh.values("ciphers"),
        key_exchange: ssh.values("key-exchange"),
        macs: ssh.values("mac"),
        log_level: ssh.leaf_or_default("loglevel"),
    }
}

fn who(access: &Reader<'_>) -> Who {
    Who { users: access.values("user"), groups: access.values("group") }
}
