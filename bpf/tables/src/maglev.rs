//! Who gets which slot: Maglev hashing (NSDI 2016, §3.4), with weights.
//!
//! Never depends on an order in which members came, on a clock or on chance: every router fills the same table for the
//! same members.

use std::net::IpAddr;

use crate::wish::{Backend, Way};

/// What a member's permutation of the slots follows from: a hash of its address, of what is done to packets, and of its
/// port. A tunnel's own end is no part of it, because each router has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(u64, u64);

impl Seed {
    /// The seed of a backend.
    #[must_use]
    pub fn of(backend: &Backend) -> Self {
        Self::of_parts(backend.address, backend.way)
    }

    /// The same of its parts.
    #[must_use]
    pub fn of_parts(address: IpAddr, way: Way) -> Self {
        let (kind, port) = match way {
            Way::L2 => (1, 0),
            Way::Ipip { .. } => (2, 0),
            Way::Gue { port, .. } => (3, port),
            Way::Nat { port } => (4, port.unwrap_or(0)),
        };
        let whole = mapped(address);
        let (high, low) = ((whole >> 64) as u64, whole as u64);
        let rest = (kind << 16) | u64::from(port);
        let state = mix(mix(mix(0x243f_6a88_85a3_08d3, high), low), rest);
        Self(mix(state, 0x1319_8a2e_0370_7344), mix(state, 0xa409_3822_299f_31d0))
    }

    /// Where the permutation begins, and how far each step goes.
    fn permutation(self, slots: u32) -> (u32, u32) {
        let of = |hash: u64, count: u32| ((u128::from(hash) * u128::from(count)) >> 64) as u32;
        (of(self.0, slots), 1 + of(self.1, slots.saturating_sub(1)))
    }
}

/// An address as the maps have it: an IPv4 one is mapped.
pub(crate) fn mapped(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The finalizer of SplitMix64 over a running state.
fn mix(state: u64, word: u64) -> u64 {
    let state = (state ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// A member of the set that fills a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    /// Who.
    pub seed: Seed,
    /// Its part, in relation to the others; 0 gets nothing.
    pub weight: u32,
    /// What stands in its slots.
    pub number: u16,
}

/// The table of these members: the number of whom each slot belongs to, or nothing if nobody has a weight.
///
/// Members take turns in the order of their seeds; in each round one takes part as often as its share of the largest
/// weight says, rounded up, so that whoever has a weight has a slot. `slots` has to be a prime, at most 65,537; a table of
/// none has nobody.
#[must_use]
pub fn fill(turns: &[Turn], slots: u32) -> Option<Vec<u16>> {
    let mut turns: Vec<Turn> = turns.iter().copied().filter(|turn| turn.weight > 0).collect();
    turns.sort_unstable();
    turns.dedup_by_key(|turn| turn.seed);
    let largest = i64::from(turns.iter().map(|turn| turn.weight).max()?);
    let mut filling = Filling::new(slots)?;
    let mut walkers: Vec<Walker> = turns.iter().map(|turn| Walker::new(*turn, slots)).collect();
    loop {
        for walker in &mut walkers {
            walker.owed += walker.weight;
            if walker.owed > 0 {
                walker.owed -= largest;
                if filling.give(walker) {
                    return Some(filling.table);
                }
            }
        }
    }
}

/// A member while the table is filled.
struct Walker {
    /// The next slot of its permutation.
    at: u32,
    step: u32,
    /// How often `step` has to be taken to get one slot further.
    inverse: u64,
    /// How much of a turn it is owed, in units of the largest weight.
    owed: i64,
    weight: i64,
    number: u16,
}

impl Walker {
    fn new(turn: Turn, slots: u32) -> Self {
        let (at, step) = turn.seed.permutation(slots);
        let weight = i64::from(turn.weight);
        Self { at, step, inverse: inverse(step, slots), owed: 0, weight, number: turn.number }
    }
}

/// A table that is being filled.
struct Filling {
    slots: u32,
    table: Vec<u16>,
    /// A bit for each slot that somebody has: an eighth of the table's size, so that it stays near the processor.
    taken: Vec<u64>,
    left: u32,
    /// So few slots are left when it is cheaper to ask of each where it stands in a member's permutation than to walk there:
    /// walking costs `slots / left` steps for a turn, asking `left`.
    few: u32,
    /// The free slots, once they are few.
    free: Vec<u32>,
    /// 2^47 divided by the number of slots.
    reciprocal: u64,
}

impl Filling {
    fn new(slots: u32) -> Option<Self> {
        let count = usize::try_from(slots).ok().filter(|count| *count > 0)?;
        let reciprocal = (1 << 47) / u64::from(slots);
        let taken = vec![0; count / 64 + 1];
        Some(Self {
            slots,
            table: vec![0; count],
            taken,
            left: slots,
            few: slots.isqrt(),
            free: Vec::new(),
            reciprocal,
        })
    }

    /// Gives a member the first free slot of its permutation; says whether it was the last.
    #[inline]
    fn give(&mut self, walker: &mut Walker) -> bool {
        let slot = if self.left > self.few { self.walk(walker) } else { self.nearest(walker) };
        walker.at = next(slot, walker.step, self.slots);
        if let Some(place) = self.table.get_mut(slot as usize) {
            *place = walker.number;
        }
        if let Some(word) = self.taken.get_mut(slot as usize / 64) {
            *word |= 1 << (slot % 64);
        }
        self.left -= 1;
        self.left == 0
    }

    #[inline]
    fn walk(&self, walker: &Walker) -> u32 {
        let mut slot = walker.at;
        while !self.is_free(slot) {
            slot = next(slot, walker.step, self.slots);
        }
        slot
    }

    #[inline]
    fn is_free(&self, slot: u32) -> bool {
        // Where no slot is, a walk ends.
        self.taken.get((slot >> 6) as usize).is_none_or(|word| word >> (slot & 63) & 1 == 0)
    }

    fn nearest(&mut self, walker: &Walker) -> u32 {
        if self.free.is_empty() {
            self.free = (0..self.slots).filter(|slot| self.is_free(*slot)).collect();
        }
        // The remainder of a division, by a multiplication (Lemire 2019): factors of less than 2^17 leave room enough.
        let slots = u64::from(self.slots);
        let ahead = |slot: u32| {
            let steps = u64::from(next(slot, self.slots - walker.at, self.slots)) * walker.inverse;
            let rest = steps - ((steps * self.reciprocal) >> 47) * slots;
            if rest >= slots { rest - slots } else { rest }
        };
        let nearest = self.free.iter().enumerate().min_by_key(|(_, slot)| ahead(**slot));
        nearest.map(|(place, _)| place).map_or(walker.at, |place| self.free.swap_remove(place))
    }
}

#[inline]
fn next(slot: u32, step: u32, slots: u32) -> u32 {
    let next = slot + step;
    if next >= slots { next - slots } else { next }
}

/// The number that makes 1 of `step` modulo a prime (Euclid).
fn inverse(step: u32, prime: u32) -> u64 {
    let (mut rest, mut next_rest) = (i64::from(prime), i64::from(step));
    let (mut factor, mut next_factor) = (0_i64, 1_i64);
    while next_rest != 0 {
        let quotient = rest / next_rest;
        (rest, next_rest) = (next_rest, rest - quotient * next_rest);
        (factor, next_factor) = (next_factor, factor - quotient * next_factor);
    }
    factor.rem_euclid(i64::from(prime)).unsigned_abs()
}

#[cfg(test)]
mod tests;
