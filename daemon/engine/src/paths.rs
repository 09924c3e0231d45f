//! Which paths are watched, and what follows when one of them dies: the kernel loses the legs, the session its routes.
//!
//! Never sends a packet and never times one: the rim does, on a thread that nothing here can hold up.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU8;

use bfd::{Change, Diagnostic, Hops, Key, Link, Method, Secret, Settings, State};
use bgp::session::{Input, StateName, StopReason};
use config::model::bfd::{BfdMethod, BfdSecret};
use config::model::bgp::{PeerSettings, UpdateSource};
use nouns::Family;
use rib::bgp_table::PeerId;
use rib::world_view::is_link_local;

use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::Moment;
use crate::peers::{Peer, settings};

/// The sessions that shall be.
pub type Watched = BTreeMap<Key, Settings>;

/// Who is at the other end: an address, and its link where it means something on a link only.
pub(crate) type Place = (IpAddr, Option<u32>);

fn place(key: &Key) -> Place {
    (key.peer, key.link.as_ref().filter(|_| is_link_local(key.peer)).map(|link| link.index))
}

/// What the engine knows of the paths that are watched.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// What the rim was told last.
    given: Watched,
    /// The session with each peer, and how it is.
    sessions: BTreeMap<Place, Known>,
    /// Something that the wish rests on has changed.
    look_again: bool,
}

/// A session, as far as it is known.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) key: Key,
    /// Chosen by a person or by where the peer was when the session was made.
    pub(crate) state: State,
    pub(crate) diagnostic: Diagnostic,
    /// Since when; `None` until the first change.
    pub(crate) since: Option<Moment>,
}

impl Paths {
    /// The wish has to be worked out once more.
    pub(crate) fn look_again(&mut self) {
        self.look_again = true;
    }

    /// The session with a peer.
    pub(crate) fn session(&self, peer: Place) -> Option<&Known> {
        self.sessions.get(&peer)
    }

    /// The sessions with an address: one, but for addresses of links.
    pub(crate) fn sessions_with(&self, address: IpAddr) -> impl Iterator<Item = (Place, &Known)> {
        let from = (address, None);
        self.sessions.range(from..=(address, Some(u32::MAX))).map(|(place, known)| (*place, known))
    }
}

impl Engine {
    /// Tells the rim which sessions shall be and who shall be asked, where that has changed.
    pub(crate) fn settle_paths(&mut self, out: &mut Vec<Effect>) {
        if !std::mem::take(&mut self.paths.look_again) {
            return;
        }
        self.settle_liveness(out);
        let wanted = self.wanted_sessions();
        if wanted == self.paths.given {
            return;
        }
        let keys: BTreeMap<Place, Key> = wanted.keys().map(|key| (place(key), key.clone())).collect();
        self.paths.sessions.retain(|peer, known| keys.get(peer) == Some(&known.key));
        for (peer, key) in keys {
            self.paths.sessions.entry(peer).or_insert_with(|| Known {
                key,
                state: State::Down,
                diagnostic: Diagnostic::NONE,
                since: None,
            });
        }
        self.paths.given.clone_from(&wanted);
        out.push(Effect::WatchPaths(wanted));
    }

    /// Sessions changed their state.
    pub(crate) fn paths_changed(&mut self, at: Moment, changes: Vec<(Key, Change)>, out: &mut Vec<Effect>) {
        for (key, change) in changes {
            let Some(known) = self.paths.sessions.get_mut(&place(&key)).filter(|known| known.key == key) else {
                continue;
            };
            (known.state, known.diagnostic, known.since) = (change.to, change.diagnostic, Some(at));
            self.balancer.look_again();
            let peer = key.peer;
            if change.is_failure() {
                self.path_failed(at, &key, &change, out);
            }
            match (change.from, change.to) {
                (_, State::Up) => self.notice(at, Notice::info(format!("BFD session with {peer} Up")), out),
                (State::Up, to) => {
                    let told = change.told.filter(|_| change.diagnostic == Diagnostic::NEIGHBOR_DOWN);
                    let told = told.map(|told| format!(" ({}, {})", told.state, told.diagnostic)).unwrap_or_default();
                    let text = format!("BFD session with {peer} {to}: {}{told}", change.diagnostic);
                    self.notice(at, Notice::warning(text), out);
                }
                _ => {}
            }
        }
    }

    /// BFD says that a path is dead (RFC 5882 §4.3, RFC 9384).
    fn path_failed(&mut self, at: Moment, key: &Key, change: &Change, out: &mut Vec<Effect>) {
        let (address, failed) = (key.peer, place(key));
        let rests = |peer: &&Peer| peer.settings.bfd.is_some() && self.place_of(peer) == failed;
        let Some(peer) = self.peers.iter().filter(|peer| peer.address == address).find(rests) else { return };
        let Some(bfd) = &peer.settings.bfd else { return };
        // A BFD that shares the fate of its control plane says nothing of forwarding.
        let shares_fate = change.told.is_some_and(|told| !told.control_plane_independent);
        let restarts = !peer.stale_until.is_empty()
            || peer
                .session
                .negotiated()
                .is_some_and(|up| up.graceful_restart.as_ref().is_some_and(|it| it.restart_time > 0));
        let id = peer.id;
        if bfd.check_control_plane_failure && shares_fate && restarts {
            let text =
                format!("neighbor {address}: BFD down may be its control plane's alone; graceful restart goes on");
            return self.notice(at, Notice::info(text), out);
        }
        self.peer_lost(at, id, format!("BFD down ({})", change.diagnostic), out);
    }

    /// The path to a peer is dead: its session ends, and what was kept of it, whatever graceful restart would keep.
    pub(crate) fn peer_lost(&mut self, at: Moment, id: PeerId, why: String, out: &mut Vec<Effect>) {
        let Some(peer) = self.peers.get(id) else { return };
        let address = peer.address;
        self.balancer.neighbor_lives(address, false);
        let Some(peer) = self.peers.get(id) else { return };
        if peer.session.state() == StateName::Established {
            return self.drive(at, id, Input::Reset(StopReason::PathDown(why)), out);
        }
        if !peer.stale_until.is_empty() {
            let link = self.link_of(peer);
            self.repair_at_once((address, link), out);
            for family in Family::ALL {
                self.drop_stale(id, family);
            }
            let text = format!("neighbor {address}: {why}; its stale routes are dropped");
            self.notice(at, Notice::info(text), out);
            self.let_go(at, id, out);
        }
    }

    /// The sessions of peers that are configured, and of neighbors that want one.
    fn wanted_sessions(&self) -> Watched {
        let bfd = &self.running.model.bfd;
        let alone =
            bfd.peers.keys().filter(|address| self.peers.at(**address).is_none_or(|peer| peer.settings.bfd.is_none()));
        let alone = alone.filter_map(|address| self.wanted_session(*address, None));
        let wants =
            |peer: &&Peer| peer.settings.bfd.is_some() && !peer.settings.shutdown && !peer.address.is_unspecified();
        let neighbors = self.peers.iter().filter(wants);
        neighbors.filter_map(|peer| self.wanted_session(peer.address, Some(peer))).chain(alone).collect()
    }

    fn wanted_session(&self, address: IpAddr, peer: Option<&Peer>) -> Option<(Key, Settings)> {
        let bfd = &self.running.model.bfd;
        let own = bfd.peers.get(&address);
        let profile = peer.and_then(|peer| peer.settings.bfd.as_ref()?.profile.as_deref());
        let settings = bfd.settings(address, profile);
        let hops = if own.is_some_and(|own| own.multihop) || peer.is_some_and(|peer| self.is_far(peer)) {
            Hops::Multi
        } else {
            Hops::Single
        };
        let source = own.and_then(|own| own.source_address).or_else(|| peer.and_then(|peer| source(&peer.settings)));
        let named = own.and_then(|own| own.source_interface.as_ref());
        let link = match named {
            // Without its link there is no path to watch.
            Some(name) => Some(self.world.link_by_name(name.as_str())?),
            None if is_link_local(address) => {
                let link = peer.and_then(|peer| self.link_of(peer)).or_else(|| self.scope_of(address));
                Some(self.world.link(link?)?)
            }
            None => None,
        };
        let link = link.map(|link| Link { index: link.index, name: link.name.clone() });
        let settings = Settings {
            transmit: settings.transmit,
            receive: settings.receive,
            multiplier: NonZeroU8::new(settings.multiplier)?,
            passive: settings.passive,
            shutdown: settings.shutdown,
            minimum_ttl: settings.minimum_ttl,
            secret: own.and_then(|own| own.secrets.first()).map(secret),
        };
        Some((Key { peer: address, local: source, link, hops }, settings))
    }

    /// Where a neighbor's session is.
    pub(crate) fn place_of(&self, peer: &Peer) -> Place {
        let link = || self.link_of(peer).or_else(|| self.scope_of(peer.address));
        (peer.address, if is_link_local(peer.address) { link() } else { None })
    }

    /// Whether a neighbor is behind other routers. Where only the addresses tell, a session that exists stays what it
    /// is: a network that is gone does not move the neighbor.
    fn is_far(&self, peer: &Peer) -> bool {
        let internal = self.running.model.bgp.as_deref().is_some_and(|bgp| settings::is_internal(bgp, &peer.settings));
        match peer.settings.ebgp_multihop {
            Some(hops) => hops > 1,
            None if !internal || is_link_local(peer.address) => false,
            None => match self.paths.session(self.place_of(peer)) {
                Some(known) => known.key.hops == Hops::Multi,
                None => self.world.network_towards(peer.address).is_none(),
            },
        }
    }
}

/// The address that a neighbor's session starts from, where one is configured.
fn source(settings: &PeerSettings) -> Option<IpAddr> {
    match settings.update_source {
        Some(UpdateSource::Address(source)) => Some(source),
        Some(UpdateSource::Interface(_)) | None => None,
    }
}

/// What a peer's packets prove.
fn secret(of: &BfdSecret) -> Secret {
    let method = match of.method {
        BfdMethod::SimplePassword => Method::SimplePassword,
        BfdMethod::KeyedMd5 => Method::KeyedMd5,
        BfdMethod::MeticulousKeyedMd5 => Method::MeticulousKeyedMd5,
        BfdMethod::KeyedSha1 => Method::KeyedSha1,
        BfdMethod::MeticulousKeyedSha1 => Method::MeticulousKeyedSha1,
    };
    Secret { method, key: of.key, word: of.word.clone() }
}
