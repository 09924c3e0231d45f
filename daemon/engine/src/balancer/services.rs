//! Services and their backends as routes and persons name them: who joined when, and who left without having died.
//!
//! Never judges health, and never finds the way to a node.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bfd::State;
use bfd::liveness::Health;
use config::model::balancer::{self as model, Ports};
use nouns::Prefix;
use rib::fib::reduced;
use rib::routes::{Protocol, RouteNextHop};

use super::{Balancer, Key};
use crate::engine::Engine;
use crate::event::Moment;

/// Whoever came so long ago has waited and started, whatever is configured.
const SETTLED: Duration = Duration::from_secs(3 * 3600);
/// Services of a node that come within this time begin together, so that they go on sharing their tables.
const TOGETHER: Duration = Duration::from_secs(2);
/// How often a node may go before it has to wait when it comes back.
const PATIENCE: u32 = 2;
/// How long it waits then for the first time; each further time it is twice as long.
const FIRST_REST: Duration = Duration::from_secs(5);
/// The longest wait.
const LONGEST_REST: Duration = Duration::from_secs(300);
/// A node that stays this long has gone once less.
const FORGIVEN: Duration = Duration::from_secs(60);

/// A backend as a route or a person names it. Without a peer it is nobody's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hop {
    /// The node.
    pub(crate) address: IpAddr,
    /// The link of an address that needs one.
    pub(crate) link: Option<u32>,
    /// Its own port.
    pub(crate) port: Option<u16>,
    /// Its share in relation to the others.
    pub(crate) weight: u32,
    /// The neighbor that announces it.
    pub(crate) peer: Option<IpAddr>,
}

impl Hop {
    /// What makes it the same backend as before.
    pub(crate) fn id(&self) -> Id {
        (self.address, self.link, self.port)
    }
}

/// What names a backend within a service.
pub(crate) type Id = (IpAddr, Option<u32>, Option<u16>);

/// A service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Service {
    /// The name of the learned services that it is one of; none for one that a person named.
    pub(crate) learned: Option<Arc<str>>,
    /// Those who announce it, or that persons name.
    pub(crate) hops: Arc<[Hop]>,
    /// When backends came that were not there from the beginning.
    pub(crate) joined: BTreeMap<Id, Instant>,
    /// Backends that are named no more and may still have flows, until when.
    pub(crate) left: BTreeMap<Id, (Hop, Instant)>,
}

/// How often a node went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flaps {
    count: u32,
    last: Instant,
}

impl Balancer {
    /// How long a node has to wait when it comes back now.
    pub(crate) fn rest(&self, node: IpAddr, now: Instant) -> Duration {
        let Some(flaps) = self.flaps.get(&node) else { return Duration::ZERO };
        match flaps.left(now).checked_sub(PATIENCE) {
            None | Some(0) => Duration::ZERO,
            Some(over) => FIRST_REST.saturating_mul(2_u32.saturating_pow(over.saturating_sub(1))).min(LONGEST_REST),
        }
    }

    /// A node went.
    pub(super) fn note_flap(&mut self, node: IpAddr, now: Instant) {
        let flaps = self.flaps.entry(node).or_insert(Flaps { count: 0, last: now });
        // It goes from all of its services at once.
        if flaps.count == 0 || now.saturating_duration_since(flaps.last) > TOGETHER {
            *flaps = Flaps { count: flaps.left(now).saturating_add(1).min(16), last: now };
        }
        self.flaps.retain(|_, flaps| flaps.left(now) > 0);
    }

    /// When a node that comes now has come.
    pub(super) fn join(&mut self, node: IpAddr, now: Instant) -> Instant {
        self.joins.retain(|_, came| now.saturating_duration_since(*came) <= TOGETHER);
        *self.joins.entry(node).or_insert(now)
    }

    /// Whether a node is within a prefix, so that the way to it may have changed.
    fn has_node_within(&self, prefix: Prefix) -> bool {
        self.hops.iter().flat_map(|hops| hops.iter()).any(|hop| prefix.contains(hop.address))
    }

    fn intern(&mut self, hops: Vec<Hop>) -> Arc<[Hop]> {
        if let Some(known) = self.hops.get(hops.as_slice()) {
            return Arc::clone(known);
        }
        let hops: Arc<[Hop]> = hops.into();
        self.hops.insert(Arc::clone(&hops));
        hops
    }
}

impl Flaps {
    fn left(self, now: Instant) -> u32 {
        let forgiven = now.saturating_duration_since(self.last).as_secs() / FORGIVEN.as_secs();
        self.count.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX))
    }
}

impl Engine {
    /// A route changed: it may be a service, or lead to a node.
    pub(crate) fn route_of_service_changed(&mut self, at: Moment, prefix: Prefix) {
        if self.running.model.balancer.is_empty() {
            return;
        }
        let learned = self.running.model.balancer.learned_by(prefix).map(|(name, _)| Arc::from(name));
        if learned.is_some() || self.balancer.services.contains_key(&Key::Learned(prefix)) {
            self.learn_service(at, prefix, learned);
        }
        if !self.balancer.look_again && self.balancer.has_node_within(prefix) {
            self.balancer.look_again();
        }
    }

    /// All services anew: the configuration became another one.
    pub(super) fn learn_services(&mut self, at: Moment) {
        let model = Arc::clone(&self.running.model.balancer);
        let gone = |key: &Key| match key {
            Key::Named(name) => !model.services.contains_key(&**name),
            Key::Learned(prefix) => model.learned_by(*prefix).is_none(),
        };
        self.balancer.services.retain(|key, _| !gone(key));
        for (name, service) in &model.services {
            let hops = service.backends.iter().map(|(address, backend)| Hop {
                address: *address,
                link: None,
                port: backend.port,
                weight: backend.weight,
                peer: None,
            });
            self.name_backends(at, Key::Named(Arc::from(name.as_str())), None, hops.collect());
        }
        let within = model.learned.values().flat_map(|learned| &learned.prefixes);
        let routes: BTreeSet<Prefix> =
            within.flat_map(|prefix| self.rib.iter_within(*prefix).map(|(found, _)| found)).collect();
        for prefix in routes {
            let learned = model.learned_by(prefix).map(|(name, _)| Arc::from(name));
            self.learn_service(at, prefix, learned);
        }
    }

    fn learn_service(&mut self, at: Moment, prefix: Prefix, learned: Option<Arc<str>>) {
        let hops = if learned.is_some() { self.hops_of(prefix) } else { Vec::new() };
        self.name_backends(at, Key::Learned(prefix), learned, hops);
    }

    /// The next hops of a route that BGP taught, with their parts of the load.
    fn hops_of(&self, prefix: Prefix) -> Vec<Hop> {
        let route = self.rib.selected(prefix).filter(|route| matches!(route.protocol, Protocol::Bgp { .. }));
        let Some(route) = route else { return Vec::new() };
        let mut weights = reduced(&route.rates).into_iter();
        let mut hops = Vec::with_capacity(route.next_hops.len());
        for next_hop in &route.next_hops {
            let weight = weights.next().map_or(1, u32::from);
            if let RouteNextHop::Gateway { address, interface } = *next_hop {
                let peer = self.announcer(prefix, address);
                hops.push(Hop { address, link: interface, port: None, weight, peer });
            }
        }
        hops.sort_unstable();
        hops.dedup_by_key(|hop| hop.id());
        hops
    }

    /// The neighbor that announces a route through a node.
    fn announcer(&self, prefix: Prefix, node: IpAddr) -> Option<IpAddr> {
        let table = self.tables.of(prefix.family());
        let path = table.paths(prefix).iter().find(|path| table.gateway(path).0 == node)?;
        self.peers.get(path.peer()).map(|peer| peer.address)
    }

    /// The backends of a service are these now. Who is missing has died, or only leaves.
    fn name_backends(&mut self, at: Moment, key: Key, learned: Option<Arc<str>>, hops: Vec<Hop>) {
        let known = self.balancer.services.get(&key);
        if known.is_none() && hops.is_empty() && learned.is_some() {
            return;
        }
        if known.is_some_and(|known| *known.hops == *hops && known.learned == learned) {
            return;
        }
        self.balancer.look_again = true;
        // Who is there at the first moment, or before all are back after a restart, is not new.
        let begins = known.is_none() || self.recovery.is_keeping();
        let mut service = self.balancer.services.remove(&key).unwrap_or_default();
        let idle = self.idle_of(&key);
        for hop in service.hops.iter().filter(|hop| !hops.iter().any(|named| named.id() == hop.id())) {
            service.joined.remove(&hop.id());
            self.balancer.note_flap(hop.address, at.instant);
            if !self.has_died(hop) {
                service.left.insert(hop.id(), (hop.clone(), at.instant + idle));
            }
        }
        for hop in hops.iter().filter(|hop| !service.hops.iter().any(|known| known.id() == hop.id())) {
            service.left.remove(&hop.id());
            if !begins {
                service.joined.insert(hop.id(), self.balancer.join(hop.address, at.instant));
            }
        }
        service.learned = learned;
        service.hops = self.balancer.intern(hops);
        if !(service.learned.is_some() && service.hops.is_empty() && service.left.is_empty()) {
            self.balancer.services.insert(key, service);
        }
    }

    /// How long a flow of a service may say nothing.
    fn idle_of(&self, key: &Key) -> Duration {
        let model = &self.running.model.balancer;
        let named = if let Key::Named(name) = key { model.services.get(&**name) } else { None };
        match named.map(|named| named.ports) {
            Some(Ports::One { protocol: model::Protocol::Udp, .. }) => model.idle_other,
            _ => model.idle_tcp.max(model.idle_other),
        }
    }

    /// Whether a node is dead rather than that it has only stopped to announce something.
    pub(crate) fn has_died(&self, hop: &Hop) -> bool {
        let lost = |address: IpAddr| self.balancer.dead.contains(&address) || self.is_watched_dead(address);
        lost(hop.address) || hop.peer.is_some_and(lost) || self.find_node(hop.address, hop.link, true).is_err()
    }

    /// Whether BFD or probes say that a node does not live any more.
    pub(crate) fn is_watched_dead(&self, address: IpAddr) -> bool {
        let mut bfd = self.paths.sessions_with(address).map(|(_, known)| known).peekable();
        if bfd.peek().is_some() && bfd.all(|known| known.state == State::Down && known.since.is_some()) {
            return true;
        }
        let peer = self.peers.at(address);
        peer.and_then(|peer| self.asked.health(peer.id)).is_some_and(|(health, _)| health == Health::Dead)
    }

    /// Backends that left long ago, or have died since, are nobody's any more.
    pub(super) fn forget_those_who_left(&mut self, at: Moment) {
        let mut services = std::mem::take(&mut self.balancer.services);
        for service in services.values_mut() {
            service.left.retain(|_, (hop, until)| *until > at.instant && !self.has_died(hop));
            service.joined.retain(|_, since| at.instant.saturating_duration_since(*since) < SETTLED);
        }
        services
            .retain(|_, service| service.learned.is_none() || !(service.hops.is_empty() && service.left.is_empty()));
        self.balancer.services = services;
        self.balancer.hops.retain(|hops| Arc::strong_count(hops) > 1);
    }
}
