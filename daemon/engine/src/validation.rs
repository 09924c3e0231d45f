//! What the RPKI says of origins: which caches are asked, whose data counts, and which routes have to be looked at once
//! more when that becomes another.
//!
//! Only routes within prefixes of changed payloads are looked at, a piece at a time, and only where a policy asks for
//! the RPKI; for everybody else it is looked up when somebody asks. Never speaks with a cache.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bgp_wire::attribute::{AsPath, PathAttributes};
use config::model::Bgp;
use config::model::bgp::Role;
use nouns::{Asn, Family, PathValidity, Prefix, Validity};
use rib::bgp_table::{Path, PeerId};
use rpki::client::{Phase, Settings, Status, Synchronized};
use rpki::{Caches, Data, Hops};

use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::{CacheNews, Moment};
use crate::peers::Peer;
use crate::peers::groups::GroupId;

/// The least time between two walks for paths of customers whose providers changed: nothing tells where these paths are, so
/// that each walk looks at every route of those who ask.
const PATHS_EVERY: Duration = Duration::from_secs(30);
/// How many routes are looked at again before the sockets get their turn.
const PIECE: usize = if cfg!(test) { 500 } else { 20_000 };

/// Where a cache is, and what a person set of its timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheTarget {
    /// The cache.
    pub remote: SocketAddr,
    /// The timers.
    pub settings: Settings,
}

/// Which way routes of a peer come, and how their paths have to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    hops: Hops,
    /// The neighbor itself; `None` towards a route server, which may leave itself out.
    first: Option<Asn>,
}

impl Way {
    /// As our role in the session tells (RFC 9234); nobody knows it without one, and within the AS nobody asks.
    pub(crate) fn of(bgp: &Bgp, peer: &Peer) -> Option<Self> {
        let (remote_as, internal) = peer.known?;
        let role = peer.settings.local_role.filter(|_| !internal && !bgp.is_member(peer.settings.remote_as))?.role;
        Some(Self {
            hops: match role {
                Role::Customer => Hops::Downstream,
                Role::Peer | Role::Provider | Role::RouteServer | Role::RouteServerClient => Hops::Upstream,
            },
            first: (role != Role::RouteServerClient).then_some(remote_as),
        })
    }

    /// What the RPKI says of a path as it came.
    pub(crate) fn judge(self, data: &Data, path: &AsPath) -> PathValidity {
        let path = path.hops();
        let begins = |path: &[Asn]| self.first.is_none_or(|first| path.first() == Some(&first));
        data.aspas.verify(path.as_deref().filter(|path| begins(path)), self.hops)
    }
}

/// Prefixes of payloads that came or went, whose routes are not all looked at yet.
#[derive(Debug, Default)]
struct Walk {
    waiting: BTreeSet<Prefix>,
    /// The prefix whose routes are being looked at, and where that goes on.
    within: Option<(Prefix, Prefix)>,
}

impl Walk {
    /// Where to go on: within which prefix, and from where.
    fn next(&mut self) -> Option<(Prefix, Prefix)> {
        if self.within.is_none() {
            let first = self.waiting.pop_first()?;
            // What lies within it is looked at with it.
            while self.waiting.first().is_some_and(|next| first.covers(*next)) {
                self.waiting.pop_first();
            }
            self.within = Some((first, first));
        }
        self.within
    }

    fn is_empty(&self) -> bool {
        self.within.is_none() && self.waiting.is_empty()
    }
}

/// All that is known of the RPKI.
#[derive(Debug, Default)]
pub(crate) struct Validation {
    pub(crate) caches: Caches<IpAddr>,
    /// The caches that the rim was told to ask.
    asked: BTreeMap<IpAddr, CacheTarget>,
    /// When other data may count, although no cache says anything.
    due: Option<Instant>,
    walks: BTreeMap<Family, Walk>,
    /// When paths are looked at again, because providers of somebody changed.
    paths_due: Option<Instant>,
    /// When they were last.
    paths_walked: Option<Instant>,
}

impl Validation {
    /// Whether every route was looked at.
    pub(crate) fn is_settled(&self) -> bool {
        self.walks.values().all(Walk::is_empty)
    }

    /// When it wants to be called again.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due.into_iter().chain(self.paths_due).min()
    }

    /// What counts.
    pub(crate) fn data(&self) -> &Arc<Data> {
        self.caches.used()
    }

    /// Whether any cache is configured, so that people expect to be told what it says.
    pub(crate) fn is_configured(&self) -> bool {
        !self.asked.is_empty()
    }

    /// What is said of a route with these attributes, as they came.
    pub(crate) fn validity(&self, prefix: Prefix, received: &PathAttributes, own: Asn) -> Validity {
        self.data().vrps.validity(prefix, received.as_path.validated_origin(own))
    }
}

impl Engine {
    /// Asks the caches that the running model names, and no others. What one of them said stays while it is asked anew
    /// with other settings.
    pub(crate) fn configure_caches(&mut self, at: Moment, out: &mut Vec<Effect>) {
        let rpki = &self.running.model.rpki;
        let settings =
            Settings { refresh: rpki.polling_period, retry: rpki.retry_interval, expire: rpki.expire_interval };
        let target = |(address, cache): (&IpAddr, &config::model::rpki::Cache)| {
            (*address, CacheTarget { remote: SocketAddr::new(*address, cache.port), settings })
        };
        let wanted: BTreeMap<IpAddr, CacheTarget> = rpki.caches.iter().map(target).collect();
        for (address, cache) in &rpki.caches {
            self.validation.caches.set(*address, cache.preference);
        }
        for address in self.validation.asked.keys().filter(|address| !wanted.contains_key(address)) {
            self.validation.caches.remove(address);
            out.push(Effect::AskCache(*address, None));
        }
        for (address, target) in &wanted {
            if self.validation.asked.get(address) != Some(target) {
                out.push(Effect::AskCache(*address, Some(*target)));
            }
        }
        self.validation.asked = wanted;
        self.choose_data(at, None);
    }

    /// A cache said something, or is gone.
    pub(crate) fn cache_news(&mut self, at: Moment, address: IpAddr, news: CacheNews, out: &mut Vec<Effect>) {
        // Words of a task that was told to end meanwhile.
        if !self.validation.asked.contains_key(&address) {
            return;
        }
        match news {
            CacheNews::Synchronized(said) => {
                self.validation.caches.synchronized(&address, at.instant, &said);
                self.choose_data(at, Some(&said));
            }
            CacheNews::Flush => {
                self.validation.caches.flush(&address);
                self.choose_data(at, None);
            }
            CacheNews::Status(status) => {
                let before = self.validation.caches.get(&address).map(|cache| cache.status.clone());
                if let Some(text) = worth_telling(&before.unwrap_or_default(), &status) {
                    let text = format!("RPKI cache {address}: {text}");
                    let well = status.phase == Phase::Synchronized;
                    let notice = if well { Notice::info(text) } else { Notice::warning(text) };
                    self.notice(at, notice, out);
                }
                self.validation.caches.set_status(&address, status);
            }
        }
    }

    /// The moment may have come at which the data of one cache is too old.
    pub(crate) fn age_data(&mut self, at: Moment) {
        if self.validation.due.is_some_and(|due| due <= at.instant) {
            self.choose_data(at, None);
        }
        if self.validation.paths_due.take_if(|due| *due <= at.instant).is_some() {
            self.validation.paths_walked = Some(at.instant);
            self.review_paths();
        }
    }

    /// Looks at all routes of those who are judged by the RPKI's word of their paths, or of which others hear by it.
    fn review_paths(&mut self) {
        for family in Family::ALL {
            for id in self.peers.ids() {
                if self.judges_by_path_validity(id, family) {
                    self.reviews.judge(family, id);
                }
            }
            for id in self.groups.ids() {
                let group = self.groups.get(id).filter(|group| group.family == family);
                if group.is_some_and(|group| group.target.policy.looks_at_path_validity()) {
                    self.reviews.offer(family, id);
                }
            }
        }
    }

    fn choose_data(&mut self, at: Moment, known: Option<&Synchronized>) {
        let validation = &mut self.validation;
        let changed = validation.caches.choose(at.instant, known);
        validation.due = validation.caches.deadline(at.instant);
        if changed.is_empty() {
            return;
        }
        self.imports.retain(|_, judge| !judge.asks_the_rpki());
        if !changed.aspas.is_empty() {
            let spaced = validation.paths_walked.map_or(at.instant, |walked| walked + PATHS_EVERY);
            validation.paths_due.get_or_insert(spaced.max(at.instant));
        }
        for prefix in changed.prefixes {
            self.validation.walks.entry(prefix.family()).or_default().waiting.insert(prefix);
        }
    }

    /// What is said of a path; `None` where there is nobody who could say anything.
    pub(crate) fn validity_of(&self, path: &Path, prefix: Prefix) -> Option<Validity> {
        let own = self.running.model.bgp.as_deref().filter(|_| self.validation.is_configured())?.asn;
        Some(self.validation.validity(prefix, path.received(), own))
    }

    /// What is said of a path of a peer whose role is known.
    pub(crate) fn path_validity_of(&self, path: &Path) -> Option<PathValidity> {
        self.way_of(self.peers.get(path.peer())?).map(|way| way.judge(self.validation.data(), &path.received().as_path))
    }

    /// Which way routes of a peer come, where there is a cache that could say anything of them.
    pub(crate) fn way_of(&self, peer: &Peer) -> Option<Way> {
        Way::of(self.running.model.bgp.as_deref().filter(|_| self.validation.is_configured())?, peer)
    }

    /// Looks again at routes of which something else is said now, a piece at a time.
    pub(crate) fn settle_validation(&mut self) {
        let mut budget = PIECE;
        for family in Family::ALL {
            if self.validation.walks.get(&family).is_none_or(Walk::is_empty) {
                continue;
            }
            let (judge, offer) = self.who_asks_the_rpki(family);
            if judge.is_empty() && offer.is_empty() {
                self.validation.walks.remove(&family);
                continue;
            }
            while budget > 0
                && let Some((within, from)) = self.validation.walks.get_mut(&family).and_then(Walk::next)
            {
                let next = self.look_within(family, (within, from), (&judge, &offer), &mut budget);
                if let Some(walk) = self.validation.walks.get_mut(&family) {
                    walk.within = next.map(|next| (within, next));
                }
            }
        }
    }

    /// Looks at routes within a prefix; answers where that has to go on.
    fn look_within(
        &mut self,
        family: Family,
        (within, from): (Prefix, Prefix),
        (judge, offer): (&BTreeSet<PeerId>, &BTreeSet<GroupId>),
        budget: &mut usize,
    ) -> Option<Prefix> {
        // A search costs, too, where there is no route.
        *budget = budget.saturating_sub(1);
        let inside = self.tables.of(family).iter_from(Some(from)).take_while(|(prefix, _)| within.covers(*prefix));
        let (mut piece, mut next) = (Vec::new(), None);
        for (prefix, paths) in inside {
            if *budget == 0 {
                next = Some(prefix);
                break;
            }
            *budget = budget.saturating_sub(paths.len().saturating_add(offer.len()));
            piece.push(prefix);
        }
        for prefix in piece {
            self.judge_paths(family, prefix, judge);
            self.offer_again(family, prefix, offer);
        }
        next
    }

    /// Whose routes are judged by what the RPKI says, and which groups hear of routes by it.
    fn who_asks_the_rpki(&mut self, family: Family) -> (BTreeSet<PeerId>, BTreeSet<GroupId>) {
        let ids = self.peers.ids();
        let judge = ids.into_iter().filter(|id| self.judges_by_validity(*id, family)).collect();
        let offer = self.groups.ids().into_iter().filter(|id| {
            let asks = |group: &crate::peers::groups::Group| group.target.policy.looks_at_validity();
            self.groups.get(*id).is_some_and(|group| group.family == family && asks(group))
        });
        (judge, offer.collect())
    }
}

/// What the log hears of a cache: that it is there, and why it is not, each once.
fn worth_telling(before: &Status, now: &Status) -> Option<String> {
    match now.phase {
        Phase::Synchronized if before.known.is_none() || before.failure.is_some() => {
            let (session, serial) = now.known?;
            Some(format!("synchronized, RTR version {}, session {session}, serial {serial}", now.version))
        }
        Phase::Down | Phase::NoData if now.failure != before.failure => now.failure.clone(),
        Phase::Down | Phase::Connecting | Phase::Synchronizing | Phase::Synchronized | Phase::NoData => None,
    }
}
