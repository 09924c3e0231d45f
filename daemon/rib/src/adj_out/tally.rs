//! How many routes a group was told of each peer's own paths.
//!
//! Never knows which routes.

use std::collections::HashMap;

use crate::bgp_table::PeerId;
use crate::id_hash::IdHash;

/// A count for each peer. Routes of one peer come one behind the other, so the count of the last one stands apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    last: (PeerId, usize),
    others: HashMap<PeerId, usize, IdHash>,
}

impl Tally {
    /// One route more or less of a peer.
    pub(super) fn step(&mut self, peer: PeerId, more: bool) {
        if self.last.0 != peer {
            let count = self.others.remove(&peer).unwrap_or(0);
            let (before, count) = std::mem::replace(&mut self.last, (peer, count));
            if count > 0 {
                self.others.insert(before, count);
            }
        }
        step(&mut self.last.1, more);
    }

    /// How many routes of a peer.
    pub(super) fn of(&self, peer: PeerId) -> usize {
        if self.last.0 == peer { self.last.1 } else { self.others.get(&peer).copied().unwrap_or(0) }
    }
}

/// One more or less.
pub(super) fn step(count: &mut usize, more: bool) {
    *count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
}
