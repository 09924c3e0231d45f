//! Values by prefix, where many tables have the same prefixes.
//!
//! A full table stands in four tables of the router at least. What they share are numbers: each prefix that any of them
//! has is searched for and kept in order once, in `Prefixes`, and a table is an array over its number. Numbers are given out
//! in the order in which prefixes come, so what comes together stands together in each table. For values that stand alone
//! `PrefixMap` is the simpler one. Never knows what a value means.

mod numbers;
mod pages;

use std::ops::ControlFlow;
use std::rc::Rc;

use nouns::Prefix;

use crate::prefix_map::{Key, Packed, V4, V6};
use numbers::Numbers;
use pages::Pages;

/// The prefixes that some tables have, each with its number; a clone is another hand on the same ones.
#[derive(Clone, Debug, Default)]
pub struct Prefixes {
    v4: Rc<Numbers<V4>>,
    v6: Rc<Numbers<V6>>,
}

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

    fn get(&self, key: K) -> Option<&V> {
        self.values.get(self.numbers.find(key)?)
    }

    fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.values.get_mut(self.numbers.find(key)?)
    }

    /// The number of a key; this table has it from now on.
    fn hold(&self, key: K) -> u32 {
        match self.numbers.find(key) {
            Some(number) if self.values.get(number).is_some() => number,
            _ => self.numbers.hold(key),
        }
    }

    fn insert(&mut self, key: K, value: V) -> Option<V> {
        let number = self.hold(key);
        self.values.insert(number, value)
    }

    fn entry(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let number = self.hold(key);
        self.values.entry(number)
    }

    fn remove(&mut self, key: K) -> Option<V> {
        let number = self.numbers.find(key)?;
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

    fn visit(&mut self, visit: &mut impl FnMut(Prefix, &mut V) -> ControlFlow<()>) -> ControlFlow<()> {
        let Self { numbers, values } = self;
        let mut left = values.len();
        if left == 0 {
            return ControlFlow::Continue(());
        }
        for (key, number) in numbers.keys_from(K::LEAST) {
            let Some(value) = values.get_mut(number) else { continue };
            visit(key.unpack(), value)?;
            left = left.saturating_sub(1);
            if left == 0 {
                break;
            }
        }
        ControlFlow::Continue(())
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
    pub fn get(&self, prefix: Prefix) -> Option<&V> {
        match prefix.into() {
            Key::V4(key) => self.v4.get(key),
            Key::V6(key) => self.v6.get(key),
        }
    }

    /// The value of exactly this prefix, to be changed.
    pub fn get_mut(&mut self, prefix: Prefix) -> Option<&mut V> {
        match prefix.into() {
            Key::V4(key) => self.v4.get_mut(key),
            Key::V6(key) => self.v6.get_mut(key),
        }
    }

    /// Puts a value in; answers the one that it replaces.
    pub fn insert(&mut self, prefix: Prefix, value: V) -> Option<V> {
        match prefix.into() {
            Key::V4(key) => self.v4.insert(key, value),
            Key::V6(key) => self.v6.insert(key, value),
        }
    }

    /// The value of a prefix, a new default one where there is none.
    pub fn entry(&mut self, prefix: Prefix) -> &mut V
    where
        V: Default,
    {
        match prefix.into() {
            Key::V4(key) => self.v4.entry(key),
            Key::V6(key) => self.v6.entry(key),
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

    /// Shows all in display order, to be changed, until `visit` has seen enough.
    pub fn visit(&mut self, mut visit: impl FnMut(Prefix, &mut V) -> ControlFlow<()>) {
        if self.v4.visit(&mut visit).is_continue() {
            let _ = self.v6.visit(&mut visit);
        }
    }
}

#[cfg(test)]
mod tests;
