//! Tables that share their prefixes, each held against an ordered map of the standard library.
#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use nouns::Prefix;
use proptest::prelude::*;

use super::*;
use crate::fixtures::any_prefix;

#[derive(Clone, Debug)]
enum Act {
    Insert(Prefix, u32),
    Entry(Prefix),
    Remove(Prefix),
    /// What was found in this table is said of the other one by where it stands.
    Pass(Prefix, u32),
    /// What was found in this table goes out of the other one and of this one by where it stands.
    Clear(Prefix),
    /// The table becomes a copy of the other one.
    Copy,
    /// The table goes, and an empty one takes its place.
    Renew,
    /// All values from one prefix on grow.
    Visit(Prefix),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        200 => (any_prefix(), any::<u32>()).prop_map(|(prefix, value)| Act::Insert(prefix, value)),
        50 => any_prefix().prop_map(Act::Entry),
        150 => any_prefix().prop_map(Act::Remove),
        50 => (any_prefix(), any::<u32>()).prop_map(|(prefix, value)| Act::Pass(prefix, value)),
        50 => any_prefix().prop_map(Act::Clear),
        1 => Just(Act::Copy),
        1 => Just(Act::Renew),
        5 => any_prefix().prop_map(Act::Visit),
    ]
}

type Model = BTreeMap<Prefix, u32>;

/// Values are met in the order of arrivals, each once, until enough were seen.
fn visit(table: &mut PrefixTable<u32>, model: &mut Model, until: Prefix) {
    let order: Vec<Prefix> = table.arrivals_from(Arrival::default()).map(|(spot, _)| spot.prefix()).collect();
    let mut met = Vec::new();
    table.visit(|spot, value| {
        met.push(spot.prefix());
        *value = value.wrapping_add(1);
        if spot.prefix() >= until { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(order.starts_with(&met) && met.iter().rev().skip(1).all(|prefix| *prefix < until));
    assert!(met.len() == order.len() || met.last().is_some_and(|last| *last >= until));
    for prefix in met {
        model.entry(prefix).and_modify(|value| *value = value.wrapping_add(1)).or_default();
    }
}

/// What is met from each arrival on is what has not been met before, and all together is the table.
fn arrivals(table: &PrefixTable<u32>, model: &Model) {
    let all: Vec<(Spot, u32)> = table.arrivals_from(Arrival::default()).map(|(spot, value)| (spot, *value)).collect();
    let sorted: Model = all.iter().map(|(spot, value)| (spot.prefix(), *value)).collect();
    assert!(all.len() == model.len() && sorted == *model);
    assert!(all.is_sorted_by_key(|(spot, _)| spot.arrival()));
    for (at, (spot, _)) in all.iter().enumerate().step_by(7) {
        let from = table.arrivals_from(spot.arrival().unwrap_or_default()).map(|(spot, value)| (spot, *value));
        assert!(from.eq(all.iter().skip(at).copied()), "from {spot:?} on");
    }
}

proptest! {
    #[test]
    fn tables_that_share_their_prefixes_are_what_ordered_maps_of_the_standard_library_are(
        acts in proptest::collection::vec((any::<bool>(), act()), 0..3_000), first in any_prefix(),
        looked_up in proptest::collection::vec(any_prefix(), 0..100)
    ) {
        let prefixes = Prefixes::default();
        let mut tables = [PrefixTable::new(&prefixes), PrefixTable::new(&prefixes)];
        let mut models = [Model::new(), Model::new()];
        for (second, act) in acts {
            let at = usize::from(second);
            let (table, model) = (&mut tables[at], &mut models[at]);
            match act {
                Act::Insert(prefix, value) => prop_assert_eq!(table.insert(prefix, value), model.insert(prefix, value)),
                Act::Entry(prefix) => prop_assert_eq!(table.entry(prefix), model.entry(prefix).or_default()),
                Act::Remove(prefix) => prop_assert_eq!(table.remove(prefix), model.remove(&prefix)),
                Act::Visit(until) => visit(table, model, until),
                Act::Pass(prefix, value) => {
                    if let Some((spot, _)) = table.find_mut(prefix) {
                        let before = tables[1 - at].insert(spot, value);
                        prop_assert_eq!(before, models[1 - at].insert(prefix, value));
                        prop_assert_eq!(tables[1 - at].get(spot), Some(&value));
                        prop_assert_eq!(tables[at].get(spot), models[at].get(&prefix));
                    }
                }
                Act::Clear(prefix) => {
                    let (spot, value) = table.find_or_add(prefix);
                    prop_assert_eq!(value, model.entry(prefix).or_default());
                    prop_assert_eq!(tables[1 - at].remove(spot), models[1 - at].remove(&prefix));
                    prop_assert_eq!(tables[at].remove(spot), models[at].remove(&prefix));
                }
                Act::Renew => (*table, *model) = (PrefixTable::new(&prefixes), Model::new()),
                Act::Copy => {
                    (tables[at], models[at]) = (tables[1 - at].clone(), models[1 - at].clone());
                }
            }
            prop_assert_eq!(tables[at].len(), models[at].len());
        }
        for (table, model) in tables.iter_mut().zip(&mut models) {
            arrivals(table, model);
            prop_assert!(table.iter().eq(model.iter().map(|(prefix, value)| (*prefix, value))));
            prop_assert!(table.iter_from(first).eq(model.range(first..).map(|(prefix, value)| (*prefix, value))));
            for (prefix, value) in model.iter_mut() {
                prop_assert_eq!(table.get(*prefix), Some(&*value));
                prop_assert_eq!(table.get_mut(*prefix), Some(value));
            }
        }
        let all: Vec<Prefix> = looked_up.iter().copied().chain(models[0].keys().copied()).collect();
        let mut spots: Vec<Spot> = all.iter().copied().map(Spot::from).collect();
        prefixes.look_up(|finder| spots.chunks_mut(70).for_each(|some| _ = finder.find(some)));
        prop_assert!(spots.iter().map(|spot| spot.prefix()).eq(all.iter().copied()));
        for spot in spots.iter().take(50) {
            let value = u32::from(spot.prefix().length());
            prop_assert_eq!(tables[0].insert(*spot, value), models[0].insert(spot.prefix(), value));
        }
        for (table, model) in tables.iter().zip(&models) {
            prop_assert!(spots.iter().map(|spot| table.get(*spot)).eq(all.iter().map(|prefix| model.get(prefix))));
        }
        let known = models[0].keys().chain(models[1].keys()).filter(|prefix| prefix.address().is_ipv4());
        let known: std::collections::BTreeSet<&Prefix> = known.collect();
        prop_assert_eq!(prefixes.v4.len(), known.len(), "a number is kept for what no table has");
    }
}

#[test]
fn what_is_remembered_of_prefixes_is_never_believed_once_their_numbers_are_others() {
    let (prefixes, mut state) = (Prefixes::default(), 1_u32);
    let (mut table, mut model) = (PrefixTable::new(&prefixes), Model::new());
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let v4 = |number: u32| Prefix::masked_or_host(Ipv4Addr::from_bits(number << 8).into(), 24);
    for round in 0..60_000_u32 {
        // The table grows, and later shrinks; one prefix in three was used a moment ago.
        let prefix = v4(next() % 30_000);
        if next() % 8 < if round < 30_000 { 6 } else { 2 } {
            assert_eq!(table.insert(prefix, round), model.insert(prefix, round));
        } else {
            assert_eq!(table.remove(prefix), model.remove(&prefix));
        }
        let again = if next() % 3 == 0 { prefix } else { v4(next() % 30_000) };
        assert_eq!(table.get(again), model.get(&again));
    }
    assert!(table.iter().eq(model.iter().map(|(prefix, value)| (*prefix, value))));
}

#[test]
fn a_table_that_comes_and_goes_leaves_nothing_behind() {
    let prefixes = Prefixes::default();
    let mut table = PrefixTable::new(&prefixes);
    for _ in 0..3 {
        for number in 0..10_000_u32 {
            table.insert(Prefix::host(Ipv4Addr::from_bits(number).into()), number);
        }
        for number in 0..10_000_u32 {
            assert_eq!(table.remove(Prefix::host(Ipv4Addr::from_bits(number).into())), Some(number));
        }
        assert_eq!((table.len(), prefixes.v4.len()), (0, 0));
    }
}

#[test]
fn what_goes_in_the_order_in_which_it_came_is_hardly_searched_for() {
    let prefixes = Prefixes::default();
    let mut table = PrefixTable::new(&prefixes);
    let scattered = |number: u32| Prefix::host(Ipv4Addr::from_bits(number.wrapping_mul(0x9e37_79b1)).into());
    let (first, second): (Vec<Prefix>, Vec<Prefix>) =
        ((0..5_000).map(scattered).collect(), (5_000..10_000).map(scattered).collect());
    let searched = |asked: &[Prefix]| {
        let (mut spots, mut searched) = (asked.iter().copied().map(Spot::from).collect::<Vec<_>>(), 0);
        prefixes.look_up(|finder| searched = finder.find(&mut spots));
        (searched, spots)
    };
    first.iter().for_each(|prefix| _ = table.insert(*prefix, 1));
    let (count, spots) = searched(&first);
    assert!(count <= 16 && spots.iter().all(|spot| table.get(*spot) == Some(&1)), "{count} of 5,000 were searched for");
    let backwards: Vec<Prefix> = first.iter().rev().copied().collect();
    let (count, spots) = searched(&backwards);
    assert!(count == 5_000 && spots.iter().all(|spot| table.get(*spot) == Some(&1)));
    // Once others have their numbers, nobody stands behind anybody as before.
    first.iter().for_each(|prefix| _ = table.remove(*prefix));
    second.iter().for_each(|prefix| _ = table.insert(*prefix, 2));
    let (count, spots) = searched(&first);
    assert!(count == 5_000 && spots.iter().all(|spot| spot.number().is_none() && table.get(*spot).is_none()));
}
