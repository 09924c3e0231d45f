//! Which block a key belongs to: the lower bounds of all blocks, sorted.
//!
//! Bounds lie side by side in leaves of some hundreds, and the first bound of each leaf in a list of its own, so that a
//! search is two binary searches in memory that stays in the cache. Never looks into a block.

/// Bounds in a full leaf.
const FULL: usize = 256;

/// Some bounds in order, and the places of their blocks.
#[derive(Clone, Debug)]
struct Leaf<K> {
    bounds: Vec<K>,
    places: Vec<u32>,
}

/// The places of blocks by their lower bounds.
#[derive(Clone, Debug)]
pub(super) struct Index<K> {
    /// The first bound of each leaf.
    firsts: Vec<K>,
    /// None is empty.
    leaves: Vec<Leaf<K>>,
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self { firsts: Vec::new(), leaves: Vec::new() }
    }
}

impl<K: Copy + Ord> Index<K> {
    /// The block with the highest lower bound that does not exceed the key.
    pub(super) fn at_or_below(&self, key: K) -> Option<usize> {
        let leaf = self.leaves.get(self.firsts.partition_point(|first| *first <= key).checked_sub(1)?)?;
        leaf.place(leaf.bounds.partition_point(|bound| *bound <= key).checked_sub(1)?)
    }

    /// The block with the highest lower bound below the key.
    pub(super) fn below(&self, key: K) -> Option<usize> {
        let leaf = self.leaves.get(self.firsts.partition_point(|first| *first < key).checked_sub(1)?)?;
        leaf.place(leaf.bounds.partition_point(|bound| *bound < key).checked_sub(1)?)
    }

    /// The block with exactly this lower bound.
    pub(super) fn get(&self, bound: K) -> Option<usize> {
        let (leaf, at) = self.find(bound).ok()?;
        self.leaves.get(leaf)?.place(at)
    }

    /// The places of all blocks from that of a key on, in order.
    pub(super) fn iter_from(&self, key: K) -> impl Iterator<Item = usize> {
        let leaf = self.firsts.partition_point(|first| *first <= key).saturating_sub(1);
        let at = self.leaves.get(leaf).map_or(0, |leaf| leaf.bounds.partition_point(|bound| *bound <= key));
        let places = self.leaves.iter().skip(leaf).flat_map(|leaf| &leaf.places);
        places.skip(at.saturating_sub(1)).map(|place| usize::try_from(*place).unwrap_or(usize::MAX))
    }

    /// The block with this lower bound stands at this place.
    pub(super) fn insert(&mut self, bound: K, place: usize) {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        let (at_leaf, at) = match self.find(bound) {
            Ok((leaf, at)) => {
                if let Some(known) = self.leaves.get_mut(leaf).and_then(|leaf| leaf.places.get_mut(at)) {
                    *known = place;
                }
                return;
            }
            Err(at) => at,
        };
        let Some(leaf) = self.leaves.get_mut(at_leaf) else {
            self.firsts.push(bound);
            self.leaves.push(Leaf { bounds: vec![bound], places: vec![place] });
            return;
        };
        leaf.bounds.insert(at, bound);
        leaf.places.insert(at, place);
        if let Some(first) = self.firsts.get_mut(at_leaf).filter(|_| at == 0) {
            *first = bound;
        }
        if leaf.bounds.len() > FULL {
            let upper = Leaf { bounds: leaf.bounds.split_off(FULL / 2), places: leaf.places.split_off(FULL / 2) };
            let above = at_leaf.saturating_add(1);
            self.firsts.insert(above, upper.bounds.first().copied().unwrap_or(bound));
            self.leaves.insert(above, upper);
        }
    }

    /// There is no block with this lower bound any more.
    pub(super) fn remove(&mut self, bound: K) {
        let Ok((at_leaf, at)) = self.find(bound) else { return };
        let Some(leaf) = self.leaves.get_mut(at_leaf) else { return };
        leaf.bounds.remove(at);
        leaf.places.remove(at);
        match (leaf.bounds.first().copied(), self.firsts.get_mut(at_leaf)) {
            (Some(first), Some(known)) => *known = first,
            _ => {
                self.firsts.remove(at_leaf);
                self.leaves.remove(at_leaf);
            }
        }
    }

    /// The leaf that a bound belongs to, and where in it the bound stands or would stand.
    fn find(&self, bound: K) -> Result<(usize, usize), (usize, usize)> {
        let at_leaf = self.firsts.partition_point(|first| *first <= bound).saturating_sub(1);
        let found = self.leaves.get(at_leaf).map_or(Err(0), |leaf| leaf.bounds.binary_search(&bound));
        found.map(|at| (at_leaf, at)).map_err(|at| (at_leaf, at))
    }
}

impl<K> Leaf<K> {
    fn place(&self, at: usize) -> Option<usize> {
        usize::try_from(*self.places.get(at)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_index_is_what_an_ordered_map_of_the_standard_library_is(
            steps in vec((0_u32..3_000, 0_usize..9, prop::bool::weighted(0.7)), 0..4_000), asked in vec(0_u32..3_100, 50)
        ) {
            let (mut index, mut model) = (Index::default(), BTreeMap::new());
            for (bound, place, add) in steps {
                if add {
                    index.insert(bound, place);
                    model.insert(bound, place);
                } else {
                    index.remove(bound);
                    model.remove(&bound);
                }
            }
            for key in asked {
                let last = |mut range: std::collections::btree_map::Range<'_, u32, usize>| range.next_back().map(|(_, place)| *place);
                prop_assert_eq!(index.get(key), model.get(&key).copied());
                prop_assert_eq!(index.at_or_below(key), last(model.range(..=key)));
                prop_assert_eq!(index.below(key), last(model.range(..key)));
                let from = model.range(..=key).next_back().map_or(0, |(bound, _)| *bound);
                prop_assert!(index.iter_from(key).eq(model.range(from..).map(|(_, place)| *place)));
            }
        }
    }
}
