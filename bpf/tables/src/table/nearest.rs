//! Which slots get other owners when a set replaces another one and there is no time to fill a table anew: as few as can be.
//!
//! Never asks whom a slot belongs to on every router: that is Maglev's to say, which follows. Shares are as even as its.

/// A slot that gets another owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) slot: u32,
    pub(super) former: u16,
    pub(super) owner: u16,
}

/// How many slots each owner has, in the order of the numbers; 0 is nobody's.
pub(super) type Shares = Vec<(u16, u32)>;

/// The shares of these slots.
pub(super) fn shares(owners: &[u16]) -> Shares {
    let most = owners.iter().copied().max().unwrap_or_default();
    let mut counts = vec![0_u32; usize::from(most) + 1];
    for owner in owners {
        if let Some(count) = counts.get_mut(usize::from(*owner)) {
            *count += 1;
        }
    }
    (0..=most).zip(counts).filter(|(_, count)| *count > 0).collect()
}

/// Slots that nobody has had yet, with the shares of these weights: each owner's lie side by side.
pub(super) fn fresh(slots: usize, active: &[(u16, u32)]) -> (Vec<u16>, Shares) {
    let parts = parts(slots, &Shares::new(), active);
    let low: usize = parts.iter().map(|part| part.low as usize).sum();
    let mut more = slots.saturating_sub(low);
    let (mut owners, mut shares) = (Vec::with_capacity(slots), Shares::new());
    for part in parts {
        // What is left over goes to those whose share was rounded down.
        let one = u32::from(more > 0 && part.high > part.low);
        more -= one as usize;
        owners.resize(owners.len() + (part.low + one) as usize, part.number);
        shares.push((part.number, part.low + one));
    }
    owners.resize(slots, owners.last().copied().unwrap_or_default());
    shares.retain(|(_, share)| *share > 0);
    (owners, shares)
}

/// What one who gets new flows has and should have.
struct Part {
    number: u16,
    has: u32,
    /// The share that its weight says, rounded down and up.
    low: u32,
    high: u32,
    /// How many it gets.
    gets: u32,
}

/// Who of those with a weight gets which slots, and what the shares are then. Somebody has to have a weight.
pub(super) fn nearest(
    owners: &[u16],
    places: Option<&Places>,
    shares: &Shares,
    active: &[(u16, u32)],
) -> (Vec<Change>, Shares) {
    let mut parts = parts(owners.len(), shares, active);
    let last = shares.last().map_or(0, |(number, _)| usize::from(*number));
    let mut gives = vec![0_u32; last + 1];
    let mut give =
        |number: u16, count: u32| gives.get_mut(usize::from(number)).into_iter().for_each(|all| *all += count);
    let gone = shares.iter().filter(|(number, _)| active.binary_search_by_key(number, |(number, _)| *number).is_err());
    let mut free = 0;
    gone.for_each(|(number, has)| {
        free += has;
        give(*number, *has);
    });
    for part in &mut parts {
        let over = part.has.saturating_sub(part.high);
        free += over;
        part.has -= over;
        give(part.number, over);
        part.gets = part.low.saturating_sub(part.has);
    }
    let mut lacking: u32 = parts.iter().map(|part| part.gets).sum();
    // Whoever has one more than the least gives it where too few are free, and gets one more where too many are.
    for part in &mut parts {
        if free < lacking && part.has > part.low {
            free += 1;
            part.has -= 1;
            give(part.number, 1);
        } else if free > lacking && part.has + part.gets < part.high {
            lacking += 1;
            part.gets += 1;
        }
    }
    let after = parts.iter().map(|part| (part.number, part.has + part.gets)).filter(|(_, share)| *share > 0);
    let after = after.collect();
    let takers = parts.into_iter().filter(|part| part.gets > 0).map(|part| (part.number, part.gets)).collect();
    (deal(owners, places, gives, free, takers), after)
}

fn parts(slots: usize, shares: &Shares, active: &[(u16, u32)]) -> Vec<Part> {
    let slots = u64::try_from(slots).unwrap_or(u64::MAX);
    let sum: u64 = active.iter().map(|(_, weight)| u64::from(*weight)).sum();
    let mut shares = shares.iter().copied().peekable();
    let part = |(number, weight): &(u16, u32)| {
        while shares.next_if(|(other, _)| other < number).is_some() {}
        let has = shares.next_if(|(other, _)| other == number).map_or(0, |(_, has)| has);
        let ideal = slots * u64::from(*weight);
        let fits = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let low = fits(ideal.checked_div(sum).unwrap_or_default());
        Part { number: *number, has, low, high: fits(ideal.div_ceil(sum.max(1))), gets: 0 }
    };
    active.iter().map(part).collect()
}

/// Which slots each owner has: whoever goes is found without a look at the slots of all others.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Where the slots of each number begin, and those of the last one end.
    begins: Vec<u32>,
    /// The slots, in their order with each owner; those beyond 16 bits, of which a table has one at most, are not among them.
    slots: Vec<u16>,
}

impl Places {
    /// Those of these slots, whose shares are these; in the memory of others, whatever they were.
    pub(super) fn look(&mut self, owners: &[u16], shares: &Shares) {
        let named = owners.get(..owners.len().min(NAMED)).unwrap_or_default();
        let most = shares.last().map_or(0, |(number, _)| usize::from(*number));
        self.begins.clear();
        self.begins.resize(most + 2, 0);
        for owner in named {
            self.begins.get_mut(usize::from(*owner) + 1).into_iter().for_each(|count| *count += 1);
        }
        let mut sum = 0;
        for begin in &mut self.begins {
            sum += *begin;
            *begin = sum;
        }
        let mut next = self.begins.clone();
        self.slots.resize(named.len(), 0);
        for (slot, owner) in (0..=u16::MAX).zip(named) {
            let Some(place) = next.get_mut(usize::from(*owner)) else { continue };
            self.slots.get_mut(*place as usize).into_iter().for_each(|found| *found = slot);
            *place += 1;
        }
    }

    fn of(&self, owner: u16) -> &[u16] {
        let place = |number: usize| self.begins.get(number).map_or(self.slots.len(), |begin| *begin as usize);
        self.slots.get(place(usize::from(owner))..place(usize::from(owner) + 1)).unwrap_or_default()
    }
}

/// So many slots have numbers of 16 bits.
const NAMED: usize = 1 << 16;
/// Slots looked at together.
const CHUNK: usize = 16;

/// Takes so many slots from those who give, and deals them out by turns.
fn deal(
    owners: &[u16],
    places: Option<&Places>,
    mut gives: Vec<u32>,
    free: u32,
    takers: Vec<(u16, u32)>,
) -> Vec<Change> {
    let mut dealing = Dealing { changes: Vec::with_capacity(free as usize), takers, turn: 0 };
    let mut givers = (0..).zip(&gives).filter(|(_, count)| **count > 0).map(|(number, _)| number);
    let (first, second) = (givers.next(), givers.next());
    // Of one who gives it is quicker to look for it among many slots than to ask of each slot whether its owner gives.
    let alone = first.filter(|_| second.is_none());
    if let (Some(former), Some(places)) = (alone, places) {
        let others = (NAMED as u32..).zip(owners.iter().skip(NAMED)).filter(|(_, owner)| **owner == former);
        let all = places.of(former).iter().map(|slot| u32::from(*slot)).chain(others.map(|(slot, _)| slot));
        all.take(free as usize).for_each(|slot| dealing.give(slot, former));
        return dealing.changes;
    }
    for (chunk, slots) in (0_u32..).zip(owners.chunks(CHUNK)) {
        if dealing.changes.len() == free as usize {
            break;
        }
        for (place, former) in marked(slots, given(slots, alone, &gives)) {
            let Some(left) = gives.get_mut(usize::from(former)).filter(|left| **left > 0) else { continue };
            *left -= 1;
            dealing.give(chunk * CHUNK as u32 + place, former);
        }
    }
    dealing.changes
}

/// Who gets slots by turns, and who got which.
struct Dealing {
    changes: Vec<Change>,
    takers: Vec<(u16, u32)>,
    turn: usize,
}

impl Dealing {
    fn give(&mut self, slot: u32, former: u16) {
        if self.turn >= self.takers.len() {
            self.turn = 0;
        }
        let Some((owner, wants)) = self.takers.get_mut(self.turn) else { return };
        self.changes.push(Change { slot, former, owner: *owner });
        *wants -= 1;
        if *wants == 0 {
            self.takers.remove(self.turn);
        } else {
            self.turn += 1;
        }
    }
}

/// A bit for each of these slots whose owner gives.
#[inline]
fn given(slots: &[u16], alone: Option<u16>, gives: &[u32]) -> u16 {
    match (alone, slots.first_chunk::<CHUNK>()) {
        (Some(alone), Some(whole)) if !has(whole, alone) => 0,
        (Some(alone), _) => bits(slots, |owner| owner == alone),
        (None, _) => bits(slots, |owner| gives.get(usize::from(owner)).is_some_and(|left| *left > 0)),
    }
}

/// Whether somebody has one of these slots; all are looked at, which is quicker than to stop at the first.
fn has(slots: &[u16; CHUNK], owner: u16) -> bool {
    slots.iter().fold(0, |found, slot| found | u8::from(*slot == owner)) != 0
}

/// A bit for each slot of whose owner something holds, the first one's lowest.
#[inline]
fn bits(slots: &[u16], holds: impl Fn(u16) -> bool) -> u16 {
    slots.iter().rev().fold(0, |bits, owner| (bits << 1) | u16::from(holds(*owner)))
}

/// The places of those that have a bit, with their owners.
#[inline]
fn marked(slots: &[u16], mut bits: u16) -> impl Iterator<Item = (u32, u16)> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros();
        let owner = slots.get(place as usize).copied().filter(|_| bits != 0)?;
        bits &= bits - 1;
        Some((place, owner))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shares_are_as_even_as_weights_allow_and_nobody_loses_a_slot_that_need_not(
            owners in vec(0_u16..12, 7..600),
            active in btree_map(1_u16..14, 1_u32..30, 1..10),
        ) {
            let before = shares(&owners);
            let active: Vec<(u16, u32)> = active.into_iter().collect();
            let (changes, told) = nearest(&owners, None, &before, &active);
            let mut places = Places::default();
            places.look(&[5; 700], &vec![(5, 700)]);
            places.look(&owners, &before);
            prop_assert_eq!(&nearest(&owners, Some(&places), &before, &active).0, &changes);
            let mut after = owners.clone();
            for change in &changes {
                let place = after.get_mut(change.slot as usize);
                prop_assert_eq!(place.as_deref().copied(), Some(change.former), "{:?}", change);
                prop_assert_ne!(change.former, change.owner);
                place.into_iter().for_each(|owner| *owner = change.owner);
            }
            prop_assert!(changes.is_sorted_by_key(|change| change.slot));
            prop_assert_eq!(&shares(&after), &told);
            let sum: u32 = active.iter().map(|(_, weight)| weight).sum();
            let slots = u32::try_from(owners.len()).unwrap_or_default();
            let has: BTreeMap<u16, u32> = before.into_iter().collect();
            let told: BTreeMap<u16, u32> = told.into_iter().collect();
            let of = |shares: &BTreeMap<u16, u32>, number| shares.get(&number).copied().unwrap_or_default();
            let (mut over, mut lack) = (0, 0);
            for (number, weight) in &active {
                let (low, high) = (slots * weight / sum, (slots * weight).div_ceil(sum));
                prop_assert!((low..=high).contains(&of(&told, *number)), "{number}: {} of {low} to {high}", of(&told, *number));
                over += of(&has, *number).saturating_sub(high);
                lack += low.saturating_sub(of(&has, *number));
            }
            prop_assert!(told.keys().all(|number| active.iter().any(|(active, _)| active == number)));
            let gone: u32 = has.iter().filter(|(number, _)| active.iter().all(|(active, _)| active != *number)).map(|(_, has)| has).sum();
            prop_assert_eq!(u32::try_from(changes.len()).unwrap_or_default(), (over + gone).max(lack));
            let (owners, told) = fresh(owners.len(), &active);
            prop_assert_eq!(&shares(&owners), &told);
            prop_assert_eq!(u32::try_from(owners.len()).unwrap_or_default(), slots);
            for (number, share) in told {
                let weight = active.iter().find(|(active, _)| *active == number).map_or(0, |(_, weight)| *weight);
                prop_assert!((slots * weight / sum..=(slots * weight).div_ceil(sum)).contains(&share), "{number}: {share}");
            }
        }
    }

    #[test]
    fn whoever_goes_is_found_in_the_last_slot_of_a_large_table_too() {
        let mut owners: Vec<u16> =
            (0..65_537_u32).map(|slot| u16::try_from(1 + slot % 3).unwrap_or_default()).collect();
        owners.last_mut().into_iter().for_each(|owner| *owner = 3);
        let before = shares(&owners);
        let mut places = Places::default();
        places.look(&owners, &before);
        let active = [(1, 1), (2, 1)];
        let (changes, after) = nearest(&owners, Some(&places), &before, &active);
        assert_eq!(changes.last().map(|change| (change.slot, change.former)), Some((65_536, 3)));
        assert_eq!((changes, after), nearest(&owners, None, &before, &active));
    }
}
