//! Laws of the tables: balance, little disruption, agreement, and the paper's own procedure as the model.

#![allow(clippy::expect_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const SLOTS: u32 = 65_537;
const SMALL: u32 = 251;

fn turn(number: u16, weight: u32) -> Turn {
    let [high, low] = number.to_be_bytes();
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, high, low));
    Turn { seed: Seed::of_parts(address, Way::L2), weight, number }
}

fn equal(numbers: std::ops::RangeInclusive<u16>) -> Vec<Turn> {
    numbers.map(|number| turn(number, 1)).collect()
}

fn shares(table: &[u16]) -> BTreeMap<u16, u32> {
    let mut shares = BTreeMap::new();
    for number in table {
        *shares.entry(*number).or_insert(0) += 1;
    }
    shares
}

/// The procedure as the paper has it, with whole permutations and turns in a queue.
fn model(turns: &[Turn], slots: u32) -> Option<Vec<u16>> {
    let mut turns: Vec<Turn> = turns.iter().copied().filter(|turn| turn.weight > 0).collect();
    turns.sort_unstable();
    turns.dedup_by_key(|turn| turn.seed);
    let largest = u64::from(turns.iter().map(|turn| turn.weight).max()?);
    let mut table: Vec<Option<u16>> = vec![None; slots as usize];
    let permutations: Vec<Vec<u32>> = turns
        .iter()
        .map(|turn| {
            let (offset, skip) = turn.seed.permutation(slots);
            (0..slots).map(|step| (offset + step * skip) % slots).collect()
        })
        .collect();
    let mut round = 0_u64;
    loop {
        for (turn, permutation) in turns.iter().zip(&permutations) {
            let turns_after = |rounds: u64| (rounds * u64::from(turn.weight)).div_ceil(largest);
            if turns_after(round + 1) == turns_after(round) {
                continue;
            }
            let free = permutation.iter().find(|slot| table.get(**slot as usize) == Some(&None));
            if let Some(place) = free.and_then(|slot| table.get_mut(*slot as usize)) {
                *place = Some(turn.number);
            }
            if table.iter().all(Option::is_some) {
                return table.into_iter().collect();
            }
        }
        round += 1;
    }
}

#[test]
fn shares_are_within_a_percent_of_the_ideal() {
    for count in [1, 2, 3, 4, 8, 10, 16, 100] {
        let table = fill(&equal(1..=count), SLOTS).expect("members");
        let ideal = f64::from(SLOTS) / f64::from(count);
        for (number, share) in shares(&table) {
            assert!((f64::from(share) / ideal - 1.0).abs() <= 0.01, "{number} of {count} has {share} of {ideal}");
        }
    }
}

#[test]
fn shares_follow_the_weights() {
    let weights = [1, 1, 2, 5, 10, 100, 256];
    let turns: Vec<Turn> = (1..).zip(weights).map(|(number, weight)| turn(number, weight)).collect();
    let shares = shares(&fill(&turns, SLOTS).expect("members"));
    let sum = f64::from(weights.iter().sum::<u32>());
    for turn in turns {
        let ideal = f64::from(SLOTS) * f64::from(turn.weight) / sum;
        let share = f64::from(*shares.get(&turn.number).expect("a share"));
        assert!((share - ideal).abs() <= 2.0, "weight {}: {share} of {ideal}", turn.weight);
    }
}

#[test]
fn whoever_has_a_weight_has_a_slot_and_whoever_has_none_has_none() {
    let table = fill(&[turn(1, u32::MAX), turn(2, 1), turn(3, 0)], SLOTS).expect("members");
    assert_eq!(shares(&table), BTreeMap::from([(1, SLOTS - 1), (2, 1)]));
    assert_eq!(fill(&[turn(3, 0)], SLOTS), None);
    assert_eq!(fill(&[], SLOTS), None);
    assert_eq!(fill(&equal(1..=2), 0), None);
}

#[test]
fn few_slots_of_others_change_hands_when_a_member_goes() {
    for (count, most) in [(3, 0.003), (10, 0.007), (100, 0.008)] {
        let before = fill(&equal(1..=count), SLOTS).expect("members");
        let after = fill(&equal(2..=count), SLOTS).expect("members");
        let moved = before.iter().zip(&after).filter(|(before, after)| **before != 1 && before != after).count();
        let part = f64::from(u32::try_from(moved).expect("fits")) / f64::from(SLOTS);
        assert!(part <= most, "{part} of {count}");
    }
}

#[test]
fn a_tunnel_of_another_router_is_the_same_backend_and_another_port_is_not() {
    let [ours, theirs] = ["192.0.2.1", "192.0.2.2"].map(|source| source.parse::<IpAddr>().expect("an address"));
    let node = IpAddr::from([198, 51, 100, 7]);
    let seed = |way| Seed::of_parts(node, way);
    assert_eq!(seed(Way::Gue { source: ours, port: 6080 }), seed(Way::Gue { source: theirs, port: 6080 }));
    assert_ne!(seed(Way::Gue { source: ours, port: 6080 }), seed(Way::Gue { source: ours, port: 6081 }));
    assert_ne!(seed(Way::Nat { port: Some(80) }), seed(Way::Nat { port: None }));
    assert_ne!(seed(Way::L2), seed(Way::Ipip { source: ours }));
}

#[test]
fn the_table_of_a_set_is_for_ever_the_same() {
    // Routers of different releases have to agree: who changes these changes what all of a network's routers choose.
    let table = fill(&equal(1..=5), SMALL).expect("members");
    assert_eq!(table.get(..12), Some(&[2_u16, 5, 1, 4, 1, 3, 1, 5, 5, 5, 2, 1][..]));
}

proptest! {
    #[test]
    fn a_table_is_what_the_paper_says_in_whatever_order_members_stand(
        members in vec((1_u16..300, 0_u32..40), 1..24),
        rotation in 0_usize..24,
        slots in prop::sample::select(vec![7_u32, 31, SMALL, 1021]),
    ) {
        let mut turns: Vec<Turn> =
            members.iter().copied().collect::<BTreeMap<_, _>>().into_iter().map(|(number, weight)| turn(number, weight)).collect();
        let table = fill(&turns, slots);
        prop_assert_eq!(&table, &model(&turns, slots));
        let rotation = rotation % turns.len();
        turns.rotate_left(rotation);
        turns.reverse();
        prop_assert_eq!(table, fill(&turns, slots));
    }

    #[test]
    fn an_inverse_undoes_its_step(step in 1_u32..SLOTS) {
        prop_assert_eq!(u64::from(step) * inverse(step, SLOTS) % u64::from(SLOTS), 1);
    }
}
