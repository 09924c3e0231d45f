//! What stands for each key: the main table's among all tables of prefixes, the others' apart.
//!
//! Order is that of `RouteKey`. Never knows what an entry means.

use std::ops::ControlFlow;

use super::table::Entry;
use super::{MAIN_TABLE, RouteKey, RouteMap};
use crate::prefix_table::{PrefixTable, Prefixes, Spot};

/// Where the entry of a key stands: what `Spot` is for a prefix.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    table: u32,
    spot: Spot,
}

impl Place {
    /// The key.
    #[must_use]
    pub fn key(self) -> RouteKey {
        RouteKey { table: self.table, prefix: self.spot.prefix() }
    }
}

impl From<RouteKey> for Place {
    fn from(key: RouteKey) -> Self {
        Self { table: key.table, spot: key.prefix.into() }
    }
}

impl From<Spot> for Place {
    /// That of the main table.
    fn from(spot: Spot) -> Self {
        Self { table: MAIN_TABLE, spot }
    }
}

/// An entry for each key that is wanted, there, or refused.
#[derive(Debug, Default)]
pub(super) struct Entries {
    main: PrefixTable<Entry>,
    /// Those of other tables than the main one, which are few.
    others: RouteMap<Entry>,
}

impl Entries {
    pub(super) fn new(prefixes: &Prefixes) -> Self {
        Self { main: PrefixTable::new(prefixes), others: RouteMap::default() }
    }

    pub(super) fn get(&self, place: impl Into<Place>) -> Option<&Entry> {
        let place = place.into();
        if place.table == MAIN_TABLE { self.main.get(place.spot) } else { self.others.get(place.key()) }
    }

    pub(super) fn get_mut(&mut self, place: impl Into<Place>) -> Option<&mut Entry> {
        Some(self.find_mut(place)?.1)
    }

    pub(super) fn find_mut(&mut self, place: impl Into<Place>) -> Option<(Place, &mut Entry)> {
        let place = place.into();
        if place.table == MAIN_TABLE {
            let (spot, entry) = self.main.find_mut(place.spot)?;
            return Some((Place { spot, ..place }, entry));
        }
        Some((place, self.others.get_mut(place.key())?))
    }

    pub(super) fn contains(&self, place: impl Into<Place>) -> bool {
        self.get(place).is_some()
    }

    /// The entry of a key, a new one where there is none.
    pub(super) fn entry(&mut self, place: impl Into<Place>) -> &mut Entry {
        self.find_or_add(place).1
    }

    pub(super) fn find_or_add(&mut self, place: impl Into<Place>) -> (Place, &mut Entry) {
        let place = place.into();
        if place.table == MAIN_TABLE {
            let (spot, entry) = self.main.find_or_add(place.spot);
            return (Place { spot, ..place }, entry);
        }
        (place, self.others.entry(place.key()))
    }

    pub(super) fn remove(&mut self, place: impl Into<Place>) {
        let place = place.into();
        if place.table == MAIN_TABLE {
            self.main.remove(place.spot);
        } else {
            self.others.remove(place.key());
        }
    }

    /// All in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (RouteKey, &Entry)> {
        let below = self.others.iter().take_while(|(key, _)| key.table < MAIN_TABLE);
        let above = self.others.iter().skip_while(|(key, _)| key.table < MAIN_TABLE);
        let main = self.main.iter().map(|(prefix, entry)| (RouteKey::from(prefix), entry));
        below.chain(main).chain(above)
    }

    /// Shows all, to be changed, in no order that matters.
    pub(super) fn visit(&mut self, mut visit: impl FnMut(Place, &mut Entry)) {
        self.main.visit(|spot, entry| {
            visit(Place::from(spot), entry);
            ControlFlow::Continue(())
        });
        self.others.iter_mut().for_each(|(key, entry)| visit(Place::from(key), entry));
    }
}
