//! Who is asked whether it lives (`liveness` of neighbors), and what follows when it does not answer any more: as much
//! as when BFD goes down.
//!
//! Never asks anybody: the rim does, on the thread that watches paths.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use bfd::liveness::{Asker, Health, Pace, Question, Target, Wish, Wishes};
use config::model::bgp::{Liveness, Probe};
use rib::bgp_table::PeerId;
use rib::world_view::is_link_local;

use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::Moment;
use crate::peers::Peer;

/// What the engine knows of those who are asked.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// What the rim was told last.
    given: Wishes,
    /// Which peers rest on an answer.
    peers: BTreeMap<PeerId, Target>,
    /// What was heard of whom, and since when.
    health: BTreeMap<Target, (Health, Moment)>,
}

impl Asked {
    /// What is known of a peer, and since when.
    pub(crate) fn health(&self, peer: PeerId) -> Option<(Health, Moment)> {
        self.health.get(self.peers.get(&peer)?).copied()
    }
}

impl Engine {
    /// Tells the rim whom to ask, where that has changed.
    pub(crate) fn settle_liveness(&mut self, out: &mut Vec<Effect>) {
        let wanted = self.peers.iter().filter_map(|peer| Some((peer.id, self.wanted_probe(peer)?)));
        let wanted: Vec<(PeerId, (Target, Wish))> = wanted.collect();
        self.asked.peers = wanted.iter().map(|(peer, (target, _))| (*peer, *target)).collect();
        let wishes: Wishes = wanted.into_iter().map(|(_, wish)| wish).collect();
        if wishes == self.asked.given {
            return;
        }
        self.asked.health.retain(|target, _| wishes.contains_key(target));
        self.asked.given.clone_from(&wishes);
        out.push(Effect::Probe(wishes));
    }

    /// Somebody answers, or does not any more.
    pub(crate) fn health_changed(&mut self, at: Moment, changes: Vec<(Target, Health)>, out: &mut Vec<Effect>) {
        for (target, health) in changes {
            let Some(wish) = self.asked.given.get(&target).copied() else { continue };
            self.asked.health.insert(target, (health, at));
            self.balancer.look_again();
            let (what, host) = (question(target.question), target.host);
            if health != Health::Dead {
                self.notice(at, Notice::info(format!("{host} answers {what}")), out);
                continue;
            }
            let (interval, many) = (wish.pace.interval.as_millis(), wish.pace.multiplier);
            let text = format!("{host} does not answer {what} any more: {many} lost in a row, {interval} ms each");
            self.notice(at, Notice::warning(text), out);
            let lost = self.asked.peers.iter().filter(|(_, rests)| **rests == target).map(|(peer, _)| *peer);
            for peer in lost.collect::<Vec<_>>() {
                self.peer_lost(at, peer, format!("no answer to {what}"), out);
            }
        }
    }

    fn wanted_probe(&self, peer: &Peer) -> Option<(Target, Wish)> {
        let Liveness { probe, interval, multiplier } = peer.settings.liveness?;
        if peer.settings.shutdown || peer.address.is_unspecified() {
            return None;
        }
        let pace = Pace { interval: Duration::from_millis(interval.into()), multiplier };
        let host = peer.address;
        let scope = || self.link_of(peer).or_else(|| self.scope_of(host));
        let question = match probe {
            Probe::Arp => return self.asked_on_link(host, scope(), pace),
            Probe::Icmp => Question::Echo,
            Probe::Tcp(port) => Question::Connection(port),
        };
        // Without its link there is nobody to ask.
        let link = if is_link_local(host) { Some(scope()?) } else { None };
        Some((Target { host, question, link }, Wish { pace, asker: None }))
    }

    /// A question about the hardware address, on the link of the host's network. When that network is gone the host is
    /// asked where it was.
    fn asked_on_link(&self, host: IpAddr, scope: Option<u32>, pace: Pace) -> Option<(Target, Wish)> {
        let question = Question::Hardware;
        let found = match scope {
            Some(link) => Some((link, self.world.link_local_of(link))),
            None => self.world.network_towards(host).map(|there| (there.ifindex, Some(there.address.address()))),
        };
        let found = found.and_then(|(link, address)| {
            let hardware = *self.world.link(link)?.mac.first_chunk::<6>()?;
            let asker = Asker { hardware, address: address? };
            Some((Target { host, question, link: Some(link) }, Wish { pace, asker: Some(asker) }))
        });
        let before = || self.asked.given.iter().find(|(target, _)| target.host == host && target.question == question);
        found.or_else(|| before().map(|(target, wish)| (*target, Wish { pace, ..*wish })))
    }
}

fn question(question: Question) -> String {
    match question {
        Question::Hardware => "ARP and ND".to_owned(),
        Question::Echo => "ICMP echo".to_owned(),
        Question::Connection(port) => format!("TCP port {port}"),
    }
}
