//! From tables to the forwarding table: what the world, the configuration and the peers say becomes one set
//! of routes, and the kernel is told the difference.
//!
//! Never holds a route of its own: candidates live in `rib`, paths in the BGP tables, the wish in `fib`.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use nouns::Family;
use rib::fib::{KernelFib, Wanted};
use rib::nexthop::NextHops;
use rib::routes::{Protocol, Route};
use rib::world::{Link, Snapshot, WorldEvent};
use rib::world_view::{News, is_link_local};

use crate::effect::{Effect, Notice};
use crate::engine::{Engine, SnapshotNeed};
use crate::event::Moment;

/// How many prefixes are decided before the sockets get their turn again.
const BATCH: usize = 8_192;
/// How many prefixes may wait for a decision before it comes ahead of what peers say next: what is known of so many of them
/// is still in the processor's cache.
const BEHIND: usize = 512;
/// When the kernel is read again whose table changed while it was being read.
const READ_AGAIN: Duration = Duration::from_secs(5);
/// How often tables and routes may set each other in motion within one call.
const ROUNDS: usize = 16;
/// Who hears of so many routes between two turns is being told tables, and more paths of a prefix follow soon.
const TABLES: usize = 256;
/// Meanwhile contested prefixes are decided that have one path for so many routes that are heard of.
const HEARD_A_PATH: usize = 2;

/// What one turn decides.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Prefixes, all in all.
    pub(crate) prefixes: usize,
    /// What of these is kept for contested ones.
    pub(crate) kept: usize,
    /// How many paths the contested ones may have together.
    pub(crate) contested_paths: usize,
    /// Routes that are wished or not: these have a budget of their own, so that the kernel has work while peers tell more.
    pub(crate) routes: usize,
}

impl Budget {
    /// While peers tell tables, contested prefixes get a share that takes no more work than what is heard: one of which
    /// sixty peers are about to tell is then decided a time or two, not sixty times, and all get their turn.
    fn of_turn(heard: usize) -> Self {
        let calm = Self { prefixes: BATCH, kept: 0, contested_paths: usize::MAX, routes: BATCH };
        if heard < TABLES {
            return calm;
        }
        let contested_paths = heard / HEARD_A_PATH;
        Self { kept: (contested_paths / 2).min(BATCH / 2), contested_paths, ..calm }
    }
}

impl Engine {
    /// Decides what has become undecided, tells the kernel and the peers. Bounded: what is left over makes
    /// `deadline` answer "at once".
    pub fn settle(&mut self, at: Moment, out: &mut Vec<Effect>) {
        self.drop_ended();
        self.settle_groups();
        let told = self.settle_reviews(at, out);
        self.settle_validation();
        let mut budget = Budget::of_turn(std::mem::take(&mut self.heard));
        let mut moved = false;
        for _ in 0..ROUNDS {
            let waits = self.presses() || (budget.contested_paths > 0 && self.undecided());
            if !waits || budget.prefixes == 0 || budget.routes == 0 {
                break;
            }
            moved |= self.settle_world(at);
            // What came with a next hop that nothing led through before has not been decided yet.
            self.settle_next_hops(false);
            self.settle_aggregates(at);
            self.settle_tables(at, &mut budget);
            // What BGP has just offered leads through gateways that count only once they are looked up.
            self.settle_next_hops(true);
            self.settle_routes(at, &mut budget);
        }
        self.forget_peers();
        if moved {
            self.call_the_reachable(at, out);
        }
        // Midway through a batch the wish is older than what `repair_at_once` did: only what is decided is written.
        if !self.presses() {
            self.fib.follow_shaken();
        }
        self.settle_paths(out);
        self.flush_fib(at, out);
        // While much is told, sets are swept beside that.
        let told = told || self.send_updates(at, out);
        self.attribute_sets.ripen();
        if !told {
            self.sweep_sets();
        }
        self.settle_memory(out);
        self.check_recovery(at, out);
        self.settle_balancer(at, out);
        self.settle_looks(out);
        self.settle_collectors(at, out);
        self.settle_dumps(at, out);
    }

    /// Whether so much waits for a decision that what peers say next had better wait.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        let undecided: usize = Family::ALL.iter().map(|family| self.tables.of(*family).pressing_len()).sum();
        undecided.saturating_add(self.rib.dirty_len()) > BEHIND
    }

    /// Whether `settle` still has something to do.
    pub(crate) fn unsettled(&self) -> bool {
        self.undecided() || self.has_unsent()
    }

    /// Whether something that was heard has not yet become a route or the end of one.
    pub(crate) fn undecided(&self) -> bool {
        self.presses() || Family::ALL.iter().any(|family| self.tables.of(*family).is_undecided())
    }

    /// Whether something waits whose consequences should not.
    fn presses(&self) -> bool {
        self.world_changed
            || self.world.has_news()
            || !self.dropping.is_empty()
            || Family::ALL.iter().any(|family| self.tables.of(*family).pressing_len() > 0)
            || self.rib.is_unsettled()
            || !self.reviews.is_empty()
            || !self.validation.is_settled()
            || self.aggregates.has_changed()
            || self.groups.is_outdated()
    }

    /// The kernel changed by somebody's hand.
    pub(crate) fn world_events(&mut self, at: Moment, changes: Vec<WorldEvent>, out: &mut Vec<Effect>) {
        for change in changes {
            self.tell_link(at, &change, out);
            match &change {
                WorldEvent::OurRouteLost(prefix) => {
                    self.flow.disturb();
                    self.truth.counts.lost_routes = self.truth.counts.lost_routes.saturating_add(1);
                    let wanted = self.fib.route_lost(*prefix);
                    self.count_repaired(usize::from(wanted));
                    let text = format!(
                        "the route to {prefix} was taken from the kernel or replaced; it is put back, unless a route of somebody else stands in its place"
                    );
                    self.notice(at, Notice::warning(text), out);
                }
                WorldEvent::OurNextHopLost(id) => {
                    self.flow.disturb();
                    if self.fib.next_hop_lost(*id) {
                        self.truth.counts.lost_next_hops = self.truth.counts.lost_next_hops.saturating_add(1);
                    }
                }
                WorldEvent::Overrun => {
                    self.truth.counts.resyncs = self.truth.counts.resyncs.saturating_add(1);
                    self.notice(
                        at,
                        Notice::warning("kernel messages were lost (ENOBUFS); everything is read anew"),
                        out,
                    );
                    self.ask_snapshot(out);
                }
                WorldEvent::Link(link) => {
                    if self.world.link(link.index).is_some_and(Link::usable) != link.usable() {
                        self.link_of_neighbor_changed(at, link.name.as_str(), link.usable(), out);
                    }
                    let was_up = self.world.link(link.index).is_some_and(|known| known.admin_up);
                    self.link_seen(at, link, out);
                    // The kernel forgets the neighbors of a link that goes down, those for good too.
                    if link.admin_up && !was_up {
                        self.pin_neighbors(Some(&link.name), out);
                    }
                }
                WorldEvent::LinkGone(index) => {
                    if let Some(name) = self.world.link(*index).map(|link| link.name.to_string()) {
                        self.link_of_neighbor_changed(at, &name, false, out);
                    }
                    self.link_lost(at, *index, out);
                }
                WorldEvent::Address(there) => {
                    if let Some(name) = self.world.link(there.ifindex).map(|link| link.name.clone()) {
                        self.pin_neighbors(Some(&name), out);
                    }
                    if self.world.addresses_of(there.ifindex).any(|known| known == there) {
                        self.address_told_again(at, there, out);
                    }
                }
                WorldEvent::Route(route) => self.network_told(at, route, out),
                WorldEvent::AddressGone(_) | WorldEvent::RouteGone(_) => {}
            }
            self.world.apply(&change);
        }
    }

    /// A full picture: the truth about the world, and about what the kernel has of ours.
    pub(crate) fn snapshot(&mut self, at: Moment, snapshot: &Snapshot, out: &mut Vec<Effect>) {
        let again = self.snapshot == SnapshotNeed::Again;
        let comparable = self.reading_ends();
        self.snapshot = SnapshotNeed::None;
        if again {
            self.ask_snapshot(out);
        }
        self.world.reset(snapshot);
        self.world_changed = true;
        if comparable {
            self.fib.audit(&snapshot.ours);
        } else {
            self.next_audit = at.instant + READ_AGAIN;
        }
        self.retry_owed(at, out);
    }

    /// Asks for a full picture, one at a time.
    pub(crate) fn ask_snapshot(&mut self, out: &mut Vec<Effect>) {
        if self.snapshot == SnapshotNeed::None {
            self.reading_begins();
            self.snapshot = SnapshotNeed::Asked;
            out.push(Effect::Snapshot);
        } else {
            self.snapshot = SnapshotNeed::Again;
        }
    }

    /// The kernel's routes of ours, read for comparison.
    pub(crate) fn audited(&mut self, at: Moment, actual: &KernelFib, out: &mut Vec<Effect>) {
        if !self.reading_ends() {
            self.next_audit = at.instant + READ_AGAIN;
            return;
        }
        let waited = self.fib.counters().pending;
        self.fib.audit(actual);
        let found = self.fib.counters().pending.saturating_sub(waited);
        if found > 0 {
            self.count_repaired(found);
            let text =
                format!("{found} entries of the kernel's forwarding table differed from the wish and are repaired");
            self.notice(at, Notice::warning(text), out);
        }
    }

    /// What the kernel and the configuration say, as candidates. Links and addresses that no route needs come and go
    /// without work. Tells whether anything changed.
    fn settle_world(&mut self, at: Moment) -> bool {
        let news = self.world.take_news();
        if !self.world_changed && news.is_empty() {
            return false;
        }
        self.imports.clear();
        self.balancer.look_again();
        self.paths.look_again();
        if std::mem::take(&mut self.world_changed) {
            self.settle_whole_world(at);
        } else {
            self.settle_news(at, &news);
        }
        true
    }

    fn settle_whole_world(&mut self, at: Moment) {
        self.next_hops.touch_all();
        self.retry_soon(at);
        self.rib.replace_protocol(Protocol::Connected, self.world.connected_routes(), at.instant);
        self.rib.replace_protocol(Protocol::Kernel, self.world.kernel_routes(), at.instant);
        self.settle_statics(at);
        self.groups.look_again();
        self.settle_router_id();
    }

    fn settle_news(&mut self, at: Moment, news: &News) {
        if self.next_hops.touch(news) {
            self.retry_soon(at);
        }
        for network in &news.networks {
            let connected = self.world.connected_route(*network);
            self.rib.replace_offers(*network, Protocol::Connected, connected, at.instant);
            self.rib.replace_offers(*network, Protocol::Kernel, self.world.kernel_routes_to(*network), at.instant);
        }
        if self.statics_need(news) {
            self.settle_statics(at);
        }
        if !news.networks.is_empty() {
            self.groups.look_again();
        }
        self.settle_router_id();
    }

    fn settle_router_id(&mut self) {
        if self.router_id.is_unspecified() {
            self.router_id = self.choose_router_id(self.running.model.bgp.as_deref());
        }
    }

    /// Next hops that came into use or went out of it are looked up or forgotten, and what leads through those that
    /// changed is decided again; what leads through new ones only if some of it may be `decided` already.
    fn settle_next_hops(&mut self, decided: bool) {
        let mut new: [BTreeSet<IpAddr>; Family::ALL.len()] = Default::default();
        for (family, new) in Family::ALL.into_iter().zip(&mut new) {
            for ((address, link), used) in self.tables.of_mut(family).take_next_hop_news() {
                match (link, used) {
                    (None, true) => {
                        self.next_hops.track(address);
                        // A link-local address may lead somewhere on another link already.
                        if !is_link_local(address) {
                            new.insert(address);
                        }
                    }
                    (None, false) => self.next_hops.untrack(address),
                    (Some(link), true) => self.next_hops.track_on(address, link),
                    (Some(link), false) => self.next_hops.untrack_on(address, link),
                }
            }
        }
        let changed = self.rib.settle_new(&mut self.next_hops, &self.world);
        if changed.is_empty() {
            return;
        }
        for (family, new) in Family::ALL.into_iter().zip(new) {
            let may_be_decided = |address: &IpAddr| decided || !new.contains(address);
            let changed: Vec<IpAddr> = changed.iter().copied().filter(may_be_decided).collect();
            self.tables.of_mut(family).next_hops_changed(&changed);
        }
    }

    /// Routes that changed go to the kernel's wish and to redistribution.
    fn settle_routes(&mut self, at: Moment, budget: &mut Budget) {
        let spots = self.rib.take_dirty(budget.routes);
        for spot in &spots {
            self.route_of_service_changed(at, spot.prefix());
            let (fib, next_hops) = (&mut self.fib, &self.next_hops);
            // One walk to the legs of an offer serves all prefixes that are offered it.
            let wish = match self.rib.known_wish(*spot).filter(|known| fib.is_current(*known)) {
                Some(known) => known,
                None => self.rib.wish(*spot, |route| fib.wish(wanted(route, next_hops))),
            };
            fib.want_as(*spot, wish);
            self.originate(at, spot.prefix());
            self.rib.let_go(*spot);
        }
        budget.routes = budget.routes.saturating_sub(spots.len());
    }

    fn forget_peers(&mut self) {
        for id in std::mem::take(&mut self.forgotten) {
            for family in Family::ALL {
                self.tables.of_mut(family).forget_peer(id);
            }
        }
    }
}

/// What the kernel shall have for a route: nothing where the kernel or somebody else has it already.
fn wanted(route: &Route, next_hops: &NextHops) -> Option<Wanted> {
    match route.protocol {
        Protocol::Connected | Protocol::Kernel => None,
        Protocol::Static | Protocol::Bgp { .. } => route.wanted(next_hops),
    }
}
