//! Which number each prefix of a family has, and how many tables have it.
//!
//! Numbers are given out in the order in which prefixes come, and prefixes often come, and go, in an order in which they came
//! before: a peer tells what it walks. So what has the number behind that of the prefix before is looked at first.
//! A prefix that no table has any more is forgotten together with many others, in one walk: a route that flaps finds its
//! number again, and a table that is withdrawn costs no search for each prefix. Never knows a value.

use std::cell::{Cell, Ref, RefCell};

use crate::prefix_map::{AT_ONCE, Blocks, Packed, Shelf};

/// The number that nothing has.
const NONE: u32 = u32::MAX;
/// Queues carry where a prefix stands, so few are asked for once more; these stay in the processor's own cache.
const MOST_RECENT: usize = 1024;
/// Fewer are searched for at once.
const LEAST_RECENT: usize = 64;
/// So many prefixes that no table has are kept at least.
const IDLE: usize = 1024;
/// How many keys a walk takes at a time.
const STRIDE: usize = 256;

/// The prefixes that any table has.
#[derive(Debug)]
pub(super) struct Numbers<K: Packed> {
    // Borrowed within the methods of this file alone, none of which calls anybody who might ask for a number.
    known: RefCell<Known<K>>,
}

#[derive(Debug)]
pub(super) struct Known<K: Packed> {
    numbers: Blocks<K, u32>,
    /// By number: whose it is; of a free one, `Packed::NEVER`.
    keys: Vec<K::Kept>,
    /// By number: how many tables have it. One that so many have that nobody can count them stays for good.
    users: Vec<u16>,
    /// Numbers without a prefix, the lowest last: what comes next stands together.
    free: Vec<u32>,
    /// Prefixes that no table has any more.
    idle: usize,
    /// How often some of these were forgotten.
    forgotten: u64,
    /// What was asked for last: a table is often asked twice in a row, and several are asked for the same prefix.
    last: Cell<(K, u32)>,
    /// What was asked for lately, by `Packed::scatter`.
    recent: Box<[Cell<(K, u32)>]>,
}

impl<K: Packed> Default for Numbers<K> {
    fn default() -> Self {
        Self {
            known: RefCell::new(Known {
                numbers: Blocks::default(),
                keys: Vec::new(),
                users: Vec::new(),
                free: Vec::new(),
                idle: 0,
                forgotten: 0,
                last: Cell::new((K::LEAST, NONE)),
                recent: Box::default(),
            }),
        }
    }
}

impl<K: Packed> Known<K> {
    /// What is known, to be searched by several at the same time.
    pub(super) fn shelf(&self) -> NumberShelf<'_, K> {
        NumberShelf { numbers: self.numbers.shelf(), keys: &self.keys }
    }

    fn recent(&self, key: K) -> Option<&Cell<(K, u32)>> {
        // There are a power of two of them, or none.
        let slot = usize::try_from(key.scatter() >> 32).unwrap_or(0) & self.recent.len().wrapping_sub(1);
        self.recent.get(slot)
    }

    fn find(&self, key: K) -> Option<u32> {
        let is_it = |known: &(K, u32)| known.0 == key && known.1 != NONE;
        let last = self.last.get();
        if is_it(&last) {
            return Some(last.1);
        }
        // What comes in order is found without a look at what was asked for lately, which lies farther away.
        let next = || self.numbers.find_next(key).copied();
        if let Some(number) = behind(&self.keys, Some(last.1), key).or_else(next) {
            self.last.set((key, number));
            return Some(number);
        }
        let recent = self.recent(key);
        let found = match recent.map(Cell::get).filter(is_it) {
            Some(found) => found,
            None => (key, *self.numbers.find(key)?),
        };
        recent.into_iter().for_each(|recent| recent.set(found));
        self.last.set(found);
        Some(found.1)
    }

    fn add(&mut self, key: K) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.users.push(0);
            self.keys.push(K::NEVER.keep());
            u32::try_from(self.users.len()).unwrap_or(NONE).saturating_sub(1)
        });
        if let Some(place) = usize::try_from(number).ok().and_then(|number| self.keys.get_mut(number)) {
            *place = key.keep();
        }
        self.numbers.add_new(key, number);
        let room = self.numbers.len().next_power_of_two().min(MOST_RECENT);
        if room > self.recent.len() && room >= LEAST_RECENT {
            self.recent = vec![Cell::new((K::LEAST, NONE)); room].into();
        }
        self.recent(key).into_iter().for_each(|recent| recent.set((key, number)));
        self.last.set((key, number));
        number
    }

    /// Forgets the prefixes that no table has, once they are many.
    fn forget_idle(&mut self) {
        if self.idle < self.numbers.len() && self.idle <= IDLE.max(self.numbers.len() / 4 * 3) {
            return;
        }
        let Self { numbers, keys, users, free, idle, forgotten, last, recent } = self;
        *forgotten = forgotten.wrapping_add(1);
        let used = |number: u32| {
            usize::try_from(number).ok().and_then(|number| users.get(number)).is_some_and(|users| *users > 0)
        };
        numbers.retain(|_, number| used(*number));
        while users.last() == Some(&0) {
            users.pop();
        }
        keys.truncate(users.len());
        users.shrink_to(users.len().saturating_mul(2));
        keys.shrink_to(users.len().saturating_mul(2));
        keys.iter_mut().zip(&*users).filter(|(_, users)| **users == 0).for_each(|(key, _)| *key = K::NEVER.keep());
        free.clear();
        free.shrink_to(users.len().saturating_sub(numbers.len()));
        free.reserve_exact(users.len().saturating_sub(numbers.len()));
        let unused = users.iter().enumerate().rev().filter(|(_, users)| **users == 0);
        free.extend(unused.filter_map(|(number, _)| u32::try_from(number).ok()));
        *idle = 0;
        if numbers.len() == 0 {
            *recent = Box::default();
        }
        recent.iter().chain([&*last]).for_each(|known| known.set((K::LEAST, NONE)));
    }

    fn users(&mut self, number: u32) -> Option<&mut u16> {
        self.users.get_mut(usize::try_from(number).ok()?)
    }
}

/// Numbers that nobody changes meanwhile.
#[derive(Debug)]
pub(super) struct NumberShelf<'a, K: Packed> {
    numbers: Shelf<'a, K, u32>,
    /// By number.
    keys: &'a [K::Kept],
}

impl<K: Packed> NumberShelf<'_, K> {
    /// The numbers of some keys, in their order; how many had to be searched for.
    pub(super) fn find_all(&self, keys: &[K], mut tell: impl FnMut(Option<u32>)) -> usize {
        let (mut left, mut before, mut searched) = (keys, None, 0_usize);
        while let Some((key, others)) = left.split_first() {
            if let Some(number) = behind(self.keys, before, *key) {
                (left, before) = (others, Some(number));
                tell(Some(number));
                continue;
            }
            let (together, others) = left.split_at(left.len().min(AT_ONCE));
            searched = searched.saturating_add(together.len());
            left = others;
            self.numbers.find_all(together.iter().copied(), |number| {
                before = number.copied();
                tell(before);
            });
        }
        searched
    }
}

/// The number behind another one, if it is the key's.
fn behind<K: Packed>(keys: &[K::Kept], number: Option<u32>, key: K) -> Option<u32> {
    let next = number?.checked_add(1)?;
    let kept = keys.get(usize::try_from(next).ok()?)?;
    (K::kept(*kept) == key).then_some(next)
}

impl<K: Packed> Numbers<K> {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let known = self.known.borrow();
        known.numbers.len().saturating_sub(known.idle)
    }

    /// The number of a key that some table has.
    pub(super) fn find(&self, key: K) -> Option<u32> {
        self.known.borrow().find(key)
    }

    /// The key that a number was given to.
    pub(super) fn key(&self, number: u32) -> Option<K> {
        self.known.borrow().keys.get(usize::try_from(number).ok()?).copied().map(K::kept)
    }

    /// How often prefixes were forgotten: numbers that were found before the last time may be those of others.
    pub(super) fn forgotten(&self) -> u64 {
        self.known.borrow().forgotten
    }

    /// The numbers, as long as nobody changes them.
    pub(super) fn known(&self) -> Ref<'_, Known<K>> {
        self.known.borrow()
    }

    /// One table more has a key; its number.
    pub(super) fn hold(&self, key: K) -> u32 {
        let mut known = self.known.borrow_mut();
        let (number, idle) = match known.find(key) {
            Some(number) => (number, known.users(number).is_some_and(|users| *users == 0)),
            None => (known.add(key), false),
        };
        if let Some(users) = known.users(number) {
            *users = users.saturating_add(1);
        }
        known.idle = known.idle.saturating_sub(usize::from(idle));
        number
    }

    /// One table more has a number.
    pub(super) fn hold_again(&self, number: u32) {
        let mut known = self.known.borrow_mut();
        let Some(users) = known.users(number) else { return };
        let idle = *users == 0;
        *users = users.saturating_add(1);
        known.idle = known.idle.saturating_sub(usize::from(idle));
    }

    /// One table less has a number.
    pub(super) fn release(&self, number: u32) {
        let mut known = self.known.borrow_mut();
        let Some(users) = known.users(number).filter(|users| **users < u16::MAX) else { return };
        *users = users.saturating_sub(1);
        if *users == 0 {
            known.idle = known.idle.saturating_add(1);
            known.forget_idle();
        }
    }

    /// All keys in order from one on. Others may come and go between two of them: nothing stays borrowed.
    pub(super) fn keys_from(&self, first: K) -> impl Iterator<Item = (K, u32)> {
        let strides = std::iter::successors(self.stride(first, true), |known| {
            let (last, _) = known.last()?;
            self.stride(*last, false)
        });
        strides.flatten()
    }

    /// The next keys in order, from one on that is `included` or not; `None` where there is none.
    fn stride(&self, first: K, included: bool) -> Option<Vec<(K, u32)>> {
        let known = self.known.borrow();
        let from = known.numbers.iter_from(first).filter(|(key, _)| included || *key != first);
        let some: Vec<(K, u32)> = from.take(STRIDE).map(|(key, number)| (key, *number)).collect();
        (!some.is_empty()).then_some(some)
    }
}
