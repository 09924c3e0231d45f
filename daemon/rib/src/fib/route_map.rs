//! Values by table and destination, the main table's without a search for the table.
//!
//! Nearly all routes stand in the main table. Order is that of `RouteKey`. Never knows what a value means.

use std::collections::BTreeMap;

use super::{MAIN_TABLE, RouteKey};
use crate::prefix_map::PrefixMap;

/// Values by table and destination.
#[derive(Clone, Debug)]
pub struct RouteMap<V> {
    main: PrefixMap<V>,
    others: BTreeMap<u32, PrefixMap<V>>,
}

impl<V> Default for RouteMap<V> {
    fn default() -> Self {
        Self { main: PrefixMap::new(), others: BTreeMap::new() }
    }
}

impl<V: PartialEq> PartialEq for RouteMap<V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<V: Eq> Eq for RouteMap<V> {}

impl<V> RouteMap<V> {
    /// How many keys have a value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.others.values().fold(self.main.len(), |sum, table| sum.saturating_add(table.len()))
    }

    /// Whether no key has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: RouteKey) -> Option<&V> {
        self.table(key.table)?.get(key.prefix)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: RouteKey) -> Option<&mut V> {
        let table = if key.table == MAIN_TABLE { &mut self.main } else { self.others.get_mut(&key.table)? };
        table.get_mut(key.prefix)
    }

    /// Whether a key has a value.
    #[must_use]
    pub fn contains(&self, key: RouteKey) -> bool {
        self.get(key).is_some()
    }

    /// Puts a value in; answers the one that it replaces.
    pub fn insert(&mut self, key: RouteKey, value: V) -> Option<V> {
        self.table_mut(key.table).insert(key.prefix, value)
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: RouteKey) -> Option<V> {
        if key.table == MAIN_TABLE {
            return self.main.remove(key.prefix);
        }
        let table = self.others.get_mut(&key.table)?;
        let removed = table.remove(key.prefix);
        if table.is_empty() {
            self.others.remove(&key.table);
        }
        removed
    }

    /// All in order.
    pub fn iter(&self) -> impl Iterator<Item = (RouteKey, &V)> {
        let below = self.others.range(..MAIN_TABLE).map(|(table, routes)| (*table, routes));
        let above = self.others.range(MAIN_TABLE..).map(|(table, routes)| (*table, routes));
        let tables = below.chain(std::iter::once((MAIN_TABLE, &self.main))).chain(above);
        tables.flat_map(|(table, routes)| routes.iter().map(move |(prefix, value)| (RouteKey { table, prefix }, value)))
    }

    /// All keys in order.
    pub fn keys(&self) -> impl Iterator<Item = RouteKey> {
        self.iter().map(|(key, _)| key)
    }

    /// All in no order that matters, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (RouteKey, &mut V)> {
        let others = self.others.iter_mut().map(|(table, routes)| (*table, routes));
        let tables = std::iter::once((MAIN_TABLE, &mut self.main)).chain(others);
        tables.flat_map(|(table, routes)| {
            routes.iter_mut().map(move |(prefix, value)| (RouteKey { table, prefix }, value))
        })
    }

    /// Keeps what `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(RouteKey, &mut V) -> bool) {
        self.main.retain(|prefix, value| keep(RouteKey { table: MAIN_TABLE, prefix }, value));
        for (table, routes) in &mut self.others {
            routes.retain(|prefix, value| keep(RouteKey { table: *table, prefix }, value));
        }
        self.others.retain(|_, routes| !routes.is_empty());
    }

    fn table(&self, table: u32) -> Option<&PrefixMap<V>> {
        if table == MAIN_TABLE { Some(&self.main) } else { self.others.get(&table) }
    }

    fn table_mut(&mut self, table: u32) -> &mut PrefixMap<V> {
        if table == MAIN_TABLE { &mut self.main } else { self.others.entry(table).or_default() }
    }
}

impl<V: Default> RouteMap<V> {
    /// The value of a key, a new default one where there is none.
    pub fn entry(&mut self, key: RouteKey) -> &mut V {
        self.table_mut(key.table).entry(key.prefix)
    }
}

impl<V> Extend<(RouteKey, V)> for RouteMap<V> {
    fn extend<I: IntoIterator<Item = (RouteKey, V)>>(&mut self, values: I) {
        for (key, value) in values {
            self.insert(key, value);
        }
    }
}

impl<V> FromIterator<(RouteKey, V)> for RouteMap<V> {
    fn from_iter<I: IntoIterator<Item = (RouteKey, V)>>(values: I) -> Self {
        let mut map = Self::default();
        map.extend(values);
        map
    }
}
