//! What a group of peers has been told of a family, and what it has to be told yet (Adj-RIB-Out, RFC 4271 §3.2).
//!
//! Peers that hear the same share one of these, and each octet is encoded once for all of them. Of a route it keeps no
//! attributes: a fingerprint of what was told says whether something is news, and the table has the rest. Routes of
//! equal attributes leave together, so an UPDATE carries as many as fit. Nobody hears of its own path, so octets carry
//! whom they are for. Never decides what a peer may hear, and never knows who is in the group.

mod bundle;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bgp_wire::Negotiated as Codec;
use bgp_wire::attribute::PathAttributes;
use nouns::{Family, Prefix};

use crate::bgp_table::PeerId;
use crate::id_hash::IdHash;
use crate::prefix_map::PrefixMap;

use bundle::Bundles;
pub use bundle::{Audience, Portion};

/// What shall be told of a prefix.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The attributes as the group hears them.
    pub attributes: Arc<PathAttributes>,
    /// Whose path it is, and who therefore does not hear of it.
    pub from: PeerId,
}

/// The routes of a group and family; a new group begins with an empty one.
#[derive(Clone, Debug, Default)]
pub struct AdjOut {
    routes: PrefixMap<Told>,
    queue: VecDeque<Prefix>,
    /// How many routes were told of each peer's paths.
    of: HashMap<PeerId, usize, IdHash>,
    told: usize,
    /// Something was told to somebody, ever.
    spoken: bool,
    hasher: RandomState,
}

/// What the group knows of a prefix, or is about to.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// Of the attributes that it was told; 0 when those do not count any more.
    fingerprint: u64,
    /// Whose path it was told of.
    from: PeerId,
    /// It was told anything at all.
    told: bool,
    /// Waits in `queue`.
    queued: bool,
}

impl AdjOut {
    /// The best path of a prefix may have changed. `reachable` tells whether there is one; a prefix that the group
    /// never heard of and that nobody reaches costs nothing.
    pub fn offer(&mut self, prefix: Prefix, reachable: bool) {
        let known = if reachable { Some(self.routes.entry(prefix)) } else { self.routes.get_mut(prefix) };
        if let Some(route) = known
            && !std::mem::replace(&mut route.queued, true)
        {
            self.queue.push_back(prefix);
        }
    }

    /// Everything is to be sent again (RFC 2918 §4).
    pub fn refresh(&mut self) {
        for (prefix, route) in self.routes.iter_mut() {
            route.fingerprint = 0;
            if !std::mem::replace(&mut route.queued, true) {
                self.queue.push_back(prefix);
            }
        }
    }

    /// Encodes what is pending until about `max_octets` are reached: `export` says what the group shall know of a
    /// prefix, `None` that it shall know nothing.
    pub fn drain(
        &mut self,
        family: Family,
        codec: &Codec,
        max_octets: usize,
        mut export: impl FnMut(Prefix) -> Option<Exported>,
    ) -> Vec<Portion> {
        let mut bundles = Bundles::default();
        while bundles.octets() < max_octets
            && let Some(prefix) = self.queue.pop_front()
        {
            match export(prefix) {
                Some(exported) => self.announce(prefix, &exported, codec, &mut bundles),
                None => self.withdraw(prefix, &mut bundles),
            }
        }
        if self.queue.is_empty() {
            self.queue.shrink_to(1024);
        }
        let portions = bundles.encode(family, codec);
        self.spoken |= !portions.is_empty();
        portions
    }

    /// Nothing is pending.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many prefixes are pending.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// Nothing was ever told: a peer that knows nothing may join.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        !self.spoken
    }

    /// The prefixes that a peer of the group knows, in the order in which they are shown.
    pub fn iter(&self, peer: PeerId) -> impl Iterator<Item = Prefix> {
        self.routes.iter().filter(move |(_, route)| route.told && route.from != peer).map(|(prefix, _)| prefix)
    }

    /// Whether a peer of the group knows of a prefix.
    #[must_use]
    pub fn knows(&self, peer: PeerId, prefix: Prefix) -> bool {
        self.routes.get(prefix).is_some_and(|route| route.told && route.from != peer)
    }

    /// How many routes a peer of the group knows; constant time.
    #[must_use]
    pub fn len(&self, peer: PeerId) -> usize {
        self.told.saturating_sub(self.of.get(&peer).copied().unwrap_or(0))
    }

    /// Nobody in the group knows anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.told == 0
    }

    fn announce(&mut self, prefix: Prefix, exported: &Exported, codec: &Codec, bundles: &mut Bundles) {
        let from = exported.from;
        let Some(bundle) = bundles.bundle_of(exported, codec, &self.hasher) else {
            // Nobody may keep the older route.
            return self.withdraw(prefix, bundles);
        };
        let route = self.routes.entry(prefix);
        route.queued = false;
        let before = *route;
        *route = Told { fingerprint: bundle.fingerprint, from, told: true, queued: false };
        if before.told && before.fingerprint == bundle.fingerprint {
            // The same words from somebody else are news only to the two who did not hear, or no longer shall.
            if before.from != from {
                bundles.announce_to(before.from, bundle, prefix);
                bundles.withdraw_from(from, prefix);
            }
        } else {
            bundles.announce(bundle, prefix);
            if before.told && before.from != from {
                bundles.withdraw_from(from, prefix);
            }
        }
        if before.told {
            self.count(before.from, false);
        }
        self.count(from, true);
    }

    fn withdraw(&mut self, prefix: Prefix, bundles: &mut Bundles) {
        let Some(route) = self.routes.remove(prefix) else { return };
        if route.told {
            self.count(route.from, false);
            bundles.withdraw(route.from, prefix);
        }
    }

    fn count(&mut self, from: PeerId, more: bool) {
        let of = self.of.entry(from).or_default();
        if more {
            *of = of.saturating_add(1);
            self.told = self.told.saturating_add(1);
            return;
        }
        *of = of.saturating_sub(1);
        self.told = self.told.saturating_sub(1);
        if *of == 0 {
            self.of.remove(&from);
        }
    }
}

/// Of attributes as they are told; never 0.
fn fingerprint(attributes: &PathAttributes, hasher: &RandomState) -> u64 {
    hasher.hash_one(attributes).max(1)
}
