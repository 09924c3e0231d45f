//! Which services are asked on which nodes, under which marks, and what was heard.
//!
//! Never asks anybody: the rim does, and the mark leads its packets to the node.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

use bfd::check::{Health, Question, Verdict, Wish, Wishes};
use bpf_common::layout::MARKS;
use config::model::balancer::{self as model, Check, HttpMethod, Ports};

use super::services::{Hop, Id};
use super::{Balancer, Key};
use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::Moment;

/// The first mark; below it are those that persons use for their own rules.
const FIRST_MARK: u32 = 0x5450_0000;
/// Verdicts of one moment that are told one by one.
const TOLD: usize = 8;
/// Statuses of HTTP that are well where nobody names one.
const WELL: (u16, u16) = (200, 399);

/// Who is asked, and what was heard.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    marks: BTreeMap<(Key, Id), u32>,
    owners: BTreeMap<u32, (Key, Id)>,
    heard: BTreeMap<u32, Heard>,
    /// What the rim was told last.
    given: Wishes,
    /// How many could not be asked, because there are no more marks.
    unasked: usize,
}

/// What was heard of a service on a node.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// How it is.
    pub(crate) verdict: Verdict,
    since: Moment,
    /// It was unwell before.
    recovered: bool,
}

impl Checks {
    /// The mark that a service is asked under on a node.
    pub(crate) fn mark(&self, key: &Key, hop: &Hop) -> Option<u32> {
        self.marks.get(&(key.clone(), hop.id())).copied()
    }

    /// How it is there.
    pub(crate) fn health(&self, mark: u32) -> Health {
        self.heard.get(&mark).map_or(Health::Unknown, |heard| heard.verdict.health)
    }

    /// What was heard last.
    pub(crate) fn heard(&self, mark: u32) -> Option<&Heard> {
        self.heard.get(&mark)
    }

    /// How many could not be asked.
    pub(crate) fn unasked(&self) -> usize {
        self.unasked
    }

    /// Since when it is well again, where it was unwell before.
    pub(crate) fn recovered(&self, mark: u32) -> Option<Instant> {
        self.heard.get(&mark).filter(|heard| heard.recovered).map(|heard| heard.since.instant)
    }

    /// Marks for these and no others; who has one keeps it.
    fn assign(&mut self, wanted: &BTreeSet<(Key, Id)>) {
        let gone: Vec<u32> =
            self.marks.iter().filter(|(owner, _)| !wanted.contains(*owner)).map(|(_, mark)| *mark).collect();
        for mark in gone {
            self.heard.remove(&mark);
            if let Some(owner) = self.owners.remove(&mark) {
                self.marks.remove(&owner);
            }
        }
        let count = u32::try_from(MARKS).unwrap_or(u32::MAX);
        let mut free = (FIRST_MARK..FIRST_MARK.saturating_add(count)).filter(|mark| !self.owners.contains_key(mark));
        let new = wanted.iter().filter(|owner| !self.marks.contains_key(*owner));
        let new: Vec<((Key, Id), u32)> = new.zip(&mut free).map(|(owner, mark)| (owner.clone(), mark)).collect();
        for (owner, mark) in new {
            self.owners.insert(mark, owner.clone());
            self.marks.insert(owner, mark);
        }
        self.unasked = wanted.len().saturating_sub(self.marks.len());
    }
}

impl Engine {
    /// Who is to be asked what, where that has changed.
    pub(super) fn wanted_checks(&mut self) -> Option<Wishes> {
        let model = std::sync::Arc::clone(&self.running.model.balancer);
        let mut wanted: BTreeMap<(Key, Id), Wish> = BTreeMap::new();
        for (key, service) in &self.balancer.services {
            let rules = Balancer::named_rules(&model, key, service);
            let Some((rules, check)) = rules.and_then(|rules| Some((rules, rules.manner.check.as_ref()?))) else {
                continue;
            };
            let Some(wish) = question(&model, key, check) else { continue };
            let disabled =
                |hop: &&Hop| rules.backends.get(&hop.address).is_some_and(|backend: &model::Backend| backend.disable);
            for hop in service.hops.iter().filter(|hop| !disabled(hop)) {
                wanted.insert((key.clone(), hop.id()), wish.clone());
            }
        }
        self.balancer.checks.assign(&wanted.keys().cloned().collect());
        let marks = &self.balancer.checks.marks;
        let wishes: Wishes = wanted.into_iter().filter_map(|(owner, wish)| Some((*marks.get(&owner)?, wish))).collect();
        if wishes == self.balancer.checks.given {
            return None;
        }
        self.balancer.checks.given.clone_from(&wishes);
        Some(wishes)
    }

    /// Services on nodes are well, or not any more.
    pub(crate) fn checked(&mut self, at: Moment, verdicts: Vec<(u32, Verdict)>, out: &mut Vec<Effect>) {
        let mut told: usize = 0;
        for (mark, verdict) in verdicts {
            let Some((key, id)) = self.balancer.checks.owners.get(&mark).cloned() else { continue };
            let node = id.0;
            let was = self.balancer.checks.health(mark);
            let recovered = was == Health::Unwell && verdict.health == Health::Well;
            if was != Health::Unwell && verdict.health == Health::Unwell {
                self.balancer.note_flap(node, at.instant);
            }
            told = told.saturating_add(1);
            if told <= TOLD {
                let notice = sentence(&Self::service_name(&key), node, &verdict);
                self.notice(at, notice, out);
            }
            self.balancer.checks.heard.insert(mark, Heard { verdict, since: at, recovered });
            self.balancer.look_again();
        }
        if let Some(more) = told.checked_sub(TOLD).filter(|more| *more > 0) {
            self.notice(at, Notice::info(format!("{more} more checks of services came to another verdict")), out);
        }
    }
}

fn sentence(service: &str, node: IpAddr, verdict: &Verdict) -> Notice {
    match &verdict.why {
        Some(why) => Notice::warning(format!("service {service} on {node} is {}: {why}", verdict.health)),
        None => Notice::info(format!("service {service} on {node} is {}", verdict.health)),
    }
}

/// What a service is asked; none where it has no single address or port that could be asked.
fn question(model: &model::Balancer, key: &Key, check: &Check) -> Option<Wish> {
    let (address, own) = match key {
        Key::Learned(prefix) => (prefix.is_host().then(|| prefix.address())?, None),
        Key::Named(name) => {
            let service = model.services.get(&**name)?;
            let port = if let Ports::One { port, .. } = service.ports { Some(port) } else { None };
            (service.address, port)
        }
    };
    let port = check.port.or(own);
    let question = match &check.question {
        model::Question::Tcp => Question::Tcp { port: port? },
        model::Question::Icmp => Question::Icmp,
        model::Question::Udp { send, expect } => {
            Question::Udp { port: port?, send: send.clone(), expect: expect.clone() }
        }
        model::Question::Http(http) => Question::Http {
            port: port?,
            method: if http.method == HttpMethod::Head { "HEAD" } else { "GET" },
            path: http.path.clone(),
            host: http.host.clone().unwrap_or_else(|| host(address)),
            status: http.status.map_or(WELL, |status| (status, status)),
        },
    };
    let Check { interval, timeout, rise, fall, .. } = *check;
    Some(Wish { address, question, interval, timeout, rise, fall })
}

/// An address as a request names it (RFC 3986 §3.2.2).
fn host(address: IpAddr) -> String {
    if address.is_ipv6() { format!("[{address}]") } else { address.to_string() }
}
