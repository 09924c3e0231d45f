//! Rules of `protocols bgp <asn> …`.
//!
//! Settings are the effective ones, so a rule that a group breaks is told at each member.

use std::fmt::Display;
use std::net::IpAddr;

use nouns::Family;

use super::{ConfigError, ConfigWarning, Own, path};
use crate::model::Bgp;
use crate::model::bgp::{Dampening, PathRules, PeerDampening, PeerSettings, UpdateSource};

pub(super) fn check(bgp: &Bgp, own: Own<'_>, errors: &mut Vec<ConfigError>) {
    seeing(bgp, errors);
    if bgp.confederation.as_ref().is_some_and(|all| all.members.contains(&bgp.asn)) {
        let message = format!("the router's own AS {} is a member anyway; delete it from the peers", bgp.asn);
        errors.push(ConfigError {
            path: path(&[&"protocols", &"bgp", &bgp.asn, &"parameters", &"confederation", &"peers", &bgp.asn]),
            message,
        });
    }
    errors.extend(bgp.dampening.and_then(dampening).into_iter().map(|message| ConfigError {
        path: path(&[&"protocols", &"bgp", &bgp.asn, &"parameters", &"dampening"]),
        message,
    }));
    for (address, neighbor) in &bgp.neighbors {
        let mut reasons = settings(&neighbor.settings, bgp);
        reasons.extend(addresses(*address, &neighbor.settings, own));
        errors.extend(reasons.into_iter().map(|message| ConfigError {
            path: path(&[&"protocols", &"bgp", &bgp.asn, &"neighbor", address]),
            message,
        }));
    }
    for (name, neighbor) in &bgp.interfaces {
        let mut reasons = settings(&neighbor.settings, bgp);
        if neighbor.settings.password.is_some() || neighbor.settings.key_chain.is_some() {
            reasons.push(format!(
                "can't set a password or a key-chain for a neighbor of an interface, whose address is not known before it is heard; delete it, or name the neighbor of {name} by an address"
            ));
        }
        errors.extend(
            reasons.into_iter().map(|message| ConfigError {
                path: path(&[&"protocols", &"bgp", &bgp.asn, &"neighbor", name]),
                message,
            }),
        );
    }
    for (prefix, range) in &bgp.listen_ranges {
        errors.extend(settings(&range.settings, bgp).into_iter().map(|message| ConfigError {
            path: path(&[&"protocols", &"bgp", &bgp.asn, &"listen", &"range", prefix]),
            message,
        }));
    }
}

/// Collectors have addresses, and files of dumps a place.
fn seeing(bgp: &Bgp, errors: &mut Vec<ConfigError>) {
    for (name, target) in &bgp.bmp {
        let place = path(&[&"protocols", &"bgp", &bgp.asn, &"bmp", &"target", name]);
        if target.address.is_none() {
            let message = "A collector needs an address; set address".to_owned();
            errors.push(ConfigError { path: place.clone(), message });
        }
        if target.min_retry > target.max_retry {
            let message = format!("min-retry {} is more than max-retry {}", target.min_retry, target.max_retry);
            errors.push(ConfigError { path: place, message });
        }
    }
    let dumps = [("table", &bgp.dumps.table), ("updates", &bgp.dumps.updates)];
    for (word, dump) in dumps.into_iter().filter_map(|(word, dump)| Some((word, dump.as_ref()?))) {
        if !dump.file.starts_with('/') {
            errors.push(ConfigError {
                path: path(&[&"protocols", &"bgp", &bgp.asn, &"dump", &word, &"file"]),
                message: format!("{} is no absolute path; begin it with /", dump.file),
            });
        }
    }
    if let (Some(table), Some(updates)) = (&bgp.dumps.table, &bgp.dumps.updates)
        && table.file == updates.file
    {
        errors.push(ConfigError {
            path: path(&[&"protocols", &"bgp", &bgp.asn, &"dump"]),
            message: format!("{} cannot hold both the table and the updates; name another file", table.file),
        });
    }
}

/// A route has to be able to come to rest, and to come back (RFC 2439 §4.2).
fn dampening(wish: Dampening) -> Option<String> {
    let Dampening { half_life, reuse, start_suppress, max_suppress } = wish;
    if reuse >= start_suppress {
        return Some(format!("re-use {reuse} must be less than start-suppress-time {start_suppress}"));
    }
    let ceiling = f64::from(reuse) * (f64::from(max_suppress) / f64::from(half_life)).exp2();
    (ceiling <= f64::from(start_suppress)).then(|| {
        format!(
            "no route would ever be suppressed: within max-suppress-time a penalty of {} at most decays to re-use, which \
             start-suppress-time {start_suppress} exceeds; set a longer max-suppress-time or a shorter half-life",
            ceiling.floor()
        )
    })
}

/// External peers exchange nothing without a policy (RFC 8212), which surprises whoever does not know.
pub(super) fn warnings(bgp: &Bgp) -> Vec<ConfigWarning> {
    let neighbors = bgp
        .neighbors
        .iter()
        .map(|(address, neighbor)| ("neighbor", address as &dyn Display, Family::of(*address), &neighbor.settings));
    let ranges = bgp
        .listen_ranges
        .iter()
        .map(|(prefix, range)| ("listen range", prefix as &dyn Display, prefix.family(), &range.settings));
    let interfaces = bgp
        .interfaces
        .iter()
        .map(|(name, neighbor)| ("neighbor", name as &dyn Display, Family::Ipv6Unicast, &neighbor.settings));
    let mut warnings = Vec::new();
    for (words, instance, family, settings) in neighbors.chain(interfaces).chain(ranges) {
        let is_external = bgp.is_external(settings.remote_as) && !settings.shutdown;
        if !bgp.ebgp_requires_policy || !is_external {
            continue;
        }
        warnings.extend(missing_policies(settings, family).into_iter().map(|missing| {
            ConfigWarning {
                path: path(&[&"protocols", &"bgp", &bgp.asn])
                    .into_iter()
                    .chain(words.split(' ').map(str::to_owned))
                    .chain([instance.to_string()])
                    .collect(),
                message: format!(
                    "{words} {instance}: {missing} (RFC 8212); \
                 allow it with 'set protocols bgp {} parameters ebgp-requires-policy disable'",
                    bgp.asn
                ),
            }
        }));
    }
    warnings
}

/// What an external peer does not exchange for want of a policy: nothing, or nothing of a family in a direction.
/// A family that nothing is said of counts only where it is the session's own.
fn missing_policies(settings: &PeerSettings, of_session: Family) -> Vec<String> {
    let policies = |family| settings.policies.of(family);
    let says_something = |family| {
        let policy = policies(family);
        !policy.import.is_empty() || !policy.export.is_empty() || policy.default_originate.is_some()
    };
    if !Family::ALL.into_iter().any(says_something) {
        return vec!["external peer without policy, nothing is exchanged".to_owned()];
    }
    let mut missing = Vec::new();
    for family in Family::ALL.into_iter().filter(|family| says_something(*family) || *family == of_session) {
        let policy = policies(family);
        if policy.import.is_empty() {
            missing.push(format!("external peer without import policy, nothing of {family} is accepted from it"));
        }
        if policy.export.is_empty() {
            let but = if policy.default_originate.is_some() { " but the default route" } else { "" };
            missing.push(format!("external peer without export policy, nothing of {family}{but} is announced to it"));
        }
    }
    missing
}

/// Rules that need the settings of one peer only.
fn settings(peer: &PeerSettings, bgp: &Bgp) -> Vec<String> {
    let router = bgp.asn;
    let mut reasons = Vec::new();
    let paths =
        |set: fn(&PathRules) -> bool| Family::ALL.into_iter().any(|family| set(&peer.policies.of(family).paths));
    if peer.ebgp_multihop.is_some() && peer.ttl_security_hops.is_some() {
        reasons.push("you can't set both ebgp-multihop and ttl-security hops; delete one of them".to_owned());
    }
    let external_only = |words: &[(&str, bool)], why: &str| -> Vec<String> {
        let set = words.iter().filter(|(_, set)| *set);
        set.map(|(word, _)| format!("can not set {word} and {why} at the same time; delete {word}")).collect()
    };
    let words = [
        ("local-as", peer.local_as.is_some()),
        ("local-role", peer.local_role.is_some()),
        ("dampening", matches!(peer.dampening, Some(PeerDampening::Own(_)))),
        ("as-override", paths(|paths| paths.as_override)),
        ("remove-private-as", paths(|paths| paths.remove_private.is_some())),
        ("route-server-client", paths(|paths| paths.route_server_client)),
        ("attribute-unchanged as-path", paths(|paths| paths.unchanged.as_path)),
        ("attribute-unchanged med", paths(|paths| paths.unchanged.med)),
    ];
    let hops = [("ebgp-multihop", peer.ebgp_multihop.is_some()), ("ttl-security", peer.ttl_security_hops.is_some())];
    if peer.remote_as.is_internal(router) {
        reasons.extend(external_only(&hops, "an iBGP remote-as"));
        reasons.extend(external_only(&words, "an iBGP remote-as"));
    } else {
        if bgp.is_member(peer.remote_as) {
            reasons.extend(external_only(&words, "a remote-as of the confederation"));
        }
        if peer.local_as.is_some_and(|local_as| local_as.asn == router) {
            reasons.push(format!("local-as can not be the router's own AS {router}; delete it or set another"));
        }
        if !peer.reflector_client.is_empty() {
            let why = "can not set route-reflector-client and an eBGP remote-as at the same time";
            reasons.push(format!("{why}; routes are reflected within AS {router} only, delete route-reflector-client"));
        }
    }
    if let Some(PeerDampening::Own(own)) = peer.dampening {
        reasons.extend(dampening(own).map(|reason| format!("dampening: {reason}")));
    }
    for flow in Family::ALL.map(|family| peer.flows.of(family)) {
        if flow.warning_only && flow.restart.is_some() {
            let why = "you can't set both maximum-prefix-warning-only and maximum-prefix-restart";
            reasons.push(format!("{why}; nothing is closed that could be tried again, delete one of them"));
        }
    }
    if peer.hold_time > 0 && peer.keepalive >= peer.hold_time {
        reasons.push(format!(
            "keepalive {} must be less than holdtime {}; a third of it is usual",
            peer.keepalive, peer.hold_time
        ));
    }
    reasons
}

/// Rules about where the session runs.
fn addresses(peer: IpAddr, settings: &PeerSettings, own: Own<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    if own.has(peer) {
        reasons.push(format!(
            "can't set neighbor address to local system IP: {peer} is an address of this router; set the other router's"
        ));
    }
    match &settings.update_source {
        Some(UpdateSource::Address(source)) if source.is_ipv4() != peer.is_ipv4() => reasons.push(format!(
            "update-source {source} is not of the neighbor's address family; set an address of the same family"
        )),
        Some(UpdateSource::Address(source)) if !own.may_be_source(*source) => reasons.push(format!(
            "update-source {source} is not an address of this router; set one that 'show interfaces' lists"
        )),
        _ => {}
    }
    reasons
}
