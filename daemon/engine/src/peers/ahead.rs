//! Prefixes that are about to be withdrawn, looked up ahead and together.
//!
//! The search for a prefix is the greater part of taking it out, and waits for the memory most of the time. So those of all
//! messages that came in one read are searched for at once, by more than one processor where there are as many; nothing
//! changes meanwhile. What goes in the order in which it came needs hardly any search, and no second processor. Never
//! believes what it found once numbers of prefixes may be those of others.

use std::borrow::Cow;

use bgp::session::Output;
use bgp_wire::message::Nlri;
use rib::prefix_table::{Finder, Prefixes, Spot};

use crate::together::together;

/// Prefixes that a thread takes at a time.
const PART: usize = 256;
/// Where more than one out of so many has to be searched for, all help.
const SEARCHED: usize = 4;
/// So many are worth a thread more.
const PREFIXES_A_THREAD: usize = 2048;
/// More threads would wait for each other.
const THREADS: usize = 4;

/// Where the prefixes stand that some messages withdraw, in the order of these.
pub(super) struct Ahead {
    spots: Vec<Spot>,
    /// So many of them were asked for.
    taken: usize,
    /// As often prefixes had been forgotten.
    forgotten: u64,
}

impl Ahead {
    /// Looks up what updates among these withdraw, with the help of so many processors.
    pub(super) fn look(outputs: &[Output], prefixes: &Prefixes, processors: usize) -> Self {
        let updates =
            outputs.iter().filter_map(|output| if let Output::Update(update) = output { Some(update) } else { None });
        let withdrawn = updates.flat_map(|update| &update.unreach).flat_map(|unreach| &unreach.nlri);
        let mut spots: Vec<Spot> = withdrawn.map(|nlri| Spot::from(nlri.prefix)).collect();
        if !spots.is_empty() {
            prefixes.look_up(|finder| find(finder, &mut spots, processors));
        }
        Self { spots, taken: 0, forgotten: prefixes.forgotten() }
    }

    /// Where the prefixes stand that are withdrawn next; one that was not found, or not for certain, is searched for anew.
    pub(super) fn take(&mut self, next: &[Nlri], prefixes: &Prefixes) -> Cow<'_, [Spot]> {
        let from = self.taken;
        self.taken = from.saturating_add(next.len());
        let spots = self.spots.get(from..self.taken).filter(|spots| {
            let same = spots.iter().map(|spot| spot.prefix()).eq(next.iter().map(|nlri| nlri.prefix));
            same && prefixes.forgotten() == self.forgotten
        });
        spots.map_or_else(|| next.iter().map(|nlri| Spot::from(nlri.prefix)).collect(), Cow::Borrowed)
    }
}

/// Alone, as long as hardly anything has to be searched for.
fn find(finder: &Finder<'_>, spots: &mut [Spot], processors: usize) {
    let (mut left, mut parts) = (spots.len(), spots.chunks_mut(PART));
    for part in &mut parts {
        left = left.saturating_sub(part.len());
        if finder.find(part) > PART / SEARCHED {
            break;
        }
    }
    let threads = processors.min(left / PREFIXES_A_THREAD).clamp(1, THREADS);
    together(threads, parts, |parts| parts.for_each(|part| _ = finder.find(part)), || ());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use std::net::Ipv4Addr;

    use bgp_wire::message::{Unreach, Update};
    use nouns::{Family, Prefix};
    use rib::prefix_table::PrefixTable;

    use super::*;

    fn nlri(numbers: impl IntoIterator<Item = u32>) -> Vec<Nlri> {
        let prefix = |number: u32| Prefix::host(Ipv4Addr::from_bits(number.wrapping_mul(0x9e37_79b1)).into());
        numbers.into_iter().map(|number| Nlri { prefix: prefix(number), path_id: 0 }).collect()
    }

    fn withdrawing(nlri: &[Nlri]) -> Vec<Output> {
        let update = |nlri: &[Nlri]| Update {
            unreach: vec![Unreach { family: Family::Ipv4Unicast, nlri: nlri.to_vec() }],
            ..Update::default()
        };
        nlri.chunks(700).map(|some| Output::Update(update(some))).collect()
    }

    #[test]
    fn what_messages_withdraw_is_found_however_many_look() {
        let (prefixes, all) = (Prefixes::default(), nlri(0..9_000));
        let mut table = PrefixTable::new(&prefixes);
        for (number, nlri) in (0_u32..).zip(&all).skip(1_000) {
            table.insert(nlri.prefix, number);
        }
        for processors in [0, 1, 2, 8] {
            let mut ahead = Ahead::look(&withdrawing(&all), &prefixes, processors);
            for (number, nlri) in (0..).zip(&all).collect::<Vec<_>>().chunks(700).flat_map(|some| {
                let nlri: Vec<Nlri> = some.iter().map(|(_, nlri)| **nlri).collect();
                let spots = ahead.take(&nlri, &prefixes).into_owned();
                some.iter().map(|(number, _)| *number).zip(spots).collect::<Vec<_>>()
            }) {
                assert_eq!(table.get(nlri).copied(), (number >= 1_000).then_some(number));
            }
        }
    }

    #[test]
    fn what_was_found_is_not_believed_once_numbers_are_those_of_others() {
        let (prefixes, all, others) = (Prefixes::default(), nlri(0..3_000), nlri(3_000..6_000));
        let mut table = PrefixTable::new(&prefixes);
        all.iter().for_each(|nlri| _ = table.insert(nlri.prefix, 1));
        let mut ahead = Ahead::look(&withdrawing(&all), &prefixes, 2);
        all.iter().for_each(|nlri| _ = table.remove(nlri.prefix));
        others.iter().for_each(|nlri| _ = table.insert(nlri.prefix, 2));
        let spots = ahead.take(&all, &prefixes).into_owned();
        assert!(spots.iter().all(|spot| table.remove(*spot).is_none()));
        assert_eq!(table.len(), others.len());
    }

    #[test]
    fn whoever_asks_for_others_than_were_looked_up_gets_them_all_the_same() {
        let (prefixes, all) = (Prefixes::default(), nlri(0..100));
        let mut table = PrefixTable::new(&prefixes);
        all.iter().for_each(|nlri| _ = table.insert(nlri.prefix, 1));
        let mut ahead = Ahead::look(&withdrawing(&all), &prefixes, 2);
        let reversed: Vec<Nlri> = all.iter().rev().copied().collect();
        let spots = ahead.take(&reversed, &prefixes).into_owned();
        assert!(spots.iter().map(|spot| spot.prefix()).eq(reversed.iter().map(|nlri| nlri.prefix)));
        assert!(spots.iter().all(|spot| table.remove(*spot).is_some()));
    }
}
