//! Rules of `system …` and `service …`.
//!
//! Never knows which accounts the machine has besides those of the configuration.

use super::{ConfigError, ConfigWarning, Context, path};
use crate::model::Model;
use crate::model::system::{Level, Login, System};

/// Settings of the kernel that have a word of their own, and the word.
const OWN_WORDS: &[(&str, &str)] = &[
    ("net.ipv4.ip_forward", "system ip disable-forwarding"),
    ("net.ipv4.conf.all.forwarding", "system ip disable-forwarding"),
    ("net.ipv4.neigh.default.gc_thresh1", "system ip arp table-size"),
    ("net.ipv4.neigh.default.gc_thresh2", "system ip arp table-size"),
    ("net.ipv4.neigh.default.gc_thresh3", "system ip arp table-size"),
    ("net.ipv6.conf.all.forwarding", "system ipv6 disable-forwarding"),
    ("net.ipv6.conf.all.accept_dad", "system ipv6 strict-dad"),
    ("net.ipv6.neigh.default.gc_thresh1", "system ipv6 neighbor table-size"),
    ("net.ipv6.neigh.default.gc_thresh2", "system ipv6 neighbor table-size"),
    ("net.ipv6.neigh.default.gc_thresh3", "system ipv6 neighbor table-size"),
];

pub(super) fn check(model: &Model, context: &Context, errors: &mut Vec<ConfigError>) {
    login(&model.system.login, context, errors);
    names_and_settings(&model.system, errors);
}

/// Whether somebody may log in who can configure the router.
#[must_use]
pub fn has_admin(login: &Login) -> bool {
    login.users.values().any(|user| user.level == Level::Admin && user.can_log_in())
}

fn login(login: &Login, context: &Context, errors: &mut Vec<ConfigError>) {
    for (name, user) in &login.users {
        if name == "root" {
            errors.push(ConfigError {
                path: path(&[&"system", &"login", &"user", name]),
                message: "User root is left to the system; choose another name".to_owned(),
            });
        }
        for (id, key) in &user.keys {
            let missing = match (&key.key, &key.kind) {
                (None, _) => "key",
                (_, None) => "type",
                (Some(_), Some(_)) => continue,
            };
            errors.push(ConfigError {
                path: path(&[&"system", &"login", &"user", name, &"authentication", &"public-keys", id]),
                message: format!("must set {missing}; a public key is a type and a key"),
            });
        }
    }
    if context.has_admin && !has_admin(login) {
        let what = if login.users.is_empty() { "All users deleted! " } else { "" };
        errors.push(ConfigError {
            path: path(&[&"system", &"login"]),
            message: format!(
                "{what}At least one user of level admin with a password or a public key must stay, \
                 so that nobody is locked out"
            ),
        });
    }
}

fn names_and_settings(system: &System, errors: &mut Vec<ConfigError>) {
    for (name, _) in system.static_hosts.iter().filter(|(_, host)| host.address.is_none()) {
        errors.push(ConfigError {
            path: path(&[&"system", &"static-host-mapping", &"host-name", name]),
            message: "must set inet, the address of the host".to_owned(),
        });
    }
    for (name, value) in &system.sysctl {
        let own = OWN_WORDS.iter().find(|(setting, _)| setting == name);
        let message = match (own, value) {
            (Some((_, word)), _) => format!("{name} has a word of its own; use '{word}'"),
            (None, None) => "must set value".to_owned(),
            (None, Some(_)) => continue,
        };
        errors.push(ConfigError { path: path(&[&"system", &"sysctl", &"parameter", name]), message });
    }
}

/// More servers than a resolver asks (`resolv.conf(5)`).
const SERVERS_ASKED: usize = 3;

pub(super) fn warnings(model: &Model) -> Vec<ConfigWarning> {
    let mut warnings = Vec::new();
    let mut warn = |words: &[&dyn std::fmt::Display], message: &str| {
        warnings.push(ConfigWarning { path: path(words), message: message.to_owned() });
    };
    let keys_only = model.service.ssh.as_ref().is_some_and(|ssh| ssh.disable_password_authentication);
    let users = &model.system.login.users;
    if keys_only && !users.is_empty() && users.values().all(|user| user.keys.is_empty()) {
        warn(
            &[&"service", &"ssh", &"disable-password-authentication"],
            "service ssh accepts keys only, and no user of the configuration has one; \
             add one with 'set system login user NAME authentication public-keys'",
        );
    }
    if model.system.name_servers.len() > SERVERS_ASKED {
        warn(&[&"system", &"name-server"], "only the first three servers that are written to resolv.conf are asked");
    }
    warnings
}
