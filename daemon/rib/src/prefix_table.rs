//! Values by prefix, where many tables have the same prefixes.
//!
//! A full table stands in four tables of the router at least. What they share are numbers: each prefix that any of them
//! has is searched for and kept in order once, in `Prefixes`, and a table is an array over its number. Numbers are given out
//! in the order in which prefixes come, so what comes together stands together in each table. For values that stand alone
//! `PrefixMap` is the simpler one. Never knows what a value means.

mod numbers;
mod pages;

use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::rc::Rc;

use nouns::Prefix;

use crate::prefix_map::{Key, Packed, V4, V6};
use numbers::{NumberShelf, Numbers};
use pages::Pages;

/// The prefixes that some tables have, each with its number; a clone is another hand on the same ones.
#[derive(Clone, Debug, Default)]
pub struct Prefixes {
    v4: Rc<Numbers<V4>>,
    v6: Rc<Numbers<V6>>,
}

/// Where a value of a prefix stands: its number beside it, where it was found before, spares the search.
///
/// A spot that a table answered holds good for all tables that share its prefixes, as long as any of them has the prefix.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    prefix: Prefix,
    number: Option<Number>,
}

/// The prefixes while nobody changes what is known of them: several may look up at the same time.
#[derive(Debug)]
pub struct Finder<'a> {
    v4: NumberShelf<'a, V4>,
    v6: NumberShelf<'a, V6>,
}

impl Finder<'_> {
    /// Finds where some prefixes stand; how many had to be searched for, and did not come behind the one before as they had
    /// come once. To search for them together takes a part of the time.
    pub fn find(&self, spots: &mut [Spot]) -> usize {
        let (mut v4_keys, mut v6_keys) = (Vec::new(), Vec::new());
        for spot in &*spots {
            match spot.prefix.into() {
                Key::V4(key) => v4_keys.push(key),
                Key::V6(key) => v6_keys.push(key),
            }
        }
        let (mut v4, mut v6) = (Vec::with_capacity(v4_keys.len()), Vec::with_capacity(v6_keys.len()));
        let searched = self.v4.find_all(&v4_keys, |number| v4.push(number));
        let searched = searched.saturating_add(self.v6.find_all(&v6_keys, |number| v6.push(number)));
        let (mut v4, mut v6) = (v4.into_iter(), v6.into_iter());
        for spot in spots {
            let number = if spot.prefix.address().is_ipv4() { v4.next() } else { v6.next() };
            *spot = number.flatten().map_or(Spot::from(spot.prefix), |number| Spot::new(spot.prefix, number));
        }
        searched
    }
}

impl Prefixes {
    /// Lets somebody look prefixes up, who changes nothing meanwhile.
    pub fn look_up(&self, look: impl FnOnce(&Finder<'_>)) {
        let (v4, v6) = (self.v4.known(), self.v6.known());
        look(&Finder { v4: v4.shelf(), v6: v6.shelf() });
    }

    /// How often prefixes were forgotten that no table had: what was looked up before the last time holds no longer.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.v4.forgotten().wrapping_add(self.v6.forgotten())
    }
}

/// Where a prefix stands among all in the order in which they came, IPv4 first. It keeps its place as long as any table has
/// it; one that comes while others are walked over may come to stand anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    v6: bool,
    number: u32,
}

/// A number, counted from 1.
type Number = NonZeroU32;

impl Spot {
    /// The prefix.
    #[must_use]
    pub fn prefix(self) -> Prefix {
        self.prefix
    }

    /// Where it stands in the order of arrivals, where its number is known.
    #[must_use]
    pub fn arrival(self) -> Option<Arrival> {
        Some(Arrival { v6: self.prefix.address().is_ipv6(), number: self.number()? })
    }

    fn new(prefix: Prefix, number: u32) -> Self {
        Self { prefix, number: number.checked_add(1).and_then(Number::new) }
    }

    fn number(self) -> Option<u32> {
        self.number?.get().checked_sub(1)
    }
}

impl From<Prefix> for Spot {
    /// One that has to be searched for.
    fn from(prefix: Prefix) -> Self {
        Self { prefix, number: None }
    }
}

impl PartialEq for Spot {
    /// Whether both are spots of one prefix.
    fn eq(&self, other: &Self) -> bool {
        self.prefix == other.prefix
    }
}

impl Eq for Spot {}

/// Values of one family's prefixes.
#[derive(Debug)]
struct Half<K: Packed, V> {
    numbers: Rc<Numbers<K>>,
    values: Pages<V>,
}

impl<K: Packed, V> Half<K, V> {
    fn new(numbers: &Rc<Numbers<K>>) -> Self {
        Self { numbers: Rc::clone(numbers), values: Pages::default() }
    }

    /// The number of a key, which may be `known`; none where this table is empty.
    fn find(&self, key: K, known: Option<u32>) -> Option<u32> {
        debug_assert!(known.is_none() || self.numbers.find(key) == known, "a spot outlived its prefix");
        if self.values.len() == 0 {
            return None;
        }
        known.or_else(|| self.numbers.find(key))
    }

    /// The number of a key; this table has it from now on.
    fn hold(&self, key: K, known: Option<u32>) -> u32 {
        debug_assert!(known.is_none() || self.numbers.find(key) == known, "a spot outlived its prefix");
        match known.or_else(|| self.numbers.find(key)) {
            Some(number) if self.values.get(number).is_some() => number,
            Some(number) if known.is_some() => {
                self.numbers.hold_again(number);
                number
            }
            _ => self.numbers.hold(key),
        }
    }

    fn find_mut(&mut self, key: K, spot: Spot) -> Option<(Spot, &mut V)> {
        let number = self.find(key, spot.number())?;
        Some((Spot::new(spot.prefix, number), self.values.get_mut(number)?))
    }

    fn find_or_add(&mut self, key: K, spot: Spot) -> (Spot, &mut V)
    where
        V: Default,
    {
        let number = self.hold(key, spot.number());
        (Spot::new(spot.prefix, number), self.values.entry(number))
    }

    fn insert(&mut self, key: K, known: Option<u32>, value: V) -> Option<V> {
        let number = self.hold(key, known);
        self.values.insert(number, value)
    }

    fn remove(&mut self, key: K, known: Option<u32>) -> Option<V> {
        let number = self.find(key, known)?;
        let gone = self.values.remove(number)?;
        self.numbers.release(number);
        Some(gone)
    }

    fn iter_from(&self, first: K) -> impl Iterator<Item = (Prefix, &V)> {
        let keys = (self.values.len() > 0).then(|| self.numbers.keys_from(first)).into_iter().flatten();
        let found = keys.filter_map(|(key, number)| Some((key.unpack(), self.values.get(number)?)));
        // All that stand before the first one may be missing, so the end may come sooner.
        found.take(self.values.len())
    }

    fn arrivals_from(&self, first: u32) -> impl Iterator<Item = (Spot, &V)> {
        let values = self.values.iter_from(first);
        values.filter_map(|(number, value)| Some((Spot::new(self.numbers.key(number)?.unpack(), number), value)))
    }

    fn visit(&mut self, visit: &mut impl FnMut(Spot, &mut V) -> ControlFlow<()>) -> ControlFlow<()> {
        let Self { numbers, values } = self;
        values.visit(|number, value| match numbers.key(number) {
            Some(key) => visit(Spot::new(key.unpack(), number), value),
            None => ControlFlow::Continue(()),
        })
    }
}

impl<K: Packed, V: Clone> Clone for Half<K, V> {
    fn clone(&self) -> Self {
        for number in self.values.numbers() {
            self.numbers.hold_again(number);
        }
        Self { numbers: Rc::clone(&self.numbers), values: self.values.clone() }
    }
}

impl<K: Packed, V> Drop for Half<K, V> {
    fn drop(&mut self) {
        // Whoever is alone needs no numbers any more.
        if Rc::strong_count(&self.numbers) > 1 {
            self.values.numbers().for_each(|number| self.numbers.release(number));
        }
    }
}

/// Values by prefix, in display order: IPv4 first, by address, then by length. A search is spared where any table that
/// shares the prefixes was asked for the same one lately.
#[derive(Clone, Debug)]
pub struct PrefixTable<V> {
    v4: Half<V4, V>,
    v6: Half<V6, V>,
}

impl<V> Default for PrefixTable<V> {
    /// An empty table that shares its prefixes with nobody yet.
    fn default() -> Self {
        Self::new(&Prefixes::default())
    }
}

impl<V> PrefixTable<V> {
    /// An empty table that shares its prefixes with the others of these.
    #[must_use]
    pub fn new(prefixes: &Prefixes) -> Self {
        Self { v4: Half::new(&prefixes.v4), v6: Half::new(&prefixes.v6) }
    }

    /// How many prefixes have a value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.v4.values.len().saturating_add(self.v6.values.len())
    }

    /// Whether no prefix has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of exactly this prefix.
    #[must_use]
    pub fn get(&self, spot: impl Into<Spot>) -> Option<&V> {
        let spot = spot.into();
        match spot.prefix.into() {
            Key::V4(key) => self.v4.values.get(self.v4.find(key, spot.number())?),
            Key::V6(key) => self.v6.values.get(self.v6.find(key, spot.number())?),
        }
    }

    /// The value of exactly this prefix, to be changed.
    pub fn get_mut(&mut self, spot: impl Into<Spot>) -> Option<&mut V> {
        Some(self.find_mut(spot)?.1)
    }

    /// As `get_mut`, with where it stands.
    pub fn find_mut(&mut self, spot: impl Into<Spot>) -> Option<(Spot, &mut V)> {
        let spot = spot.into();
        match spot.prefix.into() {
            Key::V4(key) => self.v4.find_mut(key, spot),
            Key::V6(key) => self.v6.find_mut(key, spot),
        }
    }

    /// Puts a value in; answers the one that it replaces.
    pub fn insert(&mut self, spot: impl Into<Spot>, value: V) -> Option<V> {
        let spot = spot.into();
        match spot.prefix.into() {
            Key::V4(key) => self.v4.insert(key, spot.number(), value),
            Key::V6(key) => self.v6.insert(key, spot.number(), value),
        }
    }

    /// The value of a prefix, a new default one where there is none.
    pub fn entry(&mut self, spot: impl Into<Spot>) -> &mut V
    where
        V: Default,
    {
        self.find_or_add(spot).1
    }

    /// As `entry`, with where it stands.
    pub fn find_or_add(&mut self, spot: impl Into<Spot>) -> (Spot, &mut V)
    where
        V: Default,
    {
        let spot = spot.into();
        match spot.prefix.into() {
            Key::V4(key) => self.v4.find_or_add(key, spot),
            Key::V6(key) => self.v6.find_or_add(key, spot),
        }
    }

    /// Takes a value out.
    pub fn remove(&mut self, spot: impl Into<Spot>) -> Option<V> {
        let spot = spot.into();
        match spot.prefix.into() {
            Key::V4(key) => self.v4.remove(key, spot.number()),
            Key::V6(key) => self.v6.remove(key, spot.number()),
        }
    }

    /// All in display order.
    pub fn iter(&self) -> impl Iterator<Item = (Prefix, &V)> {
        self.iter_from(Prefix::DEFAULT_V4)
    }

    /// All from a prefix on, in display order.
    pub fn iter_from(&self, first: Prefix) -> impl Iterator<Item = (Prefix, &V)> {
        let (v4, v6) = match first.into() {
            Key::V4(key) => (Some(self.v4.iter_from(key)), V6::LEAST),
            Key::V6(key) => (None, key),
        };
        v4.into_iter().flatten().chain(self.v6.iter_from(v6))
    }

    /// All from an arrival on, in the order in which their prefixes came: what lies together in memory is met together.
    pub fn arrivals_from(&self, first: Arrival) -> impl Iterator<Item = (Spot, &V)> {
        let (v4, v6) = if first.v6 { (None, first.number) } else { (Some(self.v4.arrivals_from(first.number)), 0) };
        v4.into_iter().flatten().chain(self.v6.arrivals_from(v6))
    }

    /// Shows all in the order of `arrivals_from`, to be changed, until `visit` has seen enough.
    pub fn visit(&mut self, mut visit: impl FnMut(Spot, &mut V) -> ControlFlow<()>) {
        if self.v4.visit(&mut visit).is_continue() {
            let _ = self.v6.visit(&mut visit);
        }
    }
}

#[cfg(test)]
mod tests;
