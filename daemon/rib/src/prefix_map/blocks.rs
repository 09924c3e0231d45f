//! Sorted entries in blocks, and an index of the blocks.
//!
//! Every key belongs to exactly one block: the one with the highest lower bound that does not exceed it. Full blocks
//! are split, sparse ones join a neighbor. A block that is filled in order is left full, because a table that arrives
//! sorted never comes back to it. Never keeps an empty block beside another one.

mod shelf;

use std::cell::Cell;

use nouns::Prefix;

use super::Packed;
use super::index::Index;
pub(crate) use shelf::{AT_ONCE, Shelf};

/// Entries in a full block.
const FULL: usize = 64;
/// A block with fewer joins a neighbor that has room.
const SPARSE: usize = FULL / 4;
/// Two blocks that join have at most so many together, so that the next insertion does not split them again.
const JOINED: usize = FULL / 4 * 3;
/// A sparse block looks for room each time that it has lost so many.
const ASKS: usize = SPARSE / 4;
/// How much room a block gains at a time.
const GROWTH: usize = 8;

/// Entries whose keys lie between two bounds.
#[derive(Clone, Debug)]
struct Block<K: Packed, V> {
    /// The lowest key that may stand here; the block's key in the index.
    low: K,
    /// The lower bound of the next block.
    high: Option<K>,
    keys: Vec<K::Kept>,
    values: Vec<V>,
}

/// A map of one family.
#[derive(Clone, Debug)]
pub(crate) struct Blocks<K: Packed, V> {
    blocks: Vec<Block<K, V>>,
    /// Places in `blocks` by lower bound.
    index: Index<K>,
    /// The place of the block that was used last, and the index of the entry in it.
    cursor: Cell<(usize, usize)>,
    len: usize,
}

impl<K: Packed, V> Default for Blocks<K, V> {
    fn default() -> Self {
        Self { blocks: Vec::new(), index: Index::default(), cursor: Cell::new((0, 0)), len: 0 }
    }
}

impl<K: Packed, V> Block<K, V> {
    fn covers(&self, key: K) -> bool {
        self.low <= key && self.high.is_none_or(|high| key < high)
    }

    /// Where a key stands, or would: what comes in order stands behind the last entry that was used, or in its place.
    fn search(&self, key: K, last: usize) -> Result<usize, usize> {
        let next = last.saturating_add(1);
        if self.key(next) == Some(key) {
            return Ok(next);
        }
        if self.key(last) == Some(key) {
            return Ok(last);
        }
        self.search_all(key)
    }

    /// As `search`, where nothing is known of the last use.
    fn search_all(&self, key: K) -> Result<usize, usize> {
        self.keys.binary_search_by_key(&key, |kept| K::kept(*kept))
    }

    fn key(&self, at: usize) -> Option<K> {
        self.keys.get(at).copied().map(K::kept)
    }

    fn insert(&mut self, at: usize, key: K, value: V) {
        if self.keys.len() == self.keys.capacity() {
            let room = if self.keys.is_empty() { GROWTH / 2 } else { GROWTH };
            self.keys.reserve_exact(room);
            self.values.reserve_exact(room);
        }
        self.keys.insert(at, key.keep());
        self.values.insert(at, value);
    }

    /// Gives memory back once most of it is unused.
    fn shrink(&mut self) {
        if self.keys.len().saturating_mul(4) < self.keys.capacity() {
            self.keys.shrink_to_fit();
            self.values.shrink_to_fit();
        }
    }
}

impl<K: Packed, V> Blocks<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[cfg(test)]
    pub(super) fn block_count(&self) -> usize {
        self.blocks.len()
    }

    pub(crate) fn find(&self, key: K) -> Option<&V> {
        let (place, at) = self.locate(key)?;
        self.blocks.get(place)?.values.get(at.ok()?)
    }

    /// As `find`, where the key stands behind the one that was used last, in the same block.
    pub(crate) fn find_next(&self, key: K) -> Option<&V> {
        let (place, last) = self.cursor.get();
        let (next, block) = (last.saturating_add(1), self.blocks.get(place)?);
        if block.key(next) != Some(key) {
            return None;
        }
        self.cursor.set((place, next));
        block.values.get(next)
    }

    /// What is there, to be searched by several at the same time.
    pub(crate) fn shelf(&self) -> Shelf<'_, K, V> {
        Shelf::new(&self.blocks, &self.index)
    }

    pub(super) fn find_mut(&mut self, key: K) -> Option<&mut V> {
        let (place, at) = self.locate(key)?;
        self.blocks.get_mut(place)?.values.get_mut(at.ok()?)
    }

    /// Puts in a key that is not there.
    pub(crate) fn add_new(&mut self, key: K, value: V) {
        let (place, at) = self.locate_or_first(key);
        if let Err(at) = at {
            self.insert(place, at, key, value);
        }
    }

    pub(super) fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> Option<V>) -> Option<&mut V> {
        let (place, found) = self.locate_or_first(key);
        let at = match found {
            Ok(at) => return self.blocks.get_mut(place)?.values.get_mut(at),
            Err(at) => at,
        };
        let (place, at) = self.insert(place, at, key, make()?);
        self.blocks.get_mut(place)?.values.get_mut(at)
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        let (place, at) = self.locate(key)?;
        let (at, block) = (at.ok()?, self.blocks.get_mut(place)?);
        block.keys.remove(at);
        let value = block.values.remove(at);
        block.shrink();
        let left = block.keys.len();
        self.len = self.len.saturating_sub(1);
        // A block that empties asks its neighbors now and then, not at each of its last entries.
        if left < SPARSE && left.is_multiple_of(ASKS) {
            self.join(place);
        }
        Some(value)
    }

    pub(crate) fn iter_from(&self, first: K) -> impl Iterator<Item = (K, &V)> {
        let blocks = self.index.iter_from(first).filter_map(|place| self.blocks.get(place));
        blocks.flat_map(move |block| {
            let from = if block.low < first { block.keys.partition_point(|kept| K::kept(*kept) < first) } else { 0 };
            block.keys.iter().copied().map(K::kept).skip(from).zip(block.values.iter().skip(from))
        })
    }

    /// All in order: blocks are taken out of their places one after the other.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Prefix, &mut V)> {
        let mut blocks: Vec<&mut Block<K, V>> = self.blocks.iter_mut().collect();
        blocks.sort_unstable_by_key(|block| block.low);
        blocks
            .into_iter()
            .flat_map(|block| block.keys.iter().map(|kept| K::kept(*kept).unpack()).zip(&mut block.values))
    }

    /// Keeps what `keep` says, in blocks with some room.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(K, &mut V) -> bool) {
        let Self { blocks, index, .. } = std::mem::take(self);
        let mut blocks: Vec<Option<Block<K, V>>> = blocks.into_iter().map(Some).collect();
        for place in index.iter_from(K::LEAST) {
            let Some(block) = blocks.get_mut(place).and_then(Option::take) else { continue };
            for (key, mut value) in block.keys.into_iter().map(K::kept).zip(block.values) {
                if keep(key, &mut value) {
                    self.append(key, value);
                }
            }
        }
    }

    /// Puts in a key that is higher than all others.
    fn append(&mut self, key: K, value: V) {
        self.len = self.len.saturating_add(1);
        if let Some(last) = self.blocks.last_mut() {
            if last.keys.len() < JOINED {
                last.keys.push(key.keep());
                last.values.push(value);
                return;
            }
            last.high = Some(key);
        }
        let low = if self.blocks.is_empty() { K::LEAST } else { key };
        let (mut keys, mut values) = (Vec::with_capacity(JOINED), Vec::with_capacity(JOINED));
        keys.push(key.keep());
        values.push(value);
        self.add(Block { low, high: None, keys, values });
    }

    /// The block that a key belongs to, and where in it the key stands or would stand; none only while the map is new.
    fn locate(&self, key: K) -> Option<(usize, Result<usize, usize>)> {
        let (last_place, last) = self.cursor.get();
        let found = match self.blocks.get(last_place).filter(|block| block.covers(key)) {
            Some(block) => (last_place, block.search(key, last)),
            None => self.look_up(key)?,
        };
        let (place, Ok(at) | Err(at)) = found;
        self.cursor.set((place, at));
        Some(found)
    }

    /// As `locate`, where the last use says nothing.
    fn look_up(&self, key: K) -> Option<(usize, Result<usize, usize>)> {
        let place = self.index.at_or_below(key)?;
        Some((place, self.blocks.get(place)?.search_all(key)))
    }

    fn locate_or_first(&mut self, key: K) -> (usize, Result<usize, usize>) {
        self.locate(key).unwrap_or_else(|| {
            let first = Block { low: K::LEAST, high: None, keys: Vec::new(), values: Vec::new() };
            (self.add(first), Err(0))
        })
    }

    fn add(&mut self, block: Block<K, V>) -> usize {
        let place = self.blocks.len();
        self.index.insert(block.low, place);
        self.blocks.push(block);
        place
    }

    /// Puts a new key at its place; answers where it came to stand.
    fn insert(&mut self, place: usize, at: usize, key: K, value: V) -> (usize, usize) {
        self.len = self.len.saturating_add(1);
        let Some(block) = self.blocks.get_mut(place) else { return (place, at) };
        if block.keys.len() < FULL {
            block.insert(at, key, value);
            return (place, at);
        }
        let half = if at == FULL { FULL } else { FULL / 2 };
        let (keys, values) = (block.keys.split_off(half), block.values.split_off(half));
        let low = keys.first().copied().map_or(key, K::kept);
        let mut upper = Block { low, high: block.high.replace(low), keys, values };
        block.keys.shrink_to(half);
        block.values.shrink_to(half);
        let into_upper = at >= half && key >= low;
        let at = if into_upper { at.saturating_sub(half) } else { at };
        if into_upper {
            upper.insert(at, key, value);
            let place = self.add(upper);
            self.cursor.set((place, at));
            return (place, at);
        }
        block.insert(at, key, value);
        self.add(upper);
        (place, at)
    }

    /// Joins a sparse block with the one above it, or below it, where both fit into one.
    fn join(&mut self, place: usize) {
        let Some(block) = self.blocks.get(place) else { return };
        let above = block.high.and_then(|high| self.index.get(high));
        let below = self.index.below(block.low);
        let fits = |other: &usize| {
            let other = self.blocks.get(*other).map_or(FULL, |other| other.keys.len());
            block.keys.is_empty() || block.keys.len().saturating_add(other) <= JOINED
        };
        if let Some(above) = above.filter(fits) {
            self.absorb(place, above);
        } else if let Some(below) = below.filter(fits) {
            self.absorb(below, place);
        }
    }

    /// Moves the entries of a block into the one below it; the last block takes its place.
    fn absorb(&mut self, below: usize, above: usize) {
        let last = self.blocks.len().saturating_sub(1);
        let gone = self.blocks.swap_remove(above);
        self.index.remove(gone.low);
        if let Some(moved) = self.blocks.get(above) {
            self.index.insert(moved.low, above);
        }
        let below = if below == last { above } else { below };
        if let Some(block) = self.blocks.get_mut(below) {
            block.high = gone.high;
            block.keys.extend(gone.keys);
            block.values.extend(gone.values);
        }
        self.cursor.set((below, 0));
    }
}

impl<K: Packed, V: Default> Blocks<K, V> {
    pub(super) fn entry(&mut self, key: K) -> &mut V {
        let (place, found) = self.locate_or_first(key);
        let (place, at) = match found {
            Ok(at) => (place, at),
            Err(at) => self.insert(place, at, key, V::default()),
        };
        #[expect(clippy::indexing_slicing, reason = "the entry was found or made in the line before")]
        &mut self.blocks[place].values[at]
    }
}
