//! `show bfd peers`: which sessions there are and who wants them; how they are, the rim knows. And what probes tell.
//!
//! Never counts a packet.

use std::collections::BTreeSet;
use std::net::IpAddr;

use api::ApiError;
use api::view::bfd::{BfdPeer, BfdPeers, NeighborBfd, NeighborLiveness};
use bfd::Hops;
use bfd::liveness::Health;
use config::model::bgp::{Liveness, Probe};

use super::seconds;
use crate::engine::Engine;
use crate::event::Moment;
use crate::paths::Place;
use crate::peers::Peer;

pub(crate) fn peers(engine: &Engine, brief: bool, only: Option<IpAddr>) -> Result<BfdPeers, ApiError> {
    let configured = engine.running.model.bfd.peers.keys().copied();
    let neighbors = engine.peers.iter().filter(|peer| peer.settings.bfd.is_some()).map(|peer| engine.place_of(peer));
    let mut all: BTreeSet<Place> = neighbors.collect();
    for address in configured {
        let known: Vec<Place> = engine.paths.sessions_with(address).map(|(place, _)| place).collect();
        all.extend(if known.is_empty() { vec![(address, None)] } else { known });
    }
    if let Some(unknown) = only.filter(|only| !all.iter().any(|(address, _)| address == only)) {
        return Err(ApiError::new("no-bfd-peer", format!("there is no BFD session with {unknown}"))
            .hint("'show bfd peers brief' lists the sessions"));
    }
    let chosen = all.into_iter().filter(|(address, _)| only.is_none_or(|only| only == *address));
    Ok(BfdPeers { brief, peers: chosen.map(|place| one(engine, place)).collect() })
}

fn one(engine: &Engine, place: Place) -> BfdPeer {
    let (address, _) = place;
    let key = engine.paths.session(place).map(|known| &known.key);
    let configured = engine.running.model.bfd.peers.get(&address);
    let by_bgp = engine.peers.iter().any(|peer| peer.settings.bfd.is_some() && engine.place_of(peer) == place);
    let clients = [("bgp", by_bgp), ("configuration", configured.is_some())];
    BfdPeer {
        peer: address,
        multihop: key.map_or_else(|| configured.is_some_and(|own| own.multihop), |key| key.hops == Hops::Multi),
        local: key.and_then(|key| key.local),
        interface: match key {
            Some(key) => key.link.as_ref().map(|link| link.name.clone()),
            None => configured.and_then(|own| own.source_interface.clone()),
        },
        clients: clients.iter().filter(|(_, wants)| *wants).map(|(name, _)| (*name).to_owned()).collect(),
        session: None,
    }
}

/// What a neighbor's own page says of it.
pub(super) fn of_neighbor(engine: &Engine, at: Moment, peer: &Peer) -> Option<NeighborBfd> {
    peer.settings.bfd.as_ref()?;
    let known = engine.paths.session(engine.place_of(peer));
    Some(NeighborBfd {
        multihop: known.is_some_and(|known| known.key.hops == Hops::Multi),
        status: known.map_or_else(|| "down".to_owned(), |known| known.state.to_string()),
        diagnostic: known.map(|known| known.diagnostic.to_string()).unwrap_or_default(),
        since: known.and_then(|known| known.since).map(|since| seconds(since.instant, at.instant)),
    })
}

/// Whether it answers, where it is asked.
pub(super) fn liveness_of(engine: &Engine, at: Moment, peer: &Peer) -> Option<NeighborLiveness> {
    let Liveness { probe, interval, multiplier } = peer.settings.liveness?;
    let (health, since) = engine.asked.health(peer.id).unzip();
    let (probe, port) = match probe {
        Probe::Arp => ("arp", None),
        Probe::Icmp => ("icmp", None),
        Probe::Tcp(port) => ("tcp", Some(port)),
    };
    Some(NeighborLiveness {
        probe: probe.to_owned(),
        port,
        interval,
        multiplier,
        status: health.unwrap_or(Health::Unknown).to_string(),
        since: since.map(|since| seconds(since.instant, at.instant)),
    })
}
