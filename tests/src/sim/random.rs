//! Chance that can be repeated: the same seed gives the same delays, losses and faults.
//!
//! Never a source of secrets.

use std::ops::RangeInclusive;

/// A small generator (splitmix64).
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The sequence of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A number out of a range, both ends included.
    pub fn between(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (first, last) = (*range.start(), *range.end());
        let width = last.saturating_sub(first).saturating_add(1);
        first.saturating_add(self.next() % width.max(1))
    }

    /// True so many times out of a thousand.
    pub fn per_mille(&mut self, times: u64) -> bool {
        self.next() % 1000 < times
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
