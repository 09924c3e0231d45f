//! What is balanced: services that BGP teaches and such that persons name, their backends, and how each of them fares.
//!
//! Never touches a map of the kernel: the wish is a value, and what becomes of it an event.

pub(crate) mod checks;
pub(crate) mod members;
mod problems;
mod room;
pub(crate) mod services;
mod ways;
mod wished;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bpf_tables::wish::Wish;
use config::model::Model;
use nouns::Prefix;
use rib::bgp_table::Path;

use self::checks::Checks;
use self::services::{Flaps, Hop, Service};
pub(crate) use self::wished::destinations;
use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::Moment;
use crate::peers::groups::Offer;

/// A service: one that a person named, or a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// By its name.
    Named(Arc<str>),
    /// By its destination.
    Learned(Prefix),
}

/// What the engine knows of the balancer.
#[derive(Debug, Default)]
pub(crate) struct Balancer {
    /// What the rim was told last.
    given: Option<Wish>,
    /// Why what is wished does not stand in the kernel.
    fault: Option<String>,
    /// Something that the wish rests on has changed.
    look_again: bool,
    /// All services, also those that only have flows yet.
    services: BTreeMap<Key, Service>,
    /// Each list of backends once, for all services that have the same.
    hops: BTreeSet<Arc<[Hop]>>,
    /// Nodes that came and went.
    flaps: BTreeMap<IpAddr, Flaps>,
    /// When nodes came last, so that all services of a node begin together.
    joins: BTreeMap<IpAddr, Instant>,
    /// Neighbors whose sessions ended because nothing came any more.
    dead: BTreeSet<IpAddr>,
    checks: Checks,
    /// Prefixes that nobody shall hear of, because their services have nobody.
    withheld: BTreeSet<Prefix>,
    /// When time alone changes the wish.
    due: Option<Instant>,
}

impl Balancer {
    /// The wish has to be worked out once more.
    pub(crate) fn look_again(&mut self) {
        self.look_again |= !self.services.is_empty() || self.given.is_some();
    }

    /// When time changes the wish.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// What time has changed is looked at.
    pub(crate) fn wake(&mut self, now: Instant) {
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            self.look_again = true;
        }
    }

    /// Whether others shall not hear of a prefix.
    pub(crate) fn withholds(&self, prefix: Prefix) -> bool {
        !self.withheld.is_empty() && self.withheld.contains(&prefix)
    }

    /// What the rim was told last.
    pub(crate) fn given(&self) -> Option<&Wish> {
        self.given.as_ref()
    }

    /// Why what is wished does not stand in the kernel.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// All services.
    pub(crate) fn services(&self) -> impl Iterator<Item = (&Key, &Service)> {
        self.services.iter()
    }

    /// Who is asked, and what was heard.
    pub(crate) fn checks(&self) -> &Checks {
        &self.checks
    }

    /// A neighbor is there, or nothing comes from it any more.
    pub(crate) fn neighbor_lives(&mut self, address: IpAddr, lives: bool) {
        let changed = if lives { self.dead.remove(&address) } else { self.dead.insert(address) };
        if changed {
            self.look_again();
        }
    }
}

impl Engine {
    /// The configuration became another one.
    pub(crate) fn configure_balancer(&mut self, at: Moment, old: Option<&Model>) {
        if old.is_some_and(|old| old.balancer == self.running.model.balancer) {
            return;
        }
        self.learn_services(at);
        self.balancer.look_again = true;
    }

    /// Tells the rim what shall be balanced and who is asked, where that has changed. As long as an earlier life's
    /// routes are not back, what it balanced goes on.
    pub(crate) fn settle_balancer(&mut self, at: Moment, out: &mut Vec<Effect>) {
        if !self.balancer.look_again || self.recovery.is_keeping() {
            return;
        }
        self.balancer.look_again = false;
        if self.running.model.balancer.is_empty() && self.balancer.given.is_none() {
            return;
        }
        self.forget_those_who_left(at);
        let asked = self.wanted_checks();
        if let Some(wishes) = asked {
            out.push(Effect::Check(wishes));
        }
        let (wish, due, withheld) = self.wanted_balance(at);
        self.balancer.due = due;
        self.withhold(withheld);
        if self.balancer.given.as_ref() != Some(&wish) {
            self.balancer.given = Some(wish.clone());
            out.push(Effect::Balance(Box::new(wish)));
        }
    }

    /// The kernel took the wish, or did not.
    pub(crate) fn balanced(&mut self, at: Moment, result: Result<(), String>, out: &mut Vec<Effect>) {
        let fault = result.err();
        if self.balancer.fault != fault {
            let notice = match &fault {
                Some(why) => Notice::error(format!("the balancer does not do what it shall: {why}")),
                None => Notice::info("the balancer does what it shall again"),
            };
            self.notice(at, notice, out);
            self.balancer.fault = fault;
        }
    }

    /// Prefixes that others shall hear of, or shall not any more, are offered to them again.
    fn withhold(&mut self, withheld: BTreeSet<Prefix>) {
        let before = std::mem::replace(&mut self.balancer.withheld, withheld);
        let changed: Vec<Prefix> = before.symmetric_difference(&self.balancer.withheld).copied().collect();
        for prefix in changed {
            let best = self.best_path(prefix.family(), prefix).map(Path::peer);
            self.groups.offer_to_all(prefix.family(), prefix, Offer::of(best), true);
        }
    }
}
