//! An ordered map keyed by prefix, as compact as its values.
//!
//! A full table has a million prefixes, and every table of the router has an entry for each of them. A prefix is
//! packed into one integer, entries lie side by side in blocks, and a map remembers where it found what it was asked for
//! last: what arrives in order costs no search. Order is display order: IPv4 first, by address, then by length. Tables that
//! have the same prefixes are `PrefixTable`s. Never knows what a value means.

mod blocks;
mod index;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nouns::Prefix;

pub(crate) use blocks::{AT_ONCE, Blocks, Shelf};

/// A prefix of one family as an integer whose order is display order.
pub(crate) trait Packed: Copy + Ord + std::fmt::Debug {
    /// As it is kept where there are a million: in no more octets than it has.
    type Kept: Copy + std::fmt::Debug;

    /// No key is lower.
    const LEAST: Self;
    /// That of no prefix.
    const NEVER: Self;
    fn keep(self) -> Self::Kept;
    fn kept(kept: Self::Kept) -> Self;
    fn unpack(self) -> Prefix;
    /// Some bits that are seldom those of another key.
    fn scatter(self) -> u64;
    /// Whether another key is likely to stand beside this one.
    fn is_near(self, other: Self) -> bool;
}

/// An odd number whose bits are in no order: multiplied by it, near numbers end far apart (2^64 divided by the golden ratio).
const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;

/// An IPv4 address above its prefix length.
pub(crate) type V4 = u64;
/// An IPv6 address and its prefix length.
pub(crate) type V6 = (u128, u8);

/// An address and a prefix length, side by side.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed)]
pub(crate) struct Kept<A> {
    address: A,
    length: u8,
}

impl Packed for V4 {
    type Kept = Kept<u32>;

    const LEAST: Self = 0;
    const NEVER: Self = 0xff;

    fn keep(self) -> Self::Kept {
        let [_, _, _, a, b, c, d, length] = self.to_be_bytes();
        Kept { address: u32::from_be_bytes([a, b, c, d]), length }
    }

    fn kept(kept: Self::Kept) -> Self {
        Self::from(kept.address) << 8 | Self::from(kept.length)
    }

    fn unpack(self) -> Prefix {
        let [_, _, _, a, b, c, d, length] = self.to_be_bytes();
        Prefix::masked_or_host(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), length)
    }

    fn scatter(self) -> u64 {
        self.wrapping_mul(SCATTER)
    }

    fn is_near(self, other: Self) -> bool {
        // Of the same /16.
        self >> 24 == other >> 24
    }
}

impl Packed for V6 {
    type Kept = Kept<u128>;

    const LEAST: Self = (0, 0);
    const NEVER: Self = (0, u8::MAX);

    fn keep(self) -> Self::Kept {
        Kept { address: self.0, length: self.1 }
    }

    fn kept(kept: Self::Kept) -> Self {
        (kept.address, kept.length)
    }

    fn unpack(self) -> Prefix {
        Prefix::masked_or_host(IpAddr::V6(Ipv6Addr::from_bits(self.0)), self.1)
    }

    fn scatter(self) -> u64 {
        let [high, low] = [self.0 >> 64, self.0].map(|half| u64::try_from(half & u128::from(u64::MAX)).unwrap_or(0));
        (high.wrapping_mul(SCATTER) ^ low ^ u64::from(self.1)).wrapping_mul(SCATTER)
    }

    fn is_near(self, other: Self) -> bool {
        // Of the same /32.
        self.0 >> 96 == other.0 >> 96
    }
}

/// A prefix as the key of its family's blocks.
pub(crate) enum Key {
    V4(V4),
    V6(V6),
}

impl From<Prefix> for Key {
    fn from(prefix: Prefix) -> Self {
        match prefix.address() {
            IpAddr::V4(address) => Self::V4(V4::kept(Kept { address: address.to_bits(), length: prefix.length() })),
            IpAddr::V6(address) => Self::V6((address.to_bits(), prefix.length())),
        }
    }
}

/// Values by prefix, in display order. Looking up, inserting and removing cost a search among blocks of some dozens
/// of entries and one within a block; both are spared where the last use was nearby.
#[derive(Clone, Debug)]
pub struct PrefixMap<V> {
    v4: Blocks<V4, V>,
    v6: Blocks<V6, V>,
}

impl<V> Default for PrefixMap<V> {
    fn default() -> Self {
        Self { v4: Blocks::default(), v6: Blocks::default() }
    }
}

impl<V> PrefixMap<V> {
    /// An empty map; it allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many prefixes have a value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.v4.len().saturating_add(self.v6.len())
    }

    /// Whether no prefix has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of exactly this prefix.
    #[must_use]
    pub fn get(&self, prefix: Prefix) -> Option<&V> {
        match prefix.into() {
            Key::V4(key) => self.v4.find(key),
            Key::V6(key) => self.v6.find(key),
        }
    }

    /// The value of exactly this prefix, to be changed.
    pub fn get_mut(&mut self, prefix: Prefix) -> Option<&mut V> {
        match prefix.into() {
            Key::V4(key) => self.v4.find_mut(key),
            Key::V6(key) => self.v6.find_mut(key),
        }
    }

    /// Whether the prefix has a value.
    #[must_use]
    pub fn contains(&self, prefix: Prefix) -> bool {
        self.get(prefix).is_some()
    }

    /// Puts a value in; answers the one that it replaces.
    pub fn insert(&mut self, prefix: Prefix, value: V) -> Option<V> {
        let mut fresh = Some(value);
        let place = self.get_or_insert_with(prefix, || fresh.take());
        match (fresh, place) {
            (Some(value), Some(place)) => Some(std::mem::replace(place, value)),
            _ => None,
        }
    }

    /// The value of a prefix, made by `make` where there is none; `None` only where `make` declined.
    fn get_or_insert_with(&mut self, prefix: Prefix, make: impl FnOnce() -> Option<V>) -> Option<&mut V> {
        match prefix.into() {
            Key::V4(key) => self.v4.get_or_insert_with(key, make),
            Key::V6(key) => self.v6.get_or_insert_with(key, make),
        }
    }

    /// Takes a value out.
    pub fn remove(&mut self, prefix: Prefix) -> Option<V> {
        match prefix.into() {
            Key::V4(key) => self.v4.remove(key),
            Key::V6(key) => self.v6.remove(key),
        }
    }

    /// All in display order.
    pub fn iter(&self) -> impl Iterator<Item = (Prefix, &V)> {
        shown(self.v4.iter_from(V4::LEAST)).chain(shown(self.v6.iter_from(V6::LEAST)))
    }

    /// All from a prefix on, in display order.
    pub fn iter_from(&self, first: Prefix) -> impl Iterator<Item = (Prefix, &V)> {
        let (v4, v6) = match first.into() {
            Key::V4(key) => (Some(shown(self.v4.iter_from(key))), V6::LEAST),
            Key::V6(key) => (None, key),
        };
        v4.into_iter().flatten().chain(shown(self.v6.iter_from(v6)))
    }

    /// All in display order, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Prefix, &mut V)> {
        self.v4.iter_mut().chain(self.v6.iter_mut())
    }

    /// Keeps what `keep` says, in display order.
    pub fn retain(&mut self, mut keep: impl FnMut(Prefix, &mut V) -> bool) {
        self.v4.retain(|key, value| keep(key.unpack(), value));
        self.v6.retain(|key, value| keep(key.unpack(), value));
    }
}

impl<V: Default> PrefixMap<V> {
    /// The value of a prefix, a new default one where there is none.
    pub fn entry(&mut self, prefix: Prefix) -> &mut V {
        match prefix.into() {
            Key::V4(key) => self.v4.entry(key),
            Key::V6(key) => self.v6.entry(key),
        }
    }
}

/// Keys as the prefixes that they are.
fn shown<'a, K: Packed, V>(entries: impl Iterator<Item = (K, &'a V)>) -> impl Iterator<Item = (Prefix, &'a V)>
where
    V: 'a,
{
    entries.map(|(key, value)| (key.unpack(), value))
}

#[cfg(test)]
mod tests;
