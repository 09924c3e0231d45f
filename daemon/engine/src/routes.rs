//! From tables to the forwarding table: what the world, the configuration and the peers say becomes one set
//! of routes, and the kernel is told the difference.
//!
//! Never holds a route of its own: candidates live in `rib`, paths in the BGP tables, the wish in `fib`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bgp::policy::{Draft, Source, Subject};
use bgp_wire::attribute::{Origin, PathAttributes};
use config::model::StaticRoute;
use config::model::bgp::RedistributeSource;
use nouns::{Family, IfName, Marks, Prefix};
use rib::bgp_table::{Inserted, Path, PathKey, PeerId};
use rib::decision::{Rules, decide};
use rib::fib::{KernelFib, Refused, RouteKey, Wanted};
use rib::routes::{Protocol, Route, RouteNextHop};
use rib::world::{Leg, Snapshot, WorldEvent};
use rib::world_view::is_link_local;

use crate::effect::{Effect, Notice};
use crate::engine::{Engine, RETRY_AFTER, SnapshotNeed, push_fib};
use crate::event::Moment;
use crate::peers::Peer;

/// How many prefixes are decided before the sockets get their turn again.
const BATCH: usize = 20_000;
/// How often tables and routes may set each other in motion within one call.
const ROUNDS: usize = 16;
/// When BGP is no longer configured, its last routes still have to be seen off.
const WITHOUT_BGP: Rules =
    Rules { maximum_paths_ebgp: 1, maximum_paths_ibgp: 1, always_compare_med: false, multipath_relax: false };
/// Names the BGP offer of a prefix, of whichever kind.
const BGP: Protocol = Protocol::Bgp { internal: false };

impl Engine {
    /// Decides what has become undecided, tells the kernel and the peers. Bounded: what is left over makes
    /// `deadline` answer "at once".
    pub fn settle(&mut self, at: Moment, out: &mut Vec<Effect>) {
        self.drop_ended();
        self.settle_reviews(at);
        let mut budget = BATCH;
        for _ in 0..ROUNDS {
            if !self.unsettled() || budget == 0 {
                break;
            }
            self.settle_world(at);
            self.settle_next_hops();
            budget = self.settle_tables(at, budget);
            // What BGP has just offered leads through gateways that count only once they are looked up.
            self.settle_next_hops();
            budget = self.settle_routes(at, budget);
        }
        self.forget_peers();
        // Midway through a batch the wish is older than what `repair_at_once` did: only what is decided is written.
        push_fib(if self.undecided() { self.fib.flush_wanted() } else { self.fib.flush() }, out);
        self.send_updates(at, out);
        self.check_recovery(at, out);
    }

    /// Whether `settle` still has something to do.
    pub(crate) fn unsettled(&self) -> bool {
        self.undecided() || self.has_unsent()
    }

    /// Whether something that was heard has not yet become a route or the end of one.
    pub(crate) fn undecided(&self) -> bool {
        self.world_changed
            || !self.dropping.is_empty()
            || Family::ALL.iter().any(|family| self.tables.of(*family).dirty_len() > 0)
            || self.rib.dirty_len() > 0
            || !self.reviews.is_empty()
    }

    /// The kernel changed by somebody's hand.
    pub(crate) fn world_events(&mut self, at: Moment, changes: Vec<WorldEvent>, out: &mut Vec<Effect>) {
        for change in changes {
            self.tell_link(at, &change, out);
            match &change {
                WorldEvent::OurRouteLost(prefix) => {
                    self.fib.route_lost(*prefix);
                    self.repaired = self.repaired.saturating_add(1);
                    self.notice(
                        at,
                        Notice::warning(format!("the route to {prefix} was taken from the kernel; it is put back")),
                        out,
                    );
                }
                WorldEvent::OurNextHopLost(id) => self.fib.next_hop_lost(*id),
                WorldEvent::Overrun => {
                    self.notice(
                        at,
                        Notice::warning("kernel messages were lost (ENOBUFS); everything is read anew"),
                        out,
                    );
                    self.ask_snapshot(out);
                }
                WorldEvent::Link(link) => {
                    let was_up = self.world.link(link.index).is_some_and(|known| known.admin_up);
                    self.link_seen(at, link, out);
                    // The kernel forgets the neighbors of a link that goes down, those for good too.
                    if link.admin_up && !was_up {
                        self.pin_neighbors(Some(&link.name), out);
                    }
                }
                WorldEvent::LinkGone(index) => self.link_lost(at, *index, out),
                WorldEvent::Address(there) => {
                    if let Some(name) = self.world.link(there.ifindex).map(|link| link.name.clone()) {
                        self.pin_neighbors(Some(&name), out);
                    }
                }
                WorldEvent::AddressGone(_) | WorldEvent::Route(_) | WorldEvent::RouteGone(_) => {}
            }
            self.world_changed |= self.world.apply(&change);
        }
    }

    /// A full picture: the truth about the world, and about what the kernel has of ours.
    pub(crate) fn snapshot(&mut self, at: Moment, snapshot: Snapshot, out: &mut Vec<Effect>) {
        let again = self.snapshot == SnapshotNeed::Again;
        self.snapshot = SnapshotNeed::None;
        if again {
            self.ask_snapshot(out);
        }
        self.world.reset(&snapshot);
        self.world_changed = true;
        push_fib(self.fib.audit(&snapshot.ours), out);
        self.retry_owed(at, out);
    }

    /// Asks for a full picture, one at a time.
    pub(crate) fn ask_snapshot(&mut self, out: &mut Vec<Effect>) {
        if self.snapshot == SnapshotNeed::None {
            self.snapshot = SnapshotNeed::Asked;
            out.push(Effect::Snapshot);
        } else {
            self.snapshot = SnapshotNeed::Again;
        }
    }

    /// The kernel's routes of ours, read for comparison.
    pub(crate) fn audited(&mut self, at: Moment, actual: &KernelFib, out: &mut Vec<Effect>) {
        let changes = self.fib.audit(actual);
        if !changes.is_empty() {
            self.repaired = self.repaired.saturating_add(u64::try_from(changes.len()).unwrap_or(u64::MAX));
            let text = format!(
                "{} entries of the kernel's forwarding table differed from the wish and are repaired",
                changes.len()
            );
            self.notice(at, Notice::warning(text), out);
        }
        push_fib(changes, out);
    }

    /// The writer is done; what was refused is remembered, told, and tried again.
    pub(crate) fn fib_done(&mut self, at: Moment, refused: &[Refused], out: &mut Vec<Effect>) {
        for refusal in refused {
            self.fib.refused(refusal);
            let text = format!("the kernel refused {:?}: {} (errno {})", refusal.change, refusal.reason, refusal.errno);
            self.notice(at, Notice::warning(text), out);
        }
        if !refused.is_empty() && self.retry_fib.is_none() {
            self.retry_fib = Some(at.instant + RETRY_AFTER);
        }
    }

    /// What the kernel and the configuration say, as candidates.
    fn settle_world(&mut self, at: Moment) {
        if !std::mem::take(&mut self.world_changed) {
            return;
        }
        let connected = self.world.connected_routes(at.instant);
        self.rib.replace_protocol(Protocol::Connected, connected, at.instant);
        self.rib.replace_protocol(Protocol::Kernel, self.world.kernel_routes(at.instant), at.instant);
        self.rib.replace_protocol(Protocol::Static, self.static_routes(at), at.instant);
        self.settle_static_tables();
        let chosen = self.choose_router_id(self.running.model.bgp.as_deref());
        if self.router_id.is_unspecified() {
            self.router_id = chosen;
        }
    }

    fn static_routes(&self, at: Moment) -> BTreeMap<Prefix, Vec<Route>> {
        let wishes = self.running.model.static_routes.iter();
        let all = wishes.map(|(prefix, wish)| {
            let routes = self.offers(wish).into_iter().map(|(distance, next_hops)| Route {
                protocol: Protocol::Static,
                distance,
                metric: 0,
                next_hops,
                since: at.instant,
            });
            (*prefix, routes.collect())
        });
        all.collect()
    }

    /// The next hops of a static route by distance; those through links that are not there are left out.
    fn offers(&self, wish: &StaticRoute) -> BTreeMap<u8, Vec<RouteNextHop>> {
        let mut by_distance: BTreeMap<u8, Vec<RouteNextHop>> = BTreeMap::new();
        for (address, hop) in wish.next_hops.iter().filter(|(_, hop)| !hop.disable) {
            let interface = hop.interface.as_ref().and_then(|name| self.world.link_by_name(name.as_str()));
            if hop.interface.is_some() && interface.is_none() {
                continue;
            }
            let gateway = RouteNextHop::Gateway { address: *address, interface: interface.map(|link| link.index) };
            by_distance.entry(hop.distance).or_default().push(gateway);
        }
        for (name, distance) in &wish.interfaces {
            if let Some(link) = self.world.link_by_name(name.as_str()).filter(|link| link.usable()) {
                by_distance.entry(*distance).or_default().push(RouteNextHop::Connected { ifindex: link.index });
            }
        }
        for (distance, nowhere) in [(wish.blackhole, RouteNextHop::Blackhole), (wish.reject, RouteNextHop::Reject)] {
            if let Some(distance) = distance {
                by_distance.entry(distance).or_default().push(nowhere);
            }
        }
        by_distance
    }

    /// Routes of other tables than the main one: nobody else offers any, so they go to the kernel's wish at once.
    fn settle_static_tables(&mut self) {
        let tables = self.running.model.static_tables.iter();
        let routes = tables.flat_map(|(table, routes)| {
            routes.iter().map(|(prefix, wish)| (RouteKey { table: *table, prefix: *prefix }, wish))
        });
        let wanted: BTreeMap<RouteKey, Wanted> =
            routes.filter_map(|(key, wish)| Some((key, self.wanted_of_table(wish)?))).collect();
        for key in std::mem::take(&mut self.table_routes) {
            if !wanted.contains_key(&key) {
                self.fib.want(key, None);
            }
        }
        self.table_routes = wanted.keys().copied().collect();
        for (key, wanted) in wanted {
            self.fib.want(key, Some(wanted));
        }
    }

    /// The best distance that leads somewhere. Gateways have to be on a link: tables do not resolve through each other.
    fn wanted_of_table(&self, wish: &StaticRoute) -> Option<Wanted> {
        self.offers(wish).into_values().find_map(|next_hops| {
            let legs = next_hops.iter().filter_map(|next_hop| match *next_hop {
                RouteNextHop::Connected { ifindex } => Some(Leg { gateway: None, ifindex }),
                RouteNextHop::Gateway { address, interface } => self.leg_towards(address, interface),
                RouteNextHop::Blackhole | RouteNextHop::Reject => None,
            });
            Wanted::legs(legs.collect()).or_else(|| Route::nowhere(&next_hops))
        })
    }

    fn leg_towards(&self, address: IpAddr, interface: Option<u32>) -> Option<Leg> {
        let ifindex = match interface {
            Some(ifindex) => {
                let mut networks = self.world.addresses_of(ifindex).map(|there| there.address.network());
                (is_link_local(address) || networks.any(|network| network.contains(address))).then_some(ifindex)
            }
            None => self.world.network_towards(address).map(|towards| towards.ifindex),
        };
        let ifindex = ifindex.filter(|ifindex| self.world.link_usable(*ifindex))?;
        Some(Leg { gateway: Some(address), ifindex })
    }

    fn settle_next_hops(&mut self) {
        for family in Family::ALL {
            for (address, used) in self.tables.of_mut(family).take_next_hop_news() {
                if used {
                    self.next_hops.track(address);
                } else {
                    self.next_hops.untrack(address);
                }
            }
        }
        let changed = self.rib.settle(&mut self.next_hops, &self.world);
        if !changed.is_empty() {
            for family in Family::ALL {
                self.tables.of_mut(family).next_hops_changed(&changed);
            }
        }
    }

    /// Decides BGP; answers what is left of the budget.
    fn settle_tables(&mut self, at: Moment, mut budget: usize) -> usize {
        let rules = self.rules().unwrap_or(WITHOUT_BGP);
        for family in Family::ALL {
            let prefixes = self.tables.of_mut(family).take_dirty(budget);
            budget = budget.saturating_sub(prefixes.len());
            if prefixes.is_empty() {
                continue;
            }
            let mut offered = BTreeSet::new();
            for prefix in prefixes {
                if self.decide_prefix(at, family, prefix, &rules) {
                    offered.insert(prefix);
                }
            }
            let version = self.table_version.entry(family).or_default();
            *version = version.saturating_add(1);
            self.offer_all(family, &offered);
        }
        budget
    }

    /// Decides one prefix; answers whether peers have to be told.
    fn decide_prefix(&mut self, at: Moment, family: Family, prefix: Prefix, rules: &Rules) -> bool {
        self.judge_prefix(at, family, prefix);
        let table = self.tables.of(family);
        let paths = table.paths(prefix);
        let Some(decision) = decide(paths, table, &self.next_hops, rules) else {
            self.rib.remove(prefix, BGP, None);
            return self.best.remove(&prefix).is_some();
        };
        let Some(best) = paths.get(decision.best) else { return false };
        let key = best.key;
        let chosen = decision.multipath.iter().filter_map(|index| paths.get(*index));
        match self.bgp_route(at, family, best, chosen) {
            Some(route) => self.rib.set(prefix, route),
            None => self.rib.remove(prefix, BGP, None),
        }
        // The same path may have new attributes: peers hear of it either way, and the queue knows what is news.
        self.best.insert(prefix, key);
        true
    }

    /// The route that the chosen paths make; none for a path that the router made itself.
    fn bgp_route<'a>(
        &self,
        at: Moment,
        family: Family,
        best: &Path,
        chosen: impl Iterator<Item = &'a Path>,
    ) -> Option<Route> {
        let bgp = self.running.model.bgp.as_deref().filter(|_| !best.is_local())?;
        let internal = self.tables.of(family).peer(best.key.peer).is_some_and(|peer| peer.internal);
        let configured = if internal { bgp.distance_internal } else { bgp.distance_external };
        let distance = best.marks.distance.unwrap_or(configured);
        let next_hops = chosen.map(|path| RouteNextHop::Gateway { address: path.next_hop(), interface: None });
        let metric = best.attributes.med.unwrap_or(0);
        Some(Route::new(Protocol::Bgp { internal }, distance, metric, next_hops.collect(), at.instant))
    }

    /// Routes that changed go to the kernel's wish and to redistribution.
    fn settle_routes(&mut self, at: Moment, budget: usize) -> usize {
        let prefixes = self.rib.take_dirty(budget);
        for prefix in &prefixes {
            let wanted = self.wanted(*prefix);
            self.fib.want(*prefix, wanted);
            self.originate(at, *prefix);
        }
        budget.saturating_sub(prefixes.len())
    }

    /// What the kernel shall have for a prefix: nothing where the kernel or somebody else has it already.
    fn wanted(&self, prefix: Prefix) -> Option<Wanted> {
        let route = self.rib.selected(prefix)?;
        match route.protocol {
            Protocol::Connected | Protocol::Kernel => None,
            Protocol::Static | Protocol::Bgp { .. } => route.wanted(&self.next_hops),
        }
    }

    /// Networks and redistributed routes enter the BGP table as the router's own.
    pub(crate) fn originate(&mut self, at: Moment, prefix: Prefix) {
        let own = self.origination(prefix);
        let family = prefix.family();
        let key = PathKey { peer: PeerId::LOCAL, path_id: 0 };
        match own {
            Some((attributes, marks)) => {
                let attributes = self.attribute_sets.intern(Arc::new(attributes));
                let received = Arc::clone(&attributes);
                let inserted = Inserted { attributes, received, rejected: None, marks };
                self.tables.of_mut(family).insert(prefix, key, inserted, at.instant);
                self.originated.insert(prefix);
            }
            None => {
                if self.originated.remove(&prefix) {
                    self.tables.of_mut(family).withdraw(prefix, key);
                }
            }
        }
    }

    /// The attributes and marks of a route of our own, after its map; `None` where it is not announced.
    fn origination(&self, prefix: Prefix) -> Option<(PathAttributes, Marks)> {
        let bgp = self.running.model.bgp.as_deref()?;
        let selected = self.rib.selected(prefix).filter(|route| !route.protocol.same_source(BGP))?;
        let own = match prefix.family() {
            Family::Ipv4Unicast => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::Ipv6Unicast => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let (attributes, map) = if let Some(map) = bgp.networks.get(&prefix) {
            (PathAttributes::new(Origin::Igp, own), map.as_ref())
        } else {
            let source = match selected.protocol {
                Protocol::Connected => RedistributeSource::Connected,
                Protocol::Kernel => RedistributeSource::Kernel,
                Protocol::Static => RedistributeSource::Static,
                Protocol::Bgp { .. } => return None,
            };
            let redistribute = bgp.redistribute.get(&(prefix.family(), source))?;
            let mut attributes = PathAttributes::new(Origin::Incomplete, own);
            attributes.med = Some(redistribute.metric.unwrap_or(selected.metric));
            (attributes, redistribute.route_map.as_ref())
        };
        let policy = self.policies.through(map);
        let interface = if policy.looks_at_interface() { self.interface_out(prefix) } else { None };
        let source = self.own_source(prefix);
        let subject = Subject { prefix, source, peer: None, interface: interface.as_ref() };
        let marks = Marks { weight: Marks::OWN_WEIGHT, tag: self.tag_of(prefix, selected), ..Marks::default() };
        let mut draft = Draft::new(&attributes, marks);
        policy.apply(&subject, &mut draft).ok()?;
        Some((draft.attributes.into_owned(), draft.marks))
    }

    /// The number that a person gave a static route for policies; 0 for none.
    fn tag_of(&self, prefix: Prefix, selected: &Route) -> u32 {
        let route = self.running.model.static_routes.get(&prefix).filter(|_| selected.protocol == Protocol::Static);
        route.and_then(|route| route.tag).unwrap_or(0)
    }

    /// Where a route of our own has its source.
    pub(crate) fn own_source(&self, prefix: Prefix) -> Source {
        match self.rib.selected(prefix).map(|route| route.protocol) {
            Some(Protocol::Connected) => Source::Connected,
            Some(Protocol::Kernel) => Source::Kernel,
            Some(Protocol::Static) => Source::Static,
            Some(Protocol::Bgp { .. }) | None => Source::Bgp,
        }
    }

    /// The interface that a path was learned through, or that our own route leads through.
    pub(crate) fn interface_of(&self, path: &Path, prefix: Prefix) -> Option<IfName> {
        if path.is_local() { self.interface_out(prefix) } else { self.interface_to(self.peers.get(path.key.peer)?) }
    }

    /// The interface that the session with a peer runs over.
    pub(crate) fn interface_to(&self, peer: &Peer) -> Option<IfName> {
        let local = peer.local?.ip().to_canonical();
        let link = self.world.addresses().find(|there| there.address.address() == local)?.ifindex;
        Some(self.world.link(link)?.name.clone())
    }

    /// The first interface that the selected route of a prefix leads through.
    fn interface_out(&self, prefix: Prefix) -> Option<IfName> {
        let route = self.rib.selected(prefix)?;
        let link = route.next_hops.iter().find_map(|next_hop| match next_hop {
            RouteNextHop::Connected { ifindex } => Some(*ifindex),
            RouteNextHop::Gateway { interface: Some(ifindex), .. } => Some(*ifindex),
            RouteNextHop::Gateway { address, interface: None } => {
                self.next_hops.resolve(*address).legs().first().map(|leg| leg.ifindex)
            }
            RouteNextHop::Blackhole | RouteNextHop::Reject => None,
        })?;
        Some(self.world.link(link)?.name.clone())
    }

    pub(crate) fn rules(&self) -> Option<Rules> {
        let bgp = self.running.model.bgp.as_deref()?;
        Some(Rules {
            maximum_paths_ebgp: bgp.maximum_paths_ebgp,
            maximum_paths_ibgp: bgp.maximum_paths_ibgp,
            always_compare_med: bgp.always_compare_med,
            multipath_relax: bgp.multipath_relax,
        })
    }

    fn forget_peers(&mut self) {
        for id in std::mem::take(&mut self.forgotten) {
            for family in Family::ALL {
                self.tables.of_mut(family).forget_peer(id);
            }
        }
    }
}
