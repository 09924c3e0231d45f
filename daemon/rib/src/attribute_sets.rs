//! One copy of each set of path attributes, however many routes and messages carry it.
//!
//! A node that announces a thousand services says the same attributes a thousand times, each in a message of
//! its own. Sets that no route holds any more are let go in passing, so that flaps leave nothing behind.
//! Never changes a set and never knows which route holds it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bgp_wire::attribute::{AsPath, PathAttributes, ThinVec};

/// The store is swept when it has doubled since the last time, but not below this size.
const SMALLEST_SWEEP: usize = 1024;

/// The distinct attribute sets in use.
#[derive(Debug)]
pub struct AttributeSets {
    sets: HashSet<Arc<PathAttributes>>,
    as_paths: HashMap<AsPath, usize>,
    communities: HashMap<ThinVec<u32>, usize>,
    sweep_at: usize,
}

impl Default for AttributeSets {
    fn default() -> Self {
        Self { sets: HashSet::new(), as_paths: HashMap::new(), communities: HashMap::new(), sweep_at: SMALLEST_SWEEP }
    }
}

impl AttributeSets {
    /// The one copy that equals the given set: an older one, or this one from now on.
    pub fn intern(&mut self, attributes: Arc<PathAttributes>) -> Arc<PathAttributes> {
        if let Some(known) = self.sets.get(&attributes) {
            return Arc::clone(known);
        }
        if self.sets.len() >= self.sweep_at {
            self.sweep();
        }
        count(&mut self.as_paths, &attributes.as_path);
        count(&mut self.communities, &attributes.communities);
        self.sets.insert(Arc::clone(&attributes));
        attributes
    }

    /// Lets go of sets that nobody else holds.
    pub fn sweep(&mut self) {
        let Self { sets, as_paths, communities, .. } = self;
        sets.retain(|set| {
            let held = Arc::strong_count(set) > 1;
            if !held {
                discount(as_paths, &set.as_path);
                discount(communities, &set.communities);
            }
            held
        });
        self.sweep_at = self.sets.len().saturating_mul(2).max(SMALLEST_SWEEP);
    }

    /// How many distinct sets are kept; some may be unused until the next sweep.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// Whether no set is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// How many distinct AS paths they have.
    #[must_use]
    pub fn as_paths(&self) -> usize {
        self.as_paths.len()
    }

    /// How many distinct lists of communities they have, the empty one left out.
    #[must_use]
    pub fn community_lists(&self) -> usize {
        self.communities.keys().filter(|list| !list.is_empty()).count()
    }
}

fn count<K: Clone + Eq + std::hash::Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    match counts.get_mut(key) {
        Some(count) => *count = count.saturating_add(1),
        None => _ = counts.insert(key.clone(), 1),
    }
}

fn discount<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use bgp_wire::attribute::Origin;
    use nouns::Asn;

    use super::*;

    fn set(med: u32, asn: u32) -> Arc<PathAttributes> {
        let mut attributes = PathAttributes::new(Origin::Igp, "192.0.2.1".parse().unwrap());
        attributes.med = Some(med);
        attributes.as_path.prepend(Asn(asn));
        Arc::new(attributes)
    }

    #[test]
    fn equal_sets_are_one_and_different_ones_are_not() {
        let mut sets = AttributeSets::default();
        let first = sets.intern(set(1, 64513));
        assert!(Arc::ptr_eq(&first, &sets.intern(set(1, 64513))));
        assert!(!Arc::ptr_eq(&first, &sets.intern(set(2, 64513))));
        assert_eq!((sets.len(), sets.as_paths(), sets.community_lists()), (2, 1, 0));
    }

    #[test]
    fn a_set_that_nobody_holds_goes_with_the_next_sweep() {
        let mut sets = AttributeSets::default();
        let held = sets.intern(set(1, 64513));
        drop(sets.intern(set(2, 64514)));
        sets.sweep();
        assert_eq!((sets.len(), sets.as_paths()), (1, 1));
        assert!(Arc::ptr_eq(&held, &sets.intern(set(1, 64513))));
    }

    #[test]
    fn flaps_leave_nothing_behind() {
        let mut sets = AttributeSets::default();
        for med in 0..100_000 {
            drop(sets.intern(set(med, 64513)));
        }
        assert!(sets.len() <= SMALLEST_SWEEP, "{} sets are kept for no route", sets.len());
    }
}
