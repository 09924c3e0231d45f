//! What a group of peers has been told of a family, and what it has to be told yet (Adj-RIB-Out, RFC 4271 §3.2).
//!
//! Peers that hear the same share one of these, and each octet is encoded once for all of them. Of a route it keeps no
//! attributes: a fingerprint of what was told says whether something is news, and the table has the rest. Routes of
//! equal attributes leave together, so an UPDATE carries as many as fit. Nobody hears of its own path, nor of one that
//! holds its AS and would be refused, so octets carry whom they are for. A group may hear of several paths of a prefix,
//! each by its identifier (RFC 7911). Never decides what a peer may hear, and never knows who is in the group.

mod bundle;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::BuildHasher;
use std::ops::ControlFlow;
use std::sync::Arc;

use bgp_wire::Negotiated as Codec;
use bgp_wire::attribute::PathAttributes;
use bgp_wire::message::Nlri;
use foldhash::quality::RandomState;
use nouns::{Asn, Family, Prefix};

use crate::bgp_table::PeerId;
use crate::id_hash::IdHash;
use crate::prefix_table::{PrefixTable, Prefixes, Spot};

pub use bundle::{Audience, Portion};
use bundle::{BundleId, Bundles};
use tally::{Tally, step};

/// What is known of so many prefixes is fetched together.
const AT_ONCE: usize = 16;

/// What shall be told of a prefix.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The attributes as the group hears them.
    pub attributes: Arc<PathAttributes>,
    /// Whose path it is.
    pub from: PeerId,
    /// That peer would take its own path for somebody else's, so it must not hear of it. A path that holds the
    /// peer's AS needs no such care.
    pub own: bool,
    /// The path's attributes as they are used here, where peers hear of no path that holds their AS.
    pub path: Option<Arc<PathAttributes>>,
}

/// What shall become of a prefix that is pending.
#[derive(Clone, Debug)]
pub enum Say {
    /// The group shall know this.
    Tell(Exported),
    /// The group shall know these paths and no others, each by an identifier that is not 0 (RFC 7911 §3).
    Several(Vec<(u32, Exported)>),
    /// The group shall know nothing.
    Nothing,
    /// That is not decided yet; it stays pending.
    Later,
}

/// Who in a group would refuse a path for the AS numbers in it: its external peers by their AS.
pub type Loops = BTreeMap<Asn, Vec<PeerId>>;

/// The routes of a group and family; a new group begins with an empty one.
#[derive(Clone, Debug)]
pub struct AdjOut {
    routes: PrefixTable<Told>,
    /// The paths of each prefix, where the group hears of several: then an entry of `routes` only says that it waits.
    several: PrefixTable<Vec<Named>>,
    queue: VecDeque<Spot>,
    told: usize,
    /// No more routes are told than this.
    at_most: Option<usize>,
    /// What is not told for that.
    left_out: BTreeSet<Prefix>,
    /// How many routes were told of each peer's own paths, those left out that hold its AS.
    own: Tally,
    /// How many routes were told whose paths hold the AS of a peer in the group.
    looped: HashMap<Asn, usize, IdHash>,
    /// Something was told to somebody, ever.
    spoken: bool,
    hasher: RandomState,
}

/// What the group knows of a prefix, or is about to.
#[derive(Clone, Debug, Default)]
struct Told {
    /// Of the attributes that it was told; 0 when those do not count any more.
    fingerprint: u64,
    /// The path that it was told of, where AS numbers in it matter.
    path: Option<Arc<PathAttributes>>,
    /// Whose path that was.
    from: PeerId,
    /// As in `Exported`.
    own: bool,
    /// It was told anything at all.
    told: bool,
    /// Waits in `queue`.
    queued: bool,
    /// It was last offered as unreachable.
    gone: bool,
}

/// What the group knows of one of several paths.
#[derive(Clone, Debug)]
struct Named {
    path_id: u32,
    told: Told,
}

impl Told {
    /// Whether a peer did not hear: the path is its own, or holds its AS.
    fn is_unheard_by(&self, peer: PeerId, asn: Option<Asn>) -> bool {
        let holds = |path: &Arc<PathAttributes>| asn.is_some_and(|asn| path.as_path.contains(asn));
        (self.own && self.from == peer) || self.path.as_ref().is_some_and(holds)
    }

    /// Whether the same peers are counted as not having heard of both.
    fn counts_as(&self, other: &Self) -> bool {
        let paths = match (&self.path, &other.path) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one.as_path == other.as_path,
            (one, other) => one.is_none() && other.is_none(),
        };
        paths && (self.told, self.own, self.from) == (other.told, other.own, other.from)
    }

    /// The peers of the group that did not hear, sorted; the one whose path it is may be somebody else.
    fn deaf(&self, loops: &Loops) -> Arc<[PeerId]> {
        let mut deaf: Vec<PeerId> = self.own.then_some(self.from).into_iter().collect();
        if let Some(path) = self.path.as_ref().filter(|_| !loops.is_empty()) {
            for asn in path.as_path.segments().flat_map(|segment| segment.asns) {
                deaf.extend(loops.get(asn).into_iter().flatten());
            }
        }
        deaf.sort_unstable();
        deaf.dedup();
        deaf.into()
    }
}

impl Default for AdjOut {
    /// As `new`, with prefixes that nobody shares.
    fn default() -> Self {
        Self::new(&Prefixes::default())
    }
}

impl AdjOut {
    /// Nothing was told yet; the prefixes are shared with other tables.
    #[must_use]
    pub fn new(prefixes: &Prefixes) -> Self {
        Self {
            routes: PrefixTable::new(prefixes),
            several: PrefixTable::new(prefixes),
            queue: VecDeque::new(),
            told: 0,
            at_most: None,
            left_out: BTreeSet::new(),
            own: Tally::default(),
            looped: HashMap::default(),
            spoken: false,
            hasher: RandomState::default(),
        }
    }

    /// From now on it is counted how many routes peers of an AS do not hear of; nothing may have been told yet.
    pub fn count_loops_of(&mut self, asn: Asn) {
        self.looped.entry(asn).or_default();
    }

    /// Counts for the peers of another group, too, which knows the same.
    pub fn count_for(&mut self, other: &Self) {
        for (asn, count) in &other.looped {
            self.looped.entry(*asn).or_insert(*count);
        }
    }

    /// The best path of a prefix may have changed. `reachable` tells whether there is one; a prefix that the group
    /// never heard of and that nobody reaches costs nothing.
    pub fn offer(&mut self, spot: impl Into<Spot>, reachable: bool) {
        let known = if reachable { Some(self.routes.find_or_add(spot)) } else { self.routes.find_mut(spot) };
        if let Some((spot, route)) = known {
            route.gone = !reachable;
            if !std::mem::replace(&mut route.queued, true) {
                self.queue.push_back(spot);
            }
        }
    }

    /// No more routes are told than this from now on; those that were told already stay until they are offered again.
    pub fn tell_at_most(&mut self, routes: Option<u32>) {
        self.at_most = routes.map(|routes| usize::try_from(routes).unwrap_or(usize::MAX));
    }

    /// How many prefixes are not told because there are too many.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out.len()
    }

    /// Everything is to be sent again (RFC 2918 §4).
    pub fn refresh(&mut self) {
        let Self { routes, several, queue, .. } = self;
        routes.visit(|spot, route| {
            route.fingerprint = 0;
            several.get_mut(spot).into_iter().flatten().for_each(|named| named.told.fingerprint = 0);
            if !std::mem::replace(&mut route.queued, true) {
                queue.push_back(spot);
            }
            ControlFlow::Continue(())
        });
    }

    /// Encodes what is pending until about `max_octets` are reached: `export` says what the group shall know of a
    /// prefix, `loops` who refuses paths that hold its AS.
    pub fn drain(
        &mut self,
        family: Family,
        (codec, loops): (&Codec, &Loops),
        max_octets: usize,
        mut export: impl FnMut(Spot) -> Say,
    ) -> Vec<Portion> {
        let mut bundles = Bundles::new(loops);
        for turn in 0..self.queue.len() {
            if bundles.octets() >= max_octets {
                break;
            }
            if turn.is_multiple_of(AT_ONCE) {
                self.touch_next();
            }
            let Some(spot) = self.queue.pop_front() else { break };
            // Whoever says what shall be known would look for a path in vain.
            let gone = self.routes.get(spot).is_some_and(|route| route.gone);
            match if gone { Say::Nothing } else { export(spot) } {
                Say::Tell(exported) => self.announce(spot, exported, codec, &mut bundles),
                Say::Several(paths) => self.announce_several(spot, paths, codec, &mut bundles),
                Say::Nothing => self.withdraw(spot, &mut bundles),
                Say::Later => self.queue.push_back(spot),
            }
        }
        if self.queue.is_empty() {
            self.queue.shrink_to(1024);
        }
        let portions = bundles.encode(family, codec);
        self.spoken |= !portions.is_empty();
        portions
    }

    /// Looks at what is known of the prefixes that are next, so that the processor fetches that together.
    fn touch_next(&self) {
        let next = self.queue.iter().take(AT_ONCE).filter_map(|spot| self.routes.get(*spot)?.path.as_ref());
        std::hint::black_box(
            next.fold(0, |all, path| all ^ Arc::strong_count(path) ^ usize::from(path.as_path.is_empty())),
        );
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
    pub fn iter(&self, peer: PeerId, asn: Option<Asn>) -> impl Iterator<Item = Prefix> {
        self.routes.iter().map(|(prefix, _)| prefix).filter(move |prefix| self.knows(peer, asn, *prefix))
    }

    /// Whether a peer of the group knows of a prefix.
    #[must_use]
    pub fn knows(&self, peer: PeerId, asn: Option<Asn>, prefix: Prefix) -> bool {
        let heard = |told: &Told| told.told && !told.is_unheard_by(peer, asn);
        self.routes.get(prefix).is_some_and(heard)
            || self.several.get(prefix).into_iter().flatten().any(|named| heard(&named.told))
    }

    /// Whether a peer of the group knows of a path of a prefix, by its identifier; by 0 where there are none.
    #[must_use]
    pub fn knows_path(&self, peer: PeerId, asn: Option<Asn>, route: Nlri) -> bool {
        let heard = |told: &Told| told.told && !told.is_unheard_by(peer, asn);
        let mut named = self.several.get(route.prefix).into_iter().flatten();
        match route.path_id {
            0 => self.routes.get(route.prefix).is_some_and(heard),
            path_id => named.any(|named| named.path_id == path_id && heard(&named.told)),
        }
    }

    /// How many routes a peer of the group knows, each of several paths counted; constant time.
    #[must_use]
    pub fn len(&self, peer: PeerId, asn: Option<Asn>) -> usize {
        let own = self.own.of(peer);
        let looped = asn.and_then(|asn| self.looped.get(&asn).copied()).unwrap_or(0);
        self.told.saturating_sub(own).saturating_sub(looped)
    }

    /// Nobody in the group knows anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.told == 0
    }

    fn announce(&mut self, spot: Spot, exported: Exported, codec: &Codec, bundles: &mut Bundles<'_>) {
        if self.at_most.is_some() {
            let told = usize::from(self.routes.get(spot).is_some_and(|route| route.told));
            if self.leaves_out(told, 1) {
                return self.leave_out(spot, told, bundles);
            }
        }
        self.left_out.remove(&spot.prefix());
        let Some((now, bundle)) = self.place(exported, codec, bundles) else {
            // Nobody may keep the older route.
            return self.withdraw(spot, bundles);
        };
        let before = std::mem::take(self.routes.entry(spot));
        self.tell(&before, &now, bundle, Nlri { prefix: spot.prefix(), path_id: 0 }, bundles);
        *self.routes.entry(spot) = now;
    }

    /// Paths that were told before and are not among these are withdrawn.
    fn announce_several(&mut self, spot: Spot, paths: Vec<(u32, Exported)>, codec: &Codec, bundles: &mut Bundles<'_>) {
        let told = self.several.get(spot).map_or(0, Vec::len);
        if self.leaves_out(told, paths.len()) {
            return self.leave_out(spot, told, bundles);
        }
        let mut before = self.several.remove(spot).unwrap_or_default();
        self.left_out.remove(&spot.prefix());
        let mut known = Vec::with_capacity(paths.len());
        for (path_id, exported) in paths {
            let older = before.iter().position(|named| named.path_id == path_id).map(|at| before.swap_remove(at).told);
            let older = older.unwrap_or_default();
            match self.place(exported, codec, bundles) {
                Some((told, bundle)) => {
                    self.tell(&older, &told, bundle, Nlri { prefix: spot.prefix(), path_id }, bundles);
                    known.push(Named { path_id, told });
                }
                // Nobody may keep the older route.
                None => self.forget(&older, Nlri { prefix: spot.prefix(), path_id }, bundles),
            }
        }
        for Named { path_id, told } in before {
            self.forget(&told, Nlri { prefix: spot.prefix(), path_id }, bundles);
        }
        if known.is_empty() {
            return self.withdraw(spot, bundles);
        }
        self.several.insert(spot, known);
        *self.routes.entry(spot) = Told::default();
    }

    fn withdraw(&mut self, spot: Spot, bundles: &mut Bundles<'_>) {
        self.left_out.remove(&spot.prefix());
        self.take_back(spot, bundles);
        self.make_use_of_room();
    }

    /// Nobody knows anything of a prefix any more.
    fn take_back(&mut self, spot: Spot, bundles: &mut Bundles<'_>) {
        let several = self.several.remove(spot);
        let Some(route) = self.routes.remove(spot) else { return };
        self.forget(&route, Nlri { prefix: spot.prefix(), path_id: 0 }, bundles);
        for Named { path_id, told } in several.into_iter().flatten() {
            self.forget(&told, Nlri { prefix: spot.prefix(), path_id }, bundles);
        }
    }

    /// Whether so many routes of a prefix are too many, in place of those that were told of it.
    fn leaves_out(&self, told: usize, routes: usize) -> bool {
        self.at_most.is_some_and(|most| self.told.saturating_sub(told).saturating_add(routes) > most)
    }

    /// Nobody hears of a prefix until there is room for it.
    fn leave_out(&mut self, spot: Spot, told: usize, bundles: &mut Bundles<'_>) {
        self.take_back(spot, bundles);
        if told > 0 {
            self.make_use_of_room();
        }
        self.left_out.insert(spot.prefix());
        *self.routes.entry(spot.prefix()) = Told::default();
    }

    /// Where there is room, what was left out waits to be told, the first prefix first.
    fn make_use_of_room(&mut self) {
        if self.at_most.is_none_or(|most| self.told < most)
            && let Some(next) = self.left_out.pop_first()
        {
            self.offer(next, true);
        }
    }

    /// What shall be known of a route, and the bundle that it leaves with; `None` where it fits into no message.
    fn place(&self, exported: Exported, codec: &Codec, bundles: &mut Bundles<'_>) -> Option<(Told, BundleId)> {
        let Exported { attributes, from, own, path } = exported;
        let mut now = Told { fingerprint: 0, path, from, own, told: true, queued: false, gone: false };
        let bundle = bundles.bundle_of(attributes, &now, codec, &self.hasher)?;
        now.fingerprint = bundle.fingerprint;
        Some((now, bundle))
    }

    /// A route takes the place of what was known `before`.
    fn tell(&mut self, before: &Told, now: &Told, bundle: BundleId, route: Nlri, bundles: &mut Bundles<'_>) {
        let same = before.told && before.fingerprint == bundle.fingerprint;
        if !same {
            bundles.announce(bundle, route);
        }
        if !before.counts_as(now) {
            self.count(now, true, bundles);
            if before.told {
                self.count(before, false, bundles);
            }
        }
        if before.told {
            bundles.change_audience(before, bundle, route, same);
        }
    }

    fn forget(&mut self, known: &Told, route: Nlri, bundles: &mut Bundles<'_>) {
        if known.told {
            self.count(known, false, bundles);
            bundles.withdraw(known, route);
        }
    }

    fn count(&mut self, route: &Told, more: bool, bundles: &mut Bundles<'_>) {
        step(&mut self.told, more);
        if route.own {
            self.own.step(route.from, more);
        }
        let Self { looped, .. } = self;
        if let Some(path) = route.path.as_ref().filter(|_| !looped.is_empty()) {
            for asn in bundles.counted(path, |asn| looped.contains_key(&asn)) {
                looped.entry(*asn).and_modify(|count| step(count, more));
            }
        }
    }
}

/// Of attributes as they are told; never 0.
fn fingerprint(attributes: &PathAttributes, hasher: &RandomState) -> u64 {
    hasher.hash_one(attributes).max(1)
}
