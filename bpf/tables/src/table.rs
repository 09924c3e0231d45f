//! A table of slots while backends come and go: whom new flows go to, whom old ones went to, what has to be learned yet.
//!
//! Never knows a service or a map. The law: as long as a flow talks at least once in the time that the windows last, and its
//! backend lives, no change and no sequence of changes leads it elsewhere.

mod nearest;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use bpf_common::layout::{BACKENDS, Mode, Slot};

use crate::maglev::{self, Seed, Turn};
use nearest::{Change, Places, Shares};

/// Who does the work of a service, as far as its table depends on it; equal ones share tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Set {
    /// Who gets new flows: number and weight. The weights have no common divisor; none is 0.
    active: Vec<(u16, u32)>,
    /// Who only keeps the flows that it has.
    draining: Vec<u16>,
}

impl Set {
    /// The set of those who get new flows by their weights, and of those who keep theirs.
    pub(crate) fn new(mut active: Vec<(u16, u32)>, mut draining: Vec<u16>) -> Self {
        // Whoever has no weight gets no new flows, which is what draining is.
        draining.extend(active.iter().filter(|(_, weight)| *weight == 0).map(|(number, _)| *number));
        active.retain(|(_, weight)| *weight > 0);
        active.sort_unstable();
        active.dedup_by_key(|(number, _)| *number);
        draining.sort_unstable();
        draining.dedup();
        draining.retain(|number| active.binary_search_by_key(number, |(active, _)| *active).is_err());
        let common = active.iter().fold(0, |common, (_, weight)| divisor(common, *weight)).max(1);
        active.iter_mut().for_each(|(_, weight)| *weight /= common);
        Self { active, draining }
    }

    /// Whether nobody gets anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.active.is_empty() && self.draining.is_empty()
    }

    /// Whether its flows are left to it.
    pub(crate) fn is_alive(&self, number: u16) -> bool {
        self.active.binary_search_by_key(&number, |(active, _)| *active).is_ok()
            || self.draining.binary_search(&number).is_ok()
    }

    /// Who gets new flows, with weights.
    pub(crate) fn active(&self) -> &[(u16, u32)] {
        &self.active
    }

    /// Whether somebody lives in it who does not in another.
    pub(crate) fn has_others_than(&self, other: &Self) -> bool {
        let all = self.active.iter().map(|(number, _)| number).chain(&self.draining);
        all.copied().any(|number| !other.is_alive(number))
    }

    /// Who gets which slot; all are nobody's if nobody gets new flows.
    pub(crate) fn owners(&self, slots: u32, seed: impl Fn(u16) -> Option<Seed>) -> Arc<[u16]> {
        let turns = self
            .active
            .iter()
            .filter_map(|(number, weight)| seed(*number).map(|seed| Turn { seed, weight: *weight, number: *number }));
        let turns: Vec<Turn> = turns.collect();
        maglev::fill(&turns, slots).unwrap_or_else(|| vec![0; slots as usize]).into()
    }

    fn alive(&self) -> Alive {
        let mut alive = Alive(vec![0; BACKENDS / 64]);
        self.active.iter().map(|(number, _)| number).chain(&self.draining).for_each(|number| alive.add(*number));
        alive
    }
}

fn divisor(one: u32, other: u32) -> u32 {
    if other == 0 { one } else { divisor(other, one % other) }
}

/// A bit for each backend that lives.
struct Alive(Vec<u64>);

impl Alive {
    fn add(&mut self, number: u16) {
        if let Some(word) = self.0.get_mut(usize::from(number / 64)) {
            *word |= 1 << (number % 64);
        }
    }

    fn has(&self, number: u16) -> bool {
        self.0.get(usize::from(number / 64)).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
}

/// What a slot is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Stable,
    /// Flows are learned; those that are unknown are the former owner's. The window is an index.
    Learning {
        former: u16,
        window: u8,
    },
    Settling,
}

/// A slot that is not stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unsettled {
    slot: u32,
    fate: Fate,
}

/// All slots of a table. Those that are stable, which most are for most of the time, cost two octets each.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    owners: Arc<[u16]>,
    /// Where each owner's slots are, if somebody has looked; whether they still are there.
    places: Option<(Arc<Places>, bool)>,
    /// How many slots each owner has.
    shares: Shares,
    /// In the order of the slots.
    unsettled: Vec<Unsettled>,
    /// When each window began in which flows are learned.
    windows: Vec<Instant>,
}

/// Slots compared at a time.
const CHUNK: usize = 128;

impl Table {
    /// A table without a past.
    pub(crate) fn new(owners: Arc<[u16]>) -> Self {
        let shares = nearest::shares(&owners);
        Self { owners, places: None, shares, unsettled: Vec::new(), windows: Vec::new() }
    }

    /// A table without a past and with even shares, whoever has which slot: made in no time.
    pub(crate) fn even(set: &Set, slots: u32) -> Self {
        let (owners, shares) = nearest::fresh(slots as usize, &set.active);
        Self { owners: owners.into(), places: None, shares, unsettled: Vec::new(), windows: Vec::new() }
    }

    /// Whether those who have slots are those who get new flows in this set.
    pub(crate) fn serves(&self, set: &Set) -> bool {
        self.shares.iter().map(|(number, _)| number).eq(set.active.iter().map(|(number, _)| number))
    }

    /// A table as it was found. Nobody knows how long its flows have been learned, so the windows begin now.
    pub(crate) fn found(slots: &[Slot], now: Instant) -> Self {
        let number = |number: u32| u16::try_from(number).unwrap_or_default();
        let owners: Arc<[u16]> = slots.iter().map(|slot| number(slot.current())).collect();
        let unsettled = (0..).zip(slots).filter_map(|(at, slot)| {
            let fate = match slot.mode() {
                Mode::Stable => return None,
                Mode::Learning => Fate::Learning { former: number(slot.former()), window: 0 },
                Mode::Settling => Fate::Settling,
            };
            Some(Unsettled { slot: at, fate })
        });
        let unsettled = unsettled.collect();
        let shares = nearest::shares(&owners);
        let mut found = Self { owners, places: None, shares, unsettled, windows: vec![now] };
        found.forget_windows();
        found
    }

    /// What becomes of this table when these are the owners from now on, and this is the set.
    pub(crate) fn succeeded_by(&self, owners: &Arc<[u16]>, set: &Set, now: Instant) -> Self {
        let mut next = self.clone();
        next.turn_into(owners, set, now);
        next
    }

    /// These are the owners from now on, and this is the set. Answers which slots change.
    pub(crate) fn turn_into(&mut self, owners: &Arc<[u16]>, set: &Set, now: Instant) -> Vec<(u32, Slot)> {
        let changed = self.hand_over(&self.differences(owners), set, now);
        self.owners = Arc::clone(owners);
        self.moved();
        self.shares = nearest::shares(owners);
        changed
    }

    /// Slots are not where they were; the memory of whoever has looked is kept, because to give it back takes time.
    fn moved(&mut self) {
        self.places.iter_mut().for_each(|(_, hold)| *hold = false);
    }

    /// Looks where each owner's slots are, so that a set that replaces this one finds those of whoever goes at once; others with
    /// the same owners, which are told one after the other, share what was found.
    pub(crate) fn look(&mut self, found: &mut Option<Arc<Places>>) {
        let before = self.places.take().and_then(|(places, _)| Arc::try_unwrap(places).ok());
        let places = found.get_or_insert_with(|| {
            let mut places = before.unwrap_or_default();
            places.look(&self.owners, &self.shares);
            Arc::new(places)
        });
        self.places = Some((Arc::clone(places), true));
    }

    /// This is the set from now on: as few slots as can be get other owners, so that the shares are even. Somebody has to get
    /// new flows. Answers which slots change.
    pub(crate) fn approach(&mut self, set: &Set, now: Instant) -> Vec<(u32, Slot)> {
        let places = self.places.as_ref().filter(|(_, hold)| *hold).map(|(places, _)| &**places);
        let (changes, shares) = nearest::nearest(&self.owners, places, &self.shares, &set.active);
        let changed = self.hand_over(&changes, set, now);
        if !changes.is_empty() {
            self.moved();
            let owners = Arc::make_mut(&mut self.owners);
            for change in changes {
                owners.get_mut(change.slot as usize).into_iter().for_each(|owner| *owner = change.owner);
            }
        }
        self.shares = shares;
        changed
    }

    fn differences(&self, owners: &[u16]) -> Vec<Change> {
        let mut changes = Vec::new();
        for (chunk, (old, new)) in (0_u32..).zip(self.owners.chunks(CHUNK).zip(owners.chunks(CHUNK))) {
            if old != new {
                let slots = (chunk * CHUNK as u32..).zip(old.iter().zip(new)).filter(|(_, (old, new))| old != new);
                changes.extend(slots.map(|(slot, (former, owner))| Change { slot, former: *former, owner: *owner }));
            }
        }
        changes
    }

    /// What becomes of slots that change hands, and of those that are not stable; who owns them is changed by the caller.
    fn hand_over(&mut self, changes: &[Change], set: &Set, now: Instant) -> Vec<(u32, Slot)> {
        let alive = set.alive();
        let (windows, fresh) = self.open_window(now);
        let room = self.unsettled.len() + changes.len();
        let before = std::mem::replace(&mut self.unsettled, Vec::with_capacity(room));
        let mut words = Vec::with_capacity(changes.len());
        let mut follow = |slot, before: Fate, old, new| {
            let fate = before.follow(old, new, &alive, fresh);
            if fate != Fate::Stable {
                self.unsettled.push(Unsettled { slot, fate });
            }
            let word = fate.slot(new);
            if word != before.slot(old) {
                words.push((slot, word));
            }
        };
        let owner = |slot: u32| self.owners.get(slot as usize).copied().unwrap_or_default();
        let mut changes = changes.iter().peekable();
        for Unsettled { slot, fate } in before {
            while let Some(change) = changes.next_if(|change| change.slot < slot) {
                follow(change.slot, Fate::Stable, change.former, change.owner);
            }
            let old = owner(slot);
            let new = changes.next_if(|change| change.slot == slot).map_or(old, |change| change.owner);
            follow(slot, fate, old, new);
        }
        changes.for_each(|change| follow(change.slot, Fate::Stable, change.former, change.owner));
        self.windows = windows;
        self.forget_windows();
        words
    }

    /// The windows with one that begins now, and its index. When there are too many, the youngest begins anew.
    fn open_window(&self, now: Instant) -> (Vec<Instant>, u8) {
        let mut windows = self.windows.clone();
        let fresh = u8::try_from(windows.len()).unwrap_or(u8::MAX);
        windows.truncate(usize::from(fresh));
        windows.push(now);
        (windows, fresh)
    }

    /// Windows in which no flow is learned any more are no windows.
    fn forget_windows(&mut self) {
        let mut used = [None; 256];
        let mut windows = Vec::new();
        for slot in &mut self.unsettled {
            let Fate::Learning { window, .. } = &mut slot.fate else { continue };
            let Some(began) = self.windows.get(usize::from(*window)) else { continue };
            let Some(place) = used.get_mut(usize::from(*window)) else { continue };
            *window = *place.get_or_insert_with(|| {
                windows.push(*began);
                u8::try_from(windows.len() - 1).unwrap_or(u8::MAX)
            });
        }
        self.windows = windows;
    }

    /// Ends the windows that are older than that: each live flow of their slots has been seen. Answers which slots change.
    pub(crate) fn learned(&mut self, began_until: Instant) -> Vec<(u32, Slot)> {
        let over = |window: u8| self.windows.get(usize::from(window)).is_none_or(|began| *began <= began_until);
        let mut changed = Vec::new();
        for Unsettled { slot, fate } in &mut self.unsettled {
            if matches!(fate, Fate::Learning { window, .. } if over(*window)) {
                *fate = Fate::Settling;
                changed.push(*slot);
            }
        }
        if !changed.is_empty() {
            self.forget_windows();
        }
        changed.into_iter().map(|slot| (slot, self.settling(slot))).collect()
    }

    fn settling(&self, slot: u32) -> Slot {
        Slot::new(u32::from(self.owner(slot)), 0, Mode::Settling)
    }

    /// Ends the waiting in all slots that wait but those, in which a flow is remembered that goes elsewhere. Answers which
    /// slots change.
    pub(crate) fn settle(&mut self, needed: &BTreeSet<u32>) -> Vec<(u32, Slot)> {
        let mut changed = Vec::new();
        self.unsettled.retain(|Unsettled { slot, fate }| {
            let stays = *fate != Fate::Settling || needed.contains(slot);
            if !stays {
                changed.push(*slot);
            }
            stays
        });
        changed.into_iter().map(|slot| (slot, Slot::new(u32::from(self.owner(slot)), 0, Mode::Stable))).collect()
    }

    /// Who gets the new flows of a slot; 0: nobody.
    pub(crate) fn owner(&self, slot: u32) -> u16 {
        self.owners.get(slot as usize).copied().unwrap_or_default()
    }

    /// A slot as it stands in the map.
    pub(crate) fn slot(&self, slot: u32) -> Slot {
        let found = self.unsettled.binary_search_by_key(&slot, |unsettled| unsettled.slot);
        let fate = found.ok().and_then(|place| self.unsettled.get(place)).map_or(Fate::Stable, |found| found.fate);
        fate.slot(self.owner(slot))
    }

    /// All slots as they stand in the map.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        let mut slots: Vec<Slot> =
            self.owners.iter().map(|owner| Slot::new(u32::from(*owner), 0, Mode::Stable)).collect();
        for Unsettled { slot, fate } in &self.unsettled {
            if let Some(place) = slots.get_mut(*slot as usize) {
                *place = fate.slot(self.owner(*slot));
            }
        }
        slots
    }

    /// Whether each slot stands as in another table; windows may differ.
    pub(crate) fn stands_like(&self, other: &Self) -> bool {
        let slots = |table: &Self| -> Vec<(u32, Slot)> {
            table.unsettled.iter().map(|found| (found.slot, found.fate.slot(0))).collect()
        };
        self.owners == other.owners && slots(self) == slots(other)
    }

    /// How many slots there are.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.owners.len()).unwrap_or(u32::MAX)
    }

    /// How many slots each has who gets new flows; 0 is nobody.
    pub(crate) fn shares(&self) -> &[(u16, u32)] {
        &self.shares
    }

    /// Whether no slot is in transition.
    pub(crate) fn is_settled(&self) -> bool {
        self.unsettled.is_empty()
    }

    /// Whether a slot waits for remembered flows to end.
    pub(crate) fn is_settling(&self) -> bool {
        self.unsettled.iter().any(|slot| slot.fate == Fate::Settling)
    }

    /// When the first window began in which flows are learned.
    pub(crate) fn oldest_window(&self) -> Option<Instant> {
        self.windows.iter().min().copied()
    }

    /// When the last one began.
    pub(crate) fn youngest_window(&self) -> Option<Instant> {
        self.windows.iter().max().copied()
    }

    /// The former owners of slots in which flows are learned; 0 where flows are waited for.
    pub(crate) fn formers(&self) -> impl Iterator<Item = (u32, u16)> {
        self.unsettled.iter().map(|slot| match slot.fate {
            Fate::Learning { former, .. } => (slot.slot, former),
            Fate::Stable | Fate::Settling => (slot.slot, 0),
        })
    }
}

impl Fate {
    /// What becomes of a slot that goes from one owner to another, or stays.
    fn follow(self, old: u16, new: u16, alive: &Alive, fresh: u8) -> Self {
        let learn = |former| Self::Learning { former, window: fresh };
        match self {
            // Whoever has no flow, or cannot have any longer, leaves nothing to learn.
            Self::Stable if old == new || !alive.has(old) => Self::Stable,
            Self::Stable => learn(old),
            // Flows of the owners between the former one and this are all remembered; unknown ones are the former one's.
            Self::Learning { former, .. } if former == new || !alive.has(former) => Self::Settling,
            Self::Learning { .. } if old == new => self,
            Self::Learning { former, .. } => learn(former),
            // Flows that began while the slot settled are its owner's, and are not remembered.
            Self::Settling if old == new || !alive.has(old) => Self::Settling,
            Self::Settling => learn(old),
        }
    }

    fn slot(self, owner: u16) -> Slot {
        match self {
            Self::Stable => Slot::new(u32::from(owner), 0, Mode::Stable),
            Self::Learning { former, .. } => Slot::new(u32::from(owner), u32::from(former), Mode::Learning),
            Self::Settling => Slot::new(u32::from(owner), 0, Mode::Settling),
        }
    }
}
