//! A note on a set of attributes by whoever keeps it: the hash by which it is found, so that it is made once.
//!
//! Never says anything of the route: whatever is noted, sets are equal, and a copy of one has no note.

use std::cmp::Ordering;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering as Order};

/// The note. A set that bears one is kept, so it is shared, so nobody changes it in place.
#[derive(Default)]
pub struct Keep(AtomicU64);

impl Keep {
    /// Notes a hash, where none is noted yet; answers whether it is there now.
    #[must_use]
    pub fn note(&self, hash: u64) -> bool {
        self.0.compare_exchange(0, hash.max(1), Order::Relaxed, Order::Relaxed).is_ok()
    }

    /// The hash that was noted.
    #[must_use]
    pub fn noted(&self) -> Option<u64> {
        Some(self.0.load(Order::Relaxed)).filter(|hash| *hash != 0)
    }
}

impl Clone for Keep {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Keep {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Keep {}

impl PartialOrd for Keep {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Keep {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

impl fmt::Debug for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_stays_and_is_not_copied() {
        let keep = Keep::default();
        assert_eq!((keep.noted(), keep.note(7), keep.note(8)), (None, true, false));
        assert_eq!((keep.noted(), keep.clone().noted()), (Some(7), None));
        assert_eq!(keep, Keep::default(), "it tells no two sets apart");
    }
}
