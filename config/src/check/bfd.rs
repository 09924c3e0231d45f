//! Rules of `protocols bfd …`, and of neighbors that are watched.
//!
//! Settings of neighbors are the effective ones, so a rule that a group breaks is told at each member.

use std::fmt::Display;
use std::net::IpAddr;

use super::{ConfigError, Own, is_link_local, path};
use crate::model::Model;
use crate::model::bfd::{Bfd, BfdPeer, unknown_profile};
use crate::model::bgp::{PeerSettings, Probe};

pub(super) fn check(model: &Model, own: Own<'_>, errors: &mut Vec<ConfigError>) {
    for (address, peer) in &model.bfd.peers {
        errors.extend(
            of_peer(*address, peer, own)
                .into_iter()
                .map(|message| ConfigError { path: path(&[&"protocols", &"bfd", &"peer", address]), message }),
        );
    }
    let Some(bgp) = &model.bgp else { return };
    let neighbors = bgp
        .neighbors
        .iter()
        .map(|(address, neighbor)| (vec![&"neighbor" as &dyn Display, address as &dyn Display], &neighbor.settings));
    let ranges = bgp.listen_ranges.iter().map(|(range, listen)| {
        (vec![&"listen" as &dyn Display, &"range" as &dyn Display, range as &dyn Display], &listen.settings)
    });
    for (place, settings) in neighbors.chain(ranges) {
        errors.extend(of_neighbor(settings, &model.bfd).into_iter().map(|message| ConfigError {
            path: path(&[&"protocols", &"bgp", &bgp.asn]).into_iter().chain(path(&place)).collect(),
            message,
        }));
    }
}

fn of_peer(address: IpAddr, peer: &BfdPeer, own: Own<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    if own.has(address) {
        reasons.push(format!("{address} is an address of this router; set the other side's"));
    }
    match peer.source_address {
        Some(source) if source.is_ipv4() != address.is_ipv4() => reasons.push(format!(
            "source address {source} is not of the peer's address family; set an address of the same family"
        )),
        Some(source) if !own.may_be_source(source) => reasons.push(format!(
            "source address {source} is not an address of this router; set one that 'show interfaces' lists"
        )),
        _ => {}
    }
    if peer.multihop && peer.source_interface.is_some() {
        reasons.push(
            "a peer behind other routers has no source interface; delete source interface or multihop".to_owned(),
        );
    }
    if peer.multihop && is_link_local(address) {
        reasons.push(format!("{address} is on a link and cannot be behind other routers; delete multihop"));
    }
    for secret in peer.secrets.iter().filter(|secret| secret.word.len() > secret.method.longest()) {
        let (word, longest) = (secret.method.word(), secret.method.longest());
        reasons.push(format!("a {word} of BFD has at most {longest} octets; set a shorter one"));
    }
    if let [one, other, ..] = peer.secrets.as_slice() {
        let (one, other) = (one.method.word(), other.method.word());
        reasons.push(format!("packets of BFD have one proof; delete authentication {one} or {other}"));
    }
    reasons
}

fn of_neighbor(settings: &PeerSettings, bfd: &Bfd) -> Vec<String> {
    let mut reasons = Vec::new();
    let profile = settings.bfd.as_ref().and_then(|bfd| bfd.profile.as_ref());
    reasons.extend(profile.filter(|name| !bfd.profiles.contains_key(*name)).map(|name| unknown_profile(name)));
    let far = settings.ebgp_multihop.is_some_and(|hops| hops > 1);
    if far && settings.liveness.is_some_and(|liveness| liveness.probe == Probe::Arp) {
        let reason =
            "liveness arp asks on a link, but ebgp-multihop puts the neighbor behind routers; set liveness icmp";
        reasons.push(reason.to_owned());
    }
    reasons
}
