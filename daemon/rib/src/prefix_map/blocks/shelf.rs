//! Blocks that nobody changes meanwhile: many keys are searched for together, by as many as like to.
//!
//! A search waits for the memory again and again, each time for what the last answer leads to. Several searches that go on
//! step by step wait together. Never remembers what it was asked.

use super::{Block, FULL};
use crate::prefix_map::Packed;
use crate::prefix_map::index::Index;

/// So many keys are searched for together.
pub(crate) const AT_ONCE: usize = 16;

/// The entries of a map.
#[derive(Debug)]
pub(crate) struct Shelf<'a, K: Packed, V> {
    blocks: &'a [Block<K, V>],
    index: &'a Index<K>,
}

/// A key that is searched for beside others.
struct Search<'a, K: Packed, V> {
    key: K,
    /// Of its block.
    place: Option<usize>,
    keys: &'a [K::Kept],
    values: &'a [V],
    /// No key that stands before this one is it.
    at: usize,
}

impl<'a, K: Packed, V> Search<'a, K, V> {
    fn idle() -> Self {
        Self { key: K::LEAST, place: None, keys: &[], values: &[], at: 0 }
    }

    fn open(&mut self, blocks: &'a [Block<K, V>]) {
        if let Some(block) = self.place.and_then(|place| blocks.get(place)) {
            (self.keys, self.values) = (&block.keys, &block.values);
        }
    }

    /// The key stands less than two steps behind `at`; less than one from now on.
    fn narrow(&mut self, step: usize) {
        let at = self.at.saturating_add(step).min(self.keys.len().saturating_sub(1));
        if self.keys.get(at).is_some_and(|known| K::kept(*known) <= self.key) {
            self.at = at;
        }
    }

    fn found(&self) -> Option<&'a V> {
        self.keys.get(self.at).filter(|known| K::kept(**known) == self.key)?;
        self.values.get(self.at)
    }
}

impl<'a, K: Packed, V> Shelf<'a, K, V> {
    pub(super) fn new(blocks: &'a [Block<K, V>], index: &'a Index<K>) -> Self {
        Self { blocks, index }
    }

    /// The values of some keys, in their order. One that is near the key before it is found behind that, as a rule.
    pub(crate) fn find_all(&self, keys: impl IntoIterator<Item = K>, mut tell: impl FnMut(Option<&'a V>)) {
        let mut keys = keys.into_iter().peekable();
        let mut before = None;
        while keys.peek().is_some() {
            let mut searches: [Search<'a, K, V>; AT_ONCE] = std::array::from_fn(|_| Search::idle());
            let mut count = 0;
            for (search, key) in searches.iter_mut().zip(keys.by_ref().take(AT_ONCE)) {
                let near = before.replace(key).is_some_and(|before| key.is_near(before));
                search.key = key;
                search.place = if near && count > 0 { None } else { self.index.at_or_below(key) };
                count += 1;
            }
            searches.iter_mut().for_each(|search| search.open(self.blocks));
            let mut step = FULL / 2;
            while step > 0 {
                searches.iter_mut().for_each(|search| search.narrow(step));
                step /= 2;
            }
            let (mut place, mut at) = (0, 0);
            for search in searches.iter().take(count) {
                let found = match search.place {
                    Some(found) => {
                        (place, at) = (found, search.at);
                        search.found()
                    }
                    None => self.find_from(&mut place, &mut at, search.key),
                };
                tell(found);
            }
        }
    }

    /// The value of a key that is likely to stand near where the last one stood, or would.
    fn find_from(&self, place: &mut usize, at: &mut usize, key: K) -> Option<&'a V> {
        if !self.blocks.get(*place)?.covers(key) {
            *place = self.index.at_or_below(key)?;
        }
        let block = self.blocks.get(*place)?;
        let found = block.search(key, *at);
        let (Ok(now) | Err(now)) = found;
        *at = now;
        block.values.get(found.ok()?)
    }
}
