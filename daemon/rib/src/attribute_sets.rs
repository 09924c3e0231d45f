//! One copy of each set of path attributes, however many routes and messages carry it.
//!
//! A node that announces a thousand services says the same attributes a thousand times, each in a message of
//! its own. Sets that no route holds any more are let go in passing, so that flaps leave nothing behind.
//! Never changes a set and never knows which route holds it.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bgp_wire::attribute::PathAttributes;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Parts of the store. Each grows and is swept alone, so that no route waits for a million sets to be gone through.
const SHARDS: usize = 64;
/// How finely hashes are divided among them.
const SLICES: usize = 4096;
/// A shard is swept when it has doubled since the last time, but not below this size.
const SMALLEST_SWEEP: usize = 16;
/// So many sets are all looked at to count what differs.
const COUNTED: usize = 16_384;
/// Of more sets, so many tell: each lies elsewhere in the memory.
const SAMPLED: usize = 4_096;
/// What they tell holds until so many sets more are new that they are one in this many of all.
const OUTDATED: u64 = 8;

/// The distinct attribute sets in use.
#[derive(Debug)]
pub struct AttributeSets {
    /// Peers choose what is hashed, so the hash has a key of its own.
    hash: RandomState,
    /// Several may ask for a set at the same time; whoever owns the store does not wait.
    shards: Box<[Mutex<Shard>]>,
    /// The shard of each slice of hashes.
    shard_of: Box<[usize]>,
    /// Routes that have let go of a set a moment ago: whoever was told of them may still hold it.
    fresh: usize,
    /// Routes that have let go of a set, and have not yet paid for a sweep.
    released: usize,
    /// The shard that [`AttributeSets::take_due`] names next.
    next: usize,
    /// What was found when what differs was counted last: somebody may ask every moment while much is going on.
    found: Mutex<Found>,
}

/// What some sets tell of all.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    looked_at: usize,
    as_paths: usize,
    community_lists: usize,
    /// How many sets had ever been new by then.
    made: u64,
}

/// A part of the store that somebody has to sweep.
#[derive(Debug)]
pub struct Due(usize);

/// How much attribute sets differ: exact up to 16,384 of them, estimates above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variety {
    /// Distinct AS paths.
    pub as_paths: usize,
    /// Distinct lists of communities, the empty one left out.
    pub community_lists: usize,
}

/// The sets with the same bits in their hash.
#[derive(Debug, Default)]
struct Shard {
    /// Eight octets a set; each bears its hash.
    sets: HashTable<Arc<PathAttributes>>,
    /// How many the last sweep left.
    swept: usize,
    /// How many were ever new here.
    made: u64,
}

impl Default for AttributeSets {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let hash = RandomState::default();
        Self { hash, shards, shard_of: unequal_shards(), fresh: 0, released: 0, next: 0, found: Mutex::default() }
    }
}

impl AttributeSets {
    /// The one copy that equals the given set: an older one, or this one from now on.
    pub fn intern(&mut self, attributes: Arc<PathAttributes>) -> Arc<PathAttributes> {
        let (hash, shard) = self.place(&attributes);
        match self.shards.get_mut(shard) {
            Some(shard) => owned(shard).intern(hash, attributes),
            None => attributes,
        }
    }

    /// As `intern`, while others do the same.
    #[must_use]
    pub fn intern_beside(&self, attributes: Arc<PathAttributes>) -> Arc<PathAttributes> {
        let (hash, shard) = self.place(&attributes);
        match self.shards.get(shard) {
            Some(shard) => locked(shard).intern(hash, attributes),
            None => attributes,
        }
    }

    /// Somebody holds sets no longer, while others look for theirs. Those of which nobody else holds one go at once and not
    /// with the next sweep: where many become others, the next ones find their room still in the cache. The sets of a shard
    /// go together, so that each shard is taken from the others once.
    pub fn let_go_beside(&self, held: &mut Vec<Arc<PathAttributes>>) {
        let of_two = |set: &Arc<PathAttributes>| Arc::strong_count(set) <= 2;
        held.retain(of_two);
        held.sort_unstable_by_key(|set| self.shard(noted(set)));
        for sets in held.chunk_by(|one, other| self.shard(noted(one)) == self.shard(noted(other))) {
            let Some(shard) = sets.first().and_then(|set| self.shards.get(self.shard(noted(set)))) else { continue };
            let mut shard = locked(shard);
            for set in sets {
                let place = shard.sets.find_entry(noted(set), |known| Arc::ptr_eq(known, set));
                // Who has none yet gets one from here alone, so nobody can come between.
                if let Some(place) = place.ok().filter(|_| of_two(set)) {
                    place.remove();
                }
            }
        }
        held.clear();
    }

    /// The hash of a set, and the shard that it belongs to.
    fn place(&self, attributes: &PathAttributes) -> (u64, usize) {
        // A set that bears no note has hash 0 as little.
        let hash = self.hash.hash_one(attributes).max(1);
        (hash, self.shard(hash))
    }

    /// The shard of a hash.
    fn shard(&self, hash: u64) -> usize {
        let slice = usize::try_from(hash >> 40).unwrap_or(0) % SLICES;
        self.shard_of.get(slice).copied().unwrap_or(0)
    }

    /// So many routes have let go of their sets: about as many sets are to be looked at, whether anybody still holds them.
    /// That pays for a sweep once that is `ripen`ed.
    pub fn released(&mut self, routes: usize) {
        self.fresh = self.fresh.saturating_add(routes);
    }

    /// Whoever was told of the routes that have let go of their sets has heard that they are gone.
    pub fn ripen(&mut self) {
        self.released = self.released.saturating_add(std::mem::take(&mut self.fresh));
    }

    /// How many routes have let go of sets and can pay for a sweep.
    #[must_use]
    pub fn released_by(&self) -> usize {
        self.released
    }

    /// The parts that those who have let go of sets have paid for; none where that is not enough.
    pub fn take_due(&mut self) -> Vec<Due> {
        let mut due = Vec::new();
        while due.len() < SHARDS {
            let Some(shard) = self.shards.get_mut(self.next).map(owned) else { return due };
            let price = shard.sets.len().max(SMALLEST_SWEEP);
            let Some(rest) = self.released.checked_sub(price) else { return due };
            self.released = rest;
            due.push(Due(self.next));
            self.next = self.next.wrapping_add(1) % SHARDS;
        }
        // A whole round finds all there is.
        self.released = 0;
        due
    }

    /// Lets go of every set of a part that nobody else holds, while others look for theirs.
    pub fn sweep_beside(&self, due: &Due) {
        if let Some(shard) = self.shards.get(due.0) {
            locked(shard).sweep();
        }
    }

    /// Lets go of every set that nobody else holds.
    pub fn sweep(&mut self) {
        self.shards.iter_mut().map(owned).for_each(Shard::sweep);
    }

    /// How many distinct sets are kept; some may be unused until the next sweep.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| locked(shard).sets.len()).sum()
    }

    /// Whether no set is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much they differ.
    #[must_use]
    pub fn variety(&self) -> Variety {
        let len = self.len();
        let Found { looked_at, as_paths, community_lists, .. } = self.found(len);
        let of_all = |found: usize| found.saturating_mul(len).checked_div(looked_at).unwrap_or(0);
        Variety { as_paths: of_all(as_paths), community_lists: of_all(community_lists) }
    }

    /// What some or all of the sets tell. A hash decides which shard a set is in, so that any of them are a fair sample.
    fn found(&self, len: usize) -> Found {
        let made: u64 = self.shards.iter().map(|shard| locked(shard).made).sum();
        let mut known = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let since = made.saturating_sub(known.made);
        let holds = len > COUNTED && known.looked_at == SAMPLED;
        if holds && since < u64::try_from(len).unwrap_or(u64::MAX) / OUTDATED {
            return *known;
        }
        let looked_at = if len > COUNTED { SAMPLED } else { len };
        let (mut as_paths, mut lists, mut left) = (Hashes::default(), Hashes::default(), looked_at);
        for shard in &self.shards {
            let shard = locked(shard);
            for set in shard.sets.iter().take(left) {
                as_paths.insert(self.hash.hash_one(&set.as_path));
                if !set.communities.is_empty() {
                    lists.insert(self.hash.hash_one(&set.communities));
                }
            }
            left = left.saturating_sub(shard.sets.len());
        }
        *known = Found { looked_at, as_paths: as_paths.len(), community_lists: lists.len(), made };
        *known
    }
}

/// Hashes of what was found.
type Hashes = HashSet<u64, RandomState>;

/// A shard that nobody else can look at.
fn owned(shard: &mut Mutex<Shard>) -> &mut Shard {
    shard.get_mut().unwrap_or_else(PoisonError::into_inner)
}

/// A shard, once nobody else looks at it. A set goes in as a whole or not at all, whatever became of others.
fn locked(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The hash that a set of the store bears.
fn noted(set: &Arc<PathAttributes>) -> u64 {
    set.keep.noted().unwrap_or(0)
}

impl Shard {
    fn intern(&mut self, hash: u64, attributes: Arc<PathAttributes>) -> Arc<PathAttributes> {
        let is_it =
            |set: &Arc<PathAttributes>| Arc::ptr_eq(set, &attributes) || (noted(set) == hash && **set == *attributes);
        if let Some(known) = self.sets.find(hash, is_it) {
            return Arc::clone(known);
        }
        if self.sets.len() >= self.swept.saturating_mul(2).max(SMALLEST_SWEEP) {
            self.sweep();
        }
        let mut attributes = attributes;
        if !attributes.keep.note(hash) {
            // Another store keeps it.
            attributes = Arc::new(PathAttributes::clone(&attributes));
            let _ = attributes.keep.note(hash);
        }
        self.sets.insert_unique(hash, Arc::clone(&attributes), noted);
        self.made = self.made.wrapping_add(1);
        attributes
    }

    /// Lets go of sets that nobody else holds, and of the room that they took.
    fn sweep(&mut self) {
        self.sets.retain(|set| Arc::strong_count(set) > 1);
        self.swept = self.sets.len();
        if self.swept < self.sets.capacity() / 4 {
            self.sets.shrink_to(self.swept.saturating_mul(2), noted);
        }
    }
}

/// Shards of sizes between one and two: equal ones would all be full, and grow, at the same moment.
fn unequal_shards() -> Box<[usize]> {
    let mut shards = Vec::with_capacity(SLICES);
    let mut shard = 0;
    for slice in 0..SLICES {
        // Shard n ends where the slices are 2^((n+1)/SHARDS) - 1 of all.
        while shard_end(shard) <= slice && shard < SHARDS - 1 {
            shard += 1;
        }
        shards.push(shard);
    }
    shards.into()
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers below ten thousand"
)]
fn shard_end(shard: usize) -> usize {
    let share = ((shard + 1) as f64 / SHARDS as f64).exp2() - 1.0;
    (share * SLICES as f64) as usize
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use bgp_wire::attribute::Origin;
    use nouns::Asn;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn set(med: u32, asn: u32) -> Arc<PathAttributes> {
        let mut attributes = PathAttributes::new(Origin::Igp, "192.0.2.1".parse().unwrap());
        attributes.med = Some(med);
        attributes.as_path.prepend(Asn(asn));
        Arc::new(attributes)
    }

    fn sweep_due(sets: &mut AttributeSets) {
        sets.ripen();
        sets.take_due().iter().for_each(|due| sets.sweep_beside(due));
    }

    #[test]
    fn shards_differ_in_size_so_that_they_grow_one_after_the_other() {
        let of = unequal_shards();
        let mut sizes = vec![0_usize; SHARDS];
        of.iter().for_each(|shard| *sizes.get_mut(*shard).unwrap() += 1);
        let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
        assert!(*least > 0 && *most * 10 > *least * 18 && *most * 10 < *least * 22, "{sizes:?}");
    }

    #[test]
    fn equal_sets_are_one_and_different_ones_are_not() {
        let mut sets = AttributeSets::default();
        let first = sets.intern(set(1, 64513));
        assert!(Arc::ptr_eq(&first, &sets.intern(set(1, 64513))));
        assert!(!Arc::ptr_eq(&first, &sets.intern(set(2, 64513))));
        assert_eq!((sets.len(), sets.variety()), (2, Variety { as_paths: 1, community_lists: 0 }));
    }

    #[test]
    fn a_set_that_nobody_holds_goes_with_the_next_sweep() {
        let mut sets = AttributeSets::default();
        let held = sets.intern(set(1, 64513));
        drop(sets.intern(set(2, 64514)));
        sets.sweep();
        assert_eq!((sets.len(), sets.variety().as_paths), (1, 1));
        assert!(Arc::ptr_eq(&held, &sets.intern(set(1, 64513))));
    }

    #[test]
    fn a_set_that_its_last_holder_lets_go_of_goes_at_once_and_one_that_others_hold_stays() {
        let (mut sets, mut other) = (AttributeSets::default(), AttributeSets::default());
        let held = sets.intern(set(1, 64513));
        sets.let_go_beside(&mut vec![Arc::clone(&held), set(1, 64513)]);
        other.let_go_beside(&mut vec![Arc::clone(&held)]);
        assert_eq!(sets.len(), 1);
        let theirs = other.intern(set(1, 64513));
        sets.let_go_beside(&mut vec![theirs]);
        assert_eq!((sets.len(), other.len()), (1, 1));
        let (more, last) = (sets.intern(set(2, 64513)), sets.intern(set(3, 64513)));
        let mut left = vec![held, Arc::clone(&more), last];
        sets.let_go_beside(&mut left);
        assert_eq!((sets.len(), left), (1, Vec::new()), "the one that is held");
        drop(more);
    }

    #[test]
    fn flaps_leave_nothing_behind() {
        let mut sets = AttributeSets::default();
        for med in 0..100_000 {
            drop(sets.intern(set(med, 64513)));
        }
        assert!(sets.len() <= SHARDS * SMALLEST_SWEEP, "{} sets are kept for no route", sets.len());
    }

    #[test]
    fn a_table_that_is_withdrawn_leaves_nothing_behind() {
        let mut sets = AttributeSets::default();
        let mut held: Vec<_> = (0..50_000).map(|med| sets.intern(set(med, 64513))).collect();
        while held.pop().is_some() {
            // As usual, each set had four routes.
            sets.released(4);
            sweep_due(&mut sets);
        }
        assert!(sets.len() <= SHARDS * SMALLEST_SWEEP, "{} sets are kept for no route", sets.len());
    }

    #[test]
    fn what_differs_is_counted_and_beyond_a_limit_estimated() {
        let mut sets = AttributeSets::default();
        let held: Vec<_> = (0..3000).map(|med| sets.intern(set(med, 64513 + med % 700))).collect();
        assert_eq!((held.len(), sets.len(), sets.variety().as_paths), (3000, 3000, 700));
        let more: Vec<_> = (0..150_000).map(|asn| sets.intern(set(0, 100_000 + asn))).collect();
        let expect = more.len() + 700;
        let told = sets.variety().as_paths;
        assert!(told.abs_diff(expect) < expect / 20, "{told} AS paths are told, there are {expect}");
        // Others take their place: what was found does not hold for ever.
        drop((held, more));
        let few: Vec<_> = (0..150_000).map(|med| sets.intern(set(med, 64513 + med % 7))).collect();
        sets.sweep();
        let told = sets.variety().as_paths;
        assert!(told * 100 < few.len(), "{told} AS paths are told, there are 7");
    }

    proptest! {
        #[test]
        fn the_store_is_a_set_of_what_is_held(steps in vec((0_u32..40, 0_u32..3, any::<bool>()), 0..400)) {
            let mut sets = AttributeSets::default();
            let mut held: Vec<Arc<PathAttributes>> = Vec::new();
            for (med, asn, keep) in steps {
                let one = sets.intern(set(med, 64513 + asn));
                prop_assert_eq!(&one, &set(med, 64513 + asn));
                let before = held.iter().find(|other| **other == one);
                prop_assert!(before.is_none_or(|other| Arc::ptr_eq(other, &one)));
                if keep {
                    held.push(one);
                } else if held.pop().is_some() {
                    sets.released(1);
                    sweep_due(&mut sets);
                }
            }
            sets.sweep();
            held.sort_unstable();
            held.dedup();
            prop_assert_eq!(sets.len(), held.len());
        }
    }
}
