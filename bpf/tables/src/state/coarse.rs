//! Many tables that change at once: packets find even shares in them at once, and those of Maglev within seconds.
//!
//! Never fills more than a few tables between two things that happen, so that whoever dies meanwhile gets nothing at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Balancer, Shared, Write};
use crate::table::{Set, Table};
use crate::wish::{Destination, Service};

/// Tables that are made for one wish: each takes one or two milliseconds.
pub(super) const AT_ONCE: usize = 2;
/// Tables without a past that are filled for one wish; others begin coarse.
pub(super) const AT_FIRST: usize = 32;
/// How long after a wish the first coarse table is looked at: wishes come in groups.
const PAUSE: Duration = Duration::from_millis(20);

impl Balancer {
    /// Where more tables are due than are filled at once: the tables that one set alone follows.
    pub(super) fn haste(&self, services: &[(Destination, &Service, Arc<Set>)]) -> Option<BTreeSet<u32>> {
        let mut due = BTreeSet::new();
        let mut followers: BTreeMap<u32, Option<*const Set>> = BTreeMap::new();
        for (destination, _, set) in services {
            let Some(old) = self.services.get(destination).and_then(|standing| standing.table) else { continue };
            let set_of_old = self.tables.get(&old).and_then(|shared| shared.set.as_ref());
            if set_of_old != Some(set) {
                due.insert((old, Arc::as_ptr(set)));
            }
            let follower = followers.entry(old).or_insert(Some(Arc::as_ptr(set)));
            if *follower != Some(Arc::as_ptr(set)) {
                *follower = None;
            }
        }
        let alone = followers.into_iter().filter_map(|(number, follower)| follower.map(|_| number));
        (due.len() > self.at_once).then(|| alone.collect())
    }

    /// A table like another one, under a number of its own; `None`: there is none left.
    pub(super) fn copy_table(&mut self, number: u32) -> Option<u32> {
        let copy = self.tables.get(&number)?.clone();
        let number = self.table_numbers.take()?;
        self.tables.insert(number, copy);
        Some(number)
    }

    /// A table without a past whose shares are even, so that packets of its service need not wait; `None`: there is no number left.
    pub(super) fn begin(&mut self, set: &Arc<Set>, now: Instant, out: &mut Vec<Write>) -> Option<u32> {
        let number = self.table_numbers.take()?;
        let shared = Shared { is_coarse: true, ..Shared::new(set, Table::even(set, self.slots)) };
        out.push(Write::Table(number, shared.table.slots()));
        self.tables.insert(number, shared);
        self.refine_at = Some(now + PAUSE);
        Some(number)
    }

    /// This is the set of a table from now on, and what is written for it at once.
    pub(super) fn approach(&mut self, number: u32, is_new: bool, set: &Arc<Set>, now: Instant, out: &mut Vec<Write>) {
        let Some(shared) = self.tables.get_mut(&number) else { return };
        let some_die = shared.set.as_ref().is_none_or(|old| old.has_others_than(set));
        // What an earlier daemon has left for the same nodes stays as it is until it is known what it has to be.
        let is_found = shared.set.is_none() && shared.table.serves(set);
        let changed = if is_found { Vec::new() } else { shared.table.approach(set, now) };
        shared.set = Some(Arc::clone(set));
        shared.is_coarse = true;
        shared.settling = shared.table.is_settling().then_some(now);
        self.pins.all_dead |= some_die;
        self.pins.may_exist |= !shared.table.is_settled();
        self.refine_at = Some(now + PAUSE);
        if is_new {
            out.push(Write::Table(number, shared.table.slots()));
        } else if !changed.is_empty() {
            out.push(Write::Slots(number, changed));
        }
    }

    /// The next coarse table gets the slots of Maglev, if that is due.
    pub(super) fn refine(&mut self, now: Instant, out: &mut Vec<Write>) {
        if self.refine_at.is_none_or(|at| at > now) {
            return;
        }
        let Some(set) = self.tables.values().find(|shared| shared.is_coarse).and_then(|shared| shared.set.clone())
        else {
            self.refine_at = None;
            // What has become the same in different ways is one table.
            self.merge(now, out);
            return;
        };
        self.refine_at = Some(now);
        let owners = set.owners(self.slots, |number| self.backends.seed(number));
        let alike = |shared: &Shared| shared.is_coarse && shared.set.as_ref() == Some(&set);
        let mut places = None;
        for (number, shared) in self.tables.iter_mut().filter(|(_, shared)| alike(shared)) {
            shared.is_coarse = false;
            let changed = shared.table.turn_into(&owners, &set, now);
            shared.table.look(&mut places);
            if !changed.is_empty() {
                shared.settling = shared.table.is_settling().then_some(now);
                self.pins.may_exist |= !shared.table.is_settled();
                out.push(Write::Slots(*number, changed));
            }
        }
    }
}
