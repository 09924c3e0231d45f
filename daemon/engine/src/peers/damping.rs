//! Route flap damping: what an external neighbor says is weighed, and what flaps too much rests (RFC 2439, RFC 7196).
//!
//! A session that ends is no flap: what it said is gone with it, and what it says anew is judged as it was. Never keeps
//! a path: a suppressed one stays in the table as a refused one does.

use std::sync::Arc;
use std::time::Duration;

use config::model::bgp::Dampening;
use nouns::{Family, Prefix};
use rib::bgp_table::{Inserted, PeerId};
use rib::damping::{Damping, Parameters, Route};

use crate::engine::Engine;
use crate::event::Moment;

/// Why a suppressed path is not used.
pub(crate) const SUPPRESSED: &str =
    "route flap damping: it came and went too often and rests; 'show ip bgp dampening dampened-paths' says how long";

impl Engine {
    /// The running model's numbers come in force.
    pub(crate) fn configure_damping(&mut self, at: Moment) {
        for family in Family::ALL {
            // Taken out, because it asks the peers while it changes.
            let mut damping = std::mem::take(self.damping.of_mut(family));
            let free = damping.reconsider(at.instant, |peer| self.dampening_of_peer(peer));
            *self.damping.of_mut(family) = damping;
            self.use_again(family, &free);
        }
    }

    /// By which numbers the routes of a peer are damped: those of external ones are.
    pub(crate) fn damps(&self, id: PeerId) -> Option<Parameters> {
        let external = self.peers.get(id).and_then(|peer| peer.known).is_some_and(|(_, internal)| !internal);
        external.then(|| self.dampening_of_peer(id)).flatten()
    }

    /// What is configured for a peer, whether it is there or not.
    fn dampening_of_peer(&self, id: PeerId) -> Option<Parameters> {
        let (bgp, peer) = (self.running.model.bgp.as_deref()?, self.peers.get(id)?);
        bgp.dampening_of(&peer.settings).map(parameters)
    }

    /// A damped peer took a path back that was there.
    pub(crate) fn flapped(&mut self, at: Moment, family: Family, route: Route, parameters: Parameters) {
        self.damping.of_mut(family).withdrawn(route, at.instant, parameters);
    }

    /// What a damped peer announces goes into the table as it was judged, or as one that rests.
    pub(crate) fn weighed(
        &mut self,
        at: Moment,
        family: Family,
        (route, parameters): (Route, Parameters),
        inserted: &Inserted,
    ) -> Option<Inserted> {
        let mut paths = self.tables.of(family).paths(route.0).iter();
        let before = paths.find(|path| path.key() == route.1);
        let changed = before.is_some_and(|path| !same(path.received(), inserted.received()));
        let rests = self.damping.of_mut(family).announced(route, at.instant, parameters, changed);
        rests.then(|| inserted.refused(SUPPRESSED.into()))
    }

    /// Routes that rested long enough are used again; others are forgotten.
    pub(crate) fn end_rests(&mut self, at: Moment) {
        for family in Family::ALL {
            let free = self.damping.of_mut(family).take_due(at.instant);
            self.use_again(family, &free);
        }
    }

    /// `clear ip bgp dampening`: what flapped is forgotten.
    pub(crate) fn forget_flaps(&mut self, family: Family, within: Option<Prefix>) {
        let meant = |(prefix, _): &Route| within.is_none_or(|within| within.covers(*prefix));
        let free = self.damping.of_mut(family).forget(meant);
        self.use_again(family, &free);
    }

    /// A peer is nobody's any more, and what it did is forgotten.
    pub(crate) fn forget_flaps_of(&mut self, peer: PeerId) {
        for family in Family::ALL {
            self.damping.of_mut(family).forget(|(_, key)| key.peer == peer);
        }
    }

    fn use_again(&mut self, family: Family, routes: &[Route]) {
        for (prefix, key) in routes {
            self.judge_again(family, *prefix, |path| path.key() == *key);
        }
    }
}

fn same<T: PartialEq>(one: &Arc<T>, other: &Arc<T>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}

fn parameters(wish: Dampening) -> Parameters {
    let minutes = |minutes: u8| Duration::from_secs(60 * u64::from(minutes));
    Parameters {
        half_life: minutes(wish.half_life),
        reuse: u32::from(wish.reuse),
        suppress: u32::from(wish.start_suppress),
        max_suppress: minutes(wish.max_suppress),
    }
}

/// What flapped, in each family.
#[derive(Debug, Default)]
pub(crate) struct Dampings {
    ipv4: Damping,
    ipv6: Damping,
}

impl Dampings {
    /// A path that is judged again rests on.
    pub(super) fn still_rests(&self, family: Family, route: Route, inserted: &Inserted) -> Option<Inserted> {
        self.of(family).is_suppressed(route).then(|| inserted.refused(SUPPRESSED.into()))
    }

    /// One family's.
    pub(crate) fn of(&self, family: Family) -> &Damping {
        match family {
            Family::Ipv4Unicast => &self.ipv4,
            Family::Ipv6Unicast => &self.ipv6,
        }
    }

    fn of_mut(&mut self, family: Family) -> &mut Damping {
        match family {
            Family::Ipv4Unicast => &mut self.ipv4,
            Family::Ipv6Unicast => &mut self.ipv6,
        }
    }

    /// When something is due.
    pub(crate) fn deadline(&self) -> Option<std::time::Instant> {
        self.ipv4.deadline().into_iter().chain(self.ipv6.deadline()).min()
    }
}
