//! What stands for each key: the main table's among all tables of prefixes, the others' apart.
//!
//! Order is that of `RouteKey`. Never knows what an entry means.

use std::ops::ControlFlow;

use super::table::Entry;
use super::{MAIN_TABLE, RouteKey, RouteMap};
use crate::prefix_table::{PrefixTable, Prefixes};

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

    pub(super) fn get(&self, key: RouteKey) -> Option<&Entry> {
        if key.table == MAIN_TABLE { self.main.get(key.prefix) } else { self.others.get(key) }
    }

    pub(super) fn get_mut(&mut self, key: RouteKey) -> Option<&mut Entry> {
        if key.table == MAIN_TABLE { self.main.get_mut(key.prefix) } else { self.others.get_mut(key) }
    }

    pub(super) fn contains(&self, key: RouteKey) -> bool {
        self.get(key).is_some()
    }

    /// The entry of a key, a new one where there is none.
    pub(super) fn entry(&mut self, key: RouteKey) -> &mut Entry {
        if key.table == MAIN_TABLE { self.main.entry(key.prefix) } else { self.others.entry(key) }
    }

    pub(super) fn remove(&mut self, key: RouteKey) {
        if key.table == MAIN_TABLE {
            self.main.remove(key.prefix);
        } else {
            self.others.remove(key);
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
    pub(super) fn visit(&mut self, mut visit: impl FnMut(RouteKey, &mut Entry)) {
        self.main.visit(|prefix, entry| {
            visit(RouteKey::from(prefix), entry);
            ControlFlow::Continue(())
        });
        self.others.iter_mut().for_each(|(key, entry)| visit(key, entry));
    }
}
