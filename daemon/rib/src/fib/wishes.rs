//! What routes should lead to, each set of legs held once and named by a number.
//!
//! A million routes have a few wishes. A number stays as long as somebody counts as its user; those without users are
//! kept for the next who wants them, and forgotten together once they are many. Never knows a route.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::Wanted;
use crate::world::Leg;

/// Legs and their weights, shared by everybody who wants them.
pub(super) type LegSet = Arc<Ways>;

/// Legs, sorted and unique.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Ways {
    legs: Vec<Leg>,
    /// The weight of each leg from 1 to 256; none where all are equal.
    weights: Vec<u16>,
}

impl Ways {
    fn new(legs: Vec<Leg>, weights: Vec<u16>) -> Self {
        let equal = weights.iter().all(|weight| Some(weight) == weights.first());
        Self { legs, weights: if equal { Vec::new() } else { weights } }
    }

    /// Each leg with its weight.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Leg, u16)> {
        let weights = self.weights.iter().copied().chain(std::iter::repeat(1));
        self.legs.iter().copied().zip(weights)
    }
}

/// The number of a wish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct WishId(u32);

impl WishId {
    /// It should not be there.
    pub(super) const NOTHING: Self = Self(0);
    pub(super) const BLACKHOLE: Self = Self(1);
    pub(super) const UNREACHABLE: Self = Self(2);
    /// Sets of legs have higher numbers.
    const LEGS: u32 = 3;

    fn place(self) -> Option<usize> {
        usize::try_from(self.0.checked_sub(Self::LEGS)?).ok()
    }
}

/// What a route should lead to, in short; it is good until `Fib::is_current` denies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub(super) id: WishId,
    generation: u32,
}

impl Wish {
    /// It should not be there.
    pub const NOTHING: Self = Self { id: WishId::NOTHING, generation: 0 };
}

/// All sets of legs that somebody wants or has.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    sets: Vec<Option<(LegSet, usize)>>,
    ids: HashMap<LegSet, WishId, RandomState>,
    free: Vec<WishId>,
    /// Sets without users.
    unused: usize,
    /// How often numbers were taken back.
    generation: u32,
}

impl Wishes {
    /// The wish for what is wanted; legs come as `Wanted::legs` makes them, or in any order.
    pub(super) fn wish(&mut self, wanted: Option<Wanted>) -> Wish {
        let id = match wanted {
            None => WishId::NOTHING,
            Some(Wanted::Blackhole) => WishId::BLACKHOLE,
            Some(Wanted::Unreachable) => WishId::UNREACHABLE,
            Some(Wanted::Legs(mut legs)) => {
                legs.sort_unstable();
                legs.dedup();
                self.intern(legs, Vec::new())
            }
            Some(Wanted::Weighted(ways)) => self.intern_ways(ways),
        };
        Wish { id, generation: self.generation }
    }

    /// Whether a wish still means what it meant.
    pub(super) fn is_current(&self, wish: Wish) -> bool {
        wish.id.place().is_none() || wish.generation == self.generation
    }

    /// The number of legs with weights, sorted and unique.
    pub(super) fn intern_ways(&mut self, ways: Vec<(Leg, u16)>) -> WishId {
        let (legs, weights) = ways.into_iter().unzip();
        self.intern(legs, weights)
    }

    /// The number of a set of legs; none means nothing.
    fn intern(&mut self, legs: Vec<Leg>, weights: Vec<u16>) -> WishId {
        if legs.is_empty() {
            return WishId::NOTHING;
        }
        let ways = Ways::new(legs, weights);
        if let Some(id) = self.ids.get(&ways) {
            return *id;
        }
        let id = self.free.pop().unwrap_or_else(|| {
            self.sets.push(None);
            WishId(u32::try_from(self.sets.len()).unwrap_or(u32::MAX).saturating_add(WishId::LEGS.saturating_sub(1)))
        });
        let set = LegSet::new(ways);
        self.ids.insert(LegSet::clone(&set), id);
        if let Some(place) = id.place().and_then(|place| self.sets.get_mut(place)) {
            *place = Some((set, 0));
        }
        self.unused = self.unused.saturating_add(1);
        id
    }

    /// The legs of a wish; none for one that is not for legs.
    pub(super) fn legs(&self, id: WishId) -> &[Leg] {
        self.set(id).map_or(&[], |set| &set.legs)
    }

    /// The weights of a wish's legs; none where all are equal.
    pub(super) fn weights(&self, id: WishId) -> &[u16] {
        self.set(id).map_or(&[], |set| &set.weights)
    }

    pub(super) fn set(&self, id: WishId) -> Option<&LegSet> {
        self.sets.get(id.place()?)?.as_ref().map(|(set, _)| set)
    }

    pub(super) fn is_for_legs(&self, id: WishId) -> bool {
        self.set(id).is_some()
    }

    /// As it was asked for.
    pub(super) fn wanted(&self, id: WishId) -> Option<Wanted> {
        match id {
            WishId::NOTHING => None,
            WishId::BLACKHOLE => Some(Wanted::Blackhole),
            WishId::UNREACHABLE => Some(Wanted::Unreachable),
            legs if self.weights(legs).is_empty() => Some(Wanted::Legs(self.legs(legs).to_vec())),
            ways => Some(Wanted::Weighted(self.set(ways)?.iter().collect())),
        }
    }

    pub(super) fn hold(&mut self, id: WishId) {
        let Some(Some((_, users))) = id.place().and_then(|place| self.sets.get_mut(place)) else { return };
        if *users == 0 {
            self.unused = self.unused.saturating_sub(1);
        }
        *users = users.saturating_add(1);
    }

    pub(super) fn release(&mut self, id: WishId) {
        let Some(Some((_, users))) = id.place().and_then(|place| self.sets.get_mut(place)) else { return };
        *users = users.saturating_sub(1);
        if *users == 0 {
            self.unused = self.unused.saturating_add(1);
        }
    }

    /// Forgets the sets that nobody uses, once there are more than `spare`.
    pub(super) fn forget_unused(&mut self, spare: usize) {
        if self.unused <= spare {
            return;
        }
        self.ids.retain(|_, id| {
            let Some(place) = id.place().and_then(|place| self.sets.get_mut(place)) else { return false };
            let unused = place.as_ref().is_none_or(|(_, users)| *users == 0);
            if unused {
                *place = None;
                self.free.push(*id);
            }
            !unused
        });
        self.unused = 0;
        self.generation = self.generation.wrapping_add(1);
    }
}
